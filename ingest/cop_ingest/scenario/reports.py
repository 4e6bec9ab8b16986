"""When incidents are reported, what happened, and all that is known of it in its first minute."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random

from shapely.geometry.base import BaseGeometry

from cop_ingest.incidents import incident
from cop_ingest.places import PLACES, Place
from cop_ingest.scenario import calendar, spots
from cop_ingest.scenario.calendar import Weather
from cop_ingest.scenario.chance import named, weighted
from cop_ingest.scenario.scenes import SCENES, Scene
from cop_ingest.times import HKT

SOURCE = "exercise"
_MONTHS = (0.6, 0.6, 0.8, 1.1, 1.4, 1.7, 1.5, 1.6, 1.4, 0.9, 0.7, 0.6)
_HOURS = (1, 1, 1, 1, 1, 2, 4, 7, 9, 8, 7, 6, 6, 6, 6, 7, 8, 10, 10, 8, 6, 4, 3, 2)
_CATEGORIES: dict[Weather, dict[str, float]] = {
    "ordinary": {
        "road": 5.0, "fallen_tree": 0.3, "flood": 0.2, "landslide": 0.25, "building": 1.2, "water_supply": 5.0,
        "rescue": 1.6, "dangerous_object": 0.7, "other": 0.8,
    },
    "rainstorm": {
        "road": 0.9, "fallen_tree": 0.35, "flood": 4.0, "landslide": 4.0, "building": 0.6, "water_supply": 0.8,
        "rescue": 1.5, "dangerous_object": 0.3, "other": 0.7,
    },
    "cyclone": {},
}  # fmt: skip
_ON_ROADS = frozenset({"road", "landslide", "flood", "fallen_tree", "dangerous_object", "water_supply"})
_RELEASES = {"public": 92.0, "departments": 4.0, "press": 3.0, "owner": 1.0}
_SEVERITIES = {"minor": 50.0, "moderate": 30.0, "unknown": 15.0, "severe": 4.0, "extreme": 1.0}
_HURT = ("dead", "injured", "missing", "trapped", "evacuated")


@dataclass(frozen=True, slots=True)
class Report:
    """An incident as it is first entered: all columns of the layer, the weather it came in, its scene and position."""

    values: dict[str, object]
    at: datetime
    weather: Weather
    scene: Scene
    geometry: BaseGeometry | None


def past_times(seed: int, count: int) -> list[datetime]:
    """When `count` past incidents were reported, in order: storms, and ordinary days by season, weekday and hour."""
    draw = named(seed, "past times")
    share = count / 10_000
    times = [_within(draw, event) for event in calendar.EVENTS for _ in range(round(event.incidents * share))]
    ordinary = calendar.days(calendar.PAST_STARTS, calendar.PAST_ENDS)
    weights = [_busy(draw, day) for day in ordinary]
    chosen = draw.choices(ordinary, weights, k=max(0, count - len(times)))
    hours = draw.choices(range(24), _HOURS, k=len(chosen))
    times += [
        day + timedelta(hours=hour, seconds=draw.randrange(3600)) for day, hour in zip(chosen, hours, strict=True)
    ]
    return sorted(times)


def _within(draw: Random, event: calendar.Event) -> datetime:
    while True:
        at = event.peak + timedelta(seconds=round(3600 * draw.gauss(0, event.spread_hours)))
        if max(event.starts_at, calendar.PAST_STARTS) <= at < event.ends_at:
            return at


def _busy(draw: Random, day: datetime) -> float:
    local = day.astimezone(HKT)
    weekend = 0.85 if local.weekday() > 4 else 1.0
    # Most days are alike, and a few (rain, a large accident) bring many times as much.
    return _MONTHS[local.month - 1] * weekend * (0.7 + draw.expovariate(2.5))


def day_times(seed: int, count: int) -> list[datetime]:
    """When the typhoon day's incidents are reported, in order."""
    draw = named(seed, "day times")
    hours = draw.choices(range(len(calendar.HOURLY)), calendar.HOURLY, k=count)
    return sorted(calendar.DAY_STARTS + timedelta(hours=hour, seconds=draw.randrange(3600)) for hour in hours)


def report(draw: Random, at: datetime, ref: str, is_land: spots.IsLand, scene: Scene | None = None) -> Report:
    """An incident reported at a time, with that time's weather; `ref` is its number at the exercise's source."""
    event = calendar.event_at(at)
    weather: Weather = event.kind if event is not None else "ordinary"
    happened = scene or _scene(draw, weather)
    place = draw.choice(_places_of(happened))
    method = spots.method(draw)
    severe = 1.0 if weather == "ordinary" else 2.0
    values = incident({
        "external_ids": [f"{happened.department}:{ref}"],
        "category": happened.category,
        "department": happened.department,
        "participants": list(happened.participants),
        "source": SOURCE,
        "source_ref": ref,
        "message_status": "exercise",
        "event": event.id if event is not None else None,
        "release": weighted(draw, _RELEASES),
        "major": draw.random() < 0.02 * severe,
        "severity": weighted(draw, _SEVERITIES),
        "status": "reported",
        "verification": weighted(draw, {"unverified": 75.0, "corroborated": 25.0}),
        "reported_at": at,
        "occurred_at": at - timedelta(minutes=int(draw.expovariate(1 / 12))),
        "district": place.district,
        "position_method": method,
        # People in need, and buildings with their tenants, are not shown to the public by their address.
        "position_released": happened.category not in ("rescue", "building"),
        "position_uncertainty_m": spots.UNCERTAINTY_M[method],
        **_texts(happened, place),
        **_road(draw, happened, place),
        **_casualties(draw, happened),
    })  # fmt: skip
    del values["updated_at"]  # the store's own
    return Report(values, at.astimezone(UTC), weather, happened, spots.geometry(draw, happened, place, method, is_land))


def _scene(draw: Random, weather: Weather) -> Scene:
    scenes, weights = _weights(weather)
    return draw.choices(scenes, weights)[0]


@cache
def _weights(weather: Weather) -> tuple[list[Scene], list[float]]:
    scenes = [scene for scene in SCENES if weather != "ordinary" or not scene.storm_only]
    return scenes, [scene.weight * _CATEGORIES[weather].get(scene.category, 1.0) for scene in scenes]


@cache
def _places_of(scene: Scene) -> tuple[Place, ...]:
    return tuple(place for place in PLACES if not scene.districts or place.district in scene.districts)


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
    lanes = None if closed else weighted(draw, {None: 55.0, 0: 20.0, 1: 20.0, 2: 5.0})
    return {
        "road_name_en": place.street_en,
        "road_name_zh": place.street_zh,
        "road_closed": closed,
        "lanes_closed": lanes,
    }


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
