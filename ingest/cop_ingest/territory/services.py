"""Drawers of emergency services, shelters, schools and leisure: true names at true places, as far as they are known.

Addresses, numbers of telephones and whatever else is not known for certain stay empty. Schools and AEDs are made up
and named after the neighbourhood that they stand in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import numpy as np
import shapely
from shapely.geometry import Point, Polygon
from shapely.geometry.base import BaseGeometry

from cop_ingest.territory import names_emergency, names_leisure, names_shelters
from cop_ingest.territory.base import Drawer, Feature, Territory, in_degrees, to_metres
from cop_ingest.territory.named import Spot
from cop_ingest.territory.placing import address, ashore, lon_lat_of, neighbours, placed, where_people_live
from cop_ingest.times import HKT

SHELTERS_OPEN_AT = datetime(2025, 9, 23, 14, 20, tzinfo=HKT)
"""When the exercise opens its temporary shelters: with the signal no. 8."""

AEDS, SCHOOLS = 4_600, 2_300
"""How many there are at full scale, about as in reality."""


def _by_name(territory: Territory, spots: Sequence[Spot], **more: object) -> Iterator[Feature]:
    for spot, point, district in placed(territory, spots):
        yield {"name_en": spot.name_en, "name_zh": spot.name_zh, "district": district, **more}, point


def fire_stations(territory: Territory) -> Iterable[Feature]:
    """Fire stations and ambulance depots by true names."""
    yield from _by_name(territory, names_emergency.FIRE_STATIONS, kind="fire_station")
    yield from _by_name(territory, names_emergency.AMBULANCE_DEPOTS, kind="ambulance_depot")


def police_stations(territory: Territory) -> Iterable[Feature]:
    """Police stations by true names."""
    return _by_name(territory, names_emergency.POLICE_STATIONS)


def hospitals(territory: Territory) -> Iterable[Feature]:
    """The 18 hospitals with accident and emergency departments."""
    return _by_name(territory, names_emergency.HOSPITALS)


def community_halls(territory: Territory) -> Iterable[Feature]:
    """Community halls by true names; the district is the true one."""
    for spot, point, _ in placed(territory, names_shelters.COMMUNITY_HALLS):
        district, use = spot.more
        known = {"name_en": spot.name_en, "name_zh": spot.name_zh, "district": district}
        yield {**known, "temporary_shelter": use == "shelter"}, point


def temporary_shelters(territory: Territory) -> Iterable[Feature]:
    """The halls that the exercise opens; four in five are open at 03:00 of the typhoon, a few full."""
    draw = territory.draw("temporary_shelters")
    halls = [spot for spot in names_shelters.COMMUNITY_HALLS if spot.more[1] == "shelter"]
    for spot, point, _ in placed(territory, halls):
        capacity = draw.randrange(60, 260, 10)
        status = draw.choices(("open", "full", "closed"), (70, 10, 20))[0]
        share = {"open": draw.uniform(0.05, 0.8), "full": 1.0, "closed": 0.0}[status]
        yield (
            {
                "name_en": spot.name_en,
                "name_zh": spot.name_zh,
                "district": spot.more[0],
                "status": status,
                "capacity": capacity,
                "occupants": round(capacity * share),
                "opened_at": None if status == "closed" else SHELTERS_OPEN_AT,
            },
            point,
        )


def aeds(territory: Territory) -> Iterable[Feature]:
    """AEDs where people live, with the list's columns; names and places are made up."""
    draw = territory.draw("aed/use")
    east_north, lon_lat, _ = where_people_live(territory, "aed", territory.many(AEDS))
    for number, (place, (lon, lat)) in enumerate(zip(neighbours(east_north), lon_lat, strict=True), 1):
        known: dict[str, object] = {
            "name_en": f"AED, exercise no. {number}, {place.area_en}",
            "name_zh": f"{place.area_zh}自動心臟除顫器(演習第{number}號)",
            "latitude": float(lat),
            "longitude": float(lon),
            "for_anyone": draw.random() < 0.75,
        }
        yield {**known, **address(place)}, Point(lon, lat)


_LEVELS = {
    "kindergarten": ("Kindergarten", "幼稚園", 1040),
    "primary": ("Primary School", "小學", 590),
    "secondary": ("Secondary School", "中學", 510),
    "special": ("Special School", "特殊學校", 60),
}


def schools(territory: Territory) -> Iterable[Feature]:
    """Schools where people live, named after the neighbourhood and a number; all are made up."""
    draw = territory.draw("schools/level")
    east_north, lon_lat, codes = where_people_live(territory, "schools", territory.many(SCHOOLS))
    weights = [weight for _, _, weight in _LEVELS.values()]
    for number, place in enumerate(neighbours(east_north)):
        level = draw.choices(list(_LEVELS), weights)[0]
        kind_en, kind_zh, _ = _LEVELS[level]
        known: dict[str, object] = {
            "school_no": f"EX{number + 1:04d}",
            "name_en": f"{place.area_en} {kind_en}, exercise no. {number + 1}",
            "name_zh": f"{place.area_zh}{kind_zh}(演習第{number + 1}號)",
            "level": level,
            "district": str(codes[number]),
            "easting": round(float(east_north[number, 0]), 1),
            "northing": round(float(east_north[number, 1]), 1),
        }
        yield {**known, **address(place)}, Point(lon_lat[number])


def lcsd_facilities(territory: Territory) -> Iterable[Feature]:
    """Sports centres, pools and libraries as points, parks and beaches as areas of about their true size."""
    yield from _by_name(territory, names_leisure.SPORTS_CENTRES, kind="sports_centre")
    yield from _by_name(territory, names_leisure.SWIMMING_POOLS, kind="swimming_pool")
    yield from _by_name(territory, names_leisure.LIBRARIES, kind="library")
    yield from _areas(territory, names_leisure.PARKS, "park", 1.4)
    yield from _areas(territory, names_leisure.BEACHES, "beach", 3.5)


def _areas(territory: Territory, spots: Sequence[Spot], kind: str, stretch: float) -> Iterator[Feature]:
    """Areas around the places, `stretch` times as long as wide, cut by the coast."""
    where = ashore(territory, lon_lat_of(spots))
    middles = to_metres(where)
    draw = territory.draw(f"lcsd/{kind}")
    drawn = [
        blob(middle, float(spot.more[0]) * 10_000, stretch, draw.uniform(0, np.pi), draw.uniform(0, 7))
        for spot, middle in zip(spots, middles, strict=True)
    ]
    codes = territory.ground.district_of(where[:, 0], where[:, 1])
    for spot, area, point, code in zip(spots, in_degrees(drawn), where, codes, strict=True):
        known: dict[str, object] = {"name_en": spot.name_en, "name_zh": spot.name_zh, "kind": kind}
        yield {**known, "district": str(code) or None}, on_land_part(territory, area, Point(point))


def blob(
    middle: np.ndarray[tuple[int], np.dtype[np.float64]], area: float, stretch: float, turn: float, wave: float
) -> Polygon:
    """A wavy oval of an area in square metres around an easting and northing, `turn` radians from the east."""
    angles = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    radius = np.sqrt(area / np.pi) * (1 + 0.12 * np.sin(3 * angles + wave) + 0.06 * np.sin(5 * angles - wave))
    along, across = radius * np.cos(angles) * np.sqrt(stretch), radius * np.sin(angles) / np.sqrt(stretch)
    east = middle[0] + along * np.cos(turn) - across * np.sin(turn)
    north = middle[1] + along * np.sin(turn) + across * np.cos(turn)
    return Polygon(np.column_stack([east, north]))


def on_land_part(territory: Territory, area: BaseGeometry, keep: Point) -> BaseGeometry:
    """The part of an area (lon, lat) that is land, the piece nearest to `keep` where the coast splits it."""
    land = shapely.intersection(area, territory.ground.land)
    pieces = [piece for piece in shapely.get_parts(land) if piece.geom_type == "Polygon" and not piece.is_empty]
    return min(pieces, key=lambda piece: float(piece.distance(keep))) if pieces else area


DRAWERS: dict[str, Drawer] = {
    "aed": aeds,
    "community_halls": community_halls,
    "fire_stations": fire_stations,
    "hospitals": hospitals,
    "lcsd_facilities": lcsd_facilities,
    "police_stations": police_stations,
    "schools": schools,
    "temporary_shelters": temporary_shelters,
}
