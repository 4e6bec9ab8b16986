"""Heights: read within bounds of memory, and traced into contours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
import shapely
from affine import Affine
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from rasterio.enums import Resampling
from rasterio.features import geometry_mask
from rasterio.warp import transform_bounds
from rasterio.windows import from_bounds

from cop_tiles.basemap.mercator import Box

SEA_LEVEL = 0.5
CONTOUR_STEP = 50
_LONGEST_SIDE = 2400

Heights = NDArray[np.float32]


@dataclass(frozen=True)
class Terrain:
    """Heights in metres (rows from the north) with the affine that leads to their CRS, and the way to EPSG:3857."""

    heights: Heights
    affine: Affine
    crs: CRS

    def to_mercator(self, shapes: NDArray[np.object_]) -> NDArray[np.object_]:
        """Geometries in the terrain's CRS (easting, northing) turned into EPSG:3857 (x, y in metres)."""
        road = Transformer.from_crs(self.crs, 3857, always_xy=True)
        return _moved(shapes, road)

    def from_mercator(self, shapes: NDArray[np.object_]) -> NDArray[np.object_]:
        """Geometries in EPSG:3857 turned into the terrain's CRS (easting, northing)."""
        road = Transformer.from_crs(3857, self.crs, always_xy=True)
        return _moved(shapes, road)

    def extent(self) -> shapely.Polygon:
        """The area that the raster covers, in EPSG:3857."""
        box = box_of(self)
        return shapely.box(box.west, box.south, box.east, box.north)

    def inside(self, shape: shapely.Geometry) -> Heights:
        """The heights of the cells whose centre lies in a geometry of the terrain's CRS; maybe none."""
        rows, cols = self.heights.shape
        window = from_bounds(*shape.bounds, transform=self.affine)
        top, left = max(0, int(window.row_off)), max(0, int(window.col_off))
        bottom = min(rows, int(window.row_off + window.height) + 1)
        right = min(cols, int(window.col_off + window.width) + 1)
        if bottom <= top or right <= left:
            return np.empty(0, dtype=np.float32)
        part = self.heights[top:bottom, left:right]
        here = self.affine @ Affine.translation(left, top)
        found: Heights = part[geometry_mask([shape], part.shape, here, invert=True)]
        return found


def _moved(shapes: NDArray[np.object_], road: Transformer) -> NDArray[np.object_]:
    moved: NDArray[np.object_] = shapely.transform(
        shapes, lambda points: np.column_stack(road.transform(points[:, 0], points[:, 1]))
    )
    return moved


def read_terrain(file: Path) -> Terrain:
    """Read a terrain raster, thinned by averaging so that the longer side stays under 2,400 cells.

    Raises rasterio's RasterioIOError where the file is no raster.
    """
    with rasterio.open(file) as source:
        thin = max(1.0, max(source.width, source.height) / _LONGEST_SIDE)
        shape = (round(source.height / thin), round(source.width / thin))
        cells = source.read(1, out_shape=shape, resampling=Resampling.average, masked=True)
        affine = source.transform @ Affine.scale(source.width / shape[1], source.height / shape[0])
        code = source.crs.to_epsg()
        crs = CRS.from_epsg(code) if code else CRS.from_wkt(source.crs.to_wkt())
    return Terrain(np.nan_to_num(cells.filled(0).astype(np.float32)), affine, crs)


def contour_levels(terrain: Terrain) -> Iterator[tuple[int, shapely.Geometry]]:
    """Every 50 m contour above the sea: its height and its lines in EPSG:3857."""
    for level in range(CONTOUR_STEP, int(terrain.heights.max()) + 1, CONTOUR_STEP):
        lines = trace(terrain, level)
        if not lines.is_empty:
            yield level, terrain.to_mercator(np.array([rounded(lines, 15.0)]))[0]


def dry_land(terrain: Terrain) -> shapely.Geometry:
    """What lies above 0.5 m, as polygons in EPSG:3857."""
    return shapely.make_valid(terrain.to_mercator(np.array([shapely.build_area(trace(terrain, SEA_LEVEL))]))[0])


# For each of the 16 ways that four corners can lie above a level: which edges of the cell the line joins.
# Corners count north-west 8, north-east 4, south-east 2, south-west 1; edges are n, e, s, w.
_JOINS: dict[int, tuple[str, ...]] = {
    1: ("ws",), 2: ("se",), 3: ("we",), 4: ("en",), 5: ("wn", "es"), 6: ("sn",), 7: ("wn",),
    8: ("nw",), 9: ("ns",), 10: ("ne", "sw"), 11: ("ne",), 12: ("ew",), 13: ("es",), 14: ("sw",),
}  # fmt: skip


def trace(terrain: Terrain, level: float) -> shapely.Geometry:
    """The closed lines where the terrain passes a level, in the terrain's CRS (marching squares)."""
    # A border below the level closes every line; the hair on the level keeps cells that lie exactly on it apart.
    cells = np.pad(terrain.heights.astype(np.float64), 1, constant_values=-1.0)
    edge = level + 1e-3
    above = cells >= edge
    with np.errstate(divide="ignore", invalid="ignore"):
        along_row = (edge - cells[:, :-1]) / (cells[:, 1:] - cells[:, :-1])
        along_col = (edge - cells[:-1, :]) / (cells[1:, :] - cells[:-1, :])
    case = above[:-1, :-1] * 8 + above[:-1, 1:] * 4 + above[1:, 1:] * 2 + above[1:, :-1] * 1

    def point(side: str, row: NDArray[np.intp], col: NDArray[np.intp]) -> NDArray[np.float64]:
        if side == "n":
            return np.column_stack((col + along_row[row, col], row))
        if side == "s":
            return np.column_stack((col + along_row[row + 1, col], row + 1))
        if side == "w":
            return np.column_stack((col, row + along_col[row, col]))
        return np.column_stack((col + 1, row + along_col[row, col + 1]))

    pieces = []
    for kind, joins in _JOINS.items():
        row, col = np.nonzero(case == kind)
        pieces += [np.stack((point(join[0], row, col), point(join[1], row, col)), axis=1) for join in joins]
    steps = np.concatenate(pieces)
    # The border moved every cell by one, and a cell's height stands at its centre.
    col, row = steps[..., 0] - 0.5, steps[..., 1] - 0.5
    to = terrain.affine
    x, y = to.a * col + to.b * row + to.c, to.d * col + to.e * row + to.f
    lines = shapely.linestrings(np.stack((x, y), axis=-1))
    return shapely.line_merge(shapely.multilinestrings(lines[shapely.length(lines) > 0]))


def rounded(shape: shapely.Geometry, tolerance: float) -> shapely.Geometry:
    """A line or area without the raster's steps: thinned, then its corners cut twice (Chaikin); lengths in its CRS."""
    thin = shapely.segmentize(shapely.simplify(shape, tolerance), tolerance * 4)
    if shape.geom_type.endswith("Polygon"):
        areas = [_round_area(area) for area in shapely.get_parts(thin)]
        return shapely.simplify(shapely.unary_union([area for area in areas if not area.is_empty]), tolerance / 10)
    lines = shapely.multilinestrings([_cut_corners(line) for line in shapely.get_parts(thin)])
    return shapely.simplify(lines, tolerance / 10)


def _round_area(area: shapely.Polygon) -> shapely.Geometry:
    shell, *holes = (_cut_corners(ring).coords for ring in [area.exterior, *area.interiors])
    return shapely.make_valid(shapely.Polygon(shell, holes))


def _cut_corners(line: shapely.LineString) -> shapely.LineString:
    points = shapely.get_coordinates(line)
    closed = bool(np.array_equal(points[0], points[-1]))
    for _ in range(2):
        if len(points) < 4:
            break
        near, far = points[:-1], points[1:]
        cut = np.stack((near * 0.75 + far * 0.25, near * 0.25 + far * 0.75), axis=1).reshape(-1, 2)
        points = np.vstack((cut, cut[:1])) if closed else np.vstack((points[:1], cut, points[-1:]))
    return shapely.linestrings(points)


def box_of(terrain: Terrain) -> Box:
    """The box that the raster covers, in EPSG:3857."""
    rows, cols = terrain.heights.shape
    left, top = terrain.affine @ (0, 0)
    right, bottom = terrain.affine @ (cols, rows)
    west, south, east, north = transform_bounds(terrain.crs.to_wkt(), "EPSG:3857", left, bottom, right, top)
    return Box(west, south, east, north)
