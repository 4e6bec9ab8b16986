"""How a layer's features look: the style with its classes laid over it, before any renderer's language.

MapLibre layers, legends and sprites are all made from these, and so cannot differ.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, Literal

from cop.catalogue.models import Bilingual, Column, Layer, Style, StyleClass

Shape = Literal["point", "line", "area"]
SHAPES: Final[dict[str, tuple[Shape, ...]]] = {
    "Point": ("point",), "MultiPoint": ("point",), "LineString": ("line",), "MultiLineString": ("line",),
    "Polygon": ("area",), "MultiPolygon": ("area",), "Geometry": ("area", "line", "point"),
}  # fmt: skip
# An area's fill lets the ground show through; a dashed one is a boundary with a trace of colour.
AREA_SHARE: Final = 0.6
TRACE: Final = 0.04
# Incident marks say the state by their frame: symbols of this family are drawn by `marks`.
MARK_FAMILY: Final = "incident_"


@dataclass(frozen=True, slots=True)
class Look:
    """One class of a layer: colours #rrggbb, lengths pixels; `nth` is its place in `style.classes`, None: the rest."""

    label: Bilingual
    nth: int | None
    color: str
    outline: str | None
    width: float
    radius: float
    opacity: float
    dash: tuple[float, ...] | None
    symbol: str | None

    @property
    def fill_opacity(self) -> float:
        """The opacity of an area's fill; where there is no outline, the fill has to say all."""
        if self.dash is not None:
            return TRACE
        return round(self.opacity * (AREA_SHARE if self.width else 1), 3)

    @property
    def is_mark(self) -> bool:
        """Whether the symbol is an incident's, whose frame tells the state."""
        return self.symbol is not None and self.symbol.startswith(MARK_FAMILY)


def shapes_of(layer: Layer) -> tuple[Shape, ...]:
    """What a layer's geometries are drawn as, what lies lowest first; none for a coverage."""
    return SHAPES[layer.geometry] if layer.geometry else ()


@lru_cache(maxsize=512)
def looks(layer: Layer) -> tuple[Look, ...]:
    """The classes in their order, and at the end what fits none of them; a style without classes is one look."""
    style = layer.style
    rest = Look(
        Bilingual(en="Other", zh="其他") if style.classes else layer.title, None, style.color, style.outline,
        style.width, style.radius, style.opacity, style.dash, style.symbol,
    )  # fmt: skip
    return (*(_laid_over(rest, nth, one) for nth, one in enumerate(style.classes)), rest)


def _laid_over(rest: Look, nth: int, one: StyleClass) -> Look:
    own = {
        name: value
        for name in ("color", "outline", "width", "radius", "opacity", "dash", "symbol")
        if (value := getattr(one, name)) is not None
    }
    return replace(rest, label=one.label, nth=nth, **own)


def has_symbols(layer: Layer) -> bool:
    """Whether any of a layer's points are drawn as icons."""
    return any(look.symbol for look in looks(layer))


def has_marks(layer: Layer) -> bool:
    """Whether a layer's points are incident marks, told apart by the columns status and major."""
    return any(look.is_mark for look in looks(layer)) and state_column(layer) is not None


def state_column(layer: Layer) -> Column | None:
    """The column that says an incident's state."""
    column = layer.by_name.get("status")
    return column if column is not None and column.type == "code" and column.tile else None


def is_total(layer: Layer) -> bool:
    """Whether the classes leave nothing over: every code of the column, or both truths, has one.

    A derived column has no value where what it is derived from has none.
    """
    style: Style = layer.style
    column = layer.by_name.get(style.by) if style.by else None
    if column is None or column.derived is not None:
        return False
    told = {value for one in style.classes for value in one.values}
    if column.type == "boolean":
        return told >= {True, False}
    return column.codes is not None and told >= set(column.codes)
