"""Which coordinates are these? Decided by the range of the values, not by the label of the file.

Three systems occur: the HK1980 Grid (EPSG:2326, metres), WGS 84 (EPSG:4326, degrees) and, by label only,
HK80 geographic (EPSG:4611), which lies about 300 m from WGS 84.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Transformer
from shapely.geometry.base import BaseGeometry

Coordinates = NDArray[np.float64]
System = Literal["hk1980_en", "hk1980_ne", "lon_lat", "lat_lon"]

# metres, EPSG:2326
EASTINGS = (800_000.0, 870_000.0)
NORTHINGS = (799_000.0, 850_000.0)
# degrees; Hong Kong with the Pearl River estuary around it, as the land layer has it
LONGITUDES = (112.0, 117.0)
LATITUDES = (20.0, 25.0)
# degrees; Hong Kong's own land and waters, for a single incident's position
HK_LONGITUDES = (113.8, 114.55)
HK_LATITUDES = (22.1, 22.62)

NAMES: dict[System, str] = {
    "hk1980_en": "EPSG:2326 easting, northing",
    "hk1980_ne": "EPSG:2326 northing, easting",
    "lon_lat": "EPSG:4326 longitude, latitude",
    "lat_lon": "EPSG:4326 latitude, longitude",
}
EPSG: dict[System, int] = {"hk1980_en": 2326, "hk1980_ne": 2326, "lon_lat": 4326, "lat_lon": 4326}
WANTED = (
    "wanted eastings 800000 to 870000 and northings 799000 to 850000, or longitudes 112 to 117 and latitudes 20 to 25"
)


def within(value: float, limits: tuple[float, float]) -> bool:
    """Whether a value lies inside limits, ends included; NaN does not."""
    return limits[0] <= value <= limits[1]


def systems_of(bounds: tuple[float, float, float, float]) -> set[System]:
    """The systems that a box (min x, min y, max x, max y, in the order written) may be in.

    Empty where none fits. Between 800000 and 850000 both axes of the grid fit either way.
    """
    low_x, low_y, high_x, high_y = bounds

    def fits(first: tuple[float, float], second: tuple[float, float]) -> bool:
        return all(within(x, first) for x in (low_x, high_x)) and all(within(y, second) for y in (low_y, high_y))

    found: set[System] = set()
    if fits(EASTINGS, NORTHINGS):
        found.add("hk1980_en")
    if fits(NORTHINGS, EASTINGS):
        found.add("hk1980_ne")
    if fits(LONGITUDES, LATITUDES):
        found.add("lon_lat")
    if fits(LATITUDES, LONGITUDES):
        found.add("lat_lon")
    return found


def within_extent(
    bounds: tuple[float, float, float, float], extent: tuple[float, float, float, float]
) -> Literal["lon_lat"]:
    """The system of a box in a layer that reaches beyond Hong Kong: longitude and latitude, inside its extent.

    There the values cannot tell one system from another, so that nothing but degrees in this order is taken.
    Raises ValueError where the box lies outside.
    """
    west, south, east, north = extent
    low_x, low_y, high_x, high_y = bounds
    if west <= low_x and south <= low_y and high_x <= east and high_y <= north:
        return "lon_lat"
    box = ", ".join(f"{bound:.7g}" for bound in bounds)
    raise ValueError(
        f"the coordinates lie between {box}; "
        f"wanted longitudes {west:g} to {east:g} and latitudes {south:g} to {north:g}"
    )


@lru_cache(maxsize=8)
def _to_wgs84(epsg: int) -> Transformer:
    # A ballpark transformation would shift by some 300 m without a word; better none at all.
    return Transformer.from_crs(epsg, 4326, always_xy=True, allow_ballpark=False)


@lru_cache(maxsize=1)
def _to_grid() -> Transformer:
    return Transformer.from_crs(4326, 2326, always_xy=True, allow_ballpark=False)


def to_lon_lat(easting: float, northing: float) -> tuple[float, float]:
    """Longitude and latitude (WGS 84, degrees) of an HK1980 grid position in metres."""
    lon, lat = _to_wgs84(2326).transform(easting, northing)
    return float(lon), float(lat)


def to_east_north(lon: float, lat: float) -> tuple[float, float]:
    """HK1980 easting and northing in metres of a longitude and latitude (WGS 84, degrees)."""
    easting, northing = _to_grid().transform(lon, lat)
    return float(easting), float(northing)


def project(geometry: BaseGeometry, system: System, label: int | None = None) -> BaseGeometry:
    """A geometry in the given system as EPSG:4326 longitude, latitude; `label` tells 4611 from 4326."""
    if system == "hk1980_ne" or system == "lat_lon":
        geometry = shapely.transform(geometry, _swapped)
    if EPSG[system] == 2326:
        return shapely.transform(geometry, lambda en: _transformed(en, 2326))
    if label == 4611:
        return shapely.transform(geometry, lambda lon_lat: _transformed(lon_lat, 4611))
    return geometry


def to_grid(geometry: BaseGeometry) -> BaseGeometry:
    """A geometry in EPSG:4326 lon, lat as HK1980 easting, northing in metres."""

    def east_north(lon_lat: Coordinates) -> Coordinates:
        return np.column_stack(_to_grid().transform(lon_lat[:, 0], lon_lat[:, 1]))

    return shapely.transform(geometry, east_north)


def _swapped(coordinates: Coordinates) -> Coordinates:
    return coordinates[:, ::-1]


def _transformed(coordinates: Coordinates, epsg: int) -> Coordinates:
    lon, lat = _to_wgs84(epsg).transform(coordinates[:, 0], coordinates[:, 1])
    return np.column_stack([lon, lat])


def canonical(geometry: BaseGeometry) -> bytes:
    """A geometry's bytes for a hash: little-endian 2D WKB of coordinates rounded to 7 decimals.

    Coordinates are taken as published, before any projection or repair, so that a new PROJ or GEOS changes
    no feature's id.
    """
    rounded = shapely.transform(geometry, lambda coordinates: np.round(coordinates, 7) + 0.0)
    return bytes(shapely.to_wkb(rounded, byte_order=1, output_dimension=2))
