"""A browser for the page's tests: Debian's Chromium, drawing in software, so that it needs no screen."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import psycopg
import psycopg.sql
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, ViewportSize, expect, sync_playwright

from cop_server.cluster import Cluster

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
    expect.set_options(timeout=60_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


class Owner:
    """The owner of the database that the suite's server reads; what a test writes there goes with it."""

    def __init__(self, dsn: str, api: Api) -> None:
        self._api = api
        self.connection = psycopg.connect(dsn, autocommit=True)
        self._written = 0

    def incident(self, title: str, **more: Any) -> str:
        """A new incident in the exercise, for everybody; its id."""
        self._written += 1
        values = {
            "category": "flood", "title_en": title, "department": "DSD", "status": "reported", "major": False,
            "message_status": "exercise", "release": "public", "reported_at": self._api.now(), "position_released": True,
            "source": "test-page", "source_ref": f"{title} {self._written}",
        } | more  # fmt: skip
        names = psycopg.sql.SQL(", ").join(map(psycopg.sql.Identifier, values))
        marks = psycopg.sql.SQL(", ").join(psycopg.sql.Placeholder() * len(values))
        row = self.connection.execute(
            psycopg.sql.SQL(
                "INSERT INTO layer.incidents ({}, geom) VALUES ({}, ST_SetSRID(ST_Point(114.17, 22.3), 4326)) RETURNING id"
            ).format(names, marks),
            list(values.values()),
        ).fetchone()
        assert row is not None
        return str(row[0])

    def close(self) -> None:
        self.connection.execute("DELETE FROM layer.incidents WHERE source = 'test-page'")
        self.connection.close()


@pytest.fixture
def owner(api: Api, cluster: Cluster) -> Iterator[Owner]:
    """Who writes past the API."""
    made = Owner(cluster.at(f"t_server_{os.getpid()}").owner_dsn, api)
    yield made
    made.close()


class Relay:
    """A way to the server that can be cut and mended: while it is cut, nobody gets through."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._joined: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._open = True
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._start(self._accept)

    def _start(self, work: Callable[..., None], *given: socket.socket) -> None:
        thread = threading.Thread(target=work, args=given, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            if not self._open:
                near.close()
                continue
            far = socket.create_connection(self._target)
            self._joined += [near, far]
            self._start(self._pump, near, far)
            self._start(self._pump, far, near)

    @staticmethod
    def _pump(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def cut(self) -> None:
        """End every connection, and let no new one through."""
        self._open = False
        for end in self._joined:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        """Let new connections through."""
        self._open = True

    def close(self) -> None:
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self.cut()
        for thread in self._threads:
            thread.join(10)
        for end in (self._listening, *self._joined):
            end.close()


@pytest.fixture
def relay(server: str) -> Iterator[Relay]:
    """The server behind a connection that can be cut."""
    split = urlsplit(server)
    made = Relay(split.hostname or "", split.port or 80)
    yield made
    made.close()


def _opener(chromium: Browser, own: str, contexts: list[BrowserContext]) -> Visitor:
    """What opens pages, each in a context of its own that is put into `contexts`."""

    def open_page(
        query: str = "lang=en&theme=light",
        size: ViewportSize = DESK,
        drawn: bool = True,
        origin: str = own,
        flying: bool = False,
    ) -> Visit:
        context = chromium.new_context(
            viewport=size, locale="en-HK", timezone_id="Europe/Lisbon",
            reduced_motion="no-preference" if flying else "reduce",
        )  # fmt: skip
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

    return open_page


@pytest.fixture
def visit(built_page: None, server: str, chromium: Browser) -> Iterator[Visitor]:
    """Open the page: `visit("lang=en")` waits until the incidents are drawn.

    The map jumps to where it is sent, as for somebody who has asked for less motion, unless it is to be `flying`: every
    picture of a flight is drawn without a graphics card, and so are the basemap's at each zoom on the way.
    """
    contexts: list[BrowserContext] = []
    yield _opener(chromium, server.rstrip("/"), contexts)
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def visit_once(built_page: None, server: str, chromium: Browser) -> Iterator[Visitor]:
    """The same for a page that tests of a module look at one after the other: none needs it as another left it."""
    contexts: list[BrowserContext] = []
    yield _opener(chromium, server.rstrip("/"), contexts)
    for context in contexts:
        context.close()
