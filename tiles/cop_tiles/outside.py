"""The MapProxy source `xyz`: tiles of somebody else's server, asked politely and believed only after a look.

In YAML: `{type: xyz, url: "{osm}/%(z)s/%(x)s/%(y)s.png", grid: xyz, at_once: 2, seeding: never}`.
`{osm}` and `{landsd}` stand for COP_OSM_URL and COP_LANDSD_URL. `at_once` bounds the requests under way from this
machine to one host, all processes and sources together. `seeding` is `never` or `asked`. MapProxy's own source `tile`
knows no such bound, has no end for an answer that only drips, and keeps a picture that was cut off.
"""

from __future__ import annotations

import http.client
import io
import logging
import re
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mapproxy.config.configuration.base import ConfigurationError
from mapproxy.config.configuration.source import SourceConfiguration
from mapproxy.extent import map_extent_from_grid
from mapproxy.image import ImageResult
from mapproxy.image.opts import ImageOptions
from mapproxy.layer import BlankImageError
from mapproxy.layer.map_layer import MapLayer
from mapproxy.query import MapQuery
from mapproxy.source import SourceError
from mapproxy.util.lock import LockTimeout, SemLock
from PIL import Image

from cop.settings import Settings, get_settings
from cop_tiles.keeping import Trouble, tell

log = logging.getLogger(__name__)

# After a failure a source is left alone for so long: its kept tiles come at once, and it is not asked in vain.
REST_SECONDS = 30.0
_LONGEST_REST = 3600.0
_LARGEST_TILE = 4 * 2**20
_MISSING = frozenset({404, 410})


class NotHad(Exception):
    """A tile could not be had; `missing` where the server says that there is none, `rest` seconds to leave it alone."""

    def __init__(self, why: str, *, missing: bool = False, rest: float | None = None) -> None:
        super().__init__(why)
        self.missing = missing
        self.rest = rest


@dataclass(frozen=True)
class Server:
    """Whom to ask, and how: `template` with %(z)s, %(x)s, %(y)s; seconds for a whole answer; requests at once."""

    name: str
    template: str
    seconds: float
    at_once: int
    user_agent: str
    locks: Path


class Asking:
    """Asks one server for tiles: never more at once than it allows, and not again right after it failed."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.refused = False
        """Whether the server's owner forbids what this process is about to do: to fetch tiles ahead."""
        self._guard = threading.Lock()
        self._until = 0.0

    def tile(self, z: int, x: int, y: int, size: tuple[int, int]) -> Image.Image:
        """The picture of a tile, whole and of this size. Raises NotHad."""
        if self.refused:
            raise NotHad("its owner forbids to fetch tiles ahead")
        if time.monotonic() < self._until:
            raise NotHad("it failed a moment ago and is left alone for a while")
        try:
            with self._slot():
                return picture(self._body(self.server.template % {"z": z, "x": x, "y": y}), size)
        except NotHad as exc:
            if not exc.missing:
                self._rest(exc.rest)
            raise

    def _slot(self) -> SemLock:
        # Locks in files, because the server's processes share one source. Whoever waits gives up with the others.
        host = re.sub(r"[^\w.-]", "_", urlsplit(self.server.template).netloc)
        return _Slot(str(self.server.locks / f"{host}-"), self.server.at_once, timeout=self.server.seconds * 2)

    def _rest(self, seconds: float | None) -> None:
        with self._guard:
            self._until = time.monotonic() + min(REST_SECONDS if seconds is None else seconds, _LONGEST_REST)

    def _body(self, address: str) -> bytes:
        request = urllib.request.Request(address, headers={"User-Agent": self.server.user_agent, "Accept": "image/*"})  # noqa: S310
        until = time.monotonic() + self.server.seconds
        try:
            with urllib.request.urlopen(request, timeout=self.server.seconds) as answer:  # noqa: S310 - http(s) only
                kind = answer.headers.get_content_type()
                if answer.status != 200 or not kind.startswith("image/"):
                    raise NotHad(f"it answered {answer.status} with {kind}, wanted 200 with a picture")
                return _read(answer, until)
        except urllib.error.HTTPError as exc:
            with exc:
                rest = exc.headers.get("Retry-After", "")
            raise NotHad(
                f"it answered {exc.code}", missing=exc.code in _MISSING, rest=float(rest) if rest.isdecimal() else None
            ) from None
        except (OSError, http.client.HTTPException) as exc:
            raise NotHad(f"it does not answer: {exc}") from None


class _Slot(SemLock):  # type: ignore[misc]
    """A lock of which there are some; waiting too long for one is as good as no answer."""

    def __enter__(self) -> None:
        try:
            self.lock()
        except LockTimeout:
            raise NotHad("it is asked for too much at once", rest=0) from None


def _read(answer: http.client.HTTPResponse, until: float) -> bytes:
    body = bytearray()
    while part := answer.read1(65536):
        body += part
        if len(body) > _LARGEST_TILE:
            raise NotHad(f"its answer is longer than {_LARGEST_TILE} bytes")
        if time.monotonic() > until:
            raise NotHad("its answer takes too long")
    wanted = answer.headers.get("Content-Length", "")
    if wanted.isdecimal() and len(body) != int(wanted):
        raise NotHad(f"its answer was cut: {len(body)} of {wanted} bytes")
    return bytes(body)


def picture(body: bytes, size: tuple[int, int]) -> Image.Image:
    """The decoded picture of a tile. Raises NotHad where it is none, is cut off, or has another size."""
    try:
        with Image.open(io.BytesIO(body), formats=("PNG", "JPEG", "WEBP", "GIF")) as image:
            if image.size != size:
                raise NotHad(f"its picture is {image.width} x {image.height} pixels, wanted {size[0]} x {size[1]}")
            has_alpha = "A" in image.getbands() or "transparency" in image.info
            return image.convert("RGBA" if has_alpha else "RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as exc:
        raise NotHad(f"its picture is broken: {exc}") from None


class OutsideSource(MapLayer):  # type: ignore[misc]
    """One tile of the grid at a time, as MapProxy asks for it."""

    def __init__(self, asking: Asking, grid: Any, image_opts: ImageOptions, coverage: Any) -> None:
        super().__init__(image_opts)
        self.coverage = coverage
        self.extent = coverage.extent if coverage else map_extent_from_grid(grid)
        self._asking = asking
        self._grid = grid

    def get_map(self, query: MapQuery) -> ImageResult:
        """The tile with the query's box, size and CRS. Raises SourceError where it cannot be had."""
        if self.coverage and not self.coverage.intersects(query.bbox, query.srs):
            raise BlankImageError()
        _, across, tiles = self._grid.get_affected_tiles(query.bbox, query.size)
        coordinate = next(tiles)
        if across != (1, 1) or coordinate is None or query.size != self._grid.tile_size:
            raise SourceError("The cache and its source have different tiles.")
        x, y, z = coordinate
        name = self._asking.server.name
        try:
            image = self._asking.tile(z, x, y, query.size)
        except NotHad as exc:
            tell(Trouble(name, "missing" if exc.missing else "away"))
            log.warning("%s, tile %d/%d/%d: %s", name, z, x, y, exc)
            raise SourceError(f"{name} cannot be had: {exc}") from exc
        return ImageResult(image, size=query.size, image_opts=self.image_opts)


class OutsideSourceConfiguration(SourceConfiguration):  # type: ignore[misc]
    """Reads `type: xyz` in YAML."""

    source_type = ("xyz",)

    def source(self, params: dict[str, Any] | None = None) -> OutsideSource:  # noqa: ARG002 - MapProxy's signature
        """The source as MapProxy uses it. Raises ConfigurationError where its address is none."""
        name = self.conf["name"]
        settings = get_settings()
        grid = self.context.grids[self.conf["grid"]].tile_grid()
        locks = Path(self.context.globals.get_value("cache.tile_lock_dir", {}) or settings.var / "mapproxy" / "locks")
        server = Server(
            name=name,
            template=address(self.conf["url"], settings),
            seconds=float(self.conf.get("seconds", 10)),
            at_once=int(self.conf.get("at_once", 2)),
            user_agent=str(self.conf.get("user_agent") or user_agent(settings)),
            locks=locks / "outside",
        )
        asking = Asking(server)
        # `mapproxy-seed` too reads the configuration for seeding.
        asking.refused = self.context.seed and self.conf.get("seeding", "never") != "asked"
        return OutsideSource(asking, grid, self.image_opts(), self.coverage())


def address(template: str, settings: Settings) -> str:
    """A source's address with the installation's own base addresses in it. Raises ConfigurationError."""
    found = template.replace("{landsd}", settings.landsd_url).replace("{osm}", settings.osm_url)
    parts = urlsplit(found)
    if parts.scheme not in {"http", "https"} or not parts.netloc or "{" in found:
        raise ConfigurationError(f"url: found {found!r}, wanted http:// or https:// with a host")
    return found


def user_agent(settings: Settings) -> str:
    """How this installation names itself to the owners of tiles, with somebody to turn to."""
    return f"COP/{version('cop')} basemap cache (+{settings.contact or settings.url})"
