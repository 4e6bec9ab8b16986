"""Styles, legends, sprites and glyphs over HTTP: every collection has them, and what they refer to is there."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import numpy as np
import pytest
from matrix import TRIED, TRIED_FEATURES
from PIL import Image

from cop.catalogue import catalogue
from cop_tiles.basemap.glyphs import STACKS

THEMES = ("light", "dark", "print")
STYLESHEET = "application/vnd.mapbox.style+json"
FEATURES = [layer.id for layer in catalogue().feature_layers]


@pytest.fixture(scope="module")
def http(server: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server, timeout=60) as client:
        yield client


def test_the_list_leads_to_each_style(http: httpx.Client) -> None:
    told = http.get("/styles").json()
    assert [one["id"] for one in told["styles"]] == list(THEMES)
    for one in told["styles"]:
        for link in one["links"]:
            answer = http.get(link["href"])
            assert (answer.status_code, answer.headers["content-type"]) == (200, link["type"]), link["href"]


@pytest.mark.parametrize("name", THEMES)
def test_the_whole_style_holds_every_collection(http: httpx.Client, name: str) -> None:
    answer = http.get(f"/styles/{name}")
    assert answer.headers["content-type"] == STYLESHEET
    style = answer.json()
    assert set(FEATURES) < set(style["sources"])
    assert "basemap" in style["sources"]
    shown = {one["source"] for one in style["layers"] if one.get("metadata", {}).get("cop:collection")
             and one.get("layout", {}).get("visibility") != "none"}  # fmt: skip
    assert shown == {"incidents", "control-centres"} & set(FEATURES)


def test_what_a_style_refers_to_is_there(http: httpx.Client) -> None:
    """The sprite, a tile of each kind of source, and the glyphs of a label."""
    style = http.get("/styles/dark", params={"mode": "exercise"}).json()
    index = http.get(f"{style['sprite']}@2x.json").json()
    picture = Image.open(io.BytesIO(http.get(f"{style['sprite']}@2x.png").content))
    assert max(one["x"] + one["width"] for one in index.values()) <= picture.width
    for name in ("basemap", "hillshade", "districts"):
        (template,) = style["sources"][name]["tiles"]
        tile = http.get(template.format(z=10, x=836, y=446))
        assert tile.status_code == 200, template
        assert tile.content
    assert http.get(style["sources"]["basemap"]["tiles"][0].format(z=10, x=0, y=0)).status_code == 204
    glyphs = style["glyphs"].format(fontstack=quote("Sans Regular"), range="20224-20479")
    assert http.get(glyphs).headers["content-type"] == "application/x-protobuf"


@pytest.mark.conformance
@pytest.mark.parametrize("collection", [layer.id for layer in TRIED_FEATURES])
def test_every_collection_has_its_styles_and_legends(http: httpx.Client, collection: str) -> None:
    base = f"/collections/{collection}/styles"
    links = {link["rel"]: link["href"] for link in http.get(f"/collections/{collection}").json()["links"]}
    assert urlsplit(links["http://www.opengis.net/def/rel/ogc/1.0/styles"]).path == base
    assert http.get(links["legend"]).status_code == 200
    assert len(http.get(base).json()["styles"]) == 3
    for name in THEMES:
        style = http.get(f"{base}/{name}", params={"mode": "exercise"}).json()
        assert list(style["sources"]) == [collection]
        assert "?mode=exercise" in style["sources"][collection]["tiles"][0]
        assert http.get(f"{base}/{name}/metadata").json()["layers"][0]["id"] == collection


@pytest.mark.conformance
@pytest.mark.parametrize("collection", [layer.id for layer in TRIED])
def test_legends_are_pictures_and_data(http: httpx.Client, collection: str) -> None:
    base = f"/collections/{collection}/styles/light/legend"
    told = http.get(base, params={"mode": "exercise"}).json()
    assert told["entries"]
    assert told["provenance"] in ("real", "exercise")
    assert (told["mark"] == "Exercise 演習") == (told["provenance"] == "exercise")
    picture = http.get(base, params={"f": "png", "mode": "exercise"})
    assert picture.headers["content-type"] == "image/png"
    assert np.asarray(Image.open(io.BytesIO(picture.content)).convert("L")).std() > 5


def test_registers_are_marked_by_the_mode(http: httpx.Client) -> None:
    address = "/collections/incidents/styles/light"
    names = {mode: http.get(address, params={"mode": mode}).json()["name"] for mode in ("actual", "exercise")}
    assert "演習" in names["exercise"]
    assert "演習" not in names["actual"]
    pictures = {mode: http.get(f"{address}/legend", params={"f": "png", "mode": mode}).content for mode in names}
    assert pictures["actual"] != pictures["exercise"]


def test_titles_and_labels_follow_the_language(http: httpx.Client) -> None:
    address = "/collections/districts/styles/light"
    assert http.get(address, params={"lang": "zh"}).json()["name"].startswith("十八區分界")
    assert http.get(address, params={"lang": "en"}).json()["name"].startswith("District boundaries")
    pictures = [http.get(f"{address}/legend", params={"f": "png", "lang": lang}).content for lang in ("zh", "en")]
    assert pictures[0] != pictures[1]


def test_a_style_is_kept_until_it_changes(http: httpx.Client) -> None:
    for path in ("/styles/light", "/collections/incidents/styles/dark", "/sprites/light.png", "/glyphs/Sans Bold/0-255.pbf",
                 "/collections/incidents/styles/light/legend?f=png", "/styles/basemap/10/836/446.mvt"):  # fmt: skip
        first = http.get(path)
        assert first.headers["etag"], path
        again = http.get(path, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b""), path


def test_only_some_collections_may_be_shown(http: httpx.Client) -> None:
    style = http.get("/styles/light", params={"collections": "districts"}).json()
    shown = {one["source"] for one in style["layers"] if one.get("metadata", {}).get("cop:collection")
             and one.get("layout", {}).get("visibility") != "none"}  # fmt: skip
    assert shown == {"districts"}


def test_styles_look_back(http: httpx.Client) -> None:
    style = http.get("/styles/light", params={"asof": "2026-01-01T00:00:00Z"}).json()
    assert style["sources"]["incidents"]["tiles"][0].endswith("&asof=2026-01-01T00:00:00Z")


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [
        ("/styles/sepia", 404, "light, dark, print"),
        ("/styles/sepia/metadata", 404, "light, dark, print"),
        ("/collections/nothing/styles", 404, "there is no collection 'nothing'"),
        ("/collections/terrain/styles/light", 404, "'terrain' with styles"),
        ("/collections/incidents/styles/sepia", 404, "light, dark, print"),
        ("/collections/incidents/styles/sepia/legend", 404, "light, dark, print"),
        ("/sprites/sepia.png", 404, "there is no sprite"),
        ("/sprites/light@3x.png", 404, "@2x.png"),
        ("/glyphs/Comic Sans/0-255.pbf", 404, "Sans Regular, Sans Bold"),
        ("/glyphs/Sans Regular/1-256.pbf", 404, "of 256 characters"),
        ("/glyphs/Sans Regular/65536-65791.pbf", 404, "of 256 characters"),
        ("/glyphs/Sans Regular/0-255", 404, "end with .pbf"),
        ("/styles/basemap/10/x/446.mvt", 404, "wanted a number"),
        ("/styles/basemap/3/8/0.mvt", 404, "no such tile"),
        ("/styles/light?collections=incidents,nothing", 400, "there is no collection 'nothing'"),
        ("/styles/light?colour=red", 400, "colour"),
        ("/collections/incidents/styles/light/legend?f=gif", 400, "json, png"),
        ("/styles/light?mode=rehearsal", 400, "mode"),
    ],
)
def test_what_is_not_there_is_said(http: httpx.Client, path: str, status: int, told: str) -> None:
    answer = http.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert told in json.dumps(answer.json())


def _glyphs(message: bytes) -> dict[int, dict[int, Any]]:
    """Code point to fields of each glyph, as protocol buffers have them (glyphs.proto of the MapLibre fonts)."""
    found = {}
    for key, stack in _fields(message):
        assert key == 1
        for number, glyph in _fields(stack):
            if number == 3:
                fields = dict(_fields(glyph))
                found[fields[1]] = fields
    return found


def _fields(message: bytes) -> Iterator[tuple[int, Any]]:
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(message):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
        else:
            length = varint()
            yield key >> 3, message[at : at + length]
            at += length


@pytest.mark.parametrize("stack", STACKS)
def test_chinese_is_complete(http: httpx.Client, stack: str) -> None:
    """A range that no layer needs is drawn when it is asked for; one that the basemap has in part soon after."""
    rare = http.get(f"/glyphs/{stack}/13312-13567.pbf")  # extension A
    drawn = _glyphs(rare.content)
    assert len(drawn) > 200
    assert all(len(glyph[2]) == (glyph[3] + 6) * (glyph[4] + 6) for glyph in drawn.values() if 2 in glyph)
    assert len({bytes(glyph[2]) for glyph in drawn.values() if 2 in glyph}) > 200
    assert http.get(f"/glyphs/{stack}/13312-13567.pbf").content == rare.content
    for _ in range(300):
        usual = _glyphs(http.get(f"/glyphs/{stack}/20224-20479.pbf").content)
        assert usual
        if len(usual) > 200:
            break
        time.sleep(0.2)
    assert len(usual) > 200


def test_the_api_says_what_it_has(http: httpx.Client) -> None:
    paths = http.get("/openapi").json()["paths"]
    for path in ("/styles", "/styles/{styleId}", "/collections/incidents/styles/{styleId}/legend", "/sprites/{sprite}"):
        assert path in paths
    landing = {link["rel"]: link["href"] for link in http.get("/").json()["links"]}
    assert urlsplit(landing["http://www.opengis.net/def/rel/ogc/1.0/styles"]).path == "/styles"
    told = http.get("/conformance").json()["conformsTo"]
    assert "http://www.opengis.net/spec/ogcapi-styles-1/0.0/conf/core" in told
