"""The time that a feed lives by: ours, or that of the simulator that plays a day at its own speed."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

import httpx

_HOLDS_S = 2.0  # real seconds for which the simulator's word is counted on before it is asked again


class Clock(Protocol):
    """Now, in UTC, and how many of its seconds pass in one of ours."""

    def now(self) -> datetime:
        """The time."""

    def speed(self) -> float:
        """Seconds of this clock in one of ours."""


class OurClock:
    """The machine's."""

    def now(self) -> datetime:
        """The time, in UTC."""
        return datetime.now(UTC)

    def speed(self) -> float:
        """One for one."""
        return 1.0


class SimulatorClock:
    """The simulator's, asked at `<base>/_clock`: a JSON object with `now` (RFC 3339) and `speed`.

    While the simulator does not answer its clock goes on as it last was; before it has answered once, time is ours.
    """

    def __init__(self, base: str) -> None:
        self._address = f"{base.rstrip('/')}/_clock"
        self._lock = threading.Lock()
        self._told: tuple[float, datetime, float] | None = None

    def now(self) -> datetime:
        """The scenario's time, in UTC."""
        at, then, speed = self._word()
        return then + timedelta(seconds=(time.monotonic() - at) * speed)

    def speed(self) -> float:
        """Scenario seconds in one of ours."""
        return self._word()[2]

    def heard(self) -> tuple[datetime, float] | None:
        """What the simulator says that its clock shows now (UTC), and its speed; None where it says nothing."""
        with self._lock:
            asked = self._asked()
            if asked is None:
                return None
            self._told = asked
            return asked[1], asked[2]

    def _word(self) -> tuple[float, datetime, float]:
        with self._lock:
            if self._told is None or time.monotonic() - self._told[0] > _HOLDS_S:
                self._told = self._asked() or self._told
            return self._told or (time.monotonic(), datetime.now(UTC), 1.0)

    def _asked(self) -> tuple[float, datetime, float] | None:
        try:
            said = httpx.get(self._address, timeout=3.0).raise_for_status().json()
            return time.monotonic(), datetime.fromisoformat(said["now"]).astimezone(UTC), float(said.get("speed", 1))
        except (httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError):
            return None
