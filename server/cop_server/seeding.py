"""`cop seed`: draw the basemaps' tiles of Hong Kong ahead, and show how far it is."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from cop.errors import SetupTrouble
from cop.resources import resource
from cop.settings import Settings
from cop_server.basemap_offer import read_configuration
from cop_server.console import console, say
from cop_tiles import seed as seeder
from cop_tiles.basemap.folder import built
from cop_tiles.pool import close_shared_pool


def seed(settings: Settings, layers: Sequence[str] = (), *, outside: bool = False) -> None:
    """Draw the tiles of zooms 8 to 14 (HK1980 Grid: 200 to 10 m a pixel) that are missing or older than the basemap.

    Ctrl-C ends it after the blocks under way; the next run goes on from there. `outside` fetches the Lands Department's
    instead, slowly. Raises SetupTrouble where there is nothing to draw from, SeedFailed where tiles cannot be drawn.
    """
    _check(settings, outside=outside)
    folder = resource("mapproxy")
    configuration = read_configuration(
        folder / ("production.yaml" if outside else "mapproxy.yaml"), settings, seed=True
    )
    wanted = seeder.levels(configuration, folder / ("seed_outside.yaml" if outside else "seed.yaml"), layers)
    try:
        with _stopping() as stop, _progress(wanted) as done:
            outcome = seeder.seed(wanted, done, stop, slowly=outside)
    finally:
        close_shared_pool()
    rate = outcome.drawn / outcome.seconds if outcome.seconds else 0.0
    say(
        f"{outcome.drawn:,} tiles drawn in {outcome.seconds:,.0f} s ({rate:,.0f} a second), {outcome.kept:,} were there"
    )
    if stop.is_set():
        say("stopped before the end; the same command goes on from here")
        raise SystemExit(130)


def _check(settings: Settings, *, outside: bool) -> None:
    if outside and settings.basemaps != "live":
        raise SetupTrouble("basemaps from outside are off here; COP_BASEMAPS=live turns them on")
    if not outside and built(settings.var / "basemap") is None:
        raise SetupTrouble("there is no basemap yet; `make run` or `cop basemap` builds it")


@contextmanager
def _stopping() -> Iterator[threading.Event]:
    """An event that a signal to end sets; the second Ctrl-C ends at once."""
    stop = threading.Event()

    def asked(number: int, _: Any) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        signal.signal(number, asked)

    before = {number: signal.signal(number, asked) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _progress(wanted: Sequence[seeder.Level]) -> Iterator[Callable[[seeder.Level, int], None]]:
    """A bar over all tiles that names the layer and zoom at hand; without a terminal a line for each that is done."""
    left = {str(level): level.tiles for level in wanted}
    total = sum(left.values())
    if not console.is_terminal:
        yield lambda level, count: _line(left, level, count)
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]} tiles/s"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("tiles", total=total, rate="–")

        def done(level: seeder.Level, count: int) -> None:
            speed = bar.tasks[0].speed
            bar.update(task, advance=count, description=_name(level), rate=f"{speed:,.0f}" if speed else "–")

        yield done


def _line(left: dict[str, int], level: seeder.Level, count: int) -> None:
    left[str(level)] -= count
    if left[str(level)] == 0:
        say(f"{_name(level)}: {level.tiles:,} tiles; {sum(left.values()):,} to go")


def _name(level: seeder.Level) -> str:
    return f"{level.cache}, {level.grid}, zoom {level.number}"
