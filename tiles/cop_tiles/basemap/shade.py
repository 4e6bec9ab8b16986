"""Heights as pictures: hill shade for every map, and tints by height with a softer shade for the relief map.

All are 512-pixel PNG tiles with a palette: one index a pixel keeps them small, and quick to write and to draw.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from PIL import Image
from rasterio.enums import Resampling
from rasterio.warp import reproject

from cop_tiles.basemap.mercator import HALF_WORLD, TILE_PX, tile_box, tiles_across
from cop_tiles.basemap.terrain import SEA_LEVEL, Heights, Terrain, box_of

SHADE_ZOOMS = range(8, 13)
_FLAT = 128
_SUN_HEIGHT = np.radians(45.0)
_SUNS = ((315.0, 1.0),)
# Relief by three suns: slopes that one sun leaves flat get a form of their own, as in hand-drawn shading.
_RELIEF_SUNS = ((315.0, 0.62), (270.0, 0.16), (0.0, 0.22))
# Height in metres and colour of the relief map, from the shore to the highest summit; straight between.
TINTS: tuple[tuple[float, tuple[int, int, int]], ...] = (
    (0, (222, 231, 205)),
    (40, (208, 221, 182)),
    (120, (198, 211, 160)),
    (220, (214, 209, 158)),
    (350, (221, 199, 148)),
    (520, (208, 176, 130)),
    (700, (190, 153, 116)),
    (960, (231, 220, 208)),
)
_CLEAR = 255
_HIGHEST = 960.0

Tone = NDArray[np.uint8]
RasterTile = tuple[int, int, int, bytes]


@dataclass(frozen=True)
class Palette:
    """Colours (256 times red, green, blue) and opacity of the 256 indices of a tile; `blank` is the clear index."""

    colours: Sequence[int]
    alpha: bytes
    blank: int


def raster_tiles(terrain: Terrain) -> dict[str, list[RasterTile]]:
    """The pictures of the heights as PNG tiles (z, x, y from the north, bytes), each left out where it is all clear.

    `hillshade` is dark and light with alpha, clear where flat. `tint` holds colours by height, clear at sea and where
    no height is known. `relief` is the shade to go over it: cool shadows, warm light, from three suns. The heights are
    brought onto the map one row of tiles at a time, so memory grows with the terrain's width and what is returned.
    """
    kinds = {
        "hillshade": (_tone_palette((46, 36, 24), (255, 255, 250), 0.62, 0.9), _toned(_SUNS, 1.1)),
        "tint": (_tint_palette(), _tinted),
        "relief": (_tone_palette((38, 42, 74), (255, 250, 226), 0.8, 0.75), _toned(_RELIEF_SUNS, 1.5)),
    }
    made: dict[str, list[RasterTile]] = {kind: [] for kind in kinds}
    box = box_of(terrain)
    for z in SHADE_ZOOMS:
        columns, rows = tiles_across(box, z)
        for y in rows:
            heights, ground = _strip(terrain, z, columns, y)
            for kind, (palette, drawn) in kinds.items():
                made[kind] += _cut(drawn(heights, ground, z), palette, z, columns, y)
    return made


def _cut(strip: Tone, palette: Palette, z: int, columns: range, y: int) -> Iterator[RasterTile]:
    for nth, x in enumerate(columns):
        part = strip[:, nth * TILE_PX : (nth + 1) * TILE_PX]
        if (part != palette.blank).any():
            yield z, x, y, _png(part, palette)


def _strip(terrain: Terrain, z: int, columns: range, y: int) -> tuple[Heights, float]:
    """The heights of a row of tiles with a margin of one pixel, and how many metres on the ground a pixel is."""
    first = tile_box(z, columns.start, y)
    step = (first.east - first.west) / TILE_PX
    heights = np.zeros((TILE_PX + 2, len(columns) * TILE_PX + 2), dtype=np.float32)
    reproject(
        terrain.heights,
        heights,
        src_transform=terrain.affine,
        src_crs=terrain.crs.to_wkt(),
        dst_transform=Affine(step, 0, first.west - step, 0, -step, first.north + step),
        dst_crs="EPSG:3857",
        resampling=Resampling.cubic_spline,
    )
    # Mercator stretches lengths by 1 / cos(latitude); slopes are steeper than the grid says.
    middle = (first.north + first.south) / 2
    return heights, float(step / np.cosh(middle / HALF_WORLD * np.pi))


def _toned(suns: Sequence[tuple[float, float]], contrast: float) -> Callable[[Heights, float, int], Tone]:
    # Coarse cells flatten slopes; more contrast keeps the relief as strong at small scales.
    return lambda heights, ground, z: _shade(heights, ground, contrast * 1.15 ** (SHADE_ZOOMS[-1] - z), suns)


def _shade(heights: Heights, cell: float, contrast: float, suns: Sequence[tuple[float, float]]) -> Tone:
    east = (heights[1:-1, 2:] - heights[1:-1, :-2]) / (2 * cell)
    north = (heights[:-2, 1:-1] - heights[2:, 1:-1]) / (2 * cell)
    steep = np.sqrt(1 + east**2 + north**2)
    light = np.zeros_like(east)
    for azimuth, share in suns:
        towards = np.radians(azimuth)
        across, up = np.cos(_SUN_HEIGHT) * np.sin(towards), np.cos(_SUN_HEIGHT) * np.cos(towards)
        light += share * (np.sin(_SUN_HEIGHT) - east * across - north * up) / steep
    tone = np.clip((light - np.sin(_SUN_HEIGHT)) * contrast, -1, 1)
    tone[heights[1:-1, 1:-1] < SEA_LEVEL] = 0
    shade: Tone = np.round(_FLAT + tone * 127).astype(np.uint8)
    return shade


def _tinted(strip: Heights, _ground: float, _z: int) -> Tone:
    heights = strip[1:-1, 1:-1]
    # By the square root: low ground, where people live, has most of the steps.
    index: Tone = np.clip(np.sqrt(np.maximum(heights, 0) / _HIGHEST) * 254, 0, 254).astype(np.uint8)
    index[heights < SEA_LEVEL] = _CLEAR
    return index


def _tint_palette() -> Palette:
    height = (np.arange(255) / 254) ** 2 * _HIGHEST
    steps = [step for step, _ in TINTS]
    channels = [np.interp(height, steps, [colour[nth] for _, colour in TINTS]) for nth in range(3)]
    colours = np.vstack([np.round(np.column_stack(channels)), [0, 0, 0]]).astype(np.uint8)
    return Palette(colours.ravel().tolist(), bytes([255] * 255 + [0]), _CLEAR)


def _tone_palette(
    dark: tuple[int, int, int], bright: tuple[int, int, int], dark_share: float, bright_share: float
) -> Palette:
    tone = (np.arange(256) - _FLAT) / 127
    colour = np.where(tone[:, None] < 0, dark, bright).astype(np.uint8)
    alpha = np.clip(np.where(tone < 0, -tone * dark_share, tone * bright_share), 0, 1) * 255
    return Palette(colour.ravel().tolist(), alpha.astype(np.uint8).tobytes(), _FLAT)


def _png(part: Tone, palette: Palette) -> bytes:
    image = Image.fromarray(np.ascontiguousarray(part), mode="P")
    image.putpalette(palette.colours)
    out = io.BytesIO()
    image.save(out, "PNG", transparency=palette.alpha, compress_level=6)
    return out.getvalue()
