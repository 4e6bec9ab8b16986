"""Questions: what is asked of a layer, with every parameter read and checked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pygeofilter import ast

from cop.catalogue import Layer
from cop.crs import CRS84, Crs
from cop.visible import VisibleSet

DEFAULT_LIMIT = 10
MAX_LIMIT = 10_000
MAX_OFFSET = 10_000


@dataclass(frozen=True, slots=True)
class Box:
    """A box in a CRS, as x and y (never the authority's axis order); x1 > x2 crosses the antimeridian.

    A loose box is met by a bounding box alone: a tile clips what it draws, so the exact test would be lost work.
    """

    x1: float
    y1: float
    x2: float
    y2: float
    crs: Crs = CRS84
    loose: bool = False


@dataclass(frozen=True, slots=True)
class Interval:
    """A closed interval of time; None is open. An instant has both ends alike."""

    start: datetime | None
    end: datetime | None


@dataclass(frozen=True, slots=True)
class SortKey:
    """A column to sort by. Features without a value come last in both directions."""

    column: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a walk through pages: the sort values and id of a feature, and which way to go from it.

    `n` pins the walk to a sequence number, `matched` is how many features it goes through, and `before` how many of
    them stand before the page that the place leads on from (for the way back: before that page's first).
    """

    values: tuple[object, ...]
    backwards: bool
    n: int
    matched: int
    before: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked of one layer by one visible set."""

    layer: Layer
    visible: VisibleSet
    limit: int = DEFAULT_LIMIT
    offset: int = 0
    box: Box | None = None
    interval: Interval | None = None
    where: ast.Node | None = None
    filter_crs: Crs = CRS84
    sort: tuple[SortKey, ...] = ()
    properties: tuple[str, ...] | None = None
    skip_geometry: bool = False
    crs: Crs = CRS84
    asof: int | None = None
    hits: bool = False
    position: Position | None = None

    @property
    def profile(self) -> str:
        """The release profile of the layer that the visible set reads."""
        return self.visible.profile_of(self.layer)

    @property
    def moment(self) -> int | None:
        """The sequence number that the answer is pinned to; None is now."""
        return self.position.n if self.position is not None else self.asof

    @property
    def is_filtered(self) -> bool:
        """Whether anything but paging narrows the answer."""
        return self.box is not None or self.where is not None or self.takes_interval

    @property
    def takes_interval(self) -> bool:
        """Whether the interval narrows: a layer without time is not narrowed by one (OGC 17-069r4, 7.15.4)."""
        return self.interval is not None and self.layer.with_role("time") is not None

    @property
    def wants_stored_text(self) -> bool:
        """Whether the text kept per feature is the answer as it is."""
        return self.crs is CRS84 and self.properties is None and not self.skip_geometry
