"""Summaries: /summary, and the same numbers as the process /processes/summary."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from cop.catalogue import Catalogue, Layer
from cop.errors import NotFound, Refused
from cop.query import answer
from cop.query.caveats import caveat_of
from cop.query.counted import check_summaries
from cop.query.counting import count
from cop.query.parse import DOCUMENT, check_known, read_mode
from cop.query.summary import Tally, read_tally, state
from cop_server.cache import AnswerCache
from cop_server.documents import processes
from cop_server.documents.links import JSON
from cop_server.documents.summary import shown_beside, summary_document
from cop_server.identity.asker import asker
from cop_server.negotiate import language, single
from cop_server.noting import note_answer
from cop_server.routes.answers import answered
from cop_server.routes.documents import json_response
from cop_server.routes.road import Ask

DEFAULT = "incidents"
LARGEST_BODY = 100_000


class Summaries:
    """The routes of counts."""

    def __init__(self, catalogue: Catalogue, cache: AnswerCache, url: str) -> None:
        check_summaries(catalogue)
        self._catalogue = catalogue
        self._cache = cache
        self._url = url

    def summary(self, ask: Ask) -> Response:
        """The counts of one layer, for any filter that its items take."""
        tally = read_tally(self._layer(ask.given), ask.visible, ask.given)
        at = state(tally.question, shown_beside(self._catalogue))
        caveat = caveat_of(tally.question)
        extra = (self._url, ask.given, ask.lang, tally.moment, *caveat.depends_on)
        tag = answer.etag(tally.question, at, *extra)
        headers = {"COP-Sequence": str(at.n), **caveat.headers}
        return answered(
            ask, self._cache, tag, headers, JSON, lambda: orjson.dumps(self._document(tally, ask.given, ask.lang))
        )  # fmt: skip

    def processes(self, ask: Ask) -> Response:
        """The list of processes."""
        check_known(ask.given, DOCUMENT)
        return json_response(ask, processes.listed(self._url, ask.lang), self._url)

    def process(self, ask: Ask) -> Response:
        """One process' description."""
        check_known(ask.given, DOCUMENT)
        self._known_process(ask.path("process"))
        return json_response(ask, processes.described(self._catalogue, self._url, ask.lang), self._url)

    def execute(self, ask: Ask, body: bytes) -> Response:
        """Run the process with the inputs of a body: the parameters of /summary."""
        check_known(ask.given, DOCUMENT)
        self._known_process(ask.path("process"))
        wanted = processes.execution(body)
        given = wanted.inputs | {name: text for name, text in ask.given.items() if name in ("mode", "lang")}
        visible = ask.principal.visible(read_mode(given))
        tally = read_tally(self._layer(given), visible, given)
        lang = given.get("lang", ask.lang)
        document = self._document(tally, given, "zh" if lang.startswith("zh") else "en")
        result: dict[str, Any] = document if wanted.raw else {"summary": document}
        headers = {"Cache-Control": "no-store", "COP-Sequence": str(document["sequence"])}
        headers |= caveat_of(tally.question).headers
        return JSONResponse(result, headers=headers)

    def _document(self, tally: Tally, given: dict[str, str], lang: str) -> dict[str, Any]:
        return summary_document(tally, count(tally), given, self._catalogue, self._url, lang)

    def _layer(self, given: dict[str, str]) -> Layer:
        name = given.get("collection", DEFAULT)
        layer = self._catalogue.layers.get(name)
        if layer is None or not layer.is_feature_layer:
            raise Refused(f"collection: there is no collection {name[:60]!r} with features", "collection", DEFAULT)
        return layer

    def _known_process(self, name: str) -> None:
        if name != processes.NAME:
            raise NotFound(f"there is no process {name[:60]!r}; GET /processes lists all", "process", processes.NAME)

    async def execution(self, request: Request) -> Response:
        """The address that executions are sent to."""
        given = single(request.query_params)
        body = await read_body(request)
        return await run_in_threadpool(self._executed, request, given, body)

    def _executed(self, request: Request, given: dict[str, str], body: bytes) -> Response:
        principal = asker(request)
        visible = principal.visible(read_mode(given))
        ask = Ask(request, given, "json", language(given, request.headers), visible, principal)
        response = self.execute(ask, body)
        inputs = processes.execution(body).inputs
        note_answer(principal, visible, {"collection": inputs.get("collection", DEFAULT)}, request, "summary")
        return response


async def read_body(request: Request) -> bytes:
    """A request's body. Raises Refused where it is longer than inputs ever are."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_BODY:
            raise Refused(f"the body is longer than {LARGEST_BODY} bytes")
    return body
