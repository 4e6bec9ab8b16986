"""The page in a real browser, over the server's own end points."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

Visitor = Callable[..., Any]

CLONE = Path(__file__).parents[2]
ITEMS = "/collections/incidents/items"
COUNTED = "status <> 'cancelled' AND duplicate_of IS NULL"
ACTIVE = "status IN ('reported','confirmed','responding','controlled') AND duplicate_of IS NULL"


def shows_count(page: Page, number: int) -> None:
    """Wait until the panel's count is this number."""
    expect(page.locator("#count")).to_have_text(re.compile(rf"^{number:,} "))


def located(page: Page) -> Locator:
    """The first incident of the list that has a position."""
    return page.locator("#incident-list .item").filter(has_not_text="not on the map").first


def look_again(page: Page) -> None:
    """Make the page ask the server now, as it does when its tab comes to the front."""
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def test_types_of_the_page_fit() -> None:
    done = subprocess.run([CLONE / "scripts" / "page", "check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def seen(visit_once: Visitor) -> Any:
    """The page as it opens; who chooses a tab begins with choosing one."""
    return visit_once()


def test_incidents_are_drawn_and_nothing_leaves_us(seen: Any, api: Any, tmp_path: Path) -> None:
    drawn = int(seen.page.locator("body").get_attribute("data-incidents"))
    assert drawn > 0
    shows_count(seen.page, api.number(COUNTED + api.recent()))
    picture = tmp_path / "page.png"
    seen.page.screenshot(path=picture)
    assert picture.stat().st_size > 50_000
    assert seen.errors == []
    assert seen.strangers() == []


def test_every_request_for_incidents_carries_exactly_one_mode(seen: Any) -> None:
    asked = seen.asked("/collections/incidents/")
    assert asked
    assert {tuple(parameters.get("mode", [])) for parameters in asked} == {("exercise",)}


def test_exercise_is_said_on_the_screen_and_actual_is_another_count(visit: Visitor, api: Any) -> None:
    seen = visit("lang=en&theme=light&period=all")
    banner = seen.page.locator("#banner")
    expect(banner).to_have_text("EXERCISE 演習")
    seen.page.select_option("#mode", "actual")
    expect(banner).to_be_hidden()
    shows_count(seen.page, api.number(COUNTED, "actual"))
    expect(seen.page.locator("#count-words")).to_contain_text("actual records")
    assert "mode=actual" in seen.page.url


def test_filters_give_the_number_that_the_api_gives(visit: Visitor, api: Any) -> None:
    page = visit().page
    page.click("#only-active")
    shows_count(page, api.number(ACTIVE + api.recent()))
    page.click("#only-major")
    shows_count(page, api.number(f"{ACTIVE} AND major=true" + api.recent()))
    words = page.locator("#count-words")
    expect(words).to_contain_text("Major case is yes")
    expect(words).to_contain_text("Status is one of Reported, Confirmed, Responding, Controlled")
    assert "major=true" in page.url


def test_an_incident_of_the_list_opens_on_the_map_with_source_and_verification(visit: Visitor) -> None:
    seen = visit()
    item = located(seen.page)
    title = item.locator("strong").inner_text()
    item.click()
    record = seen.page.locator(".maplibregl-popup .record")
    expect(record.locator("h3")).to_have_text(title)
    for label in ("Place", "Position", "Source", "Verification", "Reported at"):
        expect(record.get_by_text(label, exact=True)).to_be_visible()
    # The browser's own zone is not Hong Kong's: the page must not use it.
    expect(record.locator("dl")).to_contain_text(re.compile(r"\d\d:\d\d HKT"))
    expect(record.locator(".chip").first).to_have_text("Exercise")
    seen.page.keyboard.press("Escape")
    expect(record).to_have_count(0)
    assert seen.errors == []


def test_a_click_on_a_mark_opens_it(visit: Visitor) -> None:
    page = visit(flying=True).page
    located(page).click()
    popup = page.locator(".maplibregl-popup")
    expect(popup).to_be_visible()
    expect(page.locator("body")).to_have_attribute("data-moving", "false")
    box = popup.bounding_box()
    assert box is not None
    page.keyboard.press("Escape")
    expect(popup).to_have_count(0)
    # What is not drawn yet cannot be met; and a pop-up stands 16 pixels above the position it belongs to.
    expect(page.locator("body")).to_have_attribute("data-idle", "true")
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] + 16)
    expect(popup.locator(".record h3")).to_be_visible()


def test_the_language_switch_changes_every_word(visit: Visitor) -> None:
    seen = visit()
    page = seen.page
    expect(page.locator("#incidents-title")).to_have_text("Incidents")
    page.click("#language")
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hant")
    expect(page.locator("#incidents-title")).to_have_text("事故")
    expect(page.locator("#count")).to_have_text(re.compile("宗事故$"))
    expect(page.locator("#freshness")).to_contain_text("香港時間")
    expect(page.locator(".maplibregl-ctrl-zoom-in")).to_have_attribute("aria-label", "放大")
    page.click("#layers > summary")
    page.get_by_role("button", name="行政").click()
    expect(page.locator("#layers-body")).to_contain_text("十八區分界")
    assert seen.errors == []


def test_a_layer_is_drawn_on_demand_with_its_owner_named(visit: Visitor) -> None:
    seen = visit()
    page = seen.page
    assert seen.asked("/collections/traffic_cameras/tiles/") == []
    page.click("#layers > summary")
    page.click("[data-group=traffic] .group-head")
    with page.expect_response(re.compile("/collections/traffic_cameras/tiles/")) as answered:
        page.get_by_label(re.compile("^Traffic cameras")).check()
    assert answered.value.status in (200, 204, 304)
    expect(page.locator("#attribution")).to_contain_text("Transport Department")
    assert "layers=traffic_cameras" in page.url
    assert seen.errors == []


def test_a_dark_page_has_a_dark_basemap(visit: Visitor) -> None:
    seen = visit("lang=zh&theme=dark")
    expect(seen.page.locator("html")).to_have_attribute("data-theme", "dark")
    assert seen.asked("/basemaps/wmts/dark/")
    assert not seen.asked("/basemaps/wmts/light/")


def test_a_silent_server_is_said_and_what_was_known_stays(visit: Visitor) -> None:
    page = visit().page
    listed = page.locator("#incident-list li").count()
    page.route(f"**{ITEMS}?*", lambda route: route.abort())
    look_again(page)
    trouble = page.locator("#trouble")
    expect(trouble).to_contain_text(re.compile(r"Cannot reach the server since .* HKT; the map shows the state of"))
    assert page.locator("#incident-list li").count() == listed
    page.unroute(f"**{ITEMS}?*")
    look_again(page)
    expect(trouble).to_be_hidden()


def test_an_error_of_the_server_is_no_empty_list(visit: Visitor) -> None:
    page = visit(drawn=False).page
    page.route(f"**{ITEMS}?*", lambda route: route.fulfill(status=503, body="{}"))
    page.click("#only-major")
    expect(page.locator("#trouble")).to_contain_text("answers with an error (503)")
    expect(page.locator("#count")).to_have_text("Number not known")


def test_text_of_a_record_is_never_markup(visit: Visitor) -> None:
    seen = visit()
    hostile = "<img src=x onerror=\"document.body.dataset.broken='1'\">"

    def spoil(route: Route) -> None:
        answer = route.fetch()
        body = answer.json()
        for feature in body["features"][:1]:
            feature["properties"]["title_en"] = hostile
        route.fulfill(response=answer, json=body)

    seen.page.route(f"**{ITEMS}?*", spoil)
    look_again(seen.page)
    expect(seen.page.locator("#incident-list strong").first).to_have_text(hostile)
    assert seen.page.locator("#incident-list img").count() == 0
    assert seen.page.locator("body").get_attribute("data-broken") is None


def test_the_keyboard_reaches_an_incident_and_comes_back(visit: Visitor) -> None:
    page = visit().page
    item = located(page)
    identity = item.get_attribute("data-id")
    item.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".popup")).to_be_focused()
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.dataset.id") == identity


def test_the_layout_fits_a_telephone(visit: Visitor, tmp_path: Path) -> None:
    seen = visit(size={"width": 390, "height": 844})
    page = seen.page
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    located(page).click()
    expect(page.locator("#card .record h3")).to_be_visible()
    page.screenshot(path=tmp_path / "telephone.png")
    assert seen.errors == []


def test_the_warnings_in_force_are_said_in_both_languages(visit: Visitor, api: Any) -> None:
    now = f"TIMESTAMP('{api.now():%Y-%m-%dT%H:%M:%SZ}')"
    wanted = f"ended_at IS NULL AND (expires_at IS NULL OR expires_at > {now})"
    known = api.ask("/collections/warnings/items", mode="exercise", limit="50", filter=wanted)["features"]
    assert known, "the exercise opens under a typhoon signal"
    strip = visit("lang=zh&theme=dark", drawn=False).page.locator("#warnings li")
    expect(strip).to_have_count(len(known))
    for feature in known:
        names = feature["properties"]
        expect(strip.filter(has_text=names["name_zh"]).filter(has_text=names["name_en"])).to_have_count(1)


def test_control_centres_and_requests_are_listed(seen: Any, api: Any) -> None:
    seen.page.click("#tab-departments")
    centres = api.ask("/collections/control-centres/items", mode="exercise", limit="100")["features"]
    expect(seen.page.locator("[data-list=control-centres] .entry")).to_have_count(len(centres))
    active = sum(bool(centre["properties"]["active"]) for centre in centres)
    expect(seen.page.locator("[data-list=control-centres]")).to_contain_text(f"{active} of {len(centres)} centres")
    expect(seen.page.locator("[data-list=requests] .entry").first).to_be_visible()
    assert seen.errors == []


def test_every_control_has_a_name(visit: Visitor) -> None:
    page = visit("lang=en&theme=light&tab=counts&districts=true&layers=hospitals&groups=emergency services").page
    page.click("#layers > summary")
    expect(page.locator("tr[data-facet=district]").first).to_be_visible()
    nameless = page.evaluate("""() => [...document.querySelectorAll('button, input, select, a[href], summary')]
        .filter((e) => e.checkVisibility())
        .filter((e) => !(e.getAttribute('aria-label') || e.textContent.trim() || (e.labels && e.labels.length)))
        .map((e) => e.outerHTML)""")
    assert nameless == []
    doubled = page.evaluate("""() => [...document.querySelectorAll('[id]')].map((e) => e.id)
        .filter((id, at, all) => all.indexOf(id) !== at)""")
    assert doubled == []


def test_the_tabs_go_by_arrow_keys(seen: Any) -> None:
    page = seen.page
    page.click("#tab-list")
    page.focus("#tab-list")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#tab-counts")).to_be_focused()
    expect(page.locator("#tab-counts")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#panel-list")).to_be_hidden()


def test_the_address_keeps_the_picture(visit: Visitor) -> None:
    page = visit("lang=en&theme=light&active=true#map=12/22.3/114.17", drawn=False).page
    expect(page.locator("#only-active")).to_have_attribute("aria-pressed", "true")
    assert "#map=12/22.3/114.17" in page.url


def test_the_policy_allows_no_inline_code(server: str) -> None:
    policy = httpx.get(server.rstrip("/") + "/map", timeout=30).headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("path", ["assets/index.js", "../__init__.py", "%2e%2e/__init__.py"])
def test_only_files_of_the_page_are_sent(server: str, path: str) -> None:
    assert httpx.get(f"{server.rstrip('/')}/map-assets/{path}", timeout=30).status_code in (400, 404)


def test_an_incident_without_position_opens_beside_the_map(visit: Visitor) -> None:
    page = visit(drawn=False).page
    page.locator("#incident-list .item", has_text="not on the map").first.click()
    expect(page.locator("#card .record")).to_contain_text("Not on the map: no position is known yet.")
    expect(page.locator(".maplibregl-popup")).to_have_count(0)


def test_without_webgl_the_list_still_works(built_page: None, server: str, chromium: Browser) -> None:
    path = shutil.which("chromium") or "chromium-browser"
    blind = chromium.browser_type.launch(executable_path=path, args=["--no-sandbox", "--disable-3d-apis"])
    try:
        page = blind.new_page(locale="en-HK")
        page.goto(f"{server.rstrip('/')}/map?lang=en")
        expect(page.locator("#map-notice")).to_contain_text("cannot draw the map")
        expect(page.locator("#incident-list .item").first).to_be_visible()
    finally:
        blind.close()
