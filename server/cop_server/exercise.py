"""The exercise at the terminal: tell its story up to the moment that an installation opens with, and play it on."""

from __future__ import annotations

from datetime import UTC, datetime

import psycopg

from cop.errors import LoadRefused, SetupTrouble
from cop.settings import Settings
from cop_ingest.scenario.calendar import DAY_ENDS, OPENS
from cop_ingest.scenario.land import is_land
from cop_ingest.scenario.story import Story, story_named
from cop_ingest.scenario.telling import BATCH, Told, is_open, tell, told
from cop_ingest.simulator.opening import load_opening
from cop_ingest.simulator.world.world import World
from cop_ingest.times import HKT
from cop_server.console import say, track, warn


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
    terrain = settings.blob_folder / "terrain.tif"
    world = World(
        settings.exercise_seed, 1, settings.exercise_scale, settings.data, terrain if terrain.is_file() else None, False
    )
    try:
        found = list(load_opening(connection, world, OPENS, settings.blob_folder))
    except LoadRefused as exc:
        warn(f"the exercise's feeds: not loaded: {exc}")
        return
    if inserted := sum(report.inserted for _, report in found):
        say(f"{inserted} records of {len(found)} feeds, as the exercise opens")


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
