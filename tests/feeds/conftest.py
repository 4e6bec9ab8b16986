"""A workshop over a database of the test's own, and a department's server behind it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import shapely
from feed_source import Shop, Source, StoryClock, serving
from psycopg_pool import ConnectionPool

from cop.catalogue import catalogue
from cop_ingest.feeds.fetch import Fetcher, Manners
from cop_ingest.feeds.reader import Readers
from cop_ingest.feeds.turn import Workshop
from cop_ingest.feeds.worker import pool_of
from cop_ingest.load import Origin, load_whole
from cop_ingest.records import Parsed, Record
from cop_server.cluster import Cluster, create_database, drop_database

TESTS = Path(__file__).parent.parent


@pytest.fixture
def source() -> Iterator[Source]:
    with serving() as made:
        yield made


@pytest.fixture(scope="module")
def readers() -> Iterator[Readers]:
    """Parsers' processes that the tests of a module share: each imports what it needs once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(TESTS))
        made = Readers(seconds=6.0)
        yield made
        made.close()


@pytest.fixture(scope="module")
def database_once(cluster: Cluster, template: str) -> Iterator[Cluster]:
    """A database that the tests of a module share; each begins with no feed, turn, observation or warning in it."""
    name = f"t_feeds_{os.getpid()}_{time.monotonic_ns()}"
    made = create_database(cluster, name, template)
    with psycopg.connect(made.owner_dsn, autocommit=True) as connection:
        station = Record(
            "Cheung-Chau", {"name_en": "Cheung Chau", "name_zh": "長洲"}, shapely.to_wkb(shapely.Point(114.03, 22.2))
        )
        layer = catalogue().layers["weather_stations"]
        load_whole(connection, layer, Parsed([station]), Origin("test", b"", "real"))
    yield made
    drop_database(cluster, name)


@pytest.fixture
def owner(database_once: Cluster) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database_once.owner_dsn, autocommit=True, options="-c timezone=UTC") as connection:
        for table in (
            "layer.wind_10min", "obs.wind_10min", "layer.warnings", "layer.feeds",
            "cop.turn", "cop.feed", "cop.feed_record", "cop.remark", "cop.run", "cop.raw",
        ):  # fmt: skip
            connection.execute(f"DELETE FROM {table}")  # type: ignore[arg-type]
        yield connection


@pytest.fixture(scope="module")
def pool(database_once: Cluster) -> Iterator[ConnectionPool[Any]]:
    with pool_of(database_once.owner_dsn, 3) as made:
        yield made


@pytest.fixture
def shop(pool: ConnectionPool[Any], owner: psycopg.Connection[Any], source: Source, readers: Readers) -> Iterator[Shop]:
    clock = StoryClock()
    fetcher = Fetcher("tests", source.url, Manners(connect=1, silence=0.5, whole=1.5, attempts=2, backoff=0.02))
    yield Shop(source, clock, Workshop(pool, fetcher, clock, "actual", "test", readers), owner)
    fetcher.close()
