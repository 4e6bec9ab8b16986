"""How MapProxy makes and keeps tiles here: an old tile is served where no new one can be had, and that is told.

`install` gives every cache of a configuration this way of making tiles, and lets a tile leave for the first time in
the form in which it is stored. `listening` collects what went wrong at the sources while one request is answered.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from mapproxy.cache.tile import Tile
from mapproxy.cache.tile_creator import TileCreator
from mapproxy.image import BlankImageResult, ImageResult
from mapproxy.source import SourceError


@dataclass(frozen=True)
class Trouble:
    """A source that could not be had: `away` (silent, broken, full) or `missing` (it has no such tile)."""

    source: str
    kind: Literal["away", "missing"]


_heard: ContextVar[set[Trouble] | None] = ContextVar("cop_tiles_troubles", default=None)


@contextmanager
def listening() -> Iterator[set[Trouble]]:
    """The troubles that are told while the block runs, also by threads that got a copy of this context."""
    troubles: set[Trouble] = set()
    token = _heard.set(troubles)
    try:
        yield troubles
    finally:
        _heard.reset(token)


def tell(trouble: Trouble) -> None:
    """Let whoever listens know of a trouble."""
    heard = _heard.get()
    if heard is not None:
        heard.add(trouble)


class KeepingCreator(TileCreator):  # type: ignore[misc]
    """Makes tiles one after the other; where a source fails, a tile that was kept is good enough.

    MapProxy's own does so for single tiles only, not for blocks of tiles that are drawn in one.
    """

    def create_tiles(self, tiles: list[Tile]) -> list[Tile]:
        """New tiles for those asked; without those that are left as they were kept. Raises SourceError."""
        # With minimal blocks all that is asked for is drawn in one, and nothing else.
        groups = [tiles] if self.tile_mgr.minimize_meta_requests else [[tile] for tile in tiles]
        made: dict[Any, Tile] = {}
        for group in groups:
            if all(tile.coord in made for tile in group):
                continue
            try:
                made.update((one.coord, one) for one in super().create_tiles(group))
            except SourceError:
                # What was read from the cache before, however old, still hangs on the tile.
                if any(tile.image_result is None for tile in group):
                    raise
        return list(made.values())


def install(configuration: Any) -> None:
    """Give every cache of a MapProxy configuration (ProxyConfiguration) this way of making tiles."""
    with configuration:
        for cache in configuration.caches.values():
            for _, _, manager in cache.caches():
                manager.tile_creator_class = KeepingCreator
                manager.pre_store_filter = [*manager.pre_store_filter, partial(_as_stored, manager)]


def _as_stored(manager: Any, tile: Tile) -> Tile:
    """Encode a tile now, so that it looks the same the first time as later, when it comes from the cache."""
    result = tile.image_result
    if not isinstance(result, BlankImageResult):
        encoded = result.as_buffer(manager.image_opts, seekable=True)
        tile.image_result = ImageResult(encoded, result.size, manager.image_opts, cacheable=result.cacheable)
    return tile
