"""Time durable writes: `.venv/bin/python bench/writes.py`.

Writers of incidents at the database and through the API (with all checks, If-Match and an Idempotency-Key),
synchronous_commit on, beside what the disk's fsync allows; what an identity adds to a request; cold items by audience.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psycopg
from cop_bench import report
from cop_bench.servers import Server, bare_environment, free_port

from cop.catalogue import catalogue
from cop.store.migrate import apply_layers, migrate
from cop_server.cluster import Cluster, cluster_status, create_database, drop_database, ensure_cluster, stop_cluster
from cop_server.identity import keys

ROOT = Path(__file__).parent.parent
VAR = ROOT / "var" / "bench"
DATABASE = "bench_writes"
SECONDS, WRITERS, RECORDS = 10.0, 8, 2_000
ITEMS = "/collections/incidents/items"
_NEW = """
INSERT INTO layer.incidents (id, category, title_en, department, status, major, message_status, release, reported_at,
    source, source_ref, district, provenance, geom, position_released)
SELECT 'B-' || n, (ARRAY['flood', 'road', 'fallen_tree'])[1 + n %% 3], 'Bench ' || n, 'DSD', 'reported', n %% 50 = 0,
    'exercise', (ARRAY['public', 'departments'])[1 + n %% 2], now() - n * interval '1 minute', 'bench', n::text, 'YTM',
    'exercise', ST_SetSRID(ST_MakePoint(114 + n %% 300 / 1000.0, 22.25 + n %% 200 / 1000.0), 4326), true
FROM generate_series(1, %s) AS n
"""


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured, and what was wanted."""

    what: str
    value: float
    unit: str
    wanted: str = ""
    met: bool | None = None

    @property
    def row(self) -> list[str]:
        """A line of the table."""
        return [
            self.what,
            f"{self.value:.3g} {self.unit}",
            self.wanted,
            {None: "", True: "met", False: "missed"}[self.met],
        ]


def main() -> int:
    """Measure, print, write bench/writes.json and the part of docs/speed.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dry", action="store_true", help="print only; leave bench/writes.json and docs/speed.md")
    chosen = parser.parse_args()
    busy = os.getloadavg()[0]
    folder = ROOT / "var" / "bench-cluster"
    ran_before = cluster_status(folder).running
    VAR.mkdir(parents=True, exist_ok=True)
    cluster = ensure_cluster(folder, durable=True)
    try:
        drop_database(cluster, DATABASE)
        made = create_database(cluster, DATABASE)
        migrate(made.owner_dsn)
        apply_layers(made.owner_dsn, catalogue())
        with psycopg.connect(made.owner_dsn) as owner:
            owner.execute(_NEW, [RECORDS])
        figures = list(_measured(made))
        drop_database(cluster, DATABASE)
    finally:
        if not ran_before:
            stop_cluster(folder)
    _write(figures, busy, dry=chosen.dry)
    return 0


def _measured(made: Cluster) -> Iterator[Figure]:
    yield Figure("commits of one row of a plain table, one after another (the disk's fsync)", _fsyncs(made), "/s")
    rate = _at_the_database(made)
    yield Figure(f"incidents changed at the database, {WRITERS} writers", rate, "/s", "700 /s", rate >= 700)
    server = _start(made)
    try:
        key = keys.create(made.owner_dsn, "bench", "administrator", "DSD", None)[1]
        yield from _through_the_api(server.url, key)
        yield from _reading(server.url, key)
    finally:
        server.stop()


def _fsyncs(made: Cluster) -> float:
    with psycopg.connect(made.owner_dsn, autocommit=True) as owner:
        owner.execute("CREATE TABLE IF NOT EXISTS public.bench_fsync (n integer)")
        began, count = time.monotonic(), 0
        while time.monotonic() - began < 3:
            owner.execute("INSERT INTO public.bench_fsync VALUES (1)")
            count += 1
        return count / (time.monotonic() - began)


def _rate(work: Callable[[int, Callable[[], bool]], int]) -> float:
    """What WRITERS threads do together in a second; each counts its own until time is up."""
    done = [0] * WRITERS
    end = time.monotonic() + SECONDS

    def run(place: int) -> None:
        done[place] = work(place, lambda: time.monotonic() < end)

    threads = [threading.Thread(target=run, args=(place,)) for place in range(WRITERS)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / (time.monotonic() - began)


def _at_the_database(made: Cluster) -> float:
    def work(place: int, goes_on: Callable[[], bool]) -> int:
        with psycopg.connect(made.owner_dsn, autocommit=True) as owner:
            owner.execute("SET cop.actor = 'bench'")
            for count in itertools.count():
                if not goes_on():
                    return count
                about = {"id": f"B-{1 + (place + count * WRITERS) % RECORDS}", "text": f"{place} {count}"}
                owner.execute("UPDATE layer.incidents SET description_en = %(text)s WHERE id = %(id)s", about)
        raise AssertionError

    return _rate(work)


def _through_the_api(url: str, key: str) -> Iterator[Figure]:
    latencies: list[float] = []

    def work(place: int, goes_on: Callable[[], bool]) -> int:
        own = {"X-API-Key": key, "Content-Type": "application/merge-patch+json"}
        http = HTTPConnection(urlsplit(url).netloc, timeout=30)
        tags: dict[str, str] = {}
        for count in itertools.count():
            if not goes_on():
                http.close()
                return count
            id_ = f"B-{1 + place + (count % 50) * WRITERS}"
            tag = tags.get(id_) or _asked(http, "GET", f"{ITEMS}/{id_}?f=json", own)
            began = time.perf_counter()
            more = {"If-Match": tag, "Idempotency-Key": f"bench-{place}-{count}-{began}"}
            body = {"properties": {"description_en": f"{place} {count}", "injured": count % 5}}
            tags[id_] = _asked(http, "PATCH", f"{ITEMS}/{id_}", own | more, json.dumps(body))
            latencies.append(1000 * (time.perf_counter() - began))
        raise AssertionError

    rate = _rate(work)
    yield Figure(f"incidents changed through the API, {WRITERS} clients in one Python process", rate, "/s", "300 /s",
                 rate >= 300)  # fmt: skip
    yield Figure("one such write, median", statistics.median(latencies), "ms")
    yield Figure("one such write, 99 of 100", statistics.quantiles(latencies, n=100)[98], "ms")


def _asked(http: HTTPConnection, method: str, path: str, headers: dict[str, str], body: str | None = None) -> str:
    """The ETag of what is answered. The plain client: others take as much of the processor as the server does."""
    http.request(method, path, body, headers)
    answer = http.getresponse()
    text = answer.read()
    assert answer.status == 200, text
    return answer.headers["ETag"]


def _reading(url: str, key: str) -> Iterator[Figure]:
    """By turns as nobody and as somebody known, over connections that stay open; the cache is off."""
    whole = ("limit=10", "limit=1000")
    with httpx.Client(base_url=url) as nobody, httpx.Client(base_url=url, headers={"X-API-Key": key}) as somebody:
        item = f"{ITEMS}/B-2?f=json"
        known, plain = _by_turns(somebody, nobody, item, 400)
        yield Figure("one incident, as nobody, median", plain, "ms")
        yield Figure("what an identity adds to it", known - plain, "ms", "under 0.3 ms", known - plain < 0.3)
        for query in whole:
            known, plain = _by_turns(somebody, nobody, f"{ITEMS}?{query}&f=json", 60)
            yield Figure(f"items?{query}, made anew, as the public, median", plain, "ms")
            yield Figure(f"items?{query}, made anew, as a department, median", known, "ms")


def _by_turns(one: httpx.Client, other: httpx.Client, path: str, times: int) -> tuple[float, float]:
    taken: dict[httpx.Client, list[float]] = {one: [], other: []}
    for _ in range(times):
        for client in (one, other):
            began = time.perf_counter()
            assert client.get(path).status_code == 200
            taken[client].append(1000 * (time.perf_counter() - began))
    return statistics.median(taken[one]), statistics.median(taken[other])


def _start(made: Cluster) -> Server:
    port = free_port()
    env = bare_environment() | {
        "COP_APP_DATABASE_URL": made.app_dsn,
        "COP_URL": f"http://127.0.0.1:{port}",
        "COP_VAR": str(VAR),
        "COP_CACHE_MB": "0",
    }
    command = [sys.executable, "-m", "uvicorn", "cop_server.app:create_app", "--factory", "--workers", "2",
               "--port", str(port), "--log-level", "warning", "--no-access-log"]  # fmt: skip
    return Server("COP", command, env, port, "/ready", VAR / "writes.log")


def _write(figures: list[Figure], busy: float, *, dry: bool) -> None:
    note = (f"Commit: {report.commit(ROOT)}; {datetime.now(UTC):%d %B %Y}; load average {busy:.1f} before the run; "
            f"{RECORDS:,} incidents, synchronous_commit on, clients, server and database on one machine.")  # fmt: skip
    table = report.markdown_table([["", "measured", "wanted", ""], *(figure.row for figure in figures)])
    print(f"{table}\n\n{note}")
    if dry:
        return
    told = {"commit": report.commit(ROOT), "machine": report.machine(), "load_average_before": round(busy, 2),
            "figures": [asdict(figure) for figure in figures]}  # fmt: skip
    (ROOT / "bench" / "writes.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    report.put_into(ROOT / "docs" / "speed.md", f"{table}\n\n{note}", "writes")


if __name__ == "__main__":
    sys.exit(main())
