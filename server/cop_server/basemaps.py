"""The basemaps at /basemaps: MapProxy behind a guard, in threads of its own, told the public address and nothing more.

`basemaps_app` is the ASGI application to mount. It answers
`/service` (WMS 1.1.1 and 1.3.0, WMTS 1.0.0), `/wmts/…` (REST), `/tms/…` and `/tiles/…`; `/` is the list of basemaps,
`/tilejson/{layer}.json` the TileJSON of one.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from xml.sax.saxutils import escape

import orjson
from a2wsgi import WSGIMiddleware
from mapproxy.wsgiapp import MapProxyApp
from starlette.routing import BaseRoute, Mount, Route

from cop.resources import resource
from cop.settings import Settings
from cop_server import basemap_guard as guard
from cop_server.basemap_guard import Fault
from cop_server.basemap_list import Listing
from cop_server.basemap_offer import Offer, read_configuration, read_offer
from cop_tiles.keeping import Trouble, listening
from cop_tiles.pool import close_shared_pool

log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

MOUNT = "/basemaps"
_MOST_PARAMETERS = 60
_KEPT_HEADERS = frozenset({b"if-none-match", b"if-modified-since", b"accept"})
_PICTURES_MAY_BE_KEPT = b"public, max-age=3600"
_ASK_AGAIN = b"public, no-cache"
_KEPT_TILES_SOON = b"public, max-age=60"
# MapProxy names an operation that it does not offer for these layers, and leaves abstracts empty.
_FEATURE_INFO = re.compile(rb'\s*<ows:Operation name="GetFeatureInfo">.*?</ows:Operation>', re.DOTALL)
_EMPTY_ABSTRACT = re.compile(
    rb"<ows:Abstract></ows:Abstract>(?=\s*<ows:WGS84BoundingBox>.{1,600}?<ows:Identifier>([^<]+)</ows:Identifier>)",
    re.DOTALL,
)


def basemaps_app(settings: Settings, file: Path | None = None) -> Application:
    """The ASGI application of the basemaps, to be mounted at /basemaps.

    `file` is a mapproxy.yaml (the shipped one that the settings ask for unless named). Raises MapProxy's
    ConfigurationError, which names the key, where it is wrong. Render workers start with the first tile that is not
    cached; `close_basemaps` ends them.
    """
    configuration = read_configuration(file or configuration_file(settings), settings)
    services = MapProxyApp(configuration.configured_services(), configuration.base_config)
    offer = read_offer(configuration)
    listing = Listing(offer, settings.var / "basemap", settings.url)
    return _Basemaps(WSGIMiddleware(services), offer, listing, settings.url)


def configuration_file(settings: Settings) -> Path:
    """The mapproxy.yaml of these settings: with the basemaps from outside where they are asked for."""
    name = "production.yaml" if settings.basemaps == "live" else "mapproxy.yaml"
    return resource("mapproxy") / name


def basemap_routes(settings: Settings) -> list[BaseRoute]:
    """The routes of the basemaps at /basemaps, for the server."""
    app = basemaps_app(settings)
    return [Route(MOUNT, app), Mount(MOUNT, app)]


def close_basemaps() -> None:
    """End the render workers of this process; call it when the server stops."""
    close_shared_pool()


class _Basemaps:
    """Guard, MapProxy, and what its answers lack."""

    def __init__(self, mapproxy: Any, offer: Offer, listing: Listing, url: str) -> None:
        self._mapproxy = mapproxy
        self._offer = offer
        self._listing = listing
        public = urlsplit(url)
        self._scheme, self._host, self._prefix = public.scheme, public.netloc, public.path.rstrip("/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._mapproxy(scope, receive, send)
            return
        path = str(scope["path"]).removeprefix(str(scope.get("root_path", "")))
        if scope["method"] not in {"GET", "HEAD"}:
            await _answer(send, 405, "text/plain", "Only GET and HEAD are answered here.", [(b"allow", b"GET, HEAD")])
            return
        head = scope["method"] == "HEAD"
        query: dict[str, str] = {}
        try:
            query = _parameters(scope["query_string"])
            told = self._told(path)
            if told is not None:
                reply = _Reply(("application/json", "{}"), _etags_of(scope))
                await reply.pass_on(send, told, head=head)
                return
            path = self._checked(path, query)
        except Fault as fault:
            kind, text = _report(fault, path, query)
            await _answer(send, fault.status, kind, text)
            return
        reply = _Reply(_fault_report(path, query), _etags_of(scope))
        with listening() as troubles:
            await self._mapproxy(self._inner(scope, path, query), receive, reply.take)
        reply.heard(troubles, _report(Fault("TileOutOfRange", "The source has no such tile."), path, query))
        reply.complete(self._listing)
        await reply.pass_on(send, head=head)

    def _told(self, path: str) -> dict[str, Any] | None:
        """The list of basemaps or the TileJSON of one, where the path asks for it."""
        parts = path.strip("/").split("/")
        if parts in ([""], [MOUNT.strip("/")]):
            return self._listing.document()
        if parts[0] != "tilejson":
            return None
        layer = parts[1].removesuffix(".json") if len(parts) == 2 else ""
        told = self._listing.tilejson(layer)
        if told is None:
            wanted = ", ".join(self._listing.layers())
            raise Fault("NotFound", f"wanted /tilejson/{{layer}}.json with one of {wanted}", status=404)
        return told

    def _checked(self, path: str, query: dict[str, str]) -> str:
        """The path that MapProxy gets for a request in which nothing is wrong."""
        service, *parts = path.strip("/").split("/")
        if service in {"service", "ows", "wms"} and not parts:
            guard.check_service(query, self._offer)
            return "/service"
        if service == "wmts" and not parts:
            guard.check_wmts(query, self._offer)
            return "/service"
        if service == "wmts":
            return "/wmts/" + "/".join(guard.checked_wmts_path(parts, self._offer))
        if service in {"tms", "tiles"}:
            if query.get("ORIGIN", "nw") not in {"nw", "sw"}:
                raise Fault("InvalidParameterValue", "origin: wanted nw or sw", "origin")
            return "/".join(["", service, *guard.checked_tms_path(parts, self._offer)])
        raise Fault("NotFound", "wanted /service, /wmts, /tms, /tiles or /tilejson", status=404)

    def _inner(self, scope: Scope, path: str, query: dict[str, str]) -> Scope:
        """The request as MapProxy sees it: its links come from the public address, never from a client's headers."""
        root = self._prefix + MOUNT
        headers = [pair for pair in scope["headers"] if pair[0] in _KEPT_HEADERS]
        return {
            "type": "http",
            "http_version": scope.get("http_version", "1.1"),
            "method": "GET",
            "scheme": self._scheme,
            "server": scope.get("server"),
            "root_path": root,
            "path": root + path,
            "query_string": urlencode(query).encode(),
            "headers": [*headers, (b"host", self._host.encode())],
        }


def _parameters(raw: bytes) -> dict[str, str]:
    """The query's parameters by their names in capitals. Raises Fault where one stands twice with other values."""
    found: dict[str, str] = {}
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_PARAMETERS)
    except ValueError:
        raise Fault("InvalidParameterValue", f"wanted at most {_MOST_PARAMETERS} parameters in UTF-8") from None
    for name, value in pairs:
        if found.setdefault(name.upper(), value) != value:
            raise Fault("InvalidParameterValue", f"{name} stands twice with different values", name)
    return found


def _report(fault: Fault, path: str, query: dict[str, str]) -> tuple[str, str]:
    service = path.strip("/").split("/")[0]
    if service == "wmts" or (service in {"service", "ows"} and query.get("SERVICE", "").upper() == "WMTS"):
        return guard.wmts_exception(fault)
    if service in {"tms", "tiles"}:
        return guard.tms_exception(fault)
    return guard.wms_exception(fault, query.get("VERSION", "1.3.0"))


def _fault_report(path: str, query: dict[str, str]) -> tuple[str, str]:
    """What to say where MapProxy failed by itself: the cause is in the log."""
    fault = Fault("NoApplicableCode", "The basemap cannot be drawn at the moment; please try again.")
    return _report(fault, path, query)


def _etags_of(scope: Scope) -> frozenset[str]:
    found = b",".join(value for name, value in scope["headers"] if name == b"if-none-match").decode("latin1")
    return frozenset(tag.strip().removeprefix("W/").strip('"') for tag in found.split(",") if tag.strip())


class _Reply:
    """One answer of MapProxy, held until it is whole: its ETag may have to be made, its error turned into another."""

    def __init__(self, trouble: tuple[str, str], etags: frozenset[str]) -> None:
        self._trouble = trouble
        self._etags = etags
        self._status = 500
        self._headers: list[tuple[bytes, bytes]] = []
        self._body = bytearray()
        self._stale = False
        self._missing: tuple[str, str] | None = None

    async def take(self, message: Message) -> None:
        """Called by a2wsgi with each part of the answer."""
        if message["type"] == "http.response.start":
            self._status, self._headers = message["status"], list(message["headers"])
        else:
            self._body += message.get("body", b"")

    def heard(self, troubles: set[Trouble], missing: tuple[str, str]) -> None:
        """Say what went wrong at the sources: old tiles are marked, and a tile that is nowhere is no error of ours."""
        away = sorted({trouble.source for trouble in troubles if trouble.kind == "away"})
        if self._status == 200 and troubles:
            names = ", ".join(sorted({trouble.source for trouble in troubles}))
            self._stale = True
            self._headers += [
                (b"warning", b'110 - "Response is Stale"'),
                (b"cop-caveat", f"basemap {names}: stale, its source cannot be had".encode("latin1", "replace")),
            ]
        elif self._status >= 500 and troubles and not away:
            self._status, self._missing = 404, missing

    def complete(self, listing: Listing) -> None:
        """Mend MapProxy's WMTS capabilities."""
        if self._status == 200 and b"/wmts/1.0" in self._body[:400] and b"<Capabilities" in self._body[:400]:
            abstracts = listing.abstracts()

            def filled(found: re.Match[bytes]) -> bytes:
                text = escape(abstracts.get(found[1].decode(), ""))
                return f"<ows:Abstract>{text}</ows:Abstract>".encode()

            self._body = bytearray(_EMPTY_ABSTRACT.sub(filled, _FEATURE_INFO.sub(b"", bytes(self._body))))

    async def pass_on(self, send: Send, document: dict[str, Any] | None = None, *, head: bool) -> None:
        """Send the answer on, improved, or a document of ours in its place."""
        if document is not None:
            self._status, self._headers = 200, [(b"content-type", b"application/json")]
            self._body = bytearray(orjson.dumps(document))
        if self._missing is not None:
            await _answer(send, 404, *self._missing, head=head)
            return
        if self._status >= 500:
            log.error("MapProxy answered %d: %s", self._status, _said(bytes(self._body)))
            await _answer(send, 503, *self._trouble, [(b"retry-after", b"5")], head=head)
            return
        if self._status == 200:
            self._tag()
        headers = [pair for pair in self._headers if pair[0] != b"content-length"]
        if self._status != 304:
            headers.append((b"content-length", str(len(self._body)).encode()))
        await send({"type": "http.response.start", "status": self._status, "headers": headers})
        bare = head or self._status == 304
        await send({"type": "http.response.body", "body": b"" if bare else bytes(self._body)})

    def _tag(self) -> None:
        """One ETag from the bytes (MapProxy's own, of tiles alone, changes when a file is only touched)."""
        tag = hashlib.sha256(self._body).hexdigest()[:24]
        dropped = {b"etag", b"cache-control", b"expires", b"last-modified", b"date", b"pragma"}
        kept = [pair for pair in self._headers if pair[0] not in dropped]
        picture = any(name == b"content-type" and value.startswith(b"image/") for name, value in kept)
        lasting = _KEPT_TILES_SOON if self._stale else _PICTURES_MAY_BE_KEPT
        self._headers = [
            *kept,
            (b"etag", f'"{tag}"'.encode()),
            (b"cache-control", lasting if picture else _ASK_AGAIN),
        ]
        if tag in self._etags:
            self._status = 304


async def _answer(
    send: Send,
    status: int,
    kind: str,
    text: str,
    headers: list[tuple[bytes, bytes]] | None = None,
    *,
    head: bool = False,
) -> None:
    body = text.encode()
    told = [
        (b"content-type", f"{kind}; charset=utf-8".encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        *(headers or []),
    ]
    await send({"type": "http.response.start", "status": status, "headers": told})
    await send({"type": "http.response.body", "body": b"" if head else body})


def _said(body: bytes) -> str:
    """The words of an exception's XML; its head alone would fill a log's line."""
    text = re.sub(r"<[^>]*>", " ", body.decode(errors="replace"))
    return " ".join(text.split())[:500]
