"""When two records of a layer may tell of one thing, as its file says."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from cop.catalogue.base import Model, Name


class Alike(Model):
    """What is compared, and within which limits.

    `into` is the column that names the record that this one repeats, `apart` that of the records which somebody has
    found to be others. `numbers` holds other parties' numbers: one in common is proof. `kind` is a code, `places` are
    texts of where, `district` a code, `uncertainty_m` the radius of the position. Records farther apart than
    `within_minutes` or `within_m` are not compared.
    """

    into: Name
    apart: Name
    numbers: Name
    kind: Name
    places: Annotated[tuple[Name, ...], Field(min_length=1)]
    district: Name
    uncertainty_m: Name
    within_minutes: Annotated[float, Field(gt=0)]
    within_m: Annotated[float, Field(gt=0)]

    def columns(self) -> tuple[Name, ...]:
        """Every column that is named."""
        return (self.into, self.apart, self.numbers, self.kind, *self.places, self.district, self.uncertainty_m)
