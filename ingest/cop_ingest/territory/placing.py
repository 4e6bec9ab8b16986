"""Put things in their place: true spots ashore, made-up ones where people live or along roads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import Point

from cop_ingest.places import PLACES, Place
from cop_ingest.territory.base import DECIMALS, Floats, Territory, to_degrees, to_metres
from cop_ingest.territory.named import Spot

REACH_M = 700.0
"""A true place that lies this far from the drawn land at most is moved ashore; what is further off is an islet."""

_INWARD_M = (15.0, 40.0, 80.0, 150.0, 250.0)


def lon_lat_of(spots: Sequence[Spot]) -> Floats:
    """The places' longitudes and latitudes, (n, 2)."""
    return np.array([(spot.lon, spot.lat) for spot in spots], dtype=np.float64)


def ashore(territory: Territory, lon_lat: Floats) -> Floats:
    """Positions (n, 2) in lon, lat, with those at sea moved to the nearest land if it is within REACH_M.

    The drawn land is coarser than the true coast, so that a place at a pier may lie off it.
    """
    wet = np.flatnonzero(~territory.ground.on_land(lon_lat[:, 0], lon_lat[:, 1]))
    moved = lon_lat.copy()
    for number in wet:
        moved[number] = _landed(territory, lon_lat[number])
    return np.round(moved, DECIMALS)


def _landed(territory: Territory, here: Floats) -> Floats:
    nearest = shapely.get_coordinates(shapely.shortest_line(Point(here), territory.ground.land))[1]
    start, shore = to_metres(np.array([here, nearest]))
    away = float(np.hypot(*(shore - start)))
    if away > REACH_M:
        return here
    heading = (shore - start) / away if away > 0 else np.array([1.0, 0.0])
    tried = np.array([_turned(heading, turn) * inward + shore for inward in _INWARD_M for turn in (0.0, 0.7, -0.7)])
    spots = to_degrees(tried)
    dry = np.flatnonzero(territory.ground.on_land(spots[:, 0], spots[:, 1]))
    found: Floats = spots[dry[0]] if dry.size else nearest
    return found


def _turned(heading: Floats, angle: float) -> Floats:
    sine, cosine = np.sin(angle), np.cos(angle)
    return np.array([cosine * heading[0] - sine * heading[1], sine * heading[0] + cosine * heading[1]])


def placed(territory: Territory, spots: Sequence[Spot]) -> Iterator[tuple[Spot, Point, str | None]]:
    """True places as points on land (EPSG:4326 lon, lat), with the code of the district that each lies in."""
    where = ashore(territory, lon_lat_of(spots))
    codes = territory.ground.district_of(where[:, 0], where[:, 1])
    for spot, (lon, lat), code in zip(spots, where, codes, strict=True):
        yield spot, Point(lon, lat), str(code) or None


def neighbours(east_north: Floats) -> list[Place]:
    """The street of places.PLACES that is nearest to each position (n, 2) in EPSG:2326."""
    streets = to_metres(np.array([(place.lon, place.lat) for place in PLACES]))
    apart = np.hypot(*(east_north[:, None, :] - streets[None, :, :]).transpose(2, 0, 1))
    return [PLACES[int(nearest)] for nearest in np.argmin(apart, axis=1)]


def address(place: Place) -> dict[str, object]:
    """A street without a house number, as an address in both languages."""
    return {
        "address_en": f"{place.street_en}, {place.area_en}",
        "address_zh": f"{place.area_zh}{place.street_zh}",
    }


def where_people_live(territory: Territory, name: str, count: int) -> tuple[Floats, Floats, NDArray[np.str_]]:
    """Made-up places of a layer: positions (n, 2) in EPSG:2326, in lon, lat, and district codes.

    At most `count`; those that the drawn coast leaves at sea or in no district are left out.
    """
    drawn = territory.ground.people_near(count, territory.numbers(name))
    lon_lat = to_degrees(drawn)
    codes = territory.ground.district_of(lon_lat[:, 0], lon_lat[:, 1])
    dry = territory.ground.on_land(lon_lat[:, 0], lon_lat[:, 1]) & (codes != "")
    return drawn[dry], lon_lat[dry], codes[dry]
