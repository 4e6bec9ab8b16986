"""The gridded rainfall nowcast: four half-hours on 121 x 121 points (SOURCES 3.7)."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache

import numpy as np

from cop_ingest.simulator.world.rain import rate
from cop_ingest.simulator.world.world import World
from cop_ingest.simulator.writers.text import compact
from cop_ingest.territory.base import Floats

HEADER = (
    "Updated Date and Time (in Hong Kong Time),Ending Date and Time (in Hong Kong Time),"
    "Latitude (degree),Longitude (degree),Half-hourly Nowcast Accumulated Rainfall (mm)"
)
NORTH, WEST, STEP, POINTS = 23.487, 112.956, 0.02, 121
HALF_HOURS = 4
_HALF = timedelta(minutes=30)
# A nowcast knows what comes the less the further ahead it looks.
_FADES = (1.0, 0.95, 0.88, 0.8)


@lru_cache(maxsize=1)
def _points() -> tuple[Floats, Floats, list[str]]:
    lat = np.round(NORTH - STEP * np.arange(POINTS), 3)
    lon = np.round(WEST + STEP * np.arange(POINTS), 3)
    lons, lats = np.meshgrid(lon, lat)
    where = [f"{one:.3f},{other:.3f}," for one in lat for other in lon]
    return lons, lats, where


def half_hour(run: datetime, number: int) -> Floats:
    """Millimetres in the half hour `number` (from 0) after a run, by row from the north and column from the west."""
    lons, lats = _points()[:2]
    starts = run + number * _HALF
    rates = [rate(lons, lats, starts + _HALF * share) for share in (1 / 6, 1 / 2, 5 / 6)]
    found: Floats = np.mean(rates, axis=0) / 2 * _FADES[number]
    return found


def nowcast(_: World, at: datetime, __: str) -> bytes:
    """The whole file of the run of a time."""
    run = run_of(at)
    where = _points()[2]
    lines = [HEADER]
    for number in range(HALF_HOURS):
        start = f"{compact(run)},{compact(run + (number + 1) * _HALF)},"
        values = np.char.mod("%.2f", half_hour(run, number)).ravel().tolist()
        lines += [start + place + value for place, value in zip(where, values, strict=True)]
    return ("\n".join(lines) + "\n").encode()


def run_of(at: datetime) -> datetime:
    """The run that is published at a time: every twelve minutes, at full hours and so on."""
    return at.replace(minute=at.minute // 12 * 12, second=0, microsecond=0)
