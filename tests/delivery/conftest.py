"""What the suite of deliveries shares: a store, a receiver, servers that deliver quickly."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import psycopg
import pytest
from receivers import QUICK, Receiver

from cop_server.cluster import Cluster, create_database, drop_database
from cop_server.identity import keys


@pytest.fixture(scope="module")
def place(cluster: Cluster, template: str) -> Iterator[Cluster]:
    """A database that the tests of a module share; each has subscriptions and records of its own."""
    name = f"t_delivery_{os.getpid()}_{time.monotonic_ns()}"
    yield create_database(cluster, name, template)
    drop_database(cluster, name)


@pytest.fixture
def owner(place: Cluster) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(place.owner_dsn, autocommit=True) as connection:
        yield connection
        connection.execute("DELETE FROM cop.subscription WHERE kind = 'webhook'")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    one = Receiver()
    yield one
    one.stop()


@pytest.fixture(scope="module")
def url(place: Cluster, start_server_once: Callable[..., str]) -> str:
    return start_server_once(place.app_dsn, **QUICK)


@pytest.fixture
def http(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, timeout=60) as client:
        yield client


@pytest.fixture
def key(place: Cluster) -> Callable[..., dict[str, str]]:
    """Make a key; the header that carries it, and its id."""

    def make(role: str = "reporter", department: str | None = "DSD") -> dict[str, str]:
        _, made = keys.create(place.owner_dsn, "a test", role, department, None)
        return {"X-API-Key": made}

    return make


@pytest.fixture
def subscribe(http: httpx.Client, receiver: Receiver) -> Callable[..., dict[str, Any]]:
    """Subscribe the receiver; the subscription."""

    def make(headers: dict[str, str], to: Receiver = receiver, **more: Any) -> dict[str, Any]:
        body = {"target": to.url, "collections": ["incidents"], **more}
        answer = http.post("/subscriptions", json=body, headers=headers)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        to.secret = made["secret"]
        return made

    return make
