"""OWSLib: OGC API Features, WMTS and WMS as a Python user reads them."""

from __future__ import annotations

import io
import math
from typing import Any

import pytest
from owslib.ogcapi.features import Features
from owslib.wms import WebMapService
from owslib.wmts import WebMapTileService
from PIL import Image, ImageChops
from pyproj import Transformer

from cop.catalogue import catalogue

LON, LAT = 114.155, 22.29  # Victoria Harbour's west end: land, sea and names around it
BASEMAPS = {"light", "dark"}


@pytest.fixture(scope="module")
def features(server: str) -> Features:
    return Features(server)


def picture(data: bytes) -> Image.Image:
    """A picture in red, green, blue."""
    return Image.open(io.BytesIO(data)).convert("RGB")


def is_drawn(image: Image.Image) -> bool:
    """Whether there is a map on it: many colours, none of which covers all."""
    colours = image.getcolors(image.width * image.height) or []
    return len(colours) > 15 and max(count for count, _ in colours) < 0.97 * image.width * image.height


def test_collections_are_listed(features: Features) -> None:
    assert set(features.feature_collections()) == {layer.id for layer in catalogue().feature_layers}
    assert features.collection("districts")["title"].startswith("District boundaries")


def test_conformance_and_api_are_found_by_links(features: Features) -> None:
    assert "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core" in features.conformance()["conformsTo"]
    assert "/collections/incidents/items" in features.api()["paths"]


def test_queryables_name_what_a_filter_takes(features: Features) -> None:
    properties = features.collection_queryables("incidents")["properties"]
    assert "flood" in properties["category"]["enum"]
    assert properties["geometry"]["x-ogc-role"] == "primary-geometry"
    for name in ("category", "status", "district"):
        value = properties[name]["enum"][0]
        found = features.collection_items("incidents", limit=5, filter=f"{name} = '{value}'")
        assert {one["properties"][name] for one in found["features"]} <= {value}


def test_a_filter_gives_what_the_store_holds(features: Features, truth: Any) -> None:
    found = features.collection_items("incidents", limit=1000, filter="category = 'flood' AND major = true")
    assert found["numberMatched"] == truth.count("incidents", "category = 'flood' AND major")
    for feature in found["features"]:
        assert feature["properties"]["category"] == "flood"
        assert feature["properties"]["major"] is True


def test_paging_by_offset_reaches_every_incident_once(features: Features, truth: Any) -> None:
    seen: list[str] = []
    while True:
        page = features.collection_items("incidents", limit=400, offset=len(seen))
        if not page["features"]:
            break
        seen += [feature["id"] for feature in page["features"]]
    assert len(seen) == len(set(seen)) == truth.count("incidents")


def test_box_and_time_narrow(features: Features, truth: Any) -> None:
    box = [114.1, 22.3, 114.2, 22.4]
    found = features.collection_items("incidents", bbox=box, limit=1)
    inside = "ST_Intersects(doc_public_geom, ST_MakeEnvelope(114.1, 22.3, 114.2, 22.4, 4326))"
    assert found["numberMatched"] == truth.count("incidents", inside) > 0
    found = features.collection_items("incidents", datetime_="2025-09-23T00:00:00Z/2025-09-23T06:00:00Z", limit=1)
    between = "reported_at BETWEEN '2025-09-23T00:00:00Z' AND '2025-09-23T06:00:00Z'"
    assert found["numberMatched"] == truth.count("incidents", between)


def test_one_item(features: Features) -> None:
    district = features.collection_item("districts", "CW")
    assert district["id"] == "CW"
    assert district["properties"]["name_zh"] == "中西區"


@pytest.fixture(scope="module")
def wmts(server: str) -> WebMapTileService:
    return WebMapTileService(f"{server}/basemaps/service?SERVICE=WMTS&REQUEST=GetCapabilities")


def test_wmts_lists_the_basemaps_in_both_grids(wmts: WebMapTileService) -> None:
    assert set(wmts.contents) >= BASEMAPS
    grids = {name: grid.crs.rpartition(":")[2] for name, grid in wmts.tilematrixsets.items()}
    for name in BASEMAPS:
        assert {grids[grid] for grid in wmts[name].tilematrixsetlinks} == {"3857", "2326"}


@pytest.mark.parametrize("grid", ["wm", "hk80"])
@pytest.mark.parametrize("name", sorted(BASEMAPS))
def test_wmts_gives_the_tile_of_a_place(wmts: WebMapTileService, grid: str, name: str) -> None:
    """The tile is found by the capabilities alone: corner, scale, size."""
    matrices = wmts.tilematrixsets[grid].tilematrix
    matrix = min(matrices.values(), key=lambda m: abs(math.log(m.scaledenominator / 150_000)))
    srs = "EPSG:3857" if grid == "wm" else "EPSG:2326"
    x, y = Transformer.from_crs("EPSG:4326", srs, always_xy=True).transform(LON, LAT)
    # A corner is in the order of its CRS's axes: northing first in EPSG:2326.
    left, top = matrix.topleftcorner if grid == "wm" else reversed(matrix.topleftcorner)
    side = matrix.scaledenominator * 0.00028 * matrix.tilewidth
    column, row = int((x - left) // side), int((top - y) // side)
    assert 0 <= column < matrix.matrixwidth
    assert 0 <= row < matrix.matrixheight
    answer = wmts.gettile(
        layer=name, tilematrixset=grid, tilematrix=matrix.identifier, row=row, column=column, format="image/png"
    )
    tile = picture(answer.read())
    assert tile.size == (matrix.tilewidth, matrix.tileheight)
    assert is_drawn(tile)
    brightness = tile.convert("L").resize((1, 1)).getpixel((0, 0))
    assert brightness < 128 if name == "dark" else brightness > 128


@pytest.mark.parametrize("version", ["1.1.1", "1.3.0"])
def test_wms_lists_the_basemaps(server: str, version: str) -> None:
    wms = WebMapService(f"{server}/basemaps/service", version=version)
    assert set(wms.contents) >= BASEMAPS
    assert {"EPSG:3857", "EPSG:2326"} <= set(wms["light"].crsOptions)
    west, south, east, north = wms["light"].boundingBoxWGS84
    assert west < 113.8 < 114.5 < east
    assert south < 22.1 < 22.6 < north


@pytest.mark.parametrize("srs", ["EPSG:3857", "EPSG:2326"])
def test_wms_draws_the_same_map_in_both_versions(server: str, srs: str) -> None:
    """OWSLib turns the axes of EPSG:2326 in 1.3.0, as the standard wants, and leaves them in 1.1.1."""
    x, y = Transformer.from_crs("EPSG:4326", srs, always_xy=True).transform(LON, LAT)
    box = (x - 8000, y - 8000, x + 8000, y + 8000)
    drawn = []
    # The first answer comes from the renderer, later ones from the cache with its smaller palette: compare later ones.
    for version in ("1.1.1", "1.1.1", "1.3.0"):
        wms = WebMapService(f"{server}/basemaps/service", version=version)
        answer = wms.getmap(layers=["light"], srs=srs, bbox=box, size=(300, 300), format="image/png")
        drawn.append(picture(answer.read()))
    assert drawn[0].size == (300, 300)
    assert is_drawn(drawn[0])
    assert ImageChops.difference(drawn[1], drawn[2]).getbbox() is None
