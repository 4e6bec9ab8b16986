"""A render worker: one process that draws maps with MapLibre Native, told what over stdin, answering on stdout.

An error inside the renderer ends the process it runs in, so it never runs in the server's own. Started as
`python -m cop_tiles.worker`; a frame is four bytes of length (big-endian) and that many bytes. A request is JSON
(the fields of `cop_tiles.pool.Picture`); an answer is `=` and pixels (RGBA, rows from the top), `+` and a PNG, or `-`
and a sentence. A worker draws one basemap folder: unloading a map crashes the renderer.
"""

from __future__ import annotations

import json
import os
import resource
import struct
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

LENGTH = struct.Struct(">I")
PIXELS, PNG, TROUBLE = b"=", b"+", b"-"
READY = PNG
# The renderer's libraries reserve far more addresses than they use; this stops a runaway, not ordinary work.
ADDRESS_LIMIT = 8 * 2**30
# Beyond this many bytes in memory a worker ends after its answer and is replaced.
RESIDENT_LIMIT = 600 * 2**20
_LARGEST_REQUEST = 2**16
# Where a new map begins: lon, lat, zoom of a view that has tiles.
HOME = (114.15, 22.35, 9.0)


def read_frame(stream: IO[bytes]) -> bytes | None:
    """The next frame of a stream, or None at its end."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(head)
    body = stream.read(length)
    return body if len(body) == length else None


def write_frame(stream: IO[bytes], body: bytes) -> None:
    """Write one frame and push it out."""
    stream.write(LENGTH.pack(len(body)) + body)
    stream.flush()


class Painter:
    """Draws pictures, keeping one loaded map for each style and pixel ratio."""

    def __init__(self) -> None:
        import pymgl

        self._make: Callable[..., Any] = pymgl.Map
        self._maps: dict[tuple[str, str, int], Any] = {}
        self._warm: set[tuple[str, str, int]] = set()

    def paint(self, wish: dict[str, Any]) -> bytes:
        """The answer to one request."""
        key = wish["folder"], wish["style"], wish["ratio"]
        map_ = self._map(key)
        map_.setSize(wish["width"], wish["height"])
        map_.setCenter(wish["lon"], wish["lat"])
        map_.setZoom(wish["zoom"])
        map_.setBearing(wish["bearing"])
        self._warm_up(key)
        # Plain pixels save the encoding, but pymgl 0.5 cuts them short where a pixel ratio is set.
        if wish["ratio"] == 1:
            return PIXELS + bytes(map_.renderBuffer().tobytes())
        return PNG + bytes(map_.renderPNG())

    def _map(self, key: tuple[str, str, int]) -> Any:
        from cop_tiles.style_check import checked
        from cop_tiles.styles import style_of_folder

        if key not in self._maps:
            folder, name, ratio = key
            drawn = checked(style_of_folder(name, Path(folder)))
            self._maps[key] = self._make(json.dumps(drawn), 256, 256, ratio, *HOME)
            self._maps[key].load()
        return self._maps[key]

    def _warm_up(self, key: tuple[str, str, int]) -> None:
        """Draw for nobody until something has been seen.

        A map of pymgl 0.5 that has met no tile yet draws its first tiles as an empty picture, without an error.
        """
        if key not in self._warm:
            self._maps[key].renderBuffer()
            pixels = self._maps[key].renderBuffer().reshape(-1, 4)
            if (pixels != pixels[0]).any():
                self._warm.add(key)


def resident_bytes() -> int:
    """How much memory this process holds now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


def serve(requests: IO[bytes], answers: IO[bytes]) -> None:
    """Answer requests until the stream ends, an answer fails, or memory has grown too far."""
    painter = Painter()
    write_frame(answers, READY)
    while (raw := read_frame(requests)) is not None and len(raw) <= _LARGEST_REQUEST:
        try:
            answer = painter.paint(json.loads(raw))
        except Exception as exc:
            # The renderer's state after an error is unknown: tell, and let the pool start another worker.
            write_frame(answers, TROUBLE + f"{type(exc).__name__}: {exc}".encode())
            return
        write_frame(answers, answer)
        if resident_bytes() > RESIDENT_LIMIT:
            return


def main() -> None:
    """Take stdout for answers alone (the renderer's libraries may print), and serve."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_LIMIT, ADDRESS_LIMIT))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with suppress(BrokenPipeError):  # whoever asked is gone
        serve(sys.stdin.buffer, answers)
        answers.flush()
    # Without waiting for the renderer's own threads and destructors, which have nothing left to save.
    os._exit(0)


if __name__ == "__main__":
    main()
