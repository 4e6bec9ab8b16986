"""One write: the record locked, its rules checked, it and its parent changed, all numbered at the commit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import shapely
from shapely.geometry import shape

from cop.catalogue import Layer
from cop.errors import ChangedMeanwhile, Fault, Invalid, VersionWanted
from cop.query import answer
from cop.query.question import Question
from cop.store.pools import Connection
from cop.store.statements import statements
from cop.store.writing import SQL
from cop.writing.body import Body
from cop.writing.draft import Draft, Writer, check_next_state, locked, now, place, put, stamp
from cop.writing.parents import move, parent_of, parent_of_new
from cop.writing.rights import (
    OWNER,
    Record,
    check_changes,
    check_first_state,
    check_owner,
    faults_of_kept,
    faults_of_missing,
    rules_of,
)
from cop.writing.values import read_geometry, read_properties


@dataclass(frozen=True, slots=True)
class Expected:
    """The versions that If-Match names; none given: any. `*` is any version of what is there."""

    tags: tuple[str, ...] = ()

    def check(self, layer: Layer, id_: str, version: int) -> None:
        """Raises VersionWanted where the layer demands a version, ChangedMeanwhile where it is another."""
        if not self.tags:
            if rules_of(layer).if_match:
                raise VersionWanted(
                    f"{layer.id}: send If-Match with the ETag of the record that you have read", "If-Match",
                    answer.version_tag(id_, version),
                )  # fmt: skip
            return
        if "*" not in self.tags and not any(answer.is_version(tag, id_, version) for tag in self.tags):
            raise ChangedMeanwhile(
                f"{id_} was changed since you read it; read it again and repeat your change", "If-Match"
            )


def create(connection: Connection, layer: Layer, writer: Writer, body: Body) -> str:
    """Write a new record; its id, which the store draws."""
    rules, mode = rules_of(layer), layer.with_role("mode")
    given = _read(layer, writer, body)
    faults = faults_of_kept(layer, None, given)
    if mode is not None and given.get(mode.name, writer.visible.mode) != writer.visible.mode:
        faults.append(Fault(f"/properties/{mode.name}", given[mode.name], f"this request writes {writer.visible.mode} "
                            "records; the parameter mode says which", writer.visible.mode))  # fmt: skip
    draft = Draft(layer, writer, None, {**rules.defaults, **given})
    draft.values |= _made(connection, layer, writer, draft.values)
    parent = parent_of_new(connection, draft, faults)
    faults += faults_of_missing(layer, draft.values) + check_first_state(layer, draft.values)
    faults += _faults_of_references(connection, draft, rules.refers)
    if faults:
        raise Invalid(faults)
    check_owner(writer.principal, draft.values, "making this record")
    _join_twin(connection, draft)
    place(connection, draft)
    stamp(connection, draft)
    id_ = put(connection, layer, None, draft.values)
    if parent is not None:
        move(connection, draft, id_, parent)
    return id_


def change(
    connection: Connection, layer: Layer, writer: Writer, id_: str, body: Body, expected: Expected, *, whole: bool
) -> bool:
    """Change a record: by all its properties (`whole`), or by those that are named. Whether anything changed."""
    rules = rules_of(layer)
    before, version = lock(connection, layer, writer, id_)
    expected.check(layer, id_, version)
    if body.id is not None and body.id != id_:
        raise Invalid([Fault("/id", body.id, "the id stands for ever", id_)])
    given = _read(layer, writer, body)
    faults = faults_of_kept(layer, before, given)
    if faults:
        raise Invalid(faults)
    if whole:
        kept = {*rules.by_store, *rules.fixed}
        given = {column.name: None for column in layer.columns if column.name not in kept} | given
    changed = {name: value for name, value in given.items() if _differs(name, value, before)}
    seen = _seen(layer, before, given)
    if not changed and not seen:
        return False
    check_changes(layer, writer.principal, before, (name for name in changed if name != "geom"))
    if "geom" in changed:
        check_owner(writer.principal, before, "moving the record")
    draft = Draft(layer, writer, before, {**changed, **seen})
    faults = faults_of_missing(layer, draft.after) + _faults_of_references(connection, draft, rules.refers)
    if faults:
        raise Invalid(faults)
    check_next_state(connection, draft, id_)
    place(connection, draft)
    stamp(connection, draft)
    put(connection, layer, id_, draft.values)
    parent = parent_of(connection, draft, id_)
    if parent is not None:
        move(connection, draft, id_, parent)
    return True


def withdraw(connection: Connection, layer: Layer, writer: Writer, id_: str, expected: Expected) -> None:
    """Withdraw a record that was entered in error; its history stays."""
    before, version = lock(connection, layer, writer, id_)
    expected.check(layer, id_, version)
    check_owner(writer.principal, before, "withdrawing the record")
    connection.execute(statements(SQL)["withdraw"], {"layer": layer.id, "id": id_})


def lock(connection: Connection, layer: Layer, writer: Writer, id_: str) -> tuple[Record, int]:
    """A record as it stands, locked until the transaction's end, and its version.

    Raises NotFound where the writer sees none, or Withdrawn where the one that he saw is gone.
    """
    found = locked(connection, layer, id_)
    if found is None:
        raise answer.missing(connection, Question(layer=layer, visible=writer.visible), id_)
    return found


def number(connection: Connection) -> None:
    """Give what was written its place in the journal; from here on others wait for the commit."""
    connection.execute(statements(SQL)["number"])


def _seen(layer: Layer, before: Record, given: Record) -> Record:
    """Who writes a column has seen what its source says otherwise there, and it is listed no longer."""
    says = layer.with_role("says")
    listed = before.get(says.name) or [] if says is not None else []
    left = [told for told in listed if told.partition(": ")[0] not in given]
    return {says.name: left} if says is not None and left != listed else {}


def _read(layer: Layer, writer: Writer, body: Body) -> Record:
    """What a body says, in the form that the store takes. Raises Invalid with every fault."""
    columns = layer.visible_columns(writer.visible.profile_of(layer))
    values, faults = read_properties(layer, columns, body.properties)
    placed, more = read_geometry(layer, body.geometry, writer.crs)
    faults += more
    if faults:
        raise Invalid(faults)
    if body.has_geometry:
        values["geom"] = None if placed is None else placed.wkb_hex
    return values


def _made(connection: Connection, layer: Layer, writer: Writer, given: Record) -> Record:
    """What a new record has from its making: mode, owner, source and time."""
    mode, time = layer.with_role("mode"), layer.with_role("time")
    made: Record = {"source": writer.department}
    if mode is not None:
        made[mode.name] = writer.visible.mode
    if given.get(OWNER) is None:
        made[OWNER] = writer.department
    if time is not None and given.get(time.name) is None:
        made[time.name] = now(connection, writer)
    return made


def _differs(name: str, value: object, before: Record) -> bool:
    if name != "geom":
        return before.get(name) != value
    stands = before.get("geometry")
    if stands is None or value is None:
        return (stands is None) != (value is None)
    return not shapely.equals_exact(shape(stands), shapely.from_wkb(str(value)), tolerance=1e-9)


def _join_twin(connection: Connection, draft: Draft) -> None:
    """A new record with a number that an earlier one has repeats that one; the relation can be taken back."""
    rules = draft.layer.alike
    if rules is None or draft.values.get(rules.into) is not None or not draft.values.get(rules.numbers):
        return
    about = {"layer": draft.layer.id, "numbers": rules.numbers, "into": rules.into,
             "given": draft.values[rules.numbers], "apart": draft.values.get(rules.apart) or []}  # fmt: skip
    row = connection.execute(statements(SQL)["twin"], about).fetchone()
    if row is not None and row[0] is not None:
        draft.values[rules.into] = row[0].decode() if isinstance(row[0], bytes) else row[0]


def _faults_of_references(connection: Connection, draft: Draft, names: Sequence[str]) -> list[Fault]:
    """A record that is named must be there, be another, and not itself name a third."""
    faults = []
    for name in names:
        other = draft.values.get(name)
        if other is None:
            continue
        found = locked(connection, draft.layer, str(other))
        if found is None or (draft.before is not None and other == draft.before.get("id")):
            faults.append(
                Fault(f"/properties/{name}", other, f"there is no other record of {draft.layer.id} with this id")
            )
        elif found[0].get(name) is not None:
            faults.append(Fault(f"/properties/{name}", other, "that record itself refers to another", found[0][name]))
    return faults
