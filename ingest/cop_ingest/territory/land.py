"""The land of the exercise territory (OpenStreetMap, ODbL), and the districts that lie on it."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

import numpy as np
import shapely
from shapely.geometry import MultiPoint, MultiPolygon, Point, Polygon, shape
from shapely.geometry.base import BaseGeometry

from cop_ingest.places import DISTRICT_CENTRES
from cop_ingest.territory.base import DECIMALS
from cop_ingest.territory.limits import OUTLINE, SEEDS

EXTRACT = Path(__file__).parent / "data" / "land.geojson"
"""Made by scripts/land_extract.py; © OpenStreetMap contributors, ODbL, see data/NOTICE.md."""


@lru_cache(maxsize=1)
def wide_land() -> tuple[Polygon, ...]:
    """All land of the extract, the neighbours' too, as single areas in EPSG:4326 lon, lat, largest first."""
    features = json.loads(EXTRACT.read_text(encoding="utf-8"))["features"]
    return tuple(shape(feature["geometry"]) for feature in features)


@lru_cache(maxsize=1)
def own_land() -> MultiPolygon:
    """The land within the administrative area, EPSG:4326 lon, lat. Islets of less than a hectare are left out."""
    whole = shapely.intersection(shapely.union_all(list(wide_land())), Polygon(OUTLINE))
    parts = [part for part in shapely.get_parts(whole) if part.geom_type == "Polygon" and part.area > 1e-6]
    land = MultiPolygon(parts)
    shapely.prepare(land)
    return land


@lru_cache(maxsize=1)
def district_areas() -> dict[str, BaseGeometry]:
    """Each district by its code as one polygon, EPSG:4326 lon, lat; together they tile the administrative area."""
    seeds = np.array([place for _, place in SEEDS])
    limits = Polygon(OUTLINE)
    cells = shapely.get_parts(shapely.voronoi_polygons(MultiPoint(seeds), extend_to=limits.buffer(0.5)))
    within = {cell_of: _cut(cells[cell_of], limits) for cell_of in range(len(cells))}
    owner = shapely.STRtree(list(within.values())).query(shapely.points(seeds), predicate="intersects")
    code_of = {int(cell): SEEDS[int(seed)][0] for seed, cell in owner.T}
    areas = {
        code: shapely.union_all([within[cell] for cell, of in sorted(code_of.items()) if of == code])
        for code in DISTRICT_CENTRES
    }
    return _whole(areas)


def _cut(cell: BaseGeometry, limits: Polygon) -> BaseGeometry:
    return shapely.set_precision(shapely.intersection(cell, limits), 10.0**-DECIMALS)


def _whole(areas: dict[str, BaseGeometry]) -> dict[str, BaseGeometry]:
    """Give each piece that lies apart from its district's main part to the neighbour with the longest border."""
    main: dict[str, BaseGeometry] = {}
    loose: list[BaseGeometry] = []
    for code, area in areas.items():
        parts = list(shapely.get_parts(area))
        home = next((part for part in parts if part.covers(Point(DISTRICT_CENTRES[code]))), max(parts, key=_size))
        main[code] = home
        loose += [part for part in parts if part is not home]
    for piece in sorted(loose, key=lambda part: part.bounds):
        borders = {code: shapely.intersection(area.boundary, piece.boundary).length for code, area in main.items()}
        best = max(sorted(borders), key=lambda code: borders[code])
        joined = shapely.union(main[best], piece)
        main[best] = joined if joined.geom_type == "Polygon" else main[best]
    return {code: shapely.normalize(area) for code, area in main.items()}


def _size(area: BaseGeometry) -> float:
    return float(area.area)
