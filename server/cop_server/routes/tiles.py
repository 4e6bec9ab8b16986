"""Vector tiles of one collection, or of several in one tile."""

from __future__ import annotations

from starlette.responses import Response

from cop.errors import NotFound, Refused
from cop.query import answer
from cop.query.canonical import question_hash
from cop.query.caveats import caveat_behind
from cop.query.parse import Asked, read_items
from cop.query.question import Question
from cop_providers.features import FeatureProvider
from cop_providers.tiles import TileProvider, tilejson, tileset_metadata
from cop_server.cache import AnswerCache
from cop_server.documents import collections as documents
from cop_server.routes.answers import answered
from cop_server.routes.documents import json_response
from cop_server.routes.road import Ask
from cop_tiles.matrix import Tile, check_set, definition, tile_of
from cop_tiles.mvt import MEDIA_TYPE

MAX_COLLECTIONS = 20
_NOT_OF_TILES = (
    "limit",
    "offset",
    "cursor",
    "bbox",
    "bbox-crs",
    "sortby",
    "properties",
    "skipGeometry",
    "crs",
    "resulttype",
)


class Tiles:
    """The routes of tiles over the layers' providers."""

    def __init__(
        self,
        features: dict[str, FeatureProvider],
        tiles: dict[str, TileProvider],
        cache: AnswerCache,
        url: str,
    ) -> None:
        self._features = features
        self._tiles = tiles
        self._cache = cache
        self._url = url

    def tile(self, ask: Ask) -> Response:
        """A tile of one collection."""
        at = _tile(ask)
        return self._answer(ask, at, [self._asked(ask, ask.path("collection"), ask.given)])

    def dataset_tile(self, ask: Ask) -> Response:
        """A tile of several collections: vector tiles may be put one behind the other."""
        at = _tile(ask)
        names = list(dict.fromkeys(ask.given.get("collections", "").split(",")))
        if names == [""] or len(names) > MAX_COLLECTIONS:
            raise Refused(f"collections: name 1 to {MAX_COLLECTIONS} collections with commas between them",
                          "collections", "incidents,districts")  # fmt: skip
        given = {name: value for name, value in ask.given.items() if name != "collections"}
        return self._answer(ask, at, [self._asked(ask, name, given) for name in names])

    def tilesets(self, ask: Ask) -> Response:
        """The tile sets of one collection."""
        layer = self._provider(ask.path("collection")).layer
        return json_response(ask, documents.tilesets(layer, self._url, ask.lang), self._url)

    def tileset(self, ask: Ask) -> Response:
        """A tile set's metadata, or TileJSON."""
        layer = self._provider(ask.path("collection")).layer
        check_set(ask.path("set"))
        title = layer.title.zh if ask.lang == "zh" else layer.title.en
        make = tilejson if ask.form == "tilejson" else tileset_metadata
        return json_response(ask, make(layer.id, title, self._url), self._url)

    def dataset_tilesets(self, ask: Ask) -> Response:
        """The tile sets of the whole data set."""
        return json_response(ask, documents.dataset_tilesets(self._url), self._url)

    def dataset_tileset(self, ask: Ask) -> Response:
        """The metadata of the data set's one tile set."""
        check_set(ask.path("set"))
        return json_response(ask, documents.dataset_tilesets(self._url)["tilesets"][0], self._url)

    def tile_matrix_sets(self, ask: Ask) -> Response:
        """The tile matrix sets."""
        return json_response(ask, documents.tile_matrix_sets(self._url), self._url)

    def tile_matrix_set(self, ask: Ask) -> Response:
        """A tile matrix set's definition."""
        check_set(ask.path("set"))
        return json_response(ask, definition(), self._url)

    def _provider(self, name: str) -> TileProvider:
        if name not in self._tiles:
            raise NotFound(f"there is no collection {name[:60]!r} with tiles; GET /collections lists all", "collection")
        return self._tiles[name]

    def _asked(self, ask: Ask, name: str, given: dict[str, str]) -> Asked:
        self._provider(name)
        for parameter in _NOT_OF_TILES:
            if parameter in given:
                raise Refused(f"{parameter}: a tile has its own box, order and CRS", parameter)
        return read_items(self._features[name].layer, ask.visible, given)

    def _answer(self, ask: Ask, at: Tile, several: list[Asked]) -> Response:
        questions = [self._features[asked.question.layer.id].resolved(asked) for asked in several]
        states = [answer.current_state(question) for question in questions]
        tags = [answer.etag(question, state, at) for question, state in zip(questions, states, strict=True)]
        tag = tags[0] if len(tags) == 1 else f'"{question_hash(*tags)}"'
        # A tile stays the same tile whatever its feeds are; a 304 brings the word on them too.
        caveat = caveat_behind([question.layer for question in questions], ask.visible, questions[0].moment)
        headers = {"COP-Sequence": str(max(state.n for state in states)), **caveat.headers}
        pinned = all(answer.is_immutable(asked) for asked in several)
        return answered(ask, self._cache, tag, headers, MEDIA_TYPE, lambda: self._body(questions, at), pinned=pinned)

    def _body(self, questions: list[Question], at: Tile) -> bytes:
        return b"".join(self._tiles[question.layer.id].tile(question, at) for question in questions)


def _tile(ask: Ask) -> Tile:
    return tile_of(ask.path("set"), ask.path("z"), ask.path("row"), ask.path("col"))
