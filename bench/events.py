"""Time the stream of events: `.venv/bin/python bench/events.py`. A minute: 500 clients read while records are written.

Each write touches another record, so each client must get each of them once; the time is from the journal's number,
given just before the commit, to the bytes in the client.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import uvloop
from cop_bench import report
from cop_bench.servers import QUIET, WORKERS, Server, bare_environment, free_port

from cop.catalogue import catalogue
from cop.store.migrate import apply_layers, migrate
from cop_server.cluster import Cluster, cluster_status, create_database, drop_database, ensure_cluster, stop_cluster

ROOT = Path(__file__).parent.parent
VAR = ROOT / "var" / "bench-events"
DATABASE = "bench_events"
_EVENT = re.compile(rb'"sequence":"(\d+)","time":"([^"]+)"')
_BREAK = 100  # bytes of an event that may stand at the end of a piece


@dataclass
class Tally:
    """What all clients got: milliseconds from number to arrival, and how many of each number."""

    late_ms: list[float] = field(default_factory=list)
    got: dict[int, int] = field(default_factory=dict)
    times: dict[int, float] = field(default_factory=dict)
    ended: int = 0


class Client(asyncio.Protocol):
    """One stream, read as bytes: parsing everything 500 times would measure this program."""

    def __init__(self, tally: Tally, path: str) -> None:
        self._tally = tally
        self._path = path
        self._rest = b""
        self._last = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        transport.write(  # type: ignore[attr-defined]  # uvloop's transports are no subclass of asyncio's
            b"GET %s HTTP/1.1\r\nHost: bench\r\n\r\n" % self._path.encode()
        )

    def data_received(self, data: bytes) -> None:
        """Note each event once, by its number: numbers only grow."""
        now, tally = time.time(), self._tally
        for number, at in _EVENT.findall(self._rest + data):
            n = int(number)
            if n > self._last:
                self._last = n
                tally.got[n] = tally.got.get(n, 0) + 1
                if n not in tally.times:
                    tally.times[n] = datetime.fromisoformat(at.decode()).timestamp()
                tally.late_ms.append(1000 * (now - tally.times[n]))
        self._rest = (self._rest + data)[-_BREAK:]

    def connection_lost(self, _: Exception | None) -> None:
        """An end that nobody asked for is counted."""
        self._tally.ended += 1


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing measured, and what was wanted of it."""

    what: str
    value: float
    unit: str
    wanted: float | None = None

    @property
    def row(self) -> list[str]:
        """A line of the table."""
        verdict = "" if self.wanted is None else "met" if self.value <= self.wanted else "missed"
        wanted = "" if self.wanted is None else f"at most {self.wanted:g} {self.unit}"
        return [self.what, f"{self.value:,.0f} {self.unit}", wanted, verdict]


def main() -> int:
    """Measure, print, and write the part of docs/speed.md."""
    chosen = _arguments()
    if chosen.write:
        return _write_records(chosen.write, chosen.rate, chosen.seconds)
    resource.setrlimit(resource.RLIMIT_NOFILE, (8192, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    busy = os.getloadavg()[0]
    folder = ROOT / "var" / "bench-cluster"
    VAR.mkdir(parents=True, exist_ok=True)
    with ExitStack() as ending:
        if not cluster_status(folder).running:
            ending.callback(stop_cluster, folder)
        cluster = ensure_cluster(folder, durable=True)
        drop_database(cluster, DATABASE)
        made = create_database(cluster, DATABASE)
        ending.callback(drop_database, cluster, DATABASE)
        migrate(made.owner_dsn)
        apply_layers(made.owner_dsn, catalogue())
        _insert(made.owner_dsn, chosen.rate * chosen.seconds)
        figures = [*_busy(made, chosen, ending), *_idle(made, chosen, ending)]
    _tell(figures, chosen, busy)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=500)
    parser.add_argument("--rate", type=int, default=100, help="writes a second")
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--idle", type=int, default=1000)
    parser.add_argument("--dry", action="store_true", help="print only; leave docs/speed.md")
    parser.add_argument("--write", metavar="DSN", help=argparse.SUPPRESS)
    return parser.parse_args()


def _insert(dsn: str, count: int) -> None:
    with psycopg.connect(dsn) as owner:
        owner.execute(
            "INSERT INTO layer.incidents (id, category, title_en, department, status, major, message_status, release,"
            " reported_at, source, source_ref, geom) SELECT g::text, 'flood', 'Flooding ' || g, 'DSD', 'reported',"
            " false, 'exercise', 'public', now(), 'bench', g::text, ST_SetSRID(ST_Point(114 + g / 10000.0, 22.3), 4326)"
            " FROM generate_series(1, %s) AS g", [count],
        )  # fmt: skip


def _write_records(dsn: str, rate: int, seconds: int) -> int:
    """So many commits a second, each of another record: the writer, a process of its own."""
    began = time.monotonic()
    with psycopg.connect(dsn, autocommit=True) as owner:
        for number in range(rate * seconds):
            time.sleep(max(0.0, began + number / rate - time.monotonic()))
            owner.execute("UPDATE layer.incidents SET status = 'confirmed' WHERE id = %s", [str(number + 1)])
    print(time.monotonic() - began)
    return 0


def _start(made: Cluster, ending: ExitStack) -> Server:
    port = free_port()
    env = bare_environment() | {"COP_APP_DATABASE_URL": made.app_dsn, "COP_URL": f"http://127.0.0.1:{port}",
                                "COP_VAR": str(VAR)}  # fmt: skip
    command = [sys.executable, "-m", "uvicorn", "cop_server.app:create_app", "--factory", "--workers", str(WORKERS),
               "--port", str(port), *QUIET]  # fmt: skip
    server = Server("COP", command, env, port, "/ready", VAR / "server.log")
    ending.callback(server.stop)
    return server


def _busy(made: Cluster, chosen: argparse.Namespace, ending: ExitStack) -> list[Figure]:
    server = _start(made, ending)
    tally, written = uvloop.run(_reading(server.url, made.owner_dsn, chosen))
    server.stop()
    wanted = chosen.rate * chosen.seconds
    missed = wanted * chosen.clients - sum(tally.got.values())
    cuts = statistics.quantiles(tally.late_ms, n=1000)
    per_second = wanted / written
    return [
        Figure(f"writes a second, while {chosen.clients} clients read", per_second, "/s"),
        Figure("events delivered a second", len(tally.late_ms) / written, "/s"),
        Figure("from commit to client, p50", cuts[499], "ms"),
        Figure("from commit to client, p99", cuts[989], "ms", 1000),
        Figure("from commit to client, the longest", max(tally.late_ms), "ms"),
        Figure("events that a client did not get", missed, "", 0),
        Figure("streams that ended", tally.ended, "", 0),
    ]


async def _reading(url: str, dsn: str, chosen: argparse.Namespace) -> tuple[Tally, float]:
    tally = Tally()
    streams = await _connected(url, tally, chosen.clients)
    writer = await asyncio.create_subprocess_exec(
        sys.executable, __file__, "--write", dsn, "--rate", str(chosen.rate), "--seconds", str(chosen.seconds),
        stdout=subprocess.PIPE,
    )  # fmt: skip
    told, _ = await writer.communicate()
    wanted = chosen.rate * chosen.seconds * chosen.clients
    for _ in range(100):
        if sum(tally.got.values()) >= wanted:
            break
        await asyncio.sleep(0.1)
    counted = Tally(tally.late_ms.copy(), dict(tally.got), tally.times, tally.ended)
    for stream in streams:
        stream.close()
    return counted, float(told)


async def _connected(url: str, tally: Tally, count: int) -> list[asyncio.BaseTransport]:
    host, port = urlsplit(url).hostname, urlsplit(url).port
    loop = asyncio.get_running_loop()
    streams = []
    for number in range(count):
        stream, _ = await loop.create_connection(lambda: Client(tally, "/events?collections=incidents"), host, port)
        streams.append(stream)
        if number % 20 == 0:
            await asyncio.sleep(0.05)
    await asyncio.sleep(3)
    return streams


def _idle(made: Cluster, chosen: argparse.Namespace, ending: ExitStack) -> list[Figure]:
    server = _start(made, ending)
    before = sum(memory.pss for memory in server.memory())
    after, heaviest = uvloop.run(_holding(server, chosen.idle))
    server.stop()
    return [
        Figure(f"{WORKERS} workers together (PSS) before any client", before, "MB"),
        Figure(f"the same with {chosen.idle:,} idle clients", after, "MB", 300),
        Figure("the heavier worker (RSS) with them", heaviest, "MB"),
    ]


async def _holding(server: Server, count: int) -> tuple[float, float]:
    tally = Tally()
    streams = await _connected(server.url, tally, count)
    await asyncio.sleep(2)
    memory = server.memory()
    assert tally.ended == 0
    for stream in streams:
        stream.close()
    return sum(one.pss for one in memory), max(one.rss for one in memory)


def _tell(figures: list[Figure], chosen: argparse.Namespace, busy: float) -> None:
    note = (f"Commit: {report.commit(ROOT)}; {datetime.now(UTC):%d %B %Y}; load average {busy:.1f} before the run,"
            " for other work shares the machine; clients and writer run on the same two cores.")  # fmt: skip
    table = report.markdown_table([["", "measured", "wanted", ""], *(figure.row for figure in figures)])
    print(f"{table}\n\n{note}\n{json.dumps([asdict(figure) for figure in figures])}")
    if not chosen.dry:
        report.put_into(ROOT / "docs" / "speed.md", f"{table}\n\n{note}", "events")


if __name__ == "__main__":
    sys.exit(main())
