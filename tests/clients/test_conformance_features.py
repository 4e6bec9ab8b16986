"""OGC API Features Parts 1 and 2 in short: the abstract tests that are cheap, against every collection."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from jsonschema import Draft202012Validator
from places import first_position
from shapely.geometry import Point, box, shape

from cop.catalogue import catalogue

Json = dict[str, Any]

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
EPSG_4326 = "http://www.opengis.net/def/crs/EPSG/0/4326"
GEOJSON = "application/geo+json"
REFUSAL = "application/problem+json"


def links(document: Json, rel: str) -> list[Json]:
    """The links of a relation."""
    return [link for link in document["links"] if link["rel"] == rel]


def walk(document: Any, path: str = "#") -> Iterator[tuple[str, Any]]:
    """Every part of a JSON document with the place where it stands."""
    yield path, document
    if isinstance(document, dict):
        for name, part in document.items():
            yield from walk(part, f"{path}/{name}")
    elif isinstance(document, list):
        for place, part in enumerate(document):
            yield from walk(part, f"{path}/{place}")


def refused(answer: httpx.Response, status: int, parameter: str | None = None) -> None:
    """Check a refusal: its status, its form, and that it names the parameter."""
    assert answer.status_code == status, f"{answer.url}: {answer.status_code} {answer.text[:200]}"
    assert answer.headers["content-type"] == REFUSAL
    problem = answer.json()
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    if parameter:
        assert problem["parameter"] == parameter
        assert parameter in problem["detail"]


@pytest.fixture(scope="module")
def collections(http: httpx.Client) -> dict[str, Json]:
    return {one["id"]: one for one in http.get("/collections").json()["collections"]}


@pytest.fixture(scope="module")
def api(http: httpx.Client) -> Json:
    document: Json = http.get("/openapi?f=json30").json()
    return document


def test_landing_page(http: httpx.Client) -> None:
    landing = http.get("/")
    assert landing.headers["content-type"] == "application/json"
    for rel in ("self", "alternate", "service-desc", "service-doc", "conformance", "data"):
        assert links(landing.json(), rel), f"no link {rel}"


@pytest.mark.parametrize("page", ["/", "/collections", "/collections/incidents", "/collections/terrain"])
def test_links_lead_somewhere_and_are_what_they_say(http: httpx.Client, server: str, page: str) -> None:
    for link in http.get(page).json()["links"]:
        if not link["href"].startswith(server) or link.get("templated"):
            continue
        answer = http.get(link["href"])
        assert answer.status_code == 200, f"{page}: {link}"
        told = answer.headers["content-type"].split(";")[0]
        assert told == link["type"].split(";")[0], f"{page}: {link}"


def test_conformance_is_declared(http: httpx.Client) -> None:
    declared = http.get("/conformance").json()["conformsTo"]
    assert len(declared) == len(set(declared))
    for name in ("core", "oas30", "html", "geojson"):
        assert f"http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/{name}" in declared
    assert "http://www.opengis.net/spec/ogcapi-features-2/1.0/conf/crs" in declared


@pytest.mark.parametrize(("form", "version"), [("json30", "3.0."), ("json", "3.1.")])
def test_openapi_reads_offline(http: httpx.Client, form: str, version: str) -> None:
    answer = http.get(f"/openapi?f={form}")
    assert answer.headers["content-type"].startswith("application/vnd.oai.openapi+json;version=3.")
    document = answer.json()
    assert document["openapi"].startswith(version)
    places = dict(walk(document))
    for place, part in places.items():
        if isinstance(part, dict) and "$ref" in part:
            assert part["$ref"] in places, f"{place}: {part['$ref']} leads nowhere"


def test_openapi_holds_together(api: Json) -> None:
    names = []
    parameters = api["components"]["parameters"]
    operations = [(path, operation) for path, item in api["paths"].items() for operation in item.values()]
    for path, operation in operations:
        names.append(operation["operationId"])
        declared = [parameters[one["$ref"].rpartition("/")[2]] if "$ref" in one else one
                    for one in operation.get("parameters", [])]  # fmt: skip
        keys = [(one["in"], one["name"]) for one in declared]
        assert len(keys) == len(set(keys)), f"{path}: a parameter stands twice"
        in_path = {name for where, name in keys if where == "path"}
        assert in_path == set(re.findall(r"{(\w+)}", path)), path
        assert all(one["required"] for one in declared if one["in"] == "path"), path
        good = next(code for code in operation["responses"] if code.startswith("2"))
        assert operation["responses"][good]["description"]
    assert len(names) == len(set(names))
    for name, schema in api["components"]["schemas"].items():
        Draft202012Validator.check_schema(schema)
        assert schema, name


def test_openapi_lists_the_paths_that_are(http: httpx.Client, api: Json) -> None:
    for path in api["paths"]:
        if "{" in path or path.endswith("/coverage"):
            continue
        # A delta is from somewhere: since, or a cursor instead of it.
        answer = http.head(path, params={"since": "0"} if path.endswith("/changes") else None)
        # What is for people who have signed in asks nobody's name, and says so.
        wanted = 401 if path in ("/audit", "/subscriptions") else 200
        assert answer.status_code == wanted, f"{path}: {answer.status_code}"


def test_openapi_describes_the_items_of_each_layer(api: Json, layer: str) -> None:
    operation = api["paths"][f"/collections/{layer}/items"]["get"]
    named = {one.get("name") or one["$ref"].rpartition("/")[2] for one in operation["parameters"]}
    # Part 1 wants datetime of each collection, also of one that has no time.
    assert {"limit", "bbox", "datetime", "crs", "bbox-crs", "filter"} <= named
    assert GEOJSON in operation["responses"]["200"]["content"]
    assert f"/collections/{layer}/items/{{featureId}}" in api["paths"]


def test_a_collection_is_described_alike_in_both_places(
    http: httpx.Client, collections: dict[str, Json], layer: str
) -> None:
    one = http.get(f"/collections/{layer}")
    assert one.headers["content-type"] == "application/json"
    described = one.json()
    assert described == collections[layer]
    assert {link["type"] for link in links(described, "items")} == {GEOJSON, "text/html"}
    assert links(described, "self")
    west, south, east, north = described["extent"]["spatial"]["bbox"][0]
    # One record is a box without width.
    assert -180 <= west <= east <= 180
    assert -90 <= south <= north <= 90
    for start, end in described["extent"].get("temporal", {}).get("interval", []):
        assert start <= end
    assert described["crs"][0] == CRS84
    assert described["storageCrs"] in described["crs"]


def test_items_are_a_feature_collection(http: httpx.Client, layer: str, truth: Any) -> None:
    answer = http.get(f"/collections/{layer}/items?limit=5")
    assert answer.headers["content-type"] == GEOJSON
    assert answer.headers["Content-Crs"] == f"<{CRS84}>"
    found = answer.json()
    assert found["type"] == "FeatureCollection"
    assert found["numberMatched"] == truth.count(layer)
    assert found["numberReturned"] == len(found["features"]) == min(5, found["numberMatched"])
    assert links(found, "self")[0]["type"] == GEOJSON
    assert links(found, "alternate")[0]["type"] == "text/html"
    assert bool(links(found, "next")) is (found["numberMatched"] > 5)
    ids = [feature["id"] for feature in found["features"]]
    assert len(ids) == len(set(ids))
    for feature in found["features"]:
        assert feature["type"] == "Feature"
        assert isinstance(feature["properties"], dict)
        if feature["geometry"]:
            assert shape(feature["geometry"]).is_valid


def test_limit_is_kept_to(http: httpx.Client, layer: str, truth: Any) -> None:
    for limit in (1, 3, 100):
        found = http.get(f"/collections/{layer}/items", params={"limit": limit}).json()
        assert found["numberReturned"] == len(found["features"]) == min(limit, truth.count(layer))
    assert len(http.get(f"/collections/{layer}/items").json()["features"]) == min(10, truth.count(layer))
    for wrong in ("0", "-1", "ten", "", "1.5"):
        refused(http.get(f"/collections/{layer}/items", params={"limit": wrong}), 400, "limit")


def test_next_and_prev_walk_there_and_back(http: httpx.Client, layer: str) -> None:
    size = min(6, http.get(f"/collections/{layer}/items?limit=1").json()["numberMatched"] // 2)
    if not size:
        pytest.skip("one record is one page")
    first = http.get(f"/collections/{layer}/items?limit={size}").json()
    second = http.get(links(first, "next")[0]["href"]).json()
    ids = [[feature["id"] for feature in page["features"]] for page in (first, second)]
    assert not set(ids[0]) & set(ids[1])
    back = http.get(links(second, "prev")[0]["href"]).json()
    assert [feature["id"] for feature in back["features"]] == ids[0]
    whole = http.get(f"/collections/{layer}/items?limit={2 * size}").json()["features"]
    assert [feature["id"] for feature in whole] == ids[0] + ids[1]


def everything(http: httpx.Client, layer: str) -> list[Json]:
    """All features of a layer, page by page."""
    found: list[Json] = []
    address: str | None = f"/collections/{layer}/items?limit=10000"
    while address is not None:
        page = http.get(address).json()
        found += page["features"]
        address = next((link["href"] for link in page["links"] if link["rel"] == "next"), None)
    return found


def test_a_box_finds_what_touches_it(http: httpx.Client, layer: str, placed: Json) -> None:
    lon, lat = (round(degrees, 4) for degrees in first_position(placed))
    edges = (lon - 0.1, lat - 0.1, lon + 0.2, lat + 0.1)
    text = ",".join(map(str, edges))
    answer = http.get(f"/collections/{layer}/items", params={"bbox": text, "limit": 200})
    inside = {feature["id"] for feature in answer.json()["features"]}
    area = box(*edges)
    shapes = {one["id"]: shape(one["geometry"]) for one in everything(http, layer) if one["geometry"]}
    touching = {id_ for id_, found in shapes.items() if found.intersects(area)}
    assert answer.json()["numberMatched"] == len(touching) > 0
    assert inside <= touching
    high = ",".join(map(str, (*edges[:2], -100, *edges[2:], 1000)))
    assert http.get(f"/collections/{layer}/items", params={"bbox": high}).json()["numberMatched"] == len(touching)
    turned = ",".join(map(str, (edges[1], edges[0], edges[3], edges[2])))
    answer = http.get(f"/collections/{layer}/items", params={"bbox": turned, "bbox-crs": EPSG_4326})
    assert answer.json()["numberMatched"] == len(touching)
    # West of the date line to east of it: a box that holds the Pacific and no Hong Kong.
    pacific = [box(170, -50, 180, 50), box(-180, -50, -170, 50)]
    expected = sum(any(found.intersects(side) for side in pacific) for found in shapes.values())
    assert http.get(f"/collections/{layer}/items?bbox=170,-50,-170,50").json()["numberMatched"] == expected


@pytest.mark.parametrize("wrong", ["1,2,3", "a,b,c,d", "", "1,2,3,4,5", "114,23,115,22", "nan,0,1,1", "0,0,1,91"])
def test_a_broken_box_is_refused(http: httpx.Client, wrong: str) -> None:
    refused(http.get("/collections/districts/items", params={"bbox": wrong}), 400, "bbox")


def test_time_narrows_where_there_is_one(http: httpx.Client, layer: str, collections: dict[str, Json]) -> None:
    address = f"/collections/{layer}/items"
    known = catalogue().layers[layer]
    timed = {"filter": f"{column.name} IS NOT NULL"} if (column := known.with_role("time")) else {}
    every = http.get(address, params={"limit": 1, **timed}).json()["numberMatched"]
    temporal = collections[layer]["extent"].get("temporal")
    for ever in ("../..", "1900-01-01T00:00:00Z/..", "../2100-01-01T00:00:00Z", "1900-01-01/2100-01-01"):
        answer = http.get(address, params={"datetime": ever, "limit": 1})
        assert answer.status_code == 200, f"{answer.url}: {answer.text[:200]}"
        assert answer.json()["numberMatched"] == every
    before = http.get(address, params={"datetime": "1900-01-01T00:00:00Z", "limit": 1}).json()["numberMatched"]
    # What has no time is of all times (Part 1, requirement 26).
    assert before == (0 if temporal else every)
    if temporal:
        start = temporal["interval"][0][0]
        at_start = http.get(address, params={"datetime": start, "limit": 100}).json()
        assert 0 < at_start["numberMatched"] <= every
        assert all(start in feature["properties"].values() for feature in at_start["features"]), (start, at_start)


@pytest.mark.parametrize(
    "wrong", ["yesterday", "2025-13-01T00:00:00Z", "2025-09-24/2025-09-23", "2025-09-23/x", "a/b/c"]
)
def test_a_broken_time_is_refused(http: httpx.Client, wrong: str) -> None:
    refused(http.get("/collections/incidents/items", params={"datetime": wrong}), 400, "datetime")


@pytest.mark.parametrize("path", ["/", "/conformance", "/collections", "/collections/{0}", "/collections/{0}/items"])
def test_an_unknown_parameter_is_refused(http: httpx.Client, layer: str, path: str) -> None:
    refused(http.get(path.format(layer), params={"colour": "red"}), 400, "colour")


def test_one_feature(http: httpx.Client, layer: str) -> None:
    from_page = http.get(f"/collections/{layer}/items?limit=1").json()["features"][0]
    answer = http.get(f"/collections/{layer}/items/{from_page['id']}")
    assert answer.headers["content-type"] == GEOJSON
    feature = answer.json()
    assert {name: feature[name] for name in from_page} == from_page
    assert links(feature, "collection")[0]["href"].endswith(f"/collections/{layer}?f=json")
    own = links(feature, "self")[0]
    assert own["type"] == GEOJSON
    assert http.get(own["href"]).json()["id"] == from_page["id"]
    refused(http.get(f"/collections/{layer}/items/there-is-none"), 404)


def test_neighbours_are_never_taken_for_one_another(http: httpx.Client, layer: str) -> None:
    """Features of one load have the same version: neither the cache nor an entity tag may mix them up."""
    ids = [feature["id"] for feature in http.get(f"/collections/{layer}/items?limit=4").json()["features"]]
    answers = [http.get(f"/collections/{layer}/items/{name}?lang=en") for name in ids]
    assert [answer.json()["id"] for answer in answers] == ids
    tags = [answer.headers["etag"] for answer in answers]
    assert len(set(tags)) == len(ids)
    known = {"If-None-Match": tags[0]}
    assert http.get(f"/collections/{layer}/items/{ids[0]}?lang=en", headers=known).status_code == 304
    for other in ids[1:]:
        assert http.get(f"/collections/{layer}/items/{other}?lang=en", headers=known).status_code == 200


@pytest.mark.parametrize("path", ["/collections/none", "/collections/none/items", "/collections/none/items/1", "/none"])
def test_what_is_not_there_is_404(http: httpx.Client, path: str) -> None:
    refused(http.get(path), 404)


def test_each_crs_is_answered_and_said(http: httpx.Client, layer: str, collections: dict[str, Json]) -> None:
    for crs in collections[layer]["crs"]:
        page = http.get(f"/collections/{layer}/items", params={"crs": crs, "limit": 1})
        assert page.headers["Content-Crs"] == f"<{crs}>"
        feature = page.json()["features"][0]
        one = http.get(f"/collections/{layer}/items/{feature['id']}", params={"crs": crs})
        assert one.headers["Content-Crs"] == f"<{crs}>"
        assert one.json()["geometry"] == feature["geometry"]
    unknown = {"crs": "http://www.opengis.net/def/crs/EPSG/0/99999"}
    refused(http.get(f"/collections/{layer}/items", params=unknown), 400, "crs")


def test_epsg_4326_has_latitude_first(http: httpx.Client) -> None:
    plain = http.get("/collections/weather_stations/items?limit=100").json()["features"]
    turned = http.get("/collections/weather_stations/items", params={"limit": 100, "crs": EPSG_4326}).json()["features"]
    for one, other in zip(plain, turned, strict=True):
        assert other["geometry"]["coordinates"] == one["geometry"]["coordinates"][::-1]
        assert box(113.8, 22.1, 114.5, 22.6).contains(Point(one["geometry"]["coordinates"]))


@pytest.mark.parametrize("path", ["", "collections", "collections/districts", "collections/districts/items",
                                  "collections/districts/items/CW", "conformance"])  # fmt: skip
def test_the_same_address_is_a_page_for_a_browser(http: httpx.Client, path: str) -> None:
    answer = http.get(f"/{path}", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    # A page lives on a closed network: whatever it loads is ours.
    loaded = re.findall(r'(?:<script[^>]+src|<link[^>]+rel="stylesheet"[^>]+href)="([^"]+)"', answer.text)
    ours = urlsplit(str(http.base_url)).netloc
    assert all(urlsplit(address).netloc in ("", ours) for address in loaded)


def test_head_says_what_get_would(http: httpx.Client) -> None:
    address = "/collections/districts/items?limit=3"
    get, head = http.get(address), http.head(address)
    assert head.status_code == 200
    assert head.content == b""
    for name in ("content-type", "etag", "content-crs"):
        assert head.headers[name] == get.headers[name]
