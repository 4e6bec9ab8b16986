"""Caveats: which of the feeds behind a layer are late, stale or down, at the moment that a question is about.

The same records as those that /summary tells of in words: what a layer with `summary.current.caveat` shows.
"""

from __future__ import annotations

from collections.abc import Iterable
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
    """What makes an answer doubtful, as a header's value."""

    told: str = ""

    @property
    def depends_on(self) -> tuple[str, ...]:
        """What an entity tag takes of it: nothing where all is well, however often the feeds are heard of."""
        return (self.told,) if self.told else ()

    @property
    def headers(self) -> dict[str, str]:
        """The header, where there is anything to tell."""
        return {HEADER: self.told} if self.told else {}


NONE = Caveat()


def caveat_of(question: Question) -> Caveat:
    """The caveat of an answer: `feed;state=stale;age=1234` (age in seconds), with commas between several feeds."""
    return caveat_behind([question.layer], question.visible, question.moment)


def caveat_behind(layers: Iterable[Layer], visible: VisibleSet, asof: int | None = None) -> Caveat:
    """The caveat of what is told from several layers, now or as of a number."""
    names = {name for layer in layers for name in layer.feeds}
    if not names:
        return NONE
    told = []
    for layer in telling():
        state = answer.current_state(Question(layer=layer, visible=visible, asof=asof))
        told += [text for name, text in _doubtful(layer, visible, asof, state.depends_on) if name in names]
    return Caveat(", ".join(told))


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
