"""What a layer's style says that cannot be drawn. Renderers pass all of it in silence, so it is looked for here."""

from __future__ import annotations

from collections.abc import Iterator

from cop.catalogue import Catalogue
from cop.catalogue.models import Column, Layer, StyleClass
from cop.errors import BrokenCatalogue
from cop_tiles.styling.drawings import symbol_names
from cop_tiles.styling.looks import MARK_FAMILY, shapes_of, state_column

_TYPES: dict[str, tuple[type, ...]] = {
    "text": (str,), "code": (str,), "integer": (int,), "number": (int,), "boolean": (bool,),
}  # fmt: skip
_COUNTED = ("integer", "number")


def check_styles(catalogue: Catalogue) -> None:
    """Raise BrokenCatalogue, one line a fault, where a layer's style cannot be drawn as it is declared."""
    found = [fault for layer in catalogue.layers.values() for fault in faults(layer, catalogue)]
    if found:
        raise BrokenCatalogue(found)


def faults(layer: Layer, catalogue: Catalogue) -> Iterator[str]:
    """Every fault of a layer's style, as `layers/file: key: found …, wanted …`."""
    where = f"layers/{layer.id}.yml: style"
    yield from _symbol_faults(where, layer)
    if layer.style.by is not None:
        yield from _class_faults(where, layer, catalogue)
    if layer.style.labels is not None and not _is_named(layer):
        yield f"{where}.labels: found no column with the role title or title_zh and tile: true; wanted one"


def _symbol_faults(where: str, layer: Layer) -> Iterator[str]:
    named = [("symbol", layer.style.symbol)]
    named += [(f"classes.{nth}.symbol", one.symbol) for nth, one in enumerate(layer.style.classes)]
    for key, name in named:
        if name is None:
            continue
        if name not in symbol_names():
            yield f"{where}.{key}: found {name!r}, wanted one of {', '.join(sorted(symbol_names()))}"
        elif name.startswith(MARK_FAMILY) and state_column(layer) is None:
            yield f"{where}.{key}: found {name!r}, whose frame tells a state; wanted a column status (code, tiled)"
        elif shapes_of(layer) == ("line",):
            yield f"{where}.{key}: found {name!r}, wanted none: lines are drawn without symbols"


def _class_faults(where: str, layer: Layer, catalogue: Catalogue) -> Iterator[str]:
    column = layer.by_name.get(str(layer.style.by))
    if column is None:
        yield f"{where}.by: found {layer.style.by!r}, wanted the name of a column"
        return
    if layer.is_feature_layer and not column.tile:
        yield f"{where}.by: found {column.name!r}, which tiles do not carry; wanted tile: true on it"
    if "public" in layer.profiles and column.name in layer.profiles["public"].hide:
        yield f"{where}.by: found {column.name!r}, which is hidden from the public; wanted a column that all may see"
    seen: set[object] = set()
    for nth, one in enumerate(layer.style.classes):
        here = f"{where}.classes.{nth}"
        yield from _value_faults(here, column, one, catalogue) if one.values else _range_faults(here, column, one)
        if one.values and set(one.values) <= seen:
            yield f"{here}.values: found {list(one.values)}, which classes before it have; wanted others"
        seen |= set(one.values)


def _value_faults(where: str, column: Column, one: StyleClass, catalogue: Catalogue) -> Iterator[str]:
    if column.type not in _TYPES:
        yield f"{where}.values: {column.name} is a {column.type}; wanted a column of {', '.join(_TYPES)}"
        return
    codes = catalogue.codes.get(column.codes_from, {}) if column.codes_from else column.codes
    for value in one.values:
        # A truth is a whole number to Python, and not to a map.
        fits = isinstance(value, _TYPES[column.type]) and isinstance(value, bool) == (column.type == "boolean")
        if not fits:
            yield f"{where}.values: found {value!r}, wanted a {column.type} as {column.name} has"
        elif codes is not None and str(value) not in codes:
            yield f"{where}.values: found {value!r}, wanted one of {', '.join(codes)}"


def _range_faults(where: str, column: Column, one: StyleClass) -> Iterator[str]:
    if column.type not in _COUNTED:
        yield f"{where}: {column.name} is a {column.type}; wanted values, at_least and below are for numbers"
    if one.at_least is not None and one.below is not None and one.at_least >= one.below:
        yield f"{where}: found at_least {one.at_least:g} and below {one.below:g}, wanted the smaller one first"


def _is_named(layer: Layer) -> bool:
    columns = (layer.with_role("title"), layer.with_role("title_zh"))
    return any(column is not None and column.tile for column in columns)
