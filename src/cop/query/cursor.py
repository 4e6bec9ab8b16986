"""Cursors: a signed, opaque place in a walk through pages."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import lru_cache

from itsdangerous import BadSignature, URLSafeSerializer

from cop.errors import Refused
from cop.query.question import Position


@lru_cache(maxsize=2)
def _serializer(key: bytes) -> URLSafeSerializer:
    # The key is random and serves cursors alone: deriving another from it each time would add nothing.
    return URLSafeSerializer(key, salt="cursor", signer_kwargs={"key_derivation": "none"})


def write_token(key: bytes, *body: object) -> str:
    """A signed token of plain values; one of them should say what it is for."""
    return str(_serializer(key).dumps(body))


def read_token(key: bytes, token: str, length: int) -> list[object]:
    """The values of a token, so many.

    Raises Refused where it was altered, or is none of ours.
    """
    try:
        body = _serializer(key).loads(token)
    except (BadSignature, ValueError, TypeError) as exc:
        raise _not_ours() from exc
    if not isinstance(body, list) or len(body) != length:
        raise _not_ours()
    return body


def _not_ours() -> Refused:
    return Refused("cursor: this is not a cursor of this server; follow the links next and prev", "cursor")


def write_cursor(key: bytes, position: Position, belongs_to: str) -> str:
    """The token of a position."""
    values = [_plain(value) for value in position.values]
    body = [values, position.backwards, position.n, position.matched, position.before, belongs_to]
    return str(_serializer(key).dumps(body))


def read_cursor(key: bytes, token: str, belongs_to: str) -> Position:
    """The position of a token.

    Raises Refused where it was altered, or belongs to another question.
    """
    try:
        values, backwards, n, matched, before, owner = _serializer(key).loads(token)
    except (BadSignature, ValueError, TypeError) as exc:
        raise _not_ours() from exc
    if owner != belongs_to:
        raise Refused("cursor: it belongs to another question; keep the other parameters as they were", "cursor")
    return Position(tuple(_rich(value) for value in values), bool(backwards), int(n), int(matched), int(before))


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return {"t": value.astimezone(UTC).isoformat()}
    if isinstance(value, date):
        return {"d": value.isoformat()}
    return value


def _rich(value: object) -> object:
    if isinstance(value, dict):
        return datetime.fromisoformat(value["t"]) if "t" in value else date.fromisoformat(value["d"])
    return value
