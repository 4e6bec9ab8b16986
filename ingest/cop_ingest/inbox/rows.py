"""Rows of a department's file, whatever kind of file it is: CSV, XLSX, GeoJSON, GeoPackage, or a list in JSON."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from cop.errors import LoadRefused
from cop_ingest.files import open_vector
from cop_ingest.inbox.declared import Mapping
from cop_ingest.inbox.people import without_numbers
from cop_ingest.texts import decode, matching_form, read_table

MOST_ROWS = 100_000
MOST_BYTES = 50_000_000
_UNPACKED = 500_000_000  # a workbook is a zip archive; more than this is no form
_TABLES = (".csv", ".txt", ".tsv")
_VECTORS = (".geojson", ".gpkg")


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its number in the file (the first data row is 1), cells by folded heading, and geometry if any."""

    ordinal: int
    cells: dict[str, Any]
    geometry: BaseGeometry | None = None

    def cell(self, heading: str) -> Any:
        """The cell under a heading, or None where it is empty. Raises KeyError where there is no such heading."""
        value = self.cells[matching_form(heading)]
        return None if value is None or (isinstance(value, str) and not value.strip()) else value


def read_rows(mapping: Mapping, body: bytes, name: str) -> list[Row]:
    """The rows of a file; its name's ending tells the kind.

    Raises LoadRefused where it cannot be read to its end, is too large, or lacks a heading that the mapping names.
    """
    if len(body) > MOST_BYTES:
        raise LoadRefused(f"{name}: {len(body)} bytes; wanted at most {MOST_BYTES}")
    ending = Path(name).suffix.lower()
    headings, rows = _read(mapping, body, name, ending)
    if len(rows) > MOST_ROWS:
        raise LoadRefused(f"{name}: more than {MOST_ROWS} rows; send it in parts")
    _check_headings(mapping, headings, rows, name)
    return [without_people(mapping, row) for row in rows] if mapping.personal else rows


def without_people(mapping: Mapping, row: Row) -> Row:
    """A row without what the form's `personal` names, and without numbers of people in its other texts."""
    hidden, kept = set(map(matching_form, mapping.personal)), set(map(matching_form, mapping.numbers_and_times))
    cells = {
        name: without_numbers(value) if isinstance(value, str) and name not in kept else value
        for name, value in row.cells.items()
        if name not in hidden
    }
    return Row(row.ordinal, cells, row.geometry)


def _read(mapping: Mapping, body: bytes, name: str, ending: str) -> tuple[set[str], list[Row]]:
    """The headings that the file has, also where it has no rows, and its rows."""
    if ending in _TABLES:
        return _of_table(mapping, body, name)
    if ending == ".xlsx":
        return _of_workbook(mapping, body, name)
    if ending == ".json":
        rows = list(_of_list(body, name))
        return {heading for row in rows for heading in row.cells}, rows
    if ending in _VECTORS:
        return _of_vector(mapping, body, ending)
    wanted = ", ".join((*_TABLES, ".xlsx", ".json", *_VECTORS))
    raise LoadRefused(f"{name}: the ending {ending!r} is of no kind that is taken; wanted {wanted}")


def _of_table(mapping: Mapping, body: bytes, name: str) -> tuple[set[str], list[Row]]:
    lines = decode(body, name).splitlines(keepends=True)[mapping.header_row - 1 :]
    table = read_table("".join(lines), name)
    rows = [Row(place, _named(table.header, row)) for place, (_, row) in enumerate(table.rows, 1)]
    return set(map(matching_form, table.header)), rows


def _of_workbook(mapping: Mapping, body: bytes, name: str) -> tuple[set[str], list[Row]]:
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            if sum(member.file_size for member in archive.infolist()) > _UNPACKED:
                raise LoadRefused(f"{name}: unpacked it is larger than {_UNPACKED} bytes")
        book = openpyxl.load_workbook(io.BytesIO(body), read_only=True, data_only=True)
    except LoadRefused:
        raise
    except Exception as exc:  # openpyxl raises whatever its parts do
        raise LoadRefused(f"{name}: is no workbook that can be read; save it as .xlsx again") from exc
    if mapping.sheet is not None and mapping.sheet not in book.sheetnames:
        raise LoadRefused(f"{name}: has no sheet {mapping.sheet!r}; it has {', '.join(book.sheetnames)}")
    sheet = book[mapping.sheet] if mapping.sheet else book.worksheets[0]
    lines = sheet.iter_rows(min_row=mapping.header_row, values_only=True)
    header = [str(cell or "") for cell in next(lines, ())]
    filled = (line for line in lines if any(cell not in (None, "") for cell in line))
    rows = [Row(place, _named(header, line)) for place, line in enumerate(filled, 1)]
    return set(map(matching_form, header)), rows


def _of_list(body: bytes, name: str) -> Iterator[Row]:
    try:
        document = json.loads(decode(body, name))
    except ValueError as exc:
        raise LoadRefused(f"{name}: is not JSON: {exc}") from exc
    if isinstance(document, dict) and document.get("type") == "FeatureCollection":
        for place, feature in enumerate(document.get("features") or (), 1):
            yield _feature(place, feature, name)
        return
    if isinstance(document, dict) and document.get("type") == "Feature" and "properties" in document:
        yield _feature(1, document, name)
        return
    records = document if isinstance(document, list) else [document]
    for place, record in enumerate(records, 1):
        if not isinstance(record, dict):
            raise LoadRefused(f"{name}: entry {place} is no object; wanted a list of objects")
        yield Row(place, {matching_form(key): value for key, value in record.items()})


def _feature(place: int, feature: Any, name: str) -> Row:
    try:
        given = feature["geometry"]
        cells = {matching_form(key): value for key, value in (feature["properties"] or {}).items()}
        return Row(place, cells, shape(given) if given else None)
    except (ValueError, TypeError, KeyError, AttributeError) as exc:
        raise LoadRefused(f"{name}: entry {place} is no GeoJSON feature") from exc


def _of_vector(mapping: Mapping, body: bytes, ending: str) -> tuple[set[str], list[Row]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"return{ending}"  # GDAL opens files, and tells the kind by the ending
        path.write_bytes(body)
        file = open_vector(path, mapping.layer)
    rows = [
        Row(place, {matching_form(key): value for key, value in attributes.items()}, shape(given) if given else None)
        for place, (attributes, given) in enumerate(file.features, 1)
    ]
    return set(map(matching_form, file.names)), rows


def _named(header: Sequence[str], cells: Sequence[Any]) -> dict[str, Any]:
    return {matching_form(heading): cell for heading, cell in zip(header, cells, strict=False) if heading}


def _check_headings(mapping: Mapping, known: set[str], rows: Sequence[Row], name: str) -> None:
    """A form whose headings have changed is refused whole: a column that is missing is not an empty one."""
    if not known:  # an empty list tells no headings
        return
    cells = [*mapping.columns.values(), *(mapping.follow.columns.values() if mapping.follow else ())]
    wanted = [mapping.key, *(heading for cell in cells for heading in cell.headings)]
    if mapping.position and not any(row.geometry is not None for row in rows):
        wanted += [mapping.position.x, mapping.position.y]
    missing = [heading for heading in dict.fromkeys(wanted) if matching_form(heading) not in known]
    if missing:
        raise LoadRefused(f"{name}: has no column {', '.join(missing)}; has the form changed? ({mapping.id})")
