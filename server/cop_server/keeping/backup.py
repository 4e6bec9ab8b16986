"""`cop backup`: the private store with its log, blobs and settings, whole in a folder or not there at all."""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr

from cop.errors import SetupTrouble
from cop.heads import FOLDER as JOURNAL
from cop.settings import Settings
from cop.store.statements import statements
from cop_server import cluster_process as process
from cop_server.cluster import cluster_status, ensure_cluster
from cop_server.cluster_databases import Cluster
from cop_server.cluster_existing import CLUSTER_FOLDER, find_store
from cop_server.cluster_place import MEGABYTE, Place, find_place
from cop_server.console import say, step, warn
from cop_server.keeping.archive import SQL, archive_now, archive_of, ensure_archive, gaps, gaps_closed, sweep_archives
from cop_server.keeping.dump import dump_database
from cop_server.keeping.manifest import MANIFEST, Held, Manifest, Standing, code_version, find_backups, held
from cop_server.lifecycle import actual_records

_MAKING = ".making-"
_DELETING = ".deleting-"
_SPARE_MB = 100


def back_up(settings: Settings, to: Path | None, keep: int | None) -> Path:
    """Take a backup into a folder of its own below `to`, then delete old ones so that `keep` remain.

    Raises SetupTrouble with what to do; then nothing half-written is left.
    """
    folder = (to or settings.var / "backups").resolve()
    if settings.database_url.get_secret_value():
        store = find_store(settings)
        with _alone(folder), _making(folder) as (making, final):
            _dump(settings, store.owner_dsn, making)
        _told(final)
    else:
        final = _back_up_cluster(settings, folder)
    if keep is not None:
        forget_old(settings, folder, keep)
    return final


def _back_up_cluster(settings: Settings, folder: Path) -> Path:
    if not cluster_status(settings.var / CLUSTER_FOLDER).made:
        raise SetupTrouble("there is no store here yet, so there is nothing to keep; `make run` makes one")
    cluster = ensure_cluster(settings.var / CLUSTER_FOLDER)
    place = find_place(settings.var / CLUSTER_FOLDER)
    assert place is not None
    with _alone(folder), _making(folder) as (making, final):
        archive = ensure_archive(place, folder)
        with step("copying the store"):
            _cluster_into(making, settings, cluster, place, archive)
    if archive is not None and archive_now(place, cluster.admin_dsn):
        say(f"every change from here on is archived in {archive} within a minute")
    if lost := gaps(place):
        warn(f"{len(lost)} pieces of the log before this backup were given up, for the disk was full: moments between "
             "the backup before and this one may be missing")  # fmt: skip
        gaps_closed(place)
    if folder.is_relative_to(settings.var.resolve()):
        warn(
            f"the backup lies beside the store; a lost disk takes both. Name another disk: cop backup --to {Path('/…')}"
        )
    _told(final)
    return final


def _told(final: Path) -> None:
    manifest = find_backups(final.parent)[final]
    size = sum(one.size for one in manifest.files) / MEGABYTE
    say(f"{final}: the store up to number {manifest.at_end.sequence}, {len(manifest.files)} files, {size:.0f} MB")


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One command at a time works in a folder of backups; what a killed one left is swept away."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise SetupTrouble(f"another backup into {folder} is being made; wait until it has ended") from exc
        for left in [*folder.glob(f"{_MAKING}*"), *folder.glob(f"{_DELETING}*")]:
            shutil.rmtree(left)
        yield


@contextmanager
def _making(folder: Path) -> Iterator[tuple[Path, Path]]:
    """A folder to write a backup into, and its name when it is whole."""
    making = folder / f"{_MAKING}{secrets.token_hex(4)}"
    final = folder / datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    making.mkdir(mode=0o700)
    try:
        yield making, final
        _flush(making)
        making.rename(final)
        _flush_one(folder)
    except BaseException:
        shutil.rmtree(making, ignore_errors=True)
        raise


def _flush(folder: Path) -> None:
    """Have everything in a folder on the disk before it gets its name."""
    for root, _, names in folder.walk(top_down=False):
        for name in names:
            _flush_one(root / name)
        _flush_one(root)


def _flush_one(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _cluster_into(making: Path, settings: Settings, cluster: Cluster, place: Place, archive: Path | None) -> None:
    began = datetime.now(UTC)
    at_start = standing(cluster.owner_dsn)
    _need_space(making, at_start.database_bytes // 2)
    _base_backup(making, cluster, place)
    at_end = standing(cluster.owner_dsn)
    shutil.copyfile(place.keys_file, making / "cluster.json")
    (making / "cluster.json").chmod(0o600)
    _beside(making, settings)
    version, commit = code_version()
    manifest = Manifest(
        kind="cluster", began_at=began, finished_at=datetime.now(UTC), at_start=at_start, at_end=at_end,
        postgresql=process.data_version(place), version=version, commit=commit,
        archive=archive.name if archive else None, first_segment=_first_segment(making), files=_files(making),
    )  # fmt: skip
    _write_manifest(making, manifest)


def _dump(settings: Settings, owner_dsn: str, making: Path) -> None:
    began = datetime.now(UTC)
    at_start = standing(owner_dsn)
    _need_space(making, at_start.database_bytes // 2)
    with step("dumping the database"):
        server = dump_database(owner_dsn, making / "store.dump")
    at_end = standing(owner_dsn)
    _beside(making, settings)
    version, commit = code_version()
    manifest = Manifest(
        kind="dump", began_at=began, finished_at=datetime.now(UTC), at_start=at_start, at_end=at_end,
        postgresql=server, version=version, commit=commit, archive=None, first_segment=None, files=_files(making),
    )  # fmt: skip
    _write_manifest(making, manifest)
    say("moments between two dumps cannot be had; for those, have the server's administrator archive its log "
        "(pgBackRest; docs/operations.md)")  # fmt: skip


def standing(owner_dsn: str) -> Standing:
    """How far a store stands now."""
    with psycopg.connect(owner_dsn) as connection:
        row = connection.execute(statements(SQL)["standing"]).fetchone()
        last = connection.execute(statements(SQL)["last_migration"]).fetchone()
    assert row is not None
    return Standing(
        sequence=row[0], changed_at=row[1], head=row[2], actual_records=actual_records(owner_dsn),
        database_bytes=row[3], migration=last[0] if last else None,
    )  # fmt: skip


def _need_space(folder: Path, wanted: int) -> None:
    free = shutil.disk_usage(folder).free // MEGABYTE
    needed = wanted // MEGABYTE + _SPARE_MB
    if free < needed:
        raise SetupTrouble(
            f"The disk of {folder.parent} has {free} MB free, this backup may need {needed} MB. Free some space, "
            "delete old backups (cop backup --keep 3), or name another disk with --to."
        )


def _base_backup(making: Path, cluster: Cluster, place: Place) -> None:
    """Copy the cluster's files while it works, with the log written meanwhile."""
    where = conninfo_to_dict(cluster.admin_dsn)
    done = subprocess.run(
        [
            process.program(process.data_version(place), "pg_basebackup"), f"--pgdata={making / 'base'}",
            "--format=tar", "--compress=client-gzip:1", "--wal-method=stream", "--checkpoint=fast",
            "--manifest-checksums=SHA256", "--label=cop", "--no-password",
            f"--host={where['host']}", f"--port={where['port']}", f"--username={where['user']}",
        ],
        env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "PGPASSWORD": str(where["password"])},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, umask=0o077,
    )  # fmt: skip
    if done.returncode != 0:
        raise _refused(done.stderr, making.parent)


def _refused(said: str, folder: Path) -> SetupTrouble:
    if "No space left on device" in said:
        return SetupTrouble(f"The disk of {folder} is full; nothing was kept of this backup. Free some space.")
    lines = [line for line in said.splitlines() if "error" in line or "FATAL" in line] or said.splitlines()
    return SetupTrouble("the store could not be copied:\n  " + "\n  ".join(lines[-3:]))


def _first_segment(making: Path) -> str:
    """The piece of the log that the copy begins in, named as PostgreSQL names it (pieces of 16 MB)."""
    ranges = json.loads((making / "base" / "backup_manifest").read_text())["WAL-Ranges"]
    timeline, start = ranges[0]["Timeline"], ranges[0]["Start-LSN"]
    high, low = (int(part, 16) for part in start.split("/"))
    return f"{timeline:08X}{high:08X}{low >> 24:08X}"


def _beside(making: Path, settings: Settings) -> None:
    """What lies beside the store: blobs, the journal's key and signed heads, what was downloaded, plain settings."""
    if settings.blob_folder.is_dir():
        shutil.copytree(settings.blob_folder, making / "blobs")
    if (settings.var / JOURNAL).is_dir():
        shutil.copytree(settings.var / JOURNAL, making / JOURNAL)
    published = settings.var / "published"
    for file in published.glob(f"*/{MANIFEST}"):
        target = making / "published" / file.parent.name
        target.mkdir(parents=True)
        shutil.copyfile(file, target / "download.json")
    (making / "settings.json").write_text(json.dumps(plain_settings(settings), indent=2, ensure_ascii=False) + "\n")


def plain_settings(settings: Settings) -> dict[str, object]:
    """The settings by the names of their variables; secrets are left out."""
    values = settings.model_dump(mode="json")
    secret = {name for name in values if isinstance(getattr(settings, name), SecretStr)}
    return {f"COP_{name.upper()}": value for name, value in values.items() if name not in secret}


def _files(making: Path) -> tuple[Held, ...]:
    return held(making, (file for file in making.rglob("*") if file.is_file()))


def _write_manifest(making: Path, manifest: Manifest) -> None:
    (making / MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n")


def forget_old(settings: Settings, folder: Path, keep: int) -> None:
    """Delete all but the newest `keep` backups, and the pieces of the log that only those needed."""
    place = find_place(settings.var / CLUSTER_FOLDER)
    with _alone(folder):
        backups = find_backups(folder)
        for old in list(backups)[:-keep]:
            gone = old.rename(folder / f"{_DELETING}{old.name}")
            shutil.rmtree(gone)
            del backups[old]
            say(f"{old.name} is deleted; {keep} remain")
        needed: dict[str, str] = {}
        for manifest in backups.values():
            if manifest.archive and manifest.first_segment:
                needed[manifest.archive] = min(
                    needed.get(manifest.archive, manifest.first_segment), manifest.first_segment, key=_place_in_log
                )
        sweep_archives(folder, needed, archive_of(place) if place else None)


def _place_in_log(piece: str) -> str:
    return re.sub(r"^.{8}", "", piece)  # without the timeline


def listed(folder: Path) -> list[str]:
    """A line for each backup in a folder."""
    lines = []
    for path, manifest in find_backups(folder).items():
        size = sum(one.size for one in manifest.files) / MEGABYTE
        later = "and later" if manifest.archive else "only"
        lines.append(
            f"{path.name}  {manifest.kind:7} up to number {manifest.at_end.sequence} {later}, "
            f"{manifest.at_end.actual_records} Actual records, {size:.0f} MB, COP {manifest.version}"
        )
    return lines
