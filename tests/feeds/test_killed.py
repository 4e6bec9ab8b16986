"""Each declared feed killed in turn: it alone is down, its counts say so; back again it catches up without doubles."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest
from psycopg_pool import ConnectionPool
from simulated import served

from cop.catalogue import catalogue
from cop_ingest.feeds import keeping
from cop_ingest.feeds.declared import feeds
from cop_ingest.feeds.fetch import Fetcher, Manners
from cop_ingest.feeds.reader import Readers
from cop_ingest.feeds.turn import Workshop, run_turn
from cop_ingest.feeds.worker import pool_of
from cop_ingest.scenario.calendar import hong_kong
from cop_ingest.simulator.app import Simulator
from cop_ingest.simulator.clock import Clock
from cop_ingest.simulator.endpoints import endpoints
from cop_ingest.simulator.world.world import ENDS, STARTS, World
from cop_server.cluster import Cluster, create_database, drop_database

NIGHT = hong_kong("2025-09-24 03:20").astimezone(UTC)
FAULTS = ("error500", "gone", "html")
FEEDS = list(feeds())


class TheirClock:
    """The simulator's own, which stands where a test puts it."""

    def __init__(self, simulator: Simulator) -> None:
        self._clock = simulator.clock

    def now(self) -> datetime:
        return self._clock.now().astimezone(UTC)

    def speed(self) -> float:
        return 1.0


class Night:
    """The simulator with all feeds, a worker's workshop, the store, and a server over it."""

    def __init__(self, simulator: Simulator, base: str, pool: ConnectionPool[Any], url: str) -> None:
        self.simulator, self.url = simulator, url
        manners = Manners(silence=30, attempts=1)
        self.fetcher = Fetcher("tests", base, manners)
        self.shop = Workshop(pool, self.fetcher, TheirClock(simulator), "exercise", "test", Readers())

    def turn(self, feed: str) -> keeping.Ended:
        ended = run_turn(self.shop, feeds()[feed])
        assert ended is not None
        return ended

    def later(self, **span: float) -> None:
        self.simulator.clock.jump(self.simulator.clock.now() + timedelta(**span))

    def rows(self, statement: str, *values: object) -> list[Any]:
        with self.shop.connections.connection() as connection:
            return connection.execute(statement, values).fetchall()  # type: ignore[call-overload, no-any-return]

    def states(self) -> dict[str, str]:
        return {feed: state for feed, (state, *_) in self._known().items() if state is not None}

    def _known(self) -> dict[str, tuple[Any, ...]]:
        with self.shop.connections.connection() as connection:
            return keeping.states(connection, "exercise")

    def caveats(self, layer: str) -> list[str]:
        """COP-Caveat of the layer's items, and of its counts where it has an address of its own for them."""
        asked = {"limit": 1, "mode": "exercise"}
        items = httpx.get(f"{self.url}/collections/{layer}/items", params=asked, timeout=30)
        counts = httpx.get(f"{self.url}/collections/{layer}/summary", params={"mode": "exercise"}, timeout=30)
        assert items.status_code == 200, items.text
        return [one.headers.get("COP-Caveat", "") for one in (items, counts) if one.status_code != 404]

    def doubts(self) -> str:
        return httpx.get(f"{self.url}/summary", params={"mode": "exercise"}, timeout=30).text


@pytest.fixture(scope="module")
def night(
    cluster: Cluster, template: str, start_server_once: Callable[..., str], tmp_path_factory: Any
) -> Iterator[Night]:
    simulator = Simulator(World(1, scale=0.05), Clock(STARTS, ENDS, NIGHT, 0.0), endpoints())
    name = f"t_killed_{os.getpid()}_{time.monotonic_ns()}"
    made = create_database(cluster, name, template)
    with pytest.MonkeyPatch.context() as patch, pool_of(made.owner_dsn, 3) as pool:
        patch.setenv("COP_VAR", str(tmp_path_factory.mktemp("var")))
        running = served(simulator)
        base = next(running)
        with psycopg.connect(made.owner_dsn, autocommit=True) as connection:
            keeping.know(connection, FEEDS, "exercise")
        one = Night(simulator, base, pool, start_server_once(made.app_dsn))
        for feed in FEEDS:
            one.turn(feed)
        yield one
        one.shop.readers.close()
        one.fetcher.close()
        next(running, None)
    drop_database(cluster, name)


@pytest.mark.parametrize("feed", FEEDS)
def test_a_killed_feed_is_down_alone_and_its_counts_say_so(night: Night, feed: str) -> None:
    declared = feeds()[feed]
    layer = declared.target.layer
    if declared.fallback_of is not None:  # a stand-in is asked only where its main feed is away
        night.simulator.faults.add({"feed": declared.fallback_of, "fault": "error500"}, night.simulator.clock.now())
        night.turn(declared.fallback_of)
        night.turn(feed)
    before = night.states()
    stood = night.rows(f"SELECT count(*) FROM layer.{layer!r}".replace("'", '"'))
    fault = FAULTS[FEEDS.index(feed) % len(FAULTS)]
    night.simulator.faults.add({"feed": feed, "fault": fault}, night.simulator.clock.now())
    night.fetcher.breaker = type(night.fetcher.breaker)()
    night.later(seconds=60)
    ended = night.turn(feed)
    assert (ended.outcome, night.states()[feed]) == ("failed", "down")
    assert {name: state for name, state in night.states().items() if name != feed} == {
        name: state for name, state in before.items() if name != feed
    }, "nothing else is down"
    assert feed in catalogue().layers[layer].feeds
    told = f"{feed};state=down"
    assert all(told in caveat for caveat in night.caveats(layer))
    assert feed in night.doubts()
    assert night.rows(f"SELECT count(*) FROM layer.{layer!r}".replace("'", '"')) == stood, "what was known stays"

    night.simulator.faults.clear(None)
    night.fetcher.breaker = type(night.fetcher.breaker)()
    assert night.turn(feed).outcome != "failed"
    if declared.fallback_of is not None:
        night.turn(declared.fallback_of)
        night.turn(feed)
    assert night.states()[feed] != "down"
    assert not any(told in caveat for caveat in night.caveats(layer))
    doubled = "SELECT source, source_ref FROM layer.{} GROUP BY 1, 2, message_status HAVING count(*) > 1"
    assert declared.target.how != "register" or night.rows(doubled.format(f'"{layer}"')) == []


BODIES = ("truncated", "wrong_encoding", "gzip_bomb", "huge")
TRIED = FEEDS if os.environ.get("COP_TEST_LENGTH") == "long" else FEEDS[::9]


@pytest.mark.parametrize("feed", [feed for feed in TRIED if feeds()[feed].fallback_of is None])
@pytest.mark.parametrize("fault", BODIES)
def test_a_bad_body_takes_nothing_away_and_is_kept(night: Night, feed: str, fault: str) -> None:
    declared = feeds()[feed]
    standing = f'SELECT count(*) FROM layer."{declared.target.layer}"'
    held = "SELECT count(*) FROM cop.feed_record WHERE feed = %s AND absent_since IS NULL"
    before = night.rows(standing), night.rows(held, feed)
    night.simulator.faults.add({"feed": feed, "fault": fault}, night.simulator.clock.now())
    ended = night.turn(feed)
    assert ended.outcome == "failed" or fault in ("truncated", "wrong_encoding"), ended
    assert ended.cause or ended.outcome in ("same", "unchanged", "loaded", "quiet"), ended
    assert (night.rows(standing), night.rows(held, feed)) == before
    if fault in ("truncated", "wrong_encoding"):  # the others are cut off at the limit of size
        kept = "SELECT count(*) FROM cop.fetch AS f JOIN cop.raw AS r USING (hash) WHERE f.turn = (SELECT max(id) FROM cop.turn)"
        assert night.rows(kept) != [(0,)]
    night.simulator.faults.clear(None)
    assert night.turn(feed).outcome != "failed"
    assert (night.rows(standing), night.rows(held, feed)) == before
