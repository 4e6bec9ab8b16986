"""Measure COP against stock pygeoapi on the same database: `make bench`, or .venv/bin/python bench/run.py --help."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from cop_bench import report
from cop_bench.cases import Case, cases
from cop_bench.data import Prepared, bench_catalogue, prepare
from cop_bench.load import INSTALL_WRK, LoadFailed, wrk_is_missing
from cop_bench.measure import Bench, Pace, Result, measure_extras
from cop_bench.servers import NotStarted, Server, start_cop
from cop_bench.stock import environment, start_stock, versions
from rich.console import Console
from rich.table import Table

from cop.catalogue import Catalogue
from cop.errors import SetupTrouble
from cop_server import render
from cop_server.cluster import cluster_status, ensure_cluster, stop_cluster

ROOT = Path(__file__).parent.parent
VAR = ROOT / "var"
CACHE_MB = 64
_console = Console(width=None if sys.stdout.isatty() else 150)


def main() -> int:
    """Run, print, and write what was found; 1 where it could not be measured."""
    chosen = _arguments()
    if wrk_is_missing():
        _console.print(f"✗ The load generator wrk is missing. Type this, then start again:\n  {INSTALL_WRK}")
        return 1
    try:
        found = _run(chosen)
    except (LoadFailed, NotStarted, SetupTrouble) as exc:
        _console.print(f"✗ {exc}", markup=False)
        return 1
    _show(found)
    if not chosen.dry:
        (ROOT / "bench" / "results.json").write_text(report.as_json(found, ROOT), encoding="utf-8")
        report.put_into(ROOT / "docs" / "speed.md", report.markdown(found, ROOT))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=3, help="length of one measurement")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each case and side")
    parser.add_argument("--only", default="", help="cases to measure, with commas between them: F1,T2")
    parser.add_argument("--keep", action="store_true", help="use the database of the last run")
    parser.add_argument("--dry", action="store_true", help="print only; leave results.json and docs/speed.md")
    chosen = parser.parse_args()
    if chosen.only or chosen.keep:
        chosen.dry = True  # what stands in the documents is one whole run
    return chosen


def _tell(text: str) -> None:
    _console.print(f"· {text}", highlight=False)


def _run(chosen: argparse.Namespace) -> report.Found:
    began, busy = time.monotonic(), os.getloadavg()[0]
    pace = Pace(chosen.seconds, chosen.rounds)
    work = VAR / "bench"
    work.mkdir(parents=True, exist_ok=True)
    _tell("the environment of stock pygeoapi")
    binaries = environment(VAR / "bench-venv")
    catalogue = bench_catalogue(work / "layers")
    render.write(catalogue, work / "rendered")
    folder = VAR / "bench-cluster"
    with ExitStack() as ending:
        if not cluster_status(folder).running:
            ending.callback(stop_cluster, folder)
        _tell("the database: both sides' tables")
        prepared = prepare(ensure_cluster(folder, durable=False), catalogue, keep=chosen.keep)
        servers = _start(work, binaries, prepared, catalogue, ending)
        wanted = [case for case in cases(prepared) if not chosen.only or case.id in chosen.only.split(",")]
        bench = Bench(servers["stock"], servers["cold"], cluster_status(folder).pid or 0, pace)
        results = [_measured(bench, case) for case in wanted]
        _tell("COP with its cache")
        extras = [] if chosen.only else measure_extras(wanted, servers["cached"], pace)
        running = {server.name: server for server in servers.values()}
        return report.Found(
            results, extras,
            {name: server.memory() for name, server in running.items()},
            {name: server.cold_start for name, server in running.items()},
            prepared.seconds, pace, time.monotonic() - began,
            {"COP": report.our_versions() | {"postgresql": prepared.cluster.version}, "stock": versions(binaries)},
            busy,
        )  # fmt: skip


def _start(
    work: Path, binaries: Path, prepared: Prepared, catalogue: Catalogue, ending: ExitStack
) -> dict[str, Server]:
    _tell("the servers")
    servers: dict[str, Server] = {}
    starts: dict[str, Callable[[], Server]] = {
        "stock": lambda: start_stock(work, binaries, prepared.cluster, catalogue),
        "cold": lambda: start_cop(work, prepared.cluster, cache_mb=0),
        "cached": lambda: start_cop(work, prepared.cluster, cache_mb=CACHE_MB),
    }
    for key, start in starts.items():
        servers[key] = start()
        ending.callback(servers[key].stop)
    return servers


def _measured(bench: Bench, case: Case) -> Result:
    result = bench.measure(case)
    rates = f"{result.stock.rate.per_second:,.1f} and {result.cop.rate.per_second:,.1f} a second"
    _tell(f"{case.id} {case.title}: {rates}, {result.ratio:.1f} times")
    return result


def _show(found: report.Found) -> None:
    for lines in (report.rows(found), report.extra_rows(found)):
        table = Table(*lines[0])
        for line in lines[1:]:
            table.add_row(*line)
        _console.print(table)
    for note in report.notes(found, ROOT):
        _console.print(note, markup=False, highlight=False, soft_wrap=True)
    if found.missed:
        _console.print(f"Short of the target: {', '.join(found.missed)}", style="yellow")


if __name__ == "__main__":
    sys.exit(main())
