"""Items as a client meets them: GeoJSON, paging, filters, CRS, ETags, modes, the past."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pyproj
import pytest


@pytest.fixture(scope="module")
def http(server: str) -> Any:
    with httpx.Client(base_url=server, timeout=30) as client:
        yield client


def get(http: httpx.Client, path: str, **parameters: str | int) -> dict[str, Any]:
    answer = http.get(path, params={name.replace("__", "-"): value for name, value in parameters.items()})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


ITEMS = "/collections/incidents/items"


def test_items_are_geojson(http: httpx.Client) -> None:
    answer = http.get(ITEMS, params={"limit": 5})
    assert answer.headers["content-type"] == "application/geo+json"
    assert answer.headers["content-crs"] == "<http://www.opengis.net/def/crs/OGC/1.3/CRS84>"
    found = answer.json()
    assert found["type"] == "FeatureCollection"
    assert found["numberReturned"] == len(found["features"]) == 5
    assert found["numberMatched"] > 1500
    assert {link["rel"] for link in found["links"]} == {"self", "alternate", "collection", "next"}
    feature = found["features"][0]
    assert feature["properties"]["message_status"] == "exercise"
    assert not {"dead", "injured", "missing", "trapped", "evacuated"} & set(feature["properties"])


def test_districts_are_eighteen(http: httpx.Client) -> None:
    found = get(http, "/collections/districts/items", limit=100)
    assert found["numberMatched"] == len(found["features"]) == 18


def test_every_page_of_a_walk_is_followed_by_its_links(http: httpx.Client) -> None:
    found = get(http, ITEMS, limit=300, sortby="-reported_at")
    ids = [feature["id"] for feature in found["features"]]
    while following := [link["href"] for link in found["links"] if link["rel"] == "next"]:
        found = http.get(following[0]).json()
        ids += [feature["id"] for feature in found["features"]]
    assert len(ids) == len(set(ids)) == found["numberMatched"]
    back = next(link["href"] for link in found["links"] if link["rel"] == "prev")
    assert http.get(back).json()["features"][-1]["id"] == ids[-len(found["features"]) - 1]


def test_an_item_and_its_etag(http: httpx.Client) -> None:
    id_ = get(http, ITEMS, limit=1)["features"][0]["id"]
    first = http.get(f"{ITEMS}/{id_}")
    assert first.json()["id"] == id_
    known = http.get(f"{ITEMS}/{id_}", headers={"If-None-Match": first.headers["etag"]})
    assert (known.status_code, known.content) == (304, b"")


def test_neighbours_of_one_load_have_etags_of_their_own(http: httpx.Client) -> None:
    first, second = (http.get(f"/collections/districts/items/{id_}") for id_ in ("CW", "YTM"))
    assert (first.json()["id"], second.json()["id"]) == ("CW", "YTM")
    assert first.headers["etag"] != second.headers["etag"]


def test_pages_answer_304_to_a_known_etag_in_any_coding(http: httpx.Client) -> None:
    plain = http.get(ITEMS, params={"limit": 50}, headers={"Accept-Encoding": "identity"})
    packed = http.get(ITEMS, params={"limit": 50}, headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.content == plain.content
    assert packed.headers["etag"] != plain.headers["etag"]
    for tag in (plain.headers["etag"], packed.headers["etag"], f'"other", {plain.headers["etag"]}'):
        assert http.get(ITEMS, params={"limit": 50}, headers={"If-None-Match": tag}).status_code == 304
    assert http.get(ITEMS, params={"limit": 51}, headers={"If-None-Match": plain.headers["etag"]}).status_code == 200


def test_a_box_narrows_and_agrees_in_every_crs(http: httpx.Client) -> None:
    counts = {
        get(http, "/collections/roads_b50k/items", resulttype="hits", bbox=box, **more)["numberMatched"]
        for box, more in (
            ("113.9,22.2,114.0,22.3", {}),
            ("22.2,113.9,22.3,114.0", {"bbox__crs": "http://www.opengis.net/def/crs/EPSG/0/4326"}),
            ("113.9,22.2,-10,114.0,22.3,10", {}),
        )
    }
    assert len(counts) == 1
    assert 0 < counts.pop() < 995


def test_a_box_beyond_a_crs_is_cut_to_it(http: httpx.Client) -> None:
    for box, crs in (
        ("-40000000,-20000000,40000000,20000000", "3857"),
        ("-10000000,-10000000,10000000,10000000", "2326"),
    ):
        found = get(http, "/collections/districts/items", resulttype="hits", bbox=box,
                    bbox__crs=f"http://www.opengis.net/def/crs/EPSG/0/{crs}")  # fmt: skip
        assert found["numberMatched"] == 18


def test_a_day_is_the_whole_of_it(http: httpx.Client) -> None:
    day = get(http, ITEMS, resulttype="hits", datetime="2025-09-23")["numberMatched"]
    assert (
        day
        == get(http, ITEMS, resulttype="hits", datetime="2025-09-23T00:00:00Z/2025-09-23T23:59:59.999999Z")[
            "numberMatched"
        ]
        > 0
    )


def test_a_box_in_the_grid_finds_what_lies_in_it(http: httpx.Client) -> None:
    crs = "http://www.opengis.net/def/crs/EPSG/0/2326"
    found = get(
        http,
        "/collections/traffic_cameras/items",
        limit=1000,
        bbox="815000,834000,817000,838000",
        bbox__crs=crs,
        crs=crs,
    )
    assert 0 < len(found["features"]) < 210
    for feature in found["features"]:
        northing, easting = feature["geometry"]["coordinates"]
        assert 815000 <= northing <= 817000
        assert 834000 <= easting <= 838000


def test_the_grid_comes_as_northing_easting_and_agrees_with_pyproj(http: httpx.Client) -> None:
    path = "/collections/weather_stations/items"
    plain = {f["id"]: f["geometry"]["coordinates"] for f in get(http, path, limit=50)["features"]}
    grid = get(http, path, limit=50, crs="http://www.opengis.net/def/crs/EPSG/0/2326")
    to_grid = pyproj.Transformer.from_crs(4326, 2326, always_xy=True)
    for feature in grid["features"]:
        easting, northing = to_grid.transform(*plain[feature["id"]])
        assert feature["geometry"]["coordinates"] == pytest.approx([northing, easting], abs=0.005)
    turned = get(http, path, limit=50, crs="http://www.opengis.net/def/crs/EPSG/0/4326")
    assert all(f["geometry"]["coordinates"] == plain[f["id"]][::-1] for f in turned["features"])


@pytest.mark.parametrize(
    ("parameters", "check"),
    [
        ({"status": "reported"}, lambda p: p["status"] == "reported"),
        ({"filter": "status IN ('reported','confirmed') AND major = true"},
         lambda p: p["status"] in ("reported", "confirmed") and p["major"]),
        ({"filter": '{"op":"=","args":[{"property":"category"},"flood"]}', "filter-lang": "cql2-json"},
         lambda p: p["category"] == "flood"),
        ({"filter": "CASEI(title_en) LIKE CASEI('%ROAD%')"}, lambda p: "road" in p["title_en"].lower()),
        ({"filter": "title_zh LIKE '%水浸%'"}, lambda p: "水浸" in p["title_zh"]),
        ({"filter": "A_OVERLAPS(participants, ('HKPF','FSD'))"}, lambda p: {"HKPF", "FSD"} & set(p["participants"])),
        ({"filter": "T_AFTER(reported_at, TIMESTAMP('2025-09-23T12:00:00Z'))"},
         lambda p: p["reported_at"] > "2025-09-23T12:00:00Z"),
        ({"datetime": "2025-09-23T12:00:00Z/2025-09-23T18:00:00Z"},
         lambda p: "2025-09-23T12" <= p["reported_at"] <= "2025-09-23T18:00:00Z"),
        ({"participants": "HKPF"}, lambda p: "HKPF" in p["participants"]),
        ({"filter": "lanes_closed + 1 > 2"}, lambda p: p["lanes_closed"] > 1),
        ({"filter": "progress_percent % 20 = 0 AND progress_percent DIV 3 > 10 AND progress_percent ^ 2 < 8000"},
         lambda p: p["progress_percent"] is not None and p["progress_percent"] % 20 == 0 and 33 <= p["progress_percent"] < 89),
        ({"filter": "title_en = title_en AND reported_at > occurred_at"},
         lambda p: p["occurred_at"] is not None and p["reported_at"] > p["occurred_at"]),
        ({"filter": "district IS NULL OR NOT (district = 'YL')"}, lambda p: p["district"] != "YL"),
    ],
)  # fmt: skip
def test_filters_give_just_what_they_say(http: httpx.Client, parameters: dict[str, str], check: Any) -> None:
    everything = get(http, ITEMS, limit=10000)["features"]
    expected = sorted(f["id"] for f in everything if check(_safe(f["properties"])))
    found = http.get(ITEMS, params={"limit": 10000, **parameters}).json()
    assert sorted(f["id"] for f in found["features"]) == expected
    assert expected
    assert len(expected) < len(everything)


def _safe(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        **properties,
        "lanes_closed": properties["lanes_closed"] or 0,
        "participants": properties["participants"] or [],
    }


def test_a_spatial_filter_equals_the_box(http: httpx.Client) -> None:
    path = "/collections/place_names/items"
    box = get(http, path, limit=1000, bbox="114.1,22.2,114.2,22.3")
    said = get(http, path, limit=1000, filter="S_INTERSECTS(geometry, BBOX(114.1,22.2,114.2,22.3))")
    grid = "POLYGON((22.2 114.1, 22.2 114.2, 22.3 114.2, 22.3 114.1, 22.2 114.1))"
    turned = get(http, path, limit=1000, filter=f"S_INTERSECTS(geometry, {grid})",
                 filter__crs="http://www.opengis.net/def/crs/EPSG/0/4326")  # fmt: skip
    assert box["numberMatched"] == said["numberMatched"] == turned["numberMatched"] > 0


def test_properties_and_geometry_can_be_left_out(http: httpx.Client) -> None:
    feature = get(http, ITEMS, limit=1, properties="status,title_zh", skipGeometry="true")["features"][0]
    assert feature["geometry"] is None
    assert list(feature["properties"]) == ["title_zh", "status"]


def test_no_properties_at_all_is_an_empty_object(http: httpx.Client) -> None:
    found = get(http, ITEMS, limit=2, properties="")
    assert [feature["properties"] for feature in found["features"]] == [{}, {}]


def test_hits_only_count(http: httpx.Client) -> None:
    found = get(http, ITEMS, resulttype="hits")
    assert found["features"] == []
    assert found["numberMatched"] == get(http, ITEMS, limit=1)["numberMatched"]


def test_modes_never_mix(http: httpx.Client) -> None:
    counts = {}
    for mode in ("actual", "exercise", "test"):
        found = get(http, ITEMS, limit=10000, mode=mode)
        assert {f["properties"]["message_status"] for f in found["features"]} <= {mode}
        counts[mode] = found["numberMatched"]
    assert get(http, ITEMS, limit=1)["numberMatched"] == counts["exercise"]
    an_exercise = get(http, ITEMS, limit=1)["features"][0]["id"]
    assert http.get(f"{ITEMS}/{an_exercise}", params={"mode": "actual"}).status_code == 404


def links(node: object) -> list[str]:
    if isinstance(node, dict):
        own = [node["href"]] if "href" in node else [t for t in node.get("tiles", []) if isinstance(t, str)]
        return own + [link for part in node.values() for link in links(part)]
    return [link for part in node for link in links(part)] if isinstance(node, list) else []


def test_links_keep_the_mode_that_was_asked_for(http: httpx.Client, server: str) -> None:
    an_actual = get(http, ITEMS, mode="actual")["features"]
    paths = ["/", "/collections", "/collections/incidents", ITEMS, "/collections/incidents/tiles",
             "/collections/incidents/tiles/WebMercatorQuad?f=tilejson"]  # fmt: skip
    paths += [f"{ITEMS}/{feature['id']}" for feature in an_actual[:1]]
    for path in paths:
        answer = http.get(path, params={"mode": "actual"}) if "?" not in path else http.get(f"{path}&mode=actual")
        for link in links(answer.json()):
            if link.startswith(server) and "/basemaps/" not in link:
                assert "mode=actual" in link, (path, link)
    assert "mode=" not in str(links(http.get("/collections/incidents").json()))


def test_a_known_answer_keeps_its_tag(http: httpx.Client) -> None:
    packed = http.get(ITEMS, params={"limit": 50}, headers={"Accept-Encoding": "gzip"})
    known = http.get(
        ITEMS, params={"limit": 50}, headers={"Accept-Encoding": "gzip", "If-None-Match": packed.headers["etag"]}
    )
    assert (known.status_code, known.headers["etag"]) == (304, packed.headers["etag"])


def test_a_walk_under_a_negated_filter_goes_on(http: httpx.Client) -> None:
    found = get(http, ITEMS, limit=400, filter="NOT category = 'flood'")
    seen = len(found["features"])
    while following := [link["href"] for link in found["links"] if link["rel"] == "next"]:
        found = http.get(following[0]).json()
        seen += len(found["features"])
    assert seen == found["numberMatched"] > 400


def test_documents_answer_304(http: httpx.Client) -> None:
    for path in ("/collections", "/openapi", "/collections/incidents/queryables", "/conformance"):
        first = http.get(path)
        assert http.get(path, headers={"If-None-Match": first.headers["etag"]}).status_code == 304, path


def test_incidents_without_a_position_are_listed(http: httpx.Client) -> None:
    found = get(http, ITEMS, limit=10000, filter="geometry IS NULL")
    assert found["numberMatched"] > 0
    assert all(feature["geometry"] is None for feature in found["features"])


def test_the_past_is_pinned(http: httpx.Client) -> None:
    now = http.get(ITEMS, params={"limit": 1})
    sequence = int(now.headers["cop-sequence"])
    past = http.get(ITEMS, params={"limit": 1, "asof": sequence - 500})
    assert past.headers["cache-control"] == "no-cache", "what is withdrawn later leaves the past too"
    assert past.json()["numberMatched"] < now.json()["numberMatched"]
    following = next(link["href"] for link in past.json()["links"] if link["rel"] == "next")
    assert http.get(following).json()["numberMatched"] == past.json()["numberMatched"]


def test_a_tenth_of_a_series_is_seen_as_of_its_number(http: httpx.Client) -> None:
    path = "/collections/wind_10min/items"
    now = http.get(path, params={"limit": 30})
    last = max(f["properties"]["observed_at"] for f in now.json()["features"])
    number = int(now.headers["cop-sequence"]) - 50
    assert http.get(path, params={"asof": number}).headers["cache-control"].endswith("immutable")
    past = get(http, path, limit=30, asof=number)
    assert max(f["properties"]["observed_at"] for f in past["features"]) < last


def test_pages_for_people_are_html(http: httpx.Client) -> None:
    answer = http.get(ITEMS, headers={"Accept": "text/html,application/xhtml+xml"})
    assert answer.headers["content-type"].startswith("text/html")
    assert "script-src 'self'" in answer.headers["content-security-policy"]


def test_a_page_for_people_reads_the_mode_that_was_asked(http: httpx.Client) -> None:
    actual = {f["id"] for f in get(http, ITEMS, mode="actual")["features"]}
    exercise = get(http, ITEMS, limit=1)["features"][0]["id"]
    text = http.get(ITEMS, params={"f": "html", "mode": "actual"}).text
    assert all(id_ in text for id_ in actual)
    assert exercise not in text


def test_answers_are_the_same_bytes_from_the_cache_and_anew(http: httpx.Client) -> None:
    first = http.get(ITEMS, params={"limit": 20}).content
    again = http.get(ITEMS, params={"limit": 20}).content
    assert first == again
    assert json.loads(first)["numberReturned"] == 20


def test_head_is_get_without_a_body(http: httpx.Client) -> None:
    answer = http.head(ITEMS)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["etag"] == http.get(ITEMS).headers["etag"]
