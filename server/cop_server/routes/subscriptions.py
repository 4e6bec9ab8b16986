"""`/subscriptions`: a department's webhooks, what they lack, and sending it again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from cop.errors import WrongMedia
from cop.identity import Principal
from cop.query.parse import DOCUMENT, check_known, read_mode
from cop.settings import Mode
from cop.writing.body import read_document
from cop_server.delivery import book
from cop_server.delivery.manage import Change, keep_change, read_change, read_new
from cop_server.delivery.notes import form_of_change, note_change
from cop_server.delivery.rights import check_manager, check_reader, owned
from cop_server.delivery.subscription import Subscription
from cop_server.delivery.webhook import ask_permission
from cop_server.documents.links import JSON
from cop_server.documents.subscriptions import dead_letter_document, subscription_document
from cop_server.identity.credentials import CREDENTIAL_HEADERS, recognise
from cop_server.negotiate import single
from cop_server.routes.body import read_body
from cop_server.routes.road import Ask, Road

_LARGEST_BODY = 32_000
_MOST_LETTERS = 1000
_NEW = ("application/json",)
_PATCH = ("application/merge-patch+json", "application/json")
_HEADERS = {"Cache-Control": "no-store", "Vary": CREDENTIAL_HEADERS}


class Subscriptions:
    """The routes of subscriptions."""

    def __init__(self, url: str) -> None:
        self._url = url

    def routes(self) -> list[BaseRoute]:
        """All addresses below /subscriptions."""
        here, one = "/subscriptions", "/subscriptions/{subscription}"
        return [
            Route(here, Road(self._list, ("json",), None, write=self._create)),
            Route(one, Road(self._one, ("json",), None, write=self._change)),
            Route(f"{one}/dead-letters", Road(self._letters, ("json",), None)),
            Route(f"{one}/redeliver", self._redeliver, methods=["POST"]),
        ]

    def _list(self, ask: Ask) -> Response:
        check_known(ask.given, DOCUMENT)
        check_reader(ask.principal)
        everybody = ask.principal.role == "emsc"
        found = book.listed(ask.principal.department, everybody=everybody)
        links = [{"rel": "self", "type": JSON, "href": f"{self._url}/subscriptions"}]
        return _json({"subscriptions": [subscription_document(one, self._url) for one in found], "links": links})

    def _one(self, ask: Ask) -> Response:
        check_known(ask.given, DOCUMENT)
        return _json(subscription_document(_found(ask.principal, ask.path("subscription")), self._url))

    def _letters(self, ask: Ask) -> Response:
        check_known(ask.given, DOCUMENT)
        found = _found(ask.principal, ask.path("subscription"))
        letters = [dead_letter_document(row) for row in book.dead_letters(found.id, _MOST_LETTERS)]
        return _json({"dead_letters": letters, "number": found.dead_letters})

    async def _create(self, request: Request) -> Response:
        if (refused := _other(request, ("POST",))) is not None:
            return refused
        principal, mode = await _writer(request)
        document = await _document(request, _NEW)
        wanted = await run_in_threadpool(read_new, principal, mode, document)
        rate = await ask_permission(wanted.target, owner=wanted.owner_department)
        made = await run_in_threadpool(_kept, wanted, rate)
        note_change(principal, made, "create", _id_of(request))
        headers = {"Location": f"{self._url}/subscriptions/{made.id}"}
        return _json(subscription_document(made, self._url, with_secret=True), 201, headers)

    async def _change(self, request: Request) -> Response:
        if (refused := _other(request, ("PATCH", "DELETE"))) is not None:
            return refused
        principal, _ = await _writer(request)
        id_ = str(request.path_params["subscription"])
        found = await run_in_threadpool(_managed, principal, id_)
        if request.method == "DELETE":
            await run_in_threadpool(book.remove, found.id)
            note_change(principal, found, "remove", _id_of(request))
            return Response(status_code=204, headers=_HEADERS)
        document = await _document(request, _PATCH)
        change = await run_in_threadpool(read_change, principal, found, document)
        change = await asked(change)
        kept = await run_in_threadpool(keep_change, change)
        note_change(principal, kept, form_of_change(found, kept), _id_of(request))
        return _json(subscription_document(kept, self._url))

    async def _redeliver(self, request: Request) -> Response:
        principal, _ = await _writer(request)
        found = await run_in_threadpool(_managed, principal, str(request.path_params["subscription"]))
        letters = await run_in_threadpool(book.redeliver, found.id)
        note_change(principal, found, "redeliver", _id_of(request))
        return _json({"redelivering": letters}, 202)


async def asked(change: Change) -> Change:
    """The change, once its target has agreed where it has to be asked."""
    if not change.asks_target:
        return change
    rate = await ask_permission(change.subscription.target, owner=change.subscription.owner_department)
    return replace(change, subscription=replace(change.subscription, rate=rate))


def _id_of(request: Request) -> str | None:
    return request.scope.get("cop.request_id")


def _kept(wanted: Subscription, rate: int | None) -> Subscription:
    book.create(replace(wanted, rate=rate))
    return book.one(wanted.id)


def _found(principal: Principal, id_: str) -> Subscription:
    check_reader(principal)
    return owned(principal, book.one(id_))


def _managed(principal: Principal, id_: str) -> Subscription:
    found = _found(principal, id_)
    check_manager(principal, found)
    return found


async def _writer(request: Request) -> tuple[Principal, Mode]:
    """Who asks, and in which mode. Raises NotRecognised or NotPermitted."""
    given = single(request.query_params)
    check_known(given, frozenset({"mode"}))
    mode = read_mode(given)
    principal = await run_in_threadpool(recognise, request.headers)
    check_reader(principal)
    return principal, mode


async def _document(request: Request, wanted: tuple[str, ...]) -> dict[str, Any]:
    found = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if found not in wanted:
        raise WrongMedia(f"Content-Type: found {found[:60]!r}, wanted {' or '.join(wanted)}", "Content-Type", wanted[0])
    return read_document(await read_body(request, _LARGEST_BODY))


def _other(request: Request, methods: tuple[str, ...]) -> Response | None:
    """The answer to OPTIONS; None for the methods that are here. Raises HTTPException for others."""
    allow = {"Allow": ", ".join(("GET", "HEAD", "OPTIONS", *methods))}
    if request.method == "OPTIONS":
        return Response(status_code=204, headers=allow | _HEADERS)
    if request.method not in methods:
        raise HTTPException(405, headers=allow)
    return None


def _json(document: dict[str, Any], status: int = 200, more: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(document), status, _HEADERS | (more or {}), JSON)
