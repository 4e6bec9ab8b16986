"""What a feed's state is: live, late, stale, down or quiet, from what was asked and what came."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from cop_ingest.feeds.declared import Feed

State = Literal["live", "late", "stale", "down", "quiet"]


@dataclass(frozen=True, slots=True)
class Health:
    """A feed's state with its age in seconds (None where it has nothing that could be old) and its cause in words.

    `since` is the time from which the age goes on counting while nobody asks.
    """

    state: State
    age_s: int | None
    cause: str | None
    since: datetime | None = None


def health_of(
    feed: Feed,
    now: datetime,
    *,
    failure: str | None,
    last_good_at: datetime | None,
    observed_at: datetime | None,
    records: int,
) -> Health:
    """The state at a time, all times of the feed's own clock.

    A feed whose last turn failed is down, however fresh what it brought before: what it would say now is not known. One
    that answers and has nothing to say is quiet. Otherwise its age decides: of its last answer, or of its newest
    observation.
    """
    since = observed_at if feed.age_of == "observation" and observed_at is not None else last_good_at
    age = max(round((now - since).total_seconds()), 0) if since is not None else None
    if failure is not None:
        return Health("down", age, failure, since)
    if last_good_at is None or age is None:
        return Health("down", age, "it has not answered yet", since)
    if records == 0 and feed.empty == "quiet":
        return Health("quiet", None, None, last_good_at)
    what = "newest observation" if since is observed_at else "last answer"
    if age >= feed.stale_s:
        return Health("stale", age, f"the {what} is older than {span(feed.stale_s)}", since)
    if age >= feed.late_s:
        return Health("late", age, f"the {what} is older than {span(feed.late_s)}", since)
    return Health("live", age, None, since)


def span(seconds: int) -> str:
    """A time in the largest unit that is whole: hours, minutes, else seconds."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
