"""A record on its way into the store: as it stood, what is to be written, and what follows from its layer's rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson
from psycopg.types.json import Jsonb

from cop.catalogue import Layer
from cop.catalogue.writes import Stamp
from cop.crs import CRS84, Crs
from cop.identity import Principal
from cop.store.pools import Connection
from cop.store.statements import statements
from cop.store.writing import SQL
from cop.visible import VisibleSet
from cop.writing.rights import Record, check_step, rules_of

EMSC = "SB-EMSC"


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes, what he sees, in which CRS his coordinates are, why he does it
    (for steps that want a reason), and by which request."""

    principal: Principal
    visible: VisibleSet
    crs: Crs = CRS84
    reason: str = ""
    request: str = ""

    @property
    def department(self) -> str:
        """The department that he writes for."""
        return self.principal.department or EMSC


@dataclass(slots=True)
class Draft:
    """A record on its way: as it stood (None: it is new), the values to be written, and its geometry where given."""

    layer: Layer
    writer: Writer
    before: Record | None
    values: Record = field(default_factory=dict)

    @property
    def after(self) -> Record:
        """The record as it will stand."""
        return {**(self.before or {}), **self.values}


def locked(connection: Connection, layer: Layer, id_: str) -> tuple[Record, int] | None:
    """A record that the writer sees and its version, locked until the transaction's end; None where there is none."""
    if "\0" in id_:
        return None
    row = connection.execute(statements(SQL)["lock"], {"layer": layer.id, "id": id_}).fetchone()
    return None if row is None else (row[0], int(row[1]))


def now(connection: Connection, writer: Writer) -> str:
    """The time that records of the writer's mode are made at: an exercise has its own clock."""
    row = connection.execute(statements(SQL)["clock"], {"mode": writer.visible.mode}).fetchone()
    assert row is not None
    return str(row[0].isoformat())


def place(connection: Connection, draft: Draft) -> None:
    """Fill the district from a new position, where the writer has not said one."""
    name = rules_of(draft.layer).district
    where = draft.values.get("geom")
    if name is None or where is None or draft.values.get(name) is not None:
        return
    row = connection.execute(statements(SQL)["district"], {"geometry": where}).fetchone()
    if row is not None and row[0] is not None:
        draft.values[name] = row[0]


def check_next_state(connection: Connection, draft: Draft, id_: str) -> None:
    """Check the step from state to state, where there is one."""
    states = rules_of(draft.layer).states
    if states is None or draft.before is None or states.column not in draft.values:
        return
    before, after = draft.before.get(states.column), draft.values[states.column]
    was = None
    if "before" in states.steps.get(str(before), ()):
        about = {"layer": draft.layer.id, "id": id_, "column": states.column}
        row = connection.execute(statements(SQL)["value_before"], about).fetchone()
        was = row[0] if row else None
    check_step(states, str(before), str(after), was, draft.writer.reason)


def stamp(connection: Connection, draft: Draft) -> None:
    """Fill what the store fills when a change makes a condition true."""
    for stamped in rules_of(draft.layer).stamps:
        fulfilled_before = draft.before is not None and stamped.when.column not in draft.values
        if fulfilled_before or not stamped.when.holds(draft.after):
            continue
        draft.values[stamped.column] = _stamped(connection, draft.writer, stamped.stamp)


def _stamped(connection: Connection, writer: Writer, stamp: Stamp) -> str | None:
    match stamp:
        case "now":
            return now(connection, writer)
        case "role":
            return writer.principal.role
        case "department":
            return writer.department


def put(connection: Connection, layer: Layer, id_: str | None, values: Record) -> str:
    """Write a new record (no id), or the named columns of one; its id."""
    about = {"layer": layer.id, "id": id_, "values": Jsonb(values, dumps=dumps)}
    row = connection.execute(statements(SQL)["write"], about).fetchone()
    assert row is not None
    return str(row[0])


def dumps(value: Any) -> str:
    """JSON for the store."""
    return orjson.dumps(value).decode()
