"""Styles, legends, sprites and glyphs: how the picture is drawn, for every client from one declaration."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import orjson
from starlette.responses import Response

from cop.catalogue import Catalogue, Layer
from cop.errors import NotFound, Refused
from cop.query.parse import check_known
from cop.settings import get_settings
from cop_server.cache import AnswerCache
from cop_server.documents import styles as documents
from cop_server.documents.links import JSON
from cop_server.documents.state import states
from cop_server.routes.answers import answered
from cop_server.routes.documents import json_response
from cop_server.routes.road import Ask
from cop_tiles.basemap.folder import SHADE_FILE, VECTOR_FILE, built, manifest_of
from cop_tiles.styles import attribution
from cop_tiles.styling import glyphs as glyph_files
from cop_tiles.styling import legend, legend_picture, sprites
from cop_tiles.styling.check import check_styles
from cop_tiles.styling.document import SHOWN, Scene, Shown, of_layer, whole
from cop_tiles.styling.themes import THEMES, theme

_GIVEN = frozenset({"f", "lang", "mode"})
_SPRITE = re.compile(r"(?P<theme>[a-z]+)(?P<twice>@2x)?\.(?P<form>json|png)")
_PNG = "image/png"
_MVT = "application/vnd.mapbox-vector-tile"


class Styles:
    """The routes of styles."""

    def __init__(self, catalogue: Catalogue, cache: AnswerCache, url: str) -> None:
        check_styles(catalogue)
        self._catalogue = catalogue
        self._cache = cache
        self._url = url
        self._glyphs = glyph_files.Glyphs(get_settings().var)

    def styles(self, ask: Ask) -> Response:
        """The styles of the whole picture."""
        check_known(ask.given, _GIVEN)
        return json_response(ask, documents.styles(self._url, ask.lang, self._every(ask)), self._url)

    def style(self, ask: Ask) -> Response:
        """One style of the whole picture: the basemap, and every collection on it."""
        check_known(ask.given, _GIVEN | {"asof", "collections"})
        folder = built(get_settings().var / "basemap")
        said = attribution(manifest_of(folder)) if folder is not None else None
        shown = self._shown(ask, list(self._catalogue.layers.values()))
        made = whole(shown, self._scene(ask, ask.path("style")), said, self._wanted(ask))
        return self._body(ask, documents.STYLESHEET, orjson.dumps(made))

    def style_metadata(self, ask: Ask) -> Response:
        """What a style of the whole picture is made of."""
        check_known(ask.given, _GIVEN)
        name = _theme(ask.path("style"))
        return json_response(ask, documents.style_metadata(self._url, name, ask.lang, self._every(ask)), self._url)

    def layer_styles(self, ask: Ask) -> Response:
        """The styles of one collection."""
        check_known(ask.given, _GIVEN)
        (shown,) = self._shown(ask, [self._layer(ask)])
        return json_response(ask, documents.layer_styles(self._url, shown, ask.lang), self._url)

    def layer_style(self, ask: Ask) -> Response:
        """One style of one collection."""
        check_known(ask.given, _GIVEN | {"asof"})
        scene = self._scene(ask, ask.path("style"))
        (shown,) = self._shown(ask, [self._layer(ask)])
        return self._body(ask, documents.STYLESHEET, orjson.dumps(of_layer(shown, scene)))

    def layer_style_metadata(self, ask: Ask) -> Response:
        """What a collection's style is made of."""
        check_known(ask.given, _GIVEN)
        (shown,) = self._shown(ask, [self._layer(ask)])
        told = documents.layer_style_metadata(self._url, shown, _theme(ask.path("style")), ask.lang)
        return json_response(ask, told, self._url)

    def legend(self, ask: Ask) -> Response:
        """What the signs of a collection mean, as data or as a picture."""
        check_known(ask.given, _GIVEN)
        name = _theme(ask.path("style"))
        (shown,) = self._shown(ask, [self._layer(ask, coverages=True)])
        if ask.form == "png":
            picture = legend_picture.draw(shown.layer, theme(name), ask.lang, exercise=shown.exercise)
            return self._body(ask, _PNG, picture)
        return json_response(ask, legend.document(shown.layer, exercise=shown.exercise), self._url)

    def sprite(self, ask: Ask) -> Response:
        """A sprite's index or picture: `light.json`, `dark@2x.png`."""
        check_known(ask.given, frozenset())
        found = _SPRITE.fullmatch(ask.path("file"))
        if found is None or found["theme"] not in THEMES:
            raise NotFound(f"there is no sprite {ask.path('file')[:60]!r}; here are {', '.join(THEMES)}, each with "
                           ".json, .png, @2x.json and @2x.png", "file", "light@2x.png")  # fmt: skip
        sheet = sprites.sheet(self._catalogue, found["theme"], 2 if found["twice"] else 1)
        is_index = found["form"] == "json"
        return self._body(ask, JSON if is_index else _PNG, sheet.index if is_index else sheet.picture)

    def glyphs(self, ask: Ask) -> Response:
        """The glyphs of 256 characters of a font."""
        check_known(ask.given, frozenset())
        span = ask.path("range")
        if not span.endswith(".pbf"):
            raise NotFound(f"there are no glyphs {span[:40]!r}; ranges end with .pbf", "range", "0-255.pbf")
        body = self._glyphs.answer(ask.path("fontstack"), span.removesuffix(".pbf"))
        return self._body(ask, glyph_files.MEDIA_TYPE, body)

    def basemap_tile(self, ask: Ask) -> Response:
        """A vector tile of the basemap, which the styles of the whole picture draw first."""
        return self._stored(ask, VECTOR_FILE, ".mvt", _MVT)

    def hillshade_tile(self, ask: Ask) -> Response:
        """A tile of the basemap's hill shade."""
        return self._stored(ask, SHADE_FILE, ".png", _PNG)

    def close(self) -> None:
        """Stop drawing glyphs."""
        self._glyphs.close()

    def _stored(self, ask: Ask, file: str, ending: str, media_type: str) -> Response:
        check_known(ask.given, frozenset())
        z, x, y = (_number(ask.path(part).removesuffix(ending if part == "y" else ""), part) for part in "zxy")
        folder = built(get_settings().var / "basemap")
        if folder is None or z > 22 or x >= 2**z or y >= 2**z:
            raise NotFound("there is no such tile of the basemap", "z")
        body = _tile(folder / file, z, x, y)
        if body is None:
            # A tile without anything in it is no error to a map.
            return Response(status_code=204, headers={"Cache-Control": "no-cache"})
        gzipped = body[:2] == b"\x1f\x8b"
        headers = {"Cache-Control": "no-cache", "ETag": f'"{hashlib.sha256(body).hexdigest()[:20]}"',
                   **({"Content-Encoding": "gzip"} if gzipped else {})}  # fmt: skip
        if ask.request.headers.get("if-none-match", "") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        return Response(body, headers=headers, media_type=media_type)

    def _body(self, ask: Ask, media_type: str, body: bytes) -> Response:
        etag = f'"{hashlib.sha256(media_type.encode() + body).hexdigest()[:20]}"'
        return answered(ask, self._cache, etag, {}, media_type, lambda: body)

    def _scene(self, ask: Ask, name: str) -> Scene:
        return Scene(self._url, _theme(name), ask.visible.mode, ask.lang, ask.given.get("asof"))

    def _every(self, ask: Ask) -> bool:
        """Whether any of the collections is an exercise's."""
        return any(shown.exercise for shown in self._shown(ask, list(self._catalogue.layers.values())))

    def _shown(self, ask: Ask, layers: list[Layer]) -> list[Shown]:
        return [
            Shown(layer, _is_exercise(layer, state.provenance, ask)) for layer, state in states(layers, ask.visible)
        ]

    def _wanted(self, ask: Ask) -> tuple[str, ...]:
        given = ask.given.get("collections")
        if given is None:
            return SHOWN
        names = tuple(dict.fromkeys(name for name in given.split(",") if name))
        for name in names:
            if name not in self._catalogue.layers:
                raise Refused(f"collections: there is no collection {name[:60]!r}; GET /collections lists all",
                              "collections", ",".join(SHOWN))  # fmt: skip
        return names

    def _layer(self, ask: Ask, *, coverages: bool = False) -> Layer:
        name = ask.path("collection")
        layer = self._catalogue.layers.get(name)
        if layer is None or not (layer.is_feature_layer or coverages):
            raise NotFound(f"there is no collection {name[:60]!r} with styles; GET /collections lists all",
                           "collection", "incidents")  # fmt: skip
        return layer


def _is_exercise(layer: Layer, loaded: str | None, ask: Ask) -> bool:
    if layer.is_labelled:
        return ask.visible.mode == "exercise"
    return (loaded or layer.provenance) == "exercise"


def _theme(name: str) -> str:
    if name not in THEMES:
        raise NotFound(f"there is no style {name[:40]!r}; here are {', '.join(THEMES)}", "style", THEMES[0])
    return name


def _number(text: str, part: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 9):
        raise NotFound(f"{part}: found {text[:20]!r}, wanted a number", part)
    return int(text)


def _tile(file: Path, z: int, x: int, y: int) -> bytes | None:
    """A tile of an MBTiles file, which counts rows from the south."""
    if not file.is_file():
        return None
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
        row = connection.execute(
            "SELECT tile_data FROM tiles WHERE zoom_level = ? AND tile_column = ? AND tile_row = ?",
            (z, x, 2**z - 1 - y),
        ).fetchone()
    return bytes(row[0]) if row else None
