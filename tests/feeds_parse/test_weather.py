"""The Observatory's feeds: each quirk of SOURCES.md by name, from its samples and from small payloads."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import shapely

from cop_ingest.feeds.payload import NotThisFeed, Reading

Read = Callable[..., Reading]
Sample = Callable[[str], bytes]


def by_id(reading: Reading, id_: str) -> dict[str, Any]:
    return dict(next(record for record in reading.parsed.records if record.id == id_).properties)


def ids(reading: Reading) -> list[str]:
    return [record.id for record in reading.parsed.records]


def warning(**changes: object) -> dict[str, object]:
    return {"name": "Landslip Warning", "code": "WL", "actionCode": "ISSUE", "issueTime": "2025-09-07T21:20:00+08:00",
            "updateTime": "2025-09-07T21:20:00+08:00", **changes}  # fmt: skip


# 3.1 warnsum


def test_warnings_carry_code_names_and_the_whole_territory(read: Read, sample: Sample) -> None:
    reading = read("hko_warnsum", en=sample("hko_warnsum.json"))
    assert ids(reading) == ["WTS-20250907T0153Z", "TC8SE-20250907T1320Z"]
    signal = by_id(reading, "TC8SE-20250907T1320Z")
    assert (signal["code"], signal["action"], signal["area"]) == ("TC8SE", "issue", ["territory"])
    assert (signal["name_en"], signal["name_zh"]) == ("No. 8 Southeast Gale or Storm Signal", "八號東南烈風或暴風信號")
    assert (signal["issued_at"], signal["ended_at"]) == (datetime(2025, 9, 7, 13, 20, tzinfo=UTC), None)
    storm = by_id(reading, "WTS-20250907T0153Z")
    assert (storm["action"], storm["expires_at"]) == ("extend", datetime(2025, 9, 7, 21, tzinfo=UTC))


def test_an_empty_object_is_no_warning_in_force_and_no_trouble(read: Read, sample: Sample) -> None:
    reading = read("hko_warnsum", en=sample("hko_warnsum_none.json"), tc="{}")
    assert (reading.parsed.records, reading.parsed.refusals, reading.observed_at) == ([], [], None)


def test_a_warning_that_is_cancelled_by_word_has_an_end(read: Read) -> None:
    cancelled = warning(actionCode="CANCEL", updateTime="2025-09-08T01:00:00+08:00")
    (record,) = read("hko_warnsum", en={"WL": cancelled}).parsed.records
    assert record.id == "WL-20250907T1320Z"
    assert record.properties["ended_at"] == datetime(2025, 9, 7, 17, tzinfo=UTC)


def test_the_code_cancel_is_no_warning_of_that_name_and_lets_the_others_end(read: Read) -> None:
    reading = read("hko_warnsum", en={"WTCSGNL": warning(code="CANCEL", actionCode="CANCEL"), "WL": warning()})
    assert (ids(reading), reading.parsed.refusals) == (["WL-20250907T1320Z"], [])


def test_a_change_of_colour_is_another_warning_so_that_the_first_ends_by_absence(read: Read) -> None:
    amber = read("hko_warnsum", en={"WRAIN": warning(code="WRAINA")})
    red = read("hko_warnsum", en={"WRAIN": warning(code="WRAINR", issueTime="2025-09-07T22:00:00+08:00")})
    assert (ids(amber), ids(red)) == (["WRAINA-20250907T1320Z"], ["WRAINR-20250907T1400Z"])


def test_an_extension_keeps_the_key(read: Read) -> None:
    longer = warning(actionCode="EXTEND", updateTime="2025-09-08T01:00:00+08:00")
    assert ids(read("hko_warnsum", en={"WL": longer})) == ids(read("hko_warnsum", en={"WL": warning()}))


def test_flooding_in_the_north_lies_in_the_northern_districts(read: Read) -> None:
    (record,) = read("hko_warnsum", en={"WFNTSA": warning(code="WFNTSA")}).parsed.records
    assert record.properties["area"] == ["NTH", "YL"]
    area = shapely.from_wkb(record.geometry)
    assert area.contains(shapely.Point(114.148, 22.51))
    assert not area.intersects(shapely.Point(114.158, 22.25))


def test_languages_are_joined_by_category_and_code_and_one_alone_is_enough(read: Read) -> None:
    english = {"WL": warning(), "WHOT": warning(code="WNEW", name="New Warning", type="Blue")}
    chinese = {"WHOT": warning(code="WNEW", name="新警告"), "WTS": warning(code="WTS", name="雷暴警告")}
    reading = read("hko_warnsum", en=english, tc=chinese)
    new = by_id(reading, "WNEW-20250907T1320Z")
    assert (new["name_en"], new["name_zh"]) == ("New Warning: Blue", "新警告")
    assert by_id(reading, "WTS-20250907T1320Z")["name_zh"] == "雷暴警告"


def test_an_action_that_is_new_does_not_lose_the_warning(read: Read) -> None:
    (record,) = read("hko_warnsum", en={"WL": warning(actionCode="RENEW")}).parsed.records
    assert (record.properties["action"], len(record.remarks)) == ("update", 1)


def test_a_warning_without_a_time_is_refused_and_the_others_stay(read: Read) -> None:
    reading = read("hko_warnsum", en={"WL": warning(issueTime="", updateTime=None), "WTS": warning(code="WTS")})
    assert ids(reading) == ["WTS-20250907T1320Z"]
    assert "issueTime" in reading.parsed.refusals[0].reason


@pytest.mark.parametrize("body", ["[]", "null", '"x"', '{"error": {"message": "x"}}', '{"a": 1}'])
def test_what_is_no_summary_is_not_taken_for_calm(read: Read, body: str) -> None:
    with pytest.raises(NotThisFeed):
        read("hko_warnsum", en=body)


# 3.2 warningInfo, swt


def test_details_of_warnings_are_kept_by_code(read: Read, sample: Sample) -> None:
    reading = read("hko_warninginfo", en=sample("hko_warningInfo_tc.json"), tc=sample("hko_warningInfo_tc.json"))
    assert ids(reading) == ["WRAIN", "WL", "WFNTSA", "WTCSGNL"]
    rain = by_id(reading, "WRAIN")
    assert (rain["kind"], rain["subtype"], rain["issued_at"]) == (
        "detail",
        "WRAINR",
        datetime(2020, 9, 24, 3, 15, tzinfo=UTC),
    )
    assert rain["text_zh"] == "天文台在上午 11 時 15 分發出紅色暴雨警告信號。"
    assert by_id(reading, "WL")["title_zh"] == "山泥傾瀉警告："


def test_a_second_statement_of_a_code_is_not_lost(read: Read) -> None:
    one = {"contents": ["a"], "warningStatementCode": "WL", "updateTime": "2020-09-24T11:15:00+08:00"}
    assert ids(read("hko_warninginfo", en={"details": [one, {**one, "contents": ["b"]}]})) == ["WL", "WL-2"]


def test_tips_are_keyed_by_time_and_joined_by_place(read: Read, sample: Sample) -> None:
    chinese = {"swt": [{"desc": "局部地區大雨", "updateTime": "2026-07-16T14:10:00+08:00"}]}
    reading = read("hko_swt", en=sample("hko_swt.json"), tc=chinese)
    assert ids(reading) == ["SWT-20260716T0610Z"]
    tip = by_id(reading, "SWT-20260716T0610Z")
    assert (tip["text_en"], tip["text_zh"]) == ("Announcement on Localised Heavy Rain...", "局部地區大雨")


@pytest.mark.parametrize("marks", [b"", b"\xef\xbb\xbf", b"\xef\xbb\xbf" * 2])
def test_json_comes_with_none_one_or_two_byte_order_marks(read: Read, sample: Sample, marks: bytes) -> None:
    assert len(read("hko_swt", en=marks + sample("hko_swt.json")).parsed.records) == 1


@pytest.mark.parametrize("body", ["{}", '{"swt": []}', '{"swt": ""}', '{"swt": {}}'])
def test_no_tip_is_written_in_several_ways(read: Read, body: str) -> None:
    assert read("hko_swt", en=body).parsed.records == []


def test_details_without_their_member_are_another_answer(read: Read) -> None:
    with pytest.raises(NotThisFeed, match="details"):
        read("hko_warninginfo", en='{"message": "busy"}')


# 3.3 rhrread


def test_the_recorded_report_has_18_districts_and_27_places(read: Read, data: Path) -> None:
    body = (data / "hko_rhrread" / "rhrread_en_20230819.json").read_bytes()
    rain, places = read("hko_rhrread_rain", en=body), read("hko_rhrread", en=body)
    assert (len(rain.parsed.records), rain.parsed.refusals) == (18, [])
    assert {record.id for record in rain.parsed.records} >= {"CW", "KC", "ILD", "STH", "NTH"}
    assert rain.observed_at == datetime(2023, 8, 19, 8, 45, tzinfo=UTC)
    assert (len(places.parsed.records), places.parsed.refusals) == (27, [])
    assert by_id(places, "Hong-Kong-Observatory")["humidity_pct"] is not None
    assert by_id(places, "Kings-Park")["place_zh"] == "京士柏"


REPORT = {
    "rainfall": {"data": [{"unit": "mm", "place": "Southern District", "max": 4, "min": 1, "main": "FALSE"},
                          {"unit": "mm", "place": "Central & Western District", "max": 0, "main": "TRUE"},
                          {"unit": "mm", "place": "Sha Tin", "max": "M", "main": "FALSE"}],
                 "startTime": "2023-08-19T15:45:00+08:00", "endTime": "2023-08-19T16:45:00+08:00"},
    "temperature": {"data": [{"place": "King's Park", "value": 31, "unit": "C"}, {"place": "Sha Tin", "value": "N/A"}],
                    "recordTime": "2023-08-19T17:00:00+08:00"},
    "humidity": "", "uvindex": "", "warningMessage": "", "icon": [60],
}  # fmt: skip


def test_empty_texts_stand_for_lists_and_objects(read: Read) -> None:
    reading = read("hko_rhrread", en=REPORT)
    assert [record.properties["humidity_pct"] for record in reading.parsed.records] == [None, None]
    assert reading.parsed.refusals == []


def test_a_district_whose_gauges_are_under_maintenance_has_no_rainfall_and_not_zero(read: Read) -> None:
    reading = read("hko_rhrread_rain", en=REPORT)
    assert (by_id(reading, "CW")["max_mm"], by_id(reading, "CW")["maintenance"]) == (None, True)
    assert (by_id(reading, "STH")["min_mm"], by_id(reading, "STH")["max_mm"]) == (1, 4)
    assert by_id(reading, "ST")["max_mm"] is None


def test_a_value_in_another_unit_is_refused(read: Read) -> None:
    fahrenheit = {"place": "Sha Tin", "value": 88, "unit": "F"}
    warm = {"data": [fahrenheit], "recordTime": "2023-08-19T17:00:00+08:00"}
    reading = read("hko_rhrread", en={**REPORT, "temperature": warm})
    assert (ids(reading), len(reading.parsed.refusals)) == ([], 1)


# 3.4 hourlyRainfall


def test_a_gauge_that_says_m_is_missing_and_not_dry(read: Read, sample: Sample) -> None:
    reading = read("hko_hourly_rainfall", en=sample("hko_hourlyRainfall.json"))
    assert by_id(reading, "RF001")["rain_mm"] == 0
    assert by_id(reading, "RF022")["rain_mm"] is None
    assert reading.observed_at == datetime(2026, 7, 15, 15, 15, tzinfo=UTC)


def test_chinese_station_names_are_joined_by_the_stations_number(read: Read) -> None:
    def answer(*stations: tuple[str, str]) -> dict[str, object]:
        listed = [
            {"automaticWeatherStationID": i, "automaticWeatherStation": n, "value": "1.5", "unit": "mm"}
            for i, n in stations
        ]
        return {"obsTime": "2026-07-15T23:15:00+08:00", "hourlyRainfall": listed}

    chinese = answer(("RF2", "乙"), ("RF1", "甲"))
    reading = read("hko_hourly_rainfall", en=answer(("RF1", "A"), ("RF2", "B"), ("RF3", "Sha Tin")), tc=chinese)
    assert [record.properties["station_zh"] for record in reading.parsed.records] == ["甲", "乙", "沙田"]


# 3.5 wind, 3.6 temperature


WIND = (
    "Date time,Automatic Weather Station,10-Minute Mean Wind Direction(Compass points),"
    "10-Minute Mean Speed(km/hour),10-Minute Maximum Gust(km/hour)\n"
)


@pytest.mark.parametrize("mark", ["", "\ufeff", "\ufeff\ufeff"])
def test_byte_order_marks_come_never_once_or_twice(read: Read, mark: str) -> None:
    received = datetime(2025, 9, 23, 7, tzinfo=UTC)
    reading = read(
        "hko_wind_10min",
        received,
        en=f"{mark}{WIND}202509231410,Tate's Cairn,,40,53\n202509231410,Kai Tak,Calm,N/A,N/A",
    )
    assert ids(reading) == ["Kai-Tak", "Tates-Cairn"]
    cairn = by_id(reading, "Tates-Cairn")
    assert (cairn["direction_deg"], cairn["mean_kmh"], cairn["gust_kmh"], cairn["station_zh"]) == (
        None,
        40,
        53,
        "大老山",
    )
    assert by_id(reading, "Kai-Tak")["mean_kmh"] is None
    assert reading.observed_at == datetime(2025, 9, 23, 6, 10, tzinfo=UTC)


def test_every_recording_of_ragasa_is_read(read: Read, data: Path) -> None:
    files = sorted((data / "hko_wind_10min" / "ragasa_2025").glob("*.csv"))[::24]
    for file in files:
        reading = read("hko_wind_10min", en=file.read_bytes())
        assert (len(reading.parsed.records), reading.parsed.refusals) == (30, []), file.name


# 3.8 cyclones


def test_list_and_track_become_points_and_lines(read: Read, sample: Sample) -> None:
    reading = read("hko_cyclones", list=sample("hko_tc_list.xml"), track_2102=sample("hko_tctrack.xml"))
    assert ids(reading) == [
        "2102-past-20210413T1200Z", "2102-past-20210413T1800Z", "2102-past-20210417T1200Z",
        "2102-analysis-20210425T0300Z", "2102-track",
    ]  # fmt: skip
    first = reading.parsed.records[0]
    assert (first.properties["name_zh"], first.properties["wind_kmh"]) == ("舒力基", 45)
    assert shapely.from_wkb(first.geometry).coords[0] == (138.0, 7.4)
    assert first.properties["bulletin_at"] == datetime(2021, 4, 25, 5, 0, 10, tzinfo=UTC)


def test_points_are_in_utc_and_the_bulletin_in_hong_kong_time(read: Read, sample: Sample) -> None:
    reading = read("hko_cyclones", list=sample("hko_tc_list.xml"), track_2102=sample("hko_tctrack.xml"))
    assert by_id(reading, "2102-analysis-20210425T0300Z")["at"] == datetime(2021, 4, 25, 3, tzinfo=UTC)


def test_a_wind_of_two_dashes_is_missing(read: Read, sample: Sample) -> None:
    reading = read("hko_cyclones", list=sample("hko_tc_list.xml"), track_2102=sample("hko_tctrack.xml"))
    assert by_id(reading, "2102-analysis-20210425T0300Z")["wind_kmh"] is None


def test_a_track_over_the_180th_meridian_has_points_and_no_line(read: Read, sample: Sample) -> None:
    track = sample("hko_tctrack.xml").replace(b"138.00E", b"179.50W").replace(b"137.60E", b"179.80E")
    reading = read("hko_cyclones", list=sample("hko_tc_list.xml"), track_2102=track)
    assert shapely.from_wkb(reading.parsed.records[0].geometry).coords[0] == (-179.5, 7.4)
    assert "2102-track" not in ids(reading)


def test_an_empty_list_is_no_cyclone(read: Read) -> None:
    reading = read("hko_cyclones", list="<TropicalCycloneList/>")
    assert (reading.parsed.records, reading.parsed.refusals) == ([], [])


def test_a_cyclone_whose_track_did_not_come_is_refused_so_that_nothing_of_it_ends(read: Read, sample: Sample) -> None:
    reading = read("hko_cyclones", list=sample("hko_tc_list.xml"))
    assert len(reading.parsed.refusals) == 1


def test_tracks_are_followed_on_the_observatorys_host_only(sample: Sample) -> None:
    from cop_ingest.feeds.parse.cyclone import tracks
    from cop_ingest.feeds.payload import Payload

    at = datetime(2026, 1, 1, tzinfo=UTC)
    assert tracks(Payload({"list": sample("hko_tc_list.xml")}, at, {})) == {
        "track_2102": "https://www.weather.gov.hk/wxinfo/currwx/hko_tctrack_2102.xml"
    }
    for address in ("http://10.0.0.1/a.xml", "file:///etc/passwd.xml", "http://www.weather.gov.hk.example.org/a.xml"):
        body = f"<TropicalCycloneList><TropicalCyclone><TropicalCycloneID>1</TropicalCycloneID><TropicalCycloneURL>{address}</TropicalCycloneURL></TropicalCyclone></TropicalCycloneList>"
        assert tracks(Payload({"list": body.encode()}, at, {})) == {}
