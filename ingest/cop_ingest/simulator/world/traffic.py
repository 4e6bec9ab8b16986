"""Traffic by minute: it thins out with the signals, slows in rain and wind, and stops where a road is closed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cop_ingest.scenario.calendar import SIGNALS, hong_kong
from cop_ingest.simulator.chance import number, numbers, share
from cop_ingest.simulator.world.rain import Gauges
from cop_ingest.simulator.world.told import Incident, closures
from cop_ingest.simulator.world.winds import Winds
from cop_ingest.territory.base import Floats
from cop_ingest.times import HKT

PERIOD = timedelta(seconds=30)
LANES = {2: ("Fast Lane", "Slow Lane"), 3: ("Fast Lane", "Middle Lane", "Slow Lane")}
LIMITS = (50, 70, 80, 100)
_REACH_KM = 0.6
_KM = 111.195
# How many of the day's usual vehicles are about in each hour in Hong Kong, of the busiest.
_HOURS = (0.16, 0.1, 0.07, 0.06, 0.08, 0.2, 0.5, 0.85, 1.0, 0.9, 0.8, 0.78, 0.78, 0.8, 0.82, 0.86, 0.92, 1.0, 0.98,
          0.8, 0.65, 0.55, 0.42, 0.28)  # fmt: skip
_ABOUT = (("TC10", 0.07), ("TC9", 0.1), ("TC8", 0.25), ("TC3", 0.85))
# Roadside stations lose their power in the worst hours, and most come back.
_DARK_FROM, _DARK_TO = hong_kong("2025-09-24 01:00"), hong_kong("2025-09-24 09:00")
_DARK_SHARE = 0.15


@dataclass(frozen=True, slots=True)
class Detector:
    """A detector: its id, direction in words, degrees, and what the published list says of it."""

    id: str
    direction: str
    lon: float
    lat: float
    listed: dict[str, object]


@dataclass(frozen=True, slots=True)
class Lanes:
    """What all detectors measured in one period: arrays of (detectors, 3 lanes); speeds in km/h, occupancy in %.

    Where `there` is false the detector has no such lane, or sent nothing.
    """

    there: NDArray[np.bool_]
    speed: NDArray[np.int64]
    occupancy: NDArray[np.int64]
    volume: NDArray[np.int64]
    deviation: Floats
    valid: NDArray[np.bool_]


@dataclass(frozen=True)
class Traffic:
    """The traffic at detectors, from a seed, the rain and wind, and the incidents that close roads."""

    seed: int
    detectors: Sequence[Detector]
    told: list[Incident]
    winds: Winds

    def period(self, starts: datetime) -> Lanes:
        """What was measured in the 30 seconds from a time."""
        rng = numbers(self.seed, "traffic", starts.isoformat())
        size = (len(self.detectors), 3)
        pace, flow = self.pace(starts), self._flow(starts)
        usual = flow * self._busy[:, None] * rng.uniform(0.5, 1.5, size)
        volume = np.where(pace[:, None] < 0.03, 0, rng.poisson(np.maximum(9 * usual, 0.0)))
        spread = rng.normal(0, 4, size)
        lane = np.array([4.0, 0.0, -6.0])
        speed = np.clip(np.rint(self._limits[:, None] * pace[:, None] + lane + spread), 3, 130).astype(np.int64)
        # Without vehicles the published speed is a placeholder, the road's limit.
        speed = np.where(volume == 0, self._limits[:, None], speed)
        speed = np.where((volume > 0) & (rng.random(size) < 0.0005), rng.integers(180, 301, size), speed)
        occupancy = np.clip(np.rint(volume * 60 / np.maximum(speed, 5)), 0, 100).astype(np.int64)
        occupancy = np.where(rng.random(size) < 0.01, -1, occupancy)
        there = self._has & ~self._dark(starts)[:, None]
        return Lanes(
            there,
            speed,
            occupancy,
            volume.astype(np.int64),
            np.where(volume > 1, np.round(np.abs(spread) + 1.2, 1), 0.0),
            rng.random(size) >= 0.004,
        )

    def pace(self, at: datetime) -> Floats:
        """How fast it goes at each detector, of the limit: 1 in the open, near 0 where the road is closed."""
        wet = np.minimum(self._gauges.fallen(at, 0.5) * 2, 80) / 190
        blown = np.clip((self.winds.gust(at) - 60) / 260, 0, 0.4)
        crowd = 0.28 * max(0.0, self._flow(at) - 0.45) * self._busy
        open_road = np.clip(1.0 - wet - blown - crowd, 0.25, 1.05)
        found: Floats = open_road * self._passable(at)
        return found

    def general_pace(self, at: datetime) -> float:
        """The mean of `pace`."""
        return float(np.mean(self.pace(at)))

    def _flow(self, at: datetime) -> float:
        local = at.astimezone(HKT)
        hour = local.hour + local.minute / 60
        usual = float(np.interp(hour, range(25), (*_HOURS, _HOURS[0])))
        codes = [signal.code for signal in SIGNALS if signal.issued_at <= at < signal.ended_at]
        about = next((part for start, part in _ABOUT if any(code.startswith(start) for code in codes)), 1.0)
        return usual * about

    def _passable(self, at: datetime) -> Floats:
        free = np.ones(len(self.detectors))
        for starts, ends, near, left in self._closures:
            if starts <= at and (ends is None or at < ends):
                free[near] = np.minimum(free[near], left)
        return free

    @cached_property
    def _closures(self) -> list[tuple[datetime, datetime | None, NDArray[np.int64], float]]:
        """Each closure with the detectors that it concerns, and what is left of the speed there."""
        found = []
        for starts, ends, incident, whole in closures(self.told):
            if incident.geometry is None or not len(self.detectors):
                continue
            middle = incident.geometry.centroid
            away = np.hypot((self._lon - middle.x) * _KM * np.cos(np.radians(22.35)), (self._lat - middle.y) * _KM)
            near = np.flatnonzero(away < _REACH_KM)[np.argsort(away[away < _REACH_KM])][:2]
            found.append((starts, ends, near, 0.02 if whole else 0.45))
        return found

    def _dark(self, at: datetime) -> NDArray[np.bool_]:
        return (self._dark_from <= at.timestamp()) & (at.timestamp() < self._dark_to)

    @cached_property
    def _dark_from(self) -> Floats:
        return self._outages[0]

    @cached_property
    def _dark_to(self) -> Floats:
        return self._outages[1]

    @cached_property
    def _outages(self) -> tuple[Floats, Floats]:
        spans = []
        for detector in self.detectors:
            if share(self.seed, "dark", detector.id) < _DARK_SHARE:
                length = (_DARK_TO - _DARK_FROM) * share(self.seed, "dark from", detector.id)
                spans.append(((_DARK_FROM + length / 2).timestamp(), (_DARK_TO + length).timestamp()))
            else:
                spans.append((np.inf, np.inf))
        starts, ends = np.array(spans).reshape(-1, 2).T
        return starts, ends

    @cached_property
    def _lon(self) -> Floats:
        return np.array([detector.lon for detector in self.detectors])

    @cached_property
    def _lat(self) -> Floats:
        return np.array([detector.lat for detector in self.detectors])

    @cached_property
    def _gauges(self) -> Gauges:
        return Gauges(self._lon, self._lat)

    @cached_property
    def _limits(self) -> NDArray[np.int64]:
        return np.array([LIMITS[number(self.seed, "limit", detector.id) % 4] for detector in self.detectors])

    @cached_property
    def _busy(self) -> Floats:
        return np.array([0.4 + 0.6 * share(self.seed, "busy", detector.id) for detector in self.detectors])

    @cached_property
    def _has(self) -> NDArray[np.bool_]:
        three = np.array([share(self.seed, "lanes", detector.id) < 0.6 for detector in self.detectors])
        yes = np.ones(len(self.detectors), dtype=np.bool_)
        return np.column_stack([yes, three, yes])
