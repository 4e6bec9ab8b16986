"""A browser for the page's tests: Debian's Chromium, drawing in software, so that it needs no screen."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
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


@dataclass(frozen=True)
class Api:
    """The server's own answers, for comparison with what the page shows."""

    origin: str

    def ask(self, path: str, **parameters: str) -> dict[str, Any]:
        """The JSON at a path."""
        answer = httpx.get(self.origin + path, params={"f": "json", **parameters}, timeout=60)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def now(self) -> datetime:
        """The exercise's clock."""
        return datetime.fromisoformat(self.ask("/")["cop"]["now"])

    def recent(self, hours: int = 24, at: datetime | None = None) -> str:
        """The page's term for "reported in the last hours", counted from the last full quarter of an hour."""
        moment = at or self.now()
        begin = moment - timedelta(minutes=moment.minute % 15, seconds=moment.second, microseconds=moment.microsecond)
        return f" AND reported_at >= TIMESTAMP('{(begin - timedelta(hours=hours)).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}')"

    def number(self, cql2: str, mode: str = "exercise", **more: str) -> int:
        """The number of incidents that a filter lets through."""
        given = {"mode": mode, "filter": cql2, "filter-lang": "cql2-text", "limit": "1", **more}
        return int(self.ask("/collections/incidents/items", **given)["numberMatched"])


@pytest.fixture
def api(server: str) -> Api:
    """The server that the page is of."""
    return Api(server.rstrip("/"))


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
