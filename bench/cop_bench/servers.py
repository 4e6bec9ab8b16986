"""Servers under measurement: started here, waited for, weighed, and ended by their own process id."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cop_server.cluster import Cluster

WORKERS = 2
QUIET = ("--log-level", "warning", "--no-access-log")
_MANY = "1000000/second"
_UNLIMITED = {"reads": _MANY, "tiles": _MANY, "writes": _MANY, "exports": _MANY, "streams": 100_000}
_PATIENCE = 60.0  # seconds that a server may take to start


class NotStarted(RuntimeError):
    """A server did not come up; the message holds the end of its log."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What one worker process holds, in MB: resident, and its proportional share of pages held with others."""

    rss: float
    pss: float


class Server:
    """A server process with its workers."""

    def __init__(self, name: str, command: Sequence[str], env: Mapping[str, str], port: int, ready: str, log: Path):
        self.name = name
        self.url = f"http://127.0.0.1:{port}"
        self._log = log
        began = time.monotonic()
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command, env=dict(env), stdout=output, stderr=subprocess.STDOUT, cwd=log.parent, start_new_session=True
            )
        self._wait(ready)
        self.cold_start = time.monotonic() - began

    def _wait(self, path: str) -> None:
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                with urllib.request.urlopen(self.url + path, timeout=10):
                    return
            except OSError as exc:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    raise NotStarted(f"{self.name} did not start ({exc}):\n{self._log.read_text()[-3000:]}") from exc
                time.sleep(0.02)

    def memory(self) -> list[Memory]:
        """Each worker's memory; the process that only watches over them is not counted."""
        return [_memory_of(pid) for pid in self._workers()]

    def forget_peaks(self) -> None:
        """From now on the largest memory is measured anew."""
        for pid in self._workers():
            Path(f"/proc/{pid}/clear_refs").write_text("5")

    def peaks(self) -> list[float]:
        """The most that each worker held (resident, MB) since it started or was told to forget it."""
        return [_peak_of(pid) for pid in self._workers()]

    def _workers(self) -> list[int]:
        return [pid for pid in _children(self._process.pid) if _is_worker(pid)]

    def cpu_seconds(self) -> float:
        """What this server and its workers have used of the processor since they started."""
        return cpu_seconds(self._process.pid)

    def stop(self) -> None:
        """End the server, its workers with it."""
        if self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)  # a session of its own: nobody else is in it
            self._process.wait()


def free_port() -> int:
    """A port on loopback that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def cpu_seconds(pid: int) -> float:
    """What a process has used of the processor, and all that it started and still has or has waited for."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        own = sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
        return own + sum(map(cpu_seconds, _children(pid)))
    except (FileNotFoundError, ProcessLookupError):
        return 0.0  # it ended meanwhile, and its parent has its time now


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _is_worker(pid: int) -> bool:
    # Python's own helper that tracks shared memory is a child too.
    return b"resource_tracker" not in Path(f"/proc/{pid}/cmdline").read_bytes()


def _memory_of(pid: int) -> Memory:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    kb = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
    return Memory(kb["Rss"] / 1024, kb["Pss"] / 1024)


def _peak_of(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (peak,) = (line.split()[1] for line in lines if line.startswith("VmHWM:"))
    return int(peak) / 1024


def bare_environment() -> dict[str, str]:
    """This process's environment without the settings of another COP or pygeoapi; clients are counted, none refused."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("COP_", "PYGEOAPI_", "PG"))}
    return bare | {"COP_LIMITS": json.dumps({"public": _UNLIMITED, "departments": _UNLIMITED, "emsc": _UNLIMITED})}


def start_cop(folder: Path, cluster: Cluster, *, cache_mb: int) -> Server:
    """COP as `make run` starts it, over the measured layers. `cache_mb=0` keeps no answers."""
    port = free_port()
    env = bare_environment() | {
        "COP_APP_DATABASE_URL": cluster.app_dsn,
        "COP_CACHE_MB": str(cache_mb),
        "COP_LAYERS": str(folder / "layers"),
        "COP_PORT": str(port),
        "COP_URL": f"http://127.0.0.1:{port}",
        "COP_VAR": str(folder / "cop"),
        "PYGEOAPI_CONFIG": str(folder / "rendered" / "pygeoapi-config.yml"),
        "PYGEOAPI_OPENAPI": str(folder / "rendered" / "openapi" / "openapi.json"),
    }
    command = [
        sys.executable, "-m", "uvicorn", "cop_server.app:create_app", "--factory", "--workers", str(WORKERS),
        "--port", str(port), *QUIET, "--no-server-header", "--no-proxy-headers",
    ]  # fmt: skip
    name = "COP" if cache_mb else "COP without its cache"
    return Server(name, command, env, port, "/ready", folder / f"cop-{cache_mb}.log")
