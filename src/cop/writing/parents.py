"""The record that another one is about: what is taken over from it, and what the other one changes in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import orjson
from psycopg.types.json import Jsonb

from cop.catalogue import Layer, catalogue
from cop.catalogue.writes import Moved
from cop.catalogue.writes import Parent as ParentRules
from cop.errors import Conflict, Fault, NotPermitted
from cop.identity import Principal
from cop.store.pools import Connection
from cop.store.statements import statements
from cop.store.writing import SQL
from cop.writing.draft import Draft, check_next_state, dumps, locked, stamp
from cop.writing.rights import OWNER, Record, check_owner, is_administrator, owns, rules_of


@dataclass(frozen=True, slots=True)
class Parent:
    """A parent as it stands, locked."""

    rules: ParentRules
    layer: Layer
    id: str
    record: Record


def parent_of_new(connection: Connection, draft: Draft, faults: list[Fault]) -> Parent | None:
    """The parent that a new record names, with what is taken over from it; a fault where the writer sees none."""
    rules = rules_of(draft.layer).parent
    id_ = draft.values.get(rules.column) if rules else None
    if rules is None or id_ is None:
        return None
    layer = catalogue().layers[rules.layer]
    found = locked(connection, layer, str(id_))
    if found is None:
        faults.append(Fault(f"/properties/{rules.column}", id_, f"there is no record of {layer.id} with this id"))
        return None
    _inherit(draft, found[0], rules.inherit)
    if rules.by_owner is not None and rules.by_owner.holds(draft.values):
        _check_hand(draft.writer.principal, found[0], str(draft.values[rules.by_owner.column]))
    return Parent(rules, layer, str(id_), found[0])


def parent_of(connection: Connection, draft: Draft, child: str) -> Parent | None:
    """The parent of a record that stands, though its writer may not see it; None where none is named or left."""
    rules = rules_of(draft.layer).parent
    id_ = draft.after.get(rules.column) if rules else None
    if rules is None or id_ is None:
        return None
    about = {"layer": draft.layer.id, "id": child, "column": rules.column, "parent": rules.layer}
    row = connection.execute(statements(SQL)["lock_parent"], about).fetchone()
    return None if row is None else Parent(rules, catalogue().layers[rules.layer], str(id_), row[0])


def move(connection: Connection, draft: Draft, child: str, parent: Parent) -> None:
    """Change the parent as the record says. Raises NotPermitted where that is its owner's alone."""
    onto = Draft(parent.layer, draft.writer, parent.record)
    for moved in parent.rules.moves:
        onto.values |= _moved(draft, parent.record, moved)
    if not onto.values:
        return
    check_next_state(connection, onto, parent.id)
    stamp(connection, onto)
    about = {"layer": draft.layer.id, "id": child, "column": parent.rules.column, "parent": parent.layer.id,
             "values": Jsonb(onto.values, dumps=dumps)}  # fmt: skip
    connection.execute(statements(SQL)["write_parent"], about)


def _check_hand(principal: Principal, parent: Record, kind: str) -> None:
    if not (owns(principal, parent) and is_administrator(principal)):
        raise NotPermitted(f"{kind} is for an administrator of {parent.get(OWNER)}, which owns the record")


def _inherit(draft: Draft, parent: Record, names: Sequence[str]) -> None:
    for name in names:
        if name == "geometry":
            geometry = parent.get("geometry")
            if geometry is not None and draft.values.get("geom") is None:
                draft.values["geom"] = orjson.dumps(geometry).decode()
        elif name not in draft.values:
            draft.values[name] = parent.get(name)


def _moved(draft: Draft, parent: Record, moved: Moved) -> Record:
    """The parent's values that differ from what one rule takes from the record."""
    fresh = draft.before is None or (moved.when is not None and moved.when.column in draft.values)
    if not fresh or (moved.when is not None and not moved.when.holds(draft.after)):
        return {}
    taken = {to: draft.after.get(name) for to, name in moved.set.items()}
    values = {to: value for to, value in taken.items() if value is not None and value != parent.get(to)}
    if values:
        _check_given(draft, parent, moved, values)
    for counter, time in moved.slips.items():
        before, after = parent.get(time), values.get(time)
        if before is not None and after is not None and after > before:
            values[counter] = (parent.get(counter) or 0) + 1
    return values


def _check_given(draft: Draft, parent: Record, moved: Moved, values: Record) -> None:
    if moved.given_by is None:
        check_owner(draft.writer.principal, parent, f"changing {', '.join(values)} by a record")
    elif draft.after.get(moved.given_by) != parent.get(OWNER):
        raise Conflict("it is no longer whose who offered it; ask for a new request", moved.given_by)
