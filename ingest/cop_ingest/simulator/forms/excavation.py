"""Excavation permits: works that stand still while signal No. 8 or above is in force, and emergency works on mains."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from cop_ingest.places import PLACES
from cop_ingest.scenario.calendar import DAY_EVENT, GALES, hong_kong
from cop_ingest.simulator.chance import chosen, number, share
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
from cop_ingest.simulator.world.told import Incident
from cop_ingest.simulator.world.world import World

STOCK = 60
"""Permits that are listed before the storm."""
_FOR = timedelta(days=30)
_DAYS = {"Completed": (-40, 10), "Works in progress": (-20, 20), "Issued": (4, 10)}
"""How many days from the list on works begin: the earliest, and among how many."""
_LISTED = hong_kong("2025-09-22 17:00")
_GALE_FROM = min(one.issued_at for one in GALES if one.event == DAY_EVENT)
_GALE_TO = max(one.ended_at for one in GALES if one.event == DAY_EVENT)
_WORKS = (
    ("Gas main renewal", "更換煤氣管", "Towngas", "煤氣公司"),
    ("Cable laying", "敷設電纜", "Power company", "電力公司"),
    ("Water main replacement", "更換水管", "Water Supplies Department", "水務署"),
    ("Drain rehabilitation", "修復渠管", "Drainage Services Department", "渠務署"),
    ("Telephone duct", "電話線管道", "Telecommunications company", "電訊公司"),
)
_MAIN = ("Emergency repair of a water main", "緊急維修水管", "Water Supplies Department", "水務署")


@lru_cache(maxsize=2)
def _history(world: World) -> list[Entry]:
    planned = (entry for count in range(STOCK) for entry in _planned(world, count))
    urgent = (entry for incident in world.told if incident.department == "WSD" for entry in _urgent(incident))
    return in_order([*planned, *urgent])


def _planned(world: World, count: int) -> Iterator[Entry]:
    """A permit in force: issued for later, under way and stopped by the gale, or completed."""
    seed = world.seed
    place = chosen(PLACES, seed, "permit", count)
    key, drawn = f"XP-2025-{4100 + count}", share(seed, "permit is", count)
    first = "Completed" if drawn < 0.1 else "Works in progress" if drawn < 0.85 else "Issued"
    earliest, most = _DAYS[first]
    begins = _LISTED + 24 * HOUR * (earliest + number(seed, "permit begins", count) % most) - 8 * HOUR
    east, north = east_north(place.lon, place.lat)
    cells = {
        **_works(chosen(_WORKS, seed, "permit for", count)), "Emergency works": False,
        "Start": begins, "End": begins + _FOR, "District": district_name(place.district),
        "Location": f"{place.street_en}, {place.area_en}", "地點": f"{place.area_zh}{place.street_zh}",
        "Release": "public", "Easting": east, "Northing": north,
    }  # fmt: skip
    yield _permit(key, _LISTED, first, cells)
    if first == "Works in progress":
        stopped = _GALE_FROM + 40 * MINUTE * share(seed, "permit stops", count)
        resumed = _GALE_TO + 15 * MINUTE + 75 * MINUTE * share(seed, "permit resumes", count)
        yield _permit(key, rounded_up(stopped, 5), "Suspended", cells)
        yield _permit(key, rounded_up(resumed, 5), first, cells)


def _urgent(incident: Incident) -> Iterator[Entry]:
    """Digging for a burst main goes on in any weather: from when people are there until it is repaired."""
    first = incident.versions[0][1]
    if first["category"] != "water_supply" or incident.geometry is None:
        return
    begun = next((at for at, values in incident.versions if values["status"] == "responding"), None)
    if begun is None:
        return
    middle = incident.geometry.centroid
    east, north = east_north(middle.x, middle.y)
    for at, values in incident.versions:
        if at < begun:
            continue
        cells = {
            **_works(_MAIN), "Emergency works": True, "Start": begun, "End": values["estimated_completion_at"],
            "District": district_name(first["district"]), "Location": first["location_en"],
            "地點": first["location_zh"], "Release": first["release"] if first["position_released"] else "departments",
            "Easting": east, "Northing": north,
        }  # fmt: skip
        word = {"completed": "Completed", "cancelled": "Cancelled"}.get(str(values["status"]), "Works in progress")
        yield _permit(f"XP-E-{incident.ref}", at, word, cells)


def _works(words: tuple[str, str, str, str]) -> dict[str, object]:
    return dict(zip(("Purpose", "用途", "Permittee", "持證人"), words, strict=True))


def _permit(key: str, at: datetime, status: str, cells: dict[str, object]) -> Entry:
    return Entry(key, at, {"Permit status": status, **cells})


def _told(world: World, since: datetime, until: datetime) -> Sequence[Entry]:
    return became_known(_history(world), since, until)


FORM = Form("hyd_excavation", "HyD", "csv", "Permit No.", "Updated", _told)
"""A line a permit that is new or has changed."""
