"""Drawers of roads, footways, tunnels and bridges, traffic aids and minibus routes: all from one network."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import shapely
from shapely.geometry import LineString, MultiLineString

from cop_ingest.places import PLACES, Place
from cop_ingest.territory.base import Drawer, Feature, Floats, Territory, in_degrees, to_metres
from cop_ingest.territory.ground import Road

_RANKS = {1: "expressway", 2: "trunk", 3: "district", 4: "local", 5: "path"}
_FOOTWAYS = 9000
_FOOTBRIDGES = 500
_AIDS = 8000
_MINIBUS_ROUTES = 160
_REGIONS = {
    **dict.fromkeys(("CW", "EST", "STH", "WC"), "HKI"),
    **dict.fromkeys(("KLC", "KT", "SSP", "WTS", "YTM"), "KLN"),
}


def _centreline(territory: Territory) -> Iterable[Feature]:
    roads = [road for road in territory.ground.roads if road.rank < 5]
    lines = in_degrees([road.line for road in roads])
    for number, (road, line) in enumerate(zip(roads, lines, strict=True), 1):
        yield (
            {
                "route_id": 900_000 + number,
                "street_ename": road.name_en,
                "street_cname": road.name_zh,
                "road_class": _RANKS[road.rank],
                "structure": road.structure or None,
                "length_m": round(road.line.length, 1),
            },
            line,
        )


def _tunnels_bridges(territory: Territory) -> Iterable[Feature]:
    roads = [road for road in territory.ground.roads if road.structure]
    for road, line in zip(roads, in_degrees([road.line for road in roads]), strict=True):
        yield (
            {
                "name_en": road.name_en,
                "name_zh": road.name_zh,
                "kind": road.structure,
                "length_m": round(road.line.length),
            },
            line,
        )


def _pedestrian_network(territory: Territory) -> Iterable[Feature]:
    """Footways beside streets, the paths of islands, and footbridges across main roads."""
    ground, draw = territory.ground, territory.draw("pedestrian_network")
    streets = [road for road in ground.roads if road.rank >= 4]
    chosen = draw.sample(streets, min(len(streets), territory.many(_FOOTWAYS)))
    sides = np.array([draw.choice((-7.0, 7.0)) for _ in chosen])
    sides[[road.rank == 5 for road in chosen]] = 0.5
    beside = shapely.offset_curve(np.array([road.line for road in chosen], dtype=object), sides)
    found = [
        (road, line, "path" if road.rank == 5 else "footway")
        for road, line in zip(chosen, beside, strict=True)
        if line.geom_type == "LineString" and line.length > 20 and ground.land_metres.contains(line)
    ]
    found += _footbridges(territory)
    middles = np.array([line.interpolate(0.5, normalized=True).coords[0] for _, line, _ in found])
    levels = ground.height(middles[:, 0], middles[:, 1])
    for number, ((road, _, kind), line, level) in enumerate(
        zip(found, in_degrees([line for _, line, _ in found]), levels, strict=True), 1
    ):
        yield (
            {
                "pedestrian_route_id": 700_000 + number,
                "feature_type": kind,
                "street_ename": road.name_en,
                "street_cname": road.name_zh,
                "level_m": round(float(level) + (5.5 if kind == "footbridge" else 0.0), 1),
            },
            line,
        )


def _footbridges(territory: Territory) -> list[tuple[Road, LineString, str]]:
    ground, draw = territory.ground, territory.draw("footbridges")
    roads = [road for road in ground.roads if road.rank <= 3 and road.name_en and not road.structure]
    found: list[tuple[Road, LineString, str]] = []
    for _ in range(territory.many(_FOOTBRIDGES)):
        road = draw.choice(roads)
        at, way = _along(road.line, draw.uniform(0, road.line.length))
        across = np.array([-way[1], way[0]]) * 22
        line = LineString(np.round([at - across, at + across], 1))
        if ground.land_metres.contains(line) and ground.crowd(at[None, :])[0] > 10:
            found.append((road, line, "footbridge"))
    return found


def _along(line: LineString, metres: float) -> tuple[Floats, Floats]:
    """The position so far along a line, and the direction there."""
    one, other = line.interpolate(metres), line.interpolate(min(metres + 8, line.length))
    if other.equals(one):
        one = line.interpolate(max(metres - 8, 0))
    at, way = np.array(one.coords[0]), np.array(other.coords[0]) - np.array(one.coords[0])
    return at, way / max(float(np.hypot(*way)), 1e-9)


def _traffic_aids(territory: Territory) -> Iterable[Feature]:
    """Signs beside roads as points, markings along them as lines."""
    ground, draw = territory.ground, territory.draw("traffic_aids")
    roads = [road for road in ground.roads if road.rank < 5 and not road.structure]
    weights = np.cumsum([road.line.length * (4 if road.rank <= 3 else 1) for road in roads]).tolist()
    found: list[tuple[str, Road, shapely.Geometry]] = []
    for _ in range(territory.many(_AIDS)):
        road = draw.choices(roads, cum_weights=weights)[0]
        start = draw.uniform(0, road.line.length)
        kind = draw.choices(("sign", "signal", "marking", "railing"), (50, 12, 28, 10))[0]
        at, way = _along(road.line, start)
        aside = np.array([-way[1], way[0]]) * (5.5 if kind != "marking" else 1.7)
        if kind in ("sign", "signal"):
            found.append((kind, road, shapely.Point(np.round(at + aside, 1))))
        else:
            end = at + aside + way * draw.uniform(12, 30)
            found.append((kind, road, LineString(np.round([at + aside, end], 1))))
    found = [one for one in found if ground.land_metres.contains(one[2])]
    for number, ((kind, road, _), shape) in enumerate(
        zip(found, in_degrees([shape for _, _, shape in found]), strict=True), 1
    ):
        yield (
            {
                "dtad_id": f"EX{number:06d}",
                "kind": kind,
                "street_ename": road.name_en,
                "street_cname": road.name_zh,
            },
            shape,
        )


def _minibus_routes(territory: Territory) -> Iterable[Feature]:
    """Routes along the network between neighbouring quarters, and back the same way."""
    ground, draw = territory.ground, territory.draw("minibus_routes")
    stops = [place for place in PLACES if place.district != "ILD"]
    spots = to_metres(np.array([(place.lon, place.lat) for place in stops]))
    nodes = ground.graph.nearest(spots)
    routes: list[tuple[Place, Place, LineString]] = []
    for _ in range(territory.many(_MINIBUS_ROUTES)):
        one = draw.randrange(len(stops))
        away = np.hypot(*(spots - spots[one]).T)
        near = [int(place) for place in np.nonzero((away > 900) & (away < 6500))[0]]
        other = draw.choice(near) if near else one
        way = ground.graph.path(nodes[one], nodes[other]) if nodes[one] != nodes[other] else None
        if way is not None:
            routes.append((stops[one], stops[other], way))
    lines = in_degrees([way for _, _, way in routes])
    for number, ((start, end, way), line) in enumerate(zip(routes, lines, strict=True), 1):
        for direction, (one_end, other_end) in ((1, (start, end)), (2, (end, start))):
            yield (
                {
                    "route_id": 2_900_000 + number,
                    "direction": direction,
                    "region": _REGIONS.get(start.district, "NT"),
                    "route": f"EX{number}",
                    "from_en": one_end.area_en,
                    "from_zh": one_end.area_zh,
                    "to_en": other_end.area_en,
                    "to_zh": other_end.area_zh,
                    "length_m": round(way.length, 1),
                },
                MultiLineString([line if direction == 1 else line.reverse()]),
            )


DRAWERS: dict[str, Drawer] = {
    "road_centreline": _centreline,
    "tunnels_bridges": _tunnels_bridges,
    "pedestrian_network": _pedestrian_network,
    "traffic_aids": _traffic_aids,
    "minibus_routes": _minibus_routes,
}
