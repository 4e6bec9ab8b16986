"""Rates: who asks is recognised here, once, and counted; who asks too much is told when to come again.

The public is counted by address (of IPv6 by /64), who is known by who it is. Each process counts for itself.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cop.errors import CopError, NotRecognised, StoreTrouble
from cop.identity import ANONYMOUS, Principal
from cop.limits import BUCKETS, Audience, Bucket, per_window
from cop.settings import Settings
from cop_server.border.about import About, about
from cop_server.border.client import counted_as
from cop_server.border.lately import Lately, digest_of
from cop_server.border.metrics import LIMITED
from cop_server.border.windows import Rate, Standing, Windows
from cop_server.fair import work_for
from cop_server.identity.asker import KEY
from cop_server.identity.credentials import recognise, recognised_at_once
from cop_server.problems import problem
from cop_server.routes.road import threads

_FREE: Final = frozenset({"/health", "/ready", "/metrics"})
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_TILES: Final = re.compile(
    r"^/(?:basemaps|glyphs|sprites|styles|tiles|map-assets|static)(?:/|$)|^/collections/[^/]+/(?:tiles/|styles/.*/legend$)"
)
_EXPORTS: Final = re.compile(r"^/events$|^/collections/[^/]+/(?:changes|coverage)$|^/clients/")
_STREAMS: Final = "/events"
_READS_BY_POST: Final = re.compile(r"^/processes/[^/]+/execution$")
# Credentials that are not good: what guessing costs the store is bounded so, and the guesser gets nowhere.
_GUESSES: Final = Rate("guesses", 30, 60)


class Rates:
    """ASGI middleware: recognises, counts, and refuses what is too much with 429."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        self._windows = Windows()
        self._lately = Lately()
        self._rates = _rates(settings)
        self._open: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count and pass on, or refuse."""
        if scope["type"] != "http" or scope["path"] in _FREE:
            await self._app(scope, receive, send)
            return
        known = about(scope)
        address = counted_as(known.client)
        work_for(address)
        asker = await self._asker(Headers(scope=scope), address)
        if asker is None:
            answer = self._too_many(scope, "guesses", _GUESSES, self._windows.hit(_GUESSES, address, cost=0))
            await answer(scope, receive, send)
            return
        principal = asker if isinstance(asker, Principal) else ANONYMOUS
        audience = _tell(known, principal)
        # Whoever enters the exercise by a click is somebody new each time.
        who = principal.subject if principal.is_known and principal.only_mode is None else address
        work_for(who)
        inner = {**scope, KEY: asker}
        refused = self._fault_of_size(scope, audience)
        if refused is None and self._settings.rate_limits:
            bucket = bucket_of(scope["method"], scope["path"])
            rate = self._rates[audience, bucket]
            standing = self._windows.hit(rate, who)
            if standing.allowed:
                send = _telling(send, _headers(bucket, rate, standing))
            else:
                refused = self._too_many(scope, bucket, rate, standing)
        if refused is not None:
            await refused(scope, receive, send)
        elif scope["path"] == _STREAMS:
            await self._streamed(inner, receive, send, who)
        else:
            await self._app(inner, receive, send)

    async def _asker(self, headers: Headers, address: str) -> Principal | CopError | None:
        """Who asks, or why that is not known: the route says so, if it matters there; None: too many have guessed."""
        digest = digest_of(headers)
        try:
            principal = recognised_at_once(headers)
            if principal is not None:
                return principal
            if (fault := self._lately.fault(digest)) is not None:
                return fault
            if not (self._may_ask(address) or self._lately.was_good(digest)):
                return self._lately.fault(digest, older=True)
            found = await asyncio.get_running_loop().run_in_executor(threads(), recognise, headers)
            self._lately.is_good(digest)
            return found
        except NotRecognised as exc:
            if self._lately.is_bad(digest, exc):
                self._windows.hit(_GUESSES, address)
            return exc
        except StoreTrouble as exc:
            return exc

    def _may_ask(self, address: str) -> bool:
        """Whether credentials that are not known yet are asked about: few bad ones have come from there."""
        return not self._settings.rate_limits or self._windows.hit(_GUESSES, address, cost=0).allowed

    async def _streamed(self, scope: Scope, receive: Receive, send: Send, who: str) -> None:
        """A stream of events, of which a client, and the process, hold only so many open."""
        most = self._settings.limits.of(about(scope).audience).streams  # type: ignore[arg-type]
        if self._open.total() >= self._settings.events_streams:
            detail = "So many streams of events are open that no more can be; please try again later."
            refused = problem(Request(scope), 503, "Not at the moment", detail, {"Retry-After": "30"})
            await refused(scope, receive, send)
            return
        if self._settings.rate_limits and self._open[who] >= most:
            LIMITED.labels("streams", about(scope).audience).inc()
            detail = f"{most} streams of events of yours are open, and more are not kept; close one of them."
            refused = problem(Request(scope), 429, "Too many streams", detail, {"Retry-After": "10"})
            await refused(scope, receive, send)
            return
        self._open[who] += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._open[who] -= 1
            if not self._open[who]:
                del self._open[who]

    def _fault_of_size(self, scope: Scope, audience: Audience) -> Response | None:
        """A refusal of a body that is said to be larger than the audience's may be; the rest is counted as it comes."""
        told = Headers(scope=scope).get("content-length", "0")
        most = largest_body(self._settings, audience)
        if not told.isdecimal() or int(told[:19]) <= most:
            return None
        detail = f"the body is {told[:19]} bytes long; at most {most} are read"
        # What has not been read of the body is not a request.
        return problem(Request(scope), 413, "Too large", detail, {"Connection": "close"}, parameter="body")

    def _too_many(self, scope: Scope, bucket: str, rate: Rate, standing: Standing) -> Response:
        LIMITED.labels(bucket, about(scope).audience).inc()
        detail = (
            f"Too many requests of the kind {bucket}: at most {rate.amount} in {rate.seconds} seconds are answered."
            f" Please come again in {standing.wait} s."
        )
        headers = dict(_headers(bucket, rate, standing)) | {"Retry-After": str(standing.wait)}
        return problem(Request(scope), 429, "Too many requests", detail, headers)


def _headers(bucket: str, rate: Rate, standing: Standing) -> tuple[tuple[str, str], ...]:
    """How the client stands, by draft-ietf-httpapi-ratelimit-headers."""
    return (
        ("RateLimit-Policy", f'"{bucket}";q={rate.amount};w={rate.seconds}'),
        ("RateLimit", f'"{bucket}";r={standing.left};t={rate.seconds if standing.allowed else standing.wait}'),
    )


def _telling(send: Send, more: tuple[tuple[str, str], ...]) -> Send:
    async def told(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in more:
                headers[name] = value
        await send(message)

    return told


def largest_body(settings: Settings, audience: Audience) -> int:
    """How many bytes a request's body may have."""
    return int(1_000_000 * min(settings.body_mb, settings.limits.of(audience).body_mb))


def bucket_of(method: str, path: str) -> Bucket:
    """What a request is counted as."""
    if method not in _SAFE and not _READS_BY_POST.match(path):
        return "writes"
    if _EXPORTS.search(path):
        return "exports"
    return "tiles" if _TILES.search(path) else "reads"


def _tell(known: About, principal: Principal) -> Audience:
    """Leave with the request who asks: audience, role and department, and no name."""
    seen = principal.visible(principal.only_mode or "actual")
    known.audience, known.role, known.department = seen.audience, principal.role, principal.department
    return seen.audience


def _rates(settings: Settings) -> dict[tuple[str, str], Rate]:
    found: dict[tuple[str, str], Rate] = {}
    for audience in type(settings.limits).model_fields:
        allowance = getattr(settings.limits, audience)
        for bucket in BUCKETS:
            found[audience, bucket] = Rate(f"{audience}/{bucket}", *per_window(getattr(allowance, bucket)))
    return found
