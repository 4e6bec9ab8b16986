"""Real workers over one store: a feed is never asked by two, and one that is killed is taken over in time."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from feed_source import NOON, Source, feed_of, wind_csv

from cop_server.cluster import Cluster

TESTS = Path(__file__).parent.parent
WIND = feed_of(cadence_s=20)
WARNINGS = feed_of(
    id="stub_warnings", parser="feed_parsers:lines", position=None, empty="quiet", cadence_s=20,
    parts={"en": {"url": "https://stub.invalid/warnings"}},
    target={"layer": "warnings", "how": "register", "absent": {"ended_at": "at"}},
)  # fmt: skip
TAKEOVER_SECONDS = 30.0

Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start(database_once: Cluster, source: Source, tmp_path: Path) -> Iterator[Start]:
    """Start a worker with the feeds named; all end with the test."""
    started: list[subprocess.Popen[bytes]] = []

    def one(*feeds: Any) -> subprocess.Popen[bytes]:
        declared = [feed.model_dump_json(by_alias=True) for feed in feeds]
        with (tmp_path / f"worker{len(started)}.log").open("wb") as log:
            started.append(
                subprocess.Popen(
                    [sys.executable, "-m", "feed_worker", database_once.owner_dsn, source.url, *declared],
                    env={**os.environ, "PYTHONPATH": str(TESTS)}, stdout=log, stderr=log,
                )
            )  # fmt: skip
        return started[-1]

    yield one
    for worker in started:
        worker.kill()
        worker.wait()


def until(owner: psycopg.Connection[Any], statement: str, seconds: float = 60) -> float:
    """Wait until a question is answered by true; how long it took."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        if owner.execute(statement).fetchone() == (True,):  # type: ignore[call-overload]
            return time.monotonic() - began
        time.sleep(0.05)
    pytest.fail(f"not within {seconds} s: {statement}")


def test_two_workers_never_ask_for_a_feed_at_the_same_time(start: Start, source: Source, owner: Any) -> None:
    inside, most, asked = [0], [0], [0]
    lock = threading.Lock()

    def slow(handler: Any) -> None:
        with lock:
            asked[0] += 1
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            body = wind_csv(NOON, Cheung_Chau=asked[0]).encode()
        time.sleep(1.3)
        with lock:
            inside[0] -= 1
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    source.fails(slow)
    workers = [start(WIND), start(WIND)]
    until(owner, "SELECT count(*) >= 3 FROM cop.turn WHERE outcome IN ('loaded', 'unchanged')")
    assert most[0] == 1
    # Both were there, and one that is asked to end ends.
    assert owner.execute("SELECT count(*) FROM cop_queue.procrastinate_workers").fetchone() == (2,)
    workers[0].terminate()
    assert workers[0].wait(20) == 0


def test_a_worker_killed_while_it_loads_leaves_nothing_half_written_and_is_taken_over(
    start: Start, source: Source, owner: Any, database_once: Cluster
) -> None:
    source.says("A|WL|2025-09-23T11:00:00+08:00\nB|WTS|2025-09-23T11:00:00+08:00", path="/stub.invalid/warnings")
    with psycopg.connect(database_once.owner_dsn) as blocking:
        blocking.execute("LOCK TABLE layer.warnings IN EXCLUSIVE MODE")
        first = start(WARNINGS)
        until(owner, "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                     " AND application_name = 'cop-worker' AND query LIKE 'MERGE%%'")  # fmt: skip
        holder = owner.execute("SELECT holder FROM cop.feed WHERE feed = 'stub_warnings'").fetchone()
        second = start(WARNINGS)
        first.kill()
        first.wait()
        killed = time.monotonic()
    until(owner, "SELECT count(*) = 2 FROM layer.warnings", TAKEOVER_SECONDS)
    assert time.monotonic() - killed < TAKEOVER_SECONDS
    # The records are there a moment before the turn's row says so.
    until(owner, "SELECT bool_and(outcome <> 'running') FROM (SELECT outcome FROM cop.turn ORDER BY id LIMIT 2) AS t")
    turns = owner.execute("SELECT outcome, holder = %s FROM cop.turn ORDER BY id LIMIT 2", holder).fetchall()
    assert turns == [("lost", True), ("loaded", False)]
    assert owner.execute("SELECT array_agg(state ORDER BY id) FROM (SELECT * FROM cop.run ORDER BY id LIMIT 2) AS r").fetchone() == (
        ["failed", "done"],
    )  # fmt: skip
    assert owner.execute("SELECT count(*) FROM layer.warnings").fetchone() == (2,)
    until(owner, "SELECT count(*) = 0 FROM cop_queue.procrastinate_jobs WHERE status = 'doing'")
    assert second.poll() is None


def test_a_feed_that_is_killed_is_down_soon_and_back_without_doubles(start: Start, source: Source, owner: Any) -> None:
    source.says("A|WL|2025-09-23T11:00:00+08:00", path="/stub.invalid/warnings")
    start(WARNINGS)
    until(owner, "SELECT state = 'live' FROM layer.feeds WHERE id = 'stub_warnings'")
    source.says("", path="/stub.invalid/warnings", status=500)
    until(owner, "SELECT state = 'down' FROM layer.feeds WHERE id = 'stub_warnings'", WARNINGS.cadence_s / 20 + 10)
    assert owner.execute("SELECT count(*) FROM layer.warnings WHERE ended_at IS NULL").fetchone() == (1,)
    source.says("A|WL|2025-09-23T11:00:00+08:00\nB|WTS|2025-09-23T12:00:00+08:00", path="/stub.invalid/warnings")
    until(owner, "SELECT state = 'live' FROM layer.feeds WHERE id = 'stub_warnings'")
    assert owner.execute("SELECT count(*) FROM layer.warnings WHERE ended_at IS NULL").fetchone() == (2,)


def test_a_worker_goes_on_when_the_store_has_thrown_it_out(start: Start, source: Source, owner: Any) -> None:
    source.says(wind_csv(NOON, Cheung_Chau=50))
    worker = start(WIND)
    until(owner, "SELECT count(*) = 1 FROM layer.wind_10min")
    # In the middle of a turn, so that its lease is left behind by a worker that lives.
    hanging = threading.Event()
    source.fails(lambda _: hanging.wait(3) or None)
    until(owner, "SELECT holder IS NOT NULL FROM cop.feed WHERE feed = 'stub_wind'")
    thrown = owner.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        " AND application_name IN ('cop-worker', 'cop-queue', '') AND pid <> pg_backend_pid()"
    ).fetchall()
    assert len(thrown) >= 3
    source.says(wind_csv(NOON, Cheung_Chau=60))
    hanging.set()
    until(owner, "SELECT mean_kmh = 60 FROM layer.wind_10min", 60)
    assert worker.poll() is None
