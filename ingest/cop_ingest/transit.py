"""Stations and stops whose lists need a hand: New Lantao Bus by route, the MTR's stations without coordinates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import shapely
from shapely.geometry import MultiPoint, Point

from cop.catalogue.models import Layer
from cop.errors import LoadRefused
from cop_ingest import grid
from cop_ingest.geometry import to_wkb
from cop_ingest.jsonlist import load_json
from cop_ingest.records import Parsed, Record, Refusal, id_from_value, refuse
from cop_ingest.texts import decode, matching_form, read_table, tidy

_STATION_COLUMNS = ("Line Code", "Station Code", "Station ID", "Chinese Name", "English Name")


def read_nlb_stops(layer: Layer, path: Path) -> Parsed:
    """The stops of New Lantao Bus, each once, from lists of stops by route: {groups: [{routeId, stops: [...]}]}.

    A stop takes names and position from its first mention; `routes` are all that serve it, in the list's order.
    Coordinates are texts in WGS 84. A mention that says another position is remarked.
    """
    document = load_json(path)
    try:
        mentions = [(str(group["routeId"]), dict(stop)) for group in document["groups"] for stop in group["stops"]]
    except (TypeError, KeyError, ValueError) as exc:
        raise LoadRefused(
            f"{path.name}: there are no stops by route ({exc!r}); wanted groups of routeId, stops"
        ) from exc
    stops: dict[str, _Stop] = {}
    refusals: list[Refusal] = []
    for ordinal, (route, mention) in enumerate(mentions, 1):
        try:
            stop_id, position = id_from_value(mention.get("stopId") or ""), _lon_lat(mention)
            if not stop_id:
                raise ValueError("stopId: is missing; it is the layer's key")
        except ValueError as exc:
            refusals.append(refuse(ordinal, str(exc), mention))
            continue
        stops.setdefault(stop_id, _Stop(mention, position)).seen_on(route, position)
    return Parsed([stop.record(layer, stop_id) for stop_id, stop in stops.items()], refusals)


@dataclass(slots=True)
class _Stop:
    first: Mapping[str, Any]
    position: tuple[float, float]
    routes: list[str] = field(default_factory=list)
    remarks: set[str] = field(default_factory=set)

    def seen_on(self, route: str, position: tuple[float, float]) -> None:
        if route not in self.routes:
            self.routes.append(route)
        if position != self.position:
            self.remarks.add(f"route {route} gives the position {position[0]}, {position[1]}; the first is shown")

    def record(self, layer: Layer, stop_id: str) -> Record:
        known = {
            "stop_id": stop_id,
            "name_en": tidy(self.first.get("stopName_e")),
            "name_zh": tidy(self.first.get("stopName_c")),
            "location_en": tidy(self.first.get("stopLocation_e")),
            "location_zh": tidy(self.first.get("stopLocation_c")),
            "routes": self.routes,
        }
        return Record(stop_id, _in_columns(layer, known), to_wkb(Point(self.position)), tuple(sorted(self.remarks)))


def _lon_lat(mention: Mapping[str, Any]) -> tuple[float, float]:
    written = mention.get("longitude"), mention.get("latitude")
    try:
        lon, lat = float(str(written[0])), float(str(written[1]))
    except ValueError:
        raise ValueError(f"longitude and latitude: found {written[0]!r} and {written[1]!r}, wanted numbers") from None
    if not (grid.within(lon, grid.LONGITUDES) and grid.within(lat, grid.LATITUDES)):
        raise ValueError(f"longitude and latitude: found {lon:g} and {lat:g}; {grid.WANTED}")
    return lon, lat


def read_mtr_stations(layer: Layer, path: Path) -> Parsed:
    """The MTR's stations by code, from the list of lines; placed in the middle of their exits (`source.more`).

    The list has a row a line, direction and station, blank rows at its end, several numbers for a station of several
    lines, and no coordinates. Exits are found by either name, for one list misspells a name here and there: the exits'
    name is then shown, with a remark. A station without exits has no position, and a remark says so.
    """
    rows = _station_rows(path)
    exits = _exits(path.parent / layer.source.more[0])
    by_code: dict[str, list[dict[str, str]]] = defaultdict(list)
    refusals: list[Refusal] = []
    for ordinal, row in rows:
        if id_from_value(row["Station Code"]):
            by_code[row["Station Code"]].append(row)
        else:
            refusals.append(refuse(ordinal, "Station Code: is missing; it is the layer's key", row))
    return Parsed([_station(layer, code, told, exits) for code, told in by_code.items()], refusals)


def _station_rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    try:
        table = read_table(decode(path.read_bytes(), path.name), path.name)
    except OSError as exc:
        raise LoadRefused(f"{path.name}: cannot be read: {exc.strerror}; check the file and its rights") from exc
    missing = [name for name in _STATION_COLUMNS if name not in table.header]
    if missing:
        raise LoadRefused(f"{path.name}: no column {', '.join(missing)}; it has {', '.join(table.header)}")
    # The published list ends in rows of commas only, which read_table passes over.
    return [
        (line, dict(zip(table.header, row, strict=False))) for line, row in table.rows if len(row) >= len(table.header)
    ]


@dataclass(frozen=True, slots=True)
class _Exits:
    """A station's exits: its names there, and their positions (lon, lat)."""

    name_en: str
    name_zh: str
    positions: list[tuple[float, float]]


def _exits(path: Path) -> list[_Exits]:
    listed = load_json(path)
    found: dict[str, _Exits] = {}
    try:
        for one in listed:
            station = found.setdefault(one["name_en"], _Exits(one["name_en"], one["name_zh"], []))
            station.positions.append((float(one["lng"]), float(one["lat"])))
    except (TypeError, KeyError, ValueError) as exc:
        raise LoadRefused(f"{path.name}: is no list of exits ({exc!r}); wanted name_en, name_zh, lat, lng") from exc
    return list(found.values())


def _station(layer: Layer, code: str, rows: list[dict[str, str]], exits: Iterable[_Exits]) -> Record:
    name_en, name_zh = rows[0]["English Name"], rows[0]["Chinese Name"]
    mine = _matching(name_en, name_zh, exits)
    remarks = []
    if mine is None:
        remarks.append("no position: there are no exits of this station in the list")
    elif mine.name_en != name_en:
        remarks.append(f"name_en: the list of lines says {name_en}, the exits say {mine.name_en}, which is shown")
    lines = list(dict.fromkeys(row["Line Code"] for row in rows))
    known = {
        "code": code,
        "name_en": mine.name_en if mine else name_en,
        "name_zh": name_zh,
        "lines": lines,
        "interchange": len(lines) > 1,
        "station_ids": list(dict.fromkeys(row["Station ID"] for row in rows)),
        "exits": len(mine.positions) if mine else 0,
    }
    position = to_wkb(shapely.centroid(MultiPoint(mine.positions))) if mine else None
    return Record(id_from_value(code), _in_columns(layer, known), position, tuple(remarks))


def _matching(name_en: str, name_zh: str, exits: Iterable[_Exits]) -> _Exits | None:
    listed = list(exits)
    by_en = (one for one in listed if matching_form(one.name_en) == matching_form(name_en))
    by_zh = (one for one in listed if matching_form(one.name_zh) == matching_form(name_zh))
    return next(by_en, None) or next(by_zh, None)


def _in_columns(layer: Layer, known: Mapping[str, object]) -> dict[str, object]:
    return {column.name: known.get(column.name) for column in layer.columns}
