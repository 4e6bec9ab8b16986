"""One address: JSON and tiles answered here, pages by pygeoapi behind, both for the same visible set."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cop.catalogue import catalogue
from cop.errors import Refused
from cop.identity import Principal
from cop.journal import moment_of, resolve_asof
from cop.query.caveats import caveat_behind
from cop.query.parse import read_mode
from cop.settings import get_settings
from cop.store.reading import twice
from cop.visible import VisibleSet
from cop_providers.viewing import Viewing, look_through
from cop_server.fair import FairThreads
from cop_server.identity.asker import asker, asker_at_once
from cop_server.identity.credentials import CREDENTIAL_HEADERS
from cop_server.negotiate import PAGES, form, language, single
from cop_server.noting import note_answer
from cop_server.routes.memento import telling, with_moment


@dataclass(frozen=True, slots=True)
class Ask:
    """A request as routes see it: parameters by name, form, language and visible set."""

    request: Request
    given: dict[str, str]
    form: str
    lang: str
    visible: VisibleSet
    principal: Principal

    def path(self, name: str) -> str:
        """A part of the address."""
        return str(self.request.path_params[name])


Handler = Callable[[Ask], Response]
_REFUSED_ON_PAGES = frozenset({"bbox", "datetime", "filter", "limit", "offset"})
_ALLOW = {"Allow": "GET, HEAD, OPTIONS"}


@lru_cache(maxsize=1)
def threads() -> Executor:
    """Where handlers wait for the store: as many threads as it has connections, so that none waits for one in vain.

    They see the context variables of whoever hands them work: pygeoapi's visible set, the log's request.
    """
    count = get_settings().pool_size
    return FairThreads(count, max(1, count * 3 // 4), "road")


def _only_read(scope: Scope) -> Response:
    if scope["method"] == "OPTIONS":
        return Response(status_code=204, headers=_ALLOW)
    raise HTTPException(405, headers=_ALLOW)


class Road:
    """An ASGI endpoint that reads the form asked for and takes one of two ways."""

    def __init__(
        self,
        handler: Handler,
        forms: Sequence[str],
        pages: ASGIApp | None,
        check: Callable[[Ask], object] | None = None,
        write: Callable[[Request], Awaitable[Response]] | None = None,
        *,
        timed: bool = False,
        noted: str | None = None,
    ) -> None:
        """`timed`: the address answers for any moment, by `asof` or by the header Accept-Datetime.

        `noted`: it answers with records, and the audit knows it by this word.
        """
        self._handler = handler
        self._check = check
        self._write = write
        self._forms = [name for name in forms if pages is not None or name not in PAGES]
        self._pages = pages
        self._timed = timed
        self._noted = noted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or hand over to the pages with the visible set beside the request."""
        if scope["method"] not in ("GET", "HEAD"):
            answer = _only_read(scope) if self._write is None else await self._write(Request(scope, receive))
            await answer(scope, receive, send)
            return
        request = Request(scope, receive)
        given = single(request.query_params)
        if self._timed:
            given = with_moment(given, request.headers)
        chosen = form(given, request.headers, self._forms)
        loop = asyncio.get_running_loop()
        principal = asker_at_once(request)
        if principal is None:
            principal = await loop.run_in_executor(threads(), twice, asker, request)
        mode = read_mode(given)
        principal = principal.acting_in(mode)
        visible = principal.visible(mode)
        ask = Ask(request, given, chosen, language(given, request.headers), visible, principal)
        if chosen in PAGES and self._pages is not None:
            if "cursor" in given:
                raise Refused("cursor: pages walk by offset; leave it out, or ask for f=json", "cursor")
            await run_in_threadpool(self._check_page, ask)
            asof = await run_in_threadpool(twice, _resolved, ask) if "asof" in given else None
            look_through(Viewing(visible, asof))
            doubted = await run_in_threadpool(twice, doubting, send, ask.request, visible, asof)
            await self._page(scope, receive, await self._told(ask, doubted), given)
            return
        response = await loop.run_in_executor(threads(), self._answer, ask)
        await response(scope, receive, await self._told(ask, send))

    async def _told(self, ask: Ask, send: Send) -> Send:
        """Where the answer goes, with the headers that depend on who asks and of which time."""
        told = _kept_apart(send, ask.visible)
        if self._noted is not None and not ask.visible.is_public:
            told = _noting(told, ask, self._noted)
        if not self._timed:
            return told
        asof, loop = ask.given.get("asof"), asyncio.get_running_loop()
        moment = await loop.run_in_executor(threads(), twice, moment_of, asof, ask.visible) if asof else None
        return telling(told, get_settings().url, ask.request.url.path, ask.given, moment)

    def _check_page(self, ask: Ask) -> None:
        """Refuse what pygeoapi would pass over in silence; what it refuses itself, it refuses on a page."""
        if self._check is None:
            return
        try:
            self._check(ask)
        except Refused as exc:
            if exc.status != 404 and exc.parameter not in _REFUSED_ON_PAGES:
                raise

    def _answer(self, ask: Ask) -> Response:
        """The handler's answer."""
        return twice(self._handler, ask)

    async def _page(self, scope: Scope, receive: Receive, send: Send, given: dict[str, str]) -> None:
        assert self._pages is not None
        # The pages' own router starts from the whole path, not from where ours stopped.
        await self._pages({**_speaking(scope, given), "root_path": "", "path_params": {}}, receive, send)


def doubting(send: Send, request: Request, visible: VisibleSet, asof: int | None = None) -> Send:
    """Where a page or a coverage goes, with what makes its collection doubtful; these are made behind, without ours."""
    layer = catalogue().layers.get(request.path_params.get("collection", ""))
    caveat = caveat_behind([layer] if layer else [], visible, asof)
    if not caveat.told:
        return send

    async def told(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] < 400:
            MutableHeaders(scope=message).update(caveat.headers)
        await send(message)

    return told


def _resolved(ask: Ask) -> int:
    """The number of the moment asked for; where the address is of one layer, that layer's history must reach there."""
    name = ask.request.path_params.get("collection")
    return resolve_asof(ask.given["asof"], ask.visible, name if name in catalogue().layers else None)


def _noting(send: Send, ask: Ask, form: str) -> Send:
    """The same, with what is answered noted for the audit: not what is refused, nor what the client has already."""

    async def noted(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 200 and ask.request.method == "GET":
            note_answer(ask.principal, ask.visible, ask.given, ask.request, form)
        await send(message)

    return noted


def _kept_apart(send: Send, visible: VisibleSet) -> Send:
    """Answers depend on who asks: caches on the way are told so, and keep only what everybody sees."""

    async def told(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.add_vary_header(CREDENTIAL_HEADERS)
            if not visible.is_public and headers.get("cache-control") != "no-store":
                headers["Cache-Control"] = "private, no-cache"
        await send(message)

    return told


def _speaking(scope: Scope, given: dict[str, str]) -> Scope:
    """The request with its language said in a word that pygeoapi knows; others, such as zh-Hant, make it fail."""
    lang = language(given, Request(scope).headers)
    others = [(name, value) for name, value in scope["headers"] if name != b"accept-language"]
    query = urlencode({**given, "lang": lang} if "lang" in given else given)
    return {**scope, "headers": [*others, (b"accept-language", lang.encode())], "query_string": query.encode()}
