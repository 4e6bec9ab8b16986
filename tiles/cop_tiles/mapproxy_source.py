"""The MapProxy source `cop`: pictures of the embedded basemap from the render pool, in EPSG:3857 and EPSG:2326.

In mapproxy.yaml: `{type: cop, style: light}`; `ratio: 2` is for screens with twice the pixels, `basemap` names
another folder than COP_VAR/basemap. MapProxy finds
this module through its entry-point group `mapproxy`. The source also gives MapProxy its cache folder in COP_VAR,
unless the YAML names one, and lets tiles expire when the basemap is built anew.
"""

from __future__ import annotations

import logging
import math
from pathlib import Path
from typing import Any, NamedTuple

from mapproxy.config.configuration.source import SourceConfiguration, register_source_configuration
from mapproxy.config.spec import coverage
from mapproxy.extent import DefaultMapExtent
from mapproxy.image import ImageResult
from mapproxy.layer import BlankImageError
from mapproxy.layer.map_layer import MapLayer
from mapproxy.query import MapQuery
from mapproxy.source import SourceError
from mapproxy.srs import SRS, SupportedSRS
from PIL import Image
from pyproj import Transformer

from cop.settings import get_settings
from cop_tiles.basemap.folder import built, stamp
from cop_tiles.basemap.mercator import HALF_WORLD, TILE_PX, to_lon_lat
from cop_tiles.keeping import Trouble, tell
from cop_tiles.outside import OutsideSourceConfiguration
from cop_tiles.pool import Picture, RenderFailed, shared_pool
from cop_tiles.styles import STYLES

log = logging.getLogger(__name__)

_MERCATOR = "EPSG:3857"
_REBUILDS = 3


def basemap_folder() -> Path:
    """Where this installation keeps its built basemap."""
    return get_settings().var / "basemap"


class BasemapSource(MapLayer):  # type: ignore[misc]
    """Draws what MapProxy asks for."""

    supports_meta_tiles = True

    def __init__(self, basemap: Path, style: str, ratio: int, image_opts: Any, coverage: Any) -> None:
        super().__init__(image_opts)
        self.coverage = coverage
        self.extent = coverage.extent if coverage else DefaultMapExtent()
        self._basemap = basemap
        self._style = style
        self._ratio = ratio
        self.supported_srs = SupportedSRS([SRS(_MERCATOR), SRS("EPSG:2326")])

    def get_map(self, query: MapQuery) -> ImageResult:
        """The picture of a query: bbox is west, south, east, north in the query's CRS (2326: easting, northing)."""
        if self.coverage and not self.coverage.intersects(query.bbox, query.srs):
            raise BlankImageError()
        try:
            image = self._draw(query)
        except RenderFailed as exc:
            # The renderer's words may name files of this machine: for the log, not for the answer.
            log.error("%s: %s", self._style, exc)
            tell(Trouble(self._style, "away"))
            raise SourceError("The basemap cannot be drawn at the moment.") from exc
        if image.size != query.size:
            image = image.resize(query.size, Image.Resampling.LANCZOS)
        return ImageResult(image, size=query.size, image_opts=self.image_opts)

    def _draw(self, query: MapQuery) -> Image.Image:
        folder = built(self._basemap)
        for _ in range(_REBUILDS):
            if folder is None:
                raise RenderFailed("The basemap has not been built yet; `cop basemap` builds it.")
            try:
                image = shared_pool().draw(self._wish(folder, query))
            except RenderFailed:
                if built(self._basemap) == folder:
                    raise
            else:
                # A picture of a basemap that was replaced meanwhile would be cached as if it were new.
                if built(self._basemap) == folder:
                    return image
            folder = built(self._basemap)
        raise RenderFailed("The basemap keeps changing; please try again.")

    def _wish(self, folder: Path, query: MapQuery) -> Picture:
        width, height = query.size
        view = view_of(query.bbox, query.size, query.srs.srs_code)
        zoom = math.log2(2 * HALF_WORLD / (TILE_PX * view.metres * self._ratio))
        # The renderer knows no zoom below 0; the whole world on less than 512 pixels is drawn larger and shrunk.
        grown = 2 ** max(0, math.ceil(-zoom - 1e-6))
        return Picture(
            str(folder),
            self._style,
            view.lon,
            view.lat,
            zoom + math.log2(grown),
            width * grown // self._ratio,
            round(height * view.stretch * grown / self._ratio),
            ratio=self._ratio,
            bearing=view.bearing,
        )


class View(NamedTuple):
    """How a box is drawn: its middle (lon, lat), EPSG:3857 metres a pixel across, degrees to turn the map clockwise,
    and how many times higher than asked the picture is drawn before it is resized.
    """

    lon: float
    lat: float
    metres: float
    bearing: float = 0.0
    stretch: float = 1.0


def view_of(bbox: tuple[float, float, float, float], size: tuple[int, int], srs: str) -> View:
    """The view of a box (west, south, east, north) in EPSG:3857 or in another CRS of metres.

    In EPSG:2326 the picture is EPSG:3857 shifted, turned, scaled and stretched (EPSG:3857 keeps no angles on the
    ellipsoid: 0.6 % here) to fit around its middle. Over a cached block of tiles in Hong Kong that lies within about a
    pixel of the true projection, and labels stay sharp and upright.
    """
    west, south, east, north = bbox
    middle = (west + east) / 2, (south + north) / 2
    pixel = (east - west) / size[0]
    if srs == _MERCATOR:
        return View(*to_lon_lat(*middle), pixel)
    to_mercator = Transformer.from_crs(srs, _MERCATOR, always_xy=True).transform
    reach = (east - west) / 4
    x, y = to_mercator(*middle)
    left, right = to_mercator(middle[0] - reach, middle[1]), to_mercator(middle[0] + reach, middle[1])
    below, above = to_mercator(middle[0], middle[1] - reach), to_mercator(middle[0], middle[1] + reach)
    across, up = math.dist(left, right) / (2 * reach), math.dist(below, above) / (2 * reach)
    bearing = -math.degrees(math.atan2(right[1] - left[1], right[0] - left[0])) % 360
    return View(*to_lon_lat(x, y), pixel * across, bearing, stretch=up / across)


class BasemapSourceConfiguration(SourceConfiguration):  # type: ignore[misc]
    """Reads `type: cop` in mapproxy.yaml."""

    source_type = ("cop",)

    def __init__(self, conf: dict[str, Any], context: Any) -> None:
        super().__init__(conf, context)
        if conf.get("style") not in STYLES:
            raise ValueError(f"sources.{conf.get('name')}.style: found {conf.get('style')!r}, wanted one of {STYLES}")
        _settle(context, _folder(conf))

    def source(self, params: dict[str, Any] | None = None) -> BasemapSource:  # noqa: ARG002 - MapProxy's signature
        """The source as MapProxy uses it."""
        ratio = int(self.conf.get("ratio", 1))
        return BasemapSource(_folder(self.conf), self.conf["style"], ratio, self.image_opts(), self.coverage())


def _folder(conf: dict[str, Any]) -> Path:
    return Path(conf["basemap"]) if "basemap" in conf else basemap_folder()


def _settle(context: Any, basemap: Path) -> None:
    """Cache below COP_VAR, and expire with the basemap: MapProxy's own YAML can name neither."""
    cache = context.globals.conf.setdefault("cache", {})
    folder = get_settings().var / "mapproxy"
    cache.setdefault("base_dir", str(folder))
    cache.setdefault("tile_lock_dir", str(folder / "locks"))
    dated = stamp(basemap)
    for name, conf in (context.configuration.get("caches") or {}).items():
        if _draws_basemap(name, context.configuration):
            conf.setdefault("refresh_before", {"mtime": str(dated)})


def _draws_basemap(cache: str, configuration: dict[str, Any]) -> bool:
    caches, sources = configuration.get("caches") or {}, configuration.get("sources") or {}
    return any(
        sources.get(name, {}).get("type") == "cop" or (name in caches and _draws_basemap(name, configuration))
        for name in caches[cache].get("sources") or ()
    )


def plugin_entrypoint() -> None:
    """Called by MapProxy before it reads a configuration."""
    register_source_configuration(
        "cop",
        BasemapSourceConfiguration,
        "cop",
        {"type": "", "style": "", "ratio": 0, "basemap": "", "coverage": coverage},
    )
    register_source_configuration(
        "xyz",
        OutsideSourceConfiguration,
        "xyz",
        {
            "type": "", "url": "", "grid": "", "at_once": 0, "seconds": 0, "seeding": "", "user_agent": "",
            "transparent": True,
            "coverage": coverage,
        },
    )  # fmt: skip
