"""Feeds and people at one record: what an officer did stays; one incident of two feeds is one; names become places."""

from __future__ import annotations

from typing import Any

import pytest
from feed_source import Shop, feed_of, http_date

TARGET = {
    "layer": "incidents",
    "how": "register",
    "absent": {"status": "completed", "completed_at": "at"},
    "first": ["reported_at"],
}
NEWS = feed_of(
    id="stub_news", parser="feed_parsers:reports", target=TARGET, position=None, empty="quiet", department="TD"
)
CALLS = feed_of(
    id="stub_calls", parser="feed_parsers:reports", target=TARGET, position=None, empty="quiet", department="FSD"
)


@pytest.fixture(autouse=True)
def no_incidents(owner: Any) -> None:
    owner.execute("DELETE FROM layer.incidents")


def say(shop: Shop, feed: Any, *lines: str) -> Any:
    at = shop.clock.later(minutes=1)
    shop.source.says("\n".join(lines), Last_Modified=http_date(at))
    return shop.turn(feed)


def told(shop: Shop, ref: str, *columns: str) -> Any:
    return shop.one(f"SELECT {', '.join(columns)} FROM layer.incidents WHERE source_ref = %s", ref)


def test_what_an_officer_changed_stays_and_all_else_follows_the_feed(shop: Shop) -> None:
    say(shop, NEWS, "1|Lane closed|nowhere|")
    shop.owner.execute("UPDATE layer.incidents SET severity = 'severe', title_en = 'By an officer'")
    ended = say(shop, NEWS, "1|Lane closed|nowhere|", "2|Another|nowhere|")
    assert (ended.sums.inserted, ended.sums.updated, ended.sums.unchanged) == (1, 0, 1)
    assert told(shop, "1", "title_en", "source_says") == ("By an officer", [])
    ended = say(shop, NEWS, "1|Lane closed|somewhere|", "2|Another|nowhere|")
    assert (ended.sums.updated, ended.sums.unchanged) == (1, 1)
    assert told(shop, "1", "title_en", "severity", "location_en", "source_says") == (
        "By an officer",
        "severe",
        "somewhere",
        [],
    )


def test_what_others_told_before_the_feed_first_spoke_stays_where_it_leaves_it_out(shop: Shop) -> None:
    shop.owner.execute(
        "INSERT INTO layer.incidents (category, title_en, lanes_closed, department, status, message_status, release,"
        " reported_at, source, source_ref, provenance) VALUES ('traffic', 'By the story', 2, 'TD', 'reported',"
        " 'actual', 'public', '2025-09-23T03:00Z', 'stub_news', '1', 'real')"
    )
    say(shop, NEWS, "1|Lane closed|nowhere|")
    assert told(shop, "1", "title_en", "lanes_closed", "source_says") == ("Lane closed", 2, [])
    say(shop, NEWS, "1|Road closed|nowhere|")
    assert told(shop, "1", "title_en", "lanes_closed", "source_says") == ("Road closed", 2, [])


def test_how_severe_it_is_stays_as_the_story_told_it_where_the_news_does_not_say(shop: Shop) -> None:
    shop.owner.execute(
        "INSERT INTO layer.incidents (category, title_en, severity, major, department, status, message_status, release,"
        " reported_at, source, source_ref, provenance) VALUES ('traffic', 'By the story', 'severe', true, 'TD',"
        " 'reported', 'actual', 'public', '2025-09-23T03:00Z', 'stub_news', '1', 'real')"
    )
    for title in ("Lane closed", "Road closed"):
        say(shop, NEWS, f"1|{title}|nowhere|", "2|Another|nowhere|")
        assert told(shop, "1", "title_en", "severity", "major", "source_says") == (title, "severe", True, [])
        assert told(shop, "2", "severity", "major", "source_says") == ("unknown", False, [])
    shop.owner.execute("UPDATE layer.incidents SET severity = 'minor'")
    say(shop, NEWS, "1|Lane closed|nowhere|", "2|A third|nowhere|")
    for ref in ("1", "2"):
        assert told(shop, ref, "severity", "source_says") == ("minor", [])


def test_what_the_feed_says_otherwise_later_is_listed_until_somebody_says_the_same(shop: Shop) -> None:
    say(shop, NEWS, "1|Lane closed|nowhere|")
    shop.owner.execute("UPDATE layer.incidents SET title_en = 'By an officer'")
    say(shop, NEWS, "1|Road closed|nowhere|")
    assert told(shop, "1", "title_en", "source_says") == ("By an officer", ["title_en: Road closed"])
    say(shop, NEWS, "1|Road closed|somewhere|")
    assert told(shop, "1", "title_en", "location_en", "source_says") == (
        "By an officer",
        "somewhere",
        ["title_en: Road closed"],
    )
    shop.owner.execute("UPDATE layer.incidents SET title_en = 'Road closed'")
    say(shop, NEWS, "1|Road open|somewhere|")
    assert told(shop, "1", "title_en", "source_says") == ("Road open", [])


def test_a_position_that_an_officer_surveyed_is_held_with_all_that_belongs_to_it(shop: Shop) -> None:
    shop.owner.execute(
        "INSERT INTO layer.hospitals (id, name_en, name_zh, geom, provenance)"
        " VALUES ('qe', 'Queen Elizabeth Hospital', '伊利沙伯醫院', 'SRID=4326;POINT(114.175 22.309)', 'real')"
        " ON CONFLICT DO NOTHING"
    )
    say(shop, NEWS, "1|Flooding|nowhere|")
    shop.owner.execute("UPDATE layer.incidents SET geom = 'SRID=4326;POINT(114.2 22.3)', position_method = 'surveyed'")
    say(shop, NEWS, "1|Flooding|outside Queen Elizabeth Hospital|")
    assert told(shop, "1", "ST_AsText(geom)", "position_method", "position_uncertainty_m") == (
        "POINT(114.2 22.3)",
        "surveyed",
        None,
    )
    assert "position_method: geocoded" in told(shop, "1", "source_says", "id")[0]


def test_a_case_that_an_officer_has_in_hand_is_not_ended_by_the_feed(shop: Shop) -> None:
    say(shop, NEWS, "1|Lane closed|nowhere|", "2|Another|nowhere|")
    shop.owner.execute("UPDATE layer.incidents SET status = 'controlled' WHERE source_ref = '1'")
    ended = say(shop, NEWS)
    assert ended.sums.closed == 2
    assert told(shop, "2", "status", "source_says") == ("completed", [])
    status, completed_at, says = told(shop, "1", "status", "completed_at", "source_says")
    assert (status, completed_at, says[0]) == ("controlled", None, "status: completed")


def test_an_incident_was_reported_when_it_was_first_announced(shop: Shop) -> None:
    def announced(minutes: int) -> str:
        return f"1|Lane closed, {minutes}|nowhere||2025-09-23T12:{minutes:02d}:00+08:00"

    for minutes in (1, 9):
        say(shop, NEWS, announced(minutes))
    assert told(shop, "1", "title_en", "reported_at::text") == ("Lane closed, 9", "2025-09-23 04:01:00+00")
    say(shop, NEWS, announced(5))
    assert told(shop, "1", "title_en", "reported_at::text") == ("Lane closed, 9", "2025-09-23 04:01:00+00")


def test_a_number_that_another_feed_told_first_joins_the_two(shop: Shop) -> None:
    say(shop, NEWS, "n1|Lane closed|nowhere|TD:IN-26-1")
    say(shop, CALLS, "c1|Car on fire|nowhere|TD:IN-26-1", "c2|Else|nowhere|")
    repeats = dict(shop.owner.execute("SELECT source_ref, duplicate_of FROM layer.incidents").fetchall())
    assert repeats["c1"] == shop.one("SELECT id FROM layer.incidents WHERE source_ref = 'n1'")
    assert repeats["c2"] is repeats["n1"] is None


def test_two_that_a_person_parted_stay_apart(shop: Shop) -> None:
    say(shop, NEWS, "n2|Lane closed|nowhere|TD:IN-26-2")
    say(shop, CALLS, "c3|Car on fire|nowhere|TD:IN-26-2")
    shop.owner.execute("UPDATE layer.incidents SET duplicate_of = NULL WHERE source_ref = 'c3'")
    say(shop, CALLS, "c3|Car on fire, two lanes|nowhere|TD:IN-26-2")
    found = shop.owner.execute("SELECT title_en, duplicate_of FROM layer.incidents WHERE source_ref = 'c3'").fetchone()
    assert found == ("Car on fire, two lanes", None)


def test_a_report_without_coordinates_is_placed_by_its_words_or_listed_without(shop: Shop) -> None:
    shop.owner.execute(
        "INSERT INTO layer.hospitals (id, name_en, name_zh, geom, provenance)"
        " VALUES ('qe', 'Queen Elizabeth Hospital', '伊利沙伯醫院', 'SRID=4326;POINT(114.175 22.309)', 'real')"
        " ON CONFLICT DO NOTHING"
    )
    say(shop, NEWS, "n3|Flooding|outside Queen Elizabeth Hospital|", "n4|Flooding|somewhere|")
    rows = shop.owner.execute(
        "SELECT source_ref, ST_AsText(geom, 3), position_method, position_uncertainty_m FROM layer.incidents"
    ).fetchall()
    found = {row[0]: row[1:] for row in rows}
    assert found["n3"] == ("POINT(114.175 22.309)", "geocoded", 150.0)
    assert found["n4"] == (None, "none", None)
    assert "placed by name: Queen Elizabeth Hospital" in shop.one("SELECT reason FROM cop.remark WHERE feature = 'n3'")
