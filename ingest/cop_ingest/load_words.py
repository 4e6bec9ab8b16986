"""What a feed says of a record it knows: SQL for what people have changed, and for what a feed leaves out.

A column is held where the register is not as the feed said it last (`b`, kept in cop.feed_record): somebody has changed
it. Columns that only make sense together are held together. `s` is what the feed says now, `t` the register.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from psycopg import sql

from cop.catalogue import Layer
from cop.catalogue.models import Column
from cop_ingest.load_sql import told_columns

_OWN = frozenset({"source", "source_ref", "message_status", "provenance"})  # a record's key at the feed
_GEOMETRY = "geom"


def firsts(first: Sequence[str]) -> sql.Composable:
    """Assignments by which these times keep the earliest word."""
    return _joined(sql.SQL("{0} = least(s.{0}, t.{0})").format(sql.Identifier(name)) for name in first)


def filled(layer: Layer, absent: Sequence[str]) -> sql.Composable:
    """Assignments that fill what a stand-in leaves out, but for the columns by which a record ends."""
    place = set(_place(layer))
    plain = [name for name in _changeable(layer) if name not in absent and name not in place]
    of_place = sql.SQL("{0} = CASE WHEN s.geom IS NULL THEN b.{0} ELSE s.{0} END")
    return _joined([
        *(sql.SQL("{0} = coalesce(s.{0}, b.{0})").format(sql.Identifier(name)) for name in plain),
        *(of_place.format(sql.Identifier(name)) for name in _place(layer)),
    ])  # fmt: skip


def completed(layer: Layer) -> sql.Composable | None:
    """Assignments that complete what a record of the layer always has; None where there is nothing of the kind.

    `o` is the staged record, `b` what its source said last, `t` the register.
    """
    defaults = layer.writes.defaults if layer.writes else {}
    names = [name for name in _changeable(layer) if defaults.get(name) is not None]
    if not names:
        return None
    known = sql.SQL("{0} = coalesce(o.{0}, b.{0}, t.{0}, {1})")
    return _joined([known.format(sql.Identifier(name), sql.Literal(defaults[name])) for name in names])


def held(layer: Layer, absent: Sequence[str], first: Sequence[str]) -> sql.Composable:
    """Assignments by which a person's word stays; the source's own is listed in the column with the role says."""
    names = [name for name in (*_changeable(layer), _GEOMETRY) if name not in first]
    groups = {name: _group(name, names, _place(layer), absent) for name in names}
    changed = {name: sql.SQL("(") + _or(map(_changed, groups[name])) + sql.SQL(")") for name in names}
    kept = sql.SQL("{0} = CASE WHEN {1} THEN t.{0} ELSE s.{0} END")
    parts = [kept.format(sql.Identifier(name), changed[name]) for name in names]
    says = layer.with_role("says")
    if says is not None:
        listed = _joined(_listed(layer, says, name, changed[name]) for name in names if name in layer.by_name)
        parts.append(sql.SQL("{0} = array_remove(ARRAY[{1}]::text[], NULL)").format(sql.Identifier(says.name), listed))
    return _joined(parts)


def _changeable(layer: Layer) -> list[str]:
    says = layer.with_role("says")
    return [name for name in told_columns(layer) if name not in _OWN and (says is None or name != says.name)]


def _place(layer: Layer) -> list[str]:
    if layer.placed is None:
        return [_GEOMETRY]
    return [_GEOMETRY, layer.placed.method, layer.placed.uncertainty_m]


def _group(name: str, names: Sequence[str], *together: Sequence[str]) -> list[str]:
    """The columns that are held where one of them is."""
    return next(([other for other in group if other in names] for group in together if name in group), [name])


def _changed(name: str) -> sql.Composable:
    return sql.SQL("t.{0} IS DISTINCT FROM b.{0}").format(sql.Identifier(name))


def _listed(layer: Layer, says: Column, name: str, changed: sql.Composable) -> sql.Composable:
    """`status: completed`, where the source says so since a person said otherwise; null else."""
    column = sql.Identifier(name)
    return sql.SQL(
        "CASE WHEN {changed} AND s.{column} IS DISTINCT FROM t.{column} AND (s.{column} IS DISTINCT FROM b.{column}"
        " OR EXISTS (SELECT FROM unnest(t.{says}) AS w WHERE starts_with(w, {prefix})))"
        " THEN {prefix} || {value} END"
    ).format(
        changed=changed, column=column, says=sql.Identifier(says.name), prefix=sql.Literal(f"{name}: "),
        value=_AS_TEXT.get(layer.by_name[name].type, _plain)(column),
    )  # fmt: skip


def _plain(column: sql.Identifier) -> sql.Composable:
    return sql.SQL("s.{}::text").format(column)


_AS_TEXT: dict[str, Callable[[sql.Identifier], sql.Composable]] = {
    "time": lambda column: sql.SQL("cop.rfc3339(s.{})").format(column),
    "text[]": lambda column: sql.SQL("array_to_string(s.{}, ', ')").format(column),
}


def _or(parts: Iterator[sql.Composable]) -> sql.Composable:
    return sql.SQL(" OR ").join(parts)


def _joined(parts: Iterator[sql.Composable] | Sequence[sql.Composable]) -> sql.Composable:
    return sql.SQL(", ").join(parts)
