"""Candidates: what may be the same as a record, with reasons, for a person to decide."""

from __future__ import annotations

from urllib.parse import quote

import orjson
from starlette.responses import Response

from cop.catalogue import catalogue
from cop.query import answer
from cop.query.canonical import question_hash
from cop.query.parse import DOCUMENT, check_known
from cop.query.question import Question
from cop.query.similar import Similar, rules_of, similar
from cop_providers.features import FeatureProvider
from cop_server.cache import AnswerCache
from cop_server.documents.links import GEOJSON, carrying, link
from cop_server.routes.answers import answered
from cop_server.routes.items import provider_of
from cop_server.routes.road import Ask


class Candidates:
    """The route of what may be the same as one record."""

    def __init__(self, providers: dict[str, FeatureProvider], cache: AnswerCache, url: str) -> None:
        self._providers = providers
        self._cache = cache
        self._url = url

    def of_one(self, ask: Ask) -> Response:
        """The records that may tell of the same thing as one, the likeliest first."""
        check_known(ask.given, DOCUMENT)
        question = Question(layer=provider_of(self._providers, ask.path("collection")).layer, visible=ask.visible)
        rules_of(question)
        at = answer.current_state(question)
        parts = (answer.FORMAT_VERSION, catalogue().version, question.layer.id, question.visible, ask.path("feature"))
        tag = f'"{question_hash("similar", parts, at.depends_on, self._url, ask.given)}"'
        return answered(ask, self._cache, tag, {"COP-Sequence": str(at.n)}, GEOJSON, lambda: self._body(ask, question))

    def _body(self, ask: Ask, question: Question) -> bytes:
        base = f"{self._url}/collections/{question.layer.id}/items"
        id_ = ask.path("feature")
        found = similar(question, id_)
        document = {
            "type": "FeatureCollection",
            "numberReturned": len(found),
            "links": [
                link(f"{base}/{quote(id_, safe='')}/similar", "self", GEOJSON, "This list"),
                link(f"{base}/{quote(id_, safe='')}", "about", GEOJSON, "The record compared"),
            ],
            "features": [_told(base, candidate) for candidate in found],
        }
        return orjson.dumps(carrying(document, self._url, ask.given.get("mode")))


def _told(base: str, candidate: Similar) -> dict[str, object]:
    """The candidate's feature; why it is one stands beside its properties."""
    feature = candidate.feature
    reasons = [{"en": reason.en, "zh": reason.zh} for reason in candidate.reasons]
    here = link(f"{base}/{quote(str(feature['id']), safe='')}", "item", GEOJSON, "The candidate")
    return {**feature, "similarity": {"score": candidate.score, "reasons": reasons}, "links": [here]}
