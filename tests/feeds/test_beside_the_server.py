"""The worker beside the server: started again when it dies, and never left behind by a server that is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from feed_source import Source

from cop_server.cluster import Cluster

PARENT = """
import sys, time
from cop_server.feed_process import feeding
with feeding(sys.argv[1], wanted=True):
    time.sleep(600)
"""


def until(question: Callable[[], Any], seconds: float = 60) -> Any:
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        if answer := question():
            return answer
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} s")


def child_of(pid: int, unlike: int = 0) -> int:
    children = [
        int(word) for task in Path(f"/proc/{pid}/task").iterdir() for word in (task / "children").read_text().split()
    ]
    return next((child for child in children if child != unlike), 0)


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_a_worker_that_dies_is_started_again_and_ends_with_a_server_that_is_killed(
    database_once: Cluster, owner: Any, source: Source, tmp_path: Path
) -> None:
    env = {name: value for name, value in os.environ.items() if not name.startswith("COP_")} | {
        "COP_VAR": str(tmp_path), "COP_FEEDS": "live", "COP_FEEDS_URL": source.url,
        "COP_APP_DATABASE_URL": database_once.app_dsn,
    }  # fmt: skip
    parent = subprocess.Popen([sys.executable, "-c", PARENT, database_once.owner_dsn], env=env)
    first = second = 0
    try:
        first = until(lambda: child_of(parent.pid))
        until(lambda: source.asked)
        os.kill(first, signal.SIGKILL)
        second = until(lambda: child_of(parent.pid, unlike=first))
        source.asked.clear()
        until(lambda: source.asked)
        parent.kill()
        parent.wait()
        until(lambda: not lives(second))
    finally:
        parent.kill()
        parent.wait()
        for pid in (first, second):
            if pid and lives(pid):
                os.kill(pid, signal.SIGKILL)
    assert owner.execute("SELECT count(*) > 30 FROM cop.feed WHERE mode = 'actual'").fetchone() == (True,)
