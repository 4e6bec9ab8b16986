"""Read a JSON document that holds a list of things with coordinates: APIs' answers, Overpass, station lists.

The layer's file says where everything is. A path is member names joined by dots: `coordinates.wgs84.latitude`. In
`source.records` it leads to a list, or to an object whose values are the list; `*` goes through all there is, and a
document that is the list itself needs no path. In `column.from` and `source.x`, `source.y` it begins at the record;
`a|b` takes the first that has a value, and `@key` is the record's name in an object of records.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shapely.geometry import Point

from cop.catalogue.models import Column, Layer
from cop.errors import LoadRefused
from cop_ingest import grid
from cop_ingest.records import Parsed
from cop_ingest.texts import decode
from cop_ingest.vector import RawFeature, RawSource, records_of, source_name

APART_M = 50.0
"""Two positions of one thing that are further apart than this, in metres, are remarked."""

_KEY = "@key"


def read_json(layer: Layer, path: Path) -> Parsed:
    """The records of a layer from a JSON document, one a member of its list, in the document's order.

    Coordinates and columns are treated as read_vector treats them. OpenStreetMap writes several values with `;`: a
    column of numbers takes the first and says so. Where `source.also_x` and `also_y` name a second pair of coordinates,
    it is compared with the first, and a distance above 50 m is remarked.

    Raises LoadRefused where the document cannot be read, has no such list, or lacks a column of the layer.
    """
    document = load_json(path)
    listed = list(_records(document, layer, path.name))
    found = {expression for record in listed for expression in _expressions(layer) if _has(record, expression)}
    features = [_feature(ordinal, record, layer) for ordinal, record in enumerate(listed, 1)]
    return records_of(layer, RawSource(sorted(found), features, None), path.name)


def load_json(path: Path) -> Any:
    """A JSON document from a file in any of the encodings that texts.decode knows.

    Raises LoadRefused where the file cannot be read or is not JSON.
    """
    try:
        text = decode(path.read_bytes(), path.name)
    except OSError as exc:
        raise LoadRefused(f"{path.name}: cannot be read: {exc.strerror}; check the file and its rights") from exc
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise LoadRefused(f"{path.name}: is not whole JSON ({exc}); fetch the file again") from exc


def _records(document: Any, layer: Layer, name: str) -> Iterator[dict[str, Any]]:
    steps = layer.source.records.split(".") if layer.source.records else []
    reached = list(_walk(document, steps))
    if not reached:
        raise LoadRefused(
            f"{name}: there is no {layer.source.records}; the document has {_members(document)}; "
            f"correct the file, or source.records in layers/{layer.id}.yml"
        )
    for found in reached:
        if isinstance(found, list):
            yield from (record if isinstance(record, dict) else {} for record in found)
        elif isinstance(found, dict):
            yield from ({_KEY: key, **record} for key, record in found.items() if isinstance(record, dict))
        else:
            raise LoadRefused(
                f"{name}: {layer.source.records or 'the document'} is a {type(found).__name__}, wanted a list"
            )


def _walk(found: Any, steps: list[str]) -> Iterator[Any]:
    if not steps:
        yield found
    elif steps[0] == "*":
        for part in found.values() if isinstance(found, dict) else found if isinstance(found, list) else ():
            yield from _walk(part, steps[1:])
    elif isinstance(found, dict) and steps[0] in found:
        yield from _walk(found[steps[0]], steps[1:])


def _members(document: Any) -> str:
    return ", ".join(map(str, list(document)[:8])) if isinstance(document, dict) else f"a {type(document).__name__}"


def _expressions(layer: Layer) -> list[str]:
    return [expression for expression in map(source_name, layer.columns) if expression]


def _has(record: dict[str, Any], expression: str) -> bool:
    return any(list(_walk(record, alternative.split("."))) for alternative in expression.split("|"))


def _value(record: dict[str, Any], expression: str) -> Any:
    for alternative in expression.split("|"):
        for value in _walk(record, alternative.split(".")):
            if value not in (None, ""):
                return value
    return None


def _feature(ordinal: int, record: dict[str, Any], layer: Layer) -> RawFeature:
    remarks: list[str] = []
    attributes = {}
    for column in layer.columns:
        expression = source_name(column)
        if expression:
            attributes[expression] = _one(_value(record, expression), column, remarks)
    x, y = layer.source.x or "", layer.source.y or ""
    if layer.source.unplaced and not (_has(record, x) or _has(record, y)):
        return RawFeature(ordinal, attributes, None, remarks=tuple(remarks))
    try:
        position = _pair(record, x, y)
    except ValueError as exc:
        return RawFeature(ordinal, attributes, None, str(exc))
    remarks += _compared(record, position, layer)
    return RawFeature(ordinal, attributes, Point(position), remarks=tuple(remarks))


def _one(value: Any, column: Column, remarks: list[str]) -> Any:
    if column.type in ("number", "integer") and isinstance(value, str) and ";" in value:
        remarks.append(f"{column.name}: found {value!r}, the first is taken")
        return value.split(";")[0]
    return value


def _pair(record: dict[str, Any], x: str, y: str) -> tuple[float, float]:
    written = _value(record, x), _value(record, y)
    try:
        pair = float(written[0]), float(written[1])
    except (TypeError, ValueError):
        raise ValueError(f"{x} and {y}: found {written[0]!r} and {written[1]!r}, wanted two numbers") from None
    return pair


def _compared(record: dict[str, Any], position: tuple[float, float], layer: Layer) -> list[str]:
    also_x, also_y = layer.source.also_x, layer.source.also_y
    if also_x is None or also_y is None:
        return []
    try:
        here, there = _on_grid(position), _on_grid(_pair(record, also_x, also_y))
    except ValueError:
        return [f"{also_x} and {also_y} are no position to compare with"]
    apart = math.dist(here, there)
    if apart <= APART_M:
        return []
    return [f"{also_x}, {also_y} is {apart:.0f} m from {layer.source.x}, {layer.source.y}; the latter is shown"]


def _on_grid(pair: tuple[float, float]) -> tuple[float, float]:
    fitting = grid.systems_of((*pair, *pair))
    if "hk1980_en" in fitting:
        return pair
    if "lon_lat" in fitting:
        return grid.to_east_north(*pair)
    raise ValueError(f"{pair} is no position in Hong Kong")
