"""A night of the exercise played on by its feeds and returns: each incident once, as the story has it at that time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from simulated import served

from cop.settings import get_settings
from cop_ingest.feeds import keeping
from cop_ingest.feeds.clock import SimulatorClock
from cop_ingest.feeds.declared import feeds
from cop_ingest.feeds.exercise_clock import followed
from cop_ingest.feeds.fetch import Fetcher
from cop_ingest.feeds.turn import Workshop, run_turn
from cop_ingest.feeds.worker import pool_of
from cop_ingest.gazetteer.index import Index
from cop_ingest.inbox.declared import mappings
from cop_ingest.inbox.take import take
from cop_ingest.scenario.asking import Requests
from cop_ingest.scenario.calendar import OPENS
from cop_ingest.scenario.story import Story
from cop_ingest.simulator.app import Simulator
from cop_ingest.simulator.clock import Clock
from cop_ingest.simulator.endpoints import endpoints
from cop_ingest.simulator.returns import write_returns
from cop_ingest.simulator.world.told import TRAFFIC, Incident
from cop_ingest.simulator.world.world import ENDS, STARTS, World
from cop_server.cluster import Cluster
from cop_server.exercise import day

ASKED = ("td_news_v2", "hko_warnsum")
QUARTER = timedelta(minutes=15)
END = OPENS + timedelta(hours=2)
# What the traffic news can say of a state.
SAID = {"reported": "confirmed", "controlled": "responding", "cancelled": "completed"}


@pytest.fixture
def owner(loaded: Cluster) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(loaded.owner_dsn, autocommit=True, options="-c timezone=UTC") as connection:
        yield connection


def _taken(world: World, folder: Path, since: datetime, until: datetime) -> Counter[str]:
    """What became of the rows of all departments' returns of a quarter."""
    deeds: Counter[str] = Counter()
    for file in write_returns(world, folder, since, until):
        report = take(mappings()[file.parent.name], file.read_bytes(), file.name, until, "exercise", Index())
        deeds.update(line.deed for line in report.lines)
    return deeds


def _shown(incident: Incident, at: datetime) -> bool:
    """Whether the news had told of it when it was asked: some are cancelled before."""
    until = next((when for when, values in incident.versions if values["status"] == "cancelled"), at)
    asked = OPENS + max(0, -(-(incident.reported_at - OPENS) // QUARTER)) * QUARTER
    return incident.reported_at <= OPENS or asked < until


def _asked_as_told(
    owner: psycopg.Connection[Any], story: Story, told: dict[str, Incident], stored: Collection[tuple[str, str]]
) -> None:
    """Requests after the opening stand as the story has them, about the store's incident; told again: nothing more."""
    due = [step for step in story.until(END) if step.layer == "requests" and step.at > OPENS]
    asked = {step.id: told[str(step.values["incident"])] for step in due if step.new}
    wanted = {id_ for id_, incident in asked.items() if (incident.department, incident.ref) in stored}
    assert len(wanted) > 10
    rows = owner.execute(
        "SELECT r.id, i.source_ref, r.acknowledged_at IS NOT NULL, r.answered_at IS NOT NULL, ST_Equals(r.geom, i.geom)"
        " FROM layer.requests AS r JOIN layer.incidents AS i ON i.id = r.incident WHERE r.asked_at > %s", [OPENS],
    ).fetchall()  # fmt: skip
    assert {id_ for id_, *_ in rows} >= wanted
    for id_, ref, acknowledged, answered, same_place in rows:
        columns = {name for step in due if step.id == id_ and not step.new for name in step.values}
        assert (ref, acknowledged, answered) == (
            asked[id_].ref, "acknowledged_at" in columns, "answered_at" in columns), id_  # fmt: skip
        assert same_place in (True, None)
    assert Requests(story, OPENS).tell(owner, END) == 0


def test_each_incident_is_there_once_with_the_storys_state(
    loaded: Cluster, owner: psycopg.Connection[Any], tmp_path: Path
) -> None:
    story, at = day(loaded.owner_dsn)
    assert at == OPENS
    world = World(story.seed, scale=story.scale)
    simulator = Simulator(world, Clock(STARTS, ENDS, OPENS, 0), endpoints())
    before = owner.execute("SELECT count(*) FROM layer.incidents").fetchone()
    deeds: Counter[str] = Counter()
    requests = Requests(story, OPENS)
    assert requests.tell(owner, END) == 0, "no clock runs yet"
    with pool_of(loaded.owner_dsn, 3) as pool:
        for url in served(simulator):
            clock, fetcher = SimulatorClock(url), Fetcher("tests", url)
            shop = Workshop(pool, fetcher, clock, "exercise", "test", blobs=get_settings().blob_folder)
            keeping.know(owner, ASKED, "exercise")
            while at <= END:
                simulator.clock.jump(at)
                clock.heard()
                keeping.tell_clock(owner, at, 0)
                for name in ASKED:
                    ended = run_turn(shop, feeds()[name])
                    assert ended is not None
                    assert ended.outcome in ("loaded", "unchanged", "same"), (name, ended)
                requests.tell(owner, at - QUARTER / 2)  # what is asked of an incident that is not in yet waits
                deeds += _taken(world, tmp_path, at - QUARTER, at)
                requests.tell(owner, at)
                at += QUARTER
            with followed(loaded.owner_dsn, clock):
                assert owner.execute("SELECT cop.exercise_now()").fetchone() == (END,)
            shop.readers.close()
            fetcher.close()
    assert not deeds["refused"]
    assert not deeds["late"]
    rows = owner.execute(
        "SELECT source, source_ref, status FROM layer.incidents WHERE message_status = 'exercise' AND reported_at >= %s",
        [STARTS],
    ).fetchall()
    found = {(source, ref): status for source, ref, status in rows}
    assert len(found) == len(rows), "each once"
    wanted = {}
    for incident, values in world.known(END):
        state = str(values["status"])
        if incident.department != TRAFFIC:
            wanted[incident.department, incident.ref] = state
        elif _shown(incident, END):
            wanted["td_news_v2", incident.ref] = state
    assert found.keys() == wanted.keys()
    for key, state in wanted.items():
        said = (state, SAID.get(state, state)) if key[0] == "td_news_v2" else (state,)
        assert found[key] in said, (key, found[key], said)
    new = [incident for incident in world.told if OPENS < incident.reported_at <= END]
    after = owner.execute("SELECT count(*) FROM layer.incidents").fetchone()
    assert before is not None
    assert after is not None
    assert after[0] - before[0] == sum((i.department, i.ref) in wanted or ("td_news_v2", i.ref) in wanted for i in new)
    _asked_as_told(owner, story, {incident.id: incident for incident in world.told}, found.keys())
    in_force = owner.execute("SELECT source_ref FROM layer.warnings WHERE source = 'hko_warnsum' AND ended_at IS NULL")
    assert {ref.split("-")[0] for (ref,) in in_force} == {"TC10", "WRAINR", "WL", "WFNTSA"}
    codes = owner.execute(
        "SELECT code FROM layer.warnings WHERE message_status = 'exercise' AND ended_at IS NULL"
    ).fetchall()
    assert len(codes) == len(set(codes)), "no warning twice"
    for name in ASKED:
        assert not any(
            line.wrong for line in keeping.report(owner, name, "exercise", datetime.min.replace(tzinfo=END.tzinfo))
        )
