"""Every declared feed finds its address in the simulator, and its parser takes all that stands there."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from simulated import body_of, found

from cop_ingest.feeds.declared import feeds
from cop_ingest.feeds.parse import led_by, parser_of
from cop_ingest.feeds.payload import Payload
from cop_ingest.scenario.calendar import hong_kong
from cop_ingest.simulator.world.world import World

FEEDS: dict[str, Any] = dict(feeds())
# In the calm before, in the worst hour, and when it is nearly over.
TIMES = (hong_kong("2025-09-23 07:30"), hong_kong("2025-09-24 03:06"), hong_kong("2025-09-24 21:30"))


@pytest.fixture(scope="module")
def world() -> World:
    return World(1, scale=0.05)


def _parts(feed: Any, world: World, at: datetime) -> dict[str, bytes]:
    return {name: body_of(world, part.url.split("://", 1)[1], at) for name, part in feed.parts.items()}


def _followed(feed: Any, parts: dict[str, bytes], world: World, at: datetime) -> dict[str, bytes]:
    """The files that an answer leads to, as the cyclone list leads to tracks."""
    leads = led_by(feed, Payload(parts, at, feed.options))
    return {part: body_of(world, address.split("://", 1)[1], at) for part, address in leads.items()}


@pytest.mark.parametrize("name", FEEDS)
def test_a_feeds_parser_takes_the_simulators_answer_whole(world: World, name: str) -> None:
    feed, records = FEEDS[name], 0
    for at in TIMES:
        parts = _parts(feed, world, at)
        parts |= _followed(feed, parts, world, at)
        reading = parser_of(feed)(Payload(parts, at, feed.options))
        assert [refusal.reason for refusal in reading.parsed.refusals] == [], at
        assert reading.observed_at is None or reading.observed_at <= at, "nothing is known before its time"
        records += len(reading.parsed.records)
        assert feed.empty == "quiet" or reading.parsed.records, at
    assert records or name == "hko_felt_earthquake"


@pytest.mark.parametrize("name", FEEDS)
def test_a_feed_is_called_by_its_id_in_faults(name: str) -> None:
    for part in FEEDS[name].parts.values():
        endpoint, _ = found(part.url.split("://", 1)[1])
        assert name in (endpoint.feed, endpoint.also)
