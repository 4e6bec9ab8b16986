"""The composition root: one Starlette application out of fast road, pygeoapi, basemaps and the page."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import anyio.to_thread
import yaml
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from cop.catalogue import catalogue
from cop.resources import resource
from cop.settings import Settings, get_settings
from cop.store.reading import close_pool
from cop.store.writing import close_write_pool
from cop_providers.features import FeatureProvider
from cop_providers.tiles import TileProvider
from cop_server.basemaps import basemap_routes, close_basemaps
from cop_server.border.about import named
from cop_server.border.gate import Gate
from cop_server.border.gauges import gauging
from cop_server.border.rates import Rates
from cop_server.cache import AnswerCache
from cop_server.delivery.worker import delivering
from cop_server.events.hub import Hub
from cop_server.events.stopping import ending_with_the_server
from cop_server.fair import ContextExecutor
from cop_server.health import health_routes
from cop_server.identity.asking import Asking
from cop_server.identity.guard import SessionGuard
from cop_server.identity.sessions import secret
from cop_server.noting import noting
from cop_server.problems import HANDLERS
from cop_server.routes.audit import Audits
from cop_server.routes.behind import Behind
from cop_server.routes.changes import Changes
from cop_server.routes.clients import client_routes
from cop_server.routes.coverage import Coverage
from cop_server.routes.documents import Documents
from cop_server.routes.events import Events
from cop_server.routes.items import Items
from cop_server.routes.page import page_routes
from cop_server.routes.road import Handler, Road
from cop_server.routes.series import Locations
from cop_server.routes.session import session_routes
from cop_server.routes.similar import Candidates
from cop_server.routes.styles import Styles
from cop_server.routes.subscriptions import Subscriptions
from cop_server.routes.summary import Summaries
from cop_server.routes.tiles import Tiles
from cop_server.routes.writes import Writes
from cop_server.ticker import ticking

_HERE = Path(__file__).parent
_M_ARENA_MAX = -8  # malloc.h
# A thread that comes back from the store waits at most so long for one that computes (Python's own: 0.005). A writer
# holds the head of the journal while it waits.
_SWITCH_SECONDS = 0.0005
_DOCUMENT = ("json", "html", "jsonld")


def prepare_environment(settings: Settings) -> None:
    """What pygeoapi reads from the environment when it is imported."""
    os.environ.setdefault("COP_URL", settings.url)
    os.environ.setdefault("COP_TEMPLATES", str(_HERE / "templates"))
    os.environ.setdefault("COP_STATIC", str(_HERE / "static"))
    os.environ.setdefault("PYGEOAPI_CONFIG", str(resource("pygeoapi-config.yml")))
    os.environ.setdefault("PYGEOAPI_OPENAPI", str(resource("openapi") / "openapi.json"))


def create_app() -> Starlette:
    """The application of one server process."""
    sys.setswitchinterval(_SWITCH_SECONDS)
    settings = get_settings()
    _share_memory_arenas()
    secret()  # made at the first start, and not while somebody waits for an answer
    prepare_environment(settings)
    with _yaml_in_c():
        from pygeoapi import starlette_app as pygeoapi  # reads its configuration at import

    features, tiles = _providers(pygeoapi.CONFIG)
    cache = AnswerCache(settings.cache_mb * 1_000_000)
    hub = Hub(settings.url, settings.app_database_url.get_secret_value())
    styles = Styles(catalogue(), cache, settings.url)
    routes = [
        # What is asked for most stands first: routes are tried in order.
        *_items(
            Items(features, cache, settings.url),
            Candidates(features, cache, settings.url),
            Writes(features, settings.url),
            pygeoapi.APP,
        ),
        _route("/collections/{collection}/changes", Changes(features, settings.url).delta, ("json",), noted="changes"),
        _route("/collections/{collection}/locations/{location:path}", Locations(features, cache).series, ("json",)),
        _route("/events", Events(hub).stream, ("events",), noted="events"),
        *_tiles(Tiles(features, tiles, cache, settings.url), pygeoapi.APP),
        *health_routes(settings),
        *session_routes(),
        *_documents(settings.url, pygeoapi.APP),
        *_styles(styles),
        *_summaries(Summaries(catalogue(), cache, settings.url)),
        _route("/audit", Audits(settings.url).listed, ("json",)),
        *Subscriptions(settings.url).routes(),
        *client_routes(settings.url),
        *page_routes(),
        *basemap_routes(settings),
        Route("/collections/{collection}/coverage", Coverage(Behind(pygeoapi.APP)), methods=["GET"]),
        Mount("/static", StaticFiles(directory=os.environ["COP_STATIC"])),
    ]
    application = Starlette(
        routes=named(routes),
        lifespan=_lifespan,
        exception_handlers=HANDLERS,
        middleware=[
            Middleware(Gate, settings=settings),
            Middleware(
                CORSMiddleware, allow_origins=settings.cors_origins,
                allow_methods=["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"],
                allow_headers=["*"],
                expose_headers=["ETag", "COP-Sequence", "COP-Caveat", "Content-Crs", "Link", "Location",
                                "Memento-Datetime", "RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-Id"],
            ),
            Middleware(Asking, url=settings.url),
            Middleware(SessionGuard),
            Middleware(Rates, settings=settings),
        ],
    )  # fmt: skip
    application.state.styles = styles
    application.state.hub = hub
    application.state.cache = cache
    return application


@contextmanager
def _yaml_in_c() -> Iterator[None]:
    """Let what derives from PyYAML's safe loader in the block derive from the one in C, where there is one.

    pygeoapi does for its configuration: 0.05 s of a worker's start instead of 0.5 s.
    """
    known = yaml.SafeLoader
    yaml.SafeLoader = getattr(yaml, "CSafeLoader", known)  # type: ignore[misc]
    try:
        yield
    finally:
        yaml.SafeLoader = known  # type: ignore[misc]


def _share_memory_arenas() -> None:
    """Let threads share two of glibc's memory arenas: what large answers leave in one of their own is not given back.

    A worker that has sent many answers of 7 MB holds 215 MB so, and 345 MB otherwise. Elsewhere than on glibc: nothing.
    """
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)


@asynccontextmanager
async def _lifespan(application: Starlette) -> AsyncIterator[None]:
    settings = get_settings()
    asyncio.get_running_loop().set_default_executor(ContextExecutor(settings.pool_size, thread_name_prefix="pygeoapi"))
    # What was made at start stays; the collector need not walk through it again and again.
    gc.collect()
    gc.freeze()
    anyio.to_thread.current_default_thread_limiter().total_tokens = 2 * settings.pool_size
    with ending_with_the_server(application.state.hub):
        hub = application.state.hub
        async with ticking(), noting(), gauging(hub, application.state.cache), delivering(hub):
            yield
    await application.state.hub.close()
    application.state.styles.close()
    close_basemaps()
    close_pool()
    close_write_pool()


def _providers(config: dict[str, Any]) -> tuple[dict[str, FeatureProvider], dict[str, TileProvider]]:
    """The engine: provider classes named in pygeoapi-config.yml, loaded by pygeoapi's own loader."""
    from pygeoapi.plugin import load_plugin

    features: dict[str, FeatureProvider] = {}
    tiles: dict[str, TileProvider] = {}
    for layer in catalogue().feature_layers:
        for definition in config["resources"][layer.id]["providers"]:
            provider = load_plugin("provider", definition)
            (features if definition["type"] == "feature" else tiles)[layer.id] = provider
    return features, tiles


def _route(
    path: str, handler: Handler, forms: tuple[str, ...], pages: ASGIApp | None = None, *, timed: bool = False,
    noted: str | None = None,
) -> BaseRoute:  # fmt: skip
    # All methods: one that a Road refuses must not fall through to pygeoapi behind.
    return Route(path, Road(handler, forms, pages, timed=timed, noted=noted))


async def _to_ours(request: Request) -> Response:
    return RedirectResponse(request.url.path.replace("/TileMatrixSets", "/tileMatrixSets", 1), 308)


def _documents(url: str, pages: ASGIApp) -> list[BaseRoute]:
    documents = Documents(catalogue(), url)
    base = "/collections/{collection}"
    return [
        _route("/", documents.landing_page, _DOCUMENT, pages),
        _route("/conformance", documents.conformance, _DOCUMENT, pages),
        _route("/openapi", documents.openapi, ("json", "json30", "html"), pages),
        _route("/asyncapi", documents.asyncapi, ("json",)),
        _route("/collections", documents.collections, _DOCUMENT, pages),
        _route(base, documents.collection, _DOCUMENT, pages),
        _route(f"{base}/queryables", documents.queryables, ("json", "html"), pages),
        _route(f"{base}/schema", documents.schema, ("json", "html"), pages),
        _route(f"{base}/sortables", documents.sortables, ("json",)),
    ]


def _items(items: Items, candidates: Candidates, writes: Writes, pages: ASGIApp) -> list[BaseRoute]:
    base = "/collections/{collection}/items"
    return [
        Route(base, Road(items.page, _DOCUMENT, pages, items.check, writes.collection, timed=True, noted="items")),
        _route(f"{base}/{{feature:path}}/versions", items.versions, ("json",), noted="versions"),
        _route(f"{base}/{{feature:path}}/similar", candidates.of_one, ("json",), noted="items"),
        Route(
            f"{base}/{{feature:path}}", Road(items.item, _DOCUMENT, pages, write=writes.item, timed=True, noted="item")
        ),
    ]


def _tiles(tiles: Tiles, pages: ASGIApp) -> list[BaseRoute]:
    base, one = "/collections/{collection}/tiles", "{set}/{z}/{row}/{col}"
    return [
        _route(base, tiles.tilesets, _DOCUMENT, pages),
        _route(f"{base}/{{set}}", tiles.tileset, ("json", "tilejson", "html"), pages),
        _route(f"{base}/{{set}}/metadata", tiles.tileset, ("json", "tilejson")),
        _route(f"{base}/{one}", tiles.tile, ("mvt",), timed=True, noted="tiles"),
        _route("/tiles", tiles.dataset_tilesets, ("json",)),
        _route("/tiles/{set}", tiles.dataset_tileset, ("json",)),
        _route(f"/tiles/{one}", tiles.dataset_tile, ("mvt",), timed=True, noted="tiles"),
        # pygeoapi's own pages of these load scripts from elsewhere, whatever templates it is given.
        Route("/TileMatrixSets", _to_ours),
        Route("/TileMatrixSets/{set}", _to_ours),
        _route("/tileMatrixSets", tiles.tile_matrix_sets, ("json",)),
        _route("/tileMatrixSets/{set}", tiles.tile_matrix_set, ("json",)),
    ]


def _styles(styles: Styles) -> list[BaseRoute]:
    one, layer = "/styles/{style}", "/collections/{collection}/styles"
    return [
        _route("/glyphs/{fontstack}/{range}", styles.glyphs, ("mvt",)),
        _route("/sprites/{file}", styles.sprite, ("json", "png")),
        _route("/styles/basemap/{z}/{x}/{y}", styles.basemap_tile, ("mvt",)),
        _route("/styles/hillshade/{z}/{x}/{y}", styles.hillshade_tile, ("png",)),
        _route("/styles", styles.styles, ("json",)),
        _route(one, styles.style, ("json",)),
        _route(f"{one}/metadata", styles.style_metadata, ("json",)),
        _route(layer, styles.layer_styles, ("json",)),
        _route(f"{layer}/{{style}}", styles.layer_style, ("json",)),
        _route(f"{layer}/{{style}}/metadata", styles.layer_style_metadata, ("json",)),
        _route(f"{layer}/{{style}}/legend", styles.legend, ("json", "png")),
    ]


def _summaries(summaries: Summaries) -> list[BaseRoute]:
    return [
        _route("/summary", summaries.summary, ("json",), noted="summary"),
        _route("/processes", summaries.processes, ("json",)),
        _route("/processes/{process}", summaries.process, ("json",)),
        Route("/processes/{process}/execution", summaries.execution, methods=["POST"]),
    ]
