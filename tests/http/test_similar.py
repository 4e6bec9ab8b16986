"""One incident from many reports: candidates with reasons for a person, merged by number only, always reversible."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import psycopg
import pytest

from cop_server.cluster import Cluster, create_database, drop_database
from cop_server.identity import keys

ITEMS = "/collections/incidents/items"
Json = dict[str, Any]


@pytest.fixture(scope="module")
def database(cluster: Cluster, template: str) -> Iterator[Cluster]:
    name = f"t_similar_{os.getpid()}"
    yield create_database(cluster, name, template)
    drop_database(cluster, name)


@pytest.fixture(scope="module")
def url(database: Cluster, start_server_once: Callable[..., str]) -> str:
    return start_server_once(database.app_dsn)


def client(database: Cluster, url: str, role: str, department: str | None) -> httpx.Client:
    key = keys.create(database.owner_dsn, f"{role} {department}", role, department, None)[1]
    return httpx.Client(base_url=url, timeout=60, headers={"Accept": "application/json", "X-API-Key": key})


@pytest.fixture(scope="module")
def dsd(database: Cluster, url: str) -> Iterator[httpx.Client]:
    with client(database, url, "administrator", "DSD") as one:
        yield one


@pytest.fixture(scope="module")
def fsd(database: Cluster, url: str) -> Iterator[httpx.Client]:
    with client(database, url, "administrator", "FSD") as one:
        yield one


def report(by: httpx.Client, lon: float, at: str, **properties: object) -> Json:
    body = {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [lon, 22.3]},
        "properties": {"category": "flood", "title_en": "Flooding", "reported_at": at, **properties},
    }
    answer = by.post(ITEMS, json=body, headers={"Content-Type": "application/geo+json"})
    assert answer.status_code == 201, answer.text
    return answer.json()


def candidates(by: httpx.Client, one: Json) -> dict[str, Json]:
    answer = by.get(f"{ITEMS}/{one['id']}/similar")
    assert answer.status_code == 200, answer.text
    return {feature["id"]: feature["similarity"] for feature in answer.json()["features"]}


def change(by: httpx.Client, one: Json, **properties: object) -> Json:
    headers = {"If-Match": "*", "Content-Type": "application/merge-patch+json"}
    answer = by.patch(f"{ITEMS}/{one['id']}", json={"properties": properties}, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_near_in_time_and_place_of_one_kind_is_a_candidate_with_reasons(dsd: httpx.Client, fsd: httpx.Client) -> None:
    one = report(dsd, 114.1700, "2025-09-01T01:00:00Z", location_en="Nathan Road near Jordan Road")
    same = report(fsd, 114.1710, "2025-09-01T01:20:00Z", location_en="Nathan Road")
    far = report(fsd, 114.2500, "2025-09-01T01:20:00Z", location_en="Clear Water Bay Road")
    late = report(fsd, 114.1700, "2025-09-01T09:00:00Z", location_en="Nathan Road")
    other = report(fsd, 114.1790, "2025-09-01T03:50:00Z", category="fallen_tree")
    found = candidates(dsd, one)
    assert list(found) == [same["id"]]
    assert not {far["id"], late["id"], other["id"]} & set(found)
    told = [reason["en"] for reason in found[same["id"]]["reasons"]]
    assert told == [
        "103 m away",
        "the same place is named: Nathan Road near Jordan Road",
        "20 minutes apart",
        "both are flooding",
    ]
    assert all(reason["zh"] for reason in found[same["id"]]["reasons"])
    assert 0.5 <= found[same["id"]]["score"] <= 1


def test_in_a_busy_night_the_nearest_in_time_are_compared(database: Cluster, dsd: httpx.Client) -> None:
    one = report(dsd, 114.1000, "2025-09-07T01:00:00Z")
    before, after = (report(dsd, 114.1001, f"2025-09-07T{at}:00Z") for at in ("00:58", "01:02"))
    with psycopg.connect(database.owner_dsn, autocommit=True) as owner:
        owner.execute(
            "INSERT INTO layer.incidents (id, category, title_en, department, status, major, message_status, release,"
            " reported_at, source, source_ref, geom) SELECT 'N-' || g, 'fallen_tree', 'Tree', 'DSD', 'reported', false,"
            " 'exercise', 'departments', '2025-09-07T01:00Z'::timestamptz + (CASE g % 2 WHEN 0 THEN 1 ELSE -1 END)"
            " * (interval '10 minutes' + g * interval '1 second'), 'test', 'N' || g,"
            " ST_SetSRID(ST_Point(114.3, 22.3), 4326) FROM generate_series(1, 1200) AS g"
        )
    assert set(candidates(dsd, one)) == {before["id"], after["id"]}


def test_a_person_decides_and_can_take_it_back_and_old_links_keep_working(dsd: httpx.Client, fsd: httpx.Client) -> None:
    one = report(dsd, 114.2000, "2025-09-02T01:00:00Z")
    same = report(dsd, 114.2001, "2025-09-02T01:05:00Z")
    assert same["id"] in candidates(dsd, one)
    change(dsd, same, duplicate_of=one["id"])
    assert candidates(dsd, one) == {}
    assert dsd.get(f"{ITEMS}/{same['id']}").json()["properties"]["duplicate_of"] == one["id"]
    change(dsd, same, duplicate_of=None)
    assert same["id"] in candidates(dsd, one)
    change(dsd, same, not_duplicate_of=[one["id"]])
    assert candidates(dsd, one) == candidates(dsd, same) == {}
    change(dsd, same, not_duplicate_of=[])
    assert same["id"] in candidates(dsd, one)


def test_a_number_in_common_merges_at_once_and_reversibly(dsd: httpx.Client, fsd: httpx.Client) -> None:
    one = report(dsd, 114.1500, "2025-09-03T01:00:00Z", external_ids=["TD:IN-26-07201"], release="departments")
    same = report(fsd, 114.3000, "2025-09-03T08:00:00Z", external_ids=["FSD:9", "TD:IN-26-07201"])
    assert same["properties"]["duplicate_of"] == one["id"]
    third = report(fsd, 114.3000, "2025-09-03T08:00:00Z", external_ids=["TD:IN-26-07201"], not_duplicate_of=[one["id"]])
    assert third["properties"]["duplicate_of"] is None
    change(fsd, same, duplicate_of=None)
    assert dsd.get(f"{ITEMS}/{same['id']}").json()["properties"]["duplicate_of"] is None


def test_what_a_writer_does_not_see_is_not_merged_into(dsd: httpx.Client, fsd: httpx.Client) -> None:
    report(dsd, 114.1500, "2025-09-04T01:00:00Z", external_ids=["TD:secret"], release="owner")
    mine = report(fsd, 114.1500, "2025-09-04T01:00:00Z", external_ids=["TD:secret"])
    assert mine["properties"]["duplicate_of"] is None
    assert candidates(fsd, mine) == {}


def test_the_public_and_other_layers_have_no_candidates(url: str, dsd: httpx.Client) -> None:
    one = report(dsd, 114.1900, "2025-09-05T01:00:00Z", release="public")
    with httpx.Client(base_url=url, headers={"Accept": "application/json"}) as public:
        refused = public.get(f"{ITEMS}/{one['id']}/similar")
        assert (refused.status_code, "for departments" in refused.json()["detail"]) == (400, True)
        shown = public.get(f"{ITEMS}/{one['id']}").json()["properties"]
        assert "not_duplicate_of" not in shown
    assert dsd.get("/collections/districts/items/CW/similar").status_code == 404
    assert dsd.get(f"{ITEMS}/I-19990101-00001/similar").status_code == 404
    assert dsd.get(f"{ITEMS}/{one['id']}/similar?nonsense=1").status_code == 400


def test_who_writes_a_column_has_seen_what_its_source_says_otherwise(database: Cluster, dsd: httpx.Client) -> None:
    one = report(dsd, 114.2100, "2025-09-09T01:00:00Z")
    with psycopg.connect(database.owner_dsn, autocommit=True) as owner:
        owner.execute(
            "UPDATE layer.incidents SET source_says = ARRAY['title_en: Road closed: Nathan Road', 'severity: minor']"
            " WHERE id = %s",
            [one["id"]],
        )
    assert change(dsd, one, major=True)["properties"]["source_says"][1] == "severity: minor"
    assert change(dsd, one, title_en="Flooding")["properties"]["source_says"] == ["severity: minor"]
    assert change(dsd, one, severity="severe")["properties"]["source_says"] == []
    headers = {"If-Match": "*", "Content-Type": "application/merge-patch+json"}
    answer = dsd.patch(f"{ITEMS}/{one['id']}", json={"properties": {"source_says": ["x"]}}, headers=headers)
    assert answer.status_code == 422
