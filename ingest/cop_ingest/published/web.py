"""Requests for downloads: one at a time, retried, redirected within limits, bounded in time and size.

The rules are those of the feeds (cop_ingest.feeds.fetch and net): the same library, redirects, addresses, waits and
words. What differs is the work: gigabytes go to a file in pieces, and go on where they stopped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import httpx

from cop.errors import LoadRefused
from cop_ingest.feeds import net
from cop_ingest.feeds.fetch import REDIRECTS, TRY_AGAIN, has_proxy, in_words, retry_after
from cop_ingest.published.manners import USER_AGENT, Manners

_LONGEST_WAIT = 120.0
_T = TypeVar("_T")


class TryAgain(Exception):
    """A failure that may pass: the message says which; `wait` is what the server asked for, in seconds."""

    def __init__(self, message: str, wait: float = 0.0) -> None:
        super().__init__(message)
        self.wait = wait


@dataclass(frozen=True, slots=True)
class Answer:
    """A server's answer: its status (200, 206, 304 or 416), its headers, and the body to be read."""

    status: int
    headers: Mapping[str, str]
    body: httpx.Response


class Web:
    """Requests for one layer: all share the layer's time and size.

    `clock` and `sleep` are the machine's; nothing here runs at the same time as anything else.
    """

    def __init__(self, manners: Manners) -> None:
        self.manners = manners
        self._ends_at = time.monotonic() + manners.seconds
        self._bytes_left = manners.bytes
        self._last: float | None = None
        self._client = httpx.Client(verify=net.tls("default"), timeout=manners.timeout, follow_redirects=False)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def retried(self, work: Callable[[], _T], what: str) -> _T:
        """The outcome of `work`, tried again while it raises TryAgain and attempts are left.

        Raises LoadRefused with the last failure where none are left.
        """
        told = ""
        wait = 0.0
        for attempt in range(self.manners.attempts):
            self._sleep(max(wait, self.manners.wait_before(attempt)), what)
            try:
                return work()
            except TryAgain as exc:
                told, wait = str(exc), min(exc.wait, _LONGEST_WAIT)
        raise LoadRefused(
            f"{what}: {told}, {self.manners.attempts} times; try again later, what has come is kept and goes on"
        )

    @contextmanager
    def get(self, address: str, headers: Mapping[str, str] | None = None) -> Iterator[Answer]:
        """The answer to a GET, open for reading.

        Raises TryAgain for what may pass (no connection, 429, 5xx) and LoadRefused for any other status.
        """
        self._pause()
        given = {"User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": "identity", **(headers or {})}
        try:
            with self._followed(address, given) as found:
                if found.status_code not in (200, 206, 304, 416):
                    raise _trouble(found, address)
                yield Answer(found.status_code, found.headers, found)
        except net.Forbidden as exc:
            raise LoadRefused(str(exc)) from exc
        except (httpx.TransportError, OSError) as exc:
            raise TryAgain(f"{address}: {in_words(exc)}") from exc
        except (httpx.HTTPError, httpx.InvalidURL) as exc:
            raise LoadRefused(f"{address}: {in_words(exc)}") from exc
        finally:
            self._last = time.monotonic()

    @contextmanager
    def _followed(self, address: str, headers: Mapping[str, str]) -> Iterator[httpx.Response]:
        """The answer behind at most so many redirects, each to the same host or to one of the public Internet."""
        asked = self._mirrored(address)
        own = urlsplit(asked).hostname
        for _ in range(self.manners.redirects + 1):
            with self._opened(asked, headers, trusted=urlsplit(asked).hostname == own) as found:
                if found.status_code not in REDIRECTS:
                    yield found
                    return
                asked = net.next_address(asked, found.headers.get("location"))
        raise LoadRefused(f"{address}: redirects too often: more than {self.manners.redirects} times")

    @contextmanager
    def _opened(self, asked: str, headers: Mapping[str, str], *, trusted: bool) -> Iterator[httpx.Response]:
        """The answer of one address. Who wrote the layer's file chose its host; where that leads to, nobody did."""
        parts = urlsplit(asked)
        host = parts.hostname or ""
        extensions: dict[str, Any] = {}
        if not trusted and not has_proxy(parts.scheme, host):
            number = net.public_address(host, parts.port or (443 if parts.scheme == "https" else 80))
            headers = {**headers, "Host": parts.netloc}
            asked, extensions = net.pinned(parts, number), {"sni_hostname": host}
        with self._client.stream("GET", asked, headers=dict(headers), extensions=extensions) as found:
            yield found

    def read(self, answer: Answer, address: str, into: Callable[[bytes], Any]) -> int:
        """Hand the body on in pieces; how many bytes there were.

        Raises TryAgain where the connection breaks or fewer bytes come than Content-Length says, LoadRefused where the
        layer's time or size is used up.
        """
        promised = answer.headers.get("Content-Length", "")
        if promised.isdigit() and int(promised) > self._bytes_left:
            raise LoadRefused(f"{address}: has {int(promised):,} bytes, more than the {self.manners.bytes:,} allowed")
        seen = 0
        pieces = answer.body.iter_raw()
        while True:
            try:
                piece = next(pieces, None)
            except (httpx.TransportError, OSError) as exc:
                raise TryAgain(f"{address}: broke off after {seen:,} bytes ({in_words(exc)})") from exc
            if piece is None:
                return seen
            into(piece)
            seen += len(piece)
            self._take(len(piece), address)

    def _take(self, count: int, address: str) -> None:
        self._bytes_left -= count
        if self._bytes_left < 0:
            raise LoadRefused(f"{address}: brings more than the {self.manners.bytes:,} bytes allowed for a layer")
        self._check_time(address)

    def _mirrored(self, address: str) -> str:
        parts = urlsplit(address)
        mirror = self.manners.mirrors.get(parts.hostname or "")
        if mirror is None:
            return address
        base = urlsplit(mirror)
        return urlunsplit((base.scheme, base.netloc, base.path.rstrip("/") + parts.path, parts.query, ""))

    def _pause(self) -> None:
        if self._last is not None:
            rest = self._last + self.manners.pause - time.monotonic()
            if rest > 0:
                time.sleep(rest)

    def _sleep(self, seconds: float, what: str) -> None:
        if time.monotonic() + seconds > self._ends_at:
            self._check_time(what, seconds)
        time.sleep(seconds)

    def _check_time(self, what: str, ahead: float = 0.0) -> None:
        if time.monotonic() + ahead > self._ends_at:
            raise LoadRefused(
                f"{what}: takes longer than the {self.manners.seconds:g} s allowed; run it again, it goes on from here"
            )


def _trouble(found: httpx.Response, address: str) -> Exception:
    status = found.status_code
    if status in TRY_AGAIN:
        return TryAgain(f"{address}: answered {status}", retry_after(found.headers.get("retry-after")))
    way = "the address has moved: correct source.published in the layer's file" if status in (404, 410) else (
        "ask the department, or fetch the file by hand into the data folder"
    )  # fmt: skip
    return LoadRefused(f"{address}: answered {status} {found.reason_phrase}; {way}")
