"""The exercise's clock when it runs: it follows the simulator's, never goes back, and what is written lies at its time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from cop.errors import LoadRefused
from cop.heads import Verifier
from cop.journal import exercise_now
from cop.store.writing import writing
from cop.verify import verify
from cop.visible import VisibleSet
from cop_ingest.feeds import keeping
from cop_ingest.scenario import telling
from cop_ingest.scenario.story import Story
from cop_server.cluster import Cluster
from cop_server.ticker import tick

THREE = datetime(2025, 9, 23, 19, tzinfo=UTC)  # 03:00 in Hong Kong
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
INSERT = (
    "INSERT INTO layer.incidents (category, title_en, department, status, message_status, release, reported_at, source,"
    " source_ref, estimated_completion_at) VALUES ('flood', 'Flood', 'DSD', 'responding', %s, 'public',"
    " '2025-09-23T18:00:00Z', 't', %s, '2025-09-23T19:30:00Z') RETURNING id"
)


@pytest.fixture
def owner(store: Cluster) -> Iterator[Any]:
    with psycopg.connect(store.owner_dsn, autocommit=True, options="-c timezone=UTC") as connection:
        yield connection


def one(connection: Any, statement: str, *values: object) -> Any:
    row = connection.execute(statement, values).fetchone()
    return row[0] if row and len(row) == 1 else row


def live(owner: Any, ref: str, mode: str = "exercise") -> str:
    with owner.transaction():
        owner.execute("SELECT set_config('cop.scenario_at', 'live', true)")
        return str(one(owner, INSERT, mode, ref))


def test_it_runs_as_fast_as_it_was_told_and_stands_where_nobody_tells_it_on(owner: Any) -> None:
    assert exercise_now() is None
    assert keeping.tell_clock(owner, THREE, 60) == THREE
    first = exercise_now()
    assert first is not None
    assert first >= THREE
    owner.execute("UPDATE cop.exercise_clock SET told_at = told_at - interval '2 s'")
    assert exercise_now() >= THREE + 120 * SECOND  # type: ignore[operator]
    owner.execute("UPDATE cop.exercise_clock SET told_at = told_at - interval '1 day'")
    assert exercise_now() == THREE + 300 * SECOND, "five seconds of ours"


def test_what_is_numbered_a_little_after_it_was_written_is_sound(owner: Any, store: Cluster, tmp_path: Path) -> None:
    keeping.tell_clock(owner, THREE, 60)
    with owner.transaction():
        owner.execute("SELECT set_config('cop.scenario_at', 'live', true)")
        id_ = one(owner, INSERT, "exercise", "slow")
        owner.execute("SELECT pg_sleep(0.02)")
    stamped, told = one(
        owner,
        "SELECT t.updated_at, j.told_at FROM layer.incidents AS t JOIN cop.journal AS j ON j.n = t.seq WHERE t.id = %s", id_,
    )  # fmt: skip
    assert stamped < told
    report = verify(store.owner_dsn, [], Verifier(tmp_path), only=["incidents"])
    assert report.is_sound, report.faults


def test_a_clock_that_is_corrected_meanwhile_numbers_nothing_before_it_was_written(
    owner: Any, store: Cluster, tmp_path: Path
) -> None:
    keeping.tell_clock(owner, THREE, 600)
    with owner.transaction(), psycopg.connect(store.owner_dsn, autocommit=True) as teller:
        owner.execute("SELECT set_config('cop.scenario_at', 'live', true)")
        id_ = one(owner, INSERT, "exercise", "corrected")
        teller.execute("UPDATE cop.exercise_clock SET told_at = clock_timestamp(), shows = %s, speed = 0", [THREE])
    stamped, told = one(
        owner,
        "SELECT t.updated_at, j.told_at FROM layer.incidents AS t JOIN cop.journal AS j ON j.n = t.seq WHERE t.id = %s", id_,
    )  # fmt: skip
    assert THREE < stamped <= told
    report = verify(store.owner_dsn, [], Verifier(tmp_path), only=["incidents"])
    assert report.is_sound, report.faults


def test_it_follows_a_jump_ahead_and_waits_for_a_clock_that_was_set_back(owner: Any) -> None:
    keeping.tell_clock(owner, THREE, 1)
    assert keeping.tell_clock(owner, THREE + 6 * HOUR, 1) == THREE + 6 * HOUR
    assert keeping.tell_clock(owner, THREE, 1) >= THREE + 6 * HOUR
    before = exercise_now()
    owner.execute("UPDATE cop.exercise_clock SET told_at = told_at - interval '3 s'")
    assert exercise_now() == before, "it stands"
    assert one(owner, "SELECT speed FROM cop.exercise_clock") == 0
    keeping.tell_clock(owner, THREE + 7 * HOUR, 1)
    assert one(owner, "SELECT speed FROM cop.exercise_clock") == 1
    keeping.stop_clock(owner)
    stood = exercise_now()
    owner.execute("UPDATE cop.exercise_clock SET told_at = told_at - interval '3 s'")
    assert exercise_now() == stood


def test_what_is_written_while_it_runs_lies_at_its_time_and_actual_records_do_not(owner: Any) -> None:
    live(owner, "before")
    assert one(owner, "SELECT told_at FROM cop.journal ORDER BY n DESC LIMIT 1") is None, "no clock runs yet"
    keeping.tell_clock(owner, THREE, 0)
    id_ = live(owner, "1")
    assert one(owner, "SELECT updated_at FROM layer.incidents WHERE id = %s", id_) == THREE
    assert one(owner, "SELECT told_at FROM cop.journal ORDER BY n DESC LIMIT 1") == THREE
    actual = live(owner, "2", "actual")
    assert one(owner, "SELECT told_at FROM cop.journal WHERE feature = %s", actual) is None
    for mode, clock in (("exercise", "live"), ("actual", ""), ("test", "")):
        with writing(VisibleSet(mode=mode), "tester") as connection:  # type: ignore[arg-type]
            assert one(connection, "SELECT current_setting('cop.scenario_at')") == clock


def test_of_two_who_write_at_once_none_is_refused(owner: Any, store: Cluster) -> None:
    keeping.tell_clock(owner, THREE, 0)
    with psycopg.connect(store.owner_dsn) as slow:
        slow.execute("SELECT set_config('cop.scenario_at', 'live', true)")
        slow.execute(INSERT, ["exercise", "slow"])  # written now, numbered when it is committed
        keeping.tell_clock(owner, THREE + HOUR, 0)
        live(owner, "quick")
    found = owner.execute("SELECT told_at FROM cop.journal WHERE told_at IS NOT NULL ORDER BY n").fetchall()
    assert [at for (at,) in found] == [THREE + HOUR, THREE + HOUR]


def test_time_passes_for_the_ticker_and_the_past_is_the_clocks(owner: Any) -> None:
    keeping.tell_clock(owner, THREE, 0)
    id_ = live(owner, "1")
    tick()
    assert one(owner, "SELECT overdue_since FROM layer.incidents WHERE id = %s", id_) is None
    keeping.tell_clock(owner, THREE + HOUR, 0)
    tick()
    assert one(owner, "SELECT overdue_since FROM layer.incidents WHERE id = %s", id_) == THREE + HOUR / 2
    numbers = [
        one(owner, "SELECT cop.number_at(%s, 'exercise')", THREE + minutes * HOUR / 60) for minutes in (0, 59, 60)
    ]
    assert numbers[0] == numbers[1] < numbers[2]


def test_one_teller_at_a_time(owner: Any) -> None:
    story = Story(1, 0.002, lambda _lon, _lat: True)
    for _ in telling.tell(owner, story, story.steps[400].at):
        pass
    keeping.tell_clock(owner, THREE, 1)
    with pytest.raises(LoadRefused, match="feeds and returns tell this exercise"):
        list(telling.tell(owner, story))
    assert one(owner, "SELECT count(*) FROM cop.journal WHERE told_at > %s", story.steps[401].at) == 0
