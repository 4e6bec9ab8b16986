"""A browser for the page's tests: Debian's Chromium, drawing in software, so that it needs no screen."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, Request, ViewportSize, expect, sync_playwright

CLONE = Path(__file__).parents[2]
DRAWN = "body[data-ready=true]"
DESK: ViewportSize = {"width": 1360, "height": 840}
# A cold basemap is drawn while the page waits for it.
PATIENCE_MS = 90_000
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
]


@dataclass
class Visit:
    """An open page with what it logged as errors and what it asked for."""

    page: Page
    origin: str
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def asked(self, part: str) -> list[dict[str, list[str]]]:
        """The parameters of the requests whose path has this part."""
        split = [urlsplit(url) for url in self.requests]
        return [parse_qs(url.query, keep_blank_values=True) for url in split if part in url.path]

    def strangers(self) -> list[str]:
        """Requests that left the origin; what the page makes itself (data:, blob:) does not."""
        own = (f"{self.origin}/", "data:", f"blob:{self.origin}/")
        return [url for url in self.requests if not url.startswith(own)]


Visitor = Callable[..., Visit]


@pytest.fixture(scope="session")
def built_page() -> None:
    """The page of these sources, built; a second call in the same state does nothing."""
    subprocess.run([CLONE / "scripts" / "page"], check=True)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for all tests; each gets a context of its own."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    assert path, "Debian's package chromium is missing: scripts/bootstrap test installs it"
    expect.set_options(timeout=20_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(built_page: None, server: str, chromium: Browser) -> Iterator[Visitor]:
    """Open the page: `visit("lang=en")` waits until the incidents are drawn."""
    contexts = []
    origin = server.rstrip("/")

    def open_page(query: str = "lang=en&theme=light", size: ViewportSize = DESK, drawn: bool = True) -> Visit:
        context = chromium.new_context(viewport=size, locale="en-HK", timezone_id="Europe/Lisbon")
        contexts.append(context)
        page = context.new_page()
        made = Visit(page, origin)

        def note(request: Request) -> None:
            made.requests.append(request.url)

        page.on("request", note)
        page.on("pageerror", lambda error: made.errors.append(str(error)))
        page.on(
            "console",
            lambda line: made.errors.append(f"{line.text} {line.location}") if line.type == "error" else None,
        )
        page.goto(f"{origin}/map?{query}")
        if drawn:
            page.wait_for_selector(DRAWN, timeout=PATIENCE_MS)
        return made

    yield open_page
    for context in contexts:
        context.close()
