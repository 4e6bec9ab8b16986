"""Counting: how many records answer a question, by each counted column and by each total, in one statement."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from psycopg import sql
from pygeofilter import ast

from cop.catalogue import Column
from cop.query import counted
from cop.query.bind import Values
from cop.query.counted import written
from cop.query.cql import read_filter
from cop.query.filter import Compiler
from cop.query.plan import Plan, conditions, mark_of, relation
from cop.query.summary import Tally, fetched
from cop.query.values import read_time

# No column of a layer has a name with a blank in it.
_KEY, _COUNT, _TOTALS = (sql.Identifier(name) for name in ("the key", "how many", "which totals"))


@dataclass(frozen=True, slots=True)
class Group:
    """The records of one value of a column (None: of no value, or of an hour before the first), and their number."""

    value: str | None
    count: int
    condition: str


@dataclass(frozen=True, slots=True)
class Counted:
    """The numbers of one state of the store."""

    n: int
    matched: int
    totals: dict[str, int]
    groups: dict[str, list[Group]]


@dataclass(frozen=True, slots=True)
class _Total:
    """A total in two parts, both of which its records pass: what the key tells, and what only the record does.

    Either may be None: then every record passes it.
    """

    name: str
    of_key: sql.Composable | None
    of_record: sql.Composable | None


def count(tally: Tally) -> Counted:
    """The numbers: one statement, and so one state of the store."""
    rows = fetched(tally.question, count_plan(tally))
    by_key, by_hour = _by_key(tally), _by_hour(tally)
    numbers: dict[str, dict[str | None, int]] = {column.name: {} for column in tally.columns}
    totals = dict.fromkeys(tally.layer.summary.totals, 0)
    matched = 0
    for _, column, number, of_record, bits, value in rows:
        if column is None:
            continue
        if column < len(by_key) + len(by_hour):
            numbers[(*by_key, *by_hour)[column].name][_text(value)] = number
            continue
        matched += number
        for nth, name in enumerate(totals):
            totals[name] += of_record[nth] if bits >> nth & 1 else 0
    for hours in (numbers[column.name] for column in by_hour):
        if earlier := matched - sum(hours.values()):
            hours[None] = earlier
    groups = {column.name: _groups(column, numbers[column.name], tally) for column in tally.columns}
    return Counted(int(rows[0][0]), matched, totals, groups)


def _by_key(tally: Tally) -> list[Column]:
    return [column for column in tally.columns if column.type != "time"]


def _by_hour(tally: Tally) -> list[Column]:
    return [column for column in tally.columns if column.type == "time"]


def _groups(column: Column, numbers: dict[str | None, int], tally: Tally) -> list[Group]:
    groups = [Group(value, number, _condition(column, value, tally)) for value, number in numbers.items()]
    return sorted(groups, key=_order_of(column))


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode()


def _order_of(column: Column) -> Callable[[Group], tuple[bool, int, str]]:
    """Codes in the order of the layer's file, others by their text, and what is not known last."""
    places = {code: nth for nth, code in enumerate(column.codes or ())}
    return lambda one: (one.value is None, places.get(one.value or "", 0), one.value or "")


def _condition(column: Column, value: str | None, tally: Tally) -> str:
    """The condition, as CQL2 text, that exactly the records of a group pass."""
    name = column.name
    if column.type == "time":
        if value is None:
            return f"({name} < TIMESTAMP('{written(tally.first_hour)}') OR {name} IS NULL)"
        hour = read_time(value, name)
        return (f"{name} >= TIMESTAMP('{written(hour)}') AND "
                f"{name} < TIMESTAMP('{written(hour + timedelta(hours=1))}')")  # fmt: skip
    if value is None:
        return f"{name} IS NULL"
    if column.type == "boolean":
        return f"{name} = {value.upper()}"
    escaped = value.replace("'", "''")
    return f"{name} = '{escaped}'"


def count_plan(tally: Tally) -> Plan:
    """Counts in two steps: the records by their key, which an index holds, and then the keys by each of their columns.

    There are far fewer keys than records. What a key does not tell goes with it: how many of its records pass the rest
    of each total, and the times from the first hour on. Each row of the answer has the mark's number, the place of what
    was counted by among the counted columns (those of the key first; behind them the totals), the number, for each
    total how many pass its second part, which totals' first parts are passed (a bit a total), and the value as text.
    """
    question, bound = tally.question, Values()
    totals = [_split(tally, name, bound) for name in tally.layer.summary.totals]
    first = bound.bind(tally.first_hour)
    statement = sql.SQL(
        "SELECT m.n, c.* FROM ({mark}) AS m LEFT JOIN LATERAL ("
        "WITH g AS MATERIALIZED (SELECT {key} AS {named}, {numbers} FROM {table} AS t WHERE {met} GROUP BY 1)"
        " {by_key}{by_hours}) AS c ON true"
    ).format(
        mark=mark_of(question, bound), key=counted.key(tally.layer, "t."), named=_KEY,
        numbers=_comma([*_numbers(totals), *_hours(tally, first)]), table=relation(tally.layer, question.moment),
        met=_all(conditions(question, bound)), by_key=_of_keys(tally, totals),
        by_hours=sql.SQL("").join(_of_hours(tally, first)),
    )  # fmt: skip
    return Plan(statement, bound.by_name)


def _split(tally: Tally, name: str, bound: Values) -> _Total:
    """A total's conditions that all hold together, parted by whether the key tells of them."""
    question = tally.question
    compiler = Compiler(question.layer, question.profile, bound)
    known = {column.name for column in counted.key_columns(question.layer)}
    parts: dict[bool, list[sql.Composable]] = {True: [], False: []}
    for one in _conjuncts(read_filter(tally.total(name), "cql2-text")):
        parts[known >= set(counted.attributes(one))].append(compiler.condition(one))
    return _Total(name, _all(parts[True]) if parts[True] else None, _all(parts[False]) if parts[False] else None)


def _conjuncts(node: Any) -> Iterator[Any]:
    if isinstance(node, ast.And):
        yield from _conjuncts(node.lhs)
        yield from _conjuncts(node.rhs)
    else:
        yield node


def _numbers(totals: list[_Total]) -> Sequence[sql.Composable]:
    """Of a key: how many records it has, and how many of them pass what only the records of a total tell."""
    return [sql.SQL("count(*) AS {}").format(_COUNT)] + [
        sql.SQL("count(*) FILTER (WHERE {}) AS {}").format(total.of_record, _passing(nth))
        for nth, total in enumerate(totals) if total.of_record is not None
    ]  # fmt: skip


def _hours(tally: Tally, first: sql.Composable) -> Sequence[sql.Composable]:
    """Of a key: its records' times from the first hour on. Grouping by them too would make a key of every record."""
    return [
        sql.SQL("array_agg(t.{0}) FILTER (WHERE t.{0} >= {1}) AS {2}").format(
            sql.Identifier(column.name), first, _times(nth)
        ) for nth, column in enumerate(_by_hour(tally))
    ]  # fmt: skip


def _of_keys(tally: Tally, totals: list[_Total]) -> sql.Composable:
    """The keys counted by each of their columns, and by which totals they are of.

    Rows are called `t`, as the compiler of conditions has it; OFFSET has a key taken apart once, not for each column.
    """
    columns = [sql.SQL("t.{}").format(sql.Identifier(column.name)) for column in _by_key(tally)]
    sets = [*columns, _TOTALS]
    passing = [_passing(nth) if total.of_record is not None else _COUNT
               for nth, total in enumerate(totals)]  # fmt: skip
    places = [
        sql.SQL("WHEN grouping({}) = 0 THEN {}").format(one, sql.Literal(nth)) for nth, one in enumerate(sets[:-1])
    ]
    values = [sql.SQL("WHEN grouping({0}) = 0 THEN {0}::text").format(one) for one in columns]
    last = sql.Literal(len(tally.columns))
    return sql.SQL(
        "SELECT {place} AS place, sum({count})::bigint AS count, ARRAY[{passing}]::bigint[] AS passing, {bits},"
        " {value}::text AS value FROM (SELECT t.*, {which} AS {bits} FROM (SELECT {packed} FROM g OFFSET 0) AS t) AS t"
        " GROUP BY GROUPING SETS ({sets})"
    ).format(
        place=_case(places, last), count=_COUNT, bits=_TOTALS,
        passing=_comma([sql.SQL("sum({})").format(one) for one in passing]),
        value=_case(values, sql.SQL("NULL")), which=_bits(totals),
        packed=_comma([sql.SQL("g.*"), *counted.unpacked(tally.layer, sql.SQL("g.{}").format(_KEY))]),
        sets=_comma([sql.SQL("({})").format(one) for one in sets]),
    )  # fmt: skip


def _of_hours(tally: Tally, first: sql.Composable) -> list[sql.Composed]:
    """The times that the keys brought along, counted by the hour. Hong Kong's hours are those of UTC."""
    before = len(_by_key(tally))
    return [
        sql.SQL(
            " UNION ALL SELECT {place}, count(*), NULL, NULL, to_char(hour, {form}) FROM (SELECT"
            " date_bin('1 hour', at, {first}) AS hour FROM g, unnest({times}) AS at) AS h GROUP BY hour"
        ).format(place=sql.Literal(before + nth), form=sql.Literal('YYYY-MM-DD"T"HH24:MI:SS"Z"'), first=first,
                 times=_times(nth))
        for nth in range(len(_by_hour(tally)))
    ]  # fmt: skip


def _bits(totals: list[_Total]) -> sql.Composable:
    """Which totals' first parts a key passes, a bit each."""
    return sql.SQL(" + ").join([
        sql.SQL("0::bigint"),
        *(sql.SQL("CASE WHEN {} THEN {} ELSE 0 END").format(total.of_key or sql.SQL("true"), sql.Literal(1 << nth))
          for nth, total in enumerate(totals)),
    ])  # fmt: skip


def _passing(nth: int) -> sql.Identifier:
    return sql.Identifier(f"passing {nth}")


def _times(nth: int) -> sql.Identifier:
    return sql.Identifier(f"times {nth}")


def _case(ways: Sequence[sql.Composable], otherwise: sql.Composable) -> sql.Composable:
    if not ways:
        return otherwise
    return sql.SQL("CASE {} ELSE {} END").format(sql.SQL(" ").join(ways), otherwise)


def _comma(parts: Sequence[sql.Composable]) -> sql.Composed:
    return sql.SQL(", ").join(parts)


def _all(met: list[sql.Composable]) -> sql.Composable:
    return sql.SQL(" AND ").join(met) if met else sql.SQL("TRUE")
