"""Ask a department's server for one part of a feed: conditionally, bounded in time and size, and never too often."""

from __future__ import annotations

import asyncio
import random
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from cop_ingest.feeds import net
from cop_ingest.feeds.breaker import Breaker
from cop_ingest.feeds.declared import Feed, Part
from cop_ingest.feeds.unpack import CODINGS, Unpacker, Unreadable

_KEPT_HEADERS = ("etag", "last-modified", "date", "age", "content-type", "content-encoding", "content-length")
_KEPT_START = 64_000  # bytes kept of a body that is refused while it comes
_TRY_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Manners:
    """What a request may cost, in seconds: to connect, of silence, of the whole part with its repetitions.

    An attempt is repeated within the turn only where it failed within `soon`. With the silence that makes less than the
    ten seconds in which a feed that does not answer is to be told as down.
    """

    connect: float = 4.0
    silence: float = 6.0
    whole: float = 30.0
    soon: float = 1.0
    attempts: int = 3
    backoff: float = 0.5
    redirects: int = 5


@dataclass(frozen=True, slots=True)
class Known:
    """What was kept of a part's last answer: its validators, and the hash of its bytes."""

    etag: str | None = None
    last_modified: str | None = None
    hash: str | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """A part's answer. `body` is None where the server says that it is as before (304)."""

    status: int
    body: bytes | None
    headers: Mapping[str, str]
    seconds: float

    @property
    def modified_at(self) -> datetime | None:
        """When the server says that it was last changed, in UTC."""
        return http_date(self.headers.get("last-modified"))


class FetchFailed(Exception):
    """A part that could not be had.

    `wait` is how long the server asked to be left alone, in seconds; `rests` how long we leave its host alone, where
    nothing was asked now; `start` the first bytes of a body that was cut off or refused, as they came over the wire.
    """

    def __init__(
        self, cause: str, status: int | None = None, wait: float = 0.0, *, rests: float = 0.0,
        start: bytes | None = None,
    ) -> None:  # fmt: skip
        super().__init__(cause)
        self.cause = cause
        self.status = status
        self.wait = wait
        self.rests = rests
        self.start = start


class _Passing(FetchFailed):
    """A failure that the next attempt may not meet."""


class Fetcher:
    """One process's requests: connections that are kept, hosts that rest, and how to behave.

    They run in an event loop of their own thread, for only there a time limit holds at every point of a request, also
    while a name is looked up or a header comes byte by byte. `base` is the mirror or simulator that is asked instead
    of the hosts (COP_FEEDS_URL); its address may be private.
    """

    def __init__(self, contact: str, base: str = "", manners: Manners | None = None) -> None:
        self.base = base
        self.manners = manners or Manners()
        self.breaker = Breaker()
        self._agent = f"COP/0.1 (Common Operational Picture; {contact})"
        self._clients: dict[tuple[str, str], httpx.AsyncClient] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fetch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Close the connections and end the thread."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _close(self) -> None:
        for client in self._clients.values():
            await client.aclose()
        self._clients.clear()

    def fetch(self, feed: Feed, known: Mapping[str, Known]) -> dict[str, Fetched | FetchFailed]:
        """All parts of a feed at once; each one's answer, or why it could not be had."""
        return asyncio.run_coroutine_threadsafe(self._fetch_all(feed, known), self._loop).result()

    async def _fetch_all(self, feed: Feed, known: Mapping[str, Known]) -> dict[str, Fetched | FetchFailed]:
        found = await asyncio.gather(
            *(self._fetch(feed, part, known.get(name, Known())) for name, part in feed.parts.items())
        )
        return dict(zip(feed.parts, found, strict=True))

    async def _fetch(self, feed: Feed, part: Part, known: Known) -> Fetched | FetchFailed:
        rests = self.breaker.rests(part.host)
        if rests:
            cause = f"{part.host} did not answer several times; it is asked again in {rests:.0f} s"
            return FetchFailed(cause, rests=rests)
        try:
            async with asyncio.timeout(self.manners.whole):
                return await self._repeated(feed, part, known)
        except FetchFailed as exc:
            return exc
        except TimeoutError:
            self.breaker.failed(part.host)
            return FetchFailed(f"{part.host}: no whole answer within {self.manners.whole:g} s")

    async def _repeated(self, feed: Feed, part: Part, known: Known) -> Fetched:
        began = time.monotonic()
        for attempt in range(self.manners.attempts):
            try:
                fetched = await self._attempt(feed, part, known)
            except _Passing as exc:
                if exc.status is None:
                    self.breaker.failed(part.host)
                pause = max(exc.wait, self._pause(attempt))
                slow = time.monotonic() - began > self.manners.soon
                if attempt + 1 == self.manners.attempts or pause > self.manners.whole / 3 or slow:
                    raise
                await asyncio.sleep(pause)
                began += pause
            else:
                self.breaker.answered(part.host)
                return fetched
        raise AssertionError("the last attempt returns or raises")

    def _pause(self, attempt: int) -> float:
        doubled: float = self.manners.backoff * 2**attempt
        return doubled * random.uniform(0.5, 1.5)  # noqa: S311 - no secret is drawn

    async def _attempt(self, feed: Feed, part: Part, known: Known) -> Fetched:
        began = time.monotonic()
        address = net.mirrored(part.url, self.base) if self.base else part.url
        hosts = frozenset({urlsplit(self.base).hostname or ""} if self.base else {part.host, *feed.redirects})
        try:
            for _ in range(self.manners.redirects + 1):
                async with await self._open(address, feed.tls, self._headers(known)) as answer:
                    if answer.status_code not in (301, 302, 303, 307, 308):
                        return await self._read(answer, feed, part, known, began)
                    address = net.next_address(address, answer.headers.get("location"), hosts)
        except net.Forbidden as exc:
            raise FetchFailed(str(exc)) from exc
        except (httpx.TransportError, OSError) as exc:
            raise _Passing(f"{part.host}: {_words(exc)}") from exc
        except (httpx.HTTPError, httpx.InvalidURL) as exc:
            raise FetchFailed(f"{part.host}: {_words(exc)}") from exc
        raise FetchFailed(f"{part.host}: redirects more than {self.manners.redirects} times")

    async def _open(
        self, address: str, level: str, headers: Mapping[str, str]
    ) -> AbstractAsyncContextManager[httpx.Response]:
        parts = urlsplit(address)
        host = parts.hostname or ""
        client = self._client(host, level)
        if self.base or _has_proxy(parts.scheme, host):
            return client.stream("GET", address, headers=dict(headers))
        number = await asyncio.to_thread(
            net.public_address, host, parts.port or (443 if parts.scheme == "https" else 80)
        )
        return client.stream(
            "GET", net.pinned(parts, number), headers={**headers, "Host": parts.netloc},
            extensions={"sni_hostname": host},
        )  # fmt: skip

    def _client(self, host: str, level: str) -> httpx.AsyncClient:
        """A client of its own for each host: connections are to numbers, and one host's must not serve another."""
        if (host, level) not in self._clients:
            timeout = httpx.Timeout(self.manners.silence, connect=self.manners.connect)
            self._clients[host, level] = httpx.AsyncClient(verify=_tls(level), timeout=timeout, follow_redirects=False)
        return self._clients[host, level]

    def _headers(self, known: Known) -> dict[str, str]:
        headers = {
            "User-Agent": self._agent,
            "Accept": "*/*",
            "Accept-Encoding": CODINGS,
        }
        if known.hash and known.etag:
            headers["If-None-Match"] = known.etag
        if known.hash and known.last_modified:
            headers["If-Modified-Since"] = known.last_modified
        return headers

    async def _read(self, answer: httpx.Response, feed: Feed, part: Part, known: Known, began: float) -> Fetched:
        headers = {name: answer.headers[name][:300] for name in _KEPT_HEADERS if name in answer.headers}
        if answer.status_code == 304 and known.hash:
            return Fetched(304, None, headers, time.monotonic() - began)
        if answer.status_code != 200:
            raise _refused(answer)
        limit = int(feed.max_mb * 1_000_000)
        start = bytearray()
        try:
            unpacker = Unpacker(headers.get("content-encoding", ""), limit)
            promised = headers.get("content-length", "")
            async for piece in answer.aiter_raw():
                start += piece[: _KEPT_START - len(start)]
                if promised.isdigit() and int(promised) > limit:
                    raise Unreadable(f"has {int(promised):,} bytes; {limit:,} are allowed")
                unpacker.take(piece)
            body = unpacker.whole()
        except Unreadable as exc:
            raise FetchFailed(f"{urlsplit(str(answer.url)).path}: {exc}", 200, start=bytes(start)) from exc
        except httpx.TransportError as exc:
            raise _Passing(f"{part.host}: {_words(exc)}", start=bytes(start)) from exc
        return Fetched(200, body, headers, time.monotonic() - began)


def _refused(answer: httpx.Response) -> FetchFailed:
    status = answer.status_code
    cause = f"answers {status} {answer.reason_phrase}".strip()
    if status in _TRY_AGAIN:
        return _Passing(cause, status, _retry_after(answer.headers.get("retry-after")))
    return FetchFailed(cause, status)


def _retry_after(value: str | None) -> float:
    """Seconds of a Retry-After, which may also be a date; at most an hour."""
    if not value:
        return 0.0
    if value.strip().isdigit():
        return min(float(value), 3600.0)
    until = http_date(value)
    return min(max((until - datetime.now(UTC)).total_seconds(), 0.0), 3600.0) if until else 0.0


def http_date(value: str | None) -> datetime | None:
    """A date of HTTP in UTC; None where there is none."""
    if not value:
        return None
    try:
        found = parsedate_to_datetime(value)
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _words(exc: Exception) -> str:
    if isinstance(exc, httpx.TimeoutException):
        return "cannot be reached in time" if isinstance(exc, httpx.ConnectTimeout) else "fell silent"
    return str(exc).strip() or type(exc).__name__


def _has_proxy(scheme: str, host: str) -> bool:
    """Whether the machine reaches the Internet through a proxy: it then finds the host's address, and not we."""
    return scheme in getproxies() and not proxy_bypass(host)


@lru_cache(maxsize=2)
def _tls(level: str) -> ssl.SSLContext:
    return net.tls(level)
