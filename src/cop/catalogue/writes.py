"""Who may write a layer, and by which rules: the part `writes` of a layer's file."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from cop.catalogue.base import Model, Name

Operation = Literal["create", "update", "withdraw"]
Stamp = Literal["now", "role", "department"]


class Condition(Model):
    """A column that takes one of some values; without values, any value at all."""

    column: Name
    values: tuple[str, ...] = ()

    def holds(self, record: dict[str, object]) -> bool:
        """Whether a record meets it."""
        value = record.get(self.column)
        return value is not None and (not self.values or value in self.values)


class Stamped(Model):
    """A column that the store fills when a change makes a condition true: time, writer's role or department."""

    column: Name
    stamp: Stamp
    when: Condition


class States(Model):
    """A column of states and the steps between them. The step to `before` is back to the state before this one."""

    column: Name
    steps: dict[str, tuple[str, ...]]
    first: tuple[str, ...]
    # Steps out of these states want a reason.
    reasons: tuple[str, ...] = ()


class Party(Model):
    """Columns that are written by the department named in another column, and not by the record's owner."""

    department: Name
    columns: tuple[Name, ...]


class Moved(Model):
    """What a record changes in its parent: the parent's column and the record's column that it is taken from.

    `owner_only`: the writer is of the parent's owner. Else `given_by` is a column of the record that must name the
    parent's owner: what another department is asked to take has been offered by whom it belongs to.
    """

    set: dict[Name, Name]
    when: Condition | None = None
    given_by: Name | None = None
    # Counts how often the value of a time column was put off.
    slips: dict[Name, Name] = Field(default_factory=dict)

    @property
    def owner_only(self) -> bool:
        """Whether the writer must be of the parent's owner."""
        return self.given_by is None


class Parent(Model):
    """The record that this one is about: what is taken over from it, and what this one changes in it.

    A record that meets `by_owner` is made by an administrator of the parent's owner only.
    """

    layer: str
    column: Name
    inherit: tuple[Name, ...] = ()
    moves: tuple[Moved, ...] = ()
    by_owner: Condition | None = None


class WriteRules(Model):
    """How records of a layer are written through the API. `within` is west, south, east, north in CRS84."""

    allow: tuple[Operation, ...]
    if_match: bool = False
    within: tuple[float, float, float, float] | None = None
    wanted: tuple[Name, ...] = ()
    one_of: tuple[tuple[Name, ...], ...] = ()
    by_store: tuple[Name, ...] = ()
    fixed: tuple[Name, ...] = ()
    administrators: tuple[Name, ...] = ()
    defaults: dict[Name, str | int | bool] = Field(default_factory=dict)
    stamps: tuple[Stamped, ...] = ()
    states: States | None = None
    parties: tuple[Party, ...] = ()
    parent: Parent | None = None
    # The column of the district, which the store finds from the position where the writer gives none.
    district: Name | None = None
    # Columns that name another record of the same layer.
    refers: tuple[Name, ...] = ()
    longest: Annotated[int, Field(ge=1)] = 4000

    def names(self) -> list[tuple[str, str]]:
        """Where each column is named, and its name; the layer checks that it has them."""
        found = [(key, name) for key in ("wanted", "by_store", "fixed", "administrators", "refers")
                 for name in getattr(self, key)]  # fmt: skip
        found += [("one_of", name) for names in self.one_of for name in names]
        found += [("defaults", name) for name in self.defaults]
        found += [("stamps", name) for one in self.stamps for name in (one.column, one.when.column)]
        found += [("states", self.states.column)] if self.states else []
        found += [("parties", name) for one in self.parties for name in (one.department, *one.columns)]
        found += [("district", self.district)] if self.district else []
        found += [("parent", self.parent.column)] if self.parent else []
        return found
