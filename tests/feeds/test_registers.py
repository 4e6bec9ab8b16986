"""Feeds of things with a life: what ends by absence, comes back, comes late, or was withdrawn by people."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from feed_source import NOON, Shop, feed_of, http_date

TARGET = {"layer": "warnings", "how": "register", "absent": {"ended_at": "at"}}
FEED = feed_of(id="stub_warnings", parser="feed_parsers:lines", target=TARGET, position=None, empty="quiet")
WL = "WL|WL|2025-09-23T11:00:00+08:00"
WTS = "WTS|WTS|2025-09-23T11:30:00+08:00"


def say(shop: Shop, *lines: str, feed: Any = FEED, made: Any = None) -> Any:
    """One turn of an answer with these warnings, made now unless told."""
    at = shop.clock.later(minutes=1)
    shop.source.says("\n".join(lines), Last_Modified=http_date(made or at))
    return shop.turn(feed)


def warnings(shop: Shop) -> dict[str, Any]:
    rows = shop.owner.execute("SELECT source_ref, ended_at FROM layer.warnings ORDER BY source_ref").fetchall()
    return dict(rows)


def test_a_warning_that_disappears_ends_when_the_answer_without_it_was_made(shop: Shop) -> None:
    say(shop, WL, WTS)
    ended = say(shop, WL)
    assert (ended.outcome, ended.sums.seen, ended.sums.closed) == ("loaded", 1, 1)
    assert warnings(shop) == {"WL": None, "WTS": NOON + timedelta(minutes=2)}
    assert shop.one("SELECT source, message_status, release, department FROM layer.warnings WHERE source_ref = 'WL'") == (
        "stub_warnings", "actual", "public", "HKO",
    )  # fmt: skip


def test_an_answer_that_says_nothing_is_quiet_and_ends_all(shop: Shop) -> None:
    say(shop, WL)
    ended = say(shop)
    assert (ended.outcome, ended.sums.closed) == ("quiet", 1)
    assert warnings(shop) == {"WL": NOON + timedelta(minutes=2)}
    assert shop.health("stub_warnings") == ("quiet", None)
    assert say(shop).sums.closed == 0
    assert warnings(shop) == {"WL": NOON + timedelta(minutes=2)}


def test_quiet_and_down_are_two_things(shop: Shop) -> None:
    say(shop)
    assert shop.health("stub_warnings")[0] == "quiet"
    shop.source.says("", status=503)
    shop.turn(FEED)
    assert shop.health("stub_warnings") == ("down", "en: answers 503 Service Unavailable")


def test_a_page_instead_of_the_feed_ends_no_warning(shop: Shop) -> None:
    say(shop, WL)
    assert say(shop, "<html>").outcome == "failed"
    assert warnings(shop) == {"WL": None}


def test_a_record_that_cannot_be_read_is_not_taken_for_gone(shop: Shop) -> None:
    say(shop, WL, WTS)
    ended = say(shop, WL, "WTS|?")
    assert (ended.sums.refused, ended.sums.closed) == (1, 0)
    assert warnings(shop) == {"WL": None, "WTS": None}


def many(*numbers: int) -> list[str]:
    return [f"W{number:02d}|WL|2025-09-23T11:{number:02d}:00+08:00" for number in numbers]


def in_force(shop: Shop) -> int:
    return sum(ended_at is None for ended_at in warnings(shop).values())


CUT = feed_of(
    id="stub_warnings", parser="feed_parsers:lines", target=TARGET | {"sudden": 0.2}, position=None, empty="quiet"
)


def test_what_a_table_loses_suddenly_stays_until_it_stays_away(shop: Shop) -> None:
    """Cut between two rows it looks whole: nothing in its bytes tells that there was more."""
    say(shop, *many(*range(20)), feed=CUT)
    ended = say(shop, *many(*range(12)), feed=CUT)
    assert (ended.sums.closed, in_force(shop)) == (0, 20)
    assert ended.cause == "8 that are not named any more stay open, for so many at once may have been cut off"
    assert say(shop, *many(*range(20)), feed=CUT).sums.closed == 0
    assert shop.health("stub_warnings") == ("live", None)
    again = [say(shop, *many(*range(12)), feed=CUT).sums.closed for _ in range(17)]
    assert again == [0] * 15 + [8, 0], "after a quarter of an hour of the same bytes they are over"
    assert in_force(shop) == 12


def test_a_few_records_that_end_are_not_doubted(shop: Shop) -> None:
    say(shop, *many(*range(20)), feed=CUT)
    assert say(shop, *many(*range(16)), feed=CUT).sums.closed == 4
    assert say(shop, *many(*range(13)), feed=CUT).sums.closed == 3


def test_a_bad_record_whose_key_can_be_read_keeps_no_other_from_ending(shop: Shop) -> None:
    say(shop, *many(*range(41)))
    ended = say(shop, "W40|?")
    assert ended.outcome == "failed", "nothing could be read"
    ended = say(shop, *many(39), "W40|?")
    assert (ended.sums.closed, in_force(shop)) == (39, 2)


def test_a_bad_record_without_a_key_holds_what_vanished_with_it_and_nothing_that_goes_later(shop: Shop) -> None:
    say(shop, *many(*range(10)))
    ended = say(shop, *many(*range(8)), "nonsense")
    assert (ended.sums.closed, in_force(shop)) == (0, 10)
    assert ended.cause == "1 of 9 records refused; 2 that are not named any more stay open, for they may be among them"
    ended = say(shop, *many(*range(3)), "nonsense")
    assert (ended.sums.closed, in_force(shop)) == (5, 5)
    ended = say(shop, *many(*range(3), 9))
    assert (ended.sums.closed, in_force(shop)) == (1, 4)


def test_a_bad_record_holds_forty_for_a_quarter_of_an_hour_and_then_one(shop: Shop) -> None:
    say(shop, *many(*range(41)))
    assert (say(shop, *many(0), "nonsense").sums.closed, in_force(shop)) == (0, 41)
    shop.clock.later(minutes=13)
    assert (say(shop, *many(0), "nonsense, still").sums.closed, in_force(shop)) == (0, 41)
    assert (say(shop, *many(0), "nonsense again").sums.closed, in_force(shop)) == (39, 2)
    assert warnings(shop)["W40"] is None, "the newest is held"
    shop.clock.later(minutes=60)
    assert (say(shop, *many(0), "nonsense as ever").sums.closed, in_force(shop)) == (0, 2)


def test_what_is_waited_for_and_named_again_is_as_it_was(shop: Shop) -> None:
    say(shop, *many(0, 1))
    say(shop, *many(0), "nonsense")
    say(shop, *many(0, 1))
    head = shop.one("SELECT n FROM cop.head")
    shop.clock.later(minutes=20)
    assert say(shop, *many(0), "nonsense").sums.closed == 0
    assert shop.one("SELECT count(*) FROM cop.journal WHERE n > %s AND layer = 'warnings'", head) == 0


def test_a_warning_that_comes_back_is_in_force_again(shop: Shop) -> None:
    for lines in ((WL,), (), (WL,)):
        say(shop, *lines)
    assert warnings(shop) == {"WL": None}
    assert shop.one("SELECT count(*) FROM layer.warnings") == 1


def test_a_late_answer_neither_reopens_nor_overwrites_nor_ends(shop: Shop) -> None:
    say(shop, WL, WTS)
    say(shop, WL)
    ended = say(shop, WTS.replace("|WTS|", "|OLD|"), made=NOON + timedelta(seconds=70))
    assert (ended.outcome, ended.sums.updated, ended.sums.closed, ended.sums.unchanged) == ("late", 0, 0, 1)
    assert warnings(shop) == {"WL": None, "WTS": NOON + timedelta(minutes=2)}
    assert shop.one("SELECT code FROM layer.warnings WHERE source_ref = 'WTS'") == "WTS"


def test_what_only_a_late_answer_knew_is_listed_as_ended(shop: Shop) -> None:
    say(shop, WL)
    say(shop, WL, WTS, made=NOON + timedelta(seconds=30))
    assert warnings(shop) == {"WL": None, "WTS": NOON + timedelta(minutes=1)}


def test_what_people_have_withdrawn_is_not_brought_again(shop: Shop) -> None:
    say(shop, WL, WTS)
    shop.owner.execute("DELETE FROM layer.warnings WHERE source_ref = 'WL'")
    say(shop, WL, WTS.replace("|WTS|", "|NEW|"))
    assert list(warnings(shop)) == ["WTS"]
    assert shop.one("SELECT code FROM layer.warnings") == "NEW"


def test_the_same_key_twice_in_an_answer_counts_once(shop: Shop) -> None:
    ended = say(shop, WL, WL.replace("|WL|", "|NEW|"))
    assert (ended.sums.seen, ended.sums.inserted, ended.sums.refused) == (2, 1, 1)
    assert shop.one("SELECT code FROM layer.warnings") == "NEW"
    assert (
        shop.one("SELECT reason FROM cop.remark WHERE kind = 'refused'")
        == "stands again under the same key, as number 2"
    )


def test_a_stand_in_is_asked_only_while_the_main_feed_is_away(shop: Shop) -> None:
    feed = FEED.model_copy(update={"id": "stub_standin", "fallback_of": "stub_warnings"})
    shop.turn(feed)
    assert not shop.source.asked
    say(shop, WL)
    shop.source.says("", status=500)
    shop.turn(FEED)
    shop.source.says(WL)
    assert shop.turn(feed).outcome == "loaded"
    shop.turn(FEED)
    assert shop.turn(feed).sums.closed == 1
    assert shop.health("stub_standin") == ("quiet", "used only while stub_warnings is away")
    rows = shop.owner.execute("SELECT source, ended_at IS NULL FROM layer.warnings ORDER BY source").fetchall()
    assert rows == [("stub_standin", False), ("stub_warnings", True)]


def test_more_than_a_batch_is_loaded_and_closed_whole(shop: Shop) -> None:
    all_of_them = [f"W{number}|WL|2025-09-23T11:00:00+08:00" for number in range(250)]
    assert say(shop, *all_of_them).sums.inserted == 250
    assert say(shop, *all_of_them[:120]).sums.closed == 130


def test_sums_agree_and_reasons_are_told(shop: Shop) -> None:
    from cop_ingest.feeds import keeping

    say(shop, WL, "nonsense")
    say(shop, WTS)
    say(shop, "<html>")
    lines = keeping.report(shop.owner, FEED.id, "actual", NOON.replace(year=2020))
    assert {line.outcome: (line.turns, line.seen, line.wrong) for line in lines} == {
        "loaded": (2, 3, 0),
        "failed": (1, 0, 0),
    }
    reasons = keeping.reasons(shop.owner, FEED.id, "actual", NOON.replace(year=2020), of="reasons")
    assert reasons == [("wanted key|code|time", 1, "nonsense")]
    shop.owner.execute("UPDATE cop.turn SET updated = updated + 1 WHERE outcome = 'loaded'")
    assert sum(line.wrong for line in keeping.report(shop.owner, FEED.id, "actual", NOON.replace(year=2020))) == 2


def test_thousands_of_refusals_are_counted_and_told_in_few_words(shop: Shop) -> None:
    ended = say(shop, WL, *(["nonsense"] * 3000))
    assert (ended.sums.seen, ended.sums.refused) == (3001, 3000)
    assert shop.one("SELECT count(*) FROM cop.remark") == 101
    assert (
        shop.one("SELECT reason FROM cop.remark ORDER BY ordinal DESC LIMIT 1")
        == "wanted key|code|time (and so 2,900 in all)"
    )


def test_of_many_records_only_those_that_differ_are_written(shop: Shop) -> None:
    lines = [f"W{number}|WL|2025-09-23T11:00:00+08:00" for number in range(250)]
    say(shop, *lines)
    head = shop.one("SELECT n FROM cop.head")
    ended = say(shop, lines[0].replace("|WL|", "|NEW|"), *lines[1:249])
    assert (ended.sums.seen, ended.sums.updated, ended.sums.unchanged, ended.sums.closed) == (249, 1, 248, 1)
    assert shop.one("SELECT count(*) FROM cop.run WHERE turn = (SELECT max(id) FROM cop.turn)") == 2
    assert shop.one("SELECT count(*) FROM cop.journal WHERE n > %s AND layer = 'warnings'", head) == 2
    assert shop.one("SELECT count(*) FROM layer.warnings WHERE ended_at IS NULL") == 249
