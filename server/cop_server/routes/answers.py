"""From an answer to HTTP: ETag, 304, content coding, and how long it may be kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from starlette.responses import Response

from cop_server.cache import Answer, AnswerCache, coding, compressed
from cop_server.routes.road import Ask

LIVE = "no-cache"  # kept, but asked again each time: a 304 is cheap
PINNED = "public, max-age=31536000, immutable"


def tagged(etag: str, content_coding: str) -> str:
    """The entity tag of one content coding of an answer."""
    return etag if content_coding == "identity" else f'{etag[:-1]}-{content_coding}"'


def is_known(ask: Ask, etag: str) -> bool:
    """Whether the client has this answer already, in whatever content coding."""
    sent = ask.request.headers.get("if-none-match", "")
    known = {tag.strip().removeprefix("W/") for tag in sent.split(",")}
    return "*" in known or bool({etag, tagged(etag, "gzip")} & known)


def answered(
    ask: Ask, cache: AnswerCache, etag: str, headers: Mapping[str, str], media_type: str, make: Callable[[], bytes],
    *, pinned: bool = False,
) -> Response:  # fmt: skip
    """The answer of an ETag: 304, from the cache, or made now and kept."""
    common = {
        **headers,
        "ETag": etag,
        "Vary": "Accept, Accept-Encoding, Accept-Language",
        "Cache-Control": PINNED if pinned else LIVE,
    }
    wanted = coding(ask.request.headers.get("accept-encoding", ""))
    if is_known(ask, etag):
        sent = ask.request.headers.get("if-none-match", "")
        known = tagged(etag, "gzip") if tagged(etag, "gzip") in sent else etag
        return Response(status_code=304, headers={**common, "ETag": known})
    plain = cache.get((etag, "identity"), lambda: Answer(make(), {}))
    body, used = plain.body, coding(ask.request.headers.get("accept-encoding", ""), len(plain.body))
    if wanted == used == "gzip":
        body = cache.get((etag, "gzip"), lambda: Answer(compressed(plain.body), {})).body
        common |= {"Content-Encoding": "gzip", "ETag": tagged(etag, "gzip")}
    return Response(body, headers=common, media_type=media_type)
