"""Take a department's file: each row a write of that department, with all rules of a write, and a line of the report.

A row that says the same as when it was taken last is left alone, so that what officers have changed since then stays.
A row that is older than the one taken last is late, and left. A row that cannot be taken is refused with its reasons;
the others go in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import batched
from pathlib import Path
from typing import Any, Literal

from psycopg import sql

from cop.catalogue import catalogue
from cop.errors import Invalid, Refused
from cop.identity import principal
from cop.settings import Mode
from cop.store.pools import Connection
from cop.store.statements import statements
from cop.store.writing import part_of, writing
from cop.writing.body import Body
from cop.writing.draft import Writer
from cop.writing.write import Expected, change, create, lock, number
from cop_ingest.gazetteer.index import Index
from cop_ingest.gazetteer.placing import with_place
from cop_ingest.inbox.declared import Mapping
from cop_ingest.inbox.mapped import Mapped, mapped
from cop_ingest.inbox.rows import Row, read_rows
from cop_ingest.inbox.steps import first_state, steps_between

_SQL = Path(__file__).parent.parent / "sql" / "inbox.sql"
_ANY = Expected(("*",))
BATCH = 25  # rows of one transaction: what they change is locked, and the last of it holds the journal's head
Deed = Literal["created", "changed", "unchanged", "late", "refused"]


class _Tried(Exception):
    """Leaves a transaction of a dry run, so that nothing of it stays."""


@dataclass(frozen=True, slots=True)
class Line:
    """What became of a row: its number from 1, the sender's number, what was done, our id, and what was wrong."""

    row: int
    key: str | None
    deed: Deed
    id: str | None = None
    faults: tuple[dict[str, Any], ...] = ()


@dataclass(slots=True)
class Report:
    """What became of a file, row by row. Every row is in one of the deeds, so that the sums agree."""

    inbox: str
    file: str
    mode: Mode
    dry_run: bool
    lines: list[Line] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """Rows by what was done with them."""
        return dict(Counter(line.deed for line in self.lines))

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "inbox": self.inbox, "file": self.file, "mode": self.mode, "dry_run": self.dry_run,
            "rows": len(self.lines), **self.counts, "lines": [asdict(line) for line in self.lines],
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Order:
    """How the rows of a file are taken: by whom, placed by which names, or only tried."""

    mapping: Mapping
    writer: Writer
    index: Index
    dry_run: bool


def take(
    mapping: Mapping,
    body: bytes,
    name: str,
    file_at: datetime,
    mode: Mode,
    index: Index,
    *,
    dry_run: bool = False,
) -> Report:
    """Take all rows of a file as writes of the mapping's department; the report says what became of each.

    `file_at` stands for the time at which the rows were so, where they tell none; `index` places those without
    coordinates. Raises LoadRefused where the file is
    no such form at all; then nothing is written.
    """
    report = Report(mapping.id, name, mode, dry_run)
    order = _Order(mapping, _writer(mapping, name, mode), index, dry_run)
    for rows in batched(read_rows(mapping, body, name), 1 if dry_run else BATCH):
        report.lines += _lines(order, rows, file_at)
    return report


def _writer(mapping: Mapping, name: str, mode: Mode) -> Writer:
    who = principal(f"inbox:{mapping.id}", "reporter", mapping.department)
    plain = "".join(sign if sign.isprintable() else " " for sign in name)[:200]
    return Writer(who, who.visible(mode), reason=f"return {plain}")


def _lines(order: _Order, rows: Sequence[Row], file_at: datetime) -> list[Line]:
    """Take some rows in one transaction; where the store does not take them together, each in its own."""
    writer = order.writer
    lines: list[Line] = []
    try:
        with writing(writer.visible, writer.principal.subject, writer.reason) as connection:
            lines += (_line(connection, order, row, file_at) for row in rows)
            number(connection)
            if order.dry_run:
                raise _Tried
    except _Tried:
        return lines
    except Refused as exc:
        if len(rows) == 1:
            key = next((line.key for line in lines), None)
            return [Line(rows[0].ordinal, key, "refused", None, ({"reason": exc.detail},))]
        return [line for row in rows for line in _lines(order, [row], file_at)]
    return lines


def _line(connection: Connection, order: _Order, row: Row, file_at: datetime) -> Line:
    """Take a row; one that cannot be taken leaves nothing behind, and the others stay."""
    key: str | None = None
    try:
        said = mapped(order.mapping, row, file_at)
        key = said.key
        with part_of(connection):
            return Line(row.ordinal, key, *_taken(connection, order, said))
    except Invalid as exc:
        return Line(row.ordinal, key, "refused", None, tuple(asdict(fault) for fault in exc.faults))
    except Refused as exc:
        return Line(row.ordinal, key, "refused", None, ({"reason": exc.detail},))


def _taken(connection: Connection, order: _Order, said: Mapped) -> tuple[Deed, str | None]:
    mapping, writer = order.mapping, order.writer
    about = {"inbox": mapping.id, "mode": writer.visible.mode, "key": said.key}
    known = connection.execute(statements(_SQL)["recall"], about).fetchone()
    id_ = _find(connection, mapping, writer, said.key)
    if known and bytes(known[0]) == said.hash:
        return "unchanged", id_
    if known and said.told_at < known[1]:
        return "late", id_
    deed: Deed = "changed"
    if id_ is None:
        id_, deed = _created(connection, order, said), "created"
    elif not _changed(connection, mapping, writer, said, id_):
        deed = "unchanged"
    if _followed(connection, mapping, writer, said, id_) and deed == "unchanged":
        deed = "changed"
    keeping = {**about, "hash": said.hash, "told_at": said.told_at, "feature": id_}
    connection.execute(statements(_SQL)["keep"], keeping)
    return deed, id_


def _find(connection: Connection, mapping: Mapping, writer: Writer, key: str) -> str | None:
    query = sql.SQL(statements(_SQL)["find"]).format(table=sql.Identifier("layer", mapping.layer))
    about = {"source": mapping.department, "key": key, "mode": writer.visible.mode}
    row = connection.execute(query, about).fetchone()
    return _text(row[0]) if row else None


def _text(value: object) -> str:
    # The writers' pool reads text as bytes, which a page of features is made of.
    return value.decode() if isinstance(value, bytes) else str(value)


def _created(connection: Connection, order: _Order, said: Mapped) -> str:
    """A new record, placed by its words where it has no coordinates. It begins as records begin, and goes on."""
    mapping, writer, layer = order.mapping, order.writer, order.mapping.target
    placed, geometry = with_place(layer, said.properties, said.geometry, order.index)
    properties = {**placed, "source_ref": said.key}
    states = layer.writes.states if layer.writes else None
    goal = properties.get(states.column) if states else None
    if states is not None and goal is not None:
        properties[states.column] = first_state(states, str(goal))
    id_ = create(connection, layer, writer, Body(properties, geometry, geometry is not None))
    if states is not None and goal is not None:
        _walk(connection, mapping, writer, id_, str(properties[states.column]), str(goal))
    return id_


def _changed(connection: Connection, mapping: Mapping, writer: Writer, said: Mapped, id_: str) -> bool:
    """The record brought to what the row says; what stays as it was made is left. Whether anything changed."""
    layer = mapping.target
    before, _ = lock(connection, layer, writer, id_)
    rules = layer.writes
    assert rules is not None
    given = {name: value for name, value in said.properties.items() if name not in (*rules.fixed, *rules.by_store)}
    moved = False
    if rules.states is not None and (goal := given.pop(rules.states.column, None)) is not None:
        moved = _walk(connection, mapping, writer, id_, str(before[rules.states.column]), str(goal))
    # A row without coordinates does not take away the position that somebody has found for it.
    body = Body(given, said.geometry, said.geometry is not None)
    return change(connection, layer, writer, id_, body, _ANY, whole=False) or moved


def _walk(connection: Connection, mapping: Mapping, writer: Writer, id_: str, state: str, goal: str) -> bool:
    """Take the allowed steps from a state to another, each a version of its own. Whether there was one."""
    rules = mapping.target.writes
    assert rules is not None
    assert rules.states is not None
    steps = steps_between(rules.states, state, goal)
    for step in steps:
        body = Body({rules.states.column: step}, None, False)
        change(connection, mapping.target, writer, id_, body, _ANY, whole=False)
    return bool(steps)


def _followed(connection: Connection, mapping: Mapping, writer: Writer, said: Mapped, id_: str) -> bool:
    """The record about the first one, where it tells something that the first does not show yet."""
    follow = mapping.follow
    if follow is None or not said.follow:
        return False
    shown, _ = lock(connection, mapping.target, writer, id_)
    told = {name: said.follow[name] for name in follow.same if name in said.follow}
    if not told or all(shown.get(follow.same[name]) == value for name, value in told.items()):
        return False
    body = Body({**said.follow, follow.parent: id_}, None, False)
    create(connection, catalogue().layers[follow.layer], writer, body)
    return True


def refused(report: Report) -> Iterator[Line]:
    """The rows that somebody must look at."""
    return (line for line in report.lines if line.deed in ("refused", "late"))
