"""OGC API Tiles and Tile Matrix Set in short: from the collection by links to a tile, and past the edge of the world."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from places import tile_with

Json = dict[str, Any]

REL = "http://www.opengis.net/def/rel/ogc/1.0"
MVT = "application/vnd.mapbox-vector-tile"
WEB_MERCATOR_QUAD = "http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad"


def href(document: Json, rel: str) -> str:
    """The address of the first link of a relation."""
    return str(next(link["href"] for link in document["links"] if link["rel"] == rel))


def test_tiles_are_declared(http: httpx.Client) -> None:
    declared = http.get("/conformance").json()["conformsTo"]
    for name in ("core", "tileset", "tilesets-list", "mvt"):
        assert f"http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/{name}" in declared


def test_links_lead_from_a_collection_to_a_tile(http: httpx.Client, layer: str, placed: Json) -> None:
    collection = http.get(f"/collections/{layer}").json()
    listed = http.get(href(collection, f"{REL}/tilesets-vector")).json()["tilesets"]
    assert len(listed) == 1
    assert listed[0]["dataType"] == "vector"
    assert listed[0]["tileMatrixSetURI"] == WEB_MERCATOR_QUAD
    tileset = http.get(href(listed[0], "self")).json()
    assert tileset["tileMatrixSetURI"] == WEB_MERCATOR_QUAD
    matrix_set = http.get(href(tileset, f"{REL}/tiling-scheme")).json()
    assert matrix_set["id"] == "WebMercatorQuad"
    item = next(link for link in tileset["links"] if link["rel"] == "item")
    assert item["templated"] is True
    assert item["type"] == MVT
    address = item["href"]
    for name, value in zip(("{tileMatrix}", "{tileRow}", "{tileCol}"), tile_with(placed, 14), strict=True):
        address = address.replace(name, str(value))
    answer = http.get(address)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == MVT
    assert answer.content


def test_the_tile_matrix_set_is_the_standard_one(http: httpx.Client) -> None:
    listed = http.get("/tileMatrixSets").json()["tileMatrixSets"]
    assert [one["id"] for one in listed] == ["WebMercatorQuad"]
    definition = http.get(href(listed[0], "self")).json()
    assert "3857" in str(definition["crs"])
    matrices = definition["tileMatrices"]
    assert [matrix["id"] for matrix in matrices] == [str(zoom) for zoom in range(len(matrices))]
    for zoom, matrix in enumerate(matrices):
        assert matrix["matrixWidth"] == matrix["matrixHeight"] == 2**zoom
        assert matrix["scaleDenominator"] == pytest.approx(559082264.028717 / 2**zoom)
        assert matrix["cellSize"] == pytest.approx(156543.033928041 / 2**zoom)
        assert matrix["pointOfOrigin"] == pytest.approx([-20037508.3427892, 20037508.3427892])
        assert matrix["tileWidth"] == matrix["tileHeight"] == 256


@pytest.mark.parametrize(
    "tile", ["0/0/1", "0/1/0", "3/8/0", "99/0/0", "-1/0/0", "a/0/0", "3/a/0", "3/0/1.5", "10/447/99999999999999999999"]
)
def test_beyond_the_edge_is_404(http: httpx.Client, layer: str, tile: str) -> None:
    answer = http.get(f"/collections/{layer}/tiles/WebMercatorQuad/{tile}")
    assert answer.status_code == 404, answer.text[:200]
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["collections/incidents/tiles/None", "collections/incidents/tiles/None/0/0/0",
                                  "collections/none/tiles", "collections/none/tiles/WebMercatorQuad/0/0/0",
                                  "collections/terrain/tiles/WebMercatorQuad/0/0/0", "tileMatrixSets/None"])  # fmt: skip
def test_unknown_sets_and_collections_are_404(http: httpx.Client, path: str) -> None:
    answer = http.get(f"/{path}")
    assert answer.status_code == 404
    assert answer.json()["detail"]


def test_a_tile_that_did_not_change_is_not_sent_twice(http: httpx.Client, layer: str, placed: Json) -> None:
    zoom, row, column = tile_with(placed, 14)
    address = f"/collections/{layer}/tiles/WebMercatorQuad/{zoom}/{row}/{column}"
    first = http.get(address)
    again = http.get(address, headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""
    assert http.get(address).content == first.content


def test_a_filter_thins_a_tile(http: httpx.Client) -> None:
    address = "/collections/incidents/tiles/WebMercatorQuad/10/447/836"
    whole = http.get(address).content
    floods = http.get(address, params={"filter": "category = 'flood'", "filter-lang": "cql2-text"}).content
    assert 0 < len(floods) < len(whole)
    refused = http.get(address, params={"filter": "colour = 'red'"})
    assert refused.status_code == 400
    assert "colour" in refused.json()["detail"]
