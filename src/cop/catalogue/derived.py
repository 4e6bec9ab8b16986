"""Columns that a load makes from an observation: how it changed, and which thresholds it has reached."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from cop.catalogue.base import Model, Name


class Derived(Model):
    """Made from the column `from` of the same layer.

    With `trend_minutes` (layers of latest values only) the column holds how much the value has changed since then, in
    the same unit: against the newest value that is at least so old, and at most twice as old. With `levels` it holds
    how many of these thresholds the value has reached; with `below`, how many it has fallen to. A column of codes holds
    the code of that number instead: the first where none is reached, the last where all are. A change of level is a
    change of the record, so it is told to whoever listens.
    """

    source: Name = Field(alias="from")
    trend_minutes: Annotated[float, Field(gt=0)] | None = None
    levels: tuple[float, ...] = ()
    below: tuple[float, ...] = ()

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        if sum([self.trend_minutes is not None, bool(self.levels), bool(self.below)]) != 1:
            raise ValueError("derived is by trend_minutes, by levels or by below, and by one of them")
        return self

    @property
    def thresholds(self) -> tuple[float, ...]:
        """The thresholds of `levels` or `below`, whichever is given."""
        return self.levels or self.below

    def faults(self, kind: str, columns: dict[str, str], codes: int | None) -> list[str]:
        """What does not fit the layer's kind and columns (name to type), and the number of codes of its own column."""
        found = [] if self.source in columns else [f"no column is called {self.source}"]
        if self.trend_minutes is not None and kind != "latest":
            found.append("trend_minutes is for layers of latest values")
        if kind not in ("latest", "reference"):
            found.append(f"nothing is derived in a layer of the kind {kind}")
        if codes is not None and codes != len(self.thresholds) + 1:
            found.append(f"{len(self.thresholds)} thresholds, wanted one less than the {codes} codes")
        return found
