"""Cut features into vector tiles by PostGIS, and keep tiles in MBTiles files."""

from __future__ import annotations

import gzip
import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import psycopg
import shapely

from cop_tiles.basemap.contents import LAST_ZOOM, SOURCE_LAYERS, Feature, sql
from cop_tiles.basemap.mercator import HALF_WORLD, REGION, TILE_PX, Box, tiles_across, to_mercator

Tile = tuple[int, int, int, bytes]
_PIECE_ZOOM = 10


def store_features(connection: psycopg.Connection[Any], features: Iterable[Feature]) -> None:
    """Put features into a temporary table of the current transaction, and cut them for the fine zooms."""
    connection.execute(sql()["make_features"])
    with connection.cursor().copy(sql()["add_feature"]) as copy:
        for feature in features:
            wkb = shapely.to_wkb(shapely.set_srid(feature.geometry, 3857), hex=True, include_srid=True)
            props = orjson.dumps(feature.props).decode()
            copy.write_row((feature.source_layer, props, feature.from_zoom, feature.to_zoom, wkb))
    connection.execute(sql()["index_features"])
    columns, rows = tiles_across(_region(), _PIECE_ZOOM)
    sheet = {"left": columns[0], "right": columns[-1], "top": rows[0], "bottom": rows[-1]}
    connection.execute(sql()["make_pieces"], sheet)
    connection.execute(sql()["index_pieces"])
    connection.execute(sql()["analyse"])


def vector_tiles(connection: psycopg.Connection[Any]) -> Iterator[Tile]:
    """Every tile (z, x, y from the north, gzipped MVT) that has something in it, from stored features."""
    for z in range(LAST_ZOOM + 1):
        columns, rows = tiles_across(_region(), z)
        pixel = 2 * HALF_WORLD / 2**z / TILE_PX
        query = sql()["fine_tile" if z >= _PIECE_ZOOM else "coarse_tile"]
        for x in columns:
            for y in rows:
                row = connection.execute(query, {"z": z, "x": x, "y": y, "thin": pixel / 3}).fetchone()
                if row is not None and row[0]:
                    yield z, x, y, gzip.compress(row[0], compresslevel=6, mtime=0)


def _region() -> Box:
    west, south, east, north = REGION
    return Box(*to_mercator(west, south), *to_mercator(east, north))


def write_mbtiles(file: Path, tiles: Iterable[Tile], **metadata: str) -> int:
    """Write tiles into a new MBTiles file and return how many there are. Rows are counted from the south in it."""
    count, zooms = 0, []
    with closing(sqlite3.connect(file)) as db, db:
        db.execute("CREATE TABLE metadata (name text PRIMARY KEY, value text)")
        db.execute(
            "CREATE TABLE tiles (zoom_level integer, tile_column integer, tile_row integer, tile_data blob, "
            "PRIMARY KEY (zoom_level, tile_column, tile_row)) WITHOUT ROWID"
        )
        for z, x, y, data in tiles:
            db.execute("INSERT INTO tiles VALUES (?, ?, ?, ?)", (z, x, 2**z - 1 - y, data))
            count += 1
            zooms.append(z)
        told = {
            "bounds": ",".join(str(edge) for edge in REGION),
            "minzoom": str(min(zooms, default=0)),
            "maxzoom": str(max(zooms, default=0)),
            **metadata,
        }
        db.executemany("INSERT INTO metadata VALUES (?, ?)", told.items())
    return count


def vector_metadata() -> dict[str, str]:
    """What an MBTiles file of vector tiles must say of itself."""
    described = [{"id": name, "fields": {}} for name in sorted(SOURCE_LAYERS)]
    return {"name": "basemap", "format": "pbf", "type": "baselayer", "json": json.dumps({"vector_layers": described})}


def read_tile(file: Path, z: int, x: int, y: int) -> bytes | None:
    """One tile as stored (y from the north), or None where there is none."""
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro&immutable=1", uri=True)) as db:
        row = db.execute(
            "SELECT tile_data FROM tiles WHERE zoom_level = ? AND tile_column = ? AND tile_row = ?",
            (z, x, 2**z - 1 - y),
        ).fetchone()
    return row[0] if row else None
