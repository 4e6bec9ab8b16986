"""The guard of sessions: what a cookie alone may not do, and the end of cookies that are no longer good."""

from __future__ import annotations

import hmac
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cop.settings import get_settings
from cop_server.identity.credentials import has_credentials
from cop_server.identity.sessions import (
    CSRF_HEADER,
    Session,
    clear_cookie,
    cookie_of,
    session_at_once,
    session_of,
)
from cop_server.problems import problem

_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_BEGINNING = ("POST", "/session")


class SessionGuard:
    """ASGI middleware: a browser sends its cookie with whatever any page asks: a change needs proof that ours asked."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on; a cookie that is not good is taken off the request and away from the browser."""
        headers = Headers(scope=scope) if scope["type"] == "http" else None
        if headers is None or not _concerns(scope, headers):
            await self._app(scope, receive, send)
            return
        session = None if has_credentials(headers) else await _session(headers)
        if scope["method"] not in _SAFE and (fault := _fault(scope, headers, session)) is not None:
            answer = problem(Request(scope), 403, "Not allowed", fault, parameter=CSRF_HEADER)
            await answer(scope, receive, send)
            return
        if session is None and cookie_of(headers) is not None and not has_credentials(headers):
            await self._app(_without_cookies(scope), receive, _clearing(send))
            return
        await self._app(scope, receive, send)


def _concerns(scope: Scope, headers: Headers) -> bool:
    """Whether what a browser sends by itself decides who asks, or a session is being begun."""
    if (scope["method"], scope["path"]) == _BEGINNING:
        return True
    if headers.get("authorization", "").lower().startswith("basic"):
        return scope["method"] not in _SAFE  # a browser that was asked below /auth sends its password again
    return cookie_of(headers) is not None and not has_credentials(headers)


async def _session(headers: Headers) -> Session | None:
    known, session = session_at_once(headers)
    return session if known else await run_in_threadpool(session_of, headers)


def _fault(scope: Scope, headers: Headers, session: Session | None) -> str | None:
    """Why a request that changes something is not taken to come from our own page."""
    if headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return "The browser says that another site's page sent this (Sec-Fetch-Site); only our own page may."
    if not _is_own(headers.get("origin"), headers.get("host", "")):
        return "The browser says that another origin's page sent this (Origin); only our own page may."
    if session is None or (scope["method"], scope["path"]) == _BEGINNING:
        return None
    if not hmac.compare_digest(headers.get(CSRF_HEADER, "").encode(), session.csrf.encode()):
        return (
            f"A change with the session's cookie needs the header {CSRF_HEADER}: the value of `csrf` in GET /session."
        )
    return None


def _is_own(origin: str | None, host: str) -> bool:
    """Whether an origin is the server's public address or the one that the request went to; programs send none."""
    if origin is None:
        return True
    sent, own = urlsplit(origin), urlsplit(get_settings().url)
    return (sent.scheme, sent.netloc) == (own.scheme, own.netloc) or sent.netloc == host != ""


def _without_cookies(scope: Scope) -> Scope:
    return {**scope, "headers": [(name, value) for name, value in scope["headers"] if name != b"cookie"]}


def _clearing(send: Send) -> Send:
    async def cleared(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            if "set-cookie" not in headers:
                headers.append("Set-Cookie", clear_cookie())
            # A cache on the way would clear other people's cookies.
            headers["Cache-Control"] = "private, no-cache"
        await send(message)

    return cleared
