"""Killed in the middle of many writes with retries: nothing acknowledged is lost, nothing doubled, no update is lost.

Bounded here; at length in `make soak` (COP_TEST_LENGTH=long).
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from chain import faults
from victims import Victim

from cop_server.identity import keys

LONG = os.environ.get("COP_TEST_LENGTH") == "long"
WRITERS = 6
EACH = 1700 if LONG else 40  # 10,200 writes at length
PATIENCE = 3600 if LONG else 150
ITEMS = "/collections/incidents/items"
GEOJSON = {"Content-Type": "application/geo+json"}
INSERT = """
INSERT INTO layer.incidents (category, title_en, department, status, major, message_status, release, reported_at,
                             source, source_ref)
VALUES ('flood', %(ref)s, 'DSD', 'reported', false, 'exercise', 'public', now(), 'soak', %(ref)s)
ON CONFLICT (source, source_ref, message_status) WHERE source_ref IS NOT NULL DO NOTHING
"""


@pytest.fixture(scope="module")
def victim() -> Iterator[Victim]:
    folder = Path(tempfile.mkdtemp(prefix="cop-"))
    folder.chmod(0o755)
    made = Victim(folder)
    yield made
    made.close()
    shutil.rmtree(folder)


@pytest.fixture
def served(victim: Victim) -> Victim:
    from servers import free_port

    if victim.server is None:
        victim.serve(free_port())
    return victim


class Progress:
    """How many writes were acknowledged; the kills come at shares of the whole."""

    def __init__(self, whole: int) -> None:
        self.whole = whole
        self.done = 0
        self._lock = threading.Lock()

    def one(self) -> None:
        with self._lock:
            self.done += 1

    def strike(self, *blows: Callable[[], None]) -> int:
        """Strike each blow at its share of the work, again and again at length; how many were struck."""
        wanted = [blow for _ in range(10 if LONG else 1) for blow in blows]
        deadline = time.monotonic() + PATIENCE
        for struck, blow in enumerate(wanted):
            while self.done < self.whole * (struck + 1) / (len(wanted) + 1):
                assert time.monotonic() < deadline, f"{self.done} of {self.whole} writes in {PATIENCE} s"
                time.sleep(0.002)
            assert self.done < self.whole, "struck in the middle"
            blow()
        return len(wanted)


def test_a_killed_postgresql_loses_and_doubles_nothing(victim: Victim) -> None:
    progress = Progress(WRITERS * EACH)
    retries = []

    def write(writer: int) -> dict[str, int]:
        """Insert each record until it is acknowledged; its number as it was told then."""
        told = {}
        for one in range(EACH):
            ref = f"sql-{writer}-{one}"
            while ref not in told:
                try:
                    with psycopg.connect(victim.cluster.owner_dsn, connect_timeout=5) as connection:
                        connection.execute(INSERT, {"ref": ref})
                        connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
                        row = connection.execute(
                            "SELECT seq FROM layer.incidents WHERE source_ref = %s", [ref]
                        ).fetchone()
                    assert row is not None
                    told[ref] = row[0]
                except psycopg.OperationalError:
                    retries.append(ref)
                    time.sleep(0.05)
            progress.one()
        return told

    with ThreadPoolExecutor(WRITERS) as pool:
        writers = [pool.submit(write, writer) for writer in range(WRITERS)]
        progress.strike(victim.kill_postgresql, victim.kill_postgresql)
        told = {ref: n for writer in writers for ref, n in writer.result(PATIENCE).items()}
    assert retries, "the kills were felt"
    kept = victim.ask("SELECT source_ref, seq FROM layer.incidents WHERE source = 'soak'")
    assert len(kept) == WRITERS * EACH, "nothing is lost and nothing doubled"
    assert dict(kept) == told, "each has the number that was acknowledged"
    assert faults(victim.cluster.owner_dsn) == {}


def send(http: httpx.Client, method: str, address: str, **request: Any) -> tuple[httpx.Response, int]:
    """A request under one Idempotency-Key until it has an answer that is the server's last word, and how often it was sent."""
    headers = request.pop("headers") | {"Idempotency-Key": uuid.uuid4().hex}
    deadline = time.monotonic() + PATIENCE
    for times in range(1, 10_000):
        try:
            answer = http.request(method, address, headers=headers, **request)
            if answer.status_code < 500 and answer.status_code != 429:
                return answer, times
        except httpx.TransportError:
            pass
        assert time.monotonic() < deadline, "the server does not come back"
        time.sleep(0.05)
    raise AssertionError("unreachable")


@pytest.fixture
def client(served: Victim) -> Iterator[Callable[[], httpx.Client]]:
    """Clients of a duty officer."""
    key = keys.create(served.cluster.owner_dsn, "soak", "reporter", "DSD", None)[1]
    made: list[httpx.Client] = []

    def one() -> httpx.Client:
        made.append(httpx.Client(base_url=served.url, timeout=20, headers={"X-API-Key": key}))
        return made[-1]

    yield one
    for http in made:
        http.close()


def feature(title: str) -> dict[str, Any]:
    return {"type": "Feature", "geometry": {"type": "Point", "coordinates": [114.17, 22.3]},
            "properties": {"category": "flood", "title_en": title, "injured": 0}}  # fmt: skip


def test_through_the_api_killed_servers_and_stores_lose_and_double_nothing(
    served: Victim, client: Callable[[], httpx.Client]
) -> None:
    progress = Progress(WRITERS * EACH)
    repeated = []

    def write(http: httpx.Client, writer: int) -> dict[str, str]:
        told = {}
        for one in range(EACH):
            title = f"http-{writer}-{one}"
            answer, times = send(http, "POST", ITEMS, json=feature(title), headers=GEOJSON)
            assert answer.status_code == 201, answer.text
            told[title] = answer.json()["id"]
            if times > 1:
                repeated.append(title)
            progress.one()
        return told

    with ThreadPoolExecutor(WRITERS) as pool:
        writers = [pool.submit(write, client(), writer) for writer in range(WRITERS)]
        progress.strike(served.kill_worker, served.kill_postgresql, served.kill_server)
        told = {title: id_ for writer in writers for title, id_ in writer.result(PATIENCE).items()}
    assert repeated, "the kills were felt"
    kept = served.ask("SELECT title_en, id FROM layer.incidents WHERE title_en LIKE 'http-%'")
    assert len(kept) == WRITERS * EACH, "nothing is lost and nothing doubled"
    assert dict(kept) == told
    assert faults(served.cluster.owner_dsn) == {}


def test_writers_on_one_incident_lose_no_update(served: Victim, client: Callable[[], httpx.Client]) -> None:
    """Each reads the number of injured and adds one to it; whoever was overtaken is told (412) and reads again."""
    each = 200 if LONG else 12
    answer, _ = send(client(), "POST", ITEMS, json=feature("counted"), headers=GEOJSON)
    address = f"{ITEMS}/{answer.json()['id']}"
    progress = Progress(4 * each)
    overtaken = []

    def add(http: httpx.Client) -> int:
        added = 0
        while added < each:
            seen, _ = send(http, "GET", address, headers={"Accept": "application/geo+json"})
            body = {"properties": {"injured": seen.json()["properties"]["injured"] + 1}}
            headers = {"Content-Type": "application/merge-patch+json", "If-Match": seen.headers["etag"]}
            done, _ = send(http, "PATCH", address, json=body, headers=headers)
            if done.status_code == 412:
                overtaken.append(done)
                continue
            assert done.status_code == 200, done.text
            added += 1
            progress.one()
        return added

    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(add, client()) for _ in range(4)]
        progress.strike(served.kill_postgresql, served.kill_worker)
        acknowledged = sum(writer.result(PATIENCE) for writer in writers)
    assert overtaken, "they met"
    assert served.ask("SELECT injured FROM layer.incidents WHERE title_en = 'counted'") == [(acknowledged,)]
    versions = served.ask("SELECT injured FROM history.incidents WHERE title_en = 'counted' ORDER BY seq")
    assert [injured for (injured,) in versions] == list(range(acknowledged + 1)), "each update once, none over another"
    assert faults(served.cluster.owner_dsn) == {}
