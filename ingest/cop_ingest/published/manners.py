"""How downloads behave towards the departments' servers, and what they may cost us."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

USER_AGENT = "COP/0.1 (Common Operational Picture; reference data; one request at a time)"


@dataclass(frozen=True, slots=True)
class Manners:
    """Limits and pauses of downloads; seconds and bytes.

    `page` is how many features a WFS is asked for at once (CSDI gives at most 10,000), `pause` the rest between two
    requests, `backoff` the first wait after a failure, doubled each time and jittered. `seconds` and `bytes` bound one
    layer's download. `mirrors` maps a host to the address that is asked instead of it: a mirror inside the house, or a
    test's server.
    """

    pause: float = 1.0
    backoff: float = 2.0
    attempts: int = 4
    timeout: float = 60.0
    seconds: float = 3600.0
    bytes: int = 4_000_000_000
    page: int = 10_000
    redirects: int = 5
    mirrors: Mapping[str, str] = field(default_factory=dict)

    def wait_before(self, attempt: int) -> float:
        """Seconds to wait before the attempt with this number (the first, 0, waits for nothing)."""
        if attempt == 0:
            return 0.0
        doubled: float = self.backoff * 2 ** (attempt - 1)
        return doubled * random.uniform(0.5, 1.5)  # noqa: S311 - no secret is drawn
