"""What form and language a client asks for: the parameters `f` and `lang`, else Accept and Accept-Language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from starlette.datastructures import Headers, QueryParams

from cop.errors import NotAcceptable, Refused

# What pygeoapi answers behind the fast road.
PAGES = frozenset({"html", "jsonld"})
_BY_MEDIA_TYPE = {
    "text/html": "html", "application/xhtml+xml": "html", "application/ld+json": "jsonld",
    "application/json": "json", "application/geo+json": "json", "application/schema+json": "json",
    "application/vnd.oai.openapi+json": "json",
    "application/vnd.mapbox-vector-tile": "mvt", "application/x-protobuf": "mvt",
    "text/event-stream": "events", "application/vnd.aai.asyncapi+json": "json",
    "application/vnd.mapbox.style+json": "json", "image/png": "png", "image/*": "png",
}  # fmt: skip


def single(query: QueryParams) -> dict[str, str]:
    """Parameters by name.

    Raises Refused where one stands twice: which of the two was meant, nobody can tell.
    """
    given: dict[str, str] = {}
    for name, value in query.multi_items():
        if name in given:
            raise Refused(f"{name[:100]}: it is given twice", name[:100])
        if "\0" in value or "\0" in name:
            raise Refused(f"{name[:100]!r}: it holds a NUL", None)
        given[name] = value
    return given


def form(given: Mapping[str, str], headers: Headers, forms: Sequence[str]) -> str:
    """The form to answer in, one of `forms`, whose first is the default.

    Raises Refused for an `f` that is not there, NotAcceptable where Accept takes none of them.
    """
    asked = given.get("f")
    if asked is not None:
        asked = {"pbf": "mvt", "geojson": "json"}.get(asked, asked)
        if asked not in forms:
            raise Refused(f"f: {asked[:40]!r} is none of {', '.join(forms)}", "f", forms[0])
        return asked
    for media_type in _by_preference(headers.get("accept", "*/*")):
        if media_type in ("*/*", "application/*") or (media_type == "text/*" and "html" in forms):
            return forms[0]
        found = _BY_MEDIA_TYPE.get(media_type)
        if found in forms:
            return str(found)
    raise NotAcceptable(f"Accept: here are {', '.join(forms)}", "Accept", "application/json")


def language(given: Mapping[str, str], headers: Headers) -> str:
    """`en` or `zh` for titles."""
    asked = given.get("lang")
    if asked is not None:
        if asked.lower().split("-")[0] in ("en", "zh"):
            return asked.lower().split("-")[0]
        raise Refused(f"lang: {asked[:40]!r} is none of en, zh", "lang", "zh")
    for tag in _by_preference(headers.get("accept-language", "")):
        if tag.split("-")[0] in ("en", "zh"):
            return tag.split("-")[0]
    return "en"


def _by_preference(header: str) -> list[str]:
    weighed = []
    for place, part in enumerate(header[:1000].split(",")):
        value, *parameters = (piece.strip() for piece in part.split(";"))
        weight = next((_weight(p[2:]) for p in parameters if p.startswith("q=")), 1.0)
        if value and weight > 0:
            weighed.append((-weight, place, value.lower()))
    return [value for _, _, value in sorted(weighed)]


def _weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
