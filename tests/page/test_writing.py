"""Writing on the page: report, change, meet a conflict, hand over, answer; each compared with what the API keeps."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

Visitor = Callable[..., Any]
ITEMS = "/collections/incidents/items"
PHONE = {"width": 390, "height": 844}


@dataclass
class Officer:
    """Somebody of a department who works by the API."""

    client: httpx.Client
    csrf: str

    def write(self, method: str, path: str, body: dict[str, Any], **headers: str) -> httpx.Response:
        kind = "application/merge-patch+json" if method == "PATCH" else "application/geo+json"
        sent = {"COP-CSRF": self.csrf, "Content-Type": kind, **headers}
        answer = self.client.request(method, path, params={"mode": "exercise"}, json=body, headers=sent)
        assert answer.status_code in (200, 201), answer.text
        return answer

    def report(self, lon: float, lat: float, **more: Any) -> str:
        """A new incident's id."""
        now = self.client.get("/", params={"f": "json"}).json()["cop"]["now"]
        properties = {"category": "flood", "title_en": "Water on the road", "reported_at": now, **more}
        geometry = {"type": "Point", "coordinates": [lon, lat]}
        made = self.write("POST", ITEMS, {"type": "Feature", "geometry": geometry, "properties": properties})
        return str(made.json()["id"])

    def item(self, path: str) -> httpx.Response:
        return self.client.get(path, params={"f": "json", "mode": "exercise"})

    def incident(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.item(f"{ITEMS}/{name}").json()["properties"]
        return found

    def change(self, name: str, **properties: Any) -> None:
        etag = self.item(f"{ITEMS}/{name}").headers["etag"]
        self.write("PATCH", f"{ITEMS}/{name}", {"properties": properties}, **{"If-Match": etag})


@pytest.fixture
def officer(api: Any) -> Iterator[Callable[..., Officer]]:
    """Officers by department and role."""
    clients: list[httpx.Client] = []

    def of(department: str, role: str = "administrator") -> Officer:
        client = httpx.Client(base_url=api.origin, timeout=60)
        clients.append(client)
        told = client.post("/session", json={"role": role, "department": department})
        return Officer(client, told.json()["csrf"])

    yield of
    for client in clients:
        client.close()


def enter(page: Page, department: str, role: str = "reporter") -> None:
    # The sheet offers what the server does, which is known when the mode is.
    page.wait_for_selector("body[data-mode=exercise]")
    page.click("#account")
    page.locator("#sheet select").select_option(role)
    page.click(f"#sheet [data-department='{department}']")
    expect(page.locator("#account")).to_contain_text(department)
    expect(page.locator("body")).to_have_attribute("data-ready", "true")


def field(page: Page, column: str) -> Any:
    return page.locator(f"#sheet [data-column='{column}']")


def opened(page: Page, name: str) -> Any:
    """The card of an incident of the list, with what may be done."""
    page.locator(f"#incident-list [data-id='{name}']").click()
    card = page.locator(".record", has_text=name)
    expect(card).to_be_visible()
    return card


def test_an_incident_is_reported_from_the_map(visit: Visitor, officer: Callable[..., Officer], tmp_path: Path) -> None:
    seen = visit("lang=en&theme=light", drawn=False)
    page = seen.page
    enter(page, "DSD")
    page.goto(page.url.partition("#")[0] + "#map=15/22.4300/114.1200")
    page.click("#report")
    page.screenshot(path=tmp_path / "report.png")
    field(page, "category").select_option("flood")
    field(page, "title_en").fill("Water <b>knee-deep</b> at the market")
    page.click("#by-map")
    expect(page.locator("#sheet")).to_be_hidden()
    expect(page.locator("#picking")).to_be_visible()
    box = page.locator("#map").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.locator("#sheet .position-told")).to_contain_text(re.compile(r"22\.43\d+, 114\.1[12]\d+"))
    expect(page.locator("#sheet .nearby")).to_contain_text(re.compile("within 300 m|Already reported nearby"))
    if page.locator("#sheet [data-column=confirmed]").count():
        field(page, "confirmed").check()
    page.click("#sheet button[type=submit]")
    card = page.locator(".record", has_text="knee-deep")
    expect(card).to_be_visible()
    name = re.search(r"I-\d{8}-\d+", card.inner_text())
    assert name is not None
    kept = officer("DSD").item(f"{ITEMS}/{name[0]}").json()
    assert kept["properties"]["title_en"] == "Water <b>knee-deep</b> at the market"
    assert kept["properties"]["department"] == "DSD"
    assert kept["properties"]["position_method"] == "reported"
    assert kept["geometry"]["coordinates"] == pytest.approx([114.12, 22.43], abs=0.01)
    expect(page.locator(f"#incident-list [data-id='{name[0]}']")).to_be_visible()
    assert seen.errors == []


def test_what_was_reported_nearby_is_shown_before_sending(visit: Visitor, officer: Callable[..., Officer]) -> None:
    name = officer("FSD").report(114.2005, 22.3805, title_en="Already known water")
    seen = visit("lang=en&theme=light", drawn=False)
    page = seen.page
    enter(page, "DSD")
    page.context.grant_permissions(["geolocation"])
    page.context.set_geolocation({"latitude": 22.3810, "longitude": 114.2005, "accuracy": 12})
    page.click("#report")
    field(page, "category").select_option("flood")
    field(page, "title_en").fill("Water again")
    page.click("#by-gps")
    expect(page.locator("#sheet .position-told")).to_contain_text("within 12 m")
    expect(page.locator("#sheet .nearby")).to_contain_text("Already known water")
    expect(page.locator("#sheet .nearby")).to_contain_text("56 m")
    page.click("#sheet button[type=submit]")
    expect(page.locator("#sheet .form-trouble")).to_contain_text("tick the box")
    page.locator("#sheet .nearby .found-place", has_text="Already known water").click()
    expect(page.locator(".record", has_text=name)).to_be_visible()
    expect(page.locator("#sheet")).to_be_hidden()
    assert seen.errors == []


def test_a_position_is_found_by_slope_number_and_place_name(visit: Visitor, api: Any) -> None:
    slope = api.ask("/collections/slopes/items", limit="1")["features"][0]["properties"]["slope_no"]
    place = api.ask("/collections/place_names/items", limit="1", filter="name_zh IS NOT NULL")["features"][0][
        "properties"
    ]
    seen = visit("lang=en&theme=light", drawn=False)
    page = seen.page
    enter(page, "CEDD")
    page.click("#report")
    search = page.locator("#sheet input[type=search]")
    search.fill(slope.lower())
    page.locator("#places-found .found-place", has_text=slope).first.click()
    expect(page.locator("#sheet .position-told")).to_contain_text(slope)
    expect(field(page, "location_en")).to_have_value(re.compile(re.escape(slope)))
    search.fill(place["name_zh"])
    page.locator("#places-found .found-place", has_text=place["name_en"]).first.click()
    expect(page.locator("#sheet .position-told")).to_contain_text(place["name_en"])
    search.fill("%_' OR '1'='1")
    expect(page.locator("#places-found")).to_have_text("Nothing found")
    assert seen.errors == []


def test_a_position_is_picked_by_keyboard_too(visit: Visitor) -> None:
    seen = visit("lang=en&theme=light", size=PHONE, drawn=False)
    page = seen.page
    enter(page, "DSD")
    page.click("#report")
    told = page.locator("#sheet .position-told")
    page.focus("#by-map")
    page.keyboard.press("Enter")
    expect(page.locator(".maplibregl-canvas")).to_be_focused()
    page.keyboard.press("Enter")
    expect(told).to_contain_text(re.compile(r"^22\.\d+, 11[34]\.\d+$"))
    page.focus("#by-map")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(page.locator("#sheet")).to_be_visible()
    expect(told).to_contain_text("22.")
    assert seen.errors == []


def test_what_is_wrong_is_said_at_its_field(visit: Visitor) -> None:
    page = visit("lang=en&theme=light", drawn=False).page
    enter(page, "DSD")
    page.click("#report")
    field(page, "category").select_option("flood")
    page.click("#sheet button[type=submit]")
    expect(page.locator("#sheet .form-trouble")).to_contain_text("Not taken yet")
    expect(page.locator("#sheet .fault:visible, #sheet .form-trouble p:nth-child(2)").first).to_contain_text("title_")
    expect(page.locator("#sheet")).to_be_visible()


def test_only_the_next_statuses_are_offered_and_only_to_the_owner(
    visit: Visitor, officer: Callable[..., Officer]
) -> None:
    dsd = officer("DSD")
    name = dsd.report(114.25, 22.31)
    page = visit("lang=en&theme=light", drawn=False).page
    enter(page, "FSD")
    card = opened(page, name)
    expect(card.locator("[data-deed=progress]")).to_be_visible()
    for deed in ("status", "edit", "hand-over"):
        expect(card.locator(f"[data-deed={deed}]")).to_have_count(0)
    page.keyboard.press("Escape")
    page.click("#account")
    page.click("#change-role")
    page.click("#sheet [data-department=DSD]")
    card = opened(page, name)
    card.locator("[data-deed=status]").click()
    assert page.locator("#sheet input[name=status]").evaluate_all("all => all.map((e) => e.value)") == [
        "confirmed", "responding", "cancelled"]  # fmt: skip
    page.check("#sheet input[value=responding]")
    page.click("#sheet button[type=submit]")
    expect(page.locator(".record .chip-active", has_text="Responding").first).to_be_visible()
    assert dsd.incident(name)["status"] == "responding"


def test_progress_moves_the_incident(visit: Visitor, officer: Callable[..., Officer]) -> None:
    dsd = officer("DSD")
    name = dsd.report(114.26, 22.32, status="responding")
    seen = visit("lang=zh&theme=dark", size=PHONE, drawn=False)
    page = seen.page
    enter(page, "DSD")
    opened(page, name).locator("[data-deed=progress]").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    field(page, "text_zh").fill("水泵已到場")
    field(page, "percent").fill("40")
    field(page, "estimated_completion_at").fill("2030-01-01T12:30")
    field(page, "status_after").select_option("controlled")
    page.click("#sheet button[type=submit]")
    expect(page.locator("#done")).to_contain_text(name)
    kept = dsd.incident(name)
    assert (kept["status"], kept["progress_percent"]) == ("controlled", 40)
    assert kept["estimated_completion_at"] == "2030-01-01T04:30:00Z", "the field holds Hong Kong's time"
    expect(page.locator("#card .record")).to_contain_text("40 %")
    assert seen.errors == []


def test_a_conflict_is_shown_side_by_side_and_resolved_by_choosing(
    visit: Visitor, officer: Callable[..., Officer], tmp_path: Path
) -> None:
    dsd = officer("DSD")
    name = dsd.report(114.27, 22.33, severity="minor", location_en="Market")
    seen = visit("lang=en&theme=light", drawn=False)
    page = seen.page
    enter(page, "DSD")
    opened(page, name).locator("[data-deed=edit]").click()
    field(page, "title_en").fill("Mine: water recedes")
    field(page, "severity").select_option("moderate")
    field(page, "description_en").fill("Only I wrote this")
    dsd.change(name, title_en="Theirs: water rises", severity="severe", location_en="Market Street")
    page.click("#sheet button[type=submit]")
    expect(page.locator("#sheet h2")).to_have_text("Changed meanwhile")
    rows = page.locator("#sheet .conflict tbody tr")
    expect(rows).to_have_count(3)
    title = page.locator("#sheet tr[data-column=title_en]")
    expect(title).to_contain_text("Mine: water recedes")
    expect(title).to_contain_text("Theirs: water rises")
    expect(page.locator("#sheet .plain")).to_contain_text("Market Street")
    page.screenshot(path=tmp_path / "conflict.png")
    page.click("#sheet button[type=submit]")
    expect(page.locator("#sheet .form-trouble")).to_contain_text("Choose for each field")
    title.locator("input[value=mine]").check()
    page.locator("#sheet tr[data-column=severity] input[value=theirs]").check()
    page.click("#sheet button[type=submit]")
    expect(page.locator(".record", has_text="Mine: water recedes")).to_be_visible()
    kept = dsd.incident(name)
    assert [kept[one] for one in ("title_en", "severity", "description_en", "location_en")] == [
        "Mine: water recedes", "severe", "Only I wrote this", "Market Street"]  # fmt: skip
    # The browser itself reports the refusal on its console; nothing else went wrong.
    assert [line for line in seen.errors if "412" not in line] == []


def test_an_incident_is_handed_over_and_taken(visit: Visitor, officer: Callable[..., Officer]) -> None:
    dsd = officer("DSD")
    name = dsd.report(114.28, 22.34)
    page = visit("lang=en&theme=light", drawn=False).page
    enter(page, "DSD", "administrator")
    opened(page, name).locator("[data-deed=hand-over]").click()
    field(page, "to_department").select_option("FSD")
    field(page, "text_en").fill("Persons trapped: please take over")
    page.click("#sheet button[type=submit]")
    expect(page.locator("#done")).to_contain_text(name)
    page.keyboard.press("Escape")
    page.click("#account")
    page.click("#change-role")
    page.locator("#sheet select").select_option("administrator")
    page.click("#sheet [data-department=FSD]")
    expect(page.locator("#account")).to_contain_text("FSD")
    request = opened(page, name).locator(".entry", has_text="Persons trapped")
    request.locator("[data-deed=acknowledge]").click()
    expect(request.locator(".chip")).to_have_text("Acknowledged")
    request.locator("[data-deed=accept]").click()
    expect(page.locator(".record dl", has_text="Fire Services")).to_be_visible()
    assert dsd.incident(name)["department"] == "FSD"


def test_a_request_is_answered_from_the_list(visit: Visitor, officer: Callable[..., Officer]) -> None:
    properties = {"to_department": "FSD", "kind": "ask", "text_en": "How many pumps are free?"}
    feature = {"type": "Feature", "geometry": None, "properties": properties}
    made = officer("DSD").write("POST", "/collections/requests/items", feature).json()["id"]
    page = visit("lang=en&theme=light&tab=departments", drawn=False).page
    enter(page, "FSD")
    entry = page.locator(f"[data-list=requests] [data-id='{made}']")
    entry.locator("[data-deed=answer]").click()
    expect(entry).to_contain_text("Write the answer first")
    entry.locator("input").fill("Three")
    entry.locator("[data-deed=answer]").click()
    expect(entry).to_contain_text("Answered: Three")
    expect(entry.locator("[data-deed]")).to_have_count(0)


def test_a_repeated_sending_makes_no_second_report(visit: Visitor, officer: Callable[..., Officer]) -> None:
    """The answer is lost on the way; who sends again has reported once."""
    page = visit("lang=en&theme=light", drawn=False).page
    enter(page, "DSD")
    page.click("#report")
    field(page, "category").select_option("road")
    field(page, "title_en").fill("Reported once only")

    def lose(route: Any) -> None:
        route.fetch()
        route.abort()

    page.route(f"**{ITEMS}?mode=exercise", lose, times=1)
    page.click("#sheet button[type=submit]")
    expect(page.locator("#sheet .form-trouble")).to_contain_text("cannot be reached")
    page.click("#sheet button[type=submit]")
    expect(page.locator("#card .record", has_text="Reported once only")).to_be_visible()
    given = {"f": "json", "mode": "exercise", "filter": "title_en='Reported once only'"}
    assert officer("DSD").client.get(ITEMS, params=given).json()["numberMatched"] == 1


def test_the_versions_say_who_changed_what(visit: Visitor, officer: Callable[..., Officer]) -> None:
    dsd = officer("DSD")
    name = dsd.report(114.29, 22.35, severity="minor")
    dsd.change(name, severity="severe")
    seen = visit("lang=en&theme=light", drawn=False)
    page = seen.page
    enter(page, "FSD", "viewer")
    versions = opened(page, name).locator(".versions")
    versions.locator("summary").click()
    newest = versions.locator("ol > li").first
    expect(newest).to_contain_text("Severity: Minor → Severe")
    expect(newest).to_contain_text("exercise:administrator/DSD/")
    assert seen.errors == []


def test_what_may_be_the_same_is_shown_joined_parted_and_taken_back(
    visit: Visitor, officer: Callable[..., Officer]
) -> None:
    dsd = officer("DSD")
    one, two = (dsd.report(114.2712, 22.4512, location_en=f"Sai Sha Road {where}") for where in ("east", "west"))
    seen = visit("lang=en&theme=light", drawn=False)
    page = seen.page
    enter(page, "DSD", "administrator")
    card = opened(page, two)
    candidate = card.locator(f".similar [data-id='{one}']")
    expect(candidate).to_contain_text("0 m away")
    expect(candidate).to_contain_text("both are flooding")
    candidate.locator("[data-deed=other]").click()
    expect(card.locator(".similar")).to_contain_text("Looked at, and another incident")
    assert dsd.incident(two)["not_duplicate_of"] == [one]
    card.locator(".similar [data-deed=undo]").click()
    card.locator(f".similar [data-id='{one}'] [data-deed=same]").click()
    expect(card.locator(".similar")).to_contain_text("Repeats")
    assert dsd.incident(two)["duplicate_of"] == one
    assert card.locator(".similar [data-incident]").get_attribute("href").startswith(f"{ITEMS}/{one}?f=html")
    card.locator(".similar [data-deed=undo]").click()
    expect(card.locator(f".similar [data-id='{one}']")).to_be_visible()
    assert dsd.incident(two)["duplicate_of"] is None
    assert [error for error in seen.errors if "/basemaps/" not in error] == []
