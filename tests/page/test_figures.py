"""One number everywhere: counts, coloured districts, and the picture of an earlier moment."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, timedelta
from typing import Any

from playwright.sync_api import Page, expect

Visitor = Callable[..., Any]

COUNTED = "status <> 'cancelled' AND duplicate_of IS NULL"
ACTIVE = "status IN ('reported','confirmed','responding','controlled') AND duplicate_of IS NULL"


def table(page: Page, facet: str) -> dict[str, int]:
    """The numbers of a table by code."""
    rows = page.locator(f"tr[data-facet={facet}]")
    expect(rows.first).to_be_visible()
    found = rows.evaluate_all("all => all.map((row) => [row.dataset.code, row.querySelector('.figure').textContent])")
    return {code: int(number.replace(",", "")) for code, number in found}


def term(facet: str, code: str) -> str:
    """A code as a term of a filter; the dash stands for no value."""
    return f" AND {facet} IS NULL" if code == "-" else f" AND {facet}='{code}'"


def test_every_count_is_the_number_that_the_api_gives(visit: Visitor, api: Any) -> None:
    seen = visit("lang=en&theme=light&tab=counts&active=true")
    asked = ACTIVE + api.recent()
    total = api.number(asked)
    for facet in ("district", "category", "department", "status"):
        counts = table(seen.page, facet)
        assert sum(counts.values()) == total
        for code, count in counts.items():
            assert count == api.number(asked + term(facet, code)), (facet, code)
    expect(seen.page.locator("#counts-complete")).to_contain_text(f"All {total:,} incidents")
    assert seen.errors == []


def test_a_number_leads_to_the_records_that_it_counts(visit: Visitor, api: Any) -> None:
    page = visit("lang=en&theme=light&tab=counts").page
    counts = table(page, "category")
    link = page.locator("tr[data-facet=category][data-code=flood] .figure a")
    address = link.get_attribute("href")
    assert address is not None
    answer = page.request.get(api.origin + address.replace("f=html", "f=json"))
    assert answer.json()["numberMatched"] == counts["flood"]


def test_districts_are_coloured_by_their_number_and_open_their_list(visit: Visitor, api: Any) -> None:
    seen = visit("lang=en&theme=light&districts=true&major=true")
    page = seen.page
    asked = f"{COUNTED} AND major=true{api.recent()}"
    badges = page.locator(".district-badge")
    expect(badges).to_have_count(18)
    shown = dict(badges.evaluate_all("all => all.map((one) => [one.dataset.code, Number(one.textContent)])"))
    assert shown == {code: api.number(asked + term("district", code)) for code in shown}
    largest = max(shown, key=lambda code: shown[code])
    assert shown[largest] > 0
    legend = page.locator(".district-legend li")
    assert shown[largest] <= int(re.findall(r"\d+", legend.last.inner_text())[-1])
    page.locator(f".district-badge[data-code={largest}]").click()
    expect(page.locator("#count")).to_have_text(re.compile(rf"^{shown[largest]} "))
    assert f"district={largest}" in page.url
    # The other districts keep their numbers: a district is chosen among all.
    expect(badges).to_have_count(18)
    page.locator(".chosen-chip").click()
    expect(page.locator("#count")).to_have_text(re.compile(rf"^{api.number(asked):,} "))
    assert seen.errors == []


def test_as_of_shows_what_was_known_then(visit: Visitor, api: Any) -> None:
    seen = visit()
    page = seen.page
    now = api.now()
    then = now - timedelta(hours=2)
    given = f"{then.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    before = api.number(COUNTED + api.recent(at=then), asof=given)
    assert before != api.number(COUNTED + api.recent())
    page.click("#time-back")
    wanted = re.compile(rf"/collections/incidents/tiles/.*asof={given.replace(':', '%3A')}")
    with page.expect_request(wanted):
        page.click("#time-back")
    expect(page.locator("#count")).to_have_text(re.compile(rf"^{before:,} "))
    hong_kong = then.astimezone(UTC) + timedelta(hours=8)
    expect(page.locator("#time-words")).to_contain_text(f"As known at {hong_kong:%H:%M} HKT")
    assert f"asof={given.replace(':', '%3A')}" in page.url
    page.click("#time-now")
    expect(page.locator("#time-words")).to_contain_text("Exercise clock")
    expect(page.locator("#count")).to_have_text(re.compile(rf"^{api.number(COUNTED + api.recent()):,} "))
    assert seen.errors == []


def test_counts_are_of_the_same_moment(visit: Visitor, api: Any) -> None:
    then = api.now() - timedelta(hours=4)
    given = f"{then.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    page = visit(f"lang=en&theme=dark&tab=counts&asof={given}").page
    assert sum(table(page, "district").values()) == api.number(COUNTED + api.recent(at=then), asof=given)


def test_a_moment_before_the_history_is_said(visit: Visitor) -> None:
    page = visit("lang=en&theme=light&asof=2001-01-01T00:00:00Z", drawn=False).page
    expect(page.locator("#trouble")).to_contain_text("the history begins at")
    expect(page.locator("#count")).to_have_text("Number not known")
