"""Deltas: what changed for a visible set between two numbers, each feature once, in the order of its last number.

A feature is told as it is at the end; one that was seen and is seen no longer (deleted, relabelled, gone out of the box
or the filter) as a tombstone. Whoever has what was seen at the beginning and applies this has what is seen at the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import orjson
from psycopg import sql

from cop.catalogue import Layer
from cop.errors import Gone, Refused
from cop.query import columns
from cop.query.answer import cursor_key, identity
from cop.query.bind import Values
from cop.query.cursor import read_token, write_token
from cop.query.plan import Plan, conditions, document, visibility
from cop.query.question import Question
from cop.store.reading import reading
from cop.store.statements import statements
from cop.visible import VisibleSet

_SQL = Path(__file__).parent.parent / "sql"
_ROWS = 200  # read at a time, so that a large answer is never held as a whole


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the order of changes: behind a number, or behind one feature of it (a load gives many one number)."""

    n: int
    feature: str | None = None

    @property
    def is_beginning(self) -> bool:
        """Whether nothing lies before it: whoever stands here has no feature yet, and needs no tombstone."""
        return self.n == 0


@dataclass(frozen=True, slots=True)
class Change:
    """What became of a feature at a number: its text, or None where it is seen no longer.

    `at` is when the number was given, `box` (`BOX(west south,east north)`) where the feature lay and lies; both only
    where they were asked for. What was withdrawn has no box: its place is not told again.
    """

    n: int
    id: str
    text: bytes | None
    at: datetime | None = None
    box: str | None = None

    @property
    def place(self) -> Place:
        """The place behind it."""
        return Place(self.n, self.id)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a visible set knows of numbers: its last one, the last of the layers asked about, and where these begin."""

    last: int
    of_layers: int
    horizon: int


def bounds(visible: VisibleSet, layers: list[Layer]) -> Bounds:
    """The numbers between which a delta may lie now."""
    about = {"layers": [layer.id for layer in layers], "classes": list(visible.classes)}
    with reading(visible) as connection:
        row = connection.execute(statements(_SQL / "journal.sql")["bounds"], about).fetchone()
    assert row is not None
    return Bounds(*map(int, row))


def marks(visible: VisibleSet) -> dict[str, int]:
    """The mark of each layer in which the visible set has seen a change."""
    with reading(visible) as connection:
        rows = connection.execute(
            statements(_SQL / "journal.sql")["marks"], {"classes": list(visible.classes)}
        ).fetchall()
    return {layer.decode() if isinstance(layer, bytes) else layer: int(n) for layer, n in rows}


def check_since(visible: VisibleSet, place: Place, known: Bounds, parameter: str = "since") -> None:
    """Refuse a place that lies ahead, before what is kept, or in a past that a restore took back; 0 is always there."""
    if place.is_beginning:
        return
    if place.n > known.last:
        raise Refused(f"{parameter}: {place.n} lies ahead of the last number, {known.last}", parameter, str(known.last))
    again = "Begin again with 0, or with a walk through the items"
    if place.n < known.horizon:
        raise Gone(
            f"{parameter}: what changed since {place.n} is kept no longer; the kept history begins behind"
            f" {known.horizon}. {again}", parameter, str(known.horizon),
        )  # fmt: skip
    with reading(visible) as connection:
        row = connection.execute(statements(_SQL / "journal.sql")["is_number"], {"n": place.n}).fetchone()
    if row is None or not row[0]:
        raise Gone(f"{parameter}: {place.n} was lost when the store was brought back. {again}", parameter, "0")


def changes(question: Question, after: Place, until: int, *, told: bool = False) -> Iterator[Change]:
    """Every change behind a place up to a number, in order. `told`: with time and box.

    The question's limit is not read. Rows are read some at a time; between them no connection is held.
    """
    whole = after.is_beginning
    while True:
        rows = _read(question, after, until, whole=whole, told=told)
        yield from rows
        if len(rows) < _ROWS:
            return
        after = rows[-1].place


def _read(question: Question, after: Place, until: int, *, whole: bool, told: bool) -> list[Change]:
    plan = delta_plan(question, after, until, whole=whole, told=told)
    with reading(question.visible) as connection:
        rows = connection.cursor(binary=True).execute(plan.statement, plan.values).fetchall()
    return [Change(n, id_.decode(), text, at, box and box.decode()) for n, id_, text, at, box in rows]


def newest(question: Question, feature: str, n: int, until: int) -> Change:
    """What a feature has come to that changed at a number, with its time and box; a tombstone where it is not seen."""
    plan = delta_plan(question, Place(n - 1), until, whole=True, told=True, only=feature)
    with reading(question.visible) as connection:
        row = connection.cursor(binary=True).execute(plan.statement, plan.values).fetchone()
    if row is None:
        return Change(n, feature, None)
    return Change(row[0], feature, row[2], row[3], row[4] and row[4].decode())


def values_since(
    question: Question, column: str, features: list[str], since: int, until: int
) -> dict[str, set[str | None]]:
    """The values that a column had in any version of some features between two numbers, as the visible set sees it."""
    bound = Values()
    statement = sql.SQL(
        "SELECT DISTINCT t.id, {value} FROM {history} AS t WHERE t.id = ANY ({ids}) AND t.seq <= {until}"
        " AND t.seq_to > {since} AND {seen}"
    ).format(
        value=columns.value(question.layer, question.profile, column),
        history=sql.Identifier("history", question.layer.id), ids=bound.bind(features),
        until=sql.SQL("{}::bigint").format(bound.bind(until)), since=sql.SQL("{}::bigint").format(bound.bind(since)),
        seen=sql.SQL(" AND ").join([sql.SQL("TRUE"), *visibility(question, bound)]),
    )  # fmt: skip
    with reading(question.visible) as connection:
        rows = connection.cursor(binary=True).execute(statement, bound.by_name).fetchall()
    found: dict[str, set[str | None]] = {}
    for id_, value in rows:
        found.setdefault(id_.decode(), set()).add(value and value.decode())
    return found


def delta_plan(
    question: Question, after: Place, until: int, *, whole: bool, told: bool, only: str | None = None
) -> Plan:
    """The next changes behind a place: n, id, text (null: a tombstone), time, box; `only` those of one feature."""
    question = replace(question, asof=None, position=None)
    bound = Values()
    of_one = [] if only is None else [sql.SQL("t.id = {}").format(bound.bind(only))]
    after_n, after_id = (after.n, after.feature) if after.feature is not None else (after.n + 1, "")
    names: dict[str, sql.Composable] = {
        "history": sql.Identifier("history", question.layer.id),
        "layer": sql.Literal(question.layer.id),
        "document": document(question),
        "asked": sql.SQL(" AND ").join([sql.SQL("TRUE"), *conditions(question, bound), *of_one]),
        "shape": columns.geometry(question.layer, question.profile),
        "seen": sql.SQL(" AND ").join([sql.SQL("TRUE"), *visibility(question, bound)]),
        "since": sql.SQL("{}::bigint").format(bound.bind(after.n)),
        "after_n": sql.SQL("{}::bigint").format(bound.bind(after_n)),
        "after_id": sql.SQL("{}::text").format(bound.bind(after_id)),
        "until": sql.SQL("{}::bigint").format(bound.bind(until)),
        "rows": sql.Literal(_ROWS),
    }
    texts = statements(_SQL / "delta.sql")
    names["ended"] = _filled(texts["ended"], names)
    names["on_here"] = _filled(texts["on_here"], names)
    others: list[str] = [] if whole else ["gone", "left"] if question.layer.is_labelled else ["gone"]
    parts = [sql.SQL("UNION ALL ({})").format(_filled(texts[part], names)) for part in others]
    names |= {"present": _filled(texts["present"], names), "others": sql.SQL(" ").join(parts)}
    names["joined"] = _filled(texts["joined"], names)
    return Plan(_filled(texts["told" if told else "plain"], names), bound.by_name)


def _filled(text: str, names: dict[str, sql.Composable]) -> sql.Composed:
    return sql.SQL(text).format(**names)


def feature_text(change: Change) -> bytes:
    """A change as a GeoJSON feature with its number; a tombstone has neither geometry nor properties."""
    if change.text is None:
        return b'{"type":"Feature","id":%s,"geometry":null,"properties":null,"seq":%d,"deleted":true}' % (
            orjson.dumps(change.id), change.n,
        )  # fmt: skip
    return b'%s,"seq":%d}' % (change.text[:-1], change.n)


def write_place(question: Question, since: int, until: int, place: Place) -> str:
    """The cursor of a walk through a delta: from where to where, and how far it is."""
    return write_token(cursor_key(), "changes", since, until, place.n, place.feature, identity(question))


def read_place(question: Question, token: str) -> tuple[int, int, Place]:
    """Since, until and place of a cursor.

    Raises Refused where it was altered, or belongs to another question.
    """
    kind, since, until, n, feature, owner = read_token(cursor_key(), token, 6)
    if kind != "changes" or owner != identity(question):
        raise Refused("cursor: it belongs to another question; keep the other parameters as they were", "cursor")
    return int(str(since)), int(str(until)), Place(int(str(n)), None if feature is None else str(feature))
