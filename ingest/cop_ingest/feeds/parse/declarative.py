"""Plain feeds without code: the feed's file says where the records are and which value goes into which column.

A value's place (`from`) is a path of member names joined by dots, beginning at the record. `^name` begins at the
nearest enclosing object that has it; `@1`, `@2` are the names that the stars of `records` stood for (numbers in a
list); `@part` is the part's name and `@received` the time of receipt. Columns of a table are named as its header does.
Types, units and codes are those of the layer's columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Literal
from xml.etree.ElementTree import Element

import shapely
from pydantic import Field, field_validator
from shapely.geometry import Point, shape
from shapely.geometry.base import BaseGeometry

from cop.catalogue import Layer, catalogue
from cop.catalogue.base import Model, Name
from cop.catalogue.models import Column
from cop_ingest import grid
from cop_ingest.feeds.parse.common import (
    MISSING,
    collect,
    compact,
    json_part,
    newest,
    row_checked,
    rows_of,
    storable,
    xml_part,
)
from cop_ingest.feeds.payload import NotThisFeed, Payload, Reading
from cop_ingest.geometry import flat, shaped, to_wkb, valid
from cop_ingest.records import Record, id_from_value
from cop_ingest.values import to_column
from cop_ingest.xmlsafe import fields_of, local_name

# What shapely raises for coordinates that are none: texts, holes, numbers beyond a float, collections without end.
_NO_SHAPE = (
    ValueError, TypeError, AttributeError, LookupError, OverflowError, RecursionError, shapely.errors.ShapelyError,
)  # fmt: skip


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


@dataclass(frozen=True, slots=True)
class _Item:
    """A record with what surrounds it, innermost first, and the names that led to it. A refusal shows the record."""

    record: Mapping[str, Any]
    around: tuple[Mapping[str, Any], ...] = field(repr=False)
    names: Mapping[str, Any] = field(repr=False)


def parse_declared(declaration: Declaration, layer_id: str, payload: Payload) -> Reading:
    """All parts of a payload, read alike into records of a layer.

    Raises NotThisFeed where a part is not of the kind, or has not what `root` and `records` name.
    """
    layer = catalogue().layers[layer_id]
    items = [item for part in payload.parts for item in _items(declaration, payload, part)]
    time = layer.with_role("time") if layer.kind == "latest" else None
    read = partial(_record, declaration, layer)
    parsed = collect(enumerate(items, 1), read, time.name if time else None)
    return Reading(parsed, newest(parsed, declaration.observed) if declaration.observed else None, None)


def _items(declaration: Declaration, payload: Payload, part: str) -> Iterator[_Item]:
    names = {"@part": part, "@received": payload.received_at}
    if declaration.kind == "csv":
        for _, row in rows_of(payload, part, _header(declaration)):
            yield _Item(row, (), names)
    elif declaration.kind == "json":
        yield from _json_items(declaration, json_part(payload, part), part, names)
    else:
        root = xml_part(payload, part, *declaration.root)
        yield from _xml_items(root, declaration.records or "", (), names)


def _header(declaration: Declaration) -> list[str]:
    """The columns that a table must have: one that was renamed must not read as missing everywhere."""
    return sorted({place for value in declaration.columns.values() for place in value.from_ if place[:1] not in "@^"})


def _json_items(declaration: Declaration, document: Any, part: str, names: Mapping[str, Any]) -> Iterator[_Item]:
    lacking = [name for name in declaration.root if not isinstance(document, dict) or name not in document]
    if lacking:
        raise NotThisFeed(f"{part}: has no {', '.join(lacking)}; wanted an object with it")
    steps = declaration.records.split(".") if declaration.records else []
    reached = list(_walk(document, steps, (), ()))
    if not reached and "*" not in steps:
        raise NotThisFeed(f"{part}: there is no {declaration.records}; wanted the records there")
    for found, around, keys in reached:
        led = {**names, **{f"@{place}": key for place, key in enumerate(keys, 1)}}
        if declaration.one and isinstance(found, dict) and found:
            yield _Item(found, around, led)
        elif isinstance(found, list):
            yield from _listed(declaration, found, around, led, document)
        elif found not in ("", None, {}) or (not steps and not isinstance(found, dict)):
            raise NotThisFeed(f"{part}: {declaration.records or 'the document'} is no list of records")


def _listed(
    declaration: Declaration,
    found: list[Any],
    around: tuple[Mapping[str, Any], ...],
    names: Mapping[str, Any],
    document: Any,
) -> Iterator[_Item]:
    header = document.get(declaration.fields) if declaration.fields and isinstance(document, dict) else None
    if declaration.fields:
        lacking = [name for name in _header(declaration) if not isinstance(header, list) or name not in header]
        if lacking or not all(isinstance(name, str) for name in header or ()):
            raise NotThisFeed(f"{declaration.fields}: found {str(header)[:200]}; wanted also {', '.join(lacking)}")
    for entry in found:
        if header and isinstance(entry, list):
            same = len(entry) == len(header)
            yield _Item(dict(zip(header, entry, strict=True)) if same else {"": "short"}, around, names)
        else:
            yield _Item(entry if isinstance(entry, dict) else {"": repr(entry)[:200]}, around, names)


def _walk(
    found: Any, steps: list[str], around: tuple[Mapping[str, Any], ...], keys: tuple[Any, ...]
) -> Iterator[tuple[Any, tuple[Mapping[str, Any], ...], tuple[Any, ...]]]:
    """What a path leads to, with the objects gone through, innermost first, and what its stars stood for."""
    if not steps:
        yield found, around, keys
        return
    beyond = (found, *around) if isinstance(found, dict) else around
    if steps[0] == "*":
        pairs = found.items() if isinstance(found, dict) else enumerate(found) if isinstance(found, list) else ()
        for key, part in pairs:
            if isinstance(part, dict | list):
                yield from _walk(part, steps[1:], beyond, (*keys, key))
    elif isinstance(found, dict) and steps[0] in found:
        yield from _walk(found[steps[0]], steps[1:], beyond, keys)


def _xml_items(
    element: Element, wanted: str, around: tuple[Mapping[str, Any], ...], names: Mapping[str, Any]
) -> Iterator[_Item]:
    inside: Mapping[str, Any] | None = None
    for child in element:
        if local_name(child) == wanted:
            inside = _leaves(element) if inside is None else inside
            yield _Item(fields_of(child), (inside, *around), names)
        elif len(child):
            inside = _leaves(element) if inside is None else inside
            yield from _xml_items(child, wanted, (inside, *around), names)


def _leaves(element: Element) -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    for child in element:
        if not len(child):
            found.setdefault(local_name(child), (child.text or "").strip())
    return found


def _record(declaration: Declaration, layer: Layer, item: _Item) -> Record:
    record = row_checked(item.record)
    if not record:
        raise ValueError("the record is empty, or no object")
    properties: dict[str, object] = {**declaration.constants}
    for name, value in declaration.columns.items():
        properties[name] = _value(item, value, layer.by_name[name])
    id_ = declaration.prefix + _key(declaration, item, properties)
    if layer.kind == "register":
        properties["source_ref"] = id_
    geometry, remarks = _geometry(declaration, item, layer)
    return Record(id_, properties, to_wkb(geometry) if geometry is not None else None, remarks)


def _key(declaration: Declaration, item: _Item, properties: Mapping[str, object]) -> str:
    values = [properties[name] for name in declaration.id] + [_found(item, place) for place in declaration.key]
    parts = ["" if value is None else compact(value) if isinstance(value, datetime) else str(value) for value in values]
    key = id_from_value("-".join(parts))
    if not all(parts) or not key:
        raise ValueError(f"{' and '.join((*declaration.id, *declaration.key))}: wanted values that make the key")
    return key


def _value(item: _Item, value: Value, column: Column) -> object:
    if any(str(_found(item, place)) != wanted for place, wanted in value.given.items()):
        return None
    found = [_found(item, place) for place in value.from_]
    told = found[0] if len(found) == 1 else " ".join(str(part) for part in found if part is not None) or None
    if isinstance(told, dict | list) and not column.type.endswith("[]"):
        raise ValueError(f"{column.name}: found {repr(told)[:60]}, wanted a single value")
    if isinstance(told, str):
        told = storable(told).strip()
    if value.pattern is not None and told not in (None, ""):
        told = _matched(str(told), value.pattern, column)
    if told is None or str(told).lower() in _missing(column) or str(told) in value.missing:
        return None
    if value.codes:
        told = value.codes.get(str(told), told)
    return to_column(told, column, _codes(column))


def _matched(told: str, pattern: str, column: Column) -> str | None:
    if told.lower() in _missing(column):
        return None
    matched = re.search(pattern, told[:1000])
    if matched is None:
        raise ValueError(f"{column.name}: found {told[:60]!r}, which is not as expected")
    return (matched[1] or "").strip()


def _missing(column: Column) -> frozenset[str]:
    """The words for missing in a column. In a text a single letter may be meant: M is a motorcycle."""
    return MISSING - {"m", "na", "none"} if column.type in ("text", "code") else MISSING


def _codes(column: Column) -> frozenset[str] | None:
    if column.codes is not None:
        return frozenset(column.codes)
    return frozenset(catalogue().codes[column.codes_from]) if column.codes_from else None


def _found(item: _Item, place: str) -> Any:
    if place.startswith("@"):
        return item.names.get(place)
    if place.startswith("^"):
        name = place[1:]
        return next((outer[name] for outer in item.around if name in outer), None)
    if place in item.record:
        return item.record[place]
    told: Any = item.record
    for step in place.split("."):
        if not isinstance(told, dict) or step not in told:
            return None
        told = told[step]
    return told


def _geometry(declaration: Declaration, item: _Item, layer: Layer) -> tuple[BaseGeometry | None, tuple[str, ...]]:
    """The geometry and remarks. What cannot be placed is listed all the same, without a place."""
    if layer.geometry is None or (declaration.x is None and declaration.geometry is None):
        return None, ()
    try:
        found = _shape(declaration, item)
        if found is None:
            return None, ("the feed gives no position",)
        geometry, mended = valid(flat(found))
        geometry, changed = shaped(_projected(geometry, layer), layer.geometry, None)
        return geometry, tuple(remark for remark in (mended, changed) if remark)
    except _NO_SHAPE as exc:
        return None, (f"no position: {storable(str(exc))[:200]}",)


def _shape(declaration: Declaration, item: _Item) -> BaseGeometry | None:
    if declaration.geometry is not None:
        told = _found(item, declaration.geometry)
        return shape(told) if told else None
    pair = [_found(item, place or "") for place in (declaration.x, declaration.y)]
    if all(one is None or str(one).strip().lower() in MISSING for one in pair):
        return None
    return Point(float(pair[0]), float(pair[1]))


def _projected(geometry: BaseGeometry, layer: Layer) -> BaseGeometry:
    if layer.source.extent is not None:
        grid.within_extent(geometry.bounds, layer.source.extent)
        return geometry
    fitting = grid.systems_of(geometry.bounds)
    if not fitting:
        raise ValueError(grid.WANTED)
    # Where both axes fit either way, east comes first: x is said to be the easting.
    system = next(system for system in ("hk1980_en", "lon_lat", "hk1980_ne", "lat_lon") if system in fitting)
    return grid.project(geometry, system)
