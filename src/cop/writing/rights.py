"""Who may: roles, owners, parties and states, as a layer's `writes` declares them and contract.md has them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from cop.catalogue import Layer
from cop.catalogue.writes import States, WriteRules
from cop.errors import Fault, Invalid, NotPermitted, NotRecognised
from cop.identity import Principal

OWNER: Final = "department"
WRITERS: Final = frozenset({"reporter", "administrator", "emsc"})
Record = dict[str, Any]


def rules_of(layer: Layer) -> WriteRules:
    """The layer's rules; only layers that have them come here."""
    assert layer.writes is not None
    return layer.writes


def is_writer(principal: Principal) -> bool:
    """Whether the principal writes anything at all."""
    return principal.role in WRITERS


def check_writer(principal: Principal) -> None:
    """Raises NotRecognised where nobody is known, NotPermitted where the role only reads."""
    if not principal.is_known:
        raise NotRecognised("writing needs a key or token: send it as Authorization: Bearer, or sign in")
    if not is_writer(principal):
        raise NotPermitted(f"a {principal.role} reads; to write takes a reporter, administrator or emsc")


def is_administrator(principal: Principal) -> bool:
    """Whether the principal is an administrator, of a department or of all."""
    return principal.role in ("administrator", "emsc")


def owns(principal: Principal, record: Record) -> bool:
    """Whether the principal writes for the record's owner."""
    return principal.role == "emsc" or (is_writer(principal) and principal.department == record.get(OWNER))


def check_owner(principal: Principal, record: Record, doing: str) -> None:
    """Raises NotPermitted that names the owner."""
    if not owns(principal, record):
        raise NotPermitted(
            f"{doing} is for {record.get(OWNER)}, which owns the record; you write for {principal.department}"
        )


def check_changes(layer: Layer, principal: Principal, before: Record, changed: Iterable[str]) -> None:
    """Whether each changed column is the principal's to change. Raises NotPermitted that names those that are not."""
    rules = rules_of(layer)
    of_party = {name: party.department for party in rules.parties for name in party.columns}
    names = sorted(changed)
    for name in names:
        holder = before.get(of_party.get(name, OWNER))
        if principal.role != "emsc" and principal.department != holder:
            raise NotPermitted(f"{name} is for {holder} to change; you write for {principal.department}")
    kept = sorted(set(names) & set(rules.administrators))
    if kept and not is_administrator(principal):
        raise NotPermitted(f"{', '.join(kept)}: an administrator of {before.get(OWNER)} changes this")


def faults_of_kept(layer: Layer, before: Record | None, given: Record) -> list[Fault]:
    """What the store alone sets, or what stays as it was made, and was given otherwise."""
    rules = rules_of(layer)
    faults = []
    for name, value in given.items():
        stands = None if before is None else before.get(name)
        if value == stands or (before is None and value is None):
            continue
        if name in rules.by_store:
            faults.append(Fault(f"/properties/{name}", value, "the store sets this; leave it out", stands))
        elif before is not None and name in rules.fixed:
            faults.append(Fault(f"/properties/{name}", value, "this stays as it was made", stands))
    return faults


def faults_of_missing(layer: Layer, record: Record) -> list[Fault]:
    """What a record must have and has not."""
    rules = rules_of(layer)
    faults = [
        Fault(f"/properties/{name}", None, "a record needs this") for name in rules.wanted if record.get(name) is None
    ]
    faults += [
        Fault(f"/properties/{names[0]}", None, f"a record needs at least one of {', '.join(names)}")
        for names in rules.one_of
        if not any(record.get(name) for name in names)
    ]
    return faults


def check_first_state(layer: Layer, record: Record) -> list[Fault]:
    """A new record begins in one of its first states."""
    states = rules_of(layer).states
    if states is None or record.get(states.column) in states.first:
        return []
    wanted = f"a record begins as {' or '.join(states.first)}"
    return [Fault(f"/properties/{states.column}", record.get(states.column), wanted, states.first[0])]


def check_step(states: States, before: str, after: str, was: str | None, reason: str) -> None:
    """Whether a state may follow another; `was` is the one before this. Raises Invalid that says which may."""
    pointer = f"/properties/{states.column}"
    possible = [was if step == "before" and was else step for step in states.steps.get(before, ())]
    if after not in possible:
        wanted = f"after {before} comes {' or '.join(possible)}" if possible else f"{before} is the last state"
        raise Invalid([Fault(pointer, after, wanted, next(iter(possible), None))])
    if before in states.reasons and not reason:
        wanted = f"from {before} to {after} wants a reason: send it in the header COP-Reason"
        raise Invalid([Fault(pointer, after, wanted, "COP-Reason: water came back")])
