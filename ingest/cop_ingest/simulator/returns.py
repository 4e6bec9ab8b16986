"""Returns: what departments without a feed report, as files of their own forms, ready for the departments' inbox.

A return holds what became known since the one before, a line each. Files lie in `<folder>/<form>/`, as `cop inbox
watch` takes them (ingest/inbox/*.yml says what each form's headings are).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path

from cop_ingest.simulator.clock import Clock
from cop_ingest.simulator.forms import closures, excavation, gauges, outages, shelters
from cop_ingest.simulator.forms.base import Form, Return
from cop_ingest.simulator.forms.incidents import incident_forms, incident_returns
from cop_ingest.simulator.world.world import ENDS, STARTS, World
from cop_ingest.simulator.writers.text import local
from cop_ingest.times import HKT

FORMS: tuple[Form, ...] = (shelters.FORM, gauges.FORM, closures.FORM, *outages.FORMS, excavation.FORM)
"""The forms of things that are no incidents."""
_LOOKS_S = 0.2
_NAMED = "%Y%m%dT%H%M%S"  # a return's file is called by its time in Hong Kong
_BEFORE = timedelta(days=1)  # nothing of the day is known so long before it
Way = Path | Callable[[Return], object]


def returns_of(world: World, since: datetime, until: datetime) -> Iterator[Return]:
    """The returns of a time: one a form that has something to report."""
    yield from incident_returns(world, since, until)
    for form in FORMS:
        yield from form.returned(world, since, until)


def write_returns(world: World, folder: Path, since: datetime, until: datetime) -> list[Path]:
    """Write the returns of a time as files; their paths."""
    return [write_return(folder, one) for one in returns_of(world, since, until)]


def write_return(folder: Path, one: Return) -> Path:
    """Write `<form>/<time>.<ending>`, which appears when it is whole; its path."""
    path = folder / one.form / f"{local(one.until):{_NAMED}}.{one.ending}"
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(path.suffix + ".part")
    partial.write_bytes(one.body())
    partial.rename(path)
    return path


def forget_ahead(folder: Path, at: datetime) -> list[Path]:
    """Delete returns of the scenario that lie in the folder still and are of a time after `at`; which those were.

    They are of an exercise that was begun anew since: who took them would know what has not happened yet.
    """
    gone = []
    forms = incident_forms() | {form.id for form in FORMS}
    for file in sorted(path for form in forms for path in (folder / form).glob("*")):
        try:
            of = datetime.strptime(file.stem, _NAMED).replace(tzinfo=HKT)
        except ValueError:
            continue  # somebody else's
        if max(at, STARTS) < of <= ENDS and file.stem == f"{of:{_NAMED}}" and file.is_file():
            file.unlink()
            gone.append(file)
    return gone


@dataclass(slots=True)
class _Round:
    """Returns that go out together: how they are made, up to when they have been, and when the next ones are due."""

    made: Callable[[World, datetime, datetime], Iterable[Return]]
    every: timedelta
    done: datetime
    due: datetime


async def keep_returning(world: World, clock: Clock, way: Way, every: timedelta, since: datetime | None = None) -> None:
    """Send the returns, into a folder or another way, whenever the clock has passed an even time, until cancelled.

    The first ones hold all that became known before, of incidents only what did after `since`, if that is told. Each
    even time has its own files, at any speed; a clock that is set back makes none a second time. A form with a pace of
    its own comes at that pace.
    """
    before = clock.begins - _BEFORE
    rounds = [_round(clock, incident_returns, every, since or before)]
    for pace in dict.fromkeys(form.every or every for form in FORMS):
        together = [form for form in FORMS if (form.every or every) == pace]
        rounds.append(_round(clock, _joined(together), pace, before))
    while True:
        while (first := min(rounds, key=lambda one: one.due)).due <= clock.now():
            await asyncio.to_thread(_send, first.made(world, first.done, first.due), way)
            first.done, first.due = first.due, first.due + first.every
        await asyncio.sleep(_LOOKS_S)


def _round(
    clock: Clock, made: Callable[[World, datetime, datetime], Iterable[Return]], every: timedelta, done: datetime
) -> _Round:
    return _Round(made, every, done, clock.begins + max(timedelta(0), clock.now() - clock.begins) // every * every)


def _joined(forms: list[Form]) -> Callable[[World, datetime, datetime], Iterable[Return]]:
    return lambda world, since, until: chain.from_iterable(form.returned(world, since, until) for form in forms)


def _send(returns: Iterable[Return], way: Way) -> None:
    for one in returns:
        if isinstance(way, Path):
            write_return(way, one)
        else:
            way(one)
