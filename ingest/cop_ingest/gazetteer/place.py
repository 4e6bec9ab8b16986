"""From the words of a report to a position, the way that was taken, and how far off it may be.

The rules are tried from the most to the least exact: a number that names one thing, a house number, a distance along a
road, a crossing, a road by a landmark, the landmark, a road in a neighbourhood or district, the neighbourhood, the
district. A name that is ambiguous places nothing: several candidates that lie apart are no position. Distances are
metres in EPSG:2326.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import shapely
from shapely.geometry import Point
from shapely.geometry.base import BaseGeometry

from cop_ingest.gazetteer.chainage import along, chainage_in
from cop_ingest.gazetteer.index import Entry, Found, Index
from cop_ingest.gazetteer.names import is_chinese, key_of
from cop_ingest.grid import to_lon_lat

_DISTRICT_MARGIN = 300.0  # a road along a border belongs to both sides
_CROSSING = 60.0  # centre lines of roads that meet need not touch
_BY = 1500.0  # farther from its road, a landmark of that name is another one
_LARGEST = 3000.0  # less exact than this is not worth a point
_SAME = 300.0
_NUMBER_BEFORE = re.compile(r"(?:^|\s)(\d{1,4}[a-z]?)$")
_NUMBER_AFTER = re.compile(r"^(\d{1,4}[a-z]?)號")


@dataclass(frozen=True, slots=True)
class Placement:
    """A point (EPSG:4326, lon, lat), the radius in metres within which the true place lies, and how it was found."""

    point: Point
    method: Literal["geocoded", "district"]
    uncertainty_m: float
    why: str


@dataclass(frozen=True, slots=True)
class _Said:
    """What the texts name, kind by kind, after what lies outside the told district has been put aside."""

    index: Index
    numbers: tuple[Entry, ...]
    roads: tuple[Entry, ...]
    landmarks: tuple[Entry, ...]
    areas: tuple[Entry, ...]
    houses: tuple[Entry, ...]
    chainage_m: float | None
    district: Entry | None


def place(index: Index, texts: Sequence[str], district: str | None = None) -> Placement | None:
    """Where texts (any language) say that something is, or None where they do not say it well enough.

    `district` is the code of the district that was told beside them; names outside it are not believed.
    """
    said = _read(index, texts, index.districts.get(district) if district else None)
    for rule in _RULES:
        if (found := rule(said)) and found.uncertainty_m <= _LARGEST:
            return found
    return _of_district(said)


def _read(index: Index, texts: Sequence[str], district: Entry | None) -> _Said:
    founds = [found for text in texts for found in index.names_in(text)]

    def of(kind: str) -> tuple[Entry, ...]:
        """One entry a name: the candidates inside the district, where they agree on a place."""
        named = (
            _agreed([entry for entry in found.entries if entry.kind == kind and _is_meant(entry, found)], district)
            for found in founds
        )
        return tuple(dict.fromkeys(entry for entry in named if entry))

    houses = (_agreed(_houses(index, found), district) for found in founds)
    return _Said(
        index, of("number"), of("road"), of("landmark"), of("area"),
        tuple(entry for entry in houses if entry), chainage_in(texts), district,
    )  # fmt: skip


def _is_meant(entry: Entry, found: Found) -> bool:
    """Whether the words before a number say that it is one of this kind, where it needs them."""
    before = f" {found.before}".removesuffix(" no").removesuffix(" number")
    return not entry.after or before.endswith(tuple(word if is_chinese(word) else f" {word}" for word in entry.after))


def _agreed(entries: Iterable[Entry], district: Entry | None) -> Entry | None:
    """The first of the candidates where all of them mean about the same place."""
    near = [entry for entry in entries if district is None or district.shape.dwithin(entry.shape, _DISTRICT_MARGIN)]
    if near and all(near[0].shape.dwithin(other.shape, max(_SAME, other.within_m)) for other in near[1:]):
        return near[0]
    return None


def _houses(index: Index, found: Found) -> list[Entry]:
    """The addresses of the house number that stands beside a road's name, if any."""
    number = _NUMBER_AFTER.match(found.after) or _NUMBER_BEFORE.search(found.before)
    if not number or not any(entry.kind == "road" for entry in found.entries):
        return []
    return index.addresses.get((found.form, number[1]), [])


def _of_number(said: _Said) -> Placement | None:
    return _at(said.numbers[0], f"{said.numbers[0].name}") if said.numbers else None


def _of_house(said: _Said) -> Placement | None:
    return _at(said.houses[0], f"number {said.houses[0].number} of {said.houses[0].name}") if said.houses else None


def _of_chainage(said: _Said) -> Placement | None:
    """A distance along a road, by the posts at it; without posts it may count from either end."""
    if said.chainage_m is None:
        return None
    for road in (road for road in said.roads if road.chainage):
        if (found := along(road.shape, said.index.posts.get(key_of(road.name), []), said.chainage_m)) is not None:
            why = f"{said.chainage_m / 1000:g} km along {road.name}"
            return _placed(
                found.at, road.within_m + found.uncertainty_m, f"{why}, {found.doubt}" if found.doubt else why
            )
    return None


def _of_crossing(said: _Said) -> Placement | None:
    for one, other in combinations(said.roads, 2):
        between = shapely.shortest_line(one.shape, other.shape)
        if between.length <= _CROSSING:
            middle = between.centroid if between.length else Point(between.coords[0])
            return _placed(middle, one.within_m + other.within_m + between.length, f"{one.name} at {other.name}")
    return None


def _of_road_by_landmark(said: _Said) -> Placement | None:
    return _of_road_by(said, said.landmarks, "by")


def _of_landmark(said: _Said) -> Placement | None:
    return _at(said.landmarks[0], said.landmarks[0].name) if said.landmarks else None


def _of_road_by_area(said: _Said) -> Placement | None:
    return _of_road_by(said, said.areas, "in")


def _of_road_by(said: _Said, others: Sequence[Entry], word: str) -> Placement | None:
    pairs = [(road, other, road.shape.distance(other.shape)) for road in said.roads for other in others]
    if not pairs:
        return None
    road, other, distance = min(pairs, key=lambda pair: pair[2])
    if distance > _BY:
        return None
    nearest = shapely.shortest_line(road.shape, other.shape).coords[0]
    return _placed(Point(nearest), road.within_m + other.within_m + distance, f"{road.name} {word} {other.name}")


def _of_road(said: _Said) -> Placement | None:
    """The middle of a road, or of what lies of it in the district."""
    if not said.roads:
        return None
    road = said.roads[0]
    shape = (
        shapely.intersection(road.shape, said.district.shape.buffer(_DISTRICT_MARGIN)) if said.district else road.shape
    )
    lines = [line for line in shapely.get_parts(shape) if line.length] or [shape]
    longest = max(lines, key=lambda line: line.length)
    middle = shapely.line_interpolate_point(longest, 0.5, normalized=True)
    return _placed(middle, road.within_m + _radius(shape, middle), f"the middle of {road.name}")


def _of_area(said: _Said) -> Placement | None:
    return _at(said.areas[0], said.areas[0].name) if said.areas else None


def _of_district(said: _Said) -> Placement | None:
    if said.district is None:
        return None
    middle = shapely.point_on_surface(said.district.shape)
    return _placed(middle, _radius(said.district.shape, middle), said.district.name, "district")


_RULES: tuple[Callable[[_Said], Placement | None], ...] = (
    _of_number, _of_house, _of_chainage, _of_crossing, _of_road_by_landmark, _of_landmark, _of_road_by_area, _of_road,
    _of_area,
)  # fmt: skip


def _at(entry: Entry, why: str) -> Placement:
    middle = shapely.point_on_surface(entry.shape)
    return _placed(middle, entry.within_m + _radius(entry.shape, middle), why)


def _radius(shape: BaseGeometry, middle: Point) -> float:
    """The distance from a point to the farthest one of a shape."""
    return float(shapely.hausdorff_distance(shape, middle)) if shape.geom_type != "Point" else 0.0


def _placed(
    at: Point, uncertainty_m: float, why: str, method: Literal["geocoded", "district"] = "geocoded"
) -> Placement:
    return Placement(Point(*to_lon_lat(at.x, at.y)), method, float(round(uncertainty_m)), why)
