"""What a run found: a table for the eye, bench/results.json for the next run, a part of docs/speed.md."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import re
import statistics
import subprocess
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cop_bench.data import INCIDENTS, SLOPES
from cop_bench.load import CONNECTIONS, PATIENT_CLIENTS, SLOW
from cop_bench.measure import ExtraResult, Pace, Result, Side
from cop_bench.servers import WORKERS, Memory

WORKER_LIMIT_MB = 250
_OURS = ("pygeoapi", "psycopg", "uvicorn", "starlette", "uvloop")


@dataclass(frozen=True, slots=True)
class Found:
    """Everything that one run measured."""

    results: list[Result]
    extras: list[ExtraResult]
    memory: dict[str, list[Memory]]
    cold_starts: dict[str, float]
    loading_seconds: float
    pace: Pace
    seconds: float
    versions: dict[str, dict[str, str]]
    busy_before: float

    @property
    def heaviest_mb(self) -> float:
        """The resident memory of COP's largest worker."""
        return max(memory.rss for name, all_ in self.memory.items() if "COP" in name for memory in all_)

    @property
    def missed(self) -> list[str]:
        """What fell short of its target."""
        cases = [result.case.id for result in self.results if result.met is False]
        return cases + (["memory"] if self.heaviest_mb >= WORKER_LIMIT_MB else [])


def our_versions() -> dict[str, str]:
    """The versions of what answers on COP's side."""
    return {"python": platform.python_version()} | {name: importlib.metadata.version(name) for name in _OURS}


def machine() -> dict[str, object]:
    """What the figures hang on: they are for comparing columns, not machines."""
    cpu = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    memory_kb = re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())
    return {
        "cores": len(os.sched_getaffinity(0)),
        "cpu": cpu[1] if cpu else platform.machine(),
        "memory_gb": round(int(memory_kb[1]) / 1024**2) if memory_kb else 0,
        "kernel": platform.release(),
    }


def commit(root: Path) -> str:
    """The commit measured, and whether files differed from it."""
    head = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], cwd=root, capture_output=True, text=True)
    if head.returncode != 0:
        return "before the first commit"
    state = subprocess.run(["git", "status", "--porcelain"], cwd=root, capture_output=True, text=True, check=True)
    return head.stdout.strip() + (" and changes" if state.stdout.strip() else "")


def as_json(found: Found, root: Path) -> str:
    """The run as JSON: rates a second, times in milliseconds, sizes in bytes, memory in MB."""
    told: dict[str, Any] = {
        "commit": commit(root),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "load_average_before": round(found.busy_before, 2),
        "versions": found.versions,
        "pace": asdict(found.pace),
        "run_seconds": round(found.seconds),
        "cases": [_case(result) for result in found.results],
        "cop_only": [
            {"case": e.extra.case, "title": e.extra.title, "bytes": e.size, **_rounded(asdict(e.rate))}
            for e in found.extras
        ],
        "memory_mb": {name: [_rounded(asdict(one)) for one in all_] for name, all_ in found.memory.items()},
        "cold_start_seconds": _rounded(found.cold_starts),
        "loading_seconds": round(found.loading_seconds, 1),
        "missed": found.missed,
    }
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"


def _case(result: Result) -> dict[str, Any]:
    return {
        "id": result.case.id, "title": result.case.title, "features": result.features,
        "stock": _side(result.stock), "cop": _side(result.cop), "cpu_ratio": round(result.cpu_ratio, 1),
        "ratio": round(result.ratio, 1), "ratios": [round(ratio, 1) for ratio in result.ratios],
        "target": result.case.target, "met": result.met,
    }  # fmt: skip


def _side(side: Side) -> dict[str, float]:
    return {"bytes": side.size, **_rounded(asdict(side.rate)), "cpu_ms": round(statistics.median(side.cpu_ms), 3)}


def _rounded(values: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 2) for name, value in values.items()}


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def rows(found: Found) -> list[list[str]]:
    """The table of cases, its heading first."""
    head = ["", "case", "features", "kB stock / COP", "stock /s", "COP /s", "ratio", "target", "",
            "CPU ms stock / COP", "CPU ratio", "COP p50 / p99 ms"]  # fmt: skip
    return [head, *(_row(result) for result in found.results)]


def _row(result: Result) -> list[str]:
    target = "" if result.case.target is None else f"{result.case.target:g}"
    verdict = {None: "", True: "met", False: "missed"}[result.met]
    stock, cop = result.stock, result.cop
    middle = statistics.median
    return [
        result.case.id, result.case.title, f"{result.features:,}",
        f"{_figure(stock.size / 1000)} / {_figure(cop.size / 1000)}",
        _figure(stock.rate.per_second), _figure(cop.rate.per_second), _figure(result.ratio), target, verdict,
        f"{_figure(middle(stock.cpu_ms))} / {_figure(middle(cop.cpu_ms))}", _figure(result.cpu_ratio),
        f"{_figure(cop.rate.p50_ms)} / {_figure(cop.rate.p99_ms)}",
    ]  # fmt: skip


def extra_rows(found: Found) -> list[list[str]]:
    """The table of COP's own figures, its heading first."""
    head = ["", "COP with its cache", "kB sent", "/s", "p50 / p99 ms"]
    body = [
        [e.extra.case, e.extra.title, _figure(e.size / 1000), _figure(e.rate.per_second),
         f"{_figure(e.rate.p50_ms)} / {_figure(e.rate.p99_ms)}"]
        for e in found.extras
    ]  # fmt: skip
    return [head, *body]


def notes(found: Found, root: Path) -> list[str]:
    """What belongs to the figures."""
    here = machine()
    weights = "; ".join(
        f"{name} {', '.join(f'{one.rss:.0f} (PSS {one.pss:.0f})' for one in all_)} MB"
        for name, all_ in found.memory.items()
    )
    starts = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in found.cold_starts.items())
    return [
        f"Commit: {commit(root)}; {datetime.now(UTC):%d %B %Y}; {here['cores']} cores ({here['cpu']}), "
        f"{here['memory_gb']} GB, load average {found.busy_before:.1f} before the run.",
        f"Data: {SLOPES:,} slopes, {INCIDENTS:,} incidents, loaded and indexed for both sides in "
        f"{found.loading_seconds:.0f} s. {WORKERS} workers a side, {CONNECTIONS} connections "
        f"({PATIENT_CLIENTS} where an answer takes longer than {SLOW * 1000:.0f} ms), "
        f"{found.pace.rounds} rounds of {found.pace.seconds} s by turns, medians.",
        f"Memory of each worker after the run (wanted: under {WORKER_LIMIT_MB} MB): {weights}.",
        f"Cold start to the first answer: {starts}.",
        *(f"{side}: {', '.join(f'{name} {number}' for name, number in all_.items())}."
          for side, all_ in found.versions.items()),
    ]  # fmt: skip


def markdown(found: Found, root: Path) -> str:
    """The run as it stands in docs/speed.md."""
    tables = [markdown_table(rows(found)), markdown_table(extra_rows(found))]
    listed = "\n".join(f"- {note}" for note in notes(found, root))
    return "\n\n".join([*tables, listed])


def markdown_table(lines: list[list[str]]) -> str:
    """Rows of cells, the heading first, as Markdown."""
    rule = ["---"] * len(lines[0])
    return "\n".join("| " + " | ".join(line) + " |" for line in [lines[0], rule, *lines[1:]])


def put_into(document: Path, part: str, name: str = "bench") -> None:
    """Put a run's part into the document between the two marks of its name, in place of the last run's.

    Raises ValueError where the document has no place for it.
    """
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, found_begin, rest = document.read_text(encoding="utf-8").partition(begin)
    _, found_end, after = rest.partition(end)
    if not found_begin or not found_end:
        raise ValueError(f"{document.name}: the lines {begin} and {end} are missing")
    document.write_text(f"{before}{begin}\n\n{part}\n\n{end}{after}", encoding="utf-8")
