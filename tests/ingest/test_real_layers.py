"""The real layers from the data folder: the counts of SOURCES.md, and each quirk of their files by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import shapely

from cop.catalogue.models import Layer
from cop.errors import LoadRefused
from cop_ingest import grid
from cop_ingest.besttrack import parse_tracks, read_track_points, read_tracks
from cop_ingest.cameras import read_cameras
from cop_ingest.jsonlist import read_json
from cop_ingest.records import Parsed, Record
from cop_ingest.transit import read_mtr_stations, read_nlb_stops
from cop_ingest.vector import read_vector

READ: dict[str, Callable[[Layer, Path], Parsed]] = {
    "vector": read_vector,
    "json": read_json,
    "best_tracks": read_tracks,
    "best_track_points": read_track_points,
    "mtr_stations": read_mtr_stations,
    "nlb_stops": read_nlb_stops,
    "cameras": read_cameras,
}
COUNTS = {
    "districts": 18, "district_population": 18, "land": 131, "region": 25, "coastline": 108, "contours": 901,
    "streams": 1124, "roads_b50k": 995, "footpaths": 478, "cliffs": 10, "landcover_wood": 3636, "landcover_veg": 2125,
    "water_bodies": 765, "barren": 121, "place_names": 761, "peaks": 1067, "bus_routes": 10, "bus_stops_ctb": 2575,
    "minibus_stops": 890, "nlb_stops": 290, "mtr_exits": 582, "mtr_stations": 97, "light_rail_stops": 287,
    "traffic_cameras": 210, "weather_stations": 30, "aqhi_stations": 18, "tc_tracks": 169, "tc_track_points": 6154,
}  # fmt: skip
MakeLayer = Callable[..., Layer]


def real(layers: dict[str, Layer], data: Path, name: str) -> Parsed:
    layer = layers[name]
    return READ[layer.source.reader or "vector"](layer, data / str(layer.source.file))


def by_id(parsed: Parsed, id_: str) -> Record:
    return next(record for record in parsed.records if record.id == id_)


def lon_lat(record: Record) -> tuple[float, float]:
    point = shapely.from_wkb(record.geometry)
    return point.x, point.y


@pytest.mark.parametrize("name", COUNTS)
def test_every_layer_at_hand_is_read_whole(layers: dict[str, Layer], data: Path, name: str) -> None:
    layer, parsed = layers[name], real(layers, data, name)
    assert (len(parsed.records), parsed.refusals) == (COUNTS[name], [])
    assert len({record.id for record in parsed.records}) == COUNTS[name]
    found = {shapely.from_wkb(record.geometry).geom_type for record in parsed.records if record.geometry is not None}
    assert found <= {layer.geometry}
    assert all(set(record.properties) == set(layer.by_name) for record in parsed.records)
    for column in layer.columns:
        if column.role == "title":
            assert any(record.properties[column.name] for record in parsed.records), column.name


def test_all_files_of_the_catalogue_are_covered(layers: dict[str, Layer]) -> None:
    """28 layers have files at hand; the terrain is a raster, the wind a series, the tracks two collections."""
    at_hand = {layer.id for layer in layers.values() if layer.source.file is not None}
    assert set(COUNTS) | {"terrain", "wind_10min"} == at_hand


# -- the quirks --------------------------------------------------------------------------------------------------


def test_the_minibus_northing_is_named_latitude(layers: dict[str, Layer], data: Path) -> None:
    first = by_id(real(layers, data, "minibus_stops"), "20000007")
    easting, northing = float(str(first.properties["easting"])), float(str(first.properties["northing"]))
    assert (easting, northing) == pytest.approx((835382.0005, 815369.9998), abs=1e-3)
    assert grid.to_east_north(*lon_lat(first)) == pytest.approx((easting, northing), abs=0.01)


def test_two_positions_that_differ_are_remarked(layers: dict[str, Layer], tmp_path: Path) -> None:
    told = json.loads(json.dumps({"stops": {"1": {
        "coordinates": {"wgs84": {"latitude": 22.2771908, "longitude": 114.1682774},
                        "hk80": {"latitude": 815369.9998, "longitude": 835382.0005}},
        "enabled": True, "remarks_tc": None, "remarks_sc": None, "remarks_en": None,
        "data_timestamp": "2026-07-12T00:01:36.462+08:00"}}}))  # fmt: skip
    path = tmp_path / "gmb.json"
    path.write_text(json.dumps(told))
    assert read_json(layers["minibus_stops"], path).remarks == {}
    told["stops"]["1"]["coordinates"]["hk80"]["latitude"] += 300
    path.write_text(json.dumps(told))
    (record,) = read_json(layers["minibus_stops"], path).records
    assert "is 300 m from coordinates.wgs84.longitude" in record.remarks[0]
    told["stops"]["1"]["coordinates"]["hk80"]["latitude"] = None
    path.write_text(json.dumps(told))
    (record,) = read_json(layers["minibus_stops"], path).records
    assert "no position to compare with" in record.remarks[0]


def test_a_new_lantao_bus_stop_stands_once_with_all_its_routes(layers: dict[str, Layer], data: Path) -> None:
    tai_o = by_id(real(layers, data, "nlb_stops"), "221")
    assert tai_o.properties["name_zh"] == "大澳"
    assert tai_o.properties["routes"] == ["2", "14", "20", "109"]
    assert lon_lat(tai_o) == (113.86216, 22.252783)


def test_a_stop_said_to_be_elsewhere_on_another_route_is_remarked(layers: dict[str, Layer], tmp_path: Path) -> None:
    stop = {"stopId": "1", "stopName_e": "A", "stopName_c": "甲", "latitude": "22.25", "longitude": "113.86"}
    moved = stop | {"latitude": "22.26"}
    broken = stop | {"stopId": "2", "latitude": "-"}
    groups = [{"routeId": "2", "stops": [stop, broken]}, {"routeId": "14", "stops": [moved]}]
    path = tmp_path / "nlb.json"
    path.write_text(json.dumps({"groups": groups}))
    parsed = read_nlb_stops(layers["nlb_stops"], path)
    assert parsed.records[0].remarks == ("route 14 gives the position 113.86, 22.26; the first is shown",)
    assert parsed.refusals[0].reason == "longitude and latitude: found '113.86' and '-', wanted numbers"
    path.write_text('{"groups": [{"routeId": "2"}]}')
    with pytest.raises(LoadRefused, match="there are no stops by route"):
        read_nlb_stops(layers["nlb_stops"], path)


def test_a_station_stands_in_the_middle_of_its_exits(layers: dict[str, Layer], data: Path) -> None:
    stations = real(layers, data, "mtr_stations")
    admiralty = by_id(stations, "ADM")
    assert admiralty.properties["lines"] == ["EAL", "ISL", "TWL", "SIL"]
    assert admiralty.properties["interchange"] is True
    assert lon_lat(admiralty) == pytest.approx((114.165, 22.279), abs=2e-3)
    exits = real(layers, data, "mtr_exits").records
    mine = [lon_lat(record) for record in exits if record.properties["station_en"] == "Admiralty"]
    assert admiralty.properties["exits"] == len(mine)


def test_stations_without_exits_have_no_position_and_say_so(layers: dict[str, Layer], data: Path) -> None:
    unplaced = [record for record in real(layers, data, "mtr_stations").records if record.geometry is None]
    assert {record.properties["name_en"] for record in unplaced} == {"Lo Wu", "Lok Ma Chau", "Lai King", "Lai Chi Kok"}
    assert all("there are no exits of this station" in record.remarks[0] for record in unplaced)


def test_a_misspelt_station_is_found_by_its_chinese_name(layers: dict[str, Layer], data: Path) -> None:
    whampoa = by_id(real(layers, data, "mtr_stations"), "WHA")
    assert whampoa.properties["name_en"] == "Whampoa"
    assert "says Whampo, the exits say Whampoa" in whampoa.remarks[0]
    assert whampoa.geometry is not None


def test_one_station_with_several_numbers(layers: dict[str, Layer], data: Path) -> None:
    assert set(by_id(real(layers, data, "mtr_stations"), "TSY").properties["station_ids"]) == {"46", "42"}  # type: ignore[call-overload]


def test_blank_rows_at_the_end_are_no_stations(layers: dict[str, Layer], data: Path) -> None:
    layer = layers["mtr_stations"]
    assert (data / str(layer.source.file)).read_text(encoding="utf-8-sig").rstrip("\r\n").endswith(",,,,,,")
    assert real(layers, data, "mtr_stations").refusals == []


def test_the_light_rail_extract_has_no_coordinates(layers: dict[str, Layer], data: Path) -> None:
    parsed = real(layers, data, "light_rail_stops")
    assert parsed.remarks == {"no position: the source gives none": 287}
    assert all(record.geometry is None for record in parsed.records)
    assert len({record.properties["stop_number"] for record in parsed.records if record.properties["fare_zone"]}) >= 68


def test_several_heights_of_a_peak_become_the_first(layers: dict[str, Layer], data: Path) -> None:
    (record,) = [record for record in real(layers, data, "peaks").records if record.remarks]
    assert record.properties["height_m"] == 96.9
    assert record.remarks == ("height_m: found '96.9;97.5', the first is taken",)


def test_a_peak_without_an_english_name_has_its_only_one(layers: dict[str, Layer], data: Path) -> None:
    parsed = real(layers, data, "peaks")
    assert all(record.properties["name_en"] and record.properties["name_zh"] for record in parsed.records)
    assert by_id(parsed, "26412171").properties["name_zh"] == "扯旗山"


def test_markup_in_stop_names_becomes_a_stroke(layers: dict[str, Layer], data: Path) -> None:
    routes = {record.properties["route"]: record.properties for record in real(layers, data, "bus_routes").records}
    assert routes["S1"]["from_en"] == "TUNG CHUNG STATION BUS TERMINUS / Tung Chung Station"
    assert routes["S1"]["from_zh"] == "東涌站巴士總站 / 東涌站"
    assert not any("<" in str(value) for properties in routes.values() for value in properties.values())


def test_ten_files_of_a_folder_are_one_layer(layers: dict[str, Layer], data: Path) -> None:
    parsed = real(layers, data, "bus_routes")
    assert {record.properties["route"] for record in parsed.records} == {
        "S64P", "S1", "4", "34", "E21", "S64X", "S56", "E36S", "979", "NA30",
    }  # fmt: skip


def test_a_folder_without_vector_files_says_so(layers: dict[str, Layer], tmp_path: Path) -> None:
    with pytest.raises(LoadRefused, match=r"there is no \.geojson, \.gml, \.gpkg or \.csv file"):
        read_vector(layers["bus_routes"], tmp_path)


def test_contours_carry_no_heights_and_the_layer_says_so(layers: dict[str, Layer], data: Path) -> None:
    assert set(layers["contours"].by_name) == {"theme"}
    assert "carry no heights" in layers["contours"].description.en
    assert "不載高程" in layers["contours"].description.zh


def test_air_quality_stations_are_general_or_roadside(layers: dict[str, Layer], data: Path) -> None:
    kinds = [record.properties["kind"] for record in real(layers, data, "aqhi_stations").records]
    assert (kinds.count("general"), kinds.count("roadside")) == (15, 3)


# -- beyond Hong Kong --------------------------------------------------------------------------------------------


def test_the_region_reaches_beyond_hong_kong(layers: dict[str, Layer], data: Path) -> None:
    parsed = real(layers, data, "region")
    bounds = shapely.total_bounds([shapely.from_wkb(record.geometry) for record in parsed.records])
    assert tuple(bounds) == pytest.approx((99.9, 0, 173.2, 50), abs=0.5)
    assert by_id(parsed, "344").properties["name_en"] == "Hong Kong"


@pytest.mark.parametrize("position", [(60.0, 22.0), (22.3, 114.1), (836694.05, 819069.8)])
def test_outside_its_extent_nothing_is_taken(
    make_layer: MakeLayer, tmp_path: Path, position: tuple[float, float]
) -> None:
    layer = make_layer(source={"extent": [99, -1, 180, 51]})
    path = tmp_path / "a.geojson"
    geometry = {"type": "Point", "coordinates": position}
    feature: dict[str, Any] = {"type": "Feature", "properties": {"CODE": "a", "height": 1}, "geometry": geometry}
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    (refusal,) = read_vector(layer, path).refusals
    assert "wanted longitudes 99 to 180 and latitudes -1 to 51" in refusal.reason
    feature["geometry"]["coordinates"] = [150.0, 40.0]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    assert lon_lat(read_vector(layer, path).records[0]) == (150.0, 40.0)


def test_mangkhut_as_it_was(layers: dict[str, Layer], data: Path) -> None:
    mangkhut = by_id(real(layers, data, "tc_tracks"), "1822").properties
    assert (mangkhut["name_en"], mangkhut["season"], mangkhut["highest_grade"]) == ("Mangkhut", 2018, "5")
    assert (mangkhut["max_wind_kt"], mangkhut["max_wind_kmh"], mangkhut["min_pressure_hpa"]) == (110, 203.7, 905)
    assert mangkhut["positions"] == 46


def test_best_track_times_are_utc(layers: dict[str, Layer], data: Path) -> None:
    points = real(layers, data, "tc_track_points").records
    hato = [record.properties["at"] for record in points if record.properties["name_en"] == "Hato"]
    assert datetime(2017, 8, 23, 0, tzinfo=UTC) in hato
    assert by_id(real(layers, data, "tc_tracks"), "1713").properties["name_en"] == "Hato"


def test_a_wind_of_zero_knots_was_not_analysed(layers: dict[str, Layer], data: Path) -> None:
    points = real(layers, data, "tc_track_points").records
    weak = [record.properties for record in points if record.properties["grade"] in ("2", "6")]
    assert all(properties["wind_kmh"] is None or float(str(properties["wind_kmh"])) > 0 for properties in weak)
    assert any(properties["wind_kmh"] is None for properties in weak)


def test_tracks_are_cut_at_the_date_line(layers: dict[str, Layer], data: Path) -> None:
    lines = [shapely.from_wkb(record.geometry) for record in real(layers, data, "tc_tracks").records]
    crossing = [line for line in lines if line.bounds[0] < 0]
    assert crossing, "some cyclone passes 180 degrees"
    for line in crossing:
        assert max(abs(bound) for bound in line.bounds[::2]) <= 180
        assert all(part.bounds[2] - part.bounds[0] < 90 for part in line.geoms), "no part goes round the world"


TRACK = "\n".join([
    "66666 1822  002 0029 1822 0 6             MANGKHUT              20181026        ",
    "18090700 002 3 127 1684 1002     035     00000 0000 80210 0150                  ",
    "18090706 002 4 129 1664  998     045     00000 0000 80210 0150                  ",
])  # fmt: skip


def test_a_best_track_that_breaks_off_is_refused(layers: dict[str, Layer], tmp_path: Path) -> None:
    cyclones, refusals = parse_tracks(TRACK, "bst.txt")
    assert (len(cyclones[0].fixes), refusals) == (2, [])
    for cut in (TRACK.rpartition("\n")[0], TRACK.rpartition("\n")[0] + "\n" + TRACK):
        with pytest.raises(LoadRefused, match="cyclone 1822 promises 2 positions and has fewer; the file is cut"):
            parse_tracks(cut, "bst.txt")
    with pytest.raises(LoadRefused, match="found 'hello', wanted a header"):
        parse_tracks("hello", "bst.txt")
    path = tmp_path / "bst.txt"
    path.write_text("<html>")
    with pytest.raises(LoadRefused, match="HTML page"):
        read_tracks(layers["tc_tracks"], path)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("18090706 002 4", "18093106 002 4", "time: found '18093106', wanted YYMMDDHH"),
        ("18090706 002 4", "18090706 002 8", "grade: found 8"),
        ("129 1664", "xxx 1664", "wanted time, grade, position"),
    ],
)
def test_a_bad_position_is_refused_with_its_line(old: str, new: str, reason: str) -> None:
    cyclones, (refusal,) = parse_tracks(TRACK.replace(old, new), "bst.txt")
    assert refusal.ordinal == 3
    assert reason in refusal.reason
    assert len(cyclones[0].fixes) == 1


def test_years_before_2000_are_of_the_last_century() -> None:
    old = TRACK.replace("1822", "5122").replace("180907", "510907")
    assert parse_tracks(old, "bst.txt")[0][0].fixes[0].at == datetime(1951, 9, 7, tzinfo=UTC)


# -- lists in JSON -------------------------------------------------------------------------------------------------


def of_json(make_layer: MakeLayer, tmp_path: Path, document: object, **source: object) -> Parsed:
    path = tmp_path / "list.json"
    path.write_text(json.dumps(document), encoding="utf-8-sig")
    return read_json(make_layer(source={"x": "lon", "y": "lat", **source}), path)


PLACE = {"CODE": "a", "height": 1, "lon": 114.1, "lat": "22.3"}


@pytest.mark.parametrize(
    ("document", "records"),
    [([PLACE], None), ({"list": [PLACE]}, "list"), ({"by": {"k": PLACE}}, "by"), ({"g": [{"s": [PLACE]}]}, "g.*.s")],
)
def test_a_list_is_found_by_its_path(make_layer: MakeLayer, tmp_path: Path, document: object, records: str) -> None:
    parsed = of_json(make_layer, tmp_path, document, records=records)
    assert [record.id for record in parsed.records] == ["a"]
    assert lon_lat(parsed.records[0]) == (114.1, 22.3)


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"other": []}, "there is no list; the document has other"),
        ({"list": 5}, "list is a int, wanted a list"),
        ({"list": [{"CODE": "a", "lon": 114.1, "lat": 22.3}]}, "no attribute height; it has CODE"),
    ],
)
def test_a_changed_document_is_refused_whole(
    make_layer: MakeLayer, tmp_path: Path, document: object, told: str
) -> None:
    with pytest.raises(LoadRefused, match=told):
        of_json(make_layer, tmp_path, document, records="list")


def test_a_record_without_a_position_is_refused_alone(make_layer: MakeLayer, tmp_path: Path) -> None:
    parsed = of_json(make_layer, tmp_path, [PLACE, PLACE | {"CODE": "b", "lat": ""}, PLACE | {"CODE": "c", "lon": 0}])
    assert [refusal.ordinal for refusal in parsed.refusals] == [2, 3]
    assert parsed.refusals[0].reason == "lon and lat: found 114.1 and None, wanted two numbers"


@pytest.mark.parametrize("body", [b'{"list": [', b"<html></html>", b"\xff\xff\xff"])
def test_what_is_no_json_is_refused(make_layer: MakeLayer, tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "list.json"
    path.write_bytes(body)
    with pytest.raises(LoadRefused, match=r"list\.json"):
        read_json(make_layer(source={"x": "lon", "y": "lat"}), path)
