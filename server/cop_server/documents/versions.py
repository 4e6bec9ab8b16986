"""A feature's versions as GeoJSON, after the versioned-features draft: one feature a version, the newest first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

import orjson

from cop.query.versions import Version, Versions, VersionsAsked
from cop_server.documents.links import GEOJSON, JSON, carrying, link


def versions_document(asked: VersionsAsked, found: Versions, url: str, given: Mapping[str, str]) -> bytes:
    """The page of versions. What GIS clients draw are the properties; all about the version stands beside them."""
    base = f"{url}/collections/{asked.layer.id}"
    item = f"{base}/items/{quote(asked.feature, safe='')}"
    links = [
        link(_address(f"{item}/versions", given), "self", GEOJSON, "This page"),
        link(f"{item}?f=json", "latest-version", GEOJSON, "The feature as it is now"),
        link(f"{base}?f=json", "collection", JSON, asked.layer.title.en),
    ]
    if found.next_before is not None:
        following = _address(f"{item}/versions", {**given, "before": str(found.next_before)})
        links.append(link(following, "next", GEOJSON, "Older versions"))
    document = {
        "type": "FeatureCollection",
        "numberMatched": found.matched,
        "numberReturned": len(found.versions),
        "links": links,
        "features": [_feature(asked.feature, item, version) for version in found.versions],
    }
    return orjson.dumps(carrying(document, url, given.get("mode")))


def _feature(id_: str, item: str, version: Version) -> dict[str, Any]:
    about = {
        "feature": id_,
        "from": version.n,
        "to": version.n_to,
        "operation": version.operation,
        "at": _time(version.at),
        "told_at": _time(version.told_at),
        "actor": version.actor,
        "cause": version.cause,
        "changed": version.changed,
    }
    shown = version.feature or {"geometry": None, "properties": None}
    feature = {"type": "Feature", "id": f"{id_}@{version.n}", "geometry": shown["geometry"],
               "properties": shown["properties"], "version": about}  # fmt: skip
    if version.feature is None:
        return feature
    memento = link(f"{item}?asof={version.n}&f=json", "memento", GEOJSON, "The feature as of this version")
    return {**feature, "links": [memento]}


def _time(moment: datetime | None) -> str | None:
    """RFC 3339 in UTC, with fractions only where there are any, as in the records."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment is not None else None


def _address(base: str, given: Mapping[str, str]) -> str:
    return f"{base}?{urlencode(given)}" if given else base
