"""What is measured by looking: at this process every few seconds, and at the store when somebody reads /metrics."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import orjson
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from cop.catalogue import Layer
from cop.errors import CopError
from cop.query import answer
from cop.query.caveats import telling
from cop.query.delta import marks
from cop.query.question import Question
from cop.settings import Mode
from cop.store.reading import pool_state, reading
from cop.store.statements import statements
from cop.store.writing import write_pool_state
from cop.visible import VisibleSet
from cop_server.border.metrics import CACHE_BYTES, DEAF, POOL, STREAMS, begin
from cop_server.cache import AnswerCache
from cop_server.delivery import book
from cop_server.documents.state import loaded_at
from cop_server.events.hub import Hub

_log = logging.getLogger(__name__)
_EVERY_SECONDS: Final = 5.0
_MOST_FEEDS: Final = 1000
_TURNS_SECONDS: Final = 3600
_BECAME: Final = ("new", "changed", "unchanged", "refused", "closed")
_SQL: Final = Path(__file__).with_suffix(".sql")


@asynccontextmanager
async def gauging(hub: Hub, cache: AnswerCache) -> AsyncIterator[None]:
    """Keep this process' gauges true while the block lasts."""
    begin()
    task = asyncio.create_task(_look_again(hub, cache))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _look_again(hub: Hub, cache: AnswerCache) -> None:
    while True:
        look(hub, cache)
        await asyncio.sleep(_EVERY_SECONDS)


def look(hub: Hub, cache: AnswerCache) -> None:
    """Set the gauges to what is so now."""
    STREAMS.set(hub.streams)
    DEAF.set(int(hub.is_deaf))
    CACHE_BYTES.set(cache.size)
    for pool, figures in (("read", pool_state()), ("write", write_pool_state())):
        size, free = figures.get("size", 0), figures.get("free", 0)
        POOL.labels(pool, "used").set(size - free)
        POOL.labels(pool, "free").set(free)
        POOL.labels(pool, "waiting").set(figures.get("waiting", 0))


class StoreCollector(Collector):
    """The store as metrics: marks, loads, the feeds' own register and turns, deliveries, and whether it answers."""

    def __init__(self, mode: Mode) -> None:
        self._visible = VisibleSet("emsc", mode=mode)

    def collect(self) -> Iterator[Any]:
        """Read, and tell; where the store does not answer, only that it does not."""
        up = GaugeMetricFamily("cop_store_up", "Whether the store answers")
        try:
            found = [*self._marks(), *self._loads(), *self._feeds(), *self._turns(), *_deliveries()]
        except CopError:
            found = []
            up.add_metric([], 0)
        else:
            up.add_metric([], 1)
        yield up
        yield from found

    def _marks(self) -> Iterator[Any]:
        mark = GaugeMetricFamily("cop_mark", "The last number at which a layer changed", labels=["layer"])
        for layer, n in marks(self._visible).items():
            mark.add_metric([layer], n)
        yield mark

    def _loads(self) -> Iterator[Any]:
        loaded = GaugeMetricFamily(
            "cop_layer_loaded_timestamp_seconds", "When a layer was last loaded from its source", labels=["layer"]
        )
        for layer, at in loaded_at(self._visible).items():
            loaded.add_metric([layer], at.timestamp())
        yield loaded

    def _feeds(self) -> Iterator[Any]:
        names = ["feed"]
        state = GaugeMetricFamily("cop_feed_state", "1 for the state that a feed is in", labels=["feed", "state"])
        figures = {
            "age": GaugeMetricFamily("cop_feed_age_seconds", "Age of a feed's newest observation", labels=names),
            "attempted": GaugeMetricFamily(
                "cop_feed_attempted_timestamp_seconds", "When a feed was last asked", labels=names
            ),
            "good": GaugeMetricFamily(
                "cop_feed_good_timestamp_seconds", "When a feed last gave a good answer", labels=names
            ),
            "seen": GaugeMetricFamily("cop_feed_seen", "Records of a feed's last run", labels=names),
            "refused": GaugeMetricFamily("cop_feed_refused", "Records of a feed's last run refused", labels=names),
        }
        for layer in telling():
            self._tell(layer, state, figures)
        yield state
        yield from figures.values()

    def _turns(self) -> Iterator[Any]:
        turns = GaugeMetricFamily(
            "cop_feed_turns", "Turns of a feed within the hour, by outcome", labels=["feed", "outcome"]
        )
        records = GaugeMetricFamily(
            "cop_feed_records",
            "Records of a feed's turns within the hour, by what became of them",
            labels=["feed", "outcome"],
        )
        longest = GaugeMetricFamily(
            "cop_feed_turn_seconds", "The longest turn of a feed within the hour", labels=["feed"]
        )
        with reading(self._visible) as connection:
            rows = connection.execute(statements(_SQL)["turns"], {"seconds": _TURNS_SECONDS}).fetchall()
        became: dict[str, Counter[str]] = defaultdict(Counter)
        took: dict[str, float] = {}
        for feed, mode, outcome, count, *sums, seconds in rows:
            name = str(feed) if mode == "actual" else f"{feed}.{mode}"
            turns.add_metric([name, str(outcome)], count)
            became[name].update(dict(zip(_BECAME, map(int, sums), strict=True)))
            took[name] = max(took.get(name, 0.0), seconds or 0.0)
        for name, counts in became.items():
            longest.add_metric([name], took[name])
            for outcome in _BECAME:
                records.add_metric([name, outcome], counts[outcome])
        yield from (turns, records, longest)

    def _tell(self, layer: Layer, state: GaugeMetricFamily, figures: dict[str, GaugeMetricFamily]) -> None:
        assert layer.summary.current is not None
        assert layer.summary.current.tells is not None
        columns = layer.summary.current.tells.model_dump()
        question = Question(layer=layer, visible=self._visible, limit=_MOST_FEEDS, skip_geometry=True)
        for text in answer.page(question).features:
            feature = orjson.loads(text)
            values = feature["properties"]
            state.add_metric([feature["id"], str(values.get(columns["state"]))], 1)
            for name, family in figures.items():
                value = values.get(columns[name])
                if value is not None:
                    family.add_metric([feature["id"]], _number(value))


def _deliveries() -> Iterator[Any]:
    told = book.health()
    states = GaugeMetricFamily("cop_subscriptions", "Subscriptions, by state", labels=["state"])
    for state in ("active", "paused", "dead"):
        states.add_metric([state], told[state])
    yield states
    for name, says, value in (
        ("cop_subscriptions_unheld", "Active webhooks that no process delivers for", "unheld"),
        ("cop_subscriptions_failing_seconds", "For how long the longest has failed that fails now", "failing_s"),
        ("cop_dead_letters", "Changes that targets have not taken", "dead_letters"),
    ):
        yield GaugeMetricFamily(name, says, told[value])


def _number(value: Any) -> float:
    return datetime.fromisoformat(value).timestamp() if isinstance(value, str) else float(value)
