"""Locations: the series of a sensor, after OGC API EDR's query of that name."""

from __future__ import annotations

import hashlib

import orjson
from starlette.responses import Response

from cop.query import answer
from cop.query.caveats import caveat_behind
from cop.query.question import Question
from cop.query.series import read_series, series
from cop_providers.features import FeatureProvider
from cop_server.cache import AnswerCache
from cop_server.documents.series import MEDIA_TYPE, series_document
from cop_server.routes.answers import answered
from cop_server.routes.items import provider_of
from cop_server.routes.road import Ask


class Locations:
    """The route of series over the layers' providers."""

    def __init__(self, providers: dict[str, FeatureProvider], cache: AnswerCache) -> None:
        self._providers = providers
        self._cache = cache

    def series(self, ask: Ask) -> Response:
        """The observations of one sensor. Raises NotFound where the visible set has no such sensor.

        A late file can add to a series without changing what is the latest, so the ETag is of the bytes.
        """
        provider = provider_of(self._providers, ask.path("collection"))
        asked = read_series(provider.layer, ask.visible, ask.path("location"), ask.given)
        sensor = provider.item(Question(layer=asked.layer, visible=ask.visible), asked.sensor)
        shown = orjson.loads(sensor.feature)["geometry"]
        place = (shown["coordinates"][0], shown["coordinates"][1]) if shown else None
        body = orjson.dumps(series_document(asked, series(asked), place))
        tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        at = answer.current_state(Question(layer=asked.layer, visible=ask.visible))
        headers = {"COP-Sequence": str(at.n), **caveat_behind([asked.layer], ask.visible).headers}
        return answered(ask, self._cache, tag, headers, MEDIA_TYPE, lambda: body)
