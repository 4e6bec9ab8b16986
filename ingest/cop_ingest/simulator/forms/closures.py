"""The Highways Department's road closures: roads that incidents close, and seafront roads closed before the surge.

Told are whole roads, and lanes where the incident is the department's own or came by the traffic news. When a road is
expected to be open slips as the incident's completion does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import pairwise

from cop.catalogue import catalogue
from cop_ingest.places import PLACES, Place
from cop_ingest.scenario.calendar import SIGNALS, hong_kong
from cop_ingest.simulator.chance import share
from cop_ingest.simulator.forms.base import (
    HOUR,
    MINUTE,
    Entry,
    Form,
    became_known,
    district_name,
    east_north,
    in_order,
    rounded_up,
)
from cop_ingest.simulator.world.told import TRAFFIC, Incident, closures
from cop_ingest.simulator.world.world import World

_OWN = "HyD"
_UNPLACED = ("none", "district")
_SEAFRONT = ("Shek O", "Stanley", "Lau Fau Shan", "Lung Kwu Tan", "Tai Mei Tuk", "Sai Kung", "Tai O", "Cheung Chau")
_SURGE_TOLD = next(one.issued_at for one in SIGNALS if one.code == "SURGE")
_SURGE_COMES = hong_kong("2025-09-23 23:00")
_SURGE_GOES = hong_kong("2025-09-24 14:30")


@lru_cache(maxsize=2)
def _history(world: World) -> list[Entry]:
    of_incidents = (
        entry
        for _, _, incident, whole in closures(world.told)
        if whole or incident.department in (_OWN, TRAFFIC)
        for entry in _of_incident(incident, whole)
    )
    return in_order([*of_incidents, *_of_surge(world)])


def _of_incident(incident: Incident, whole: bool) -> Iterator[Entry]:
    first = incident.versions[0][1]
    for at, values in incident.versions:
        is_open = values["status"] in ("completed", "cancelled")
        partly = not whole or values["status"] == "controlled"
        yield Entry(
            f"RC-{incident.ref}", at,
            {
                "Road": first["road_name_en"] or first["location_en"],
                "道路": first["road_name_zh"] or first["location_zh"], "Section": first["location_en"],
                "Bound": "Both bounds" if whole else None, "Chainage": None,
                "路段": first["location_zh"],
                "Lanes closed": None if is_open or not partly else first["lanes_closed"] or 1,
                **_reason(incident, first),
                "Status": "Reopened" if is_open else "Partly closed" if partly else "Closed",
                **_times(incident.reported_at, values["estimated_completion_at"], at if is_open else None),
                "District": district_name(first["district"]),
                "Release": first["release"] if first["position_released"] else "departments", **_position(incident),
            },
        )  # fmt: skip


def _reason(incident: Incident, first: dict[str, object]) -> dict[str, object]:
    """The kind of incident, and the number under which its owner has it."""
    codes = catalogue().layers["incidents"].by_name["category"].codes
    assert codes is not None
    kind = codes[str(first["category"])]
    number = f"{incident.department} {incident.ref}"
    return {"Reason": f"{kind.en} ({number})", "原因": f"{kind.zh}（{number}）"}


def _position(incident: Incident) -> dict[str, object]:
    """Where the incident's position is known well enough for a road; else the words place it."""
    if incident.geometry is None or incident.versions[0][1]["position_method"] in _UNPLACED:
        return {"Easting": None, "Northing": None}
    east, north = east_north(incident.geometry.centroid.x, incident.geometry.centroid.y)
    return {"Easting": east, "Northing": north}


def _of_surge(world: World) -> Iterator[Entry]:
    """Seafront roads: announced with the storm surge, closed in the night, open again as the water goes."""
    for count, area in enumerate(_SEAFRONT, 1):
        place = next(one for one in PLACES if one.area_en == area)
        told, closed, eased, opened = (
            rounded_up(begins + HOUR * hours * share(world.seed, "seafront", area, what), 5)
            for what, begins, hours in (
                ("told", _SURGE_TOLD, 0.5), ("closed", _SURGE_COMES, 3), ("eased", _SURGE_GOES, 1.5),
                ("opened", _SURGE_GOES + 2 * HOUR, 4),
            )
        )  # fmt: skip
        key, expected = (
            f"RC-SURGE-{count:02d}",
            [hong_kong(f"2025-09-24 {hour}") for hour in ("09:00", "14:00", "19:00")],
        )
        yield _seafront(key, told, place, "Planned", _times(closed, expected[0], None))
        yield _seafront(key, closed, place, "Closed", _times(closed, expected[0], None))
        for before, after in pairwise(expected):
            yield _seafront(key, before - 30 * MINUTE, place, "Closed", _times(closed, after, None))
        yield _seafront(key, eased, place, "Partly closed", _times(closed, expected[-1], None))
        yield _seafront(key, opened, place, "Reopened", _times(closed, expected[-1], opened))


def _seafront(key: str, at: datetime, place: Place, status: str, times: dict[str, object]) -> Entry:
    east, north = east_north(place.lon, place.lat)
    return Entry(
        key, at,
        {
            "Road": place.street_en, "道路": place.street_zh, "Section": f"Seafront of {place.area_en}",
            "路段": f"{place.area_zh}海旁", "Bound": "Both bounds", "Chainage": None,
            "Lanes closed": 1 if status == "Partly closed" else None,
            "Reason": "Storm surge", "原因": "風暴潮", "Status": status, **times,
            "District": district_name(place.district), "Release": "public", "Easting": east, "Northing": north,
        },
    )  # fmt: skip


def _times(closed: object, expected: object, opened: object) -> dict[str, object]:
    return {"Closed from": closed, "Expected reopening": expected, "Reopened at": opened}


def _told(world: World, since: datetime, until: datetime) -> Sequence[Entry]:
    return became_known(_history(world), since, until)


FORM = Form("hyd_closures", "HyD", "csv", "Closure No.", "Updated", _told)
"""A line a closure that is new or has changed."""
