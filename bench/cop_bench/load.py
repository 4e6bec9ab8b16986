"""Load: how many answers a second a server gives to one question, asked over kept connections."""

from __future__ import annotations

import http.client
import itertools
import re
import shutil
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

CONNECTIONS = 16
SLOW = 0.04  # seconds: an answer slower than this is asked for by a few patient clients, and each one is waited for
PATIENT_CLIENTS = 4
INSTALL_WRK = "apt-get update && apt-get install --no-install-recommends -y wrk"
_ROTATE = Path(__file__).parent / "rotate.lua"
_UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}


class LoadFailed(RuntimeError):
    """The load met errors, so its figure would mean nothing."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Answers a second and how many there were, and the median and 99th percentile of their times in milliseconds."""

    per_second: float
    answers: int
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: status, headers in lower case, body as it came, seconds."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float


def wrk_is_missing() -> bool:
    """Whether the load generator has yet to be installed."""
    return shutil.which("wrk") is None


def ask(url: str, headers: Mapping[str, str] | None = None) -> Reply:
    """One question over a connection of its own."""
    connection = _connection(url)
    try:
        return _asked(connection, url, headers or {})
    finally:
        connection.close()


def rate(url: str, paths: Sequence[str], headers: Mapping[str, str], seconds: int, *, slow: bool = False) -> Rate:
    """The rate of some questions, asked one after the other, over some seconds.

    Raises LoadFailed where an answer was an error or did not come.
    """
    ask_all = _patient_rate if slow else _wrk_rate
    return ask_all(url, paths, headers, seconds)


def _connection(url: str) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=120)


def _asked(connection: http.client.HTTPConnection, url: str, headers: Mapping[str, str]) -> Reply:
    parts = urlsplit(url)
    began = time.monotonic()
    connection.request("GET", f"{parts.path}?{parts.query}", headers=dict(headers))
    response = connection.getresponse()
    body = response.read()
    named = {name.lower(): value for name, value in response.getheaders()}
    return Reply(response.status, named, body, time.monotonic() - began)


def _wrk_rate(url: str, paths: Sequence[str], headers: Mapping[str, str], seconds: int) -> Rate:
    options = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="ascii") as listed:
        listed.write("\n".join(paths))
        listed.flush()
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "60s", "--latency", *options,
                   "-s", str(_ROTATE), url, "--", listed.name]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 90)
    return read_wrk(f"{url}{paths[0]} and its like\n{done.stdout}")


def read_wrk(text: str) -> Rate:
    """What wrk printed, as a rate.

    Raises LoadFailed where it saw errors.
    """
    for sign in ("Non-2xx or 3xx responses", "Socket errors"):
        if sign in text:
            raise LoadFailed(text)
    found = re.search(r"^Requests/sec:\s+([\d.]+)", text, re.MULTILINE)
    if found is None or float(found[1]) == 0:
        raise LoadFailed(text)
    answers = re.search(r"^\s*(\d+) requests in", text, re.MULTILINE)
    return Rate(
        float(found[1]), int(answers[1]) if answers else 0, _milliseconds(text, "50%"), _milliseconds(text, "99%")
    )


def _milliseconds(text: str, part: str) -> float:
    found = re.search(rf"^\s+{part}\s+([\d.]+)(us|ms|s|m)$", text, re.MULTILINE)
    return float(found[1]) * _UNITS[found[2]] if found else float("nan")


def _patient_rate(url: str, paths: Sequence[str], headers: Mapping[str, str], seconds: int) -> Rate:
    """A few clients who ask again until time is up, and wait for the last answer: nothing under way is lost."""
    taken: list[float] = []
    failed: list[str] = []
    questions = itertools.cycle(paths)
    began = time.monotonic()

    def client() -> None:
        connection = _connection(url)
        try:
            while time.monotonic() - began < seconds:
                reply = _asked(connection, url + next(questions), headers)
                if reply.status != 200:
                    failed.append(f"status {reply.status}: {reply.body[:300]!r}")
                    return
                taken.append(reply.seconds)
        except OSError as exc:
            failed.append(str(exc))
        finally:
            connection.close()

    clients = [threading.Thread(target=client) for _ in range(PATIENT_CLIENTS)]
    for each in clients:
        each.start()
    for each in clients:
        each.join()
    if failed:
        raise LoadFailed(f"{url}: {failed[0]}")
    return Rate(len(taken) / (time.monotonic() - began), len(taken), statistics.median(taken) * 1e3, max(taken) * 1e3)
