"""Lines of equal height through a grid of heights."""

from __future__ import annotations

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from cop_ingest.territory.base import Floats

# The corners of the two triangles that a cell of four heights is cut into: (row, column) steps.
_TRIANGLES = (((0, 0), (0, 1), (1, 0)), ((0, 1), (1, 0), (1, 1)))


def level_lines(heights: Floats, west: float, north: float, cell: float, level: float) -> BaseGeometry:
    """The lines at `level` metres; `west` and `north` are the middle of the first height, EPSG:2326.

    Each triangle between three heights is crossed by no line or by one, so the segments join into whole lines.
    """
    rows, columns = heights.shape
    segments = []
    for corners in _TRIANGLES:
        parts = [heights[r : rows - 1 + r, c : columns - 1 + c] for r, c in corners]
        above = np.stack([part >= level for part in parts])
        crossed = above.any(axis=0) & ~above.all(axis=0)
        if not crossed.any():
            continue
        at = np.nonzero(crossed)
        ends = [_crossing(corners, parts, one, other, at, level, cell) for one, other in ((0, 1), (0, 2), (1, 2))]
        crosses = np.stack([above[one][at] != above[other][at] for one, other in ((0, 1), (0, 2), (1, 2))], axis=1)
        segments.append(np.stack(ends, axis=1)[crosses].reshape(-1, 2, 2))
    if not segments:
        return shapely.MultiLineString()
    ends_of = np.vstack(segments)
    ends_of = np.round(ends_of * [1, -1] + [west, north], 1)
    ends_of = ends_of[(ends_of[:, 0] != ends_of[:, 1]).any(axis=1)]
    return shapely.line_merge(shapely.multilinestrings(shapely.linestrings(ends_of)))


def _crossing(
    corners: tuple[tuple[int, int], ...],
    parts: list[Floats],
    one: int,
    other: int,
    at: tuple[np.ndarray[tuple[int], np.dtype[np.intp]], ...],
    level: float,
    cell: float,
) -> Floats:
    """Where an edge of each triangle passes the level: metres east and south of the first height."""
    low, high = parts[one][at], parts[other][at]
    share = np.clip((level - low) / np.where(high == low, 1, high - low), 0, 1)
    (r0, c0), (r1, c1) = corners[one], corners[other]
    row = at[0] + r0 + share * (r1 - r0)
    column = at[1] + c0 + share * (c1 - c0)
    return np.column_stack([column, row]) * cell
