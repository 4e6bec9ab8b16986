"""One turn of a feed: what it loads, what it refuses, and that nothing that a source does takes the old state away."""

from __future__ import annotations

import re
import time
import zlib
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from feed_source import NOON, Shop, bomb, broken_off, endless, feed_of, http_date, trickle, wind_csv

from cop_ingest.feeds import keeping

WIND = feed_of()


def test_an_answer_is_kept_read_placed_and_loaded_and_its_state_told(shop: Shop) -> None:
    body = wind_csv(NOON - timedelta(minutes=12), Cheung_Chau=50, Nowhere=30)
    shop.source.says(body)
    ended = shop.turn(WIND)
    assert (ended.outcome, ended.sums.seen, ended.sums.inserted) == ("loaded", 2, 2)
    rows = shop.owner.execute(
        "SELECT station_en, mean_kmh, ST_AsText(geom), provenance FROM layer.wind_10min ORDER BY id"
    ).fetchall()
    assert rows == [("Cheung Chau", 50.0, "POINT(114.03 22.2)", "real"), ("Nowhere", 30.0, None, "real")]
    assert (
        shop.one("SELECT reason FROM cop.remark WHERE feature = 'Nowhere'")
        == "no position: Nowhere is not among weather_stations"
    )
    assert shop.health() == ("live", None)
    assert shop.one("SELECT body <> %s AND coding = 'zlib' FROM cop.raw", body.encode())
    assert shop.one("SELECT status, bytes FROM cop.fetch") == (200, len(body))


def test_the_same_bytes_again_change_nothing_and_take_no_number(shop: Shop) -> None:
    shop.source.says(wind_csv(NOON, Cheung_Chau=50), ETag='"1"')
    shop.turn(WIND)
    head = shop.one("SELECT n FROM cop.head")
    shop.clock.later(seconds=20)
    assert shop.turn(WIND).outcome == "same"
    assert shop.source.asked[-1][1]["If-None-Match"] == '"1"'
    assert shop.one("SELECT status FROM cop.fetch ORDER BY turn DESC LIMIT 1") == 304
    assert shop.one("SELECT n FROM cop.head") == head
    assert shop.one("SELECT count(*) FROM cop.raw") == 1


def test_a_time_published_twice_takes_the_newer_answer(shop: Shop) -> None:
    for speed, made in ((50, 1), (51, 2)):
        shop.source.says(wind_csv(NOON, Cheung_Chau=speed), Last_Modified=http_date(NOON + timedelta(minutes=made)))
        shop.clock.later(minutes=5)
        shop.turn(WIND)
    assert shop.one("SELECT mean_kmh FROM layer.wind_10min") == 51.0


def test_an_answer_that_was_made_earlier_never_overwrites(shop: Shop) -> None:
    for speed, made in ((51, 2), (50, 1)):
        shop.source.says(wind_csv(NOON, Cheung_Chau=speed), Last_Modified=http_date(NOON + timedelta(minutes=made)))
        shop.clock.later(minutes=5)
        ended = shop.turn(WIND)
    assert ended.outcome == "late"
    assert shop.one("SELECT mean_kmh FROM layer.wind_10min") == 51.0


def test_one_bad_row_is_refused_with_its_reason_and_the_others_go_in(shop: Shop) -> None:
    shop.source.says(wind_csv(NOON, Cheung_Chau=50) + "209901010000,Sha Tin,East,1,2\n")
    ended = shop.turn(WIND)
    assert (ended.outcome, ended.sums.inserted, ended.sums.refused) == ("loaded", 1, 1)
    assert "after the file was published" in shop.one("SELECT reason FROM cop.remark WHERE kind = 'refused'")
    assert shop.health() == ("live", "1 of 2 records refused")


FAULTS: dict[str, tuple[Any, str]] = {
    "a page of HTML with 200": (lambda s: s.says("<html><body>Service unavailable</body></html>"), "is an HTML page"),
    "an empty body": (lambda s: s.says(""), "no record|is empty|the header|no header"),
    "a header without rows": (lambda s: s.says(wind_csv(NOON)), "silence is no calm"),
    "only rows that cannot be read": (lambda s: s.says(wind_csv(NOON) + "x,y,z,1,2\n"), "no record could be read of 1"),
    "500": (lambda s: s.says("no", status=500), "answers 500"),
    "403": (lambda s: s.says("no", status=403), "answers 403"),
    "404": (lambda s: s.answers.clear(), "answers 404"),
    "a redirect to another host": (lambda s: s.says("", status=302, Location="http://169.254.169.254/"), "redirects to 169.254.169.254"),
    "redirects without end": (lambda s: s.says("", status=302, Location="/stub.invalid/x.csv"), "redirects more than"),
    "a gzip bomb": (lambda s: s.says(bomb(64), Content_Encoding="gzip"), "more than the 1,000,000 bytes allowed"),
    "no gzip though it says so": (lambda s: s.says("plain", Content_Encoding="gzip"), "not packed as it says"),
    "a packing nobody asked for": (lambda s: s.says("x", Content_Encoding="br"), "is packed as 'br'"),
    "gzip that breaks off": (lambda s: s.says(bomb(1)[:200], Content_Encoding="gzip"), "broke off within"),
    "less than was promised": (lambda s: s.fails(broken_off), "stub.invalid"),
    "a byte now and again": (lambda s: s.fails(trickle), "no whole answer within|fell silent"),
    "200 MB": (lambda s: s.fails(endless), "more than the 1,000,000 bytes allowed"),
    "a wrong encoding": (lambda s: s.says(wind_csv(NOON, Cheung_Chau=9).encode("cp500")), "."),
    "nobody there": (lambda s: s.fails(lambda handler: handler.connection.close()), "stub.invalid"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_leaves_the_old_state_is_kept_and_named(shop: Shop, fault: str) -> None:
    shop.source.says(wind_csv(NOON, Cheung_Chau=50))
    shop.turn(WIND)
    before = shop.owner.execute("SELECT * FROM layer.wind_10min").fetchall()
    make, cause = FAULTS[fault]
    make(shop.source)
    shop.clock.later(minutes=1)
    ended = shop.turn(WIND)
    assert ended.outcome == "failed"
    state, told = shop.health()
    assert state == "down"
    assert told == ended.cause
    assert re.search(cause, told), told
    assert shop.owner.execute("SELECT * FROM layer.wind_10min").fetchall() == before
    shop.source.says(wind_csv(NOON + timedelta(minutes=1), Cheung_Chau=52))
    shop.workshop.fetcher.breaker.answered("stub.invalid")
    assert shop.turn(WIND).outcome == "loaded"
    assert shop.health() == ("live", None)


def test_what_cannot_be_read_is_kept_raw(shop: Shop) -> None:
    shop.source.says("<html>")
    shop.turn(WIND)
    assert shop.one("SELECT count(*) FROM cop.raw JOIN cop.fetch USING (hash)") == 1


@pytest.mark.parametrize("fault", ["a gzip bomb", "gzip that breaks off", "less than was promised", "200 MB"])
def test_of_what_is_refused_while_it_comes_the_start_is_kept(shop: Shop, fault: str) -> None:
    make, cause = FAULTS[fault]
    make(shop.source)
    assert shop.turn(WIND).outcome == "failed"
    told, kept, coding = shop.one(
        "SELECT f.cause, r.body, r.coding FROM cop.fetch AS f JOIN cop.raw AS r ON r.hash = f.start_hash WHERE f.hash IS NULL"
    )
    assert re.search(cause, told)
    assert coding == "zlib"
    assert 0 < len(zlib.decompress(kept)) <= 64_000
    assert keeping.turns_between(shop.owner, WIND.id, "actual", NOON.replace(year=2020), None) == [], "no whole answer"
    shop.owner.execute("UPDATE cop.raw SET kept_at = kept_at - interval '9 days'")
    assert keeping.prune(shop.owner, 1) == (0, 0)


def test_500_and_then_good_is_good_at_the_second_attempt(shop: Shop) -> None:
    answers = iter([500, 200])

    def first_not(handler: Any) -> None:
        body = wind_csv(NOON, Cheung_Chau=50).encode()
        handler.send_response(next(answers))
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    shop.source.fails(first_not)
    assert shop.turn(WIND).outcome == "loaded"


@pytest.mark.parametrize(
    ("parser", "cause"),
    [
        ("hangs", "had not ended after 6 s"),
        ("crashes", "process ended"),
        ("eats", "more memory"),
        ("raises", "ZeroDivisionError"),
        ("refuses", "the header is nothing"),
    ],
)
def test_a_parser_that_misbehaves_is_ended_and_named(shop: Shop, parser: str, cause: str) -> None:
    shop.source.says("x")
    began = time.monotonic()
    ended = shop.turn(feed_of(parser=f"feed_parsers:{parser}"))
    assert ended.outcome == "failed"
    assert cause in (ended.cause or "")
    assert time.monotonic() - began < 30
    shop.source.says(wind_csv(NOON, Cheung_Chau=50))
    assert shop.turn(WIND).outcome == "loaded"


def test_a_server_that_asks_to_be_left_alone_is(shop: Shop) -> None:
    shop.source.says("", status=429, Retry_After="600")
    shop.turn(WIND)
    assert shop.one("SELECT due_at > clock_timestamp() + interval '590 s' FROM cop.feed")
    assert len(shop.source.asked) == 1


def test_a_host_that_does_not_answer_is_left_alone_for_a_while(shop: Shop) -> None:
    shop.source.fails(lambda handler: handler.connection.close())
    for _ in range(4):
        shop.turn(WIND)
    asked = len(shop.source.asked)
    assert asked <= 6
    assert "did not answer several times" in shop.health()[1]
    shop.turn(WIND)
    assert len(shop.source.asked) == asked
    # It is asked when the host has rested, and not a cadence later.
    assert shop.one("SELECT due_at < clock_timestamp() + interval '9 s' FROM cop.feed")


def test_a_story_that_goes_faster_does_not_wait_out_the_slower_cadence(shop: Shop) -> None:
    for mode, due in (("exercise", ["stub_wind"]), ("actual", [])):
        keeping.know(shop.owner, ["stub_wind"], mode)  # type: ignore[arg-type]
        assert keeping.due(shop.owner, {"stub_wind": 900.0}, mode) == ["stub_wind"]  # type: ignore[arg-type]
        assert keeping.due(shop.owner, {"stub_wind": 900.0}, mode) == []  # type: ignore[arg-type]
        assert keeping.due(shop.owner, {"stub_wind": 15.0}, mode) == due  # type: ignore[arg-type]


def test_an_old_observation_is_late_and_then_stale_though_the_source_answers(shop: Shop) -> None:
    feed = feed_of(age_of="observation")
    shop.source.says(wind_csv(NOON, Cheung_Chau=50))
    told = []
    for minutes in (1, 3, 12):
        shop.clock.later(minutes=minutes)
        shop.turn(feed)
        told.append(shop.health()[0])
    assert told == ["live", "late", "stale"]


def test_a_turn_whose_feed_was_taken_over_changes_nothing(shop: Shop) -> None:
    shop.source.says(wind_csv(NOON, Cheung_Chau=50))

    def taken_over(handler: Any) -> None:
        shop.owner.execute("UPDATE cop.feed SET token = token + 1")
        body = wind_csv(NOON, Cheung_Chau=50).encode()
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    shop.source.fails(taken_over)
    assert shop.turn(WIND).outcome == "lost"
    assert shop.one("SELECT count(*) FROM layer.wind_10min") == 0
    assert shop.one("SELECT count(*) FROM layer.feeds") == 0


def test_a_simulators_records_are_an_exercise_and_hide_nothing_real(shop: Shop) -> None:
    shop.source.says(wind_csv(NOON, Cheung_Chau=50))
    shop.turn(WIND)
    shop.owner.execute(
        "INSERT INTO layer.feeds (id, title_en, department, state, source, source_ref, message_status, release, provenance)"
        " VALUES ('hko-wind.exercise', 'Story', 'HKO', 'live', 'exercise', 'hko-wind', 'exercise', 'public', 'exercise')"
    )
    exercise = Shop(shop.source, shop.clock, replace(shop.workshop, mode="exercise"), shop.owner)
    shop.source.says(wind_csv(NOON - timedelta(hours=1), Cheung_Chau=90))
    assert exercise.turn(WIND).outcome == "loaded"
    keeping.withdraw_story(shop.owner, [WIND.id])
    told = shop.owner.execute("SELECT id, message_status, provenance FROM layer.feeds ORDER BY id").fetchall()
    assert told == [("stub_wind", "actual", "real"), ("stub_wind.exercise", "exercise", "exercise")]
    # An hour older, and yet the latest of the exercise.
    assert shop.one("SELECT mean_kmh, provenance FROM layer.wind_10min") == (90.0, "exercise")
    shop.source.says(wind_csv(NOON, Cheung_Chau=1))
    exercise.turn(WIND)
    assert shop.one("SELECT mean_kmh FROM obs.wind_10min WHERE provenance = 'real'") == 50.0
