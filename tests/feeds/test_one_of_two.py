"""The traffic news in its two versions: one speaks, and no incident is ever shown twice or lost when they change places."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from feed_source import Shop, http_date

from cop_ingest.feeds.declared import feeds

V1, V2 = feeds()["td_news_v1"], feeds()["td_news_v2"]
V1_AT, V2_AT = (
    "/resource.data.one.gov.hk/td/en/specialtrafficnews.xml",
    "/www.td.gov.hk/en/special_news/trafficnews.xml",
)
ROOT = '<?xml version="1.0" encoding="UTF-8"?><{0}>{1}</{0}>'


def v2(shop: Shop, *news: tuple[str, str]) -> None:
    """The second version says these: number at TD and place, announced now."""
    at = f"{shop.clock.now() + timedelta(hours=8):%Y-%m-%dT%H:%M:%S}"
    shop.source.says(
        ROOT.format("list", "".join(
            f"<message><INCIDENT_NUMBER>{number}</INCIDENT_NUMBER><INCIDENT_HEADING_EN>Road Incident</INCIDENT_HEADING_EN>"
            f"<LOCATION_EN>{place}</LOCATION_EN><ANNOUNCEMENT_DATE>{at}</ANNOUNCEMENT_DATE>"
            "<INCIDENT_STATUS_EN>UPDATED</INCIDENT_STATUS_EN><ID>1</ID><LATITUDE>22.3</LATITUDE><LONGITUDE>114.17</LONGITUDE>"
            f"<CONTENT_EN>{place} is closed.</CONTENT_EN></message>"
            for number, place in news)),
        V2_AT, Last_Modified=http_date(shop.clock.now()),
    )  # fmt: skip


def v1(shop: Shop, *news: tuple[str, str, str]) -> None:
    """The first version says these: its own number, the incident's number or nothing, and place; stamped now."""
    at = f"{shop.clock.now() + timedelta(hours=8):%Y/%-m/%-d 上午 %I:%M:%S}".replace("上午", "下午")
    shop.source.says(
        ROOT.format("body", "".join(
            f"<message><msgID>{own}</msgID><CurrentStatus>2</CurrentStatus><EngText>{place} is closed.</EngText>"
            f"<ReferenceDate> {at}</ReferenceDate><IncidentRefNo>{number}</IncidentRefNo></message>"
            for own, number, place in news)),
        V1_AT, Last_Modified=http_date(shop.clock.now()),
    )  # fmt: skip


def both(shop: Shop) -> tuple[str, str]:
    """A minute later, both are due: how their turns ended. The stand-in is handed out first, as it may be."""
    shop.clock.later(minutes=1)
    return shop.turn(V1).outcome, shop.turn(V2).outcome


def active(shop: Shop) -> dict[str, str]:
    """What the picture counts: number at the source and source of each active incident that repeats no other."""
    return dict(shop.owner.execute(
        "SELECT source_ref, source FROM layer.incidents WHERE status = 'responding' AND duplicate_of IS NULL"
    ).fetchall())  # fmt: skip


@pytest.fixture(autouse=True)
def no_incidents(owner: Any) -> None:
    owner.execute("DELETE FROM layer.incidents")


def test_the_main_feed_is_asked_first_and_the_stand_in_only_when_it_was_found_down(shop: Shop) -> None:
    v1(shop, ("1", "IN-1", "Nathan Road"))
    assert shop.turn(V1).cause == "waits until td_news_v2 has been asked"
    assert shop.source.asked == []
    shop.turn(V2)
    assert shop.turn(V1).outcome == "loaded"
    assert active(shop) == {"1": "td_news_v1"}


def test_yesterdays_word_on_the_main_feed_does_not_count_today(shop: Shop) -> None:
    v1(shop, ("1", "IN-1", "Nathan Road"))
    shop.turn(V2)
    shop.owner.execute("UPDATE cop.turn SET finished_at = finished_at - interval '1 day'")
    shop.owner.execute("UPDATE cop.feed SET due_at = clock_timestamp()")
    assert shop.turn(V1).cause == "waits until td_news_v2 has been asked"
    assert active(shop) == {}


def test_one_speaks_and_the_counts_are_right_at_each_moment(shop: Shop) -> None:
    v2(shop, ("IN-1", "Nathan Road"), ("IN-2", "Castle Peak Road"), ("IN-3", "Tai Po Road"))
    shop.turn(V2)
    assert both(shop) == ("quiet", "same")
    assert active(shop) == dict.fromkeys(("IN-1", "IN-2", "IN-3"), "td_news_v2")
    ids = dict(shop.owner.execute("SELECT title_en, id FROM layer.incidents").fetchall())

    shop.source.says("", V2_AT, status=503)
    both(shop)
    assert len(active(shop)) == 3, "down is not zero"

    # The first version says IN-1 with its number, IN-2 without, IN-3 no more, and one that is new.
    v1(shop, ("11", "IN-1", "Nathan Road"), ("12", "", "Castle Peak Road"), ("13", "IN-4", "Lung Cheung Road"))
    assert both(shop)[0] == "loaded"
    assert active(shop) == dict.fromkeys(("11", "12", "13"), "td_news_v1")
    kept = shop.one("SELECT id, ST_AsText(geom), road_name_en FROM layer.incidents WHERE source_ref = '11'")
    assert kept == (ids["Road Incident: Nathan Road"], "POINT(114.17 22.3)", "Nathan Road")

    # The second is back, with the news of before and the new one: at once, and though its first answer is an old one's bytes.
    v2(shop, ("IN-1", "Nathan Road"), ("IN-2", "Castle Peak Road"), ("IN-4", "Lung Cheung Road"))
    shop.clock.later(minutes=1)
    shop.turn(V2)
    assert active(shop) == dict.fromkeys(("IN-1", "IN-2", "IN-4"), "td_news_v2")
    assert shop.turn(V1).sums.closed == 0
    found = dict(shop.owner.execute("SELECT source_ref, id FROM layer.incidents").fetchall())
    assert {name: found[name] for name in ("IN-1", "IN-2")} == {
        "IN-1": ids["Road Incident: Nathan Road"],
        "IN-2": ids["Road Incident: Castle Peak Road"],
    }
    assert both(shop) == ("quiet", "same")
    assert len(active(shop)) == 3


def test_the_same_bytes_after_the_stand_in_spoke_are_read_again(shop: Shop) -> None:
    v2(shop, ("IN-1", "Nathan Road"), ("IN-2", "Castle Peak Road"))
    shop.turn(V2)
    answer = shop.source.answers[V2_AT]
    shop.source.says("", V2_AT, status=503)
    both(shop)
    v1(shop, ("11", "", "Castle Peak Road"))
    both(shop)
    assert active(shop) == {"11": "td_news_v1"}
    shop.source.answers[V2_AT] = answer
    both(shop)
    assert active(shop) == dict.fromkeys(("IN-1", "IN-2"), "td_news_v2")


def test_a_stand_in_that_knows_nothing_newer_takes_nothing_away(shop: Shop) -> None:
    v1(shop, ("36839", "", "Cheung Wing Road"))
    shop.clock.later(minutes=10)
    v2(shop, ("IN-1", "Nathan Road"))
    shop.turn(V2)
    shop.source.says("", V2_AT, status=503)
    both(shop)
    shop.clock.later(minutes=1)
    assert shop.turn(V1).cause == "tells nothing newer than td_news_v2, whose last word stays"
    v1(shop)
    shop.clock.later(minutes=1)
    assert shop.turn(V1).outcome == "unchanged"
    assert active(shop) == {"IN-1": "td_news_v2"}


def test_what_people_have_withdrawn_comes_back_by_neither(shop: Shop) -> None:
    v2(shop, ("IN-1", "Nathan Road"))
    shop.turn(V2)
    shop.source.says("", V2_AT, status=503)
    both(shop)
    v1(shop, ("11", "IN-1", "Nathan Road"))
    both(shop)
    shop.owner.execute("DELETE FROM layer.incidents")
    v1(shop, ("11", "IN-1", "Nathan Road, both ways"))
    both(shop)
    v2(shop, ("IN-1", "Nathan Road"))
    both(shop)
    assert active(shop) == {}
