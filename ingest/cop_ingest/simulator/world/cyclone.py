"""The cyclone's track and the bulletins on it.

Positions follow what is publicly known of Ragasa's course in September 2025 in outline and the exercise's own eye
(`territory.forecasts`) near Hong Kong. They are approximate, not a best track, and the strengths are rounded.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from cop_ingest.scenario.calendar import DAY_ENDS, DAY_STARTS
from cop_ingest.times import HKT

ID, NAME_EN, NAME_ZH = "2518", "RAGASA", "樺加沙"
_EVERY = timedelta(hours=3)
_AFTER = timedelta(minutes=65)
"""A bulletin comes this long after the time that its analysis is of."""

# UTC, degrees north, degrees east, wind near the middle in km/h.
_TRACK = """
2025-09-18T12:00 14.6 133.6 55
2025-09-19T00:00 14.9 132.5 65
2025-09-19T12:00 15.5 131.0 85
2025-09-20T00:00 16.2 129.3 110
2025-09-20T12:00 16.9 128.1 130
2025-09-21T00:00 17.7 126.7 165
2025-09-21T12:00 18.4 124.9 195
2025-09-22T00:00 19.0 122.9 220
2025-09-22T06:00 19.2 121.9 230
2025-09-22T12:00 19.5 120.9 220
2025-09-22T18:00 19.8 119.8 210
2025-09-23T00:00 20.0 118.7 205
2025-09-23T06:00 20.3 117.5 205
2025-09-23T12:00 20.6 116.4 195
2025-09-23T18:00 20.9 115.1 185
2025-09-24T00:00 21.3 113.8 175
2025-09-24T06:00 21.6 112.6 155
2025-09-24T12:00 21.8 111.4 130
2025-09-24T18:00 21.9 110.1 85
2025-09-25T00:00 22.0 108.9 65
2025-09-25T12:00 22.0 107.0 45
"""
_CLASSES = (
    (185, "Super Typhoon"), (150, "Severe Typhoon"), (118, "Typhoon"), (88, "Severe Tropical Storm"),
    (63, "Tropical Storm"), (41, "Tropical Depression"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Position:
    """Where it is at a time (UTC), degrees, its class in the Observatory's words, and its wind in km/h."""

    at: datetime
    lat: float
    lon: float
    intensity: str
    wind_kmh: int | None


@dataclass(frozen=True, slots=True)
class Bulletin:
    """A bulletin: when it was issued, the past positions, the analysis, and the forecast."""

    issued_at: datetime
    past: list[Position]
    analysis: Position
    forecast: list[Position]


def _line(line: str) -> tuple[float, float, float, float]:
    at, lat, lon, wind = line.split()
    return datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp(), float(lat), float(lon), float(wind)


_TIMES, _LATS, _LONS, _WINDS = np.array([_line(line) for line in _TRACK.strip().splitlines()]).T


def position(at: datetime) -> Position:
    """Where it is at a time between the first and the last of the track."""
    stamp = at.timestamp()
    wind = 5 * round(float(np.interp(stamp, _TIMES, _WINDS)) / 5)
    words = next((name for least, name in _CLASSES if wind >= least), "Low")
    lat, lon = float(np.interp(stamp, _TIMES, _LATS)), float(np.interp(stamp, _TIMES, _LONS))
    return Position(at, round(lat, 1), round(lon, 1), words, wind if words != "Low" else None)


def issues() -> list[datetime]:
    """When bulletins come: three-hourly, as within 10 to 30 degrees north and 105 to 125 degrees east."""
    start = (DAY_STARTS - timedelta(hours=6)).astimezone(HKT).replace(hour=2, minute=0)
    times = []
    while start + _AFTER <= DAY_ENDS:
        times.append((start + _AFTER).astimezone(UTC) + timedelta(seconds=10))
        start += _EVERY
    return times


def bulletin(issued_at: datetime) -> Bulletin:
    """The bulletin that was issued at one of `issues`."""
    analysed = (issued_at - _AFTER).replace(second=0)
    first = datetime.fromtimestamp(float(_TIMES[0]), UTC)
    steps = [first + timedelta(hours=6 * step) for step in range(100)]
    ahead = [at for at in steps if analysed + timedelta(hours=3) < at and at.timestamp() <= _TIMES[-1]]
    return Bulletin(
        issued_at,
        [position(at) for at in steps if at < analysed],
        position(analysed),
        [_forecast(at, analysed) for at in ahead[1::2]],
    )


def _forecast(at: datetime, analysed: datetime) -> Position:
    """Where it is thought to be: the further ahead, the further north of where it will be."""
    sure = position(at)
    off = (at - analysed) / timedelta(hours=24) * 0.2
    return Position(at, round(sure.lat + off, 1), sure.lon, sure.intensity, sure.wind_kmh)
