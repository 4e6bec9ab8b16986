"""The database is restarted under load: 503 with Retry-After, then on; no write unsaid, no event missed or doubled."""

from __future__ import annotations

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
import pytest
from chain import faults
from servers import free_port
from streams import Stream, number
from victims import Victim

from cop_server.identity import keys

ITEMS = "/collections/incidents/items"
WRITERS = 3
PATIENCE = 60.0


@pytest.fixture(scope="module")
def victim() -> Iterator[Victim]:
    folder = Path(tempfile.mkdtemp(prefix="cop-"))
    folder.chmod(0o755)
    made = Victim(folder, durable=False)  # it is stopped in order, never killed
    made.serve(free_port(), COP_WORKERS="1", COP_EVENTS_HEARTBEAT_S="0.5")
    yield made
    made.close()
    shutil.rmtree(folder)


class Load:
    """Clients that read and write without a pause, and what they were answered."""

    def __init__(self, victim: Victim) -> None:
        self.victim = victim
        self.key = keys.create(victim.cluster.owner_dsn, "load", "reporter", "DSD", None)[1]
        self.ending = threading.Event()
        self.answers: list[tuple[float, str, int]] = []
        self.wrong: list[str] = []

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.victim.url, timeout=30, headers={"X-API-Key": self.key})

    def _take(self, kind: str, answer: httpx.Response, wanted: int) -> bool:
        self.answers.append((time.monotonic(), kind, answer.status_code))
        if answer.status_code == wanted:
            return True
        good = answer.status_code == 503 and answer.headers.get("retry-after") and (
            answer.headers["content-type"] == "application/problem+json"
        )  # fmt: skip
        if not good:
            self.wrong.append(f"{kind}: {answer.status_code} {answer.text[:300]}")
        return False

    def read(self) -> int:
        """Read until told to end; how often it was answered in full."""
        full = 0
        with self.client() as http:
            while not self.ending.is_set():
                full += self._take("read", http.get(f"{ITEMS}?f=json&limit=5"), 200)
        return full

    def write(self, writer: int) -> dict[str, str]:
        """Write records until told to end, each under its key until it is done; ids by title."""
        done: dict[str, str] = {}
        with self.client() as http:
            while not self.ending.is_set():
                title, key = f"{writer}-{len(done)}", uuid.uuid4().hex
                body = {"type": "Feature", "geometry": None,
                        "properties": {"category": "flood", "title_en": title, "release": "public"}}  # fmt: skip
                deadline = time.monotonic() + PATIENCE
                while True:
                    answer = http.post(ITEMS, json=body, headers={"Idempotency-Key": key})
                    if self._take("write", answer, 201):
                        break
                    assert time.monotonic() < deadline, answer.text
                    time.sleep(0.02)
                done[title] = answer.json()["id"]
        return done


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_restarted_under_load_nothing_is_lost_doubled_or_left_unsaid(
    victim: Victim, capsys: pytest.CaptureFixture[str]
) -> None:
    load = Load(victim)
    whole, cut = Stream(victim.url, collections="incidents"), Stream(victim.url, collections="incidents")
    with ThreadPoolExecutor(WRITERS + 3) as pool:
        writers = [pool.submit(load.write, nth) for nth in range(WRITERS)]
        readers = [pool.submit(load.read) for _ in range(2)]
        cut.until(lambda one: len(one.events) >= 5)
        cut.close()  # this reader is away while the store is, and comes back by its last id
        victim.stop_postgresql()
        until(lambda: {kind for _, kind, status in load.answers if status == 503} == {"read", "write"})
        victim.start_postgresql()
        back = time.monotonic()
        until(lambda: {kind for at, kind, status in load.answers if at > back and status < 300} == {"read", "write"})
        good = {kind: min(at for at, one, status in load.answers if one == kind and at > back and status < 300) - back
                for kind in ("read", "write")}  # fmt: skip
        time.sleep(0.5)
        load.ending.set()
        done = {title: id_ for writer in writers for title, id_ in writer.result().items()}
        assert all(reader.result() for reader in readers)
    with capsys.disabled():
        told = ", ".join(f"{kind} after {seconds:.2f} s" for kind, seconds in good.items())
        print(f"\n  from the store's return to the first answer in full: {told}")
    assert load.wrong == [], "every answer was in full, or 503 that says when to come again"
    kept = victim.ask("SELECT title_en, id FROM layer.incidents")
    assert len(kept) == len(done), "each key was done once"
    assert dict(kept) == done, "and as it was answered"
    assert faults(victim.cluster.owner_dsn) == {}

    again = Stream(victim.url, last=cut.last, collections="incidents")
    for before, after in ((whole, None), (cut, again)):

        def seen(parts: tuple[Stream | None, ...] = (before, after)) -> list[str]:
            return [id_ for part in parts if part is not None for id_ in part.ids]

        until(lambda seen=seen: {id_.partition(":")[2] for id_ in seen()} >= set(done.values()))  # type: ignore[misc]
        assert len(seen()) == len(set(seen())) == len(done), "no gap and no double"
        assert [number(id_) for id_ in seen()] == sorted(number(id_) for id_ in seen())
    # A stream's watch reads again by itself; the listener may be back after the last event has come.
    until(lambda: {"interrupted", "resumed"} <= set(whole.markers))
    for stream in (whole, again):
        stream.close()


def test_after_a_restart_no_request_meets_a_broken_connection(victim: Victim) -> None:
    """The pools are full of connections that the restart broke; nobody is answered 503 for that."""
    load = Load(victim)
    with ThreadPoolExecutor(8) as pool:
        load.ending.set()

        def write(nth: int) -> int:
            with load.client() as http:
                body = {"type": "Feature", "geometry": None, "properties": {"category": "flood", "title_en": str(nth)}}
                return http.post(ITEMS, json=body).status_code

        def read(nth: int) -> int:
            with load.client() as http:
                return http.get(f"{ITEMS}?f=json&limit={nth + 1}").status_code

        assert set(pool.map(write, range(16))) == {201}
        assert set(pool.map(read, range(16))) == {200}
        victim.stop_postgresql()
        assert set(pool.map(read, range(4))) == {503}
        victim.start_postgresql()
        fresh = Load(victim)  # a key that the server has to ask about
        load.key = fresh.key
        mixed: list[Any] = [pool.submit(write if nth % 2 else read, nth) for nth in range(24)]
        assert {one.result() for one in mixed} == {200, 201}
