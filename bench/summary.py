"""Time /summary over 100,000 incidents: `.venv/bin/python bench/summary.py [--dry] [--keep]`.

One connection that stays open, one worker, its cache off, so that each answer is made anew; then the answer 304.
"""

from __future__ import annotations

import argparse
import http.client
import os
import statistics
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import psycopg
from cop_bench import report
from cop_bench.servers import Server, bare_environment, free_port
from psycopg import sql

from cop.catalogue import catalogue
from cop.store.migrate import apply_layers, migrate
from cop_ingest.scenario.calendar import DAY_ENDS
from cop_ingest.scenario.story import Story, newest
from cop_server.cluster import Cluster, cluster_status, create_database, drop_database, ensure_cluster, stop_cluster

ROOT = Path(__file__).parent.parent
VAR = ROOT / "var" / "bench-summary"
DATABASE = "bench_summary"
STORY, TIMES = 20_000, 5  # the story's day, told of five times: one that ends now, each other a hundred days before
ASKED, KNOWN = 40, 400
NOW = datetime.now(UTC)
CASES: dict[str, tuple[Mapping[str, str], float | None]] = {
    "everything": ({}, 50),
    "one category": ({"category": "flood"}, None),
    "a box of 5 km": ({"bbox": "114.15,22.30,114.20,22.345"}, None),
    "as of a number": ({"asof": "1"}, None),
}


def main() -> int:
    """Measure, print, write the part of docs/speed.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dry", action="store_true", help="print only; leave docs/speed.md")
    parser.add_argument("--keep", action="store_true", help="the database of the last run, in place of a new one")
    chosen = parser.parse_args()
    folder = ROOT / "var" / "bench-cluster"
    with ExitStack() as ending:
        if not cluster_status(folder).running:
            ending.callback(stop_cluster, folder)
        cluster = ensure_cluster(folder, durable=True)
        made = cluster.at(DATABASE) if chosen.keep else filled(cluster)
        busy = os.getloadavg()[0]
        server = start(made)
        ending.callback(server.stop)
        rows = measured(server.url)
    table = report.markdown_table([["", "median", "slowest", "wanted", ""], *rows])
    note = (f"Commit: {report.commit(ROOT)}; {datetime.now(UTC):%d %B %Y}; {STORY * TIMES:,} incidents; "
            f"load average {busy:.1f} before the run.")  # fmt: skip
    print(f"{table}\n\n{note}")
    if not chosen.dry:
        report.put_into(ROOT / "docs" / "speed.md", f"{table}\n\n{note}", "summary")
    return 0


def filled(cluster: Cluster) -> Cluster:
    """A database with the incidents in it, all public, and nothing else."""
    drop_database(cluster, DATABASE)
    made = create_database(cluster, DATABASE)
    migrate(made.owner_dsn)
    apply_layers(made.owner_dsn, catalogue())
    names = [column.name for column in catalogue().layers["incidents"].columns]
    columns = sql.SQL(", ").join(map(sql.Identifier, ["id", "provenance", *names, "geom"]))
    story = Story(1, 0.0001, lambda _lon, _lat: True, STORY)
    told = list(newest(story, "incidents", DAY_ENDS).values())[-STORY:]
    with psycopg.connect(made.owner_dsn, autocommit=True) as connection:
        with connection.transaction(), connection.cursor() as cursor:
            cursor.execute(r"SELECT cop.begin_load('incidents', '\x01')")
            with cursor.copy(sql.SQL("COPY layer.incidents ({}) FROM STDIN").format(columns)) as rows:
                for nth in range(TIMES):
                    for number, (values, geometry) in enumerate(told):
                        rows.write_row(row(values, geometry, names, nth, number))
        connection.execute("VACUUM (ANALYZE)")
    return made


def row(values: Mapping[str, Any], geometry: Any, names: list[str], nth: int, number: int) -> list[Any]:
    """An incident of one of the tellings."""
    before = DAY_ENDS - NOW + timedelta(days=100 * nth)
    known = {**values, "release": "public", "source_ref": f"{nth}-{number}"}
    told = {name: value - before if isinstance(value, datetime) else value for name, value in known.items()}
    shape = f"SRID=4326;{geometry.wkt}" if geometry is not None else None
    return [f"I-{nth}-{number:05d}", "exercise", *(told.get(name) for name in names), shape]


def start(made: Cluster) -> Server:
    """One worker without a cache."""
    port = free_port()
    env = bare_environment() | {
        "COP_APP_DATABASE_URL": made.app_dsn, "COP_URL": f"http://127.0.0.1:{port}", "COP_VAR": str(VAR),
        "COP_CACHE_MB": "0",
    }  # fmt: skip
    VAR.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "uvicorn", "cop_server.app:create_app", "--factory", "--port", str(port),
               "--log-level", "warning", "--no-access-log"]  # fmt: skip
    return Server("COP", command, env, port, "/ready", VAR / "server.log")


def measured(url: str) -> list[list[str]]:
    """A row a case, and that of 304."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    rows = []
    for name, (parameters, wanted) in CASES.items():
        path = f"/summary?{urlencode(parameters)}"
        times = [timed(connection, path, {}, 200)[0] for _ in range(ASKED + 3)][3:]
        rows.append(line(f"{name}, made anew", times, wanted))
    _, tag = timed(connection, "/summary", {}, 200)
    times = [timed(connection, "/summary", {"If-None-Match": tag}, 304)[0] for _ in range(KNOWN)]
    return [*rows, line("everything, 304", times, 2)]


def line(name: str, times: list[float], wanted: float | None) -> list[str]:
    """A line of the table."""
    median = statistics.median(times)
    verdict = "" if wanted is None else "met" if median < wanted else "missed"
    return [name, f"{median:.1f} ms", f"{max(times):.1f} ms", f"under {wanted:g} ms" if wanted else "", verdict]


def timed(
    connection: http.client.HTTPConnection, path: str, headers: Mapping[str, str], status: int
) -> tuple[float, str]:
    """Milliseconds of one request, and the answer's ETag."""
    began = time.perf_counter()
    connection.request("GET", path, headers=dict(headers))
    answer = connection.getresponse()
    answer.read()
    took = 1000 * (time.perf_counter() - began)
    if answer.status != status:
        raise SystemExit(f"{path}: {answer.status} where {status} was wanted; a minute may have begun: run it again")
    return took, answer.headers["ETag"] or ""


if __name__ == "__main__":
    sys.exit(main())
