"""What is known of one request on its way: its id, its client, its route, who asks. No name and no value of it."""

from __future__ import annotations

import time
import uuid
from contextvars import ContextVar
from dataclasses import dataclass, field

from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

KEY = "cop.about"
NOWHERE = "(none)"
current: ContextVar[About | None] = ContextVar("about", default=None)


@dataclass(slots=True)
class About:
    """One request: filled in from the border inwards, and read by log, metrics and limits."""

    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    client: str = ""
    """The client's address; for counting only, it is never logged."""

    is_strange: bool = False
    """Whether a proxy that is not trusted stands between: the address is the proxy's then."""

    method: str = ""
    route: str = NOWHERE
    audience: str = "public"
    role: str | None = None
    department: str | None = None
    began: float = field(default_factory=time.perf_counter)
    status: int = 0
    sent: int = 0

    @property
    def ms(self) -> float:
        """Milliseconds since it came."""
        return 1000 * (time.perf_counter() - self.began)


def about(scope: Scope) -> About:
    """What is known of a request; of one that did not come by the border, nothing."""
    found: About | None = scope.get(KEY)
    return found if found is not None else About()


def named(routes: list[BaseRoute]) -> list[BaseRoute]:
    """The routes, each of which tells the request its template: paths hold ids, and there are too many of them."""
    for route in routes:
        if isinstance(route, Route):
            route.app = _Named(route.app, route.path)
        elif isinstance(route, Mount):
            route.app = _Named(route.app, f"{route.path}/…")
    return routes


class _Named:
    """An application that leaves its route's template with the request."""

    def __init__(self, app: ASGIApp, template: str) -> None:
        self._app = app
        self._template = template

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (found := scope.get(KEY)) is not None:
            found.route = self._template
        await self._app(scope, receive, send)
