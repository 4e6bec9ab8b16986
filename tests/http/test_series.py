"""A sensor's series over HTTP: CoverageJSON of a point and its times."""

from __future__ import annotations

import httpx


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
