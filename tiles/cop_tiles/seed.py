"""Draw tiles ahead of their users, block by block: what is kept and not older than the basemap is passed over.

So an interrupted run goes on where it stopped. What to draw stands in a seed file as MapProxy has it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from mapproxy.config import local_base_config
from mapproxy.config.configuration.proxy import ProxyConfiguration
from mapproxy.seed.config import load_seed_tasks_conf
from mapproxy.source import SourceError

from cop.errors import CopError

# One block waits for the renderer while another is cut, coloured and written.
THREADS = 3
_PAUSE_OUTSIDE = 0.5
_LARGE_BLOCK = 8


class SeedFailed(CopError):
    """Tiles could not be drawn; the message says which and why."""


@dataclass(frozen=True)
class Block:
    """Tiles that are drawn in one."""

    manager: Any
    tiles: tuple[tuple[int, int, int], ...]
    base_config: Any


@dataclass(frozen=True)
class Level:
    """One level of a layer in a grid: the blocks that it consists of."""

    cache: str
    grid: str
    number: int
    blocks: tuple[Block, ...]

    @property
    def tiles(self) -> int:
        """How many tiles that are."""
        return sum(len(block.tiles) for block in self.blocks)

    def __str__(self) -> str:
        return f"{self.cache} {self.grid} {self.number}"


@dataclass
class Outcome:
    """What a run did: tiles drawn, tiles that were there, seconds."""

    drawn: int = 0
    kept: int = 0
    seconds: float = 0.0


def levels(configuration: ProxyConfiguration, seed_file: Path, layers: Iterable[str] = ()) -> list[Level]:
    """The levels that a seed file asks for, from the coarse to the fine; of the layers named, or of all.

    The configuration must have been read for seeding, else sources that forbid it are not refused. Raises SeedFailed
    where a layer is not in the seed file.
    """
    with configuration:
        tasks = load_seed_tasks_conf(str(seed_file), configuration).seeds()
    wanted = set(layers)
    if unknown := wanted - {task.md["cache_name"] for task in tasks}:
        raise SeedFailed(f"{', '.join(sorted(unknown))}: not in {seed_file.name}, which names what is drawn ahead")
    chosen = [task for task in tasks if not wanted or task.md["cache_name"] in wanted]
    found = [_level(task, number, configuration.base_config) for task in chosen for number in task.levels]
    return sorted(found, key=lambda level: (level.number, level.grid, level.cache))


def _level(task: Any, number: int, base_config: Any) -> Level:
    manager = task.tile_manager
    # What is asked for is drawn, and no more: blocks as they are cut for users would reach beyond the region.
    manager.minimize_meta_requests = True
    box = task.coverage.extent.bbox_for(manager.grid.srs)
    _, (across, down), found = manager.grid.get_affected_level_tiles(box, number)
    rows = [list(islice(found, across)) for _ in range(down)]
    side = _side(manager)
    blocks = [
        Block(
            manager,
            tuple(tile for row in rows[top : top + side] for tile in row[left : left + side] if tile),
            base_config,
        )
        for top in range(0, down, side)
        for left in range(0, across, side)
    ]
    return Level(task.md["cache_name"], task.md["grid_name"], number, tuple(block for block in blocks if block.tiles))


def _side(manager: Any) -> int:
    """How many tiles a block is wide: in Web Mercator many, elsewhere as few as for users, since the farther from the
    middle the less a turned picture fits; one where tiles come one by one.
    """
    if manager.meta_grid is None:
        return 1
    return _LARGE_BLOCK if manager.grid.srs.srs_code == "EPSG:3857" else int(manager.meta_grid.meta_size[0])


def seed(
    wanted: Sequence[Level],
    done: Callable[[Level, int], None],
    stop: threading.Event | None = None,
    *,
    slowly: bool = False,
) -> Outcome:
    """Draw what is missing or old of these levels; `done` is told of every block: its level and how many tiles.

    `stop` ends the run after the blocks under way. `slowly` asks for one tile at a time with pauses, as servers of
    others want it. Raises SeedFailed with the first block that cannot be drawn, after the others under way.
    """
    outcome, began = Outcome(), time.monotonic()
    stop = stop or threading.Event()
    with ThreadPoolExecutor(1 if slowly else THREADS, thread_name_prefix="seed") as threads:
        under_way: dict[Future[bool], tuple[Level, Block]] = {}
        try:
            for level, block in _blocks(wanted):
                while len(under_way) >= (1 if slowly else THREADS + 1):
                    _collect(under_way, outcome, done)
                if stop.is_set():
                    break
                under_way[threads.submit(_draw, block, slowly)] = (level, block)
            while under_way:
                _collect(under_way, outcome, done)
        finally:
            for future in under_way:
                future.cancel()
    outcome.seconds = time.monotonic() - began
    return outcome


def _blocks(wanted: Sequence[Level]) -> Iterator[tuple[Level, Block]]:
    return ((level, block) for level in wanted for block in level.blocks)


def _draw(block: Block, slowly: bool) -> bool:
    """Whether a block had to be drawn."""
    # MapProxy keeps its defaults, of how a tile is stored too, for each thread.
    with local_base_config(block.base_config):
        return _drawn(block, slowly)


def _drawn(block: Block, slowly: bool) -> bool:
    manager = block.manager
    if all(manager.is_cached(tile) for tile in block.tiles):
        return False
    with manager.session():
        manager.load_tile_coords(list(block.tiles))
    if not all(manager.is_cached(tile) for tile in block.tiles):
        raise SourceError("old tiles are kept, no new ones could be had")
    if slowly:
        time.sleep(_PAUSE_OUTSIDE * len(block.tiles))
    return True


def _collect(
    under_way: dict[Future[bool], tuple[Level, Block]], outcome: Outcome, done: Callable[[Level, int], None]
) -> None:
    finished, _ = wait(under_way, return_when=FIRST_COMPLETED)
    for future in finished:
        level, block = under_way.pop(future)
        try:
            drawn = future.result()
        except SourceError as exc:
            raise SeedFailed(f"{level}: {exc.args[0] if exc.args else exc}") from exc
        if drawn:
            outcome.drawn += len(block.tiles)
        else:
            outcome.kept += len(block.tiles)
        done(level, len(block.tiles))
