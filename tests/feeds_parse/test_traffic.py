"""The Transport Department's feeds: each quirk of SOURCES.md by name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cop_ingest.feeds.payload import NotThisFeed, Reading

Read = Callable[..., Reading]
Sample = Callable[[str], bytes]


def by_id(reading: Reading, id_: str) -> dict[str, Any]:
    return dict(next(record for record in reading.parsed.records if record.id == id_).properties)


def ids(reading: Reading) -> list[str]:
    return [record.id for record in reading.parsed.records]


# 3.11, 3.12 traffic news


def test_an_incident_is_keyed_by_its_number_and_not_by_the_id_of_a_version(read: Read, sample: Sample) -> None:
    reading = read("td_news_v2", news=sample("td_trafficnews_v2.xml"))
    incident = by_id(reading, "IN-26-07201")
    assert (incident["source_ref"], incident["external_ids"]) == ("IN-26-07201", ["TD:IN-26-07201"])
    assert (incident["district"], incident["department"], incident["category"]) == ("YL", "TD", "road")
    assert incident["road_name_zh"] == "青山公路　–　元朗段"
    assert reading.parsed.records[0].geometry is None
    assert not {"source", "message_status", "release"} & incident.keys()


def message(id_: int, at: str, status: str) -> str:
    return (
        f"<message><INCIDENT_NUMBER>IN-26-1</INCIDENT_NUMBER><INCIDENT_HEADING_EN>Road Incident</INCIDENT_HEADING_EN>"
        f"<ANNOUNCEMENT_DATE>{at}</ANNOUNCEMENT_DATE><INCIDENT_STATUS_EN>{status}</INCIDENT_STATUS_EN><ID>{id_}</ID>"
        "<LATITUDE>22.3</LATITUDE><LONGITUDE>114.1</LONGITUDE></message>"
    )


def test_older_versions_in_an_answer_are_no_trouble_that_would_keep_incidents_open(read: Read) -> None:
    versions = message(2, "2026-09-30T19:45:00", "CLOSED") + message(1, "2026-09-30T19:15:00", "NEW")
    reading = read("td_news_v2", news=f"<list>{versions}</list>")
    assert (ids(reading), reading.parsed.refusals) == (["IN-26-1"], [])
    incident = by_id(reading, "IN-26-1")
    assert (incident["status"], incident["completed_at"]) == ("completed", datetime(2026, 9, 30, 11, 45, tzinfo=UTC))


def test_version_1_has_a_namespace_a_leading_blank_and_a_chinese_morning(read: Read, data: Path) -> None:
    file = next((data / "td_special_traffic_news_v1").glob("*.xml"))
    reading = read("td_news_v1", news=file.read_bytes())
    assert ids(reading) == ["36839", "36835"]
    assert by_id(reading, "36839")["reported_at"] == datetime(2017, 9, 15, 23, 20, 43, tzinfo=UTC)


def test_each_version_refuses_the_other(read: Read, sample: Sample) -> None:
    with pytest.raises(NotThisFeed, match="root"):
        read("td_news_v1", news=sample("td_trafficnews_v2.xml"))


def test_no_news_is_a_list_without_messages(read: Read) -> None:
    assert read("td_news_v2", news="<list/>").parsed.records == []


# 3.13 detectors


def lane(speed: object = 63, volume: object = 6, occupancy: object = 4, valid: str = "Y") -> str:
    return (
        f"<lane><lane_id>Slow Lane</lane_id><speed>{speed}</speed><occupancy>{occupancy}</occupancy>"
        f"<volume>{volume}</volume><s.d.>5.2</s.d.><valid>{valid}</valid></lane>"
    )


def detector(*lanes: str, id_: str = "AID01101") -> str:
    return f"<detector><detector_id>{id_}</detector_id><direction>South</direction><lanes>{''.join(lanes)}</lanes></detector>"


def period(starts: str, ends: str, *detectors: str) -> str:
    return (
        f"<period><period_from>{starts}</period_from><period_to>{ends}</period_to>"
        f"<detectors>{''.join(detectors)}</detectors></period>"
    )


def raw(*periods: str, date: str = "2026-10-09") -> str:
    return f"<raw_speed_volume_list><date>{date}</date><periods>{''.join(periods)}</periods></raw_speed_volume_list>"


def test_a_detectors_speed_is_the_mean_of_its_lanes_by_volume(read: Read) -> None:
    lanes = detector(lane(60, 10), lane(30, 5))
    speeds = by_id(read("td_detectors", all=raw(period("21:00:00", "21:00:30", lanes))), "AID01101")
    assert (speeds["speed_kmh"], speeds["volume"], speeds["quality"]) == (50, 15, "measured")
    assert speeds["observed_at"] == datetime(2026, 10, 9, 13, 0, 30, tzinfo=UTC)


def test_a_speed_at_zero_volume_is_the_limit_and_no_measurement(read: Read, sample: Sample) -> None:
    sampled = by_id(read("td_detectors", all=sample("td_rawSpeedVol-all.xml")), "AID01101")
    assert (sampled["speed_kmh"], sampled["volume"], sampled["lanes"]) == (63, 6, 2)
    empty = detector(lane(70, 0), lane(70, 0))
    speeds = by_id(read("td_detectors", all=raw(period("21:00:00", "21:00:30", empty))), "AID01101")
    assert (speeds["speed_kmh"], speeds["volume"], speeds["quality"]) == (None, 0, "no_vehicle")
    assert speeds["lane_values"] == ["Slow Lane: 0 vehicles"] * 2


def test_a_speed_of_300_is_not_believed(read: Read) -> None:
    reading = read("td_detectors", all=raw(period("21:00:00", "21:00:30", detector(lane(300, 1)))))
    assert by_id(reading, "AID01101")["quality"] == "implausible"
    assert by_id(reading, "AID01101")["speed_kmh"] is None
    assert "300" in reading.parsed.records[0].remarks[0]


def test_minus_one_is_missing_and_a_lane_that_is_not_valid_says_nothing(read: Read) -> None:
    reading = read(
        "td_detectors", all=raw(period("21:00:00", "21:00:30", detector(lane(occupancy=-1), lane(valid="N", volume=9))))
    )
    speeds = by_id(reading, "AID01101")
    assert (speeds["occupancy_pct"], speeds["volume"], speeds["lanes_valid"]) == (None, 6, 1)
    reading = read("td_detectors", all=raw(period("21:00:00", "21:00:30", detector(lane(valid="N")))))
    assert (by_id(reading, "AID01101")["volume"], by_id(reading, "AID01101")["quality"]) == (None, "no_valid_lane")


MIDNIGHT = datetime(2026, 10, 8, 16, 8, tzinfo=UTC)  # 00:08 on 9 October


def test_the_period_at_midnight_carries_the_previous_days_date(read: Read) -> None:
    body = raw(period("00:00:00", "00:00:30", detector(lane())), date="2026-10-08")
    assert read("td_detectors", MIDNIGHT, all=body).observed_at == datetime(2026, 10, 8, 16, 0, 30, tzinfo=UTC)


def test_the_same_period_with_the_right_date_stays(read: Read) -> None:
    body = raw(period("00:00:00", "00:00:30", detector(lane())), date="2026-10-09")
    assert read("td_detectors", MIDNIGHT, all=body).observed_at == datetime(2026, 10, 8, 16, 0, 30, tzinfo=UTC)


def test_a_file_over_midnight_goes_on_with_the_next_day(read: Read) -> None:
    body = raw(
        period("23:59:30", "00:00:00", detector(lane())),
        period("00:00:00", "00:00:30", detector(lane())),
        date="2026-10-08",
    )
    times = [record.properties["observed_at"] for record in read("td_detectors", MIDNIGHT, all=body).parsed.records]
    assert times == [datetime(2026, 10, 8, 16, 0, tzinfo=UTC), datetime(2026, 10, 8, 16, 0, 30, tzinfo=UTC)]


def test_a_row_that_is_repeated_counts_once(read: Read) -> None:
    reading = read("td_detectors", all=raw(period("21:00:00", "21:00:30", detector(lane()), detector(lane()))))
    assert (len(reading.parsed.records), len(reading.parsed.refusals)) == (1, 1)


def test_a_file_cut_off_is_no_picture_of_half_the_roads(read: Read, sample: Sample) -> None:
    with pytest.raises(NotThisFeed, match="well-formed"):
        read("td_detectors", all=sample("td_rawSpeedVol-all.xml")[:-40])


def test_a_clock_that_is_none_is_refused_and_the_other_periods_stay(read: Read) -> None:
    body = raw(
        period("21:00", "25:61:00", detector(lane(), id_="A")),
        period("21:00:00", "21:00:30", detector(lane(), id_="B")),
    )
    reading = read("td_detectors", all=body)
    assert (ids(reading), len(reading.parsed.refusals)) == (["B"], 1)


# 3.15 journey times


def test_minus_one_minutes_is_a_board_without_a_value(read: Read, sample: Sample) -> None:
    reading = read("td_journey_times", all=sample("td_journeytime_v2.xml"))
    assert ids(reading) == ["H2-CH", "H1-EH"]
    assert (by_id(reading, "H2-CH")["minutes"], by_id(reading, "H2-CH")["state"]) == (7, "smooth")
    assert (by_id(reading, "H1-EH")["minutes"], by_id(reading, "H1-EH")["state"]) == (None, "unknown")
    assert by_id(reading, "H2-CH")["destination_zh"] == "海底隧道"
    assert reading.observed_at == datetime(2026, 10, 9, 13, 58, tzinfo=UTC)


def test_a_graphic_board_that_says_3_is_closed(read: Read, sample: Sample) -> None:
    body = (
        sample("td_journeytime_v2.xml")
        .replace(b"<JOURNEY_TYPE>1<", b"<JOURNEY_TYPE>2<")
        .replace(b"_DATA>7<", b"_DATA>3<")
    )
    told = by_id(read("td_journey_times", all=body), "H2-CH")
    assert (told["minutes"], told["state"], told["graphic"]) == (None, "closed", True)


def test_the_recording_of_2018_is_read_whole(read: Read, data: Path) -> None:
    file = next((data / "td_journey_time").glob("*.xml"))
    reading = read("td_journey_times", all=file.read_bytes())
    assert (len(reading.parsed.records), reading.parsed.refusals) == (35, [])


# 3.16 cameras


def test_the_camera_list_is_utf16_with_tabs_and_two_byte_order_marks(read: Read, sample: Sample) -> None:
    body = sample("td_Traffic_Camera_Locations_En_utf16le_double_bom.csv")
    assert body.startswith(b"\xff\xfe\xff\xfe")
    camera = by_id(read("td_cameras", en=body), "H429F")
    assert (camera["district"], camera["easting"], camera["northing"]) == ("Southern", 833514, 812196)


def test_the_chinese_list_brings_only_what_is_chinese(read: Read, sample: Sample) -> None:
    english = sample("td_Traffic_Camera_Locations_En_utf16le_double_bom.csv")
    chinese = (
        english.decode("utf-16-le")
        .replace("Southern", "南區")
        .replace("Aberdeen Praya Road near Fish Market", "香港仔海旁道近魚市場")
    )
    camera = by_id(read("td_cameras", en=english, tc=chinese.encode("utf-16-le")), "H429F")
    assert (camera["district"], camera["description_zh"]) == ("Southern", "香港仔海旁道近魚市場")
    assert camera["description_en"] == "Aberdeen Praya Road near Fish Market"
