"""fiona (GDAL 3.9) and pyproj: what a Python user reads, and where it lies on the ground."""

from __future__ import annotations

from typing import Any

import fiona
import httpx
import pytest
from pyproj import CRS, Transformer

EPSG_2326 = "http://www.opengis.net/def/crs/EPSG/0/2326"
EPSG_4326 = "http://www.opengis.net/def/crs/EPSG/0/4326"
METRES = 0.002


TO_GRID = Transformer.from_crs("EPSG:4326", "EPSG:2326", always_xy=True)


def to_grid(lon: float, lat: float) -> tuple[float, float]:
    """Easting and northing of a longitude and latitude, metres."""
    return TO_GRID.transform(lon, lat)


def test_items_open_as_geojson(http: httpx.Client, truth: Any) -> None:
    with fiona.BytesCollection(http.get("/collections/districts/items?limit=100").content) as districts:
        assert districts.driver == "GeoJSON"
        assert len(districts) == truth.count("districts") == 18
        names = {feature.properties["name_zh"] for feature in districts}
    assert {"中西區", "離島區", "元朗區"} <= names


def test_a_collection_opens_page_by_page(server: str, truth: Any) -> None:
    with fiona.open(f"OAPIF:{server}", layer="incidents", allow_unsupported_drivers=True, PAGE_SIZE=250) as incidents:
        ids = [feature.properties["id"] for feature in incidents]
    assert len(ids) == len(set(ids)) == truth.count("incidents")


def test_gdal_asks_the_server_for_the_hong_kong_grid(server: str, truth: Any) -> None:
    """GDAL 3.9 sends `crs=` and turns northing, easting into x, y by the axes of the CRS."""
    lon_lat = truth.positions("traffic_cameras")
    with fiona.open(
        f"OAPIF:{server}", layer="traffic_cameras", allow_unsupported_drivers=True, CRS="EPSG:2326"
    ) as cameras:
        assert cameras.crs.to_epsg() == 2326
        found = {camera.properties["id"]: camera.geometry.coordinates for camera in cameras}
    assert found.keys() == lon_lat.keys()
    for name, place in lon_lat.items():
        assert found[name] == pytest.approx(to_grid(*place), abs=METRES)


def test_the_answer_in_epsg_2326_is_northing_easting(http: httpx.Client, truth: Any) -> None:
    assert [axis.abbrev for axis in CRS("EPSG:2326").axis_info] == ["N", "E"]
    answer = http.get(f"/collections/traffic_cameras/items?limit=1000&crs={EPSG_2326}")
    assert answer.headers["Content-Crs"] == f"<{EPSG_2326}>"
    lon_lat = truth.positions("traffic_cameras")
    # GeoJSON has no word for a CRS: fiona takes the numbers as they stand in the file.
    with fiona.BytesCollection(answer.content) as cameras:
        assert len(cameras) == len(lon_lat)
        for camera in cameras:
            northing, easting = camera.geometry.coordinates
            assert (easting, northing) == pytest.approx(to_grid(*lon_lat[camera.properties["id"]]), abs=METRES)


def test_the_answer_in_epsg_4326_is_latitude_longitude(http: httpx.Client, truth: Any) -> None:
    lon_lat = truth.positions("weather_stations")
    answer = http.get(f"/collections/weather_stations/items?limit=1000&crs={EPSG_4326}")
    assert answer.headers["Content-Crs"] == f"<{EPSG_4326}>"
    for station in answer.json()["features"]:
        latitude, longitude = station["geometry"]["coordinates"]
        assert (longitude, latitude) == pytest.approx(lon_lat[station["id"]], abs=2e-7)


def test_a_point_of_the_grid_lies_where_the_survey_has_it(http: httpx.Client) -> None:
    """A box of one metre around a camera's place, given as northing, easting, finds that camera."""
    camera = http.get(f"/collections/traffic_cameras/items?limit=1&crs={EPSG_2326}").json()["features"][0]
    northing, easting = camera["geometry"]["coordinates"]
    box = ",".join(map(str, (northing - 0.5, easting - 0.5, northing + 0.5, easting + 0.5)))
    answer = http.get("/collections/traffic_cameras/items", params={"bbox": box, "bbox-crs": EPSG_2326}).json()
    assert camera["id"] in {feature["id"] for feature in answer["features"]}
    turned = ",".join(map(str, (easting - 0.5, northing - 0.5, easting + 0.5, northing + 0.5)))
    answer = http.get("/collections/traffic_cameras/items", params={"bbox": turned, "bbox-crs": EPSG_2326})
    assert answer.status_code == 400 or answer.json()["numberMatched"] == 0
