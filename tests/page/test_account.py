"""Signing in on the page: one click into the exercise, what is seen then, and out again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

Visitor = Callable[..., Any]
ITEMS = "/collections/incidents/items"
COUNTED = "status <> 'cancelled' AND duplicate_of IS NULL"


def enter(page: Page, department: str, role: str = "reporter") -> None:
    """Enter the exercise by one click."""
    # The sheet offers what the server does, which is known when the mode is.
    page.wait_for_selector("body[data-mode=exercise]")
    page.click("#account")
    page.locator("#sheet select").select_option(role)
    page.click(f"#sheet [data-department='{department}']")
    expect(page.locator("#sheet")).to_be_hidden()
    expect(page.locator("#account")).to_contain_text(department)


@pytest.fixture
def insider(api: Any) -> Iterator[httpx.Client]:
    """A reporter of DSD beside the page, for comparison."""
    with httpx.Client(base_url=api.origin, timeout=60) as client:
        client.post("/session", json={"role": "reporter", "department": "DSD"}).raise_for_status()
        yield client


def seen_by(client: httpx.Client, cql2: str, mode: str = "exercise") -> int:
    given = {"f": "json", "mode": mode, "limit": 1, "filter": cql2, "filter-lang": "cql2-text"}
    return int(client.get(ITEMS, params=given).json()["numberMatched"])


def shows(page: Page, number: int) -> None:
    expect(page.locator("#count")).to_have_text(re.compile(rf"^{number:,} "))


def test_who_enters_the_exercise_sees_what_that_role_sees(visit: Visitor, api: Any, insider: httpx.Client) -> None:
    seen = visit("lang=en&theme=light&period=all&layers=requests")
    page = seen.page
    public, inside = api.number(COUNTED), seen_by(insider, COUNTED)
    assert inside > public, "the exercise has records that the public does not see"
    shows(page, public)
    expect(page.locator("#report")).to_be_hidden()
    before = len(seen.asked("/tiles/WebMercatorQuad"))
    with page.expect_response(re.compile("/collections/incidents/tiles/")) as answered:
        enter(page, "DSD")
    assert answered.value.headers["cache-control"] == "private, no-cache"
    shows(page, inside)
    expect(page.locator("body")).to_have_attribute("data-ready", "true")
    assert len(seen.asked("/tiles/WebMercatorQuad")) > before
    expect(page.locator("#report")).to_be_visible()
    page.reload()
    shows(page, inside)
    page.click("#account")
    page.click("#sign-out")
    expect(page.locator("#account")).to_have_text("Sign in")
    shows(page, public)
    assert seen.errors == []


def test_a_past_picture_is_read_anew_too(visit: Visitor, api: Any, insider: httpx.Client) -> None:
    """Answers of the past may be kept for ever, but not for somebody else."""
    page = visit(f"lang=en&theme=light&period=all&asof={api.now():%Y-%m-%dT%H:%M:%SZ}").page
    shows(page, api.number(COUNTED))
    with page.expect_response(re.compile("/collections/incidents/tiles/")) as answered:
        enter(page, "DSD")
    assert answered.value.headers["cache-control"] == "private, no-cache"
    shows(page, seen_by(insider, COUNTED))


def test_an_exercise_session_says_that_it_does_not_count_elsewhere(visit: Visitor, api: Any) -> None:
    page = visit("lang=en&theme=light&period=all").page
    enter(page, "DSD")
    page.select_option("#mode", "actual")
    expect(page.locator("#account-notice")).to_contain_text("counts for Exercise records only")
    expect(page.locator("#report")).to_be_hidden()
    shows(page, api.number(COUNTED, "actual"))
    page.select_option("#mode", "exercise")
    expect(page.locator("#account-notice")).to_be_hidden()


def test_a_session_that_ended_is_said_and_the_page_goes_on(visit: Visitor, api: Any) -> None:
    seen = visit("lang=en&theme=light&period=all")
    page = seen.page
    enter(page, "DSD")
    context = page.context
    cookie = next(one for one in context.cookies() if one["name"] == "cop_session")
    context.add_cookies([{**cookie, "value": "spoilt"}])
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("#done")).to_contain_text("Your session has ended")
    expect(page.locator("#account")).to_have_text("Sign in")
    shows(page, api.number(COUNTED))
    assert seen.errors == []


def test_a_wrong_key_is_refused_in_words_and_is_kept_nowhere(visit: Visitor) -> None:
    page = visit("lang=en&theme=light").page
    page.click("#account")
    page.click("#sheet summary")
    page.fill("#sheet input[type=password]", "cop_wrong")
    page.press("#sheet input[type=password]", "Enter")
    expect(page.locator("#sheet .form-trouble:visible")).to_contain_text("Not recognised: the API key is not valid")
    stored = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
    assert "cop_" not in stored


def test_the_sheet_goes_by_keyboard_and_fits_a_telephone(visit: Visitor, tmp_path: Path) -> None:
    seen = visit("lang=zh&theme=dark", size={"width": 390, "height": 844})
    page = seen.page
    page.focus("#account")
    page.keyboard.press("Enter")
    expect(page.locator("#sheet")).to_be_focused()
    page.screenshot(path=tmp_path / "sheet.png")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.keyboard.press("Escape")
    expect(page.locator("#sheet")).to_be_hidden()
    assert page.evaluate("document.activeElement.id") == "account"
    enter(page, "FSD")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert seen.errors == []
