"""Every address that a person may open in a browser: nothing on it breaks the policy, and nothing comes from elsewhere."""

from __future__ import annotations

import httpx
import pytest
from playwright.sync_api import Browser

ITEM = "{item}"
PATHS = [
    "/", "/?lang=zh", "/conformance", "/openapi?f=html", "/openapi", "/asyncapi", "/collections", "/collections/incidents",
    "/collections/incidents/queryables", "/collections/incidents/schema", "/collections/incidents/items",
    "/collections/incidents/items?limit=3&offset=3", "/collections/wind_10min/items", f"/collections/incidents/items/{ITEM}",
    "/collections/incidents/items?f=jsonld", "/collections/incidents/tiles", "/collections/incidents/tiles/WebMercatorQuad",
    "/collections/terrain", "/collections/terrain/coverage?f=html", "/collections/terrain/coverage", "/processes",
    "/processes/summary", "/jobs", "/tileMatrixSets", "/tileMatrixSets/WebMercatorQuad", "/styles", "/summary", "/map",
    "/basemaps", "/basemaps/", "/basemaps/demo", "/basemaps/service?SERVICE=WMS&REQUEST=GetCapabilities", "/basemaps/service",
    "/nothing", "/collections/nothing", "/collections/incidents/items?limit=0", "/collections/incidents/items?nothing=1",
    f"/collections/incidents/items/{ITEM}-not", "/session", "/health", "/stac", "/admin/config",
]  # fmt: skip
REPORT = """
document.addEventListener('securitypolicyviolation', (event) => window.broke(
    `${event.effectiveDirective} ${event.blockedURI} ${event.sourceFile || ''}:${event.lineNumber} ${event.sample}`));
"""


@pytest.fixture(scope="module")
def item(server: str) -> str:
    found = httpx.get(f"{server}/collections/incidents/items", params={"f": "json", "limit": "1"}, timeout=30).json()
    return str(found["features"][0]["id"])


def test_no_page_breaks_its_policy_or_asks_elsewhere(
    built_page: None, server: str, chromium: Browser, item: str
) -> None:
    context = chromium.new_context(locale="en-HK")
    broken: list[str] = []
    strangers: list[str] = []
    pages = 0
    try:
        page = context.new_page()
        page.expose_function("broke", lambda what: broken.append(f"{page.url}: {what}"))
        page.add_init_script(REPORT)
        own = (f"{server}/", "data:", f"blob:{server}/")
        page.on(
            "request", lambda sent: None if sent.url.startswith(own) else strangers.append(f"{page.url}: {sent.url}")
        )
        page.on(
            "console",
            lambda line: broken.append(f"{page.url}: {line.text}") if "Security Policy" in line.text else None,
        )
        for path in PATHS:
            answer = page.goto(server + path.replace(ITEM, item), wait_until="load")
            assert answer is not None
            headers = answer.headers
            assert headers["x-content-type-options"] == "nosniff", path
            assert "content-security-policy" in headers or not headers.get("content-type", "").startswith("text/"), path
            if headers.get("content-type", "").startswith("text/html"):
                pages += 1
                policy = headers["content-security-policy"]
                assert "unsafe" not in policy, path
                assert policy.startswith("default-src 'none'"), path
                assert headers["x-frame-options"] == "DENY", path
                assert headers["cross-origin-opener-policy"] == "same-origin", path
                assert "geolocation=(self)" in headers["permissions-policy"], path
                page.wait_for_load_state("networkidle" if path != "/map" else "load")
        # The policy is in force, and what breaks it is heard of: else this test would find nothing, ever.
        page.goto(f"{server}/collections?f=html")
        assert broken == []
        page.evaluate("() => { const made = document.createElement('script'); made.textContent = 'window.ran = 1'; "
                      "document.body.append(made); new Image().src = 'https://elsewhere.example/a.png'; }")  # fmt: skip
        page.wait_for_timeout(300)
        assert page.evaluate("() => window.ran") is None
        assert len({one.split(": ")[1].split(" ")[0] for one in broken if "script-src" in one or "img-src" in one}) >= 1
    finally:
        context.close()
    assert strangers == [] or all("elsewhere.example" in one for one in strangers)
    assert pages >= 18
