"""What a mapping says, ingest/inbox/<id>.yml: whose form it is, what it becomes, and from which headings."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import Field, ValidationError, model_validator

from cop.catalogue import Bilingual, Layer, catalogue
from cop.catalogue.base import Model, Name
from cop.errors import SetupTrouble
from cop.resources import resource

Id = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,47}$")]


class Cell(Model):
    """Where a column's value comes from: the heading `from` (or the first filled of several), or a fixed `value`.

    With `joined` all filled headings are taken, with that text between them.
    `codes` turns the form's words into codes (compared without case and blanks); a word that is not listed is refused.
    `form` is what the text becomes, `{}` being the cell. `district`: any spelling of a district becomes its code.
    `day_first`: times are written 23/9/2025 14:30. `category`: the text is searched for words of what happened.
    `otherwise` is for an empty cell, or one without such words.
    """

    source: str | tuple[str, ...] | None = Field(default=None, alias="from")
    joined: str | None = None
    value: str | int | float | bool | None = None
    codes: dict[str, str] = Field(default_factory=dict)
    form: Annotated[str, Field(pattern=r"\{\}")] = "{}"
    district: bool = False
    day_first: bool = False
    category: bool = False
    otherwise: str | int | float | bool | None = None

    @model_validator(mode="after")
    def _from_somewhere(self) -> Self:
        if (self.source is None) == (self.value is None):
            raise ValueError("a column has from or value, and not both")
        return self

    @property
    def headings(self) -> tuple[str, ...]:
        """The headings looked at, in this order."""
        return (self.source,) if isinstance(self.source, str) else self.source or ()


class Position(Model):
    """The headings of the coordinates; whether HK1980 grid (easting, northing) or degrees is told by the values."""

    x: str
    y: str


class Known(Model):
    """The thing of another layer that a row is about, by its name or number there, in any spelling that is one word's.

    The column `from` is compared with the layer's columns `by`. The row takes that thing's geometry where it has none,
    and the values that `take` names (our column: the layer's). A row about something that is not there is `refused`,
    or `listed` without position.
    """

    layer: str
    by: Annotated[tuple[Name, ...], Field(min_length=1)]
    source: Name = Field(alias="from")
    take: dict[Name, Name] = Field(default_factory=dict)
    unknown: Literal["refused", "listed"]


class Void(Model):
    """Columns that say nothing where another one has some code: what a faulty gauge reads is no reading."""

    when: dict[Name, tuple[str, ...]]
    columns: tuple[Name, ...]


class Follow(Model):
    """A second record about the first, made when its values differ from what the first one shows already.

    `same` maps its columns to those of the first record that are compared.
    """

    layer: str
    parent: Name
    columns: dict[Name, Cell]
    same: dict[Name, Name]


class Mapping(Model):
    """A department's form: how a row becomes a record of a layer.

    `key` is the heading of the sender's own number, `told_at` that of the time at which the row was so (else the file's
    time), `sheet` a workbook's sheet, `header_row` the row of the headings. Headings in `personal` are never read,
    numbers and addresses of people are taken out of the other texts, and neither file nor message is kept.

    The layer is one that people write, or one of latest values: then rows are readings, which have no `follow`.
    Readings that come every `every_s` seconds are told of in the collection `feeds`, late and stale where they stay
    away.
    """

    id: Id
    title: Bilingual
    department: str
    layer: str
    key: str
    told_at: str | None = None
    sheet: str | None = None
    header_row: Annotated[int, Field(ge=1, le=50)] = 1
    columns: dict[Name, Cell]
    position: Position | None = None
    follow: Follow | None = None
    known: Known | None = None
    void: Void | None = None
    personal: tuple[str, ...] = ()
    every_s: Annotated[int, Field(ge=60)] | None = None

    @model_validator(mode="after")
    def _fits_the_catalogue(self) -> Self:
        known = catalogue()
        if self.department not in known.codes["departments"]:
            raise ValueError(f"department: {self.department} is no department of _codes.yml")
        _check_columns("columns", self.layer, self.columns)
        if self.follow is not None:
            _check_columns("follow.columns", self.follow.layer, self.follow.columns)
        if self.every_s is not None and not self.readings:
            raise ValueError("every_s is for readings: of records nobody says how often they come")
        if self.readings and (self.follow or self.target.with_role("time").name not in self.columns):  # type: ignore[union-attr]
            raise ValueError("readings have their time, and no follow")
        self._check_rest()
        return self

    def _check_rest(self) -> None:
        if self.known is not None:
            other = catalogue().layers.get(self.known.layer)
            missing = {*self.known.by, *self.known.take.values()} - (other.by_name.keys() if other else set())
            if missing:
                raise ValueError(f"known: {self.known.layer} has no column {', '.join(sorted(missing))}")
            _check_columns("known", self.layer, {self.known.source, *self.known.take})
        if self.void is not None:
            _check_columns("void", self.layer, {*self.void.when, *self.void.columns})

    @property
    def numbers_and_times(self) -> set[str]:
        """The headings whose digits are the sender's number, or a time."""
        times = [cell for name, cell in self.columns.items() if self.target.by_name[name].type == "time"]
        return {self.key, *filter(None, [self.told_at]), *(heading for cell in times for heading in cell.headings)}

    @property
    def readings(self) -> bool:
        """Whether the rows are readings, and not records."""
        return self.target.kind == "latest"

    @property
    def target(self) -> Layer:
        """The layer whose records the rows become."""
        return catalogue().layers[self.layer]


def _check_columns(where: str, layer_id: str, columns: Iterable[str]) -> None:
    layer = catalogue().layers.get(layer_id)
    if layer is None or (layer.writes is None and layer.kind != "latest"):
        raise ValueError(f"{where}: {layer_id} is no layer that is written, and none of latest values")
    if unknown := sorted(set(columns) - layer.by_name.keys()):
        raise ValueError(f"{where}: {layer_id} has no column {', '.join(unknown)}")


@lru_cache(maxsize=1)
def mappings() -> dict[str, Mapping]:
    """Every mapping by its id. Raises SetupTrouble with a line a fault."""
    return read_mappings(resource("inbox"))


def read_mappings(folder: Path) -> dict[str, Mapping]:
    """The mappings of a folder by their ids. Raises SetupTrouble with a line a fault."""
    found: dict[str, Mapping] = {}
    faults: list[str] = []
    for file in sorted(folder.glob("*.yml")):
        try:
            told = yaml.safe_load(file.read_text(encoding="utf-8"))
            read = [Mapping.model_validate(one) for one in _of_each_department(told)]
        except (ValidationError, yaml.YAMLError) as exc:
            faults.append(f"inbox/{file.name}: {' '.join(str(exc).split())}")
            continue
        if told.get("id") != file.stem:
            faults.append(f"inbox/{file.name}: id: found {told.get('id')}, wanted {file.stem}")
        found |= {mapping.id: mapping for mapping in read}
    if faults:
        raise SetupTrouble("\n".join(faults))
    return found


def _of_each_department(told: Any) -> list[Any]:
    """A form that several `departments` use is a mapping for each: works_hyd of works; {department} is its code."""
    if not isinstance(told, dict) or not isinstance(told.get("departments"), list):
        return [told]
    shared = {name: value for name, value in told.items() if name != "departments"}
    return [
        {**_with(shared, code), "id": f"{told.get('id')}_{_plain(code)}", "department": code}
        for code in map(str, told["departments"])
    ]


def _with(value: Any, code: str) -> Any:
    if isinstance(value, dict):
        return {name: _with(inner, code) for name, inner in value.items()}
    if isinstance(value, list):
        return [_with(inner, code) for inner in value]
    return value.replace("{department}", code) if isinstance(value, str) else value


def _plain(code: str) -> str:
    return code.lower().replace("-", "_")
