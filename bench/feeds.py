"""Time turns of feeds: `.venv/bin/python bench/feeds.py [--dry]`.

770 detectors a minute, a nowcast of 58,564 rows each twelve minutes of the typhoon night, and 2,000 warnings of which
fifty change, come from a server of our own on loopback, are kept, parsed in the parsers' process, loaded into a store
that syncs to disk, and their state is told. One turn after another.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from cop_bench import report

from cop.catalogue import catalogue
from cop.errors import SetupTrouble
from cop.store.migrate import apply_layers, migrate
from cop_ingest.feeds import keeping
from cop_ingest.feeds.declared import Feed, feeds
from cop_ingest.feeds.fetch import Fetcher
from cop_ingest.feeds.turn import Workshop, run_turn
from cop_ingest.feeds.worker import pool_of
from cop_ingest.simulator.world.world import World
from cop_server.cluster import Cluster, cluster_status, create_database, drop_database, ensure_cluster, stop_cluster

ROOT = Path(__file__).parent.parent
sys.path.append(str(ROOT / "tests"))
from feed_source import Source, StoryClock, feed_of, serving  # noqa: E402 - the tests' server
from simulated import NOWCAST, body_of  # noqa: E402 - the simulator without its clock

DATABASE = "bench_feeds"
DETECTORS, WARNINGS, CHANGED, TURNS = 770, 2000, 50, 15
WANTED_MS, WANTED_NOWCAST_MS = 500, 2000
NIGHT = datetime(2025, 9, 23, 17, tzinfo=UTC)
Body = Callable[[int, datetime], str | bytes]


def main() -> int:
    """Measure, print, write the part of docs/speed.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dry", action="store_true", help="print only; leave docs/speed.md")
    chosen = parser.parse_args()
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT / "tests"), os.environ.get("PYTHONPATH"))))
    folder = ROOT / "var" / "bench-cluster"
    with ExitStack() as ending:
        if not cluster_status(folder).running:
            ending.callback(stop_cluster, folder)
        made = filled(ensure_cluster(folder, durable=True))
        busy = os.getloadavg()[0]
        source = ending.enter_context(serving())
        pool = ending.enter_context(pool_of(made.owner_dsn, 2))
        fetcher = Fetcher("bench", source.url)
        ending.callback(fetcher.close)
        clock = StoryClock()
        clock.at = NIGHT
        blobs = Path(ending.enter_context(tempfile.TemporaryDirectory()))
        shop = Workshop(pool, fetcher, clock, "actual", "bench", blobs=blobs)
        ending.callback(shop.readers.close)
        cases: list[tuple[str, Feed, Body, int, float | None]] = [
            (f"{DETECTORS} detectors, all changed", declared("td_detectors"), detectors, 1, WANTED_MS),
            (f"{DETECTORS} detectors, the same bytes", declared("td_detectors"), same, 1, None),
            (f"{WARNINGS} records of a register, {CHANGED} changed", register_feed(), register, 1, None),
            ("nowcast of 58,564 rows, all changed", declared("hko_nowcast"), nowcast(), 12, WANTED_NOWCAST_MS),
        ]
        rows = []
        for name, feed, body, minutes, wanted in cases:
            rows.append(line(name, timed(shop, clock, source, feed, body, minutes), wanted))
    table = report.markdown_table([["a turn of", "median", "slowest", "wanted", ""], *rows])
    note = f"Commit: {report.commit(ROOT)}; {datetime.now(UTC):%d %B %Y}; load average {busy:.1f} before the run."
    print(f"{table}\n\n{note}")
    if not chosen.dry:
        report.put_into(ROOT / "docs" / "speed.md", f"{table}\n\n{note}", "feeds")
    return 0


def filled(cluster: Cluster) -> Cluster:
    """A database with empty layers."""
    drop_database(cluster, DATABASE)
    made = create_database(cluster, DATABASE)
    migrate(made.owner_dsn)
    apply_layers(made.owner_dsn, catalogue())
    return made


def declared(name: str) -> Feed:
    """The feed as it is declared."""
    if name not in feeds():
        raise SetupTrouble(f"the feed {name} is not declared in ingest/feeds")
    return feeds()[name]


def register_feed() -> Feed:
    """A register of plain lines."""
    target = {"layer": "warnings", "how": "register", "absent": {"ended_at": "at"}}
    return feed_of(id="bench_register", parser="feed_parsers:lines", target=target, position=None, empty="quiet")


def timed(shop: Workshop, clock: StoryClock, source: Source, feed: Feed, body: Body, minutes: int) -> list[float]:
    """Milliseconds of each turn but the first two, which start processes and make days of the series."""
    path = f"/{feed.parts[next(iter(feed.parts))].url.partition('://')[2]}"
    times = []
    for nth in range(TURNS + 2):
        source.says(body(nth, clock.later(minutes=minutes)), path=path)
        with psycopg.connect(shop.connections.conninfo, autocommit=True) as connection:  # type: ignore[attr-defined]
            keeping.know(connection, [feed.id], shop.mode)
        began = time.perf_counter()
        ended = run_turn(shop, feed)
        times.append((time.perf_counter() - began) * 1000)
        if ended is None or ended.outcome not in ("loaded", "same"):
            raise SetupTrouble(f"{feed.id}: {ended}")
    return times[2:]


def detectors(nth: int, now: datetime) -> str:
    """rawSpeedVol at a time: two periods of thirty seconds, two lanes a detector, as old as they come."""
    draw = random.Random(nth)
    at = now + timedelta(hours=8, minutes=-7)
    periods = "".join(period(at + timedelta(seconds=30 * half), draw) for half in (0, 1))
    return f"<raw_speed_volume_list><date>{at:%Y-%m-%d}</date><periods>{periods}</periods></raw_speed_volume_list>"


def period(at: datetime, draw: random.Random) -> str:
    """One period of all detectors."""
    found = "".join(
        f"<detector><detector_id>AID{number:05d}</detector_id><direction>South East</direction><lanes>"
        + "".join(
            f"<lane><lane_id>{lane}</lane_id><speed>{draw.randrange(20, 90)}</speed><occupancy>{draw.randrange(40)}"
            f"</occupancy><volume>{draw.randrange(1, 15)}</volume><s.d.>4.1</s.d.><valid>Y</valid></lane>"
            for lane in ("Fast Lane", "Slow Lane")
        )
        + "</lanes></detector>"
        for number in range(1, DETECTORS + 1)
    )
    until = at + timedelta(seconds=30)
    return (f"<period><period_from>{at:%H:%M:%S}</period_from><period_to>{until:%H:%M:%S}</period_to>"
            f"<detectors>{found}</detectors></period>")  # fmt: skip


def nowcast() -> Body:
    """The simulator's runs of the night, each as long as the real ones."""
    world = World(1, scale=0.02)

    def body(nth: int, now: datetime) -> bytes:
        del nth
        return body_of(world, NOWCAST, now)

    return body


def same(nth: int, now: datetime) -> str:
    """The answer that was loaded last."""
    del nth, now
    return _SAME


def register(nth: int, now: datetime) -> str:
    """Warnings, some of which have another code than a turn ago."""
    del now
    return "\n".join(
        f"W{number}|{'WL' if number >= CHANGED else f'C{nth}'}|2025-09-23T11:00:00+08:00" for number in range(WARNINGS)
    )


_SAME = detectors(99, NIGHT + timedelta(minutes=TURNS + 4))  # newer than what was told before it


def line(name: str, times: list[float], wanted: float | None) -> list[str]:
    """A line of the table."""
    median = statistics.median(times)
    verdict = "" if wanted is None else "met" if max(times) < wanted else "missed"
    return [name, f"{median:.0f} ms", f"{max(times):.0f} ms", f"under {wanted:g} ms" if wanted else "", verdict]


if __name__ == "__main__":
    sys.exit(main())
