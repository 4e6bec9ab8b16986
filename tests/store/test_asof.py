"""The past: as of N is what the picture was at N, and a walk through pages never tears."""

from __future__ import annotations

import json
import os
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cop.catalogue import catalogue
from cop.errors import Gone, Refused
from cop.query import answer
from cop.query.parse import read_items
from cop.visible import VisibleSet
from cop_server.cluster import Cluster

# `make soak` and `make fuzz` run the same properties at length.
LENGTH = 50 if os.environ.get("COP_TEST_LENGTH") == "long" else 1

INCIDENTS = catalogue().layers["incidents"]
PUBLIC = VisibleSet(mode="exercise")


def page(**parameters: str) -> answer.Page:
    given_ = {name.replace("__", "-"): value for name, value in parameters.items()}
    return answer.page(answer.resolved(read_items(INCIDENTS, PUBLIC, given_)))


def features(one: answer.Page) -> list[dict[str, Any]]:
    return [json.loads(text) for text in one.features]


def walk(**parameters: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor = None
    while True:
        if cursor:
            parameters = {name: value for name, value in parameters.items() if name != "asof"} | {"cursor": cursor}
        one = page(**parameters)
        found += features(one)
        cursor = one.next_cursor
        if cursor is None:
            return found


@pytest.fixture
def owner(store: Cluster) -> Any:
    with psycopg.connect(store.owner_dsn, autocommit=True) as connection:
        yield connection


def insert(owner: Any, ref: int, **values: object) -> str:
    row = {
        "category": "flood", "title_en": f"Incident {ref}", "department": "DSD", "status": "reported", "major": False,
        "message_status": "exercise", "release": "public", "reported_at": "2025-09-23T00:00:00Z", "source": "t",
        "source_ref": str(ref), **values,
    }  # fmt: skip
    names, marks = ", ".join(row), ", ".join(["%s"] * len(row))
    statement = f"INSERT INTO layer.incidents ({names}, geom) VALUES ({marks}, ST_SetSRID(ST_Point(114.1, 22.3), 4326)) RETURNING id"
    return str(owner.execute(statement, list(row.values())).fetchone()[0])


EDITS = st.lists(
    st.tuples(
        st.sampled_from(["insert", "update", "delete", "hide", "show"]),
        st.integers(0, 5),
        st.sampled_from(["reported", "confirmed", "responding", "completed"]),
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=15 * LENGTH, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(EDITS)
def test_as_of_n_equals_the_snapshot_taken_at_n_soak(owner: Any, edits: list[tuple[str, int, str]]) -> None:
    owner.execute("DELETE FROM layer.incidents")
    ids: dict[int, str] = {}
    taken: dict[int, dict[str, Any]] = {}
    for what, which, status in edits:
        if what == "insert" and which not in ids:
            ids[which] = insert(owner, which, status=status)
        elif what == "update" and which in ids:
            owner.execute("UPDATE layer.incidents SET status = %s WHERE id = %s", [status, ids[which]])
        elif what == "delete" and which in ids:
            owner.execute("DELETE FROM layer.incidents WHERE id = %s", [ids.pop(which)])
        elif what in ("hide", "show") and which in ids:
            release = "departments" if what == "hide" else "public"
            owner.execute("UPDATE layer.incidents SET release = %s WHERE id = %s", [release, ids[which]])
        n = owner.execute("SELECT n FROM cop.head").fetchone()[0]
        taken[n] = {f["id"]: f for f in walk(limit="100")}
    visible_now = {f["id"] for f in walk(limit="100")}
    hidden_now = set(ids.values()) - visible_now
    last = answer.current_state(read_items(INCIDENTS, PUBLIC, {}).question).n
    for n, snapshot in taken.items():
        if n > last:
            continue  # nothing that this visible set may know of happened then
        expected = {id_: feature for id_, feature in snapshot.items() if id_ not in hidden_now}
        for limit in ("100", "2"):
            assert {f["id"]: f for f in walk(asof=str(n), limit=limit)} == expected
        assert page(asof=str(n), resulttype="hits").matched == len(expected)


def test_a_walk_is_pinned_to_the_number_it_began_at(owner: Any) -> None:
    ids = sorted(insert(owner, n) for n in range(12))
    first = page(limit="5")
    owner.execute("DELETE FROM layer.incidents WHERE id = %s", [ids[6]])
    owner.execute("UPDATE layer.incidents SET status = 'confirmed'")
    insert(owner, 99)
    found = features(first)
    cursor = first.next_cursor
    while cursor:
        following = page(limit="5", cursor=cursor)
        assert following.matched == 12
        found += features(following)
        cursor = following.next_cursor
    assert [f["id"] for f in found] == ids
    assert {f["properties"]["status"] for f in found} == {"reported"}


@settings(max_examples=12 * LENGTH, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.none() | st.integers(0, 3), st.none() | st.sampled_from("ab")), min_size=1, max_size=14),
    st.sampled_from(
        ["lanes_closed", "-lanes_closed", "lanes_closed,-road_name_en", "-road_name_en,lanes_closed", "-id"]
    ),
    st.integers(1, 6),
)
def test_walks_forth_and_back_meet_every_feature_once_soak(
    owner: Any, rows: list[tuple[int | None, str | None]], sortby: str, limit: int
) -> None:
    owner.execute("DELETE FROM layer.incidents")
    for ref, (lanes, name) in enumerate(rows):
        insert(owner, ref, lanes_closed=lanes, road_name_en=name)
    pages = [page(sortby=sortby, limit=str(limit))]
    while pages[-1].next_cursor:
        pages.append(page(sortby=sortby, limit=str(limit), cursor=pages[-1].next_cursor))
    forth = [feature for one in pages for feature in features(one)]
    assert len(forth) == len({feature["id"] for feature in forth}) == len(rows)
    keys = [feature["properties"] | {"id": feature["id"]} for feature in forth]
    first = sortby.split(",")[0].lstrip("-")
    values = [key[first] for key in keys if key[first] is not None]
    assert values == sorted(values, reverse=sortby.startswith("-")), "in order"
    assert [key[first] for key in keys][: len(values)] == values, "nulls last"
    back = [pages[-1]]
    while back[-1].previous_cursor:
        back.append(page(sortby=sortby, limit=str(limit), cursor=back[-1].previous_cursor))
    assert [feature for one in reversed(back) for feature in features(one)] == forth


def test_a_time_comes_to_what_was_known_then(owner: Any) -> None:
    insert(owner, 1)
    (at,) = owner.execute("SELECT at FROM cop.journal").fetchone()
    insert(owner, 2)
    assert page(asof=at.isoformat()).matched == 1


def test_moments_out_of_reach_are_refused(owner: Any) -> None:
    with pytest.raises(Gone, match="still empty"):
        page(asof="2020-01-01T00:00:00Z")
    insert(owner, 1)
    with pytest.raises(Gone) as gone:
        page(asof="2020-01-01T00:00:00Z")
    assert gone.value.example is not None
    assert page(asof=gone.value.example).matched == 1, "the earliest time that is named can be asked for"
    for ahead in ("2999-01-01T00:00:00Z", "2"):
        with pytest.raises(Refused, match="ahead"):
            page(asof=ahead)


def test_what_others_write_does_not_move_our_mark(owner: Any) -> None:
    insert(owner, 1)
    before = answer.current_state(read_items(INCIDENTS, PUBLIC, {}).question)
    insert(owner, 2, release="departments")
    insert(owner, 3, message_status="actual")
    assert answer.current_state(read_items(INCIDENTS, PUBLIC, {}).question) == before


def test_the_past_is_read_by_index_as_the_app_role(owner: Any, store: Cluster) -> None:
    owner.execute("SELECT cop.begin_load('districts', '\\x')")
    for n in range(3):
        with owner.transaction():
            owner.execute("SELECT cop.begin_load('place_names', %s)", [bytes([n])])
            owner.execute("DELETE FROM layer.place_names")
            owner.execute("INSERT INTO layer.place_names (id, name_en, geom) SELECT g::text, %s, ST_SetSRID(ST_Point("
                          "113.8 + (g %% 100) / 150.0, 22.1 + g / 12000.0), 4326) FROM generate_series(1, 5000) g", [str(n)])  # fmt: skip
    owner.execute("ANALYZE history.place_names")
    with psycopg.connect(store.app_dsn) as app:
        box = app.execute(
            "EXPLAIN SELECT id FROM history.place_names t WHERE t.seq <= 3 AND t.seq_to > 3 AND t.seqs @> 3::bigint"
            " AND t.geom && ST_MakeEnvelope(114.1, 22.2, 114.11, 22.21, 4326)"
        ).fetchall()
        following = app.execute(
            "EXPLAIN SELECT id FROM history.place_names t WHERE t.id > '4' AND t.seq <= 3 AND t.seq_to > 3 ORDER BY id LIMIT 10"
        ).fetchall()
    assert "place_names_geom_seqs" in str(box)
    assert "place_names_version" in str(following)


def test_what_is_withdrawn_is_gone_from_the_past_too_and_changes_its_tag(owner: Any) -> None:
    id_ = insert(owner, 1)
    asked = read_items(INCIDENTS, PUBLIC, {"asof": "1"})
    question = answer.resolved(asked)
    before = answer.etag(question, answer.current_state(question))
    assert answer.page(question).matched == 1
    owner.execute("UPDATE layer.incidents SET release = 'departments' WHERE id = %s", [id_])
    assert answer.etag(question, answer.current_state(question)) != before
    assert answer.page(question).matched == 0
    assert not answer.is_immutable(asked)
    districts = catalogue().layers["districts"]
    assert answer.is_immutable(read_items(districts, PUBLIC, {"asof": "1"}))
    assert not answer.is_immutable(read_items(districts, PUBLIC, {"asof": "2025-01-01T00:00:00Z"}))
