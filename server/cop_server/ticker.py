"""What time alone brings about, done once however many servers look: the store's rules (`ticks` of the layer files).

Each process looks every so often; the store's row locks see to it that a record is changed by one of them only.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import takewhile

from psycopg.errors import Diagnostic

from cop.errors import CopError
from cop.store.statements import statements
from cop.store.writing import SQL, writing
from cop.visible import VisibleSet
from cop_server.border.metrics import TICKED, TICKS

_log = logging.getLogger(__name__)
TICK_SECONDS = 15.0
BATCH = 100
"""Records of one rule that are changed in one transaction: whoever writes meanwhile waits for no more."""


MOST = 1000
"""Transactions of one look; what is left then waits for the next one."""


def tick() -> int:
    """Change what is due, some records a transaction; how many records were changed.

    A rule that fails for a mode is told in the log, once a look; the others go on.
    """
    failed: dict[str, None] = {}
    changed = sum(takewhile(bool, (_tick_once(failed) for _ in range(MOST))))
    for told in failed:
        TICKS.labels("failed").inc()
        _log.error("%s", told)
    return changed


def _tick_once(failed: dict[str, None]) -> int:
    def hear(notice: Diagnostic) -> None:
        if notice.severity_nonlocalized == "WARNING" and notice.message_primary:
            failed[notice.message_primary] = None

    with writing(VisibleSet(), "ticker") as connection:
        connection.add_notice_handler(hear)
        try:
            row = connection.execute(statements(SQL)["tick"], {"rows": BATCH}).fetchone()
        finally:
            connection.remove_notice_handler(hear)
    return int(row[0]) if row else 0


@asynccontextmanager
async def ticking(seconds: float = TICK_SECONDS) -> AsyncIterator[None]:
    """Tick while the block lasts."""
    task = asyncio.create_task(_run(seconds))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _run(seconds: float) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            await asyncio.to_thread(tick)
            TICKS.labels("done").inc()
            TICKED.set_to_current_time()
        except CopError:
            TICKS.labels("failed").inc()
            _log.warning("the ticker could not reach the store; it tries again")
        except Exception:
            TICKS.labels("failed").inc()
            _log.exception("the ticker failed; it tries again")
