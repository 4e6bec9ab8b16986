"""The private cluster's life: made, found again, killed, moved, refused. Each test has a real server."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from cop.errors import SetupTrouble
from cop_server import cluster_process
from cop_server.cluster import (
    Cluster,
    cluster_status,
    create_database,
    drop_database,
    ensure_cluster,
    remove_cluster,
    stop_cluster,
)
from cop_server.cluster_databases import LEAKPROOF, not_leakproof
from cop_server.cluster_place import Place, find_place
from cop_server.cluster_tuning import memory_mb, server_conf, socket_folder


def _open_folder() -> Path:
    """A folder that the system user `postgres` can enter; pytest's own are closed to it."""
    folder = Path(tempfile.mkdtemp(prefix="cop-"))
    folder.chmod(0o755)
    return folder


@pytest.fixture
def folder() -> Iterator[Path]:
    parent = _open_folder()
    yield parent / "cluster"
    remove_cluster(parent / "cluster")
    shutil.rmtree(parent)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    parent = _open_folder()
    yield ensure_cluster(parent / "cluster", durable=False)
    remove_cluster(parent / "cluster")
    shutil.rmtree(parent)


def _ask(dsn: str, question: str) -> object:
    with psycopg.connect(dsn) as connection:
        row = connection.execute(question).fetchone()
        return row[0] if row else None


def _server_pid(folder: Path) -> int:
    pid = cluster_status(folder).pid
    assert pid is not None
    return pid


def test_it_is_found_again_in_no_time(cluster: Cluster) -> None:
    began = time.monotonic()
    assert ensure_cluster(cluster.folder) == cluster
    assert time.monotonic() - began < 1


def test_it_never_runs_as_root_and_keeps_its_passwords(cluster: Cluster) -> None:
    assert Path(f"/proc/{_server_pid(cluster.folder)}").stat().st_uid != 0
    assert (cluster.folder / "cluster.json").stat().st_mode & 0o777 == 0o600
    assert cluster.folder.stat().st_mode & 0o777 == 0o700
    assert "password" not in repr(cluster)
    assert cluster.owner_dsn not in repr(cluster)


def test_it_listens_on_loopback_and_its_socket_alone(cluster: Cluster) -> None:
    assert _ask(cluster.admin_dsn, "SHOW listen_addresses") == "127.0.0.1"
    assert _ask(cluster.admin_dsn, "SHOW jit") == "off"
    assert f"{cluster.folder}/socket" in str(_ask(cluster.admin_dsn, "SHOW unix_socket_directories"))
    wrong = cluster.app_dsn.replace("cop_app:", "cop_app:x")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        _ask(wrong, "SELECT 1")


def test_the_roles_have_the_powers_they_need_and_no_more(cluster: Cluster) -> None:
    with psycopg.connect(cluster.owner_dsn) as owner:
        owner.execute("CREATE SCHEMA layer")
    powers = "SELECT rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb FROM pg_roles WHERE rolname = "
    assert _ask(cluster.admin_dsn, powers + "'cop_app'") is False
    assert _ask(cluster.admin_dsn, powers + "'cop_owner'") is False
    for forbidden in ("CREATE SCHEMA mine", "CREATE TABLE public.mine ()", "CREATE TEMPORARY TABLE mine ()"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            _ask(cluster.app_dsn, forbidden)


@pytest.mark.parametrize("database", ["cop", "template1"])
def test_the_index_of_a_box_stays_in_use_under_row_security(cluster: Cluster, database: str) -> None:
    with psycopg.connect(cluster.at(database).admin_dsn) as connection:
        assert not_leakproof(connection) == []
        found = connection.execute("SELECT count(to_regprocedure(s)) FROM unnest(%s::text[]) s", [list(LEAKPROOF)])
        assert found.fetchone() == (len(LEAKPROOF),)


def test_a_database_is_cloned_with_its_rows_and_dropped_under_its_users(cluster: Cluster) -> None:
    original = create_database(cluster, "original")
    with psycopg.connect(original.owner_dsn) as owner:
        owner.execute("CREATE TABLE t AS SELECT ST_Point(114, 22, 4326) AS geom")
        owner.execute("GRANT SELECT ON t TO cop_app")
    copy = create_database(cluster, "copy", template="original")
    assert _ask(copy.app_dsn, "SELECT ST_X(geom) FROM t") == 114
    with psycopg.connect(copy.app_dsn) as still_there:
        drop_database(cluster, "copy")
        with pytest.raises(psycopg.OperationalError):
            still_there.execute("SELECT 1")
    drop_database(cluster, "copy")
    drop_database(cluster, "original")


def test_it_travels_through_an_environment_variable(cluster: Cluster) -> None:
    assert Cluster.from_environment(json.loads(json.dumps(cluster.environment()))) == cluster


def test_it_survives_a_killed_server(folder: Path) -> None:
    before = ensure_cluster(folder)
    _ask_to_write(before.owner_dsn)
    os.kill(_server_pid(folder), signal.SIGKILL)
    after = ensure_cluster(folder)
    assert after == before
    assert _ask(after.owner_dsn, "SELECT n FROM kept") == 1


def _ask_to_write(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS n")


def test_it_survives_a_reboot_that_gave_its_number_to_another_program(folder: Path) -> None:
    cluster = ensure_cluster(folder, durable=False)
    pid_file = folder / "data" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    assert stop_cluster(folder)
    pid_file.write_text("\n".join([str(os.getppid()), *lines[1:]]) + "\n")
    assert not cluster_status(folder).running
    assert ensure_cluster(folder, durable=False) == cluster
    assert stop_cluster(folder)
    assert not stop_cluster(folder)


def test_a_first_start_that_was_broken_off_is_begun_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(Path, "rename", _pulled_plug)
        with pytest.raises(ConnectionAbortedError):
            ensure_cluster(folder, durable=False)
    (folder / "making-0").mkdir()
    (folder / "making-0" / "half").touch()
    assert not cluster_status(folder).made
    ensure_cluster(folder, durable=False)
    assert not list(folder.glob("making-*"))


def _pulled_plug(*_: object) -> Path:
    raise ConnectionAbortedError


def test_a_port_that_somebody_took_meanwhile_is_left_to_them(folder: Path) -> None:
    first = ensure_cluster(folder, durable=False)
    stop_cluster(folder)
    with socket.create_server(("127.0.0.1", first.port)):
        second = ensure_cluster(folder, durable=False)
    assert second.port != first.port
    assert cluster_status(folder).port == second.port
    assert _ask(second.app_dsn, "SELECT 1") == 1


def test_a_server_that_cannot_start_says_why(folder: Path) -> None:
    ensure_cluster(folder, durable=False)
    stop_cluster(folder)
    with (folder / "data" / "postgresql.conf").open("a") as conf:
        conf.write("shared_preload_libraries = 'no_such_library'\n")
    with pytest.raises(SetupTrouble, match=r"did not start:\n.*no_such_library(.|\n)*log"):
        ensure_cluster(folder, durable=False)


def test_lost_passwords_are_told_and_nothing_is_made_over_the_data(folder: Path) -> None:
    ensure_cluster(folder, durable=False)
    stop_cluster(folder)
    (folder / "cluster.json").write_text("{")
    with pytest.raises(SetupTrouble, match=r"cluster\.json holds the port and passwords"):
        ensure_cluster(folder, durable=False)
    assert (folder / "data" / "PG_VERSION").is_file()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts it as somebody else")
def test_a_clone_that_its_user_cannot_enter_keeps_it_under_var_lib(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    folder = closed / "cluster"
    try:
        cluster = ensure_cluster(folder, durable=False)
        assert cluster.folder.parent == Path("/var/lib/cop")
        assert not folder.exists()
        assert ensure_cluster(folder) == cluster
        assert cluster_status(folder).folder == cluster.folder
    finally:
        remove_cluster(folder)
    assert not cluster.folder.exists()
    assert find_place(folder) is None


def test_a_full_disk_is_told_before_anything_is_made(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = shutil._ntuple_diskusage(10**9, 10**9 - 5 * 2**20, 5 * 2**20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
    with pytest.raises(SetupTrouble, match=r"has 5 MB free, a new store needs \d+ MB"):
        ensure_cluster(folder, durable=False)
    assert not cluster_status(folder).made


def test_a_missing_postgresql_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cluster_process, "_DEBIAN_BINARIES", tmp_path)
    with pytest.raises(SetupTrouble, match=r"PostgreSQL 15 or newer is needed; installed: none\. .*apt-get install"):
        cluster_process.newest_version()
    (tmp_path / "16" / "bin").mkdir(parents=True)
    (tmp_path / "16" / "bin" / "initdb").touch()
    monkeypatch.setattr(cluster_process, "_DEBIAN_SHARE", tmp_path)
    with pytest.raises(SetupTrouble, match="apt-get install postgresql-16-postgis-3"):
        cluster_process.newest_version()


def test_settings_fit_the_machine() -> None:
    place = Place(Path("/somewhere/it's, here"), 1, 1)
    durable = server_conf(place, 25432, durable=True)
    assert "fsync" not in durable
    assert "unix_socket_directories = '\"/somewhere/it''s, here/socket\"'" in durable
    assert "fsync = 'off'" in server_conf(place, 25432, durable=False)
    assert memory_mb() > 100


def test_a_path_too_long_for_a_socket_leaves_loopback() -> None:
    deep = Place(Path("/" + "d" * 90), 1, 1)
    assert socket_folder(deep, 25432) is None
    assert "unix_socket_directories = ''" in server_conf(deep, 25432, durable=True)
