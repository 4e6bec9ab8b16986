"""Spots beside the road network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry import Polygon

from cop_ingest.places import Place
from cop_ingest.territory.base import Floats, Territory, to_degrees, to_metres
from cop_ingest.territory.ground import Road
from cop_ingest.territory.placing import neighbours

MAIN = 2
"""Roads of this rank or a lower number are expressways, trunk and main roads."""

ISLAND = 5
"""The rank of the ways of islands that no road reaches."""

_KERB_M = 7.0


@dataclass(frozen=True, slots=True)
class Roadside:
    """A spot at a road: EPSG:2326 metres and WGS 84 degrees, the road's names, the street nearest to it, its district.

    `bearing` is that of the traffic that passes it, degrees from north.
    """

    easting: float
    northing: float
    lon: float
    lat: float
    name_en: str
    name_zh: str
    near: Place
    district: str
    bearing: float


def main_roadside(territory: Territory, count: int) -> list[Roadside]:
    """About `count` spots at even distances along the main roads in the open, in turn for one and the other way."""
    roads = [road for road in territory.ground.roads if road.rank <= MAIN and not road.structure]
    return _every(territory, roads, count)


def district_roadside(territory: Territory, count: int) -> list[Roadside]:
    """The same along district roads too."""
    roads = [road for road in territory.ground.roads if road.rank <= MAIN + 1 and not road.structure]
    return _every(territory, roads, count)


def roads_within(territory: Territory, box: tuple[float, float, float, float], count: int) -> list[Roadside]:
    """About `count` spots at even distances along the roads inside a box (west, south, east, north in degrees)."""
    west, south, east, north = box
    corners = np.array([(west, south), (east, south), (east, north), (west, north)])
    area = Polygon(to_metres(corners))
    driven = [road for road in territory.ground.roads if road.rank < ISLAND and not road.structure]
    roads = [road for road in driven if area.contains(road.line)]
    return _every(territory, roads, count)


def _every(territory: Territory, roads: Sequence[Road], count: int) -> list[Roadside]:
    ends = np.cumsum([road.line.length for road in roads])
    along = (np.arange(count) + 0.5) * float(ends[-1]) / count
    which = np.searchsorted(ends, along)
    chosen = [roads[number] for number in which]
    measures = along - np.concatenate([[0.0], ends])[which]
    return list(_beside(territory, chosen, measures))


def at_roads(territory: Territory, east_north: Floats) -> list[Roadside]:
    """The spots at the roads that are nearest to positions (n, 2) in EPSG:2326, one for each but those at sea."""
    in_the_open = [road for road in territory.ground.roads if not road.structure]
    tree = shapely.STRtree([road.line for road in in_the_open])
    roads = [in_the_open[int(number)] for number in np.asarray(tree.nearest(shapely.points(east_north)))]
    measures = shapely.line_locate_point([road.line for road in roads], shapely.points(east_north))
    return list(_beside(territory, roads, measures))


def _beside(territory: Territory, roads: Sequence[Road], measures: Floats) -> Iterator[Roadside]:
    lines = [road.line for road in roads]
    lengths = shapely.length(lines)
    here = shapely.get_coordinates(shapely.line_interpolate_point(lines, measures))
    back = shapely.get_coordinates(shapely.line_interpolate_point(lines, np.maximum(measures - 15, 0)))
    ahead = shapely.get_coordinates(shapely.line_interpolate_point(lines, np.minimum(measures + 15, lengths)))
    way = ahead - back
    way = np.where((np.arange(len(way)) % 2 == 0)[:, None], way, -way)
    way /= np.maximum(np.hypot(*way.T), 1e-9)[:, None]
    kerbs = here + _KERB_M * np.column_stack([-way[:, 1], way[:, 0]])
    degrees = to_degrees(kerbs)
    codes = territory.ground.district_of(degrees[:, 0], degrees[:, 1])
    bearings = np.degrees(np.arctan2(way[:, 0], way[:, 1])) % 360
    for number, (road, near) in enumerate(zip(roads, neighbours(kerbs), strict=True)):
        if codes[number]:
            yield Roadside(
                easting=float(kerbs[number, 0]),
                northing=float(kerbs[number, 1]),
                lon=float(degrees[number, 0]),
                lat=float(degrees[number, 1]),
                name_en=road.name_en or near.street_en,
                name_zh=road.name_zh or near.street_zh,
                near=near,
                district=str(codes[number]),
                bearing=float(bearings[number]),
            )
