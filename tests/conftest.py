"""What the suites share: a real PostGIS, databases cloned from templates, and a real server over a loaded one."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import hypothesis
import psycopg
import psycopg.sql
import pytest
from servers import APP, Server

from cop.catalogue import catalogue
from cop.query import answer
from cop.resources import package_folder
from cop.settings import Settings, get_settings
from cop.store.migrate import apply_layers, migrate
from cop.store.reading import close_pool
from cop.store.writing import close_write_pool
from cop_server.cluster import Cluster, create_database, drop_database, ensure_cluster
from cop_server.installation import build_basemap, load

ROOT = Path(__file__).parent.parent

# The servers of the suites and what a test does by itself have one state folder, without scripts/test.py too.
os.environ.setdefault("COP_VAR", str(ROOT / "var" / "test"))
# A small exercise territory: the same code draws it, and a suite waits a twentieth of the time.
os.environ.setdefault("COP_EXERCISE_SCALE", "0.05")
# An installation of the tests stands still, unless a test is about its feeds.
os.environ.setdefault("COP_FEEDS", "off")

# `make test` tries the same examples each time; `make fuzz` and `make soak` (COP_TEST_LENGTH=long) look for new ones.
hypothesis.settings.register_profile("short", derandomize=True, deadline=None)
if os.environ.get("COP_TEST_LENGTH") != "long":
    hypothesis.settings.load_profile("short")


@pytest.fixture(scope="session")
def var() -> Path:
    """The suites' own state folder."""
    folder = Path(os.environ["COP_VAR"])
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """The test cluster: the one that scripts/test.py started, else one that stays for the next run."""
    told = os.environ.get("COP_TEST_CLUSTER")
    if told:
        return Cluster.from_environment(json.loads(told))
    return ensure_cluster(ROOT / "var" / "test-cluster", durable=False)


def _fingerprint(*folders: Path) -> str:
    digest = hashlib.sha256(catalogue().version.encode())
    for folder in folders:
        for file in sorted(folder.rglob("*")):
            if file.suffix in (".py", ".sql", ".yml"):
                digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def _exists(cluster: Cluster, name: str) -> bool:
    with psycopg.connect(cluster.admin_dsn, autocommit=True) as connection:
        return connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).rowcount > 0


@contextmanager
def _alone(cluster: Cluster, name: str) -> Iterator[None]:
    """One suite at a time makes a template; another that wants the same one waits for it."""
    with psycopg.connect(cluster.admin_dsn, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(hashtext(%s))", [name])
        yield


def _rename(cluster: Cluster, old: str, new: str) -> None:
    with psycopg.connect(cluster.admin_dsn, autocommit=True) as connection:
        connection.execute(
            psycopg.sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
                psycopg.sql.Identifier(old), psycopg.sql.Identifier(new)
            )
        )


@pytest.fixture(scope="session")
def template(cluster: Cluster) -> str:
    """A database with migrations and layers applied, and nothing in it."""
    name = f"t_empty_{_fingerprint(package_folder())}"
    with _alone(cluster, name):
        if not _exists(cluster, name):
            making = f"{name}_making"
            drop_database(cluster, making)
            owner = create_database(cluster, making).owner_dsn
            migrate(owner)
            apply_layers(owner, catalogue())
            _rename(cluster, making, name)
    return name


def _settings(var: Path, of: Cluster) -> Settings:
    return Settings(var=var, database_url=of.owner_dsn, app_database_url=of.app_dsn)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def loaded_template(cluster: Cluster, template: str, var: Path) -> str:
    """A database with every layer loaded (real where the data is at hand), and the basemap built from it."""
    name = f"t_full_{_fingerprint(package_folder(), ROOT / 'ingest')}"
    with _alone(cluster, name):
        if not _exists(cluster, name):
            making = f"{name}_making"
            drop_database(cluster, making)
            made = create_database(cluster, making, template)
            load(_settings(var, made), made.owner_dsn)
            _rename(cluster, making, name)
        # From a copy: nobody may be connected to a template while another suite copies it.
        copy = f"t_basemap_{os.getpid()}"
        copied = create_database(cluster, copy, name)
        build_basemap(_settings(var, copied), copied.owner_dsn)
        drop_database(cluster, copy)
    return name


def _clone(cluster: Cluster, template: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    name = f"t_{os.getpid()}_{time.monotonic_ns()}"
    made = create_database(cluster, name, template)
    monkeypatch.setenv("COP_DATABASE_URL", made.owner_dsn)
    monkeypatch.setenv("COP_APP_DATABASE_URL", made.app_dsn)
    _forget()
    yield made
    _forget()
    drop_database(cluster, name)


def _forget() -> None:
    """Nothing of one database may be remembered in the next."""
    close_pool()
    close_write_pool()
    get_settings.cache_clear()
    answer.forget()


@pytest.fixture
def store(cluster: Cluster, template: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """A database of this test's own: layers applied, nothing in it; settings point to it."""
    yield from _clone(cluster, template, monkeypatch)


@pytest.fixture
def loaded(cluster: Cluster, loaded_template: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """A database of this test's own with every layer loaded; settings point to it."""
    yield from _clone(cluster, loaded_template, monkeypatch)


@pytest.fixture
def database(store: Cluster) -> str:
    """The owner's address of this test's own empty database."""
    return store.owner_dsn


def _starting(var: Path) -> Iterator[Callable[..., str]]:
    started: list[Server] = []

    def start(app_dsn: str, wait: str = "/ready", app: str = APP, **more: str) -> str:
        started.append(Server(app_dsn, var, app, **more))
        started[-1].wait(wait)
        return started[-1].url

    yield start
    for one in started:
        one.stop()


@pytest.fixture
def start_server(var: Path) -> Iterator[Callable[..., str]]:
    """Start more servers (app's address, address to wait for, ASGI application, environment); all end with the test."""
    yield from _starting(var)


@pytest.fixture(scope="module")
def start_server_once(var: Path) -> Iterator[Callable[..., str]]:
    """The same for servers that all tests of a module share."""
    yield from _starting(var)


@pytest.fixture(scope="session")
def server(cluster: Cluster, loaded_template: str, var: Path) -> Iterator[str]:
    """The address of a real server over a database with every layer loaded."""
    name = f"t_server_{os.getpid()}"
    made = create_database(cluster, name, loaded_template)
    running = Server(made.app_dsn, var)
    running.wait("/ready")
    yield running.url
    running.stop()
    drop_database(cluster, name)
