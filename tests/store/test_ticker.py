"""What time alone brings about: a row of the journal each, once, whoever looks and however many."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from cop.catalogue import Layer, catalogue
from cop.errors import SetupTrouble
from cop.heads import Verifier
from cop.upkeep import redact
from cop.verify import verify
from cop_server.cluster import Cluster
from cop_server.ticker import tick

Owner = psycopg.Connection[Any]
LOOK = "from cop_server.ticker import tick; print(tick())"
INSERT = """
INSERT INTO layer.incidents (category, title_en, department, status, major, message_status, release, reported_at, source,
                             source_ref, estimated_completion_at)
SELECT 'flood', 'No. ' || g, 'DSD', 'responding', false, %(mode)s, 'public', now() - interval '1 day', 'test', g::text,
       now() + %(due)s::interval FROM generate_series(1, %(many)s) AS g
"""


@pytest.fixture
def owner(store: Cluster) -> Iterator[Owner]:
    with psycopg.connect(store.owner_dsn, autocommit=True) as connection:
        yield connection


def incidents(owner: Owner, many: int = 1, mode: str = "actual", due: str = "1 hour") -> None:
    owner.execute(INSERT, {"many": many, "mode": mode, "due": due})


def hours_pass(owner: Owner, layer: str, column: str) -> None:
    """The clock goes on by two hours, as the record sees it: nothing of it is derived, numbered or told."""
    with owner.transaction():
        owner.execute("SELECT set_config('cop.own_write', '1', true)")
        for schema in ("layer", "history"):
            owner.execute(f"UPDATE {schema}.{layer} SET {column} = {column} - interval '2 hours'".encode())


def ticks(owner: Owner, layer: str = "incidents") -> list[tuple[str, str]]:
    return owner.execute(
        "SELECT feature, cause FROM cop.journal WHERE layer = %s AND actor = 'ticker' ORDER BY n", [layer]
    ).fetchall()


def one(owner: Owner, statement: str) -> Any:
    row = owner.execute(statement.encode()).fetchone()
    assert row is not None
    return row[0]


def test_three_look_at_once_one_is_killed_and_each_row_comes_once(owner: Owner, store: Cluster) -> None:
    incidents(owner, 200)
    hours_pass(owner, "incidents", "estimated_completion_at")
    with psycopg.connect(store.owner_dsn) as holder:
        holder.execute("SELECT FROM cop.head FOR UPDATE")  # all three come to the numbering, and wait
        lookers = [subprocess.Popen([sys.executable, "-c", LOOK], stdout=subprocess.PIPE) for _ in range(3)]
        deadline = time.monotonic() + 60
        waiting = (
            "SELECT count(DISTINCT pid) FROM pg_locks JOIN pg_stat_activity USING (pid)"
            " WHERE NOT granted AND datname = current_database()"
        )
        while one(owner, waiting) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        next(looker for looker in lookers if looker.poll() is None).send_signal(signal.SIGKILL)
    told = [int(looker.communicate(timeout=30)[0] or 0) for looker in lookers]
    tick()  # what the killed one had in hand
    assert len(ticks(owner)) == len(set(ticks(owner))) == 200, told
    assert tick() == 0
    assert one(owner, "SELECT count(*) FROM layer.incidents WHERE overdue_since = estimated_completion_at") == 200
    assert one(owner, "SELECT count(*) FROM cop.ticking") == 0


def test_a_record_that_cannot_be_changed_stops_no_other_mode_and_no_other_layer(
    owner: Owner, caplog: pytest.LogCaptureFixture
) -> None:
    incidents(owner, 1, "actual")
    incidents(owner, 150, "test")
    hours_pass(owner, "incidents", "estimated_completion_at")
    owner.execute(
        "ALTER TABLE layer.incidents ADD CONSTRAINT bad CHECK (overdue_since IS NULL OR message_status <> 'actual')"
    )
    assert tick() == 150
    assert len(ticks(owner)) == 150
    assert [line.getMessage() for line in caplog.records] == [
        "ticks: overdue_since of incidents, actual, failed: 23514"
    ]
    assert one(owner, "SELECT count(*) FROM cop.ticking") == 0
    owner.execute("ALTER TABLE layer.incidents DROP CONSTRAINT bad")
    assert tick() == 1


def test_an_estimate_that_slips_is_overdue_again_with_a_row_each_time(owner: Owner) -> None:
    incidents(owner)
    assert tick() == 0, "it is not time yet"
    hours_pass(owner, "incidents", "estimated_completion_at")
    assert tick() == 1
    owner.execute("UPDATE layer.incidents SET estimated_completion_at = now() + interval '1 hour', eta_slips = 1")
    assert one(owner, "SELECT overdue_since FROM layer.incidents") is None, "at once, not at the next look"
    assert tick() == 0
    hours_pass(owner, "incidents", "estimated_completion_at")
    assert tick() == 1
    assert [cause for _, cause in ticks(owner)] == ["time: overdue_since past estimated_completion_at"] * 2
    owner.execute("UPDATE layer.incidents SET status = 'completed'")
    assert one(owner, "SELECT overdue_since FROM layer.incidents") is None


def test_what_is_written_overdue_is_so_from_the_beginning_and_nobody_sets_it_by_hand(owner: Owner) -> None:
    incidents(owner, due="-1 hour")
    assert one(owner, "SELECT overdue_since = estimated_completion_at FROM layer.incidents")
    owner.execute("UPDATE layer.incidents SET overdue_since = NULL")
    assert one(owner, "SELECT overdue_since FROM layer.incidents") is not None
    assert one(owner, "SELECT count(*) FROM cop.journal") == 1
    assert tick() == 0


def test_a_warning_that_ran_out_and_is_extended_runs_out_again(owner: Owner) -> None:
    owner.execute(
        "INSERT INTO layer.warnings (code, issued_at, expires_at, department, source, source_ref, message_status, release)"
        " VALUES ('WL', now() - interval '1 hour', now() + interval '1 hour', 'HKO', 'hko', 'w1', 'actual', 'public')"
    )
    hours_pass(owner, "warnings", "expires_at")
    assert tick() == 1
    owner.execute("UPDATE layer.warnings SET expires_at = now() + interval '1 hour', action = 'extend'")
    assert one(owner, "SELECT expired_at FROM layer.warnings") is None
    hours_pass(owner, "warnings", "expires_at")
    assert tick() == 1
    owner.execute("UPDATE layer.warnings SET ended_at = now(), action = 'cancel'")
    assert one(owner, "SELECT expired_at FROM layer.warnings") is None
    assert len(ticks(owner, "warnings")) == 2


@pytest.mark.parametrize(("source", "states"), [("hko", ["live", "late", "stale"]), ("exercise", ["live"] * 3)])
def test_a_feed_that_nobody_fetches_ages_and_a_storys_feed_does_not(
    owner: Owner, source: str, states: list[str]
) -> None:
    owner.execute(
        "INSERT INTO layer.feeds (title_en, department, state, cadence_s, fresh_at, late_s, stale_s, source, source_ref,"
        " message_status, release) VALUES ('Rain', 'HKO', 'live', 60, now(), 7000, 21000, %s, 'f1', 'actual', 'public')", [source]
    )  # fmt: skip
    found = []
    for _ in range(3):
        tick()
        found.append(one(owner, "SELECT state FROM layer.feeds"))
        hours_pass(owner, "feeds", "fresh_at")
        hours_pass(owner, "feeds", "fresh_at")
    assert found == states
    assert len(ticks(owner, "feeds")) == len(set(states)) - 1
    owner.execute("UPDATE layer.feeds SET fresh_at = now() - interval '9 hours', state = 'live'")
    assert tick() == (1 if source == "hko" else 0), "straight to stale, with one row"


def test_an_exercise_is_ticked_at_its_own_clock_and_its_story_goes_on(
    owner: Owner, store: Cluster, tmp_path: Any
) -> None:
    told = "2025-09-24T00:00:00Z"
    owner.execute("INSERT INTO cop.scenario (story, told_to) VALUES ('s', %s)", [told])
    owner.execute(
        "SELECT cop.tell(jsonb_build_array(jsonb_build_object('at', '2025-09-23T20:00:00Z', 'layer', 'incidents', 'id',"
        " 'I-20250923-00001', 'new', true, 'values', jsonb_build_object('id', 'I-20250923-00001', 'category', 'flood',"
        " 'title_en', 'x', 'department', 'DSD', 'status', 'responding', 'message_status', 'exercise', 'release', 'public',"
        " 'reported_at', '2025-09-23T20:00:00Z', 'estimated_completion_at', '2025-09-23T23:00:00Z', 'source', 'exercise',"
        " 'source_ref', '1', 'provenance', 'exercise'))))"
    )
    assert one(owner, "SELECT overdue_since FROM layer.incidents") is None, "not at 20:00 of the story"
    assert tick() == 1
    at = one(owner, "SELECT told_at FROM cop.journal WHERE actor = 'ticker'")
    assert at.isoformat() == "2025-09-24T00:00:00+00:00", "at the exercise's clock, not at ours"
    owner.execute(
        'SELECT cop.tell(\'[{"at": "2025-09-24T01:00:00Z", "layer": "incidents", "id": "I-20250923-00001",'
        ' "new": false, "values": {"status": "completed"}}]\'::jsonb)'
    )
    assert one(owner, "SELECT status FROM layer.incidents") == "completed", "the ticker is nobody of the people"
    report = verify(store.owner_dsn, [], Verifier(tmp_path))
    assert report.is_sound, report.faults


def test_only_the_ticker_gives_scenario_times_through_the_app_role(owner: Owner, store: Cluster) -> None:
    owner.execute("INSERT INTO cop.scenario (story, told_to) VALUES ('s', '2025-09-24T00:00:00Z')")
    with psycopg.connect(store.app_dsn) as app:
        app.execute(
            "SELECT set_config('cop.visible', '{public,exercise:public}', true), set_config('cop.scenario_at', '2025-09-24', true)"
        )
        app.execute("SELECT cop.write_feature('incidents', NULL, %s)", [
            '{"category": "flood", "title_en": "x", "department": "DSD", "status": "reported", "message_status": "exercise",'
            ' "release": "public", "reported_at": "2025-09-23T20:00:00Z", "source": "DSD", "source_ref": "1"}'])  # fmt: skip
        with pytest.raises(psycopg.errors.RaiseException, match="scenario times are not for cop_app"):
            app.execute("SELECT cop.tick()")
    with psycopg.connect(store.app_dsn) as app, pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute("INSERT INTO cop.ticking VALUES (txid_current())")


def test_a_look_goes_by_an_index(owner: Owner) -> None:
    owner.execute("SET enable_seqscan = off")
    plan = owner.execute(
        "EXPLAIN SELECT id FROM layer.incidents AS t WHERE t.overdue_since IS NULL AND t.estimated_completion_at IS NOT NULL"
        " AND t.status = ANY ('{reported,confirmed,responding,controlled}'::text[]) AND t.estimated_completion_at < now()"
    ).fetchall()
    assert any("incidents_tick_" in line for (line,) in plan), plan


def test_what_time_alone_set_is_redacted_with_what_it_was_set_from(owner: Owner, store: Cluster, tmp_path: Any) -> None:
    incidents(owner, due="-1 hour")
    layer, id_ = catalogue().layers["incidents"], str(one(owner, "SELECT id FROM layer.incidents"))
    with pytest.raises(SetupTrouble, match="overdue_since"):
        redact(store.owner_dsn, layer, id_, ["overdue_since"], reason="r", by="b")
    redact(store.owner_dsn, layer, id_, ["estimated_completion_at"], reason="r", by="b")
    assert one(owner, "SELECT count(*) FROM history.incidents WHERE overdue_since IS NOT NULL") == 0
    assert verify(store.owner_dsn, [], Verifier(tmp_path)).is_sound


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ({"set": "nothing", "past": "due_at", "once": True}, "no column is called nothing"),
        ({"set": "escalated_at", "past": "kind", "once": True}, "kind is code, wanted time"),
        ({"set": "acknowledged_at", "past": "due_at"}, "writes.by_store"),
        ({"set": "escalated_at", "past": "due_at", "times": 2}, "times goes with cadence"),
    ],
)
def test_a_rule_that_does_not_fit_its_layer_is_refused(rule: dict[str, object], told: str) -> None:
    raw = catalogue().layers["requests"].model_dump(by_alias=True) | {"ticks": [rule]}
    with pytest.raises(ValueError, match=told):
        Layer.model_validate(raw)
