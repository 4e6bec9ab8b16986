"""Feeds and people at one record: what an officer did stays; one incident of two feeds is one; names become places."""

from __future__ import annotations

from typing import Any

from feed_source import Shop, feed_of, http_date

TARGET = {"layer": "incidents", "how": "register"}
NEWS = feed_of(
    id="stub_news", parser="feed_parsers:reports", target=TARGET, position=None, empty="quiet", department="TD"
)
CALLS = feed_of(
    id="stub_calls", parser="feed_parsers:reports", target=TARGET, position=None, empty="quiet", department="FSD"
)


def say(shop: Shop, feed: Any, *lines: str) -> Any:
    at = shop.clock.later(minutes=1)
    shop.source.says("\n".join(lines), Last_Modified=http_date(at))
    return shop.turn(feed)


def test_what_an_officer_changed_stays_until_the_feed_says_another_thing(shop: Shop) -> None:
    say(shop, NEWS, "1|Lane closed|nowhere|")
    shop.owner.execute("UPDATE layer.incidents SET status = 'controlled', title_en = 'By an officer'")
    ended = say(shop, NEWS, "1|Lane closed|nowhere|", "2|Another|nowhere|")
    assert (ended.sums.inserted, ended.sums.updated, ended.sums.unchanged) == (1, 0, 1)
    assert shop.one("SELECT title_en FROM layer.incidents WHERE source_ref = '1'") == "By an officer"
    ended = say(shop, NEWS, "1|Road closed|nowhere|", "2|Another|nowhere|")
    assert (ended.sums.updated, ended.sums.unchanged) == (1, 1)
    assert shop.one("SELECT title_en FROM layer.incidents WHERE source_ref = '1'") == "Road closed"


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
    )
    say(shop, NEWS, "n3|Flooding|outside Queen Elizabeth Hospital|", "n4|Flooding|somewhere|")
    rows = shop.owner.execute(
        "SELECT source_ref, ST_AsText(geom, 3), position_method, position_uncertainty_m FROM layer.incidents"
    ).fetchall()
    found = {row[0]: row[1:] for row in rows}
    assert found["n3"] == ("POINT(114.175 22.309)", "geocoded", 150.0)
    assert found["n4"] == (None, "none", None)
    assert "placed by name: Queen Elizabeth Hospital" in shop.one("SELECT reason FROM cop.remark WHERE feature = 'n3'")
