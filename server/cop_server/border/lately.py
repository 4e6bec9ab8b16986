"""Credentials that came lately, and what was found of them: so that one bad key shuts nobody else out.

A program that goes on with a key that has ended is no guesser: its key counts once a minute, however often it comes,
and the store is asked about it no more often than about a good one. Only digests are kept. One event loop uses this.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from cop.errors import NotRecognised

COUNTED_S: Final = 60.0
_ASKED_S: Final = 5.0  # as long as what was found of a good key is gone by; a token's issuer may be back by then
_GOOD_S: Final = 3600.0
_MOST: Final = 10_000


class _Bad(NamedTuple):
    counted: float
    asked: float
    detail: str


class Lately:
    """What one process found of the credentials that came last."""

    def __init__(self, most: int = _MOST, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._good: OrderedDict[bytes, float] = OrderedDict()
        self._bad: OrderedDict[bytes, _Bad] = OrderedDict()

    def fault(self, digest: bytes | None, *, older: bool = False) -> NotRecognised | None:
        """Why these are not good, where that was found just now; `older`: or within the minute."""
        bad = self._bad.get(digest) if digest else None
        if bad is None or self._clock() - (bad.counted if older else bad.asked) >= (COUNTED_S if older else _ASKED_S):
            return None
        return NotRecognised(bad.detail)

    def was_good(self, digest: bytes | None) -> bool:
        """Whether they were good within the hour."""
        at = self._good.get(digest) if digest else None
        return at is not None and self._clock() - at < _GOOD_S

    def is_good(self, digest: bytes | None) -> None:
        """They are."""
        if digest:
            self._bad.pop(digest, None)
            self._good[digest] = self._clock()
            self._keep(self._good, digest)

    def is_bad(self, digest: bytes | None, why: NotRecognised) -> bool:
        """They are not; whether that is to be counted: it is the first time within a minute."""
        if not digest:
            return True
        now, known = self._clock(), self._bad.get(digest)
        counts = known is None or now - known.counted >= COUNTED_S
        self._good.pop(digest, None)
        self._bad[digest] = _Bad(now if known is None or counts else known.counted, now, why.detail)
        self._keep(self._bad, digest)
        return counts

    def _keep[T](self, kept: OrderedDict[bytes, T], digest: bytes) -> None:
        kept.move_to_end(digest)
        if len(kept) > self._most:
            kept.popitem(last=False)


def digest_of(headers: Mapping[str, str]) -> bytes | None:
    """What stands for the credentials of a request; None where it brings none. A session's cookie is none."""
    sent = (headers.get("authorization") or "", headers.get("x-api-key") or "")
    return hashlib.sha256("\0".join(sent).encode()).digest() if any(sent) else None
