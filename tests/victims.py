"""A store and a server of a test's own, to be stopped, killed and frozen."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from cop.catalogue import catalogue
from cop.store.migrate import apply_layers, migrate
from cop_server.cluster import cluster_status, ensure_cluster, remove_cluster, stop_cluster


class Victim:
    """A store of our own, which survives power cuts where it is durable (fsync is on), and the server over it."""

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        self.folder = folder
        self._durable = durable
        self.cluster = ensure_cluster(folder / "cluster", durable=durable)
        migrate(self.cluster.owner_dsn)
        apply_layers(self.cluster.owner_dsn, catalogue())
        self.server: subprocess.Popen[bytes] | None = None
        self.url = ""

    def kill_postgresql(self) -> None:
        """What a power cut does to PostgreSQL; then it is started again, as `make run` would."""
        pid = cluster_status(self.folder / "cluster").pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        self.cluster = ensure_cluster(self.folder / "cluster", durable=self._durable)

    def stop_postgresql(self) -> None:
        """What an administrator's restart begins with: connections are broken off."""
        stop_cluster(self.folder / "cluster")

    def start_postgresql(self) -> None:
        """And what it ends with; on the same port."""
        self.cluster = ensure_cluster(self.folder / "cluster", durable=self._durable)

    def serve(self, port: int, **more: str) -> None:
        """Start the server with two workers, as a service unit would, unless `more` says otherwise."""
        env = {name: value for name, value in os.environ.items() if not name.startswith("COP_")}
        self.url = f"http://127.0.0.1:{port}"
        env |= {"COP_APP_DATABASE_URL": self.cluster.app_dsn, "COP_VAR": str(self.folder), "COP_PORT": str(port),
                "COP_URL": self.url, "COP_WORKERS": "2", **more}  # fmt: skip
        with (self.folder / "server.log").open("ab") as log:
            self.server = subprocess.Popen(
                [sys.executable, "-m", "cop_server", "serve"], env=env, stdout=log, stderr=log
            )
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and self.server.poll() is None:
            try:
                if httpx.get(f"{self.url}/ready", timeout=5).status_code == 200:
                    return
            except httpx.HTTPError:
                time.sleep(0.1)
        pytest.fail((self.folder / "server.log").read_text()[-3000:])

    def workers(self) -> list[int]:
        """Process ids of the server's workers."""
        assert self.server is not None
        children = Path(f"/proc/{self.server.pid}/task/{self.server.pid}/children").read_text().split()
        return [int(pid) for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]

    def kill_worker(self) -> None:
        """End one worker at once; the others go on, and a new one takes its place."""
        os.kill(self.workers()[0], signal.SIGKILL)

    def kill_server(self) -> None:
        """End the whole server at once, and start it again on the same port."""
        assert self.server is not None
        port = int(self.url.rpartition(":")[2])
        for pid in [self.server.pid, *self.workers()]:
            os.kill(pid, signal.SIGKILL)
        self.server.wait()
        self.serve(port)

    def close(self) -> None:
        """End what was started, and delete it."""
        if self.server is not None:
            self.server.terminate()
            self.server.wait(30)
        remove_cluster(self.folder / "cluster")

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.cluster.owner_dsn) as connection:
            return connection.execute(statement.encode()).fetchall()
