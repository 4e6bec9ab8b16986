"""Every layer's records into the store: the published original where it was fetched, else the file at hand, else the
exercise stand-in.

A layer's file in layers/ names its reader; this module knows readers, not layers. What is loaded already is
skipped by the hash of its files and its declaration. A layer that fails keeps its old records, and the rest goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any

import psycopg

from cop.catalogue import Catalogue, Layer
from cop.errors import LoadRefused
from cop.store.statements import statements
from cop_ingest import published, territory
from cop_ingest.besttrack import read_track_points, read_tracks
from cop_ingest.cameras import read_cameras
from cop_ingest.jsonlist import read_json
from cop_ingest.load import (
    LoadReport,
    Origin,
    Provenance,
    is_loaded,
    load_observations,
    load_whole,
    manifest_of,
    published_later,
    remember,
)
from cop_ingest.published import Manners
from cop_ingest.raster import make_cog
from cop_ingest.records import Parsed, Record, Refusal
from cop_ingest.territory import relief, weather
from cop_ingest.times import HKT
from cop_ingest.transit import read_mtr_stations, read_nlb_stops
from cop_ingest.vector import read_vector
from cop_ingest.wind import WindRow, latest_records, newest_rows, parse_wind, wind_files

# What changes the outcome of a load without changing its files: raise it with such a change.
LOADER_VERSION = b"1"
_SQL = Path(__file__).parent / "sql" / "reference.sql"


@dataclass(frozen=True, slots=True)
class Place:
    """Where loads take from and put to: the store, the data folder (if any), the folders of blobs and of downloads.

    `seed` and `scale` are those of the exercise territory, which fills what is neither fetched nor at hand.
    """

    connection: psycopg.Connection
    data: Path | None
    blobs: Path
    published: Path | None = None
    seed: int = 1
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class Found:
    """What a layer is loaded from: how it is to be read there, the file or folder (None: the stand-in), and its hash.

    `strict` is for downloads: where more than a tenth of the records are refused, none is taken. `published_at` is
    known of downloads only.
    """

    layer: Layer
    path: Path | None
    provenance: Provenance
    manifest: bytes
    strict: bool = False
    published_at: datetime | None = None

    @property
    def name(self) -> str:
        """What the journal calls the origin."""
        if self.path is None:
            return "stand-in"
        return f"published/{self.layer.id}/{self.path.name}" if self.strict else str(self.layer.source.file)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one layer: its reports, or the reason why its old records stay and since when it has them."""

    layer: Layer
    provenance: Provenance
    reports: tuple[LoadReport, ...] = ()
    skipped: str | None = None
    failure: str | None = None
    stays: datetime | None = None

    @property
    def sentence(self) -> str:
        """One line for a person."""
        if self.failure is not None:
            return f"{self.layer.id}: not loaded: {self.failure}; {_age(self.stays, datetime.now(UTC))}"
        if self.skipped is not None:
            return f"{self.layer.id}: {self.skipped}"
        seen, refused = sum(r.seen for r in self.reports), sum(r.refused for r in self.reports)
        mended = sum(r.mended for r in self.reports)
        words = [f"{seen} records"] + [f"{n} {word}" for n, word in ((refused, "refused"), (mended, "mended")) if n]
        return f"{self.layer.id}: {', '.join(words)} ({self.provenance})"


def _age(loaded_at: datetime | None, now: datetime) -> str:
    if loaded_at is None:
        return "the layer has no old records"
    days = (now - loaded_at).days
    old = "loaded today" if days == 0 else f"{days} day{'s' if days > 1 else ''} old"
    return f"the old records stay, those of {loaded_at.astimezone(HKT):%Y-%m-%d} ({old})"


def load_reference(catalogue: Catalogue, place: Place, only: Collection[str] = ()) -> Iterator[Outcome]:
    """Load every layer that has a reader (or those named), one after another; what became of each as it is done."""
    # The ground stands before what is drawn on it, and stations before their observations.
    for layer in sorted(
        loadable(catalogue), key=lambda layer: (layer.is_feature_layer, layer.kind == "latest", layer.id)
    ):
        if not only or layer.id in only:
            yield _load(layer, place)


def load_published(layers: Iterable[Layer], place: Place, manners: Manners) -> Iterator[Outcome]:
    """Fetch the published original of each layer and load it; what became of each as it is done.

    A download is put into use (COP_VAR/published) only when the store has taken it. Raises LoadRefused where another
    process is downloading.
    """
    assert place.published is not None
    with published.only_one(place.published):
        for layer in layers:
            yield _fetch_and_load(layer, place, published.Folder(place.published, layer.id), manners)


def _fetch_and_load(layer: Layer, place: Place, folder: published.Folder, manners: Manners) -> Outcome:
    try:
        fetched = published.fetch(layer, folder, manners)
    except LoadRefused as exc:
        return _failed(layer, "real", place, exc)
    if fetched is None:
        manifest = folder.manifest()
        outcome = _load(layer, place)
        if outcome.skipped is None or manifest is None:
            return outcome
        return replace(outcome, skipped=f"the published original is still that of {manifest.day:%Y-%m-%d}")
    manifest, path = fetched
    outcome = _load_from(_original(layer, path, manifest), place)
    if outcome.failure is None:
        folder.accept(manifest)
    else:
        folder.forget_incoming()
    return outcome


def loadable(catalogue: Catalogue) -> list[Layer]:
    """The layers that this module fills: those with a reader or a stand-in."""
    return [layer for layer in catalogue.layers.values() if layer.source.reader or layer.stand_in]


def _load(layer: Layer, place: Place) -> Outcome:
    try:
        found = _find(layer, place)
    except LoadRefused as exc:
        return _failed(layer, "real", place, exc)
    if found.path is None and _holds_real(place.connection, layer):
        return Outcome(layer, "real", skipped="its file is not at hand; the real records loaded before stay")
    return _load_from(found, place)


def _load_from(found: Found, place: Place) -> Outcome:
    layer = found.layer
    try:
        if _is_there(layer, place, found.manifest):
            return Outcome(layer, found.provenance, skipped="loaded already")
        later = published_later(place.connection, layer, found.published_at)
        if later is not None and found.provenance == "real":
            told = f"what stands there was published later, {later.astimezone(HKT):%Y-%m-%d %H:%M}, and stays"
            return Outcome(layer, found.provenance, skipped=told)
        reports = tuple(READERS[layer.source.reader or "vector"](found, place))
    except LoadRefused as exc:
        return _failed(layer, found.provenance, place, exc)
    return Outcome(layer, found.provenance, reports)


def _failed(layer: Layer, provenance: Provenance, place: Place, why: LoadRefused) -> Outcome:
    row = place.connection.execute(statements(_SQL)["loaded_at"], {"layer": layer.id}).fetchone()
    return Outcome(layer, provenance, failure=str(why), stays=row[0] if row else None)


def _find(layer: Layer, place: Place) -> Found:
    """The published original goes before the file at hand: it is newer."""
    folder = published.Folder(place.published, layer.id) if place.published and layer.source.published else None
    manifest = folder.manifest() if folder is not None else None
    if folder is not None and manifest is not None and (fetched := folder.in_use()) is not None:
        return _original(layer, fetched, manifest)
    path = _at_hand(layer, place.data)
    return Found(layer, path, "real", _manifest(layer, path)) if path is not None else _drawn(layer, place)


def _drawn(layer: Layer, place: Place) -> Found:
    # The terrain is the ground of all else that is drawn, and depends on nothing.
    ground = territory.manifest(_territory(place)) if layer.is_feature_layer else b""
    return Found(layer, None, "exercise", manifest_of(LOADER_VERSION, _declared(layer), b"stand-in", ground))


def _territory(place: Place) -> territory.Territory:
    terrain = place.blobs / "terrain.tif"
    return _territory_on(place.seed, place.scale, terrain, terrain.stat().st_mtime_ns if terrain.is_file() else 0)


@lru_cache(maxsize=1)
def _territory_on(seed: int, scale: float, terrain: Path, _: int) -> territory.Territory:
    return territory.territory_of(seed, scale, terrain)


def _original(layer: Layer, path: Path, manifest: published.Manifest) -> Found:
    as_published = published.as_published(layer)
    hash_ = _manifest(as_published, path)
    return Found(as_published, path, "real", hash_, strict=True, published_at=manifest.published_at)


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


_NOT_READ_BY: dict[str, Any] = {
    "title": True, "description": True, "group": True, "department": True, "style": True, "scale": True, "tile": True,
    "profiles": True, "source": {"published", "dataset", "cadence", "licence", "attribution"},
}  # fmt: skip


def _declared(layer: Layer) -> bytes:
    return layer.model_dump_json(exclude=_NOT_READ_BY).encode()


def _manifest(layer: Layer, path: Path) -> bytes:
    # A Shapefile is several files of one stem, a FileGDB a folder.
    files = sorted(path.rglob("*") if path.is_dir() else path.parent.glob(f"{path.stem}.*"))
    files += [path.parent / name for name in layer.source.more]
    whole = (file.name.encode() + file.read_bytes() for file in files if file.is_file())
    return manifest_of(LOADER_VERSION, _declared(layer), *whole)


def _whole(read: Callable[[Layer, Path], Parsed]) -> Callable[[Found, Place], Iterable[LoadReport]]:
    def load(found: Found, place: Place) -> Iterable[LoadReport]:
        layer = found.layer
        parsed = read(layer, found.path) if found.path is not None else _stand_in(layer, place)
        if found.strict:
            _check_share(parsed, found)
        return [load_whole(place.connection, layer, parsed, Origin(found.name, found.manifest, found.provenance),
                           published_at=found.published_at)]  # fmt: skip

    return load


def _stand_in(layer: Layer, place: Place) -> Parsed:
    if layer.stand_in not in territory.DRAWERS:
        raise LoadRefused(f"no stand-in called {layer.stand_in} is drawn; name the data folder in COP_DATA")
    try:
        return territory.stand_in(layer, _territory(place))
    except ValueError as exc:
        raise LoadRefused(f"the stand-in {layer.stand_in} does not fit: {exc}") from exc


def _check_share(parsed: Parsed, found: Found) -> None:
    refused, seen = len(parsed.refusals), len(parsed.refusals) + len(parsed.records)
    if refused * 10 > seen:
        raise LoadRefused(
            f"{found.name}: {refused} of {seen} records cannot be taken, the first because: "
            f"{parsed.refusals[0].reason}; "
            f"the original has changed: correct layers/{found.layer.id}.yml"
        )


def _wind(found: Found, place: Place) -> Iterable[LoadReport]:
    """Replay the files in the order in which they were downloaded, each a load of its own."""
    layer = found.layer
    stations = _stations(place.connection)
    files = _recorded(layer, found.path) if found.path is not None else _invented(layer)
    reports = []
    for name, published_at, raw, rows, refusals in files:
        records = Parsed(latest_records(layer, rows, stations), refusals)
        origin = Origin(name, manifest_of(raw), found.provenance, raw)
        reports.append(load_observations(place.connection, layer, records, origin, published_at))
    remember(place.connection, layer, Origin(layer.id, found.manifest, found.provenance))
    return reports


_WindFile = tuple[str, datetime, bytes, list[WindRow], list[Refusal]]


def _recorded(layer: Layer, path: Path) -> Iterator[_WindFile]:
    for published_at, file in wind_files(path):
        raw = file.read_bytes()
        rows, refusals = parse_wind(raw, published_at, file.name)
        yield f"{layer.source.file}/{file.name}", published_at, raw, newest_rows(rows), refusals


def _invented(layer: Layer) -> Iterator[_WindFile]:
    for published_at, rows in groupby(weather.wind_series(), key=lambda row: row.published_at):
        told = f"stand-in {layer.id} {published_at.isoformat()}"
        yield told, published_at, told.encode(), list(rows), []


def _stations(connection: psycopg.Connection) -> dict[str, Record]:
    rows = connection.execute(statements(_SQL)["stations"]).fetchall()
    return {name: Record(id_, {"name_zh": zh}, bytes(wkb) if wkb else None) for id_, name, zh, wkb in rows}


def _raster(found: Found, place: Place) -> Iterable[LoadReport]:
    layer = found.layer
    place.blobs.mkdir(parents=True, exist_ok=True)
    target = _blob(layer, place)
    if found.path is not None:
        make_cog(found.path, target)
    else:
        plain = target.with_suffix(".plain.tif")
        make_cog(relief.write_terrain(plain), target)
        plain.unlink()
    remember(place.connection, layer, Origin(str(layer.source.file), found.manifest, found.provenance))
    return [LoadReport(layer.id, "done", 1)]


def _blob(layer: Layer, place: Place) -> Path:
    return place.blobs / f"{layer.id}.tif"


READERS: dict[str, Callable[[Found, Place], Iterable[LoadReport]]] = {
    "vector": _whole(read_vector),
    "json": _whole(read_json),
    "best_tracks": _whole(read_tracks),
    "best_track_points": _whole(read_track_points),
    "mtr_stations": _whole(read_mtr_stations),
    "nlb_stops": _whole(read_nlb_stops),
    "cameras": _whole(read_cameras),
    "wind": _wind,
    "raster": _raster,
}
