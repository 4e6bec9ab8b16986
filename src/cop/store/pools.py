"""How pools come back after the store was away: by trying often, for a waiting client hears nothing meanwhile."""

from __future__ import annotations

import threading
from typing import Any

from psycopg_pool import ConnectionPool

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
