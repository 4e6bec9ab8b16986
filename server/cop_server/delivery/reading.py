"""What comes next for a subscription: read from the store just before it is sent, and never kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from cop.query.delta import Change, Place, bounds, check_since, marks, newest
from cop.query.question import Question
from cop.visible import VisibleSet
from cop_server.delivery.mqtt import topics_of
from cop_server.delivery.outcome import Event
from cop_server.delivery.subscription import Subscription
from cop_server.events.encode import data_of, moved, told

MOST_EVENTS = 200  # as many as the delta reads at a time: more would be read twice
_MOST_BYTES = 512_000


@dataclass(frozen=True, slots=True)
class Portion:
    """Events behind a place, and the place behind them: the end of what is there, or the last event's."""

    events: tuple[Event, ...]
    until: Place
    is_all: bool


def last_number(visible: VisibleSet) -> int:
    """The last number that a visible set knows of."""
    return max(marks(visible).values(), default=0)


def check_place(subscription: Subscription) -> None:
    """Raises Gone where what lies behind the place is kept no longer, or was lost at a restore."""
    questions = subscription.questions()
    check_since(subscription.visible, subscription.place,
                bounds(subscription.visible, [question.layer for question in questions]), "place")  # fmt: skip


def next_portion(url: str, subscription: Subscription, after: Place, most: int) -> Portion:
    """The next events behind a place, in the order of the stream of events, and the very same bytes."""
    visible = subscription.visible
    known = marks(visible)
    until = max(known.values(), default=0)
    if until <= after.n and after.feature is None:
        return Portion((), after, True)
    questions = moved(subscription.questions(), known, after)
    found = list(islice(told(questions, after, until), most)) if questions else []
    is_all = len(found) < most
    events = _with_topics(subscription, questions, _some(url, visible, found), after.n, until)
    if len(events) < len(found):
        is_all = False
    return Portion(events, Place(until) if is_all else events[-1].place, is_all)


def newest_of(url: str, subscription: Subscription, collection: str, feature: str, n: int) -> Event | None:
    """What a feature has come to since a number; None where its collection is not asked for any more."""
    questions = [one for one in subscription.questions() if one.layer.id == collection]
    if not questions:
        return None
    until = last_number(subscription.visible)
    change = newest(questions[0], feature, n, until)
    events = _some(url, subscription.visible, [(collection, change)])
    return _with_topics(subscription, questions, events, n - 1, until)[0]


def _some(url: str, visible: VisibleSet, found: Iterable[tuple[str, Change]]) -> list[Event]:
    """Events, as many as fit into one request; at least one."""
    events: list[Event] = []
    size = 0
    for collection, change in found:
        body = data_of(url, visible, collection, change)
        size += len(body)
        if events and size > _MOST_BYTES:
            break
        events.append(Event(collection, change, body))
    return events


def _with_topics(
    subscription: Subscription, questions: Sequence[Question], events: list[Event], since: int, until: int
) -> tuple[Event, ...]:
    """The events with their topics, where they go to a broker."""
    if subscription.kind != "mqtt":
        return tuple(events)
    topics = {}
    for question in questions:
        changed = {one.change.id: one.change.text is not None for one in events if one.collection == question.layer.id}
        if changed:
            topics[question.layer.id] = topics_of(question, changed, since, until)
    return tuple(replace(one, topics=topics[one.collection][one.change.id]) for one in events)
