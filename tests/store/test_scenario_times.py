"""Scenario times: an exercise's history lies in its story, Actual data never does, and the past follows the story."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from cop.catalogue import catalogue
from cop.errors import Gone, LoadRefused, SetupTrouble
from cop.journal import exercise_now
from cop.query import answer
from cop.query.parse import read_items
from cop.settings import get_settings
from cop.visible import VisibleSet
from cop_ingest.scenario import telling
from cop_ingest.scenario.story import Story
from cop_server import exercise
from cop_server.cluster import Cluster

INCIDENTS = catalogue().layers["incidents"]
NOON = datetime(2025, 9, 23, 4, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def owner(store: Cluster) -> Iterator[Any]:
    with psycopg.connect(store.owner_dsn, autocommit=True) as connection:
        yield connection


def one(connection: Any, statement: str, *values: object) -> Any:
    row = connection.execute(statement, values).fetchone()
    return row[0] if row and len(row) == 1 else row


def insert(owner: Any, ref: str, mode: str = "exercise", release: str = "public") -> str:
    return str(one(
        owner,
        "INSERT INTO layer.incidents (category, title_en, department, status, message_status, release, reported_at, source,"
        " source_ref, geom) VALUES ('flood', 'Flood', 'DSD', 'reported', %s, %s, '2025-09-23T01:00:00Z', 't', %s,"
        " ST_SetSRID(ST_Point(114.1, 22.3), 4326)) RETURNING id", mode, release, ref,
    ))  # fmt: skip


def told(owner: Any, at: datetime | None, work: Any) -> Any:
    with owner.transaction():
        owner.execute("SELECT set_config('cop.scenario_at', %s, true)", [at.isoformat() if at else ""])
        return work()


def matched(mode: str = "exercise", **parameters: str) -> int:
    asked = read_items(INCIDENTS, VisibleSet(mode=mode), {"resulttype": "hits", **parameters})  # type: ignore[arg-type]
    return answer.page(answer.resolved(asked)).matched


def test_a_scenario_time_stands_beside_the_commit_and_in_the_hash(owner: Any) -> None:
    id_ = told(owner, NOON, lambda: insert(owner, "1"))
    at, told_at = one(owner, "SELECT at, told_at FROM cop.journal")
    assert told_at == NOON
    assert at > datetime.now(UTC) - HOUR, "the true time of the commit stays"
    assert one(owner, "SELECT updated_at FROM layer.incidents") == NOON
    assert id_.startswith("I-20250923-")
    said = (
        "SELECT hash = sha256(hash_before || convert_to(concat_ws(chr(31), n, extract(epoch FROM at)::text, layer,"
        " coalesce(feature, chr(30)), op, actor, coalesce(cause, chr(30)), coalesce(cls_before, chr(30)),"
        " coalesce(cls_after, chr(30)), extract(epoch FROM told_at)::text), 'UTF8') || payload_hash) FROM cop.journal"
    )
    assert one(owner, said) is True
    owner.execute("UPDATE cop.journal SET told_at = told_at - interval '1 day'")
    assert one(owner, said) is False


def test_actual_test_and_unlabelled_data_never_have_one(owner: Any) -> None:
    for mode in ("actual", "test"):
        with pytest.raises(psycopg.errors.RaiseException, match="for exercise records alone"):
            told(owner, NOON, lambda mode=mode: insert(owner, "1", mode))
    with pytest.raises(psycopg.errors.RaiseException, match="for exercise records alone"):
        told(owner, NOON, lambda: owner.execute("INSERT INTO layer.place_names (id) VALUES ('1')"))
    with pytest.raises(psycopg.errors.RaiseException, match="for exercise records alone"):
        told(owner, NOON, lambda: owner.execute("SELECT cop.begin_load('incidents', '1'::bytea)"))
    assert one(owner, "SELECT count(*) FROM cop.journal") == 0


def test_a_record_is_not_brought_into_or_out_of_actual_at_a_scenario_time(owner: Any) -> None:
    insert(owner, "1", "actual")
    insert(owner, "2", "exercise")
    for mode in ("exercise", "actual"):
        change = f"UPDATE layer.incidents SET message_status = '{mode}' WHERE message_status <> '{mode}'"
        with pytest.raises(psycopg.errors.RaiseException, match="for exercise records alone"):
            told(owner, NOON, lambda change=change: owner.execute(change))
    with pytest.raises(psycopg.errors.RaiseException, match="for exercise records alone"):
        told(owner, NOON, lambda: owner.execute("DELETE FROM layer.incidents WHERE message_status = 'actual'"))


def test_it_neither_goes_back_nor_lies_ahead(owner: Any) -> None:
    told(owner, NOON, lambda: insert(owner, "1"))
    told(owner, NOON, lambda: insert(owner, "2"))
    with pytest.raises(psycopg.errors.RaiseException, match="before the last one"):
        told(owner, NOON - HOUR, lambda: insert(owner, "3"))
    told(owner, None, lambda: insert(owner, "4"))
    with pytest.raises(psycopg.errors.RaiseException, match="before the last one"):
        told(owner, NOON - HOUR, lambda: insert(owner, "5"))
    with pytest.raises(psycopg.errors.RaiseException, match="in the future"):
        told(owner, datetime.now(UTC) + HOUR, lambda: insert(owner, "6"))
    assert one(owner, "SELECT count(*) FROM cop.journal") == 3


def test_only_the_owner_tells_a_story(owner: Any, store: Cluster) -> None:
    # As the app role would write one day: a right to insert, and a setting that is anybody's to make.
    owner.execute("GRANT INSERT, SELECT ON layer.incidents TO cop_app")
    owner.execute("GRANT EXECUTE ON FUNCTION cop.is_own_write(), cop.load_number() TO cop_app")
    owner.execute("CREATE POLICY writes ON layer.incidents FOR INSERT TO cop_app WITH CHECK (true)")
    with psycopg.connect(store.app_dsn) as app:
        app.execute("SELECT set_config('cop.visible', '{exercise:public}', false)")
        app.execute("SELECT set_config('cop.scenario_at', %s, false)", [NOON.isoformat()])
        insert(app, "1")
        with pytest.raises(psycopg.errors.RaiseException, match="scenario times are not for cop_app"):
            app.commit()


def test_the_past_of_an_exercise_is_its_storys(owner: Any) -> None:
    owner.execute("INSERT INTO layer.place_names (id, name_en) VALUES ('1', 'loaded before')")
    for hour in range(3):
        told(owner, NOON + hour * HOUR, lambda hour=hour: insert(owner, str(hour)))
    insert(owner, "later")
    assert [matched(asof=(NOON + hour * HOUR).isoformat()) for hour in range(3)] == [1, 2, 3]
    assert matched(asof=(NOON + HOUR / 2).isoformat()) == 1
    assert matched(asof=(NOON + 30 * HOUR).isoformat()) == 3, "after the story, before the installation"
    assert matched(asof=datetime.now(UTC).isoformat()) == 4
    names = catalogue().layers["place_names"]
    asked = read_items(names, VisibleSet(mode="exercise"), {"asof": NOON.isoformat()})
    assert answer.page(answer.resolved(asked)).matched == 1, "what was loaded before is part of the story's past"
    with pytest.raises(Gone) as gone:
        matched(asof="2025-09-23T03:59:59Z")
    assert gone.value.example == "2025-09-23T04:00:00.000000Z"
    assert exercise_now() == NOON + 2 * HOUR


def test_the_past_of_actual_and_test_is_that_of_the_commits(owner: Any) -> None:
    told(owner, NOON, lambda: insert(owner, "1"))
    insert(owner, "2", "actual")
    for mode in ("actual", "test"):
        with pytest.raises(Gone) as gone:
            matched(mode, asof=NOON.isoformat())
        assert gone.value.example is not None
        assert gone.value.example > "2026", "the story's times are not told to other modes"
    assert matched("actual", asof=datetime.now(UTC).isoformat()) == 1


def test_the_past_in_items_tags_and_tiles_is_one(owner: Any) -> None:
    told(owner, NOON, lambda: insert(owner, "1"))
    told(owner, NOON + HOUR, lambda: owner.execute("UPDATE layer.incidents SET status = 'confirmed'"))

    def seen(at: datetime) -> tuple[str, int, str]:
        asked = read_items(INCIDENTS, VisibleSet(mode="exercise"), {"asof": at.isoformat()})
        question = answer.resolved(asked)
        state = answer.current_state(question)
        (feature,) = answer.page(question).features
        return json.loads(feature)["properties"]["status"], state.n, answer.etag(question, state)

    before, after = seen(NOON), seen(NOON + HOUR)
    assert before[:2] == ("reported", 1)
    assert after[:2] == ("confirmed", 2)
    assert before[2] != after[2]


def test_natural_ids_are_the_key_and_say_their_mode(owner: Any) -> None:
    statement = (
        'INSERT INTO layer."control-centres" (department, name_en, active, source, source_ref, message_status, release)'
        " VALUES ('CEDD', 'x', true, 's', 'CEDD', %s, 'public') RETURNING id"
    )
    assert [one(owner, statement, mode) for mode in ("actual", "exercise", "test")] == [
        "CEDD", "CEDD.exercise", "CEDD.test",
    ]  # fmt: skip
    with pytest.raises(psycopg.errors.UniqueViolation):
        one(owner, statement, "actual")


def small(seed: int = 1) -> Story:
    return Story(seed, 0.002, lambda _lon, _lat: True, 60)


def test_a_story_that_is_cut_goes_on_and_nothing_is_told_twice(owner: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "BATCH", 50)
    story = small()
    going = telling.tell(owner, story)
    for _ in range(3):
        next(going)
    going.close()
    assert telling.told(owner) is not None
    assert telling.told(owner).steps == 150  # type: ignore[union-attr]
    (last,) = list(telling.tell(owner, story))[-1:]
    steps = story.until(telling.OPENS)
    assert last == (len(steps), len(steps))
    assert one(owner, "SELECT count(*) FROM layer.incidents") == sum(s.new and s.layer == "incidents" for s in steps)
    assert list(telling.tell(owner, story)) == []
    assert telling.is_open(owner, story)
    broken = "SELECT count(*) FROM cop.journal a JOIN cop.journal b ON b.n = a.n + 1 WHERE b.hash_before <> a.hash OR b.told_at < a.told_at"
    assert one(owner, broken) == 0
    assert one(owner, "SELECT count(*) FROM cop.journal WHERE told_at IS NULL") == 0
    assert exercise_now() == telling.OPENS


def test_what_people_changed_stays_when_the_story_goes_on(owner: Any) -> None:
    story = small()
    list(telling.tell(owner, story))
    later = [step for step in story.steps if step.at > telling.OPENS and step.layer == "incidents" and not step.new]
    known = {step.id for step in story.until(telling.OPENS)}
    theirs = next(step.id for step in later if step.id in known)
    owner.execute("UPDATE layer.incidents SET title_en = 'ours', status = 'controlled' WHERE id = %s", [theirs])
    list(telling.tell(owner, story, story.steps[-1].at))
    assert one(owner, "SELECT title_en, status FROM layer.incidents WHERE id = %s", theirs) == ("ours", "controlled")
    assert exercise_now() == story.steps[-1].at


def test_a_store_keeps_its_story(owner: Any) -> None:
    list(telling.tell(owner, small()))
    with pytest.raises(LoadRefused, match="seed 1"):
        list(telling.tell(owner, small(seed=2)))


def test_numbers_that_others_have_are_refused_and_nothing_is_told(owner: Any) -> None:
    story = small()
    _, day, number = next(step.id for step in story.steps if step.layer == "incidents").split("-")
    owner.execute("INSERT INTO cop.drawn VALUES ('I', %s::date, %s::integer)", [day, number])
    with pytest.raises(LoadRefused, match="belong to other records"):
        list(telling.tell(owner, story))
    assert telling.told(owner) is None


def test_a_person_plays_the_exercise_on(store: Cluster, owner: Any, capsys: pytest.CaptureFixture[str]) -> None:
    settings = get_settings().model_copy(update={"exercise_seed": 3, "exercise_scale": 0.002})
    exercise.play(store.owner_dsn, settings, "2023-09-01T12:00")
    assert exercise_now() == datetime(2023, 9, 1, 4, tzinfo=UTC), "the clock stands there though nothing happened"
    # The store goes on with its own story, whatever the settings say now.
    exercise.play(store.owner_dsn, get_settings(), "2023-09-01T20:30+08:00")
    assert telling.told(owner).story == "exercise story 2, seed 3, scale 0.002"  # type: ignore[union-attr]
    assert "TC10" in one(owner, "SELECT array_agg(code) FROM layer.warnings WHERE ended_at IS NULL")
    before = one(owner, "SELECT n FROM cop.head")
    exercise.play(store.owner_dsn, settings, "2023-09-01T12:00")
    assert "already" in capsys.readouterr().err
    assert one(owner, "SELECT n FROM cop.head") == before
    with pytest.raises(SetupTrouble, match="2025-09-24T09:00"):
        exercise.play(store.owner_dsn, settings, "nine")
    owner.execute("UPDATE cop.scenario SET story = 'exercise story 0, seed 1, scale 1.0'")
    with pytest.raises(SetupTrouble, match="make clean"):
        exercise.play(store.owner_dsn, settings, "2025-09-24T09:00")
