"""Every layer's records into the store: the real ones where their files are at hand, else the exercise stand-in.

A layer's file in layers/ names its reader; this module knows readers, not layers. What is loaded already is
skipped by the hash of its files and its declaration. A layer that fails keeps its old records, and the rest goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path

import psycopg

from cop.catalogue import Catalogue, Layer
from cop.errors import LoadRefused
from cop.store.statements import statements
from cop_ingest import standin_terrain
from cop_ingest.cameras import read_cameras
from cop_ingest.load import (
    LoadReport,
    Origin,
    Provenance,
    is_loaded,
    load_observations,
    load_whole,
    manifest_of,
    remember,
)
from cop_ingest.raster import make_cog
from cop_ingest.records import Parsed, Record, Refusal
from cop_ingest.standin import stand_in, wind_series
from cop_ingest.vector import read_vector
from cop_ingest.wind import WindRow, latest_records, newest_rows, parse_wind, wind_files

# What changes the outcome of a load without changing its files: raise it with such a change.
LOADER_VERSION = b"1"
_SQL = Path(__file__).parent / "sql" / "reference.sql"


@dataclass(frozen=True, slots=True)
class Place:
    """Where loads take from and put to: the store, the data folder if there is one, the folder of blobs."""

    connection: psycopg.Connection
    data: Path | None
    blobs: Path


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one layer: its reports, or the reason why its old records stay."""

    layer: Layer
    provenance: Provenance
    reports: tuple[LoadReport, ...] = ()
    skipped: str | None = None
    failure: str | None = None

    @property
    def sentence(self) -> str:
        """One line for a person."""
        if self.failure is not None:
            return f"{self.layer.id}: not loaded, the old records stay: {self.failure}"
        if self.skipped is not None:
            return f"{self.layer.id}: {self.skipped}"
        seen, refused = sum(r.seen for r in self.reports), sum(r.refused for r in self.reports)
        mended = sum(r.mended for r in self.reports)
        words = [f"{seen} records"] + [f"{n} {word}" for n, word in ((refused, "refused"), (mended, "mended")) if n]
        return f"{self.layer.id}: {', '.join(words)} ({self.provenance})"


def load_reference(catalogue: Catalogue, place: Place) -> Iterator[Outcome]:
    """Load every layer that has a reader, one after another; what became of each as it is done."""
    # The ground stands before what is drawn on it, and stations before their observations.
    for layer in sorted(
        loadable(catalogue), key=lambda layer: (layer.is_feature_layer, layer.kind == "latest", layer.id)
    ):
        yield _load(layer, place)


def loadable(catalogue: Catalogue) -> list[Layer]:
    """The layers that this module fills: those with a reader or a stand-in."""
    return [layer for layer in catalogue.layers.values() if layer.source.reader or layer.stand_in]


def _load(layer: Layer, place: Place) -> Outcome:
    path = _at_hand(layer, place.data)
    provenance: Provenance = "real" if path is not None else "exercise"
    try:
        if path is None and _holds_real(place.connection, layer):
            return Outcome(layer, "real", skipped="its file is not at hand; the real records loaded before stay")
        manifest = _manifest(layer, path)
        if _is_there(layer, place, manifest):
            return Outcome(layer, provenance, skipped="loaded already")
        reports = tuple(READERS[layer.source.reader or "vector"](layer, path, place, manifest, provenance))
    except LoadRefused as exc:
        return Outcome(layer, provenance, failure=str(exc))
    return Outcome(layer, provenance, reports)


def _at_hand(layer: Layer, data: Path | None) -> Path | None:
    if data is None or layer.source.file is None:
        return None
    path = data / layer.source.file
    return path if path.exists() else None


def _holds_real(connection: psycopg.Connection, layer: Layer) -> bool:
    row = connection.execute(statements(_SQL)["provenance"], {"layer": layer.id}).fetchone()
    return row is not None and row[0] == "real"


def _is_there(layer: Layer, place: Place, manifest: bytes) -> bool:
    return is_loaded(place.connection, layer, manifest) and (layer.is_feature_layer or _blob(layer, place).is_file())


def _manifest(layer: Layer, path: Path | None) -> bytes:
    declared = layer.model_dump_json(exclude={"title", "description", "style", "scale", "tile", "profiles"}).encode()
    if path is None:
        return manifest_of(LOADER_VERSION, declared, b"stand-in")
    # A Shapefile is several files of one stem, a FileGDB a folder.
    files = sorted(path.rglob("*") if path.is_dir() else path.parent.glob(f"{path.stem}.*"))
    whole = (file.name.encode() + file.read_bytes() for file in files if file.is_file())
    return manifest_of(LOADER_VERSION, declared, *whole)


def _whole(read: Callable[[Layer, Path], Parsed]) -> Callable[..., Iterable[LoadReport]]:
    def load(
        layer: Layer, path: Path | None, place: Place, manifest: bytes, provenance: Provenance
    ) -> Iterable[LoadReport]:
        parsed = read(layer, path) if path is not None else stand_in(str(layer.stand_in), layer)
        name = str(layer.source.file) if path is not None else "stand-in"
        return [load_whole(place.connection, layer, parsed, Origin(name, manifest, provenance))]

    return load


def _wind(
    layer: Layer, path: Path | None, place: Place, manifest: bytes, provenance: Provenance
) -> Iterable[LoadReport]:
    """Replay the files in the order in which they were downloaded, each a load of its own."""
    stations = _stations(place.connection)
    files = _recorded(layer, path) if path is not None else _invented(layer)
    reports = []
    for name, published_at, raw, rows, refusals in files:
        records = Parsed(latest_records(layer, rows, stations), refusals)
        origin = Origin(name, manifest_of(raw), provenance, raw)
        reports.append(load_observations(place.connection, layer, records, origin, published_at))
    remember(place.connection, layer, Origin(layer.id, manifest, provenance))
    return reports


_WindFile = tuple[str, datetime, bytes, list[WindRow], list[Refusal]]


def _recorded(layer: Layer, path: Path) -> Iterator[_WindFile]:
    for published_at, file in wind_files(path):
        raw = file.read_bytes()
        rows, refusals = parse_wind(raw, published_at, file.name)
        yield f"{layer.source.file}/{file.name}", published_at, raw, newest_rows(rows), refusals


def _invented(layer: Layer) -> Iterator[_WindFile]:
    for published_at, rows in groupby(wind_series(), key=lambda row: row.published_at):
        told = f"stand-in {layer.id} {published_at.isoformat()}"
        yield told, published_at, told.encode(), list(rows), []


def _stations(connection: psycopg.Connection) -> dict[str, Record]:
    rows = connection.execute(statements(_SQL)["stations"]).fetchall()
    return {name: Record(id_, {"name_zh": zh}, bytes(wkb) if wkb else None) for id_, name, zh, wkb in rows}


def _raster(
    layer: Layer, path: Path | None, place: Place, manifest: bytes, provenance: Provenance
) -> Iterable[LoadReport]:
    place.blobs.mkdir(parents=True, exist_ok=True)
    target = _blob(layer, place)
    if path is not None:
        make_cog(path, target)
    else:
        plain = target.with_suffix(".plain.tif")
        make_cog(standin_terrain.write_terrain(plain), target)
        plain.unlink()
    remember(place.connection, layer, Origin(str(layer.source.file), manifest, provenance))
    return [LoadReport(layer.id, "done", 1)]


def _blob(layer: Layer, place: Place) -> Path:
    return place.blobs / f"{layer.id}.tif"


READERS: dict[str, Callable[..., Iterable[LoadReport]]] = {
    "vector": _whole(read_vector),
    "cameras": _whole(read_cameras),
    "wind": _wind,
    "raster": _raster,
}
