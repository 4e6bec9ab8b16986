"""Run the suites on one test cluster, and say how long each took and what came of it.

Usage: scripts/test.py [--only WORD] [--long] [--serial] [suite ...] [-- what pytest should get]

Two lanes run side by side; one that is free takes the next suite. What a suite said is printed when it has ended.
With one suite, one core, --long or --serial there is one lane, and the output comes as it is made.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from cop_server.cluster import cluster_status, ensure_cluster, remove_cluster, stop_cluster
from cop_server.console import console, explaining, say

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests"
STATE = ROOT / "var" / "test"
CLUSTER = ROOT / "var" / "test-cluster"
MEMORY = Path("/dev/shm")  # noqa: S108 - a file system in memory, wherever Linux runs
# What the cluster comes to while all suites run, twice over, and what the suites themselves need beside it.
CLUSTER_BYTES = 6 << 30
BESIDE_BYTES = 4 << 30
# From what needs least to what needs all, so that the first failure is the nearest to its cause.
ORDER = (
    "unit", "store", "ingest", "feeds_parse", "feeds", "http", "delivery", "faults", "installation", "basemap",
    "clients", "page",
)  # fmt: skip
# Two lanes take from this queue, what takes longest first, so that they end at about the same time. One builds what
# most suites begin with (the loaded store); the other begins with a suite that does without it.
QUEUE = (
    "installation", "page", "http", "ingest", "store", "clients", "feeds", "basemap", "delivery", "unit", "faults",
    "feeds_parse",
)  # fmt: skip
BUDGET_SECONDS = 15 * 60
SUITE_SECONDS = 20 * 60
LONG_SUITE_SECONDS = 6 * 3600
NO_TESTS = 5


@dataclass(frozen=True)
class Result:
    """What came of one suite; `trouble` is a word where it did not end as pytest does."""

    suite: str
    seconds: float
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    trouble: str = ""

    @property
    def good(self) -> bool:
        """Whether everything in it passed."""
        return not self.failed and not self.trouble


def suites() -> list[str]:
    """The known suites in their order, then every other folder of tests, so that none is lost."""
    others = sorted(path.name for path in TESTS.iterdir() if path.name not in ORDER and any(path.glob("test_*.py")))
    return [*ORDER, *others]


def arguments() -> tuple[argparse.Namespace, list[str]]:
    """Our own arguments, and those for pytest after a double dash."""
    words = sys.argv[1:]
    cut = words.index("--") if "--" in words else len(words)
    parser = argparse.ArgumentParser(description="Run the test suites.")
    parser.add_argument("suites", nargs="*", metavar="suite", help=f"of {', '.join(suites())}; none: all of them")
    parser.add_argument("--only", metavar="WORD", help="only tests with this word in their file's or own name")
    parser.add_argument("--long", action="store_true", help="at length: COP_TEST_LENGTH=long, no time limit of a suite")
    parser.add_argument("--serial", action="store_true", help="one suite after another, with its output as it is made")
    ours = parser.parse_args(words[:cut])
    if unknown := set(ours.suites) - set(suites()):
        parser.error(f"no such suite: {', '.join(sorted(unknown))}; there are {', '.join(suites())}")
    return ours, words[cut + 1 :]


def environment(*, long: bool) -> dict[str, str]:
    """What pytest sees: no setting of a running installation, a state folder of its own, the test cluster."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COP_") or name == "COP_DATA"}
    if not cluster_status(CLUSTER).running:
        clear_cluster()  # what a killed run left in it would be in the way
        if not long:
            lay_in_memory(CLUSTER, MEMORY)
    cluster = ensure_cluster(CLUSTER, durable=False)
    return kept | {
        "COP_VAR": str(STATE),
        "COP_TEST_CLUSTER": json.dumps(cluster.environment()),
        "COP_TEST_LENGTH": "long" if long else "short",
    }


def lay_in_memory(link: Path, memory: Path) -> bool:
    """Let the cluster's folder lead to one in memory where there is room for it; whether it does.

    The suites make and drop a database of 2,000 files for nearly every test. On a disk that is most of their time.
    """
    try:
        if shutil.disk_usage(memory).free < CLUSTER_BYTES or available_bytes() < CLUSTER_BYTES + BESIDE_BYTES:
            return False
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(tempfile.mkdtemp(prefix="cop-test-", dir=memory))
    except OSError:
        return False
    return True


def available_bytes() -> int:
    """The memory that programs can still have without swapping, by /proc/meminfo (which counts KiB)."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))


def clear_cluster() -> None:
    """Stop and delete the test cluster, wherever it lies."""
    remove_cluster(CLUSTER)
    if CLUSTER.is_symlink():
        CLUSTER.unlink()


def end_cluster() -> None:
    """Stop the test cluster. On a disk its log can be looked at until the next run; memory is given back."""
    if CLUSTER.is_symlink():
        clear_cluster()
    else:
        stop_cluster(CLUSTER)


def build_page() -> Result:
    """Build the page, which the suites at the door need, and check its types."""
    began = time.monotonic()
    for purpose, trouble in (("build", "not built"), ("check", "wrong types")):
        if subprocess.run([ROOT / "scripts" / "page", purpose], cwd=ROOT, check=False).returncode:
            return Result("page build", time.monotonic() - began, trouble=trouble)
    return Result("page build", time.monotonic() - began)


class Run:
    """One pytest run of one folder, under way; with `kept`, what it says is kept for its end."""

    def __init__(self, suite: str, env: dict[str, str], options: list[str], *, kept: bool) -> None:
        self.suite = suite
        self.report = STATE / f"{suite}.xml"
        self.report.unlink(missing_ok=True)
        self.log = STATE / f"{suite}.log" if kept else None
        command = [sys.executable, "-m", "pytest", f"tests/{suite}", "-q", f"--junitxml={self.report}", *options]
        self.began = time.monotonic()
        if self.log is None:
            console.rule(suite, align="left")
            self.process = subprocess.Popen(command, cwd=ROOT, env=env)
            return
        say(f"{suite} begins")
        with self.log.open("wb") as log:
            # A group of its own: a terminal's Ctrl-C would else reach it besides our own word, and a second one cuts
            # short what its fixtures take down.
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=env, stdout=log, stderr=subprocess.STDOUT, process_group=0
            )

    def result(self, limit: float) -> Result | None:
        """What came of it; None as long as it runs. Ends it where its time is up."""
        seconds, code = time.monotonic() - self.began, self.process.poll()
        if code is None and seconds < limit:
            return None
        if code is None:
            ask_to_end(self.process)
            end(self.process)
        self.tell()
        if not self.report.is_file():
            return Result(self.suite, seconds, trouble="too slow" if code is None else f"ended with {code}")
        return read_report(self.suite, seconds, self.report, code)

    def tell(self) -> None:
        """Print what was kept."""
        if self.log is not None:
            console.rule(self.suite, align="left")
            print(self.log.read_text(encoding="utf-8", errors="replace"), end="", flush=True)


def lanes_for(wanted: list[str], *, serial: bool) -> int:
    """In how many lanes the suites run: one, or two side by side."""
    return 1 if serial or (os.cpu_count() or 1) < 2 or len(wanted) < 2 else 2


def queue_of(wanted: list[str], lanes: int) -> list[str]:
    """The order in which the suites begin: in one lane as asked, else that of the queue, unknown ones last."""
    if lanes == 1:
        return list(wanted)
    return [suite for suite in QUEUE if suite in wanted] + [suite for suite in wanted if suite not in QUEUE]


def run_lanes(wanted: list[str], lanes: int, env: dict[str, str], options: list[str], limit: float) -> list[Result]:
    """Run all suites; a lane that is free takes the next of the queue. Leaves no pytest behind."""
    waiting = queue_of(wanted, lanes)
    running: list[Run] = []
    results: list[Result] = []
    try:
        while running or waiting:
            while waiting and len(running) < lanes:
                running.append(Run(waiting.pop(0), env, options, kept=lanes > 1))
            ended = [(run, result) for run in running if (result := run.result(limit)) is not None]
            results += [result for _, result in ended]
            running = [run for run in running if run not in [one for one, _ in ended]]
            time.sleep(0.1)
    except BaseException:
        for run in running:
            ask_to_end(run.process)
        for run in running:
            end(run.process)
            run.tell()
        raise
    return sorted(results, key=lambda result: wanted.index(result.suite))


def ask_to_end(process: subprocess.Popen[bytes]) -> None:
    """End pytest as Ctrl-C would: it says where it was, and takes down what its fixtures made."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)


def end(process: subprocess.Popen[bytes]) -> None:
    """Wait for a pytest that was asked to end, and leave none behind."""
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def read_report(suite: str, seconds: float, report: Path, code: int | None) -> Result:
    """Numbers from pytest's JUnit file, which pytest has just written."""
    counts = [suite.attrib for suite in ET.parse(report).iter("testsuite")]  # noqa: S314
    total, failures, errors, skipped = (
        sum(int(count.get(name, 0)) for count in counts) for name in ("tests", "failures", "errors", "skipped")
    )
    failed = failures + errors
    trouble = "too slow" if code is None else ""
    if code == NO_TESTS:
        trouble = "no tests"
    elif code and not failed:
        trouble = trouble or f"ended with {code}"
    return Result(suite, seconds, total - failed - skipped, failed, skipped, trouble)


def show(results: list[Result], seconds: float) -> None:
    """The table of times and the last line, in pytest's words, with the time of the whole."""
    table = Table("suite", title_justify="left")
    for name in ("seconds", "passed", "failed", "skipped"):
        table.add_column(name, justify="right")
    table.add_column("")
    for r in results:
        numbers = (str(r.passed), str(r.failed), str(r.skipped))
        table.add_row(r.suite, f"{r.seconds:.1f}", *numbers, r.trouble, style=None if r.good else "red")
    console.print(table)
    if seconds > BUDGET_SECONDS:
        say(f"The suites took {seconds / 60:.1f} minutes; their budget is {BUDGET_SECONDS // 60}.")
    parts = [f"{sum(r.passed for r in results)} passed", f"{sum(r.failed for r in results)} failed"]
    parts += [f"{skipped} skipped"] if (skipped := sum(r.skipped for r in results)) else []
    parts += [f"{r.suite}: {r.trouble}" for r in results if r.trouble]
    print(f"{', '.join(parts)} in {seconds:.1f}s")


def run_all(ours: argparse.Namespace, options: list[str]) -> list[Result]:
    """Every suite asked for, with the page built before them."""
    STATE.mkdir(parents=True, exist_ok=True)
    env = environment(long=ours.long)
    if ours.only:
        options = ["-k", ours.only, *options]
    limit = LONG_SUITE_SECONDS if ours.long else SUITE_SECONDS
    wanted = ours.suites or suites()
    page = build_page() if needs_page(wanted) else None
    results = [page] if page else []
    if page and not page.good:
        wanted = [suite for suite in wanted if suite != "page"]
    lanes = lanes_for(wanted, serial=ours.serial or ours.long)
    results += run_lanes(wanted, lanes, env, options, limit)
    if ours.only and any(r.passed or r.failed for r in results):
        return [r for r in results if r.trouble != "no tests"]
    return results


def needs_page(wanted: list[str]) -> bool:
    """Suites at the door look at /map too."""
    return bool({"http", "page"} & set(wanted))


def main() -> int:
    """Run the suites; 0 where all passed."""
    ours, options = arguments()
    began = time.monotonic()
    with explaining():
        ran_before = cluster_status(CLUSTER).running
        try:
            results = run_all(ours, options)
        finally:
            if not ran_before:
                end_cluster()
    show(results, time.monotonic() - began)
    return 0 if all(r.good for r in results) else 1


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # A shell starts what it puts into the background with Ctrl-C ignored; pytest could then not be ended by it either.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(main())
