"""Drawers of past cyclones: made-up ones, for where the best tracks are not at hand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from shapely.geometry import MultiLineString, Point

from cop_ingest.territory.base import Drawer, Feature, Territory

_COUNT = 48
_SIX_HOURS = timedelta(hours=6)
_KMH = 1.852


@dataclass(frozen=True, slots=True)
class _Fix:
    at: datetime
    lon: float
    lat: float
    wind: int | None
    pressure: int
    grade: str


def _tracks(territory: Territory) -> Iterable[Feature]:
    for number, name, fixes in _cyclones(territory):
        winds = [fix.wind for fix in fixes if fix.wind is not None]
        strongest = max(winds, default=None)
        known: dict[str, object] = {
            "number": number,
            "name_en": name,
            "season": fixes[0].at.year,
            "started_at": fixes[0].at,
            "ended_at": fixes[-1].at,
            "highest_grade": max(fix.grade for fix in fixes),
            "max_wind_kt": strongest,
            "max_wind_kmh": None if strongest is None else round(strongest * _KMH, 1),
            "min_pressure_hpa": min(fix.pressure for fix in fixes),
            "positions": len(fixes),
        }
        yield known, MultiLineString([[(fix.lon, fix.lat) for fix in fixes]])


def _points(territory: Territory) -> Iterable[Feature]:
    for number, name, fixes in _cyclones(territory):
        for fix in fixes:
            known: dict[str, object] = {
                "number": number,
                "name_en": name,
                "at": fix.at,
                "grade": fix.grade,
                "pressure_hpa": fix.pressure,
                "wind_kt": fix.wind,
                "wind_kmh": None if fix.wind is None else round(fix.wind * _KMH, 1),
            }
            yield known, Point(fix.lon, fix.lat)


def _cyclones(territory: Territory) -> Iterator[tuple[str, str, list[_Fix]]]:
    """Made-up cyclones of 2018 to 2023: numbers with an X, which no true one has, and no true names."""
    draw = territory.draw("cyclones")
    for place in range(_COUNT):
        season = 2018 + place % 6
        began = datetime(season, draw.randint(6, 10), draw.randint(1, 28), 6 * draw.randint(0, 3), tzinfo=UTC)
        lon, lat = draw.uniform(122, 150), draw.uniform(8, 17)
        to_lon, to_lat = draw.uniform(106, 124), draw.uniform(18, 29)
        strength = draw.choice([28, 33, 40, 50, 60, 70, 85, 100])
        steps = draw.randint(16, 36)
        bend = draw.uniform(-3, 3)
        fixes: list[_Fix] = []
        for t in np.linspace(0, 1, steps):
            wind = round(strength * np.sin(np.pi * min(0.98, 0.12 + 0.8 * t)) / 5) * 5
            fixes.append(
                _Fix(
                    began + len(fixes) * _SIX_HOURS,
                    round(lon + (to_lon - lon) * t, 1),
                    round(lat + (to_lat - lat) * t**1.3 + bend * np.sin(np.pi * t), 1),
                    int(wind) if wind >= 35 else None,
                    int(1008 - max(wind, 20) * 0.8),
                    _grade(wind),
                )
            )
        number = f"{season % 100:02d}X{place // 6 + 1}"
        yield number, f"Exercise {number}", fixes


def _grade(wind: float) -> str:
    return "2" if wind < 34 else "3" if wind < 48 else "4" if wind < 64 else "5"


DRAWERS: dict[str, Drawer] = {"tc_tracks": _tracks, "tc_track_points": _points}
