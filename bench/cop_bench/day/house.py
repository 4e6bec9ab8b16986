"""Everything that runs on such a day, each in a process of its own: simulator, worker, inbox, server."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import psycopg

from cop.catalogue import catalogue
from cop.errors import SetupTrouble
from cop.heads import ensure_key
from cop.settings import Settings
from cop.store.migrate import apply_layers, migrate
from cop_bench.servers import WORKERS, Server, bare_environment, free_port
from cop_ingest.feeds.declared import feeds
from cop_ingest.reference import load_reference, loadable
from cop_ingest.simulator.world.world import STARTS
from cop_server.cluster import Cluster
from cop_server.installation import place_of

_ADDRESS = re.compile(rb"http://127\.0\.0\.1:\d+")
_PATIENCE = 120.0


@dataclass(frozen=True, slots=True)
class Plan:
    """Which day: begin (aware), scenario minutes, speed, times 2,000 incidents, scale of the territory, its seed."""

    start: datetime
    minutes: int
    speed: float
    times: int
    scale: float
    seed: int
    returns_every: int

    @property
    def end(self) -> datetime:
        """When the clock is to stand."""
        return self.start + timedelta(minutes=self.minutes)

    def last_return(self, end: datetime, pace: timedelta | None = None) -> datetime:
        """When the departments returned for the last time: at the even times of the scenario, which begins at one.

        `pace`: of a form that comes at one of its own.
        """
        every = pace or timedelta(minutes=self.returns_every)
        return STARTS + (end - STARTS) // every * every


class House:
    """The processes of a day over one store, in a folder of their own; `stop` ends them."""

    def __init__(self, folder: Path, made: Cluster, plan: Plan, data: Path | None) -> None:
        self._folder = folder
        self._made = made
        self._ending = ExitStack()
        self.settings = Settings(
            var=folder, data=data, database_url=made.owner_dsn, app_database_url=made.app_dsn,  # type: ignore[arg-type]
            exercise_seed=plan.seed, exercise_scale=plan.scale,
        )  # fmt: skip
        self._env = bare_environment() | {
            "COP_APP_DATABASE_URL": made.app_dsn, "COP_DATABASE_URL": made.owner_dsn, "COP_VAR": str(folder),
            "COP_MODE": "exercise", "COP_INBOX": str(self.inbox), "COP_EXERCISE_SEED": str(plan.seed),
            "COP_EXERCISE_SCALE": str(plan.scale), "COP_DATA": str(data) if data else "none",
        }  # fmt: skip
        self.pids: dict[str, int] = {}

    @property
    def inbox(self) -> Path:
        """Where the departments' returns are put."""
        return self._folder / "inbox"

    def furnish(self) -> None:
        """Schema, layers, and the records that positions are looked up in. Nothing that the day brings itself."""
        migrate(self._made.owner_dsn)
        apply_layers(self._made.owner_dsn, catalogue())
        ensure_key(self.settings.var)
        with psycopg.connect(self._made.owner_dsn, autocommit=True) as connection:
            fed = {feed.target.layer for feed in feeds().values()}
            still = [layer.id for layer in loadable(catalogue()) if layer.id not in fed]
            for outcome in load_reference(catalogue(), place_of(self.settings, connection), still):
                if outcome.failure is not None:
                    raise SetupTrouble(outcome.sentence)

    def open(self, plan: Plan) -> None:
        """Start all; the day's clock stands until `begin`."""
        self.simulator = self._simulator(plan)
        post(self.simulator, "_clock", {"speed": 0, "to": plan.start.isoformat()})
        self.server = self._server()
        feeding = {"COP_FEEDS": "simulator", "COP_FEEDS_URL": self.simulator}
        self._start("worker", ["ingest", "run"], feeding)
        self._start("inbox", ["inbox", "watch"], {})

    def _simulator(self, plan: Plan) -> str:
        log = self._start(
            "simulator",
            ["simulate", "--port", "0", "--speed", "0", "--times", str(plan.times), "--start",
             plan.start.isoformat(), "--echoes", "--returns", str(self.inbox),
             "--returns-every", str(plan.returns_every)],
            {},
        )  # fmt: skip
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            if found := _ADDRESS.search(log.read_bytes()):
                return found[0].decode()
            time.sleep(0.1)
        raise SetupTrouble(f"the simulator did not start:\n{log.read_text()[-2000:]}")

    def _server(self) -> Server:
        port = free_port()
        command = [sys.executable, "-m", "uvicorn", "cop_server.app:create_app", "--factory", "--workers", str(WORKERS),
                   "--port", str(port), "--log-level", "warning", "--no-access-log"]  # fmt: skip
        env = {name: value for name, value in self._env.items() if name != "COP_DATABASE_URL"}
        server = Server("COP", command, env | {"COP_URL": f"http://127.0.0.1:{port}"}, port, "/ready",
                        self._folder / "server.log")  # fmt: skip
        self._ending.callback(server.stop)
        return server

    def _start(self, name: str, words: list[str], more: Mapping[str, str]) -> Path:
        log = self._folder / f"{name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-u", "-m", "cop_server", *words], env={**self._env, **more}, cwd=self._folder,
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        self._ending.callback(_end, process)
        self.pids[name] = process.pid
        return log

    def memory(self) -> dict[str, float]:
        """MB resident now, by process; a process's children count with it."""
        with_children = {name: _resident(pid) for name, pid in self.pids.items() if _lives(pid)}
        return with_children | {"server": sum(one.rss for one in self.server.memory())}

    def lives(self) -> dict[str, bool]:
        """Whether each process still runs."""
        return {name: _lives(pid) for name, pid in self.pids.items()}

    def stop(self) -> None:
        """End all that was started."""
        self._ending.close()


def post(base: str, path: str, body: object) -> None:
    """Tell the simulator something."""
    httpx.post(f"{base}/{path}", json=body, timeout=30).raise_for_status()


def now_of(base: str) -> datetime:
    """The simulator's time."""
    return datetime.fromisoformat(httpx.get(f"{base}/_clock", timeout=30).json()["now"])


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # a session of its own: nobody else is in it
        process.wait()


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _resident(pid: int) -> float:
    """MB of a process and its children."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        children = " ".join(task.joinpath("children").read_text() for task in Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20 + sum(_resident(int(child)) for child in children.split())
