"""Answers kept as bytes: bounded by size, compressed once, made once however many ask at the same time."""

from __future__ import annotations

import gzip
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass

from cop_server.border.metrics import CACHE

_FOUND, _MADE, _AWAITED = (CACHE.labels(outcome) for outcome in ("found", "made", "awaited"))
_SMALL = 1000  # bytes under which compression gains nothing
_LEVEL = 4


@dataclass(frozen=True, slots=True)
class Answer:
    """A body as it is sent, with the headers that belong to it."""

    body: bytes
    headers: dict[str, str]


class AnswerCache:
    """Least recently used answers of one process. The key names the state they were made at, so none goes stale."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept: OrderedDict[Hashable, Answer] = OrderedDict()
        self._size = 0
        self._making: dict[Hashable, Future[Answer]] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], Answer]) -> Answer:
        """The answer for a key. The first to ask makes it, others wait for it; an error goes to all of them."""
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
                _FOUND.inc()
                return found
            future = self._making.get(key)
            mine = future is None
            if future is None:
                future = self._making[key] = Future()
        (_MADE if mine else _AWAITED).inc()
        return self._make(key, make, future) if mine else future.result()

    @property
    def size(self) -> int:
        """Bytes of the bodies that are kept."""
        return self._size

    def _make(self, key: Hashable, make: Callable[[], Answer], future: Future[Answer]) -> Answer:
        try:
            answer = make()
        except BaseException as exc:
            self._done(key)
            future.set_exception(exc)
            raise
        self._done(key, answer)
        future.set_result(answer)
        return answer

    def _done(self, key: Hashable, answer: Answer | None = None) -> None:
        with self._lock:
            del self._making[key]
            if answer is None or len(answer.body) > self._limit // 8:
                return
            self._kept[key] = answer
            self._size += len(answer.body)
            while self._size > self._limit:
                _, old = self._kept.popitem(last=False)
                self._size -= len(old.body)


def coding(accept_encoding: str, size: int = _SMALL) -> str:
    """The content coding to answer in: gzip where it is taken and gains something."""
    tokens = [part.partition(";") for part in accept_encoding.lower().split(",")]
    taken = {token.strip() for token, _, weight in tokens if weight.replace(" ", "") not in ("q=0", "q=0.0")}
    return "gzip" if size >= _SMALL and ("gzip" in taken or "*" in taken) else "identity"


def compressed(body: bytes) -> bytes:
    """A body in gzip, without a time stamp, so that the same body is always the same bytes."""
    return gzip.compress(body, _LEVEL, mtime=0)
