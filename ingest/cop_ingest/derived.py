"""Trend and thresholds of observations, made while these are loaded, as the layer's file says."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import psycopg
from psycopg import sql

from cop.catalogue import Column, Layer
from cop.store.statements import statements

_SQL = Path(__file__).parent / "sql" / "derived.sql"


def set_levels(connection: psycopg.Connection, layer: Layer) -> None:
    """Fill the staged records' columns of thresholds; they go into the series too."""
    for column in layer.columns:
        rule = column.derived
        if rule is not None and rule.trend_minutes is None:
            level = sql.SQL("(%(codes)s::text[])[1 + count(*)]" if column.codes else "count(*)")
            about = {
                "thresholds": list(rule.thresholds),
                "falling": bool(rule.below),
                "codes": list(column.codes or ()),
            }
            connection.execute(_composed("level", column, level=level), about)


def set_trends(connection: psycopg.Connection, layer: Layer) -> None:
    """Fill the staged records' columns of change, against the series as it is now."""
    time = layer.with_role("time")
    for column in layer.columns:
        rule = column.derived
        if time is not None and rule is not None and rule.trend_minutes is not None:
            places = {"time": sql.Identifier(time.name), "series": sql.Identifier("obs", layer.id)}
            span = timedelta(minutes=rule.trend_minutes)
            connection.execute(_composed("trend", column, **places), {"span": span})


def _composed(name: str, column: Column, **more: sql.Composable) -> sql.Composed:
    assert column.derived is not None
    about = {"column": sql.Identifier(column.name), "source": sql.Identifier(column.derived.source), **more}
    return sql.SQL(statements(_SQL)[name]).format(**about)
