"""The folder of a layer's download: the files in use with their manifest, and what is still coming in.

published/<layer>/manifest.json      addresses, ETags, checksums, dates, licence of the files in use
published/<layer>/files/             the files in use
published/<layer>/incoming/          a download that is not whole, or not yet accepted; goes on at the next run
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from cop_ingest.feeds.fetch import http_date


@dataclass(frozen=True, slots=True)
class FileNote:
    """One downloaded file: name, where it came from, what the server and we say of its content."""

    name: str
    address: str
    bytes: int
    sha256: str
    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """What stands beside the files of a layer; times are RFC 3339 in UTC."""

    layer: str
    fetched_at: str
    licence: str
    attribution: str
    files: tuple[FileNote, ...]

    @property
    def day(self) -> datetime:
        """When it was fetched."""
        return datetime.fromisoformat(self.fetched_at)

    @property
    def published_at(self) -> datetime:
        """When the newest of the files was changed last, as its server says; else when it was fetched."""
        told = [at for file in self.files if (at := http_date(file.last_modified)) is not None]
        return max(told, default=self.day)


class Folder:
    """One layer's folder below COP_VAR/published."""

    def __init__(self, root: Path, layer: str) -> None:
        self.path = root / layer
        self.files = self.path / "files"
        self.incoming = self.path / "incoming"

    def manifest(self) -> Manifest | None:
        """The manifest of the files in use; None where there are none, or not all of them are as they were fetched."""
        try:
            raw = json.loads((self.path / "manifest.json").read_text(encoding="utf-8"))
            manifest = Manifest(**{**raw, "files": tuple(FileNote(**note) for note in raw["files"])})
            whole = all((self.files / note.name).stat().st_size == note.bytes for note in manifest.files)
        except (OSError, ValueError, TypeError, KeyError):
            return None
        return manifest if whole and manifest.files else None

    def in_use(self) -> Path | None:
        """What a reader is given: the file, or the folder where there are several; None where there is none."""
        return given(self.files, manifest.files) if (manifest := self.manifest()) else None

    def accept(self, manifest: Manifest) -> None:
        """Put what came in into use, in the place of what was; a cut in between leaves the older files or none."""
        (self.path / "manifest.json").unlink(missing_ok=True)
        shutil.rmtree(self.files, ignore_errors=True)
        self.files.mkdir(parents=True)
        for note in manifest.files:
            (self.incoming / note.name).replace(self.files / note.name)
        write_whole(self.path / "manifest.json", json.dumps(asdict(manifest), ensure_ascii=False, indent=1).encode())
        self.forget_incoming()

    def forget_incoming(self) -> None:
        """Throw away what came in."""
        shutil.rmtree(self.incoming, ignore_errors=True)


def given(folder: Path, notes: Sequence[FileNote]) -> Path:
    """What a reader is given of downloaded files: the one, or their folder."""
    return folder / notes[0].name if len(notes) == 1 else folder


def write_whole(path: Path, body: bytes) -> None:
    """Write a file so that it is there whole or not at all."""
    part = path.with_name(f"{path.name}.new")
    part.write_bytes(body)
    part.replace(path)


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
