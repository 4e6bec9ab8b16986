"""The questions of the measurement, and the proof that both sides give the same features to each."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote

import mapbox_vector_tile

from cop_bench.data import INCIDENTS, Prepared
from cop_bench.load import LoadFailed, Reply

Kind = Literal["features", "feature", "tile"]
ZOOM = 14
_TILE_AT = (114.1, 22.36)  # longitude, latitude: in the midst of the slopes
_EXTENT = 4096


@dataclass(frozen=True, slots=True)
class Case:
    """One question, asked of both sides with the same path. `target` is the least ratio wanted, None: no promise."""

    id: str
    title: str
    path: str
    kind: Kind = "features"
    target: float | None = None


@dataclass(frozen=True, slots=True)
class Extra:
    """A question asked of COP alone: from its cache, compressed, or with the ETag it gave before."""

    case: str
    title: str
    headers: Mapping[str, str] = field(default_factory=dict)
    known: bool = False


def cases(prepared: Prepared) -> list[Case]:
    """The cases over a loaded database. F1 to F6 and T2 are named as in earlier measurements of peers."""
    incidents = "/collections/incidents/items"
    cql2 = quote("category IN ('flood','landslide') AND major = true")
    return [
        Case("F1", f"10 of {INCIDENTS:,} incidents", f"{incidents}?f=json&limit=10", target=10),
        Case("F2", f"1,000 of {INCIDENTS:,} incidents", f"{incidents}?f=json&limit=1000", target=10),
        Case("F3", "incidents in 1/100 of the area", f"{incidents}?f=json&limit=1000&bbox={prepared.box}"),
        Case("F4", "one incident", f"{incidents}/{prepared.incident}?f=json", kind="feature"),
        Case("F5", "two properties, limit 100", f"{incidents}?f=json&limit=100&category=flood&status=responding"),
        Case("F7", "CQL2 text, limit 100", f"{incidents}?f=json&limit=100&filter-lang=cql2-text&filter={cql2}"),
        Case("F6", "10,000 polygons", "/collections/slopes/items?f=json&limit=10000", target=20),
        Case("T2", f"a tile of slopes at zoom {ZOOM}", _tile_path(), kind="tile", target=500),
    ]


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


def _tile_path() -> str:
    lon, lat = _TILE_AT
    edge = 2**ZOOM
    col = int((lon + 180) / 360 * edge)
    row = int((1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * edge)
    return f"/collections/slopes/tiles/WebMercatorQuad/{ZOOM}/{row}/{col}?f=mvt"


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
