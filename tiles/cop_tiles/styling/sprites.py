"""Sprites: all symbols, badges and marks of a theme in one picture with an index, as MapLibre reads them.

https://maplibre.org/maplibre-style-spec/sprite/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import orjson

from cop.catalogue import Catalogue
from cop.catalogue.models import Layer
from cop_tiles.styling import drawings
from cop_tiles.styling.drawings import Drawing
from cop_tiles.styling.looks import has_marks, has_symbols, looks, shapes_of
from cop_tiles.styling.maplibre import image_name, pattern_name
from cop_tiles.styling.themes import Theme, theme

_WIDTH: Final = 512
_GAP: Final = 1


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sprite: its index as JSON and its picture as PNG."""

    index: bytes
    picture: bytes


@lru_cache(maxsize=6)
def _sheet(layers: tuple[Layer, ...], name: str, ratio: int) -> Sheet:
    return _composed(dict(images_of(layers, theme(name))), ratio)


def sheet(catalogue: Catalogue, name: str, ratio: int = 1) -> Sheet:
    """The sprite of a theme, for screens of 1 or 2 pixels to the pixel. Raises KeyError for another theme."""
    return _sheet(tuple(catalogue.layers.values()), theme(name).name, ratio)


def images_of(layers: Iterable[Layer], on: Theme) -> Iterator[tuple[str, Drawing]]:
    """Every image of a theme by its name.

    `{symbol}`: the symbol alone; `{incident symbol}-{state}` and `state-{state}`: marks, with and without a symbol;
    `{layer}:{class}`: badges; `{layer}:{class}:hatch`: hatching of areas, in print.
    """
    for name in sorted(drawings.symbol_names()):
        if not drawings.is_mark(name):
            yield name, drawings.plain(name, on)
            continue
        yield name, drawings.mark(name, "confirmed", on)
        for state in drawings.STATES:
            yield f"{name}-{state}", drawings.mark(name, state, on)
    for state in drawings.STATES:
        yield f"state-{state}", drawings.mark(None, state, on)
    for layer in layers:
        yield from _of_layer(layer, on)


def _of_layer(layer: Layer, on: Theme) -> Iterator[tuple[str, Drawing]]:
    shapes = shapes_of(layer)
    for look in looks(layer):
        if "point" in shapes and has_symbols(layer) and not has_marks(layer):
            yield image_name(layer, look), drawings.badge(look, on)
        if "area" in shapes and on.patterned:
            yield pattern_name(layer, look), drawings.hatch(look, on)


def names_of(layers: Iterable[Layer], on: Theme) -> frozenset[str]:
    """The names that the index of a theme has."""
    marks = [name for name in drawings.symbol_names() if drawings.is_mark(name)]
    others = {f"{name}-{alias}" for name in [*marks, "state"] for alias in drawings.ALIASES}
    return frozenset(name for name, _ in images_of(layers, on)) | others


def _composed(images: Mapping[str, Drawing], ratio: int) -> Sheet:
    """Rows of images, the tallest first, drawn in one go."""
    x = y = row = 0
    pieces: list[str] = []
    index: dict[str, dict[str, float]] = {}
    # The same drawing stands on the sheet once, however many names it has.
    placed: dict[Drawing, dict[str, float]] = {}
    for name, drawing in sorted(images.items(), key=lambda pair: (-pair[1].height, pair[0])):
        if drawing in placed:
            index[name] = placed[drawing]
            continue
        width, height = round(drawing.width), round(drawing.height)
        if x + width > _WIDTH:
            x, y, row = 0, y + row + _GAP, 0
        pieces.append(f'<svg x="{x}" y="{y}" width="{width}" height="{height}" '
                      f'viewBox="0 0 {drawing.width} {drawing.height}">{drawing.svg}</svg>')  # fmt: skip
        index[name] = placed[drawing] = {
            "x": x * ratio, "y": y * ratio, "width": width * ratio, "height": height * ratio, "pixelRatio": ratio,
        }  # fmt: skip
        x, row = x + width + _GAP, max(row, height)
    for name in list(index):
        for alias, state in drawings.ALIASES.items():
            if name.endswith(f"-{state}"):
                index[f"{name.removesuffix(state)}{alias}"] = index[name]
    return Sheet(orjson.dumps(index, option=orjson.OPT_SORT_KEYS),
                 drawings.picture("".join(pieces), _WIDTH, y + row, ratio))  # fmt: skip
