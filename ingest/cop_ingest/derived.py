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
            about = {"thresholds": list(rule.levels or rule.below), "falling": bool(rule.below)}
            connection.execute(_composed("level", layer, column), about)


def set_trends(connection: psycopg.Connection, layer: Layer) -> None:
    """Fill the staged records' columns of change, against the series as it is now."""
    for column in layer.columns:
        rule = column.derived
        if rule is not None and rule.trend_minutes is not None:
            span = timedelta(minutes=rule.trend_minutes)
            connection.execute(_composed("trend", layer, column), {"span": span})


def _composed(name: str, layer: Layer, column: Column) -> sql.Composed:
    time = layer.with_role("time")
    assert time is not None
    assert column.derived is not None
    return sql.SQL(statements(_SQL)[name]).format(
        column=sql.Identifier(column.name), source=sql.Identifier(column.derived.source),
        time=sql.Identifier(time.name), series=sql.Identifier("obs", layer.id),
    )  # fmt: skip
