"""The one connection of a process that hears of each commit. It is only a bell: what changed is read from the store."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import psycopg

_log = logging.getLogger(__name__)
NAME = "cop-listener"  # how the store's administrator knows it
_QUIET_SECONDS = 15.0
_PATIENCE_SECONDS = 5.0


class Listener:
    """Listens for ever: rings at each commit, at each return of its connection, and now and then in any case."""

    def __init__(self, dsn: str, ring: Callable[[], None], told: Callable[[bool], None]) -> None:
        self._dsn = dsn
        self._ring = ring
        self._told = told
        self._heard = False

    async def run(self) -> None:
        """Listen until cancelled. While there is no connection it rings at each attempt, so nobody waits for it."""
        wait = 0.05
        while True:
            try:
                await self._listen()
            except (psycopg.Error, OSError, TimeoutError) as exc:
                _log.warning("the listener lost the store: %s", type(exc).__name__)
            self._told(False)
            self._ring()
            await asyncio.sleep(wait)
            wait = min(2 * wait, _PATIENCE_SECONDS) if not self._heard else 0.05

    async def _listen(self) -> None:
        self._heard = False
        connection = await psycopg.AsyncConnection.connect(
            self._dsn, autocommit=True, application_name=NAME, connect_timeout=5,
            keepalives=1, keepalives_idle=10, keepalives_interval=5, keepalives_count=3,
        )  # fmt: skip
        async with connection:
            await connection.execute("LISTEN cop")
            self._heard = True
            self._told(True)
            self._ring()
            while True:
                async for _ in connection.notifies(timeout=_QUIET_SECONDS):
                    self._ring()
                # A connection that is dead without saying so would be quiet for ever.
                async with asyncio.timeout(_PATIENCE_SECONDS):
                    await connection.execute("SELECT 1")
                self._ring()
