"""The ground that everything of the exercise territory stands on: land, heights, people, districts, roads.

Positions are EPSG:2326 easting, northing in metres where nothing else is said, arrays of shape (n, 2).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import rasterio
import shapely
from numpy.typing import NDArray
from rasterio import features
from rasterio.errors import RasterioError
from rasterio.transform import Affine
from shapely.geometry import LineString, MultiPolygon, Point
from shapely.geometry.base import BaseGeometry

from cop.errors import LoadRefused
from cop_ingest.territory import relief
from cop_ingest.territory.base import Flags, Floats, in_metres, to_degrees
from cop_ingest.territory.land import district_areas, own_land
from cop_ingest.territory.limits import POPULATION_2021
from cop_ingest.territory.peaks import RESERVOIRS
from cop_ingest.territory.people import town_pull

if TYPE_CHECKING:
    from cop_ingest.territory.routing import Graph

Heights = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Road:
    """A stretch of road with one name; `line` is in EPSG:2326.

    `rank` is 1 for expressways, 2 for trunk and main roads, 3 for district roads and links, 4 for local streets, 5 for
    ways of islands that no road reaches. `structure` is tunnel, bridge or empty. `area` is the code-free English name
    of the town whose street it is, empty for main roads.
    """

    name_en: str | None
    name_zh: str | None
    rank: int
    line: LineString
    structure: str = ""
    area: str = ""


class Ground:
    """The ground of one territory, from a grid of heights. Build it with `of_raster` or `stand_in`."""

    def __init__(self, heights: Heights, frame: Affine, fingerprint: str) -> None:
        """Heights in metres (rows from north to south), their transform to EPSG:2326, and what tells them apart."""
        self.heights = heights
        self.frame = frame
        self.fingerprint = fingerprint
        self.cell = float(frame.a)

    @classmethod
    def of_raster(cls, path: Path) -> Ground:
        """The ground over the terrain model at `path` (EPSG:2326). Raises LoadRefused where it cannot be read."""
        try:
            with rasterio.open(path) as file:
                heights = file.read(1, masked=True).filled(0).astype(np.float64)
                frame = file.transform
        except (RasterioError, OSError) as exc:
            raise LoadRefused(f"{path.name}: the terrain cannot be read: {exc}; load the layer terrain again") from exc
        return cls(np.maximum(np.nan_to_num(heights), 0), frame, hashlib.sha256(path.read_bytes()).hexdigest())

    @classmethod
    def stand_in(cls) -> Ground:
        """The ground over the stand-in of the terrain."""
        heights, frame = relief.terrain()
        return cls(heights.astype(np.float64), frame, hashlib.sha256(heights.tobytes()).hexdigest())

    @cached_property
    def land(self) -> MultiPolygon:
        """The land within the administrative area, EPSG:4326 lon, lat."""
        return own_land()

    @cached_property
    def land_metres(self) -> MultiPolygon:
        """The same in EPSG:2326, prepared for many questions."""
        turned = in_metres([self.land])[0]
        shapely.prepare(turned)
        return turned

    @cached_property
    def mask(self) -> Flags:
        """Which cells of the heights' grid have their middle on the territory's land."""
        inside: NDArray[np.uint8] = features.rasterize(
            [self.land_metres], out_shape=self.heights.shape, transform=self.frame, dtype="uint8"
        )
        return inside.astype(bool)

    @cached_property
    def steep(self) -> Floats:
        """Degrees from the level in each cell of the heights' grid."""
        north_south, west_east = np.gradient(self.heights, self.cell)
        return np.asarray(np.degrees(np.arctan(np.hypot(north_south, west_east))))

    @cached_property
    def _falls(self) -> tuple[Floats, Floats]:
        north_south, west_east = np.gradient(self.heights, self.cell)
        return np.asarray(-west_east), np.asarray(north_south)

    def on_land(self, lon: Floats, lat: Floats) -> Flags:
        """Whether positions (degrees, WGS 84) lie on the territory's land."""
        return np.asarray(shapely.contains_xy(self.land, lon, lat))

    def dry(self, east_north: Floats, margin: float = 0.0) -> Flags:
        """Whether positions lie on land, at least `margin` metres from the water's edge (one of a few margins)."""
        area = self.inner(margin) if margin else self.land_metres
        return np.asarray(shapely.contains_xy(area, east_north[:, 0], east_north[:, 1]))

    def inner(self, margin: float) -> BaseGeometry:
        """The land without its outer `margin` metres (negative: with as much water around), EPSG:2326, prepared."""
        if margin not in self._inners:
            self._inners[margin] = shapely.buffer(self.land_metres, -margin, quad_segs=2)
            shapely.prepare(self._inners[margin])
        return self._inners[margin]

    @cached_property
    def _inners(self) -> dict[float, BaseGeometry]:
        return {}

    @cached_property
    def water(self) -> BaseGeometry:
        """The reservoirs, EPSG:2326."""
        middles = in_metres([Point(each.lon, each.lat) for each in RESERVOIRS])
        radii = [each.radius for each in RESERVOIRS]
        area = shapely.union_all(shapely.buffer(middles, radii, quad_segs=6))
        shapely.prepare(area)
        return area

    def height(self, e: Floats, n: Floats) -> Floats:
        """Metres above datum at positions, between the grid's cells in proportion; 0 outside the grid."""
        return self._between(self.heights, e, n)

    def steepness(self, e: Floats, n: Floats) -> Floats:
        """Degrees from the level at positions; 0 outside the grid."""
        return self._between(self.steep, e, n)

    def downhill(self, e: Floats, n: Floats) -> Floats:
        """The way that water runs at positions: unit vectors (n, 2) east, north; zero on level ground."""
        falls = np.column_stack([self._between(part, e, n) for part in self._falls])
        length = np.hypot(falls[:, 0], falls[:, 1])
        return falls / np.maximum(length, 1e-9)[:, None] * (length > 1e-6)[:, None]

    def _between(self, grid: Floats, e: Floats, n: Floats) -> Floats:
        column = (np.asarray(e, dtype=float) - self.frame.c) / self.cell - 0.5
        row = (self.frame.f - np.asarray(n, dtype=float)) / self.cell - 0.5
        rows, columns = grid.shape
        outside = (column < 0) | (row < 0) | (column > columns - 1) | (row > rows - 1)
        left, top = (
            np.clip(np.floor(column), 0, columns - 2).astype(int),
            np.clip(np.floor(row), 0, rows - 2).astype(int),
        )
        x, y = np.clip(column - left, 0, 1), np.clip(row - top, 0, 1)
        upper = grid[top, left] * (1 - x) + grid[top, left + 1] * x
        lower = grid[top + 1, left] * (1 - x) + grid[top + 1, left + 1] * x
        return np.where(outside, 0.0, upper * (1 - y) + lower * y)

    def middles(self, cells: Flags) -> Floats:
        """The middles (n, 2) of the flagged cells, row by row."""
        rows, columns = np.nonzero(cells)
        return np.column_stack([
            self.frame.c + self.cell * (columns + 0.5), self.frame.f - self.cell * (rows + 0.5),
        ])  # fmt: skip

    @cached_property
    def people(self) -> Floats:
        """Persons in each cell of the heights' grid: each district's population on its flat land near its towns."""
        flat = np.clip(1.15 - self.steep / 16, 0, 1) * np.clip(1.4 - self.heights / 260, 0, 1)
        dry = self.mask & (self.heights < 330)
        weight = np.where(dry, town_pull(self.frame, self.heights.shape) * flat, 0.0)
        watered = features.rasterize([self.water], out_shape=self.heights.shape, transform=self.frame, dtype="uint8")
        weight[watered.astype(bool)] = 0
        found = np.zeros_like(weight)
        for number, code in enumerate(sorted(POPULATION_2021), 1):
            here = np.where(self._district_cells == number, weight, 0.0)
            found += here * (POPULATION_2021[code] / max(here.sum(), 1e-9))
        return found

    def crowd(self, east_north: Floats) -> Floats:
        """Persons in the cells of the heights' grid about positions."""
        return self._between(self.people, east_north[:, 0], east_north[:, 1])

    @cached_property
    def _district_cells(self) -> NDArray[np.uint8]:
        codes = sorted(POPULATION_2021)
        areas = in_metres([district_areas()[code] for code in codes])
        burnt: NDArray[np.uint8] = features.rasterize(
            zip(areas, range(1, len(codes) + 1), strict=True),
            out_shape=self.heights.shape, transform=self.frame, dtype="uint8",
        )  # fmt: skip
        return burnt

    def people_near(self, count: int, rng: np.random.Generator) -> Floats:
        """`count` positions drawn where people live, on land and at least 20 m from the water's edge."""
        odds = self.people.ravel() / self.people.sum()
        found = np.empty((0, 2))
        while len(found) < count:
            chosen = rng.choice(odds.size, size=count + 64, p=odds)
            row, column = np.divmod(chosen, self.heights.shape[1])
            jitter = rng.random((len(chosen), 2))
            spots = np.column_stack([
                self.frame.c + self.cell * (column + jitter[:, 0]), self.frame.f - self.cell * (row + jitter[:, 1]),
            ])  # fmt: skip
            found = np.vstack([found, spots[self.dry(spots, 20.0)]])
        return found[:count]

    def district_of(self, lon: Floats, lat: Floats) -> NDArray[np.str_]:
        """The codes of the districts at positions (degrees, WGS 84); empty at sea and beyond the border."""
        codes = sorted(POPULATION_2021)
        tree = shapely.STRtree([district_areas()[code] for code in codes])
        spot, area = tree.query(shapely.points(lon, lat), predicate="intersects")
        found = np.full(len(np.atleast_1d(lon)), "", dtype="<U3")
        found[spot[::-1]] = np.array(codes)[area[::-1]]
        return np.where(self.on_land(lon, lat), found, "")

    @cached_property
    def roads(self) -> Sequence[Road]:
        """The road network: all of ranks 1 to 4 hang together, lines meeting in shared vertices."""
        from cop_ingest.territory.roads import network  # the network is laid on this ground

        return network(self)

    @cached_property
    def graph(self) -> Graph:
        """The vertices of `roads` without the islands' ways, for shortest ways."""
        from cop_ingest.territory.routing import Graph  # a graph is made of this module's roads

        return Graph([road for road in self.roads if road.rank < 5])

    @cached_property
    def _pieces(self) -> tuple[shapely.STRtree, NDArray[np.intp]]:
        """An index over the straight pieces of all roads, and the place in `roads` of each: long lines are slow."""
        return _pieces_of(self.roads)

    @cached_property
    def open_pieces(self) -> Floats:
        """The straight pieces (n, 2, 2) of the roads that lie on the ground: no tunnels, no bridges."""
        return _ends([road for road in self.roads if not road.structure])

    @cached_property
    def open_road_tree(self) -> shapely.STRtree:
        """An index over `open_pieces`."""
        return shapely.STRtree(shapely.linestrings(self.open_pieces))

    def nearest_road(self, e: float, n: float) -> Road:
        """The road nearest to a position."""
        return self.roads[int(self.nearest_roads(np.array([[e, n]]))[0])]

    def nearest_roads(self, east_north: Floats) -> NDArray[np.intp]:
        """For each position the place in `roads` of the nearest one."""
        tree, whose = self._pieces
        return np.asarray(whose[tree.nearest(shapely.points(east_north))])

    def sea_near(self, e: float, n: float, off_m: float = 80.0) -> tuple[float, float]:
        """A position in the water (EPSG:2326), some `off_m` metres off the coast that is nearest to a position."""
        spot = Point(e, n)
        shore = self.land_metres.boundary
        at = shapely.line_interpolate_point(shore, shapely.line_locate_point(shore, spot))
        for distance in (off_m, 2 * off_m, 4 * off_m, off_m / 2, off_m / 4):
            for turn in np.linspace(0, 2 * np.pi, 24, endpoint=False):
                x, y = at.x + distance * np.cos(turn), at.y + distance * np.sin(turn)
                if not shapely.contains_xy(self._outer(distance / 2), x, y):
                    return float(x), float(y)
        return float(at.x), float(at.y)

    def _outer(self, margin: float) -> BaseGeometry:
        return self.inner(-margin)

    def codes_at(self, east_north: Floats) -> NDArray[np.str_]:
        """As district_of, for positions in EPSG:2326."""
        degrees = to_degrees(east_north)
        return self.district_of(degrees[:, 0], degrees[:, 1])


def _ends(roads: Sequence[Road]) -> Floats:
    lines = [np.asarray(road.line.coords) for road in roads]
    return np.vstack([np.stack([line[:-1], line[1:]], axis=1) for line in lines])


def _pieces_of(roads: Sequence[Road]) -> tuple[shapely.STRtree, NDArray[np.intp]]:
    counts = [len(road.line.coords) - 1 for road in roads]
    return shapely.STRtree(shapely.linestrings(_ends(roads))), np.repeat(np.arange(len(roads)), counts)
