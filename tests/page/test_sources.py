"""The real-time sources on the page: the state and age of each, beside what it feeds, and whose data they are."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from cop.catalogue import catalogue
from cop_ingest.feeds.declared import feeds

Visitor = Callable[..., Any]


@pytest.fixture
def restored(owner: Any) -> Iterator[Any]:
    """The owner, whose words on feeds are taken back."""
    before = owner.connection.execute("SELECT id, state, cause, fresh_at FROM layer.feeds").fetchall()
    yield owner
    owner.connection.execute("DELETE FROM layer.feeds WHERE source = 'test-page'")
    for id_, *told in before:
        owner.connection.execute(
            "UPDATE layer.feeds SET state = %s, cause = %s, fresh_at = %s WHERE id = %s", [*told, id_]
        )


def says(owner: Any, feed: str, state: str, cause: str | None) -> None:
    owner.connection.execute(
        "UPDATE layer.feeds SET state = %s, cause = %s, fresh_at = fresh_at - interval '3 hours' WHERE id = %s",
        [state, cause, f"{feed}.exercise"],
    )


def test_a_layer_says_by_itself_that_its_source_went_down(visit: Visitor, restored: Any) -> None:
    seen = visit("lang=en&theme=light&layers=rainfall_hourly&groups=weather")
    page = seen.page
    page.click("#layers > summary")
    row = page.locator("[data-layer=rainfall_hourly]")
    age = row.locator(".fresh")
    expect(age).to_have_attribute("data-state", "live")
    expect(age).to_contain_text(re.compile(r"●Live.*Newest data \d+ (s|min) old"))
    expect(row.locator("input[type=checkbox]")).to_have_accessible_description(re.compile("Live.*Newest data"))
    expect(page.locator("#map-notice")).to_be_hidden()
    assert page.locator("[data-layer=weather_stations] .fresh").count() == 0, "no source feeds a list of stations"
    says(restored, "hko_hourly_rainfall", "down", "the source answers 503")
    expect(age).to_have_attribute("data-state", "down")
    expect(age).to_contain_text(re.compile(r"✕Down.*Newest data \d+ (min|h) old"))
    expect(page.locator("#map-notice")).to_have_text(
        "No longer up to date on the map: Rainfall in the past hour by station"
    )
    says(restored, "hko_hourly_rainfall", "quiet", None)
    expect(age).to_contain_text("○QuietAnswers, and has nothing to say")
    expect(page.locator("#map-notice")).to_be_hidden()
    assert seen.errors == []


def test_the_panel_tells_cause_layers_licence_and_attribution(visit: Visitor, api: Any, restored: Any) -> None:
    says(restored, "hko_wind_10min", "stale", "One file of two is late")
    seen = visit("lang=zh&theme=dark&tab=sources", drawn=False)
    page = seen.page
    entry = page.locator("[data-feed-id=hko_wind_10min]")
    expect(entry.locator(".chip")).to_have_text("▲過時")
    expect(entry).to_contain_text("原因：One file of two is late")
    expect(entry).to_contain_text(catalogue().layers["wind_10min"].title.zh)
    known = {
        one["id"].removesuffix(".exercise") for one in api.ask("/collections/feeds/items", limit="200")["features"]
    }
    for feed in (feeds()[name] for name in known & set(feeds())):
        one = page.locator(f"[data-feed-id={feed.id}]")
        expect(one).to_contain_text(feed.attribution.zh)
        expect(one.locator("a")).to_have_attribute("href", re.compile("^https://"))
    states = page.locator("[data-list=feeds] .entry").evaluate_all("all => all.map((one) => one.dataset.feed)")
    assert states == sorted(states, key=["down", "stale", "late", "live", "quiet"].index), "the worst first"
    page.keyboard.press("Tab")
    assert seen.errors == []


def test_ages_go_on_without_a_question(visit: Visitor, restored: Any) -> None:
    restored.connection.execute(
        "INSERT INTO layer.feeds (title_en, department, state, fresh_at, source, source_ref, message_status, release)"
        " VALUES ('Stations', 'HKO', 'live', now() - interval '40 seconds', 'test-page', 'hko_wind_10min', 'actual', 'public')"
    )
    seen = visit("lang=en&theme=light&mode=actual&tab=sources", drawn=False)
    age = seen.page.locator("[data-age-of=hko_wind_10min]")
    expect(age).to_contain_text(re.compile(r"Newest data [45]\d s old"))
    expect(seen.page.locator("body")).to_have_attribute("data-stream", "live")
    seen.page.route("**/collections/feeds/items?**", lambda route: route.abort())
    first = age.text_content()
    expect(age).not_to_have_text(first)
    expect(age).to_contain_text("Newest data")


def test_the_map_names_whose_data_it_shows(visit: Visitor) -> None:
    page = visit("lang=en&theme=light&layers=aqhi,ae_waiting_times", drawn=False).page
    for name in ("aqhi", "ae_waiting_times"):
        [feed] = [feeds()[one] for one in catalogue().layers[name].feeds]
        expect(page.locator("#attribution")).to_contain_text(feed.attribution.en)
