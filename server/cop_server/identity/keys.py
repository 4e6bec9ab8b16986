"""API keys: whom one stands for, and what `cop key` does with them."""

from __future__ import annotations

import secrets
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import psycopg

import cop
from cop.errors import NotRecognised, SetupTrouble
from cop.identity import Principal, key_hash, new_key, principal
from cop.store.reading import reading
from cop.store.statements import statements
from cop.visible import VisibleSet

_SQL = Path(cop.__file__).parent / "sql" / "identity.sql"
REMEMBERED_SECONDS = 5.0
"""How long a process goes by what the store said of a key; a revoked one works no longer than this."""

SUBJECT = "key:"
"""What a subject begins with whose principal came by a key."""

_MOST_REMEMBERED = 1000
_remembered: dict[bytes | str, tuple[float, Principal]] = {}
_lock = threading.Lock()


class KeyLine(NamedTuple):
    """A key as `cop key list` shows it; the key itself is not kept."""

    id: str
    label: str
    role: str
    department: str | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


def holder_of(key: str) -> Principal:
    """Whom a key stands for.

    Raises NotRecognised where it is unknown, revoked or expired: which of these is not told.
    """
    digest = key_hash(key)
    return _lately(digest) or _ask(digest, "key", {"hash": digest})


def holder_by_id(name: str) -> Principal:
    """Whom the key of an id stands for. Raises NotRecognised as `holder_of`."""
    return _lately(name) or _ask(name, "holder", {"id": name})


def remembered(key: str) -> Principal | None:
    """Whom a key stands for, where this process has asked in the last five seconds."""
    return _lately(key_hash(key))


def remembered_by_id(name: str) -> Principal | None:
    """The same by the key's id."""
    return _lately(name)


def _lately(what: bytes | str) -> Principal | None:
    with _lock:
        at, found = _remembered.get(what, (0.0, None))
    return found if time.monotonic() - at < REMEMBERED_SECONDS else None


def _ask(what: bytes | str, statement: str, values: dict[str, Any]) -> Principal:
    now = time.monotonic()
    with reading(VisibleSet()) as connection:
        row = connection.execute(statements(_SQL)[statement], values).fetchone()
    if row is None:
        raise NotRecognised("the API key is not valid: unknown, revoked or expired")
    name, role, department = (value.decode() if isinstance(value, bytes) else value for value in row)
    found = principal(f"{SUBJECT}{name}", role, department)
    with _lock:
        if len(_remembered) >= _MOST_REMEMBERED:
            _remembered.clear()
        _remembered[what] = (now, found)
    return found


def forget_keys() -> None:
    """Forget what was read from the store."""
    with _lock:
        _remembered.clear()


def create(owner_dsn: str, label: str, role: str, department: str | None, days: int | None) -> tuple[str, str]:
    """Make a key; its id, and the key itself, which nobody can show again.

    Raises SetupTrouble where role and department do not fit together.
    """
    name, key = secrets.token_hex(4), new_key()
    try:
        holder = principal(f"{SUBJECT}{name}", role, department)
    except ValueError as exc:
        raise SetupTrouble(f"no key was made: {exc}") from exc
    about: dict[str, Any] = {
        "id": name, "hash": key_hash(key), "label": label, "role": holder.role,
        "department": holder.department, "days": days,
    }  # fmt: skip
    with psycopg.connect(owner_dsn, autocommit=True) as connection:
        connection.execute(statements(_SQL)["create"], about)
    return name, key


def listed(owner_dsn: str) -> list[KeyLine]:
    """All keys that were ever made, the oldest first."""
    with psycopg.connect(owner_dsn, autocommit=True) as connection:
        return [KeyLine(*row) for row in connection.execute(statements(_SQL)["list"])]


def revoke(owner_dsn: str, name: str) -> None:
    """End a key. Raises SetupTrouble where none of that id holds."""
    with psycopg.connect(owner_dsn, autocommit=True) as connection:
        if connection.execute(statements(_SQL)["revoke"], {"id": name}).rowcount == 0:
            raise SetupTrouble(f"there is no valid key {name!r}; `cop key list` shows all")
