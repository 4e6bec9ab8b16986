"""The QGIS project that the server makes, opened by QGIS 3.22: every layer of the catalogue is there, valid and drawn."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest
from matrix import TRIED
from pyproj import Transformer

from cop.catalogue import Layer, catalogue
from cop_server.clients.scales import denominator, is_drawn_from_tiles
from cop_server.clients.words import GROUPS

SESSION = Path(__file__).parent / "qgis_project.py"
PYTHON = Path("/usr/bin/python3")  # Debian's: the package qgis is made for it alone
KEPT = ("PATH", "LANG", "HOME", "TMPDIR")
LAYERS = list(catalogue().layers.values())
FRAMED = [layer for layer in LAYERS if layer.style.frame and not is_drawn_from_tiles(layer)]
HONG_KONG = [799000.0, 799000.0, 863000.0, 849000.0]
PIXELS = 160
PLACES = 5
TO_GRID = Transformer.from_crs("EPSG:4326", "EPSG:2326", always_xy=True)
Box = list[float]


def ids(layer: Layer) -> str:
    return layer.id


def places(http: httpx.Client, layer: Layer) -> list[Box]:
    """Boxes around some features, of a scale at which the layer shows; those of a coverage are all of Hong Kong."""
    if layer.geometry is None:
        return [HONG_KONG]
    answer = http.get(f"/collections/{layer.id}/items", params={"limit": 50, "mode": "exercise"}).raise_for_status()
    geometries = [feature["geometry"] for feature in answer.json()["features"] if feature["geometry"]]
    # Near enough that no feature is too small for a tile.
    zoom = min(max(layer.scale.from_zoom + 0.3, 15.5), layer.scale.to_zoom - 0.2)
    half = denominator(zoom) / (96 / 0.0254) * PIXELS / 2
    return [_around(geometry["coordinates"], half) for geometry in geometries[:PLACES]]


def _around(coordinates: list[Any], half: float) -> Box:
    while isinstance(coordinates[0], list):
        coordinates = coordinates[0]
    east, north = TO_GRID.transform(*coordinates[:2])
    return [east - half, north - half, east + half, north + half]


@pytest.fixture(scope="module")
def plan(http: httpx.Client) -> dict[str, list[Box]]:
    """Where each layer is looked at."""
    return {layer.id: places(http, layer) for layer in TRIED}


@pytest.fixture(scope="module")
def seen(http: httpx.Client, plan: dict[str, list[Box]], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What one session of QGIS saw of the project and of layer definitions."""
    folder = tmp_path_factory.mktemp("project")
    files = {"cop.qgz": "/clients/qgis.qgz", "all.qlr": "/clients/qgis.qlr", "one.qlr": "/clients/qgis/districts.qlr",
             "tiles.qlr": "/clients/qgis/districts.qlr?as=tiles"}  # fmt: skip
    for name, path in files.items():
        (folder / name).write_bytes(http.get(path, params={"mode": "exercise"} | dict(
            httpx.URL(path).params)).raise_for_status().content)  # fmt: skip
    definitions = {name: str(folder / name) for name in files if name.endswith(".qlr")}
    (folder / "plan.json").write_text(json.dumps({
        "layers": plan, "views": {"view": HONG_KONG}, "definitions": definitions,
        "values": {layer.id: layer.style.frame.column for layer in FRAMED if layer.style.frame},
    }), encoding="utf-8")  # fmt: skip
    env = {name: value for name, value in os.environ.items() if name in KEPT}
    env |= {"QT_QPA_PLATFORM": "offscreen", "XDG_RUNTIME_DIR": str(folder), "QGIS_CUSTOM_CONFIG_PATH": str(folder)}
    done = subprocess.run(
        [PYTHON, SESSION, folder / "cop.qgz", folder, folder / "plan.json"],
        env=env, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"QGIS ended with {done.returncode}: {done.stdout}\n{done.stderr}"
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def test_it_opens_over_hong_kong_in_the_grid_with_its_mark(seen: dict[str, Any]) -> None:
    assert seen["opened"]
    assert seen["crs"] == "EPSG:2326"
    assert seen["extent"] == HONG_KONG
    assert seen["title"].endswith("EXERCISE 演習")


def test_groups_stand_in_the_order_of_the_picture(seen: dict[str, Any]) -> None:
    used = [title for group, title in GROUPS.items() if any(layer.group == group for layer in LAYERS)]
    names = [name for name, _ in seen["tree"]]
    assert names[: len(used)] == [f"{title.en} {title.zh}" for title in used]
    assert names[-1] == "Basemaps 底圖"


def test_what_happens_now_is_on_and_one_basemap(seen: dict[str, Any]) -> None:
    assert {"cop_layer_incidents", "cop_layer_districts"} <= set(seen["shown"])
    assert seen["shown"][-1] == "cop_basemap_light"
    assert len(seen["shown"]) < 8


@pytest.mark.parametrize("layer", LAYERS, ids=ids)
def test_a_layer_is_there_in_both_languages(seen: dict[str, Any], layer: Layer) -> None:
    one = seen["layers"][f"cop_layer_{layer.id}"]
    assert one["valid"], one["error"]
    assert one["name"].startswith(f"{layer.title.en} {layer.title.zh}")
    assert layer.description.zh in one["abstract"]
    assert one["provider"] == ("gdal" if layer.geometry is None else
                               "vectortile" if is_drawn_from_tiles(layer) else "OAPIF")  # fmt: skip
    group = next(members for name, members in seen["tree"] if name.startswith(GROUPS[layer.group].en))
    assert f"cop_layer_{layer.id}" in group


@pytest.mark.conformance
@pytest.mark.parametrize("layer", TRIED, ids=ids)
def test_a_layer_is_drawn(seen: dict[str, Any], plan: dict[str, list[Box]], layer: Layer) -> None:
    if not plan[layer.id]:
        pytest.skip("no record of it has a place")
    assert seen["drawn"][layer.id] > 4


@pytest.mark.parametrize(
    "layer",
    [
        layer
        for layer in LAYERS
        if layer.geometry == "Geometry" or not (layer.geometry is None or is_drawn_from_tiles(layer))
    ],
    ids=ids,
)
def test_columns_have_names_and_codes_words(seen: dict[str, Any], layer: Layer) -> None:
    one = seen["layers"][f"cop_table_{layer.id}" if layer.geometry == "Geometry" else f"cop_layer_{layer.id}"]
    for column in layer.visible_columns("public"):
        # A collection without a record has no columns in QGIS, which reads them from the first page.
        if column.name in one["aliases"]:
            assert one["aliases"][column.name].startswith(f"{column.title.en} {column.title.zh}")
            assert one["widgets"][column.name] == {"code": "ValueMap", "boolean": "ValueMap", "time": "DateTime",
                                                   "date": "DateTime"}.get(column.type, "")  # fmt: skip


def test_classes_are_the_legend(seen: dict[str, Any]) -> None:
    told = 0
    for layer in LAYERS:
        one = seen["layers"][f"cop_layer_{layer.id}"]
        if layer.style.classes and one.get("legend"):
            wanted = [f"{style.label.en} {style.label.zh}" for style in layer.style.classes]
            assert one["legend"][: len(wanted)] == wanted
            told += 1
    assert told > 3


@pytest.mark.parametrize("layer", FRAMED, ids=ids)
def test_one_time_of_several_is_drawn(http: httpx.Client, seen: dict[str, Any], layer: Layer) -> None:
    frame = layer.style.frame
    assert frame is not None
    assert seen["layers"][f"cop_layer_{layer.id}"]["subset"] == f'"{frame.column}" = {frame.value}'
    if not (layer.source.reader or layer.stand_in):
        pytest.skip("only its feed fills it")
    everything = http.get(f"/collections/{layer.id}/items", params={"limit": 10_000, "mode": "exercise"}).json()
    times = {feature["properties"][frame.column] for feature in everything["features"]}
    assert len(times) > 1
    assert frame.value in times
    assert seen["values"][layer.id] == [frame.value]


def test_one_time_of_several_is_drawn_from_tiles(http: httpx.Client) -> None:
    for layer in FRAMED:
        file = http.get(f"/clients/qgis/{layer.id}.qlr", params={"as": "tiles", "mode": "exercise"}).raise_for_status()
        styles = list(ElementTree.fromstring(file.text).iter("style"))
        frame = layer.style.frame
        assert styles
        assert frame is not None
        for style in styles:
            if style.get("expression") is not None:
                assert f'"{frame.column}" = {frame.value}' in style.get("expression", "")


def test_basemaps_are_valid(seen: dict[str, Any]) -> None:
    basemaps = [one for name, one in seen["layers"].items() if name.startswith("cop_basemap_")]
    assert len(basemaps) >= 2
    assert all(one["valid"] and one["crs"] == "EPSG:2326" for one in basemaps)


def test_layer_definitions_open(seen: dict[str, Any]) -> None:
    definitions = seen["definitions"]
    assert len(definitions["all.qlr"]) == len(seen["layers"])
    for file in ("one.qlr", "tiles.qlr"):
        ((name, valid),) = definitions[file].items()
        assert valid
        assert name.startswith("District boundaries 十八區分界")
