"""Bad input: the status that the standard says, the parameter by name, a good value, and never our insides."""

from __future__ import annotations

import os
from collections.abc import Iterator

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

# `make soak` and `make fuzz` run the same properties at length.
LENGTH = 50 if os.environ.get("COP_TEST_LENGTH") == "long" else 1


@pytest.fixture(scope="module")
def http(server: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server, timeout=30) as client:
        yield client


INCIDENTS = "/collections/incidents"
CASES = [
    ("/collections/nothing", 404, "collection"),
    ("/collections/nothing/items", 404, "collection"),
    ("/collections/nothing/queryables", 404, "collection"),
    ("/collections/terrain/items", 404, "collection"),
    (f"{INCIDENTS}/items/I-20000101-00000", 404, None),
    (f"{INCIDENTS}/items/%00", 404, None),
    (f"{INCIDENTS}/items?nothing=1", 400, "nothing"),
    (f"{INCIDENTS}/items?dead=1", 400, "dead"),
    (f"{INCIDENTS}/items?limit=0", 400, "limit"),
    (f"{INCIDENTS}/items?limit=ten", 400, "limit"),
    (f"{INCIDENTS}/items?limit=1&limit=2", 400, "limit"),
    (f"{INCIDENTS}/items?offset=-1", 400, "offset"),
    (f"{INCIDENTS}/items?offset=10001", 400, "offset"),
    (f"{INCIDENTS}/items?cursor=abc", 400, "cursor"),
    (f"{INCIDENTS}/items?cursor=abc&offset=1", 400, "cursor"),
    (f"{INCIDENTS}/items?bbox=1,2,3", 400, "bbox"),
    (f"{INCIDENTS}/items?bbox=nan,1,2,3", 400, "bbox"),
    (f"{INCIDENTS}/items?bbox=114,23,115,22", 400, "bbox"),
    (f"{INCIDENTS}/items?bbox-crs=EPSG:2326", 400, "bbox-crs"),
    (f"{INCIDENTS}/items?bbox=1,2,3,4&bbox-crs=EPSG:4490", 400, "bbox-crs"),
    (f"{INCIDENTS}/items?crs=EPSG:1", 400, "crs"),
    (f"{INCIDENTS}/items?datetime=yesterday", 400, "datetime"),
    (f"{INCIDENTS}/items?datetime=2025-09-24T00:00:00Z/2025-09-23T00:00:00Z", 400, "datetime"),
    (f"{INCIDENTS}/items?filter=nothing%3D1", 400, "filter"),
    (f"{INCIDENTS}/items?filter=((", 400, "filter"),
    (f"{INCIDENTS}/items?filter={{&filter-lang=cql2-json", 400, "filter"),
    (f"{INCIDENTS}/items?filter=S_INTERSECTS(geometry,POLYGON((1%201,2%202,3%203)))", 400, None),
    (f"{INCIDENTS}/items?filter-lang=sql", 400, "filter-lang"),
    (f"{INCIDENTS}/items?sortby=nothing", 400, "sortby"),
    (f"{INCIDENTS}/items?properties=nothing", 400, "properties"),
    (f"{INCIDENTS}/items?skipGeometry=maybe", 400, "skipGeometry"),
    (f"{INCIDENTS}/items?resulttype=some", 400, "resulttype"),
    (f"{INCIDENTS}/items?mode=all", 400, "mode"),
    (f"{INCIDENTS}/items?asof=2999-01-01T00:00:00Z", 400, "asof"),
    (f"{INCIDENTS}/items?asof=999999999", 400, "asof"),
    (f"{INCIDENTS}/items?asof=1990-01-01T00:00:00Z", 410, "asof"),
    (f"{INCIDENTS}/items?lanes_closed=two", 400, "lanes_closed"),
    (f"{INCIDENTS}/items?major=perhaps", 400, "major"),
    (f"{INCIDENTS}/items?f=xml", 400, "f"),
    (f"{INCIDENTS}/items?lang=fr", 400, "lang"),
    (f"{INCIDENTS}/tiles/WebMercatorQuad/3/9/0", 404, "tile"),
    (f"{INCIDENTS}/tiles/WebMercatorQuad/x/0/0", 404, "tile"),
    (f"{INCIDENTS}/tiles/WebMercatorQuad/99/0/0", 404, "tile"),
    (f"{INCIDENTS}/tiles/Nothing/1/0/0", 404, "tileMatrixSetId"),
    (f"{INCIDENTS}/tiles/WebMercatorQuad/1/0/0?limit=5", 400, "limit"),
    ("/tiles/WebMercatorQuad/1/0/0", 400, "collections"),
    ("/tiles/WebMercatorQuad/1/0/0?collections=incidents,nothing", 404, "collection"),
    ("/tileMatrixSets/Nothing", 404, "tileMatrixSetId"),
    ("/?nothing=1", 400, "nothing"),
    ("/conformance?nothing=1", 400, "nothing"),
    ("/collections?nothing=1", 400, "nothing"),
    ("/nothing", 404, None),
    ("/stac", 404, None),
    ("/processes/x", 404, None),
    ("/collections/incidents/position", 404, None),
    ("/collections/incidents/map?f=png", 404, None),
    ("/collections/incidents/coverage", 404, "collection"),
    ("/collections/terrain/coverage?bbox=a", 400, "bbox"),
    ("/collections/terrain/coverage?bbox=0,0,1,1", 400, "bbox"),
    ("/collections/terrain/coverage?nothing=1", 400, "nothing"),
    ("/collections/terrain/coverage?f=xml", 400, "f"),
    (f"{INCIDENTS}/items?filter=major%20IN%20(title_en)", 400, "filter"),
    (f"{INCIDENTS}/items?filter=title_en%20%3D%201%2B2", 400, "filter"),
    (f"{INCIDENTS}/items?asof=%EF%BC%91", 400, "asof"),
    ("/events?since=yesterday", 400, "since"),
    ("/events?since=", 400, "since"),
    ("/events?since=999999999", 400, "since"),
    ("/events?since=5:", 400, "since"),
    ("/events?since=1&since=2", 400, "since"),
    ("/events?collections=nothing", 404, "collections"),
    ("/events?collections=,", 400, "collections"),
    ("/events?filter=nothing%3D1", 400, "filter"),
    ("/events?collections=incidents&filter=nothing%3D1", 400, "filter"),
    ("/events?collections=incidents&filter=dead%3D1", 400, "filter"),
    ("/events?collections=incidents&filter=title_en%20%3D%201%2B2", 400, "filter"),
    ("/events?bbox=1", 400, "bbox"),
    ("/events?nothing=1", 400, "nothing"),
    ("/events?mode=all", 400, "mode"),
    (f"{INCIDENTS}/changes", 400, "since"),
    (f"{INCIDENTS}/changes?since=-1", 400, "since"),
    (f"{INCIDENTS}/changes?since=999999999", 400, "since"),
    (f"{INCIDENTS}/changes?since=5&until=1", 400, "until"),
    (f"{INCIDENTS}/changes?since=0&filter=nothing%3D1", 400, "filter"),
    (f"{INCIDENTS}/changes?cursor=abc", 400, "cursor"),
    ("/summary?filter=nothing%3D1", 400, "filter"),
    ("/summary?collection=nothing", 400, "collection"),
    ("/summary?hours=0", 400, "hours"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "status", "parameter"), CASES)
def test_bad_requests_are_told(http: httpx.Client, path: str, status: int, parameter: str | None) -> None:
    answer = http.get(path)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told["status"] == status
    assert told["instance"].removeprefix("urn:uuid:") == answer.headers["x-request-id"]
    assert told["detail"]
    if parameter is not None:
        assert told["parameter"] == parameter
    if (
        status == 400
        and "/tiles/" not in path
        and parameter in ("limit", "bbox", "datetime", "filter", "mode", "f", "crs", "asof", "sortby")
    ):
        assert told.get("example") or "twice" in told["detail"] or "goes with" in told["detail"]


@pytest.mark.parametrize(
    ("sent", "query"),
    [
        ("yesterday", ""), ("12:", ""), ("-1", ""), ("1e3", ""), ("\u0660".encode(), ""), ("9" * 30, ""),
        ("999999999", ""),  # ahead of all that was ever numbered
        ("999999999:I-1", ""), ("yesterday", "&since=0"), ("999999999", "&since=0"), ("1:%00", ""),
    ],
)  # fmt: skip
def test_an_id_of_an_event_that_is_none_is_told(http: httpx.Client, sent: str | bytes, query: str) -> None:
    answer = http.get(f"/events?collections=incidents{query}", headers={"Last-Event-ID": sent})
    assert answer.status_code == 400, "the header is the newer of the two, and what is wrong with it is not passed over"
    assert answer.json()["parameter"] == "Last-Event-ID"


def test_what_is_wrong_is_told_before_what_lies_ahead(http: httpx.Client) -> None:
    """Of two faults the one that the client can mend by itself comes first."""
    answer = http.get("/events?collections=incidents&filter=nothing%3D1", headers={"Last-Event-ID": "999999999"})
    assert (answer.status_code, answer.json()["parameter"]) == (400, "filter")


def test_no_operator_on_any_column_brings_out_the_stores_own_error(http: httpx.Client) -> None:
    columns = [
        "title_en",
        "status",
        "major",
        "lanes_closed",
        "position_uncertainty_m",
        "reported_at",
        "participants",
        "geometry",
    ]
    values = ["'a'", "1", "1.5", "true", "TIMESTAMP('2025-09-23T00:00:00Z')", "DATE('2025-09-23')", "('a')", "1 + 2",
              "POINT(114 22)", "status", "major", "CASEI('a')", "BBOX(114,22,115,23)"]  # fmt: skip
    shapes = ["{c} = {v}", "{c} < {v}", "{c} IN ({v})", "{c} BETWEEN {v} AND {v}", "{c} LIKE {v}", "CASEI({c}) LIKE CASEI({v})",
              "T_AFTER({c}, {v})", "A_CONTAINS({c}, {v})", "S_INTERSECTS({c}, {v})", "{c} + 1 > {v}", "{c} ^ 400 > {v}"]  # fmt: skip
    for shape in shapes:
        for column in columns:
            for value in values:
                text = shape.format(c=column, v=value)
                answer = http.get(f"{INCIDENTS}/items", params={"limit": 1, "filter": text})
                assert answer.status_code in (200, 400), (text, answer.text)


def test_refusals_keep_their_form_when_json_is_not_asked_for(http: httpx.Client) -> None:
    answer = http.get(f"{INCIDENTS}/items?limit=0", headers={"Accept": "text/html"})
    assert answer.status_code == 400
    assert "limit" in answer.text


@pytest.mark.parametrize(
    "query", ["nothing=1", "bbox=1", "mode=all", "filter=nothing%3D1", "asof=2999-01-01T00:00:00Z", "cursor=x"]
)
def test_pages_for_people_refuse_the_same(http: httpx.Client, query: str) -> None:
    assert http.get(f"{INCIDENTS}/items?f=html&{query}").status_code == 400


def test_what_cannot_be_had_in_that_form_is_406(http: httpx.Client) -> None:
    assert http.get("/collections", headers={"Accept": "image/png"}).status_code == 406


def test_writing_is_not_offered_to_nobody(http: httpx.Client) -> None:
    assert http.post(f"{INCIDENTS}/items").status_code == 401
    for method, path in (
        ("PUT", INCIDENTS),
        ("PATCH", INCIDENTS),
        ("DELETE", INCIDENTS),
        ("POST", "/collections/districts"),
    ):
        answer = http.request(method, f"{path}/items")
        assert answer.status_code == 405
        assert answer.headers["allow"] == "GET, HEAD, OPTIONS"
    assert http.options(f"{INCIDENTS}/items").headers["allow"] == "GET, HEAD, OPTIONS"


@settings(max_examples=150 * LENGTH, deadline=None)
@given(
    st.sampled_from(["bbox", "datetime", "filter", "limit", "sortby", "crs", "cursor", "asof", "title_en", "lanes_closed",
                     "reported_at", "participants", "properties", "bbox-crs", "f", "mode", "lang"]),
    st.text(max_size=40) | st.sampled_from(["'", '"', "';--", "\\", "%", "{}", "\u0000", "1e999", "-1", "9" * 30, "T", "(", "é"]),
)  # fmt: skip
def test_no_value_brings_out_our_insides_fuzz(http: httpx.Client, parameter: str, value: str) -> None:
    answer = http.get(
        f"{INCIDENTS}/items", params={parameter: value, **({} if parameter == "limit" else {"limit": "1"})}
    )
    assert answer.status_code in (200, 400, 406, 410), answer.text
    for inside in ("Traceback", "psycopg", "postgres", "SELECT", "layer.incidents"):
        assert inside not in answer.text


@settings(max_examples=60 * LENGTH, deadline=None)
@given(st.text(min_size=1, max_size=30))
def test_no_path_brings_out_our_insides_fuzz(http: httpx.Client, name: str) -> None:
    from urllib.parse import quote

    for path in (f"/collections/{quote(name, safe='')}", f"{INCIDENTS}/items/{quote(name, safe='')}"):
        answer = http.get(path)
        assert answer.status_code in (200, 404), answer.text
        assert "Traceback" not in answer.text
