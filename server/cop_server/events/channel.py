"""Channels: what one visible set is told of one question, read once and handed to everyone who asked the same."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

from cop.query.delta import Place
from cop.query.question import Question
from cop.visible import VisibleSet
from cop_server.border.metrics import DROPPED
from cop_server.events.encode import Batch, marker, moved, next_batch, told
from cop_server.routes.road import threads

_PACE_SECONDS = 2.0  # how long a load of many records waits for its slower readers in all; then it goes on without them
_STEP_SECONDS = 0.02


async def in_threads[T](call: Callable[..., T], *values: Any) -> T:
    """A call that waits for the store, in the threads that are there for it."""
    return await asyncio.get_running_loop().run_in_executor(threads(), call, *values)


class Subscriber:
    """A client's queue: bounded; who does not read is told so and goes on later from the last id."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._queue: deque[bytes] = deque()
        self._size = 0
        self._woken = asyncio.Event()
        self.place = Place(0)
        self.end: bytes | None = None

    @property
    def is_half_full(self) -> bool:
        """Whether it should be waited for."""
        return self.end is None and self._size > self._limit // 2

    def put(self, batch: Batch) -> None:
        """Take what of a batch lies behind the place."""
        if batch.after == self.place or batch.after.n > self.place.n:
            self._add(batch.chunks)
        else:
            self._add(tuple(frame for place, frame in batch.frames if place.n > self.place.n))
        if batch.until.n > self.place.n or batch.after == self.place:
            self.place = batch.until

    def tell(self, frame: bytes) -> None:
        """A frame that is no change."""
        self._add((frame,))

    def finish(self, frame: bytes) -> None:
        """Let the stream end with this frame; what waits is left out."""
        if self.end is None:
            self._queue.clear()
            self._size = 0
            self.end = frame
            self._woken.set()

    def _add(self, chunks: tuple[bytes, ...]) -> None:
        if self.end is not None or not chunks:
            return
        if self._size > self._limit:  # what waits counts, not what comes: one large batch drops nobody
            DROPPED.inc()
            self.finish(marker("dropped", "the client reads too slowly; begin again with the last id"))
            return
        self._queue.extend(chunks)
        self._size += sum(map(len, chunks))
        self._woken.set()

    async def next(self, patience: float) -> bytes | None:
        """The next chunk, or None where none came in time, or the end has come."""
        if not self._queue and self.end is None:
            self._woken.clear()
            try:
                async with asyncio.timeout(patience):
                    await self._woken.wait()
            except TimeoutError:
                return None
        if not self._queue:
            return None
        chunk = self._queue.popleft()
        self._size -= len(chunk)
        return chunk


class Pace:
    """How long one look at the store waits for slow readers: of all channels together, those that wait at once once."""

    def __init__(self) -> None:
        self.left = _PACE_SECONDS
        self._counted = 0.0

    async def wait(self) -> None:
        """A little."""
        now = asyncio.get_running_loop().time()
        ends = now + _STEP_SECONDS
        self.left -= ends - max(now, self._counted)
        self._counted = ends
        await asyncio.sleep(_STEP_SECONDS)


class Channel:
    """One visible set's changes of some layers, behind a place that moves with the store."""

    def __init__(self, key: str, url: str, visible: VisibleSet, questions: tuple[Question, ...], place: Place) -> None:
        self.key = key
        self.visible = visible
        self.questions = questions
        self.place = place
        self.users = 0
        self.subscribers: set[Subscriber] = set()
        self._url = url

    async def advance(self, known: dict[str, int], until: int, pace: Pace) -> None:
        """Read what changed up to a number, and hand it on. Where the store fails, the place stays as it was."""
        if until <= self.place.n and self.place.feature is None:
            return
        questions = moved(self.questions, known, self.place)
        if not questions:
            self._hand_on(Batch(self.place, Place(until), (), ()))
            return
        walk = told(questions, self.place, until)
        while self.place != Place(until):
            self._hand_on(await in_threads(next_batch, self._url, self.visible, walk, self.place, until))
            while self.place != Place(until) and self._is_waited_for() and pace.left > 0:
                await pace.wait()

    def _is_waited_for(self) -> bool:
        return any(subscriber.is_half_full for subscriber in self.subscribers)

    def _hand_on(self, batch: Batch) -> None:
        self.place = batch.until
        for subscriber in self.subscribers:
            subscriber.put(batch)
