"""A host that does not answer is left alone for a while, so that its feeds do not all wait for it each time."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

FAILURES = 5
FIRST_REST = 5.0
LONGEST_REST = 8.0  # so that a feed is right again within its cadence and ten seconds after its host is


@dataclass(slots=True)
class _Host:
    failures: int = 0
    rests_until: float = 0.0
    rest: float = FIRST_REST


class Breaker:
    """One process's memory of hosts that failed: after five failures in a row one request at a time probes the host."""

    def __init__(self) -> None:
        self._hosts: dict[str, _Host] = {}
        self._lock = threading.Lock()

    def rests(self, host: str) -> float:
        """Seconds for which the host is not asked; 0 where it may be, and then the next who asks waits again."""
        with self._lock:
            known = self._hosts.get(host)
            if known is None or known.failures < FAILURES:
                return 0.0
            now = time.monotonic()
            if now < known.rests_until:
                return known.rests_until - now
            known.rests_until = now + known.rest
            return 0.0

    def failed(self, host: str) -> None:
        """Note that the host did not answer."""
        with self._lock:
            known = self._hosts.setdefault(host, _Host())
            known.failures += 1
            if known.failures >= FAILURES:
                known.rests_until = time.monotonic() + known.rest
                known.rest = min(known.rest * 2, LONGEST_REST)

    def answered(self, host: str) -> None:
        """Note that the host answers."""
        with self._lock:
            self._hosts.pop(host, None)
