"""Vector tiles as bytes decoded: what is in them, what is at their edges, how large they may be."""

from __future__ import annotations

import math
from typing import Any

import httpx
import mapbox_vector_tile
import psycopg
import pytest
from matrix import TRIED_FEATURES

from cop.catalogue import catalogue
from cop.query.question import Question
from cop.visible import VisibleSet
from cop_server.cluster import Cluster
from cop_tiles import mvt
from cop_tiles.matrix import Tile, definition

HONG_KONG = (114.17, 22.3)


@pytest.fixture(scope="module")
def http(server: str) -> Any:
    with httpx.Client(base_url=server, timeout=60) as client:
        yield client


def tile_at(lon: float, lat: float, z: int) -> tuple[int, int, int]:
    col = int((lon + 180) / 360 * 2**z)
    row = int((1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * 2**z)
    return z, row, col


def decoded(http: httpx.Client, layer: str, z: int, row: int, col: int, **parameters: str) -> dict[str, Any]:
    answer = http.get(f"/collections/{layer}/tiles/WebMercatorQuad/{z}/{row}/{col}", params=parameters)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    return dict(mapbox_vector_tile.decode(answer.content)) if answer.content else {}


def first_position(geometry: dict[str, Any]) -> tuple[float, float]:
    found = geometry["coordinates"]
    while isinstance(found[0], list):
        found = found[0]
    return found[0], found[1]


@pytest.mark.conformance
@pytest.mark.parametrize("layer", [layer.id for layer in TRIED_FEATURES])
def test_every_layer_has_a_tile_with_its_name_and_attributes(http: httpx.Client, layer: str) -> None:
    features = http.get(f"/collections/{layer}/items?limit=20&f=json").json()["features"]
    places = [first_position(feature["geometry"]) for feature in features if feature["geometry"] is not None]
    if not places:
        pytest.skip("the source gives no positions")
    rules = catalogue().layers[layer].tile
    tile = decoded(http, layer, *tile_at(*places[0], min(max(rules.minzoom, 14), rules.maxzoom)))
    assert list(tile) == [layer]
    assert tile[layer]["extent"] == 4096
    allowed = {"id", "point_count", *(column.name for column in catalogue().layers[layer].columns if column.tile)}
    for feature in tile[layer]["features"]:
        assert set(feature["properties"]) <= allowed
        assert feature["properties"]["id"]


@pytest.mark.conformance
@pytest.mark.parametrize("layer", [layer.id for layer in TRIED_FEATURES])
def test_no_tile_is_over_500_kilobytes(http: httpx.Client, layer: str) -> None:
    for z in range(0, 15, 2):
        answer = http.get(f"/collections/{layer}/tiles/WebMercatorQuad/{'/'.join(map(str, tile_at(*HONG_KONG, z)))}")
        assert len(answer.content) <= mvt.MAX_BYTES, (layer, z)


def test_a_dense_tile_is_thinned_until_it_is_small_enough(store: Cluster) -> None:
    with psycopg.connect(store.owner_dsn) as owner:
        owner.execute("SELECT cop.begin_load('place_names', '\\x')")
        owner.execute(
            "INSERT INTO layer.place_names (id, name_en, name_zh, place, geom)"
            " SELECT g::text, repeat('name ' || g, 6), '名', 'village',"
            " ST_SetSRID(ST_Point(114 + (g % 250) / 1000.0, 22.2 + g / 250000.0), 4326) FROM generate_series(1, 40000) g"
        )
    question = Question(layer=catalogue().layers["place_names"], visible=VisibleSet())
    for z in (8, 10):
        body = mvt.tile(question, Tile(*tile_at(114.1, 22.25, z)))
        assert 0 < len(body) <= mvt.MAX_BYTES
        features = mapbox_vector_tile.decode(body)["place_names"]["features"]
        assert len(features) > 100, "thinned, not emptied"


def test_a_point_beyond_the_edge_is_drawn_within_the_buffer(store: Cluster) -> None:
    at = Tile(*tile_at(*HONG_KONG, 14))
    west, south, east, _ = at.lon_lat(0)
    width = east - west
    with psycopg.connect(store.owner_dsn, autocommit=True) as owner:
        for name, lon in (("in", west - width * 60 / 4096), ("out", west - width * 70 / 4096)):
            owner.execute(
                "INSERT INTO layer.place_names (id, geom) VALUES (%s, ST_SetSRID(ST_Point(%s, %s), 4326))",
                [name, lon, south + 0.001],
            )
    body = mvt.tile(Question(layer=catalogue().layers["place_names"], visible=VisibleSet()), at)
    (feature,) = mapbox_vector_tile.decode(body)["place_names"]["features"]
    assert feature["properties"]["id"] == "in"
    assert -64 <= feature["geometry"]["coordinates"][0] < 0


def test_tiles_take_the_same_filters_modes_and_moments_as_items(http: httpx.Client) -> None:
    at = tile_at(*HONG_KONG, 8)
    everything = decoded(http, "incidents", *at)["incidents"]["features"]
    major = decoded(http, "incidents", *at, filter="major = true")["incidents"]["features"]
    assert 0 < len(major) < len(everything)
    assert all(feature["properties"]["major"] for feature in major)
    assert decoded(http, "incidents", *at, mode="actual") == {}
    sequence = int(http.get("/collections/incidents/items").headers["cop-sequence"])
    past = decoded(http, "incidents", *at, asof=str(sequence - 800))["incidents"]["features"]
    assert 0 < len(past) < len(everything)


def test_an_empty_tile_is_an_empty_answer(http: httpx.Client) -> None:
    assert decoded(http, "districts", 6, 0, 0) == {}


def test_tiles_answer_304(http: httpx.Client) -> None:
    path = f"/collections/districts/tiles/WebMercatorQuad/{'/'.join(map(str, tile_at(*HONG_KONG, 9)))}"
    first = http.get(path)
    assert http.get(path, headers={"If-None-Match": first.headers["etag"]}).status_code == 304


def test_several_collections_come_in_one_tile(http: httpx.Client) -> None:
    at = "/".join(map(str, tile_at(*HONG_KONG, 9)))
    answer = http.get(f"/tiles/WebMercatorQuad/{at}", params={"collections": "districts,incidents"})
    assert set(mapbox_vector_tile.decode(answer.content)) == {"districts", "incidents"}


def test_the_tile_matrix_set_is_the_standards(http: httpx.Client) -> None:
    told = http.get("/tileMatrixSets/WebMercatorQuad").json()
    assert told == definition()
    assert told["tileMatrices"][0]["scaleDenominator"] == 559082264.028717
    assert told["tileMatrices"][14]["matrixWidth"] == 16384


def test_tilejson_names_the_tiles(http: httpx.Client, server: str) -> None:
    told = http.get("/collections/incidents/tiles/WebMercatorQuad", params={"f": "tilejson"}).json()
    z, row, col = tile_at(*HONG_KONG, 8)
    address = told["tiles"][0].format(z=z, y=row, x=col)
    assert address.startswith(server)
    assert httpx.get(address).status_code == 200
    assert {layer["id"] for layer in told["vector_layers"]} == {"incidents"}
