"""Values in: each property against its column, each geometry against its layer, every fault told."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final

import shapely
from pyproj import Transformer
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from cop.catalogue import Bilingual, Column, Layer, catalogue
from cop.crs import CRS84, Crs
from cop.errors import Fault, Refused
from cop.query.values import read_time

MAX_VERTICES: Final = 20_000
_MOST_TEXTS: Final = 100
_BIGINT: Final = 2**63
_EXAMPLES: Final[dict[str, object]] = {
    "text": "text", "integer": 2, "number": 3.5, "boolean": True, "time": "2025-09-23T19:00:00Z",
    "date": "2025-09-23", "text[]": ["text"],
}  # fmt: skip


def codes_of(column: Column) -> Mapping[str, Bilingual]:
    """The codelist of a column; empty where it has none."""
    return catalogue().codes[column.codes_from] if column.codes_from is not None else column.codes or {}


def read_properties(
    layer: Layer, columns: Iterable[Column], given: dict[str, Any]
) -> tuple[dict[str, Any], list[Fault]]:
    """The values of properties in the form that the store takes, and what is wrong with the others."""
    known = {column.name: column for column in columns}
    values: dict[str, Any] = {}
    faults: list[Fault] = []
    for name, value in given.items():
        pointer = f"/properties/{name.replace('~', '~0').replace('/', '~1')}"
        column = known.get(name)
        if column is None:
            near = ", ".join(known)
            faults.append(Fault(pointer, value, f"{layer.id} has no such property; it has {near}"))
            continue
        try:
            values[name] = None if value is None else _value(column, value, layer)
        except (ValueError, TypeError, OverflowError, Refused) as exc:
            reason = str(exc) if isinstance(exc, _Wrong) else f"wanted {_wanted(column)}"
            faults.append(Fault(pointer, _short(value), reason, _example(column)))
    return values, faults


class _Wrong(ValueError):
    """A value that is wrong in a way worth a sentence of its own."""


def _value(column: Column, value: object, layer: Layer) -> Any:
    match column.type:
        case "integer" | "number":
            return _number(column, value)
        case "boolean":
            return _of(value, bool)
        case "time":
            return _told(read_time(_of(value, str), column.name))
        case "date":
            return date.fromisoformat(_of(value, str)).isoformat()
        case "code":
            return _code(column, _of(value, str))
        case "text[]":
            texts = _of(value, list)
            if len(texts) > _MOST_TEXTS:
                raise _Wrong(f"at most {_MOST_TEXTS} entries")
            return [_text(_of(text, str), layer) for text in texts]
        case _:
            return _text(_of(value, str), layer)


def _told(at: datetime) -> str:
    """RFC 3339 in UTC, with a fraction only where there is one, as the store tells it."""
    text = at.isoformat().removesuffix("+00:00")
    return f"{text.rstrip('0') if '.' in text else text}Z"


def _of[T](value: object, kind: type[T]) -> T:
    if not isinstance(value, kind):
        raise TypeError
    return value


def _number(column: Column, value: object) -> int | float:
    wanted = int if column.type == "integer" else (int, float)
    if isinstance(value, bool) or not isinstance(value, wanted):
        raise TypeError
    assert isinstance(value, int | float)
    if not math.isfinite(value) or abs(value) >= _BIGINT:
        raise ValueError
    low, high = column.minimum, column.maximum
    if (low is not None and value < low) or (high is not None and value > high):
        raise _Wrong(f"wanted a number {_range(low, high)}")
    return value


def _range(low: float | None, high: float | None) -> str:
    if high is None:
        return f"of at least {low:g}"
    return f"from {low:g} to {high:g}" if low is not None else f"of at most {high:g}"


def _code(column: Column, value: str) -> str:
    codes = codes_of(column)
    if value not in codes:
        raise _Wrong(f"wanted one of {', '.join(codes)}")
    return value


def _text(value: str, layer: Layer) -> str:
    assert layer.writes is not None
    if len(value) > layer.writes.longest:
        raise _Wrong(f"at most {layer.writes.longest} characters; this has {len(value)}")
    if any(ord(sign) < 32 and sign not in "\n\t" for sign in value):
        raise _Wrong("control characters are not taken")
    return value


def _wanted(column: Column) -> str:
    words = {"integer": "a whole number", "number": "a number", "boolean": "true or false",
             "time": "an RFC 3339 time with its zone", "date": "a date", "text[]": "a list of texts"}  # fmt: skip
    return words.get(column.type, "a text")


def _example(column: Column) -> object:
    return next(iter(codes_of(column)), _EXAMPLES.get(column.type))


def _short(value: object) -> object:
    return f"{value[:97]}…" if isinstance(value, str) and len(value) > 100 else value


def read_geometry(layer: Layer, given: dict[str, Any] | None, crs: Crs) -> tuple[BaseGeometry | None, list[Fault]]:
    """A GeoJSON geometry, its axes in the order of its CRS, as longitude and latitude; or what is wrong with it."""
    if given is None:
        return None, []
    try:
        found = shape(given)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, shapely.errors.ShapelyError):
        wrong = "not a GeoJSON geometry: wanted type and coordinates"
        return None, [Fault("/geometry", _short(str(given)), wrong, {"type": "Point", "coordinates": [114.17, 22.3]})]
    fault = _wrong_shape(layer, found)
    if fault is not None:
        return None, [fault]
    placed = _to_crs84(shapely.force_2d(found), crs)
    fault = _wrong_place(layer, placed)
    return (None, [fault]) if fault else (placed, [])


def _wrong_shape(layer: Layer, found: BaseGeometry) -> Fault | None:
    if found.is_empty:
        return Fault("/geometry", found.geom_type, "the geometry is empty; send null where the position is not known")
    if found.geom_type == "GeometryCollection" or (layer.geometry != "Geometry" and found.geom_type != layer.geometry):
        wanted = "a point, line or area" if layer.geometry == "Geometry" else str(layer.geometry)
        return Fault("/geometry/type", found.geom_type, f"wanted {wanted}", layer.geometry)
    if shapely.get_num_coordinates(found) > MAX_VERTICES:
        return Fault("/geometry", int(shapely.get_num_coordinates(found)), f"at most {MAX_VERTICES} vertices")
    if not all(math.isfinite(edge) for edge in found.bounds):
        return Fault("/geometry/coordinates", None, "a coordinate is not a finite number")
    if not found.is_valid:
        return Fault("/geometry", found.geom_type, f"not a valid shape: {shapely.is_valid_reason(found)}")
    return None


@lru_cache(maxsize=8)
def _transformer(srid: int) -> Transformer:
    return Transformer.from_crs(srid, 4326, always_xy=True)


def _to_crs84(found: BaseGeometry, crs: Crs) -> BaseGeometry:
    if crs == CRS84:
        return found
    if crs.flipped:
        found = shapely.transform(found, lambda pairs: pairs[:, ::-1])
    if crs.srid == CRS84.srid:
        return found
    turned = _transformer(crs.srid)
    return shapely.transform(found, lambda x, y: turned.transform(x, y), interleaved=False)


def _wrong_place(layer: Layer, placed: BaseGeometry) -> Fault | None:
    assert layer.writes is not None
    area = layer.writes.within
    if area is None or _lies(placed.bounds, area):
        return None
    west, south, east, north = placed.bounds
    where = [round(west, 5), round(south, 5)]
    if _lies((south, west, north, east), area):
        return Fault("/geometry/coordinates", where, "the axes are swapped: longitude comes first, then latitude",
                     [round(south, 5), round(west, 5)])  # fmt: skip
    wanted = (
        f"outside Hong Kong and its waters: wanted longitude {area[0]} to {area[2]}, latitude {area[1]} to {area[3]}"
    )
    return Fault("/geometry/coordinates", where, wanted, [114.17, 22.3])


def _lies(bounds: tuple[float, ...], area: tuple[float, float, float, float]) -> bool:
    return area[0] <= bounds[0] and area[1] <= bounds[1] and bounds[2] <= area[2] and bounds[3] <= area[3]
