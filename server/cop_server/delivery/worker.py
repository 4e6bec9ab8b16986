"""The worker of one process: takes subscriptions that nobody delivers for, and gives them back when it ends.

A lease in the store says whose each one is. Every process of every node looks; a lease that is not renewed lapses, and
another process goes on from the place that was kept.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

from cop.errors import CopError
from cop.query.delta import marks
from cop.settings import get_settings
from cop.visible import VisibleSet
from cop_server.delivery import book
from cop_server.delivery.course import Course
from cop_server.delivery.mqtt import Publisher, publications
from cop_server.delivery.outcome import Sender
from cop_server.delivery.reading import last_number
from cop_server.delivery.webhook import Webhook
from cop_server.events.channel import in_threads
from cop_server.events.hub import Hub

_log = logging.getLogger(__name__)
LOOK_SECONDS = 1.0
_MOST_AT_ONCE = 20  # taken in one look, so that nodes that start together share
_MOST_OF_A_PROCESS = 200


class _Marks:
    """The marks of visible sets, read once for each ring however many courses ask."""

    def __init__(self) -> None:
        self._rings = 0
        self._read: dict[VisibleSet, tuple[int, asyncio.Task[dict[str, int]]]] = {}

    def ring(self) -> None:
        """Something was committed: what was read before it is old."""
        self._rings += 1

    async def of(self, visible: VisibleSet) -> dict[str, int]:
        """The marks, read after the last ring."""
        rings, task = self._read.get(visible, (-1, None))
        if task is None or rings != self._rings or (task.done() and task.exception() is not None):
            task = asyncio.create_task(in_threads(marks, visible))
            self._read[visible] = self._rings, task
        return await asyncio.shield(task)


class Worker:
    """Looks now and then at what there is to deliver, and runs a course for each subscription that it holds."""

    def __init__(self, hub: Hub, webhook: Callable[[], Sender] = Webhook) -> None:
        self._hub = hub
        self._webhook = webhook
        holder = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        self._lease = book.Lease(holder, get_settings().delivery_lease_s)
        self._courses: dict[str, tuple[Course, asyncio.Task[None]]] = {}
        self._brokers: list[str] | None = None
        self._marks = _Marks()
        self._is_full = False

    async def run(self) -> None:
        """Look until cancelled."""
        self._hub.rings_too(self._ring)
        while True:
            try:
                await self._look()
            except CopError as exc:
                _log.info("deliveries wait for the store: %s", exc)
            except Exception:
                _log.exception("deliveries could not be looked after")
            await asyncio.sleep(LOOK_SECONDS)

    async def _look(self) -> None:
        if self._brokers is None:
            self._brokers = await in_threads(announce_publications)
        free = min(_MOST_AT_ONCE, _MOST_OF_A_PROCESS - len(self._courses))
        held = await in_threads(self._lease.tend, self._brokers, free)
        for id_, (course, task) in list(self._courses.items()):
            if task.done():
                del self._courses[id_]
            elif course.revision != held.get(id_, -1):  # changed by people, or no longer held
                course.revision = held.get(id_, -1)
                course.woken.set()
        for id_, revision in held.items():
            if id_ not in self._courses:
                self._begin(id_, revision)
        self._tell_when_full()
        if self._courses:
            self._hub.listen()

    def _tell_when_full(self) -> None:
        """Say once that no more is taken: what no other process takes is not delivered, however long it waits."""
        was_full, self._is_full = self._is_full, len(self._courses) >= _MOST_OF_A_PROCESS
        if self._is_full and not was_full:
            _log.warning("this process delivers for %d subscriptions and takes no more: others wait for more processes "
                         "or nodes (cop_subscriptions_unheld)", len(self._courses))  # fmt: skip

    def _begin(self, id_: str, revision: int) -> None:
        assert self._brokers is not None
        sender = Publisher() if id_ in self._brokers else self._webhook()
        course = Course(id_, self._lease, sender, self._hub.url, self._marks.of)
        course.revision = revision
        self._courses[id_] = course, asyncio.create_task(course.run())

    def _ring(self) -> None:
        self._marks.ring()
        for course, _ in self._courses.values():
            course.woken.set()

    async def close(self) -> None:
        """End all courses and give everything back, so that others need not wait for the leases to lapse."""
        for _, task in self._courses.values():
            task.cancel()
        for _, task in self._courses.values():
            with suppress(asyncio.CancelledError, Exception):
                await task
        with suppress(CopError):
            await in_threads(self._lease.release)


def announce_publications() -> list[str]:
    """Put what the settings publish into the book; what is new begins now. Their ids."""
    made = publications(get_settings())
    for one in made:
        book.create(replace(one, place_n=last_number(one.visible)))
    return [one.id for one in made]


@asynccontextmanager
async def delivering(hub: Hub) -> AsyncIterator[None]:
    """Deliver while the block lasts, unless the settings leave it to others."""
    if not get_settings().delivery:
        yield
        return
    publications(get_settings())  # a setting that cannot be read ends the start, not some later delivery
    worker = Worker(hub)
    task = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await worker.close()
