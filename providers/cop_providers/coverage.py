"""The coverage provider: pygeoapi's own reader of rasters, over the blob that ingest has made."""

from __future__ import annotations

from typing import Any

from pygeoapi.provider.rasterio_ import RasterioProvider

from cop.settings import get_settings


class CoverageProvider(RasterioProvider):  # type: ignore[misc]
    """A raster layer as a coverage. `data` in pygeoapi-config.yml is the layer's id."""

    def __init__(self, provider_def: dict[str, Any]) -> None:
        super().__init__({**provider_def, "data": str(get_settings().blob_folder / f"{provider_def['data']}.tif")})
