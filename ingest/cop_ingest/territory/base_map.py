"""Drawers of land, districts, names, land cover and the lines of the topographic map."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import shapely
from rasterio import features as raster_features
from shapely.geometry import MultiPolygon, Point, Polygon, shape

from cop.catalogue import catalogue
from cop_ingest.places import PLACES
from cop_ingest.territory.base import Drawer, Feature, Flags, Territory, in_degrees, in_metres
from cop_ingest.territory.land import district_areas, wide_land
from cop_ingest.territory.limits import POPULATION_2021, pairs
from cop_ingest.territory.peaks import PEAKS, RESERVOIRS

_SMALLEST_M2 = 60_000.0
"""Smaller patches of land cover are left out."""

_SHEET_CELLS = 56

_REGION = """
China|156|100 21.5, 108 21.5, 110.2 20.3, 110.6 21.3, 113.5 22.1, 114.5 22.5, 116.7 23.3, 119 25.3, 121.6 28.3
China|156|122 30.8, 120.3 34, 119.3 35.2, 122.5 37.2, 118 38.8, 121.5 40.8, 124.3 40, 131 43, 134.7 48.4, 127 49.8
China|156|100 49.8
Viet Nam|704|102.2 22.4, 105.4 23.3, 108 21.5, 105.8 18.9, 109.2 13, 106.8 10.3, 104.8 8.6, 105 10.4, 107.4 15
Viet Nam|704|104 19.5
Philippines|608|120.3 16, 120.7 18.5, 122.2 18.4, 121.6 15.8, 124.1 12.6, 126.5 7.3, 125.3 5.7, 122 7.2, 120.7 13.8
Taiwan|158|120.1 23.1, 121.5 25.3, 121.9 25, 121.3 23, 120.8 22
Japan|392|130 31.2, 130 33.8, 136 35.8, 139.8 38.5, 140.3 41.2, 141.4 41.4, 142 39.5, 140.8 35.7, 137 34.6
Japan|392|133.9 33.4, 131.5 31.4
South Korea|410|126.3 34.4, 126.6 37.6, 128.4 38.6, 129.4 36, 128.6 34.9
"""
"""Coasts by hand, good to some 100 km: a background for tracks, no map. Name, ISO 3166 number, outline in turn."""


def _land(_: Territory) -> Iterable[Feature]:
    for area in wide_land():
        yield {}, area


def _districts(_: Territory) -> Iterable[Feature]:
    names = catalogue().codes["districts"]
    for code, area in district_areas().items():
        yield {"code": code, "name_en": f"{names[code].en} District", "name_zh": names[code].zh}, area


def _district_population(_: Territory) -> Iterable[Feature]:
    names = catalogue().codes["districts"]
    for code, area in district_areas().items():
        name_en, name_zh = names[code].en, names[code].zh.removesuffix("區")
        yield {"name_en": name_en, "name_zh": name_zh, "population_2021": POPULATION_2021[code]}, area


def _region(_: Territory) -> Iterable[Feature]:
    outlines: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for line in _REGION.strip().splitlines():
        name, iso, outline = line.split("|")
        outlines.setdefault((name, iso), []).extend(pairs(outline))
    for (name, iso), ring in outlines.items():
        yield {"iso": iso, "name_en": name}, MultiPolygon([Polygon(ring)])


def _place_names(_: Territory) -> Iterable[Feature]:
    areas = {place.area_en: place for place in reversed(PLACES)}
    for place in reversed(areas.values()):
        known: dict[str, object] = {"name_en": place.area_en, "name_zh": place.area_zh, "place": "suburb"}
        yield known, Point(place.lon, place.lat)


def _peaks(territory: Territory) -> Iterable[Feature]:
    lon, lat = np.array([(peak.lon, peak.lat) for peak in PEAKS]).T
    for peak, dry in zip(PEAKS, territory.ground.on_land(lon, lat), strict=True):
        if dry:
            known: dict[str, object] = {"name_en": peak.name_en, "name_zh": peak.name_zh, "height_m": peak.height}
            number = f"exercise-{peak.name_en.lower().replace(' ', '-')}"
            yield {"osm_id": number, **known}, Point(peak.lon, peak.lat)


def _water_bodies(territory: Territory) -> Iterable[Feature]:
    ground = territory.ground
    middles = in_metres([Point(each.lon, each.lat) for each in RESERVOIRS])
    draw = territory.draw("water_bodies")
    shores = []
    for reservoir, middle in zip(RESERVOIRS, middles, strict=True):
        bends = [draw.uniform(0.75, 1.15) for _ in range(18)]
        angles = np.linspace(0, 2 * np.pi, len(bends), endpoint=False)
        ring = np.column_stack([np.cos(angles), np.sin(angles)]) * np.array(bends)[:, None] * reservoir.radius
        shores.append(Polygon(ring + np.array([middle.x, middle.y])))
    for shore in in_degrees(_on(ground.land_metres, shores)):
        yield {"landcover": "water"}, shore


def _on(land: shapely.Geometry, areas: list[Polygon]) -> list[shapely.Geometry]:
    """The parts of areas on land; an area of which the land has nothing (a reservoir of the sea) stays whole."""
    cut = shapely.intersection(np.array(areas, dtype=object), land)
    return [part if part.area > 0.5 * area.area else area for part, area in zip(cut, areas, strict=True)]


def _cover(territory: Territory, kind: str, cells: Flags) -> Iterable[Feature]:
    """Patches of land cover from flagged cells, their edges smoothed."""
    ground = territory.ground
    # Sheets of about 4 km, as a map's: one patch that runs through the whole territory is slow to draw and to ask.
    rows, columns = np.indices(cells.shape) // _SHEET_CELLS
    sheets = (rows * (columns.max() + 1) + columns + 1).astype("int32")
    found = raster_features.shapes(sheets, mask=cells, transform=ground.frame, connectivity=4)
    patches = np.array([shape(outline) for outline, _ in found], dtype=object)
    patches = patches[shapely.area(patches) > _SMALLEST_M2]
    # The cells' stairs go by a closing and an opening of half a cell, as a plotter's pen would round them.
    rounded = shapely.buffer(shapely.buffer(patches, -0.45 * ground.cell, quad_segs=3), 0.45 * ground.cell, quad_segs=3)
    rounded = shapely.intersection(shapely.simplify(rounded, 18.0), ground.land_metres)
    parts = [part for area in rounded for part in shapely.get_parts(area)]
    for patch in in_degrees([part for part in parts if part.geom_type == "Polygon" and part.area > _SMALLEST_M2]):
        if patch.is_valid and not patch.is_empty:
            yield {"landcover": kind}, MultiPolygon([patch])


def _wood(territory: Territory) -> Iterable[Feature]:
    ground = territory.ground
    return _cover(territory, "wood", _wild(territory) & (ground.heights < 420) & (ground.steep > 9))


def _veg(territory: Territory) -> Iterable[Feature]:
    ground = territory.ground
    high = (ground.heights >= 420) & (ground.heights < 700)
    low = (ground.steep <= 9) & (ground.heights > 8) & (ground.heights < 420)
    return _cover(territory, "veg", _wild(territory) & (high | low))


def _barren(territory: Territory) -> Iterable[Feature]:
    ground = territory.ground
    return _cover(territory, "barren", _wild(territory) & (ground.heights >= 60) & (ground.steep > 33))


def _wild(territory: Territory) -> Flags:
    ground = territory.ground
    return np.asarray(ground.mask & (ground.people < 6))


DRAWERS: dict[str, Drawer] = {
    "land": _land,
    "districts": _districts,
    "district_population": _district_population,
    "region": _region,
    "place_names": _place_names,
    "peaks": _peaks,
    "water_bodies": _water_bodies,
    "landcover_wood": _wood,
    "landcover_veg": _veg,
    "barren": _barren,
}
