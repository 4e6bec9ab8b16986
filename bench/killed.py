"""Kill three feeds at their real pace: `.venv/bin/python bench/killed.py`. How long until each is told down, and back.

One falls silent, one answers 500, one answers a page of HTML. From the fault to the state in /collections/feeds and to
COP-Caveat on the items of the layer; from the end of the fault to the state that was before.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import httpx
from cop_bench import report
from cop_bench.day.house import House, Plan, post

from cop.errors import SetupTrouble
from cop_ingest.feeds.declared import feeds
from cop_ingest.simulator.app import moment
from cop_server.cluster import cluster_status, create_database, drop_database, ensure_cluster, stop_cluster

ROOT = Path(__file__).parent.parent
VAR = ROOT / "var" / "bench-killed"
DATABASE = "bench_killed"
FAULTS = {"hko_warnsum": "timeout", "td_detectors": "error500", "td_journey_times": "html"}
_MARGIN_S = 10.0
_PATIENCE_S = 400.0


def main() -> int:
    """Kill, wait, let live again, print, write the part of docs/feeds.md; exit 1 where one took too long."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dry", action="store_true", help="print only; leave docs/feeds.md")
    chosen = parser.parse_args()
    busy = os.getloadavg()[0]
    folder = ROOT / "var" / "bench-cluster"
    plan = Plan(moment("2025-09-24T03:00"), 600, 1.0, 1, 0.05, 1, 600)
    with ExitStack() as ending:
        if not cluster_status(folder).running:
            ending.callback(stop_cluster, folder)
        cluster = ensure_cluster(folder, durable=True)
        drop_database(cluster, DATABASE)
        made = create_database(cluster, DATABASE)
        shutil.rmtree(VAR, ignore_errors=True)
        VAR.mkdir(parents=True)
        house = House(VAR, made, plan, None)
        ending.callback(house.stop)
        house.furnish()
        house.open(plan)
        post(house.simulator, "_clock", {"to": plan.start.isoformat(), "speed": 1})
        found = _killed(house)
    lines = [_line(feed, *found[feed]) for feed in FAULTS]
    table = report.markdown_table([["feed", "every", "fault", "told down after", "back after", "wanted", ""], *lines])
    note = f"Commit: {report.commit(ROOT)}; {datetime.now(UTC):%Y-%m-%d}; load average {busy:.1f} before."
    print(f"{table}\n\n{note}\n{json.dumps(found)}")
    if not chosen.dry:
        report.put_into(ROOT / "docs" / "feeds.md", f"{table}\n\n{note}", "killed")
    return 0 if all(line[-1] == "met" for line in lines) else 1


def _killed(house: House) -> dict[str, tuple[float, float]]:
    """Each feed in a thread of its own, for they do not touch each other: seconds until down and until back."""
    found: dict[str, tuple[float, float]] = {}

    def one(feed: str, fault: str) -> None:
        _until(lambda: _state(house, feed) == "live")
        post(house.simulator, "_faults", {"feed": feed, "fault": fault})
        down = _until(lambda: _state(house, feed) == "down" and f"{feed};state=down" in _caveat(house, feed))
        time.sleep(20)  # so that the next attempts fail too
        httpx.delete(f"{house.simulator}/_faults", params={"feed": feed}).raise_for_status()
        found[feed] = (down, _until(lambda: _state(house, feed) == "live" and feed not in _caveat(house, feed)))

    threads = [threading.Thread(target=one, args=each) for each in FAULTS.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def _until(so: Callable[[], bool]) -> float:
    began = time.monotonic()
    while not so():
        if time.monotonic() - began > _PATIENCE_S:
            raise SetupTrouble(f"not within {_PATIENCE_S:g} s")
        time.sleep(0.2)
    return time.monotonic() - began


def _state(house: House, feed: str) -> str:
    answer = httpx.get(f"{house.server.url}/collections/feeds/items/{feed}.exercise?mode=exercise", timeout=30)
    return str(answer.json()["properties"]["state"]) if answer.status_code == 200 else ""


def _caveat(house: House, feed: str) -> str:
    layer = feeds()[feed].target.layer
    answer = httpx.get(f"{house.server.url}/collections/{layer}/items?limit=1&mode=exercise", timeout=30)
    return str(answer.headers.get("COP-Caveat", ""))


def _line(feed: str, down: float, back: float) -> list[str]:
    wanted = feeds()[feed].cadence_s + _MARGIN_S
    verdict = "met" if max(down, back) <= wanted else "missed"
    return [f"`{feed}`", f"{feeds()[feed].cadence_s} s", FAULTS[feed], f"{down:.1f} s", f"{back:.1f} s",
            f"at most {wanted:g} s", verdict]  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
