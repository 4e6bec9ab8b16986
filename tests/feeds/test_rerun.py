"""Kept payloads: run again in their order, and let go of when their time is over."""

from __future__ import annotations

from datetime import timedelta

from feed_source import NOON, Shop, feed_of, http_date, wind_csv

from cop_ingest.feeds import keeping
from cop_ingest.feeds.rerun import rerun

WIND = feed_of()
BEGIN = NOON.replace(year=2020)


def day(shop: Shop, feed: object = WIND) -> None:
    for minutes, speed in ((0, 50), (10, 60), (20, 70)):
        at = NOON + timedelta(minutes=minutes)
        shop.clock.at = at + timedelta(minutes=9)
        shop.source.says(wind_csv(at, Cheung_Chau=speed), Last_Modified=http_date(shop.clock.at))
        shop.turn(feed)  # type: ignore[arg-type]


def test_a_rerun_of_what_is_loaded_changes_nothing(shop: Shop) -> None:
    day(shop)
    before = shop.one("SELECT n FROM cop.head")
    ended = [one.ended.outcome for one in rerun(shop.workshop, WIND, BEGIN, None)]
    assert ended == ["late", "late", "unchanged"]
    assert shop.one("SELECT n FROM cop.head") == before
    assert shop.one("SELECT count(*) FROM cop.turn WHERE rerun_of IS NOT NULL") == 3


def test_what_a_broken_parser_missed_is_loaded_by_a_rerun_in_order(shop: Shop) -> None:
    day(shop, feed_of(parser="feed_parsers:raises"))
    assert shop.one("SELECT count(*) FROM obs.wind_10min") == 0
    ended = [one.ended for one in rerun(shop.workshop, WIND, BEGIN, None)]
    assert [(one.outcome, one.sums.inserted, one.sums.updated) for one in ended] == [
        ("loaded", 1, 0), ("loaded", 0, 1), ("loaded", 0, 1),
    ]  # fmt: skip
    assert shop.one("SELECT count(*) FROM obs.wind_10min") == 3
    assert shop.one("SELECT mean_kmh FROM layer.wind_10min") == 70.0
    assert not [one for one in rerun(shop.workshop, WIND, BEGIN, None) if one.ended.sums.updated]


def test_payloads_go_when_their_time_is_over_and_the_last_answer_stays(shop: Shop) -> None:
    day(shop)
    shop.owner.execute("UPDATE cop.turn SET started_at = started_at - interval '15 days'")
    shop.owner.execute("UPDATE cop.raw SET kept_at = kept_at - interval '15 days'")
    assert keeping.prune(shop.owner, 14) == (3, 2)
    assert shop.one("SELECT count(*) FROM cop.raw") == 1
    shop.source.says(b"", status=304)
    assert shop.turn(WIND).outcome == "same"
