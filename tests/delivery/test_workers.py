"""Several processes: one delivers at a time, and another goes on where one was killed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest
from receivers import QUICK, Receiver, in_order, replica_of, until
from replicas import Life, features
from servers import Server

from cop.query.delta import Place
from cop.settings import get_settings
from cop.store.reading import close_pool
from cop.store.writing import close_write_pool
from cop_server.border.gauges import StoreCollector
from cop_server.cluster import Cluster
from cop_server.delivery import book
from cop_server.delivery import worker as workers
from cop_server.events.hub import Hub


@pytest.fixture(scope="module")
def servers(place: Cluster, var: Any) -> Iterator[list[Server]]:
    started = [Server(place.app_dsn, var, **QUICK) for _ in range(2)]
    for one in started:
        one.wait("/ready")
    yield started
    for one in started:
        one.stop()


@pytest.fixture
def url(servers: list[Server]) -> str:
    return servers[0].url


@pytest.fixture
def in_process(place: Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The store of these tests for what runs in the test's own process."""
    monkeypatch.setenv("COP_APP_DATABASE_URL", place.app_dsn)
    get_settings.cache_clear()
    close_pool()
    close_write_pool()
    yield
    close_pool()
    close_write_pool()
    get_settings.cache_clear()


def kept(owner: psycopg.Connection[Any], id_: str, held_for: int, **about: Any) -> None:
    """A webhook in the book that a process holds for so many seconds more."""
    row = {"id": id_, "kind": "webhook", "owner_subject": "key:a", "audience": "public", "mode": "exercise",
           "target": "https://hooks.example.org/", "collections": [], "content": "batch", "secret": b"x",
           "place_n": 0, "holder": "a", **about}  # fmt: skip
    names, values = ", ".join(row), ", ".join(f"%({name})s" for name in row)
    owner.execute(
        f"INSERT INTO cop.subscription ({names}, held_until) VALUES ({values}, now() + make_interval(secs => %(for)s))",
        row | {"for": held_for},
    )


def figures() -> dict[str, float]:
    told = StoreCollector("exercise").collect()
    return {one.name + "".join(one.labels.values()): one.value for family in told for one in family.samples
            if one.name.startswith(("cop_subscriptions", "cop_dead"))}  # fmt: skip


@pytest.mark.usefixtures("in_process")
def test_operations_see_what_fails_and_what_nobody_delivers(owner: psycopg.Connection[Any]) -> None:
    before = datetime.now(UTC) - timedelta(hours=2)
    kept(owner, "fails", 60, failures=3, failing_since=before)
    kept(owner, "lost-one", 60, failing_since=before - timedelta(hours=5))
    kept(owner, "unheld", -1, failures=3, failing_since=before - timedelta(hours=5))
    kept(owner, "never-held", -1, holder=None)
    kept(owner, "died", -1, state="dead", failures=9, failing_since=before - timedelta(days=9))
    owner.execute("UPDATE cop.subscription SET held_until = NULL WHERE holder IS NULL")
    owner.execute("INSERT INTO cop.dead_letter VALUES ('lost-one', 'incidents', 'x', 1, 'refused', 8)")
    told = figures()
    assert 7200 <= told.pop("cop_subscriptions_failing_seconds") < 7300
    assert told == {"cop_subscriptionsactive": 4, "cop_subscriptionspaused": 0, "cop_subscriptionsdead": 1,
                    "cop_subscriptions_unheld": 2, "cop_dead_letters": 1}  # fmt: skip


@pytest.mark.usefixtures("in_process")
def test_a_process_that_is_full_says_so(
    owner: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(workers, "_MOST_OF_A_PROCESS", 0)
    kept(owner, "waits", -1)
    worker = workers.Worker(Hub("", ""))
    for _ in range(2):
        asyncio.run(worker._look())
    assert [one.levelname for one in caplog.records if "takes no more" in one.message] == ["WARNING"]
    assert figures()["cop_subscriptions_unheld"] == 1


@pytest.mark.usefixtures("in_process")
def test_who_holds_it_no_longer_settles_nothing(owner: psycopg.Connection[Any]) -> None:
    kept(owner, "moved-on", 60, holder="another")
    owner.execute("INSERT INTO cop.dead_letter VALUES ('moved-on', 'incidents', 'x', 1, 'refused', 8)")
    letters = "SELECT count(*) FROM cop.dead_letter WHERE subscription = 'moved-on'"
    known = book.one("moved-on")
    assert not book.Lease("late", 30).moved(known, Place(5), [("incidents", "x")], settle=True)
    book.Lease("late", 30).settled(known, "incidents", "x")
    assert owner.execute(letters).fetchone() == (1,)
    assert book.Lease("another", 30).moved(known, Place(5), [("incidents", "x")], settle=True)
    assert owner.execute(letters).fetchone() == (0,)


def test_a_killed_process_is_taken_over_without_a_gap(
    servers: list[Server], http: httpx.Client, owner: psycopg.Connection[Any], receiver: Receiver,
    key: Callable[..., dict[str, str]], subscribe: Callable[..., dict[str, Any]],
) -> None:  # fmt: skip
    me = key("emsc", None)
    made = subscribe(me, since=0)
    receiver.answer = lambda _: (time.sleep(0.05), (204, {}))[1]
    holder = "SELECT holder FROM cop.subscription WHERE id = %s"
    life = Life(owner, seed=41)
    life.go_on(20)
    until(lambda: len(receiver.taken) > 0)
    assert len({one.headers["webhook-id"] for one in receiver.came}) == len(receiver.came), "each was sent by one alone"
    named = owner.execute(holder, [made["id"]]).fetchone()
    assert named is not None
    held_by = next(one for one in servers if f"-{one.process.pid}-" in named[0])
    life.go_on(5)
    held_by.process.kill()
    held_by.process.wait()
    servers.remove(held_by)
    life.go_on(10)
    with httpx.Client(base_url=servers[0].url, timeout=60) as living:
        original = features(living, "/collections/incidents/items", me)
    until(lambda: replica_of(receiver.taken) == original)
    in_order(receiver.taken)
    assert receiver.forged == 0


def test_a_stopped_process_gives_back_what_it_holds(
    servers: list[Server], owner: psycopg.Connection[Any], receiver: Receiver, key: Callable[..., dict[str, str]]
) -> None:
    body = {"target": receiver.url, "collections": ["incidents"]}
    made = httpx.post(f"{servers[0].url}/subscriptions", json=body, headers=key(), timeout=30).json()
    holder = "SELECT holder FROM cop.subscription WHERE id = %s"
    until(lambda: owner.execute(holder, [made["id"]]).fetchone() != (None,))
    while servers:
        servers.pop().stop()
    assert owner.execute(holder, [made["id"]]).fetchone() == (None,)
