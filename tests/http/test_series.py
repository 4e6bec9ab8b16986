"""A sensor's series over HTTP: CoverageJSON of a point and its times."""

from __future__ import annotations

import math

import httpx
import mapbox_vector_tile
import pytest
from places import BY_FORMS
from shapely.geometry import shape

from cop.catalogue import Layer, catalogue

LATEST = [layer for layer in catalogue().feature_layers if layer.kind == "latest" and layer.id not in BY_FORMS]


def tile_at(lon: float, lat: float, z: int) -> tuple[int, int, int]:
    col = int((lon + 180) / 360 * 2**z)
    row = int((1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * 2**z)
    return z, row, col


def test_a_station_has_a_series_as_coveragejson(server: str) -> None:
    with httpx.Client(base_url=server) as client:
        station = client.get("/collections/wind_10min/items?limit=1&f=json").json()["features"][0]
        answer = client.get(f"/collections/wind_10min/locations/{station['id']}")
        assert answer.headers["content-type"] == "application/prs.coverage+json"
        coverage = answer.json()
        times = coverage["domain"]["axes"]["t"]["values"]
        assert coverage["domain"]["domainType"] == "PointSeries"
        assert [coverage["domain"]["axes"][axis]["values"][0] for axis in "xy"] == station["geometry"]["coordinates"]
        assert len(times) > 10
        assert times == sorted(times)
        assert times[-1] == station["properties"]["observed_at"]
        assert coverage["parameters"]["mean_kmh"]["unit"] == {"symbol": "km/h"}
        for one in coverage["ranges"].values():
            assert one["shape"] == [len(times)] == [len(one["values"])]
        same = client.get(
            f"/collections/wind_10min/locations/{station['id']}", headers={"If-None-Match": answer.headers["etag"]}
        )
        assert same.status_code == 304
        hours = client.get(f"/collections/wind_10min/locations/{station['id']}?interval=PT1H").json()
        assert 0 < len(hours["domain"]["axes"]["t"]["values"]) < len(times)


def test_what_is_no_sensor_is_not_found(server: str) -> None:
    with httpx.Client(base_url=server) as client:
        assert client.get("/collections/wind_10min/locations/nowhere").status_code == 404
        assert client.get("/collections/incidents/locations/x").status_code == 404
        assert client.get("/collections/wind_10min/locations/x?parameter-name=nonsense").status_code == 400


@pytest.mark.parametrize("layer", LATEST, ids=lambda layer: layer.id)
def test_the_latest_of_each_sensor_is_a_collection_and_in_tiles(server: str, layer: Layer) -> None:
    tiled = [column.name for column in layer.columns if column.tile]
    with httpx.Client(base_url=server, timeout=60) as client:
        found = client.get(f"/collections/{layer.id}/items?limit=1000&f=json").json()
        assert found["numberMatched"] > 0
        known = {feature["id"] for feature in found["features"]}
        assert len(known) == len(found["features"]), "one record a sensor"
        time = layer.with_role("time")
        assert time is not None
        assert all(feature["properties"][time.name] for feature in found["features"])
        placed = [one for one in found["features"] if one["geometry"]]
        if not placed:
            pytest.skip("the answers of this feed are not placed in the small exercise")
        shown = shape(placed[0]["geometry"]).representative_point()
        tile = client.get(
            f"/collections/{layer.id}/tiles/WebMercatorQuad/{'/'.join(map(str, tile_at(shown.x, shown.y, 12)))}"
        )
        inside = mapbox_vector_tile.decode(tile.content)[layer.id]["features"]
        drawn = {one["properties"]["id"]: one["properties"] for one in inside}
        assert placed[0]["id"] in drawn
        for name in tiled:
            value = placed[0]["properties"][name]
            assert value is None or name in drawn[placed[0]["id"]], name
