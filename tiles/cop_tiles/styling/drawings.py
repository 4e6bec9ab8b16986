"""Signs as pieces of SVG: symbols, badges of classes, incident marks, hatching. Pictures are made by resvg."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

import resvg_py

from cop.resources import resource
from cop_tiles.styling.looks import MARK_FAMILY, Look
from cop_tiles.styling.themes import Theme, contrast, ink_on, readable

STATES: Final = ("reported", "confirmed", "responding", "controlled", "completed", "cancelled", "major")
# The page's three states, which are drawn as three of ours.
ALIASES: Final = {"active": "confirmed", "done": "completed"}
_INNER = re.compile(r"<svg\b[^>]*>(.*)</svg>", re.DOTALL)
_ALLOWED = re.compile(r"currentColor|none")
_GRID = 24  # a symbol's view box is 0 0 24 24


@dataclass(frozen=True, slots=True)
class Drawing:
    """A piece of SVG in a box of its own, in pixels of an ordinary screen."""

    svg: str
    width: float
    height: float


@cache
def symbol_names() -> frozenset[str]:
    """The symbols that tiles/symbols has."""
    return frozenset(file.stem for file in resource("symbols").glob("*.svg"))


@cache
def _paths(name: str) -> str:
    """What is inside a symbol's file. Raises KeyError for a symbol that is not there."""
    file = resource("symbols") / f"{name}.svg"
    if name not in symbol_names():
        raise KeyError(f"symbol: found {name!r}, wanted one of {', '.join(sorted(symbol_names()))}")
    found = _INNER.search(file.read_text(encoding="utf-8"))
    if found is None or 'viewBox="0 0 24 24"' not in file.read_text(encoding="utf-8"):
        raise ValueError(f"{file.name}: wanted one <svg> with the viewBox 0 0 24 24")
    return found.group(1)


def sign(name: str, color: str, x: float, y: float, size: float) -> str:
    """A symbol in one colour, `size` pixels square, its middle at x, y."""
    scale = size / _GRID
    return (f'<g transform="translate({x - size / 2:.2f} {y - size / 2:.2f}) scale({scale:.4f})" color="{color}" '
            f'fill="none">{_paths(name)}</g>')  # fmt: skip


def png(drawing: Drawing, ratio: float = 1) -> bytes:
    """A drawing as a PNG with a clear ground; `ratio` pixels of the picture to one of the drawing."""
    return picture(drawing.svg, drawing.width, drawing.height, ratio)


def picture(svg: str, width: float, height: float, ratio: float = 1) -> bytes:
    """Pieces of SVG as a PNG of `ratio` times width and height."""
    whole = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">{svg}</svg>'
    return bytes(resvg_py.svg_to_bytes(svg_string=whole, width=round(width * ratio), skip_system_fonts=True))


def plain(name: str, on: Theme) -> Drawing:
    """A symbol alone, in the theme's colour of words, with a halo's worth of room."""
    return Drawing(sign(name, on.text, 10, 10, 18), 20, 20)


def badge(look: Look, on: Theme) -> Drawing:
    """A class of points with symbols: a disc in the class's colour with the symbol on it, or a small disc alone."""
    edge = readable(look.outline or look.color, on) if look.outline or on.is_dark else _edge(look, on)
    if look.symbol is None:
        return Drawing(_disc(9, 9, max(3.5, look.radius), look.color, edge, 1.2), 18, 18)
    body = _disc(13, 13, 11.2, look.color, edge, 1.4)
    return Drawing(body + sign(look.symbol, ink_on(look.color), 13, 13, 14.5), 26, 26)


def _edge(look: Look, on: Theme) -> str:
    """A pale disc needs a darker edge; others one of the ground's colour, which parts two that overlap."""
    return on.halo if readable(look.color, on) == look.color else readable(look.color, on)


@dataclass(frozen=True, slots=True)
class _Paint:
    body: str
    edge: str
    ink: str


_BRIGHT = {
    "light": {"open": _Paint("#f5a623", "#5c3a00", "#2b1b00"), "major": _Paint("#d7263d", "#ffffff", "#ffffff"),
              "over": _Paint("#ffffff", "#6d7680", "#59626b"), "empty": _Paint("#fffaf0", "#8a5600", "#5c3a00")},
    "dark": {"open": _Paint("#f5a623", "#10161b", "#1d1200"), "major": _Paint("#e5344b", "#ffd9de", "#ffffff"),
             "over": _Paint("#222b33", "#8d99a5", "#a9b4be"), "empty": _Paint("#241c0e", "#f5a623", "#ffc766")},
    "print": {"open": _Paint("#d0d0d0", "#000000", "#000000"), "major": _Paint("#1b1b1b", "#000000", "#ffffff"),
              "over": _Paint("#ffffff", "#666666", "#555555"), "empty": _Paint("#ffffff", "#000000", "#000000")},
}  # fmt: skip


def mark(name: str | None, state: str, on: Theme) -> Drawing:
    """An incident's mark: the category's symbol, if any, in the frame of a state.

    The frame tells the state without colour: reported a thick ring, confirmed a full disc, responding a full disc in
    a second ring, controlled a ring broad in its
    lower half, completed small with a tick, cancelled crossed out, major a diamond.
    Raises KeyError for another state.
    """
    paints = _BRIGHT[on.name]
    if state == "major":
        return _diamond(name, paints["major"], on)
    if state in ("completed", "cancelled"):
        return _over(name, state, paints["over"])
    if state not in STATES:
        raise KeyError(f"state: found {state!r}, wanted one of {', '.join(STATES)}")
    return _open(name, state, paints)


def _open(name: str | None, state: str, paints: dict[str, _Paint]) -> Drawing:
    full, empty = paints["open"], paints["empty"]
    middle, radius = 16.0, 11.6
    if state == "reported":
        paint, body = empty, _disc(middle, middle, radius, empty.body, empty.edge, 2.6)
    elif state == "controlled":
        paint, body = empty, _half_ring(middle, radius, full, empty)
    else:
        paint, body = full, _disc(middle, middle, radius, full.body, full.edge, 1.6)
    if state == "responding":
        body = _disc(middle, middle, 13.9, "none", full.edge, 3.4) + _disc(middle, middle, 13.9, "none", full.body, 1.5)
        body += _disc(middle, middle, 10.6, full.body, full.edge, 1.6)
    size = {"responding": 13.6, "controlled": 12.8}.get(state, 15.0)
    return Drawing(body + (sign(name, paint.ink, middle, middle, size) if name else ""), 32, 32)


def _half_ring(middle: float, radius: float, full: _Paint, empty: _Paint) -> str:
    """An empty disc, the lower half of its ring broad: what was full is on its way out."""
    within = radius - 2.1
    color = full.body if contrast(full.body, empty.body) > 1.8 else full.edge
    arc = f'<path d="M{middle - within} {middle}A{within} {within} 0 0 0 {middle + within} {middle}" fill="none" '
    return (_disc(middle, middle, radius, empty.body, "none", 0) + f'{arc}stroke="{color}" stroke-width="4.4"/>'
            + _disc(middle, middle, radius, "none", empty.edge, 1.6)
            + _disc(middle, middle, radius - 4.2, empty.body, "none", 0))  # fmt: skip


def _over(name: str | None, state: str, paint: _Paint) -> Drawing:
    if state == "completed":
        body = _disc(12, 12, 9, paint.body, paint.edge, 1.8)
        within = sign(name, paint.ink, 12, 12, 11) if name else ""
        badge_ = _disc(17.6, 17.6, 5, paint.edge, paint.body, 1)
        tick = f'<path d="M15.3 17.7 17 19.4 20.1 15.9" fill="none" stroke="{paint.body}" stroke-width="1.7"/>'
        return Drawing(body + within + badge_ + tick, 24, 24)
    # The bar sticks out of the ring on both sides, and is thin where it crosses the sign.
    body = _disc(14, 14, 9.6, paint.body, paint.edge, 1.2)
    within = sign(name, paint.ink, 14, 14, 13) if name else ""
    under = f'<path d="M4 24 24 4" stroke="{paint.body}" stroke-width="3"/>'
    cross = f'<path d="M3 25 25 3" stroke="{paint.edge}" stroke-width="1.7" stroke-linecap="round"/>'
    return Drawing(body + within + under + cross, 28, 28)


def _diamond(name: str | None, paint: _Paint, on: Theme) -> Drawing:
    """Twice framed: the outer line parts it from other marks, the inner one from the ground."""
    outer = _rhomb(19, 18, paint.body, on.halo, 1.2) + _rhomb(19, 15.4, "none", paint.ink, 1.5)
    return Drawing(outer + (sign(name, paint.ink, 19, 19, 15.5) if name else ""), 38, 38)


def _rhomb(middle: float, reach: float, fill: str, edge: str, width: float) -> str:
    points = [(middle, middle - reach), (middle + reach, middle), (middle, middle + reach), (middle - reach, middle)]
    told = " ".join(f"{x},{y}" for x, y in points)
    return f'<polygon points="{told}" fill="{fill}" stroke="{edge}" stroke-width="{width}" stroke-linejoin="round"/>'


def _disc(x: float, y: float, radius: float, fill: str, edge: str, width: float) -> str:
    return f'<circle cx="{x}" cy="{y}" r="{radius}" fill="{fill}" stroke="{edge}" stroke-width="{width}"/>'


_HATCHES = (
    '<path d="M-4 4 4-4M-4 12 12-4M4 12 12 4"/>',
    '<path d="M-4 4 4 12M-4-4 12 12M4-4 12 4"/>',
    '<path d="M0 4H8"/>',
    '<path d="M4 0V8"/>',
    '<path d="M0 4H8M4 0V8"/>',
    '<circle cx="4" cy="4" r="0.9"/>',
    '<path d="M-4 4 4-4M-4 12 12-4M4 12 12 4M-4 4 4 12M-4-4 12 12M4-4 12 4"/>',
)


def hatch(look: Look, on: Theme) -> Drawing:
    """What tells the classes of areas apart on paper: lines in the class's colour, another way for each; 8 pixels."""
    lines = _HATCHES[(0 if look.nth is None else look.nth + 1) % len(_HATCHES)]
    color = readable(look.color, on)
    return Drawing(f'<g stroke="{color}" stroke-width="0.8" fill="none" opacity="0.75">{lines}</g>', 8, 8)


def is_mark(name: str) -> bool:
    """Whether a symbol is an incident's."""
    return name.startswith(MARK_FAMILY)
