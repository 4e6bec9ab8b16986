"""The exercise territory: every layer drawn in its exact columns, deterministic, and things where they belong."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray

from cop.catalogue import catalogue
from cop.catalogue.models import Column, Layer
from cop_ingest.records import Record
from cop_ingest.territory import DRAWERS, Ground, Territory, manifest, relief, stand_in, territory_of
from cop_ingest.territory.base import in_metres
from cop_ingest.territory.buildings import BUILDINGS
from cop_ingest.territory.slopes import SLOPES, sheets

_PYTHON: dict[str, tuple[type, ...]] = {
    "text": (str,), "code": (str,), "integer": (int,), "number": (float, int), "boolean": (bool,),
    "time": (datetime,), "date": (date,), "text[]": (list,),
}  # fmt: skip
ON_LAND = (
    "slopes", "buildings", "addresses", "entli_crown", "entli_trail", "landslide_incidents", "debris_barriers",
    "boreholes", "traffic_aids", "pedestrian_network", "flood_blackspots", "storm_surge_areas", "landcover_wood",
    "landcover_veg", "barren", "place_names", "peaks", "streams",
)  # fmt: skip


@pytest.fixture(scope="module")
def territory() -> Territory:
    return territory_of(1, 0.02, None)


@pytest.fixture(scope="module")
def whole() -> Territory:
    return territory_of(1, 1.0, None)


def _layer(layers: dict[str, Layer], name: str) -> Layer:
    return next(layer for layer in layers.values() if layer.stand_in == name)


def _codes(column: Column) -> Mapping[str, object] | None:
    return catalogue().codes[column.codes_from] if column.codes_from else column.codes


def _misfits(layer: Layer, record: Record) -> list[str]:
    """The columns whose value is neither None nor of the column's type and among its codes."""
    found = []
    for column in layer.columns:
        value, codes = record.properties[column.name], _codes(column)
        if value is not None and (
            not isinstance(value, _PYTHON[column.type]) or (codes is not None and value not in codes)
        ):
            found.append(f"{column.name}={value!r}")
    return found


def _shapes(records: list[Record]) -> NDArray[np.object_]:
    found: Any = shapely.from_wkb([record.geometry for record in records])
    return np.asarray(found)


def test_every_stand_in_has_a_drawer_and_every_drawer_a_layer(layers: dict[str, Layer]) -> None:
    named = {layer.stand_in for layer in layers.values() if layer.stand_in}
    assert named == {*DRAWERS, "terrain"}


def test_every_made_up_layer_says_so(layers: dict[str, Layer]) -> None:
    """Where no source is known the layer is an exercise; where one is, only its stand-in is."""
    made_up = [
        layer for layer in layers.values() if layer.stand_in and not (layer.source.file or layer.source.published)
    ]
    assert [layer.id for layer in made_up if layer.provenance != "exercise"] == []


@pytest.mark.parametrize("name", sorted(DRAWERS))
def test_drawings_fit_their_layers(layers: dict[str, Layer], territory: Territory, name: str) -> None:
    layer = _layer(layers, name)
    values = [known for known, _ in DRAWERS[name](territory)]
    assert {column for known in values for column in known} <= set(layer.by_name)
    parsed = stand_in(layer, territory)
    assert parsed.records
    assert (parsed.refusals, parsed.remarks) == ([], {})
    assert [misfit for record in parsed.records for misfit in _misfits(layer, record)] == []
    assert len({record.id for record in parsed.records}) == len(parsed.records)
    shapes = _shapes(parsed.records)
    assert shapely.is_valid(shapes).all()
    if layer.geometry != "Geometry":
        assert {shape.geom_type for shape in shapes} == {layer.geometry}


def test_the_same_seed_draws_the_same_whatever_was_drawn_before(layers: dict[str, Layer]) -> None:
    names = ("slopes", "buildings", "landslide_incidents", "addresses", "entli_trail", "traffic_aids")
    one, other = territory_of(3, 0.01, None), territory_of(3, 0.01, None)
    forwards = {name: stand_in(_layer(layers, name), one) for name in names}
    backwards = {name: stand_in(_layer(layers, name), other) for name in reversed(names)}
    assert forwards == backwards
    assert stand_in(_layer(layers, "slopes"), territory_of(4, 0.01, None)) != forwards["slopes"]


def test_the_manifest_tells_seed_scale_and_terrain(territory: Territory, whole: Territory) -> None:
    assert manifest(territory) == manifest(territory_of(1, 0.02, None))
    lower = Ground(territory.ground.heights * 0.5, territory.ground.frame, "lower")
    others = [whole, territory_of(2, 0.02, None), Territory(1, 0.02, lower)]
    assert len({manifest(territory), *(manifest(other) for other in others)}) == 4


def test_a_column_that_the_layer_has_not_is_refused(layers: dict[str, Layer], territory: Territory) -> None:
    layer = _layer(layers, "flood_blackspots")
    fewer = layer.model_copy(update={"columns": layer.columns[:-1]})
    with pytest.raises(ValueError, match="district"):
        stand_in(fewer, territory)


@pytest.mark.parametrize("name", ON_LAND)
def test_what_belongs_on_land_is_on_land(layers: dict[str, Layer], territory: Territory, name: str) -> None:
    shapes = _shapes([*stand_in(_layer(layers, name), territory).records])
    if name == "traffic_aids":
        assert {shape.geom_type for shape in shapes} == {"Point", "LineString"}
    spots = shapely.point_on_surface(shapes)
    assert territory.ground.on_land(shapely.get_x(spots), shapely.get_y(spots)).all()


@pytest.mark.parametrize("name", ["slopes", "buildings", "boreholes"])
def test_on_real_terrain_nothing_stands_in_its_sea(layers: dict[str, Layer], data: Path, name: str) -> None:
    real = territory_of(1, 0.02, data / str(layers["terrain"].source.file))
    records = stand_in(_layer(layers, name), real).records
    spots = shapely.point_on_surface(_shapes(records))
    metres = in_metres(list(spots))
    heights = real.ground.height(shapely.get_x(metres), shapely.get_y(metres))
    assert (heights > 0).mean() > 0.99


def test_the_road_network_hangs_together(layers: dict[str, Layer], territory: Territory) -> None:
    """By the published coordinates: lines meet in shared vertices."""
    lines = _shapes(stand_in(_layer(layers, "road_centreline"), territory).records)
    parent = list(range(len(lines)))

    def root(one: int) -> int:
        while parent[one] != one:
            one = parent[one]
        return one

    seen: dict[tuple[float, ...], int] = {}
    for number, line in enumerate(lines):
        for vertex in line.coords:
            first, second = root(number), root(seen.setdefault(vertex, number))
            parent[max(first, second)] = min(first, second)
    assert {root(number) for number in range(len(lines))} == {0}


def test_main_roads_keep_to_the_land(territory: Territory) -> None:
    dry = [road for road in territory.ground.roads if not road.structure]
    wet = sum(road.line.difference(territory.ground.land_metres).length for road in dry)
    assert wet / sum(road.line.length for road in dry) < 0.005
    names = {road.name_en for road in territory.ground.roads}
    assert {"Nathan Road", "Tuen Mun Road", "Cross-Harbour Tunnel", "Tsing Ma Bridge", "Tolo Highway"} <= names


def test_slope_numbers_are_those_of_their_sheet(layers: dict[str, Layer], territory: Territory) -> None:
    records = stand_in(_layer(layers, "slopes"), territory).records
    numbers = [str(record.properties["slope_no"]) for record in records]
    assert all(
        re.fullmatch(r"([1-9]|1[0-6])(NW|NE|SW|SE)-[A-D]/(C|F|R|CR|FR|DT)[1-9]\d*", number) for number in numbers
    )
    # The Peak is on 11SW-A, Sha Tin on 7SE, Stanley on 15NE.
    known = np.array([[833_700, 815_500], [837_800, 826_200], [839_500, 808_700]])
    assert [sheet[:4].rstrip("-") for sheet in sheets(known)] == ["11SW", "7SE", "15NE"]
    assert sheets(known)[0] == "11SW-A"


def test_trails_run_down_from_their_crowns(layers: dict[str, Layer], territory: Territory) -> None:
    crowns = {str(r.properties["landslide_no"]): r for r in stand_in(_layer(layers, "entli_crown"), territory).records}
    trails = stand_in(_layer(layers, "entli_trail"), territory).records
    assert len(trails) > 0.9 * len(crowns)
    for trail in trails:
        line = shapely.from_wkb(trail.geometry)
        assert line.coords[0] == shapely.from_wkb(crowns[str(trail.properties["landslide_no"])].geometry).coords[0]
        top, foot = in_metres([shapely.Point(line.coords[0]), shapely.Point(line.coords[-1])])
        ground = territory.ground
        heights = ground.height(np.array([top.x, foot.x]), np.array([top.y, foot.y]))
        assert heights[1] < heights[0]


def test_at_full_scale_there_are_sixty_thousand_slopes_where_it_is_steep(
    layers: dict[str, Layer], whole: Territory
) -> None:
    records = stand_in(_layer(layers, "slopes"), whole).records
    assert len(records) == SLOPES == 60_000
    shapes = _shapes(records)
    spots = in_metres(list(shapely.point_on_surface(shapes)))
    e, n = shapely.get_x(spots), shapely.get_y(spots)
    assert (whole.ground.steepness(e, n) > 15).mean() > 0.97
    assert whole.ground.dry(np.column_stack([e, n])).all()
    assert _overlaps(shapes) == 0


def test_at_full_scale_there_are_fifty_thousand_buildings_where_people_live(
    layers: dict[str, Layer], whole: Territory
) -> None:
    records = stand_in(_layer(layers, "buildings"), whole).records
    assert len(records) == BUILDINGS == 50_000
    shapes = in_metres(list(_shapes(records)))
    assert shapely.contains(whole.ground.land_metres, shapes).all()
    assert _overlaps(shapes) == 0
    streets = shapely.STRtree([road.line for road in whole.ground.roads if not road.structure])
    assert len(streets.query(shapes, predicate="intersects")[0]) == 0
    districts = Counter(record.properties["district"] for record in records)
    assert len(districts) == 18
    assert districts["KT"] > 2 * districts["ILD"]


def _overlaps(shapes: NDArray[np.object_]) -> int:
    one, other = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    return int((one < other).sum())


def test_the_stand_in_terrain_is_flat_in_towns_and_steep_on_hills() -> None:
    ground = Ground.stand_in()
    heights, _ = relief.terrain()
    assert ground.heights.shape == heights.shape
    places = in_metres([shapely.Point(114.030, 22.444), shapely.Point(114.171, 22.320), shapely.Point(114.124, 22.413)])
    yuen_long, mong_kok, tai_mo_shan = ground.steepness(shapely.get_x(places), shapely.get_y(places))
    assert max(yuen_long, mong_kok) < 5 < 12 < tai_mo_shan
    assert 0.2 < (ground.steep[ground.mask] > 15).mean() < 0.6
