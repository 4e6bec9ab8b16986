"""A department's server that tests fill with answers and faults, and what a turn needs beside it."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import psycopg

from cop_ingest.feeds import keeping
from cop_ingest.feeds.declared import Feed
from cop_ingest.feeds.turn import Workshop, run_turn

NOON = datetime(2025, 9, 23, 4, tzinfo=UTC)
CSV = "Date time,Automatic Weather Station,10-Minute Mean Wind Direction(Compass points),10-Minute Mean Speed(km/hour),10-Minute Maximum Gust(km/hour)\n"


@dataclass
class Source:
    """What the server answers: a body by path with a status and headers, or a fault that writes to the connection itself."""

    url: str = ""
    answers: dict[str, tuple[int, bytes, dict[str, str]]] = field(default_factory=dict)
    faults: dict[str, Callable[[BaseHTTPRequestHandler], None]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def says(self, body: bytes | str, path: str = "/stub.invalid/x.csv", status: int = 200, **headers: str) -> None:
        raw = body.encode() if isinstance(body, str) else body
        self.faults.pop(path, None)
        self.answers[path] = (status, raw, {name.replace("_", "-"): value for name, value in headers.items()})

    def fails(self, fault: Callable[[BaseHTTPRequestHandler], None], path: str = "/stub.invalid/x.csv") -> None:
        self.faults[path] = fault


@contextmanager
def serving() -> Iterator[Source]:
    """A server on a port of its own."""
    made = Source()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            made.asked.append((self.path, dict(self.headers)))
            if (fault := made.faults.get(self.path)) is not None:
                self.close_connection = True
                try:
                    fault(self)
                except OSError:
                    return  # the client has had enough
                return
            status, body, headers = made.answers.get(self.path, (404, b"", {}))
            if headers.get("ETag") and self.headers.get("If-None-Match") == headers["ETag"]:
                status, body = 304, b""
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


class StoryClock:
    """A clock that stands where a test puts it."""

    def __init__(self) -> None:
        self.at = NOON

    def now(self) -> datetime:
        return self.at

    def speed(self) -> float:
        return 1.0

    def later(self, **span: float) -> datetime:
        self.at += timedelta(**span)
        return self.at


def feed_of(**more: Any) -> Feed:
    """A feed with one part, at an address that only a mirror has."""
    about: dict[str, Any] = {
        "id": "stub_wind", "title": {"en": "Wind", "zh": "風"}, "department": "HKO", "source": 5,
        "parts": {"en": {"url": "https://stub.invalid/x.csv"}}, "cadence_s": 60, "late_s": 180, "stale_s": 900,
        "parser": "feed_parsers:wind", "target": {"layer": "wind_10min", "how": "latest"},
        "position": {"layer": "weather_stations", "by": "name_en", "from": "station_en"},
        "max_mb": 1, "address": "U", "licence": "DG", "attribution": {"en": "HKO", "zh": "天文台"},
    }  # fmt: skip
    return Feed.model_validate({**about, **more})


def wind_csv(at: datetime, **speeds: float) -> str:
    """The feed's file at a time (Hong Kong's), one station a row."""
    stamp = (at + timedelta(hours=8)).strftime("%Y%m%d%H%M")
    return CSV + "".join(
        f"{stamp},{name.replace('_', ' ')},East,{speed:g},{speed + 20:g}\n" for name, speed in speeds.items()
    )


def http_date(at: datetime) -> str:
    return format_datetime(at, usegmt=True)


@dataclass
class Shop:
    """The workshop, the source behind it, and shorthands for what tests ask."""

    source: Source
    clock: StoryClock
    workshop: Workshop
    owner: psycopg.Connection[Any]

    def turn(self, feed: Feed) -> keeping.Ended:
        keeping.know(self.owner, [feed.id], self.workshop.mode)
        ended = run_turn(self.workshop, feed)
        assert ended is not None
        return ended

    def one(self, statement: str, *values: object) -> Any:
        row = self.owner.execute(statement, values).fetchone()
        return row[0] if row and len(row) == 1 else row

    def health(self, feed: str = "stub_wind") -> Any:
        return self.one("SELECT state, cause FROM layer.feeds WHERE id = %s", feed)


def bomb(megabytes: int) -> bytes:
    """A gzip of so many megabytes of zeros."""
    return gzip.compress(bytes(megabytes << 20))


def trickle(handler: BaseHTTPRequestHandler) -> None:
    """A header and then a byte now and again."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    for _ in range(40):
        handler.wfile.write(b"x")
        handler.wfile.flush()
        time.sleep(0.1)


def broken_off(handler: BaseHTTPRequestHandler) -> None:
    """Half of what was promised."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"Date time,Auto")


def endless(handler: BaseHTTPRequestHandler) -> None:
    """A body of 200 MB without a length."""
    handler.send_response(200)
    handler.end_headers()
    for _ in range(200):
        handler.wfile.write(b"x" * (1 << 20))
