"""Answers: a plan run in the store, as the bytes of a page, an item or a count."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import orjson
from psycopg import sql

from cop.catalogue import Layer, catalogue
from cop.errors import NotFound, Withdrawn
from cop.journal import mark, resolve_asof
from cop.query.canonical import question_hash
from cop.query.cursor import read_cursor, write_cursor
from cop.query.parse import Asked
from cop.query.plan import Plan, hits_plan, item_plan, page_plan
from cop.query.question import Position, Question
from cop.store.pools import Connection
from cop.store.reading import reading
from cop.visible import VisibleSet

# What changes the bytes of an answer without changing a record: raise it with such a change.
FORMAT_VERSION = "1"


@dataclass(frozen=True, slots=True)
class Page:
    """A page: its features' texts, how many the whole walk has, the number it was made at, and its neighbours."""

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
        question = replace(question, asof=resolve_asof(asked.asof, question.visible, question.layer.id))
    if asked.cursor is not None:
        position = read_cursor(cursor_key(), asked.cursor, identity(question))
        question = replace(question, position=position)
    return question


@dataclass(frozen=True, slots=True)
class State:
    """What an answer would be made at: the mark of its moment, and all that its bytes depend on beside the question."""

    n: int
    depends_on: tuple[int, ...]


def current_state(question: Question) -> State:
    """The state that the question's answer depends on now.

    A past answer depends on the present too: what has been withdrawn or redacted since is not shown.
    """
    with reading(question.visible) as connection:
        at = mark(connection, [question.layer], question.visible, question.moment)
        if question.moment is None:
            return State(at.n, (at.n,))
        now = mark(connection, [question.layer], question.visible)
        return State(at.n, (at.n, now.n))


def etag(question: Question, state: State, *extra: object) -> str:
    """The entity tag of an answer: from what it depends on, never from its bytes."""
    place = (question.asof, question.position, question.limit, question.offset)
    return f'"{question_hash(identity(question), place, state.depends_on, extra)}"'


def is_immutable(asked: Asked) -> bool:
    """Whether the answer can never change: pinned to a number, of a layer from which nothing is withdrawn.

    A time is not a number: a change that is being committed may still come to lie before it.
    """
    pinned = asked.asof is not None and asked.asof.isdecimal()
    return pinned and not asked.question.layer.is_labelled


def page(question: Question) -> Page:
    """The features that answer a question. A walk through pages stays at the number it began at."""
    if question.hits:
        n, matched = _fetch(question, hits_plan(question))[0]
        return Page([], int(matched), int(n), None, None)
    head, *rows = _fetch(question, page_plan(question))
    n, matched = map(int, head[0].split())
    if question.position is not None and question.position.backwards:
        rows.reverse()
    next_cursor, previous_cursor = _neighbours(question, n, matched, rows)
    return Page([row[0] for row in rows], matched, n, next_cursor, previous_cursor)


def item(question: Question, feature: str) -> Item:
    """One feature.

    Raises NotFound where the visible set has none of that id at that moment, Gone where it was withdrawn.
    """
    if "\0" in feature:
        raise _no_feature(question.layer, feature)
    with reading(question.visible) as connection:
        return item_through(connection, question, feature)


def item_through(connection: Connection, question: Question, feature: str) -> Item:
    """The same over a connection that looks through the question's eyes already, such as a writer's."""
    plan = item_plan(question, feature)
    row = connection.cursor(binary=True).execute(plan.statement, plan.values or None).fetchone()
    if row is None:
        raise missing(connection, question, feature)
    text, version, n = row
    return Item(feature, text, int(version), int(n))


def missing(connection: Connection, question: Question, feature: str) -> NotFound:
    """Why a feature is not there: it never was, as far as the asker may know, or what he saw was withdrawn."""
    if question.layer.is_labelled and question.moment is None and "\0" not in feature:
        withdrawn = sql.SQL("SELECT FROM history.{} WHERE id = %s LIMIT 1").format(sql.Identifier(question.layer.id))
        if connection.execute(withdrawn, [feature]).rowcount:
            return Withdrawn(f"{question.layer.id}: {feature[:100]} was withdrawn; asof shows it as it was", "feature")
    return _no_feature(question.layer, feature)


def _no_feature(layer: Layer, feature: str) -> NotFound:
    return NotFound(f"{layer.id} has no feature {feature[:100]!r}")


def _fetch(question: Question, plan: Plan) -> list[tuple[Any, ...]]:
    with reading(question.visible) as connection:
        return connection.cursor(binary=True).execute(plan.statement, plan.values or None).fetchall()


def _neighbours(question: Question, n: int, matched: int, rows: list[tuple[Any, ...]]) -> tuple[str | None, str | None]:
    """The cursors of the next and of the previous page, where there are any."""
    before = _before(question, len(rows))
    after = before + len(rows)
    pinned = question.moment if question.moment is not None else n

    def cursor(row: tuple[Any, ...], back: bool, so_far: int) -> str:
        values = (*(_told(value) for value in row[1:]), orjson.loads(row[0])["id"])
        return write_cursor(cursor_key(), Position(values, back, pinned, matched, so_far), identity(question))

    return (
        cursor(rows[-1], False, after) if rows and after < matched else None,
        cursor(rows[0], True, before) if rows and before > 0 else None,
    )


def _before(question: Question, returned: int) -> int:
    """How many features of the walk stand before the page."""
    if question.position is None:
        return question.offset
    return question.position.before - returned if question.position.backwards else question.position.before


def _told(value: object) -> object:
    return value.decode() if isinstance(value, bytes) else value


def identity(question: Question) -> str:
    """The hash of everything that an answer depends on but its moment, its place in the walk and the store's state."""
    plain = replace(question, asof=None, position=None, limit=0, offset=0)
    return _hashed(plain) if question.where is not None else _kept_identity(plain)


@lru_cache(maxsize=1024)
def _kept_identity(question: Question) -> str:
    return _hashed(question)


def _hashed(question: Question) -> str:
    return question_hash(
        FORMAT_VERSION, catalogue().version, question.layer.id, question.visible, question.box, question.interval,
        question.where, question.filter_crs, question.sort, question.properties, question.skip_geometry, question.crs,
        question.hits,
    )  # fmt: skip


@lru_cache(maxsize=1)
def cursor_key() -> bytes:
    """The key that signs cursors, the same in every process."""
    with reading(VisibleSet()) as connection:
        row = connection.execute("SELECT value FROM cop.secret WHERE name = 'cursor'").fetchone()
    assert row is not None
    return bytes(row[0])


def item_etag(question: Question, found: Item, *extra: object) -> str:
    """The entity tag of one feature: of its own version, and of the form that it is sent in.

    A load gives many features one version, so the id is in it. The first part is the version's alone, so that a
    writer may name it (If-Match) whatever form he read.
    """
    form = question_hash(identity(question), question.asof, extra)
    return f'"{version_tag(found.id, found.version)}.{form}"'


def version_tag(id_: str, version: int) -> str:
    """A version's part of the entity tags of a feature."""
    return question_hash(id_, version)[:16]


def is_version(tag: str, id_: str, version: int) -> bool:
    """Whether an entity tag of whatever form is that of a version."""
    return tag.strip().removeprefix("W/").strip('"').partition(".")[0] == version_tag(id_, version)


def forget() -> None:
    """Forget what was read from the store once for the whole process."""
    cursor_key.cache_clear()
