"""Drawers of buildings and their addresses: along the streets of towns, more and higher where more people live."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from cop_ingest.places import PLACES
from cop_ingest.territory.base import Drawer, Feature, Floats, Shapes, Territory, in_degrees, points
from cop_ingest.territory.ground import Ground, Road
from cop_ingest.territory.packing import apart, off_roads, rectangles

BUILDINGS = 50_000
ADDRESSES = 25_000
_KERB_M = 7.0
_SLOT_M = 23.5
_AREAS = {place.area_en: place.area_zh for place in PLACES}


@dataclass(frozen=True, eq=False)
class _Buildings:
    """Footprints (EPSG:2326), their middles, streets, heights in metres and storeys, ground levels, districts."""

    shapes: Shapes
    middles: Floats
    roads: list[Road]
    heights: Floats
    storeys: NDArray[np.int_]
    levels: Floats
    districts: NDArray[np.str_]


@lru_cache(maxsize=2)
def _built(territory: Territory) -> _Buildings:
    ground, chance = territory.ground, territory.numbers("buildings")
    wanted = territory.many(BUILDINGS)
    middles, ways, of = _slots(ground)
    crowd = ground.crowd(middles)
    # Every slot draws a number that says how early it is built on; crowded places come first.
    order = np.argsort(chance.exponential(size=len(middles)) / np.maximum(crowd, 0.5), kind="stable")
    order = order[: int(wanted * 2.2) + 200]
    along, across = chance.uniform(11, 21, len(order)), chance.uniform(11, 22, len(order))
    side = np.column_stack([-ways[order, 1], ways[order, 0]])
    centres = middles[order] + side * (_KERB_M + across[:, None] / 2)
    shapes = rectangles(centres, ways[order], along, across)
    fit = shapely.contains(ground.land_metres, shapes) & off_roads(ground, shapes, 5.0)
    fit &= ~shapely.intersects(ground.water, shapes)
    fit[fit] = apart(shapes[fit])
    kept = np.nonzero(fit)[0][:wanted]
    storeys = _storeys(crowd[order[kept]], chance)
    return _Buildings(
        shapes[kept], centres[kept], [ground.roads[int(of[place])] for place in order[kept]],
        np.round(storeys * 3.1 + 2, 1), storeys, np.round(ground.height(*centres[kept].T), 1),
        ground.codes_at(centres[kept]),
    )  # fmt: skip


def _slots(ground: Ground) -> tuple[Floats, Floats, NDArray[np.intp]]:
    """Places for houses on both sides of all streets: middle of the frontage, direction, and the street's place."""
    starts, ways, lengths, of = [], [], [], []
    for number, road in enumerate(ground.roads):
        if road.rank >= 4 or (road.rank == 3 and not road.structure):
            line = np.asarray(road.line.coords)
            step = np.diff(line, axis=0)
            starts.append(line[:-1])
            lengths.append(np.hypot(step[:, 0], step[:, 1]))
            ways.append(step)
            of.append(np.full(len(step), number))
    start, length, whose = np.vstack(starts), np.concatenate(lengths), np.concatenate(of)
    way = np.vstack(ways) / np.maximum(length, 1e-9)[:, None]
    found = []
    # Whole slots between one crossing and the next, the first a slot's width away from it.
    count = np.floor(length / _SLOT_M).astype(int) - 1
    for place in range(int(count.max(initial=0))):
        has = count > place
        shift = (length[has] - (count[has] - 1) * _SLOT_M) / 2 + place * _SLOT_M
        middle = start[has] + way[has] * shift[:, None]
        found += [(middle, way[has], whose[has]), (middle, -way[has], whose[has])]
    middles, directions, streets = (np.concatenate(part) for part in zip(*found, strict=True))
    return middles, directions, streets


def _storeys(crowd: Floats, chance: np.random.Generator) -> NDArray[np.int_]:
    usual = 1.6 + np.minimum(crowd, 500) / 26
    return np.clip(np.round(usual * np.exp(chance.normal(0, 0.45, len(crowd)))), 1, 62).astype(int)


def _buildings(territory: Territory) -> Iterable[Feature]:
    built = _built(territory)
    for number, shape in enumerate(in_degrees(built.shapes)):
        road, storeys = built.roads[number], int(built.storeys[number])
        height, level = float(built.heights[number]), float(built.levels[number])
        yield (
            {
                "building_id": f"EXB{number + 1:05d}",
                "name_en": f"Exercise Building {number + 1}",
                "name_zh": f"演習樓宇{number + 1}",
                "kind": "tower" if storeys > 11 else "block" if storeys > 3 else "house",
                "storeys": storeys,
                "height_m": height,
                "base_level_m": level,
                "top_level_m": round(level + height, 1),
                "street_ename": road.name_en,
                "street_cname": road.name_zh,
                "district": str(built.districts[number]) or None,
            },
            shape,
        )


def _addresses(territory: Territory) -> Iterable[Feature]:
    built = _built(territory)
    count = min(len(built.shapes), territory.many(ADDRESSES))
    # Houses in streets with a true name first; the rest by their made-up building names.
    order = sorted(range(len(built.shapes)), key=lambda number: (built.roads[number].name_en is None, number))[:count]
    numbers = _house_numbers(built)
    spots: Any = points(built.middles[order])
    for number, spot in zip(order, spots, strict=True):
        road = built.roads[number]
        area = road.area or None
        yield (
            {
                "address_id": f"EXA{number + 1:05d}",
                "building_id": f"EXB{number + 1:05d}",
                "number": str(numbers[number]) if road.name_en else None,
                "street_ename": road.name_en,
                "street_cname": road.name_zh,
                "area_en": area,
                "area_zh": _AREAS.get(road.area),
                "district": str(built.districts[number]) or None,
                "address_en": ", ".join(filter(None, (_house_en(road, numbers[number], number), area))),
                "address_zh": f"{_AREAS.get(road.area, '')}{_house_zh(road, numbers[number], number)}",
            },
            spot,
        )


def _house_en(road: Road, house: int, number: int) -> str:
    return f"{house} {road.name_en}" if road.name_en else f"Exercise Building {number + 1}"


def _house_zh(road: Road, house: int, number: int) -> str:
    return f"{road.name_zh}{house}號" if road.name_zh else f"演習樓宇{number + 1}"


def _house_numbers(built: _Buildings) -> list[int]:
    """Odd on the left of a street, even on the right, growing along it."""
    lines = np.array([road.line for road in built.roads], dtype=object)
    spots = shapely.points(built.middles)
    along = shapely.line_locate_point(lines, spots)
    ahead = shapely.line_interpolate_point(lines, along + 5), shapely.line_interpolate_point(lines, along - 5)
    (x1, y1), (x0, y0) = ((shapely.get_x(end), shapely.get_y(end)) for end in ahead)
    left = (x1 - x0) * (built.middles[:, 1] - y0) - (y1 - y0) * (built.middles[:, 0] - x0) > 0
    return [int(metres / 12) * 2 + (1 if is_left else 2) for metres, is_left in zip(along, left, strict=True)]


DRAWERS: dict[str, Drawer] = {"buildings": _buildings, "addresses": _addresses}
