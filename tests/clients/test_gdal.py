"""GDAL of Debian 12 (ogrinfo, ogr2ogr, gdalinfo, gdal_translate) against the running server."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from matrix import LONG
from PIL import Image
from places import EMPTY

from cop.catalogue import catalogue

Run = Callable[..., str]
WEST, SOUTH, EAST, NORTH = 113.9, 22.25, 113.95, 22.3  # a piece of Lantau, longitude and latitude


def feature_count(told: str) -> int:
    """The number behind `Feature Count:`."""
    found = re.search(r"Feature Count: (\d+)", told)
    assert found, told
    return int(found[1])


def extent(told: str) -> tuple[float, ...]:
    """West, south, east, north behind `Extent:`."""
    found = re.search(r"Extent: \(([-\d.]+), ([-\d.]+)\) - \(([-\d.]+), ([-\d.]+)\)", told)
    assert found, told
    return tuple(map(float, found.groups()))


def test_ogrinfo_counts_the_18_districts(server: str, run: Run) -> None:
    told = run("ogrinfo", "-ro", "-al", "-so", f"OAPIF:{server}/collections/districts")
    assert "using driver `OAPIF' successful" in told
    assert feature_count(told) == 18
    assert "name_zh: String" in told
    west, south, east, north = extent(told)
    assert 113.7 < west < 113.9 < 114.3 < east < 114.6
    assert 22.0 < south < 22.3 < 22.5 < north < 22.7


def test_ogrinfo_lists_every_layer(server: str, run: Run, truth: Any) -> None:
    told = run("ogrinfo", "-ro", f"OAPIF:{server}")
    listed = set(re.findall(r"^\d+: ([\w-]+) ", told, re.MULTILINE))
    assert {layer.id for layer in catalogue().feature_layers} <= listed


def test_ogrinfo_agrees_with_the_store_on_each_layer(server: str, run: Run, truth: Any, layer: str) -> None:
    told = run("ogrinfo", "-ro", "-so", f"OAPIF:{server}", layer)
    assert feature_count(told) == truth.count(layer)


def test_ogr2ogr_pages_through_all_incidents(
    server: str, run: Run, truth: Any, tmp_path: Path, read_geojson: Any
) -> None:
    out = tmp_path / "incidents.geojson"
    run("ogr2ogr", "-f", "GeoJSON", "-oo", "PAGE_SIZE=170", str(out), f"OAPIF:{server}", "incidents")
    features = read_geojson(out)
    ids = [feature["properties"]["id"] for feature in features]
    assert len(ids) == len(set(ids)) == truth.count("incidents") > 170
    expected = truth.positions("incidents")
    geometries = {feature["properties"]["id"]: feature["geometry"] for feature in features}
    points = {name: g["coordinates"] for name, g in geometries.items() if g and g["type"] == "Point"}
    assert points.keys() == expected.keys()
    for name, (lon, lat) in expected.items():
        assert points[name] == pytest.approx([lon, lat], abs=2e-7)


def test_ogr2ogr_keeps_chinese_and_types_in_a_geopackage(
    server: str, run: Run, http: httpx.Client, tmp_path: Path
) -> None:
    out = tmp_path / "incidents.gpkg"
    # A GeoPackage has no lists of texts: GDAL writes them as JSON.
    run("ogr2ogr", "-f", "GPKG", "-mapFieldType", "StringList=String", str(out), f"OAPIF:{server}", "incidents")
    told = run("ogrinfo", "-so", str(out), "incidents")
    assert "reported_at: DateTime" in told
    assert "major: Integer(Boolean)" in told
    one = http.get("/collections/incidents/items?limit=1&properties=title_zh").json()["features"][0]
    query = f"SELECT title_zh FROM incidents WHERE id = '{one['id']}'"
    assert one["properties"]["title_zh"] in run("ogrinfo", "-q", "-sql", query, str(out))


def test_a_box_on_the_command_line_is_asked_of_the_server(server: str, run: Run, http: httpx.Client) -> None:
    box = [str(edge) for edge in (WEST, SOUTH, EAST, NORTH)]
    told = run("ogrinfo", "-ro", "-so", "-spat", *box, f"OAPIF:{server}", "roads_b50k")
    whole = run("ogrinfo", "-ro", "-so", f"OAPIF:{server}", "roads_b50k")
    here = http.get("/collections/roads_b50k/items", params={"bbox": ",".join(box), "limit": 1}).json()
    assert 0 < feature_count(told) == here["numberMatched"] < feature_count(whole)


def test_an_attribute_filter_finds_the_same(server: str, run: Run, truth: Any) -> None:
    told = run("ogrinfo", "-ro", "-so", "-where", "category = 'flood'", f"OAPIF:{server}", "incidents")
    assert feature_count(told) == truth.count("incidents", "category = 'flood'") > 0


def test_gdal_reprojects_into_the_hong_kong_grid(server: str, run: Run, tmp_path: Path, read_geojson: Any) -> None:
    out = tmp_path / "grid.csv"
    run(
        "ogr2ogr", "-f", "CSV", "-lco", "GEOMETRY=AS_XY", "-t_srs", "EPSG:2326", str(out), f"OAPIF:{server}",
        "weather_stations",
    )  # fmt: skip
    lines = out.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("X,Y,id,name_en,name_zh")
    for line in lines[1:]:
        easting, northing = map(float, line.split(",")[:2])
        assert 795_000 < easting < 867_000
        assert 797_000 < northing < 851_000


@pytest.mark.conformance
@pytest.mark.skipif(not LONG, reason="a script of docs/clients.md copies it too; make conformance counts what came")
def test_the_whole_server_goes_into_one_geopackage(server: str, run: Run, truth: Any, tmp_path: Path) -> None:
    """What is no feature layer must not stop a copy of everything."""
    out = tmp_path / "all.gpkg"
    run("ogr2ogr", "-f", "GPKG", "-mapFieldType", "StringList=String", str(out), f"OAPIF:{server}")
    for layer in catalogue().feature_layers:
        if layer.id in EMPTY:
            continue
        assert feature_count(run("ogrinfo", "-so", str(out), layer.id)) == truth.count(layer.id)


def test_ogrinfo_reads_a_vector_tile(server: str, run: Run) -> None:
    tile = f"MVT:{server}/collections/districts/tiles/WebMercatorQuad/10/447/836?f=mvt"
    told = run("ogrinfo", "-ro", "-so", "-oo", "X=836", "-oo", "Y=447", "-oo", "Z=10", tile, "districts")
    assert feature_count(told) > 1
    west, south, east, north = extent(told)
    side = 2 * 20037508.342789244 / 2**10  # metres, EPSG:3857
    assert west == pytest.approx(-20037508.34 + 836 * side, abs=1)
    assert east == pytest.approx(west + side, abs=1)
    assert south < north


@pytest.mark.parametrize(("grid", "name"), [("wm", "Pseudo-Mercator"), ("hk80", "Hong Kong 1980 Grid")])
def test_gdal_draws_the_basemap_in_both_grids(server: str, run: Run, tmp_path: Path, grid: str, name: str) -> None:
    source = f"WMTS:{server}/basemaps/service?SERVICE=WMTS&REQUEST=GetCapabilities,layer=light,tilematrixset={grid}"
    assert name in run("gdalinfo", source)
    out = tmp_path / f"{grid}.png"
    window = ["810000", "835000", "830000", "815000"]  # easting, northing: upper left, lower right
    run(
        "gdal_translate", "-q", "-of", "PNG", "-projwin", *window, "-projwin_srs", "EPSG:2326",
        "-outsize", "256", "256", source, str(out), GDAL_DEFAULT_WMS_CACHE_PATH=str(tmp_path / "cache"),
    )  # fmt: skip
    with Image.open(out) as picture:
        colours = picture.convert("RGB").getcolors(65536)
    assert colours is not None
    assert len(colours) > 20
    assert max(count for count, _ in colours) < 0.9 * 256 * 256


def test_gdal_reads_the_terrain_as_geotiff(server: str, run: Run, http: httpx.Client, tmp_path: Path) -> None:
    answer = http.get("/collections/terrain/coverage?f=GTiff")
    assert answer.status_code == 200, answer.text[:300]
    file = tmp_path / "terrain.tif"
    file.write_bytes(answer.content)
    told = run("gdalinfo", "-stats", str(file))
    highest = re.search(r"STATISTICS_MAXIMUM=([\d.]+)", told)
    assert highest
    # Tai Mo Shan is 957 m; a grid of 70 m cuts the top off a little.
    assert 500 < float(highest[1]) < 960
