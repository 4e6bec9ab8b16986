"""The documents: landing page, conformance, collections, schemas, OpenAPI."""

from __future__ import annotations

from typing import Any

import httpx
import psycopg
import pytest
from matrix import TRIED

from cop.catalogue import Layer, catalogue
from cop.resources import resource
from cop_ingest.feeds.declared import Feed, feeds


@pytest.fixture(scope="module")
def http(server: str) -> Any:
    with httpx.Client(base_url=server, timeout=30) as client:
        yield client


def test_every_link_of_the_way_in_leads_somewhere(http: httpx.Client) -> None:
    landing = http.get("/", headers={"Accept": "application/json"}).json()
    assert landing["cop"]["mode"] == "exercise"
    for link in landing["links"]:
        answer = http.get(link["href"])
        assert answer.status_code == 200, link
        assert answer.headers["content-type"].split(";")[0] in (link["type"].split(";")[0], "text/xml"), link


def test_every_collection_describes_itself(http: httpx.Client) -> None:
    found = http.get("/collections").json()["collections"]
    assert {one["id"] for one in found} == set(catalogue().layers)
    for one in found:
        assert http.get(f"/collections/{one['id']}").json() == one


@pytest.mark.conformance
@pytest.mark.parametrize("layer", TRIED, ids=lambda layer: layer.id)
def test_the_links_of_a_collection_work(http: httpx.Client, layer: Layer) -> None:
    for link in http.get(f"/collections/{layer.id}").json()["links"]:
        if link["rel"] != "license":
            assert http.get(link["href"]).status_code == 200, link


@pytest.mark.parametrize("feed", feeds().values(), ids=lambda feed: feed.id)
def test_licence_and_attribution_of_each_feed_travel_in_its_collection(http: httpx.Client, feed: Feed) -> None:
    wanted = [one.id for one in catalogue().layers.values() if feed.id in one.feeds]
    assert feed.target.layer in wanted
    for name in wanted:
        for lang, attribution in (("en", feed.attribution.en), ("zh", feed.attribution.zh)):
            found = http.get(f"/collections/{name}", params={"lang": lang, "f": "json"}).json()
            assert attribution in found["attribution"]
            assert attribution in found["cop"]["attribution"][lang]
        [told] = [one for one in found["cop"]["feeds"] if one["id"] == feed.id]
        assert told["licence_address"] in {link["href"] for link in found["links"] if link["rel"] == "license"}
        assert (told["late_s"], told["stale_s"]) == (feed.late_s, feed.stale_s)


def test_a_collection_says_where_it_lies_and_when(http: httpx.Client) -> None:
    cameras = http.get("/collections/traffic_cameras").json()
    west, south, east, north = cameras["extent"]["spatial"]["bbox"][0]
    assert 113.8 < west < east < 114.5
    assert 22.1 < south < north < 22.6
    incidents = http.get("/collections/incidents").json()
    first, last = incidents["extent"]["temporal"]["interval"][0]
    assert first < last
    assert "storageCrs" in incidents


def test_the_terrain_describes_its_grid(http: httpx.Client) -> None:
    terrain = http.get("/collections/terrain").json()
    assert terrain["storageCrs"] == "http://www.opengis.net/def/crs/EPSG/0/2326"
    assert [axis["resolution"] for axis in terrain["grid"]] == [70, 70]
    west, south, east, north = terrain["extent"]["spatial"]["bbox"][0]
    assert 113.7 < west < 113.9 < 114.4 < east < 114.5
    assert 22.1 < south < 22.2 < 22.5 < north < 22.6
    coverage = http.get("/collections/terrain/coverage", params={"f": "GTiff"})
    assert coverage.content[:4] in (b"II*\0", b"MM\0*")


def test_broken_connections_are_replaced_unseen(http: httpx.Client, cluster: Any) -> None:
    for path in ("/collections/districts/items", "/collections/incidents/items"):
        before = http.get(path)
        with psycopg.connect(cluster.admin_dsn, autocommit=True) as admin:
            admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'cop'")
        after = http.get(path)
        assert (after.status_code, after.content) == (before.status_code, before.content)


def test_titles_follow_the_language(http: httpx.Client) -> None:
    assert http.get("/collections/districts").json()["title"].startswith("District boundaries")
    for ask in ({"params": {"lang": "zh"}}, {"headers": {"Accept-Language": "zh-HK,zh;q=0.9,en;q=0.5"}}):
        assert http.get("/collections/districts", **ask).json()["title"].startswith("十八區分界")  # type: ignore[arg-type]


def test_provenance_is_said(http: httpx.Client) -> None:
    for one in http.get("/collections").json()["collections"]:
        # What departments write for themselves alone comes with no file and no story: until then there is nothing to say.
        empty = one["id"] == "handover-notes"
        assert one["cop"]["provenance"] in ("real", "exercise", *((None,) if empty else ())), one["id"]
        # A register holds Actual and exercise records side by side; its records say which they are.
        if one["cop"]["provenance"] == "exercise" and not catalogue().layers[one["id"]].is_labelled:
            assert one["title"].endswith("(exercise)")


def test_queryables_schema_and_sortables_name_the_columns(http: httpx.Client) -> None:
    layer = catalogue().layers["incidents"]
    visible = {column.name for column in layer.visible_columns("public")}
    queryables = http.get("/collections/incidents/queryables")
    assert queryables.headers["content-type"] == "application/schema+json"
    assert set(queryables.json()["properties"]) == visible | {"geometry"}
    schema = http.get("/collections/incidents/schema").json()["properties"]
    assert set(schema) == visible | {"geometry", "id", "provenance"}
    assert schema["status"]["enum"][0] == "reported"
    assert schema["updated_at"]["readOnly"] is True
    feature = http.get("/collections/incidents/items", params={"limit": 1}).json()["features"][0]
    assert set(feature["properties"]) == set(schema) - {"id", "geometry"}
    sortables = http.get("/collections/incidents/sortables").json()["properties"]
    assert set(sortables) == visible - {"external_ids", "participants"}


def references(node: object) -> list[str]:
    if isinstance(node, dict):
        own = [str(node["$ref"])] if "$ref" in node else []
        return own + [r for part in node.values() for r in references(part)]
    return [r for part in node for r in references(part)] if isinstance(node, list) else []


def test_openapi_has_local_references_only_and_each_leads_somewhere(http: httpx.Client, server: str) -> None:
    for form, version, said in (("json", "3.1.0", "3.1"), ("json30", "3.0.3", "3.0")):
        answer = http.get("/openapi", params={"f": form})
        assert answer.headers["content-type"] == f"application/vnd.oai.openapi+json;version={said}"
        document = answer.json()
        assert document["openapi"] == version
        assert document["servers"] == [{"url": server}]
        for reference in references(document):
            assert reference.startswith("#/")
            node = document
            for part in reference[2:].split("/"):
                node = node[part]
        assert document["components"]["parameters"]["limit"]["schema"]["maximum"] == 10000
        assert "/collections/districts/items" in document["paths"]


def test_a_store_that_does_not_answer_is_told(start_server: Any) -> None:
    url = start_server("postgresql://cop_app@127.0.0.1:1/none?connect_timeout=1", wait="/health")
    answer = httpx.get(f"{url}/collections/districts/items", timeout=40)
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert "127.0.0.1" not in answer.text
    assert httpx.get(f"{url}/ready", timeout=40).status_code == 503


def test_the_rendered_document_is_the_one_served(http: httpx.Client) -> None:
    import json

    shipped = json.loads((resource("openapi") / "openapi.json").read_text())
    served = http.get("/openapi").json()
    assert served["paths"] == shipped["paths"]


def test_safe_headers_stand_on_every_answer(http: httpx.Client) -> None:
    for path in ("/", "/collections/districts/items", "/nothing", "/map"):
        headers = http.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-request-id"]
        assert "x-powered-by" not in headers


def test_any_origin_may_read(http: httpx.Client) -> None:
    answer = http.get("/collections", headers={"Origin": "https://map.example"})
    assert answer.headers["access-control-allow-origin"] in ("*", "https://map.example")
