"""Faults on request: what goes wrong at which address, how often or how long."""

from __future__ import annotations

import gzip
import itertools
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Literal, get_args

Kind = Literal[
    "timeout", "error500", "truncated", "wrong_encoding", "stale", "duplicate", "out_of_order", "html", "gzip_bomb",
    "huge", "clock_jump", "gone",
]  # fmt: skip
KINDS: tuple[str, ...] = get_args(Kind)

HTML = b"<!DOCTYPE html>\n<html><head><title>Notice</title></head><body><h1>Under maintenance</h1></body></html>\n"
NOT_THERE = b'<html><head><title>Index of /</title></head><body><h1>Index</h1><a href="td/">td/</a></body></html>\n'
_MB = 1024 * 1024
BOMB_MB, HUGE_MB = 1024, 200
HOLD_S = 600.0
"""A request that times out is held so long, unless whoever asks goes away before."""


@dataclass
class Fault:
    """A fault at a target: a feed's id, an address `host/path?query` or its beginning, or `*` for all.

    It ends after `times` requests or at `until` (ticks); with neither it stays until it is taken away. `since` is the
    scenario's time at which it began; `shift` is how far the clock of the source is off.
    """

    target: str
    kind: Kind
    since: datetime
    times: int | None = None
    until: float | None = None
    shift: timedelta = timedelta(hours=1)
    seen: int = 0

    def concerns(self, feeds: tuple[str | None, ...], address: str) -> bool:
        """Whether it lies on one of the feeds or on their address, `host/path?query`."""
        return self.target == "*" or self.target in feeds or address.startswith(self.target)

    def over(self, now: float) -> bool:
        """Whether it has ended."""
        return (self.times is not None and self.seen >= self.times) or (self.until is not None and now >= self.until)

    def told(self, now: float) -> dict[str, object]:
        """It as JSON: what is left of it."""
        left = None if self.until is None else max(0.0, round(self.until - now, 1))
        times = None if self.times is None else self.times - self.seen
        return {"target": self.target, "fault": self.kind, "times": times, "seconds": left, "seen": self.seen}


@dataclass
class Faults:
    """The faults that lie on the addresses now; the last one told counts."""

    ticks: Callable[[], float] = time.monotonic
    _faults: list[Fault] = field(default_factory=list)

    def add(self, body: object, now: datetime) -> Fault:
        """Lay a fault on an address. Raises ValueError that says what is wrong with the body."""
        if not isinstance(body, dict):
            raise ValueError("wanted a JSON object with feed (or address) and fault")
        target = body.get("feed") or body.get("address")
        if not isinstance(target, str):
            raise ValueError("feed: wanted a feed's id, an address host/path, or *")
        kind = body.get("fault")
        if kind not in KINDS:
            raise ValueError(f"fault: found {kind!r}, wanted one of {', '.join(KINDS)}")
        times, seconds = _number(body, "times"), _number(body, "seconds")
        shift = _number(body, "shift_s", least=-86_400.0)
        fault = Fault(
            target,
            kind,
            now,
            None if times is None else int(times),
            None if seconds is None else self.ticks() + seconds,
            timedelta(hours=1) if shift is None else timedelta(seconds=shift),
        )
        self._faults.append(fault)
        return fault

    def clear(self, target: str | None = None) -> int:
        """Take away all faults, or those of a target; how many there were."""
        kept = [fault for fault in self._live() if target is not None and fault.target != target]
        gone = len(self._faults) - len(kept)
        self._faults = kept
        return gone

    def meets(self, feeds: tuple[str | None, ...], address: str) -> Fault | None:
        """The fault that a request meets, counted; None where all is well."""
        found = next((fault for fault in reversed(self._live()) if fault.concerns(feeds, address)), None)
        if found is not None:
            found.seen += 1
        return found

    def told(self) -> list[dict[str, object]]:
        """All of them as JSON."""
        return [fault.told(self.ticks()) for fault in self._live()]

    def _live(self) -> list[Fault]:
        self._faults = [fault for fault in self._faults if not fault.over(self.ticks())]
        return self._faults


def _number(body: dict[object, object], name: str, least: float = 0.0) -> float | None:
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value < least:
        raise ValueError(f"{name}: found {value!r}, wanted a number of at least {least:g}")
    return float(value)


def truncated(body: bytes) -> bytes:
    """A body that was cut in the middle of a record; its length says nothing of it."""
    return body[: max(1, len(body) * 5 // 8 - 3)]


def wrong_encoding(body: bytes) -> bytes:
    """The same text in an encoding that it is not said to be in, and without a mark."""
    if body.startswith(b"\xff\xfe"):
        return body[2:].decode("utf-16-le", "replace").lstrip("\ufeff").encode("utf-16-be")
    text = body.decode("utf-8-sig", "replace")
    return text.encode("utf-16-le") if text.isascii() else text.encode("big5hkscs", "replace")


@cache
def bomb() -> bytes:
    """A gzip body of about a megabyte that grows to BOMB_MB."""
    zeros = bytes(_MB)
    pack = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = pack.compress(zeros) + pack.flush(zlib.Z_FULL_FLUSH)
    check = 0
    for _ in range(BOMB_MB):
        check = zlib.crc32(zeros, check)
    header = gzip.compress(b"")[:10]
    end = zlib.compressobj(9, zlib.DEFLATED, -15).flush()
    size = (BOMB_MB * _MB) % 2**32
    return header + block * BOMB_MB + end + check.to_bytes(4, "little") + size.to_bytes(4, "little")


def huge(body: bytes) -> Iterator[bytes]:
    """The body again and again until it is HUGE_MB long."""
    piece = (body * (_MB // max(1, len(body)) + 1))[:_MB]
    return itertools.repeat(piece, HUGE_MB)
