"""The page and the stream: what is written appears by itself; without the stream the page asks as before."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

Visitor = Callable[..., Any]
COUNTED = "status <> 'cancelled' AND duplicate_of IS NULL"


def test_what_is_written_appears_by_itself(visit: Visitor, api: Any, owner: Any) -> None:
    seen = visit()
    expect(seen.page.locator("body")).to_have_attribute("data-stream", "live")
    expect(seen.page.locator("#freshness")).to_contain_text("Live")
    before = api.number(COUNTED + api.recent())
    owner.incident("A flood that was not there", major=True)
    # While the stream is there the page asks by itself once a minute only, and the wait is twenty seconds.
    expect(seen.page.locator("#count")).to_have_text(re.compile(rf"^{before + 1:,} "))
    expect(seen.page.locator("#incident-list")).to_contain_text("A flood that was not there")
    assert seen.errors == []
    assert seen.strangers() == []
    assert {tuple(parameters["mode"]) for parameters in seen.asked("/events")} == {("exercise",)}


def test_without_the_stream_the_page_asks_as_before(visit: Visitor, api: Any) -> None:
    seen = visit(drawn=False)
    seen.page.clock.install()
    seen.page.route("**/events?**", lambda route: route.abort())
    seen.page.reload()
    expect(seen.page.locator("body")).to_have_attribute("data-state", "live")
    expect(seen.page.locator("body")).to_have_attribute("data-stream", "polling")
    expect(seen.page.locator("#freshness")).to_contain_text("Not live: asked every 15 s")
    before = api.number(COUNTED + api.recent())
    expect(seen.page.locator("#count")).to_have_text(re.compile(rf"^{before:,} "))
    asked = len(seen.asked("/collections/incidents/items"))
    with seen.page.expect_request(re.compile("/collections/incidents/items")):
        seen.page.clock.fast_forward(17_000)
    assert len(seen.asked("/collections/incidents/items")) > asked


def test_a_broken_stream_is_said_and_goes_on_where_it_broke(visit: Visitor, api: Any, owner: Any, relay: Any) -> None:
    seen = visit(drawn=False, origin=relay.url)
    page, body = seen.page, seen.page.locator("body")
    places = []
    page.on("request", lambda one: places.append(one.headers.get("last-event-id")) if "/events?" in one.url else None)
    expect(body).to_have_attribute("data-link", "live")
    before = api.number(COUNTED + api.recent())
    relay.cut()
    expect(page.locator("#freshness")).to_contain_text("Not live since")
    expect(body).to_have_attribute("data-link", "interrupted")
    owner.incident("A flood while nobody listened")
    relay.mend()
    expect(body).to_have_attribute("data-link", "live")
    expect(page.locator("#count")).to_have_text(re.compile(rf"^{before + 1:,} "))
    expect(page.locator("#incident-list")).to_contain_text("A flood while nobody listened")
    expect(page.locator("#trouble")).to_be_hidden()
    assert places
    assert all(place and re.match(r"\d+(:.+)?$", place) for place in places), "it goes on by the last id that it had"
