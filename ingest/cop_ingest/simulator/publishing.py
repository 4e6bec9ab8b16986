"""When sources publish: at even times with a delay, or when something happens."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from cop_ingest.simulator.world import cyclone, warnings
from cop_ingest.simulator.world.world import STARTS, World

Published = Callable[[World, datetime], datetime]
"""The time of publication (UTC) of what an address answers at a time."""

_EPOCH = datetime(2025, 1, 1, tzinfo=UTC)
BEFORE = STARTS - timedelta(hours=12)
"""When something was published that has not changed since before the day."""


def every(minutes: float, late: float = 0.0) -> Published:
    """At even times (in Hong Kong as in UTC), `late` minutes after each."""
    step, delay = timedelta(minutes=minutes), timedelta(minutes=late)

    def published(_: World, at: datetime) -> datetime:
        return _EPOCH + (at - delay - _EPOCH) // step * step + delay

    return published


def once(_: World, __: datetime) -> datetime:
    """Before the day, and not again."""
    return BEFORE


def last_of(moments: Sequence[datetime], at: datetime) -> datetime:
    """The last of ordered moments up to a time; BEFORE where there is none."""
    found = bisect_right(moments, at)
    return moments[found - 1] if found else BEFORE


def warnings_change(_: World, at: datetime) -> datetime:
    """With each change of a warning."""
    return last_of(warnings.moments(), at)


def news_change(world: World, at: datetime) -> datetime:
    """With each change of the traffic news."""
    return last_of(world.news.moments, at)


def wind_files(world: World, at: datetime) -> datetime:
    """As the wind files came."""
    return world.winds.at(at).at


def bulletins(_: World, at: datetime) -> datetime:
    """With each bulletin on the cyclone."""
    return last_of(cyclone.issues(), at)
