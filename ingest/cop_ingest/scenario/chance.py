"""Choices from a seeded generator, and the ids of made-up records."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from random import Random

from cop_ingest.times import HKT


def named(seed: int, name: str) -> Random:
    """A generator of its own for a name, so that no draw depends on which others came before it."""
    digest = hashlib.sha256(f"{seed}/scenario/{name}".encode()).digest()
    return Random(int.from_bytes(digest[:8]))  # noqa: S311 - an exercise has to be repeatable, not secret


def weighted[T](draw: Random, weights: Mapping[T, float]) -> T:
    """One of the keys, as often as its weight says."""
    return draw.choices(list(weights), list(weights.values()))[0]


def minutes(draw: Random, mean: float, least: float = 1.0) -> timedelta:
    """A stretch of whole seconds, most of them shorter than the mean and a few far longer."""
    return timedelta(seconds=round(60 * (least + draw.expovariate(1 / mean))))


class Numbers:
    """Ids like the store's own: prefix, day in Hong Kong, five digits that nobody can count by."""

    def __init__(self, prefix: str, draw: Random) -> None:
        self._prefix = prefix
        self._draw = draw
        self._taken: set[str] = set()

    def next(self, at: datetime) -> str:
        """An id of the day of a time that was not given before."""
        day = at.astimezone(HKT).strftime("%Y%m%d")
        while True:
            found = f"{self._prefix}-{day}-{self._draw.randint(1, 99999):05d}"
            if found not in self._taken:
                self._taken.add(found)
                return found
