"""Feeds without code: what their files declare, tried on the samples, and the quirks that declarations carry."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import shapely
from feed_payloads import GOOD
from pydantic import ValidationError

from cop.catalogue import catalogue
from cop_ingest.feeds.declared import feeds
from cop_ingest.feeds.parse import parser_of
from cop_ingest.feeds.parse.declarative import Declaration, Value
from cop_ingest.feeds.payload import NotThisFeed, Reading

Read = Callable[..., Reading]
Sample = Callable[[str], bytes]


def by_id(reading: Reading, id_: str) -> dict[str, Any]:
    return dict(next(record for record in reading.parsed.records if record.id == id_).properties)


def ids(reading: Reading) -> list[str]:
    return [record.id for record in reading.parsed.records]


@pytest.mark.parametrize("id_", list(feeds()))
def test_a_feeds_file_fits_its_layer(id_: str) -> None:
    feed = feeds()[id_]
    layer = catalogue().layers[feed.target.layer]
    assert feed.target.how == {"register": "register", "latest": "latest", "reference": "whole"}[layer.kind]
    assert set(feed.target.absent or {}) <= set(layer.by_name)
    assert feed.department in catalogue().codes["departments"]
    assert feed.release in catalogue().codes["releases"]
    if feed.position is not None:
        where = catalogue().layers[feed.position.layer]
        assert feed.position.by in {"id", *where.by_name}
        assert feed.position.from_ in layer.by_name
    assert parser_of(feed) is not None


@pytest.mark.parametrize("id_", list(GOOD))
def test_what_a_parser_gives_has_columns_of_the_layer_and_storable_values(id_: str, read: Read) -> None:
    layer = catalogue().layers[feeds()[id_].target.layer]
    reading = read(id_, **GOOD[id_])
    assert reading.parsed.records
    for record in reading.parsed.records:
        assert record.properties.keys() <= layer.by_name.keys()
        for name, value in record.properties.items():
            column = layer.by_name[name]
            codes = column.codes or (catalogue().codes[column.codes_from] if column.codes_from else None)
            assert value is None or codes is None or value in codes, (name, value)
        if layer.kind == "latest":
            time = layer.with_role("time")
            assert time is not None
            assert isinstance(record.properties[time.name], datetime)


def test_every_feed_has_a_payload_to_be_tried_with() -> None:
    assert set(GOOD) == set(feeds())


def test_a_declaration_with_a_word_too_many_is_refused() -> None:
    with pytest.raises(ValidationError):
        Declaration.model_validate({"kind": "csv", "columns": {"a": "A"}, "id": ["a"], "delimiter": ","})
    assert Value.model_validate({"from": "A"}).from_ == ("A",)


def test_n_a_in_a_table_is_missing_and_the_time_is_hong_kongs(read: Read, sample: Sample) -> None:
    reading = read("hko_temperature", all=sample("hko_latest_1min_temperature.csv"))
    assert (by_id(reading, "Chek-Lap-Kok")["temperature_c"], by_id(reading, "Cheung-Chau")["temperature_c"]) == (
        27.3,
        None,
    )
    assert reading.observed_at == datetime(2026, 7, 16, 8, tzinfo=UTC)


def test_a_table_whose_column_was_renamed_is_refused_whole(read: Read, sample: Sample) -> None:
    body = sample("hko_latest_1min_temperature.csv").replace(b"Air Temperature", b"Temperature")
    with pytest.raises(NotThisFeed, match="Air Temperature"):
        read("hko_temperature", all=body)


def test_rows_under_fields_have_units_inside_their_values(read: Read, sample: Sample) -> None:
    reading = read("hko_visibility", all=b"\xef\xbb\xbf" + sample("hko_LTMV_visibility.json"))
    assert (by_id(reading, "Central")["visibility_km"], reading.observed_at) == (
        35,
        datetime(2025, 6, 23, 5, 20, tzinfo=UTC),
    )


def test_fields_with_another_name_are_refused_whole(read: Read, sample: Sample) -> None:
    body = sample("hko_LTMV_visibility.json").replace(b"10 minute mean", b"mean")
    with pytest.raises(NotThisFeed, match="10 minute mean visibility"):
        read("hko_visibility", all=body)


def test_a_row_shorter_than_its_fields_is_refused(read: Read) -> None:
    body = {"fields": ["Date time", "Automatic Weather Station", "10 minute mean visibility"],
            "data": [["202506231320", "Central"], ["202506231320", "A", "many km"], ["202506231320", "B", "N/A"]]}  # fmt: skip
    reading = read("hko_visibility", all=body)
    assert (ids(reading), len(reading.parsed.refusals)) == (["B"], 2)


def test_an_earthquake_of_the_world_has_its_place_and_an_empty_object_is_none(read: Read, sample: Sample) -> None:
    (record,) = read("hko_earthquake", all=sample("hko_earthquake_qem.json")).parsed.records
    assert (record.id, record.properties["magnitude"]) == ("EQ-quick-20251231T1600Z", 6.1)
    assert shapely.from_wkb(record.geometry).coords[0] == (-173.97, -20.31)
    felt = read("hko_felt_earthquake", all="{}")
    assert (felt.parsed.records, felt.parsed.refusals) == ([], [])


def test_a_segment_that_is_not_valid_has_no_speed_and_not_zero(read: Read, sample: Sample) -> None:
    reading = read("td_segment_speeds", all=sample("td_irnAvgSpeed-all.xml"))
    assert (by_id(reading, "91151")["speed_kmh"], by_id(reading, "91152")["speed_kmh"]) == (57, None)
    assert reading.observed_at == datetime(2026, 1, 8, tzinfo=UTC)


def test_a_car_park_json_has_a_byte_order_mark_and_minus_one_is_no_figure(read: Read, sample: Sample) -> None:
    body = sample("td_carpark_vacancy_all_utf8_bom.json")
    assert by_id(read("td_car_parks", all=body), "10-P-HOURLY")["vacancy"] == 33
    assert by_id(read("td_car_parks", all=body.replace(b"33", b"-1")), "10-P-HOURLY")["vacancy"] is None
    flag = by_id(read("td_car_parks", all=body.replace(b"33", b"1").replace(b'"A"', b'"B"')), "10-P-HOURLY")
    assert (flag["vacancy"], flag["vacancy_type"]) == (None, "B")


def test_m_is_a_motorcycle_in_a_text_and_missing_in_a_number(read: Read, sample: Sample) -> None:
    body = sample("td_carpark_vacancy_all_utf8_bom.json")
    reading = read("td_car_parks", all=body.replace(b'"P"', b'"M"').replace(b"33", b'"M"'))
    assert by_id(reading, "10-M-HOURLY")["vacancy"] is None


def test_roadworks_are_placed_and_keyed_by_their_number(read: Read, sample: Sample) -> None:
    (record,) = read("td_roadworks", all=sample("td_get_all_the_roadworks.json")).parsed.records
    assert (record.id, record.properties["source_ref"]) == ("TD-RW-1001", "TD-RW-1001")
    assert shapely.from_wkb(record.geometry).coords[0] == (114.1894218, 22.2992961)


def test_a_place_outside_hong_kong_is_listed_without_a_position(read: Read, sample: Sample) -> None:
    body = sample("td_get_all_the_roadworks.json").replace(b"22.2992961", b"0")
    (record,) = read("td_roadworks", all=body).parsed.records
    assert record.geometry is None
    assert record.remarks[0].startswith("no position")


def test_rss_has_rfc_822_times_and_10_plus_is_above_ten(read: Read, sample: Sample) -> None:
    body = sample("epd_aqhi_ind_rss_Eng.xml").replace(b"Southern : 2 : Low", b"Southern : 10+ : Serious")
    reading = read("epd_aqhi", all=body)
    southern = by_id(reading, "Southern")
    assert (southern["aqhi"], southern["aqhi_value"], southern["risk"]) == ("10+", 11, "Serious")
    assert by_id(reading, "Central-Western")["station_en"] == "Central/Western"
    assert reading.observed_at == datetime(2025, 6, 17, 11, 30, tzinfo=UTC)


def test_an_element_with_a_dot_in_its_name_is_read_and_a_dash_is_missing(read: Read, sample: Sample) -> None:
    station = by_id(read("epd_pollutants", all=sample("epd_24pc_Eng.xml")), "Central-Western")
    assert (station["pm2_5"], station["co"]) == (8, None)


def test_99_is_outside_service_hours_and_the_time_is_that_of_receipt(read: Read, sample: Sample) -> None:
    at = datetime(2026, 10, 9, 14, tzinfo=UTC)
    reading = read(
        "immd_queues",
        at,
        residents=sample("immd_CPQueueTimeR.json"),
        visitors='{"LWS": {"arrQueue": 4, "depQueue": 7}}',
    )
    assert (by_id(reading, "STK-residents")["arrival"], by_id(reading, "HZM-residents")["departure"]) == (
        "closed",
        "under_30",
    )
    assert (reading.observed_at, len(reading.parsed.records)) == (at, 8)
    assert "departure" in reading.parsed.refusals[0].reason


def test_times_in_milliseconds_and_lines_of_closed_trails(read: Read, sample: Sample) -> None:
    (record,) = read("afcd_trails", all=sample("afcd_closed_trails.geojson")).parsed.records
    assert (record.id, record.properties["from_at"]) == ("AFCD-T-T001", datetime(2025, 9, 23, 4, tzinfo=UTC))
    assert shapely.from_wkb(record.geometry).geom_type == "LineString"


def test_next_trains_are_keyed_by_line_station_and_direction(read: Read, sample: Sample) -> None:
    reading = read("mtr_next_train", isl_adm=sample("mtr_getSchedule_ISL_ADM.json"))
    assert ids(reading) == ["MTR-ADM-ISL-UP-1", "MTR-ADM-ISL-DOWN-1"]
    assert by_id(reading, "MTR-ADM-ISL-UP-1")["due_at"] == datetime(2026, 9, 18, 12, 10, tzinfo=UTC)


def test_an_arrival_time_that_is_null_is_no_service_told(read: Read, sample: Sample) -> None:
    body = sample("kmb_eta.json").replace(b'"2026-09-18T20:15:00+08:00"', b"null")
    (record,) = read("kmb_eta", a60ae774b09a5e44=body).parsed.records
    assert (record.properties["due_at"], record.properties["stop_id"]) == (None, "a60ae774b09a5e44")


def test_a_ferry_list_with_its_header_only_is_no_ferry(read: Read, sample: Sample) -> None:
    assert read("md_ferries", all=sample("mardep_arrival_tc.csv")).parsed.records == []


def test_a_lamppost_writes_compact_times_and_texts_for_numbers(read: Read, sample: Sample) -> None:
    post = by_id(read("hko_lampposts", gf3637_01=sample("hko_smart_lamppost.json")), "GF3637")
    assert (post["temperature_c"], post["humidity_pct"], post["wind_deg"]) == (33.5, 71.7, 143)
    assert post["observed_at"] == datetime(2023, 9, 13, 9, 40, 49, tzinfo=UTC)


def test_compatibility_characters_stay_as_published(read: Read) -> None:
    item = "<item><title>2026年8⽉28⽇</title><link>https://x/P1.htm</link><pubDate>Fri, 28 Aug 2026 10:00:00 +0800</pubDate></item>"
    (record,) = read("isd_press_zh", all=f"<rss><channel>{item}</channel></rss>").parsed.records
    assert record.properties["title_zh"] == "2026年8⽉28⽇"
