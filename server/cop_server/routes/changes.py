"""Changes: what a replica of a collection needs to stay equal, streamed some features at a time."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import islice

import orjson
from starlette.responses import Response, StreamingResponse

from cop.catalogue import Layer
from cop.query import answer
from cop.query.caveats import caveat_behind
from cop.query.delta import Change, Place, bounds, check_since, feature_text, read_place, write_place
from cop.query.parse_changes import AskedChanges, read_changes
from cop.query.question import Question
from cop_providers.features import FeatureProvider
from cop_server.cache import coding
from cop_server.documents.links import GEOJSON, JSON, carrying, link
from cop_server.routes.answers import LIVE, is_known, tagged
from cop_server.routes.items import address, provider_of
from cop_server.routes.road import Ask, threads

_CHUNK = 200  # features joined and compressed at once
_GZIP = 31  # zlib's word for a window of 32 kB in gzip's frame


class Changes:
    """The route of deltas over the layers' providers."""

    def __init__(self, providers: dict[str, FeatureProvider], url: str) -> None:
        self._providers = providers
        self._url = url

    def delta(self, ask: Ask) -> Response:
        """What changed since a number, pinned to the present or to `until`."""
        provider = provider_of(self._providers, ask.path("collection"))
        asked = read_changes(provider.layer, ask.visible, ask.given)
        question = asked.question
        since, until, place = _between(asked)
        # What was relabelled since is not shown, so the present mark counts beside the pinned one.
        state = answer.State(until, (since, until, bounds(ask.visible, [provider.layer]).of_layers))
        tag = answer.etag(question, state, "changes", self._url, ask.given)
        headers = {
            "COP-Sequence": str(until), "Content-Crs": question.crs.header, "Cache-Control": LIVE, "ETag": tag,
            "Vary": "Accept, Accept-Encoding, Accept-Language",
            **caveat_behind([provider.layer], ask.visible).headers,
        }  # fmt: skip
        if is_known(ask, tag):
            return Response(status_code=304, headers=headers)
        zipped = coding(ask.request.headers.get("accept-encoding", "")) == "gzip"
        if zipped:
            headers |= {"Content-Encoding": "gzip", "ETag": tagged(tag, "gzip")}
        if ask.request.method == "HEAD":
            return Response(headers=headers, media_type=GEOJSON)
        walk = _Walk(provider.changes(question, place, until), asked.limit, since, until)
        body = walk.body(lambda last: self._links(ask, provider.layer, question, walk, last))
        first = next(body)  # a question that the store refuses is refused before anything is sent
        return StreamingResponse(_sent(first, body, zipped=zipped), headers=headers, media_type=GEOJSON)

    def _links(
        self, ask: Ask, layer: Layer, question: Question, walk: _Walk, last: Place | None
    ) -> list[dict[str, object]]:
        base = f"{self._url}/collections/{layer.id}"
        here = address(f"{base}/changes", ask.given)
        links = [
            link(here({}), "self", GEOJSON, "This page"),
            link(f"{base}?f=json", "collection", JSON, layer.title.en),
        ]
        away: dict[str, str | None] = {"since": None, "until": None, "cursor": None}
        if last is not None:
            cursor = write_place(question, walk.since, walk.until, last)
            links.append(link(here({**away, "cursor": cursor}), "next", GEOJSON, "Next page"))
        else:
            following = here({**away, "since": str(walk.until)})
            links.append(link(following, "changes", GEOJSON, "What changes from here on"))
        return carrying(links, self._url, ask.given.get("mode"))  # type: ignore[no-any-return]


def _between(asked: AskedChanges) -> tuple[int, int, Place]:
    """Since, until and place, checked against what the visible set knows of numbers now."""
    visible = asked.question.visible
    known = bounds(visible, [asked.question.layer])
    if asked.cursor is not None:
        since, until, place = read_place(asked.question, asked.cursor)
        check_since(visible, Place(since), known, "cursor")
        return since, until, place
    assert asked.since is not None
    check_since(visible, Place(asked.since), known)
    if asked.until is not None:
        check_since(visible, Place(asked.until), known, "until")
        return asked.since, asked.until, Place(asked.since)
    return asked.since, max(known.of_layers, asked.since), Place(asked.since)


class _Walk:
    """One page of a delta as the parts of a document."""

    def __init__(self, changes: Iterator[Change], limit: int, since: int, until: int) -> None:
        self._changes = changes
        self._limit = limit
        self.since = since
        self.until = until

    def body(self, links: Callable[[Place | None], object]) -> Iterator[bytes]:
        """The document in parts; its links stand at the end, for only there is known whether there is a next page."""
        found = self._some(0)
        head = b'{"type":"FeatureCollection","since":%d,"until":%d,"features":[' % (self.since, self.until)
        yield head + _joined(found)
        returned, last, more = 0, None, False
        while found:
            returned, last = returned + len(found), found[-1].place
            if returned == self._limit:
                more = next(self._changes, None) is not None
                break
            found = self._some(returned)
            if found:
                yield b",\n" + _joined(found)
        told = orjson.dumps(links(last if more else None))
        yield b'],"numberReturned":%d,"links":%s}' % (returned, told)

    def _some(self, returned: int) -> list[Change]:
        return list(islice(self._changes, min(_CHUNK, self._limit - returned)))


def _joined(found: list[Change]) -> bytes:
    return b",\n".join(map(feature_text, found))


async def _sent(first: bytes, rest: Iterator[bytes], *, zipped: bool) -> AsyncIterator[bytes]:
    """The parts, each read and compressed in the threads that wait for the store."""
    loop = asyncio.get_running_loop()
    packer = zlib.compressobj(4, zlib.DEFLATED, _GZIP) if zipped else None

    def packed(part: bytes | None) -> bytes:
        if packer is None:
            return part or b""
        return packer.compress(part) if part is not None else packer.flush()

    def following() -> bytes | None:
        part = next(rest, None)
        return None if part is None else packed(part)

    yield packed(first)
    while (part := await loop.run_in_executor(threads(), following)) is not None:
        if part:
            yield part
    if packer is not None:
        yield packer.flush()
