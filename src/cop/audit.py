"""The audit: who read or took away what not everybody may see, and, from the journal, who wrote.

Reads are noted in a chain of their own (migration 0015); writes stand in the journal since their own transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import psycopg

from cop.errors import Refused
from cop.heads import SignedHead, keep_outside, signed
from cop.query.parse import DOCUMENT, check_known, read_interval, read_number
from cop.query.question import MAX_LIMIT
from cop.query.values import read_time
from cop.store.pools import Connection
from cop.store.statements import statements

_SQL = Path(__file__).parent / "sql" / "audit.sql"
READS = ("read", "export", "stream", "subscribe")
WRITES = ("write", "insert", "update", "delete", "load", "redact", "prune", "restore")
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_END = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Read:
    """Requests of one kind by one principal within a minute: the first, the last, and how many."""

    at: datetime
    until: datetime
    deed: str
    form: str
    actor: str
    role: str
    department: str | None
    mode: str
    collection: str
    feature: str | None
    count: int
    request: str | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the audit: a `read` of the audit's chain or a `write` of the journal, each with its number there."""

    at: datetime
    kind: str
    n: int
    until: datetime
    deed: str
    form: str
    actor: str
    role: str | None
    department: str | None
    mode: str | None
    collection: str
    feature: str | None
    count: int
    request: str | None


@dataclass(frozen=True, slots=True)
class Filters:
    """What is asked of the audit; None lets all pass. `department` is the actor's."""

    mode: str | None = None
    begin: datetime = _BEGINNING
    end: datetime = _END
    actor: str | None = None
    department: str | None = None
    collection: str | None = None
    feature: str | None = None
    deed: str | None = None
    request: str | None = None
    before: tuple[datetime, str, int] | None = None
    limit: int = 100


PARAMETERS = ("datetime", "actor", "department", "collection", "feature", "deed", "request", "limit", "cursor")


def read_filters(given: Mapping[str, str], mode: str | None) -> Filters:
    """The filters of a request. Raises Refused that names the parameter and shows a good value."""
    check_known(given, DOCUMENT | set(PARAMETERS))
    interval = read_interval(given.get("datetime"))
    texts = {name: _text(given, name) for name in ("actor", "department", "collection", "feature", "deed", "request")}
    if texts["deed"] is not None and texts["deed"] not in (*READS, *WRITES):
        raise Refused(f"deed: {texts['deed'][:40]!r} is none of {', '.join((*READS, *WRITES))}", "deed", "read")
    begin, end = (interval.start, interval.end) if interval is not None else (None, None)
    return Filters(
        mode, begin or _BEGINNING, end or _END, **texts, before=_cursor(given.get("cursor")),
        limit=min(read_number(given.get("limit"), "limit", 1, "100") or 100, MAX_LIMIT),
    )  # fmt: skip


def _text(given: Mapping[str, str], name: str) -> str | None:
    value = given.get(name)
    if value is not None and (not value or "\0" in value):
        raise Refused(f"{name}: it is empty or holds a character that no text has", name)
    return value


def _cursor(text: str | None) -> tuple[datetime, str, int] | None:
    if text is None:
        return None
    at, kind, n = [*text.split("~"), "", ""][:3]
    if kind not in ("read", "write") or not (n.isascii() and n.isdecimal() and len(n) < 19):
        raise Refused("cursor: take it from the link `next` of the page before", "cursor")
    return read_time(at, "cursor"), kind, int(n)


def written_cursor(entry: Entry) -> str:
    """The place behind an entry."""
    at = entry.at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return f"{at}~{entry.kind}~{entry.n}"


def audited(connection: Connection, filters: Filters, seen_by: str | None = None) -> list[Entry]:
    """The newest entries that pass, at most `limit`.

    `seen_by`: as the administrators of this department see them; None: all.
    """
    before = filters.before or (None, None, None)
    about: dict[str, Any] = {one.name: getattr(filters, one.name) for one in fields(filters)} | {
        "seen_by": seen_by, "rows": filters.limit, "before_at": before[0], "before_kind": before[1],
        "before_n": before[2], "end": min(filters.end, before[0] or _END),
    }  # fmt: skip
    rows = connection.execute(statements(_SQL)["audited"], about).fetchall()
    # Connections of the server give texts as bytes.
    return [Entry(*map(_decoded, row)) for row in rows]


def _decoded(cell: Any) -> Any:
    return cell.decode() if isinstance(cell, bytes) else cell


def note(connection: Connection, reads: Sequence[Read]) -> None:
    """Put reads behind the end of the chain, in their order."""
    rows = orjson.dumps([{one.name: getattr(read, one.name) for one in fields(read)} for read in reads])
    connection.execute(statements(_SQL)["note"], {"rows": rows.decode()})


def sign_audit(owner_dsn: str, var: Path) -> SignedHead | None:
    """Sign the end of the audit's chain, and keep it in the database and in the file; None while it is empty."""
    with psycopg.connect(owner_dsn) as connection:
        row = connection.execute(statements(_SQL)["head"]).fetchone()
        return _kept(connection, var, int(row[0]), bytes(row[1]), anchor=False) if row and row[0] else None


def prune_audit(owner_dsn: str, var: Path, days: float, *, really: bool) -> int:
    """Let go of rows older than so many days; how many go, or would.

    A signed head of the last of them stays as the anchor that the rest of the chain hangs from.
    """
    with psycopg.connect(owner_dsn) as connection:
        row = connection.execute(statements(_SQL)["last_before"], {"days": days}).fetchone()
        if row is None:
            return 0
        n, hash_, rows = int(row[0]), bytes(row[1]), int(row[2])
        if really:
            _kept(connection, var, n, hash_, anchor=True)
            connection.execute(statements(_SQL)["prune"], {"n": n})
        return rows


def _kept(connection: psycopg.Connection[Any], var: Path, n: int, hash_: bytes, *, anchor: bool) -> SignedHead:
    head = signed(var, n, hash_, "audit")
    connection.execute(statements(_SQL)["keep"], head.values | {"anchor": anchor})
    keep_outside(var, head)
    return head
