"""The stand-in of the terrain model, for where no real one is loaded: true peaks with their heights, on the land.

Mountains fall off from their peaks in ridges and gullies; towns lie on flat ground; the sea is 0.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio import features
from rasterio.errors import RasterioError
from rasterio.transform import Affine, from_origin

from cop.errors import LoadRefused
from cop_ingest.places import PLACES
from cop_ingest.territory.base import Flags, Floats, in_metres, to_metres
from cop_ingest.territory.land import wide_land
from cop_ingest.territory.peaks import PEAKS

CELL_M = 70.0
WIDTH, HEIGHT = 910, 685
WEST, NORTH = 799_997.5, 848_002.5
"""The frame of the real model: cells of 70 m, its corner in EPSG:2326 easting and northing."""

_WAVES = ((2300.0, 1.0), (1150.0, 0.8), (570.0, 0.5), (290.0, 0.28))
"""Wave lengths in metres of the ridges, and their weights."""
_LOW_HILLS_M = 190.0
_PLAINS = (
    (114.030, 22.440, 3000.0), (114.000, 22.465, 2500.0), (114.075, 22.440, 2000.0), (114.065, 22.495, 2500.0),
    (114.130, 22.505, 2200.0), (114.160, 22.527, 1300.0), (113.930, 22.310, 2500.0), (114.185, 22.315, 2300.0),
    (114.195, 22.385, 1500.0), (114.170, 22.450, 1300.0),
)  # fmt: skip
"""Longitude, latitude and reach in metres of ground that is flat."""


def terrain() -> tuple[NDArray[np.float32], Affine]:
    """Heights in metres, rows from north to south, and the transform to EPSG:2326 easting, northing."""
    frame = from_origin(WEST, NORTH, CELL_M, CELL_M)
    eastings: Floats = WEST + CELL_M * (np.arange(WIDTH, dtype=np.float64) + 0.5)
    northings: Floats = NORTH - CELL_M * (np.arange(HEIGHT, dtype=np.float64) + 0.5)
    on_land = features.rasterize(
        list(in_metres(wide_land())), out_shape=(HEIGHT, WIDTH), transform=frame, dtype="uint8"
    ).astype(bool)
    mountains, ridges = _mountains(eastings, northings), _ridges(eastings, northings)
    high = np.clip(mountains / 500, 0, 1)
    # A summit keeps its height; below it the gullies cut deep.
    hills = mountains * (0.52 + 0.48 * np.maximum(ridges, high**3)) + _LOW_HILLS_M * ridges * (1 - high)
    heights = np.where(on_land, np.round(5 + hills * _towns(eastings, northings) * _coast(on_land), 1), 0)
    return heights.astype(np.float32), frame


def _mountains(eastings: Floats, northings: Floats) -> Floats:
    """Cones about the peaks, the highest one standing: a summit keeps its height, a saddle lies between two."""
    ground = np.zeros((HEIGHT, WIDTH))
    places = to_metres(np.array([(peak.lon, peak.lat) for peak in PEAKS]))
    for peak, (easting, northing) in zip(PEAKS, places, strict=True):
        reach = 330 + 1.75 * peak.height
        columns, rows = abs(eastings - easting) < 3.2 * reach, abs(northings - northing) < 3.2 * reach
        away = np.hypot(northings[rows, None] - northing, eastings[None, columns] - easting) / reach
        part = ground[np.ix_(rows, columns)]
        cone = peak.height * np.exp(-(away**1.35))
        ground[np.ix_(rows, columns)] = np.maximum(part, cone)
    return ground


def _ridges(eastings: Floats, northings: Floats) -> Floats:
    """Ridges (1) and gullies (0) of four sizes, where smooth noise crosses its middle; the same on every machine."""
    rough, weights = np.zeros((HEIGHT, WIDTH)), 0.0
    for length, weight in _WAVES:
        rough += weight * (1 - np.abs(_noise(eastings, northings, length)))
        weights += weight
    return np.clip((rough / weights - 0.35) / 0.55, 0, 1)


def _noise(eastings: Floats, northings: Floats, length: float) -> Floats:
    """Numbers from -1 to 1 at lattice points `length` metres apart, smoothly joined."""
    columns, rows = (eastings - WEST) / length, (NORTH - northings) / length
    lattice = np.random.default_rng(int(length)).uniform(-1, 1, (int(rows.max()) + 2, int(columns.max()) + 2))
    left, top = columns.astype(int), rows.astype(int)
    x, y = columns - left, (rows - top)[:, None]
    x, y = x * x * (3 - 2 * x), y * y * (3 - 2 * y)
    upper = lattice[np.ix_(top, left)] * (1 - x) + lattice[np.ix_(top, left + 1)] * x
    lower = lattice[np.ix_(top + 1, left)] * (1 - x) + lattice[np.ix_(top + 1, left + 1)] * x
    return np.asarray(upper * (1 - y) + lower * y)


def _towns(eastings: Floats, northings: Floats) -> Floats:
    """A factor of 0.03 to 1: the ground under a town and in the northern plains is flat."""
    bare = np.ones((HEIGHT, WIDTH))
    places = [(place.lon, place.lat, 900.0) for place in PLACES] + [*_PLAINS]
    centres = to_metres(np.array([place[:2] for place in places]))
    for (easting, northing), (_, _, reach) in zip(centres, places, strict=True):
        across = np.exp(-(((eastings - easting) / reach) ** 2))
        along = np.exp(-(((northings - northing) / reach) ** 2))
        bare *= 1 - 0.9 * np.outer(along, across)
    return np.maximum(bare, 0.03)


def _coast(on_land: Flags) -> Floats:
    """A factor of 0 to 1: the land rises from the water's edge within some 400 m."""
    near = on_land.astype(float)
    for axis in (0, 1):
        for step in (1, 2, 2):
            near = (near + np.roll(near, step, axis) + np.roll(near, -step, axis)) / 3
    return np.clip((near - 0.45) / 0.5, 0.02, 1)


def write_terrain(target: Path) -> Path:
    """Write the stand-in as a plain GeoTIFF in EPSG:2326, ready for raster.make_cog.

    Raises LoadRefused where the file cannot be written.
    """
    heights, frame = terrain()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with rasterio.open(
            target, "w", driver="GTiff", width=WIDTH, height=HEIGHT, count=1, dtype="float32",
            crs="EPSG:2326", transform=frame, compress="deflate", tiled=True,
        ) as file:  # fmt: skip
            file.write(heights, 1)
    except (RasterioError, OSError) as exc:
        raise LoadRefused(f"{target}: cannot be written: {exc}; check the disk's room and rights") from exc
    return target
