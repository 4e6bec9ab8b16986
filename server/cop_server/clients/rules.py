"""Which features a class takes, as QGIS expressions."""

from __future__ import annotations

from cop.catalogue.models import Layer, StyleClass
from cop_tiles.styling.looks import Look


def quoted(name: str) -> str:
    """A column's name in an expression."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str | float | bool) -> str:
    """A value in an expression."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def only(layer: Layer, look: Look) -> str | None:
    """The features of one class and of none before it; for the rest, of no class. None where all are of one look.

    A comparison with a missing value is NULL in QGIS, and NULL draws nothing: the rest says so beside.
    """
    classes = layer.style.classes
    if layer.style.by is None or not classes:
        return None
    before = [_own(layer.style.by, one) for one in (classes if look.nth is None else classes[: look.nth])]
    others = [f"coalesce(NOT ({condition}), true)" for condition in before if _may_meet(layer, look)]
    own = [] if look.nth is None else [_own(layer.style.by, classes[look.nth])]
    return " AND ".join([*own, *others])


def _may_meet(layer: Layer, look: Look) -> bool:
    """Whether what was told before must be left out: values that are told once need no such word."""
    if look.nth is None:
        return True
    values = [value for one in layer.style.classes for value in one.values]
    return any(not one.values for one in layer.style.classes) or len(values) != len(set(values))


def _own(by: str, one: StyleClass) -> str:
    column = quoted(by)
    if one.values:
        if len(one.values) == 1:
            return f"{column} = {literal(one.values[0])}"
        return f"{column} IN ({', '.join(literal(value) for value in one.values)})"
    bounds = [f"{column} >= {literal(one.at_least)}"] if one.at_least is not None else []
    bounds += [f"{column} < {literal(one.below)}"] if one.below is not None else []
    return " AND ".join(bounds)


def framed(layer: Layer) -> str | None:
    """The one time of several that is drawn of a layer; None where a layer has no such choice."""
    frame = layer.style.frame
    return None if frame is None else f"{quoted(frame.column)} = {literal(frame.value)}"


def all_of(*conditions: str | None) -> str:
    """Conditions joined; none is the empty text, which is true."""
    given = [condition for condition in conditions if condition]
    return given[0] if len(given) == 1 else " AND ".join(f"({condition})" for condition in given)
