"""The tree of layers: groups, search, drawing, legends, opacity."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image, ImageChops
from playwright.sync_api import Locator, Page, expect

Visitor = Callable[..., Any]

# A far zoom without incidents in the way: what changes on the picture is the layer's.
QUIET = "lang=en&theme=light&period=3h&major=true&category=other"


def open_tree(page: Page) -> Locator:
    """Open the panel of layers."""
    page.click("#layers > summary")
    return page.locator("#layers-body")


def picture(page: Page) -> Image.Image:
    """The map's middle as it is drawn now."""
    page.wait_for_timeout(300)
    page.wait_for_selector("body[data-idle=true]", timeout=60_000)
    frame = page.locator("#map").bounding_box()
    assert frame is not None
    clip = {"x": frame["x"] + 80, "y": frame["y"] + 60, "width": frame["width"] - 480, "height": frame["height"] - 180}
    return Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("RGB")


def difference(one: Image.Image, other: Image.Image) -> float:
    """How far apart two pictures are: the sum of differences of the channels, a pixel."""
    histogram = ImageChops.difference(one, other).convert("L").histogram()
    return sum(value * count for value, count in enumerate(histogram)) / (one.width * one.height)


def drawn(page: Page, layer: str, act: Callable[[], object]) -> None:
    """Do something, and wait until the layer's tiles have come."""
    with page.expect_response(re.compile(rf"/collections/{layer}/tiles/")):
        act()


def test_the_tree_has_all_groups_and_layers(visit: Visitor, api: Any) -> None:
    seen = visit(drawn=False)
    known = api.ask("/collections")["collections"]
    groups: dict[str, set[str]] = {}
    titles: dict[str, str] = {}
    ranks: dict[int, str] = {}
    for collection in known:
        if collection["id"] != "incidents":
            groups.setdefault(collection["cop"]["group"], set()).add(collection["id"])
            titles[collection["cop"]["group"]] = collection["cop"]["group_title"]["en"]
            ranks[collection["cop"]["group_rank"]] = collection["cop"]["group"]
    tree = open_tree(seen.page)
    assert len(groups) == 10
    expect(tree.locator("[data-group]")).to_have_count(len(groups))
    shown = tree.locator("[data-group]").evaluate_all("all => all.map((one) => one.dataset.group)")
    assert shown == [ranks[rank] for rank in sorted(ranks)]
    for group, layers in groups.items():
        part = tree.locator(f"[data-group='{group}']")
        expect(part.locator(".group-count")).to_have_text(str(len(layers)))
        expect(part.locator(".group-head span").first).to_have_text(titles[group])
        part.get_by_role("button").first.click()
        found = part.locator("[data-layer]").evaluate_all("all => all.map((one) => one.dataset.layer)")
        assert set(found) == layers
    assert seen.errors == []


def test_seventy_layers_are_no_seventy_requests(visit: Visitor) -> None:
    seen = visit("lang=en&theme=light&groups=weather,traffic,slopes,transport,shelters,terrain and base")
    open_tree(seen.page)
    expect(seen.page.locator("[data-layer]").first).to_be_visible()
    assert len(seen.asked("/collections")) < 25
    assert seen.asked("/styles/") == []


@pytest.fixture(scope="module")
def open_page(visit_once: Visitor) -> Page:
    """A page with its tree open, in which tests search."""
    page: Page = visit_once(drawn=False).page
    open_tree(page)
    return page


@pytest.mark.parametrize("typed", ["hospital", "醫院", "HOSPITALS", "醫院管理局"])
def test_search_finds_in_both_languages(open_page: Page, typed: str) -> None:
    page, tree = open_page, open_page.locator("#layers-body")
    page.fill("#layer-search", typed)
    expect(tree.locator("[data-layer=hospitals]")).to_be_visible()
    expect(tree.locator("[data-layer=districts]")).to_have_count(0)


def test_search_says_when_nothing_is_found(visit: Visitor) -> None:
    page = visit("lang=zh&theme=light", drawn=False).page
    tree = open_tree(page)
    page.fill("#layer-search", "<b>火星</b>")
    expect(tree).to_contain_text("沒有圖層")
    expect(tree).to_contain_text("<b>火星</b>")


def test_a_layer_is_drawn_and_fades(visit: Visitor) -> None:
    seen = visit(QUIET, drawn=False)
    page = seen.page
    tree = open_tree(page)
    page.fill("#layer-search", "country_parks")
    before = picture(page)
    drawn(page, "country_parks", lambda: tree.locator("[data-layer=country_parks] input[type=checkbox]").check())
    full = difference(before, picture(page))
    assert full > 0.3
    slider = tree.locator("[data-layer=country_parks] input[type=range]")
    slider.fill("20")
    faint = difference(before, picture(page))
    assert 0 < faint < full / 2
    assert "layers=country_parks:20" in page.url
    page.reload()
    open_tree(page)
    page.fill("#layer-search", "country_parks")
    expect(tree.locator("[data-layer=country_parks] input[type=range]")).to_have_value("20")
    # The address rounds the map's zoom, so the first picture is no measure here.
    shown = picture(page)
    tree.locator("[data-layer=country_parks] input[type=checkbox]").uncheck()
    assert difference(shown, picture(page)) > 0
    assert seen.errors == []


def test_a_legend_says_the_classes(visit: Visitor, api: Any) -> None:
    seen = visit("lang=zh&theme=dark&layers=fire_stations")
    known = api.ask("/collections/fire_stations/styles/dark/legend")["entries"]
    assert len(known) > 1
    tree = open_tree(seen.page)
    seen.page.fill("#layer-search", "fire_stations")
    lines = tree.locator("[data-legend=fire_stations] li")
    expect(lines).to_have_text([entry["label"]["zh"] for entry in known])
    pictures = lines.locator("canvas, svg")
    expect(pictures).to_have_count(len(known))
    assert seen.errors == []


def test_a_layer_tells_where_it_comes_from(open_page: Page, api: Any) -> None:
    page, tree = open_page, open_page.locator("#layers-body")
    page.fill("#layer-search", "hospitals")
    row = tree.locator("[data-layer=hospitals]")
    row.locator(".info").click()
    about = row.locator(".about")
    cop = api.ask("/collections/hospitals")["cop"]
    for text in (cop["description"]["en"], cop["department_title"]["en"], cop["attribution"]["en"],
                 cop["source"]["licence_title"], "made up"):  # fmt: skip
        expect(about).to_contain_text(text)
    expect(row).to_contain_text("Exercise 演習")
    for address in about.get_by_role("link").evaluate_all("all => all.map((one) => one.getAttribute('href'))"):
        if address.startswith("/"):
            assert page.request.get(api.origin + address).status == 200, address


def test_a_layer_for_close_zooms_says_so(visit: Visitor) -> None:
    page = visit("lang=en&theme=light&layers=buildings").page
    tree = open_tree(page)
    page.fill("#layer-search", "buildings")
    hint = tree.locator("[data-layer=buildings] .zoom-hint")
    expect(hint).to_be_visible()
    page.goto(page.url.split("#")[0] + "#map=16/22.3193/114.1694")
    expect(hint).to_be_hidden()


def test_the_keyboard_switches_a_layer_and_stays_on_it(visit: Visitor) -> None:
    page = visit().page
    open_tree(page)
    page.get_by_role("button", name=re.compile("^Shelters")).focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    held = page.evaluate("document.activeElement.dataset.focus")
    assert held.startswith("switch ")
    assert held.removeprefix("switch ") in page.url


def test_each_basemap_can_be_chosen(visit: Visitor) -> None:
    seen = visit()
    open_tree(seen.page)
    with seen.page.expect_response(re.compile("/basemaps/wmts/relief/")) as answered:
        seen.page.select_option("#basemap", "relief")
    assert answered.value.ok
    assert "basemap=relief" in seen.page.url
    expect(seen.page.locator("#attribution")).to_contain_text("Basemap: ")
