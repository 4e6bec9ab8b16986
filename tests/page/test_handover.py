"""Requests in the inbox, and the handover of a shift: each compared with what the API keeps."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

Visitor = Callable[..., Any]
REQUESTS = "/collections/requests/items"
NOTES = "/collections/handover-notes/items"
JSON = {"Content-Type": "application/geo+json"}
EXERCISE = {"mode": "exercise"}


@pytest.fixture
def officer(api: Any) -> Iterator[Callable[[str], httpx.Client]]:
    """Reporters of departments, who work by the API."""
    made: list[httpx.Client] = []

    def of(department: str) -> httpx.Client:
        client = httpx.Client(base_url=api.origin, timeout=60, params=EXERCISE)
        made.append(client)
        client.headers["COP-CSRF"] = client.post(
            "/session", json={"role": "reporter", "department": department}
        ).json()["csrf"]
        return client

    yield of
    for client in made:
        client.close()


def created(by: httpx.Client, path: str, **properties: Any) -> str:
    answer = by.post(path, json={"type": "Feature", "geometry": None, "properties": properties}, headers=JSON)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def kept(by: httpx.Client, path: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = by.get(f"{path}/{name}", params={**EXERCISE, "f": "json"}).json()["properties"]
    return found


def enter(page: Page, department: str, role: str = "reporter") -> None:
    # The sheet offers what the server does, which is known when the mode is.
    page.wait_for_selector("body[data-mode=exercise]")
    page.click("#account")
    page.locator("#sheet select").select_option(role)
    page.click(f"#sheet [data-department='{department}']")
    expect(page.locator("#account")).to_contain_text(department)


def waiting(page: Page) -> int:
    words = page.locator("#inbox")
    expect(words).to_have_text(re.compile(r"Inbox \d+"))
    return int(words.inner_text().split()[-1])


def test_the_inbox_shows_what_waits_and_answers_it(visit: Visitor, officer: Callable[..., Any], api: Any) -> None:
    asking, asked = officer("HyD"), officer("LCSD")
    now = api.now().isoformat()
    where = created(
        asking, "/collections/incidents/items", category="fallen_tree", title_en="Tree on Nathan Road", reported_at=now
    )
    seen = visit("lang=en&theme=light", drawn=False)
    page = seen.page
    expect(page.locator("#inbox")).to_be_hidden()
    expect(page.locator("#tab-inbox")).to_be_hidden()
    enter(page, "LCSD")
    before = waiting(page)
    late = created(asking, REQUESTS, incident=where, to_department="LCSD", kind="ask", text_en="Please cut it up",
                   due_at="2025-09-23T01:00:00Z")  # fmt: skip
    # It comes by itself, and is counted in the header.
    expect(page.locator("#inbox")).to_have_text(f"Inbox {before + 1}")
    page.click("#inbox")
    expect(page.locator("#tab-inbox")).to_have_attribute("aria-selected", "true")
    first = page.locator("[data-inbox=to-us] .entry").first
    expect(first).to_have_attribute("data-id", late)
    expect(first.locator(".chip")).to_have_text("Overdue")
    first.locator("[data-deed=acknowledge]").click()
    expect(page.locator("#inbox")).to_have_text(f"Inbox {before}")
    entry = page.locator(f"[data-inbox=to-us] [data-id='{late}']")
    entry.locator("summary").click()
    expect(entry.locator(".versions li ul li").first).to_contain_text("Acknowledged")
    entry.locator("summary").click()
    entry.locator("input").fill("Crew on its way")
    written: list[int] = []

    def meanwhile(route: Route) -> None:
        """Just before the first answer comes in, the asking department changes when it is due."""
        if route.request.method == "PATCH" and not written:
            tag = asking.get(f"{REQUESTS}/{late}", params={**EXERCISE, "f": "json"}).headers["etag"]
            changed = {"type": "Feature", "properties": {"due_at": "2025-09-23T01:30:00Z"}}
            done = asking.patch(
                f"{REQUESTS}/{late}", json=changed, params=EXERCISE,
                headers={"Content-Type": "application/merge-patch+json", "If-Match": tag},
            )  # fmt: skip
            written.append(done.status_code)
        route.continue_()

    page.route(f"**{REQUESTS}/{late}*", meanwhile)
    entry.locator("[data-deed=answer]").click()
    expect(entry).to_have_count(0)
    assert written in ([200], [204])
    told = kept(asked, REQUESTS, late)
    assert told["answer"] == "Crew on its way"
    assert told["acknowledged_by_role"] == "reporter"
    assert told["acknowledged_at"]
    mine = created(asked, REQUESTS, incident=where, to_department="HyD", kind="inform", text_en="Road is clear")
    sent = page.locator(f"[data-inbox=from-us] [data-id='{mine}']")
    expect(sent).to_contain_text("Road is clear")
    sent.locator(f"[data-incident='{where}']").click()
    expect(page.locator(".record", has_text="Tree on Nathan Road")).to_be_visible()
    assert all("412" in error for error in seen.errors), seen.errors  # the browser tells of the one above


def test_a_shift_is_handed_over_and_accepted(visit: Visitor, officer: Callable[..., Any], api: Any) -> None:
    colleague = officer("DSD")
    now = api.now().isoformat()
    created(colleague, "/collections/incidents/items", category="flood", title_en="Culvert blocked", reported_at=now, major=True,
            status="confirmed")  # fmt: skip
    seen = visit("lang=en&theme=light&tab=shift", drawn=False)
    page = seen.page
    enter(page, "DSD")
    ours = {"mode": "exercise", "filter": "department = 'DSD'"}
    told = colleague.get("/summary", params=ours).json()
    rows = page.locator(".shift-numbers tbody tr")
    expect(rows).to_have_count(4)
    for total in told["totals"]:
        expect(page.locator(f".shift-numbers [data-total={total['name']}] .figure").last).to_have_text(
            f"{total['count']:,}"
        )
    expect(page.locator("[data-shift=major]")).to_contain_text("Culvert blocked")
    expect(page.locator("[data-shift=changed]")).to_contain_text("Culvert blocked")
    page.locator("#note-form button").click()
    expect(page.locator("#note-form .form-trouble")).to_contain_text("Write what the next shift should know")
    page.locator("#note-form [data-column=text_en]").fill("Pump 3 is being repaired")
    page.locator("#note-form [data-column=text_zh]").fill("三號泵維修中")
    page.locator("#note-form button").click()
    note = page.locator("[data-shift=notes] .entry", has_text="Pump 3 is being repaired")
    expect(note).to_contain_text("DSD, reporter")
    name = str(note.get_attribute("data-id"))
    first = kept(colleague, NOTES, name)
    assert (first["text_zh"], first["state"], first["release"]) == ("三號泵維修中", "open", "owner")
    major = [one["id"] for one in colleague.get(
        "/collections/incidents/items",
        params={**EXERCISE, "f": "json", "limit": "100", "filter": "department = 'DSD' AND major = TRUE AND duplicate_of IS NULL"
                " AND status IN ('reported','confirmed','responding','controlled')"}).json()["features"]]  # fmt: skip
    assert major
    assert set(major) <= set(first["incidents"])
    assert officer("HyD").get(f"{NOTES}/{name}").status_code == 404
    page.emulate_media(media="print")
    expect(page.locator("#panel-shift")).to_be_visible()
    expect(page.locator("#map")).to_be_hidden()
    expect(page.locator("#note-form")).to_be_hidden()
    page.emulate_media(media="screen")
    note.locator("[data-deed=accept-note]").click()
    expect(note.locator(".chip")).to_have_text("Accepted")
    expect(note.locator("[data-deed]")).to_have_count(0)
    accepted = kept(colleague, NOTES, name)
    assert accepted["state"] == "accepted"
    assert accepted["accepted_at"]
    assert accepted["text_en"] == "Pump 3 is being repaired"
    assert seen.errors == []


@pytest.mark.parametrize(
    ("query", "size"),
    [("lang=en&theme=light", {"width": 1366, "height": 768}), ("lang=zh&theme=dark", {"width": 390, "height": 844})],
    ids=["desk", "phone"],
)
def test_inbox_and_shift_fit_the_screen_and_go_by_keyboard(visit: Visitor, query: str, size: dict[str, int]) -> None:
    seen = visit(query, size=size, drawn=False)
    page = seen.page
    enter(page, "DSD")
    expect(page.locator("#tab-shift")).to_be_visible()
    page.focus("#tab-list")
    for tab in ("counts", "departments", "sources", "inbox", "shift"):
        page.keyboard.press("ArrowRight")
        expect(page.locator(f"#tab-{tab}")).to_be_focused()
        expect(page.locator(f"#tab-{tab}")).to_have_attribute("aria-selected", "true")
        expect(page.locator(f"#panel-{tab} h3").first).to_be_visible()
        wide = page.evaluate(
            "tab => ['html', '.panel-head', `#panel-${tab}`].map((one) => document.querySelector(one))"
            ".filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.outerHTML.slice(0, 60))",
            tab,
        )
        assert wide == [], f"{tab} is wider than its place"
    unnamed = page.evaluate(
        "() => [...document.querySelectorAll('button, input, select, textarea')].filter((one) => one.checkVisibility()"
        " && !one.textContent.trim() && !one.ariaLabel && !one.title && !(one.labels?.length)).map((one) => one.outerHTML)"
    )
    assert unnamed == []
    page.keyboard.press("ArrowRight")
    expect(page.locator("#tab-list")).to_be_focused()
    assert seen.errors == []
