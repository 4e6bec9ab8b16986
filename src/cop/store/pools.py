"""One pool a process and use, and how it comes back after the store was away: by trying often, for clients wait."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool

Connection = psycopg.Connection[tuple[Any, ...]]
Pool = ConnectionPool[Connection]

RETRY_SECONDS = 0.25
AT_ONCE = 0.0
"""`reconnect_timeout`: the pool's own attempts would double their distance, to minutes after an outage of minutes."""


def try_again(pool: ConnectionPool[Any]) -> None:
    """What a pool calls when a connection could not be made: soon another attempt, one at a time."""

    def attempt() -> None:
        if not pool.closed:
            pool.check()

    timer = threading.Timer(RETRY_SECONDS, attempt)
    timer.daemon = True
    timer.start()


class OnePool:
    """A pool that is made by the first who asks for it, once also where two threads are the first."""

    def __init__(self, make: Callable[[], Pool]) -> None:
        self._make = make
        self._made: Pool | None = None
        self._lock = threading.Lock()

    def get(self) -> Pool:
        """The process' pool."""
        if self._made is None:
            with self._lock:
                if self._made is None:
                    self._made = self._make()
        return self._made

    def close(self) -> None:
        """Close it, if it was made; the next who asks makes another."""
        with self._lock:
            made, self._made = self._made, None
        if made is not None:
            made.close()

    def state(self) -> Mapping[str, int]:
        """The connections it holds (`size`), those that are free (`free`), and who waits (`waiting`)."""
        if self._made is None:
            return {}
        stats = self._made.get_stats()
        return {"size": stats.get("pool_size", 0), "free": stats.get("pool_available", 0),
                "waiting": stats.get("requests_waiting", 0)}  # fmt: skip
