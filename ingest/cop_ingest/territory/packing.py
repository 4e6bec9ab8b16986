"""Shapes that do not lie on each other, nor on the roads."""

from __future__ import annotations

import numpy as np
import shapely

from cop_ingest.territory.base import Flags, Floats, Shapes
from cop_ingest.territory.ground import Ground


def rectangles(middles: Floats, ways: Floats, along: Floats, across: Floats) -> Shapes:
    """Rectangles about positions (EPSG:2326): `along` metres in the direction of `ways`, `across` metres across it."""
    side = np.column_stack([-ways[:, 1], ways[:, 0]]) * across[:, None] / 2
    ahead = ways * along[:, None] / 2
    corners = np.stack([middles - ahead - side, middles + ahead - side, middles + ahead + side, middles - ahead + side])
    found: Shapes = shapely.polygons(np.round(corners.transpose(1, 0, 2), 2))
    return found


def apart(shapes: Shapes, gap: float = 0.5) -> Flags:
    """Which shapes keep their place where each gives way to those before it."""
    one, other = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=gap)
    kept = np.ones(len(shapes), dtype=bool)
    kept[one[other < one]] = False
    return kept


def off_roads(ground: Ground, shapes: Shapes, gap: float) -> Flags:
    """Which shapes are at least `gap` metres from the middle of every road on the ground."""
    touched, _ = ground.open_road_tree.query(shapes, predicate="dwithin", distance=gap)
    free = np.ones(len(shapes), dtype=bool)
    free[touched] = False
    return free
