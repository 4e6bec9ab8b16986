"""Events name the tiles that have changed: those and no others differ afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import psycopg
import pytest
from replicas import incident
from streams import Stream

from cop_server.cluster import Cluster
from cop_tiles.matrix import HALF, Tile, tiles_meeting

TILES = "/collections/incidents/tiles/WebMercatorQuad"
EDGE = 114.08203125  # between columns 13383 and 13384 of zoom 14
NEAR_AN_EDGE, FAR = EDGE + 1e-5, 114.31  # a metre east of it: in the margin of the tile to its west
ZOOMS = (0, 5, 10, 12, 14, 16)


@pytest.fixture
def owner(store: Cluster) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(store.owner_dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
def url(store: Cluster, start_server: Callable[..., str]) -> str:
    return start_server(store.app_dsn)


def around(lon: float, lat: float, z: int) -> set[Tile]:
    """The tile of a position and its eight neighbours."""
    middle = tiles_meeting((lon, lat, lon, lat))
    near = next(tile for tile in middle if tile.z == z)
    span = range(-1, 2)
    edge = 2**z
    return {Tile(z, near.row + down, near.col + over) for down in span for over in span
            if 0 <= near.row + down < edge and 0 <= near.col + over < edge}  # fmt: skip


def children(tile: Tile) -> set[Tile]:
    return {Tile(tile.z + 1, tile.row * 2 + down, tile.col * 2 + over) for down in (0, 1) for over in (0, 1)}


def named(event: dict[str, Any]) -> set[Tile]:
    return {Tile(*map(int, one.split("/"))) for one in event["tiles"].split()}


def lies_in(tile: Tile, others: set[Tile]) -> bool:
    """Whether a tile is one of these, or lies beneath one of the deepest of them."""
    deepest = max(other.z for other in others)
    up = max(0, tile.z - deepest)
    return Tile(tile.z - up, tile.row >> up, tile.col >> up) in others


def test_the_tiles_that_an_event_names_are_those_that_differ(url: str, owner: Any) -> None:
    stream = Stream(url, collections="incidents")
    incident(owner, "I-1")
    owner.execute("UPDATE layer.incidents SET geom = ST_SetSRID(ST_Point(%s, 22.3), 4326)", [NEAR_AN_EDGE])
    asked = {tile for z in ZOOMS for lon in (NEAR_AN_EDGE, FAR) for tile in around(lon, 22.3, z)}
    asked |= {beneath for tile in asked if tile.z == max(ZOOMS) for beneath in children(tile)}
    with httpx.Client(base_url=url, timeout=30) as http:

        def drawn() -> dict[Tile, bytes]:
            return {tile: http.get(f"{TILES}/{tile.z}/{tile.row}/{tile.col}").content for tile in asked}

        before = drawn()
        owner.execute("UPDATE layer.incidents SET geom = ST_SetSRID(ST_Point(%s, 22.3), 4326)", [FAR])
        after = drawn()
    stream.until(lambda s: bool(s.events) and s.events[-1]["data"]["geometry"]["coordinates"][0] == FAR)
    stream.close()
    event = stream.events[-1]
    assert event["tilematrixset"] == "WebMercatorQuad"
    differing = {tile for tile in asked if before[tile] != after[tile]}
    assert {tile.z for tile in differing} == {*ZOOMS, max(ZOOMS) + 1}
    told = named(event)
    untold = {tile for tile in differing if not lies_in(tile, told)}
    assert not untold, "each tile that differs is named, or lies beneath a named one"


def test_one_place_is_named_at_each_zoom_and_no_more_tiles_than_show_it() -> None:
    found = tiles_meeting((114.1, 22.3, 114.1, 22.3))
    assert [tile.z for tile in found] == list(range(17)), "well within a tile: one at each zoom"
    assert found[12] == Tile(12, 1787, 3346)
    for tile in found:
        west, south, east, north = tile.lon_lat(0)
        assert west <= 114.1 <= east
        assert south <= 22.3 <= north


def test_the_margin_of_a_neighbour_counts() -> None:
    beside = [tile.col for tile in tiles_meeting((NEAR_AN_EDGE, 22.3, NEAR_AN_EDGE, 22.3)) if tile.z == 14]
    assert beside == [13383, 13384]


@pytest.mark.parametrize("box", [(-180.0, -90.0, 180.0, 90.0), (113.8, 22.1, 114.5, 22.6)])
def test_a_large_box_is_named_by_its_lowest_zooms(box: tuple[float, float, float, float]) -> None:
    found = tiles_meeting(box)
    zooms = [tile.z for tile in found]
    assert zooms[0] == 0
    assert max(zooms.count(z) for z in zooms) <= 4
    last = [tile for tile in found if tile.z == zooms[-1]]
    west, east = min(tile.envelope[0] for tile in last), max(tile.envelope[2] for tile in last)
    assert west <= HALF * box[0] / 180
    assert east >= HALF * box[2] / 180
