"""What QGIS 3.32 and newer ask, in their order: Debian's 3.22 knows no filter, no `crs=` and no schema.

The sequence follows the links as QGIS does, with the Accept headers that it sends.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

OPENAPI = "application/vnd.oai.openapi+json;version=3.0"
GEOJSON = "application/geo+json, application/json"
EPSG_2326 = "http://www.opengis.net/def/crs/EPSG/0/2326"
SPEC = "http://www.opengis.net/spec"
REL = "http://www.opengis.net/def/rel/ogc/1.0"

Json = dict[str, Any]


def get(http: httpx.Client, address: str, accept: str = "application/json", **query: str | int) -> Json:
    """A JSON answer to a request as QGIS makes it: parameters are added to those of a link."""
    url = httpx.URL(address)
    answer = http.get(url.copy_merge_params(query), headers={"Accept": accept})
    assert answer.status_code == 200, f"{answer.url}: {answer.text[:300]}"
    told: Json = answer.json()
    return told


def linked(document: Json, rel: str, *types: str) -> str:
    """The address of a link; of several the one whose type stands first in `types`."""
    found = [link for link in document["links"] if link["rel"] == rel]
    assert found, f"no link {rel}"
    for wanted in types:
        for link in found:
            if link.get("type") == wanted:
                return str(link["href"])
    return str(found[0]["href"])


@pytest.fixture(scope="module")
def landing(http: httpx.Client) -> Json:
    return get(http, "/")


@pytest.fixture(scope="module")
def collections(http: httpx.Client, landing: Json) -> dict[str, Json]:
    told = get(http, linked(landing, "data", "application/json"))
    return {one["id"]: one for one in told["collections"]}


@pytest.fixture(scope="module")
def items(collections: dict[str, Json]) -> str:
    return linked(collections["incidents"], "items", "application/geo+json")


def walk(http: httpx.Client, address: str, **query: str | int) -> list[Json]:
    """All features from a first page on, by the links `next`."""
    features: list[Json] = []
    page = get(http, address, GEOJSON, **query)
    while True:
        features += page["features"]
        following = [link["href"] for link in page["links"] if link["rel"] == "next"]
        if not following:
            return features
        assert page["features"], "a page with `next` holds nothing"
        page = get(http, following[0], GEOJSON)


def test_the_api_description_is_3_0_and_names_the_page_size(http: httpx.Client, landing: Json) -> None:
    address = linked(landing, "service-desc", OPENAPI)
    answer = http.get(address, headers={"Accept": f"{OPENAPI}, application/openapi+json;version=3.0, application/json"})
    assert answer.headers["content-type"] == OPENAPI
    api = answer.json()
    assert api["openapi"].startswith("3.0")
    # This place, with a reference inside the document at most, is where QGIS reads the page size.
    limit = api["components"]["parameters"]["limit"]["schema"]
    assert 1000 <= limit["maximum"] <= 100_000
    assert limit["minimum"] == 1


def test_the_conformance_classes_that_switch_things_on(http: httpx.Client, landing: Json) -> None:
    told = set(get(http, linked(landing, "conformance", "application/json"))["conformsTo"])
    assert {
        f"{SPEC}/ogcapi-features-1/1.0/conf/core",
        f"{SPEC}/ogcapi-features-1/1.0/conf/geojson",
        f"{SPEC}/ogcapi-features-2/1.0/conf/crs",
        f"{SPEC}/ogcapi-features-3/1.0/conf/filter",
        f"{SPEC}/ogcapi-features-3/1.0/conf/features-filter",
        f"{SPEC}/ogcapi-features-5/1.0/conf/schemas",
        f"{SPEC}/cql2/1.0/conf/cql2-text",
        f"{SPEC}/cql2/1.0/conf/basic-cql2",
        f"{SPEC}/cql2/1.0/conf/advanced-comparison-operators",
        f"{SPEC}/cql2/1.0/conf/case-insensitive-comparison",
        f"{SPEC}/cql2/1.0/conf/basic-spatial-functions",
        f"{SPEC}/cql2/1.0/conf/basic-spatial-operators",
    } <= told


def test_the_collection_gives_box_and_crs(collections: dict[str, Json]) -> None:
    incidents = collections["incidents"]
    west, south, east, north = incidents["extent"]["spatial"]["bbox"][0]
    assert 113.7 < west < east < 114.6
    assert 22.0 < south < north < 22.7
    assert EPSG_2326 in incidents["crs"]
    assert incidents["storageCrs"] in incidents["crs"]


def test_the_first_look_guesses_types_and_counts(http: httpx.Client, items: str, truth: Any) -> None:
    sample = get(http, items, GEOJSON, limit=10)
    assert len(sample["features"]) == sample["numberReturned"] == 10
    kinds: dict[str, set[str]] = {}
    for feature in sample["features"]:
        for name, value in feature["properties"].items():
            kinds.setdefault(name, set()).add(type(value).__name__)
    # A property is there in each feature, null or not, and has one type.
    assert all(len(kind - {"NoneType"}) <= 1 for kind in kinds.values())
    assert len({frozenset(feature["properties"]) for feature in sample["features"]}) == 1
    assert get(http, items, GEOJSON, limit=1)["numberMatched"] == truth.count("incidents")


def test_schema_and_queryables_agree_with_the_items(
    http: httpx.Client, collections: dict[str, Json], items: str
) -> None:
    schema = get(http, linked(collections["incidents"], f"{REL}/schema"), "application/schema+json")
    told = schema["properties"]
    roles = {one.get("x-ogc-role"): name for name, one in told.items()}
    assert roles["id"] == "id"
    assert roles["primary-geometry"] == "geometry"
    assert told["geometry"]["format"].startswith("geometry-")
    feature = get(http, items, GEOJSON, limit=1)["features"][0]
    assert set(feature["properties"]) <= set(told)
    queryables = get(http, linked(collections["incidents"], f"{REL}/queryables"), "application/schema+json")
    assert set(queryables["properties"]) <= set(told)
    assert told["reported_at"]["format"] == "date-time"


@pytest.mark.parametrize(
    ("cql2", "where"),
    [
        ("(\"category\" = 'flood')", "category = 'flood'"),
        ("(\"category\" <> 'flood')", "category <> 'flood'"),
        ("(\"category\" IN ('flood','road'))", "category IN ('flood', 'road')"),
        ("(NOT (\"category\" IN ('flood')))", "category NOT IN ('flood')"),
        ("(\"title_en\" LIKE 'Flood%')", "title_en LIKE 'Flood%'"),
        ("(CASEI(\"title_en\") LIKE CASEI('%ROAD%'))", "title_en ILIKE '%road%'"),
        ("(\"title_zh\" LIKE '%道%')", "title_zh LIKE '%道%'"),
        ('("lanes_closed" BETWEEN 1 AND 2)', "lanes_closed BETWEEN 1 AND 2"),
        ('("lanes_closed" IS NULL)', "lanes_closed IS NULL"),
        ('(("major" = TRUE) AND ("status" = \'completed\'))', "major AND status = 'completed'"),
        ('(("major" = TRUE) OR ("status" = \'completed\'))', "major OR status = 'completed'"),
        ("(\"reported_at\" >= TIMESTAMP('2025-09-23T12:00:00Z'))", "reported_at >= '2025-09-23T12:00:00Z'"),
        (
            "S_INTERSECTS(geometry,POLYGON((114.1 22.3,114.2 22.3,114.2 22.4,114.1 22.4,114.1 22.3)))",
            "ST_Intersects(doc_public_geom, ST_MakeEnvelope(114.1, 22.3, 114.2, 22.4, 4326))",
        ),
    ],
)
def test_a_pushed_down_filter_counts_what_the_store_counts(
    http: httpx.Client, items: str, truth: Any, cql2: str, where: str
) -> None:
    """QGIS quotes every name, puts every comparison in brackets, and writes CASEI for ILIKE."""
    query = {"filter": cql2, "filter-lang": "cql2-text"}
    told = get(http, items, GEOJSON, **query, limit=1)
    assert told["numberMatched"] == truth.count("incidents", where)
    assert 0 < told["numberMatched"] < truth.count("incidents")


def test_filter_box_and_grid_together_walk_to_the_end(http: httpx.Client, items: str, truth: Any) -> None:
    """Panning the map in the Hong Kong grid: northing, easting in, northing, easting out, `next` keeps it all."""
    query: dict[str, str | int] = {
        "limit": 25, "filter": "(\"category\" = 'flood')", "filter-lang": "cql2-text", "crs": EPSG_2326,
        "bbox": "810000,820000,830000,845000", "bbox-crs": EPSG_2326,
    }  # fmt: skip
    features = walk(http, items, **query)
    box = "ST_MakeEnvelope(820000, 810000, 845000, 830000, 2326)"  # PostGIS: easting first
    where = f"category = 'flood' AND ST_Intersects(doc_public_geom, ST_Transform(ST_Segmentize({box}, 500), 4326))"
    assert len(features) == len({feature["id"] for feature in features})
    assert len(features) == pytest.approx(truth.count("incidents", where), abs=1)
    assert len(features) > 25
    for feature in features:
        if feature["geometry"]["type"] == "Point":
            northing, easting = feature["geometry"]["coordinates"]
            assert 810_000 <= northing <= 830_000
            assert 820_000 <= easting <= 845_000


def test_next_keeps_every_parameter(http: httpx.Client, items: str) -> None:
    page = get(http, items, GEOJSON, limit=5, crs=EPSG_2326, datetime="2025-09-23T00:00:00Z/..")
    following = parse_qs(urlsplit(linked(page, "next")).query)
    assert following["limit"] == ["5"]
    assert following["crs"] == [EPSG_2326]
    assert following["datetime"] == ["2025-09-23T00:00:00Z/.."]


def test_reading_in_full_gets_every_incident_once(http: httpx.Client, items: str, truth: Any) -> None:
    features = walk(http, items, limit=700)
    assert len({feature["id"] for feature in features}) == len(features) == truth.count("incidents")


def test_a_layer_that_cannot_be_edited_says_so(http: httpx.Client, items: str) -> None:
    """QGIS asks OPTIONS before it offers the pencil."""
    feature = get(http, items, GEOJSON, limit=1)["features"][0]
    for address in (items, f"/collections/incidents/items/{feature['id']}"):
        answer = http.options(address)
        assert answer.status_code in (200, 204)
        allowed = {method.strip() for method in answer.headers["allow"].split(",")}
        assert "GET" in allowed
        assert not allowed & {"POST", "PUT", "PATCH", "DELETE"}
