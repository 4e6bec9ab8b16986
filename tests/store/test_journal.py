"""The journal as the database keeps it: numbers, history, marks, rights. SQL tested as SQL."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from cop_server.cluster import Cluster

INSERT = """
INSERT INTO layer.incidents (category, title_en, department, status, major, message_status, release, reported_at,
                             source, source_ref, geom)
VALUES ('flood', %s, 'DSD', 'reported', false, %s, %s, '2025-09-23 01:02:03+08', 'test', %s,
        ST_SetSRID(ST_Point(114.1, 22.3), 4326)) RETURNING id
"""


def rows(connection: psycopg.Connection[Any], statement: str, *values: object) -> list[tuple[Any, ...]]:
    return connection.execute(statement, values).fetchall()  # type: ignore[arg-type]


def insert(connection: psycopg.Connection[Any], ref: str, mode: str = "exercise", release: str = "public") -> str:
    ((id_,),) = rows(connection, INSERT, f"Flood {ref}", mode, release, ref)
    return str(id_)


@pytest.fixture
def owner(store: Cluster) -> Any:
    with psycopg.connect(store.owner_dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
def app(store: Cluster) -> Any:
    with psycopg.connect(store.app_dsn, autocommit=True) as connection:
        connection.execute("SELECT set_config('cop.visible', '{public,exercise:public}', false)")
        yield connection


def test_each_write_takes_the_next_number_and_keeps_the_old_version(owner: Any) -> None:
    id_ = insert(owner, "1")
    owner.execute("UPDATE layer.incidents SET status = 'confirmed'")
    owner.execute("DELETE FROM layer.incidents")
    assert rows(owner, "SELECT n, op, feature FROM cop.journal ORDER BY n") == [
        (1, "insert", id_),
        (2, "update", id_),
        (3, "delete", id_),
    ]
    assert rows(owner, "SELECT seq, seq_to, status FROM history.incidents ORDER BY seq") == [
        (1, 2, "reported"),
        (2, 3, "confirmed"),
    ]


def test_a_row_changed_twice_in_one_transaction_is_numbered_once(owner: Any) -> None:
    with owner.transaction():
        insert(owner, "1")
        owner.execute("UPDATE layer.incidents SET status = 'confirmed'")
        owner.execute("UPDATE layer.incidents SET status = 'responding'")
    assert rows(owner, "SELECT n, op FROM cop.journal") == [(1, "insert")]
    assert rows(owner, "SELECT seq, status FROM history.incidents") == [(1, "responding")]
    assert rows(owner, "SELECT seq FROM layer.incidents") == [(1,)]


def test_a_change_that_changes_nothing_takes_no_number(owner: Any) -> None:
    insert(owner, "1")
    owner.execute("UPDATE layer.incidents SET status = status")
    assert rows(owner, "SELECT count(*) FROM cop.journal") == [(1,)]


def test_inserted_and_deleted_in_one_transaction_leaves_no_trace(owner: Any) -> None:
    with owner.transaction():
        insert(owner, "1")
        owner.execute("DELETE FROM layer.incidents")
    assert rows(owner, "SELECT count(*) FROM cop.journal") == [(0,)]


def test_nobody_sets_a_sequence_number_by_hand(owner: Any) -> None:
    insert(owner, "1")
    owner.execute("UPDATE layer.incidents SET seq = 77, cls = 'public', title_en = 'Other'")
    assert rows(owner, "SELECT seq, cls FROM layer.incidents") == [(2, "exercise:public")]


def test_a_relabelled_record_moves_both_marks_and_hides_its_past(owner: Any, app: Any) -> None:
    insert(owner, "1")
    assert rows(app, "SELECT count(*) FROM layer.incidents") == [(1,)]
    owner.execute("UPDATE layer.incidents SET release = 'departments'")
    assert rows(owner, "SELECT cls, n, count FROM cop.mark ORDER BY cls") == [
        ("exercise:departments", 2, 1),
        ("exercise:public", 2, 0),
    ]
    assert rows(app, "SELECT count(*) FROM layer.incidents") == [(0,)]
    assert rows(app, "SELECT count(*) FROM history.incidents") == [(0,)], "permitted then, but not now"


def test_the_app_role_sees_its_modes_rows_and_marks_and_no_others(owner: Any, app: Any) -> None:
    insert(owner, "1")
    insert(owner, "2", mode="actual")
    insert(owner, "3", release="departments")
    assert rows(app, "SELECT message_status, release FROM layer.incidents") == [("exercise", "public")]
    assert rows(app, "SELECT cls, count FROM cop.mark") == [("exercise:public", 1)]
    app.execute("SELECT set_config('cop.visible', '', false)")
    assert rows(app, "SELECT count(*) FROM layer.incidents") == [(0,)]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM cop.journal",
        "SELECT * FROM cop.raw",
        "DELETE FROM layer.incidents",
        "TRUNCATE layer.incidents",
        "UPDATE layer.districts SET name_en = 'x'",
        "INSERT INTO history.incidents (id, cls, seq, cls_now, payload_hash) VALUES ('x', 'public', 1, 'public', '')",
        "SELECT cop.next_number('incidents', 'x', 'insert', NULL, NULL, '')",
        "SELECT cop.begin_load('districts', '')",
        "SELECT cop.apply_layer('{}')",
        "SELECT spec FROM cop.layer",
    ],
)
def test_the_app_role_may_not(app: Any, statement: str) -> None:
    with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.FeatureNotSupported)):
        app.execute(statement)


def test_the_chain_of_hashes_holds(owner: Any) -> None:
    for ref in range(5):
        insert(owner, str(ref))
    broken = rows(owner, "SELECT count(*) FROM cop.journal a JOIN cop.journal b ON b.n = a.n + 1 "
                         "WHERE b.hash_before <> a.hash")  # fmt: skip
    assert broken == [(0,)]
    assert rows(owner, "SELECT h.hash = j.hash FROM cop.head h JOIN cop.journal j USING (n)") == [(True,)]


def test_numbers_follow_the_order_of_commits(owner: Any, store: Cluster) -> None:
    with psycopg.connect(store.owner_dsn) as first, psycopg.connect(store.owner_dsn) as second:
        early = insert(first, "early")
        late = insert(second, "late")
        second.commit()
        first.commit()
    assert rows(owner, "SELECT feature FROM cop.journal ORDER BY n") == [(late,), (early,)]


def test_times_of_the_journal_only_grow(owner: Any) -> None:
    for ref in range(20):
        insert(owner, str(ref))
    times = [at for (at,) in rows(owner, "SELECT at FROM cop.journal ORDER BY n")]
    assert times == sorted(set(times))


def test_ids_name_the_day_in_hong_kong_and_do_not_count(owner: Any) -> None:
    ids = [insert(owner, str(ref)) for ref in range(30)]
    assert all(id_.startswith("I-20250923-") and len(id_) == 16 for id_ in ids)
    assert len(set(ids)) == 30
    assert max(int(id_[-5:]) for id_ in ids) > 200, "running numbers would be 1 to 30"


def test_a_bulk_load_is_one_entry_with_all_its_versions(owner: Any) -> None:
    with owner.transaction():
        owner.execute("SELECT cop.begin_load('roads_b50k', '\\x01')")
        owner.execute("INSERT INTO layer.roads_b50k (id, theme) SELECT g::text, 'road' FROM generate_series(1, 500) g")
    with owner.transaction():
        owner.execute("SELECT cop.begin_load('roads_b50k', '\\x02')")
        owner.execute("UPDATE layer.roads_b50k SET theme = 'path' WHERE id < '2'")
        owner.execute("DELETE FROM layer.roads_b50k WHERE id LIKE '5%'")
    assert rows(owner, "SELECT n, op, feature FROM cop.journal") == [(1, "load", None), (2, "load", None)]
    ((alive,),) = rows(owner, "SELECT count(*) FROM layer.roads_b50k")
    assert rows(owner, "SELECT n, count FROM cop.mark") == [(2, alive)]
    assert rows(owner, "SELECT count(*) FROM history.roads_b50k WHERE seqs @> 1::bigint") == [(500,)]
    assert rows(owner, "SELECT count(*) FROM history.roads_b50k WHERE seqs @> 2::bigint") == [(alive,)]


def test_a_box_uses_the_index_as_the_app_role(owner: Any, app: Any) -> None:
    owner.execute(
        "INSERT INTO layer.incidents"
        " (category, title_en, department, status, message_status, release, reported_at, geom)"
        " SELECT 'flood', 'x', 'DSD', 'reported', 'exercise', 'public', now(),"
        " ST_SetSRID(ST_Point(113.8 + (g % 100) / 150.0, 22.1 + g / 12000.0), 4326) FROM generate_series(1, 5000) g"
    )
    owner.execute("ANALYZE layer.incidents")
    plan = "\n".join(line for (line,) in rows(app, "EXPLAIN SELECT count(*) FROM layer.incidents t WHERE t.cls = "
        "'exercise:public' AND t.geom && ST_MakeEnvelope(114.1, 22.2, 114.11, 22.21, 4326)"))  # fmt: skip
    assert "incidents_geom" in plan, plan


def test_a_change_that_changes_nothing_leaves_every_byte(owner: Any) -> None:
    insert(owner, "1")
    ((before,),) = rows(owner, "SELECT t::text FROM layer.incidents t")
    owner.execute("UPDATE layer.incidents SET status = status")
    assert rows(owner, "SELECT t::text FROM layer.incidents t") == [(before,)]
    with owner.transaction():
        owner.execute("UPDATE layer.incidents SET status = 'confirmed'")
        owner.execute("UPDATE layer.incidents SET status = 'reported'")
    assert rows(owner, "SELECT t::text FROM layer.incidents t") == [(before,)], "away and back in one transaction"
    assert rows(owner, "SELECT count(*) FROM cop.journal") == [(1,)]


def test_an_id_stands_for_ever(owner: Any) -> None:
    insert(owner, "1")
    with pytest.raises(psycopg.errors.RaiseException, match="stands for ever"):
        owner.execute("UPDATE layer.incidents SET id = 'X'")


def test_a_table_is_not_truncated_past_the_journal(owner: Any) -> None:
    with pytest.raises(psycopg.errors.RaiseException, match="journal would not know"):
        owner.execute("TRUNCATE layer.incidents")


def test_a_write_from_another_trigger_is_numbered_too(owner: Any) -> None:
    insert(owner, "1")
    owner.execute(
        "CREATE FUNCTION layer.touch() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN UPDATE layer.incidents SET severity = 'minor'; RETURN NULL; END $$"
    )
    owner.execute("CREATE TRIGGER touch AFTER INSERT ON layer.place_names EXECUTE FUNCTION layer.touch()")
    owner.execute("INSERT INTO layer.place_names (id) VALUES ('1')")
    assert rows(owner, "SELECT count(*) FROM cop.journal WHERE layer = 'incidents'") == [(2,)]
    ((text,),) = rows(owner, "SELECT doc_public FROM layer.incidents")
    assert '"severity":"minor"' in text


def test_rows_and_a_load_in_one_transaction_count_right(owner: Any) -> None:
    with owner.transaction():
        owner.execute("INSERT INTO layer.place_names (id, name_en) VALUES ('1', 'a'), ('2', 'b')")
        owner.execute("SELECT cop.begin_load('place_names', '1'::bytea)")
        owner.execute("UPDATE layer.place_names SET name_en = 'c'")
        owner.execute("UPDATE layer.place_names SET name_en = 'd'")
        owner.execute("DELETE FROM layer.place_names WHERE id = '2'")
    assert rows(owner, "SELECT count FROM cop.mark WHERE layer = 'place_names'") == [(1,)]
    open_ones = "SELECT id, name_en FROM history.place_names WHERE seq_to = 9223372036854775807"
    assert rows(owner, open_ones) == [("1", "d")]
    overlaps = (
        "SELECT count(*) FROM history.place_names a JOIN history.place_names b"
        " ON a.id = b.id AND a.seq < b.seq AND a.seqs && b.seqs"
    )
    assert rows(owner, overlaps) == [(0,)]


def test_the_chain_is_made_of_what_the_rows_say(owner: Any) -> None:
    for ref in range(3):
        insert(owner, str(ref))
    said = (
        "SELECT hash = sha256(hash_before || convert_to(concat_ws(chr(31), n, extract(epoch FROM at)::text, layer,"
        " coalesce(feature, chr(30)), op, actor, coalesce(cause, chr(30)), coalesce(cls_before, chr(30)),"
        " coalesce(cls_after, chr(30))), 'UTF8') || payload_hash) FROM cop.journal"
    )
    assert {holds for (holds,) in rows(owner, said)} == {True}
    owner.execute("UPDATE cop.journal SET actor = 'somebody' WHERE n = 2")
    assert rows(owner, said).count((False,)) == 1
