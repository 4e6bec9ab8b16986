"""A typhoon day x10 comes in at x60 while people look: `.venv/bin/python bench/day.py`. Then every record is reckoned.

A fresh store, the simulator with all feeds and all departments' returns, the worker, the inbox, the server, readers.
`--minutes 60 --times 1` is a short one, `--speed 1 --minutes 10` tells how long events take. Writes bench/day.json (or
bench/day_x1.json) and its part of docs/feeds.md; exit 1 where anything disagrees.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from cop_bench import report
from cop_bench.day import reckoning
from cop_bench.day.house import House, Plan, now_of, post
from cop_bench.day.readers import Looked, Readers, spread

from cop_ingest.simulator.app import moment
from cop_ingest.simulator.world.world import World
from cop_server.cluster import Cluster, cluster_status, create_database, drop_database, ensure_cluster, stop_cluster

ROOT = Path(__file__).parent.parent
_SETTLES_S = 1800.0
_LOOKS_S = 5.0


def main() -> int:
    """Play the day, reckon, print, write."""
    chosen = _arguments()
    plan = Plan(moment(chosen.start), chosen.minutes, chosen.speed, chosen.times, chosen.scale, chosen.seed,
                chosen.returns_every)  # fmt: skip
    busy = os.getloadavg()[0]
    name = "day" if plan.speed > 1 else "day_x1"
    folder = ROOT / "var" / f"bench-{name}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with _store(f"bench_{name}") as made:
        found = play(folder, made, plan, chosen.data, chosen.per_second, chosen.streams)
    found |= {"commit": report.commit(ROOT), "machine": report.machine(), "load_average_before": round(busy, 2),
              "date": f"{datetime.now(UTC):%Y-%m-%d}"}  # fmt: skip
    _tell(found)
    if not chosen.dry:
        told = json.dumps(found, indent=1, default=str) + "\n"
        (ROOT / "bench" / f"{name}.json").write_text(told, encoding="utf-8")
        report.put_into(ROOT / "docs" / "feeds.md", _table(found), name)
    return 1 if found["faults"] else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--start", default="2025-09-23T22:00", help="begin, Hong Kong time")
    parser.add_argument("--minutes", type=int, default=1440, help="scenario minutes")
    parser.add_argument("--speed", type=float, default=60.0)
    parser.add_argument("--times", type=int, default=10, help="times 2,000 incidents")
    parser.add_argument("--scale", type=float, default=1.0, help="of the exercise's territory")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--returns-every", type=int, default=15, help="scenario minutes between a department's returns")
    parser.add_argument("--per-second", type=float, default=5.0, help="questions of the readers a second")
    parser.add_argument("--streams", type=int, default=10, help="streams of events that are held open")
    parser.add_argument("--data", type=Path, default=None, help="recordings; none: all is made up")
    parser.add_argument("--dry", action="store_true", help="print only; leave bench/day.json and docs/feeds.md")
    return parser.parse_args()


@contextmanager
def _store(name: str) -> Iterator[Cluster]:
    folder = ROOT / "var" / "bench-cluster"
    with ExitStack() as ending:
        if not cluster_status(folder).running:
            ending.callback(stop_cluster, folder)
        cluster = ensure_cluster(folder, durable=True)
        drop_database(cluster, name)
        yield create_database(cluster, name)


def play(folder: Path, made: Cluster, plan: Plan, data: Path | None, per_second: float, streams: int) -> dict[str, Any]:
    """Play a day in a folder, over an empty database; what came of it, with `faults` where something disagrees."""
    house = House(folder, made, plan, data)
    try:
        house.furnish()
        house.open(plan)
        post(house.simulator, "_clock", {"to": plan.start.isoformat(), "speed": plan.speed})
        began = time.time()
        readers = Readers(house.server.url, per_second, streams)
        most = _wait(house, plan)
        stopped = time.time()
        post(house.simulator, "_clock", {"speed": 0})
        time.sleep(3)  # the worker asks for the clock every two seconds
        clock = reckoning.Clockwork(began, plan.start, plan.speed, stopped)
        with psycopg.connect(made.owner_dsn, autocommit=True) as connection:
            settled, undone = reckoning.settle(connection, house.inbox, _SETTLES_S)
            looked = readers.stop()
            lived = house.lives()
            found = _reckoned(connection, house, plan, clock, data)
            found["receipt_to_event_ms"] = reckoning.of_receipts(connection, clock, looked.arrived)
    finally:
        house.stop()
    sound = _verified(folder, made)
    found |= {"settled_s": round(settled, 1), "memory_mb": most, **_looked(looked), "verified": sound}
    found["faults"] = [
        *undone,
        *reckoning.faults(found), *(f"{name} has died" for name, lives in lived.items() if not lives),
        *([] if sound else ["cop verify found faults"]),
        *(f"readers: {count} answers failed: {name}" for name, count in looked.failed.items() if count),
    ]  # fmt: skip
    return found


def _wait(house: House, plan: Plan) -> dict[str, float]:
    """Until the scenario's clock has come to the end; the most that each process held, in MB."""
    most: dict[str, float] = {}
    while now_of(house.simulator) < plan.end:
        for name, mb in house.memory().items():
            most[name] = max(most.get(name, 0.0), round(mb, 1))
        left = (plan.end - now_of(house.simulator)).total_seconds() / plan.speed
        time.sleep(min(max(left, 0.05), _LOOKS_S))
    return most


def _reckoned(
    connection: psycopg.Connection[Any], house: House, plan: Plan, clock: reckoning.Clockwork, data: Path | None
) -> dict[str, Any]:
    terrain = house.settings.blob_folder / "terrain.tif"
    world = World(plan.seed, plan.times, plan.scale, data, terrain if terrain.is_file() else None, echoes=True)
    turns = reckoning.of_turns(connection, clock)
    end = now_of(house.simulator)  # it stands, a little after the plan's end
    seconds = clock.stopped - clock.began
    totals = {name: sum(one[name] for one in turns.values()) for name in (*reckoning.SUMS, "of them late")}
    returns = reckoning.of_returns(house.inbox)
    rows = sum(one["rows"] for one in returns.values())
    return {
        "plan": {name: str(getattr(plan, name)) for name in Plan.__slots__},
        "seconds": round(seconds, 1), "totals": totals, "feeds": turns,
        "turns_per_second": round(totals["turns"] / seconds, 1),
        "records_per_second": round((totals["seen"] + rows) / seconds, 1),
        "payloads": reckoning.of_payloads(connection),
        "returns": returns, "rows_of_returns": rows,
        "incidents": reckoning.of_incidents(connection, world, plan.start, end, plan.last_return(end)),
        "forms": reckoning.of_forms(connection, world, partial(plan.last_return, end)),
        "layers": reckoning.of_layers(connection, house.simulator),
    }  # fmt: skip


def _looked(looked: Looked) -> dict[str, Any]:
    return {
        "answers_ms": {name: spread(values) for name, values in looked.answers_ms.items()},
        "events_ms": spread(looked.events_ms), "streams_ended": looked.streams_ended,
    }  # fmt: skip


def _verified(folder: Path, made: Cluster) -> bool:
    env = {name: value for name, value in os.environ.items() if not name.startswith("COP_")} | {
        "COP_VAR": str(folder), "COP_DATABASE_URL": made.owner_dsn, "COP_APP_DATABASE_URL": made.app_dsn,
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "cop_server", "verify"], env=env, capture_output=True, text=True, check=False
    )
    (folder / "verify.log").write_text(done.stdout + done.stderr, encoding="utf-8")
    return done.returncode == 0


def _tell(found: dict[str, Any]) -> None:
    print(_table(found))
    for fault in found["faults"]:
        print(f"FAULT {fault}"[:600])


def _table(found: dict[str, Any]) -> str:
    totals, incidents = found["totals"], found["incidents"]
    lags = [
        one["publication_to_store_s"]["p99"]
        for one in found["feeds"].values()
        if "p99" in one["publication_to_store_s"]
    ]
    events = {"p50": 0, "p99": 0} | found["events_ms"]
    received = {"p50": 0, "p99": 0} | found["receipt_to_event_ms"]["all"]
    later = {"p50": 0, "p99": 0} | found["receipt_to_event_ms"]["after the first"]
    rows = [
        ["incidents published, stored once each and in their last state",
         f"{incidents['published']:,}; lost {incidents['lost']}, doubled {incidents['doubled']}, "
         f"in another state {incidents['in another state']}, of nobody {incidents['of nobody']}"],
        ["turns; a second", f"{totals['turns']:,}; {found['turns_per_second']:g}"],
        ["records of feeds = new + changed + unchanged + refused",
         f"{totals['seen']:,} = {totals['inserted']:,} + {totals['updated']:,} + {totals['unchanged']:,} + "
         f"{totals['refused']:,}; of them late {totals['of them late']:,}; closed by absence {totals['closed']:,}"],
        ["rows of returns", f"{found['rows_of_returns']:,}; refused "
         f"{sum(one.get('refused', 0) for one in found['returns'].values()):,}, late "
         f"{sum(one.get('late', 0) for one in found['returns'].values()):,}"],
        ["from publication to the store, p99 of the slowest feed", f"{max(lags, default=0):.1f} s of ours"],
        ["until all was in after the last publication", f"{found['settled_s']:g} s"],
        *([f"{name}, p50 and p99", f"{one['p50']:g} and {one['p99']:g} ms of {one['count']:,}"]
          for name, one in found["answers_ms"].items() if one["count"]),
        ["from journal number to client, p50 and p99",
         f"{events['p50']:g} and {events['p99']:g} ms of {events['count']:,}"],
        ["from a feed's answer to the client of /events, p50 and p99",
         f"{received['p50']:g} and {received['p99']:g} ms of {received['count']:,}; after each feed's first answer "
         f"{later['p50']:g} and {later['p99']:g} ms of {later['count']:,}"],
        ["most memory", ", ".join(f"{name} {mb:.0f} MB" for name, mb in found["memory_mb"].items())],
        ["`cop verify`", "sound" if found["verified"] else "found faults"],
        ["what disagrees", str(len(found["faults"]))],
    ]  # fmt: skip
    plan = found["plan"]
    note = (f"Commit: {found['commit']}; {found['date']}; {plan['minutes']} scenario minutes at x{plan['speed']}, "
            f"{found['seconds']:g} s; load average {found['load_average_before']:g} before.")  # fmt: skip
    return f"{report.markdown_table([['', 'measured'], *rows])}\n\n{note}"


if __name__ == "__main__":
    sys.exit(main())
