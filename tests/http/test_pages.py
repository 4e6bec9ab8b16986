"""The pages: nothing from outside, nothing inline, every value escaped once, both languages, all three modes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from matrix import TRIED
from playwright.sync_api import Browser, ConsoleMessage, sync_playwright

import cop_server
from cop.catalogue import catalogue
from cop.resources import resource

NASTY = "<b>&\"'</b><script>alert(1)</script>"
# What a browser fetches by itself; links that a person follows may lead elsewhere (licences, standards).
FETCHED = {("script", "src"), ("img", "src"), ("link", "href"), ("iframe", "src"), ("object", "data"),
           ("source", "src"), ("embed", "src"), ("form", "action"), ("base", "href")}  # fmt: skip
PLAIN = ["/", "/conformance", "/collections", "/openapi"]
OF_FEATURES = ["/items", "/queryables", "/schema", "/tiles", "/tiles/WebMercatorQuad"]
OF_COVERAGES = ["/schema", "/coverage"]
PAGES = [
    *PLAIN,
    *(f"/collections/{layer}" for layer in catalogue().layers),
    *(
        f"/collections/{layer.id}{part}"
        for layer in TRIED
        for part in (OF_FEATURES if layer.geometry else OF_COVERAGES)
    ),
]


class Markup(HTMLParser):
    """A page taken apart: what it fetches, what stands inline, its links, texts and language."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.fetched: list[str] = []
        self.inline: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.lang = ""
        self._bare = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.tags.append(tag)
        self._bare = (tag == "script" and "src" not in named) or tag == "style"
        self.inline += [f"<{tag} {name}>" for name in named if name == "style" or name.startswith("on")]
        self.fetched += [value for name, value in attrs if (tag, name) in FETCHED and value]
        if tag == "a" and named.get("href"):
            self.links.append(str(named["href"]))
        if tag == "html":
            self.lang = named.get("lang") or ""

    def handle_data(self, data: str) -> None:
        if self._bare:
            self.inline.append(data[:60])
            self._bare = False
        self.texts.append(data)

    @property
    def text(self) -> str:
        """All text of the page."""
        return " ".join(self.texts)


@pytest.fixture(scope="module")
def http(server: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server, timeout=60, headers={"Accept": "text/html"}) as client:
        yield client


def page(http: httpx.Client, path: str, status: int = 200, **question: str) -> Markup:
    """A page taken apart, once its status and type are right."""
    answer = http.get(path, params={"f": "html", **question})
    assert answer.status_code == status, f"{path}: {answer.text[:300]}"
    assert answer.headers["content-type"].startswith("text/html"), path
    return Markup(answer.text)


def first_item(http: httpx.Client, layer: str) -> dict[str, Any]:
    """The first feature of a layer."""
    answer = http.get(f"/collections/{layer}/items", params={"f": "json", "limit": "1"})
    feature: dict[str, Any] = answer.json()["features"][0]
    return feature


def assert_self_contained(markup: Markup, origin: str, path: str) -> None:
    """Nothing is fetched from another host, and nothing stands inline that the policy would forbid."""
    assert markup.inline == [], path
    for address in markup.fetched:
        assert urlsplit(urljoin(origin, address)).netloc == urlsplit(origin).netloc, f"{path}: {address}"


@pytest.mark.conformance
@pytest.mark.parametrize("path", PAGES)
def test_a_page_takes_nothing_from_outside(http: httpx.Client, server: str, path: str) -> None:
    assert_self_contained(page(http, path), server, path)


def test_pages_for_browsers_without_a_form_in_the_address(http: httpx.Client) -> None:
    answer = http.get("/collections/districts")
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_what_pages_refer_to_is_there(http: httpx.Client) -> None:
    for path in ("/", "/collections/districts/items", "/openapi"):
        for address in page(http, path).fetched:
            assert http.get(address).status_code == 200, f"{path}: {address}"


@pytest.mark.conformance
def test_every_link_of_ours_leads_somewhere(http: httpx.Client, server: str) -> None:
    seen = set()
    for path in ("/", "/collections", "/collections/districts", "/collections/districts/tiles", "/collections/nope"):
        markup = page(http, path, 404 if path.endswith("nope") else 200)
        for link in markup.links:
            address = urljoin(f"{server}{path}", link)
            if not link.startswith("#") and address.startswith(server) and urlsplit(address).path != "/map":
                seen.add(address)
    others = {f"/collections/{layer}" for layer in catalogue().layers} - {f"/collections/{layer.id}" for layer in TRIED}
    for address in sorted(seen):
        if not any(urlsplit(address).path == one or urlsplit(address).path.startswith(f"{one}/") for one in others):
            assert http.get(address).status_code == 200, address


def test_an_item_has_a_page(http: httpx.Client, server: str) -> None:
    for layer in ("districts", "incidents", "roads_b50k"):
        feature = first_item(http, layer)
        markup = page(http, f"/collections/{layer}/items/{feature['id']}")
        assert_self_contained(markup, server, layer)
        assert feature["id"] in markup.text
        for name, value in feature["properties"].items():
            assert name in markup.text
            if isinstance(value, str):
                assert value in markup.text


def test_items_are_listed_and_walked(http: httpx.Client) -> None:
    first = page(http, "/collections/districts/items", limit="5")
    assert "of 18" in first.text
    (forward,) = {link for link in first.links if "offset=5" in link}
    second = Markup(http.get(f"/collections/districts/items{forward}").text)
    assert "6–10" in second.text
    assert any("offset=0" in link for link in second.links)


def test_refusals_are_pages_that_escape_what_they_quote_once(http: httpx.Client, server: str) -> None:
    for question in ({"filter": f'"{NASTY}" = 1'}, {"bbox": NASTY}, {"datetime": NASTY}, {"limit": NASTY}):
        markup = page(http, "/collections/districts/items", 400, **question)
        assert_self_contained(markup, server, str(question))
        assert "b" not in markup.tags[markup.tags.index("main") :], question
        assert "&lt;" not in markup.text, question
        assert "&amp;" not in markup.text, question


@pytest.mark.parametrize(
    "path", ["/TileMatrixSets", "/TileMatrixSets/WebMercatorQuad", "/asyncapi", "/openapi?ui=redoc"]
)
def test_no_page_of_pygeoapi_alone_is_reachable(http: httpx.Client, server: str, path: str) -> None:
    # For its tile matrix sets pygeoapi 0.24 does not look into our folder of templates.
    answer = http.get(path, params={"f": "html"} if "?" not in path else None, follow_redirects=True)
    if answer.headers["content-type"].startswith("text/html"):
        assert_self_contained(Markup(answer.text), server, path)


def test_unknown_things_are_pages_too(http: httpx.Client, server: str) -> None:
    for path in ("/collections/nope", "/collections/nope/items", "/collections/districts/items/nope"):
        assert_self_contained(page(http, path, 404), server, path)


def rendered(template: str, data: dict[str, Any], locale: str = "en") -> Markup:
    """One of our templates over made-up data, through pygeoapi's own rendering."""
    from babel import Locale
    from pygeoapi.util import render_j2_template, yaml_load

    with resource("pygeoapi-config.yml").open(encoding="utf-8") as file:
        config = yaml_load(file)
    templates = {"path": str(Path(cop_server.__file__).parent / "templates")}
    return Markup(render_j2_template(config, templates, template, data, Locale.parse(locale)))


def collection_link(layer: str) -> dict[str, str]:
    """The link to the collection that pygeoapi puts beside items."""
    return {"rel": "collection", "type": "application/json", "title": NASTY, "href": f"http://h/collections/{layer}"}


def test_a_value_is_escaped_once_in_the_table_of_items() -> None:
    feature = {"id": NASTY, "geometry": None, "properties": {"name_en": NASTY, "code": NASTY, "valid_from": [NASTY]}}
    data = {
        "features": [feature], "links": [collection_link("districts")], "numberMatched": 1, "offset": 0,
        "dataset_path": "http://h/collections/districts", "collections_path": "http://h/collections",
        "items_path": "http://h/collections/districts/items", "title_field": "name_en", "id_field": "name_en",
    }  # fmt: skip
    markup = rendered("collections/items/index.html", data)
    assert markup.inline == []
    assert "script" not in markup.tags[markup.tags.index("main") :]
    assert sum(NASTY in text for text in markup.texts) >= 5  # heading, title, id, text and list


def test_a_value_is_escaped_once_on_the_page_of_an_item() -> None:
    properties = {"name_en": NASTY, "address": "https://example.org/?a=1&b=<2>", "trap": f"javascript:{NASTY}",
                  "nothing": None, "yes": True, "part": {"a": NASTY}}  # fmt: skip
    data = {
        "id": NASTY, "geometry": None, "properties": properties, "links": [collection_link("districts")],
        "title": NASTY, "title_field": "name_en", "collections_path": "http://h/collections", "id_field": "id",
    }  # fmt: skip
    markup = rendered("collections/items/item.html", data)
    assert markup.inline == []
    assert "b" not in markup.tags[markup.tags.index("main") :]
    assert sum(NASTY in text for text in markup.texts) >= 5
    assert "https://example.org/?a=1&b=<2>" in markup.links
    assert not any(link.startswith("javascript:") for link in markup.links)


def test_pages_speak_both_languages(http: httpx.Client) -> None:
    for lang, tag, word in (("en", "en", "District boundaries"), ("zh", "zh-Hant", "十八區分界")):
        markup = page(http, "/collections", lang=lang)
        assert markup.lang == tag
        assert word in markup.text
        assert all(
            f"lang={lang}" in link for link in markup.links if link.startswith("/collections/") and "f=html" in link
        )
    for accepted, tag in (
        ("zh-HK,zh;q=0.9,en;q=0.8", "zh-Hant"),
        ("zh-Hant", "zh-Hant"),
        ("en-GB", "en"),
        ("fr", "en"),
    ):
        assert Markup(http.get("/", headers={"Accept-Language": accepted}).text).lang == tag, accepted


def test_collections_stand_in_groups(http: httpx.Client) -> None:
    for lang, first, other in (("en", "Incidents", "Other"), ("zh", "事故", "其他")):
        texts = [text.strip() for text in page(http, "/collections", lang=lang).texts]
        assert first in texts
        assert other not in texts


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    assert path, "Debian's package chromium is missing: scripts/bootstrap test installs it"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield started
        started.close()


class Visit:
    """A page in the browser, with what it logged as trouble and what it fetched from elsewhere."""

    def __init__(self, browser: Browser, server: str) -> None:
        self.trouble: list[str] = []
        self.page = browser.new_page(locale="en-GB")
        self._server = server
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.trouble.append(str(error)))
        self.page.on("request", lambda request: self._outside(request.url))

    def _note(self, line: ConsoleMessage) -> None:
        if line.type in ("error", "warning"):
            self.trouble.append(f"{line.text} {line.location}")

    def _outside(self, url: str) -> None:
        if not url.startswith((f"{self._server}/", "data:")):
            self.trouble.append(f"fetched {url}")

    def open(self, path: str, ready: str = "#mode:not(:empty)") -> None:
        """Go to a page and wait until its scripts have filled it in."""
        self.page.goto(self._server + path)
        self.page.wait_for_selector(ready, state="attached", timeout=30_000)


@pytest.fixture
def visit(browser: Browser, server: str) -> Iterator[Visit]:
    made = Visit(browser, server)
    yield made
    made.page.close()


@pytest.mark.parametrize(
    ("path", "ready"),
    [
        ("/?f=html", ".copyable button"),
        ("/collections?f=html&lang=zh", "#mode:not(:empty)"),
        ("/collections/districts?f=html", ".sketch path.area"),
        ("/collections/districts/items?f=html&limit=3", ".sketch path.area"),
        ("/collections/incidents/items?f=html&limit=20", "th .titled"),
        ("/collections/districts/items/CW?f=html", ".sketch path.area"),
        ("/collections/incidents/queryables?f=html&lang=zh", "tr[data-column] ul.codes"),
        ("/collections/terrain?f=html", ".sketch path.extent"),
        ("/openapi?f=html", "#paths details"),
        ("/conformance?f=html", "#classes li a"),
    ],
)
def test_scripts_run_under_the_policy(visit: Visit, path: str, ready: str) -> None:
    visit.open(path, ready)
    visit.page.wait_for_load_state("load")
    assert visit.trouble == []


def test_the_mode_is_said_and_stays(visit: Visit) -> None:
    visit.open("/collections/districts?f=html")
    assert visit.page.locator("#mode").inner_text() == "EXERCISE 演習"
    visit.open("/collections/districts?f=html&mode=test")
    assert visit.page.locator("#mode").inner_text() == "TEST 測試"
    visit.page.click("main .button.strong")
    visit.page.wait_for_url("**/items?*mode=test*")
    visit.open("/collections/districts?f=html&mode=actual", "#mode[data-mode=actual]")
    assert not visit.page.locator("#mode").is_visible()


def test_a_question_stays_when_the_language_changes(visit: Visit) -> None:
    visit.open("/collections/districts/items?f=html&limit=2&filter=code%3D%27CW%27", ".sketch path.area")
    assert visit.page.locator("input[name=filter]").input_value() == "code='CW'"
    visit.page.click("header a[data-keep]")
    visit.page.wait_for_selector("html[lang=zh-Hant] .sketch path.area", state="attached")
    assert "中西區" in visit.page.inner_text("table.items")
    assert visit.page.locator("table.items tbody tr").count() == 1


def test_a_page_says_which_sources_its_counts_lack(visit: Visit, server: str) -> None:
    asked = {"f": "json", "filter": "state IN ('late','stale','down')", "filter-lang": "cql2-text"}
    bad = httpx.get(f"{server}/collections/feeds/items", params=asked).json()["features"]
    names = {one["properties"]["source_ref"] for one in bad}
    doubtful = next(layer for layer in catalogue().feature_layers if names & set(layer.feeds))
    well = next(layer for layer in catalogue().feature_layers if layer.feeds and not names & set(layer.feeds))
    [title, *_] = [one["properties"]["title_zh"] for one in bad if one["properties"]["source_ref"] in doubtful.feeds]
    for part in ("", "/items"):
        visit.open(f"/collections/{doubtful.id}{part}?f=html&lang=zh", "p.caveat")
        assert title in visit.page.inner_text("p.caveat")
    visit.open(f"/collections/{well.id}/items?f=html", "[data-columns] .titled")
    assert visit.page.locator("p.caveat").count() == 0
    assert visit.trouble == []


def test_what_scripts_write_is_text(visit: Visit, server: str) -> None:
    told = httpx.get(f"{server}/collections/districts?f=json").json()
    told["attribution"] = NASTY
    for column in told["cop"]["columns"]:
        column["title"] = {"en": NASTY, "zh": NASTY}
    visit.page.route("**/collections/districts?f=json*", lambda route: route.fulfill(json=told))
    visit.open("/collections/districts/items?f=html&limit=2", "th .titled")
    assert visit.page.locator("th .titled").first.inner_text() == NASTY
    visit.open("/collections/districts?f=html", ".facts dd:has-text('alert')")
    assert visit.page.locator("main b, main dd script").count() == 0
    assert visit.trouble == []
