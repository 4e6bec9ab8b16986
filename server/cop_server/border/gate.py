"""The gate: the outermost. A request gets an id, its client and a line in the log; an answer the headers of safety."""

from __future__ import annotations

import logging
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cop.settings import Settings
from cop_server.border.about import KEY, About, current
from cop_server.border.client import client_of, without_hearsay
from cop_server.border.log import access
from cop_server.border.metrics import note
from cop_server.border.sizes import fault_of
from cop_server.problems import HANDLERS, problem

_log = logging.getLogger(__name__)

# The map's own files and answers only; MapLibre draws into blobs and data images.
PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "worker-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
# What is no page has nothing to load, if a browser is brought to show it as one; how it shows XML and text is its own.
_DATA_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"
_DATA: Final = ("application/json", "application/geo+json", "application/problem+json", "image/", "application/xml",
                "text/xml", "application/vnd.")  # fmt: skip
_PERMISSIONS: Final = (
    "geolocation=(self), camera=(), microphone=(), payment=(), usb=(), serial=(), midi=(), "
    "display-capture=(), browsing-topics=()"
)
_YEAR_SECONDS: Final = 31_536_000


class Gate:
    """ASGI middleware: what every request and every answer passes, refusals and faults too."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        self._longest_url = 1000 * settings.url_kb
        self._secure = settings.url.startswith("https:")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with what is known of it; see to it that every answer is safe, counted and logged."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        client = client_of(scope, self._settings.trusted_proxies, self._settings.proxy_headers)
        known = About(client=client.address, method=scope["method"], is_strange=client.strange)
        known.id = client.request_id or known.id
        inner = {**without_hearsay(scope, client), KEY: known, "cop.request_id": known.id}
        told = current.set(known)
        try:
            await self._answered(inner, receive, self._guarded(known, send), known)
        finally:
            current.reset(told)
            note(known)
            access(known)

    async def _answered(self, scope: Scope, receive: Receive, send: Send, known: About) -> None:
        if (fault := fault_of(scope, self._longest_url)) is not None:
            answer = problem(Request(scope), fault.status, fault.title, fault.detail, {"Connection": "close"})
            await answer(scope, receive, send)
            return
        try:
            await self._app(scope, receive, send)
        except Exception as exc:
            if known.status:  # half of an answer is out: only the end of the connection can say that it is not whole
                _log.error("an answer broke off", exc_info=exc)
                raise
            # What the middleware within raises is told as what a route raises.
            handler = next(HANDLERS[kind] for kind in type(exc).__mro__ if kind in HANDLERS)
            answer = await handler(Request(scope), exc)
            await answer(scope, receive, send)

    def _guarded(self, known: About, send: Send) -> Send:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                known.status = message["status"]
                self._make_safe(MutableHeaders(scope=message), known)
            elif message["type"] == "http.response.body":
                known.sent += len(message.get("body", b""))
            await send(message)

        return guarded

    def _make_safe(self, headers: MutableHeaders, known: About) -> None:
        kind = headers.get("content-type", "")
        headers["X-Request-Id"] = known.id
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "same-origin"
        if self._secure:
            headers["Strict-Transport-Security"] = f"max-age={_YEAR_SECONDS}"
        if kind.startswith("text/html"):
            headers["Content-Security-Policy"] = PAGE_POLICY
            headers["Permissions-Policy"] = _PERMISSIONS
            headers["Cross-Origin-Opener-Policy"] = "same-origin"
            headers["Cross-Origin-Resource-Policy"] = "same-origin"
            headers["X-Frame-Options"] = "DENY"
            headers.add_vary_header("Accept, Accept-Language")
        else:
            # The API is there to be read from other sites' pages; what a session sees goes by CORS, which has none.
            headers["Cross-Origin-Resource-Policy"] = "cross-origin" if known.role is None else "same-origin"
            if kind.startswith(_DATA):
                headers["Content-Security-Policy"] = _DATA_POLICY
        if "x-powered-by" in headers:
            del headers["x-powered-by"]
