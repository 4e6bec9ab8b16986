"""Summaries: how many records of a layer answer a question, by each counted column and by the layer's definitions.

The same question, visible set, plan and SQL as for items; every number comes with the filter that its records pass.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import cql2
from psycopg import sql
from pygeofilter import ast

from cop.catalogue import Column, Layer
from cop.errors import Refused
from cop.journal import exercise_now, mark
from cop.query.answer import State, resolved
from cop.query.bind import Values
from cop.query.counted import told
from cop.query.cql import read_filter
from cop.query.filter import queryables
from cop.query.parse import Asked, read_items, read_sort
from cop.query.plan import Plan, conditions, relation
from cop.query.question import Question
from cop.query.values import read_time
from cop.store.reading import reading
from cop.visible import VisibleSet

HOURS = 72
SHOWN = 100
"""Most records that are shown beside a summary; the link has them all."""

MAX_HOURS = 744
# Parameters of items that shape a page and not the set of records that it is of.
_OF_PAGES = frozenset({
    "limit", "offset", "cursor", "sortby", "properties", "skipGeometry", "crs", "resulttype", "f", "include", "hours",
    "collection",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tally:
    """What is to be counted: the question of which records, what is left out, the moment, and the hours before it."""

    question: Question
    asked: ast.Node | None  # the client's own filter, without what is left out
    included: tuple[str, ...]
    moment: datetime
    hours: int

    @property
    def layer(self) -> Layer:
        """The layer that is counted."""
        return self.question.layer

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns that are counted by, of those that the visible set sees."""
        visible = self.layer.visible_columns(self.question.visible.profile_of(self.layer))
        return tuple(column for column in visible if column.counted)

    @property
    def left_out(self) -> tuple[str, ...]:
        """The kinds of records that are left out."""
        return tuple(name for name in self.layer.summary.left_out if name not in self.included)

    @property
    def first_hour(self) -> datetime:
        """The first hour that is counted by itself."""
        return self.moment.replace(minute=0, second=0, microsecond=0) - timedelta(hours=self.hours - 1)

    @property
    def kept(self) -> str | None:
        """The condition, as CQL2 text, of the records that are not left out."""
        left_out = [f"({told(self.layer.summary.left_out[name].filter, self.moment)})" for name in self.left_out]
        return f"NOT ({' OR '.join(left_out)})" if left_out else None

    def total(self, name: str) -> str:
        """The condition of a total, as CQL2 text."""
        return told(self.layer.summary.totals[name].filter, self.moment)


def read_tally(layer: Layer, visible: VisibleSet, given: Mapping[str, str]) -> Tally:
    """What a request for a summary asks. Raises Refused that names the parameter and shows a good value."""
    if not any(column.counted for column in layer.columns):
        raise Refused(f"collection: {layer.id} has no columns that are counted by", "collection", "incidents")
    for name in _OF_PAGES - {"f", "include", "hours", "collection"}:
        if name in given and name not in queryables(layer, visible.profile_of(layer)):
            raise Refused(f"{name}: it shapes pages of items; a summary counts all that match", name)
    asked = read_items(layer, visible, {name: text for name, text in given.items() if name not in _OF_PAGES})
    question = resolved(asked)
    moment = _moment(asked, question)
    tally = Tally(question, question.where, _included(layer, given.get("include")), moment, _hours(given.get("hours")))
    kept = tally.kept
    if kept is None:
        return tally
    ours = read_filter(kept, "cql2-text")
    where = ours if question.where is None else ast.And(question.where, ours)
    return replace(tally, question=replace(question, where=where))


def narrowed(given: Mapping[str, str], *texts: str | None) -> dict[str, str]:
    """The parameters of items that exactly the records pass which a request's records and some conditions have."""
    kept = {name: text for name, text in given.items() if name not in _OF_PAGES}
    ours = [text for text in texts if text]
    own, language = kept.get("filter"), kept.get("filter-lang", "cql2-text")
    if not ours:
        return kept
    if language == "cql2-json":
        args = [cql2.parse_text(text).to_json() for text in ours]
        return kept | {"filter": json.dumps({"op": "and", "args": [json.loads(own), *args]} if own else args[0])}
    return kept | {"filter": " AND ".join(f"({text})" for text in ([own] if own else []) + ours)}


def beside(layer: Layer, question: Question, moment: datetime) -> tuple[Question, str]:
    """The question of what a layer shows beside every summary, and its condition as CQL2 text."""
    current = layer.summary.current
    assert current is not None
    condition = told(current.filter, moment)
    shown = {column.name for column in layer.visible_columns(question.visible.profile_of(layer))}
    return Question(
        layer=layer, visible=question.visible, asof=question.asof, limit=SHOWN,
        where=read_filter(condition, "cql2-text"), sort=read_sort(current.sortby, layer, question.visible),
        properties=tuple(name for name in current.properties if name in shown), skip_geometry=True,
    ), condition  # fmt: skip


def _included(layer: Layer, text: str | None) -> tuple[str, ...]:
    names = tuple(sorted({name.strip() for name in (text or "").split(",") if name.strip()}))
    for name in names:
        if name not in layer.summary.left_out:
            known = ", ".join(layer.summary.left_out) or "nothing"
            raise Refused(f"include: {name[:60]!r} is not among what is left out of {layer.id}: {known}", "include",
                          next(iter(layer.summary.left_out), None))  # fmt: skip
    return names


def _hours(text: str | None) -> int:
    if text is None:
        return HOURS
    if text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= MAX_HOURS:
        return int(text)
    raise Refused(f"hours: {text[:40]!r} is not a whole number from 1 to {MAX_HOURS}", "hours", str(HOURS))


def _moment(asked: Asked, question: Question) -> datetime:
    """The time that the numbers are of: what is overdue depends on it.

    Now is told to the minute, so that one minute's answers are the same bytes.
    """
    if asked.asof is not None and not asked.asof.isdecimal():
        return read_time(asked.asof, "asof")
    if asked.asof is not None:
        found = _last_change(question)
        if found is not None:
            return found
    clock = exercise_now() if question.visible.mode == "exercise" else None
    return (clock or datetime.now(UTC)).replace(second=0, microsecond=0)


def _last_change(question: Question) -> datetime | None:
    """When the newest change was made that the visible set knew of at the question's number."""
    updated = question.layer.with_role("updated")
    if updated is None:
        return None
    bound = Values()
    plain = Question(layer=question.layer, visible=question.visible, asof=question.asof)
    statement = sql.SQL("SELECT max(t.{}) FROM {} AS t WHERE {}").format(
        sql.Identifier(updated.name), relation(question.layer, question.asof), _all(conditions(plain, bound))
    )
    rows = fetched(question, Plan(statement, bound.by_name))
    found: datetime | None = rows[0][0]
    return found


def state(question: Question, beside: tuple[Layer, ...]) -> State:
    """The state that a summary depends on now: its layer's mark, and those of all layers that it shows beside."""
    layers = [question.layer, *(layer for layer in beside if layer is not question.layer)]
    with reading(question.visible) as connection:
        own = mark(connection, [question.layer], question.visible, question.moment)
        now = mark(connection, layers, question.visible)
    return State(own.n, (own.n, now.n))


def _all(met: list[sql.Composable]) -> sql.Composable:
    return sql.SQL(" AND ").join(met) if met else sql.SQL("TRUE")


def fetched(question: Question, plan: Plan) -> list[tuple[Any, ...]]:
    """The rows of a plan, through the eyes of the question's visible set."""
    with reading(question.visible) as connection:
        return connection.cursor(binary=True).execute(plan.statement, plan.values or None).fetchall()
