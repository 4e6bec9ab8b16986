"""What time alone brings about in a register: the part `ticks` of a layer's file."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from cop.catalogue.base import Model, Name
from cop.catalogue.writes import Condition


class Tick(Model):
    """A column that the store sets when a time has passed, for records that meet all of `when` and none of `unless`.

    `past` is the column of that time; with `cadence` (a column of seconds) so many of it are added. `set` takes the
    value of `past` and is empty again as soon as the rule no longer holds; with `once` it takes the moment that the
    store noticed, and keeps it; with `value` it is a column of codes that takes this one. Of several rules for one
    column the first that holds is taken.
    """

    set: Name
    past: Name
    cadence: Name | None = None
    times: Annotated[float, Field(gt=0)] = 1
    when: tuple[Condition, ...] = ()
    unless: tuple[Condition, ...] = ()
    value: str | None = None
    once: bool = False

    @model_validator(mode="after")
    def _takes_one_kind_of_value(self) -> Self:
        if self.once and self.value is not None:
            raise ValueError("once is for columns of time; a value is set once anyway")
        if self.times != 1 and self.cadence is None:
            raise ValueError("times goes with cadence")
        return self

    def faults(self, types: dict[str, str]) -> list[str]:
        """What does not fit the layer's columns, given as name to type."""
        wanted: dict[str, tuple[str, ...]] = {self.set: ("time",) if self.value is None else ("code", "text")}
        wanted[self.past] = ("time",)
        if self.cadence is not None:
            wanted[self.cadence] = ("integer", "number")
        wanted |= {one.column: () for one in (*self.when, *self.unless) if one.column not in wanted}
        return [
            f"no column is called {name}" if name not in types else f"{name} is {types[name]}, wanted {' or '.join(of)}"
            for name, of in wanted.items() if name not in types or (of and types[name] not in of)
        ]  # fmt: skip

    def spec(self) -> dict[str, Any]:
        """The rule as the store has it (cop.tick_condition)."""
        return self.model_dump(mode="json")
