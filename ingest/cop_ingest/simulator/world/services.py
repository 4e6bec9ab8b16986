"""What other services tell on such a day: hospitals, control points, car parks, water, air, trails."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from cop_ingest.places import PLACES
from cop_ingest.scenario.calendar import DAY_STARTS, SIGNALS, hong_kong, is_gale
from cop_ingest.simulator.chance import chosen, number, share
from cop_ingest.simulator.world.told import Incident
from cop_ingest.times import HKT

PLANNED = 160
"""Planned water suspensions that are listed beside the story's own."""
_FERRIES_STOP, _FERRIES_GO = hong_kong("2025-09-23 15:30"), hong_kong("2025-09-24 20:50")


def gale(at: datetime) -> bool:
    """Whether a signal No. 8 or above is in force."""
    return is_gale(at)


def hurricane(at: datetime) -> bool:
    """Whether signal No. 9 or 10 is in force."""
    return any(one.code in ("TC9", "TC10") and one.issued_at <= at < one.ended_at for one in SIGNALS)


def ferries_sail(at: datetime) -> bool:
    """Whether ferries sail."""
    return not _FERRIES_STOP <= at < _FERRIES_GO


def load(at: datetime) -> float:
    """How busy a hospital's emergency department is, 1 on an ordinary noon: fewer come in the gale, more after it."""
    hour = at.astimezone(HKT).hour
    usual = 0.55 + 0.5 * (9 <= hour < 23) + 0.15 * (18 <= hour < 22)
    after = at >= hong_kong("2025-09-24 13:20")
    return usual * (0.45 if hurricane(at) else 0.65 if gale(at) and not after else 1.35 if after else 1.0)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Waiting at one hospital; times in minutes. `crowded`: several resuscitations keep the first two triages."""

    first: int
    second: int
    crowded: bool
    third: tuple[int, int]
    others: tuple[int, int]


def waiting(seed: int, hospital: str, at: datetime) -> Waiting:
    """What a hospital tells at a time."""
    busy = load(at) * (0.5 + 1.1 * share(seed, "hospital", hospital))
    drawn = share(seed, "waiting", hospital, at)
    third = max(5, round(24 * busy * (0.8 + 0.4 * drawn)))
    hours = max(0.5, round(2 * 3.2 * busy * (0.8 + 0.4 * drawn)) / 2)
    second = round(12 * busy * drawn)
    return Waiting(0, second, drawn > 0.96, (third, round(2.6 * third)), (round(60 * hours), round(60 * (hours + 2.5))))


def queue(seed: int, code: str, at: datetime, way: str) -> int:
    """The band of a control point: 0, 1, 2, 4 (maintenance) or 99 (closed)."""
    hour = at.astimezone(HKT).hour
    if hurricane(at) or (code in ("LWS", "MKT", "STK", "LSC") and (hour >= 22 or hour < 7)):
        return 99
    if gale(at):
        return 4 if code == "LSC" and share(seed, "queue", code) < 0.3 else 0
    drawn = share(seed, "queue", code, way, at)
    return 2 if drawn > 0.96 else 1 if drawn > 0.8 else 0


def vacancy(seed: int, park: str, at: datetime) -> int:
    """Free spaces of a car park; -1 has no data. In the gale cars stay where they stand."""
    size = 20 + number(seed, "park", park) % 280
    if share(seed, "park silent", park) < 0.04:
        return -1
    still = hong_kong("2025-09-24 01:40") if hurricane(at) else at
    drawn = share(seed, "vacancy", park, int(still.timestamp()) // 600)
    full = 0.75 if gale(at) else 0.55
    return max(0, round(size * (1 - full - 0.25 * drawn)))


def pollution(seed: int, station: str, at: datetime) -> float:
    """The air quality index (1 to 10, above is 10+) as a number: high before a typhoon, low in the rain."""
    hours = (at - DAY_STARTS) / timedelta(hours=1)
    heat = max(0.0, 6.5 - 0.35 * hours)
    return 1.6 + heat + 1.4 * share(seed, "aqhi", station, at)


@dataclass(frozen=True, slots=True)
class Suspension:
    """A water suspension: its number, water, whether it is an emergency, times (UTC), place and cause."""

    id: int
    salt: bool
    emergency: bool
    starts_at: datetime
    resumed_at: datetime | None
    district: str
    address: tuple[str, str]
    cause: tuple[str, str]


_MAIN_BURST = ("Water Main Burst", "水管爆裂")
_REPAIR = ("Emergency Repair", "緊急維修")
_PLANNED = (("Water Main Connection", "接駁水管"), ("Maintenance Work", "維修工程"))


def suspensions(seed: int, told: list[Incident], at: datetime) -> list[Suspension]:
    """What is listed at a time: the water department's incidents of the story, then planned works."""
    return [*_emergencies(told, at), *(_planned(seed, count) for count in range(PLANNED))]


def _emergencies(told: list[Incident], at: datetime) -> list[Suspension]:
    found = []
    for count, incident in enumerate(incident for incident in told if incident.department == "WSD"):
        values = incident.at(at)
        if values is None or values["status"] == "cancelled":
            continue
        resumed = values["completed_at"] if isinstance(values["completed_at"], datetime) else None
        burst = "main" in str(values["title_en"])
        found.append(
            Suspension(
                100_001 + count, False, True, incident.reported_at, resumed, str(values["district"]),
                (str(values["location_en"]).upper(), str(values["location_zh"])), _MAIN_BURST if burst else _REPAIR,
            )
        )  # fmt: skip
    return found


def _planned(seed: int, count: int) -> Suspension:
    place = chosen(list(PLACES), seed, "planned water", count)
    hours = 12 + number(seed, "planned water at", count) % (24 * 7)
    starts = (DAY_STARTS + timedelta(hours=hours)).replace(minute=0)
    salt = share(seed, "planned water kind", count) < 0.3
    address = (f"{place.street_en}, {place.area_en}".upper(), f"{place.area_zh}{place.street_zh}")
    return Suspension(90_001 + count, salt, False, starts, None, place.district, address, _PLANNED[count % 2])


_CLOSED_FROM = hong_kong("2025-09-23 12:00")


def trail_closed(at: datetime) -> bool:
    """Whether country trails are closed: from the afternoon of the first signal No. 8 on."""
    return at >= _CLOSED_FROM


CLOSED_FROM = _CLOSED_FROM
