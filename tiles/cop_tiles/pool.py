"""A pool of render workers: started when first needed, killed when too slow, replaced when they die."""

from __future__ import annotations

import atexit
import contextlib
import io
import os
import queue
import select
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from typing import IO

import orjson
from PIL import Image

from cop.errors import CopError
from cop_tiles.worker import LENGTH, PIXELS, READY, TROUBLE, write_frame

START_SECONDS = 30.0
RENDER_SECONDS = 20.0
QUEUE_SECONDS = 60.0
LARGEST_SIDE = 4096


class RenderFailed(CopError):
    """A picture could not be drawn; the message says why."""


@dataclass(frozen=True)
class Picture:
    """A wish: which style of which basemap folder, around lon, lat (EPSG:4326 degrees), at a zoom of 512-pixel tiles.

    `width` and `height` count logical pixels; the image has `ratio` times as many. `bearing` turns the map, degrees
    clockwise.
    """

    folder: str
    style: str
    lon: float
    lat: float
    zoom: float
    width: int
    height: int
    ratio: int = 1
    bearing: float = 0.0


class _Worker:
    """One process and the two pipes to it."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        environment = {**os.environ, "EGL_PLATFORM": "surfaceless"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "cop_tiles.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            bufsize=0,
            start_new_session=True,
        )
        if self._answer(START_SECONDS) != READY:
            self.kill()
            raise RenderFailed(
                "The map renderer does not start; it needs Debian's libegl1, libgl1-mesa-dri and libgles2."
            )

    def draw(self, wish: Picture, seconds: float) -> bytes | None:
        """The answer to a wish as sent, or None where the worker died or took too long."""
        assert self.process.stdin is not None
        try:
            write_frame(self.process.stdin, orjson.dumps(asdict(wish)))
            return self._answer(seconds)
        except (OSError, ValueError):  # the process died, or the pool was closed meanwhile
            return None

    def _answer(self, seconds: float) -> bytes | None:
        assert self.process.stdout is not None
        deadline = time.monotonic() + seconds
        head = _read(self.process.stdout, LENGTH.size, deadline)
        return None if head is None else _read(self.process.stdout, LENGTH.unpack(head)[0], deadline)

    def draws(self, folder: str) -> bool:
        """Whether the process still runs and its basemap is this one."""
        return self._folder == folder and self.process.poll() is None

    def kill(self) -> None:
        """End the process now, and close the pipes."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def _image(answer: bytes, wish: Picture) -> Image.Image:
    body = answer[1:]
    if answer.startswith(PIXELS):
        return Image.frombuffer("RGBA", (wish.width, wish.height), body, "raw", "RGBA", 0, 1)
    return Image.open(io.BytesIO(body))


def _read(pipe: IO[bytes], length: int, deadline: float) -> bytes | None:
    body = bytearray()
    while len(body) < length:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([pipe], [], [], left)[0]:
            return None
        part = os.read(pipe.fileno(), length - len(body))
        if not part:
            return None
        body += part
    return bytes(body)


class Pool:
    """Up to `size` workers of this process, for any number of threads."""

    def __init__(self, size: int, seconds: float = RENDER_SECONDS) -> None:
        self._seconds = seconds
        # A slot holds an idle worker, or None where one may be started. The last used comes first, and is warm.
        self._slots: queue.LifoQueue[_Worker | None] = queue.LifoQueue()
        for _ in range(size):
            self._slots.put(None)
        self._lock = threading.Lock()
        self._running: set[_Worker] = set()
        self._closed = False

    def draw(self, wish: Picture, seconds: float | None = None) -> Image.Image:
        """The image (RGBA) of a wish, within as many seconds as this pool gives or the caller says.

        Raises RenderFailed where it cannot be drawn in time or at all; a worker that dies is replaced and the wish
        tried once more.
        """
        if not (0 < wish.width * wish.ratio <= LARGEST_SIDE and 0 < wish.height * wish.ratio <= LARGEST_SIDE):
            raise RenderFailed(f"size: found {wish.width} x {wish.height}, wanted 1 to {LARGEST_SIDE} pixels a side")
        try:
            worker = self._slots.get(timeout=QUEUE_SECONDS)
        except queue.Empty:
            raise RenderFailed("All map renderers are busy; please try again.") from None
        try:
            worker, answer = self._drawn(worker, wish, seconds or self._seconds)
        except BaseException:
            self._slots.put(None)
            raise
        self._slots.put(worker)
        if answer is None:
            raise RenderFailed(f"The map renderer gave no answer within {seconds or self._seconds:g} seconds.")
        if answer.startswith(TROUBLE):
            raise RenderFailed(f"The map renderer says: {answer[1:].decode(errors='replace')}")
        return _image(answer, wish)

    def _drawn(self, worker: _Worker | None, wish: Picture, seconds: float) -> tuple[_Worker | None, bytes | None]:
        started = time.monotonic()
        answer = None
        for attempt in (1, 2):
            if worker is None or not worker.draws(wish.folder):
                self._forget(worker)
                worker = self._start(wish.folder)
            answer = worker.draw(wish, seconds)
            if answer is not None and not answer.startswith(TROUBLE):
                return worker, answer
            self._forget(worker)
            worker = None
            slow = time.monotonic() - started >= seconds
            if attempt == 2 or slow or answer is not None:
                break
        return None, answer

    def _start(self, folder: str) -> _Worker:
        worker = _Worker(folder)
        with self._lock:
            if self._closed:
                worker.kill()
                raise RenderFailed("The map renderer is shutting down.")
            self._running.add(worker)
        return worker

    def _forget(self, worker: _Worker | None) -> None:
        if worker is not None:
            worker.kill()
            with self._lock:
                self._running.discard(worker)

    def pids(self) -> list[int]:
        """The process ids of the workers that run now."""
        with self._lock:
            return [worker.process.pid for worker in self._running]

    def close(self) -> None:
        """End all workers; a wish under way fails."""
        with self._lock:
            self._closed = True
            running, self._running = self._running, set()
        for worker in running:
            worker.kill()


_guard = threading.Lock()
_shared: Pool | None = None
_owner = 0
_of_parent: list[Pool] = []


def shared_pool() -> Pool:
    """The pool of this process, made at the first call; a forked child makes its own and leaves its parent's alone."""
    global _shared, _owner
    with _guard:
        if _shared is None or _owner != os.getpid():
            _shared, _owner = Pool(max(1, (os.cpu_count() or 2) // 2)), os.getpid()
        return _shared


def close_shared_pool() -> None:
    """End this process's workers, if it has any; a later call of shared_pool starts afresh."""
    global _shared
    with _guard:
        if _shared is not None and _owner == os.getpid():
            _shared.close()
        _shared = None


def _renew_guard() -> None:
    # A lock that another thread held at the moment of the fork would stay locked in the child for ever.
    global _guard, _shared
    if _shared is not None:
        _of_parent.append(_shared)
    _guard, _shared = threading.Lock(), None


atexit.register(close_shared_pool)
os.register_at_fork(after_in_child=_renew_guard)
