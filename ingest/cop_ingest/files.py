"""Open a vector file with fiona: the one place that knows GDAL's drivers, options and errors."""

from __future__ import annotations

import gc
import json
import logging
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fiona
from fiona.errors import EnvError, FionaError
from fiona.model import to_dict

from cop.errors import LoadRefused
from cop_ingest.texts import refuse_html
from cop_ingest.xmlsafe import check_xml_file

_DRIVERS = {
    ".geojson": "GeoJSON",
    ".json": "GeoJSON",
    ".gml": "GML",
    ".xml": "GML",
    ".shp": "ESRI Shapefile",
    ".gdb": "OpenFileGDB",
    ".gpkg": "GPKG",
}
_BINARY = frozenset({"ESRI Shapefile", "OpenFileGDB", "GPKG"})
# Nothing is fetched (a GML file may name a schema on the network) and nothing written beside the file. LandsD
# writes northing first even under the short name EPSG:2326, which GDAL else takes as easting first.
_GML_OPTIONS = {"DOWNLOAD_SCHEMA": "NO", "WRITE_GFS": "NO", "CONSIDER_EPSG_AS_URN": "YES"}


@dataclass(frozen=True, slots=True)
class VectorFile:
    """All of a file: attribute names; attributes and geometry of each feature; the label's EPSG code."""

    names: list[str]
    features: list[tuple[dict[str, Any], Any]]
    label: int | None


def open_vector(path: Path, prefer: str) -> VectorFile:
    """Everything in a vector file, a FileGDB folder or a zip with one of them in it.

    Of several layers inside it takes the one called `prefer`. Raises LoadRefused where the file is missing,
    of no known kind, or cannot be read to its end.
    """
    if not path.exists():
        raise LoadRefused(f"{path}: there is no such file; check source.file of the layer and COP_DATA")
    address, kind = _address(path, prefer)
    _check_text(path, kind)
    try:
        return _read_steadily(address, _DRIVERS[kind], prefer, path.name)
    except json.JSONDecodeError:
        return _mixed_geojson(path)
    except (FionaError, OSError, ValueError, AttributeError) as exc:
        reason = str(exc).replace(str(path), path.name)
        raise LoadRefused(f"{path.name}: cannot be read ({_DRIVERS[kind]}: {reason}); fetch the file again") from exc


def _read_steadily(address: str, driver: str, prefer: str, name: str) -> VectorFile:
    """Read, and once more where fiona has lost the thread's environment.

    A collection whose opening failed earlier is finalised whenever Python comes to it, and then takes along the
    environment of whoever is reading in that thread: no fault of this file.
    """
    try:
        return _read(address, driver, prefer, name)
    except EnvError:
        gc.collect()
        return _read(address, driver, prefer, name)


def _read(address: str, driver: str, prefer: str, name: str) -> VectorFile:
    options = _GML_OPTIONS if driver == "GML" else {}
    with _gdal_faults() as faults:
        inside = _layer_inside(address, options, prefer, name)
        with fiona.open(address, layer=inside, enabled_drivers=[driver], **options) as collection:
            names = list(collection.schema["properties"])
            features = [(dict(raw.properties), _geometry(raw)) for raw in collection]
            promised = len(collection)
            label = _label(collection)
    # Text formats are known to be whole by now, and a fault there is one bad geometry's.
    broken = driver in _BINARY and bool(faults)
    if broken or len(features) < promised:
        reason = faults[0] if broken else f"it promises {promised} features"
        raise LoadRefused(f"{name}: breaks off after {len(features)} features ({reason}); fetch the file again")
    return VectorFile(names, features, label)


def _mixed_geojson(path: Path) -> VectorFile:
    """A GeoJSON with an attribute that is a number here and a text there, which fiona cannot hand over.

    GDAL then passes the attribute on as JSON and fiona fails on the first text; one bad value would lose the
    whole file.
    """
    try:
        document = json.loads(path.read_bytes())
        listed = document["features"] if document["type"] == "FeatureCollection" else [document]
        features = [(dict(feature["properties"] or {}), feature["geometry"]) for feature in listed]
    except (ValueError, KeyError, TypeError, OSError, RecursionError) as exc:
        raise LoadRefused(f"{path.name}: is not a GeoJSON FeatureCollection ({exc}); fetch the file again") from exc
    names = dict.fromkeys(name for attributes, _ in features for name in attributes)
    return VectorFile(list(names), features, _named_crs(document))


def _named_crs(document: dict[str, Any]) -> int | None:
    named = re.search(r"EPSG:+(\d{4,5})\b", json.dumps(document.get("crs")))
    return int(named[1]) if named else 4326


@contextmanager
def _gdal_faults() -> Iterator[list[str]]:
    """Collects what GDAL only logs: a file that breaks off is else read as a shorter one."""
    faults: list[str] = []
    handler = logging.Handler(logging.ERROR)
    handler.emit = lambda record: faults.append(record.getMessage())  # type: ignore[method-assign]
    gdal_log = logging.getLogger("fiona._env")
    gdal_log.addHandler(handler)
    try:
        yield faults
    finally:
        gdal_log.removeHandler(handler)


def _address(path: Path, prefer: str) -> tuple[str, str]:
    if path.suffix.lower() != ".zip":
        return str(path), _kind(path.suffix, path.name)
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError) as exc:
        raise LoadRefused(f"{path.name}: is not a whole zip archive ({exc}); fetch the file again") from exc
    members = list(dict.fromkeys(member for name in names if (member := _member(name)) is not None))
    if members:
        # An archive may hold a file a theme; then the layer's name tells which.
        member = next((one for one in members if Path(one).stem.lower() == prefer.lower()), members[0])
        return f"zip://{path}!{member}", Path(member).suffix.lower()
    raise LoadRefused(f"{path.name}: holds {', '.join(names[:5]) or 'nothing'}; wanted {_kinds()}")


def _member(name: str) -> str | None:
    """The vector file or FileGDB that an archive's entry is or belongs to."""
    found = re.match(r"(.*\.gdb)(/|$)", name, re.IGNORECASE) or re.match(r"(.*\.\w+)$", name)
    return found[1] if found and Path(found[1]).suffix.lower() in _DRIVERS.keys() - {".xml"} else None


def _kind(suffix: str, name: str) -> str:
    if suffix.lower() not in _DRIVERS:
        raise LoadRefused(f"{name}: is of no known kind; wanted {_kinds()}, .csv or .zip")
    return suffix.lower()


def _kinds() -> str:
    return ", ".join(sorted(_DRIVERS))


def _check_text(path: Path, kind: str) -> None:
    """Refuse HTML pages, GML that is not well-formed and GeoJSON that is not UTF-8 before GDAL sees them."""
    driver = _DRIVERS[kind]
    if path.suffix.lower() == ".zip" or path.is_dir() or driver in _BINARY:
        return
    try:
        with path.open("rb") as file:
            refuse_html(file.read(1000).decode("utf-8", "replace").lstrip("\ufeff"), path.name)
        if driver == "GML":
            check_xml_file(path)
        else:
            _check_utf8(path)
    except OSError as exc:
        raise LoadRefused(f"{path.name}: cannot be read: {exc.strerror}; check the file and its rights") from exc


def _check_utf8(path: Path) -> None:
    try:
        with path.open(encoding="utf-8") as file:
            while file.read(1 << 20):
                pass
    except UnicodeDecodeError as exc:
        raise LoadRefused(f"{path.name}: is not UTF-8 text as GeoJSON has to be ({exc.reason})") from exc


def _layer_inside(address: str, options: dict[str, str], prefer: str, name: str) -> str:
    inside: list[str] = fiona.listlayers(address, **options)
    if len(inside) == 1:
        return inside[0]
    if prefer in inside:
        return prefer
    raise LoadRefused(f"{name}: holds the layers {', '.join(inside) or '(none)'}; wanted one, or one called {prefer}")


def _geometry(raw: Any) -> Any:
    return None if raw.geometry is None else to_dict(raw.geometry)


def _label(collection: Any) -> int | None:
    crs = collection.crs
    found: int | None = crs.to_epsg() if crs else None
    return found
