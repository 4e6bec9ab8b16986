"""What the Geotechnical Engineering Office's rain gauges read: the day's rain, every five minutes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import lru_cache

import numpy as np

from cop_ingest.scenario.calendar import hong_kong
from cop_ingest.simulator.chance import number, share
from cop_ingest.simulator.forms.base import HOUR, MINUTE, Entry, Form, rounded_up
from cop_ingest.simulator.world.rain import Gauges
from cop_ingest.simulator.world.world import World
from cop_ingest.territory.base import Floats

PACE = 5 * MINUTE
_AT_MOST = HOUR
"""How far back a return tells what was read; what is older nobody sends again."""
_TIP_MM = 0.5  # what a gauge's bucket holds
_SPANS = (PACE, HOUR, 24 * HOUR)
_HEADINGS = ("Rain 5 min (mm)", "Rain 1 h (mm)", "Rain 24 h (mm)")
_FAULTY_FROM = hong_kong("2025-09-23 20:00")
_SUSPECT_FROM = hong_kong("2025-09-24 00:00")
_LEAVES = 0.6  # what leaves in its funnel let through


def _told(world: World, since: datetime, until: datetime) -> Sequence[Entry]:
    """All gauges' readings of each even time after `since`, at most an hour back."""
    found: list[Entry] = []
    at = rounded_up(max(since, until - _AT_MOST) + timedelta(microseconds=1), 5)
    while at <= until:
        found += _read(world, at)
        at += PACE
    return found


def _read(world: World, at: datetime) -> Iterator[Entry]:
    numbers, gauges = _gauges(world)
    sums = np.array([gauges.fallen(at, span / HOUR) for span in _SPANS])
    for place, station in enumerate(numbers):
        quality = quality_of(world, place, at)
        yield Entry(station, at, {**_values(sums[:, place], quality), "Quality": quality})


def _values(sums: Floats, quality: str) -> dict[str, float]:
    """In whole tips of the bucket. A gauge with leaves in it reads too little, and a broken one nothing."""
    part = {"OK": 1.0, "Suspect": _LEAVES, "Faulty": 0.0}[quality]
    return {name: float(part * mm // _TIP_MM * _TIP_MM) for name, mm in zip(_HEADINGS, sums, strict=True)}


def quality_of(world: World, place: int, at: datetime) -> str:
    """What the office thinks of the gauge at this place in the list: two are bad from some hour of the night on."""
    count = len(_gauges(world)[0])
    broken = number(world.seed, "broken gauge") % count
    doubted = (broken + 1 + number(world.seed, "doubted gauge") % max(1, count - 1)) % count
    if place == broken and at >= _FAULTY_FROM + 4 * HOUR * share(world.seed, "gauge breaks"):
        return "Faulty"
    if place == doubted and at >= _SUSPECT_FROM + 2 * HOUR * share(world.seed, "gauge is doubted"):
        return "Suspect"
    return "OK"


@lru_cache(maxsize=2)
def _gauges(world: World) -> tuple[list[str], Gauges]:
    """The office's gauges: their numbers, and the rain at them."""
    own = [(values, shape.centroid) for values, shape in world.drawn("rain_gauges") if values["network"] == "GEO"]
    lon, lat = (np.array([getattr(point, axis) for _, point in own]) for axis in "xy")
    return [str(values["station_no"]) for values, _ in own], Gauges(lon, lat)


FORM = Form("geo_rain_gauges", "CEDD", "csv", "Gauge", "Time", _told, every=PACE)
"""A line a gauge and time; all gauges each time."""
