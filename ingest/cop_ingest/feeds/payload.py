"""What a feed's parser is given and what it gives back; a parser is a pure function between the two."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cop_ingest.records import Parsed


class NotThisFeed(Exception):
    """A payload that is no answer of this feed at all (an HTML page, truncated XML, the wrong root).

    `reason` says what was found and what was wanted. The payload is kept, and the layer stays as it was.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Payload:
    """One answer of a feed: the bodies of its parts as received and decompressed, by the parts' names.

    `received_at` is aware and UTC; `options` are those of the feed's file.
    """

    parts: Mapping[str, bytes]
    received_at: datetime
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Raster:
    """A grid of an answer, beside its records.

    `values` has the axes time, latitude from north to south, longitude from west to east; NaN is no value. `west` and
    `north` are the outer edges of the first cell, `step` a cell's edge, in degrees (WGS 84). Times are aware and UTC.
    """

    values: NDArray[np.float32]
    west: float
    north: float
    step: float
    run_at: datetime
    valid_to: tuple[datetime, ...]
    unit: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What a payload says. Times are aware and UTC.

    `observed_at` is the newest observation or issue time that the answer tells; `published_at` when the source says
    that it made the answer. Either is None where the answer does not tell. `raster` is a grid that came too.
    """

    parsed: Parsed
    observed_at: datetime | None
    published_at: datetime | None
    raster: Raster | None = None


Parser = Callable[[Payload], Reading]
