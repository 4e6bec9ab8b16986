"""A layer's columns as JSON Schema, for queryables, schema and pygeoapi's `fields`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cop.catalogue import Bilingual, Catalogue, Column, Layer

_TYPES: dict[str, dict[str, Any]] = {
    "text": {"type": "string"},
    "code": {"type": "string"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "time": {"type": "string", "format": "date-time"},
    "date": {"type": "string", "format": "date"},
    "text[]": {"type": "array", "items": {"type": "string"}},
}
_GEOMETRY_FORMATS = {
    "Point": "geometry-point", "MultiPoint": "geometry-multipoint",
    "LineString": "geometry-linestring", "MultiLineString": "geometry-multilinestring",
    "Polygon": "geometry-polygon", "MultiPolygon": "geometry-multipolygon", "Geometry": "geometry-any",
}  # fmt: skip
_ROLES = {"time": "primary-instant", "title": "title"}


def codes_of(column: Column, catalogue: Catalogue) -> Mapping[str, Bilingual]:
    """The codelist of a column; empty where it has none."""
    if column.codes_from is not None:
        return catalogue.codes[column.codes_from]
    return column.codes or {}


def column_schema(column: Column, catalogue: Catalogue, *, lang: str = "en") -> dict[str, Any]:
    """One column as JSON Schema, with codes as `oneOf` where they have titles, and units by their sign."""
    schema = {"title": column.title.zh if lang == "zh" else column.title.en, **_TYPES[column.type]}
    if column.unit is not None:
        schema["x-ogc-unit"] = column.unit
    limits = {"minimum": column.minimum, "maximum": column.maximum}
    schema |= {name: limit for name, limit in limits.items() if limit is not None}
    if column.role in _ROLES:
        schema["x-ogc-role"] = _ROLES[column.role]
    codes = codes_of(column, catalogue)
    if codes:
        schema["enum"] = list(codes)
        schema["x-cop-codes"] = {code: title.model_dump() for code, title in codes.items()}
    return schema


def properties_schema(
    layer: Layer, columns: Iterable[Column], catalogue: Catalogue, *, lang: str = "en", geometry: bool = True
) -> dict[str, Any]:
    """Columns, and the geometry after them, as the `properties` of a JSON Schema."""
    properties = {column.name: column_schema(column, catalogue, lang=lang) for column in columns}
    if geometry and layer.geometry is not None:
        properties["geometry"] = {
            "title": "位置" if lang == "zh" else "Geometry",
            "format": _GEOMETRY_FORMATS[layer.geometry],
            "x-ogc-role": "primary-geometry",
        }
    return properties
