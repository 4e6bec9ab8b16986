"""Vector files: the real layers, and each format and fault by hand."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

import fiona
import pytest
import shapely
from fiona._err import CPLE_BaseError
from shapely.geometry import mapping, shape

from cop.catalogue.models import Layer
from cop.errors import LoadRefused
from cop_ingest import grid
from cop_ingest.records import Parsed
from cop_ingest.vector import read_vector

MakeLayer = Callable[..., Layer]
CENTRE_EN = (836694.05, 819069.80)
CENTRE_LON_LAT = (114.1811, 22.3106)


@pytest.mark.parametrize(
    ("name", "count"),
    [("districts", 18), ("district_population", 18), ("roads_b50k", 995), ("land", 131),
     ("landcover_wood", 3636), ("water_bodies", 765), ("place_names", 761), ("weather_stations", 30)],
)  # fmt: skip
def test_real_layers_are_read_whole(layers: dict[str, Layer], data: Path, name: str, count: int) -> None:
    layer = layers[name]
    parsed = read_vector(layer, data / str(layer.source.file))
    assert (len(parsed.records), parsed.refusals) == (count, [])
    assert len({record.id for record in parsed.records}) == count
    wanted = {layer.geometry}
    assert {shapely.from_wkb(record.geometry).geom_type for record in parsed.records} == wanted
    assert all(set(record.properties) == set(layer.by_name) for record in parsed.records)


def test_districts_have_their_code_as_id(layers: dict[str, Layer], data: Path) -> None:
    layer = layers["districts"]
    parsed = read_vector(layer, data / str(layer.source.file))
    southern = next(record for record in parsed.records if record.id == "STH")
    assert southern.properties["name_zh"] == "南區"
    assert str(southern.properties["valid_from"]) == "2016-01-01"


def test_the_wrong_crs_label_of_tpedm_is_seen_and_said(layers: dict[str, Layer], data: Path) -> None:
    layer = layers["district_population"]
    parsed = read_vector(layer, data / str(layer.source.file))
    assert parsed.remarks == {"the label says EPSG:2326, the values are EPSG:4326 longitude, latitude": 18}
    west, south, east, north = shapely.total_bounds([shapely.from_wkb(r.geometry) for r in parsed.records])
    assert 113.8 < west < east < 114.6
    assert 22.1 < south < north < 22.6


def test_fourteen_place_names_are_areas_and_become_points(layers: dict[str, Layer], data: Path) -> None:
    layer = layers["place_names"]
    parsed = read_vector(layer, data / str(layer.source.file))
    assert sum(parsed.remarks.values()) == 14


def test_the_datum_shift_is_taken_with_the_projection() -> None:
    lon, lat = grid.to_lon_lat(836441.2, 819239.3)
    assert (lon, lat) == pytest.approx((114.178556, 22.312133), abs=2e-6)
    assert grid.to_east_north(lon, lat) == pytest.approx((836441.2, 819239.3), abs=0.01)


def _geojson(path: Path, features: list[dict[str, object]], epsg: int | None = None) -> Path:
    document: dict[str, object] = {"type": "FeatureCollection", "features": features}
    if epsg:
        document["crs"] = {"type": "name", "properties": {"name": f"EPSG:{epsg}"}}
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def _feature(geometry: object, code: object = "a", height: object = 1.5) -> dict[str, object]:
    return {"type": "Feature", "properties": {"CODE": code, "height": height}, "geometry": geometry}


def _point(*coordinates: float) -> dict[str, object]:
    return {"type": "Point", "coordinates": coordinates}


def _lon_lat(parsed: Parsed) -> tuple[float, float]:
    assert parsed.refusals == []
    point = shapely.from_wkb(parsed.records[0].geometry)
    return point.x, point.y


@pytest.mark.parametrize(
    ("coordinates", "label", "remark"),
    [
        (CENTRE_LON_LAT, None, None),
        (CENTRE_LON_LAT[::-1], None, "the axes were written as EPSG:4326 latitude, longitude"),
        (CENTRE_LON_LAT, 2326, "the label says EPSG:2326, the values are EPSG:4326 longitude, latitude"),
        (CENTRE_EN, 2326, None),
        (CENTRE_EN, 4326, "the label says EPSG:4326, the values are EPSG:2326 easting, northing"),
    ],
)
def test_coordinates_are_what_their_values_can_be(
    tmp_path: Path,
    make_layer: MakeLayer,
    coordinates: tuple[float, float],
    label: int | None,
    remark: str | None,
) -> None:
    parsed = read_vector(make_layer(), _geojson(tmp_path / "a.geojson", [_feature(_point(*coordinates))], label))
    assert _lon_lat(parsed) == pytest.approx((114.18102, 22.31061), abs=2e-4)
    assert parsed.records[0].remarks == ((remark,) if remark else ())


def test_hk80_geographic_is_shifted_to_wgs84(tmp_path: Path, make_layer: MakeLayer) -> None:
    origin = _point(114.178555556, 22.312133333)
    parsed = read_vector(make_layer(), _geojson(tmp_path / "a.geojson", [_feature(origin)], 4611))
    assert _lon_lat(parsed) == pytest.approx(grid.to_lon_lat(*CENTRE_EN), abs=1e-5)


def test_northing_first_is_seen_from_the_whole_file(tmp_path: Path, make_layer: MakeLayer) -> None:
    # 816000, 833000 alone would fit both ways; the other one, with an easting above 850000, does not.
    features = [_feature(_point(816000, 833000)), _feature(_point(820000, 855000), "b")]
    parsed = read_vector(make_layer(), _geojson(tmp_path / "a.geojson", features, 2326))
    assert _lon_lat(parsed) == pytest.approx(grid.to_lon_lat(833000, 816000))
    assert parsed.remarks == {"the axes were written as EPSG:2326 northing, easting": 2}


@pytest.mark.parametrize(
    ("feature", "reason"),
    [
        (_feature(_point(2.35, 48.85)), "the coordinates lie between 2.35, 48.85"),
        (_feature(_point(0, 0)), "wanted eastings 800000 to 870000"),
        (_feature(None), "there is no geometry"),
        (_feature({"type": "Polygon"}), "there is no geometry"),
        (_feature({"type": "Point", "coordinates": []}), "there is no geometry"),
        (
            _feature({"type": "MultiPoint", "coordinates": [[114.1, 22.3], [114.2, 22.3]]}),
            "MultiPoint of 2 parts",
        ),
        (
            _feature({"type": "LineString", "coordinates": [[114.1, 22.3], [114.2, 22.3]]}),
            "found LineString, wanted Point",
        ),
        (_feature(_point(114.1, 22.3), height="tall"), "height: found 'tall', wanted a number"),
        (_feature(_point(114.1, 22.3), code=""), "code: is missing; it is the layer's key"),
    ],
)
def test_a_bad_feature_is_refused_and_the_rest_goes_in(
    tmp_path: Path, make_layer: MakeLayer, feature: dict[str, object], reason: str
) -> None:
    good = _feature(_point(114.1, 22.3), "good")
    parsed = read_vector(make_layer(), _geojson(tmp_path / "a.geojson", [feature, good]))
    assert [record.id for record in parsed.records] == ["good"]
    assert [refusal.ordinal for refusal in parsed.refusals] == [1]
    assert reason in parsed.refusals[0].reason


BOW_TIE = {
    "type": "Polygon",
    "coordinates": [[[114.1, 22.3], [114.2, 22.4], [114.2, 22.3], [114.1, 22.4], [114.1, 22.3]]],
}
SQUARE = {"type": "Polygon", "coordinates": [[[114.1, 22.3], [114.2, 22.3], [114.2, 22.4], [114.1, 22.3]]]}


def test_an_invalid_area_is_made_valid_and_said_so(tmp_path: Path, make_layer: MakeLayer) -> None:
    path = _geojson(tmp_path / "a.geojson", [_feature(BOW_TIE)])
    parsed = read_vector(make_layer(geometry="MultiPolygon"), path)
    mended = shapely.from_wkb(parsed.records[0].geometry)
    assert mended.is_valid
    assert len(mended.geoms) == 2
    assert parsed.records[0].remarks == ("geometry made valid: Self-intersection",)
    refused = read_vector(make_layer(geometry="Polygon"), path)
    assert refused.refusals[0].reason == "found a MultiPolygon of 2 parts, wanted Polygon"


def test_one_part_and_many_fit_where_they_can(tmp_path: Path, make_layer: MakeLayer) -> None:
    multi = {"type": "MultiPolygon", "coordinates": [SQUARE["coordinates"]]}
    path = _geojson(tmp_path / "a.geojson", [_feature(SQUARE), _feature(multi, "b")])
    for wanted in ("Polygon", "MultiPolygon"):
        parsed = read_vector(make_layer(geometry=wanted), path)
        assert {shapely.from_wkb(record.geometry).geom_type for record in parsed.records} == {wanted}


def test_height_above_ground_is_dropped(tmp_path: Path, make_layer: MakeLayer) -> None:
    parsed = read_vector(make_layer(), _geojson(tmp_path / "a.geojson", [_feature(_point(114.1, 22.3, 55.0))]))
    assert not shapely.from_wkb(parsed.records[0].geometry).has_z


def test_a_hash_id_needs_all_its_parts(tmp_path: Path, make_layer: MakeLayer) -> None:
    features = [_feature(_point(114.1, 22.3)), _feature(_point(114.1, 22.4)), _feature(_point(114.1, 22.3))]
    parsed = read_vector(make_layer(key=["code", "geometry"]), _geojson(tmp_path / "a.geojson", features))
    assert len({record.id for record in parsed.records}) == 2
    assert all(len(record.id) == 16 for record in parsed.records)
    assert parsed.refusals[0].reason == "repeats number 1"


def _written(path: Path, driver: str, crs: str, coordinates: tuple[float, float], **options: str) -> Path:
    schema = {"geometry": "Point", "properties": {"CODE": "str", "height": "float"}}
    # GDAL writes a FileGDB of the grid whole, and then complains about the extent's far corners.
    harmless = suppress(CPLE_BaseError) if driver == "OpenFileGDB" else nullcontext()
    with (
        harmless,
        fiona.open(path, "w", driver=driver, crs=crs, schema=schema, encoding="utf-8", **options) as file,
    ):
        for code, north in (("甲", 0.0), ("b", 100.0)):
            x, y = coordinates
            geometry = {"type": "Point", "coordinates": (x, y + north)}
            file.write({"properties": {"CODE": code, "height": 2.5}, "geometry": geometry})
    return path


@pytest.mark.parametrize(
    ("name", "driver"),
    [("a.shp", "ESRI Shapefile"), ("a.gpkg", "GPKG"), ("a.gdb", "OpenFileGDB"), ("a.geojson", "GeoJSON")],
)
def test_grid_files_of_every_format(tmp_path: Path, make_layer: MakeLayer, name: str, driver: str) -> None:
    parsed = read_vector(make_layer(), _written(tmp_path / name, driver, "EPSG:2326", CENTRE_EN))
    assert _lon_lat(parsed) == pytest.approx(grid.to_lon_lat(*CENTRE_EN), abs=1e-6)
    assert [record.id for record in parsed.records] == ["甲", "b"]
    assert parsed.records[0].properties["height"] == 2.5


@pytest.mark.parametrize("name", ["a.shp", "a.gdb"])
def test_a_zip_is_opened(tmp_path: Path, make_layer: MakeLayer, name: str) -> None:
    folder = tmp_path / "inside"
    folder.mkdir()
    _written(folder / name, "ESRI Shapefile" if name.endswith("shp") else "OpenFileGDB", "EPSG:2326", CENTRE_EN)
    archive = Path(shutil.make_archive(str(tmp_path / "a"), "zip", folder))
    assert _lon_lat(read_vector(make_layer(), archive)) == pytest.approx(grid.to_lon_lat(*CENTRE_EN), abs=1e-6)


GML = """<?xml version="1.0" encoding="utf-8"?>
<gml:FeatureCollection xmlns:gml="http://www.opengis.net/gml/3.2" xmlns:t="http://example.org/t" gml:id="c">
{members}
</gml:FeatureCollection>"""
MEMBER = """<gml:featureMember><t:thing gml:id="t{number}"><t:CODE>{number}</t:CODE><t:height>3</t:height>
<t:geom><gml:LineString gml:id="g{number}" srsName="{crs}">
<gml:posList>{positions}</gml:posList></gml:LineString></t:geom>
</t:thing></gml:featureMember>"""


@pytest.mark.parametrize(
    "crs", ["urn:ogc:def:crs:EPSG::2326", "EPSG:2326", "http://www.opengis.net/def/crs/EPSG/0/2326"]
)
def test_lands_department_gml_has_northing_first(tmp_path: Path, make_layer: MakeLayer, crs: str) -> None:
    member = MEMBER.format(number=1, crs=crs, positions="819069.8 836694.05 819169.8 836694.05")
    path = tmp_path / "a.gml"
    path.write_text(GML.format(members=member), encoding="utf-8")
    parsed = read_vector(make_layer(geometry="LineString"), path)
    assert parsed.refusals == []
    line = shapely.from_wkb(parsed.records[0].geometry)
    assert line.coords[0] == pytest.approx(grid.to_lon_lat(*CENTRE_EN), abs=1e-6)
    assert [file.name for file in tmp_path.iterdir()] == ["a.gml"]


def test_gml_with_easting_first_is_turned_where_the_values_tell(tmp_path: Path, make_layer: MakeLayer) -> None:
    member = MEMBER.format(number=1, crs="EPSG:2326", positions="855694.05 819069.8 855694.05 819169.8")
    path = tmp_path / "a.gml"
    path.write_text(GML.format(members=member), encoding="utf-8")
    line = shapely.from_wkb(read_vector(make_layer(geometry="LineString"), path).records[0].geometry)
    assert line.coords[0] == pytest.approx(grid.to_lon_lat(855694.05, 819069.8), abs=1e-6)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "big5hkscs"])
def test_a_table_with_coordinates(tmp_path: Path, make_layer: MakeLayer, encoding: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("CODE\theight\tE\tN\n甲\tN/A\t836694.05\t819069.8\nb\t1\t836694\t\nc\t1\n".encode(encoding))
    parsed = read_vector(make_layer(source={"x": "E", "y": "N", "crs": 2326}), path)
    assert [record.id for record in parsed.records] == ["甲"]
    assert parsed.records[0].properties["height"] is None
    assert [refusal.reason for refusal in parsed.refusals] == [
        "found the coordinates '836694, ', wanted two numbers",
        "found 2 fields, wanted 4",
    ]


def test_a_table_needs_the_columns_of_its_layer(tmp_path: Path, make_layer: MakeLayer) -> None:
    path = tmp_path / "a.csv"
    path.write_text("CODE,E,N\na,1,2\n", encoding="utf-8")
    with pytest.raises(LoadRefused, match=r"source\.x and source\.y"):
        read_vector(make_layer(), path)
    with pytest.raises(LoadRefused, match=r"a\.csv: no coordinate column X; it has CODE, E, N"):
        read_vector(make_layer(source={"x": "X", "y": "N"}), path)
    with pytest.raises(LoadRefused, match=r"a\.csv: no attribute height; it has CODE, E, N"):
        read_vector(make_layer(source={"x": "E", "y": "N"}), path)


def test_a_file_without_an_attribute_is_refused_whole(tmp_path: Path, make_layer: MakeLayer) -> None:
    feature = {"type": "Feature", "properties": {"CODE": 1}, "geometry": _point(114.1, 22.3)}
    with pytest.raises(LoadRefused, match=r"no attribute height; it has CODE; .* layers/things\.yml"):
        read_vector(make_layer(), _geojson(tmp_path / "a.geojson", [feature]))


@pytest.mark.parametrize(
    ("name", "body", "reason"),
    [
        ("a.geojson", b"<!DOCTYPE html><html><body>502 Bad Gateway</body></html>", "HTML page"),
        ("a.geojson", b"", "cannot be read .GeoJSON"),
        (
            "a.geojson",
            b'{"type": "FeatureCollection", "features": [{"type": "Fea',
            "cannot be read .GeoJSON",
        ),
        (
            "a.geojson",
            '{"type": "FeatureCollection", "name": "觀塘"}'.encode("big5hkscs"),
            "is not UTF-8 text",
        ),
        ("a.gml", b"<gml:FeatureCollection", "not well-formed XML"),
        ("a.gml", b'<!DOCTYPE x [<!ENTITY e "e">]><x>&e;</x>', "has a DOCTYPE"),
        ("a.gpkg", b"SQLite format 3\0 and then nothing", "cannot be read .GPKG"),
        ("a.shp", b"\0\0\x27\x0a" + bytes(96), "cannot be read .ESRI Shapefile"),
        ("a.zip", b"PK\x03\x04 and then nothing", "not a whole zip archive"),
        ("a.docx", b"PK", "is of no known kind"),
    ],
)
def test_a_broken_file_says_what_it_is(
    tmp_path: Path, make_layer: MakeLayer, name: str, body: bytes, reason: str
) -> None:
    path = tmp_path / name
    path.write_bytes(body)
    with pytest.raises(LoadRefused, match=reason) as caught:
        read_vector(make_layer(), path)
    assert name in str(caught.value)


def test_a_missing_file_says_where_it_was_looked_for(tmp_path: Path, make_layer: MakeLayer) -> None:
    with pytest.raises(LoadRefused, match=r"no such file; check source\.file of the layer and COP_DATA"):
        read_vector(make_layer(), tmp_path / "none.geojson")


def test_a_zip_of_something_else_says_so(tmp_path: Path, make_layer: MakeLayer) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(LoadRefused, match=r"holds readme\.txt; wanted"):
        read_vector(make_layer(), tmp_path / "a.zip")


@pytest.mark.parametrize("cut", [0.3, 0.6, 0.9])
@pytest.mark.parametrize(("name", "driver"), [("a.shp", "ESRI Shapefile"), ("a.gpkg", "GPKG")])
def test_a_file_that_breaks_off_is_never_taken_for_a_shorter_one(
    tmp_path: Path, make_layer: MakeLayer, name: str, driver: str, cut: float
) -> None:
    path = _written(tmp_path / name, driver, "EPSG:2326", CENTRE_EN)
    body = path.read_bytes()
    path.write_bytes(body[: int(len(body) * cut)])
    with pytest.raises(LoadRefused, match=name):
        read_vector(make_layer(), path)


def test_of_several_layers_the_one_with_the_layers_name(tmp_path: Path, make_layer: MakeLayer) -> None:
    path = tmp_path / "a.gpkg"
    _written(path, "GPKG", "EPSG:2326", CENTRE_EN, layer="others")
    _written(path, "GPKG", "EPSG:2326", CENTRE_EN, layer="things")
    assert len(read_vector(make_layer(), path).records) == 2
    with pytest.raises(LoadRefused, match=r"holds the layers others, things; wanted one, or one called slopes"):
        read_vector(make_layer(id="slopes"), path)


def test_ids_stay_where_a_file_is_read_twice(layers: dict[str, Layer], data: Path) -> None:
    layer = layers["roads_b50k"]
    path = data / str(layer.source.file)
    assert read_vector(layer, path) == read_vector(layer, path)


def test_the_published_geometry_is_kept_where_nothing_is_wrong(layers: dict[str, Layer], data: Path) -> None:
    layer = layers["roads_b50k"]
    path = data / str(layer.source.file)
    first = json.loads(path.read_text(encoding="utf-8"))["features"][0]["geometry"]
    assert mapping(shapely.from_wkb(read_vector(layer, path).records[0].geometry)) == mapping(shape(first))


def test_an_environment_lost_to_an_earlier_file_is_no_fault_of_this_one(
    tmp_path: Path, make_layer: MakeLayer, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.gml"
    crs = "urn:ogc:def:crs:EPSG::2326"
    member = MEMBER.format(number=1, crs=crs, positions="819069.8 836694.05 819169.8 836694.05")
    path.write_text(GML.format(members=member), encoding="utf-8")
    listed, asked = fiona.listlayers, []

    def once_lost(*args: Any, **options: Any) -> Any:
        asked.append(args)
        if len(asked) == 1:
            raise fiona.errors.EnvError("No GDAL environment exists")
        return listed(*args, **options)

    monkeypatch.setattr(fiona, "listlayers", once_lost)
    assert len(read_vector(make_layer(geometry="LineString"), path).records) == 1
