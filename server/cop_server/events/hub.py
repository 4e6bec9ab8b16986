"""The hub of a process: one listener rings, one watch a visible set reads, channels hand on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from cop.errors import StoreTrouble
from cop.query.delta import Place, marks
from cop.query.question import Question
from cop.visible import VisibleSet
from cop_server.events.channel import Channel, Pace, in_threads
from cop_server.events.encode import marker
from cop_server.events.listener import Listener

_log = logging.getLogger(__name__)
COALESCE_SECONDS = 0.2
_AGAIN_SECONDS = 1.0
_AT_ONCE = 4  # channels of a visible set that are read at once: one with slow readers holds up no other
_LOST = marker("interrupted", "the store is not heard at the moment; changes may come later")
_BACK = marker("resumed", "changes come at once again; none was missed")


class _Watch:
    """Reads for all channels of one visible set, at each ring and not more often than a few times a second."""

    def __init__(self, visible: VisibleSet) -> None:
        self.channels: dict[str, Channel] = {}
        self.woken = asyncio.Event()
        self._visible = visible
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while True:
            await self.woken.wait()
            self.woken.clear()
            wait = COALESCE_SECONDS
            try:
                await self._advance()
            except StoreTrouble:
                wait = _AGAIN_SECONDS
                self.woken.set()
            except Exception:
                _log.exception("events could not be read")
                wait = _AGAIN_SECONDS
                self.woken.set()
            await asyncio.sleep(wait)

    async def _advance(self) -> None:
        known = await in_threads(marks, self._visible)
        until = max(known.values(), default=0)
        pace, some = Pace(), asyncio.Semaphore(_AT_ONCE)

        async def advance(channel: Channel) -> None:
            async with some:
                await channel.advance(known, until, pace)

        told = await asyncio.gather(*map(advance, self.channels.values()), return_exceptions=True)
        for trouble in told:
            if trouble is not None:
                raise trouble


class Hub:
    """All streams of one process."""

    def __init__(self, url: str, dsn: str) -> None:
        self.url = url
        self.is_closing = False
        self._watches: dict[VisibleSet, _Watch] = {}
        self._listener = Listener(dsn, self.ring, self._listening)
        self._task: asyncio.Task[None] | None = None
        self._hears: bool | None = None
        self._bells: list[Callable[[], None]] = []

    def rings_too(self, bell: Callable[[], None]) -> None:
        """Call this, too, whenever something was committed; only while the process listens."""
        self._bells.append(bell)

    def listen(self) -> None:
        """Begin to listen, if that is not so yet."""
        if self._task is None and not self.is_closing:
            self._task = asyncio.create_task(self._listener.run())

    def open(self, key: str, visible: VisibleSet, questions: tuple[Question, ...], place: Place) -> Channel:
        """The channel of these questions; where it is new, it begins at a place that was read just now."""
        self.listen()
        watch = self._watches.get(visible)
        if watch is None:
            watch = self._watches[visible] = _Watch(visible)
        channel = watch.channels.get(key)
        if channel is None:
            channel = watch.channels[key] = Channel(key, self.url, visible, questions, place)
            watch.woken.set()  # what was committed since the place was read
        channel.users += 1
        return channel

    def leave(self, channel: Channel) -> None:
        """A user less; nothing is read for nobody."""
        channel.users -= 1
        watch = self._watches.get(channel.visible)
        if channel.users or watch is None:
            return
        watch.channels.pop(channel.key, None)
        if not watch.channels:
            watch.task.cancel()
            del self._watches[channel.visible]

    def ring(self) -> None:
        """Something was committed."""
        for watch in self._watches.values():
            watch.woken.set()
        for bell in self._bells:
            bell()

    def _listening(self, hears: bool) -> None:
        """Tell the streams when the listener is lost, and when it is back; what came in between is read then."""
        if self._hears is not None and hears != self._hears:
            self._tell(_BACK if hears else _LOST)
        self._hears = hears

    def _tell(self, frame: bytes) -> None:
        for channel in self._channels():
            for subscriber in channel.subscribers:
                subscriber.tell(frame)

    def _channels(self) -> list[Channel]:
        return [channel for watch in self._watches.values() for channel in watch.channels.values()]

    @property
    def streams(self) -> int:
        """How many streams are open."""
        return sum(channel.users for channel in self._channels())

    @property
    def is_deaf(self) -> bool:
        """Whether streams wait for a listener that has lost the store."""
        return self._hears is False

    def end_streams(self) -> None:
        """Let every stream end by itself: a server that stops waits for its answers to be sent."""
        self.is_closing = True
        for channel in self._channels():
            for subscriber in list(channel.subscribers):
                subscriber.finish(marker("closed", "the server stops; begin again with the last id"))

    async def close(self) -> None:
        """End all that runs here."""
        self.end_streams()
        tasks = [watch.task for watch in self._watches.values()] + ([self._task] if self._task else [])
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task
