"""A sensor's series: its observations in an interval, one by one or as means by the hour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from psycopg import sql

import cop
from cop.catalogue import Column, Layer
from cop.errors import NotFound, Refused
from cop.query.parse import DOCUMENT, check_known, read_interval, read_number
from cop.query.question import Interval
from cop.settings import get_settings
from cop.store.reading import reading
from cop.store.statements import statements
from cop.visible import VisibleSet

SQL = Path(cop.__file__).parent / "sql" / "series.sql"
MOST = 10_000
_NUMBERS = ("integer", "number")
Step = Literal["raw", "PT1H"]


@dataclass(frozen=True, slots=True)
class SeriesAsked:
    """Which observations are asked for: of one sensor, some of its numbers, in an interval of time."""

    layer: Layer
    visible: VisibleSet
    sensor: str
    columns: tuple[Column, ...]
    interval: Interval
    step: Step
    limit: int


@dataclass(frozen=True, slots=True)
class Series:
    """Times, the oldest first, and the values of each column at them; None where none was reported."""

    times: list[datetime]
    values: dict[str, list[float | None]]


def measured(layer: Layer, profile: str) -> tuple[Column, ...]:
    """The columns of a layer of latest values that are numbers and of which a series is kept."""
    return tuple(
        column for column in layer.visible_columns(profile)
        if column.type in _NUMBERS and (column.derived is None or column.derived.trend_minutes is None)
    )  # fmt: skip


def read_series(layer: Layer, visible: VisibleSet, sensor: str, given: Mapping[str, str]) -> SeriesAsked:
    """What a request for a series asks. Raises Refused that names the parameter, NotFound where there are no series."""
    if layer.kind != "latest":
        raise NotFound(f"{layer.id} keeps no series; its records have versions")
    check_known(given, DOCUMENT | {"datetime", "parameter-name", "interval", "limit"})
    known = measured(layer, visible.profile_of(layer))
    step = given.get("interval", "raw")
    if step not in ("raw", "PT1H"):
        raise Refused(f"interval: {step[:40]!r} is neither raw nor PT1H (means by the hour)", "interval", "PT1H")
    most = min(MOST, get_settings().limits.of(visible.audience).rows)
    limit = read_number(given.get("limit"), "limit", 1, "1000") or most
    return SeriesAsked(
        layer, visible, sensor, _named(layer, known, given.get("parameter-name")),
        read_interval(given.get("datetime")) or Interval(None, None), step, min(limit, most),  # type: ignore[arg-type]
    )  # fmt: skip


def _named(layer: Layer, known: Sequence[Column], names: str | None) -> tuple[Column, ...]:
    if names is None:
        return tuple(known)
    by_name = {column.name: column for column in known}
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    if not wanted or (unknown := [name for name in wanted if name not in by_name]):
        told = ", ".join(name[:40] for name in unknown) if wanted else "nothing"
        raise Refused(f"parameter-name: {layer.id} measures no {told}; it has {', '.join(by_name)}", "parameter-name")
    return tuple(by_name[name] for name in dict.fromkeys(wanted))


def series(asked: SeriesAsked) -> Series:
    """The newest observations that answer a question, the oldest first."""
    about = {
        "layer": asked.layer.id, "id": asked.sensor, "start": asked.interval.start, "end": asked.interval.end,
        "limit": asked.limit,
    }  # fmt: skip
    rows: list[tuple[Any, ...]] = []
    if asked.columns and "\0" not in asked.sensor:
        with reading(asked.visible) as connection:
            rows = connection.execute(_statement(asked), about).fetchall()
    rows.reverse()
    values = {column.name: [row[place] for row in rows] for place, column in enumerate(asked.columns, 1)}
    return Series([row[0] for row in rows], values)


def _statement(asked: SeriesAsked) -> sql.Composed:
    time = asked.layer.with_role("time")
    assert time is not None
    names = [sql.Identifier(column.name) for column in asked.columns]
    sums = [(one.name, sql.Identifier(one.name), sql.Identifier(f"{one.name} count")) for one in asked.columns]
    listed = sql.SQL(", ").join
    pieces: dict[str, sql.Composable] = {
        "time": sql.Identifier(time.name), "series": sql.Identifier("obs", asked.layer.id), "columns": listed(names),
        "means": listed([
            sql.SQL("round((sum({0}) / sum({1}))::numeric, 3)::float8").format(total, count) for _, total, count in sums
        ]),
        "sums": listed([
            sql.SQL("sum({0})::float8 AS {0}, nullif(count({0}), 0) AS {1}").format(total, count)
            for _, total, count in sums
        ]),
        "put_away": listed([_put_away(*one) for one in sums]),
    }  # fmt: skip
    text = statements(SQL)["raw" if asked.step == "raw" else "hourly"]
    return sql.SQL(text).format(**{name: piece for name, piece in pieces.items() if f"{{{name}}}" in text})


def _put_away(name: str, total: sql.Identifier, count: sql.Identifier) -> sql.Composed:
    text = sql.SQL("sum(mean * count) FILTER (WHERE name = {0}) AS {1}, sum(count) FILTER (WHERE name = {0}) AS {2}")
    return text.format(sql.Literal(name), total, count)
