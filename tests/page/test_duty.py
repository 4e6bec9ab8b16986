"""What a duty officer follows: numbers that open their records, what changed since the last look, and the sound."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

Visitor = Callable[..., Any]
HIDE = "Object.defineProperty(document, 'hidden', {configurable: true, get: () => true})"


def number_of(text: str | None) -> int:
    return int((text or "").replace(",", ""))


def test_every_total_opens_just_the_records_that_make_it(visit: Visitor, api: Any) -> None:
    seen = visit("lang=en&theme=light&tab=counts")
    page = seen.page
    expect(page.locator(".total")).to_have_count(4)
    asked = next(given for given in seen.asked("/summary") if "asof" not in given)
    told = api.ask("/summary", **{key: values[0] for key, values in asked.items() if key != "f"})
    assert page.locator("#count-words").inner_text().startswith(told["said"]["en"])
    for total in told["totals"]:
        assert number_of(page.locator(f".total[data-total={total['name']}] dd").text_content()) == total["count"]
    for current in told["current"]:
        part = page.locator(f"details[data-current='{current['collection']}']")
        assert number_of(part.locator("summary .figure").text_content()) == current["count"]
    overdue = next(total for total in told["totals"] if total["name"] == "overdue")
    assert 0 < overdue["count"] <= 200
    page.click(".total[data-total=overdue] a")
    expect(page.locator("#behind h3")).to_have_text(f"The {overdue['count']} behind the number: Overdue")
    expect(page.locator("#incident-list li")).to_have_count(overdue["count"])
    behind = page.request.get(overdue["items"] + "&f=json&limit=1000").json()["features"]
    listed = page.locator("#incident-list .item").evaluate_all("all => all.map((one) => one.dataset.id)")
    assert sorted(listed) == sorted(one["id"] for one in behind)
    placed = sum(one["geometry"] is not None for one in behind)
    expect(page.locator("body")).to_have_attribute("data-rings-behind", str(placed))
    page.click("#close-number")
    expect(page.locator("#behind")).to_be_hidden()
    expect(page.locator("body")).to_have_attribute("data-rings-behind", "0")
    assert seen.errors == []


def test_caveats_stand_where_the_number_stands(visit: Visitor, api: Any) -> None:
    page = visit("lang=zh&theme=dark", drawn=False).page
    told = api.ask("/summary", mode="exercise")
    feeds = next(one["count"] for one in told["current"] if one["collection"] == "feeds")
    expect(page.locator("#caveat summary")).to_contain_text(f"{feeds} 個資料來源")
    page.click("#caveat summary")
    expect(page.locator("#caveat p")).to_have_text(told["caveats"][0]["zh"])


def test_each_state_of_a_feed_has_its_word_shape_and_age(visit: Visitor, api: Any) -> None:
    page = visit("lang=en&theme=light&tab=sources", drawn=False).page
    feeds = api.ask("/collections/feeds/items", mode="exercise", limit="200")["features"]
    entries = page.locator("[data-list=feeds] .entry")
    expect(entries).to_have_count(len(feeds))
    states = {one["properties"]["state"] for one in feeds}
    shapes = {state: page.locator(f".entry[data-feed={state}] .shape").first.text_content() for state in states}
    assert len(set(shapes.values())) == len(states) >= 4
    for state in states:
        expect(page.locator(f".entry[data-feed={state}] .chip").first).to_contain_text(state.capitalize())
    expect(page.locator(".entry[data-feed=live]").first).to_contain_text(re.compile(r"Newest data \d+ (s|min|h) old"))


def test_what_changed_since_the_last_look_is_told_until_it_is_seen(visit: Visitor, owner: Any) -> None:
    changed, gone = owner.incident("News that was known"), owner.incident("News that goes")
    seen = visit()
    page, body, news = seen.page, seen.page.locator("body"), seen.page.locator("#news")
    expect(body).to_have_attribute("data-news", "0")
    expect(news).to_be_hidden()
    page.goto("about:blank")
    new = owner.incident("News that was not there")
    owner.connection.execute("UPDATE layer.incidents SET severity = 'severe' WHERE id = %s", [changed])
    owner.connection.execute("DELETE FROM layer.incidents WHERE id = %s", [gone])
    page.goto(f"{seen.origin}/map?lang=en&theme=light")
    expect(page.locator("#news-words")).to_have_text("Since you last looked: 1 new, 1 changed, 1 gone.")
    expect(body).to_have_attribute("data-rings-news", "2")
    page.click("#news-open")
    for name, word in ((new, "New"), (changed, "Changed"), (gone, "Gone")):
        expect(page.locator(f"#news-list [data-change='incidents/{name}'] .chip")).to_have_text(word)
    expect(page.locator(f"#incident-list .is-news [data-id='{new}'] .chip-news")).to_have_text("New")
    page.click(f"#news-list [data-change='incidents/{new}']")
    expect(page.locator(".record", has_text="News that was not there")).to_be_visible()
    expect(page.locator("#news-words")).to_have_text("Since you last looked: 1 changed, 1 gone.")
    # What comes while the page is open is new too.
    owner.incident("News that came by itself")
    expect(page.locator("#news-words")).to_have_text("Since you last looked: 1 new, 1 changed, 1 gone.")
    page.click("#news-seen")
    expect(news).to_be_hidden()
    expect(body).to_have_attribute("data-rings-news", "0")
    page.reload()
    expect(body).to_have_attribute("data-news", "0")
    kept = page.evaluate("Object.entries(localStorage)")
    assert [key for key, _ in kept] == ["cop.seen.exercise.public."]
    assert all(re.fullmatch(r"\d+", value) for _, value in kept), "a number, and nothing else"
    assert seen.errors == []


def begin_at(page: Page, number: int) -> None:
    """Come back as somebody who saw that state last."""
    page.evaluate("number => localStorage.setItem('cop.seen.exercise.public.', String(number))", number)
    page.reload()


def test_a_last_look_that_nobody_can_go_back_to_is_said(visit: Visitor, owner: Any) -> None:
    page = visit(drawn=False).page
    expect(page.locator("body")).to_have_attribute("data-news", "0")
    begin_at(page, 900_000_000)
    expect(page.locator("#news-words")).to_contain_text("The state that you saw last is not known here any more")
    page.click("#news-seen")
    expect(page.locator("#news")).to_be_hidden()
    # The oldest version of a warning is let go, which touches no picture of another test.
    oldest = owner.connection.execute("SELECT min(seq_to) FROM history.warnings").fetchone()[0]
    assert owner.connection.execute("SELECT cop.prune('warnings', %s)", [oldest]).fetchone()[0] > 0
    begin_at(page, oldest - 1)
    expect(page.locator("#news-words")).to_contain_text("longer ago than changes are kept")
    page.click("#news-seen")
    expect(page.locator("#news")).to_be_hidden()


def test_a_new_major_case_sounds_once_for_who_asked(visit: Visitor, owner: Any) -> None:
    owner.incident("Major before", major=True)
    seen = visit(drawn=False)
    page, body, alarm = seen.page, seen.page.locator("body"), seen.page.locator("#alarm")
    assert body.get_attribute("data-rung") is None
    expect(page.locator("#sound")).to_have_attribute("aria-pressed", "false")
    page.click("#sound")
    expect(page.locator("#sound")).to_have_attribute("aria-pressed", "true")
    expect(body).to_have_attribute("data-alarm", re.compile(r"[1-9]\d*"))
    owner.incident("Not major at all")
    name = owner.incident("Slope down on the houses", major=True)
    expect(body).to_have_attribute("data-rung", "1")
    expect(body).to_have_attribute("data-sound", "running")
    expect(alarm).to_have_attribute("role", "alert")
    expect(alarm).to_contain_text("Slope down on the houses")
    owner.connection.execute("UPDATE layer.incidents SET severity = 'extreme' WHERE id = %s", [name])
    alarm.locator(f"[data-id='{name}']").click()
    expect(page.locator(".record", has_text="Slope down on the houses")).to_be_visible()
    alarm.locator(".close").click()
    expect(alarm).to_be_hidden()
    # A hidden page asks for no picture, but sounds.
    page.evaluate(HIDE)
    owner.incident("Flood in the hidden tab", major=True)
    expect(body).to_have_attribute("data-rung", "2")
    expect(alarm).to_contain_text("Flood in the hidden tab")
    assert "Slope" not in alarm.inner_text(), "each case once"
    page.click("#sound")
    expect(page.locator("#sound")).to_have_attribute("aria-pressed", "false")
    owner.incident("Nobody wants to hear", major=True)
    page.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("#incident-list")).to_contain_text("Nobody wants to hear")
    expect(body).to_have_attribute("data-rung", "2")
    assert seen.errors == []
