"""Caveats: which of the feeds behind a layer are late, stale or down, at the moment that a question is about.

The same records as those that /summary tells of in words: what a layer with `summary.current.caveat` shows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import orjson

from cop.catalogue import Layer, catalogue
from cop.query import answer
from cop.query.cql import read_filter
from cop.query.question import Question
from cop.visible import VisibleSet

HEADER = "COP-Caveat"
_MOST_FEEDS = 1000


@dataclass(frozen=True, slots=True)
class Caveat:
    """What makes an answer doubtful, as a header's value, and what that depends on (for entity tags)."""

    told: str = ""
    depends_on: tuple[object, ...] = ()

    @property
    def headers(self) -> dict[str, str]:
        """The header, where there is anything to tell."""
        return {HEADER: self.told} if self.told else {}


NONE = Caveat()


def caveat_of(question: Question) -> Caveat:
    """The caveat of an answer: `feed;state=stale;age=1234` (age in seconds), with commas between several feeds."""
    names = question.layer.feeds
    if not names:
        return NONE
    told, marks = [], []
    for layer in telling():
        plain = Question(layer=layer, visible=question.visible, asof=question.moment)
        state = answer.current_state(plain)
        marks.append(state.depends_on)
        told += [text for name, text in _doubtful(layer, plain.visible, plain.asof, state.depends_on) if name in names]
    return Caveat(", ".join(told), tuple(marks))


@lru_cache(maxsize=1)
def telling() -> tuple[Layer, ...]:
    """The layers whose records tell of feeds."""
    layers = catalogue().feature_layers
    return tuple(one for one in layers if one.summary.current is not None and one.summary.current.tells is not None)


@lru_cache(maxsize=256)
def _doubtful(
    layer: Layer, visible: VisibleSet, asof: int | None, _: tuple[int, ...]
) -> tuple[tuple[str, str], ...]:  # fmt: skip
    """Feeds that are not well, by name, with what is told of each; asked once for each state of the store."""
    current = layer.summary.current
    assert current is not None
    assert current.tells is not None
    question = Question(layer=layer, visible=visible, asof=asof, limit=_MOST_FEEDS, skip_geometry=True)
    question = replace(question, where=read_filter(current.filter, "cql2-text"))
    found = []
    for text in answer.page(question).features:
        feature = orjson.loads(text)
        name = str(feature["id"]).removesuffix(f".{visible.mode}")
        state, age = (feature["properties"].get(column) for column in (current.tells.state, current.tells.age))
        found.append((name, f"{name};state={state}" + ("" if age is None else f";age={age}")))
    return tuple(sorted(found))
