"""Changes: a replica kept only by them equals the original, for every audience, whatever happens in between."""

from __future__ import annotations

import itertools
import random
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import psycopg
import pytest
from replicas import Life, Replica, audiences, features, incident

from cop.catalogue import catalogue
from cop.query.delta import Place, changes
from cop.query.question import Question
from cop.visible import VisibleSet
from cop_server.cluster import Cluster

INCIDENTS = "/collections/incidents"


@pytest.fixture
def owner(store: Cluster) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(store.owner_dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
def http(store: Cluster, start_server: Callable[..., str]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=start_server(store.app_dsn), timeout=60) as client:
        yield client


def delta(http: httpx.Client, path: str, since: int, headers: dict[str, str] | None = None, **query: Any) -> Any:
    answer = http.get(f"{path}/changes", params={"since": since, **query}, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(http: httpx.Client, status: int, parameter: str, **query: Any) -> dict[str, Any]:
    answer = http.get(f"{INCIDENTS}/changes", params=query)
    assert answer.status_code == status, answer.text
    problem: dict[str, Any] = answer.json()
    assert problem["parameter"] == parameter
    return problem


def follow(http: httpx.Client, address: str, headers: dict[str, str], replica: Replica) -> str:
    """A walk along `next` from an address; the address of the next one."""
    last, seen, pinned = (0, ""), set(), set()
    while True:
        answer = http.get(address, headers=headers)
        assert answer.status_code == 200, answer.text
        document = answer.json()
        pinned.add(answer.headers["COP-Sequence"])
        assert document["numberReturned"] == len(document["features"])
        for feature in document["features"]:
            assert feature["seq"] >= last[0], "in order of the last number"
            assert feature["seq"] <= document["until"]
            assert feature["id"] not in seen, "each feature once"
            seen.add(feature["id"])
            last = (feature["seq"], feature["id"])
            replica.take(feature)
        links = {link["rel"]: link["href"] for link in document["links"]}
        if "next" not in links:
            assert pinned == {str(document["until"])}, "one number from the first page to the last"
            return links["changes"]
        assert "changes" not in links
        address = links["next"]


@pytest.mark.parametrize("mode", ["exercise", "actual"])
def test_a_replica_of_each_audience_equals_the_original(
    http: httpx.Client, owner: Any, store: Cluster, mode: str
) -> None:
    life, known = Life(owner, seed=7), audiences(store)
    views = {
        "all": {}, "box": {"bbox": "114.0,22.2,114.1,22.4"}, "filter": {"filter": "category = 'flood'"},
        "property": {"department": "DSD"},
    }  # fmt: skip
    kept: dict[tuple[str, str], tuple[Replica, str]] = {}
    for audience, view in itertools.product(known, views):
        query = httpx.QueryParams({"since": "0", "mode": mode, "limit": "7", **views[view]})
        kept[audience, view] = (Replica(), f"{INCIDENTS}/changes?{query}")
    places, after = Replica(), "/collections/place_names/changes?since=0&limit=9"
    for _ in range(6):
        life.go_on(12)
        for (audience, view), (replica, address) in kept.items():
            kept[audience, view] = (replica, follow(http, address, known[audience], replica))
            original = features(http, f"{INCIDENTS}/items", known[audience], mode=mode, **views[view])
            assert replica.kept == original, (audience, view)
        after = follow(http, after, {}, places)
        assert places.kept == features(http, "/collections/place_names/items", {})
    assert all(replica.tombstones for replica, _ in kept.values()) or mode == "actual"
    assert places.tombstones


def test_a_walk_that_is_torn_by_edits_and_given_up_leaves_no_ghosts(
    http: httpx.Client, owner: Any, store: Cluster
) -> None:
    """Pages stay at their number; who begins again from an old number has the right copy all the same."""
    life, known, dice = Life(owner, seed=3), audiences(store), random.Random(5)
    life.go_on(30)
    for audience, headers in known.items():
        replica = Replica()
        since = f"{INCIDENTS}/changes?since=0&limit=3"
        since = follow(http, since, headers, replica)
        for _ in range(4):
            life.go_on(6)
            address = since
            for _ in range(dice.randrange(3)):  # some pages, with edits between, and then the walk is given up
                document = http.get(address, headers=headers).json()
                for feature in document["features"]:
                    replica.take(feature)
                life.go_on(2)
                links = {link["rel"]: link["href"] for link in document["links"]}
                if "next" not in links:
                    break
                address = links["next"]
        follow(http, since, headers, replica)
        assert replica.kept == features(http, f"{INCIDENTS}/items", headers), audience


def test_what_left_is_a_tombstone_at_the_number_of_its_leaving(http: httpx.Client, owner: Any) -> None:
    for id_ in ("deleted", "relabelled", "moved", "other-mode", "back", "stays"):
        incident(owner, id_)
    incident(owner, "hidden", release="owner")
    before = int(http.get(f"{INCIDENTS}/items").headers["COP-Sequence"])
    assert before == 6, "the hidden one's number is not told"
    owner.execute("DELETE FROM layer.incidents WHERE id = 'deleted'")  # 8
    owner.execute("UPDATE layer.incidents SET release = 'owner' WHERE id = 'relabelled'")  # 9
    owner.execute("UPDATE layer.incidents SET geom = ST_SetSRID(ST_Point(114.3, 22.3), 4326) WHERE id = 'moved'")  # 10
    owner.execute("UPDATE layer.incidents SET message_status = 'actual' WHERE id = 'other-mode'")  # 11
    owner.execute("UPDATE layer.incidents SET release = 'owner' WHERE id = 'back'")  # 12
    owner.execute("UPDATE layer.incidents SET release = 'public' WHERE id = 'back'")  # 13
    owner.execute("UPDATE layer.incidents SET title_en = 'x' WHERE id = 'relabelled'")  # 14, unseen
    owner.execute("DELETE FROM layer.incidents WHERE id = 'hidden'")  # 15, unseen
    told = delta(http, INCIDENTS, before, bbox="114.0,22.2,114.2,22.4")
    found = [(f["id"], f["seq"], f.get("deleted", False)) for f in told["features"]]
    assert found == [("deleted", 8, True), ("relabelled", 9, True), ("moved", 10, True), ("other-mode", 11, True),
                     ("back", 13, False)]  # fmt: skip
    assert told["until"] == 13
    assert "hidden" not in str(told)


def test_what_nobody_may_see_leaves_no_trace(http: httpx.Client, owner: Any, store: Cluster) -> None:
    """The public's answers are the same, byte for byte, whatever happens to records that it does not see."""
    incident(owner, "seen")
    asked = [f"{INCIDENTS}/changes?since=0", f"{INCIDENTS}/changes?since=1"]
    before = [(http.get(path).content, http.get(path).headers["etag"]) for path in asked]
    for number in range(5):
        incident(owner, f"secret-{number}", release="departments")
        owner.execute("UPDATE layer.incidents SET title_en = 'more' WHERE id = %s", [f"secret-{number}"])
    owner.execute("DELETE FROM layer.incidents WHERE id = 'secret-1'")
    assert [(http.get(path).content, http.get(path).headers["etag"]) for path in asked] == before
    ahead = refused(http, 400, "since", since="2")
    assert ahead["example"] == "1", "the last number that the public knows of, not the store's"
    viewer = audiences(store)["viewer"]
    assert len(delta(http, INCIDENTS, 0, viewer)["features"]) == 5


def test_hidden_columns_are_hidden_here_too(http: httpx.Client, owner: Any, store: Cluster) -> None:
    incident(owner, "seen")
    owner.execute("UPDATE layer.incidents SET dead = 3")
    assert "dead" not in delta(http, INCIDENTS, 0)["features"][0]["properties"]
    assert delta(http, INCIDENTS, 0, audiences(store)["emsc"])["features"][0]["properties"]["dead"] == 3
    assert "dead" in refused(http, 400, "filter", since="0", filter="dead > 1")["detail"]


def test_bad_questions_are_refused_by_name(http: httpx.Client, owner: Any) -> None:
    incident(owner, "1")
    assert "ahead" in refused(http, 400, "since", since="99")["detail"]
    assert "COP-Sequence" in refused(http, 400, "since")["detail"]
    for bad in ("-1", "yesterday", "1.5", "9" * 30, ""):
        refused(http, 400, "since", since=bad)
    refused(http, 400, "until", since="1", until="0")
    refused(http, 400, "until", since="0", until="7")
    refused(http, 400, "limit", since="0", limit="0")
    refused(http, 400, "cursor", cursor="x")
    refused(http, 400, "cursor", cursor="x", since="0")
    refused(http, 400, "offset", since="0", offset="1")
    refused(http, 400, "sortby", since="0", sortby="id")
    assert "'nonsense'" in refused(http, 400, "filter", since="0", filter="nonsense = 1")["detail"]
    refused(http, 400, "bbox", since="0", bbox="1,2,3")
    assert http.get("/collections/nothing/changes?since=0").status_code == 404
    assert http.post(f"{INCIDENTS}/changes?since=0").status_code == 405


def test_a_cursor_belongs_to_its_question_and_to_its_reader(http: httpx.Client, owner: Any, store: Cluster) -> None:
    for number in range(3):
        incident(owner, str(number))
    links = delta(http, INCIDENTS, 0, limit=1)["links"]
    following = httpx.URL(next(link["href"] for link in links if link["rel"] == "next"))
    assert http.get(following).status_code == 200
    assert http.get(following.copy_merge_params({"category": "flood"})).status_code == 400
    assert http.get(following, headers=audiences(store)["viewer"]).status_code == 400
    items = http.get(f"{INCIDENTS}/items?limit=1").json()["links"]
    cursor = next(link["href"] for link in items if link["rel"] == "next").split("cursor=")[1]
    refused(http, 400, "cursor", cursor=cursor)


def test_before_the_kept_history_it_is_gone(http: httpx.Client, owner: Any) -> None:
    for number in range(6):
        incident(owner, str(number))
    owner.execute("UPDATE layer.incidents SET title_en = 'x' WHERE id IN ('0', '1')")
    owner.execute("SELECT cop.prune('incidents', 7)")
    assert refused(http, 410, "since", since="2")["example"] == "7"
    assert [feature["seq"] for feature in delta(http, INCIDENTS, 7)["features"]] == [8]
    assert len(delta(http, INCIDENTS, 0)["features"]) == 6, "all that is there now can be had at any time"


def test_a_number_that_a_restore_took_back_is_gone(http: httpx.Client, owner: Any) -> None:
    incident(owner, "1")
    owner.execute("SELECT cop.note_restore('test')")
    incident(owner, "2")
    assert [feature["id"] for feature in delta(http, INCIDENTS, 1)["features"]] == ["2"]
    assert "brought back" in refused(http, 410, "since", since="7")["detail"]


def test_until_bounds_it_and_tags_hold_while_nothing_changes(http: httpx.Client, owner: Any) -> None:
    for number in range(4):
        incident(owner, str(number))
    path = f"{INCIDENTS}/changes?since=1&until=3"
    answer = http.get(path)
    assert [feature["seq"] for feature in answer.json()["features"]] == [2, 3]
    assert answer.headers["COP-Sequence"] == "3"
    assert answer.headers["content-type"] == "application/geo+json"
    path = f"{INCIDENTS}/changes?since=2"
    tag = http.get(path).headers["etag"]
    assert http.get(path, headers={"If-None-Match": tag}).status_code == 304
    incident(owner, "more")
    assert http.get(path, headers={"If-None-Match": tag}).status_code == 200
    plain = http.get(path, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.json()["features"] == http.get(path, headers={"Accept-Encoding": "gzip"}).json()["features"]
    assert http.head(path).status_code == 200


def test_coordinates_and_properties_as_items_give_them(http: httpx.Client, owner: Any) -> None:
    incident(owner, "1")
    query = {"crs": "http://www.opengis.net/def/crs/EPSG/0/2326", "properties": "category"}
    told = delta(http, INCIDENTS, 0, **query)["features"][0]
    item = http.get(f"{INCIDENTS}/items", params=query).json()["features"][0]
    assert (told["geometry"], told["properties"]) == (item["geometry"], item["properties"])


def test_a_large_delta_is_read_in_bounded_memory(store: Cluster, owner: Any) -> None:
    """A load of 20,000 records, walked through in this process: what is held at once is a page."""
    with owner.transaction():
        owner.execute("SELECT cop.begin_load('place_names', '1'::bytea)")
        owner.execute("INSERT INTO layer.place_names (id, name_en, geom) SELECT g::text, repeat('x', 500),"
                      " ST_SetSRID(ST_Point(114, 22), 4326) FROM generate_series(1, 20000) AS g")  # fmt: skip
    question = Question(layer=catalogue().layers["place_names"], visible=VisibleSet())
    next(changes(question, Place(0), 1))
    tracemalloc.start()
    count = sum(1 for _ in changes(question, Place(0), 1))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 20_000
    assert peak < 3_000_000, "the whole would be more than 12 MB"
    assert sum(1 for _ in changes(question, Place(1, "5"), 1)) > 0, "behind a feature of a load"
