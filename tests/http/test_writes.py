"""Writes through the API: who may, what fits, what was read, once only, and what follows from it."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import httpx
import psycopg
import pytest

from cop_server.cluster import Cluster, create_database, drop_database
from cop_server.identity import keys

ITEMS = "/collections/incidents/items"
PLACE = {"type": "Point", "coordinates": [114.17, 22.3]}
Json = dict[str, Any]
Person = Callable[..., httpx.Client]


@pytest.fixture(scope="module")
def database(cluster: Cluster, template: str) -> Iterator[Cluster]:
    name = f"t_writes_{os.getpid()}"
    yield create_database(cluster, name, template)
    drop_database(cluster, name)


@pytest.fixture(scope="module")
def url(database: Cluster, start_server_once: Callable[..., str]) -> str:
    return start_server_once(database.app_dsn, COP_BODY_MB="1")


@pytest.fixture(scope="module")
def person(database: Cluster, url: str) -> Iterator[Person]:
    """A client for a role and department; nobody without them."""
    made: dict[tuple[str | None, str | None], httpx.Client] = {}

    def client(role: str | None = None, department: str | None = None) -> httpx.Client:
        if (role, department) not in made:
            headers = {"Accept": "application/json"}
            if role is not None:
                headers["X-API-Key"] = keys.create(database.owner_dsn, f"{role} {department}", role, department, None)[
                    1
                ]
            made[role, department] = httpx.Client(base_url=url, timeout=60, headers=headers)
        return made[role, department]

    yield client
    for one in made.values():
        one.close()


@pytest.fixture(scope="module")
def dsd(person: Person) -> httpx.Client:
    return person("reporter", "DSD")


def feature(geometry: Json | None = PLACE, **properties: object) -> Json:
    told = {"category": "flood", "title_en": "Flooding at a test"}
    return {"type": "Feature", "geometry": geometry, "properties": told | properties}


def post(http: httpx.Client, body: Json, address: str = ITEMS, **headers: str) -> httpx.Response:
    return http.post(address, json=body, headers={"Content-Type": "application/geo+json", **headers})


def made(http: httpx.Client, **properties: object) -> httpx.Response:
    answer = post(http, feature(**properties))
    assert answer.status_code == 201, answer.text
    return answer


def patch(http: httpx.Client, answer: httpx.Response, geometry: Any = ..., tag: str | None = None, why: str = "",
          **properties: object) -> httpx.Response:  # fmt: skip
    """Change what an answer has, with its ETag."""
    body: Json = {"properties": properties} | ({} if geometry is ... else {"geometry": geometry})
    headers = {"Content-Type": "application/merge-patch+json", "If-Match": tag or answer.headers["etag"]}
    if why:
        headers["COP-Reason"] = quote(why)
    return http.patch(f"{ITEMS}/{answer.json()['id']}", json=body, headers=headers)


def faults(answer: httpx.Response) -> dict[str, str]:
    """Pointer and reason of each fault of a 422."""
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return {one["pointer"]: one["reason"] for one in answer.json()["errors"]}


def test_a_new_record_is_found_where_its_location_says(dsd: httpx.Client, person: Person) -> None:
    answer = made(dsd, location_en="Outside the pumping station", injured=0)
    told = answer.json()
    assert answer.headers["location"].endswith(f"{ITEMS}/{told['id']}")
    assert answer.headers["content-type"] == "application/geo+json"
    properties = told["properties"]
    expected = {"department": "DSD", "source": "DSD", "status": "reported", "release": "departments", "major": False,
                "message_status": "exercise", "injured": 0, "dead": None, "provenance": "exercise"}  # fmt: skip
    assert {name: properties[name] for name in expected} == expected
    assert properties["reported_at"] is not None
    again = dsd.get(answer.headers["location"])
    assert again.json()["properties"] == properties
    assert again.headers["etag"].startswith(answer.headers["etag"][:-1])
    assert dsd.get(answer.headers["location"], headers={"If-None-Match": again.headers["etag"]}).status_code == 304
    assert person("viewer", "FSD").get(answer.headers["location"]).status_code == 200
    assert person().get(answer.headers["location"]).status_code == 404


def test_who_may_is_told_who_may_not_learns_nothing(person: Person, dsd: httpx.Client) -> None:
    answer = made(dsd)
    own = made(dsd, release="owner")
    assert post(person(), feature()).status_code == 401
    assert post(person(), feature()).headers["www-authenticate"].startswith("Bearer")
    for role, department in (("viewer", "DSD"), ("press", None), ("partner", None)):
        assert post(person(role, department), feature()).status_code == 403
    assert patch(person("reporter", "FSD"), answer, title_en="theirs").status_code == 403
    assert "DSD" in patch(person("reporter", "FSD"), answer, title_en="theirs").json()["detail"]
    hidden = patch(person("reporter", "FSD"), own, title_en="theirs")
    never = person("reporter", "FSD").patch(
        f"{ITEMS}/I-20250923-99999", json={"properties": {}},
        headers={"Content-Type": "application/merge-patch+json", "If-Match": '"x"'},
    )  # fmt: skip
    assert hidden.status_code == never.status_code == 404
    assert hidden.json()["detail"].replace(own.json()["id"], "") == never.json()["detail"].replace(
        "I-20250923-99999", ""
    )
    assert post(person("reporter", "FSD"), feature(department="DSD")).status_code == 403
    assert post(person("emsc"), feature(department="DSD")).status_code == 201


def test_every_fault_is_told_with_its_pointer(dsd: httpx.Client) -> None:
    wrong = {"category": "fire", "dead": -1, "injured": 1.5, "major": "yes", "occurred_at": "yesterday", "nothing": 1,
             "status": "completed", "updated_at": "2025-09-23T00:00:00Z", "message_status": "actual",
             "participants": ["a", 2], "title_en": "x" * 5000, "severity": None, "department": "NONE"}  # fmt: skip
    found = faults(post(dsd, feature(**wrong)))
    assert set(found) >= {f"/properties/{name}" for name in ("category", "dead", "injured", "major", "occurred_at",
                                                             "nothing", "participants", "title_en", "department")}  # fmt: skip
    assert "landslide" in found["/properties/category"]
    found = faults(post(dsd, feature(status="completed", updated_at="2025-09-23T00:00:00Z", message_status="actual")))
    assert set(found) == {"/properties/status", "/properties/updated_at", "/properties/message_status"}
    assert "/properties/title_en" in faults(post(dsd, feature(title_en=None)))
    assert "/properties/category" in faults(post(dsd, feature(category=None)))


@pytest.mark.parametrize(
    ("geometry", "words"),
    [
        ({"type": "Point", "coordinates": [22.3, 114.17]}, "swapped"),
        ({"type": "Point", "coordinates": [113.0, 22.3]}, "outside Hong Kong"),
        ({"type": "Point", "coordinates": []}, "empty"),
        ({"type": "Point"}, "coordinates"),
        ({"type": "Circle", "coordinates": [1, 2]}, "geometry"),
        ({"type": "GeometryCollection", "geometries": [PLACE]}, "point, line or area"),
        ({"type": "Polygon", "coordinates": [[[114.1, 22.3], [114.2, 22.4], [114.2, 22.3], [114.1, 22.4], [114.1, 22.3]]]},
         "valid"),
        ({"type": "LineString", "coordinates": [[114.1 + n / 1e6, 22.3] for n in range(20_001)]}, "vertices"),
    ],
)  # fmt: skip
def test_a_wrong_position_is_a_sentence(dsd: httpx.Client, geometry: Json, words: str) -> None:
    (reason,) = faults(post(dsd, feature(geometry))).values()
    assert words in reason


def test_a_position_in_the_grid_of_hong_kong(dsd: httpx.Client) -> None:
    grid = "http://www.opengis.net/def/crs/EPSG/0/2326"
    for header in (grid, f"<{grid}>"):  # QGIS sends it without the brackets
        answer = post(dsd, feature({"type": "Point", "coordinates": [817_500.0, 835_500.0]}), **{"Content-Crs": header})
        assert answer.status_code == 201, answer.text
        assert answer.headers["content-crs"] == f"<{grid}>"
        lon, lat = dsd.get(f"{ITEMS}/{answer.json()['id']}").json()["geometry"]["coordinates"]
        assert (round(lon, 2), round(lat, 2)) == (114.17, 22.3)
    assert post(dsd, feature(), **{"Content-Crs": "<nothing>"}).status_code == 400


def test_a_change_is_of_the_version_that_was_read(dsd: httpx.Client) -> None:
    first = made(dsd)
    second = patch(dsd, first, status="confirmed", geometry=None)
    assert second.status_code == 200, second.text
    assert second.json()["geometry"] is None
    assert second.json()["properties"]["status"] == "confirmed"
    assert second.json()["properties"]["title_en"] == first.json()["properties"]["title_en"]
    late = patch(dsd, first, status="responding")
    assert late.status_code == 412
    assert "read it again" in late.json()["detail"]
    read = dsd.get(f"{ITEMS}/{first.json()['id']}?f=json&crs=http://www.opengis.net/def/crs/EPSG/0/2326")
    assert patch(dsd, first, tag=read.headers["etag"], status="responding").status_code == 200
    assert patch(dsd, first, tag="*", title_en="Any version").status_code == 200
    without = dsd.patch(f"{ITEMS}/{first.json()['id']}", json={"properties": {"title_en": "x"}},
                        headers={"Content-Type": "application/merge-patch+json"})  # fmt: skip
    assert without.status_code == 428
    assert without.json()["parameter"] == "If-Match"


def test_put_replaces_all_that_is_the_clients(dsd: httpx.Client) -> None:
    first = made(dsd, description_en="to be dropped", major=True)
    whole = dsd.get(f"{ITEMS}/{first.json()['id']}").json()
    del whole["properties"]["description_en"]
    whole["properties"]["title_zh"] = "水浸"
    answer = dsd.put(f"{ITEMS}/{whole['id']}", json=whole,
                     headers={"Content-Type": "application/geo+json", "If-Match": first.headers["etag"]})  # fmt: skip
    assert answer.status_code == 200, answer.text
    after = answer.json()["properties"]
    assert (after["description_en"], after["title_zh"], after["major"]) == (None, "水浸", True)
    assert after["reported_at"] == first.json()["properties"]["reported_at"]
    other = {**whole, "id": "I-20250923-00001"}
    wrong = dsd.put(f"{ITEMS}/{whole['id']}", json=other,
                    headers={"Content-Type": "application/geo+json", "If-Match": "*"})  # fmt: skip
    assert "/id" in faults(wrong)


STEPS = {
    "reported": {"confirmed", "responding", "cancelled"}, "confirmed": {"responding", "controlled", "completed", "cancelled"},
    "responding": {"controlled", "completed", "cancelled"}, "controlled": {"responding", "completed"},
    "completed": {"responding"}, "cancelled": {"confirmed"},
}  # fmt: skip
WAYS = {"reported": (), "confirmed": ("confirmed",), "responding": ("responding",), "cancelled": ("confirmed", "cancelled"),
        "controlled": ("responding", "controlled"), "completed": ("responding", "completed")}  # fmt: skip


@pytest.mark.parametrize(("start", "end"), list(itertools.permutations(STEPS, 2)))
def test_states_follow_each_other_as_the_contract_says(dsd: httpx.Client, start: str, end: str) -> None:
    answer = made(dsd)
    for step in WAYS[start]:
        answer = patch(dsd, answer, status=step)
        assert answer.status_code == 200, answer.text
    done = patch(dsd, answer, status=end, why="it began again 再次發生")
    if end not in STEPS[start]:
        assert "comes" in faults(done)["/properties/status"]
        return
    assert done.status_code == 200, done.text
    if start in ("completed", "cancelled"):
        assert "COP-Reason" in faults(_without_reason(dsd, start, end))["/properties/status"]
    if end == "completed":
        assert done.json()["properties"]["completed_at"] is not None


def _without_reason(http: httpx.Client, start: str, end: str) -> httpx.Response:
    answer = made(http)
    for step in WAYS[start]:
        answer = patch(http, answer, status=step)
    return patch(http, answer, status=end)


def test_a_key_writes_once(dsd: httpx.Client, person: Person) -> None:
    key = {"Idempotency-Key": "5d2f1c1e-0001"}
    body = feature(title_en="Only once")
    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(lambda _: post(dsd, body, **key), range(12)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1
    assert len({answer.content for answer in answers}) == 1
    found = dsd.get(ITEMS, params={"filter": "title_en='Only once'"}).json()
    assert found["numberMatched"] == 1
    assert post(dsd, feature(title_en="Another"), **key).status_code == 422
    other = post(person("reporter", "FSD"), body, **key)
    assert other.status_code == 201
    assert other.json()["id"] != answers[0].json()["id"]
    assert post(dsd, body, **{"Idempotency-Key": "short"}).status_code == 400


def test_two_writers_lose_no_update(dsd: httpx.Client, person: Person) -> None:
    first = made(dsd)
    address = f"{ITEMS}/{first.json()['id']}"

    admin = person("administrator", "DSD")

    def add(number: int) -> None:
        http = dsd if number % 2 else admin
        while True:
            read = http.get(address)
            told = read.json()["properties"]["description_en"] or ""
            done = patch(http, read, description_en=f"{told}{number},")
            if done.status_code == 200:
                return
            assert done.status_code == 412, done.text

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(add, range(20)))
    told = dsd.get(address).json()["properties"]["description_en"]
    assert sorted(told.strip(",").split(","), key=int) == [str(number) for number in range(20)]


def test_a_withdrawn_record_is_gone_and_its_past_stays(dsd: httpx.Client, person: Person) -> None:
    first = made(dsd, release="public")
    address, n = f"{ITEMS}/{first.json()['id']}", first.headers["cop-sequence"]
    assert dsd.delete(address).status_code == 428
    assert person("reporter", "FSD").delete(address, headers={"If-Match": "*"}).status_code == 403
    assert dsd.delete(address, headers={"If-Match": first.headers["etag"]}).status_code == 204
    assert dsd.get(address).status_code == 410
    assert dsd.delete(address, headers={"If-Match": "*"}).status_code == 410
    hidden = made(dsd)
    there = f"{ITEMS}/{hidden.json()['id']}"
    assert dsd.delete(there, headers={"If-Match": "*"}).status_code == 204
    assert person().get(there).status_code == 404
    assert dsd.get(address, params={"asof": n}).status_code in (200, 404)


def test_progress_moves_its_incident_and_slips(dsd: httpx.Client, person: Person) -> None:
    incident = made(dsd)
    id_ = incident.json()["id"]
    updates = "/collections/progress-updates/items"

    def tell(http: httpx.Client = dsd, **properties: object) -> httpx.Response:
        return post(http, {"type": "Feature", "geometry": None, "properties": {"incident": id_, **properties}}, updates)

    first = tell(text_en="Crew is there", status_after="responding", percent=20,
                 estimated_completion_at="2025-09-23T21:00:00Z")  # fmt: skip
    assert first.status_code == 201, first.text
    assert first.json()["geometry"]["coordinates"] == PLACE["coordinates"]
    assert first.json()["properties"]["department"] == "DSD"
    later = tell(text_en="More water", percent=30, estimated_completion_at="2025-09-23T23:30:00Z")
    assert later.status_code == 201
    now = dsd.get(f"{ITEMS}/{id_}").json()["properties"]
    assert (now["status"], now["progress_percent"], now["eta_slips"]) == ("responding", 30, 1)
    assert now["estimated_completion_at"] == "2025-09-23T23:30:00Z"
    fsd = person("reporter", "FSD")
    assert tell(fsd, text_en="Pump lent").status_code == 201
    assert tell(fsd, text_en="Done?", percent=100).status_code == 403
    assert "/properties/percent" in faults(tell(text_en="x", percent=101))
    assert "/properties/status" in faults(tell(text_en="x", status_after="reported"))
    assert "/properties/incident" in faults(tell(text_en="x", incident="I-20250923-00000"))
    address = f"{updates}/{first.json()['id']}"
    for method in ("PUT", "PATCH", "DELETE"):
        refused = dsd.request(method, address, json={}, headers={"If-Match": "*"})
        assert refused.status_code == 405
        assert refused.headers["allow"] == "GET, HEAD, OPTIONS"


def test_requests_are_acknowledged_answered_and_hand_over(dsd: httpx.Client, person: Person, database: Cluster) -> None:
    incident = made(dsd, release="owner")
    id_, requests = incident.json()["id"], "/collections/requests/items"
    admin, fsd = person("administrator", "DSD"), person("reporter", "FSD")

    def ask(http: httpx.Client, **properties: object) -> httpx.Response:
        told = {"incident": id_, "to_department": "FSD", "text_en": "Please", **properties}
        return post(http, {"type": "Feature", "geometry": None, "properties": told}, requests)

    def change(http: httpx.Client, record: httpx.Response, **properties: object) -> httpx.Response:
        return http.patch(f"{requests}/{record.json()['id']}", json={"properties": properties},
                          headers={"Content-Type": "application/merge-patch+json"})  # fmt: skip

    assert ask(dsd, kind="hand_over").status_code == 403
    asked = ask(dsd, kind="ask", due_at="2025-09-20T00:00:00Z")
    assert asked.status_code == 201, asked.text
    assert asked.json()["properties"]["from_department"] == "DSD"
    assert change(dsd, asked, answer="I answer myself").status_code == 403
    assert change(fsd, asked, text_en="not mine").status_code == 403
    seen = change(fsd, asked, acknowledged_at="2025-09-23T19:00:00Z")
    assert seen.status_code == 200, seen.text
    assert seen.json()["properties"]["acknowledged_by_role"] == "reporter"
    with psycopg.connect(database.owner_dsn, autocommit=True) as owner:
        assert owner.execute("SELECT cop.tick()").fetchone() in ((1,), (0,))  # the server ticks too
        assert owner.execute("SELECT cop.tick()").fetchone() == (0,)
    assert dsd.get(f"{requests}/{asked.json()['id']}").json()["properties"]["escalated_at"] is not None
    done = change(fsd, asked, answer="Two pumps on the way")
    assert done.json()["properties"]["answered_at"] is not None

    handed = ask(admin, kind="hand_over")
    assert handed.status_code == 201, handed.text
    assert fsd.get(f"{ITEMS}/{id_}").status_code == 404
    taken = change(fsd, handed, answer="accepted")
    assert taken.status_code == 200, taken.text
    assert fsd.get(f"{ITEMS}/{id_}").json()["properties"]["department"] == "FSD"
    assert dsd.get(f"{ITEMS}/{id_}").status_code == 404


def test_repeating_incidents_are_merged_and_parted_by_an_administrator(dsd: httpx.Client, person: Person) -> None:
    first, second = made(dsd), made(dsd)
    admin = person("administrator", "DSD")
    assert patch(dsd, second, duplicate_of=first.json()["id"]).status_code == 403
    merged = patch(admin, second, duplicate_of=first.json()["id"])
    assert merged.status_code == 200
    assert "/properties/duplicate_of" in faults(patch(admin, first, duplicate_of=second.json()["id"]))
    assert "/properties/duplicate_of" in faults(patch(admin, first, duplicate_of=first.json()["id"]))
    assert patch(admin, merged, duplicate_of=None).json()["properties"]["duplicate_of"] is None


def test_a_batch_is_all_or_none_or_each_by_itself(dsd: httpx.Client) -> None:
    good = [feature(title_en=f"Batch {n}") for n in range(3)]
    batch = {"type": "FeatureCollection", "features": [*good, feature(category="fire")]}

    def there() -> int:
        return int(dsd.get(ITEMS, params={"filter": "title_en LIKE 'Batch%'"}).json()["numberMatched"])

    assert "/features/3/properties/category" in faults(post(dsd, batch))
    assert there() == 0
    tried = post(dsd, {**batch, "features": good}, f"{ITEMS}?dry-run=true")
    assert (tried.status_code, tried.json()["written"], there()) == (200, 3, 0)
    report = post(dsd, batch, f"{ITEMS}?batch=each")
    assert report.status_code == 207
    assert [one["status"] for one in report.json()["results"]] == [201, 201, 201, 422]
    assert report.json()["results"][3]["errors"][0]["pointer"] == "/properties/category"
    assert there() == 3
    assert post(dsd, {**batch, "features": good}).json()["written"] == 3
    assert there() == 6
    one = post(dsd, feature(title_en="Batch tried"), f"{ITEMS}?dry-run=true")
    assert one.status_code == 200
    assert "location" not in one.headers
    assert there() == 6


def test_bodies_that_are_none_are_refused(dsd: httpx.Client) -> None:
    def send(content: bytes, media: str = "application/geo+json") -> int:
        return dsd.post(ITEMS, content=content, headers={"Content-Type": media}).status_code

    assert send(b"{") == 400
    assert send(b"[]") == 400
    assert send(b'{"type":"Feature"}') == 422
    assert send(b'{"type":"Feature","geometry":null,"properties":{"a":' + b"[" * 500 + b"]" * 500 + b"}}") == 400
    assert send(b"[" * 100_000) == 400
    assert send(b" " * 1_100_000) == 413
    assert send(b"{}", "text/plain") == 415
    assert send(b'{"type":"Feature","geometry":null,"properties":{"title_en":"\\u0000","category":"flood"}}') == 422
    lines = post(dsd, feature(), **{"COP-Reason": "a\tb"}).status_code
    assert lines == 201


@pytest.mark.parametrize(
    "text", ["'; DROP TABLE layer.incidents; --", '"), (1', "%(visible)s", "{0}", "\\x00", "$1", "<b>&"]
)
def test_what_looks_like_sql_is_text(dsd: httpx.Client, text: str) -> None:
    answer = made(dsd, title_en=text, location_zh=text)
    assert dsd.get(answer.headers["location"]).json()["properties"]["title_en"] == text
    wrong = faults(post(dsd, feature(**{text: 1})))
    assert any(text.replace("~", "~0").replace("/", "~1") in pointer for pointer in wrong)


def test_the_request_sequence_of_qgis(person: Person) -> None:
    """QGIS 3.32 and newer: OPTIONS on items and item, POST and its Location, PATCH without If-Match, GET, DELETE."""
    dsd, emsc = person("reporter", "DSD"), person("emsc")
    allow = dsd.options(ITEMS).headers["allow"].split(", ")
    assert "POST" in allow
    assert "POST" not in person("viewer", "DSD").options(ITEMS).headers["allow"]
    assert "POST" not in dsd.options("/collections/districts/items").headers["allow"]
    added = dsd.post(ITEMS, content=httpx.Request("POST", "http://x", json=feature()).content,
                     headers={"Content-Type": "application/geo+json",
                              "Content-Crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"})  # fmt: skip
    assert added.status_code == 201
    item = added.headers["location"]
    assert {"PUT", "PATCH", "DELETE"} <= set(dsd.options(item).headers["allow"].split(", "))
    assert dsd.options(item).headers["accept-patch"] == "application/merge-patch+json"
    assert dsd.get(item).json()["id"] == item.rsplit("/", 1)[1]
    # A layer that demands no version is edited as QGIS does it.
    requests = "/collections/requests/items"
    told = {"to_department": "FSD", "kind": "inform", "text_en": "From QGIS"}
    made_ = post(dsd, {"type": "Feature", "geometry": PLACE, "properties": told}, requests)
    assert made_.status_code == 201, made_.text
    here = made_.headers["location"]
    merge = {"Content-Type": "application/merge-patch+json"}
    assert dsd.patch(here, json={"properties": {"text_en": "Edited"}}, headers=merge).status_code == 200
    moved = dsd.patch(here, json={"geometry": {"type": "Point", "coordinates": [114.2, 22.31]}}, headers=merge)
    assert moved.json()["geometry"]["coordinates"] == [114.2, 22.31]
    assert emsc.get(here).json()["properties"]["text_en"] == "Edited"


def test_what_is_no_register_is_not_written(dsd: httpx.Client) -> None:
    answer = post(dsd, feature(), "/collections/districts/items")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"
    assert post(dsd, feature(), "/collections/nothing/items").status_code == 404
    assert dsd.put(ITEMS, json={}).status_code == 405


def test_the_mode_of_a_write_is_its_requests(dsd: httpx.Client) -> None:
    answer = post(dsd, feature(), f"{ITEMS}?mode=test")
    assert answer.status_code == 201
    assert answer.json()["properties"]["message_status"] == "test"
    assert dsd.get(f"{ITEMS}/{answer.json()['id']}").status_code == 404
    assert dsd.get(f"{ITEMS}/{answer.json()['id']}?mode=test").status_code == 200


def test_the_journal_says_who_and_why(dsd: httpx.Client, database: Cluster) -> None:
    answer = patch(dsd, patch(dsd, made(dsd), status="cancelled"), status="reported", why="entered in haste")
    assert answer.status_code == 200, answer.text
    with psycopg.connect(database.owner_dsn) as owner:
        rows = owner.execute(
            "SELECT op, actor, cause FROM cop.journal WHERE feature = %s ORDER BY n", [answer.json()["id"]]
        ).fetchall()
    assert [row[0] for row in rows] == ["insert", "update", "update"]
    assert len({row[1] for row in rows}) == 1
    assert rows[0][1].startswith("key:") or "reporter" in rows[0][1]
    assert rows[2][2] == "entered in haste"
