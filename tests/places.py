"""Where features lie, in tiles of WebMercatorQuad, and where there are none."""

from __future__ import annotations

import math
from typing import Any

Tile = tuple[int, int, int]

# Layers without a public record as the exercise opens: shifts have handed nothing over, ships stay in port and works
# stand still under signal No. 10, and a cyclone's track is for departments. What departments' own forms bring is there
# when they send them.
BY_FORMS = frozenset(
    {"excavation_permits", "power_outages", "rain_gauge_readings", "road_closures", "shelter_openings"}
)
EMPTY = BY_FORMS | {"handover-notes", "ferry_arrivals", "vessel_arrivals", "roadworks", "cyclone_track_now"}


def tile_at(lon: float, lat: float, zoom: int) -> tuple[int, int]:
    """Column and row of a place in WebMercatorQuad."""
    side = 2**zoom
    column = (lon + 180) / 360 * side
    row = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * side
    return min(int(column), side - 1), min(int(row), side - 1)


def first_position(feature: dict[str, Any]) -> tuple[float, float]:
    """Longitude and latitude of a feature's first position."""
    place = feature["geometry"]["coordinates"]
    while isinstance(place[0], list):
        place = place[0]
    return place[0], place[1]


def tile_with(feature: dict[str, Any], zoom: int) -> Tile:
    """Zoom, row and column of the tile at the first position of a feature."""
    column, row = tile_at(*first_position(feature), zoom)
    return zoom, row, column
