"""The exercise at the terminal: tell its story up to the moment that an installation opens with, and play it on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg

from cop.errors import LoadRefused, SetupTrouble
from cop.settings import Settings
from cop_ingest.scenario.asking import Requests, asked
from cop_ingest.scenario.calendar import DAY_ENDS, OPENS
from cop_ingest.scenario.land import is_land
from cop_ingest.scenario.story import Story, story_named
from cop_ingest.scenario.telling import BATCH, Told, is_open, tell, told
from cop_ingest.simulator.app import Simulator
from cop_ingest.simulator.clock import Clock
from cop_ingest.simulator.endpoints import endpoints
from cop_ingest.simulator.opening import load_opening
from cop_ingest.simulator.returns import forget_ahead
from cop_ingest.simulator.sending import Ways
from cop_ingest.simulator.world.world import ENDS, STARTS, World
from cop_ingest.times import HKT
from cop_server.console import say, step, track, warn
from cop_server.simulate import serve, terrain_of

_RETURNS = timedelta(minutes=15)  # of the scenario, between two returns of a department


def open_story(connection: psycopg.Connection, settings: Settings) -> None:
    """Tell what is missing of the story up to its opening. A store that began with another story keeps that one."""
    story = Story(settings.exercise_seed, settings.exercise_scale, is_land())
    if is_open(connection, story):
        return
    try:
        _tell(connection, story, OPENS, "telling the exercise's story")
    except LoadRefused as exc:
        warn(f"the exercise's story: not told: {exc}")


def open_feeds(connection: psycopg.Connection, settings: Settings) -> None:
    """Load what the feeds say at the story's opening, where nothing has filled their layers yet.

    Not where a worker asks them: what it brings and what is made up never stand in one layer.
    """
    world = World(settings.exercise_seed, 1, settings.exercise_scale, settings.data, terrain_of(settings))
    try:
        found = list(load_opening(connection, world, OPENS, settings.blob_folder))
    except LoadRefused as exc:
        warn(f"the exercise's feeds: not loaded: {exc}")
        return
    if inserted := sum(report.inserted for _, report in found):
        say(f"{inserted} records of {len(found)} feeds, as the exercise opens")


def can_be_played(owner_dsn: str) -> bool:
    """Whether a simulator can go on with what this store was told; if not, says why."""
    try:
        day(owner_dsn)
    except SetupTrouble as exc:
        warn(f"the exercise stands still and no feed is asked: {exc}")
        return False
    return True


def day(owner_dsn: str) -> tuple[Story, datetime]:
    """The store's story, and the time (UTC) on the exercise's clock, from which its feeds go on.

    Raises SetupTrouble where the store was told no story as far as its opening, or one that this version does not know.
    """
    with psycopg.connect(owner_dsn, autocommit=True) as connection:
        before = told(connection)
    if before is None or before.now is None or before.now < OPENS:
        raise SetupTrouble("the store was not told the exercise's story up to its opening; `make run` tells it")
    story = story_named(before.story, is_land())
    if story is None:
        raise SetupTrouble(
            f"the store was told the {before.story}, and this version tells others; begin anew with `make clean`"
        )
    return story, min(before.now, DAY_ENDS)


def run(owner_dsn: str, settings: Settings, port: int) -> None:
    """Serve the feeds of the store's exercise from the time on its clock on, put its returns into the inbox, and tell
    what departments ask each other.

    The first returns say once more what became known since the opening, so that nothing is missing after a stop:
    what was taken already is left alone.
    """
    story, at = day(owner_dsn)
    world = World(story.seed, 1, story.scale, settings.data, terrain_of(settings))
    with step("making the exercise's day"):
        world.warm()
    forget_ahead(settings.inbox_folder, at)
    simulator = Simulator(world, Clock(STARTS, ENDS, at, settings.exercise_speed), endpoints())
    with asked(owner_dsn, Requests(story, OPENS), simulator.clock.now):
        serve(simulator, "127.0.0.1", port, Ways(settings.inbox_folder), _RETURNS, OPENS - _RETURNS)


def play(owner_dsn: str, settings: Settings, to: str) -> None:
    """Tell the store's story on to a time, `2025-09-24T09:00` in Hong Kong unless it has an offset.

    Raises SetupTrouble for what is no time, and where this version tells other stories than the store's.
    """
    until = _moment(to)
    with psycopg.connect(owner_dsn, autocommit=True) as connection:
        before = told(connection)
        story = _story_of(before, settings)
        if before is not None and before.now is not None and before.now >= min(until, DAY_ENDS):
            say(f"the exercise is at {_local(before.now)} already")
            return
        try:
            _tell(connection, story, until, f"playing the exercise to {_local(min(until, DAY_ENDS))}")
        except LoadRefused as exc:
            raise SetupTrouble(str(exc)) from exc
        after = told(connection)
    if after is not None and after.now is not None:
        end = "; the story ends here" if until >= DAY_ENDS else ""
        say(f"the exercise is at {_local(after.now)}{end}")


def _story_of(before: Told | None, settings: Settings) -> Story:
    if before is None:
        return Story(settings.exercise_seed, settings.exercise_scale, is_land())
    story = story_named(before.story, is_land())
    if story is None:
        raise SetupTrouble(
            f"the store was told the {before.story}; this version tells others. Begin with `make clean`."
        )
    return story


def _tell(connection: psycopg.Connection, story: Story, until: datetime, title: str) -> None:
    batches = -(-len(story.until(until)) // BATCH)
    steps = max((done for done, _ in track(tell(connection, story, until), title, batches)), default=0)
    if steps:
        say(f"{story.name}: {steps} steps told, up to {_local(min(until, DAY_ENDS))}")


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as exc:
        raise SetupTrouble(f"--to: {text} is no time; wanted one like 2025-09-24T09:00 (Hong Kong time)") from exc
    return (moment if moment.tzinfo else moment.replace(tzinfo=HKT)).astimezone(UTC)


def _local(moment: datetime) -> str:
    return f"{moment.astimezone(HKT):%Y-%m-%d %H:%M} Hong Kong time"
