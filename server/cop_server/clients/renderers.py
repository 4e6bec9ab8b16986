"""A layer's style as QGIS renderers: of its features, and of its vector tiles."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from xml.etree.ElementTree import Element

from cop.catalogue.models import Layer
from cop_server.clients.elements import node
from cop_server.clients.icons import mark, picture, states
from cop_server.clients.labels import label_expression, settings
from cop_server.clients.rules import all_of, framed, only
from cop_server.clients.symbols import KINDS, Picture, null_symbol, symbol
from cop_server.clients.words import Tongue, told
from cop_tiles.styling.looks import Look, Shape, is_total, looks, shapes_of

# QGIS's numbers of geometry types (QgsWkbTypes::GeometryType).
_GEOMETRY: Final[dict[Shape, int]] = {"point": 0, "line": 1, "area": 2}


def feature_renderer(parent: Element, layer: Layer, tongue: Tongue) -> None:
    """The renderer of a layer's features: one symbol, a symbol a value, or a rule a class."""
    shape = shapes_of(layer)[-1]
    every = shown_looks(layer)
    if len(every) == 1:
        made = _renderer(parent, "singleSymbol")
        symbol(node(made, "symbols"), "0", shape, every[0], picture(layer, every[0]))
    elif all(one.values for one in layer.style.classes):
        _categories(parent, layer, shape, tongue)
    else:
        _rules(parent, layer, shape, tongue)


def table_renderer(parent: Element, layer: Layer) -> None:
    """A renderer that draws nothing."""
    null_symbol(node(_renderer(parent, "singleSymbol"), "symbols"), shapes_of(layer)[-1], "0")


def shown_looks(layer: Layer) -> list[Look]:
    """The looks that a feature may have: the rest only where the classes leave something over."""
    return [look for look in looks(layer) if look.nth is not None or not is_total(layer)]


def _renderer(parent: Element, kind: str, **more: object) -> Element:
    return node(parent, "renderer-v2", type=kind, symbollevels=False, enableorderby=False, forceraster=False, **more)


def _categories(parent: Element, layer: Layer, shape: Shape, tongue: Tongue) -> None:
    assert layer.style.by is not None
    made = _renderer(parent, "categorizedSymbol", attr=layer.style.by)
    categories, symbols = node(made, "categories"), node(made, "symbols")
    for nth, look in enumerate(shown_looks(layer)):
        values = [] if look.nth is None else [_text(value) for value in layer.style.classes[look.nth].values]
        common = {"symbol": nth, "label": told(look.label, tongue), "render": "true"}
        if len(values) > 1:
            several = node(categories, "category", type="List", value="", **common)
            for value in values:
                node(several, "val", type="string", value=value)
        else:
            node(categories, "category", type="string", value=values[0] if values else "", **common)
        symbol(symbols, str(nth), shape, look, picture(layer, look))


def _text(value: str | float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _rules(parent: Element, layer: Layer, shape: Shape, tongue: Tongue) -> None:
    made = _renderer(parent, "RuleRenderer")
    rules, symbols = node(made, "rules", key="root"), node(made, "symbols")
    for nth, look in enumerate(shown_looks(layer)):
        condition = only(layer, look) or ""
        node(rules, "rule", key=f"class_{nth}", symbol=nth, label=told(look.label, tongue), filter=condition)
        symbol(symbols, str(nth), shape, look, picture(layer, look))


def feature_labels(parent: Element, layer: Layer, tongue: Tongue) -> bool:
    """The labels of a layer's features, from their own scale on; whether there are any."""
    expression = label_expression(layer, tongue, tiled=False)
    if expression is None:
        return False
    settings(node(parent, "labeling", type="simple"), layer, expression, shapes_of(layer)[-1])
    return True


def tile_renderer(parent: Element, layer: Layer, tongue: Tongue) -> None:
    """The renderer of a layer's vector tiles: areas below lines below points, and in each a style a class."""
    styles = node(node(parent, "renderer", type="basic"), "styles")
    for shape in shapes_of(layer):
        for look, condition, drawn in _drawings(layer, shape):
            name = told(look.label, tongue)
            condition = all_of(framed(layer), condition, only(layer, look))
            _tile_style(styles, layer, shape, look, name, condition, drawn)


def _drawings(layer: Layer, shape: Shape) -> Iterator[tuple[Look, str | None, Picture | None]]:
    """The looks, what lies lowest first, with conditions beyond the class, and the picture drawn where they hold."""
    lowest_first = list(reversed(shown_looks(layer)))
    by_state = states(layer) if shape == "point" else []
    for state in by_state:
        yield from ((look, state.condition, mark(look, state)) for look in lowest_first)
    if not by_state:
        yield from ((look, None, picture(layer, look) if shape == "point" else None) for look in lowest_first)


def _tile_style(
    styles: Element, layer: Layer, shape: Shape, look: Look, name: str, condition: str, drawn: Picture | None
) -> None:
    made = node(
        styles, "style", name=name, layer=layer.id, geometry=_GEOMETRY[shape], enabled=True, expression=condition,
    )  # fmt: skip
    made.set("min-zoom", "-1")
    made.set("max-zoom", "-1")
    symbol(node(made, "symbols"), "0", shape, look, drawn)


def tile_labels(parent: Element, layer: Layer, tongue: Tongue) -> bool:
    """The labels of a layer's vector tiles, from their own zoom on; whether there are any."""
    expression = label_expression(layer, tongue, tiled=True)
    if expression is None or layer.style.labels is None:
        return False
    styles = node(node(parent, "labeling", type="basic"), "styles")
    shape = shapes_of(layer)[-1]
    made = node(styles, "style", name=KINDS[shape], layer=layer.id, geometry=_GEOMETRY[shape], enabled=True,
                expression=framed(layer) or "")  # fmt: skip
    made.set("min-zoom", str(round(layer.style.labels.from_zoom)))
    made.set("max-zoom", "-1")
    settings(made, layer, expression, shape)
    return True
