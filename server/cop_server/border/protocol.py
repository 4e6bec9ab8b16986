"""Connections: uvicorn's own reading of HTTP, with an end to what a client may hold of the server's memory and time.

What it bounds: address and headers (431), the time to send them and the body (408 in effect: the connection ends), how
many connections may stand that have asked nothing yet, and answers that nobody takes.
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar, Final

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from cop.settings import get_settings
from cop_server.border.metrics import CONNECTIONS_CUT

_BODY_PATIENCE: Final = 5  # times COP_STALLED_S, for a whole body


class _HeadTooLarge(Exception):
    """Raised in the parser's callbacks; it ends the reading."""


class Protocol(HttpToolsProtocol):
    """One connection. Dictionaries of the class hold those of the process, the longest there first."""

    _asking: ClassVar[dict[Protocol, None]] = {}
    _stuck: ClassVar[dict[Protocol, None]] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        settings = get_settings()
        self._most_head = 1000 * settings.header_kb
        self._most_asking = settings.half_open
        self._most_unread = 1_000_000 * settings.unread_mb
        self._head_seconds = settings.header_s
        self._stalled_seconds = settings.stalled_s
        self._in_head = True
        self._fed = 0  # bytes that came while headers were awaited, whole ones or not
        self._head = 0  # bytes of this request's address and headers
        self._over = False
        self._patience: asyncio.TimerHandle | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._untaken = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client is there; it has so long to say what it wants."""
        super().connection_made(transport)
        self._asking[self] = None
        if len(self._asking) > self._most_asking:
            next(iter(self._asking))._cut("half-open")
        self._wait(self._head_seconds, "slow headers")

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._asking.pop(self, None)
        self._taken()
        self._wait(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, unless what stands before the body is too large already."""
        if self._in_head:
            self._fed += len(data)
        super().data_received(data)
        if self._in_head and self._fed > self._most_head and not self.transport.is_closing():
            self._refuse_head()

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._head = 0
        if not self._in_head:
            self._in_head, self._fed = True, 0
        self._wait(self._head_seconds, "slow headers")

    def on_url(self, url: bytes) -> None:
        """A part of the address."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer."""
        self._count(len(name) + len(value) + 4)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """It is known what is wanted; a body may follow."""
        self._asking.pop(self, None)
        self._in_head = False
        self._wait(_BODY_PATIENCE * self._stalled_seconds, "slow body")
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The whole request is there."""
        self._wait(None)
        super().on_message_complete()
        self._in_head, self._fed = True, 0

    def send_400_response(self, msg: str) -> None:
        """Refuse what cannot be read, in the form of all our refusals, and end the connection."""
        if self._over:
            CONNECTIONS_CUT.labels("large headers").inc()
            title, status = "Headers too large", 431
            msg = f"Address and headers are longer than {self._most_head} bytes together."
        else:
            title, status = "The request cannot be read", 400
        body = orjson.dumps({"type": "about:blank", "title": title, "status": status, "detail": msg})
        phrase = b"Request Header Fields Too Large" if self._over else b"Bad Request"
        self.transport.write(
            b"HTTP/1.1 %d %s\r\ncontent-type: application/problem+json\r\ncontent-length: %d\r\n"
            b"cache-control: no-store\r\nx-content-type-options: nosniff\r\nconnection: close\r\n\r\n%s"
            % (status, phrase, len(body), body)
        )
        self.transport.close()

    def pause_writing(self) -> None:
        """The client takes its answer more slowly than it is made; so long as it takes something it is waited for."""
        super().pause_writing()
        self._stuck[self] = None
        self._look_later()
        if sum(one.transport.get_write_buffer_size() for one in self._stuck) > self._most_unread:
            next(iter(self._stuck))._cut("unread")

    def resume_writing(self) -> None:
        """The client has caught up."""
        super().resume_writing()
        self._taken()

    def timeout_keep_alive_handler(self) -> None:
        """Nothing more was asked; what was not taken of the last answer by now is not waited for."""
        if self.transport.get_write_buffer_size():
            self._cut("stalled")
        super().timeout_keep_alive_handler()

    def _count(self, size: int) -> None:
        self._head += size
        if self._head > self._most_head:
            self._over = True
            raise _HeadTooLarge

    def _refuse_head(self) -> None:
        self._over = True
        self.send_400_response("")

    def _wait(self, seconds: float | None, why: str = "") -> None:
        """Let the connection end in so many seconds, in place of what was set before; None: let it be."""
        if self._patience is not None:
            self._patience.cancel()
        self._patience = None if seconds is None else self.loop.call_later(seconds, self._cut, why)

    def _look_later(self) -> None:
        self._untaken = self.transport.get_write_buffer_size()
        self._watch = self.loop.call_later(self._stalled_seconds, self._look)

    def _look(self) -> None:
        if self.transport.get_write_buffer_size() >= self._untaken:
            self._cut("stalled")
        else:
            self._look_later()

    def _taken(self) -> None:
        self._stuck.pop(self, None)
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def _cut(self, why: str) -> None:
        """End the connection now, whatever waits in it."""
        self._asking.pop(self, None)
        self._taken()
        CONNECTIONS_CUT.labels(why).inc()
        self.transport.abort()
