"""The life of an installation: run, stop, status, clean."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import time
from pathlib import Path

import psycopg
from psycopg import sql

from cop import heads
from cop.catalogue import catalogue
from cop.errors import SetupTrouble
from cop.settings import Settings, get_settings
from cop_server.cluster import cluster_status, ensure_cluster, remove_cluster, stop_cluster
from cop_server.cluster_existing import CLUSTER_FOLDER, find_store
from cop_server.cluster_place import find_place
from cop_server.console import say, step, warn
from cop_server.feed_process import feeding, listening, playing
from cop_server.keeping.archive import told_of
from cop_server.preflight import need_port

_PID_FILE = "server.pid"
METRICS = "metrics"
_OPEN_FILES = 65_536
_GRACE_SECONDS = 10
_BESIDE_SECONDS = 35  # what runs beside the server ends after it, the feeds' worker with its turns under way


def run(settings: Settings) -> None:
    """Start the store, bring it up to date, and serve until a signal comes."""
    # Here and below: what `stop` and `status` need is there in a third of the time without these.
    from cop_server import exercise
    from cop_server.installation import bring_up_to_date

    need_port(settings.host, settings.port)
    settings.var.mkdir(parents=True, exist_ok=True)
    with step("starting the store"):
        store = find_store(settings)
    for advice in store.advice:
        warn(advice)
    bring_up_to_date(settings, store.owner_dsn)
    # The server's processes read as the app role; they never learn the owner's address.
    os.environ.pop("COP_DATABASE_URL", None)
    os.environ["COP_APP_DATABASE_URL"] = store.app_dsn
    get_settings.cache_clear()
    plays = settings.plays and exercise.can_be_played(store.owner_dsn)
    with (
        playing(store.owner_dsn, wanted=plays) as played,
        feeding(store.owner_dsn, wanted=settings.feeds != "off" and plays == settings.plays, **played),
        listening(store.owner_dsn, wanted=settings.inbox_mqtt),
    ):
        serve(get_settings())


def serve(settings: Settings) -> None:
    """Serve until a signal comes; requests under way are finished first."""
    from cop_server.delivery.mqtt import publications

    if not settings.app_database_url.get_secret_value():
        raise SetupTrouble("COP_APP_DATABASE_URL is not set; `cop run` sets it for the private store")
    publications(settings)  # what cannot be read is said here, not by each process
    pid_file = settings.var / _PID_FILE
    pid_file.parent.mkdir(parents=True, exist_ok=True)
    pid_file.write_text(str(os.getpid()))
    _make_room(settings)
    # Not before: what counts reads at its import where the processes write their numbers.
    import uvicorn

    from cop_server.border.log import configuration
    from cop_server.border.protocol import Protocol

    say(f"serving on http://{settings.host}:{settings.port} (the map: /map); stop with Ctrl-C or `make stop`")
    try:
        uvicorn.run(
            "cop_server.app:create_app", factory=True, host=settings.host, port=settings.port,
            workers=settings.workers, loop="uvloop", http=Protocol, ws="none", access_log=False,
            log_config=configuration(settings.log),
            timeout_graceful_shutdown=_GRACE_SECONDS, timeout_keep_alive=30, server_header=False,
            proxy_headers=False,
        )  # fmt: skip
    finally:
        pid_file.unlink(missing_ok=True)


def _make_room(settings: Settings) -> None:
    """A folder for the numbers of all processes, and as many open files as the machine lets us have connections."""
    folder = settings.var / METRICS
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def stop(settings: Settings) -> None:
    """Stop the server that runs from this state folder, then the private store."""
    pid = server_pid(settings)
    if pid is None:
        say("no server runs here")
    else:
        os.kill(pid, signal.SIGTERM)
        _wait(pid)
        say("the server has stopped")
    if stop_cluster(settings.var / CLUSTER_FOLDER):
        say("the private store has stopped; its records are kept")


def server_pid(settings: Settings) -> int | None:
    """The server's process, if its pid file tells of one that still is ours."""
    try:
        pid = int((settings.var / _PID_FILE).read_text())
    except (OSError, ValueError):
        return None
    return pid if _lives(pid) else None


def _lives(pid: int) -> bool:
    """Whether a process of ours has that number: a dead one that nobody has asked after has no command line."""
    try:
        return b"cop" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _wait(pid: int) -> None:
    deadline = time.monotonic() + _GRACE_SECONDS + _BESIDE_SECONDS
    while _lives(pid):
        if time.monotonic() > deadline:
            raise SetupTrouble(f"the server (process {pid}) has not stopped yet; look at it, then try again")
        time.sleep(0.1)


def status(settings: Settings) -> None:
    """Say what runs."""
    pid = server_pid(settings)
    say(f"server: process {pid} on http://{settings.host}:{settings.port}" if pid else "server: not running")
    cluster = cluster_status(settings.var / CLUSTER_FOLDER)
    if not cluster.made:
        say("private store: not made")
        return
    say(f"private store: PostgreSQL {cluster.version} in {cluster.folder}, port {cluster.port}, "
        f"{'running' if cluster.running else 'not running'}")  # fmt: skip
    place = find_place(settings.var / CLUSTER_FOLDER)
    if place is not None:
        say(f"its log: {told_of(place)}")


def clean(settings: Settings, actual: int | None) -> None:
    """Delete the private store and all state, unless it holds Actual records that were not counted out."""
    if settings.database_url.get_secret_value():
        raise SetupTrouble("COP_DATABASE_URL names a server of yours; `clean` deletes only the private store")
    if server_pid(settings) is not None:
        raise SetupTrouble("the server runs; stop it first with `make stop`")
    folder = settings.var / CLUSTER_FOLDER
    if cluster_status(folder).made:
        found = actual_records(ensure_cluster(folder).owner_dsn)
        if found and actual != found:
            raise SetupTrouble(
                f"the store holds {found} Actual records (of the real world); nothing was deleted.\n"
                f"If they may go: make clean ACTUAL={found}"
            )
        remove_cluster(folder)
    for name in _state():
        path = settings.var / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    say("the store and all state are deleted; `make run` makes them anew")


def _state() -> tuple[str, ...]:
    """What `clean` deletes beside the store."""
    from cop_server.identity.sessions import SECRET_FILE
    from cop_server.installation import BASEMAP

    return BASEMAP, "mapproxy", "blobs", "log", heads.FOLDER, METRICS, SECRET_FILE, _PID_FILE


def actual_records(owner_dsn: str) -> int:
    """How many records of the real world the registers hold."""
    total = 0
    with psycopg.connect(owner_dsn) as connection:
        for layer in catalogue().feature_layers:
            mode = layer.with_role("mode")
            exists = connection.execute("SELECT to_regclass(%s)", [f'layer."{layer.id}"']).fetchone()
            if mode is None or exists is None or exists[0] is None:
                continue
            statement = sql.SQL("SELECT count(*) FROM {} WHERE {} = 'actual'").format(
                sql.Identifier("layer", layer.id), sql.Identifier(mode.name)
            )
            row = connection.execute(statement).fetchone()
            total += int(row[0]) if row else 0
    return total
