"""The listener's connection is cut and frozen in the midst of writes: no answer is older than what was written before."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import psycopg
import pytest
from streams import Stream

from cop_server.cluster import Cluster
from cop_server.events.listener import NAME

ITEMS = "/collections/incidents/items"
Owner = psycopg.Connection[Any]


@pytest.fixture
def owner(store: Cluster) -> Iterator[Owner]:
    with psycopg.connect(store.owner_dsn, autocommit=True) as connection:
        yield connection


class Writing:
    """One record that is written again and again; `done` is the last value that was committed."""

    def __init__(self, dsn: str) -> None:
        self.done = 0
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(dsn,), daemon=True)
        self._thread.start()

    def _run(self, dsn: str) -> None:
        with psycopg.connect(dsn, autocommit=True) as connection:
            while not self._ending.is_set():
                connection.execute("UPDATE layer.incidents SET lanes_closed = %s", [self.done + 1])
                self.done += 1
                time.sleep(0.01)

    def end(self) -> int:
        self._ending.set()
        self._thread.join(30)
        return self.done


def listener(cluster: Cluster, owner: Owner) -> int | None:
    """The process that serves the listener of this database."""
    with psycopg.connect(cluster.admin_dsn) as admin:
        row = admin.execute(
            "SELECT pid FROM pg_stat_activity WHERE application_name = %s AND datname = %s",
            [NAME, owner.info.dbname],
        ).fetchone()
    return row[0] if row else None


def listening(cluster: Cluster, owner: Owner) -> int:
    """The same, as soon as there is one."""
    deadline = time.monotonic() + 60
    while (pid := listener(cluster, owner)) is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return pid


def cut(cluster: Cluster, owner: Owner) -> None:
    """Three times, as soon as it is back."""
    for _ in range(3):
        pid = listening(cluster, owner)
        with psycopg.connect(cluster.admin_dsn) as admin:
            admin.execute("SELECT pg_terminate_backend(%s)", [pid])
        time.sleep(0.2)


def frozen(cluster: Cluster, owner: Owner) -> None:
    """Its process stands still: the connection is there, and says nothing."""
    pid = listening(cluster, owner)
    os.kill(pid, signal.SIGSTOP)
    try:
        time.sleep(2)
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("blow", [cut, frozen])
def test_without_its_listener_no_answer_is_stale(
    cluster: Cluster, store: Cluster, owner: Owner, start_server: Callable[..., str], blow: Callable[..., None]
) -> None:
    owner.execute(
        "INSERT INTO layer.incidents (category, title_en, department, status, major, message_status, release, reported_at,"
        " source, source_ref, lanes_closed) VALUES ('road', 'x', 'TD', 'reported', false, 'exercise', 'public', now(), 't', '1', 0)"
    )
    url = start_server(store.app_dsn, COP_EVENTS_HEARTBEAT_S="0.5")
    stream = Stream(url, collections="incidents")
    writing = Writing(store.owner_dsn)
    striking = threading.Thread(target=blow, args=(cluster, owner))
    striking.start()
    answers, known, tag = 0, 0, ""
    with httpx.Client(base_url=url, timeout=30) as http:
        while striking.is_alive() or answers < 50:
            before = writing.done
            answer = http.get(f"{ITEMS}?f=json", headers={"If-None-Match": tag} if answers % 2 else {})
            if answer.status_code == 200:
                known, tag = answer.json()["features"][0]["properties"]["lanes_closed"], answer.headers["etag"]
            assert before <= known <= writing.done + 1, (
                f"{answer.status_code}: told {known}, written before it was {before}"
            )
            answers += 1
    striking.join()
    last = writing.end()
    stream.until(lambda one: bool(one.events) and one.events[-1]["data"]["properties"]["lanes_closed"] == last)
    values = [event["data"]["properties"]["lanes_closed"] for event in stream.events]
    assert values == sorted(set(values)), "each state once at most, and in order"
    if blow is cut:
        # The last event may have come by the stream's own watch, before the listener was back.
        stream.until(lambda one: {"interrupted", "resumed"} <= set(one.markers))
    stream.close()
