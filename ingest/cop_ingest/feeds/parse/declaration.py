"""What a feed's file may say under `parser`: where the records are, and which value goes into which column."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from cop.catalogue.base import Model, Name


class Value(Model):
    """Where a column's value comes from, and what is done with it before it gets the column's type.

    Several places are joined by a blank (a date and a time). `pattern` must match the text, and its first group is
    taken. `codes` turns the source's words into ours, `missing` are words for missing beside the usual ones. `given`
    names other values that must be so (`valid: Y`), else there is none: a sensor that is not valid says no zero.
    """

    from_: tuple[str, ...] = Field(alias="from")
    pattern: str | None = None
    codes: dict[str, str | int | float | bool | None] = Field(default_factory=dict)
    missing: tuple[str, ...] = ()
    given: dict[str, str] = Field(default_factory=dict)

    @field_validator("from_", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value


class Declaration(Model):
    """What a feed's file says under `parser`.

    `records` leads to the records: in JSON a path with stars, in XML the elements' local name; a table has none. `one`
    says that the path leads to one record. `fields` names the list of column names of JSON whose records are rows.
    `root` names what must be there: the root element, or members of the document. The key of a record is made of the
    columns `id`, or of values `key` that have no column, behind `prefix`. `x` and `y` are coordinates, `geometry` a
    GeoJSON member. `observed` is the column of times whose newest is the answer's.
    """

    kind: Literal["csv", "json", "xml"]
    records: str | None = None
    one: bool = False
    fields: str | None = None
    root: tuple[str, ...] = ()
    columns: dict[Name, Value]
    constants: dict[Name, str | int | float | bool] = Field(default_factory=dict)
    id: tuple[Name, ...] = ()
    key: tuple[str, ...] = ()
    prefix: str = ""
    x: str | None = None
    y: str | None = None
    geometry: str | None = None
    observed: Name | None = None

    @field_validator("columns", mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return {name: told if isinstance(told, dict) else {"from": told} for name, told in value.items()}
