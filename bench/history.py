"""Time the past beside the present: `.venv/bin/python bench/history.py`.

1,000,000 versions of 20,000 incidents; pages, boxes and counts as of numbers all over the past, and the same now, asked
by the house's own way from question to bytes, as the app role with its policies.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from cop_bench import report
from psycopg import sql

from cop.catalogue import catalogue
from cop.query import answer
from cop.query.question import Box, Question
from cop.settings import get_settings
from cop.store.migrate import apply_layers, migrate
from cop.store.statements import statements
from cop.visible import VisibleSet
from cop_server.cluster import Cluster, cluster_status, create_database, drop_database, ensure_cluster, stop_cluster

ROOT = Path(__file__).parent.parent
SQL = ROOT / "bench" / "cop_bench" / "sql" / "history.sql"
DATABASE = "bench_history"
RECORDS, ROUNDS = 20_000, 50
WANTED = 3.0
INCIDENTS = catalogue().layers["incidents"]
AUDIENCES = {"public": VisibleSet(mode="exercise"), "a department": VisibleSet("departments", "DSD", mode="exercise")}
KINDS = ("page of 10", "page of 1,000", "box of 1/100 of the area", "count", "one incident")


@dataclass(frozen=True, slots=True)
class Figure:
    """One kind of question by one audience: medians in milliseconds, by turns now and as of some number."""

    kind: str
    audience: str
    features: int
    present: float
    past: float

    @property
    def ratio(self) -> float:
        """How many times as long the past takes."""
        return self.past / self.present

    @property
    def row(self) -> list[str]:
        """A line of the table."""
        verdict = "met" if self.ratio <= WANTED else "missed"
        return [self.kind, self.audience, f"{self.features:,}", f"{self.present:.2f}", f"{self.past:.2f}",
                f"{self.ratio:.2f}", f"{WANTED:g}", verdict]  # fmt: skip


def main() -> int:
    """Build, measure, print, write bench/history.json and the part of docs/speed.md."""
    chosen = _arguments()
    busy = os.getloadavg()[0]
    folder = ROOT / "var" / "bench-cluster"
    ran_before = cluster_status(folder).running
    cluster = ensure_cluster(folder, durable=True)
    try:
        began = time.monotonic()
        made = cluster.at(DATABASE) if chosen.keep else _build(cluster)
        seconds = time.monotonic() - began
        os.environ["COP_APP_DATABASE_URL"] = made.app_dsn
        get_settings.cache_clear()
        figures = list(_measured(chosen.turns))
    finally:
        if not ran_before:
            stop_cluster(folder)
    _write(figures, chosen, busy, seconds)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true", help="measure the last run's database again")
    parser.add_argument("--turns", type=int, default=60, help="questions of each kind, now and then by turns")
    parser.add_argument("--dry", action="store_true", help="print only; leave bench/history.json and docs/speed.md")
    return parser.parse_args()


def _build(cluster: Cluster) -> Cluster:
    drop_database(cluster, DATABASE)
    made = create_database(cluster, DATABASE)
    migrate(made.owner_dsn)
    apply_layers(made.owner_dsn, catalogue())
    sizes = {"records": RECORDS, "rounds": ROUNDS}
    with psycopg.connect(made.owner_dsn, autocommit=True) as owner:
        with owner.transaction():
            owner.execute(_sql("begin_load"))
            owner.execute(_sql("insert_incidents"), sizes)
        indexes = owner.execute(_sql("indexes")).fetchall()
        with owner.transaction():
            owner.execute(_sql("first"))
            owner.execute(_sql("empty"))
            for name, _ in indexes:
                owner.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier("history", name)))
            owner.execute(_sql("versions", columns=_shared(owner)), sizes)
            for _, definition in indexes:
                owner.execute(sql.SQL(definition))
            owner.execute(_sql("own_write"), {"on": "1"})
            owner.execute(_sql("present"), sizes)
            owner.execute(_sql("forget_marks"))
            owner.execute(_sql("marks_log"), sizes)
            owner.execute(_sql("marks"))
        owner.execute(_sql("settle"))
        count = owner.execute(_sql("counted")).fetchone()
        assert count == (RECORDS * ROUNDS,), count
    return made


def _sql(name: str, **parts: sql.Composable) -> sql.Composed:
    return sql.SQL(statements(SQL)[name]).format(**parts)


def _shared(owner: psycopg.Connection[Any]) -> sql.Composed:
    """The columns that all versions of a record have alike."""
    left_out = {"seq", "seq_to", "seqs", "place"}
    names = [column.name for column in owner.execute("SELECT * FROM first LIMIT 0").description or ()]
    return sql.SQL(", ").join(sql.Identifier(name) for name in names if name not in left_out)


def _measured(turns: int) -> Iterator[Figure]:
    chance = random.Random(1)
    for audience, visible in AUDIENCES.items():
        for kind in KINDS:
            present, past, found = [], [], 0
            for turn in range(turns + 5):
                now = _question(kind, visible, chance)
                # Every record is there from the second round on; the last round ends with the present.
                then = replace(now, asof=chance.randrange(RECORDS, RECORDS * ROUNDS - RECORDS))
                feature = f"I-20250923-{10 * chance.randrange(1, RECORDS // 10) + 1:05d}"
                times = [_timed(kind, question, feature) for question in (now, then)]
                if turn >= 5:  # the first ones fill what is kept of plans and pages
                    present.append(times[0][0])
                    past.append(times[1][0])
                    found = max(found, times[1][1])
                assert times[0][1] == times[1][1], "no record moves or comes, so both have as many"
            yield Figure(kind, audience, found, statistics.median(present), statistics.median(past))


def _question(kind: str, visible: VisibleSet, chance: random.Random) -> Question:
    if kind.startswith("box"):
        west, south = 113.85 + 0.45 * chance.random(), 22.20 + 0.288 * chance.random()
        return Question(layer=INCIDENTS, visible=visible, limit=1000, box=Box(west, south, west + 0.05, south + 0.032))
    if kind == "count":
        return Question(layer=INCIDENTS, visible=visible, hits=True)
    return Question(layer=INCIDENTS, visible=visible, limit=1000 if kind.endswith("1,000") else 10)


def _timed(kind: str, question: Question, feature: str) -> tuple[float, int]:
    """Milliseconds, and how many features there were."""
    began = time.perf_counter()
    if kind == "one incident":
        answer.item(question, feature)
        return 1000 * (time.perf_counter() - began), 1
    found = answer.page(question)
    return 1000 * (time.perf_counter() - began), len(found.features) or found.matched


def _write(figures: list[Figure], chosen: argparse.Namespace, busy: float, seconds: float) -> None:
    header = ["", "asked by", "features", "now, ms", "as of N, ms", "ratio", "wanted at most", ""]
    table = report.markdown_table([header, *(figure.row for figure in figures)])
    note = (f"Commit: {report.commit(ROOT)}; {datetime.now(UTC):%d %B %Y}; load average {busy:.1f} before the run. "
            f"{RECORDS * ROUNDS:,} versions of {RECORDS:,} incidents, built in {seconds:.0f} s; medians of "
            f"{chosen.turns} by turns, over one connection of the app role.")  # fmt: skip
    print(f"{table}\n\n{note}")
    if chosen.dry:
        return
    told = {"commit": report.commit(ROOT), "machine": report.machine(), "load_average_before": round(busy, 2),
            "figures": [{**asdict(figure), "ratio": figure.ratio} for figure in figures]}  # fmt: skip
    (ROOT / "bench" / "history.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    report.put_into(ROOT / "docs" / "speed.md", f"{table}\n\n{note}", "history")


if __name__ == "__main__":
    sys.exit(main())
