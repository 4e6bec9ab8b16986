"""Weigh `changes` of 100,000 incidents: `.venv/bin/python bench/changes.py [--dry] [--keep]`.

One server reads them out as one stream, to a client that reads at once, as gzip, to one that reads slowly, and to four
at a time. What a worker holds at most is told by the kernel (VmHWM, forgotten before each case).
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from cop_bench import report
from cop_bench.servers import QUIET, WORKERS, Server, bare_environment, free_port
from summary import DATABASE, STORY, TIMES, filled

from cop_server.cluster import Cluster, cluster_status, ensure_cluster, stop_cluster

ROOT = Path(__file__).parent.parent
VAR = ROOT / "var" / "bench-changes"
ROWS = STORY * TIMES
GROWTH_MB = 32  # more would have to do with how many rows there are
PIECE = 65_536
SLOWLY = 0.005  # seconds between two pieces of a slow reader: about 13 MB/s at most
CHANGE = r"UPDATE layer.incidents SET lanes_closed = coalesce(lanes_closed, 0) + 1"


@dataclass(frozen=True, slots=True)
class Read:
    """A stream that was read to its end: how long it took, its bytes, and what the heavier worker grew by, in MB."""

    what: str
    seconds: float
    megabytes: float
    before: float
    growth: float

    @property
    def row(self) -> list[str]:
        """A line of the table."""
        verdict = "met" if self.growth <= GROWTH_MB else "missed"
        return [self.what, f"{self.seconds:.1f} s", f"{self.megabytes:,.0f} MB", f"{self.before:.0f} MB",
                f"{self.growth:.1f} MB", f"at most {GROWTH_MB} MB", verdict]  # fmt: skip


def main() -> int:
    """Measure, print, write bench/changes.json and the part of docs/speed.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dry", action="store_true", help="print only; leave bench/changes.json and docs/speed.md")
    parser.add_argument("--keep", action="store_true", help="the database of bench/summary.py's last run")
    chosen = parser.parse_args()
    folder = ROOT / "var" / "bench-cluster"
    VAR.mkdir(parents=True, exist_ok=True)
    with ExitStack() as ending:
        if not cluster_status(folder).running:
            ending.callback(stop_cluster, folder)
        cluster = ensure_cluster(folder, durable=True)
        made = cluster.at(DATABASE) if chosen.keep else filled(cluster)
        since = changed(made)
        busy = os.getloadavg()[0]
        server = start(made)
        ending.callback(server.stop)
        found = measured(server, since)
    tell(found, busy, dry=chosen.dry)
    return 0


def changed(made: Cluster) -> int:
    """Change every incident under one number, unless the last run did; the number before it."""
    with psycopg.connect(made.owner_dsn) as owner:
        row = owner.execute("SELECT max(n) FROM cop.mark WHERE layer = 'incidents'").fetchone()
        assert row is not None
        if row[0] > 1:
            return int(row[0]) - 1
        owner.execute(r"SELECT cop.begin_load('incidents', '\x02')")
        owner.execute(CHANGE)
    with psycopg.connect(made.owner_dsn, autocommit=True) as owner:
        owner.execute("VACUUM (ANALYZE) layer.incidents, history.incidents")
    return int(row[0])


def start(made: Cluster) -> Server:
    """The server as `make run` starts it, over that database."""
    port = free_port()
    env = bare_environment() | {"COP_APP_DATABASE_URL": made.app_dsn, "COP_URL": f"http://127.0.0.1:{port}",
                                "COP_VAR": str(VAR)}  # fmt: skip
    command = [sys.executable, "-m", "uvicorn", "cop_server.app:create_app", "--factory", "--workers", str(WORKERS),
               "--port", str(port), *QUIET]  # fmt: skip
    return Server("COP", command, env, port, "/ready", VAR / "server.log")


def measured(server: Server, since: int) -> list[Read]:
    """Every case, after a short stream that warms each worker up."""
    for _ in range(8):
        stream(server.url, 0, 2_000)
    every = lambda since, **more: lambda: stream(server.url, since, ROWS, **more)  # noqa: E731
    return [
        weighed(server, f"{ROWS:,} incidents from nothing (since=0)", every(0)),
        weighed(server, f"{ROWS:,} incidents, each of them changed since", every(since)),
        weighed(server, "the same as gzip", every(since, coding="gzip")),
        weighed(server, "the same, to a client that reads slowly", every(since, pause=SLOWLY)),
        weighed(server, "the same, to four clients at a time", lambda: at_once(server.url, since, 4)),
    ]


def weighed(server: Server, what: str, work: Callable[[], int]) -> Read:
    """One case: its time, and by how much a worker's memory grew at most."""
    before = [memory.rss for memory in server.memory()]
    server.forget_peaks()
    began = time.perf_counter()
    size = work()
    took = time.perf_counter() - began
    growth = max(peak - was for peak, was in zip(server.peaks(), before, strict=True))
    return Read(what, took, size / 1e6, max(before), growth)


def at_once(url: str, since: int, clients: int) -> int:
    """Some clients that read the same at a time; the bytes that all got."""
    with ThreadPoolExecutor(clients) as several:
        return sum(several.map(lambda _: stream(url, since, ROWS), range(clients)))


def stream(url: str, since: int, limit: int, *, coding: str = "identity", pause: float = 0.0) -> int:
    """Read a delta to its end; its bytes. It must have all the rows, so that no half of one is measured."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=120)
    path = f"/collections/incidents/changes?since={since}&limit={limit}"
    connection.request("GET", path, headers={"Accept-Encoding": coding})
    answer = connection.getresponse()
    size, end = 0, b""
    while piece := answer.read(PIECE):
        size, end = size + len(piece), (end + piece)[-4_000:]
        time.sleep(pause)
    connection.close()
    if answer.status != 200 or (coding == "identity" and b'"numberReturned":%d,' % limit not in end):
        raise SystemExit(f"{path}: {answer.status}, which ends {end[-300:]!r}")
    return size


def tell(found: list[Read], busy: float, *, dry: bool) -> None:
    """Print the figures, and put them where they are kept."""
    head = ["", "took", "sent", "a worker held before", "and at most more", "wanted", ""]
    table = report.markdown_table([head, *(one.row for one in found)])
    note = f"Commit: {report.commit(ROOT)}; {datetime.now(UTC):%d %B %Y}; load average {busy:.1f} before the run."
    print(f"{table}\n\n{note}")
    if dry:
        return
    report.put_into(ROOT / "docs" / "speed.md", f"{table}\n\n{note}", "changes")
    told = {"commit": report.commit(ROOT), "load": busy, "cases": [asdict(one) for one in found]}
    (ROOT / "bench" / "changes.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
