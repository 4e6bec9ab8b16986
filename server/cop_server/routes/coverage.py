"""Coverages: parameters checked here, cells read by pygeoapi behind (which answers 500 to what it does not expect)."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from cop.catalogue import catalogue
from cop.errors import NotFound, Refused
from cop.query.parse import DOCUMENT, check_known, read_bbox, read_mode
from cop.visible import VisibleSet
from cop_server.documents.state import states
from cop_server.negotiate import single
from cop_server.routes.road import doubting

FORMS = ("json", "GTiff", "html")


class Coverage:
    """An ASGI endpoint that lets through only what the coverage can answer."""

    def __init__(self, behind: ASGIApp) -> None:
        self._behind = behind

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check, then hand over."""
        request = Request(scope, receive)
        visible = await run_in_threadpool(_check, request.path_params["collection"], single(request.query_params))
        doubted = await run_in_threadpool(doubting, send, request, visible)
        await self._behind({**scope, "root_path": "", "path_params": {}}, receive, doubted)


def _check(name: str, given: dict[str, str]) -> VisibleSet:
    """What is seen, where the coverage can answer; raises Refused or NotFound where it cannot."""
    layer = catalogue().layers.get(name)
    if layer is None or layer.is_feature_layer:
        raise NotFound(f"there is no coverage {name[:60]!r}; GET /collections lists all", "collection", "terrain")
    check_known(given, DOCUMENT | {"bbox"})
    if given.get("f", "json") not in FORMS:
        raise Refused(f"f: {given['f'][:40]!r} is none of {', '.join(FORMS)}", "f", "GTiff")
    visible = VisibleSet(mode=read_mode(given))
    ((_, state),) = states([layer], visible)
    if state.grid is None:
        raise NotFound(f"the cells of {name} are not loaded here yet")
    box = read_bbox(given.get("bbox"), None)
    west, south, east, north = state.bbox
    if box is not None and (box.x1 >= box.x2 or box.y1 >= box.y2 or box.x2 <= west or box.x1 >= east
                            or box.y2 <= south or box.y1 >= north):  # fmt: skip
        raise Refused("bbox: it does not meet the coverage", "bbox", ",".join(map(str, state.bbox)))
    return visible
