"""A tile of every vector layer draws: decoded as a map client does, from the world down to a street."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import httpx
import mapbox_vector_tile
import pytest
from matrix import LONG
from places import Tile, tile_at, tile_with

from cop.catalogue import catalogue

MOST_BYTES = 500_000
ZOOMS = (0, 6, 8, 9, 10, 11, 12, 14)
# Seen from farther away all of Hong Kong is a few pixels, and small shapes vanish.
FARTHEST_DRAWN = 10
TILES_OF_A_ZOOM = 6 if LONG else 2  # at most so many of those with features: a coarse sample
# What lies in the buffer around a tile, in units of its extent of 4096.
BUFFER = 1024


def tiles_of(box: list[float], zoom: int) -> Iterator[Tile]:
    """Zoom, row, column of a spread of tiles over a box (west, south, east, north in degrees)."""
    west, south, east, north = box
    first_column, first_row = tile_at(west, north, zoom)
    last_column, last_row = tile_at(east, south, zoom)
    every = [
        (zoom, row, column) for row in range(first_row, last_row + 1) for column in range(first_column, last_column + 1)
    ]
    yield from every[:: max(1, len(every) // TILES_OF_A_ZOOM)]


def fetch(http: httpx.Client, layer: str, tile: Tile) -> bytes:
    """A tile's bytes; fails the test unless it comes as one."""
    zoom, row, column = tile
    answer = http.get(f"/collections/{layer}/tiles/WebMercatorQuad/{zoom}/{row}/{column}?f=mvt")
    assert answer.status_code in (200, 204), answer.text[:300]
    if answer.content:
        assert answer.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    return answer.content


def positions(geometry: dict[str, Any]) -> Iterator[tuple[float, float]]:
    """All positions of a decoded geometry."""
    stack = [geometry["coordinates"]]
    while stack:
        part = stack.pop()
        if part and isinstance(part[0], int | float):
            yield part[0], part[1]
        else:
            stack.extend(part)


def check_drawable(data: bytes, layer: str) -> int:
    """The number of features of a tile in which nothing is wrong."""
    if not data:
        return 0
    decoded = mapbox_vector_tile.decode(data)
    assert list(decoded) == [layer]
    assert decoded[layer]["extent"] == 4096
    for feature in decoded[layer]["features"]:
        found = list(positions(feature["geometry"]))
        assert found, f"{layer}: a feature without a position"
        assert all(-BUFFER <= value <= 4096 + BUFFER for place in found for value in place)
    return len(decoded[layer]["features"])


def test_a_tile_draws_and_none_is_heavy(http: httpx.Client, layer: str, placed: dict[str, Any]) -> None:
    box = http.get(f"/collections/{layer}").json()["extent"]["spatial"]["bbox"][0]
    nearest = catalogue().layers[layer].tile.minzoom
    for zoom in (zoom for zoom in ZOOMS if zoom >= nearest):
        sure = tile_with(placed, zoom)
        drawn = 0
        for tile in {sure, *tiles_of(box, zoom)}:
            data = fetch(http, layer, tile)
            assert len(data) <= MOST_BYTES, f"{layer} {tile}: {len(data)} bytes"
            drawn += check_drawable(data, layer)
        assert drawn > 0 or zoom < FARTHEST_DRAWN, f"{layer}: nothing at zoom {zoom}"


def test_a_feature_is_in_the_tile_of_its_place(http: httpx.Client, layer: str, placed: dict[str, Any]) -> None:
    """From zoom 14 on nothing is thinned out: the first feature is there, under its own id."""
    data = fetch(http, layer, tile_with(placed, min(16, catalogue().layers[layer].tile.maxzoom)))
    decoded = mapbox_vector_tile.decode(data)[layer]["features"]
    assert placed["id"] in {found["properties"]["id"] for found in decoded}


def test_a_point_in_a_tile_lies_where_its_item_has_it(http: httpx.Client, truth: Any) -> None:
    zoom = 12
    places = truth.positions("weather_stations")
    for name, (lon, lat) in list(places.items())[:5]:
        column, row = tile_at(lon, lat, zoom)
        decoded = mapbox_vector_tile.decode(fetch(http, "weather_stations", (zoom, row, column)))
        found = {f["properties"]["id"]: f["geometry"]["coordinates"] for f in decoded["weather_stations"]["features"]}
        side = 2**zoom
        x = ((lon + 180) / 360 * side - column) * 4096
        y = ((1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * side - row) * 4096
        # The decoder counts y upwards.
        assert found[name] == pytest.approx([x, 4096 - y], abs=2)


def test_the_tilejson_leads_to_tiles(http: httpx.Client, server: str, layer: str, placed: dict[str, Any]) -> None:
    told = http.get(f"/collections/{layer}/tiles/WebMercatorQuad?f=tilejson").json()
    assert told["tilejson"].startswith("3.")
    assert [one["id"] for one in told["vector_layers"]] == [layer]
    template = told["tiles"][0]
    assert template.startswith(server)
    zoom, row, column = tile_with(placed, 14)
    address = template.format(z=zoom, y=row, x=column)
    decoded = mapbox_vector_tile.decode(http.get(address).content)
    fields = set(told["vector_layers"][0]["fields"])
    for found in decoded[layer]["features"]:
        assert set(found["properties"]) <= fields


def test_several_layers_in_one_tile(http: httpx.Client) -> None:
    answer = http.get("/tiles/WebMercatorQuad/10/447/836?collections=districts,incidents&f=mvt")
    assert answer.status_code == 200
    assert set(mapbox_vector_tile.decode(answer.content)) == {"districts", "incidents"}
