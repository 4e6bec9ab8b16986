"""Read a vector file into records: GeoJSON, GML, Shapefile, FileGDB, GeoPackage, or CSV with coordinates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import shapely
from shapely.geometry import Point, shape
from shapely.geometry.base import BaseGeometry

from cop.catalogue import catalogue
from cop.catalogue.models import Column, Layer
from cop.errors import LoadRefused
from cop_ingest import geometry as geometries
from cop_ingest import grid
from cop_ingest.files import VectorFile, open_vector
from cop_ingest.records import Parsed, Record, Refusal, id_from_hash, id_from_value, refuse, without_repeats
from cop_ingest.texts import decode, read_table
from cop_ingest.values import to_column


@dataclass(frozen=True, slots=True)
class RawFeature:
    """A feature as its file has it: number from 1, attributes, geometry as published; why it cannot be taken."""

    ordinal: int
    attributes: dict[str, Any]
    geometry: BaseGeometry | None
    fault: str | None = None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RawSource:
    """A file's features, its attributes' names, and the EPSG code of its label (None where there is none)."""

    names: list[str]
    features: list[RawFeature]
    label: int | None


def read_vector(layer: Layer, path: Path) -> Parsed:
    """The records of a layer from a vector file (also zipped; a FileGDB is a folder), in the file's order.

    Any other folder is read as the vector files in it, by name, one after another.

    Attributes are found by `column.from` or the column's name and take the column's type; coordinates are
    taken for what their values can be, whatever the label says, and become EPSG:4326 lon, lat; geometries
    lose Z, are made valid and take the layer's type. All of this is said in the record's remarks.

    A feature's id is the value of the key column where there is one (`records.id_from_value`), else the hash
    of the key columns' values in the layer's order, a geometry counting with its published coordinates
    (`records.id_from_hash`). A feature that cannot be taken becomes a refusal with its reason.

    Raises LoadRefused where the file is missing, cannot be read to its end, or lacks a column of the layer.
    """
    return records_of(layer, _source(layer, path), path.name)


def records_of(layer: Layer, source: RawSource, name: str) -> Parsed:
    """The records of a layer from features read somewhere; see read_vector. `name` is the file's, for messages.

    Raises LoadRefused where the source lacks a column of the layer.
    """
    _check_names(layer, source.names, name)
    system_of_grid = _grid_order(source)
    codes = _codes(layer)
    taken: list[tuple[int, Record]] = []
    refusals: list[Refusal] = []
    for feature in source.features:
        try:
            taken.append((feature.ordinal, _record(layer, feature, source.label, system_of_grid, codes)))
        except ValueError as exc:
            refusals.append(refuse(feature.ordinal, str(exc), feature.attributes))
    parsed = without_repeats(taken)
    ordered = sorted([*refusals, *parsed.refusals], key=lambda refusal: refusal.ordinal)
    return Parsed(parsed.records, ordered)


def _source(layer: Layer, path: Path) -> RawSource:
    if path.is_dir() and path.suffix.lower() != ".gdb":
        return _from_folder(layer, path)
    if path.suffix.lower() in (".csv", ".txt", ".tsv"):
        return _from_table(layer, path)
    return _from_fiona(open_vector(path, layer.source.layer or layer.id))


def _from_folder(layer: Layer, folder: Path) -> RawSource:
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".geojson", ".gml", ".gpkg", ".csv"))
    if not files:
        raise LoadRefused(f"{folder.name}: there is no .geojson, .gml, .gpkg or .csv file in {folder}")
    parts = [_source(layer, file) for file in files]
    for file, part in zip(files, parts, strict=True):
        _check_names(layer, part.names, file.name)
    if len({part.label for part in parts}) > 1:
        raise LoadRefused(f"{folder.name}: the files' coordinate systems differ; wanted one for all")
    features = (feature for part in parts for feature in part.features)
    numbered = [replace(feature, ordinal=ordinal) for ordinal, feature in enumerate(features, 1)]
    return RawSource(parts[0].names, numbered, parts[0].label)


def _from_fiona(file: VectorFile) -> RawSource:
    return RawSource(file.names, [_feature(number, raw) for number, raw in enumerate(file.features, 1)], file.label)


def _feature(ordinal: int, raw: tuple[dict[str, Any], Any]) -> RawFeature:
    attributes, published = raw
    if published is None:
        return RawFeature(ordinal, attributes, None)
    try:
        return RawFeature(ordinal, attributes, shape(published))
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, shapely.errors.ShapelyError) as exc:
        return RawFeature(ordinal, attributes, None, f"the geometry cannot be read: {exc}")


def _from_table(layer: Layer, path: Path) -> RawSource:
    x, y = layer.source.x, layer.source.y
    if x is None or y is None:
        raise LoadRefused(f"{path.name}: is a table; layers/{layer.id}.yml: source.x and source.y: name its columns")
    try:
        body = path.read_bytes()
    except OSError as exc:
        raise LoadRefused(f"{path.name}: cannot be read: {exc.strerror}; check the file and its rights") from exc
    table = read_table(decode(body, path.name), path.name)
    missing = [name for name in (x, y) if name not in table.header]
    if missing:
        raise LoadRefused(f"{path.name}: no coordinate column {' or '.join(missing)}; it has {', '.join(table.header)}")
    places = (table.header.index(x), table.header.index(y))
    features = [_row(number, row, table.header, places) for number, (_, row) in enumerate(table.rows, 1)]
    return RawSource(table.header, features, None)


def _row(ordinal: int, row: list[str], header: list[str], places: tuple[int, int]) -> RawFeature:
    attributes: dict[str, Any] = dict(zip(header, row, strict=False))
    if len(row) != len(header):
        return RawFeature(ordinal, attributes, None, f"found {len(row)} fields, wanted {len(header)}")
    try:
        return RawFeature(ordinal, attributes, Point(float(row[places[0]]), float(row[places[1]])))
    except ValueError:
        found = ", ".join(row[place] for place in places)
        return RawFeature(ordinal, attributes, None, f"found the coordinates {found!r}, wanted two numbers")


def _check_names(layer: Layer, names: list[str], name: str) -> None:
    missing = [attribute for attribute in map(source_name, layer.columns) if attribute and attribute not in names]
    if missing:
        raise LoadRefused(
            f"{name}: no attribute {', '.join(missing)}; it has {', '.join(names) or 'none'}; "
            f"correct the file, or `from` in layers/{layer.id}.yml"
        )


def source_name(column: Column) -> str:
    """What the source calls a column; empty where the source has nothing for it."""
    return column.name if column.source_name is None else column.source_name


def _codes(layer: Layer) -> dict[str, frozenset[str]]:
    found = {column.name: frozenset(column.codes) for column in layer.columns if column.codes}
    shared = {column.name: column.codes_from for column in layer.columns if column.codes_from}
    return found | {name: frozenset(catalogue().codes[listed]) for name, listed in shared.items()}


def _grid_order(source: RawSource) -> grid.System:
    """Easting first or northing first, decided by all grid features together.

    A single position between 800000 and 850000 fits both ways; the whole file seldom does. Where it does,
    easting first stands: fiona has by then turned the northing-first axes of GML and of EPSG:2326.
    """
    boxes = [
        box.geometry.bounds
        for box in source.features
        if box.geometry is not None and {"hk1980_en", "hk1980_ne"} & grid.systems_of(box.geometry.bounds)
    ]
    easting_first = sum("hk1980_en" in grid.systems_of(box) for box in boxes)
    northing_first = sum("hk1980_ne" in grid.systems_of(box) for box in boxes)
    return "hk1980_ne" if northing_first > easting_first else "hk1980_en"


def _record(
    layer: Layer,
    feature: RawFeature,
    label: int | None,
    grid_order: grid.System,
    codes: dict[str, frozenset[str]],
) -> Record:
    if feature.fault:
        raise ValueError(feature.fault)
    if feature.geometry is None and not layer.source.unplaced:
        raise ValueError("there is no geometry")
    properties = {
        column.name: to_column(feature.attributes.get(source_name(column)), column, codes.get(column.name))
        for column in layer.columns
    }
    if feature.geometry is None:
        unplaced = (*feature.remarks, "no position: the source gives none")
        return Record(feature_id(layer, properties, Point()), properties, None, unplaced)
    published = geometries.flat(feature.geometry)
    lon_lat, remarks = _located(layer, published, label, grid_order)
    mended, repair = geometries.valid(lon_lat)
    wanted = layer.geometry or "Geometry"
    final, change = geometries.shaped(mended, wanted, layer.source.point_of)
    said = (*feature.remarks, *remarks, *(remark for remark in (repair, change) if remark))
    record = Record("", properties, geometries.to_wkb(final), said)
    return replace(record, id=feature_id(layer, properties, published))


def _located(
    layer: Layer, published: BaseGeometry, label: int | None, grid_order: grid.System
) -> tuple[BaseGeometry, list[str]]:
    found = _system(published, grid_order, layer.source.extent)
    said = label or layer.source.crs
    remarks: list[str] = []
    if grid.EPSG[found] != _plain(said):
        remarks.append(f"the label says EPSG:{said}, the values are {grid.NAMES[found]}")
    elif found in ("hk1980_ne", "lat_lon"):
        remarks.append(f"the axes were written as {grid.NAMES[found]}")
    return grid.project(published, found, label), remarks


def _plain(epsg: int) -> int:
    return 4326 if epsg == 4611 else epsg


def _system(
    published: BaseGeometry, grid_order: grid.System, extent: tuple[float, float, float, float] | None
) -> grid.System:
    if extent is not None:
        return grid.within_extent(published.bounds, extent)
    fitting = grid.systems_of(published.bounds)
    for system in (grid_order, "hk1980_en", "hk1980_ne", "lon_lat", "lat_lon"):
        if system in fitting:
            return system
    box = ", ".join(f"{bound:.7g}" for bound in published.bounds)
    raise ValueError(f"the coordinates lie between {box}; {grid.WANTED}")


def feature_id(layer: Layer, properties: dict[str, object], published: BaseGeometry) -> str:
    """The id of a feature of a layer, see read_vector; `published` is the geometry as the source has it.

    Raises ValueError where the key column has no value.
    """
    key = ("geometry",) if layer.key in (None, "geometry") else layer.key
    assert isinstance(key, tuple)
    if len(key) > 1 or key == ("geometry",):
        parts = (grid.canonical(published) if name == "geometry" else properties[name] for name in key)
        return id_from_hash(parts)
    found = id_from_value(properties[key[0]] if properties[key[0]] is not None else "")
    if not found:
        raise ValueError(f"{key[0]}: is missing; it is the layer's key")
    return found
