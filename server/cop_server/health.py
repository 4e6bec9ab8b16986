"""Health: whether the process lives, and whether it can answer."""

from __future__ import annotations

import asyncio
import time

from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from cop.errors import CopError, NotPermitted
from cop.settings import Settings
from cop.store.reading import reading
from cop.visible import VisibleSet
from cop_server.border.about import about
from cop_server.border.client import is_within
from cop_server.border.gauges import StoreCollector
from cop_server.border.metrics import exposition

_READY_SECONDS = 1.0  # how long what was found of the store is gone by


def health_routes(settings: Settings) -> list[BaseRoute]:
    """The two addresses that a load balancer asks, and the one that Prometheus reads."""
    return [Route("/health", _health), Route("/ready", _Ready().told), Route("/metrics", _Metrics(settings).told)]


async def _health(_: Request) -> Response:
    return JSONResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})


class _Metrics:
    """Metrics, for those networks alone that may read them; others learn only that nothing is here for them."""

    def __init__(self, settings: Settings) -> None:
        self._networks = settings.metrics_from
        self._store = StoreCollector(settings.mode)

    def told(self, request: Request) -> Response:
        """The metrics of all processes."""
        known = about(request.scope)
        # By a proxy that is not trusted, everybody comes from the proxy's address.
        if known.is_strange or not is_within(known.client, self._networks):
            raise NotPermitted("/metrics is read from the networks of COP_METRICS_FROM only")
        return Response(
            exposition(self._store), headers={"Cache-Control": "no-store"}, media_type=CONTENT_TYPE_PLAIN_1_0_0
        )


class _Ready:
    """Whether the store answers, asked once a second at most: however many ask, one connection is taken for it."""

    def __init__(self) -> None:
        self._look: asyncio.Task[CopError | None] | None = None
        self._looked = 0.0

    async def told(self, _: Request) -> Response:
        """The answer of the look under way, or of the last one."""
        now = time.monotonic()
        if self._look is None or (self._look.done() and now - self._looked >= _READY_SECONDS):
            self._looked = now
            self._look = asyncio.create_task(run_in_threadpool(_trouble))
        trouble = await asyncio.shield(self._look)
        if trouble is not None:
            raise trouble.with_traceback(None)
        return JSONResponse({"status": "ready"}, headers={"Cache-Control": "no-store"})


def _trouble() -> CopError | None:
    """Why the store does not answer; None where it does."""
    try:
        with reading(VisibleSet()) as connection:
            connection.execute("SELECT 1")
    except CopError as exc:
        return exc
    return None
