"""The worker: turns of feeds as they fall due, beside as many other workers as there are.

What is due is told by the store, each feed to one worker; the queue hands turns to those who are free, and a lease on
the feed's row decides who may load. A worker that is not heard of for 15 s has lost its leases.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import procrastinate
import psycopg
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.jobs import DeleteJobCondition, Status
from psycopg_pool import ConnectionPool, PoolTimeout

from cop_ingest.feeds import exercise_clock, keeping
from cop_ingest.feeds.declared import Feed
from cop_ingest.feeds.keeping import Connection, FeedMode
from cop_ingest.feeds.queue import ensure_queue, queue_of
from cop_ingest.feeds.turn import Workshop, run_turn

CONCURRENCY = 4
_TURN = "feed"
_LOOK_SECONDS = 0.5
_RENEW_SECONDS = 4.0
_STALLED_SECONDS = 12.0
_REST_SECONDS = 2.0
_PRUNE_AT = "17 19 * * *"  # UTC: a quiet hour in Hong Kong
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Work:
    """What a worker works on: the store as the owner role, the feeds, and how long payloads are kept, in days."""

    owner_dsn: str
    feeds: Mapping[str, Feed]
    shop: Workshop
    raw_days: float


def holder_name() -> str:
    """This process among all workers."""
    return f"{socket.gethostname()}:{os.getpid()}"


def pool_of(owner_dsn: str, size: int = CONCURRENCY + 2) -> ConnectionPool[Connection]:
    """Connections as the owner role, in autocommit; none of them waits for ever."""
    return ConnectionPool(
        owner_dsn,
        min_size=1,
        max_size=size,
        timeout=10,
        check=ConnectionPool.check_connection,
        kwargs={
            "autocommit": True,
            "application_name": "cop-worker",
            "connect_timeout": 5,
            "options": "-c timezone=UTC -c lock_timeout=10000 -c statement_timeout=60000"
            " -c idle_in_transaction_session_timeout=30000",
        },
        open=True,
    )


@contextmanager
def heartbeat(owner_dsn: str, shop: Workshop) -> Iterator[None]:
    """Say every few seconds which feeds this worker is at, for as long as the block lasts."""
    ends = threading.Event()

    def beat() -> None:
        while not ends.is_set():
            try:
                with psycopg.connect(owner_dsn, autocommit=True, connect_timeout=3) as connection:
                    connection.execute("SET statement_timeout = 5000")
                    while not ends.wait(_RENEW_SECONDS):
                        keeping.renew(connection, shop.holder, shop.at_work.copy())
            except psycopg.Error as exc:
                _log.warning("the worker's heartbeat does not reach the store: %s", str(exc).partition("\n")[0])
                ends.wait(1.0)

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ends.set()
        thread.join(10)


def run_worker(work: Work) -> None:
    """Work until SIGTERM or SIGINT; turns under way are finished first. The store's trouble is waited out."""
    ends = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ends.set())
    exercise_clock.wait_for(work.shop.clock, ends)
    with heartbeat(work.owner_dsn, work.shop), exercise_clock.followed(work.owner_dsn, work.shop.clock):
        while not ends.is_set():
            try:
                ensure_queue(work.owner_dsn)
                with work.shop.connections.connection() as connection:
                    keeping.know(connection, work.feeds, work.shop.mode)
                    if work.shop.mode == "exercise":
                        keeping.withdraw_story(connection, work.feeds)
                asyncio.run(_work(work, ends))
            except (psycopg.Error, PoolTimeout, procrastinate.exceptions.ProcrastinateException) as exc:
                _log.warning("the worker cannot work, and tries again: %s", str(exc).partition("\n")[0])
            ends.wait(_REST_SECONDS)


async def _work(work: Work, ends: threading.Event) -> None:
    queue = queue_of(work.owner_dsn)
    _define_tasks(queue, work)
    async with queue.open_async():
        worker = asyncio.create_task(
            queue.run_worker_async(
                name=work.shop.holder, concurrency=CONCURRENCY, delete_jobs=DeleteJobCondition.ALWAYS,
                fetch_job_polling_interval=1.0, update_heartbeat_interval=_RENEW_SECONDS,
                stalled_worker_timeout=_STALLED_SECONDS, install_signal_handlers=False,
            )
        )  # fmt: skip
        hands = asyncio.create_task(_hand_out(queue, work, ends))
        await asyncio.wait({worker, hands}, return_when=asyncio.FIRST_COMPLETED)
        for task in (hands, worker):
            task.cancel()
        for task in (hands, worker):
            with suppress(asyncio.CancelledError):
                await task


def _define_tasks(queue: procrastinate.App, work: Work) -> None:
    @queue.task(name=_TURN)
    async def turn(feed: str) -> None:
        await asyncio.to_thread(_turn, work, feed)

    @queue.periodic(cron=_PRUNE_AT)
    @queue.task(name="prune", queueing_lock="prune")
    async def prune(timestamp: int) -> None:  # noqa: ARG001 - the queue says when it was meant
        await asyncio.to_thread(_prune, work)


def _turn(work: Work, name: str) -> None:
    feed = work.feeds.get(name)
    if feed is None:
        return
    ended = run_turn(work.shop, feed)
    if ended is not None and ended.outcome == "failed":
        _log.warning("%s: %s", name, ended.cause)


def _prune(work: Work) -> None:
    with work.shop.connections.connection() as connection:
        turns, payloads = keeping.prune(connection, work.raw_days)
    _log.info("let go of %d turns and %d payloads", turns, payloads)


async def _hand_out(queue: procrastinate.App, work: Work, ends: threading.Event) -> None:
    """Put what is due into the queue, once each, and clear away what dead workers have left in it."""
    rounds = 0
    while not ends.is_set():
        for name in await asyncio.to_thread(_due, work):
            with suppress(AlreadyEnqueued):
                await queue.configure_task(_TURN, queueing_lock=name).defer_async(feed=name)
        if rounds % 8 == 0:
            for job in await queue.job_manager.get_stalled_jobs(seconds_since_heartbeat=_STALLED_SECONDS):
                await queue.job_manager.finish_job(job, Status.FAILED, delete_job=True)
        rounds += 1
        await asyncio.sleep(_LOOK_SECONDS)


def _due(work: Work) -> list[str]:
    # A simulator that stands still is asked at the feeds' own cadence: it may go on at any time.
    speed = max(work.shop.clock.speed(), 1.0)
    every = {name: max(feed.cadence_s / speed, 1.0) for name, feed in work.feeds.items()}
    with work.shop.connections.connection() as connection:
        return keeping.due(connection, every, work.shop.mode)


def mode_of(feeds: str) -> FeedMode:
    """The mode of what is loaded, by COP_FEEDS: a simulator's is an exercise."""
    return "exercise" if feeds == "simulator" else "actual"
