"""Time an installation with the whole territory: `.venv/bin/python bench/territory.py [--data FOLDER]`.

Layers applied, everything loaded, the basemap built, a worker started, /collections asked, each worker weighed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from cop_bench import report
from cop_bench.servers import WORKERS, Server, bare_environment, free_port

from cop.catalogue import catalogue
from cop.settings import Settings
from cop.store.migrate import apply_layers, migrate
from cop_server.cluster import Cluster, cluster_status, create_database, drop_database, ensure_cluster, stop_cluster
from cop_server.installation import build_basemap, load

ROOT = Path(__file__).parent.parent
VAR = ROOT / "var" / "bench-territory"
DATABASE = "bench_territory"
ASKED = 100


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing measured, in its unit, and what was wanted of it (None: nothing)."""

    what: str
    value: float
    unit: str
    wanted: float | None = None

    @property
    def row(self) -> list[str]:
        """A line of the table."""
        verdict = "" if self.wanted is None else "met" if self.value < self.wanted else "missed"
        wanted = "" if self.wanted is None else f"under {self.wanted:g} {self.unit}"
        return [self.what, f"{self.value:,.3g} {self.unit}" if self.value < 100 else f"{self.value:,.0f} {self.unit}",
                wanted, verdict]  # fmt: skip


def main() -> int:
    """Measure, print, write bench/territory.json and the part of docs/speed.md."""
    chosen = _arguments()
    busy = os.getloadavg()[0]
    folder = ROOT / "var" / "bench-cluster"
    with ExitStack() as ending:
        if not cluster_status(folder).running:
            ending.callback(stop_cluster, folder)
        cluster = ensure_cluster(folder, durable=True)
        drop_database(cluster, DATABASE)
        made = create_database(cluster, DATABASE)
        figures = [*_installed(made, chosen.data), *_served(made, ending)]
    _write(figures, chosen, busy)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data", type=Path, default=None, help="the reference data; none: the exercise territory alone"
    )
    parser.add_argument("--dry", action="store_true", help="print only; leave bench/territory.json and docs/speed.md")
    return parser.parse_args()


def _timed(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def _installed(made: Cluster, data: Path | None) -> Iterator[Figure]:
    settings = Settings(var=VAR, data=data, database_url=made.owner_dsn, app_database_url=made.app_dsn)  # type: ignore[arg-type]
    owner = made.owner_dsn
    yield Figure("migrations", _timed(lambda: migrate(owner)), "s")
    count = len(catalogue().feature_layers)
    yield Figure(f"{count} layers applied", _timed(lambda: apply_layers(owner, catalogue())), "s", 30)
    yield Figure("the same again", _timed(lambda: apply_layers(owner, catalogue())), "s")
    yield Figure("everything loaded", _timed(lambda: load(settings, owner)), "s", 180)
    yield Figure("the same again, nothing changed", _timed(lambda: load(settings, owner)), "s")
    yield Figure("the basemap built", _timed(lambda: build_basemap(settings, owner)), "s")


def _served(made: Cluster, ending: ExitStack) -> Iterator[Figure]:
    server = _start(made)
    ending.callback(server.stop)
    yield Figure(f"{WORKERS} workers started, to the first answer", server.cold_start, "s", 3)
    first, *others = [1000 * _timed(lambda: _get(f"{server.url}/collections")) for _ in range(1 + ASKED)]
    yield Figure("/collections, the first time", first, "ms")
    yield Figure(f"/collections, median of {ASKED}", statistics.median(others), "ms", 20)
    for layer in catalogue().feature_layers:
        _get(f"{server.url}/collections/{layer.id}/items?limit=100")
        deeper = max(0, layer.tile.minzoom - 10)
        _get(f"{server.url}/collections/{layer.id}/tiles/WebMercatorQuad/{10 + deeper}/{446 << deeper}/{836 << deeper}")
    heaviest = max(memory.rss for memory in server.memory())
    yield Figure("the heavier worker, after items and tiles of every layer", heaviest, "MB", 250)


def _start(made: Cluster) -> Server:
    port = free_port()
    env = bare_environment() | {
        "COP_APP_DATABASE_URL": made.app_dsn,
        "COP_URL": f"http://127.0.0.1:{port}",
        "COP_VAR": str(VAR),
    }
    command = [sys.executable, "-m", "uvicorn", "cop_server.app:create_app", "--factory", "--workers", str(WORKERS),
               "--port", str(port), "--log-level", "warning", "--no-access-log"]  # fmt: skip
    return Server("COP", command, env, port, "/ready", VAR / "server.log")


def _get(url: str) -> None:
    with urllib.request.urlopen(url, timeout=60) as answer:
        answer.read()


def _write(figures: list[Figure], chosen: argparse.Namespace, busy: float) -> None:
    ground = (
        "the data folder and, where it has no file, the exercise territory"
        if chosen.data
        else "the exercise territory alone"
    )
    note = (f"Commit: {report.commit(ROOT)}; {datetime.now(UTC):%d %B %Y}; load average {busy:.1f} before the run. "
            f"Records from {ground}.")  # fmt: skip
    table = report.markdown_table([["", "measured", "wanted", ""], *(figure.row for figure in figures)])
    print(f"{table}\n\n{note}")
    if chosen.dry:
        return
    told = {"commit": report.commit(ROOT), "machine": report.machine(), "load_average_before": round(busy, 2),
            "figures": [asdict(figure) for figure in figures]}  # fmt: skip
    (ROOT / "bench" / "territory.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    report.put_into(ROOT / "docs" / "speed.md", f"{table}\n\n{note}", "territory")


if __name__ == "__main__":
    sys.exit(main())
