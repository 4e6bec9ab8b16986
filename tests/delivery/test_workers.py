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
    servers: list[Server], http: httpx.Client, owner: psycopg.Connection[Any], receiver: Receiver, place: Cluster, var: Any,
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
    for _ in range(2):
        named = owner.execute(holder, [made["id"]]).fetchone()
        assert named is not None
        held_by = next(one for one in servers if f"-{one.process.pid}-" in named[0])
        life.go_on(5)
        held_by.process.kill()
        held_by.process.wait()
        life.go_on(10)
        servers.remove(held_by)
        servers.append(Server(place.app_dsn, var, **QUICK))
        until(lambda n=named: owner.execute(holder, [made["id"]]).fetchone() not in (n, (None,)))  # type: ignore[misc]
        servers[-1].wait("/ready")
    with httpx.Client(base_url=servers[-1].url, timeout=60) as living:
        original = features(living, "/collections/incidents/items", me)
    until(lambda: replica_of(receiver.taken) == original)
    in_order(receiver.taken)
    assert receiver.forged == 0


def test_a_stopped_process_gives_back_what_it_holds(
    servers: list[Server], owner: psycopg.Connection[Any], receiver: Receiver, place: Cluster, var: Any,
    key: Callable[..., dict[str, str]],
) -> None:  # fmt: skip
    alone = Server(place.app_dsn, var, **{**QUICK, "COP_DELIVERY_LEASE_S": "600"})
    alone.wait("/ready")
    for one in servers:
        one.stop()
    servers.clear()
    body = {"target": receiver.url, "collections": ["incidents"]}
    made = httpx.post(f"{alone.url}/subscriptions", json=body, headers=key()).json()
    holder = "SELECT holder FROM cop.subscription WHERE id = %s"
    until(lambda: owner.execute(holder, [made["id"]]).fetchone() != (None,))
    alone.stop()
    assert owner.execute(holder, [made["id"]]).fetchone() == (None,)
