"""The territory at the door: every collection answers with features, style, legend, tile, both languages, provenance."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from matrix import TRIED_FEATURES
from places import EMPTY, tile_with

from cop.catalogue import Layer, catalogue

CHINESE = re.compile(r"[一-鿿]")
THEMES = ("light", "dark", "print")
FEATURE_LAYERS = [pytest.param(layer, id=layer.id) for layer in catalogue().feature_layers]


@pytest.fixture(scope="module")
def http(server: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server, timeout=60, headers={"Accept": "application/json"}) as client:
        yield client


@pytest.fixture(scope="module")
def described(http: httpx.Client) -> dict[str, dict[str, Any]]:
    return {one["id"]: one for one in http.get("/collections").json()["collections"]}


def test_more_than_65_collections_answer(described: dict[str, dict[str, Any]]) -> None:
    assert len(described) > 65
    assert set(described) == set(catalogue().layers)


def test_every_department_of_a_layer_and_twenty_of_them(described: dict[str, dict[str, Any]]) -> None:
    departments = {one["cop"]["department"] for one in described.values()}
    assert departments <= set(catalogue().codes["departments"])
    assert len(departments) >= 20


@pytest.mark.parametrize("layer", [pytest.param(layer, id=layer.id) for layer in catalogue().layers.values()])
def test_metadata_is_bilingual_and_says_where_it_comes_from(layer: Layer, described: dict[str, dict[str, Any]]) -> None:
    for text in (layer.title, layer.description, layer.source.attribution, *(c.title for c in layer.columns)):
        assert text.en.strip()
        assert CHINESE.search(text.zh) or text.zh in text.en, text
    assert CHINESE.search(layer.title.zh)
    assert CHINESE.search(layer.description.zh)
    assert described[layer.id]["cop"]["provenance"] in ("real", "exercise")
    assert described[layer.id]["attribution"]
    assert any(link["rel"] == "license" for link in described[layer.id]["links"])
    assert layer.source.cadence


@pytest.mark.parametrize("layer", FEATURE_LAYERS)
def test_features_and_the_tile_around_one_of_them(layer: Layer, http: httpx.Client) -> None:
    page = http.get(f"/collections/{layer.id}/items?limit=20").json()
    assert bool(page["features"]) == (layer.id not in EMPTY), "there is no feature, or one where none should be"
    assert {feature["properties"]["provenance"] for feature in page["features"]} <= {"real", "exercise"}
    placed = [feature for feature in page["features"] if feature["geometry"] is not None]
    if not placed:
        pytest.skip("the source gives no positions")
    zoom = min(max(layer.tile.minzoom, 14), layer.tile.maxzoom)
    found = [_tile(http, layer, feature, zoom) for feature in placed[:5]]
    assert any(found), "no tile around a feature holds anything"


def _tile(http: httpx.Client, layer: Layer, feature: dict[str, Any], zoom: int) -> bytes:
    _, row, col = tile_with(feature, zoom)
    answer = http.get(f"/collections/{layer.id}/tiles/WebMercatorQuad/{zoom}/{row}/{col}", headers={"Accept": "*/*"})
    assert answer.status_code in (200, 204), answer.text[:200]
    return answer.content


@pytest.mark.conformance
@pytest.mark.parametrize("layer", TRIED_FEATURES, ids=lambda layer: layer.id)
def test_a_style_of_each_theme_and_a_legend(layer: Layer, http: httpx.Client) -> None:
    for theme in THEMES:
        style = http.get(f"/collections/{layer.id}/styles/{theme}").json()
        assert style["version"] == 8
        assert [part for part in style["layers"] if part.get("source-layer") == layer.id], theme
    legend = http.get(f"/collections/{layer.id}/styles/light/legend?f=json").json()
    assert legend["entries"]
    assert all(CHINESE.search(entry["label"]["zh"]) or entry["label"]["zh"] == entry["label"]["en"]
               for entry in legend["entries"])  # fmt: skip
    picture = http.get(f"/collections/{layer.id}/styles/light/legend?f=png")
    assert picture.headers["content-type"] == "image/png"
    assert picture.content.startswith(b"\x89PNG")


def test_what_is_made_up_says_so_everywhere(http: httpx.Client, described: dict[str, dict[str, Any]]) -> None:
    made_up = [one for one in described.values() if one["cop"]["provenance"] == "exercise"]
    assert made_up
    for one in made_up:
        layer = catalogue().layers[one["id"]]
        if not layer.is_feature_layer:
            continue
        page = http.get(f"/collections/{layer.id}/items?limit=5").json()
        assert {feature["properties"]["provenance"] for feature in page["features"]} <= {"exercise"}, layer.id
        if not layer.is_labelled:
            assert "exercise" in one["title"].lower(), layer.id
        legend = http.get(f"/collections/{layer.id}/styles/light/legend?f=json").json()
        assert legend["provenance"] == "exercise", layer.id
