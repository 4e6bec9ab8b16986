"""The camera lists: four real files and the documented sample of today's."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import shapely

from cop.catalogue.models import Layer
from cop.errors import LoadRefused
from cop_ingest.cameras import merge_cameras, parse_camera_list, read_cameras
from cop_ingest.records import Parsed, Record

SAMPLE = "td_Traffic_Camera_Locations_En_utf16le_double_bom.csv"


@pytest.fixture(scope="module")
def cameras(layers: dict[str, Layer], data: Path) -> Parsed:
    return read_cameras(layers["traffic_cameras"], data / "td_cameras")


def _one(parsed: Parsed, key: str) -> Record:
    return next(record for record in parsed.records if record.id == key)


def test_all_lists_together_are_210_cameras(cameras: Parsed) -> None:
    assert (len(cameras.records), cameras.refusals) == (210, [])
    assert len({record.id for record in cameras.records}) == 210


def test_the_camera_eight_kilometres_off_is_kept_and_flagged(cameras: Parsed) -> None:
    flagged = [record for record in cameras.records if record.properties["position_flag"]]
    assert [record.id for record in flagged] == ["AID09157"]
    assert flagged[0].properties["position_gap_m"] == pytest.approx(8306, abs=1)
    assert "8.3 km apart" in str(flagged[0].properties["position_flag"])
    assert flagged[0].remarks == (flagged[0].properties["position_flag"],)
    assert flagged[0].geometry is not None


def test_six_cameras_are_some_metres_off_and_not_flagged(cameras: Parsed) -> None:
    gaps = [float(str(record.properties["position_gap_m"])) for record in cameras.records]
    assert sum(1 <= gap <= 18 for gap in gaps) == 6
    assert sorted(gaps)[105] < 0.01


def test_longitude_and_latitude_are_the_position(cameras: Parsed) -> None:
    point = shapely.from_wkb(_one(cameras, "H429F").geometry)
    assert (point.x, point.y) == (114.1501576, 22.2485255)


def test_the_old_bilingual_list_gives_chinese_descriptions(cameras: Parsed) -> None:
    assert _one(cameras, "H429F").properties["description_zh"] == "香港仔海傍道近魚市場"
    assert sum(record.properties["description_zh"] is not None for record in cameras.records) == 183


def test_a_tab_inside_a_description_becomes_a_blank(cameras: Parsed) -> None:
    assert str(_one(cameras, "AID08107").properties["description_en"]).startswith("Lantau North Lantau Highway")


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("Traffic_Camera_Locations_En.xml", 210),
        ("Traffic_Camera_Locations_En.json", 210),
        ("Traffic_Camera_Locations_En_2019.csv", 210),
        ("imagelist_new.xml", 183),
    ],
)
def test_each_list_alone(data: Path, name: str, count: int) -> None:
    listed = parse_camera_list((data / "td_cameras" / name).read_bytes(), name)
    assert (len(listed.cameras), listed.refusals) == (count, [])
    assert all(camera["easting"] and camera["description_en"] for camera in listed.cameras)


def test_the_utf16_list_with_two_byte_order_marks(data: Path) -> None:
    listed = parse_camera_list((data / "documented_samples" / SAMPLE).read_bytes(), SAMPLE)
    assert [camera["key"] for camera in listed.cameras] == ["H429F"]
    assert listed.cameras[0]["district"] == "Southern"


def test_the_current_list_wins_where_it_lies_in_the_folder(
    layers: dict[str, Layer], data: Path, tmp_path: Path
) -> None:
    for path in (*(data / "td_cameras").glob("*.*"), data / "documented_samples" / SAMPLE):
        shutil.copyfile(path, tmp_path / path.name)
    parsed = read_cameras(layers["traffic_cameras"], tmp_path)
    assert len(parsed.records) == 210
    assert _one(parsed, "H429F").properties["district"] == "Southern"
    assert str(_one(parsed, "H429F").properties["url"]).startswith("https://")


HEAD = "key\tregion\tdescription\teasting\tnorthing\tlatitude\tlongitude\turl\n"


def _merged(layers: dict[str, Layer], rows: str) -> Parsed:
    return merge_cameras(layers["traffic_cameras"], [parse_camera_list((HEAD + rows).encode(), "list.csv")])


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("\tr\td\t833514\t812196\t22.2\t114.1\tu\n", "there is no key"),
        ("K1\tr\td\t833514\t812196\t48.85\t2.35\tu\n", "longitude and latitude: found 2.35 and 48.85"),
        ("K1\tr\td\t1\t2\t22.2\t114.1\tu\n", "easting and northing: found 1 and 2"),
        ("K1\tr\td\t833514\tN/A\t22.2\t114.1\tu\n", "found '833514' and 'N/A', wanted numbers"),
        ("K1\tr\td\n", "neither a grid position nor a longitude and latitude"),
    ],
)
def test_a_camera_without_a_place_is_refused(layers: dict[str, Layer], row: str, reason: str) -> None:
    parsed = _merged(layers, row + "K2\tr\td\t833514\t812196\t22.2485255\t114.1501576\tu\n")
    assert [record.id for record in parsed.records] == ["K2"]
    assert reason in parsed.refusals[0].reason


def test_a_key_used_twice_is_refused_the_second_time(layers: dict[str, Layer]) -> None:
    row = "K1\tr\td\t833514\t812196\t22.2485255\t114.1501576\tu\n"
    parsed = _merged(layers, row + row)
    assert len(parsed.records) == 1
    assert parsed.refusals[0].reason == "list.csv: the key K1 repeats number 1"


def test_the_grid_position_serves_where_it_is_alone(layers: dict[str, Layer]) -> None:
    parsed = _merged(layers, "K1\tr\td\t833514\t812196\t\t\tu\n")
    point = shapely.from_wkb(parsed.records[0].geometry)
    assert (point.x, point.y) == pytest.approx((114.1501576, 22.2485255), abs=1e-6)
    assert parsed.records[0].properties["position_gap_m"] is None


def test_a_chinese_list_gives_chinese_descriptions() -> None:
    listed = parse_camera_list((HEAD + "K1\t香港島\t香港仔海傍道\t1\t2\n").encode("utf-16"), "Tc.csv")
    assert listed.cameras[0]["description_zh"] == "香港仔海傍道"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "is empty"),
        (b"<html><body>404</body></html>", "HTML page"),
        (b"<image-list><image>", "well-formed"),
        (b'[{"key": "a"', "is not JSON"),
        (b'{"key": "a"}', "JSON dict; wanted an array"),
        (b"a,b\n1,2\n", "wanted key, easting"),
    ],
)
def test_a_broken_list_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(LoadRefused, match=reason):
        parse_camera_list(body, "list")


def test_a_folder_without_lists_says_so(layers: dict[str, Layer], tmp_path: Path) -> None:
    with pytest.raises(LoadRefused, match="there is no camera list"):
        read_cameras(layers["traffic_cameras"], tmp_path)
