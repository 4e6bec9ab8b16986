"""Items: pages of features and single ones, as the bytes that the provider streams."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote, urlencode

import orjson
from starlette.responses import Response

from cop.catalogue import Layer, catalogue
from cop.errors import NotFound
from cop.query import answer
from cop.query.canonical import question_hash
from cop.query.caveats import caveat_behind, caveat_of
from cop.query.parse import read_item, read_items
from cop.query.question import Question
from cop.query.versions import read_versions, versions
from cop_providers.features import FeatureProvider
from cop_server.cache import AnswerCache
from cop_server.documents.links import GEOJSON, HTML, JSON, carrying, link
from cop_server.documents.versions import versions_document
from cop_server.routes.answers import answered
from cop_server.routes.road import Ask


class Items:
    """The routes of items over the layers' providers."""

    def __init__(self, providers: dict[str, FeatureProvider], cache: AnswerCache, url: str) -> None:
        self._providers = providers
        self._cache = cache
        self._url = url

    def page(self, ask: Ask) -> Response:
        """A page of features."""
        provider = self._provider(ask)
        asked = read_items(provider.layer, ask.visible, ask.given)
        question = provider.resolved(asked)
        at = answer.current_state(question)
        caveat = caveat_of(question)
        tag = answer.etag(question, at, self._url, ask.given, *caveat.depends_on)
        headers = {"Content-Crs": question.crs.header, "COP-Sequence": str(at.n), **caveat.headers}
        return answered(
            ask, self._cache, tag, headers, GEOJSON,
            lambda: self._page_body(ask, provider, question),
            pinned=answer.is_immutable(asked),
        )  # fmt: skip

    def check(self, ask: Ask) -> None:
        """Refuse for a page what would be refused for JSON: pygeoapi behind ignores what it does not know."""
        read_items(self._provider(ask).layer, ask.visible, ask.given)

    def item(self, ask: Ask) -> Response:
        """One feature; its ETag is of its own version, so that a neighbour's change does not touch it."""
        provider = self._provider(ask)
        asked = read_item(provider.layer, ask.visible, ask.given)
        question = provider.resolved(asked)
        found = provider.item(question, ask.path("feature"))
        # A past version may be redacted, which the layer's mark tells; the present one is then another version.
        since = answer.current_state(question).depends_on if question.asof is not None else ()
        caveat = caveat_of(question)
        tag = answer.item_etag(question, found, self._url, ask.given, since, *caveat.depends_on)
        headers = {"Content-Crs": question.crs.header, "COP-Sequence": str(found.n), **caveat.headers}
        return answered(
            ask, self._cache, tag, headers, GEOJSON,
            lambda: self._item_body(ask, provider.layer, found.feature),
            pinned=answer.is_immutable(asked),
        )  # fmt: skip

    def versions(self, ask: Ask) -> Response:
        """All that a feature has been, the newest first, with who, when and what changed."""
        provider = self._provider(ask)
        asked = read_versions(provider.layer, ask.visible, ask.path("feature"), ask.given)
        at = answer.current_state(Question(layer=asked.layer, visible=asked.visible))
        parts = (answer.FORMAT_VERSION, catalogue().version, asked.layer.id, asked.visible, asked.feature)
        tag = f'"{question_hash("versions", parts, at.depends_on, self._url, ask.given)}"'
        headers = {"COP-Sequence": str(at.n), **caveat_behind([asked.layer], ask.visible).headers}
        return answered(
            ask, self._cache, tag, headers, GEOJSON,
            lambda: versions_document(asked, versions(asked), self._url, ask.given),
        )  # fmt: skip

    def _provider(self, ask: Ask) -> FeatureProvider:
        return provider_of(self._providers, ask.path("collection"))

    def _page_body(self, ask: Ask, provider: FeatureProvider, question: Question) -> bytes:
        found = provider.page(question)
        links = orjson.dumps(carrying(self._links(ask, provider.layer, found), self._url, ask.given.get("mode")))
        head = b'{"type":"FeatureCollection","numberMatched":%d,"numberReturned":%d,"links":%s,"features":['
        start = head % (found.matched, len(found.features), links)
        if not found.features:
            return start + b"]}"
        # One join, head and tail within it: a large body is copied once.
        texts = found.features.copy()
        texts[0] = start + texts[0]
        texts[-1] += b"]}"
        return b",\n".join(texts)

    def _item_body(self, ask: Ask, layer: Layer, feature: bytes) -> bytes:
        base = f"{self._url}/collections/{layer.id}"
        here = address(f"{base}/items/{quote(ask.path('feature'), safe='')}", ask.given)
        links = [
            link(here({"f": "json"}), "self", GEOJSON, "This feature"),
            link(here({"f": "html"}), "alternate", HTML, "This feature as a page"),
            link(f"{base}?f=json", "collection", JSON, layer.title.en),
            link(
                f"{base}/items/{quote(ask.path('feature'), safe='')}/versions", "version-history", GEOJSON, "Versions"
            ),
        ]
        return feature[:-1] + b',"links":' + orjson.dumps(carrying(links, self._url, ask.given.get("mode"))) + b"}"

    def _links(self, ask: Ask, layer: Layer, found: answer.Page) -> list[dict[str, object]]:
        base = f"{self._url}/collections/{layer.id}"
        here = address(f"{base}/items", ask.given)
        links = [
            link(here({"f": "json"}), "self", GEOJSON, "This page"),
            link(here({"f": "html", "cursor": None}), "alternate", HTML, "This page as HTML"),
            link(f"{base}?f=json", "collection", JSON, layer.title.en),
        ]
        walk = {"offset": None, "asof": None}
        if found.next_cursor is not None:
            links.append(link(here({**walk, "cursor": found.next_cursor}), "next", GEOJSON, "Next page"))
        if found.previous_cursor is not None:
            links.append(link(here({**walk, "cursor": found.previous_cursor}), "prev", GEOJSON, "Previous page"))
        return links


def provider_of(providers: dict[str, FeatureProvider], name: str) -> FeatureProvider:
    """The provider of a collection.

    Raises NotFound where there is none.
    """
    if name not in providers:
        raise NotFound(f"there is no collection {name[:60]!r} with features; GET /collections lists all", "collection")
    return providers[name]


def address(base: str, given: dict[str, str]) -> Callable[[dict[str, str | None]], str]:
    """The address with some parameters changed; None leaves one out."""

    def changed(changes: dict[str, str | None]) -> str:
        parameters = {name: value for name, value in {**given, **changes}.items() if value is not None}
        return f"{base}?{urlencode(parameters, safe=',:/')}" if parameters else base

    return changed
