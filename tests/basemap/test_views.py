"""EPSG:2326 pictures: the fitted view lies within about a pixel of the true projection over a block of tiles."""

from __future__ import annotations

import math

import pytest
from pyproj import Transformer

from cop_tiles.basemap.mercator import to_mercator
from cop_tiles.mapproxy_source import view_of

PIXELS = 1024
TO_MERCATOR = Transformer.from_crs(2326, 3857, always_xy=True).transform


@pytest.mark.parametrize("resolution", [25.0, 10.0, 5.0, 1.0])
@pytest.mark.parametrize("middle", [(802000.0, 803000.0), (836000.0, 820000.0), (862000.0, 848000.0)])
def test_pixels_are_where_the_projection_puts_them(resolution: float, middle: tuple[float, float]) -> None:
    half = PIXELS * resolution / 2
    bbox = middle[0] - half, middle[1] - half, middle[0] + half, middle[1] + half
    view = view_of(bbox, (PIXELS, PIXELS), "EPSG:2326")
    centre, turn = to_mercator(view.lon, view.lat), math.radians(view.bearing)
    for col in (0, PIXELS // 2, PIXELS):
        for row in (0, PIXELS // 2, PIXELS):
            x, y = TO_MERCATOR(bbox[0] + col * resolution, bbox[3] - row * resolution)
            right, up = (x - centre[0]) / view.metres, (y - centre[1]) / view.metres
            drawn_col = PIXELS / 2 + right * math.cos(turn) - up * math.sin(turn)
            drawn_row = PIXELS / 2 - (right * math.sin(turn) + up * math.cos(turn)) / view.stretch
            assert math.hypot(drawn_col - col, drawn_row - row) < 1.0


def test_mercator_is_as_asked() -> None:
    view = view_of((12_690_000, 2_550_000, 12_700_000, 2_560_000), (500, 500), "EPSG:3857")
    assert (view.metres, view.bearing, view.stretch) == (20.0, 0.0, 1.0)
