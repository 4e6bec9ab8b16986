"""The coverage provider: pygeoapi's own reader of rasters, over the blob that ingest has made."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import rasterio
from pygeoapi.provider.rasterio_ import RasterioProvider
from rasterio.transform import from_bounds

from cop.catalogue import catalogue
from cop.settings import get_settings

_NODATA = -9999.0
_TERRITORY = (113.8, 22.1, 114.5, 22.6)  # west, south, east, north, degrees


class CoverageProvider(RasterioProvider):  # type: ignore[misc]
    """A raster layer as a coverage. `data` in pygeoapi-config.yml is the layer's id."""

    def __init__(self, provider_def: dict[str, Any]) -> None:
        super().__init__({**provider_def, "data": _raster_of(provider_def["data"])})


def _raster_of(layer_id: str) -> str:
    """The layer's blob; where its cells have not come yet, a raster over the territory whose cells have no value."""
    blob = get_settings().blob_folder / f"{layer_id}.tif"
    return str(blob) if blob.is_file() else _nothing(layer_id)


@lru_cache(maxsize=16)
def _nothing(layer_id: str) -> str:
    name, bands, size = f"/vsimem/cop-{layer_id}.tif", len(catalogue().layers[layer_id].columns), 2
    with rasterio.open(
        name, "w", driver="GTiff", dtype="float32", count=bands, height=size, width=size, crs="EPSG:4326",
        nodata=_NODATA, transform=from_bounds(*_TERRITORY, size, size),
    ) as file:  # fmt: skip
        file.write(np.full((bands, size, size), _NODATA, dtype=np.float32))
    return name
