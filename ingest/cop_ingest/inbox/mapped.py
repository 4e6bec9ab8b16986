"""A row of a form in our words: the properties of a record, its geometry, and what follows from it."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import shapely
from shapely.geometry import Point
from shapely.geometry import mapping as as_geojson

from cop.catalogue import Column, Layer, catalogue
from cop.errors import Fault, Invalid
from cop.writing.values import codes_of
from cop_ingest import grid
from cop_ingest.district_names import district_code
from cop_ingest.inbox.declared import Cell, Mapping
from cop_ingest.inbox.rows import Row
from cop_ingest.incidents import category_in
from cop_ingest.texts import matching_form, tidy
from cop_ingest.times import read_time
from cop_ingest.values import to_column

_DAY_FIRST = re.compile(r"\s*(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Mapped:
    """What a row says: the sender's number, properties by our columns, GeoJSON geometry (CRS84), as of when."""

    key: str
    properties: dict[str, Any]
    geometry: dict[str, Any] | None
    follow: dict[str, Any]
    told_at: datetime

    @property
    def hash(self) -> bytes:
        """SHA-256 of all that the row says, so that the same row again is known."""
        said = json.dumps(
            [self.properties, self.geometry, self.follow], sort_keys=True, ensure_ascii=False, default=str
        )
        return hashlib.sha256(said.encode()).digest()


def mapped(mapping: Mapping, row: Row, file_at: datetime) -> Mapped:
    """A row in our words. Raises Invalid with every cell that cannot be taken, by its heading."""
    faults: list[Fault] = []
    key = tidy(str(row.cell(mapping.key) or ""))
    if not key:
        faults.append(Fault(mapping.key, None, "a row needs the sender's own number"))
    properties = _values(mapping.target, mapping.columns, row, faults)
    follow = (
        _values(catalogue().layers[mapping.follow.layer], mapping.follow.columns, row, faults) if mapping.follow else {}
    )
    _make_void(mapping, properties)
    geometry = _geometry(mapping, row, faults)
    told_at = _told_at(mapping, row, file_at, faults)
    if faults:
        raise Invalid(faults)
    return Mapped(key or "", properties, geometry, follow, told_at)


def _make_void(mapping: Mapping, properties: dict[str, Any]) -> None:
    void = mapping.void
    if void is not None and any(properties.get(name) in codes for name, codes in void.when.items()):
        for name in void.columns:
            properties.pop(name, None)


def _values(layer: Layer, cells: dict[str, Cell], row: Row, faults: list[Fault]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, cell in cells.items():
        try:
            values[name] = _value(layer.by_name[name], cell, row)
        except ValueError as exc:
            heading = " or ".join(cell.headings) or name
            faults.append(Fault(heading, _shown(_given(cell, row)), str(exc)))
    return {name: value for name, value in values.items() if value is not None}


def _given(cell: Cell, row: Row) -> Any:
    if cell.joined is not None:
        texts = [tidy(str(found)) for heading in cell.headings if (found := row.cell(heading)) is not None]
        return cell.joined.join(filter(None, texts)) or None
    return next((found for heading in cell.headings if (found := row.cell(heading)) is not None), None)


def _value(column: Column, cell: Cell, row: Row) -> Any:
    given = cell.value if cell.source is None else _given(cell, row)
    if given is None:
        # Our own word, which is no word of the form.
        return None if cell.otherwise is None else _told(to_column(cell.otherwise, column))
    if isinstance(given, str) and column.type in ("text", "text[]", "code"):
        given = cell.form.format(tidy(given) or "")
    elif cell.form != "{}":
        given = cell.form.format(given)
    return _told(_coded(column, cell, given))


def _coded(column: Column, cell: Cell, given: Any) -> Any:
    if cell.category:
        return category_in(str(given)) or cell.otherwise
    if cell.district:
        code = district_code(str(given))
        if code is None:
            raise ValueError("is the name of no district")
        return code
    if cell.codes:
        words = {matching_form(word): code for word, code in cell.codes.items()}
        code = words.get(matching_form(str(given)))
        if code is None:
            raise ValueError(f"wanted one of {', '.join(cell.codes)}")
        return to_column(code, column)
    if column.type == "time" and cell.day_first and isinstance(given, str):
        given = _day_first(given)
    codes = frozenset(codes_of(column)) if column.type == "code" else None
    return to_column(given, column, codes)


def _day_first(text: str) -> str:
    """`23/9/2025 2:30PM` as `2025-9-23 2:30PM`."""
    found = _DAY_FIRST.fullmatch(text)
    if not found:
        raise ValueError("wanted a time as 23/9/2025 14:30")
    day, month, year, rest = found.groups()
    return f"{year}-{month}-{day}{rest}"


def _told(value: Any) -> Any:
    """As JSON has it: times in RFC 3339 UTC."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else value


def _told_at(mapping: Mapping, row: Row, file_at: datetime, faults: list[Fault]) -> datetime:
    given = row.cell(mapping.told_at) if mapping.told_at and matching_form(mapping.told_at) in row.cells else None
    if given is None:
        return file_at
    text = given.isoformat() if isinstance(given, datetime) else str(given)
    try:
        return read_time(_day_first(text) if _DAY_FIRST.fullmatch(text) else text)
    except ValueError as exc:
        faults.append(Fault(mapping.told_at or "", _shown(given), str(exc)))
        return file_at


def _geometry(mapping: Mapping, row: Row, faults: list[Fault]) -> dict[str, Any] | None:
    found = row.geometry
    try:
        if found is None and mapping.position is not None:
            x, y = row.cell(mapping.position.x), row.cell(mapping.position.y)
            if x is None and y is None:
                return None
            found = Point(float(x), float(y))
        if found is None:
            return None
        return _placed(shapely.force_2d(found))
    except (ValueError, TypeError) as exc:
        where = f"{mapping.position.x}, {mapping.position.y}" if mapping.position else "geometry"
        faults.append(Fault(where, None, str(exc) if isinstance(exc, ValueError) else "wanted two numbers"))
        return None


def _placed(found: Any) -> dict[str, Any]:
    """A geometry as GeoJSON in CRS84, rounded to a centimetre; its values tell which system it is in."""
    systems = grid.systems_of(found.bounds)
    # Between 800000 and 850000 both orders fit; forms have easting first, as their headings say.
    system = next((name for name in ("hk1980_en", "lon_lat", "lat_lon", "hk1980_ne") if name in systems), None)
    if system is None:
        raise ValueError(grid.WANTED)
    placed = grid.project(found, system)
    return dict(as_geojson(shapely.transform(placed, lambda pairs: pairs.round(7))))


def _shown(value: Any) -> Any:
    return value if value is None or isinstance(value, int | float | bool) else str(value)[:100]
