"""How a layer's features place what comes without coordinates, as its file says."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from cop.catalogue.base import Model, Name

PlaceKind = Literal["number", "address", "road", "landmark", "area", "district", "post"]


class Places(Model):
    """What the layer's names mean to the gazetteer.

    `kind`: a `number` names one thing exactly (a slope, a lamppost); an `address` is a house number in a street; a
    `road` is all lines of one name; a `landmark` is a thing that one can point at; an `area` a neighbourhood; a
    `district` one of the 18; a `post` stands at a road where its chainage has a known value. `names` are the columns
    that hold the names, of any language; `forms` how texts write them where a bare name means something else
    (`{} Station`). `within_m`: how far from the true place a position found by a name may be (metres), beside the
    size of the feature itself. `number` is an address's column of house numbers, `district` the column of the
    district's code, where the layer has one. `chainage`: positions along the line are told as distances. `measure`: a
    post's column of metres, along the road that its names tell. `after`: a number means this only behind one of these
    words (a lamppost's looks like that of a car).
    """

    kind: PlaceKind
    names: Annotated[tuple[Name, ...], Field(min_length=1)]
    forms: tuple[Annotated[str, Field(pattern=r"\{\}")], ...] = ("{}",)
    within_m: Annotated[float, Field(gt=0)]
    number: Name | None = None
    district: Name | None = None
    chainage: bool = False
    measure: Name | None = None
    after: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        if (self.kind == "address") != (self.number is not None):
            raise ValueError("number goes with kind address, and only with it")
        if (self.kind == "post") != (self.measure is not None):
            raise ValueError("measure goes with kind post, and only with it")
        if self.after and self.kind != "number":
            raise ValueError("after is for kind number")
        if self.chainage and self.kind != "road":
            raise ValueError("chainage is for kind road")
        return self

    def columns(self) -> tuple[Name, ...]:
        """Every column that is named."""
        return (*self.names, *(name for name in (self.number, self.district, self.measure) if name))


class Placed(Model):
    """Which columns of a layer tell where a record without coordinates is, and which then say how it was placed.

    `texts` are read together; `district` holds a code. `method` is given a code and `uncertainty_m` a radius in metres.
    """

    texts: Annotated[tuple[Name, ...], Field(min_length=1)]
    district: Name
    method: Name
    uncertainty_m: Name

    def columns(self) -> tuple[Name, ...]:
        """Every column that is named."""
        return (*self.texts, self.district, self.method, self.uncertainty_m)
