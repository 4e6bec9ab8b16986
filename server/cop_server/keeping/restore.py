"""`cop restore`: a backup becomes the store again, up to its end, a time, or a number."""

from __future__ import annotations

import json
import os
import secrets
import shlex
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from cop.errors import SetupTrouble
from cop.heads import FOLDER as JOURNAL
from cop.heads import HEADS, kept_heads
from cop.settings import Settings
from cop.store.migrate import migrate
from cop.store.statements import statements
from cop_server import cluster_process as process
from cop_server.cluster import cluster_status, ensure_cluster, stop_cluster
from cop_server.cluster_databases import DATABASE, OWNER, dsn
from cop_server.cluster_existing import CLUSTER_FOLDER, check_server
from cop_server.cluster_place import (
    Keys,
    Place,
    find_place,
    free_port,
    make_place,
    need_space,
    one_at_a_time,
    read_keys,
    run_as,
    write_keys,
    write_private,
)
from cop_server.cluster_tuning import socket_folder
from cop_server.console import say, step, warn
from cop_server.keeping.archive import SQL
from cop_server.keeping.backup import plain_settings
from cop_server.keeping.dump import load_dump
from cop_server.keeping.manifest import MANIFEST, Manifest, check_files, find_backups, read_manifest
from cop_server.lifecycle import actual_records, server_pid

# Reading a long log again may take hours.
_RECOVERY_SECONDS = 24 * 3600
_NOT_REACHED = "recovery ended before configured recovery target was reached"


@dataclass(frozen=True)
class Wanted:
    """Up to where the store is brought back: a time, a number, or with neither as far as the log goes."""

    time: datetime | None = None
    sequence: int | None = None


@dataclass(frozen=True)
class Reached:
    """What a store holds after it was brought back: the last change's number and time, and which heads were signed."""

    sequence: int
    changed_at: datetime | None
    signed: frozenset[tuple[int, str]] = frozenset()


def read_wanted(to_time: str | None, to_sequence: int | None) -> Wanted:
    """Up to where, from what was typed. Raises SetupTrouble for what is no past time, and for both at once."""
    if to_time is not None and to_sequence is not None:
        raise SetupTrouble("--to-time and --to-sequence are given; name one of them")
    if to_time is None:
        return Wanted(sequence=to_sequence)
    try:
        moment = datetime.fromisoformat(to_time)
    except ValueError as exc:
        raise SetupTrouble(f"--to-time: {to_time} is no time; wanted one like 2025-09-24T03:00:00+08:00") from exc
    if moment.tzinfo is None:
        raise SetupTrouble(f"--to-time: {to_time} says no offset; wanted one like 2025-09-24T03:00:00+08:00 or …Z")
    if moment > datetime.now(UTC):
        raise SetupTrouble(f"--to-time: {to_time} lies ahead")
    return Wanted(time=moment.astimezone(UTC))


def restore(settings: Settings, source: Path, wanted: Wanted, actual: int | None) -> None:
    """Bring the store back from a folder of backups, or from one backup.

    What was there before is set aside, never deleted; while it holds Actual records, their count must be told.
    Raises SetupTrouble with what to do; then the old store is as it was.
    """
    folder, manifest = choose(source.resolve(), wanted)
    say(f"from {folder}, taken {manifest.finished_at:%Y-%m-%dT%H:%M:%SZ}")
    with step("checking the backup's files"):
        check_files(folder, manifest)
    if manifest.kind == "dump" or settings.database_url.get_secret_value():
        _restore_dump(settings, folder, manifest, wanted)
        return
    if server_pid(settings) is not None:
        raise SetupTrouble("the server runs; stop it first with `make stop`")
    _may_replace(settings.var / CLUSTER_FOLDER, actual)
    reached = _restore_cluster(settings.var / CLUSTER_FOLDER, folder, manifest, wanted)
    _put_beside(settings, folder)
    _put_heads(settings, folder, reached)
    _tell_settings(settings, folder)
    say(f"the store stands at number {reached.sequence}, changed last at {_text(reached.changed_at)}; "
        "its journal's chain holds. `cop verify` compares every record with it, `make run` serves it")  # fmt: skip


def choose(source: Path, wanted: Wanted) -> tuple[Path, Manifest]:
    """The newest backup from which the wanted moment can be had."""
    alone = (source / MANIFEST).is_file()
    backups = {source: read_manifest(source)} if alone else find_backups(source)
    if not backups:
        raise SetupTrouble(f"{source} holds no backup. Name the folder that `cop backup --to` wrote into")
    fitting = [path for path, manifest in backups.items() if _reaches_back(manifest, wanted)]
    if not fitting:
        oldest = next(iter(backups.values()))
        raise SetupTrouble(
            f"the oldest backup in {source} begins later: it can be restored to {_text(oldest.finished_at)} or later, "
            f"number {oldest.at_end.sequence} or later"
        )
    return fitting[-1], backups[fitting[-1]]


def _reaches_back(manifest: Manifest, wanted: Wanted) -> bool:
    if wanted.time is not None:
        return manifest.finished_at <= wanted.time
    return wanted.sequence is None or manifest.at_end.sequence <= wanted.sequence


def _text(moment: datetime | None) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else "no time"


def _may_replace(folder: Path, actual: int | None) -> None:
    place = find_place(folder)
    if place is None or not place.made:
        return
    ran = cluster_status(folder).running
    try:
        found = actual_records(ensure_cluster(folder).owner_dsn)
    except (SetupTrouble, psycopg.Error) as exc:
        raise SetupTrouble(
            f"a store is here and does not start, so its Actual records cannot be counted. Move its folder away "
            f"and try again: mv {place.folder} {place.folder}.broken\n{exc}"
        ) from exc
    if not ran:
        stop_cluster(folder)
    if found and actual != found:
        raise SetupTrouble(
            f"the store here holds {found} Actual records (of the real world); nothing was restored.\n"
            f"If the backup may take its place: cop restore … --actual {found}"
        )


def _restore_cluster(target: Path, folder: Path, manifest: Manifest, wanted: Wanted) -> Reached:
    with one_at_a_time(target):
        place = find_place(target) or make_place(target)
        for left in place.folder.glob("restoring-*"):
            process.stop(Place(left, place.uid, place.gid))
            shutil.rmtree(left)
        need_space(place.folder, manifest.at_end.database_bytes // 2**20 + 400)
        with _restoring(place, folder) as making:
            reached = _recovered(making, folder, manifest, wanted)
            with step("checking the journal"):
                _check_chain(making)
            process.stop(making)
            making.asked_file.unlink()
            _exchange(place, making)
    return reached


@contextmanager
def _restoring(place: Place, folder: Path) -> Iterator[Place]:
    """A place of its own beside the present store, with the backup's passwords; gone when all is done."""
    making = Place(place.folder / f"restoring-{secrets.token_hex(4)}", place.uid, place.gid)
    making.folder.mkdir(mode=0o700)
    os.chown(making.folder, place.uid, place.gid)
    try:
        keys = Keys(**json.loads((folder / "cluster.json").read_text()))
        write_keys(making, replace(keys, port=free_port(making)))
        yield making
    finally:
        if making.made:
            process.stop(making)
        shutil.rmtree(making.folder, ignore_errors=True)


def _recovered(making: Place, folder: Path, manifest: Manifest, wanted: Wanted) -> Reached:
    """The backup's files with the log read up to what is wanted."""
    if wanted.sequence is not None:
        return _recovered_to_number(making, folder, manifest, wanted.sequence)
    _unpack(making, folder)
    if _recover(making, folder, manifest, wanted.time):
        return _noted(making, folder, wanted)
    # Nothing was written between the last change that the log has and the time: that is the store of that time.
    _recover(making, folder, manifest, None)
    reached = _reached(making)
    last = _text(reached.changed_at)
    warn(f"the archived log ends before {_text(wanted.time)}; the last change in it was made at {last}")
    return _noted(making, folder, wanted)


def _recovered_to_number(making: Place, folder: Path, manifest: Manifest, sequence: int) -> Reached:
    """Up to a number: PostgreSQL knows times only, so the whole log is read once to find the next number's."""
    _unpack(making, folder)
    _recover(making, folder, manifest, None)
    reached = _reached(making)
    if reached.sequence < sequence:
        raise SetupTrouble(
            f"--to-sequence: backup and log end at number {reached.sequence}, made at {_text(reached.changed_at)}"
        )
    if reached.sequence > sequence:
        with _asking(making) as connection:
            row = connection.execute(statements(SQL)["begins_next"], {"n": sequence}).fetchone()
        assert row is not None
        process.stop(making)
        shutil.rmtree(making.data)
        _unpack(making, folder)
        _recover(making, folder, manifest, row[0], inclusive=False)
    return _noted(making, folder, Wanted(sequence=sequence))


def _unpack(making: Place, folder: Path) -> None:
    """The files of the copy, given to the cluster's user, and compared with PostgreSQL's own manifest."""
    with step("unpacking the backup"):
        for archive, target in (("base.tar.gz", making.data), ("pg_wal.tar.gz", making.data / "pg_wal")):
            with tarfile.open(folder / "base" / archive) as packed:
                packed.extractall(target, filter="data")
        shutil.copyfile(folder / "base" / "backup_manifest", making.data / "backup_manifest")
        making.data.chmod(0o700)
        for root, folders, names in making.data.walk():
            for name in [".", *folders, *names]:
                os.chown(root / name, making.uid, making.gid, follow_symlinks=False)
        version = process.data_version(making)
        done = run_as(making, [process.program(version, "pg_verifybackup"), "--quiet", str(making.data)], timeout=7200)
    if done.returncode != 0:
        raise SetupTrouble(f"the backup is damaged, says pg_verifybackup:\n  {done.stderr.strip()[-500:]}")


def _recover(
    making: Place, folder: Path, manifest: Manifest, until: datetime | None, *, inclusive: bool = True
) -> bool:
    """Start the server, which reads the log; False where the log ends before the time."""
    asked = {"archive_mode": "off", "hot_standby": "off", "recovery_target_action": "promote",
             "restore_command": _restore_command(making, folder, manifest)}  # fmt: skip
    if until is not None:
        asked |= {"recovery_target_time": until.isoformat(), "recovery_target_inclusive": "on" if inclusive else "off"}
    owner = (making.uid, making.gid)
    write_private(making.asked_file, json.dumps(asked), owner)
    write_private(making.data / "recovery.signal", "", owner)
    with step(f"reading the log up to {_text(until)}" if until else "reading the log to its end"):
        try:
            write_keys(making, process.recover(making, read_keys(making), _RECOVERY_SECONDS))
        except SetupTrouble as exc:
            if until is not None and _NOT_REACHED in str(exc):
                return False
            raise
    return True


def _restore_command(making: Place, folder: Path, manifest: Manifest) -> str:
    archive = folder.parent / manifest.archive if manifest.archive else None
    if archive is None or not archive.is_dir():
        if manifest.archive:
            warn(f"the archive {manifest.archive} is not beside the backup; only the backup itself is restored")
        return "false"
    if run_as(making, ["test", "-x", str(archive)]).returncode != 0:
        raise SetupTrouble(
            f"the system user of PostgreSQL (id {making.uid}) cannot read {archive}. "
            f"Let it: chown -R {making.uid} {archive}, and its folders above must be open to it (chmod o+x)"
        )
    return f"gzip -dc {shlex.quote(str(archive).replace('%', '%%'))}/%f.gz > %p"


@contextmanager
def _asking(making: Place) -> Iterator[psycopg.Connection]:
    with psycopg.connect(_owner_dsn(making), autocommit=True) as connection:
        yield connection


def _owner_dsn(making: Place) -> str:
    keys = read_keys(making)
    host = str(socket_folder(making, keys.port) or "127.0.0.1")
    return dsn(OWNER, keys.owner_password, host, keys.port, DATABASE)


def _reached(making: Place) -> Reached:
    with _asking(making) as connection:
        row = connection.execute(statements(SQL)["changed_by"]).fetchone()
    assert row is not None
    return Reached(row[0], row[1])


def _noted(making: Place, folder: Path, wanted: Wanted) -> Reached:
    """What was reached, after it was written into the journal."""
    reached = _reached(making)
    target = _text(wanted.time) if wanted.time else wanted.sequence if wanted.sequence is not None else "its end"
    cause = f"restored from {folder.name} to {target}: number {reached.sequence}"
    _note(_owner_dsn(making), cause)
    with _asking(making) as connection:
        signed = connection.execute(statements(SQL)["signed"]).fetchall()
    return replace(reached, signed=frozenset((n, key) for n, key in signed))


def _note(owner_dsn: str, cause: str) -> None:
    """Say it in the journal. The backup of an older version has no place for it, so its schema is brought up first."""
    migrate(owner_dsn)
    with psycopg.connect(owner_dsn, autocommit=True) as connection:
        connection.execute(statements(SQL)["note_restore"], {"cause": cause})


def _check_chain(making: Place) -> None:
    with _asking(making) as connection:
        row = connection.execute(statements(SQL)["broken_links"]).fetchone()
    if row != (0,):
        raise SetupTrouble(f"the journal of this backup does not hold: {row[0] if row else '?'} links are broken")


def _exchange(place: Place, making: Place) -> None:
    """Put the restored store in the old one's place; the old one is set aside."""
    if place.made:
        process.stop(place)
        aside = place.folder / f"replaced-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        aside.mkdir(mode=0o700)
        place.data.rename(aside / "data")
        shutil.copyfile(place.keys_file, aside / "cluster.json")
        (aside / "cluster.json").chmod(0o600)
        say(f"the store that was here lies in {aside}; delete it when you need it no more")
    # The archive belonged to the store set aside: the next `cop backup` begins one for this store.
    place.asked_file.unlink(missing_ok=True)
    port = read_keys(place).port if place.keys_file.exists() else read_keys(making).port
    write_keys(place, replace(read_keys(making), port=port))
    making.data.rename(place.data)


def _put_beside(settings: Settings, folder: Path) -> None:
    """Blobs back to their place; those that came later stay."""
    if (folder / "blobs").is_dir():
        shutil.copytree(folder / "blobs", settings.blob_folder, dirs_exist_ok=True)


def _put_heads(settings: Settings, folder: Path, reached: Reached) -> None:
    """The journal's key and heads: those here stay, where there are any; heads of what is lost are set aside."""
    if not (settings.var / JOURNAL).is_dir() and (folder / JOURNAL).is_dir():
        shutil.copytree(folder / JOURNAL, settings.var / JOURNAL)
    heads = kept_heads(settings.var)
    if all((head.n, head.key_id) in reached.signed for head in heads):
        return
    file = settings.var / JOURNAL / HEADS
    aside = file.with_name(f"heads-before-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.jsonl")
    file.rename(aside)
    file.write_text("".join(head.to_line() for head in heads if (head.n, head.key_id) in reached.signed))
    say(f"heads were signed after that moment; all that were kept lie in {aside}")


def _tell_settings(settings: Settings, folder: Path) -> None:
    then = json.loads((folder / "settings.json").read_text())
    now = plain_settings(settings)
    own = {"COP_VAR", "COP_BLOBS", "COP_HOST", "COP_PORT", "COP_URL"}
    for name in sorted(set(then) & set(now) - own):
        if then[name] != now[name]:
            say(f"{name} was {then[name]!r} when the backup was taken, and is {now[name]!r} here")


def _restore_dump(settings: Settings, folder: Path, manifest: Manifest, wanted: Wanted) -> None:
    owner_dsn = settings.database_url.get_secret_value()
    if not owner_dsn or manifest.kind != "dump":
        here = "names a server of yours" if owner_dsn else "is not set"
        raise SetupTrouble(
            f"COP_DATABASE_URL {here}, and this backup is of kind {manifest.kind}: a dump goes into a server of yours, "
            "a copy of the private cluster into the private cluster (docs/operations.md)"
        )
    if wanted != Wanted():
        raise SetupTrouble("a dump is of one moment; leave --to-time and --to-sequence out, or ask your administrator")
    check_server(owner_dsn, settings.app_database_url.get_secret_value())
    with psycopg.connect(owner_dsn) as connection:
        if connection.execute("SELECT to_regnamespace('cop') IS NOT NULL").fetchone() == (True,):
            raise SetupTrouble("the database that COP_DATABASE_URL names holds a store; a dump goes into an empty one")
    with step("restoring the dump"):
        load_dump(owner_dsn, folder / "store.dump")
    with psycopg.connect(owner_dsn, autocommit=True) as connection:
        row = connection.execute(statements(SQL)["changed_by"]).fetchone()
    _note(owner_dsn, f"restored from {folder.name}")
    _put_beside(settings, folder)
    say(f"the store stands at number {row[0] if row else 0}")
