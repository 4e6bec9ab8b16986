"""Project files for QGIS: whole, the same bytes each time, one mode, the language that was asked for."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from xml.etree import ElementTree

import httpx
import pytest

from cop.catalogue import Layer, catalogue

LAYERS = list(catalogue().layers.values())
ALL = ["/clients/qgis.qgz", "/clients/qgis.qlr", "/clients/qgis/districts.qlr"]


@pytest.fixture(scope="module")
def http(server: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server, timeout=60) as client:
        yield client


def project(answer: httpx.Response) -> ElementTree.Element:
    """The project in a .qgz."""
    with zipfile.ZipFile(io.BytesIO(answer.raise_for_status().content)) as archive:
        (name,) = archive.namelist()
        assert name.endswith(".qgs")
        return ElementTree.fromstring(archive.read(name))


def sources(root: ElementTree.Element) -> dict[str, str]:
    """Data sources by the layer's id."""
    return {str(layer.findtext("id")): str(layer.findtext("datasource")) for layer in root.iter("maplayer")}


@pytest.mark.parametrize("path", ALL)
def test_the_bytes_are_the_same_and_known_ones_are_not_sent_again(http: httpx.Client, path: str) -> None:
    first, second = http.get(path).raise_for_status(), http.get(path)
    assert first.content == second.content
    assert "attachment" in first.headers["content-disposition"]
    again = http.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_every_collection_is_in_it_once(http: httpx.Client) -> None:
    found = sources(project(http.get("/clients/qgis.qgz")))
    assert {f"cop_layer_{layer.id}" for layer in LAYERS} <= set(found)
    tables = [name for name in found if name.startswith("cop_table_")]
    assert all(name.replace("cop_table_", "cop_layer_") in found for name in tables)


@pytest.mark.parametrize("mode", ["actual", "exercise", "test"])
def test_a_project_reads_one_mode_and_says_it(http: httpx.Client, mode: str) -> None:
    root = project(http.get("/clients/qgis.qgz", params={"mode": mode}))
    read = {
        name: source for name, source in sources(root).items() if "typename" in source or "WebMercatorQuad" in source
    }
    assert len(read) > 20
    assert all(f"mode={mode}" in source.replace("%3D", "=") for source in read.values())
    mark = {"actual": "", "exercise": "EXERCISE 演習", "test": "TEST 測試"}[mode]
    assert str(root.findtext("title")).endswith(mark or "聯合運作平台")
    assert (root.find("properties/TitleLabel") is not None) == bool(mark)


@pytest.mark.parametrize(("lang", "wanted"), [
    ("en", "District boundaries"), ("zh", "十八區分界"), ("both", "District boundaries 十八區分界"),
    ("zh-Hant", "十八區分界")])  # fmt: skip
def test_names_are_in_the_language_asked_for(http: httpx.Client, lang: str, wanted: str) -> None:
    root = project(http.get("/clients/qgis.qgz", params={"lang": lang}))
    (leaf,) = [one for one in root.iter("layer-tree-layer") if one.get("id") == "cop_layer_districts"]
    assert str(leaf.get("name")).split(" · ")[0] == wanted


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: str(layer.id))
def test_each_collection_has_a_definition(http: httpx.Client, layer: Layer) -> None:
    root = ElementTree.fromstring(http.get(f"/clients/qgis/{layer.id}.qlr").raise_for_status().content)
    (one,) = root.iter("maplayer")
    assert layer.title.zh in str(one.findtext("layername"))
    if layer.is_feature_layer:
        for drawing, provider in (("features", "OAPIF"), ("tiles", "vectortile")):
            answer = http.get(f"/clients/qgis/{layer.id}.qlr", params={"as": drawing})
            (one,) = ElementTree.fromstring(answer.raise_for_status().content).iter("maplayer")
            assert one.findtext("provider") == provider


@pytest.mark.parametrize(("path", "status", "word"), [
    ("/clients/qgis.qgz?lang=fr", 400, "lang"), ("/clients/qgis.qgz?mode=play", 400, "mode"),
    ("/clients/qgis.qgz?size=3", 400, "size"), ("/clients/qgis.qlr?as=tiles", 400, "as"),
    ("/clients/qgis/districts.qlr?as=rows", 400, "features"), ("/clients/qgis/terrain.qlr?as=tiles", 400, "coverages"),
    ("/clients/qgis/nowhere.qlr", 404, "nowhere"), ("/clients/qgis.qgz?lang=en&lang=zh", 400, "twice"),
])  # fmt: skip
def test_what_is_wrong_is_refused_with_its_name(http: httpx.Client, path: str, status: int, word: str) -> None:
    answer = http.get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert word in answer.json()["detail"]


def test_only_reading(http: httpx.Client) -> None:
    assert http.head("/clients/qgis.qgz").status_code == 200
    assert http.post("/clients/qgis.qgz").status_code == 405
