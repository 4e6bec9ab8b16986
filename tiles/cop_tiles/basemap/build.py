"""Build the basemap from the store and the terrain: vector tiles, hill shade, glyphs; nothing where nothing changed."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psycopg
from psycopg.sql import SQL, Composed, Identifier

from cop.catalogue import Catalogue, catalogue
from cop.resources import resource
from cop_tiles.basemap import folder as place
from cop_tiles.basemap.contents import features, read_layers, sql
from cop_tiles.basemap.glyphs import write_glyphs
from cop_tiles.basemap.names import NAMES_FILE, names
from cop_tiles.basemap.terrain import read_terrain, shade_tiles
from cop_tiles.basemap.tiles import store_features, vector_metadata, vector_tiles, write_mbtiles

log = logging.getLogger(__name__)

Mark = tuple[str, int, int, bool]


def build(connection: psycopg.Connection[Any], terrain: Path | None, target: Path) -> None:
    """Make the basemap in `target` from the store's layers and a terrain raster (any CRS, heights in metres).

    The connection reads as the owner and needs the right to make temporary tables. A build happens in a folder of
    its own that takes over at the end; where no input changed, nothing is done. Raises SetupTrouble where fonts are
    missing, psycopg and rasterio errors where the store or the raster cannot be read; the basemap before stays.
    """
    with place.locked(target), connection.transaction():
        marks: list[Mark] = connection.execute(sql()["marks"]).fetchall()
        characters = _characters(connection, catalogue())
        digest = _digest(marks, terrain, characters)
        before = place.built(target)
        if before is not None and before.name == digest:
            log.info("the basemap is up to date (%s)", digest)
            return
        with place.new_folder(target, digest) as folder:
            manifest = _manifest(digest, marks, terrain)
            _fill(connection, terrain, folder, characters, manifest)


def _manifest(digest: str, marks: Iterable[Mark], terrain: Path | None) -> place.Manifest:
    rows = {name: count for name, count, _, _ in marks}
    exercise = any(mark[3] for mark in marks)
    return place.Manifest(digest, exercise=exercise, roads=rows["roads_b50k"] > 0, terrain=terrain is not None)


def _fill(
    connection: psycopg.Connection[Any],
    terrain: Path | None,
    folder: Path,
    characters: Iterable[str],
    manifest: place.Manifest,
) -> None:
    heights = read_terrain(terrain) if terrain is not None else None
    drawn = features(read_layers(connection), heights, names(), manifest.exercise)
    store_features(connection, drawn)
    count = write_mbtiles(folder / place.VECTOR_FILE, vector_tiles(connection), **vector_metadata())
    shade = shade_tiles(heights) if heights is not None else ()
    shaded = write_mbtiles(folder / place.SHADE_FILE, shade, name="hillshade", format="png", type="overlay")
    write_glyphs(folder / place.GLYPH_FOLDER, characters)
    place.write_manifest(folder, manifest)
    log.info("basemap %s: %d vector tiles, %d tiles of hill shade", manifest.digest, count, shaded)


def _characters(connection: psycopg.Connection[Any], shown: Catalogue) -> frozenset[str]:
    """Every character that a label may need: in tiled text columns, in the catalogue's words, in names.yml."""
    found = set(NAMES_FILE.read_text(encoding="utf-8")) | set("演習")
    for file in sorted(resource("layers").glob("*.yml")):
        found |= set(file.read_text(encoding="utf-8"))
    for layer in shown.feature_layers:
        columns = [column.name for column in layer.columns if column.tile and column.type == "text"]
        if columns:
            found |= {row[0] for row in connection.execute(_characters_query(layer.id, columns))}
    return frozenset(character for character in found if character.isprintable())


def _characters_query(layer: str, columns: Iterable[str]) -> Composed:
    joined = SQL(", ").join(map(Identifier, columns))
    return SQL("SELECT DISTINCT regexp_split_to_table(concat({}), '') FROM {}").format(
        joined, Identifier("layer", layer)
    )


def _digest(marks: Iterable[Mark], terrain: Path | None, characters: Iterable[str]) -> str:
    """The hash of everything that decides how the map looks: rows, terrain, characters, this recipe, the styles."""
    digest = hashlib.sha256(repr(list(marks)).encode() + "".join(sorted(characters)).encode())
    if terrain is not None:
        with terrain.open("rb") as raster:
            digest.update(hashlib.file_digest(raster, "sha256").digest())
    recipe = [file for file in Path(__file__).parent.iterdir() if file.suffix in {".py", ".sql", ".yml"}]
    for file in sorted([*recipe, *resource("styles").glob("*.json")]):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]
