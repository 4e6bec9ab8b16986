"""Health: whether the process lives, and whether it can answer."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from cop.store.reading import reading
from cop.visible import VisibleSet


def health_routes() -> list[BaseRoute]:
    """The two addresses that a load balancer asks."""
    return [Route("/health", _health), Route("/ready", _ready)]


async def _health(_: Request) -> Response:
    return JSONResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})


def _ready(_: Request) -> Response:
    with reading(VisibleSet()) as connection:
        connection.execute("SELECT 1")
    return JSONResponse({"status": "ready"}, headers={"Cache-Control": "no-store"})
