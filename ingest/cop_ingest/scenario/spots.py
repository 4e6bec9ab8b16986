"""Where made-up incidents lie: about a known place, on land, each with its way of having been located."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random

from shapely.geometry import LineString, Point, Polygon
from shapely.geometry.base import BaseGeometry

from cop_ingest.places import DISTRICT_CENTRES, Place
from cop_ingest.scenario.chance import weighted
from cop_ingest.scenario.scenes import Scene

IsLand = Callable[[float, float], bool]
"""Whether a position, longitude and latitude in degrees (WGS 84), lies on land."""

METHODS = {"reported": 70.0, "geocoded": 18.0, "surveyed": 8.0, "district": 2.0, "none": 2.0}
UNCERTAINTY_M = {"reported": 50.0, "geocoded": 100.0, "surveyed": 5.0, "district": 3000.0, "none": None}
_REACH_M = 600.0
_METRES_A_DEGREE = 111_195.0
_TRIES = 8


def geometry(draw: Random, scene: Scene, place: Place, method: str, is_land: IsLand) -> BaseGeometry | None:
    """A point, or now and then a flooded area or a stretch of road, in EPSG:4326 lon, lat; None without a position."""
    lon, lat = _nearby(draw, place, is_land)
    if method == "none":
        return None
    if method == "district":
        return Point(DISTRICT_CENTRES[place.district])
    chance = draw.random()
    if scene.category == "flood" and chance < 0.08:
        return _on_land(Polygon(_ring(lon, lat, 60 + 60 * draw.random())), Point(lon, lat), is_land)
    if scene.category == "road" and chance < 0.12:
        return _on_land(LineString(_stretch(lon, lat, 80.0, math.tau * draw.random())), Point(lon, lat), is_land)
    return Point(lon, lat)


def method(draw: Random) -> str:
    """How the position was found."""
    return weighted(draw, METHODS)


def _nearby(draw: Random, place: Place, is_land: IsLand) -> tuple[float, float]:
    """Within some hundred metres of the place, most of it near; the place itself where only sea is found."""
    for _ in range(_TRIES):
        spot = _moved(place.lon, place.lat, _REACH_M * draw.random() ** 0.75, math.tau * draw.random())
        if is_land(*spot):
            return spot
    return place.lon, place.lat


def _on_land(shape: Polygon | LineString, middle: Point, is_land: IsLand) -> BaseGeometry:
    line = shape.exterior if isinstance(shape, Polygon) else shape
    return shape if all(is_land(lon, lat) for lon, lat in line.coords) else middle


def _moved(lon: float, lat: float, metres: float, angle: float) -> tuple[float, float]:
    degrees = metres / _METRES_A_DEGREE
    east = degrees * math.cos(angle) / math.cos(math.radians(lat))
    return round(lon + east, 7), round(lat + degrees * math.sin(angle), 7)


def _ring(lon: float, lat: float, radius_m: float) -> list[tuple[float, float]]:
    return [_moved(lon, lat, radius_m, math.tau * step / 12) for step in range(12)]


def _stretch(lon: float, lat: float, half_m: float, angle: float) -> list[tuple[float, float]]:
    return [_moved(lon, lat, half_m, angle), (lon, lat), _moved(lon, lat, half_m, angle + math.pi)]
