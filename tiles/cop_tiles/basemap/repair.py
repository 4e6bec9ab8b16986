"""Land and water made fit to draw: seams closed, sea and islands taken out of the water layer, reservoirs kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import shapely
from numpy.typing import NDArray

from cop_tiles.basemap.mercator import to_mercator
from cop_tiles.basemap.names import Name
from cop_tiles.basemap.terrain import Terrain, dry_land, rounded

# Squares of EPSG:3857 metres; at Hong Kong's latitude 1.17 of them are one square metre on the ground.
LARGEST_HOLE = 0.3e6
# Beyond the terrain nothing closes the seams, and no sea there is enclosed by land.
LARGEST_HOLE_ABROAD = 40e6
# Triangles at the cuts are larger in coarser forms of the same land.
LARGEST_SEAM = 10e6
LARGEST_POND = 1.5e6 * 1.17
LARGEST_RESERVOIR = 20e6
_COAST_TOLERANCE = 18.0
_SEAM_SLACK = 60.0
_SHORE = 130.0
_POND_RELIEF = 6.0
_SLIVER_WIDTH = 9.0


def repaired_land(
    land: Sequence[shapely.Geometry], terrain: Terrain | None, reservoirs: Sequence[shapely.Geometry]
) -> shapely.Geometry:
    """One area of all land, EPSG:3857: the layer, what the terrain shows above the sea, and the great reservoirs.

    The layer was cut on 0.1-degree lines and lacks triangles there; what of them the terrain does not close is a
    small hole.
    """
    parts = [shapely.make_valid(shape) for shape in land]
    if terrain is not None:
        parts.append(dry_land(terrain))
    whole = shapely.union_all([*parts, *reservoirs])
    if whole.is_empty:
        return whole
    home = None if terrain is None else terrain.extent()
    closed = shapely.union_all([_filled(part, home) for part in _areas(whole)])
    smooth = rounded(closed, _COAST_TOLERANCE)
    return shapely.union_all([_filled(part, home) for part in _areas(smooth)])


def _areas(shape: shapely.Geometry) -> list[shapely.Polygon]:
    return [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon"]


def _filled(area: shapely.Polygon, home: shapely.Polygon | None) -> shapely.Geometry:
    holes = [shapely.Polygon(ring) for ring in area.interiors]
    kept = [hole.exterior for hole in holes if hole.area > _largest_hole(hole, home)]
    return shapely.Polygon(area.exterior, kept)


def _largest_hole(hole: shapely.Polygon, home: shapely.Polygon | None) -> float:
    if _is_seam(hole):
        return LARGEST_SEAM
    return LARGEST_HOLE if home is None or hole.intersects(home) else LARGEST_HOLE_ABROAD


def _is_seam(hole: shapely.Polygon) -> bool:
    """Whether a hole is what a cut of the land left: about a triangle, with a side that runs exactly north or east."""
    corners = shapely.get_coordinates(shapely.simplify(hole.exterior, _SEAM_SLACK))
    if len(corners) > 6:
        return False
    sides = np.abs(np.diff(corners, axis=0))
    straight = sides.max(axis=1)[sides.min(axis=1) < _SEAM_SLACK]
    return bool(straight.size and straight.max() > hole.length / 5)


def named_reservoirs(
    water: Iterable[shapely.Geometry], reservoirs: Sequence[Name]
) -> list[tuple[Name, shapely.Geometry]]:
    """The water bodies (EPSG:3857) that hold the position of a named reservoir; one that is too large is sea."""
    bodies = [part for part in _parts(water) if part.area < LARGEST_RESERVOIR]
    tree = shapely.STRtree(bodies)
    found = []
    for name in reservoirs:
        hits = tree.query(shapely.points(*to_mercator(*name.at)), predicate="within")
        if len(hits):
            found.append((name, min((bodies[hit] for hit in hits), key=shapely.area)))
    return found


def repaired_water(
    water: Iterable[shapely.Geometry],
    land: shapely.Geometry,
    terrain: Terrain | None,
    reservoirs: Sequence[shapely.Geometry],
) -> list[shapely.Geometry]:
    """The ponds and reservoirs among the water bodies, EPSG:3857.

    A pond is small, has land around it (an island marked as water has sea around it) and a flat surface.
    """
    ponds = [part for part in _parts(water) if part.area < LARGEST_POND and _mean_width(part) > _SLIVER_WIDTH]
    inland = [pond for pond in ponds if _has_land_around(pond, land)]
    flat = inland if terrain is None else _flat_ones(inland, terrain)
    return [*reservoirs, *flat]


def _parts(shapes: Iterable[shapely.Geometry]) -> list[shapely.Polygon]:
    return [part for shape in shapes for part in _areas(shapely.make_valid(shape))]


def _mean_width(area: shapely.Polygon) -> float:
    return 2 * area.area / area.length if area.length else 0.0


def _has_land_around(pond: shapely.Polygon, land: shapely.Geometry) -> bool:
    shore = shapely.difference(shapely.buffer(pond, _SHORE, quad_segs=3), pond)
    near = shapely.clip_by_rect(land, *shore.bounds)
    share: float = shapely.intersection(shore, shapely.make_valid(near)).area / shore.area
    return share > 0.6


def _flat_ones(ponds: Sequence[shapely.Polygon], terrain: Terrain) -> list[shapely.Geometry]:
    if not ponds:
        return []
    moved: NDArray[np.object_] = terrain.from_mercator(np.array(ponds, dtype=object))
    return [pond for pond, here in zip(ponds, moved, strict=True) if _is_flat(terrain.inside(here))]


def _is_flat(heights: NDArray[np.float32]) -> bool:
    if len(heights) < 3:
        return True
    low, high = np.percentile(heights, [20, 70])
    return bool(high - low <= _POND_RELIEF)


def coast_lines(land: shapely.Geometry) -> shapely.Geometry:
    """The shore of the land, EPSG:3857, without the straight cuts where the layer ends."""
    if land.is_empty:
        return land
    edge = shapely.boundary(land)
    west, south, east, north = edge.bounds
    inner = shapely.box(west + 20, south + 20, east - 20, north - 20)
    return shapely.line_merge(shapely.intersection(edge, inner))


def widest_point(area: shapely.Geometry, land: shapely.Geometry) -> shapely.Point | None:
    """Where a label of an area stands best: the middle of the widest circle on its largest piece of land."""
    dry = _areas(shapely.intersection(shapely.make_valid(area), land)) or _areas(shapely.make_valid(area))
    if not dry:
        return None
    largest = max(dry, key=shapely.area)
    return shapely.get_point(shapely.maximum_inscribed_circle(largest, tolerance=50.0), 0)


def on_land(name: Name, land: shapely.Geometry) -> bool:
    """Whether a name's position lies on land; a sea name there would be a mistake of names.yml."""
    return bool(shapely.contains_xy(land, *to_mercator(*name.at)))
