"""The questions of the measurement, and the proof that both sides give the same features to each."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote

import mapbox_vector_tile

from cop_bench.data import INCIDENTS, Box, Prepared
from cop_bench.load import LoadFailed, Reply

Kind = Literal["features", "feature", "tile"]
ZOOM = 14
VARIANTS = 64
_TILES_FROM = (114.02, 22.44)  # longitude, latitude of the north-western tile
_CQL2 = "category IN ('flood','landslide') AND major = false"
_EXTENT = 4096


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of question, asked of both sides with the same paths. `target` is the least ratio wanted, if any.

    The paths differ a little, so that no two connections ask the same at once: COP would answer them with one
    piece of work.
    """

    id: str
    title: str
    paths: tuple[str, ...]
    kind: Kind = "features"
    target: float | None = None

    @property
    def samples(self) -> tuple[str, ...]:
        """The paths whose answers are compared: the first, one in the midst, the last."""
        return self.paths[0], self.paths[len(self.paths) // 2], self.paths[-1]


@dataclass(frozen=True, slots=True)
class Extra:
    """A question asked of COP alone: from its cache, compressed, or with the ETag it gave before."""

    case: str
    title: str
    headers: Mapping[str, str] = field(default_factory=dict)
    known: bool = False


def cases(prepared: Prepared) -> list[Case]:
    """The cases over a loaded database. F1 to F6 and T2 are named as in earlier measurements of peers."""
    incidents = "/collections/incidents/items?f=json&"
    two = f"{incidents}limit=100&category=flood&status=responding&"
    cql2 = f"{incidents}limit=100&filter-lang=cql2-text&filter={quote(_CQL2)}&"
    return [
        Case("F1", f"10 of {INCIDENTS:,} incidents", _offsets(f"{incidents}limit=10&"), target=10),
        Case("F2", f"1,000 of {INCIDENTS:,} incidents", _offsets(f"{incidents}limit=1000&"), target=10),
        Case("F3", "incidents in 1/100 of the area", _boxes(f"{incidents}limit=1000&", prepared.box)),
        Case("F4", "one incident", _items(prepared.incidents), kind="feature"),
        Case("F5", "two properties, limit 100", _offsets(two)),
        Case("F7", "CQL2 text, limit 100", _offsets(cql2)),
        Case("F6", "10,000 polygons", _offsets("/collections/slopes/items?f=json&limit=10000&"), target=20),
        Case("T2", f"a tile of slopes at zoom {ZOOM}", _tiles(), kind="tile", target=500),
    ]


def _offsets(start: str) -> tuple[str, ...]:
    """One feature further each time: what has to be stepped over stays too little to weigh."""
    return tuple(f"{start}offset={number}" for number in range(VARIANTS))


def _boxes(start: str, box: Box) -> tuple[str, ...]:
    """The box, and its like a few metres further each time."""
    moves = (number * 0.00005 for number in range(VARIANTS))
    return tuple(f"{start}bbox={box.moved(east)}" for east in moves)


def _items(ids: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"/collections/incidents/items/{one}?f=json" for one in ids[:VARIANTS])


def _tiles() -> tuple[str, ...]:
    """Eight by eight tiles in the midst of the slopes, which lie evenly."""
    lon, lat = _TILES_FROM
    edge = 2**ZOOM
    col = int((lon + 180) / 360 * edge)
    row = int((1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * edge)
    set_ = f"/collections/slopes/tiles/WebMercatorQuad/{ZOOM}"
    return tuple(f"{set_}/{row + down}/{col + across}?f=mvt" for down in range(8) for across in range(8))


EXTRAS = (
    Extra("F1", "10 incidents, kept answer"),
    Extra("F1", "10 incidents, 304", known=True),
    Extra("F2", "1,000 incidents, kept answer"),
    Extra("F2", "1,000 incidents, kept in gzip", {"Accept-Encoding": "gzip"}),
    Extra("F6", "10,000 polygons, kept answer"),
    Extra("F6", "10,000 polygons, kept in gzip", {"Accept-Encoding": "gzip"}),
    Extra("T2", "tile of slopes, kept answer"),
    Extra("T2", "tile of slopes, 304", known=True),
)


def same_features(case: Case, stock: Reply, cop: Reply) -> int:
    """How many features both answers hold.

    Raises LoadFailed where they hold different ones: then the rates could not be compared.
    """
    for side, reply in (("stock", stock), ("COP", cop)):
        if reply.status != 200:
            raise LoadFailed(f"{case.id}: {side} answered {reply.status}: {reply.body[:500]!r}")
    theirs, ours = _ids(case.kind, stock.body), _ids(case.kind, cop.body)
    if theirs != ours or not ours:
        only = sorted(theirs - ours)[:3], sorted(ours - theirs)[:3]
        raise LoadFailed(
            f"{case.id}: stock has {len(theirs)}, COP {len(ours)} features; only there {only[0]}, {only[1]}"
        )
    return len(ours)


def _ids(kind: Kind, body: bytes) -> set[str]:
    if kind == "tile":
        return _ids_of_tile(body)
    document = json.loads(body)
    if kind == "feature":
        return {str(document["id"])}
    ids = {str(feature["id"]) for feature in document["features"]}
    if len(ids) != document["numberReturned"]:
        raise LoadFailed(f"numberReturned is {document['numberReturned']}, and there are {len(ids)} features")
    return ids


def _ids_of_tile(body: bytes) -> set[str]:
    """Features that lie in the tile proper: what the two sides draw beyond its edge differs on purpose."""
    decoded: dict[str, Any] = mapbox_vector_tile.decode(body)
    features = [feature for layer in decoded.values() for feature in layer["features"]]
    return {str(feature["properties"]["id"]) for feature in features if _reaches_inside(feature["geometry"])}


def _reaches_inside(geometry: Mapping[str, Any]) -> bool:
    corners = list(_corners(geometry["coordinates"]))
    xs, ys = [x for x, _ in corners], [y for _, y in corners]
    return min(xs) < _EXTENT and max(xs) > 0 and min(ys) < _EXTENT and max(ys) > 0


def _corners(part: Any) -> list[tuple[float, float]]:
    if isinstance(part[0], (int, float)):
        return [(part[0], part[1])]
    return [corner for inner in part for corner in _corners(inner)]
