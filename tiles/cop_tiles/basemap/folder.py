"""Where the built basemap lies: `<target>/<digest>/`, `<target>/current` pointing to it, `<target>/stamp` dating it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from fcntl import LOCK_EX, flock
from pathlib import Path
from typing import Literal

VECTOR_FILE, SHADE_FILE, GLYPH_FOLDER, MANIFEST_FILE = "base.mbtiles", "hillshade.mbtiles", "glyphs", "manifest.json"
TINT_FILE, RELIEF_FILE = "tint.mbtiles", "relief.mbtiles"
CURRENT, STAMP = "current", "stamp"


Reach = Literal["none", "lantau", "territory"]


@dataclass(frozen=True)
class Manifest:
    """What a built basemap was made of; `digest` is the hash of all inputs.

    `roads` says how far the roads reach. `credits` are those whose data is shown, as they want to be named.
    """

    digest: str
    exercise: bool
    roads: Reach
    terrain: bool
    credits: tuple[str, ...] = ()


def built(target: Path) -> Path | None:
    """The folder of the basemap in force, or None while none has been built."""
    current = target / CURRENT
    return current.resolve() if (current / MANIFEST_FILE).is_file() else None


def manifest_of(folder: Path) -> Manifest:
    """The manifest of a built basemap."""
    told = json.loads((folder / MANIFEST_FILE).read_text(encoding="utf-8"))
    return Manifest(**{**told, "credits": tuple(told.get("credits", ()))})


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest: the last file of a build."""
    (folder / MANIFEST_FILE).write_text(json.dumps(asdict(manifest), indent=1), encoding="utf-8")


def stamp(target: Path) -> Path:
    """The file whose time says when the map last changed; made here where it is missing."""
    file = target / STAMP
    if not file.exists():
        target.mkdir(parents=True, exist_ok=True)
        file.touch()
    return file


@contextmanager
def locked(target: Path) -> Iterator[None]:
    """Only one build at a time; a second one waits and then finds the work done."""
    target.mkdir(parents=True, exist_ok=True)
    with (target / ".lock").open("w") as lock:
        flock(lock, LOCK_EX)
        yield


@contextmanager
def new_folder(target: Path, digest: str) -> Iterator[Path]:
    """A folder to build in. Left without an error it becomes the current basemap; else it is thrown away."""
    draft = target / f".{digest}.draft"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        yield draft
        _take_over(target, draft, digest)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _take_over(target: Path, draft: Path, digest: str) -> None:
    before = built(target)
    shutil.rmtree(target / digest, ignore_errors=True)
    os.sync()
    draft.rename(target / digest)
    link = target / ".current.new"
    link.unlink(missing_ok=True)
    link.symlink_to(digest)
    link.replace(target / CURRENT)
    os.utime(stamp(target))
    # The one before stays: a renderer may be drawing from it at this moment.
    kept = {digest, before.name if before else digest}
    for old in target.iterdir():
        if old.is_dir() and not old.is_symlink() and old.name not in kept:
            shutil.rmtree(old, ignore_errors=True)
