"""The archive of the store's log: each piece kept beside the backups, so that any moment after one can be had."""

from __future__ import annotations

import json
import os
import re
import secrets
import shlex
import shutil
import time
from importlib.resources import files
from pathlib import Path

import psycopg

from cop.store.statements import statements
from cop_server import cluster_process as process
from cop_server.cluster_place import Place, read_keys, run_as, write_private
from cop_server.console import warn

SQL = Path(str(files("cop_server.keeping"))) / "keeping.sql"
# What is left free of a disk, in kilobytes: eight pieces of the archive, and room for the store to go on.
_RESERVE_KB = 512 * 1024
_TIMEOUT_SECONDS = 60
_PATIENCE_SECONDS = 30
_PIECE = re.compile(r"[0-9A-F]{24}")
_GAPS = "archive-gaps"
_SCRIPT = "archive.sh"


def archive_of(place: Place) -> Path | None:
    """The folder that this cluster archives its log into; None where it does not."""
    try:
        asked = json.loads(place.asked_file.read_text())
    except FileNotFoundError:
        return None
    words = shlex.split(asked.get("archive_command", ""))
    return Path(words[-2]) if len(words) > 1 else None


def ensure_archive(place: Place, folder: Path) -> Path | None:
    """Have the cluster archive into a folder beside the backups in `folder`; None, and a warning, where it cannot."""
    present = archive_of(place)
    if present is not None and present.parent == folder and present.is_dir():
        return present
    archive = folder / f"wal-{secrets.token_hex(4)}"
    archive.mkdir(mode=0o700)
    os.chown(archive, place.uid, place.gid)
    if run_as(place, ["test", "-w", str(archive)]).returncode != 0:
        archive.rmdir()
        warn(
            f"the log is not archived: the system user of PostgreSQL (id {place.uid}) cannot enter {folder}. "
            "This backup is whole, but moments after it cannot be had. Choose a folder that this user may enter"
        )
        return None
    _point_to(place, archive)
    return archive


def _point_to(place: Place, archive: Path) -> None:
    owner = (place.uid, place.gid)
    script = place.folder / _SCRIPT
    write_private(script, files("cop_server.keeping").joinpath(_SCRIPT).read_text(), owner)
    # PostgreSQL reads %p and %f; a percent sign of a path is doubled.
    words = ["/bin/sh", str(script), "%p", "%f", str(archive).replace("%", "%%"), str(_RESERVE_KB)]
    command = " ".join(word if word in ("%p", "%f") else shlex.quote(word) for word in words)
    asked = {"archive_command": command, "archive_timeout": f"{_TIMEOUT_SECONDS}s"}
    write_private(place.asked_file, json.dumps(asked, indent=2) + "\n", owner)
    process.reload(place, read_keys(place))


def archive_now(place: Place, admin_dsn: str) -> bool:
    """Close the present piece of the log and wait until it is archived; whether it was."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    with psycopg.connect(admin_dsn, autocommit=True) as connection:
        if _one(connection, "archive_mode") != ("on",):
            warn("the log is archived from the store's next start on: `make stop`, then `make run`")
            return False
        (piece,) = _one(connection, "switch_segment")
        while time.monotonic() < deadline:
            archived, failed, failing = _one(connection, "archived")
            if archived and str(archived)[8:] >= str(piece)[8:]:
                return True
            if failing and failed:
                break
            time.sleep(0.1)
    warn(f"the log is not being archived; PostgreSQL's log says why: {place.log}")
    return False


def _one(connection: psycopg.Connection, title: str) -> tuple[object, ...]:
    row = connection.execute(statements(SQL)[title]).fetchone()
    assert row is not None
    return row


def gaps(place: Place) -> list[str]:
    """Pieces of the log that were given up because the store's disk was nearly full."""
    try:
        return (place.folder / _GAPS).read_text().split()
    except FileNotFoundError:
        return []


def told_of(place: Place) -> str:
    """A sentence on the archive, for whoever asks how things stand."""
    archive = archive_of(place)
    if archive is None:
        return "not archived; `cop backup` takes a backup and begins to archive"
    if lost := gaps(place):
        return f"archived in {archive}; {len(lost)} pieces were given up for want of space: take a backup"
    return f"archived in {archive}"


def gaps_closed(place: Place) -> None:
    """A whole backup stands after the gaps: nothing more is lost by them."""
    (place.folder / _GAPS).unlink(missing_ok=True)


def sweep_archive(archive: Path, first_segment: str) -> int:
    """Delete the pieces that no kept backup begins with or needs; how many they were."""
    swept = 0
    for file in archive.iterdir():
        piece = _PIECE.match(file.name)
        if piece and piece[0][8:] < first_segment[8:]:
            file.unlink()
            swept += 1
    return swept


def sweep_archives(folder: Path, needed: dict[str, str], present: Path | None) -> None:
    """Delete what the kept backups in a folder do not need: `needed` says each archive's first piece."""
    for archive in folder.glob("wal-*"):
        if archive.name in needed:
            sweep_archive(archive, needed[archive.name])
        elif archive != present:
            shutil.rmtree(archive)
