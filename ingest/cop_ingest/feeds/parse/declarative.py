"""Plain feeds without code: the feed's file says where the records are and which value goes into which column.

A value's place (`from`) is a path of member names joined by dots, beginning at the record. `^name` begins at the
nearest enclosing object that has it; `@1`, `@2` are the names that the stars of `records` stood for (numbers in a
list); `@part` is the part's name and `@received` the time of receipt. Columns of a table are named as its header does.
Types, units and codes are those of the layer's columns.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from functools import partial

import shapely
from shapely.geometry import Point, shape
from shapely.geometry.base import BaseGeometry

from cop.catalogue import Layer, catalogue
from cop.catalogue.models import Column
from cop_ingest import grid
from cop_ingest.feeds.parse.common import MISSING, collect, compact, newest, row_checked, storable
from cop_ingest.feeds.parse.declaration import Declaration, Value
from cop_ingest.feeds.parse.declared_items import Item, items_of, value_at
from cop_ingest.feeds.payload import Payload, Reading
from cop_ingest.geometry import flat, shaped, to_wkb, valid
from cop_ingest.records import Record, id_from_value
from cop_ingest.values import to_column

__all__ = ["Declaration", "Value", "parse_declared"]

# What shapely raises for coordinates that are none: texts, holes, numbers beyond a float, collections without end.
_NO_SHAPE = (
    ValueError, TypeError, AttributeError, LookupError, OverflowError, RecursionError, shapely.errors.ShapelyError,
)  # fmt: skip


def parse_declared(declaration: Declaration, layer_id: str, payload: Payload) -> Reading:
    """All parts of a payload, read alike into records of a layer.

    Raises NotThisFeed where a part is not of the kind, or has not what `root` and `records` name.
    """
    layer = catalogue().layers[layer_id]
    items = [item for part in payload.parts for item in items_of(declaration, payload, part)]
    time = layer.with_role("time") if layer.kind == "latest" else None
    read = partial(_record, declaration, layer)
    key_of = partial(_id, declaration, layer)
    parsed = collect(enumerate(items, 1), read, time.name if time else None, key_of)
    return Reading(parsed, newest(parsed, declaration.observed) if declaration.observed else None, None)


def _record(declaration: Declaration, layer: Layer, item: Item) -> Record:
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


def _id(declaration: Declaration, layer: Layer, item: Item) -> str:
    """The record's id alone, without what else it holds."""
    told = {
        name: _value(item, declaration.columns[name], layer.by_name[name])
        if name in declaration.columns
        else declaration.constants.get(name)
        for name in declaration.id
    }
    return declaration.prefix + _key(declaration, item, told)


def _key(declaration: Declaration, item: Item, properties: Mapping[str, object]) -> str:
    values = [properties[name] for name in declaration.id] + [value_at(item, place) for place in declaration.key]
    parts = ["" if value is None else compact(value) if isinstance(value, datetime) else str(value) for value in values]
    key = id_from_value("-".join(parts))
    if not all(parts) or not key:
        raise ValueError(f"{' and '.join((*declaration.id, *declaration.key))}: wanted values that make the key")
    return key


def _value(item: Item, value: Value, column: Column) -> object:
    if any(str(value_at(item, place)) != wanted for place, wanted in value.given.items()):
        return None
    found = [value_at(item, place) for place in value.from_]
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


def _geometry(declaration: Declaration, item: Item, layer: Layer) -> tuple[BaseGeometry | None, tuple[str, ...]]:
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


def _shape(declaration: Declaration, item: Item) -> BaseGeometry | None:
    if declaration.geometry is not None:
        told = value_at(item, declaration.geometry)
        return shape(told) if told else None
    pair = [value_at(item, place or "") for place in (declaration.x, declaration.y)]
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
