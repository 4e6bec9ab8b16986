"""One pool a process, also where many threads ask for it first."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from psycopg_pool import ConnectionPool

from cop.store.pools import OnePool, Pool
from cop_server.cluster import Cluster


def _pools(store: Cluster, made: list[Pool]) -> OnePool:
    def make() -> Pool:
        time.sleep(0.05)  # long enough for the others to come
        made.append(ConnectionPool(store.app_dsn, min_size=1, max_size=8, open=True))
        return made[-1]

    return OnePool(make)


def test_many_who_are_first_get_one_pool(store: Cluster) -> None:
    made: list[Pool] = []
    pool = _pools(store, made)
    together = threading.Barrier(8)

    def ask(_: int) -> int:
        together.wait(5)
        with pool.get().connection() as connection:
            connection.execute("SELECT 1")
        return id(pool.get())

    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(ask, range(8)))) == 1
    assert len(made) == 1
    pool.close()


def test_a_closed_pool_is_made_anew_and_one_never_asked_for_is_not_made(store: Cluster) -> None:
    made: list[Pool] = []
    pool = _pools(store, made)
    pool.close()
    assert pool.state() == {}
    assert made == []
    first = pool.get()
    assert pool.state()["waiting"] == 0
    pool.close()
    assert first.closed
    assert pool.get() is not first
    pool.close()
    assert all(one.closed for one in made)
