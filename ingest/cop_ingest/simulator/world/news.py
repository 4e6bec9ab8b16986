"""Traffic news from the story: which incidents it tells, in which words, in which version at a time."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from shapely.geometry import Point

from cop.catalogue import catalogue
from cop_ingest.places import PLACES, Place
from cop_ingest.scenario.sources import news_number
from cop_ingest.simulator.chance import chosen, share
from cop_ingest.simulator.world.told import TRAFFIC, Incident

CLOSED_SHOWN = timedelta(minutes=45)
"""How long a closed message stays in the list."""
_STATUS = {
    "reported": "NEW", "confirmed": "NEW", "responding": "UPDATED", "controlled": "UPDATED",
    "completed": "CLOSED", "cancelled": "GONE",
}  # fmt: skip
_FIRST_ID = 131_000
_FIRST_ECHO = 50_000  # of the news' numbers: far above those of its own incidents


@dataclass(frozen=True, slots=True)
class Message:
    """One version of a piece of news: its incident's number (IN-25-07201), its own id, and what it says.

    `status` is NEW, UPDATED or CLOSED; `position` is lon, lat or None; `lanes` None is not said.
    """

    number: str
    id: int
    at: datetime
    status: str
    heading: tuple[str, str]
    detail: tuple[str, str]
    road: tuple[str, str]
    direction: tuple[str, str]
    near: tuple[str, str]
    district: str | None
    position: tuple[float, float] | None
    closed: bool
    lanes: int | None


@dataclass(frozen=True)
class News:
    """All traffic news of the day. `echoes`: also of roads that other departments' incidents close."""

    seed: int
    told: list[Incident]
    echoes: bool = False

    def at(self, moment: datetime) -> list[Message]:
        """The messages in the list at a time, the newest first."""
        current: dict[str, Message] = {}
        for at, number, message in self.changes[: bisect_right(self.moments, moment)]:
            if message is None:
                current.pop(number, None)
            else:
                current[number] = message
            assert at <= moment
        return sorted(current.values(), key=lambda message: (message.at, message.id), reverse=True)

    @cached_property
    def moments(self) -> list[datetime]:
        """When the list changes, in order; a time comes as often as there are changes."""
        return [at for at, _, _ in self.changes]

    @cached_property
    def numbers(self) -> dict[str, Incident]:
        """The incidents that are told, by the news' numbers."""
        found: dict[str, Incident] = {}
        own = echoes = 0
        for incident in filter(self._is_told, self.told):
            if incident.department == TRAFFIC:
                found[news_number(own)] = incident
                own += 1
            else:
                found[news_number(_FIRST_ECHO + echoes)] = incident
                echoes += 1
        return found

    def _is_told(self, incident: Incident) -> bool:
        first = incident.versions[0][1]
        return incident.department == TRAFFIC or (self.echoes and bool(first["road_closed"] or first["lanes_closed"]))

    @cached_property
    def changes(self) -> list[tuple[datetime, str, Message | None]]:
        """When what becomes of which number; None: it leaves the list."""
        told: list[tuple[datetime, str, str | None]] = []
        for number, incident in self.numbers.items():
            told += self._lives(number, incident)
        told.sort(key=lambda change: (change[0], change[1]))
        found: list[tuple[datetime, str, Message | None]] = []
        for count, (at, number, status) in enumerate(told):
            message = None if status is None else self._message(number, _FIRST_ID + 3 * count, at, status)
            found.append((at, number, message))
        return found

    def _lives(self, number: str, incident: Incident) -> list[tuple[datetime, str, str | None]]:
        found: list[tuple[datetime, str, str | None]] = []
        said = ""
        for place, (at, values) in enumerate(incident.versions):
            status = _STATUS[str(values["status"])]
            if status == said:
                continue
            said = status
            found.append((at, number, None if status == "GONE" else status))
            later = incident.versions[place + 1 :]
            if status == "CLOSED" and not (later and later[0][0] < at + CLOSED_SHOWN):
                found.append((at + CLOSED_SHOWN, number, None))
        return found

    def _message(self, number: str, id_: int, at: datetime, status: str) -> Message:
        incident = self.numbers[number]
        values = incident.at(at) or incident.versions[0][1]
        accident = "accident" in str(values["title_en"])
        street = str(values["road_name_en"] or str(values["location_en"]).split(",", maxsplit=1)[0])
        place = _place(street, values)
        other = chosen([one for one in PLACES if one.area_en != place.area_en], self.seed, "bound", number)
        drawn = share(self.seed, "news", number)
        spot = incident.geometry
        surveyed = values["position_method"] in ("reported", "surveyed") and drawn < 0.5
        position = (round(spot.x, 6), round(spot.y, 6)) if surveyed and isinstance(spot, Point) else None
        return Message(
            number=number,
            id=id_,
            at=at,
            status=status,
            heading=("Road Incident", "道路事故"),
            detail=("Traffic Accident", "交通意外") if accident else ("Road Closure", "道路封閉"),
            road=(street, str(values["road_name_zh"] or place.street_zh)),
            direction=(other.area_en, other.area_zh),
            near=(place.area_en, place.area_zh),
            district=str(values["district"]) if drawn < 0.8 else None,
            position=position,
            closed=bool(values["road_closed"]),
            lanes=_whole(values["lanes_closed"]),
        )


def district_names(code: str | None) -> tuple[str, str]:
    """A district as the Transport Department writes it: `Southern` and 南; Kowloon's and other names without 區."""
    if code is None:
        return "", ""
    title = catalogue().codes["districts"][code]
    return title.en.replace(" and ", " & "), title.zh.removesuffix("區")


def _place(street: str, values: dict[str, object]) -> Place:
    same = [place for place in PLACES if place.street_en == street and place.district == values["district"]]
    return (same or [place for place in PLACES if place.district == values["district"]] or list(PLACES))[0]


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and value > 0 else None
