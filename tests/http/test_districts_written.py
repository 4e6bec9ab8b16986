"""A report with a position gets its district, where the layer of districts has records."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import psycopg

from cop_server.cluster import Cluster


def test_a_report_with_a_position_gets_its_district(store: Cluster, start_server: Callable[..., str]) -> None:
    with psycopg.connect(store.owner_dsn, autocommit=True) as owner:
        owner.execute(
            "INSERT INTO layer.districts (id, code, geom) VALUES"
            " ('YT', 'YT', ST_MakeEnvelope(114.1, 22.2, 114.2, 22.3, 4326))"
        )
    with httpx.Client(base_url=start_server(store.app_dsn), timeout=30) as browser:
        csrf = browser.post("/session", json={"role": "reporter", "department": "DSD"}).json()["csrf"]
        headers = {"COP-CSRF": csrf, "Content-Type": "application/geo+json"}
        for lon, district in ((114.15, "YT"), (114.5, None)):
            place = {"type": "Point", "coordinates": [lon, 22.25]}
            report = {"type": "Feature", "geometry": place, "properties": {"category": "flood", "title_en": "Water"}}
            made = browser.post("/collections/incidents/items", json=report, headers=headers)
            assert made.status_code == 201, made.text
            assert made.json()["properties"]["district"] == district
