"""The exercise's clock follows the simulator's: told to the store each second, for as long as a worker works."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta

import psycopg

from cop_ingest.feeds import keeping
from cop_ingest.feeds.clock import Clock, SimulatorClock

_TELLS_SECONDS = 1.0
_WAITS_SECONDS = 20.0
_BEHIND = timedelta(minutes=1)
_log = logging.getLogger(__name__)


@contextmanager
def followed(owner_dsn: str, clock: Clock) -> Iterator[None]:
    """Tell the store what a simulator's clock shows while the block lasts; then the exercise's clock stands.

    Nothing for other clocks. A clock that was set back is waited for, and the log says so.
    """
    if not isinstance(clock, SimulatorClock):
        yield
        return
    ends = threading.Event()
    thread = threading.Thread(target=_tell, args=(owner_dsn, clock, ends), name="exercise clock", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ends.set()
        thread.join(10)


def wait_for(clock: Clock, ends: threading.Event) -> None:
    """Wait until the simulator says what time it is, at most some seconds: nothing is told at a wrong time."""
    if not isinstance(clock, SimulatorClock):
        return
    tries = 0
    while clock.heard() is None and tries * 0.2 < _WAITS_SECONDS and not ends.wait(0.2):
        tries += 1


def _tell(owner_dsn: str, clock: SimulatorClock, ends: threading.Event) -> None:
    while not ends.is_set():
        try:
            with psycopg.connect(owner_dsn, autocommit=True, connect_timeout=3) as connection:
                connection.execute("SET statement_timeout = 5000")
                _tell_on(connection, clock, ends)
        except psycopg.Error as exc:
            _log.warning("the exercise's clock does not reach the store: %s", str(exc).partition("\n")[0])
            ends.wait(_TELLS_SECONDS)
    with suppress(psycopg.Error), psycopg.connect(owner_dsn, autocommit=True, connect_timeout=3) as connection:
        keeping.stop_clock(connection)


def _tell_on(connection: keeping.Connection, clock: SimulatorClock, ends: threading.Event) -> None:
    waits: datetime | None = None
    while not ends.is_set():
        heard = clock.heard()
        if heard is not None:
            now = keeping.tell_clock(connection, *heard)
            if now - heard[0] <= _BEHIND * max(heard[1], 1):
                waits = None
            elif waits is None:
                waits = now
                _log.warning("the simulator's clock was set back to %s; the exercise's waits at %s", heard[0], now)
        ends.wait(_TELLS_SECONDS)
