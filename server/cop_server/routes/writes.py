"""Writes at the door: OGC API Features Part 4 (create, replace, update, delete) over the layer's provider."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from urllib.parse import unquote

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from cop.catalogue import Layer
from cop.catalogue.writes import Operation
from cop.crs import CRS84, Crs, crs_of
from cop.errors import NotPermitted, Refused, WrongMedia
from cop.identity import Principal
from cop.query.parse import check_known, read_mode
from cop.settings import get_settings
from cop.store.reading import twice
from cop.writing.body import read_document, read_feature, read_features, read_patch
from cop.writing.draft import Writer
from cop.writing.perform import Order
from cop.writing.repeat import Answer, Repeat, read_key
from cop.writing.rights import check_writer, is_writer
from cop.writing.write import Expected
from cop_providers.features import FeatureProvider
from cop_server.border.rates import largest_body
from cop_server.identity.asker import asker
from cop_server.identity.credentials import CREDENTIAL_HEADERS
from cop_server.negotiate import single
from cop_server.routes.body import read_body
from cop_server.routes.items import provider_of

_READ: Final = ("GET", "HEAD", "OPTIONS")
_COLLECTION: Final[dict[str, Operation]] = {"POST": "create"}
_ITEM: Final[dict[str, Operation]] = {"PUT": "update", "PATCH": "update", "DELETE": "withdraw"}
_FEATURE: Final = ("application/geo+json", "application/json")
_PATCH: Final = ("application/merge-patch+json", *_FEATURE)
_PARAMETERS: Final = frozenset({"mode", "dry-run", "batch", "crs"})
_LONGEST_REASON: Final = 500


class Writes:
    """The unsafe methods of items and item. Everything is checked before the store is asked, and again within it."""

    def __init__(self, providers: dict[str, FeatureProvider], url: str) -> None:
        self._providers = providers
        self._url = url

    async def collection(self, request: Request) -> Response:
        """POST a feature or a FeatureCollection; OPTIONS."""
        return await self._answer(request, _COLLECTION, self._create)

    async def item(self, request: Request) -> Response:
        """PUT, PATCH and DELETE of one feature; OPTIONS."""
        return await self._answer(request, _ITEM, self._change)

    async def _answer(
        self,
        request: Request,
        methods: dict[str, Operation],
        work: Callable[[Request, Layer, bytes, Principal], Answer],
    ) -> Response:
        layer = provider_of(self._providers, str(request.path_params["collection"])).layer
        mode = read_mode(single(request.query_params))
        known = await run_in_threadpool(twice, asker, request)
        principal = known.acting_in(mode)
        allow = {"Allow": ", ".join(_allowed(layer, methods, principal)), "Vary": CREDENTIAL_HEADERS}
        if request.method == "OPTIONS":
            accepts = {"Accept-Patch": _PATCH[0]} if "PATCH" in allow["Allow"] else {}
            return Response(status_code=204, headers=allow | accepts | {"Cache-Control": "no-store"})
        if layer.writes is None or methods.get(request.method) not in layer.writes.allow:
            raise HTTPException(405, headers=allow)
        if principal is not known:
            raise NotPermitted(
                f"this session writes {known.only_mode} records only; the request is for {mode} ones", "mode"
            )
        check_writer(principal)
        body = await read_body(request, largest_body(get_settings(), principal.visible(mode).audience))
        done = await run_in_threadpool(work, request, layer, body, principal)
        return Response(
            done.body, done.status, {**done.headers, "Cache-Control": "no-store", "Vary": CREDENTIAL_HEADERS}
        )

    def _create(self, request: Request, layer: Layer, data: bytes, principal: Principal) -> Answer:
        _check_media(request, _FEATURE)
        order = self._order(request, layer, data, principal)
        document = read_document(data)
        provider = self._providers[layer.id]
        if document.get("type") == "FeatureCollection":
            return provider.write_batch(order, read_features(document), atomic=_is_atomic(request))
        return provider.write_new(order, read_feature(document))

    def _change(self, request: Request, layer: Layer, data: bytes, principal: Principal) -> Answer:
        id_ = str(request.path_params["feature"])
        order = self._order(request, layer, data, principal)
        provider, expected = self._providers[layer.id], _expected(request)
        if request.method == "DELETE":
            return provider.write_withdrawn(order, id_, expected)
        if request.method == "PUT":
            _check_media(request, _FEATURE)
            return provider.write_changed(order, id_, read_feature(read_document(data)), expected, whole=True)
        _check_media(request, _PATCH)
        return provider.write_changed(order, id_, read_patch(read_document(data)), expected, whole=False)

    def _order(self, request: Request, layer: Layer, data: bytes, principal: Principal) -> Order:
        given = single(request.query_params)
        check_known(given, _PARAMETERS)
        writer = Writer(principal, principal.visible(read_mode(given)), _content_crs(request), _reason(request),
                        str(request.scope.get("cop.request_id", "")))  # fmt: skip
        base = f"{self._url}/collections/{layer.id}/items"
        return Order(layer, writer, base, _repeat(request, data, principal), _flag(given, "dry-run"))


def _allowed(layer: Layer, methods: dict[str, Operation], principal: Principal) -> list[str]:
    """The methods that make sense for this principal, so that a client offers no editing that would be refused."""
    if layer.writes is None or not is_writer(principal):
        return list(_READ)
    return [*_READ, *(name for name, operation in methods.items() if operation in layer.writes.allow)]


def _check_media(request: Request, wanted: tuple[str, ...]) -> None:
    found = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if found not in wanted:
        raise WrongMedia(f"Content-Type: found {found[:60]!r}, wanted {' or '.join(wanted)}", "Content-Type", wanted[0])


def _content_crs(request: Request) -> Crs:
    """The CRS of the body's coordinates; QGIS sends its URI without the angle brackets."""
    told = request.headers.get("content-crs")
    return CRS84 if told is None else crs_of(told.strip().removeprefix("<").removesuffix(">"), "Content-Crs")


def _expected(request: Request) -> Expected:
    told = request.headers.get("if-match", "")
    return Expected(tuple(tag.strip() for tag in told.split(",") if tag.strip()))


def _reason(request: Request) -> str:
    """Why a step is taken, from the header COP-Reason: percent-encoded UTF-8; a log's line is never broken by it."""
    told = unquote(request.headers.get("cop-reason", ""))
    if len(told) > _LONGEST_REASON:
        raise Refused(f"COP-Reason: at most {_LONGEST_REASON} characters", "COP-Reason")
    return "".join(sign if sign.isprintable() else " " for sign in told).strip()


def _repeat(request: Request, data: bytes, principal: Principal) -> Repeat | None:
    address = f"{request.method} {request.url.path}?{request.url.query}".encode()
    about = f"{request.headers.get('content-crs', '')} {request.headers.get('if-match', '')}".encode()
    return read_key(request.headers.get("idempotency-key"), principal.subject, address, about, data)


def _flag(given: dict[str, str], name: str) -> bool:
    value = given.get(name, "false")
    if value not in ("true", "false"):
        raise Refused(f"{name}: {value[:40]!r} is neither true nor false", name, "true")
    return value == "true"


def _is_atomic(request: Request) -> bool:
    value = request.query_params.get("batch", "atomic")
    if value not in ("atomic", "each"):
        raise Refused(f"batch: {value[:40]!r} is neither atomic (all or none) nor each", "batch", "atomic")
    return value == "atomic"
