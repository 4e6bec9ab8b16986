"""The pictures that points are drawn with: the same badges and marks as on the page, as SVG."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from cop.catalogue.models import Layer
from cop_server.clients.rules import literal, quoted
from cop_server.clients.symbols import GROUND, Picture
from cop_tiles.styling import drawings
from cop_tiles.styling.drawings import Drawing
from cop_tiles.styling.looks import Look, has_marks, has_symbols, state_column

_COLOURED: Final = re.compile(r'(<g\b[^>]*\bcolor="(#[0-9a-f]{6})"[^>]*>)(.*?)(</g>)', re.DOTALL)
# What is over lies lowest, what is major above all others.
_OVER: Final = ("completed", "cancelled")
_MAJOR: Final = "major"
_BADGE_SHARE: Final = 0.78
_MARK_SHARE: Final = 0.9


@dataclass(frozen=True, slots=True)
class State:
    """The features of one state of an incident: the condition, and the frame's name among the drawings."""

    condition: str
    frame: str


def picture(layer: Layer, look: Look) -> Picture | None:
    """The badge of a class; None where the layer's points are circles."""
    if not has_symbols(layer):
        return None
    return _as_svg(drawings.badge(look, GROUND), _BADGE_SHARE)


def mark(look: Look, state: State) -> Picture:
    """An incident's mark: the category's sign in the frame of its state."""
    drawn = drawings.mark(look.symbol, state.frame, GROUND)
    return _as_svg(drawn, _MARK_SHARE, crowded=state.frame != _MAJOR)


def states(layer: Layer) -> list[State]:
    """An incident's states, what lies lowest first; empty for layers whose points are no marks."""
    column = state_column(layer) if has_marks(layer) else None
    if column is None or column.codes is None:
        return []
    status = quoted(column.name)
    major = layer.by_name.get("major")
    is_major = f"coalesce({quoted(major.name)}, false)" if major is not None and major.tile else "false"
    over = [code for code in _OVER if code in column.codes]
    lowest = [State(f"{status} = {literal(code)}", code) for code in over]
    still = [code for code in column.codes if code not in over and code in drawings.STATES]
    usual = [State(f"{status} = {literal(code)} AND NOT {is_major}", code) for code in still]
    among = ", ".join(literal(code) for code in over)
    not_over = f"coalesce({status} NOT IN ({among}), true)" if over else "true"
    return [*lowest, *usual, State(f"{is_major} AND {not_over}", _MAJOR)]


def _as_svg(drawing: Drawing, share: float, *, crowded: bool = False) -> Picture:
    """A drawing as a whole SVG. Colours are written out: QGIS's reader does not inherit `currentColor` everywhere."""
    inside = _COLOURED.sub(lambda found: found[1] + found[3].replace("currentColor", found[2]) + found[4], drawing.svg)
    text = (f'<svg xmlns="http://www.w3.org/2000/svg" width="{drawing.width}" height="{drawing.height}" '
            f'viewBox="0 0 {drawing.width} {drawing.height}">{inside}</svg>')  # fmt: skip
    return Picture(text, drawing.width * share, crowded)
