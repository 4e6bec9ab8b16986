"""Glyphs for every client: what the basemap was built with at once, and whole ranges of the font soon after.

A build holds the characters that the data had. A character that came later is in the whole range, which takes some
tenths of a second to draw: where the built range is not empty it is answered first, and the whole one from then on.
"""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from cop.errors import NotFound
from cop_tiles.basemap.folder import GLYPH_FOLDER, built
from cop_tiles.basemap.glyphs import STACKS, whole_range

MEDIA_TYPE: Final = "application/x-protobuf"
BLOCK: Final = 256
_LAST: Final = 0x10000
# A file of no glyph: the stack's and the range's name alone.
_EMPTY_BYTES: Final = 40


class Glyphs:
    """The glyphs below one state folder: `basemap/current/glyphs` as built, `glyphs/` as whole ranges."""

    def __init__(self, var: Path) -> None:
        self._basemap = var / "basemap"
        self._kept = var / "glyphs"
        self._lock = threading.Lock()
        self._making: set[Path] = set()
        self._worker: ThreadPoolExecutor | None = None

    def answer(self, stacks: str, span: str) -> bytes:
        """The glyphs of a range such as `20224-20479`, of the first font of the list that is here.

        Raises NotFound for other fonts, and for what is no range of 256.
        """
        stack = next((name for name in (part.strip() for part in stacks.split(",")) if name in STACKS), None)
        if stack is None:
            raise NotFound(f"there is no font {stacks[:60]!r}; here are {', '.join(STACKS)}", "fontstack",
                           next(iter(STACKS)))  # fmt: skip
        first = _first_of(span)
        kept = self._kept / stack / f"{first}.pbf"
        if kept.is_file():
            return kept.read_bytes()
        folder = built(self._basemap)
        file = folder / GLYPH_FOLDER / stack / f"{first}-{first + BLOCK - 1}.pbf" if folder else None
        if file is not None and file.is_file() and file.stat().st_size > _EMPTY_BYTES:
            self._later(kept, stack, first)
            return file.read_bytes()
        with self._lock:
            return kept.read_bytes() if kept.is_file() else _keep(kept, stack, first)

    def _later(self, kept: Path, stack: str, first: int) -> None:
        """Draw the whole range while nobody waits for it; one range after the other."""
        with self._lock:
            if kept in self._making:
                return
            self._making.add(kept)
            if self._worker is None:
                self._worker = ThreadPoolExecutor(1, thread_name_prefix="glyphs")
            self._worker.submit(self._draw, kept, stack, first)

    def _draw(self, kept: Path, stack: str, first: int) -> None:
        try:
            if not kept.is_file():
                _keep(kept, stack, first)
        finally:
            with self._lock:
                self._making.discard(kept)

    def close(self) -> None:
        """Draw no more; what is being drawn is finished."""
        if self._worker is not None:
            self._worker.shutdown(wait=True, cancel_futures=True)


def _keep(kept: Path, stack: str, first: int) -> bytes:
    body = whole_range(stack, first)
    kept.parent.mkdir(parents=True, exist_ok=True)
    # Several processes may draw the same: each writes its own file, and the last to finish puts the same bytes there.
    draft = kept.with_suffix(f".{os.getpid()}.{threading.get_ident()}")
    draft.write_bytes(body)
    draft.replace(kept)
    return body


def _first_of(span: str) -> int:
    start, _, end = span.partition("-")
    if start.isascii() and start.isdecimal() and end.isascii() and end.isdecimal() and len(start) < 6 and len(end) < 6:
        first = int(start)
        if first % BLOCK == 0 and first < _LAST and int(end) == first + BLOCK - 1:
            return first
    raise NotFound(f"there is no range {span[:40]!r}; ranges are of 256 characters", "range", "0-255")
