"""The statements of loads with a layer's identifiers put in, and the payloads that are kept by hash."""

from __future__ import annotations

import hashlib
import zlib
from pathlib import Path

import psycopg
from psycopg import sql

from cop.catalogue import Layer
from cop.store.statements import statements

SQL = Path(__file__).parent / "sql" / "load.sql"


def one(connection: psycopg.Connection, name: str, layer: Layer) -> int:
    """The number that a statement gives."""
    row = connection.execute(statement(name, layer)).fetchone()
    assert row is not None
    return int(row[0])


def statement(name: str, layer: Layer | None = None, **more: sql.Composable) -> sql.Composed:
    """A statement of load.sql by its name, with the layer's table and columns put in, and what it wants besides."""
    text = sql.SQL(statements(SQL)[name])
    return text.format(**_identifiers(layer), **more) if layer is not None else text.format(**more)


def loaded_columns(layer: Layer) -> list[str]:
    """The columns that a load brings: all but those that the store itself sets."""
    ours = {tick.set for tick in layer.ticks if tick.value is None}
    return [column.name for column in layer.columns if column.role != "updated" and column.name not in ours]


def told_columns(layer: Layer) -> list[str]:
    """The columns in which a source's word counts: which records are one, people say, and no source does."""
    theirs = {layer.alike.into, layer.alike.apart} if layer.alike else set()
    return [name for name in (*loaded_columns(layer), "provenance") if name not in theirs]


def _identifiers(layer: Layer) -> dict[str, sql.Composable]:
    loaded = loaded_columns(layer)
    names = [sql.Identifier(name) for name in (*loaded, "provenance")]
    time = layer.with_role("time")

    told = [sql.Identifier(name) for name in told_columns(layer)]

    def listed(prefix: str, some: list[sql.Identifier] = names) -> sql.Composable:
        return sql.SQL(", ").join([sql.SQL(prefix) + name for name in some])

    def assigned(prefix: str, some: list[sql.Identifier] = names) -> sql.Composable:
        return sql.SQL(", ").join([sql.SQL("{} = {}{}").format(name, sql.SQL(prefix), name) for name in some])

    return {
        "table": sql.Identifier("layer", layer.id),
        "series": sql.Identifier("obs", layer.id),
        "columns": listed(""),
        "s_columns": listed("s."),
        "t_columns": listed("t."),
        "c_columns": listed("c."),
        "g_columns": listed("g."),
        "assignments": assigned("c."),
        "assignments_excluded": assigned("excluded."),
        "assignments_newest": assigned("n."),
        "s_told": listed("s.", told),
        "t_told": listed("t.", told),
        "assignments_told": assigned("s.", told),
        "said": sql.SQL("sha256(convert_to(jsonb_build_array({})::text, 'UTF8') || coalesce(s.wkb, ''))").format(
            listed("s.")
        ),
        "into": sql.Identifier(layer.alike.into if layer.alike else "id"),
        "numbers": sql.Identifier(layer.alike.numbers if layer.alike else "id"),
        "time": sql.Identifier(time.name if time else "id"),
        "time_name": sql.Literal(time.name if time else "id"),
        "not_older": sql.SQL("coalesce(s.{0} >= t.{0}, true)" if time else "true").format(
            sql.Identifier(time.name if time else "id")
        ),
    }


def keep_raw(connection: psycopg.Connection, body: bytes) -> bytes:
    """Keep a payload by the SHA-256 of its bytes, compressed; the hash."""
    hash_ = hashlib.sha256(body).digest()
    if connection.execute(statement("touch_raw"), {"hash": hash_}).fetchone() is None:
        connection.execute(statement("keep_raw"), {"hash": hash_, "body": zlib.compress(body, 6)})
    return hash_


def kept_raw(connection: psycopg.Connection, hash_: bytes) -> bytes | None:
    """A kept payload as it came, or None where it is kept no more."""
    row = connection.execute(statement("kept_raw"), {"hash": hash_}, binary=True).fetchone()
    if row is None:
        return None
    return zlib.decompress(row[1]) if row[0] == "zlib" else bytes(row[1])
