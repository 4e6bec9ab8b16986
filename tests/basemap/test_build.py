"""The build: what the tiles hold, that it is done once, and that a failure leaves the map before in force."""

from __future__ import annotations

import gzip
import io
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import mapbox_vector_tile
import psycopg
import pytest
import rasterio.errors
from PIL import Image

from cop_tiles.basemap.build import Mark, build, used
from cop_tiles.basemap.folder import built, manifest_of, stamp
from cop_tiles.basemap.mercator import Box, tile_box, tiles_across, to_mercator
from cop_tiles.basemap.names import names
from cop_tiles.basemap.tiles import read_tile

CENTRAL, POND, ISLAND, SEAM = (114.18, 22.28), (114.16, 22.36), (114.30, 22.30), (114.101, 22.251)


def _tile(folder: Path, lon_lat: tuple[float, float], z: int) -> dict[str, Any]:
    x, y = to_mercator(*lon_lat)
    columns, rows = tiles_across(Box(x, y, x, y), z)
    data = read_tile(folder / "base.mbtiles", z, columns[0], rows[0])
    return {} if data is None else mapbox_vector_tile.decode(gzip.decompress(data))


def _covers(tile: dict[str, Any], layer: str, lon_lat: tuple[float, float], z: int) -> bool:
    """Whether a layer's areas cover a position; coordinates within a tile count from its south-west corner."""
    from shapely.geometry import Point, shape

    x, y = to_mercator(*lon_lat)
    columns, rows = tiles_across(Box(x, y, x, y), z)
    box = tile_box(z, columns[0], rows[0])
    side = box.east - box.west
    at = Point((x - box.west) / side * 4096, (y - box.south) / side * 4096)
    return any(shape(feature["geometry"]).covers(at) for feature in tile.get(layer, {}).get("features", []))


@pytest.fixture
def folder(state: Path) -> Path:
    found = built(state / "basemap")
    assert found is not None
    return found


@pytest.mark.parametrize("z", [9, 11, 14])
def test_land_has_no_seam(folder: Path, z: int) -> None:
    assert _covers(_tile(folder, SEAM, z), "land", SEAM, z)


def test_ponds_stay_and_islands_marked_as_water_go(folder: Path) -> None:
    assert _covers(_tile(folder, POND, 14), "water", POND, 14)
    assert not _covers(_tile(folder, ISLAND, 14), "water", ISLAND, 14)
    assert _covers(_tile(folder, ISLAND, 14), "land", ISLAND, 14)
    sea = (113.92, 22.30)
    assert not _covers(_tile(folder, sea, 12), "water", sea, 12)


def test_labels_carry_both_names_and_their_first_zoom(folder: Path) -> None:
    labels = [feature["properties"] for feature in _tile(folder, CENTRAL, 12)["label"]["features"]]
    central = next(label for label in labels if label["zh"] == "中環")
    assert central["en"] == "Central"
    assert central["kind"] == "suburb"
    assert central["z"] <= 12


def test_districts_are_labelled_once(folder: Path) -> None:
    found = [
        feature["properties"]["en"]
        for tile in _tiles(folder, 11)
        for feature in tile.get("label", {}).get("features", [])
        if feature["properties"]["kind"] == "district"
    ]
    assert sorted(found) == ["Eastern District", "Western"]


def test_contours_come_from_the_terrain(folder: Path) -> None:
    heights = {feature["properties"]["ele"] for feature in _tile(folder, (114.033, 22.357), 12)["contour"]["features"]}
    assert {50, 250, 500} <= heights


def _tiles(folder: Path, z: int) -> Iterator[dict[str, Any]]:
    with closing(sqlite3.connect(folder / "base.mbtiles")) as db:
        for (data,) in db.execute("SELECT tile_data FROM tiles WHERE zoom_level = ?", (z,)):
            yield mapbox_vector_tile.decode(gzip.decompress(data))


@pytest.mark.parametrize("z", range(7, 15))
def test_invented_data_is_marked_at_every_zoom(folder: Path, z: int) -> None:
    assert manifest_of(folder).exercise
    notice = next(tile["notice"] for tile in _tiles(folder, z) if "notice" in tile)
    assert notice["features"][0]["properties"] == {"zh": "演習", "en": "EXERCISE"}


def test_hill_shade_is_clear_on_flat_ground_and_strong_on_slopes(folder: Path, tmp_path: Path) -> None:
    x, y = to_mercator(114.033, 22.357)
    columns, rows = tiles_across(Box(x, y, x, y), 11)
    data = read_tile(folder / "hillshade.mbtiles", 11, columns[0], rows[0])
    assert data is not None
    (tmp_path / "shade.png").write_bytes(data)
    alpha = Image.open(tmp_path / "shade.png").convert("RGBA").getchannel("A")
    assert alpha.size == (512, 512)
    low, high = alpha.getextrema()
    assert low == 0
    assert high > 30


def test_nothing_is_built_twice(filled: psycopg.Connection[Any], terrain: Path, tmp_path: Path) -> None:
    target = tmp_path / "basemap"
    build(filled, terrain, target)
    first, dated = built(target), stamp(target).stat().st_mtime_ns
    build(filled, terrain, target)
    assert built(target) == first
    assert stamp(target).stat().st_mtime_ns == dated
    filled.execute("DELETE FROM layer.place_names")
    build(filled, terrain, target)
    assert built(target) != first
    assert stamp(target).stat().st_mtime_ns > dated
    # The one before stays for whoever still draws from it; nothing else does.
    assert {path.name for path in target.iterdir() if path.is_dir() and not path.is_symlink()} == {
        path.name for path in (first, built(target)) if path is not None
    }


def test_a_failed_build_leaves_the_map_before(
    filled: psycopg.Connection[Any], terrain: Path, tmp_path: Path, state: Path
) -> None:
    target = state / "basemap"
    before = built(target)
    broken = tmp_path / "broken.tif"
    broken.write_bytes(b"no raster")
    with pytest.raises(rasterio.errors.RasterioIOError):
        build(filled, broken, target)
    assert built(target) == before
    assert not list(target.glob(".*.draft"))


def test_an_empty_store_and_no_terrain_make_a_map_of_the_sea(database: str, tmp_path: Path) -> None:
    with psycopg.connect(database) as connection:
        build(connection, None, tmp_path)
    folder = built(tmp_path)
    assert folder is not None
    assert not manifest_of(folder).terrain
    assert manifest_of(folder).roads == "none"
    assert manifest_of(folder).credits == ()


def _mark(layer: str, rows: int, exercise: bool) -> Mark:
    return Mark(layer, rows, 1, exercise and rows > 0, exercise and rows > 0)


@pytest.mark.parametrize(
    ("ground", "centreline", "lantau", "roads"),
    [
        ("exercise", ("exercise", 9), ("exercise", 9), "road_centreline"),
        ("exercise", None, ("exercise", 9), "roads_b50k"),
        ("real", ("exercise", 9), ("real", 9), "roads_b50k"),
        ("real", ("exercise", 9), ("exercise", 9), None),
        ("real", ("real", 9), ("real", 9), "road_centreline"),
        ("real", ("real", 0), ("real", 9), "roads_b50k"),
    ],
)
def test_invented_roads_are_not_drawn_on_real_ground(
    ground: str, centreline: tuple[str, int] | None, lantau: tuple[str, int], roads: str | None
) -> None:
    marks = [_mark("land", 5, ground == "exercise"), _mark("roads_b50k", lantau[1], lantau[0] == "exercise")]
    if centreline is not None:
        marks.append(_mark("road_centreline", centreline[1], centreline[0] == "exercise"))
    drawn = used(marks)
    assert {mark.layer for mark in drawn} - {"land"} == ({roads} if roads else set())
    assert any(mark.exercise for mark in drawn) == (ground == "exercise")


def test_the_sea_of_the_relief_map_leaves_the_land_free(folder: Path) -> None:
    at_sea, on_land = (113.90, 22.10), (114.10, 22.30)
    assert _covers(_tile(folder, at_sea, 11), "sea", at_sea, 11)
    assert not _covers(_tile(folder, on_land, 11), "sea", on_land, 11)
    depths = {feature["properties"]["depth"] for feature in _tile(folder, at_sea, 11)["sea"]["features"]}
    assert depths == {0, 1, 2, 3}


def test_tints_rise_with_the_hill_and_are_clear_at_sea(folder: Path) -> None:
    x, y = to_mercator(114.033, 22.357)
    columns, rows = tiles_across(Box(x, y, x, y), 11)
    data = read_tile(folder / "tint.mbtiles", 11, columns[0], rows[0])
    assert data is not None
    image = Image.open(io.BytesIO(data)).convert("RGBA")
    box = tile_box(11, columns[0], rows[0])
    scale = 512 / (box.east - box.west)
    top = image.getpixel((int((x - box.west) * scale), int((box.north - y) * scale)))
    assert isinstance(top, tuple)
    red, green, _, alpha = top
    assert alpha == 255
    assert red > green, "the summit is brown, the plain is green"


def test_names_lie_where_they_can_be(folder: Path) -> None:
    west, south, east, north = 113.4, 21.9, 114.6, 22.7
    for name in (*names().seas, *names().reservoirs, *names().summits, *names().neighbours):
        assert west < name.at[0] < east, name
        assert south < name.at[1] < north, name
