"""What a layer's file says of counting: by which columns and conditions, and the key that a record is counted by."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from psycopg import sql
from pygeofilter import ast

from cop.catalogue import Catalogue, Column, Layer
from cop.errors import BrokenCatalogue, Refused
from cop.query.bind import Values
from cop.query.cql import read_filter
from cop.query.filter import Compiler

# Within a key: between its parts, and in place of a part that has no value. No code has characters of control.
_BETWEEN, _NOTHING = sql.Literal("\x1f"), sql.Literal("\x1e")


def written(moment: datetime) -> str:
    """A time as RFC 3339 in UTC."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def told(condition: str, moment: datetime) -> str:
    """A condition of a layer file with its moment written in."""
    return condition.replace("{now}", f"TIMESTAMP('{written(moment)}')")


def key_columns(layer: Layer) -> tuple[Column, ...]:
    """The columns whose values make a record's key: codes and yes or no, counted by or named by totals."""
    named = {column.name for column in layer.columns if column.counted}
    named |= {name for text in _totals(layer) for name in attributes(read_filter(text, "cql2-text"))}
    blurred = _blurred(layer)
    return tuple(column for column in layer.columns
                 if column.name in named - blurred and column.type in ("code", "boolean"))  # fmt: skip


def key(layer: Layer, row: str = "") -> sql.Composable:
    """A record's key: one text of the values of its key columns; `row` is what the row is called, with its full stop.

    An index holds it (`cop.apply_counted`), so it is written in one way only, and depends on nothing but the row.
    """
    parts = [_part(column, sql.SQL("{}{}").format(sql.SQL(row), sql.Identifier(column.name)))
             for column in key_columns(layer)]  # fmt: skip
    if not parts:
        return sql.SQL("''::text")
    joined = [parts[0], *(sql.SQL(" || {} || {}").format(_BETWEEN, part) for part in parts[1:])]
    return sql.SQL('(({}) COLLATE "C")').format(sql.SQL("").join(joined))


def _part(column: Column, name: sql.Composable) -> sql.Composable:
    if column.type == "boolean":
        return sql.SQL("CASE WHEN {0} THEN 't' WHEN NOT {0} THEN 'f' ELSE {1} END").format(name, _NOTHING)
    return sql.SQL("coalesce({}, {})").format(name, _NOTHING)


def unpacked(layer: Layer, packed: sql.Composable) -> list[sql.Composable]:
    """The key columns again, each under its own name, from a key."""
    types = {"boolean": sql.SQL("boolean"), "code": sql.SQL("text")}
    return [
        sql.SQL("nullif(split_part({}, {}, {}), {})::{} AS {}").format(
            packed, _BETWEEN, sql.Literal(nth), _NOTHING, types[column.type], sql.Identifier(column.name)
        ) for nth, column in enumerate(key_columns(layer), 1)
    ]  # fmt: skip


def columns_read(layer: Layer) -> tuple[str, ...]:
    """The columns that a summary without a filter reads, for the index that it is answered from."""
    named = {column.name for column in layer.columns if column.counted}
    left_out = (told(one.filter, datetime.now(UTC)) for one in layer.summary.left_out.values())
    for text in (*left_out, *_totals(layer)):
        named |= set(attributes(read_filter(text, "cql2-text")))
    return tuple(sorted(named)) if any(column.counted for column in layer.columns) else ()


def _totals(layer: Layer) -> list[str]:
    return [told(one.filter, datetime.now(UTC)) for one in layer.summary.totals.values()]


def _blurred(layer: Layer) -> set[str]:
    """The columns that some profile shows of some records only."""
    return {name for profile in layer.profiles.values() if profile.blur for name in profile.blur.columns}


def attributes(node: Any) -> Iterator[str]:
    """The names of columns in a condition."""
    if isinstance(node, ast.Attribute):
        yield node.name
    elif isinstance(node, ast.Node):
        for part in vars(node).values():
            for one in part if isinstance(part, list) else [part]:
                yield from attributes(one)


def check_summaries(catalogue: Catalogue) -> None:
    """Refuse what layer files say of counting and could not be counted by. Raises BrokenCatalogue with every fault."""
    layers = catalogue.feature_layers
    faults = [
        f"layers/{layer.id}.yml: {where}: {why}"
        for layer in layers for where, text in _conditions_of(layer) if (why := _fault(layer, text))
    ]  # fmt: skip
    faults += [
        f"layers/{layer.id}.yml: columns.{column.name}.counted: a profile blurs it; its counts would tell what it holds"
        for layer in layers for column in layer.columns if column.counted and column.name in _blurred(layer)
    ]  # fmt: skip
    if faults:
        raise BrokenCatalogue(faults)


def _conditions_of(layer: Layer) -> list[tuple[str, str]]:
    summary, now = layer.summary, datetime.now(UTC)
    named = [(f"summary.left_out.{name}.filter", one.filter) for name, one in summary.left_out.items()]
    named += [(f"summary.totals.{name}.filter", one.filter) for name, one in summary.totals.items()]
    named += [("summary.current.filter", summary.current.filter)] if summary.current else []
    return [(where, told(text, now)) for where, text in named]


def _fault(layer: Layer, condition: str) -> str | None:
    try:
        for profile in layer.profiles:
            Compiler(layer, profile, Values()).condition(read_filter(condition, "cql2-text"))
    except Refused as exc:
        return exc.detail
    return None
