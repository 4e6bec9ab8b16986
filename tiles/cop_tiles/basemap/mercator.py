"""The arithmetic of web map tiles: EPSG:3857 boxes and 512-pixel tiles counted from the north-west."""

from __future__ import annotations

import math
from typing import NamedTuple

HALF_WORLD = math.pi * 6378137.0
TILE_PX = 512
# Everything the basemap draws: Hong Kong with the shores around it (the cut of the land layer).
REGION = (113.0, 21.8, 115.2, 23.2)


class Box(NamedTuple):
    """West, south, east, north in EPSG:3857 metres."""

    west: float
    south: float
    east: float
    north: float


def to_mercator(lon: float, lat: float) -> tuple[float, float]:
    """Degrees of EPSG:4326 as x, y of EPSG:3857."""
    return lon / 180 * HALF_WORLD, math.asinh(math.tan(math.radians(lat))) / math.pi * HALF_WORLD


def to_lon_lat(x: float, y: float) -> tuple[float, float]:
    """Metres x, y of EPSG:3857 as degrees of EPSG:4326."""
    return x / HALF_WORLD * 180, math.degrees(math.atan(math.sinh(y / HALF_WORLD * math.pi)))


def tile_box(z: int, x: int, y: int) -> Box:
    """The box of a tile."""
    side = 2 * HALF_WORLD / 2**z
    return Box(x * side - HALF_WORLD, HALF_WORLD - (y + 1) * side, (x + 1) * side - HALF_WORLD, HALF_WORLD - y * side)


def tiles_across(box: Box, z: int) -> tuple[range, range]:
    """The columns and rows of the tiles that a box touches at a zoom."""
    side = 2 * HALF_WORLD / 2**z
    last = int(2**z) - 1

    def index(metres: float) -> int:
        return int(min(last, max(0, math.floor(metres / side))))

    columns = range(index(box.west + HALF_WORLD), index(box.east + HALF_WORLD) + 1)
    rows = range(index(HALF_WORLD - box.north), index(HALF_WORLD - box.south) + 1)
    return columns, rows
