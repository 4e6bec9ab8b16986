"""A typhoon day made up for exercises: incidents over all districts, owners, categories and states.

Everything is drawn from one seeded generator, so the same seed and count give the same records for ever.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random

from shapely.geometry import LineString, Point, Polygon
from shapely.geometry.base import BaseGeometry

from cop_ingest.exercise_scenes import SCENES, Scene
from cop_ingest.geometry import to_wkb
from cop_ingest.incidents import incident
from cop_ingest.places import DISTRICT_CENTRES, PLACES, Place
from cop_ingest.records import Record
from cop_ingest.times import HKT

EVENT = "2025-ragasa-exercise"
SOURCE = "exercise"
STARTS = datetime(2025, 9, 23, 6, 0, tzinfo=HKT)
ENDS = datetime(2025, 9, 24, 22, 0, tzinfo=HKT)
"""Reports come between these two times; nothing in the exercise is later than ENDS."""

# Reports an hour from STARTS on: quiet, rising through the night, most on the second morning, then less.
_HOURLY = (1, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 5, 6, 7, 8, 9, 10, 12, 15,
           18, 20, 22, 24, 25, 25, 24, 22, 20, 18, 15, 13, 11, 9, 8, 6, 5, 4, 3, 2)  # fmt: skip
_JITTER_M = 100.0
_METRES_A_DEGREE = 111_195.0
_ON_ROADS = frozenset({"road", "landslide", "flood", "fallen_tree", "dangerous_object", "water_supply"})
_METHODS = {"reported": 70, "geocoded": 18, "surveyed": 8, "district": 2, "none": 2}
_UNCERTAINTY_M = {"reported": 50.0, "geocoded": 100.0, "surveyed": 5.0, "district": 3000.0, "none": None}
_RELEASES = {"public": 92, "departments": 4, "press": 3, "owner": 1}
_SEVERITIES = {"minor": 50, "moderate": 30, "unknown": 15, "severe": 4, "extreme": 1}
_OPEN_STATES = {"reported": 20, "confirmed": 20, "responding": 40, "controlled": 15, "cancelled": 5}
_HURT = ("dead", "injured", "missing", "trapped", "evacuated")


def exercise_incidents(seed: int = 1, count: int = 2000) -> list[Record]:
    """`count` made-up incidents of a typhoon day, 23 and 24 September 2025 in Hong Kong.

    Record.id is `<owner>:EX-<seed>-<number>`, the same as `external_ids`; the store gives the incident's own
    id. Points, and a few lines and areas, in EPSG:4326 lon, lat; one in fifty has no position.
    """
    draw = Random(seed)  # noqa: S311 - an exercise has to be repeatable, not secret
    return [_incident(draw, seed, number) for number in range(1, count + 1)]


def _incident(draw: Random, seed: int, number: int) -> Record:
    # The first of them walk through the scenes, so that a small count still has every owner.
    scene = SCENES[number - 1] if number <= len(SCENES) else _weighted(draw, {s: s.weight for s in SCENES})
    place = draw.choice(_places_of(scene))
    reported_at = _reported_at(draw)
    method = _weighted(draw, _METHODS)
    geometry = _geometry(draw, scene, place, method)
    external = f"{scene.department}:EX-{seed}-{number:05d}"
    properties = incident({
        "external_ids": [external],
        "category": scene.category,
        "department": scene.department,
        "participants": list(scene.participants),
        "source": SOURCE,
        "source_ref": f"EX-{seed}-{number:05d}",
        "message_status": "exercise",
        "event": EVENT,
        "release": _weighted(draw, _RELEASES),
        "major": draw.random() < 0.04,
        "severity": _weighted(draw, _SEVERITIES),
        "reported_at": reported_at,
        "occurred_at": reported_at - timedelta(minutes=int(draw.expovariate(1 / 12))),
        "district": place.district,
        "position_method": method,
        "position_uncertainty_m": _UNCERTAINTY_M[method],
        **_texts(scene, place),
        **_road(draw, scene, place),
        **_progress(draw, reported_at),
        **_casualties(draw, scene),
    })  # fmt: skip
    return Record(external, properties, None if geometry is None else to_wkb(geometry))


@cache
def _places_of(scene: Scene) -> tuple[Place, ...]:
    return tuple(place for place in PLACES if not scene.districts or place.district in scene.districts)


def _weighted[T](draw: Random, weights: Mapping[T, float]) -> T:
    return draw.choices(list(weights), list(weights.values()))[0]


def _reported_at(draw: Random) -> datetime:
    hour = draw.choices(range(len(_HOURLY)), _HOURLY)[0]
    return (STARTS + timedelta(hours=hour, seconds=60 * draw.randrange(60))).astimezone(UTC)


def _texts(scene: Scene, place: Place) -> dict[str, object]:
    english = {"street": place.street_en, "area": place.area_en}
    area_zh = "" if place.street_zh.startswith(place.area_zh) else place.area_zh
    chinese = {"street": place.street_zh, "area": area_zh if "{street}" in scene.title_zh else place.area_zh}
    return {
        "title_en": scene.title_en.format(**english),
        "title_zh": scene.title_zh.format(**chinese),
        "description_en": scene.description_en,
        "description_zh": scene.description_zh,
        "location_en": f"{place.street_en}, {place.area_en}",
        "location_zh": f"{area_zh}{place.street_zh}",
    }


def _road(draw: Random, scene: Scene, place: Place) -> dict[str, object]:
    if scene.category not in _ON_ROADS or "{street}" not in scene.title_en:
        return {}
    chance = 0.3 if scene.category in ("road", "landslide") else 0.08
    closed = draw.random() < (1.0 if scene.title_zh.endswith("封路") else chance)
    lanes = None if closed else _weighted(draw, {None: 55.0, 0: 20.0, 1: 20.0, 2: 5.0})
    return {
        "road_name_en": place.street_en,
        "road_name_zh": place.street_zh,
        "road_closed": closed,
        "lanes_closed": lanes,
    }


def _progress(draw: Random, reported_at: datetime) -> dict[str, object]:
    """Status and what hangs on it: older incidents are further on; nothing is later than ENDS."""
    left = ENDS - reported_at
    status = _status(draw, left / timedelta(hours=1))
    updated_at = reported_at + min(left, timedelta(minutes=int(draw.expovariate(1 / 150))))
    known: dict[str, object] = {
        "status": status,
        "verification": _verification(draw, status),
        "updated_at": updated_at,
        "completed_at": updated_at if status == "completed" else None,
        "progress_percent": _percent(draw, status),
    }
    if status in ("confirmed", "responding", "controlled") and draw.random() < 0.7:
        known["estimated_completion_at"] = updated_at + timedelta(minutes=15 * draw.randrange(-8, 48))
        known["eta_slips"] = _weighted(draw, {0: 60.0, 1: 25.0, 2: 10.0, 3: 4.0, 4: 1.0})
    return known


def _status(draw: Random, age_hours: float) -> str:
    done = min(0.85, 0.04 * age_hours)
    return "completed" if draw.random() < done else _weighted(draw, _OPEN_STATES)


def _verification(draw: Random, status: str) -> str:
    if status == "cancelled":
        return _weighted(draw, {"refuted": 70.0, "unverified": 30.0})
    if status == "reported":
        return _weighted(draw, {"unverified": 75.0, "corroborated": 25.0})
    return _weighted(draw, {"verified": 85.0, "corroborated": 15.0})


def _percent(draw: Random, status: str) -> int | None:
    spans = {"confirmed": (0, 2), "responding": (2, 16), "controlled": (14, 19)}
    if status == "completed":
        return 100
    return 5 * draw.randint(*spans[status]) if status in spans else None


def _casualties(draw: Random, scene: Scene) -> dict[str, object]:
    """Mostly unknown (null); sometimes counted and none; seldom somebody hurt."""
    chance = draw.random()
    if chance < 0.93:
        return {}
    counts: dict[str, object] = dict.fromkeys(_HURT, 0)
    if chance > 0.96:
        counts["injured"] = draw.randint(1, 4)
    if scene.category == "rescue":
        counts["trapped"] = draw.randint(1, 3)
    if scene.category in ("flood", "landslide") and chance > 0.98:
        counts["evacuated"] = draw.randint(5, 60)
    return counts


def _geometry(draw: Random, scene: Scene, place: Place, method: str) -> BaseGeometry | None:
    lon, lat = _nearby(draw, place.lon, place.lat)
    if method == "none":
        return None
    if method == "district":
        return Point(DISTRICT_CENTRES[place.district])
    chance = draw.random()
    if scene.category == "flood" and chance < 0.08:
        return Polygon(_ring(lon, lat, 60 + 60 * draw.random()))
    if scene.category == "road" and chance < 0.12:
        return LineString(_stretch(lon, lat, 80.0, math.tau * draw.random()))
    return Point(lon, lat)


def _nearby(draw: Random, lon: float, lat: float) -> tuple[float, float]:
    return _moved(lon, lat, _JITTER_M * math.sqrt(draw.random()), math.tau * draw.random())


def _moved(lon: float, lat: float, metres: float, angle: float) -> tuple[float, float]:
    degrees = metres / _METRES_A_DEGREE
    east = degrees * math.cos(angle) / math.cos(math.radians(lat))
    return round(lon + east, 7), round(lat + degrees * math.sin(angle), 7)


def _ring(lon: float, lat: float, radius_m: float) -> list[tuple[float, float]]:
    return [_moved(lon, lat, radius_m, math.tau * step / 12) for step in range(12)]


def _stretch(lon: float, lat: float, half_m: float, angle: float) -> list[tuple[float, float]]:
    return [_moved(lon, lat, half_m, angle), (lon, lat), _moved(lon, lat, half_m, angle + math.pi)]
