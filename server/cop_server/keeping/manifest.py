"""What a backup says of itself: its files with checksums, and which numbers and times lie in it."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterable
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from cop.errors import SetupTrouble
from cop.resources import clone_folder

MANIFEST = "manifest.json"


class Held(BaseModel):
    """One file of a backup."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    size: int
    sha256: str


class Standing(BaseModel):
    """How far a store stood at a moment: last number, its time, the hash that the chain ends with, Actual records."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sequence: int
    changed_at: datetime | None
    head: str
    actual_records: int
    database_bytes: int
    migration: str | None


class Manifest(BaseModel):
    """A backup. It holds every change up to `at_start`, and none after `at_end`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    kind: Literal["cluster", "dump"]
    began_at: datetime
    finished_at: datetime
    at_start: Standing
    at_end: Standing
    postgresql: int
    version: str
    commit: str | None
    archive: str | None  # the folder beside it that the log is archived into
    first_segment: str | None  # the piece of the log that its restoring begins with
    files: tuple[Held, ...]


def code_version() -> tuple[str, str | None]:
    """The version of this code, and its commit where it runs from a clone."""
    clone = clone_folder()
    if clone is None:
        return version("cop"), None
    try:
        done = subprocess.run(
            ["git", "-C", str(clone), "rev-parse", "HEAD"], capture_output=True, text=True, timeout=10, check=False
        )
    except OSError:
        return version("cop"), None
    return version("cop"), done.stdout.strip() or None


def held(folder: Path, files: Iterable[Path]) -> tuple[Held, ...]:
    """Sizes and checksums of files below a folder."""
    return tuple(
        Held(path=str(file.relative_to(folder)), size=file.stat().st_size, sha256=checksum(file))
        for file in sorted(files)
    )


def checksum(file: Path) -> str:
    """SHA-256 of a file."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a backup. Raises SetupTrouble where there is none that can be read."""
    file = folder / MANIFEST
    try:
        return Manifest.model_validate_json(file.read_bytes())
    except FileNotFoundError as exc:
        raise SetupTrouble(
            f"{folder} holds no backup: {MANIFEST} is missing. Name a folder that `cop backup` wrote"
        ) from exc
    except ValidationError as exc:
        raise SetupTrouble(f"{file} is damaged or of another version of COP: {exc.errors()[0]['msg']}") from exc


def find_backups(folder: Path) -> dict[Path, Manifest]:
    """The whole backups in a folder, oldest first. Names that begin with a dot are not whole."""
    manifests = sorted(folder.glob(f"[!.]*/{MANIFEST}"))
    found = {file.parent: read_manifest(file.parent) for file in manifests}
    return dict(sorted(found.items(), key=lambda item: item[1].finished_at))


def check_files(folder: Path, manifest: Manifest) -> None:
    """Compare every file with its checksum. Raises SetupTrouble with the first that is not what was written."""
    for one in manifest.files:
        file = folder / one.path
        if not file.is_file():
            raise SetupTrouble(f"the backup is damaged: {file} is missing. Take another backup: `cop backup --list`")
        if file.stat().st_size != one.size or checksum(file) != one.sha256:
            raise SetupTrouble(
                f"the backup is damaged: {file} is not what was written (SHA-256 differs). "
                "Take another backup: `cop backup --list`"
            )
