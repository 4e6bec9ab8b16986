"""A store of an earlier version, with records in it, comes to the present one; and what happens where it cannot."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from cop.catalogue import catalogue
from cop.errors import SetupTrouble
from cop.heads import Verifier
from cop.settings import Settings
from cop.store.migrate import MIGRATIONS, alone, apply, migrate, pending
from cop.verify import verify
from cop_server.cluster import Cluster, create_database, drop_database
from cop_server.keeping import upgrade as upgrading

OLD = "0006_keys"
INSERT = """
INSERT INTO layer.incidents (category, title_en, department, status, major, message_status, release, reported_at, source,
                             source_ref) SELECT 'flood', 'Flood', 'DSD', 'reported', false, 'exercise', 'public', now(), 'test', g::text
FROM generate_series(1, 50) AS g
"""


def copied(folder: Path, *names: str, **files: str) -> Path:
    """A folder of migrations: those of this version up to a name (all without one), and more."""
    last = names[0] if names else "9"
    folder.mkdir()
    for file in sorted(MIGRATIONS.glob("*.sql")):
        if file.stem <= last:
            shutil.copyfile(file, folder / file.name)
    for name, text in files.items():
        (folder / f"{name.replace('__post', '.post')}.sql").write_text(text)
    return folder


@pytest.fixture
def old(cluster: Cluster, tmp_path: Path) -> Iterator[Cluster]:
    """A store as an earlier version left it, with records; its layers were fewer."""
    name = f"t_old_{os.getpid()}"
    made = create_database(cluster, name)
    migrate(made.owner_dsn, copied(tmp_path / "old", OLD))
    try:
        with psycopg.connect(made.owner_dsn) as owner:
            owner.execute(
                "SELECT cop.apply_layer(%s)", [(Path(__file__).parent / "incidents_of_0006.json").read_text()]
            )
            owner.execute(INSERT)
        yield made
    finally:
        drop_database(cluster, name)


@pytest.fixture
def settings(old: Cluster, tmp_path: Path) -> Settings:
    return Settings(var=tmp_path / "var", database_url=old.owner_dsn, app_database_url=old.app_dsn)  # type: ignore[arg-type]


def rows(dsn: str, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(statement).fetchall()  # type: ignore[arg-type]


RECORDS = "SELECT id, seq, title_en, status, updated_at, source_ref FROM layer.incidents ORDER BY id"
NEXT = "-- depends: 0012_restore\nALTER TABLE cop.run ADD COLUMN told text;"
GOES = "-- depends: 0100_next\nALTER TABLE cop.run DROP COLUMN cause;"


def test_an_old_store_comes_to_this_version_with_its_records(
    old: Cluster, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = copied(tmp_path / "new", **{"0100_next": NEXT, "0100_next__post": GOES})
    before = rows(old.owner_dsn, RECORDS)
    upgrading.check(settings, folder)
    told = capsys.readouterr().err
    assert ", 0100_next\n" in told
    assert "(--post): 0100_next.post" in told
    assert rows(old.owner_dsn, "SELECT to_regclass('cop.idempotency')") == [(None,)], "only told"

    with psycopg.connect(old.app_dsn, application_name="cop"):
        upgrading.upgrade(settings, upgrading.Backup(tmp_path / "backups"), folder)
    told = capsys.readouterr().err
    assert "cop upgrade --post" in told, "a server of the old version is there"
    assert len(list((tmp_path / "backups").glob("*/manifest.json"))) == 1
    columns = "SELECT count(*) FROM information_schema.columns WHERE table_schema = 'cop' AND table_name = 'run' AND column_name = "
    assert rows(old.owner_dsn, columns + "'cause'") == [(1,)]
    assert rows(old.owner_dsn, columns + "'told'") == [(1,)]
    assert rows(old.owner_dsn, RECORDS) == before
    assert rows(old.owner_dsn, "SELECT count(*) FROM cop.layer") == [(len(catalogue().feature_layers),)]

    upgrading.finish(settings, folder)
    assert rows(old.owner_dsn, columns + "'cause'") == [(0,)]
    with psycopg.connect(old.owner_dsn) as owner:
        owner.execute("UPDATE layer.incidents SET status = 'confirmed' WHERE source_ref < '3'")
    report = verify(old.owner_dsn, [], Verifier(tmp_path))
    assert [str(fault) for fault in report.faults] == [], "old records and new ones agree with the journal"
    upgrading.check(settings, folder)
    assert "nothing would happen" in capsys.readouterr().err


def test_the_second_half_runs_at_once_where_nobody_serves(old: Cluster, settings: Settings, tmp_path: Path) -> None:
    folder = copied(tmp_path / "new", **{"0100_next": NEXT, "0100_next__post": GOES})
    with pytest.raises(SetupTrouble, match="first half has not run"):
        upgrading.finish(settings, folder)
    upgrading.upgrade(settings, None, folder)
    assert pending(old.owner_dsn, folder) == pending(old.owner_dsn, MIGRATIONS)
    assert not (settings.var / "backups").exists(), "none was wanted"


def test_a_migration_that_fails_leaves_the_records_and_says_what_stands(
    old: Cluster, settings: Settings, tmp_path: Path
) -> None:
    wrong = "-- depends: 0012_restore\nALTER TABLE cop.run ADD COLUMN told text;\nSELECT nothing_of_that_name();"
    folder = copied(tmp_path / "new", **{"0100_next": wrong})
    before = rows(old.owner_dsn, RECORDS)
    with pytest.raises(
        SetupTrouble, match=r"0100_next failed(.|\n)*as they were(.|\n)*backup of before: .*backups"
    ) as told:
        upgrading.upgrade(settings, upgrading.Backup(tmp_path / "backups"), folder)
    assert "Traceback" not in str(told.value)
    assert rows(old.owner_dsn, RECORDS) == before
    assert pending(old.owner_dsn, folder).pre == ("0100_next",)
    with psycopg.connect(old.owner_dsn) as owner:
        owner.execute("UPDATE layer.incidents SET status = 'confirmed'")
    (folder / "0100_next.sql").write_text(NEXT)
    upgrading.upgrade(settings, None, folder)
    assert pending(old.owner_dsn, folder).pre == ()


def test_two_do_not_upgrade_at_once(old: Cluster, settings: Settings) -> None:
    with alone(old.owner_dsn, wait=False), pytest.raises(SetupTrouble, match="another upgrade"):
        upgrading.upgrade(settings, None)
    assert "0012_restore" in pending(old.owner_dsn).pre
    threads = [threading.Thread(target=migrate, args=(old.owner_dsn,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert pending(old.owner_dsn).pre == ()
    assert rows(old.owner_dsn, "SELECT count(*) FROM _yoyo_migration WHERE migration_id = '0012_restore'") == [(1,)]


def test_a_run_that_was_killed_is_in_nobodys_way(old: Cluster) -> None:
    with psycopg.connect(old.owner_dsn) as owner:
        owner.execute("INSERT INTO yoyo_lock (locked, ctime, pid) VALUES (1, now(), 1)")
    assert apply(old.owner_dsn, pending(old.owner_dsn).pre)


def test_no_migration_needs_one_of_the_second_half() -> None:
    for file in MIGRATIONS.glob("*.sql"):
        first = next(line for line in file.read_text().splitlines() if line.startswith("-- depends:"))
        assert ".post" not in first or file.stem.endswith(".post"), file.name
