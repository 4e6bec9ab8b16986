"""Several processes: one delivers at a time, and another goes on where one was killed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import psycopg
import pytest
from conftest import Server
from receivers import QUICK, Receiver, in_order, replica_of, until
from replicas import Life, features

from cop_server.cluster import Cluster


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
