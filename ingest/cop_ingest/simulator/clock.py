"""The simulator's clock: the time of the scenario, which may run faster than ours and jump."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cop_ingest.times import HKT

SPEEDS = (0.0, 600.0)
"""The slowest and the fastest; 0 stands still."""


@dataclass
class Clock:
    """Scenario time (UTC): from where it last was set, plus the time gone since then times the speed, up to `ends`.

    `begins` and `ends` are the scenario's first and last moment, `starts` the one that the clock starts from.

    `ticks` gives seconds that only grow; another may be given so that a test has no need to wait.
    """

    begins: datetime
    ends: datetime
    starts: datetime
    speed: float = 1.0
    ticks: Callable[[], float] = time.monotonic
    _since: float = field(init=False)

    def __post_init__(self) -> None:
        _check(self.speed)
        self._since = self.ticks()

    def now(self) -> datetime:
        """The scenario's time; it stands still at its end."""
        gone = max(0.0, self.ticks() - self._since) * self.speed
        return min(self.starts + timedelta(seconds=gone), self.ends)

    def jump(self, to: datetime) -> None:
        """Go on from another time, which may lie in the past."""
        self.starts, self._since = to, self.ticks()

    def span(self) -> str:
        """From when to when the scenario goes, in Hong Kong time."""
        return f"{_written(self.begins)} to {_written(self.ends)} (Hong Kong time)"

    def run(self, speed: float) -> None:
        """Go on from here at another speed. Raises ValueError for one outside SPEEDS."""
        _check(speed)
        self.jump(self.now())
        self.speed = speed


def _written(at: datetime) -> str:
    return f"{at.astimezone(HKT):%Y-%m-%dT%H:%M}"


def _check(speed: float) -> None:
    if not SPEEDS[0] <= speed <= SPEEDS[1]:
        raise ValueError(f"speed: found {speed:g}, wanted {SPEEDS[0]:g} to {SPEEDS[1]:g}")
