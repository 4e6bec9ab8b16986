"""No tile is too heavy: the heaviest places of every layer, at every zoom, as the server sends them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import psycopg
import pytest
from psycopg import sql

from cop.catalogue import Layer, catalogue
from cop_server.cluster import Cluster

LIMIT_BYTES = 500_000
COMFORTABLE_BYTES = 100_000
DEEPEST = 18
# How many tiles of a layer and zoom are fetched; `make soak` walks them all.
HEAVIEST = 2 if os.environ.get("COP_TEST_LENGTH") != "long" else 1_000_000

Tile = tuple[str, int, int, int]

_VERTICES = """
CREATE TEMP TABLE vertices ON COMMIT DROP AS
SELECT x, y, count(*) AS points FROM (
    SELECT least(floor((ST_X(geom) + 20037508.342789244) / 40075016.685578488 * 2 ^ {deepest}),
                 2 ^ {deepest} - 1)::integer AS x,
           least(floor((20037508.342789244 - ST_Y(geom)) / 40075016.685578488 * 2 ^ {deepest}),
                 2 ^ {deepest} - 1)::integer AS y
    FROM (SELECT (ST_DumpPoints(geom_3857)).geom FROM {table}) AS dumped) AS tiles
GROUP BY x, y
"""
_HEAVIEST = """
SELECT y >> %(up)s, x >> %(up)s FROM vertices GROUP BY 1, 2 ORDER BY sum(points) DESC LIMIT %(heaviest)s
"""


def _heaviest_tiles(connection: psycopg.Connection, layer: Layer) -> Iterator[Tile]:
    """The tiles with most vertices at each zoom of a layer: id, zoom, row, column."""
    with connection.transaction():
        names = {"table": sql.Identifier("layer", layer.id), "deepest": sql.Literal(DEEPEST)}
        connection.execute(sql.SQL(_VERTICES).format(**names))
        for zoom in range(layer.tile.minzoom, min(layer.tile.maxzoom, DEEPEST) + 1):
            found = connection.execute(_HEAVIEST, {"up": DEEPEST - zoom, "heaviest": HEAVIEST}).fetchall()
            yield from ((layer.id, zoom, row, col) for row, col in found)


@pytest.fixture(scope="module")
def heaviest(cluster: Cluster, loaded_template: str, server: str) -> list[Tile]:
    """The heaviest tiles of all layers; the server is started first, for its database is a copy of the template."""
    with psycopg.connect(cluster.at(loaded_template).owner_dsn, autocommit=True) as connection:
        return [tile for layer in catalogue().feature_layers for tile in _heaviest_tiles(connection, layer)]


def test_no_tile_is_over_the_limit_and_most_are_small_soak(server: str, heaviest: list[Tile]) -> None:
    with httpx.Client(base_url=server, timeout=60) as http, ThreadPoolExecutor(2) as threads:

        def size(tile: Tile) -> int:
            layer, zoom, row, col = tile
            answer = http.get(
                f"/collections/{layer}/tiles/WebMercatorQuad/{zoom}/{row}/{col}",
                headers={"Accept-Encoding": "identity"},
            )
            assert answer.status_code in (200, 204), (tile, answer.text[:200])
            return len(answer.content)

        sizes = dict(zip(heaviest, threads.map(size, heaviest), strict=True))
    over = {tile: size for tile, size in sizes.items() if size > LIMIT_BYTES}
    assert not over
    small = sum(size < COMFORTABLE_BYTES for size in sizes.values())
    assert small > 0.5 * len(sizes), f"{small} of {len(sizes)} of the heaviest tiles are under 100 kB"
