"""Time the border: `.venv/bin/python bench/border.py`. What it costs a request, and what others feel then.

Others ask at a steady pace, each answer made anew, while somebody opens thousands of connections and is silent, sends
headers of a megabyte, or never reads its answers. Their times are of whole answers, in milliseconds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from cop_bench import report
from cop_bench.servers import WORKERS, Server, bare_environment, free_port
from starlette.types import Receive, Scope, Send

from cop.catalogue import catalogue
from cop.settings import Settings
from cop.store.migrate import apply_layers, migrate
from cop_server.border.gate import Gate
from cop_server.border.rates import Rates
from cop_server.cluster import Cluster, cluster_status, create_database, drop_database, ensure_cluster, stop_cluster

ROOT = Path(__file__).parent.parent
VAR = ROOT / "var" / "bench-border"
DATABASE = "bench_border"
CLIENTS = 4
PAUSE_SECONDS = 0.04  # between a client's answer and its next question
HALF_OPEN, HEADERS, DEAF = 10_000, 200, 300


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing measured."""

    what: str
    value: float
    unit: str
    wanted: float | None = None

    @property
    def row(self) -> list[str]:
        """A line of the table."""
        verdict = "" if self.wanted is None else "met" if self.value <= self.wanted else "missed"
        wanted = "" if self.wanted is None else f"at most {self.wanted:g} {self.unit}"
        return [self.what, f"{self.value:.3g} {self.unit}", wanted, verdict]


def main() -> int:
    """Measure, print, and write the part of docs/speed.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=12.0)
    parser.add_argument("--dry", action="store_true", help="print only; leave docs/speed.md and bench/border.json")
    parser.add_argument("--attack", choices=sorted(_ATTACKS), help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    if chosen.attack:
        _ATTACKS[chosen.attack](chosen.url, chosen.seconds)
        return 0
    busy = os.getloadavg()[0]
    VAR.mkdir(parents=True, exist_ok=True)
    figures = [asyncio.run(_cost())]
    with ExitStack() as ending:
        server = _start(ending)
        figures += _tried(server, chosen.seconds)
    _tell(figures, busy, dry=chosen.dry)
    return 0


async def _cost() -> Figure:
    """What id, client, recognising, counting, headers, metrics and log line take together of a request."""
    settings = Settings(var=VAR)

    async def answer(_: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": b"{}"})

    bare, guarded = await _each(answer), await _each(Gate(Rates(answer, settings), settings))
    return Figure("the border's own time of a request", (guarded - bare) * 1000, "ms", 0.1)


async def _each(app: Callable[[Scope, Receive, Send], Awaitable[None]], count: int = 20_000) -> float:
    """Seconds of the processor for one of many requests: the median of five rounds."""

    async def nothing(_: Any = None) -> Any:
        return None

    rounds = []
    for _ in range(5):
        began = time.process_time()
        for number in range(count // 5):
            scope: Scope = {
                "type": "http", "method": "GET", "path": "/collections/incidents/items", "scheme": "http",
                "raw_path": b"/collections/incidents/items", "query_string": b"limit=10", "root_path": "",
                "client": (f"192.0.2.{number % 250}", 80), "headers": [(b"host", b"bench"), (b"accept", b"*/*")],
            }  # fmt: skip
            await app(scope, nothing, nothing)
        rounds.append((time.process_time() - began) / (count // 5))
    return statistics.median(rounds)


def _start(ending: ExitStack) -> Server:
    folder = ROOT / "var" / "bench-cluster"
    if not cluster_status(folder).running:
        ending.callback(stop_cluster, folder)
    cluster = ensure_cluster(folder, durable=False)
    drop_database(cluster, DATABASE)
    made = create_database(cluster, DATABASE)
    ending.callback(drop_database, cluster, DATABASE)
    _fill(made)
    port = free_port()
    env = bare_environment() | {"COP_APP_DATABASE_URL": made.app_dsn, "COP_URL": f"http://127.0.0.1:{port}",
                                "COP_PORT": str(port), "COP_VAR": str(VAR), "COP_WORKERS": str(WORKERS),
                                "COP_STALLED_S": "10"}  # fmt: skip
    server = Server("COP", [sys.executable, "-m", "cop_server", "serve"], env, port, "/ready", VAR / "server.log")
    ending.callback(server.stop)
    return server


def _fill(made: Cluster) -> None:
    migrate(made.owner_dsn)
    apply_layers(made.owner_dsn, catalogue())
    with psycopg.connect(made.owner_dsn) as owner:
        owner.execute(
            "INSERT INTO layer.incidents (id, category, title_en, department, status, major, message_status, release,"
            " reported_at, source, source_ref, geom) SELECT g::text, 'flood', 'Flooding ' || g, 'DSD', 'reported',"
            " false, 'exercise', 'public', now(), 'bench', g::text, ST_SetSRID(ST_Point(114 + g / 10000.0, 22.3), 4326)"
            " FROM generate_series(1, 5000) AS g"
        )


def _tried(server: Server, seconds: float) -> list[Figure]:
    figures = []
    asyncio.run(_others(server.url, 3))  # warm
    for attack, words in (
        (None, "quiet"),
        ("half-open", f"{HALF_OPEN:,} half-open connections"),
        ("headers", f"headers of 1 MB, {HEADERS} at a time"),
        ("deaf", f"{DEAF} clients that ask for pages of 5,000 and never read"),
    ):
        running = None
        if attack is not None:
            command = [sys.executable, __file__, "--attack", attack, "--url", server.url, "--seconds", str(seconds)]
            running = subprocess.Popen(command)
            time.sleep(1)
        times, failed = asyncio.run(_others(server.url, seconds - 2))
        memory = sum(one.pss for one in server.memory())
        if running is not None:
            running.wait()
        cuts = statistics.quantiles(times, n=100)
        figures += [
            Figure(f"{words}: others' answers, p50", cuts[49], "ms"),
            Figure(f"{words}: others' answers, p99", cuts[98], "ms"),
            Figure(f"{words}: others' requests that failed", failed, "", 0),
            Figure(f"{words}: the workers together (PSS)", memory, "MB"),
        ]
    return figures


async def _others(url: str, seconds: float) -> tuple[list[float], int]:
    """Several clients that each keep one connection and ask again and again; milliseconds, and how many failed."""
    told = await asyncio.gather(*(_other(url, seconds, number) for number in range(CLIENTS)))
    return [one for times, _ in told for one in times], sum(failed for _, failed in told)


async def _other(url: str, seconds: float, number: int) -> tuple[list[float], int]:
    times, failed, asked = [], 0, 0
    reader = writer = None
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        asked += 1
        path = f"/collections/incidents/items?f=json&offset={number * 1000 + asked % 997}"
        began = time.perf_counter()
        try:
            if writer is None or reader is None:
                reader, writer = await asyncio.open_connection(urlsplit(url).hostname, urlsplit(url).port)
            writer.write(f"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode())
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            await asyncio.wait_for(reader.readexactly(length), 30)
            if not head.startswith(b"HTTP/1.1 200"):
                failed += 1
        except (OSError, EOFError, TimeoutError):
            failed, reader, writer = failed + 1, None, None
        times.append(1000 * (time.perf_counter() - began))
        await asyncio.sleep(PAUSE_SECONDS)
    if writer is not None:
        writer.close()
    return times, failed


def _connect(url: str) -> socket.socket:
    """From another address of the loopback than the others ask from: an attacker is another client."""
    place = (urlsplit(url).hostname or "", urlsplit(url).port or 0)
    made = socket.create_connection(place, timeout=5, source_address=("127.0.0.2", 0))
    made.settimeout(1)
    return made


def _half_open(url: str, seconds: float) -> None:
    """Open as many connections as there may be, and say half a line or nothing on each."""
    until, kept = time.monotonic() + seconds, []
    for number in range(HALF_OPEN):
        with suppress(OSError):
            made = _connect(url)
            kept.append(made)
            if number % 2:
                made.send(b"GET / HTTP/1.1\r\nHo")
    time.sleep(max(0.0, until - time.monotonic()))


def _headers(url: str, seconds: float) -> None:
    """Send headers that never end."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        kept = []
        for _ in range(HEADERS):
            with suppress(OSError):
                made = _connect(url)
                kept.append(made)
                made.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 1_000_000)
        for one in kept:
            one.close()


def _deaf(url: str, seconds: float) -> None:
    """Ask for much, and take nothing of it."""
    until, kept = time.monotonic() + seconds, []
    for _ in range(DEAF):
        with suppress(OSError):
            made = _connect(url)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            made.sendall(b"GET /collections/incidents/items?f=json&limit=5000 HTTP/1.1\r\nHost: x\r\n\r\n")
            kept.append(made)
    time.sleep(max(0.0, until - time.monotonic()))


_ATTACKS: dict[str, Callable[[str, float], None]] = {"half-open": _half_open, "headers": _headers, "deaf": _deaf}


def _tell(figures: list[Figure], busy: float, *, dry: bool) -> None:
    note = (f"Commit: {report.commit(ROOT)}; {datetime.now(UTC):%d %B %Y}; load average {busy:.1f} before the run,"
            f" for other work shares the machine; {WORKERS} workers; {CLIENTS} others, attackers and the database"
            " on the same two cores.")  # fmt: skip
    table = report.markdown_table([["", "measured", "wanted", ""], *(figure.row for figure in figures)])
    print(f"{table}\n\n{note}")
    if not dry:
        found = {"note": note, "figures": [asdict(figure) for figure in figures]}
        (ROOT / "bench" / "border.json").write_text(json.dumps(found, indent=1) + "\n")
        report.put_into(ROOT / "docs" / "speed.md", f"{table}\n\n{note}", "border")


if __name__ == "__main__":
    sys.exit(main())
