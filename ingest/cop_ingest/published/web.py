"""Requests to the departments' servers: one at a time, retried, redirected within limits, bounded in time and size."""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from typing import IO, Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

from cop.errors import LoadRefused
from cop_ingest.published.manners import USER_AGENT, Manners

_CHUNK = 1 << 16
_TRY_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
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
    headers: Message
    body: http.client.HTTPResponse | urllib.error.HTTPError


class Web:
    """Requests for one layer: all share the layer's time and size.

    `clock` and `sleep` are the machine's; nothing here runs at the same time as anything else.
    """

    def __init__(self, manners: Manners) -> None:
        self.manners = manners
        self._ends_at = time.monotonic() + manners.seconds
        self._bytes_left = manners.bytes
        self._last: float | None = None
        self._opener = urllib.request.build_opener(_redirects(manners.redirects))

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
        asked = self._mirrored(address)
        request = urllib.request.Request(  # noqa: S310 - the address is http or https, as the layer file must say
            asked, headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity", **(headers or {})}
        )
        try:
            with self._opener.open(request, timeout=self.manners.timeout) as found:
                yield Answer(found.status, found.headers, found)
        except urllib.error.HTTPError as exc:
            with exc:
                if exc.code in (304, 416):
                    yield Answer(exc.code, exc.headers, exc)
                    return
                raise _trouble(exc, address) from exc
        except (OSError, http.client.HTTPException) as exc:
            raise TryAgain(f"{address}: {_words(exc)}") from exc
        finally:
            self._last = time.monotonic()

    def read(self, answer: Answer, address: str, into: Callable[[bytes], Any]) -> int:
        """Hand the body on in pieces; how many bytes there were.

        Raises TryAgain where the connection breaks or fewer bytes come than Content-Length says, LoadRefused where the
        layer's time or size is used up.
        """
        promised = answer.headers.get("Content-Length", "")
        if promised.isdigit() and int(promised) > self._bytes_left:
            raise LoadRefused(f"{address}: has {int(promised):,} bytes, more than the {self.manners.bytes:,} allowed")
        seen = 0
        while True:
            try:
                piece = answer.body.read1(_CHUNK)
            except (OSError, http.client.HTTPException) as exc:
                raise TryAgain(f"{address}: broke off after {seen:,} bytes ({_words(exc)})") from exc
            if not piece:
                break
            into(piece)
            seen += len(piece)
            self._bytes_left -= len(piece)
            if self._bytes_left < 0:
                raise LoadRefused(f"{address}: brings more than the {self.manners.bytes:,} bytes allowed for a layer")
            self._check_time(address)
        if promised.isdigit() and seen < int(promised):
            raise TryAgain(f"{address}: broke off after {seen:,} of {int(promised):,} bytes")
        return seen

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


def _redirects(most: int) -> urllib.request.HTTPRedirectHandler:
    class Limited(_Redirects):
        max_redirections = max_repeats = most

    return Limited()


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Redirects to http and https only, and never from https to http."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        scheme = urlsplit(newurl).scheme
        if scheme not in ("http", "https") or (req.type == "https" and scheme == "http"):
            raise LoadRefused(f"{req.full_url}: redirects to {newurl}; wanted https, so it is not followed")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _trouble(exc: urllib.error.HTTPError, address: str) -> Exception:
    if exc.code in _TRY_AGAIN:
        asked = exc.headers.get("Retry-After", "") if exc.headers else ""
        return TryAgain(f"{address}: answered {exc.code}", float(asked) if asked.isdigit() else 0.0)
    if 300 <= exc.code < 400:
        return LoadRefused(f"{address}: redirects too often ({exc.reason})")
    way = "the address has moved: correct source.published in the layer's file" if exc.code in (404, 410) else (
        "ask the department, or fetch the file by hand into the data folder"
    )  # fmt: skip
    return LoadRefused(f"{address}: answered {exc.code} {exc.reason}; {way}")


def _words(exc: Exception) -> str:
    reason = exc.reason if isinstance(exc, urllib.error.URLError) else exc
    return str(reason) or type(reason).__name__
