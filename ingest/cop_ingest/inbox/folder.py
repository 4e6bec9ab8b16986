"""The file drop: a folder a mapping, what is taken moves aside with its report.

Names: <inbox>/<mapping>/<file>; afterwards taken/ or refused/ beside it, with <file>.report.json. A file is taken when
it has not changed between two looks, so that half a copy is never read. If we die between taking a file and moving it,
it is taken again, and all its rows are unchanged.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cop.errors import LoadRefused
from cop_ingest.inbox.declared import Mapping
from cop_ingest.inbox.rows import MOST_BYTES
from cop_ingest.inbox.take import Report

_STAMP = "%Y%m%dT%H%M%S%f"  # what was put aside is called by the time of it, UTC
_ASIDE = ("taken", "refused")
_UNFINISHED = (".part", ".tmp", ".crdownload", ".filepart")
Take = Callable[[Mapping, bytes, str, datetime], Report]


@dataclass(slots=True)
class Drop:
    """The inbox's folder and what was seen of each file at the last look (size, time of change)."""

    folder: Path
    known: dict[str, Mapping]
    seen: dict[Path, tuple[int, int]] = field(default_factory=dict)

    def prepare(self) -> None:
        """Make a folder for each mapping."""
        for name in self.known:
            (self.folder / name).mkdir(parents=True, exist_ok=True)

    def look(self, take: Take) -> list[Path]:
        """Take every file that has stood still since the last look; the reports that were written."""
        reports = []
        standing: dict[Path, tuple[int, int]] = {}
        for name, mapping in self.known.items():
            for file in _files(self.folder / name):
                about = file.stat()
                stamp = (about.st_size, about.st_mtime_ns)
                if self.seen.get(file) == stamp:
                    reports.append(_taken(mapping, file, take))
                else:
                    standing[file] = stamp
        self.seen = standing
        return reports


def _files(folder: Path) -> list[Path]:
    """The finished files of a folder, the oldest first."""
    if not folder.is_dir():
        return []
    found = [
        path for path in folder.iterdir()
        if path.is_file() and not path.is_symlink() and not path.name.startswith((".", "~$"))
        and path.suffix.lower() not in _UNFINISHED
    ]  # fmt: skip
    return sorted(found, key=lambda path: (path.stat().st_mtime_ns, path.name))


def _taken(mapping: Mapping, file: Path, take: Take) -> Path:
    about = file.stat()
    told_at = datetime.fromtimestamp(about.st_mtime, UTC)
    try:
        if about.st_size > MOST_BYTES:
            raise LoadRefused(f"{file.name}: {about.st_size} bytes; wanted at most {MOST_BYTES}")
        document = take(mapping, file.read_bytes(), file.name, told_at).document()
        aside = "taken"
    except LoadRefused as exc:
        document, aside = {"inbox": mapping.id, "file": file.name, "refused": str(exc)}, "refused"
    if mapping.personal:  # what tells of people is not kept, whatever became of it
        _, report = _report_kept(file.parent / aside, file.name, {**document, "kept": False})
        file.unlink()
        return report
    return _put_aside(file, aside, document)


def _put_aside(file: Path, aside: str, document: dict[str, object]) -> Path:
    """Move a file away with its report; the report is whole before the file moves."""
    kept, report = _report_kept(file.parent / aside, file.name, document)
    os.replace(file, kept)  # noqa: PTH105 - atomic on one file system
    return report


def keep_message(folder: Path, aside: str, name: str, body: bytes | None, document: dict[str, object]) -> Path:
    """Keep what came by another way than a file as a file is kept, with its report; the report's path.

    Without a body the report alone is kept.
    """
    kept, report = _report_kept(folder / aside, name, document)
    if body is None:
        return report
    unfinished = kept.with_name(f"{kept.name}.tmp")
    unfinished.write_bytes(body)
    unfinished.replace(kept)
    return report


def _report_kept(folder: Path, name: str, document: dict[str, object]) -> tuple[Path, Path]:
    """Where the bytes belong, and the report that was written beside that."""
    folder.mkdir(parents=True, exist_ok=True)
    stamp = datetime.now(UTC).strftime(_STAMP)
    report = folder / f"{stamp}-{name}.report.json"
    unfinished = report.with_suffix(".tmp")
    unfinished.write_text(json.dumps(document, ensure_ascii=False, indent=1, default=str), encoding="utf-8")
    unfinished.replace(report)
    return folder / f"{stamp}-{name}", report


def let_go(folder: Path, older_than: timedelta) -> int:
    """Delete what was put aside longer ago, with its reports, of every mapping; how many files. Others' files stay."""
    before = datetime.now(UTC) - older_than
    gone = 0
    for aside in (path for name in _ASIDE for path in folder.glob(f"*/{name}/*")):
        at = _put_aside_at(aside.name)
        if at is not None and at < before and aside.is_file():
            aside.unlink(missing_ok=True)  # two may look at once
            gone += 1
    return gone


def _put_aside_at(name: str) -> datetime | None:
    try:
        return datetime.strptime(name.partition("-")[0], _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None
