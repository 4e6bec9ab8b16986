"""Build the basemap from the store and the terrain: vector tiles, hill shade, glyphs; nothing where nothing changed."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import shapely
from psycopg.sql import SQL, Composed, Identifier

from cop.catalogue import Catalogue, catalogue
from cop.resources import resource
from cop_tiles.basemap import folder as place
from cop_tiles.basemap.contents import Road, features, read_layers, sql
from cop_tiles.basemap.glyphs import write_glyphs
from cop_tiles.basemap.names import NAMES_FILE, names
from cop_tiles.basemap.shade import raster_tiles
from cop_tiles.basemap.terrain import Terrain, read_terrain
from cop_tiles.basemap.tiles import store_features, vector_metadata, vector_tiles, write_mbtiles
from cop_tiles.styles import style_files

log = logging.getLogger(__name__)

# How far a road layer reaches, the best first.
_ROADS: tuple[tuple[str, place.Reach], ...] = (("road_centreline", "territory"), ("roads_b50k", "lantau"))
_GROUND = "land"
_LAYERS = (_GROUND, "districts", "landcover_wood", "water_bodies", "place_names", *(name for name, _ in _ROADS))


class Mark(NamedTuple):
    """What a layer holds: rows, last change, and whether any or every row is invented for exercise."""

    layer: str
    rows: int
    last_change: int
    exercise: bool
    all_exercise: bool


def build(connection: psycopg.Connection[Any], terrain: Path | None, target: Path) -> None:
    """Make the basemap in `target` from the store's layers and a terrain raster (any CRS, heights in metres).

    The connection reads as the owner and needs the right to make temporary tables. A build happens in a folder of
    its own that takes over at the end; where no input changed, nothing is done. Raises SetupTrouble where fonts are
    missing, psycopg and rasterio errors where the store or the raster cannot be read; the basemap before stays.
    """
    with place.locked(target), connection.transaction():
        marks = used(_marks(connection))
        characters = _characters(connection, catalogue())
        digest = _digest(marks, terrain, characters)
        before = place.built(target)
        if before is not None and before.name == digest:
            log.info("the basemap is up to date (%s)", digest)
            return
        with place.new_folder(target, digest) as folder:
            manifest = _manifest(digest, marks, terrain, catalogue())
            _fill(connection, terrain, folder, characters, manifest)


def _marks(connection: psycopg.Connection[Any]) -> list[Mark]:
    return [_mark(connection, name) for name in sorted(_present(connection, _LAYERS))]


def _present(connection: psycopg.Connection[Any], layers: Iterable[str]) -> set[str]:
    """Those of the layers that have a table: a layer's file may have come after the last `cop layers apply`."""
    rows = connection.execute(sql()["present"], {"names": sorted(layers)}).fetchall()
    return {row[0] for row in rows}


def _mark(connection: psycopg.Connection[Any], layer: str) -> Mark:
    query = SQL(
        "SELECT count(*), coalesce(max(seq), 0), coalesce(bool_or(provenance = 'exercise'), false),"
        " coalesce(bool_and(provenance = 'exercise'), false) FROM {}"
    ).format(Identifier("layer", layer))
    row = connection.execute(query).fetchone()
    assert row is not None
    return Mark(layer, *row)


def used(marks: Iterable[Mark]) -> list[Mark]:
    """The marks of the layers that are drawn: of several road layers the best that fits the ground.

    Invented roads are never drawn on real ground: they would turn the whole map into one of the exercise.
    """
    by_name = {mark.layer: mark for mark in marks}
    ground = by_name.get(_GROUND)
    invented = ground is not None and ground.all_exercise
    roads = [by_name[name] for name, _ in _ROADS if name in by_name]
    fitting = [mark for mark in roads if mark.rows and (invented or not mark.exercise)]
    left_out = {mark.layer for mark in roads} - {mark.layer for mark in fitting[:1]}
    return [mark for name, mark in sorted(by_name.items()) if name not in left_out]


def _reach(marks: Iterable[Mark]) -> place.Reach:
    drawn = {mark.layer for mark in marks if mark.rows}
    return next((reach for name, reach in _ROADS if name in drawn), "none")


def _manifest(digest: str, marks: Sequence[Mark], terrain: Path | None, shown: Catalogue) -> place.Manifest:
    return place.Manifest(
        digest,
        exercise=any(mark.exercise for mark in marks),
        roads=_reach(marks),
        terrain=terrain is not None,
        credits=tuple(dict.fromkeys(_credits(marks, shown))),
    )


def _credits(marks: Iterable[Mark], shown: Catalogue) -> Iterator[str]:
    """Whom to name: the owners of what is real, and OpenStreetMap also where things were derived from it (ODbL)."""
    for mark in marks:
        source = shown.layers[mark.layer].source if mark.layer in shown.layers else None
        if source is None or not mark.rows or (mark.all_exercise and source.licence != "ODbL"):
            continue
        en, zh = source.attribution.en, source.attribution.zh
        yield en if en.startswith("©") else f"{en} {zh}"


def _fill(
    connection: psycopg.Connection[Any],
    terrain: Path | None,
    folder: Path,
    characters: Iterable[str],
    manifest: place.Manifest,
) -> None:
    heights = read_terrain(terrain) if terrain is not None else None
    roads = _read_roads(connection, manifest.roads)
    drawn = features(read_layers(connection, roads), heights, names(), manifest.exercise)
    store_features(connection, drawn)
    count = write_mbtiles(folder / place.VECTOR_FILE, vector_tiles(connection), **vector_metadata())
    shaded = _write_rasters(folder, heights)
    write_glyphs(folder / place.GLYPH_FOLDER, characters)
    place.write_manifest(folder, manifest)
    log.info("basemap %s: %d vector tiles, %d tiles of relief", manifest.digest, count, shaded)


def _write_rasters(folder: Path, heights: Terrain | None) -> int:
    made = raster_tiles(heights) if heights is not None else {}
    files = {"hillshade": place.SHADE_FILE, "tint": place.TINT_FILE, "relief": place.RELIEF_FILE}
    return sum(
        write_mbtiles(folder / file, made.get(kind, ()), name=kind, format="png", type="overlay")
        for kind, file in files.items()
    )


def _read_roads(connection: psycopg.Connection[Any], reach: place.Reach) -> list[Road]:
    if reach == "none":
        return []
    rows = connection.execute(sql()[f"roads_{reach}"])
    return [Road(main, tunnel, shapely.from_wkb(wkb)) for main, tunnel, wkb in rows]


def _characters(connection: psycopg.Connection[Any], shown: Catalogue) -> frozenset[str]:
    """Every character that a label may need: in tiled text columns, in the catalogue's words, in names.yml."""
    found = set(NAMES_FILE.read_text(encoding="utf-8")) | set("演習")
    for file in sorted(resource("layers").glob("*.yml")):
        found |= set(file.read_text(encoding="utf-8"))
    present = _present(connection, [layer.id for layer in shown.feature_layers])
    for layer in shown.feature_layers:
        columns = [column.name for column in layer.columns if column.tile and column.type == "text"]
        if columns and layer.id in present:
            row = connection.execute(_characters_query(layer.id, columns)).fetchone()
            found |= set(row[0] or "" if row else "")
    return frozenset(character for character in found if character.isprintable())


def _characters_query(layer: str, columns: Iterable[str]) -> Composed:
    joined = SQL(", ").join(map(Identifier, columns))
    return SQL("SELECT string_agg(DISTINCT concat({}), '') FROM {}").format(joined, Identifier("layer", layer))


def _digest(marks: Iterable[Mark], terrain: Path | None, characters: Iterable[str]) -> str:
    """The hash of everything that decides how the map looks: rows, terrain, characters, this recipe, the styles."""
    digest = hashlib.sha256(repr(list(marks)).encode() + "".join(sorted(characters)).encode())
    if terrain is not None:
        with terrain.open("rb") as raster:
            digest.update(hashlib.file_digest(raster, "sha256").digest())
    recipe = [file for file in Path(__file__).parent.iterdir() if file.suffix in {".py", ".sql", ".yml"}]
    for file in sorted([*recipe, *style_files()]):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]
