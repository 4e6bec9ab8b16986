"""The Home Affairs Department's shelters: open with signal No. 8, fill with people, and close after the storm.

At 03:00, when installations open, they are as the layer temporary_shelters has them. Halls that were not opened by then
are, where floods go on in their districts.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from cop_ingest.scenario.calendar import DAY_EVENT, OPENS, SIGNALS, hong_kong
from cop_ingest.simulator.chance import number, share
from cop_ingest.simulator.forms.base import HOUR, MINUTE, Entry, Form, became_known, in_order, rounded_up
from cop_ingest.simulator.world.world import ENDS, World
from cop_ingest.territory.services import SHELTERS_OPEN_AT

_OPEN_AT = SHELTERS_OPEN_AT.astimezone(UTC)
_COUNTED = 30 * MINUTE  # heads are counted so often
_GOING_HOME = next(one.ended_at for one in SIGNALS if one.event == DAY_EVENT and one.code == "TC10")
_GALE_OVER = max(one.ended_at for one in SIGNALS if one.event == DAY_EVENT and one.code.startswith("TC8"))
_FULL_BY = hong_kong("2025-09-23 21:00")


@dataclass(frozen=True, slots=True)
class Hall:
    """A hall: names, places, when it opens (UTC; None: never) and closes, people at 03:00, and later floods near it."""

    name_en: str
    name_zh: str
    places: int
    opens: datetime | None
    closes: datetime
    filled_at: datetime
    at_night: int
    haste: float
    by_flood: int
    floods: tuple[datetime, ...]

    def persons(self, at: datetime) -> int:
        """How many people are there: more until 03:00, then by each flood; from the end of No. 10 on they go home."""
        if self.opens is None or not self.opens <= at < self.closes:
            return 0
        here = min(1.0, (at - self.opens) / (self.filled_at - self.opens)) if self.at_night else 0.0
        came = self.at_night * math.pow(here, self.haste) + self.by_flood * sum(flood <= at for flood in self.floods)
        gone = max(0.0, (at - _GOING_HOME) / (self.closes - _GOING_HOME))
        return round(min(came, self.places) * (1 - math.pow(gone, 1.5)))

    def status(self, at: datetime) -> str:
        """The form's word."""
        if self.opens is None or not self.opens <= at < self.closes:
            return "Closed"
        return "Full" if self.persons(at) >= self.places else "Open"


@lru_cache(maxsize=2)
def halls(world: World) -> list[Hall]:
    """The day's shelters."""
    return [_hall(world, values) for values, _ in world.drawn("temporary_shelters")]


def _hall(world: World, values: dict[str, object]) -> Hall:
    name = str(values["name_en"])
    drawn = [share(world.seed, "shelter", what, name) for what in ("closes", "full", "haste")]
    floods = tuple(
        incident.reported_at
        for incident in world.told
        if incident.reported_at > OPENS
        and (first := incident.versions[0][1])["category"] == "flood"
        and first["district"] == values["district"]
    )
    waits = 2 + number(world.seed, "shelter waits", name) % 3
    late = rounded_up(floods[waits], 5) if len(floods) > waits else None
    opens = late if values["status"] == "closed" else _OPEN_AT
    return Hall(
        name, str(values["name_zh"]), int(str(values["capacity"])),
        None if opens is None or opens >= _GOING_HOME else opens, rounded_up(_GALE_OVER + 75 * MINUTE * drawn[0], 5),
        _FULL_BY + 5 * HOUR * drawn[1] if values["status"] == "full" else OPENS,
        int(str(values["occupants"])), 0.6 + drawn[2], 8 + number(world.seed, "flooded out", name) % 18, floods,
    )  # fmt: skip


@lru_cache(maxsize=2)
def _history(world: World) -> list[Entry]:
    return in_order(entry for hall in halls(world) for entry in _entries(hall))


def _entries(hall: Hall) -> Iterator[Entry]:
    """The hall as it is when the first open, at each count, and as it opens and closes."""
    moments = {_OPEN_AT, hall.closes, *([hall.opens] if hall.opens else [])}
    at = rounded_up(_OPEN_AT, 30)
    while at <= ENDS:
        moments.add(at)
        at += _COUNTED
    for at in sorted(moments):
        opened = hall.opens if hall.opens is not None and hall.opens <= at else None
        yield Entry(
            hall.name_en, at,
            {"庇護中心": hall.name_zh, "Status": hall.status(at), "Places": hall.places, "Persons": hall.persons(at),
             "Opened": opened},
        )  # fmt: skip


def _told(world: World, since: datetime, until: datetime) -> Sequence[Entry]:
    return became_known(_history(world), since, until)


FORM = Form("had_shelters", "HAD", "xlsx", "Shelter", "As at", _told)
"""A line a shelter whose status or number of people has changed."""
