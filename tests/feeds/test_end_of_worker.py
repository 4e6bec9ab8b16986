"""A worker that is told to end in the middle of a turn: it finishes, says nothing of trouble, and leaves no lease."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from feed_source import Source

from cop_server.cluster import Cluster

WARNINGS = "/data.weather.gov.hk/weatherAPI/opendata/weather.php?dataType=warnsum&lang="


def test_a_worker_ends_in_the_middle_of_a_turn_without_trouble(
    database_once: Cluster, owner: Any, source: Source, tmp_path: Path
) -> None:
    begun, told_to_end = threading.Event(), threading.Event()

    def slow(handler: BaseHTTPRequestHandler) -> None:
        begun.set()
        told_to_end.wait(60)
        handler.send_response(200)
        handler.send_header("Content-Length", "2")
        handler.end_headers()
        handler.wfile.write(b"{}")

    source.fails(slow, f"{WARNINGS}en")
    source.fails(slow, f"{WARNINGS}tc")
    env = {name: value for name, value in os.environ.items() if not name.startswith("COP_")} | {
        "COP_VAR": str(tmp_path), "COP_FEEDS": "live", "COP_FEEDS_URL": source.url,
        "COP_DATABASE_URL": database_once.owner_dsn, "COP_APP_DATABASE_URL": database_once.app_dsn,
    }  # fmt: skip
    log = tmp_path / "worker.log"
    with log.open("wb") as out:
        worker = subprocess.Popen(
            [sys.executable, "-m", "cop_server", "ingest", "run"], env=env, stdout=out, stderr=out
        )
        try:
            assert begun.wait(60), log.read_text()
            worker.send_signal(signal.SIGTERM)
            time.sleep(1.2)  # longer than the worker's look at whether it is to end: then the turn is let go on
            told_to_end.set()
            assert worker.wait(40) == 0, log.read_text()
        finally:
            told_to_end.set()
            worker.kill()
            worker.wait()
    said = log.read_text()
    for word in ("Traceback", "Event loop", "never awaited", "Exception", "ERROR"):
        assert word not in said, said
    ended = owner.execute("SELECT outcome FROM cop.turn WHERE feed = 'hko_warnsum' AND mode = 'actual'").fetchall()
    assert ended == [("quiet",)], "the turn under way was finished"
    assert owner.execute("SELECT count(*) FROM cop.feed WHERE holder IS NOT NULL").fetchone() == (0,)
