"""Take a form whose rows are readings: they go into the series, and the newest of each sensor into the layer.

The road is that of feeds (cop_ingest.load); the report is that of returns, a line for each row.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import shapely
from psycopg import sql
from shapely.geometry import shape

from cop.catalogue import Layer
from cop.errors import Fault, Invalid, LoadRefused
from cop.settings import Mode
from cop.store.statements import statements
from cop_ingest.inbox.declared import Mapping
from cop_ingest.inbox.mapped import mapped
from cop_ingest.inbox.rows import Row, read_rows
from cop_ingest.inbox.silence import tell_form
from cop_ingest.inbox.take import Deed, Line, Report
from cop_ingest.inbox.things import Things, read_things
from cop_ingest.load import Origin, Provenance, load_observations, manifest_of
from cop_ingest.records import Parsed, Record, id_from_hash, id_from_value
from cop_ingest.values import to_column

_SQL = Path(__file__).parent.parent / "sql" / "inbox.sql"


@dataclass(frozen=True, slots=True)
class _Reading:
    """A row as a record: its line of the report so far, and the time of the reading."""

    line: Line
    record: Record
    at: datetime


def take_readings(
    connection: psycopg.Connection,
    mapping: Mapping,
    body: bytes,
    name: str,
    file_at: datetime,
    mode: Mode,
    *,
    dry_run: bool = False,
) -> Report:
    """Take all rows of a file as readings; the report says what became of each.

    `connection` is the owner role's, outside a transaction. A late row (the layer shows a newer one) goes into the
    series all the same. Raises LoadRefused where the file is no such form; then nothing is written.
    """
    report = Report(mapping.id, name, mode, dry_run)
    things = read_things(connection, mapping.known) if mapping.known else None
    try:
        read = [_read(mapping, row, file_at, things) for row in read_rows(mapping, body, name)]
    except LoadRefused as exc:
        if not dry_run:
            tell_form(connection, mapping, mode, failure=f"the last return was refused: {exc}"[:500])
        raise
    told = _once_each([one for one in read if isinstance(one, _Reading)])
    provenance: Provenance = "real" if mode == "actual" else "exercise"
    lines = {one.row: one for one in read if isinstance(one, Line)}
    lines |= {one.line.row: one.line for one in told if one.line.deed == "refused"}
    good = [one for one in told if one.line.deed != "refused"]
    for line in _deeds(connection, mapping.target, good, provenance, file_at):
        lines[line.row] = line
    if good and not dry_run:
        origin = Origin(f"return {mapping.id}", manifest_of(body), provenance)
        parsed = Parsed([one.record for one in good])
        load_observations(connection, mapping.target, parsed, origin, file_at)
        newest = max(one.at for one in good)
        tell_form(connection, mapping, mode, observed_at=newest, seen=len(read), refused=len(read) - len(good))
    report.lines.extend(lines[row] for row in sorted(lines))
    return report


def _read(mapping: Mapping, row: Row, file_at: datetime, things: Things | None) -> _Reading | Line:
    try:
        said = mapped(mapping, row, file_at)
        geometry = None if said.geometry is None else shapely.to_wkb(shape(said.geometry))
        values, remarks = dict(said.properties), []
        if mapping.known is not None and things is not None:
            thing = _thing(mapping, things, str(values.get(mapping.known.source, "")))
            if thing is None:
                remarks.append(f"no position: {said.key} is not among {mapping.known.layer}")
            else:
                values |= thing.values
                geometry = geometry or thing.geometry
        return _reading(mapping, row, said.key, values, geometry, remarks)
    except Invalid as exc:
        return Line(row.ordinal, None, "refused", None, tuple(asdict(fault) for fault in exc.faults))


def _thing(mapping: Mapping, things: Things, name: str) -> Any:
    try:
        return things.of(name)
    except ValueError as exc:
        raise Invalid([Fault(mapping.key, name[:100], str(exc))]) from exc


def _reading(
    mapping: Mapping, row: Row, key: str, values: dict[str, Any], geometry: bytes | None, remarks: list[str]
) -> _Reading:
    layer = mapping.target
    typed = {name: to_column(value, layer.by_name[name]) for name, value in values.items()}
    time = layer.with_role("time")
    assert time is not None
    at = typed.get(time.name)
    if not isinstance(at, datetime):
        raise Invalid([Fault(mapping.told_at or mapping.key, None, "a reading needs its time")])
    id_ = _id(layer, typed)
    faults = tuple({"reason": remark} for remark in remarks)
    return _Reading(Line(row.ordinal, key, "created", id_, faults), Record(id_, typed, geometry, tuple(remarks)), at)


def _id(layer: Layer, values: dict[str, object]) -> str:
    assert isinstance(layer.key, tuple)
    parts = [values.get(name) for name in layer.key]
    return id_from_value(parts[0]) if len(parts) == 1 else id_from_hash(parts)


def _once_each(read: list[_Reading]) -> list[_Reading]:
    """Of two rows about the same sensor and time the last one counts, and the other is refused."""
    last = {(one.record.id, one.at): one.line.row for one in read}
    return [
        one
        if last[one.record.id, one.at] == one.line.row
        else replace(one, line=_refused(one.line, f"stands again as row {last[one.record.id, one.at]}"))
        for one in read
    ]


def _refused(line: Line, reason: str) -> Line:
    return Line(line.row, line.key, "refused", None, ({"reason": reason},))


def _deeds(
    connection: psycopg.Connection, layer: Layer, good: list[_Reading], provenance: Provenance, file_at: datetime
) -> list[Line]:
    """What the load will do with each reading, from what the series has already."""
    time = layer.with_role("time")
    assert time is not None
    query = sql.SQL(statements(_SQL)["read_before"]).format(
        time=sql.Identifier(time.name), series=sql.Identifier("obs", layer.id)
    )
    about = {"ids": [one.record.id for one in good], "times": [one.at for one in good], "provenance": provenance}
    before = {(row[0], row[1]): row[2:] for row in connection.execute(query, about)}
    return [_deed(layer, one, before[one.record.id, one.at], file_at) for one in good]


def _deed(layer: Layer, one: _Reading, before: tuple[Any, Any, Any], file_at: datetime) -> Line:
    said, published_at, newest = before
    deed: Deed = "created"
    more: tuple[dict[str, Any], ...] = ()
    if said is not None:
        same = all(
            to_column(said.get(name), layer.by_name[name]) == one.record.properties.get(name)
            for name in layer.by_name
            if layer.by_name[name].derived is None
        )
        deed = "unchanged" if same else "changed"
        if deed == "changed" and published_at is not None and published_at > file_at:
            deed, more = "late", ({"reason": "a newer return has told this time already; it stays"},)
    elif newest is not None and newest > one.at:
        deed, more = "late", ({"reason": "it is kept in the series; the layer shows a newer one"},)
    return replace(one.line, deed=deed, faults=(*one.line.faults, *more))
