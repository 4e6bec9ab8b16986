"""Rain that agrees with the rainstorm warnings: bands that cross the territory, as strong as the warning in force says.

Out at sea the rate is that of the exercise's typhoon (`territory.forecasts.rain_rate`); within some sixty kilometres
of the city it passes into bands whose strength follows the calendar. Gauges, districts and nowcast are sums of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

import numpy as np

from cop_ingest.scenario.calendar import DAY_ENDS, DAY_EVENT, DAY_STARTS, SIGNALS, hong_kong
from cop_ingest.territory.base import Floats
from cop_ingest.territory.forecasts import rain_rate

_MIDDLE = (114.15, 22.36)
_REACH_KM = 60.0
_KM = 111.195
_STEP = timedelta(minutes=6)
_LEAD = timedelta(hours=3)

_TARGET = {"": 11.0, "WRAINA": 43.0, "WRAINR": 63.0, "WRAINB": 92.0}
"""The strongest gauge's rain in an hour (mm) while a warning is in force; they are given at 30, 50 and 70."""
# Rain falls before the Observatory can warn of it, and ebbs before the warning is cancelled.
_AHEAD = timedelta(minutes=55)
_EBB = timedelta(minutes=55)


def _curve() -> tuple[Floats, Floats]:
    """Hours from DAY_STARTS and the strength at each: steps of the warnings with slopes between them."""
    warned = sorted(
        (signal.issued_at, signal.ended_at, signal.code)
        for signal in SIGNALS
        if signal.event == DAY_EVENT and signal.code.startswith("WRAIN")
    )
    points: list[tuple[datetime, float]] = [(DAY_STARTS - _LEAD, 2.0), (hong_kong("2025-09-23 13:00"), 5.0)]
    points.append((warned[0][0] - _AHEAD, _TARGET[""]))
    for number, (issued, ended, code) in enumerate(warned):
        following = warned[number + 1] if number + 1 < len(warned) else None
        rises = following is not None and _TARGET[following[2]] > _TARGET[code]
        points.append((issued - timedelta(minutes=5), _TARGET[code]))
        points.append((ended - (_AHEAD if rises else _EBB), _TARGET[code]))
    points += [(warned[-1][1], _TARGET[""]), (hong_kong("2025-09-24 14:00"), 7.0), (DAY_ENDS + _LEAD, 0.4)]
    return _ordered(points)


def _ordered(points: list[tuple[datetime, float]]) -> tuple[Floats, Floats]:
    listed = sorted(points)
    return np.array([_hours(at) for at, _ in listed]), np.array([value for _, value in listed])


def _hours(at: datetime) -> float:
    return (at - DAY_STARTS) / timedelta(hours=1)


_CURVE = _curve()


def strength(at: datetime) -> float:
    """How much falls in an hour where most falls, mm."""
    return float(np.interp(_hours(at), *_CURVE))


def rate(lon: Floats, lat: Floats, at: datetime) -> Floats:
    """Rain in mm/h at positions (EPSG:4326 degrees) at a time."""
    east = (lon - _MIDDLE[0]) * _KM * np.cos(np.radians(22.36))
    north = (lat - _MIDDLE[1]) * _KM
    near = np.exp(-((np.hypot(east, north) / _REACH_KM) ** 2))
    hours = _hours(at)
    # Two sets of bands from the south-east, a fast narrow and a slow broad one, and hills that catch more.
    fast = 0.5 + 0.5 * np.sin((east - north) / 7.5 - 8.0 * hours)
    broad = 0.5 + 0.5 * np.sin((0.4 * east + north) / 17.0 + 1.3 * hours)
    ridge = 0.12 * np.sin(east / 6.0 + 1.0) * np.sin(north / 5.0)
    bands = np.clip(0.46 + 0.44 * fast + 0.36 * broad + ridge, 0.05, None)
    steered = strength(at) * bands * 0.97
    found: Floats = near * steered + (1 - near) * rain_rate(lon, lat, at)
    return found


@dataclass(frozen=True)
class Gauges:
    """Rain at fixed places from three hours before the day to its end; `lon`, `lat` in degrees."""

    lon: Floats
    lat: Floats

    @cached_property
    def _sums(self) -> Floats:
        steps = int((DAY_ENDS - DAY_STARTS + _LEAD) / _STEP) + 1
        rates = np.array([rate(self.lon, self.lat, DAY_STARTS - _LEAD + step * _STEP) for step in range(steps + 1)])
        halves = (rates[1:] + rates[:-1]) / 2 * (_STEP / timedelta(hours=1))
        return np.concatenate([np.zeros((1, len(self.lon))), np.cumsum(halves, axis=0)])

    def fallen(self, until: datetime, hours: float = 1.0) -> Floats:
        """Millimetres in the hours up to a time, one for each place."""
        found: Floats = self._sum(until) - self._sum(until - timedelta(hours=hours))
        return found

    def _sum(self, at: datetime) -> Floats:
        position = float(np.clip((at - DAY_STARTS + _LEAD) / _STEP, 0, len(self._sums) - 1))
        low = min(int(position), len(self._sums) - 2)
        found: Floats = self._sums[low] + (position - low) * (self._sums[low + 1] - self._sums[low])
        return found
