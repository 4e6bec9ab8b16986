"""Which name appears from which zoom on: the more important first, each where it still finds room.

The choice is made once, here, and not by the renderer: a renderer that drops colliding labels decides anew in every
picture, and labels would be cut where two cached tiles meet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from cop_tiles.basemap.mercator import HALF_WORLD, TILE_PX

ZOOMS = range(8, 18)
_LINE = 1.15
_ENGLISH = 0.85
_GAP = 5.0


@dataclass(frozen=True)
class Size:
    """Text size in pixels: `small` at zoom `low`, `large` at zoom `high`, straight between; as the style draws it."""

    low: float
    small: float
    high: float
    large: float

    def at(self, zoom: float) -> float:
        """The size at a zoom."""
        share = min(1.0, max(0.0, (zoom - self.low) / (self.high - self.low)))
        return self.small + (self.large - self.small) * share


# The style says the same sizes: tiles/styles/basemap.json, layers place-*, district-name, sea-name, summit.
SIZES = {
    "territory": Size(7, 13, 9, 17),
    "district": Size(9, 11, 12, 15),
    "town": Size(10, 13, 14, 18),
    "suburb": Size(10, 11, 14, 15),
    "quarter": Size(12, 10.5, 15, 13),
    "village": Size(13, 10.5, 16, 12.5),
    "sea": Size(9, 11, 14, 15),
    "reservoir": Size(11, 10, 15, 13),
    "summit": Size(11, 10, 15, 12),
}


@dataclass(frozen=True)
class Label:
    """A name that wants a place on the map at x, y (EPSG:3857), from zoom `base` to `until`, `order` low first."""

    kind: str
    zh: str
    en: str
    x: float
    y: float
    base: float
    order: float
    until: float = 30.0
    height: int | None = None


@dataclass
class _Taken:
    """The boxes already taken at one zoom, in a coarse grid of cells so that neighbours are found quickly."""

    cell: float = 160.0
    boxes: dict[tuple[int, int], list[tuple[float, float, float, float]]] = field(default_factory=dict)

    def _cells(self, box: tuple[float, float, float, float]) -> list[tuple[int, int]]:
        left, top, right, bottom = (int(edge // self.cell) for edge in box)
        return [(col, row) for col in range(left, right + 1) for row in range(top, bottom + 1)]

    def has_room(self, box: tuple[float, float, float, float]) -> bool:
        """Whether no box so far touches this one."""
        return not any(
            box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3]
            for cell in self._cells(box)
            for other in self.boxes.get(cell, ())
        )

    def take(self, box: tuple[float, float, float, float]) -> None:
        """Keep this box free from now on."""
        for cell in self._cells(box):
            self.boxes.setdefault(cell, []).append(box)


def first_zooms(labels: Sequence[Label]) -> list[float | None]:
    """For each label the zoom at which it first finds room, or None where it finds none; same order as given."""
    first: list[float | None] = [None] * len(labels)
    ranked = sorted(range(len(labels)), key=lambda nth: (labels[nth].order, labels[nth].zh, labels[nth].en))
    for zoom in ZOOMS:
        taken = _Taken()
        for nth in ranked:
            if first[nth] is not None and labels[nth].until > zoom:
                taken.take(_box(labels[nth], zoom))
        for nth in ranked:
            label = labels[nth]
            # A base between two zooms belongs to the upper one's room, but shows as early as it says.
            if first[nth] is not None or label.base > zoom or label.until <= zoom:
                continue
            box = _box(label, zoom)
            if taken.has_room(box):
                taken.take(box)
                first[nth] = float(zoom)
    return first


def _box(label: Label, zoom: float) -> tuple[float, float, float, float]:
    scale = TILE_PX * 2**zoom / (2 * HALF_WORLD)
    size = SIZES[label.kind].at(zoom)
    wide, high = _extent(label, size)
    x, y = label.x * scale, label.y * scale
    return x - wide / 2 - _GAP, y - high / 2 - _GAP, x + wide / 2 + _GAP, y + high / 2 + _GAP


def _extent(label: Label, size: float) -> tuple[float, float]:
    if label.kind == "summit":
        return (len(label.zh) + 3.5) * size, size * _LINE
    lines = [len(label.zh) * size] if label.zh else []
    lines += [len(text) * size * _ENGLISH * 0.56 for text in _wrapped(label.en, size)]
    spacing = 1.1 if label.kind in {"district", "sea", "territory"} else 1.0
    return max(lines, default=0.0) * spacing, len(lines) * size * _LINE


def _wrapped(text: str, size: float) -> list[str]:
    room = 8 * size / (size * _ENGLISH * 0.56)
    lines: list[str] = []
    for word in text.split():
        if lines and len(lines[-1]) + 1 + len(word) <= room:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines
