"""The exercise incidents and the stand-ins: deterministic, complete, plausible."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import shapely

from cop.catalogue import catalogue
from cop.catalogue.models import Column, Layer
from cop_ingest.exercise import ENDS, EVENT, exercise_incidents
from cop_ingest.places import DISTRICT_CENTRES, PLACES
from cop_ingest.raster import make_cog
from cop_ingest.records import Record
from cop_ingest.standin import STAND_INS, land_outline, stand_in, wind_series
from cop_ingest.standin_terrain import terrain, write_terrain
from cop_ingest.vector import read_vector
from cop_ingest.wind import newest_rows

_PYTHON = {
    "text": str, "code": str, "integer": int, "number": float, "boolean": bool,
    "time": datetime, "date": date, "text[]": list,
}  # fmt: skip
FEATURE_STAND_INS = [*STAND_INS, "wind_10min"]


@pytest.fixture(scope="module")
def incidents() -> list[Record]:
    return exercise_incidents()


def _codes(column: Column) -> Mapping[str, object] | None:
    return catalogue().codes[column.codes_from] if column.codes_from else column.codes


def _fits(layer: Layer, record: Record) -> bool:
    """Whether a record has exactly the layer's columns, each None or of its type and among its codes."""
    values = [(column, record.properties[column.name]) for column in layer.columns]
    typed = all(value is None or isinstance(value, _PYTHON[column.type]) for column, value in values)
    coded = all(
        value is None or codes is None or value in codes for column, value in values if (codes := _codes(column))
    )
    return set(record.properties) == set(layer.by_name) and typed and coded


def test_two_thousand_incidents_fit_the_layer(incidents: list[Record], layers: dict[str, Layer]) -> None:
    assert len({record.id for record in incidents}) == len(incidents) == 2000
    assert all(_fits(layers["incidents"], record) for record in incidents)


def test_the_same_seed_gives_the_same_day(incidents: list[Record]) -> None:
    assert exercise_incidents() == incidents
    assert exercise_incidents(count=50) == incidents[:50]
    assert exercise_incidents(seed=2, count=50) != incidents[:50]


def test_every_code_occurs(incidents: list[Record], layers: dict[str, Layer]) -> None:
    columns = layers["incidents"].by_name
    for name in (
        "category",
        "status",
        "department",
        "district",
        "severity",
        "verification",
        "position_method",
    ):
        assert {record.properties[name] for record in incidents} == set(_codes(columns[name]) or ())


def test_all_of_it_is_marked_as_exercise(incidents: list[Record]) -> None:
    for record in incidents:
        assert record.properties["message_status"] == "exercise"
        assert (record.properties["source"], record.properties["event"]) == ("exercise", EVENT)
        assert record.properties["duplicate_of"] is None


def test_shares_are_those_of_a_typhoon_day(incidents: list[Record]) -> None:
    shares = {
        "public": sum(record.properties["release"] == "public" for record in incidents),
        "major": sum(record.properties["major"] is True for record in incidents),
        "hurt": sum(record.properties["injured"] is not None for record in incidents),
    }
    assert 1780 <= shares["public"] <= 1900
    assert 50 <= shares["major"] <= 110
    assert shares["hurt"] < 250
    assert {record.properties["release"] for record in incidents} == {
        "public",
        "departments",
        "press",
        "owner",
    }


def test_times_come_in_their_order(incidents: list[Record]) -> None:
    for record in incidents:
        occurred, reported, updated = (record.properties[name] for name in ("occurred_at", "reported_at", "updated_at"))
        assert isinstance(occurred, datetime)
        assert isinstance(reported, datetime)
        assert isinstance(updated, datetime)
        assert occurred <= reported <= updated <= ENDS
        assert {moment.tzinfo for moment in (occurred, reported, updated)} == {UTC}
        done = record.properties["status"] == "completed"
        assert (record.properties["completed_at"] == updated) is done


def test_titles_are_in_both_languages(incidents: list[Record]) -> None:
    for record in incidents:
        for name in ("title_en", "title_zh", "description_en", "description_zh"):
            assert record.properties[name]
            assert "{" not in str(record.properties[name])


def test_owners_report_where_they_serve(incidents: list[Record]) -> None:
    hke = {record.properties["district"] for record in incidents if record.properties["department"] == "HKE"}
    assert hke <= {"CW", "EST", "STH", "WC"}


def test_a_few_have_no_position_and_some_are_lines_and_areas(incidents: list[Record]) -> None:
    kinds = Counter(r.geometry and shapely.from_wkb(r.geometry).geom_type for r in incidents)
    assert kinds["Point"] > 1800
    assert kinds[None] == sum(record.properties["position_method"] == "none" for record in incidents) < 100
    assert kinds["LineString"]
    assert kinds["Polygon"]


def test_places_lie_on_land_in_their_district(layers: dict[str, Layer], data: Path) -> None:
    districts = _areas(layers["districts"], data)
    land = shapely.union_all(list(_areas(layers["land"], data).values()))
    spots = [(place.district, shapely.Point(place.lon, place.lat)) for place in PLACES]
    spots += [(code, shapely.Point(centre)) for code, centre in DISTRICT_CENTRES.items()]
    assert {code for code, _ in spots} == set(districts)
    for code, spot in spots:
        assert districts[code].contains(spot), (code, spot)
        assert land.contains(spot), (code, spot)


def test_incidents_lie_in_hong_kong_nearly_all_on_land(
    incidents: list[Record], layers: dict[str, Layer], data: Path
) -> None:
    points = [shapely.centroid(shapely.from_wkb(record.geometry)) for record in incidents if record.geometry]
    land = shapely.union_all(list(_areas(layers["land"], data).values()))
    shapely.prepare(land)
    assert shapely.contains(land, points).mean() > 0.99


def _areas(layer: Layer, data: Path) -> dict[str, shapely.Geometry]:
    parsed = read_vector(layer, data / str(layer.source.file))
    return {record.id: shapely.from_wkb(record.geometry) for record in parsed.records}


def test_every_layer_with_a_source_has_a_stand_in(layers: dict[str, Layer]) -> None:
    named = {layer.stand_in for layer in layers.values() if layer.stand_in}
    assert named == {*FEATURE_STAND_INS, "terrain"}


@pytest.mark.parametrize("name", FEATURE_STAND_INS)
def test_stand_ins_fit_their_layers(layers: dict[str, Layer], name: str) -> None:
    layer = next(layer for layer in layers.values() if layer.stand_in == name)
    parsed = stand_in(name, layer)
    assert parsed.records
    assert parsed.refusals == []
    assert all(_fits(layer, record) for record in parsed.records)
    assert len({record.id for record in parsed.records}) == len(parsed.records)
    shapes = shapely.from_wkb([record.geometry for record in parsed.records])
    assert all(shapely.is_valid(shapes))
    assert {shape.geom_type for shape in shapes} == {layer.geometry}
    assert parsed == stand_in(name, layer)


def test_eighteen_districts_tile_their_limits(layers: dict[str, Layer]) -> None:
    parsed = stand_in("districts", layers["districts"])
    areas = {record.id: shapely.from_wkb(record.geometry) for record in parsed.records}
    assert set(areas) == set(DISTRICT_CENTRES)
    assert all(areas[code].contains(shapely.Point(centre)) for code, centre in DISTRICT_CENTRES.items())
    assert sum(area.area for area in areas.values()) == pytest.approx(shapely.union_all(list(areas.values())).area)


def test_the_land_drawn_by_hand_is_like_the_real_one(layers: dict[str, Layer], data: Path) -> None:
    limits = shapely.union_all(list(_areas(layers["districts"], data).values()))
    real = shapely.union_all(list(_areas(layers["land"], data).values())) & limits
    drawn = shapely.union_all(list(land_outline().geoms))
    assert (real & drawn).area / (real | drawn).area > 0.7
    assert all(drawn.contains(shapely.Point(place.lon, place.lat)) for place in PLACES)


def test_the_wind_series_is_thirty_hours_of_thirty_stations() -> None:
    rows = wind_series()
    assert len(rows) == 181 * 30
    assert len(newest_rows(rows)) == len(rows)
    assert all(row.mean_kmh and row.gust_kmh and row.mean_kmh < row.gust_kmh for row in rows)
    assert all(one.observed_at <= two.observed_at for one, two in pairwise(rows))


def test_the_terrain_has_the_frame_of_the_real_model_and_hills(tmp_path: Path) -> None:
    heights, _ = terrain()
    assert (heights.shape, heights.dtype) == ((685, 910), np.float32)
    assert 800 < heights.max() < 960
    info = make_cog(write_terrain(tmp_path / "raw.tif"), tmp_path / "terrain.tif")
    assert info.bounds == (799997.5, 800052.5, 863697.5, 848002.5)


def test_the_terrain_is_no_feature_layer(layers: dict[str, Layer]) -> None:
    with pytest.raises(ValueError, match="write_terrain"):
        stand_in("terrain", layers["terrain"])
    with pytest.raises(KeyError):
        stand_in("dragons", layers["districts"])
