"""Tile matrix sets: WebMercatorQuad as OGC 17-083r4, annex D.1, has it. Rows count from the north."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from cop.errors import NotFound

WEB_MERCATOR_QUAD = "WebMercatorQuad"
MAX_ZOOM = 22
HALF = math.pi * 6378137.0  # half the world's edge, in metres of EPSG:3857
_SCALE_0 = 559082264.028717  # scale denominator at zoom 0, pixels of 0.28 mm
MARGIN = 64 / 4096  # what a tile shows beyond its edges, in parts of the edge
_MAX_LAT = 85.0511287798066  # where EPSG:3857 is as high as wide
_MOST_NAMED, _LAST_NAMED = 4, 16
URI = "http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad"


@dataclass(frozen=True, slots=True)
class Tile:
    """One tile of WebMercatorQuad: zoom, row from the north, column from the west."""

    z: int
    row: int
    col: int

    @property
    def edge(self) -> float:
        """Metres of EPSG:3857 along one edge."""
        return 2 * HALF / (1 << self.z)

    @property
    def envelope(self) -> tuple[float, float, float, float]:
        """West, south, east, north in EPSG:3857."""
        west, north = -HALF + self.col * self.edge, HALF - self.row * self.edge
        return west, north - self.edge, west + self.edge, north

    def lon_lat(self, margin: float) -> tuple[float, float, float, float]:
        """West, south, east, north in degrees, with a margin told in parts of the edge."""
        west, south, east, north = self.envelope
        pad = margin * self.edge
        return _lon(west - pad), _lat(south - pad), _lon(east + pad), _lat(north + pad)


def tile_of(tile_matrix_set: str, z: str, row: str, col: str) -> Tile:
    """The tile of an address.

    Raises NotFound where the set is unknown or the tile lies outside it, with the range that would be right.
    """
    check_set(tile_matrix_set)
    numbers = [part for part in (z, row, col) if part.isascii() and part.isdecimal() and len(part) < 9]
    if len(numbers) != 3 or int(z) > MAX_ZOOM:
        raise NotFound(
            f"no tile {z}/{row}/{col}: zoom is 0 to {MAX_ZOOM}, row and column are whole numbers",
            "tile",
            "12/1786/3345",
        )
    tile = Tile(int(z), int(row), int(col))
    highest = 2**tile.z - 1
    if tile.row > highest or tile.col > highest:
        raise NotFound(
            f"no tile {z}/{row}/{col}: at zoom {z} row and column are 0 to {highest}", "tile", "12/1786/3345"
        )
    return tile


def check_set(name: str) -> None:
    """Raise NotFound for a tile matrix set that is not here."""
    if name != WEB_MERCATOR_QUAD:
        raise NotFound(
            f"no tile matrix set {name[:60]!r}; there is {WEB_MERCATOR_QUAD}",
            "tileMatrixSetId",
            WEB_MERCATOR_QUAD,
        )


def tiles_meeting(box: tuple[float, float, float, float]) -> list[Tile]:
    """The tiles that show something of a box (west, south, east, north in degrees), from zoom 0 on.

    Each zoom has its own, for a tile also shows a margin around itself, which is wider the lower the zoom. The list
    ends where a zoom would have more than four, or at 16: deeper tiles that show something lie within the last ones.
    """
    found: list[Tile] = []
    for z in range(_LAST_NAMED + 1):
        rows, cols = _rows(z, box), _cols(z, box)
        if len(rows) * len(cols) > _MOST_NAMED:
            break
        found += [Tile(z, row, col) for row in rows for col in cols]
    return found


def _cols(z: int, box: tuple[float, float, float, float]) -> range:
    return _within(z, *((math.radians(lon) / (2 * math.pi) + 0.5) for lon in (box[0], box[2])))


def _rows(z: int, box: tuple[float, float, float, float]) -> range:
    def down(lat: float) -> float:
        return 0.5 - math.asinh(math.tan(math.radians(max(-_MAX_LAT, min(_MAX_LAT, lat))))) / (2 * math.pi)

    return _within(z, down(box[3]), down(box[1]))


def _within(z: int, first: float, last: float) -> range:
    """Rows or columns that a span meets (parts of the world's edge), each with its margin."""
    count = 1 << z
    return range(max(0, math.floor(first * count - MARGIN)), min(count - 1, math.floor(last * count + MARGIN)) + 1)


def _lon(x: float) -> float:
    return max(-180.0, min(180.0, math.degrees(x / 6378137.0)))


def _lat(y: float) -> float:
    return math.degrees(math.atan(math.sinh(y / 6378137.0)))


def definition() -> dict[str, Any]:
    """The tile matrix set as JSON (OGC 17-083r4, 7)."""
    return {
        "id": WEB_MERCATOR_QUAD,
        "title": "Google Maps Compatible for the World",
        "uri": URI,
        "crs": "http://www.opengis.net/def/crs/EPSG/0/3857",
        "orderedAxes": ["X", "Y"],
        "wellKnownScaleSet": "http://www.opengis.net/def/wkss/OGC/1.0/GoogleMapsCompatible",
        "tileMatrices": [
            {
                "id": str(z),
                "scaleDenominator": _SCALE_0 / 2**z,
                "cellSize": 2 * HALF / 256 / 2**z,
                "cornerOfOrigin": "topLeft",
                "pointOfOrigin": [-HALF, HALF],
                "tileWidth": 256,
                "tileHeight": 256,
                "matrixWidth": 2**z,
                "matrixHeight": 2**z,
            }
            for z in range(MAX_ZOOM + 1)
        ],
    }
