"""Project files for desktop GIS at /clients: /clients/qgis.qgz, /clients/qgis.qlr, /clients/qgis/{collection}.qlr."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from cop.catalogue import Layer, catalogue
from cop.errors import NotFound, Refused
from cop.query.parse import check_known, read_mode
from cop.visible import VisibleSet
from cop_server.clients import project
from cop_server.clients.basemaps import Basemap, basemaps
from cop_server.clients.layers import Drawing, Scene
from cop_server.clients.words import read_tongue
from cop_server.documents.state import provenances
from cop_server.identity.asker import asker
from cop_server.identity.credentials import CREDENTIAL_HEADERS
from cop_server.negotiate import single
from cop_server.routes.answers import LIVE, is_known
from cop_server.routes.road import Ask

_KNOWN: Final = frozenset({"lang", "mode"})
_AS: Final[dict[str, Drawing]] = {"features": "features", "tiles": "tiles"}

Make = Callable[[tuple[project.Known, ...], tuple[Basemap, ...], Scene], bytes]


def client_routes(url: str) -> list[BaseRoute]:
    """The routes of project files, for a server published at an address."""
    return [
        Route("/clients/qgis.qgz", _endpoint(url, _project, project.QGZ, "cop.qgz")),
        Route("/clients/qgis.qlr", _endpoint(url, _definition, project.QLR, "cop.qlr")),
        Route("/clients/qgis/{collection}.qlr", _endpoint(url, None, project.QLR, "")),
    ]


def _endpoint(url: str, make: Make | None, media_type: str, name: str) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        if make is None:
            return await run_in_threadpool(_one, url, request)
        return await run_in_threadpool(_all, url, request, make, media_type, name)

    return answer


def _all(url: str, request: Request, make: Make, media_type: str, name: str) -> Response:
    given = single(request.query_params)
    check_known(given, _KNOWN)
    ask, scene = _read(url, request, given)
    known = _with_provenance(tuple(catalogue().layers.values()), ask.visible)
    return _sent(ask, make(known, basemaps(), scene), media_type, name)


def _one(url: str, request: Request) -> Response:
    """One collection's layer definition; `as` says whether its features or its tiles are drawn."""
    given = single(request.query_params)
    check_known(given, _KNOWN | {"as"})
    layer = _layer(request.path_params["collection"])
    drawing = _drawing(layer, given.get("as"))
    ask, scene = _read(url, request, given)
    body = _definition_of(_with_provenance((layer,), ask.visible), scene, drawing)
    return _sent(ask, body, project.QLR, f"{layer.id}.qlr")


def _read(url: str, request: Request, given: dict[str, str]) -> tuple[Ask, Scene]:
    mode = read_mode(given)
    principal = asker(request).acting_in(mode)
    visible = principal.visible(mode)
    tongue = read_tongue(given.get("lang"))
    return Ask(request, given, "file", tongue, visible, principal), Scene(url, visible, tongue)


def _layer(name: str) -> Layer:
    layer = catalogue().layers.get(name)
    if layer is None:
        raise NotFound(f"there is no collection {name[:60]!r}; GET /collections lists all", "collection", "incidents")
    return layer


def _drawing(layer: Layer, given: str | None) -> Drawing | None:
    if given is None:
        return None
    if given not in _AS or not layer.is_feature_layer:
        wanted = f"none of {', '.join(_AS)}" if layer.is_feature_layer else "not for coverages; leave it out"
        raise Refused(f"as: {given[:40]!r} is {wanted}", "as", "features")
    return _AS[given]


def _with_provenance(layers: tuple[Layer, ...], visible: VisibleSet) -> tuple[project.Known, ...]:
    return tuple(project.Known(layer, provenance) for layer, provenance in provenances(layers, visible))


# What is made depends on the catalogue, which a process reads once, and on the arguments.


@lru_cache(maxsize=12)
def _project(known: tuple[project.Known, ...], below: tuple[Basemap, ...], scene: Scene) -> bytes:
    return project.qgz(known, below, scene, catalogue())


@lru_cache(maxsize=12)
def _definition(known: tuple[project.Known, ...], below: tuple[Basemap, ...], scene: Scene) -> bytes:
    return project.qlr(known, below, scene, catalogue(), None)


@lru_cache(maxsize=256)
def _definition_of(known: tuple[project.Known, ...], scene: Scene, drawing: Drawing | None) -> bytes:
    return project.qlr(known, (), scene, catalogue(), drawing)


def _sent(ask: Ask, body: bytes, media_type: str, name: str) -> Response:
    headers = {
        "ETag": f'"{hashlib.sha256(body).hexdigest()[:20]}"',
        "Cache-Control": LIVE if ask.visible.is_public else "private, no-cache",
        "Vary": CREDENTIAL_HEADERS,
        "Content-Disposition": f'attachment; filename="{name}"',
    }
    if is_known(ask, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=media_type)
