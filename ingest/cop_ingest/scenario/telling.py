"""Tell the story into the store, each step at its own time; go on where an earlier telling stopped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import batched
from pathlib import Path

import orjson
import psycopg
import shapely
from psycopg import sql
from shapely.geometry.base import BaseGeometry

from cop.catalogue import catalogue
from cop.errors import LoadRefused
from cop.store.statements import statements
from cop_ingest.load import Origin, manifest_of, remember
from cop_ingest.scenario.calendar import DAY_ENDS, OPENS
from cop_ingest.scenario.steps import Step
from cop_ingest.scenario.story import Story

_SQL = statements(Path(__file__).parent.parent / "sql" / "scenario.sql")
# A batch is a transaction and holds the journal's head; a tenth of a second is short enough for other writers.
BATCH = 200


@dataclass(frozen=True, slots=True)
class Told:
    """How far the store's story is told: steps, and the time on the exercise's clock."""

    story: str
    steps: int
    now: datetime | None


def told(connection: psycopg.Connection) -> Told | None:
    """What the store was told so far, if it was told anything."""
    row = connection.execute(_SQL["told"]).fetchone()
    return Told(*row) if row else None


def is_open(connection: psycopg.Connection, story: Story) -> bool:
    """Whether the store knows this story up to the moment that an installation opens with."""
    before = told(connection)
    return before is not None and before.story == story.name and before.now is not None and before.now >= OPENS


def tell(connection: psycopg.Connection, story: Story, until: datetime = OPENS) -> Iterator[tuple[int, int]]:
    """Tell what the store has not heard of the story up to a time; after each batch, steps told and steps in all.

    Batches are transactions, and the number of steps is kept within them: a telling that is cut goes on where it
    stopped, and nothing is told twice. Records that people have changed in the meantime stay as they left them.
    Raises LoadRefused where the store began with another story, or other records have the story's numbers.
    """
    done = _begin(connection, story)
    steps = story.until(until)
    runs = _begin_runs(connection, story, steps[done:])
    for batch in batched(steps[done:], BATCH):
        _tell(connection, story, batch, done)
        done += len(batch)
        yield done, len(steps)
    if runs:
        _finish(connection, story, runs)
    if done == len(steps):
        with connection.transaction():
            connection.execute(_SQL["move_clock"], {"now": min(until, DAY_ENDS)})
        while connection.execute(_SQL["tick"]).fetchone() != (0,):
            pass


def _begin(connection: psycopg.Connection, story: Story) -> int:
    """How many steps are told; at the first time, take the story's numbers."""
    with connection.transaction():
        if connection.execute(_SQL["begin"], {"story": story.name}).rowcount:
            _reserve(connection, story)
        row = connection.execute(_SQL["lock"]).fetchone()
        if connection.execute(_SQL["told_by_feeds"]).fetchone() == (True,):
            raise LoadRefused(
                "the simulator's feeds and returns tell this exercise, and the story would tell the same once more; "
                "let them go on (`make run`), or begin anew with `make clean` and COP_FEEDS=off"
            )
    assert row is not None
    if row[0] != story.name:
        raise LoadRefused(
            f"the store was told the {row[0]}, and this is the {story.name}; "
            "go on with the first (COP_EXERCISE_SEED, COP_EXERCISE_SCALE), or begin anew with `make clean`"
        )
    return int(row[1])


def _reserve(connection: psycopg.Connection, story: Story) -> None:
    numbered = {layer.id for layer in catalogue().layers.values() if layer.numbered}
    ids = [step.id for step in story.steps if step.new and step.layer in numbered]
    taken = len(ids) - connection.execute(_SQL["reserve"], {"ids": ids}).rowcount
    if taken:
        raise LoadRefused(
            f"{taken} numbers of the {story.name} belong to other records of the same days; "
            "choose another COP_EXERCISE_SEED, or tell it to an empty store (`make clean`)"
        )


def _tell(connection: psycopg.Connection, story: Story, batch: Sequence[Step], done: int) -> None:
    try:
        with connection.transaction():
            row = connection.execute(_SQL["lock"]).fetchone()
            if row is None or row[1] != done:
                raise LoadRefused("the story is being told by somebody else; wait until that has ended")
            connection.execute(_SQL["cause"], {"story": story.name})
            connection.execute(_SQL["tell"], {"steps": orjson.dumps([_json(step) for step in batch]).decode()})
            connection.execute(_SQL["remember"], {"steps": done + len(batch)})
    except (psycopg.DataError, psycopg.IntegrityError, psycopg.errors.RaiseException) as exc:
        cause = exc.diag.message_primary or str(exc)
        raise LoadRefused(f"the store refused the {story.name} after {done} steps: {cause}") from exc


def _json(step: Step) -> dict[str, object]:
    return {"at": step.at, "layer": step.layer, "id": step.id, "new": step.new, "values": values_of(step)}


def values_of(step: Step) -> dict[str, object]:
    """A step's values by the columns of its layer's table; a new record has all, its geometry as hexadecimal EWKB."""
    if not step.new:
        return step.values
    return {**step.values, "provenance": "exercise", "geom": _ewkb(step.geometry)}


def _ewkb(geometry: BaseGeometry | None) -> str | None:
    if geometry is None:
        return None
    return str(shapely.to_wkb(shapely.set_srid(geometry, 4326), hex=True, include_srid=True))


def _begin_runs(connection: psycopg.Connection, story: Story, steps: Sequence[Step]) -> dict[int, Counter[bool]]:
    """A run's row for each layer that the steps concern, with what they will insert (True) and change (False)."""
    counts: dict[str, Counter[bool]] = {}
    for step in steps:
        counts.setdefault(step.layer, Counter())[step.new] += 1
    runs = {}
    with connection.transaction():
        for layer, count in counts.items():
            row = connection.execute(_SQL["begin_run"], {"layer": layer, "story": story.name}).fetchone()
            assert row is not None
            runs[int(row[0])] = count
    return runs


def _finish(connection: psycopg.Connection, story: Story, runs: dict[int, Counter[bool]]) -> None:
    """Say what became of the runs and when the layers were loaded, and let the planner know of the rows."""
    with connection.transaction():
        for run, count in runs.items():
            about = {
                "run": run,
                "state": "done",
                "seen": count.total(),
                "inserted": count[True],
                "updated": count[False],
            }
            connection.execute(_SQL["finish_run"], about)
    layers = [catalogue().layers[name] for name in sorted({step.layer for step in story.steps})]
    for layer in layers:
        remember(connection, layer, Origin(story.name, manifest_of(story.name.encode()), "exercise"))
    tables = [sql.Identifier(schema, layer.id) for layer in layers for schema in ("layer", "history")]
    connection.execute(sql.SQL(_SQL["analyze"]).format(tables=sql.SQL(", ").join(tables)))
