"""The stream of events: a question with its place, then catching up, then every change as it comes."""

from __future__ import annotations

import asyncio
import logging
import time

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from cop.catalogue import catalogue
from cop.errors import CopError, NotRecognised, Refused, StoreTrouble
from cop.identity import Principal
from cop.query.answer import identity
from cop.query.canonical import question_hash
from cop.query.delta import Place, bounds, check_since, marks
from cop.query.parse_changes import read_event_id, read_stream
from cop.query.question import Question
from cop.settings import get_settings
from cop_server.events.channel import Channel, Subscriber, in_threads
from cop_server.events.encode import marker, moved, next_batch, standing, told
from cop_server.events.hub import Hub
from cop_server.identity.credentials import recognise, recognised_at_once
from cop_server.routes.road import Ask

_log = logging.getLogger(__name__)
_RETRY_MS = 2000
_KNOWN_SECONDS = 5.0  # how long a stream goes by what was known of its credentials
_HEADER = "Last-Event-ID"
_ENDED = marker("ended", "the credentials are not good any longer")


class _NotKnown(Exception):
    """The credentials of a stream have ended while it caught up."""


class Events:
    """The route of streams."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def stream(self, ask: Ask) -> Response:
        """A stream from the place that the client names, else from now on."""
        questions = read_stream(catalogue(), ask.visible, ask.given)
        known = bounds(ask.visible, [question.layer for question in questions])
        start = Place(known.last)
        sent = ask.request.headers.get(_HEADER)
        # A client that reconnects repeats its first address; the header is the newer of the two.
        for parameter, text in ((_HEADER, sent), ("since", ask.given.get("since"))):
            if text:
                start = read_event_id(text, parameter)
                check_since(ask.visible, start, known, parameter)
                break
            if text == "" and parameter == "since":
                raise Refused("since: it is empty", "since", str(known.last))
        if self._hub.is_closing:
            raise StoreTrouble("The server is about to stop; please try again.")
        return EventStream(self._hub, ask, questions, start, Place(known.last))


class EventStream(Response):
    """An answer that goes on: no thread waits for it."""

    def __init__(self, hub: Hub, ask: Ask, questions: tuple[Question, ...], start: Place, last: Place) -> None:
        super().__init__(
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no", "COP-Sequence": str(start.n)},
            media_type="text/event-stream",
        )
        del self.headers["content-length"]
        self._hub = hub
        self._ask = ask
        self._questions = questions
        self._start = start
        self._last = last
        self._key = question_hash(*map(identity, questions))
        self._checked = time.monotonic()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the client goes, the server stops, or the credentials end."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        if scope["method"] != "HEAD":
            feeding = asyncio.create_task(self._feed(send))
            leaving = asyncio.create_task(_left(receive))
            try:
                await asyncio.wait({feeding, leaving}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                feeding.cancel()
                leaving.cancel()
            for outcome in await asyncio.gather(feeding, leaving, return_exceptions=True):
                if isinstance(outcome, Exception):
                    _log.error("a stream failed", exc_info=outcome)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _feed(self, send: Send) -> None:
        channel = self._hub.open(self._key, self._ask.visible, self._questions, self._last)
        reader = Subscriber(get_settings().events_queue_kb * 1000)
        try:
            await _send(send, b"retry: %d\n%s" % (_RETRY_MS, standing(self._start)))
            reader.place = await self._catch_up(channel, send)
            channel.subscribers.add(reader)  # nothing was awaited since the place was compared: no gap
            await self._live(reader, send)
        except _NotKnown:
            await _send(send, _ENDED)
        finally:
            channel.subscribers.discard(reader)
            self._hub.leave(channel)

    async def _catch_up(self, channel: Channel, send: Send) -> Place:
        """Read at the client's own pace up to where the channel stands; the place reached."""
        place = self._start
        while not self._hub.is_closing and not _reaches(place, channel.place):
            try:
                place = await self._walk(place, channel.place.n, send)
            except StoreTrouble as exc:
                await _send(send, marker("interrupted", exc.detail))
                await asyncio.sleep(1)
        return place

    async def _walk(self, place: Place, until: int, send: Send) -> Place:
        visible, url = self._ask.visible, self._hub.url
        walk = told(moved(self._questions, await in_threads(marks, visible), place), place, until)
        while place != Place(until) and not self._hub.is_closing:
            batch = await in_threads(next_batch, url, visible, walk, place, until)
            for chunk in batch.chunks:
                await _send(send, chunk)
            self._start = place = batch.until
            if not await self._is_still_known():
                raise _NotKnown
        return place

    async def _live(self, reader: Subscriber, send: Send) -> None:
        beat = get_settings().events_heartbeat_s
        patience = min(beat, _KNOWN_SECONDS) if self._ask.principal.is_known else beat
        spoken = time.monotonic()
        while reader.end is None and not self._hub.is_closing:
            chunk = await reader.next(patience)
            if chunk is not None:
                await _send(send, chunk)
                spoken = time.monotonic()
            elif reader.end is None and time.monotonic() - spoken >= beat:
                await _send(send, b": still here\n%s" % standing(reader.place))
                spoken = time.monotonic()
            if not await self._is_still_known():
                reader.finish(_ENDED)
        await _send(send, reader.end or marker("closed", "the server stops; begin again with the last id"))

    async def _is_still_known(self) -> bool:
        """Whether the credentials stand for the same as at the beginning; asked every few seconds."""
        if not self._ask.principal.is_known or time.monotonic() - self._checked < _KNOWN_SECONDS:
            return True
        self._checked = time.monotonic()
        headers = self._ask.request.headers
        try:
            now: Principal | None = recognised_at_once(headers)
            return (now or await in_threads(recognise, headers)) == self._ask.principal
        except NotRecognised:
            return False
        except CopError:
            return True  # the store does not answer: nothing is sent then either


def _reaches(place: Place, other: Place) -> bool:
    return place == other or (place.n >= other.n and place.feature is None)


async def _send(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
