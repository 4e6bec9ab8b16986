"""Grids of feeds as Cloud Optimized GeoTIFFs, a band a time; a reader meets the old file or the new one, never half."""

from __future__ import annotations

import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import rasterio
from rasterio.io import MemoryFile
from rasterio.shutil import copy as raster_copy
from rasterio.transform import from_origin

from cop.errors import LoadRefused
from cop_ingest.feeds.payload import Raster

_NODATA = -9999.0
_BLOCK = 128


def keep_raster(raster: Raster, target: Path) -> None:
    """Write a grid as a COG (EPSG:4326, deflate) under its name, whole or not at all; a raster that stands there goes.

    Each band's description is the time that it is valid to, in RFC 3339; the tag RUN_AT is the run's. Raises
    LoadRefused where the folder cannot be written.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{target.stem}-", suffix=".tif", dir=target.parent)
        os.close(handle)
    except OSError as exc:
        raise LoadRefused(f"{target.name}: cannot be written: {exc.strerror}; check the folder and its rights") from exc
    temporary = Path(name)
    try:
        _write(raster, temporary)
        temporary.chmod(0o644)
        temporary.replace(target)
    except (rasterio.errors.RasterioError, OSError) as exc:
        raise LoadRefused(f"{target.name}: cannot be written: {exc}; check the disk's room and rights") from exc
    finally:
        temporary.unlink(missing_ok=True)


def _write(raster: Raster, target: Path) -> None:
    bands, rows, columns = raster.values.shape
    profile = {
        "driver": "GTiff", "dtype": "float32", "count": bands, "height": rows, "width": columns, "crs": "EPSG:4326",
        "nodata": _NODATA, "transform": from_origin(raster.west, raster.north, raster.step, raster.step),
    }  # fmt: skip
    with MemoryFile() as memory:
        with memory.open(**profile) as file:
            file.write(np.nan_to_num(raster.values, nan=_NODATA).astype(np.float32))
            for band, at in enumerate(raster.valid_to, 1):
                file.set_band_description(band, _told(at))
            file.update_tags(RUN_AT=_told(raster.run_at), UNIT=raster.unit)
        raster_copy(
            memory.name, str(target), driver="COG", COMPRESS="DEFLATE", PREDICTOR="3", BLOCKSIZE=str(_BLOCK),
            OVERVIEWS="NONE", NUM_THREADS="1",
        )  # fmt: skip


def _told(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
