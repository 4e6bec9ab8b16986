"""Counting what a client asks in a time: a sliding window of two counters, bounded in memory, without locks or threads.

The requests of the last w seconds are taken to be those of this window, and of the one before it the share that still
lies within w seconds. One event loop counts; nothing here waits.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

MOST_CLIENTS: Final = 50_000


@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests of a kind in so many seconds."""

    kind: str
    amount: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether one more was allowed, how many more are, and in how many whole seconds (at least 1) one is again."""

    allowed: bool
    left: int
    wait: int


class Windows:
    """The counts of one process; of so many clients those that asked last."""

    def __init__(self, most: int = MOST_CLIENTS, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._kept: OrderedDict[tuple[str, str], tuple[int, int, int]] = OrderedDict()

    def hit(self, rate: Rate, who: str, *, cost: int = 1) -> Standing:
        """Count a request, unless it is one too many; `cost=0` only asks."""
        key, now = (rate.kind, who), self._clock()
        window, passed = int(now // rate.seconds), now % rate.seconds
        current, before = self._counts(key, window)
        used = before * (1 - passed / rate.seconds) + current
        allowed = used + 1 <= rate.amount
        if allowed and cost:
            current, used = current + cost, used + cost
            self._kept[key] = (window, current, before)
            self._kept.move_to_end(key)
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return Standing(allowed, max(0, math.floor(rate.amount - used)), _wait(rate, current, before, passed))

    def _counts(self, key: tuple[str, str], window: int) -> tuple[int, int]:
        """Requests of this window, and of the one before."""
        kept, current, before = self._kept.get(key, (window, 0, 0))
        if kept == window:
            return current, before
        return 0, current if kept == window - 1 else 0


def _wait(rate: Rate, current: int, before: int, passed: float) -> int:
    """In how many seconds one more is allowed."""
    if current + 1 <= rate.amount:
        share = min(1.0, (rate.amount - current - 1) / before) if before else 1.0
        wait = (1 - share) * rate.seconds - passed
    else:
        wait = rate.seconds - passed + (1 - (rate.amount - 1) / current) * rate.seconds
    return max(1, math.ceil(wait))
