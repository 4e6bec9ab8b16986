"""Drawers of stations, stops, bus routes, cameras, detectors and car parks.

Stations carry true names, codes and approximate places. Stops, routes, cameras, detectors and car parks are made up:
their numbers begin with EX, and they are named after the road or street that they stand at.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import shapely
from shapely.geometry import LineString, MultiLineString, Point

from cop.catalogue import catalogue
from cop_ingest.territory import names_transport
from cop_ingest.territory.base import Drawer, Feature, Floats, Territory, in_degrees, to_degrees, to_metres
from cop_ingest.territory.named import Spot
from cop_ingest.territory.placing import address, ashore, lon_lat_of, neighbours, placed, where_people_live
from cop_ingest.territory.ways import Roadside, at_roads, main_roadside, roads_within

REGIONS: dict[str, str] = {
    **dict.fromkeys(("CW", "EST", "STH", "WC"), "Hong Kong Island"),
    **dict.fromkeys(("KLC", "KT", "SSP", "WTS", "YTM"), "Kowloon"),
    **dict.fromkeys(("ILD", "KC", "NTH", "SK", "ST", "TM", "TP", "TW", "YL"), "New Territories"),
}
"""Region by district."""

DETECTORS, CAMERAS, CAR_PARKS = 807, 210, 520
CTB_STOPS, MINIBUS_STOPS, NLB_STOPS, ROUTES = 2_575, 890, 290, 40
"""How many there are at full scale."""

_LANTAU = (113.84, 22.19, 114.04, 22.305)
_BOUND = (
    ("Northbound", "北行"), ("Eastbound", "東行"), ("Southbound", "南行"), ("Westbound", "西行"),
)  # fmt: skip
_POINTS = ("North", "North East", "East", "South East", "South", "South West", "West", "North West")


def _exits_of(territory: Territory, station: Spot) -> int:
    return territory.draw(f"mtr_exits/{station.more[0]}").randint(3, 8)


def mtr_stations(territory: Territory) -> Iterable[Feature]:
    """The stations of the heavy rail with their lines."""
    for spot, point, _ in placed(territory, names_transport.MTR_STATIONS):
        code, lines = spot.more
        yield (
            {
                "code": code,
                "name_en": spot.name_en,
                "name_zh": spot.name_zh,
                "lines": lines.split(),
                "interchange": " " in lines,
                "exits": _exits_of(territory, spot),
            },
            point,
        )


def mtr_exits(territory: Territory) -> Iterable[Feature]:
    """Made-up exits with letters around each station, 60 to 160 m from its middle."""
    for spot, point, _ in placed(territory, names_transport.MTR_STATIONS):
        rng = territory.numbers(f"mtr_exits/{spot.more[0]}/places")
        count = _exits_of(territory, spot)
        angles = np.linspace(0, 2 * np.pi, count, endpoint=False) + rng.uniform(0, 2 * np.pi)
        away = rng.uniform(60, 160, count)
        around = to_metres(np.array([[point.x, point.y]])) + np.column_stack(
            [away * np.cos(angles), away * np.sin(angles)]
        )
        free = rng.random(count) < 0.4
        for letter, (lon, lat), barrier_free in zip(
            "ABCDEFGH", ashore(territory, to_degrees(around)), free, strict=False
        ):
            known: dict[str, object] = {"station_en": spot.name_en, "station_zh": spot.name_zh}
            yield {**known, "exit": letter, "barrier_free": bool(barrier_free)}, Point(lon, lat)


def light_rail_stops(territory: Territory) -> Iterable[Feature]:
    """The 68 stops of the Light Rail; the node number is made of the stop's."""
    for spot, point, _ in placed(territory, names_transport.LIGHT_RAIL_STOPS):
        yield (
            {
                "osm_id": f"EX{spot.more[0]}",
                "name_en": spot.name_en,
                "name_zh": spot.name_zh,
                "kind": "stop",
                "stop_number": spot.more[0],
                "operator_en": "MTR Corporation",
                "operator_zh": "港鐵公司",
            },
            point,
        )


def traffic_detectors(territory: Territory) -> Iterable[Feature]:
    """Detectors at even distances along expressways and main roads, on the left of their direction."""
    districts = catalogue().codes["districts"]
    for number, spot in enumerate(main_roadside(territory, territory.many(DETECTORS)), 1):
        bound_en, bound_zh = _BOUND[round(spot.bearing / 90) % 4]
        yield (
            {
                "detector_id": f"EXD{number:04d}",
                "district": districts[spot.district].en,
                "road_en": f"{spot.name_en} near {spot.near.area_en} - {bound_en}",
                "road_zh": f"{spot.name_zh}近{spot.near.area_zh} - {bound_zh}",
                "direction": _POINTS[round(spot.bearing / 45) % 8],
                "rotation": round(spot.bearing) % 360,
                **_coordinates(spot),
            },
            Point(spot.lon, spot.lat),
        )


def _coordinates(spot: Roadside) -> dict[str, object]:
    return {
        "easting": round(spot.easting, 1),
        "northing": round(spot.northing, 1),
        "latitude": spot.lat,
        "longitude": spot.lon,
    }


def traffic_cameras(territory: Territory) -> Iterable[Feature]:
    """Cameras at even distances along expressways and main roads; they have no pictures."""
    districts = catalogue().codes["districts"]
    for number, spot in enumerate(main_roadside(territory, territory.many(CAMERAS)), 1):
        yield (
            {
                "key": f"EX{number:03d}",
                "region": REGIONS[spot.district],
                "district": districts[spot.district].en,
                "description_en": f"{spot.name_en} near {spot.near.area_en}",
                "description_zh": f"{spot.name_zh}近{spot.near.area_zh}",
                "easting": round(spot.easting, 1),
                "northing": round(spot.northing, 1),
                "position_gap_m": 0.0,
            },
            Point(spot.lon, spot.lat),
        )


def car_parks(territory: Territory) -> Iterable[Feature]:
    """Car parks where people live; three of twenty are closed in the typhoon."""
    districts = catalogue().codes["districts"]
    draw = territory.draw("car_parks/status")
    east_north, lon_lat, codes = where_people_live(territory, "car_parks", territory.many(CAR_PARKS))
    for number, place in enumerate(neighbours(east_north)):
        lon, lat = lon_lat[number]
        yield (
            {
                "park_id": f"EX{number + 1:04d}",
                "name_en": f"Car park, {place.street_en}, exercise no. {number + 1}",
                "name_zh": f"{place.street_zh}停車場(演習第{number + 1}號)",
                **address(place),
                "district_en": districts[str(codes[number])].en,
                "district_zh": districts[str(codes[number])].zh,
                "opening_status": "CLOSED" if draw.random() < 0.15 else "OPEN",
                "latitude": float(lat),
                "longitude": float(lon),
            },
            Point(lon, lat),
        )


def _stop_names(number: int, spot: Roadside) -> tuple[str, str]:
    return (
        f"{spot.near.area_en}, {spot.name_en}, exercise stop {number}",
        f"{spot.near.area_zh}{spot.name_zh}(演習站{number})",
    )


def bus_stops_ctb(territory: Territory) -> Iterable[Feature]:
    """Stops at the roads that are nearest to where people live."""
    drawn, _, _ = where_people_live(territory, "bus_stops_ctb", territory.many(CTB_STOPS))
    for number, spot in enumerate(at_roads(territory, drawn), 1):
        name_en, name_zh = _stop_names(number, spot)
        yield {"stop": f"EX{number:04d}", "name_en": name_en, "name_zh": name_zh}, Point(spot.lon, spot.lat)


def minibus_stops(territory: Territory) -> Iterable[Feature]:
    """Stops on Hong Kong Island; minibus stops have no names."""
    wanted = territory.many(MINIBUS_STOPS)
    drawn, _, codes = where_people_live(territory, "minibus_stops", 8 * wanted)
    island = np.isin(codes, [code for code, region in REGIONS.items() if region == "Hong Kong Island"])
    for number, spot in enumerate(at_roads(territory, drawn[island][:wanted]), 1):
        known = {"stop_id": f"EX{number:04d}", "enabled": True}
        grid: dict[str, object] = {"easting": round(spot.easting, 1), "northing": round(spot.northing, 1)}
        yield {**known, **grid}, Point(spot.lon, spot.lat)


def nlb_stops(territory: Territory) -> Iterable[Feature]:
    """Stops along the roads of Lantau."""
    draw = territory.draw("nlb_stops/routes")
    spots = roads_within(territory, _LANTAU, territory.many(NLB_STOPS))
    for number, spot in enumerate(spots, 1):
        name_en, name_zh = _stop_names(number, spot)
        known: dict[str, object] = {"stop_id": f"EX{number:03d}", "name_en": name_en, "name_zh": name_zh}
        where = {"location_en": spot.name_en, "location_zh": spot.name_zh}
        routes = sorted(f"EX{route}" for route in draw.sample(range(1, 30), draw.randint(1, 4)))
        yield {**known, **where, "routes": routes}, Point(spot.lon, spot.lat)


def bus_routes(territory: Territory) -> Iterable[Feature]:
    """Made-up routes between stations, there and back along the road network."""
    draw = territory.draw("bus_routes")
    stations = names_transport.MTR_STATIONS
    middles = to_metres(ashore(territory, lon_lat_of(stations)))
    graph = territory.ground.graph
    nodes = graph.nearest(middles)
    for number in range(1, territory.many(ROUTES) + 1):
        one, other = _pair(middles, draw.randrange(len(stations)), draw.random())
        path = graph.path(nodes[one], nodes[other])
        if path is None:
            continue
        company = draw.choices(("KMB", "CTB"), (7, 3))[0]
        for direction, (start, end, line) in enumerate(((one, other, path), (other, one, shapely.reverse(path))), 1):
            yield _route(number, direction, company, stations[start], stations[end], line)


def _pair(middles: Floats, one: int, share: float) -> tuple[int, int]:
    """A station and another one 3 to 20 km away."""
    away = np.hypot(*(middles - middles[one]).T)
    near = np.flatnonzero((away > 3_000) & (away < 20_000))
    return one, int(near[int(share * len(near))])


def _route(number: int, direction: int, company: str, start: Spot, end: Spot, line: LineString) -> Feature:
    course = MultiLineString([in_degrees([line])[0]])
    return (
        {
            "route_id": 900_000 + number,
            "direction": direction,
            "company": company,
            "route": f"EX{number}",
            "from_en": f"{start.name_en} Station",
            "from_zh": f"{start.name_zh}站",
            "to_en": f"{end.name_en} Station",
            "to_zh": f"{end.name_zh}站",
            "length_m": round(float(line.length), 1),
        },
        course,
    )


DRAWERS: dict[str, Drawer] = {
    "bus_routes": bus_routes,
    "bus_stops_ctb": bus_stops_ctb,
    "car_parks": car_parks,
    "light_rail_stops": light_rail_stops,
    "minibus_stops": minibus_stops,
    "mtr_exits": mtr_exits,
    "mtr_stations": mtr_stations,
    "nlb_stops": nlb_stops,
    "traffic_cameras": traffic_cameras,
    "traffic_detectors": traffic_detectors,
}
