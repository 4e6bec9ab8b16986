"""Positions of records that name a place of ours: one question a layer, kept until the layer changes."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import psycopg
from psycopg import sql

from cop.catalogue import Layer
from cop.store.statements import statements
from cop_ingest.feeds.declared import Position
from cop_ingest.records import Parsed, Record
from cop_ingest.texts import matching_form

_SQL = Path(__file__).parent.parent / "sql" / "feeds.sql"


@dataclass(slots=True)
class Places:
    """The places of the layers asked so far, each as of its layer's mark."""

    _known: dict[tuple[str, str, bool], tuple[int, dict[str, bytes | None]]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def mark(self, connection: psycopg.Connection, position: Position | None) -> int:
        """The number of the layer's last change; 0 where positions are not looked up."""
        if position is None:
            return 0
        row = connection.execute(statements(_SQL)["mark"], {"layer": position.layer}).fetchone()
        return int(row[0]) if row else 0

    def placed(self, connection: psycopg.Connection, position: Position | None, layer: Layer, parsed: Parsed) -> Parsed:
        """The records with geometries of the layer that `position` names; a remark where it knows no such place."""
        if position is None:
            return parsed
        known = self._of(connection, position, points=layer.geometry == "Point")
        return replace(parsed, records=[_placed(record, position, known) for record in parsed.records])

    def _of(self, connection: psycopg.Connection, position: Position, *, points: bool) -> dict[str, bytes | None]:
        mark, key = self.mark(connection, position), (position.layer, position.by, points)
        with self._lock:
            if self._known.get(key, (-1,))[0] != mark:
                self._known[key] = (mark, _asked(connection, position, points=points))
            return self._known[key][1]


def _asked(connection: psycopg.Connection, position: Position, *, points: bool) -> dict[str, bytes | None]:
    text = sql.SQL(statements(_SQL)["points" if points else "shapes"]).format(
        table=sql.Identifier("layer", position.layer), by=sql.Identifier(position.by)
    )
    return {matching_form(str(key)): geometry for key, geometry in connection.execute(text, binary=True)}


def _placed(record: Record, position: Position, known: Mapping[str, bytes | None]) -> Record:
    if record.geometry is not None:
        return record
    told = record.properties.get(position.from_)
    geometry = known.get(matching_form(str(told))) if told is not None else None
    if geometry is None:
        remark = f"no position: {told or 'nothing'} is not among {position.layer}"
        return replace(record, remarks=(*record.remarks, remark))
    return replace(record, geometry=geometry)
