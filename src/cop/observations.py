"""How long observations are kept one by one; what is older is kept by the hour."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import psycopg

from cop.catalogue import Catalogue, Layer
from cop.query.series import SQL, measured
from cop.store.statements import statements


@dataclass(frozen=True, slots=True)
class PutAway:
    """A day of a layer's series that was put away, or would be, and the hours kept of it."""

    layer: str
    day: date
    hours: int


def prune(owner_dsn: str, catalogue: Catalogue, days: float | None, *, really: bool) -> Iterator[PutAway]:
    """Put away the days that are older than their layer keeps them, a day a transaction, the oldest first.

    `days` is for layers that name no other; None keeps all. A day counts from its end (UTC).
    """
    with psycopg.connect(owner_dsn, autocommit=True) as connection:
        for layer in catalogue.feature_layers:
            kept = layer.series_days or days
            if layer.kind != "latest" or kept is None:
                continue
            before = (datetime.now(UTC) - timedelta(days=kept)).date()
            for (day,) in connection.execute(statements(SQL)["old_days"], {"layer": layer.id, "before": before}):
                yield PutAway(layer.id, day, _put_away(connection, layer, day) if really else 0)


def _put_away(connection: psycopg.Connection, layer: Layer, day: date) -> int:
    time = layer.with_role("time")
    assert time is not None
    # The mean of directions in degrees is no direction.
    names = [column.name for column in measured(layer, "public") if column.unit != "deg"]
    about = {"layer": layer.id, "day": day, "time": time.name, "columns": names}
    row = connection.execute(statements(SQL)["put_away"], about).fetchone()
    return int(row[0]) if row else 0
