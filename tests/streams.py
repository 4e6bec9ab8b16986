"""A client of streams for the suites: reads in a thread, keeps what came, and goes on from its last id."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import unquote

import httpx


class Stream:
    """One stream that is read until it is closed."""

    def __init__(self, url: str, headers: dict[str, str] | None = None, last: str | None = None, **query: str) -> None:
        self.events: list[dict[str, Any]] = []
        self.ids: list[str] = []
        self.markers: list[str] = []
        self.comments: list[str] = []
        self.last = last
        self.status = 0
        self.headers = httpx.Headers()
        self.problem: dict[str, Any] = {}
        self.ended = threading.Event()
        self._opened = threading.Event()
        self._socket: socket.socket | None = None
        sent = {**(headers or {}), **({"Last-Event-ID": last} if last is not None else {})}
        self._thread = threading.Thread(target=self._read, args=(f"{url}/events", sent, query), daemon=True)
        self._thread.start()
        assert self._opened.wait(30)

    def _read(self, url: str, headers: dict[str, str], query: dict[str, str]) -> None:
        try:
            with httpx.stream("GET", url, params=query, headers=headers, timeout=60) as answer:
                self._socket = answer.extensions["network_stream"].get_extra_info("socket")
                self.status, self.headers = answer.status_code, answer.headers
                if answer.status_code != 200:
                    self.problem = json.loads(answer.read())
                    return
                self._take(answer)
        except httpx.HTTPError:
            pass
        finally:
            self._opened.set()
            self.ended.set()

    def _take(self, answer: httpx.Response) -> None:
        about: dict[str, str] = {}
        for line in answer.iter_lines():
            if not line:
                self._dispatch(about)
                about = {}
            elif line.startswith(":"):
                self.comments.append(line)
            else:
                name, _, value = line.partition(": ")
                about[name] = value

    def _dispatch(self, about: dict[str, str]) -> None:
        if about.get("event") == "stream":
            self.markers.append(json.loads(about["data"])["type"].removeprefix("cop.stream."))
        elif "data" in about:
            self.events.append(json.loads(about["data"]) | {"came": time.time()})
            self.ids.append(about["id"])
        if "id" in about:
            self.last = about["id"]
            self._opened.set()

    def until(self, holds: Callable[[Stream], bool], seconds: float = 60) -> None:
        """Wait until something holds of what came."""
        deadline = time.monotonic() + seconds
        while not holds(self):
            assert time.monotonic() < deadline, (self.ids, self.markers, self.comments)
            time.sleep(0.02)

    @property
    def told(self) -> list[tuple[str, bool]]:
        """Which features came, and whether as tombstones."""
        return [(event["subject"], event["type"].endswith("delete")) for event in self.events]

    def close(self) -> None:
        """Stop reading: the thread finds the connection ended, and clears up."""
        if self._socket is not None and not self.ended.is_set():
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(30)


def number(id_: str) -> int:
    """The number in an event's id."""
    return int(unquote(id_).partition(":")[0])
