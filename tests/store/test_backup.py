"""The rehearsal: a store is installed, kept, written to, lost, and brought back to moments between.

At length (`make soak`) the store holds the exercise with its territory; here a few hundred records.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import psycopg
import pytest
from chain import faults

from cop.catalogue import catalogue
from cop.errors import SetupTrouble
from cop_server.cluster import Cluster, create_database, drop_database, ensure_cluster, remove_cluster
from cop_server.keeping.restore import read_wanted

LONG = os.environ.get("COP_TEST_LENGTH") == "long"
COP = [sys.executable, "-m", "cop_server"]
INSERT = """
INSERT INTO layer.incidents (category, title_en, department, status, major, message_status, release, reported_at,
                             source, source_ref, geom)
SELECT 'flood', 'Flood ' || g, 'DSD', 'reported', false, %(mode)s, 'public', '2025-09-23 01:02:03+08', %(source)s, g::text,
       ST_SetSRID(ST_Point(114.1, 22.3), 4326) FROM generate_series(1, %(rows)s) AS g
"""


class Installation:
    """The command `cop` with a state folder of its own, which PostgreSQL's user can enter."""

    def __init__(self, var: Path) -> None:
        self.var = var
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("COP_")}
        self.env = inherited | {
            "COP_VAR": str(var),
            "COP_DATA": "none",
            "COP_EXERCISE_SCALE": "0.02",
            "COP_FEEDS": "off",
        }

    def cop(self, *words: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COP, *map(str, words)], env=self.env | more, capture_output=True, text=True, timeout=240, check=False
        )

    def done(self, *words: str | Path) -> str:
        ended = self.cop(*words)
        assert ended.returncode == 0, ended.stderr
        assert "Traceback" not in ended.stderr
        return ended.stderr

    @property
    def store(self) -> Cluster:
        return ensure_cluster(self.var / "cluster")

    def ask(self, statement: str, **values: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.store.owner_dsn) as connection:
            cursor = connection.execute(statement, values or None)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []

    def write(self, source: str, rows: int, mode: str = "exercise") -> None:
        self.ask(INSERT, source=source, rows=rows, mode=mode)


@pytest.fixture(scope="module")
def room() -> Iterator[Path]:
    """A folder that the system user `postgres` can enter; pytest's own are closed to it."""
    folder = Path(tempfile.mkdtemp(prefix="cop-"))
    folder.chmod(0o755)
    yield folder
    for var in folder.glob("*/cluster"):
        remove_cluster(var)
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def installation(room: Path) -> Installation:
    made = Installation(room / "var")
    made.done("upgrade", "--no-backup")
    made.done("head", "sign")
    if LONG:
        made.done("exercise", "build")
        return made
    made.write("old", 300)
    made.ask("SELECT cop.begin_load('place_names', '\\x01'); INSERT INTO layer.place_names (id, name_en)"
             " SELECT g::text, 'Place ' || g FROM generate_series(1, 500) AS g")  # fmt: skip
    (room / "var" / "blobs").mkdir()
    (room / "var" / "blobs" / "terrain.tif").write_bytes(os.urandom(100_000))
    return made


@pytest.fixture(scope="module")
def backups(installation: Installation, room: Path) -> Path:
    """One backup, and the log archived since."""
    folder = room / "backups"
    assert "archived" in installation.done("backup", "--to", folder)
    return folder


def snapshot(installation: Installation) -> dict[str, tuple[Any, ...]]:
    """Number and hash of every layer's records."""
    statement = "SELECT count(*), md5(string_agg(t::text, '|' ORDER BY t.id)) FROM layer.{} AS t"
    return {layer.id: installation.ask(statement.format(f'"{layer.id}"'))[0] for layer in catalogue().feature_layers}


def archive(installation: Installation) -> None:
    """Wait until everything written so far is archived."""
    with psycopg.connect(installation.store.admin_dsn, autocommit=True) as admin:
        (piece,) = admin.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()  # type: ignore[misc]
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            (last,) = admin.execute("SELECT last_archived_wal FROM pg_stat_archiver").fetchone()  # type: ignore[misc]
            if (last or "") >= piece:
                return
            time.sleep(0.1)
    pytest.fail("the log was not archived")


def test_soak_the_store_comes_back_as_it_was_at_a_time_and_at_a_number(
    installation: Installation, backups: Path, room: Path
) -> None:
    installation.write("before", 40)
    time.sleep(0.2)
    moment = datetime.now(UTC).isoformat()
    at_that_time = snapshot(installation)
    installation.done("head", "sign")
    ((number_then,),) = installation.ask("SELECT n FROM cop.head")
    time.sleep(0.2)
    installation.ask("UPDATE layer.incidents SET status = 'confirmed' WHERE source = 'before' AND source_ref < '3'")
    installation.ask("DELETE FROM layer.incidents WHERE source = 'before' AND source_ref LIKE '4%'")
    for part in range(5):
        installation.write(f"after-{part}", 1)
    ((last,),) = installation.ask("SELECT n FROM cop.head")
    archive(installation)

    other = Installation(room / "other")
    told = other.done("restore", "--from", backups, "--to-time", moment)
    assert f"stands at number {number_then}" in told
    assert snapshot(other) == at_that_time
    assert "all records agree" in other.done("verify")
    assert faults(other.store.owner_dsn) == {}
    ((n, cause),) = other.ask("SELECT n, cause FROM cop.journal WHERE op = 'restore'")
    assert n > 10**12, "no number is given twice"
    assert str(number_then) in cause
    other.write("goes on", 1)
    assert other.ask("SELECT max(seq) FROM layer.incidents") == [(n + 1,)]
    assert faults(other.store.owner_dsn) == {}

    number = last - 3
    told = other.done("restore", "--from", backups, "--to-sequence", str(number))
    assert "lies in" in told, "the store that was there is set aside"
    assert f"stands at number {number}," in told
    held = "SELECT id, seq, status FROM {} ORDER BY id"
    assert other.ask(held.format("layer.incidents")) == installation.ask(
        held.format("history.incidents WHERE seq <= %(n)s AND seq_to > %(n)s"), n=number
    )
    assert faults(other.store.owner_dsn) == {}


def test_soak_without_a_moment_all_comes_back_but_never_over_the_real_world_unasked(
    installation: Installation, backups: Path, room: Path
) -> None:
    installation.write("to the end", 3)
    archive(installation)
    quiet = datetime.now(UTC).isoformat()
    whole = Installation(room / "whole")
    whole.done("restore", "--from", backups)
    assert snapshot(whole) == snapshot(installation)
    with psycopg.connect(whole.store.app_dsn) as app:
        app.execute("SELECT set_config('cop.visible', '{public,exercise:public}', false)")
        assert app.execute("SELECT count(*) > 100 FROM layer.incidents").fetchone() == (True,)
    assert (whole.var / "blobs" / "terrain.tif").read_bytes() == (
        installation.var / "blobs" / "terrain.tif"
    ).read_bytes()

    whole.write("real", 2, mode="actual")
    whole.done("head", "sign")
    for words in ([], ["--actual", "3"]):
        refused = whole.cop("restore", "--from", backups, *words)
        assert refused.returncode == 1
        assert "holds 2 Actual records" in refused.stderr
    assert whole.ask("SELECT count(*) FROM layer.incidents WHERE message_status = 'actual'") == [(2,)]
    told = whole.done("restore", "--from", backups, "--to-time", quiet, "--actual", "2")
    assert "ends before" in told, "a quiet night is no fault"
    assert "heads-before-" in told, "a head of what is lost is no proof against the store that came back"
    assert "all records agree" in whole.done("verify")
    assert snapshot(whole) == snapshot(installation)
    (aside,) = (whole.var / "cluster").glob("replaced-*")
    assert str(aside) in told
    assert (aside / "data" / "PG_VERSION").is_file()


@pytest.mark.parametrize("name", ["base/base.tar.gz", "cluster.json"])
def test_a_damaged_backup_is_refused_by_name(backups: Path, room: Path, name: str) -> None:
    copy = room / f"damaged-{Path(name).stem}"
    (original,) = (path.parent for path in backups.glob("*/manifest.json"))
    shutil.copytree(original, copy / original.name)
    file = copy / original.name / name
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    fresh = Installation(room / "fresh")
    refused = fresh.cop("restore", "--from", copy)
    assert refused.returncode == 1
    assert str(file) in refused.stderr
    assert "damaged" in refused.stderr
    assert not (fresh.var / "cluster" / "data").exists()


def test_a_moment_before_the_first_backup_is_refused(backups: Path, room: Path) -> None:
    fresh = Installation(room / "fresh")
    refused = fresh.cop("restore", "--from", backups, "--to-time", "2025-09-24T03:00:00+08:00")
    assert refused.returncode == 1
    assert "begins later" in refused.stderr
    assert "is no folder" in fresh.cop("restore", "--from", room / "nothing").stderr


@pytest.mark.parametrize(
    ("to_time", "to_sequence", "told"),
    [
        ("03:00", None, "is no time"),
        ("2025-09-24T03:00:00", None, "no offset"),
        ("2999-09-24T03:00:00Z", None, "lies ahead"),
        ("2025-09-24T03:00:00Z", 1, "name one"),
    ],
)
def test_what_is_no_moment_is_told(to_time: str, to_sequence: int | None, told: str) -> None:
    with pytest.raises(SetupTrouble, match=told):
        read_wanted(to_time, to_sequence)


def test_a_killed_backup_leaves_nothing_that_looks_whole(installation: Installation, room: Path) -> None:
    folder = room / "killed"
    process = subprocess.Popen([*COP, "backup", "--to", str(folder)], env=installation.env, start_new_session=True)
    deadline = time.monotonic() + 60
    while not list(folder.glob(".making-*/base/base.tar.gz")) and time.monotonic() < deadline:
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert list(folder.glob(".making-*")), "it was cut in the middle"
    assert "holds no backup" in Installation(room / "fresh").cop("restore", "--from", folder).stderr
    installation.done("backup", "--to", folder)
    assert not list(folder.glob(".making-*"))
    assert len(list(folder.glob("*/manifest.json"))) == 1


def test_old_backups_go_with_the_log_that_only_they_need(installation: Installation, room: Path) -> None:
    folder = room / "keep"
    installation.done("backup", "--to", folder)
    (old,) = folder.glob("2*")
    installation.done("backup", "--to", folder, "--keep", "1")
    kept = sorted(folder.glob("2*"))
    assert len(kept) == 1
    assert kept != [old]
    first = json.loads((kept[0] / "manifest.json").read_text())["first_segment"]
    (log,) = folder.glob("wal-*")
    assert f"archived in {log}" in installation.done("status")
    pieces = sorted(file.name[:24] for file in log.glob("*.gz"))
    assert pieces[0] >= first
    listed = installation.cop("backup", "--to", folder, "--list").stdout.splitlines()
    assert [line.split()[0] for line in listed] == [path.name for path in kept]


def test_the_archive_never_stops_the_store(tmp_path: Path) -> None:
    script = str(files("cop_server.keeping").joinpath("archive.sh"))
    (tmp_path / "data").mkdir()
    (tmp_path / "archive").mkdir()
    segment = tmp_path / "data" / "segment"
    segment.write_bytes(b"1" * 1000)

    def keep(name: str, folder: Path, reserve: int) -> int:
        words = ["/bin/sh", script, "segment", name, str(folder), str(reserve)]
        return subprocess.run(words, cwd=tmp_path / "data", capture_output=True, check=False).returncode

    assert keep("A", tmp_path / "archive", 1) == 0
    assert keep("A", tmp_path / "archive", 1) == 0, "handed over twice"
    segment.write_bytes(b"2" * 1000)
    assert keep("A", tmp_path / "archive", 1) == 1, "another piece of that name is never written over"
    assert keep("B", tmp_path / "away", 1) == 1, "tried again when the disk is back"
    assert keep("B", tmp_path / "away", 10**15) == 0, "given up when the store's own disk is nearly full"
    assert (tmp_path / "archive-gaps").read_text() == "B\n"
    assert sorted(path.name for path in (tmp_path / "archive").iterdir()) == ["A.gz"]


def test_a_server_of_ones_own_is_dumped_and_restored_into_an_empty_database(
    cluster: Cluster, store: Cluster, room: Path
) -> None:
    here = Installation(room / "dumped")
    with psycopg.connect(store.owner_dsn) as owner:
        owner.execute(INSERT, {"rows": 5, "source": "dumped", "mode": "exercise"})
        owner.commit()
        before = owner.execute("SELECT t::text FROM layer.incidents t ORDER BY id").fetchall()
    here.env |= {"COP_DATABASE_URL": store.owner_dsn, "COP_APP_DATABASE_URL": store.app_dsn}
    assert "cannot be had" in here.done("backup")
    assert "holds a store" in here.cop("restore", "--from", here.var / "backups").stderr
    empty = create_database(cluster, f"t_dump_{os.getpid()}")
    try:
        here.env |= {"COP_DATABASE_URL": empty.owner_dsn, "COP_APP_DATABASE_URL": empty.app_dsn}
        here.done("restore", "--from", here.var / "backups")
        with psycopg.connect(empty.owner_dsn) as owner:
            assert owner.execute("SELECT t::text FROM layer.incidents t ORDER BY id").fetchall() == before
            owner.execute("UPDATE layer.incidents SET status = 'confirmed'")
        with psycopg.connect(empty.app_dsn) as app:
            app.execute("SELECT set_config('cop.visible', '{public,exercise:public}', false)")
            assert app.execute("SELECT count(*), min(status) FROM layer.incidents").fetchone() == (5, "confirmed")
    finally:
        drop_database(cluster, f"t_dump_{os.getpid()}")
