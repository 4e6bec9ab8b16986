"""Special traffic news: the two real messages of 2017, the documented sample, and faults by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import shapely

from cop.catalogue.models import Layer
from cop.errors import LoadRefused
from cop_ingest.incidents import category_of, incident
from cop_ingest.records import Parsed, Record
from cop_ingest.traffic_news import parse_traffic_news_v1, parse_traffic_news_v2
from cop_ingest.traffic_text import closure, is_over

V1 = "td_special_traffic_news_v1/specialtrafficnews_20170916_2_of_4_messages.xml"
V2 = "documented_samples/td_trafficnews_v2.xml"


@pytest.fixture(scope="module")
def real(data: Path) -> Parsed:
    return parse_traffic_news_v1((data / V1).read_bytes(), "actual", V1)


def test_two_real_messages_are_listed_without_a_place(real: Parsed, layers: dict[str, Layer]) -> None:
    assert [record.id for record in real.records] == ["TD:V1-36839", "TD:V1-36835"]
    assert real.refusals == []
    for record in real.records:
        assert record.geometry is None
        assert record.remarks == ("the feed gives no position",)
        assert set(record.properties) == set(layers["incidents"].by_name)
        assert record.properties["position_method"] == "none"
        assert record.properties["message_status"] == "actual"
        assert record.properties["external_ids"] == [record.id]


def test_the_chinese_morning_marker_is_read_as_hong_kong_time(real: Parsed) -> None:
    assert {record.properties["reported_at"] for record in real.records} == {
        datetime(2017, 9, 15, 23, 20, 43, tzinfo=UTC)
    }


def test_a_burst_main_is_water_supply_and_still_on(real: Parsed) -> None:
    burst = real.records[0].properties
    assert (burst["category"], burst["status"], burst["completed_at"]) == ("water_supply", "confirmed", None)
    assert (burst["lanes_closed"], burst["road_closed"]) == (None, None)
    assert str(burst["description_en"]).endswith("still available to motorists.")
    assert burst["title_zh"] == "因水管爆裂，昌榮路往和宜合道方向近同珍工業大廈的部份行車線仍然封閉"


def test_a_closure_announced_for_later_closes_nothing_now(real: Parsed) -> None:
    works = real.records[1].properties
    assert (works["category"], works["road_closed"]) == ("road", None)
    assert len(str(works["title_en"])) <= 90


@pytest.fixture(scope="module")
def sample(data: Path) -> Record:
    parsed = parse_traffic_news_v2((data / V2).read_bytes(), "test", V2)
    assert (len(parsed.records), parsed.refusals) == (1, [])
    return parsed.records[0]


def test_the_documented_sample_is_a_test_message(sample: Record, layers: dict[str, Layer]) -> None:
    known = sample.properties
    assert sample.id == "TD:IN-26-07201"
    assert set(known) == set(layers["incidents"].by_name)
    assert (known["message_status"], known["release"], known["department"]) == ("test", "public", "TD")
    assert (known["source_ref"], known["status"], known["category"]) == ("147121", "confirmed", "road")
    assert known["reported_at"] == datetime(2026, 9, 30, 11, 15, tzinfo=UTC)


def test_its_texts_stay_as_published(sample: Record) -> None:
    known = sample.properties
    assert known["title_en"] == "Traffic Accident: Castle Peak Road - Yuen Long"
    assert known["title_zh"] == "交通意外：青山公路 – 元朗段"
    assert known["road_name_zh"] == "青山公路　–　元朗段"
    assert known["location_en"] == "Castle Peak Road - Yuen Long, Au Tau bound, near Long Yat Road"
    assert (known["district"], known["lanes_closed"], known["road_closed"]) == ("YL", 1, None)


def test_empty_coordinates_are_no_position(sample: Record) -> None:
    assert sample.geometry is None
    assert sample.properties["position_method"] == "none"


MESSAGE = {
    "INCIDENT_NUMBER": "IN-1", "INCIDENT_HEADING_EN": "Road Incident", "INCIDENT_DETAIL_EN": "Flooding",
    "LOCATION_EN": "Jordan Road", "DISTRICT_EN": "Central/Western", "ID": "7",
    "ANNOUNCEMENT_DATE": "2026-09-30T19:15:00", "INCIDENT_STATUS_EN": "NEW",
    "CONTENT_EN": "All lanes of Jordan Road are closed.",
    "LATITUDE": "22.305", "LONGITUDE": "114.171",
}  # fmt: skip


def _v2(*messages: dict[str, str]) -> bytes:
    texts = ("".join(f"<{name}>{text}</{name}>" for name, text in message.items()) for message in messages)
    return ("<list>" + "".join(f"<message>{text}</message>" for text in texts) + "</list>").encode()


def _only(**changes: str) -> Record:
    parsed = parse_traffic_news_v2(_v2(MESSAGE | changes), "test")
    assert parsed.refusals == []
    return parsed.records[0]


def test_a_position_in_hong_kong_is_taken() -> None:
    point = shapely.from_wkb(_only().geometry)
    assert (point.x, point.y) == (114.171, 22.305)
    assert _only().properties["position_method"] == "reported"
    swapped = _only(LATITUDE="114.171", LONGITUDE="22.305")
    assert swapped.geometry == _only().geometry
    assert swapped.remarks == ("LATITUDE and LONGITUDE were exchanged",)


@pytest.mark.parametrize("place", [("0", "0"), ("48.85", "2.35"), ("N/A", "N/A"), ("22.3", ""), ("nan", "nan")])
def test_a_position_elsewhere_is_left_out_and_said(place: tuple[str, str]) -> None:
    record = _only(LATITUDE=place[0], LONGITUDE=place[1])
    assert record.geometry is None
    assert record.remarks[0].startswith("no position: LATITUDE")


@pytest.mark.parametrize(("said", "status"), [("NEW", "confirmed"), ("UPDATED", "responding"), ("CLOSED", "completed")])
def test_states_of_the_second_version(said: str, status: str) -> None:
    record = _only(INCIDENT_STATUS_EN=said)
    assert record.properties["status"] == status
    assert (record.properties["completed_at"] is not None) == (status == "completed")


def test_the_district_in_any_spelling_and_the_category_by_words() -> None:
    record = _only()
    assert (record.properties["district"], record.properties["category"]) == ("CW", "flood")
    assert _only(DISTRICT_EN="", DISTRICT_CN="⼤埔").properties["district"] == "TP"
    assert _only(DISTRICT_EN="").properties["district"] is None


def test_only_the_newest_version_of_an_incident_stays() -> None:
    newer = MESSAGE | {"ID": "9", "INCIDENT_STATUS_EN": "CLOSED", "ANNOUNCEMENT_DATE": "2026-09-30T20:00:00"}
    for order in ((MESSAGE, newer), (newer, MESSAGE)):
        parsed = parse_traffic_news_v2(_v2(*order), "test")
        assert [record.properties["source_ref"] for record in parsed.records] == ["9"]
        assert "superseded by number" in parsed.refusals[0].reason


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"INCIDENT_NUMBER": ""}, "INCIDENT_NUMBER: is missing"),
        ({"ANNOUNCEMENT_DATE": "soon"}, "ANNOUNCEMENT_DATE: 'soon' is not a time"),
        ({"INCIDENT_STATUS_EN": "MAYBE"}, "INCIDENT_STATUS_EN: found 'MAYBE', wanted NEW, UPDATED or CLOSED"),
        (
            {"INCIDENT_HEADING_EN": "", "INCIDENT_DETAIL_EN": "", "LOCATION_EN": "", "CONTENT_EN": ""},
            "no text in either",
        ),
    ],
)
def test_a_bad_message_is_refused_and_the_rest_goes_in(changes: dict[str, str], reason: str) -> None:
    parsed = parse_traffic_news_v2(_v2(MESSAGE | changes, MESSAGE | {"INCIDENT_NUMBER": "IN-2"}), "test")
    assert [record.id for record in parsed.records] == ["TD:IN-2"]
    assert reason in parsed.refusals[0].reason


@pytest.mark.parametrize(
    ("status", "text", "wanted"),
    [
        ("2", "Road closed.", "responding"),
        ("3", "All lanes are re-opened.", "completed"),
        ("3", "Still closed.", "confirmed"),
    ],
)
def test_states_of_the_first_version(status: str, text: str, wanted: str) -> None:
    body = (
        f"<body xmlns='http://data.one.gov.hk/td'><message><msgID>1</msgID><CurrentStatus>{status}</CurrentStatus>"
        f"<EngText>{text}</EngText><ReferenceDate> 2017/9/16 下午 07:20:43</ReferenceDate>"
        "<ListOfDistrict><District>Kwai Tsing</District></ListOfDistrict></message></body>"
    )
    record = parse_traffic_news_v1(body.encode(), "test").records[0]
    assert (record.properties["status"], record.properties["district"]) == (wanted, "KC")


def test_empty_feeds_have_no_messages() -> None:
    assert parse_traffic_news_v1(b"<body xmlns='http://data.one.gov.hk/td'/>") == Parsed()
    assert parse_traffic_news_v2(b"<list/>") == Parsed()


@pytest.mark.parametrize("body", [b"", b"<list><message>", b"<html/>", b"<rss/>", b"<!DOCTYPE l><list/>"])
def test_a_broken_feed_is_refused(body: bytes) -> None:
    with pytest.raises(LoadRefused, match=r"trafficnews\.xml"):
        parse_traffic_news_v2(body)


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("Due to landslip, Shek O Road is closed", "landslide"), ("山泥傾瀉", "landslide"),
        ("Due to burst water main", "water_supply"), ("Flooding on the road", "flood"), ("嚴重水浸", "flood"),
        ("a fallen tree blocks", "fallen_tree"), ("大樹倒塌", "fallen_tree"),
        ("fallen signboard", "dangerous_object"),
        ("Traffic accident", "road"), ("車輛故障", "road"), ("⼭泥傾瀉", "landslide"),
    ],
)  # fmt: skip
def test_categories_by_words(text: str, category: str) -> None:
    assert category_of(text) == category


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("the fast lane of X is closed to all traffic.", (1, None)),
        ("the fast and middle lanes of X are closed", (2, None)),
        ("Two lanes of X are closed", (2, None)),
        ("X Road is closed to all traffic.", (None, True)),
        ("part of the lanes of X are still closed", (None, None)),
        ("X Road will be closed with effect from 1:30 a.m.", (None, None)),
        ("X Road is re-opened.", (None, None)),
        ("近朗日路的快線現已封閉。", (1, None)),
        ("彌敦道全線現已封閉。", (None, True)),
        ("兩條行車線封閉。", (2, None)),
        ("", (None, None)),
    ],
)
def test_closures_only_where_plainly_said(text: str, wanted: tuple[int | None, bool | None]) -> None:
    assert closure(text) == wanted


def test_over_and_unknown_columns() -> None:
    assert is_over("交通已回復正常")
    assert not is_over(None)
    with pytest.raises(KeyError, match="no column colour"):
        incident({"colour": "red"})
