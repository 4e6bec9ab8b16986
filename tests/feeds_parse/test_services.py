"""Hospitals' waiting times and water suspensions: each quirk of SOURCES.md by name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from cop_ingest.feeds.payload import NotThisFeed, Reading

Read = Callable[..., Reading]
Sample = Callable[[str], bytes]


def by_id(reading: Reading, id_: str) -> dict[str, Any]:
    return dict(next(record for record in reading.parsed.records if record.id == id_).properties)


# 3.19 A&E


def test_spans_in_words_become_minutes(read: Read, sample: Sample) -> None:
    reading = read("ha_waiting", en=sample("ha_aedwtdata2-en.json"))
    queen = by_id(reading, "Queen-Mary-Hospital")
    assert (queen["t1_min"], queen["t2_min"], queen["t3_p50_min"], queen["t45_p50_min"]) == (0, 15, 25, 210)
    assert (queen["t2_text"], queen["hospital_zh"], queen["t1_managing"]) == ("less than 15 minutes", "瑪麗醫院", True)


def test_words_instead_of_a_time_are_no_minutes_and_not_zero(read: Read, sample: Sample) -> None:
    kwong = by_id(read("ha_waiting", en=sample("ha_aedwtdata2-en.json")), "Kwong-Wah-Hospital")
    assert (kwong["t1_text"], kwong["t1_min"], kwong["t1_managing"]) == (
        "Managing multiple resuscitation cases",
        None,
        None,
    )


def test_the_day_comes_before_the_month_and_the_clock_has_twelve_hours(read: Read, sample: Sample) -> None:
    assert read("ha_waiting", en=sample("ha_aedwtdata2-en.json")).observed_at == datetime(2026, 2, 16, 5, tzinfo=UTC)
    midnight = {"waitTime": [], "updateTime": "16/2/2026 12:30AM"}
    assert read("ha_waiting", en=midnight).observed_at == datetime(2026, 2, 15, 16, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "body",
    [
        "{}",
        "[]",
        '{"waitTime": []}',
        '{"result": {"hospData": []}}',
        '{"waitTime": 1, "updateTime": "1/1/2026 1:00PM"}',
    ],
)
def test_the_replaced_form_and_an_empty_answer_are_not_this_feed(read: Read, body: str) -> None:
    with pytest.raises(NotThisFeed):
        read("ha_waiting", en=body)


# 3.22 water


def test_pipes_separate_and_both_languages_are_kept(read: Read, sample: Sample) -> None:
    notice = by_id(read("wsd_suspensions", all=sample("wsd_WSMS_OPEN_DATA_all.csv")), "WSD-100001")
    assert (notice["district"], notice["state"], notice["nature_zh"]) == ("YL", "suspended", "緊急")
    assert (notice["suspended_at"], notice["resumed_at"]) == (datetime(2026, 9, 18, 6, 30, tzinfo=UTC), None)


def test_a_suspension_is_not_lost_over_the_form_of_its_time(read: Read, sample: Sample) -> None:
    body = sample("wsd_WSMS_OPEN_DATA_all.csv").replace(b"2026-09-18 14:30", b"18-Sep-26")
    reading = read("wsd_suspensions", all=body)
    assert by_id(reading, "WSD-100001")["suspended_at"] is None
    assert "18-Sep-26" in reading.parsed.records[0].remarks[0]


def test_a_row_with_too_few_cells_is_refused(read: Read, sample: Sample) -> None:
    reading = read("wsd_suspensions", all=sample("wsd_WSMS_OPEN_DATA_all.csv") + b"100002|Fresh Water|x\n")
    assert [record.id for record in reading.parsed.records] == ["WSD-100001"]
    assert "cells" in reading.parsed.refusals[0].reason


def test_a_list_with_a_header_only_is_no_suspension(read: Read, sample: Sample) -> None:
    header = sample("wsd_WSMS_OPEN_DATA_all.csv").splitlines()[0]
    assert read("wsd_suspensions", all=header).parsed.records == []
