"""Columns that a load makes from an observation: how it changed, and which thresholds it has reached."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from cop.catalogue.base import Model, Name


class Derived(Model):
    """Made from the column `from`, of one layer of latest values.

    With `trend_minutes` the column holds how much the value has changed since then, in the same unit: against the
    newest value that is at least so old, and at most twice as old. With `levels` it holds how many of these thresholds
    the value has reached; with `below`, how many it has fallen to. A change of level is a change of the record, so it
    is told to whoever listens.
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
