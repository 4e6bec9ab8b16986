"""The stand-in of the terrain model: hills where the true peaks are, sea at 0."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio import features
from rasterio.errors import RasterioError
from rasterio.transform import Affine, from_origin
from shapely.geometry.base import BaseGeometry

from cop.errors import LoadRefused
from cop_ingest import grid
from cop_ingest.standin import land_outline
from cop_ingest.standin_tables import PEAKS

CELL_M = 70.0
WIDTH, HEIGHT = 910, 685
WEST, NORTH = 799_997.5, 848_002.5
"""The frame of the real model: cells of 70 m, its corner in EPSG:2326 easting and northing."""

Heights = NDArray[np.float32]


def terrain() -> tuple[Heights, Affine]:
    """Heights in metres, rows from north to south, and the transform to EPSG:2326 easting, northing.

    A peak has about its true height; around it the land falls off to low ground, and the sea is 0.
    """
    frame = from_origin(WEST, NORTH, CELL_M, CELL_M)
    eastings = WEST + CELL_M * (np.arange(WIDTH) + 0.5)
    northings = NORTH - CELL_M * (np.arange(HEIGHT) + 0.5)
    ground = np.full((HEIGHT, WIDTH), 6.0)
    for _, lon, lat, height in PEAKS:
        easting, northing = grid.to_east_north(lon, lat)
        reach = 500 + 1.7 * height
        across = np.exp(-(((eastings - easting) / reach) ** 2))
        along = np.exp(-(((northings - northing) / reach) ** 2))
        ground = np.maximum(ground, height * np.outer(along, across))
    ridges = 0.95 + 0.05 * np.outer(np.sin(northings / 310), np.sin(eastings / 270))
    heights = np.where(_on_land(frame), np.round(ground * ridges, 1), 0)
    return heights.astype(np.float32), frame


def _on_land(frame: Affine) -> NDArray[np.bool_]:
    areas: list[BaseGeometry] = [grid.to_grid(area) for area in land_outline().geoms]
    mask: NDArray[np.uint8] = features.rasterize(areas, out_shape=(HEIGHT, WIDTH), transform=frame, dtype="uint8")
    return mask.astype(bool)


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
