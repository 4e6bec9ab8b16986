"""The simulator's payloads beside the documented samples: names, order, types, encoding, marks, line ends."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from simulated import (
    CAMERAS,
    DETECTORS,
    NEWS_V1,
    NEWS_V2,
    NIGHT,
    NOWCAST,
    STATIONS,
    WEATHER,
    WIND,
    body_of,
    json_shape,
    xml_shape,
)

from cop_ingest.scenario.calendar import hong_kong
from cop_ingest.simulator.world.world import World
from cop_ingest.simulator.writers.td_traffic import periods

QUIET = hong_kong("2025-09-23 10:05")
PORTAL = "portal.csdi.gov.hk/server/rest/services/common/"
TRACK = "www.weather.gov.hk/wxinfo/currwx/hko_tctrack_2518.xml"
LIST = "www.weather.gov.hk/wxinfo/currwx/tc_list.xml"
ONE = "resource.data.one.gov.hk/td/"
RAIN = "data.weather.gov.hk/weatherAPI/opendata/hourlyRainfall.php?lang=en"
INFO = "static.data.gov.hk/td/traffic-data-strategic-major-roads/info/traffic_speed_volume_occ_info.csv"


@pytest.fixture(scope="module")
def samples(data: Path) -> Path:
    folder = data / "documented_samples"
    if not folder.is_dir():
        pytest.skip(f"no documented samples: {folder} is not there")
    return folder


@pytest.fixture(scope="module")
def world(data: Path) -> World:
    return World(1, scale=0.05, data=data)


# Sample, address, time: objects of these have just the sample's members, in its order, of its types.
JSON: tuple[tuple[str, str, datetime], ...] = (
    ("hko_hourlyRainfall.json", RAIN, NIGHT),
    ("hko_swt.json", WEATHER + "swt", NIGHT),
    ("hko_LTMV_visibility.json", "data.weather.gov.hk/weatherAPI/opendata/opendata.php?dataType=LTMV&rformat=json", NIGHT),
    ("hko_earthquake_qem.json", "data.weather.gov.hk/weatherAPI/opendata/earthquake.php?dataType=qem", NIGHT),
    ("hko_smart_lamppost.json", "data.weather.gov.hk/weatherAPI/smart-lamppost/smart-lamppost.php?pi=GF3637&di=01", NIGHT),
    ("ha_aedwtdata2-en.json", "www.ha.org.hk/opendata/aed/aedwtdata2-en.json", NIGHT),
    ("immd_CPQueueTimeR.json", "secure1.info.gov.hk/immd/mobileapps/2bb9ae17/data/CPQueueTimeR.json", NIGHT),
    ("td_carpark_vacancy_all_utf8_bom.json", ONE + "carpark/vacancy_all.json", NIGHT),
    ("kmb_eta.json", "data.etabus.gov.hk/v1/transport/kmb/eta/A1/1/1", QUIET),
    ("afcd_closed_trails.geojson", PORTAL + "afcd_rcd_1742550096880_1424/FeatureServer/0/query?where=1=1", NIGHT),
)  # fmt: skip


@pytest.mark.parametrize(("name", "address", "at"), JSON, ids=[name for name, _, _ in JSON])
def test_json_has_the_samples_members_in_order_and_type(
    samples: Path, world: World, name: str, address: str, at: datetime
) -> None:
    ours, theirs = body_of(world, address, at), (samples / name).read_bytes()
    mark = b"\xef\xbb\xbf"
    assert ours.startswith(mark) == theirs.startswith(mark), "the byte-order mark"
    assert json_shape(json.loads(ours.decode("utf-8-sig"))) == json_shape(json.loads(theirs.decode("utf-8-sig")))


def test_warnsum_entries_have_the_samples_members(samples: Path, world: World) -> None:
    sample: Mapping[str, Any] = json.loads((samples / "hko_warnsum.json").read_bytes())
    ours: Mapping[str, Any] = json.loads(body_of(world, WEATHER + "warnsum"))
    assert set(ours) == {"WRAIN", "WTCSGNL", "WL", "WFNTSA"}
    assert list(ours["WTCSGNL"]) == list(sample["WTCSGNL"])
    assert ours["WTCSGNL"] == {
        "name": "Tropical Cyclone Warning Signal", "code": "TC10", "actionCode": "ISSUE", "type": "Hurricane Signal No. 10",
        "issueTime": "2025-09-24T02:40:00+08:00", "updateTime": "2025-09-24T02:40:00+08:00",
    }  # fmt: skip
    assert set(ours["WL"]) == set(sample["WTS"]) - {"expireTime"}
    assert ours["WRAIN"]["code"] == "WRAINR"


def test_warning_information_says_contents_subtype_code_and_time_as_the_sample_does(
    samples: Path, world: World
) -> None:
    sample = json.loads((samples / "hko_warningInfo_tc.json").read_bytes())["details"]
    ours = json.loads(body_of(world, WEATHER.replace("lang=en", "lang=tc") + "warningInfo"))["details"]
    by_code = {entry["warningStatementCode"]: entry for entry in sample}
    assert {"WRAIN", "WTCSGNL", "WL", "WFNTSA"} <= {entry["warningStatementCode"] for entry in ours}
    for entry in ours:
        theirs = by_code[entry["warningStatementCode"]]
        assert list(entry) == list(theirs)
        assert json_shape(entry) == json_shape(theirs)
    assert "十號颶風信號" in "".join(entry["contents"][0] for entry in ours)


def test_rhrread_has_the_recordings_members(data: Path, world: World) -> None:
    recorded = json.loads((data / "hko_rhrread" / "rhrread_en_20230819.json").read_bytes())
    ours = json.loads(body_of(world, WEATHER + "rhrread", QUIET))
    assert list(ours) == list(recorded)
    assert [row["place"] for row in ours["rainfall"]["data"]] == [row["place"] for row in recorded["rainfall"]["data"]]
    assert [row["place"] for row in ours["temperature"]["data"]] == [
        row["place"] for row in recorded["temperature"]["data"]
    ]
    for part in ("temperature", "humidity"):
        assert json_shape(ours[part]) == json_shape(recorded[part])
    for row in ours["rainfall"]["data"]:
        assert [name for name in row if name != "min"] == list(recorded["rainfall"]["data"][0])
    night = json.loads(body_of(world, WEATHER + "rhrread"))
    assert night["uvindex"] == "", "no index at night is an empty text, not a missing member"
    assert isinstance(night["warningMessage"], list)
    assert list(night)[1] == "lightning"


def test_next_trains_have_the_samples_members(samples: Path, world: World) -> None:
    address = "rt.data.gov.hk/v1/transport/mtr/getSchedule.php?line=ISL&sta=ADM"
    ours = json.loads(body_of(world, address, QUIET))
    assert json_shape(ours) == json_shape(json.loads((samples / "mtr_getSchedule_ISL_ADM.json").read_bytes()))


def test_roadworks_have_the_samples_members_and_the_english_ones(samples: Path, world: World) -> None:
    sample = json.loads((samples / "td_get_all_the_roadworks.json").read_bytes())[0]
    ours = json.loads(body_of(world, ONE + "roadworks-location/get_all_the_roadworks.json", QUIET))
    assert ours
    for work in ours:
        assert [name for name in work if name in sample] == list(sample)
        assert all(type(work[name]) is type(sample[name]) for name in sample)
    assert json.loads(body_of(world, ONE + "roadworks-location/get_all_the_roadworks.json")) == [], "none in the gale"


XML: tuple[tuple[str, str], ...] = (
    ("td_trafficnews_v2.xml", NEWS_V2),
    ("td_rawSpeedVol-all.xml", DETECTORS),
    ("td_irnAvgSpeed-all.xml", ONE + "traffic-detectors/irnAvgSpeed-all.xml"),
    ("td_journeytime_v2.xml", ONE + "jss/Journeytimev2.xml"),
    ("hko_tc_list.xml", LIST),
    ("epd_aqhi_ind_rss_Eng.xml", "www.aqhi.gov.hk/epd/ddata/html/out/aqhi_ind_rss_Eng.xml"),
    ("epd_24pc_Eng.xml", "www.aqhi.gov.hk/epd/ddata/html/out/24pc_Eng.xml"),
)


@pytest.mark.parametrize(("name", "address"), XML, ids=[name for name, _ in XML])
def test_xml_has_the_samples_elements_in_order(samples: Path, world: World, name: str, address: str) -> None:
    ours, theirs = body_of(world, address), (samples / name).read_bytes()
    assert ours.splitlines()[0] == theirs.splitlines()[0], "the declaration"
    assert xml_shape(ours) == xml_shape(theirs)


def test_the_track_has_the_samples_elements_and_a_forecast(samples: Path, world: World) -> None:
    ours, theirs = body_of(world, TRACK), (samples / "hko_tctrack.xml").read_bytes()
    shape, wanted = xml_shape(ours), xml_shape(theirs)
    assert shape.pop("ForecastInformation") == wanted["PastInformation"]
    assert shape["WeatherReport"] == [*wanted["WeatherReport"], "ForecastInformation"]
    del shape["WeatherReport"], wanted["WeatherReport"]
    assert shape == wanted
    values = {element.tag: element.text or "" for element in ET.fromstring(ours).iter()}
    assert re.fullmatch(r"\d+\.\d\dN", values["Latitude"])
    assert re.fullmatch(r"\d+\.\d\dE", values["Longitude"])
    assert values["Time"].endswith("+00:00")
    assert values["BulletinTime"].endswith("+08:00")


def test_traffic_news_v1_has_the_recordings_elements_namespace_and_time(data: Path, world: World) -> None:
    recorded = next((data / "td_special_traffic_news_v1").glob("*.xml")).read_bytes()
    ours = body_of(world, NEWS_V1)
    assert ours.splitlines()[:2] == recorded.splitlines()[:2]
    root = "{http://data.one.gov.hk/td}"
    assert xml_shape(ours)[f"{root}message"] == xml_shape(recorded)[f"{root}message"]
    for message in ET.fromstring(ours):
        assert re.fullmatch(
            r" 2025/9/2\d [上下]午 (0[1-9]|1[0-2]):\d\d:\d\d", message.findtext(f"{root}ReferenceDate") or ""
        )
        assert message.findtext(f"{root}CurrentStatus") in ("2", "3")
    assert "********" in ours.decode()


def _rows(body: bytes, separator: str = ",") -> list[list[str]]:
    return list(csv.reader(body.decode("utf-8-sig").splitlines(), delimiter=separator))


def _cells_like(row: list[str], sample: list[str]) -> bool:
    """Whether each number, and each run of digits in it, is written as in the sample."""
    patterns = [re.sub(r"[0-9]+", r"[0-9]+", re.escape(cell)) for cell in sample]
    numeric = [index for index, cell in enumerate(sample) if re.fullmatch(r"[-0-9.]+", cell)]
    return all(re.fullmatch(patterns[index], row[index]) for index in numeric)


TABLES: tuple[tuple[str, str, str], ...] = (
    ("hko_F3_Gridded_rainfall_nowcast.csv", NOWCAST, ","),
    ("hko_latest_1min_temperature.csv", STATIONS + "latest_1min_temperature.csv", ","),
    ("td_traffic_speed_volume_occ_info.csv", INFO, ","),
    ("wsd_WSMS_OPEN_DATA_all.csv", "www.esd.wsd.gov.hk/wsms_open_data/WSMS_OPEN_DATA(all).csv", "|"),
    ("mardep_arrival_tc.csv", "www.mardep.gov.hk/e_files/hk/opendata/arrival_tc.csv", "|"),
)


@pytest.mark.parametrize(("name", "address", "separator"), TABLES, ids=[name for name, _, _ in TABLES])
def test_tables_have_the_samples_header_mark_and_line_ends(
    samples: Path, world: World, name: str, address: str, separator: str
) -> None:
    ours, theirs = body_of(world, address, QUIET), (samples / name).read_bytes()
    assert ours[: ours.index(b"\n") + 1] == theirs[: theirs.index(b"\n") + 1]
    assert ours.endswith(b"\r\n") == theirs.endswith(b"\r\n")
    rows, sample = _rows(ours, separator), _rows(theirs, separator)
    assert len(rows) > 1
    assert {len(row) for row in rows} == {len(sample[0])}
    assert len(sample) == 1 or all(_cells_like(row, sample[1]) for row in rows[1:] if "N/A" not in row)


def test_the_camera_list_is_utf16_with_two_marks_tabs_and_crlf(samples: Path, world: World) -> None:
    ours = body_of(world, CAMERAS)
    theirs = (samples / "td_Traffic_Camera_Locations_En_utf16le_double_bom.csv").read_bytes()
    assert ours[:4] == theirs[:4] == b"\xff\xfe\xff\xfe"
    assert ours.endswith("\r\n".encode("utf-16-le"))
    lines, sample = ours[4:].decode("utf-16-le").split("\r\n"), theirs[4:].decode("utf-16-le").split("\r\n")
    assert lines[0] == sample[0]
    assert ours[2:].decode("utf-16-le").split("\t")[0] == "\ufeffkey", "the first name reads so in real life"
    by_key = {line.split("\t")[0]: line for line in lines[1:-1]}
    assert len(by_key) == 210
    assert by_key["H429F"] == sample[1]


def test_the_wind_file_is_the_recording_of_its_time(data: Path, world: World) -> None:
    recorded = data / "hko_wind_10min" / "ragasa_2025"
    for at, name in (("2025-09-24 03:10", "20250924-0310"), ("2025-09-24 03:17", "20250924-0310")):
        assert body_of(world, WIND, hong_kong(at)) == next(recorded.glob(f"{name}*.csv")).read_bytes()


def test_made_up_wind_has_what_was_measured_on_the_recordings(data: Path) -> None:
    recorded = next((data / "hko_wind_10min" / "ragasa_2025").glob("*.csv")).read_bytes()
    winds = World(3, scale=0.05).winds
    assert not winds.real
    stamps = []
    for file in winds.files:
        rows = _rows(file.body)
        assert file.body.splitlines()[0] == recorded.splitlines()[0], "header and byte-order mark"
        assert not file.body.endswith(b"\n")
        assert len(rows) == 31
        observed = hong_kong(
            f"{rows[1][0][:4]}-{rows[1][0][4:6]}-{rows[1][0][6:8]} {rows[1][0][8:10]}:{rows[1][0][10:]}"
        )
        assert timedelta(minutes=8) <= file.at + timedelta(minutes=1) - observed
        assert file.at - observed <= timedelta(minutes=21)
        stamps.append(rows[1][0])
    assert len(stamps) > len(set(stamps)), "some times are published twice"
    twice = [(one, other) for one, other in pairwise(winds.files) if one.body[200:212] == other.body[200:212]]
    assert all(one.body != other.body for one, other in twice), "with other values"
    cells = [row for file in winds.files for row in _rows(file.body)[1:]]
    assert any(not row[2] and row[3] for row in cells), "a direction missing beside a speed"
    assert any(not row[3] for row in cells)
    assert {"Calm", "Variable"} & {row[2] for row in cells}


def test_the_nowcast_has_four_half_hours_on_the_whole_grid(world: World) -> None:
    rows = _rows(body_of(world, NOWCAST))[1:]
    assert len(rows) == 58_564 == 4 * 121 * 121
    assert {(row[0], row[1]) for row in rows} == {
        ("202509240300", f"20250924{end}") for end in ("0330", "0400", "0430", "0500")
    }
    assert rows[0][2:4] == ["23.487", "112.956"]
    assert rows[1][2:4] == ["23.487", "112.976"]
    assert rows[121 * 121 - 1][2:4] == ["21.087", "115.356"]


def test_detectors_show_the_quirks_that_were_reported(world: World) -> None:
    zero, placeholder, repeats, none, seen = 0, set(), 0, 0, set()
    for minute in range(0, 24 * 60, 7):
        root = ET.fromstring(body_of(world, DETECTORS, QUIET + timedelta(minutes=minute)))
        spans = [period.findtext("period_from") for period in root.iter("period")]
        repeats += len(set(spans) & seen)
        seen = set(spans)
        for detector in root.iter("detector"):
            for lane in detector.iter("lane"):
                if lane.findtext("volume") == "0":
                    zero += 1
                    placeholder.add((detector.findtext("detector_id"), lane.findtext("speed")))
                none += lane.findtext("occupancy") == "-1"
    assert zero
    assert len({detector for detector, _ in placeholder}) == len(placeholder), "without vehicles the speed is the limit"
    assert none


def test_the_period_from_midnight_carries_the_day_before() -> None:
    midnight = hong_kong("2025-09-24 00:00")
    file_at = midnight + timedelta(minutes=8)  # what it holds is seven minutes old
    world = next(
        one for one in (World(seed, scale=0.001) for seed in range(100)) if periods(one, file_at)[0] == midnight
    )
    root = ET.fromstring(body_of(world, DETECTORS, file_at))
    assert next(period.findtext("period_from") for period in root.iter("period")) == "00:00:00"
    assert root.findtext("date") == "2025-09-23"
    later = ET.fromstring(body_of(world, DETECTORS, file_at + timedelta(minutes=5)))
    assert later.findtext("date") == "2025-09-24"


def test_traffic_news_has_wide_dashes_and_compatibility_characters(world: World) -> None:
    texts = "".join(
        body_of(world, NEWS_V2, hong_kong(f"2025-09-24 {hour:02d}:00")).decode() for hour in range(0, 20, 2)
    )
    assert "\u3000–\u3000" in texts
    assert "\u2f49" in texts
    assert "<LATITUDE/>" in texts
    assert "<LATITUDE>22." in texts
