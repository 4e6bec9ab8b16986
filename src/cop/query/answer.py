"""Answers: a plan run in the store, as the bytes of a page, an item or a count."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from cop.catalogue import catalogue
from cop.errors import NotFound
from cop.journal import Mark, mark, resolve_asof
from cop.query.canonical import question_hash
from cop.query.cursor import read_cursor, write_cursor
from cop.query.parse import Asked
from cop.query.plan import Plan, count_plan, item_plan, rows_plan
from cop.query.question import Position, Question
from cop.store.reading import Connection, reading, snapshot
from cop.visible import VisibleSet

# What changes the bytes of an answer without changing a record: raise it with such a change.
FORMAT_VERSION = "1"


@dataclass(frozen=True, slots=True)
class Page:
    """A page of features as texts, how many the whole walk has, the number it was made at, and its neighbours."""

    features: list[bytes]
    matched: int
    n: int
    next_cursor: str | None
    previous_cursor: str | None


@dataclass(frozen=True, slots=True)
class Item:
    """One feature's id and text, the number of its version, and the layer's mark."""

    id: str
    feature: bytes
    version: int
    n: int


def resolved(asked: Asked) -> Question:
    """The question with its moment and its place in the walk made plain."""
    question = asked.question
    if asked.asof is not None:
        question = replace(question, asof=resolve_asof(asked.asof, question.visible))
    if asked.cursor is not None:
        position = read_cursor(_cursor_key(), asked.cursor, _belongs_to(question))
        question = replace(question, position=position)
    return question


@dataclass(frozen=True, slots=True)
class State:
    """What an answer would be made at: the mark of its moment, and all that its bytes depend on beside the question."""

    n: int
    depends_on: tuple[int, ...]


def current_state(question: Question) -> State:
    """The state that the question's answer depends on now.

    A past answer of a labelled layer depends on the present too: what has been withdrawn since is not shown.
    """
    with reading(question.visible) as connection:
        at = mark(connection, [question.layer], question.visible, _moment(question))
        if _moment(question) is None or not question.layer.is_labelled:
            return State(at.n, (at.n,))
        now = mark(connection, [question.layer], question.visible)
        return State(at.n, (at.n, now.n))


def etag(question: Question, state: State, *extra: object) -> str:
    """The entity tag of an answer: from what it depends on, never from its bytes."""
    place = (question.position, question.limit, question.offset)
    return f'"{question_hash(_identity(question), place, state.depends_on, extra)}"'


def is_immutable(asked: Asked) -> bool:
    """Whether the answer can never change: pinned to a number, of a layer from which nothing is withdrawn.

    A time is not a number: a change that is being committed may still come to lie before it.
    """
    pinned = asked.asof is not None and asked.asof.isdecimal()
    return pinned and not asked.question.layer.is_labelled


def page(question: Question) -> Page:
    """The features that answer a question. A walk through pages stays at the number it began at."""
    with reading(question.visible) as connection, snapshot(connection):
        now = mark(connection, [question.layer], question.visible)
        at, question = _pinned(connection, question, now)
        matched = _matched(connection, question, at)
        rows = [] if question.hits else _rows(connection, rows_plan(question))
    return _as_page(question, rows, matched, at)


def item(question: Question, feature: str) -> Item:
    """One feature.

    Raises NotFound where the visible set has none of that id at that moment.
    """
    if "\0" in feature:
        raise _no_feature(question, feature)
    with reading(question.visible) as connection, snapshot(connection):
        at = mark(connection, [question.layer], question.visible, question.asof)
        rows = _rows(connection, item_plan(question, feature))
    if not rows:
        raise _no_feature(question, feature)
    return Item(feature, rows[0][0], int(rows[0][1]), at.n)


def _no_feature(question: Question, feature: str) -> NotFound:
    return NotFound(f"{question.layer.id} has no feature {feature[:100]!r}")


def _moment(question: Question) -> int | None:
    return question.position.n if question.position is not None else question.asof


def _pinned(connection: Connection, question: Question, now: Mark) -> tuple[Mark, Question]:
    """The mark of the moment asked for. Where nothing has changed since, the present answers for the past."""
    moment = _moment(question)
    if moment is None:
        return now, question
    at = mark(connection, [question.layer], question.visible, moment)
    return at, replace(question, asof=None if at.n == now.n else moment)


def _matched(connection: Connection, question: Question, at: Mark) -> int:
    if question.position is not None:
        return question.position.matched
    if not question.is_filtered and question.asof is None:
        return at.count
    return int(_rows(connection, count_plan(question))[0][0])


def _rows(connection: Connection, plan: Plan) -> list[tuple[Any, ...]]:
    return connection.cursor(binary=True).execute(plan.statement, plan.values).fetchall()


def _as_page(question: Question, rows: list[tuple[Any, ...]], matched: int, at: Mark) -> Page:
    position = question.position
    backwards = position is not None and position.backwards
    more = len(rows) > question.limit
    rows = rows[: question.limit]
    if backwards:
        rows.reverse()
    has_next = bool(rows) and (more or backwards)
    has_previous = bool(rows) and (more if backwards else position is not None or question.offset > 0)
    n = position.n if position is not None else question.asof if question.asof is not None else at.n

    def cursor(row: tuple[Any, ...], back: bool) -> str:
        values = tuple(_told(value) for value in (*row[2:], row[1]))
        return write_cursor(_cursor_key(), Position(values, back, n, matched), _belongs_to(question))

    return Page(
        [row[0] for row in rows], matched, at.n,
        cursor(rows[-1], False) if has_next else None,
        cursor(rows[0], True) if has_previous else None,
    )  # fmt: skip


def _told(value: object) -> object:
    return value.decode() if isinstance(value, bytes) else value


def _identity(question: Question) -> tuple[object, ...]:
    """Everything that an answer depends on but its place in the walk and the state of the store."""
    return (
        FORMAT_VERSION, catalogue().version, question.layer.id, question.visible, question.box, question.interval,
        question.where, question.filter_crs, question.sort, question.properties, question.skip_geometry, question.crs,
        question.asof, question.hits,
    )  # fmt: skip


def _belongs_to(question: Question) -> str:
    # Not the moment: it travels in the cursor, and is left out of the address from the second page on.
    return question_hash(_identity(replace(question, asof=None)))


@lru_cache(maxsize=1)
def _cursor_key() -> bytes:
    with reading(VisibleSet()) as connection:
        row = connection.execute("SELECT value FROM cop.secret WHERE name = 'cursor'").fetchone()
    assert row is not None
    return bytes(row[0])


def item_etag(question: Question, found: Item, *extra: object) -> str:
    """The entity tag of one feature: of its own version. A load gives many features one version, so the id is in it."""
    return f'"{question_hash(_identity(question), found.id, found.version, extra)}"'


def forget() -> None:
    """Forget what was read from the store once for the whole process."""
    _cursor_key.cache_clear()
