"""Servers of the suites: real processes, forked from one that has imported what they need.

A server that starts by itself imports for two seconds before it does anything; some hundred are started in a run. The
process that they are forked from has imported modules and read the catalogue of the clone, and done nothing else: it
keeps no setting and knows no store.
"""

from __future__ import annotations

import multiprocessing
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from multiprocessing import forkserver
from pathlib import Path
from typing import Protocol

import pytest

from cop.catalogue import catalogue

ROOT = Path(__file__).parent.parent
APP = "cop_server.app:create_app"
SERVE = "cop serve"  # in place of an application: the server as `cop serve` starts it, with a COP_VAR of its own

_FORKS = multiprocessing.get_context("forkserver")
# Not pygeoapi.starlette_app, which reads its configuration when it is imported.
_FORKS.set_forkserver_preload([
    "cop_server.app", "pygeoapi.api.itemtypes", "pygeoapi.api.coverages", "pygeoapi.api.tiles",
    "pygeoapi.api.environmental_data_retrieval", "pygeoapi.api.maps", "pygeoapi.api.processes", "pygeoapi.api.stac",
    "pygeoapi.process.manager.dummy", "anyio._backends._asyncio", "anyio.streams.memory",
    "cop_tiles.mapproxy_source", "mapproxy.wsgiapp", "mapproxy.cache.file", "mapproxy.cache.dummy",
    "mapproxy.cache.tile_manager", "mapproxy.config.coverage", "mapproxy.featureinfo", "mapproxy.layer.cache_map_layer",
    "mapproxy.layer.limited_layer", "mapproxy.layer.resolution_conditional", "mapproxy.layer.srs_conditional",
    "mapproxy.service.wms", "mapproxy.service.wmts", "mapproxy.util.ext.wmsparse",
    "lxml.html", "uvicorn.main", "uvloop", "httptools", "warmed",
])  # fmt: skip


def _ensure_forkserver() -> None:
    """Start the process that servers are forked from, once. It finds the modules of this folder by PYTHONPATH alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent))
        forkserver.ensure_running()


class Running(Protocol):
    """What both kinds of processes are asked."""

    pid: int

    @property
    def returncode(self) -> int | None: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def terminate(self) -> None: ...
    def kill(self) -> None: ...


class Forked:
    """A forked server, asked as subprocess.Popen is."""

    def __init__(self, app: str, door: socket.socket, env: Mapping[str, str], log: Path) -> None:
        _ensure_forkserver()
        self._process = _FORKS.Process(target=_serve, args=(app, door, dict(env), str(log)), daemon=True)
        self._process.start()
        self.pid = self._process.pid or 0

    @property
    def returncode(self) -> int | None:
        """Its exit code, minus the signal's number where one ended it; None as long as it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            raise subprocess.TimeoutExpired("server", timeout or 0)
        return code

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        self._process.kill()


def _serve(app: str, door: socket.socket, env: dict[str, str], log: str) -> None:
    """In the forked process: what `python -m uvicorn` does, with a socket that has its port already."""
    os.environ.clear()
    os.environ.update(env)
    if "COP_LAYERS" in env:
        catalogue.cache_clear()
    os.chdir(ROOT)
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(file, 1)
    os.dup2(file, 2)
    import uvicorn

    server = uvicorn.Server(uvicorn.Config(app, factory=app.endswith("create_app"), log_level="warning"))
    server.run(sockets=[door])
    sys.exit(0 if server.started else 3)


def free_port() -> int:
    """A port on loopback that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """A server process of the suites: its address, and how to end it."""

    def __init__(self, app_dsn: str, var: Path, app: str = APP, **more: str) -> None:
        door = socket.socket()
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind(("127.0.0.1", 0))
        port: int = door.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.log = var / f"server-{port}.log"
        # Suites ask more than any client may; those of the limits say which they want.
        env = {**os.environ, "COP_RATE_LIMITS": "false", "COP_APP_DATABASE_URL": app_dsn, "COP_VAR": str(var),
               "COP_URL": self.url, **more}  # fmt: skip
        env.pop("COP_DATABASE_URL", None)
        # The port is ours from here on where the server takes the socket; others have to bind to it once more.
        with door:
            if app == APP and not any(name.startswith("PYTHON") for name in more):
                self.process: Running = Forked(app, door, env, self.log)
                return
        self.process = _start(app, port, env, self.log)

    def wait(self, path: str, seconds: float = 120) -> None:
        """Until the address answers."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                with urllib.request.urlopen(self.url + path, timeout=10):
                    return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    pytest.fail(f"the server did not start: {self.log.read_text()[-3000:]}")
                time.sleep(0.05)

    def stop(self) -> None:
        """End the process that this object started."""
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _start(app: str, port: int, env: dict[str, str], log: Path) -> Running:
    """A process that begins by itself: for other applications, and where Python itself is told something."""
    if app == SERVE:
        command = [sys.executable, "-m", "cop_server", "serve"]
        env = env | {"COP_PORT": str(port), "COP_WORKERS": env.get("COP_WORKERS", "1")}
    else:
        factory = ["--factory"] if app.endswith("create_app") else []
        command = [sys.executable, "-m", "uvicorn", app, *factory, "--port", str(port), "--log-level", "warning"]
    with log.open("wb") as file:
        return subprocess.Popen(command, env=env, stdout=file, stderr=subprocess.STDOUT, cwd=ROOT)
