"""Make a checked Cloud Optimized GeoTIFF of a raster in the HK1980 grid."""

from __future__ import annotations

import hashlib
import os
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.shutil import copy as raster_copy

from cop.errors import LoadRefused
from cop_ingest import grid

_LARGEST_CELLS = 2_000_000_000
_BLOCK = 512


@dataclass(frozen=True, slots=True)
class RasterInfo:
    """What a finished raster is: EPSG:2326; bounds as min E, min N, max E, max N in metres; sizes in cells.

    `minimum` and `maximum` are over cells that are not nodata; `sha256` is that of the finished file.
    """

    path: Path
    epsg: int
    width: int
    height: int
    cell_m: tuple[float, float]
    bounds: tuple[float, float, float, float]
    dtype: str
    nodata: float | None
    minimum: float
    maximum: float
    overviews: tuple[int, ...]
    size_bytes: int
    sha256: str


def make_cog(source: Path, target: Path) -> RasterInfo:
    """Write `source` as a COG (tiled, deflate, with overviews) to `target`, whole or not at all.

    Every cell of the source is read before anything is written, and of the result before it takes its name.
    Raises LoadRefused where the source is missing, cut off, not in EPSG:2326, empty, has cells that are not
    finite, or where the target cannot be written; what was at `target` before then stays.
    """
    if not source.is_file():
        raise LoadRefused(f"{source}: there is no such file; check source.file of the layer and COP_DATA")
    _examined(source, source.name)
    temporary = _temporary(target)
    try:
        _write(source, temporary)
        info = _examined(temporary, target.name)
        temporary.replace(target)
    except (RasterioError, OSError) as exc:
        raise LoadRefused(f"{target.name}: cannot be written: {exc}; check the disk's room and rights") from exc
    finally:
        temporary.unlink(missing_ok=True)
    return RasterInfo(target, **info)


def raster_info(path: Path) -> RasterInfo:
    """What a raster file is. Raises LoadRefused as make_cog does."""
    return RasterInfo(path, **_examined(path, path.name))


def _temporary(target: Path) -> Path:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{target.stem}-", suffix=".tif", dir=target.parent)
    except OSError as exc:
        raise LoadRefused(f"{target}: cannot be written: {exc.strerror}; check the folder and its rights") from exc
    os.close(handle)
    return Path(name)


def _write(source: Path, target: Path) -> None:
    with rasterio.open(source) as opened:
        predictor = "3" if np.issubdtype(np.dtype(opened.dtypes[0]), np.floating) else "2"
    raster_copy(
        str(source), str(target), driver="COG", COMPRESS="DEFLATE", PREDICTOR=predictor,
        BLOCKSIZE=str(_BLOCK), OVERVIEWS="IGNORE_EXISTING", RESAMPLING="AVERAGE", NUM_THREADS="1",
    )  # fmt: skip


def _examined(path: Path, name: str) -> dict[str, Any]:
    try:
        with warnings.catch_warnings(), _opened(path) as opened:
            _check_frame(opened, name)
            low, high = _range(opened, name)
            return {
                "epsg": 2326,
                "width": int(opened.width),
                "height": int(opened.height),
                "cell_m": (abs(float(opened.transform.a)), abs(float(opened.transform.e))),
                "bounds": tuple(float(bound) for bound in opened.bounds),
                "dtype": str(opened.dtypes[0]),
                "nodata": None if opened.nodata is None else float(opened.nodata),
                "minimum": low,
                "maximum": high,
                "overviews": tuple(int(factor) for factor in opened.overviews(1)),
                "size_bytes": path.stat().st_size,
                "sha256": _sha256(path),
            }
    except (RasterioError, OSError, ValueError, UnicodeDecodeError) as exc:
        raise LoadRefused(f"{name}: cannot be read as a raster ({exc}); fetch the file again") from exc


def _opened(path: Path) -> Any:
    # rasterio warns of a raster without a frame; _check_frame refuses it.
    warnings.simplefilter("ignore", NotGeoreferencedWarning)
    return rasterio.open(path)


def _check_frame(opened: Any, name: str) -> None:
    if opened.count != 1:
        raise LoadRefused(f"{name}: has {opened.count} bands; wanted one, of heights in metres")
    cells = opened.width * opened.height
    if not 4 <= cells <= _LARGEST_CELLS:
        raise LoadRefused(f"{name}: has {opened.width} x {opened.height} cells; wanted 4 to {_LARGEST_CELLS} cells")
    epsg = opened.crs.to_epsg() if opened.crs else None
    if epsg != 2326:
        raise LoadRefused(f"{name}: the CRS is {opened.crs or 'not said'}; wanted EPSG:2326 (HK1980 Grid)")
    if opened.transform.b or opened.transform.d or opened.transform.e >= 0:
        raise LoadRefused(f"{name}: the grid is turned or upside down; wanted rows from north to south")
    west, south, east, north = opened.bounds
    # Half a cell may hang over the edge of the grid's range; a raster in degrees is far outside.
    slack = 1000.0
    limits = [(value - slack, other + slack) for value, other in (grid.EASTINGS, grid.NORTHINGS)]
    if not (
        all(grid.within(x, limits[0]) for x in (west, east)) and all(grid.within(y, limits[1]) for y in (south, north))
    ):
        raise LoadRefused(f"{name}: lies between {west:g}, {south:g} and {east:g}, {north:g}; {grid.WANTED}")


def _range(opened: Any, name: str) -> tuple[float, float]:
    low, high, counted = np.inf, -np.inf, 0
    for _, window in opened.block_windows(1):
        cells = opened.read(1, window=window)
        if opened.nodata is not None:
            cells = cells[cells != opened.nodata] if np.isfinite(opened.nodata) else cells[~np.isnan(cells)]
        if not np.isfinite(cells).all():
            raise LoadRefused(f"{name}: has cells that are not finite numbers; wanted heights, or a nodata value")
        if cells.size:
            low, high, counted = (
                min(low, float(cells.min())),
                max(high, float(cells.max())),
                counted + cells.size,
            )
    if not counted:
        raise LoadRefused(f"{name}: has no cell with a value; wanted heights in metres")
    return low, high


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
