"""The Transport Department's traffic camera lists: several files and formats of the same cameras, merged."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shapely.geometry import Point

from cop.catalogue.models import Layer
from cop.errors import LoadRefused
from cop_ingest import grid
from cop_ingest.geometry import to_wkb
from cop_ingest.records import Parsed, Record, Refusal, id_from_value, refuse
from cop_ingest.texts import decode, read_table, tidy
from cop_ingest.xmlsafe import fields_of, local_name, parse_xml

FLAGGED_FROM_M = 50.0
"""A camera whose two positions are further apart than this, in metres, is flagged."""

# Names in the older bilingual list, in lower case, and what the others call them.
_ALIASES = {
    "english-region": "region",
    "english-description": "description_en",
    "chinese-description": "description_zh",
}
_CJK = re.compile(r"[\u3400-\u9fff]")


@dataclass(frozen=True, slots=True)
class CameraList:
    """One list: the fields of each camera, in the list's order, and what could not be taken from it."""

    name: str
    cameras: list[dict[str, str]]
    refusals: list[Refusal] = field(default_factory=list)

    @property
    def richness(self) -> int:
        """How many different fields the list knows; the current CSV (with districts) knows most."""
        return len({name for camera in self.cameras for name in camera})


def read_cameras(layer: Layer, folder: Path) -> Parsed:
    """The cameras of all lists in a folder (.xml, .json, .csv), one record a camera, keyed by its own key.

    A field comes from the list with most fields that has it; lists with equally many rank by file name. Each
    camera has a position in the HK1980 grid and a longitude and latitude: the record uses the latter, keeps
    their distance in `position_gap_m`, and above 50 m says so in `position_flag`.

    Raises LoadRefused where the folder has no list or one of them cannot be read.
    """
    files = sorted(path for path in folder.glob("*") if path.suffix.lower() in (".xml", ".json", ".csv"))
    if not files:
        raise LoadRefused(f"{folder.name}: there is no camera list; wanted .xml, .json or .csv files in {folder}")
    lists = [parse_camera_list(_bytes(path), path.name) for path in files]
    return merge_cameras(layer, lists)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as exc:
        raise LoadRefused(f"{path.name}: cannot be read: {exc.strerror}; check the file and its rights") from exc


def parse_camera_list(body: bytes, name: str) -> CameraList:
    """One list from its bytes, which decide everything: XML, JSON or a separated table; UTF-8 or UTF-16.

    The current CSV is UTF-16LE with two byte-order marks and tabs. Names come out in lower case; a Chinese
    `description` comes out as `description_zh`. Raises LoadRefused where the body is none of these.
    """
    text = decode(body, name)
    start = text.lstrip()[:1]
    if start == "<":
        rows = _xml_rows(text, name)
    elif start in ("[", "{"):
        rows = _json_rows(text, name)
    else:
        rows = _table_rows(text, name)
    return _checked(name, rows)


def _xml_rows(text: str, name: str) -> list[dict[str, str]]:
    # The text is decoded already; a declaration that names another encoding would be read again.
    root = parse_xml(re.sub(r"^\s*<\?xml[^>]*\?>", "", text).encode(), name)
    return [fields_of(image) for image in root if local_name(image) == "image"]


def _json_rows(text: str, name: str) -> list[dict[str, str]]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise LoadRefused(f"{name}: is not JSON: {exc}; fetch the file again") from exc
    if not isinstance(found, list):
        raise LoadRefused(f"{name}: is a JSON {type(found).__name__}; wanted an array of cameras")
    return [_texts(camera) if isinstance(camera, dict) else {} for camera in found]


def _texts(camera: Mapping[str, Any]) -> dict[str, str]:
    return {str(name): "" if value is None else str(value) for name, value in camera.items()}


def _table_rows(text: str, name: str) -> list[dict[str, str]]:
    table = read_table(text, name)
    if "key" not in (column.lower() for column in table.header):
        raise LoadRefused(f"{name}: the columns are {', '.join(table.header[:12])}; wanted key, easting, northing, …")
    return [dict(zip(table.header, row, strict=False)) for _, row in table.rows]


def _checked(name: str, rows: Iterable[Mapping[str, str]]) -> CameraList:
    listed = CameraList(name, [])
    seen: dict[str, int] = {}
    for ordinal, row in enumerate(rows, 1):
        camera = _camera(row)
        key = camera.get("key")
        if not key or not id_from_value(key):
            listed.refusals.append(refuse(ordinal, f"{name}: there is no key", dict(row)))
        elif key in seen:
            listed.refusals.append(refuse(ordinal, f"{name}: the key {key} repeats number {seen[key]}", dict(row)))
        else:
            seen[key] = ordinal
            listed.cameras.append(camera)
    return listed


def _camera(row: Mapping[str, str]) -> dict[str, str]:
    camera = {}
    for name, value in row.items():
        lower = name.lower()
        # JSON may escape what no store takes: NUL and half characters.
        plain = tidy(value.replace("\0", "").encode("utf-8", "replace").decode())
        if plain is not None:
            camera[_ALIASES.get(lower, lower)] = plain
    description = camera.pop("description", None)
    if description is not None:
        camera["description_zh" if _CJK.search(description) else "description_en"] = description
    return camera


def merge_cameras(layer: Layer, lists: list[CameraList]) -> Parsed:
    """One record a camera from several lists; see read_cameras for which list a field comes from."""
    ranked = sorted(lists, key=lambda listed: (-listed.richness, listed.name))
    merged: dict[str, dict[str, str]] = {}
    for listed in ranked:
        for camera in listed.cameras:
            merged.setdefault(camera["key"], {}).update(
                {name: value for name, value in camera.items() if name not in merged[camera["key"]]}
            )
    parsed = Parsed([], [refusal for listed in lists for refusal in listed.refusals])
    for ordinal, camera in enumerate(merged.values(), 1):
        try:
            parsed.records.append(_record(layer, camera))
        except ValueError as exc:
            parsed.refusals.append(refuse(ordinal, f"camera {camera['key']}: {exc}", camera))
    return parsed


def _record(layer: Layer, camera: Mapping[str, str]) -> Record:
    east_north = _pair(camera, ("easting", "northing"), (grid.EASTINGS, grid.NORTHINGS))
    lon_lat = _pair(camera, ("longitude", "latitude"), (grid.LONGITUDES, grid.LATITUDES))
    gap = _gap_m(east_north, lon_lat)
    flag = _flag(gap)
    position = lon_lat or (grid.to_lon_lat(*east_north) if east_north else None)
    if position is None:
        raise ValueError("there is neither a grid position nor a longitude and latitude")
    known: dict[str, object] = {
        **camera,
        "easting": east_north[0] if east_north else None,
        "northing": east_north[1] if east_north else None,
        "position_gap_m": gap,
        "position_flag": flag,
    }
    properties = {column.name: known.get(column.name) for column in layer.columns}
    remarks = (flag,) if flag else ()
    if lon_lat is None:
        remarks = (*remarks, "the position is the grid position; there is no longitude and latitude")
    return Record(id_from_value(camera["key"]), properties, to_wkb(Point(position)), remarks)


def _pair(
    camera: Mapping[str, str], names: tuple[str, str], limits: tuple[tuple[float, float], tuple[float, float]]
) -> tuple[float, float] | None:
    written = [camera.get(name, "") for name in names]
    if not any(written):
        return None
    try:
        first, second = (float(unicodedata.normalize("NFKC", text)) for text in written)
    except ValueError:
        raise ValueError(f"{' and '.join(names)}: found {' and '.join(map(repr, written))}, wanted numbers") from None
    if not (grid.within(first, limits[0]) and grid.within(second, limits[1])):
        raise ValueError(f"{' and '.join(names)}: found {first:g} and {second:g}; {grid.WANTED}")
    return first, second


def _gap_m(east_north: tuple[float, float] | None, lon_lat: tuple[float, float] | None) -> float | None:
    if east_north is None or lon_lat is None:
        return None
    return round(math.dist(east_north, grid.to_east_north(*lon_lat)), 2)


def _flag(gap: float | None) -> str | None:
    if gap is None or gap <= FLAGGED_FROM_M:
        return None
    distance = f"{gap / 1000:.1f} km" if gap >= 1000 else f"{gap:.0f} m"
    return f"grid position and longitude/latitude are {distance} apart; longitude/latitude is shown"
