"""Interruptions of the electricity supply: by the wind, the more the stronger it blows, and by deep floods.

What can be switched from afar is back within hours. Lines are mended when signal No. 10 is over, and when that will be
is told too early at first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial

from cop_ingest.places import PLACES, Place
from cop_ingest.scenario.calendar import DAY_EVENT, SIGNALS
from cop_ingest.simulator.chance import number, share
from cop_ingest.simulator.forms.base import (
    HOUR,
    MINUTE,
    YEAR_FIRST,
    Entry,
    Form,
    became_known,
    district_name,
    in_order,
    rounded_up,
)
from cop_ingest.simulator.world.world import ENDS, STARTS, World
from cop_ingest.simulator.writers.text import local

_ISLAND = frozenset({"CW", "WC", "EST", "STH"})
_ISLAND_AREAS = frozenset({"Yung Shue Wan"})  # Lamma is HK Electric's too
_CALM = next(one.ended_at for one in SIGNALS if one.event == DAY_EVENT and one.code == "TC10")
_LOOKED = 30 * MINUTE
_HOLDS_KMH, _WIDTH_KMH, _MOST = 45.0, 60.0, 0.05
"""The gust that lines bear, and how the chance of a place grows above it in half an hour."""
_FLOODED = 0.35  # of deep floods
_BY_WIND = (
    ("Fallen tree on an overhead line", "塌樹壓毀架空電纜"),
    ("Overhead line damaged by wind", "架空電纜被強風吹毀"),
    ("Wind-blown object on a line", "吹起的物件觸及電纜"),
)
_BY_FLOOD = ("Flooded switch room", "電掣房水浸")


@dataclass(frozen=True, slots=True)
class Outage:
    """An interruption: the company and its number, where, why, from when to when (UTC), and how many customers."""

    company: str
    ref: str
    place: Place
    cause: tuple[str, str]
    begins: datetime
    ends: datetime
    customers: int


@lru_cache(maxsize=2)
def outages(world: World) -> list[Outage]:
    """The day's interruptions in the order in which they begin; a place has one at a time."""
    over: dict[Place, datetime] = {}
    found: list[Outage] = []
    for begins, place, cause in sorted([*_blown(world), *_flooded(world)], key=lambda one: (one[0], one[1].area_en)):
        if begins < over.get(place, begins):
            continue
        outage = _outage(world, place, cause, begins)
        over[place] = outage.ends
        found.append(outage)
    return found


def _blown(world: World) -> Iterator[tuple[datetime, Place, tuple[str, str]]]:
    at = STARTS
    while at < ENDS:
        strong = max(0.0, world.winds.gust(at) - _HOLDS_KMH) / _WIDTH_KMH
        for place in PLACES:
            drawn = share(world.seed, "blown", at, place.area_en, place.street_en)
            if drawn < min(1.0, strong**2) * _MOST:
                cause = _BY_WIND[number(world.seed, "blown by", at, place.area_en) % len(_BY_WIND)]
                yield at + _LOOKED * share(world.seed, "blown at", at, place.street_en), place, cause
        at += _LOOKED


def _flooded(world: World) -> Iterator[tuple[datetime, Place, tuple[str, str]]]:
    for incident in world.told:
        first = incident.versions[0][1]
        deep = first["category"] == "flood" and first["severity"] in ("severe", "extreme")
        if deep and share(world.seed, "flooded", incident.ref) < _FLOODED:
            near = [place for place in PLACES if place.district == first["district"]]
            here = [place for place in near if place.street_en == first["road_name_en"]] or near
            at = incident.reported_at + 30 * MINUTE * share(world.seed, "flooded at", incident.ref)
            yield from ((at, place, _BY_FLOOD) for place in here[:1])


def _outage(world: World, place: Place, cause: tuple[str, str], begins: datetime) -> Outage:
    company = "HKE" if place.district in _ISLAND or place.area_en in _ISLAND_AREAS else "CLP"
    begins = rounded_up(begins, 1)
    draw = partial(share, world.seed, "outage", place.area_en, place.street_en, begins)
    if draw("switched") < 0.5:
        ends = begins + HOUR * (0.5 + 2.5 * draw("hours"))
    else:
        ends = max(begins + HOUR, _CALM) + HOUR * (1 + 5 * draw("hours"))
    ref = f"{company}-{local(begins):%d%H%M}-{number(world.seed, 'outage', place.area_en, place.street_en) % 1000:03d}"
    return Outage(company, ref, place, cause, begins, rounded_up(ends, 1), 40 + round(3200 * draw("customers") ** 3))


def _entries(outage: Outage) -> Iterator[Entry]:
    """Told after five minutes, partly back after three fifths of the time where many were without, then restored."""
    length = outage.ends - outage.begins
    partly = outage.begins + length * 0.6 if outage.customers > 300 else outage.ends
    expected = [rounded_up(outage.begins + length * 0.4, 30)]
    while expected[-1] < outage.ends:
        expected.append(rounded_up(expected[-1] + 90 * MINUTE, 30))
    # A time that will not be kept is told anew a quarter of an hour before.
    told = [outage.begins + 5 * MINUTE, *(before - 15 * MINUTE for before in expected[:-1]), partly]
    for at in sorted({rounded_up(at, 1) for at in told if at < outage.ends}):
        back = at >= partly
        ahead = next(time for time in expected if time - 15 * MINUTE > at or time is expected[-1])
        yield _entry(outage, at, "Partly restored" if back else "Interrupted",
                     outage.customers * 3 // 10 if back else outage.customers, ahead)  # fmt: skip
    yield _entry(outage, outage.ends, "Restored", 0, expected[-1])


def _entry(outage: Outage, at: datetime, supply: str, customers: int, ahead: datetime) -> Entry:
    place = outage.place
    return Entry(
        outage.ref, at,
        {
            "Affected area": f"{place.street_en}, {place.area_en}", "受影響地區": f"{place.area_zh}{place.street_zh}",
            "Supply": supply, "Customers affected": customers, "Cause": outage.cause[0], "原因": outage.cause[1],
            "Interrupted at": outage.begins, "Expected restoration": ahead,
            "Restored at": outage.ends if supply == "Restored" else None, "District": district_name(place.district),
            "Address": f"{place.street_en}, {place.area_en}", "地址": f"{place.area_zh}{place.street_zh}",
            "Release": None,
        },
    )  # fmt: skip


@lru_cache(maxsize=2)
def _history(world: World) -> dict[str, list[Entry]]:
    """The lines by company."""
    return {
        company: in_order(entry for one in outages(world) if one.company == company for entry in _entries(one))
        for company in ("CLP", "HKE")
    }


def _told(company: str, world: World, since: datetime, until: datetime) -> Sequence[Entry]:
    return became_known(_history(world)[company], since, until)


FORMS = tuple(
    Form(f"outages_{company.lower()}", company, "csv", "Interruption ID", "Last update", partial(_told, company),
         YEAR_FIRST)
    for company in ("CLP", "HKE")
)  # fmt: skip
"""A line an interruption that is new or has changed, of each company."""
