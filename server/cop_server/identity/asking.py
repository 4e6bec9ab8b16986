"""`/auth/…`: the same server for clients that send a password only when they are asked for it (ArcGIS)."""

from __future__ import annotations

import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cop_server.identity.credentials import has_credentials
from cop_server.problems import problem

PREFIX = "/auth"
_CHALLENGE = 'Basic realm="cop", charset="UTF-8"'
_WITH_LINKS = re.compile(r"json|html|xml|text/plain")


class Asking:
    """ASGI middleware: below /auth nobody is anonymous, and links inside answers stay below it."""

    def __init__(self, app: ASGIApp, url: str) -> None:
        self._app = app
        self._links = re.compile(re.escape(url.encode()) + rb"""(?=[/?"'<\s&#]|$)""")
        self._own = url.encode() + PREFIX.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Ask for a password, or pass on without the prefix."""
        if scope["type"] != "http" or not (scope["path"] == PREFIX or scope["path"].startswith(f"{PREFIX}/")):
            await self._app(scope, receive, send)
            return
        if scope["method"] != "OPTIONS" and not has_credentials(Headers(scope=scope)):
            detail = "Below /auth every request needs credentials: Basic with an API key as the password."
            answer = problem(Request(scope), 401, "Not recognised", detail, {"WWW-Authenticate": _CHALLENGE})
            await answer(scope, receive, send)
            return
        await self._app(_behind(scope), receive, _Rewriting(send, self))

    def rewritten(self, body: bytes) -> bytes:
        """A body with its links to this server led through the prefix."""
        return self._links.sub(self._own, body)


def _behind(scope: Scope) -> Scope:
    """The request without the prefix, the session's cookie, and the wish for a compressed answer."""
    path = scope["path"].removeprefix(PREFIX) or "/"
    raw = scope.get("raw_path") or path.encode()
    left_out = (b"accept-encoding", b"cookie")
    headers = [(name, value) for name, value in scope["headers"] if name not in left_out]
    return {**scope, "path": path, "raw_path": raw.removeprefix(PREFIX.encode()) or b"/", "headers": headers}


class _Rewriting:
    """Sends on; what may hold links is gathered first, so that its length is right."""

    def __init__(self, send: Send, asking: Asking) -> None:
        self._send = send
        self._asking = asking
        self._start: Message | None = None
        self._parts: list[bytes] = []

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            self._lead(headers)
            if _WITH_LINKS.search(headers.get("content-type", "")) and "content-encoding" not in headers:
                self._start = message
                return
        elif self._start is not None:
            self._parts.append(message.get("body", b""))
            if message.get("more_body"):
                return
            body = self._asking.rewritten(b"".join(self._parts))
            if "content-length" in (headers := MutableHeaders(scope=self._start)) and body:
                headers["content-length"] = str(len(body))
            await self._send(self._start)
            message = {"type": "http.response.body", "body": body}
        await self._send(message)

    def _lead(self, headers: MutableHeaders) -> None:
        if "www-authenticate" in headers:
            headers["WWW-Authenticate"] = _CHALLENGE
        for name in ("location", "link"):
            if name in headers:
                headers[name] = self._asking.rewritten(headers[name].encode()).decode()
