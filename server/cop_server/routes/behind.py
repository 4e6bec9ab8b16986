"""pygeoapi behind the fast road: what its router does not know is told in our words."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Behind:
    """An ASGI application whose plain-text refusals become ours; its own answers pass as they are."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, holding back the one kind of answer that its router makes."""
        refused = 0

        async def sifted(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start" and _is_bare_refusal(message):
                refused = int(message["status"])
            if not refused:
                await send(message)

        await self._app(scope, receive, sifted)
        if refused:
            raise HTTPException(refused)


def _is_bare_refusal(message: Message) -> bool:
    kind = dict(message["headers"]).get(b"content-type", b"")
    return int(message["status"]) >= 400 and bytes(kind).startswith(b"text/plain")
