"""What holds for all sources: encodings, missing values, grids, times, addresses; each rule of SOURCES.md by name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import shapely

from cop_ingest.feeds.declared import feeds
from cop_ingest.feeds.parse.common import number_of, text_of, time_of, whole_of
from cop_ingest.feeds.payload import NotThisFeed, Reading
from cop_ingest.times import read_time

Read = Callable[..., Reading]


@pytest.mark.parametrize("word", ["", " ", "M", "m", "N/A", "n/a", "////", "--", "-", "***", "null", None])
def test_words_for_missing_are_null_and_never_zero(word: str | None) -> None:
    assert number_of(word, "value", 0, 100) is None
    assert whole_of(word, "value", 0, 100) is None
    assert time_of(word, "value") is None


def test_minus_one_and_99_are_missing_only_where_the_feed_says_so() -> None:
    assert number_of("99", "value", 0, 100) == 99
    assert number_of("-1", "value", 0, 100, ("-1",)) is None
    with pytest.raises(ValueError, match="wanted 0 to 100"):
        number_of("-1", "value", 0, 100)


@pytest.mark.parametrize("text", ["1e3", "nan", "inf", "0x10", "1,5", "٣", "½", "--1", "1 2", "9" * 40])
def test_what_only_looks_like_a_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="value"):
        number_of(text, "value", 0, 1e9)


def test_nul_and_half_characters_are_taken_out_of_texts_and_compatibility_characters_stay() -> None:
    assert text_of("a\0b\ud800 ") == "ab?"
    assert text_of("8⽉28⽇") == "8⽉28⽇"


@pytest.mark.parametrize(
    ("written", "utc"),
    [
        ("2025-09-24T07:40:00+08:00", datetime(2025, 9, 23, 23, 40, tzinfo=UTC)),
        ("202509240740", datetime(2025, 9, 23, 23, 40, tzinfo=UTC)),
        ("2021-04-13T12:00:00+00:00", datetime(2021, 4, 13, 12, tzinfo=UTC)),
        (" 2017/9/16 上午 07:20:43", datetime(2017, 9, 15, 23, 20, 43, tzinfo=UTC)),
        ("2017/9/16 下午 12:00:00", datetime(2017, 9, 16, 4, tzinfo=UTC)),
        ("2026-09-30T19:15:00", datetime(2026, 9, 30, 11, 15, tzinfo=UTC)),
        ("16/2/2026 1:00PM", datetime(2026, 2, 16, 5, tzinfo=UTC)),
        ("16/2/2026 12:00AM", datetime(2026, 2, 15, 16, tzinfo=UTC)),
        ("Tue, 17 Jun 2025 19:30:00 +0800", datetime(2025, 6, 17, 11, 30, tzinfo=UTC)),
        ("17 Jun 2025 11:30 GMT", datetime(2025, 6, 17, 11, 30, tzinfo=UTC)),
        ("2025-09-23 24:00", datetime(2025, 9, 23, 16, tzinfo=UTC)),
    ],
)
def test_each_way_of_writing_a_time(written: str, utc: datetime) -> None:
    assert read_time(written) == utc


@pytest.mark.parametrize(
    "text", ["31/2/2026 1:00PM", "16/2/2026 13:00PM", "Tue, 17 Jux 2025 19:30:00 +0800", "2025-09-24 25:00", "today"]
)
def test_a_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"time|hour|month|day"):
        read_time(text)


FERRIES = "抵達時間|出發地|營運公司|碼頭|泊位|現況\n21:00|澳門|噴射飛航|港澳碼頭|1|已到\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "big5hkscs"])
def test_the_bytes_of_a_table_decide_its_encoding(read: Read, encoding: str) -> None:
    (record,) = read("md_ferries", all=FERRIES.encode(encoding)).parsed.records
    assert record.properties["from_zh"] == "澳門"


def test_json_in_big5_is_refused_and_not_guessed(read: Read) -> None:
    with pytest.raises(NotThisFeed, match="UTF-8"):
        read("hko_swt", en='{"swt": [{"desc": "大雨", "updateTime": "2026-07-16T14:10:00+08:00"}]}'.encode("big5"))


@pytest.mark.parametrize(
    ("x", "y"),
    [("114.1894218", "22.2992961"), ("22.2992961", "114.1894218"), ("837560", "817860"), ("817860", "852000")],
)
def test_coordinates_are_judged_by_their_range(read: Read, x: str, y: str) -> None:
    works = {"roadworks_id": "1", "longitude": x, "latitude": y, "starttime": "2026-09-18 10:00"}
    (record,) = read("td_roadworks", all=[works]).parsed.records
    place = shapely.from_wkb(record.geometry)
    assert 113.8 < place.x < 114.6
    assert 22.1 < place.y < 22.6


@pytest.mark.parametrize(("x", "y"), [("0", "0"), ("900000", "900000"), ("-73.9", "40.7")])
def test_coordinates_of_no_known_range_are_no_position(read: Read, x: str, y: str) -> None:
    works = {"roadworks_id": "1", "longitude": x, "latitude": y, "starttime": "2026-09-18 10:00"}
    (record,) = read("td_roadworks", all=[works]).parsed.records
    assert record.geometry is None


def test_addresses_carry_what_their_hosts_need() -> None:
    water = feeds()["wsd_suspensions"]
    assert water.tls == "seclevel1"
    assert water.parts["all"].url.endswith("WSMS_OPEN_DATA%28all%29.csv")
    assert feeds()["epd_aqhi"].parts["all"].host == "www.aqhi.gov.hk"
    assert all(part.url.startswith("https://") for feed in feeds().values() for part in feed.parts.values())


def test_version_1_of_the_news_is_asked_only_for_want_of_version_2() -> None:
    assert feeds()["td_news_v1"].fallback_of == "td_news_v2"


def test_what_may_not_be_reproduced_stays_with_the_departments() -> None:
    assert {feed.id for feed in feeds().values() if feed.release != "public"} == {"hko_cyclones"}


def test_silence_is_calm_only_where_the_source_writes_calm_so() -> None:
    """A list of what is in force may be empty; stations, detectors and hospitals that say nothing are wrong."""
    for feed in feeds().values():
        if feed.target.absent is not None:
            assert feed.empty == "quiet", feed.id
    silent = {"hko_wind_10min", "hko_hourly_rainfall", "td_detectors", "ha_waiting", "hko_nowcast", "td_journey_times"}
    assert {feeds()[id_].empty for id_ in silent} == {"wrong"}
