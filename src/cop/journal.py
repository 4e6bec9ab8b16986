"""Sequence numbers as a visible set knows them: marks, counts, and what a time comes to."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from psycopg import sql

from cop.catalogue import Layer
from cop.errors import Gone, Refused
from cop.query.values import read_time
from cop.store.pools import Connection
from cop.store.reading import reading
from cop.store.statements import statements
from cop.visible import VisibleSet

_SQL = Path(__file__).parent / "sql" / "journal.sql"


@dataclass(frozen=True, slots=True)
class Mark:
    """The last number at which something changed that a visible set sees, and how many features it sees."""

    n: int
    count: int


def mark(connection: Connection, layers: Sequence[Layer], visible: VisibleSet, asof: int | None = None) -> Mark:
    """The high-water mark of some layers for a visible set, now or as of a number."""
    if asof is None:
        row = connection.execute(_mark_now(tuple(layers), visible)).fetchone()
    else:
        row = connection.execute(*mark_statement(layers, visible, asof)).fetchone()
    return Mark(int(row[0]), int(row[1])) if row else Mark(0, 0)


@lru_cache(maxsize=512)
def _mark_now(layers: tuple[Layer, ...], visible: VisibleSet) -> str:
    """The statement of the present mark without parameters, so that the store plans it once: every request asks it."""
    statement, about = mark_statement(layers, visible, None)
    literals = {name: sql.Literal(value) for name, value in about.items()}
    return sql.SQL(re.sub(r"%\((\w+)\)s", r"{\1}", statement)).format(**literals).as_string()


def mark_statement(layers: Sequence[Layer], visible: VisibleSet, asof: int | None) -> tuple[str, dict[str, Any]]:
    """The statement of a mark (columns n, count) and its values, to stand alone or inside another."""
    classes = sorted({cls for layer in layers for cls in visible.classes_of(layer)})
    about = {"layers": [layer.id for layer in layers], "classes": classes, "asof": asof}
    return statements(_SQL)["mark_now" if asof is None else "mark_asof"], about


def resolve_asof(text: str, visible: VisibleSet, layer: str | None = None) -> int:
    """The sequence number that `asof` means: a number itself, or a time's last number.

    A time is that of the commit. In mode exercise the story's times count too: a time within the story finds what
    the story had told by then, on top of what was loaded before it. `layer` is the one that is asked; None is all.

    Raises Refused for what is no time or lies ahead, Gone with the earliest time where the history does not reach.
    """
    moment = None if is_number(text) else _past(text)
    about: dict[str, Any] = {"mode": visible.mode, "layer": layer}
    with reading(visible) as connection:
        if moment is None:
            return _number(connection, int(text), about)
        row = connection.execute(statements(_SQL)["number_at"], {**about, "at": moment}).fetchone()
    assert row is not None
    found, first, begins = row
    if found == 0 or found < first:
        raise _gone(begins)
    return int(found)


def moment_of(text: str, visible: VisibleSet) -> datetime | None:
    """The time that an `asof` which could be resolved stands for: the one it names, or that of the number it names."""
    if not is_number(text):
        return _past(text)
    with reading(visible) as connection:
        row = connection.execute(statements(_SQL)["time_of"], {"n": int(text), "mode": visible.mode}).fetchone()
    moment: datetime | None = row[0] if row else None
    return moment


def is_number(text: str) -> bool:
    """Whether an `asof` is a sequence number."""
    return text.isascii() and text.isdecimal() and len(text) < 19


def _past(text: str) -> datetime:
    moment = read_time(text, "asof")
    if moment > datetime.now(UTC):
        raise Refused(
            f"asof: {text} lies ahead; what will be known then is not known yet",
            "asof",
            "2025-09-23T03:00:00Z",
        )
    return moment


def exercise_now() -> datetime | None:
    """The time on the exercise's clock (UTC), where clients read "now" in mode exercise; None before its story."""
    with reading(VisibleSet(mode="exercise")) as connection:
        row = connection.execute(statements(_SQL)["exercise_now"]).fetchone()
    assert row is not None
    moment: datetime | None = row[0]
    return moment


def _number(connection: Connection, wanted: int, about: Mapping[str, Any]) -> int:
    row = connection.execute(statements(_SQL)["last_number"], about).fetchone()
    assert row is not None
    last, first, begins = row
    if wanted > last:
        raise Refused(f"asof: {wanted} lies ahead of the last number, {last}", "asof", str(last))
    if wanted < max(1, first):
        raise _gone(begins)
    return wanted


def _gone(earliest: datetime | None) -> Gone:
    if earliest is None:
        return Gone("asof: the history is still empty", "asof")
    first = earliest.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return Gone(f"asof: the kept history begins at {first}", "asof", first)
