"""Fetch a feature type of a WFS 2.0 page by page, as CSDI serves it: GeoJSON, at most 10,000 features a page.

`outputFormat` is `geojson` there, `count` and `startIndex` page, `resultType=hits` tells `numberMatched`. Pages are
kept as they come, so that a walk that was cut goes on with the page it stopped at.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from cop.catalogue.models import Published
from cop.errors import LoadRefused
from cop_ingest.published.checks import check_start
from cop_ingest.published.keeping import FileNote, sha256_of, write_whole
from cop_ingest.published.web import TryAgain, Web

_GRID = {"type": "name", "properties": {"name": "EPSG:2326"}}


@dataclass(frozen=True, slots=True)
class _Walk:
    """One walk through a feature type: its address and name, how many features there are, where its pages lie."""

    address: str
    feature_type: str
    crs: int
    matched: int | None
    folder: Path


def fetch_features(web: Web, published: Published, folder: Path) -> FileNote:
    """All features of a WFS' type in one GeoJSON file in the folder.

    A walk that an earlier run began goes on where it stopped, as long as the server still counts as many features.
    Raises LoadRefused where the service does not know the type, an answer is no page, or the pages are not all.
    """
    name = published.layer or _only_type(web, published.address)
    matched = _matched(web, published.address, name)
    if matched == 0:
        raise LoadRefused(f"{published.address}: {name} has no features; check source.published in the layer's file")
    walk = _Walk(published.address, name, published.crs, matched, folder / "pages")
    _go_on_or_begin(walk)
    pages = list(_pages(web, walk))
    total = sum(count for _, count in pages)
    if matched is not None and total != matched:
        _forget(walk)
        raise LoadRefused(
            f"{published.address}: {name}: numberMatched is {matched:,} and {total:,} features came; "
            "the data changed on the way, or a page is missing: fetch it again"
        )
    whole = folder / f"{re.sub(r'[^A-Za-z0-9_.-]+', '-', name.rpartition(':')[2]) or 'features'}.geojson"
    _join([page for page, _ in pages], whole)
    _forget(walk)
    return FileNote(whole.name, _query(walk.address, service="WFS", request="GetFeature", typenames=name),
                    whole.stat().st_size, sha256_of(whole))  # fmt: skip


def _query(address: str, **parameters: str | int) -> str:
    return f"{address}{'&' if '?' in address else '?'}{urlencode({**parameters, 'version': '2.0.0'}, safe=':')}"


def _text(web: Web, address: str) -> str:
    def ask() -> bytes:
        body = bytearray()
        with web.get(address) as answer:
            web.read(answer, address, body.extend)
        return bytes(body)

    body = web.retried(ask, address)
    check_start(body, address)
    return body.decode("utf-8", "replace")


def _only_type(web: Web, address: str) -> str:
    asked = _query(address, service="WFS", request="GetCapabilities")
    told = _text(web, asked)
    listed = re.findall(r"<(?:\w+:)?FeatureType\b[^>]*>.*?<(?:\w+:)?Name>\s*([^<\s]+)\s*</", told, re.DOTALL)
    if len(listed) == 1:
        return str(listed[0])
    raise LoadRefused(
        f"{address}: offers {', '.join(listed) or 'no feature type'}; "
        "name one in source.published.layer of the layer's file"
    )


def _matched(web: Web, address: str, name: str) -> int | None:
    """How many features there are; None where the server does not say."""
    told = _text(web, _query(address, service="WFS", request="GetFeature", typenames=name, resultType="hits"))
    found = re.search(r"numberMatched\W{1,4}(\d+)", told)
    return int(found[1]) if found else None


def _go_on_or_begin(walk: _Walk) -> None:
    mark = {"address": walk.address, "type": walk.feature_type, "matched": walk.matched, "crs": walk.crs}
    state = walk.folder / "walk.json"
    try:
        same = json.loads(state.read_text(encoding="utf-8")) == mark
    except (OSError, ValueError):
        same = False
    if not same:
        _forget(walk)
        walk.folder.mkdir(parents=True)
        write_whole(state, json.dumps(mark).encode())


def _forget(walk: _Walk) -> None:
    shutil.rmtree(walk.folder, ignore_errors=True)


def _pages(web: Web, walk: _Walk) -> Iterator[tuple[Path, int]]:
    """Each page's file and number of features, fetched where it is not here yet."""
    start = 0
    while walk.matched is None or start < walk.matched:
        page = walk.folder / f"{start:09d}.geojson"
        if not page.exists():
            body = _page(web, walk, start)
            write_whole(page, body)
        count = len(json.loads(page.read_bytes())["features"])
        if count == 0:
            page.unlink()
            return
        yield page, count
        # A server may give less at once than it was asked for.
        start += count


def _page(web: Web, walk: _Walk, start: int) -> bytes:
    asked = _query(
        walk.address, service="WFS", request="GetFeature", typenames=walk.feature_type, outputFormat="geojson",
        srsName=f"EPSG:{walk.crs}", count=web.manners.page, startIndex=start,
    )  # fmt: skip

    def ask() -> bytes:
        body = bytearray()
        with web.get(asked) as answer:
            web.read(answer, asked, body.extend)
        check_start(bytes(body[:4000]), asked)
        _check_page(bytes(body), asked)
        return bytes(body)

    return web.retried(ask, asked)


def _check_page(body: bytes, asked: str) -> None:
    try:
        document: Any = json.loads(body)
    except ValueError as exc:
        raise TryAgain(f"{asked}: the page is not whole JSON ({exc})") from exc
    if not (isinstance(document, dict) and isinstance(document.get("features"), list)):
        raise LoadRefused(f"{asked}: is no GeoJSON FeatureCollection; wanted outputFormat=geojson from the service")


def _join(pages: list[Path], whole: Path) -> None:
    """All pages' features in one collection.

    It names the first page's `crs`, or says EPSG:2326 where the page names none and its values are metres: without a
    name a GeoJSON means degrees.
    """
    with whole.open("w", encoding="utf-8") as file:
        for number, page in enumerate(pages):
            document = json.loads(page.read_bytes())
            if number == 0:
                crs = document.get("crs") or (_GRID if _is_metres(document["features"]) else None)
                head = {"type": "FeatureCollection"} | ({"crs": crs} if crs else {})
                file.write(json.dumps(head)[:-1] + ', "features": [\n')
            for place, feature in enumerate(document["features"]):
                file.write(("" if number == place == 0 else ",\n") + json.dumps(feature, ensure_ascii=False))
        file.write("\n]}\n")


def _is_metres(features: list[Any]) -> bool:
    for feature in features:
        found = (feature.get("geometry") or {}).get("coordinates")
        while isinstance(found, list) and found:
            found = found[0]
        if isinstance(found, int | float):
            return abs(found) > 360
    return False
