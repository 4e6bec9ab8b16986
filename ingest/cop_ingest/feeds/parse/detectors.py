"""TD's detectors: speed, volume and occupancy of every half minute, lane by lane (rawSpeedVol). SOURCES 3.13."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from xml.etree.ElementTree import Element

from cop_ingest.feeds.parse.common import collect, line_of, newest, number_of, wanted_text, whole_of, xml_part
from cop_ingest.feeds.payload import NotThisFeed, Payload, Reading
from cop_ingest.records import Record, id_from_value
from cop_ingest.times import HKT, read_date
from cop_ingest.xmlsafe import local_name

_FASTEST_KMH = 160.0
_MIDNIGHT = time(0, 0)
_HALF_DAY = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class _Lane:
    name: str | None
    speed_kmh: float | None
    occupancy_pct: float | None
    volume: int | None
    valid: bool


@dataclass(frozen=True, slots=True)
class _Period:
    starts_at: datetime
    ends_at: datetime


def parse(payload: Payload) -> Reading:
    """One record a detector and period from the part `all`; Record.id is the detector's number.

    The speed is the mean of the lanes by their volume. Without a vehicle the published speed is only the limit, and
    none is given; `quality` says why. Options: `max_speed_kmh`, above which no speed is believed. Raises NotThisFeed.
    """
    root = xml_part(payload, "all", "raw_speed_volume_list")
    fastest = float(payload.options.get("max_speed_kmh", _FASTEST_KMH))
    detectors = list(_detectors(root, payload.received_at))
    if not detectors:
        raise NotThisFeed("all: holds no detector; wanted periods with detectors")
    parsed = collect(enumerate(detectors, 1), partial(_record, fastest=fastest), "observed_at")
    return Reading(parsed, newest(parsed, "observed_at"), None)


def _detectors(root: Element, received_at: datetime) -> Iterator[tuple[_Period | ValueError, Element]]:
    stamped = next((child.text or "" for child in root if local_name(child) == "date"), "")
    try:
        day = read_date(stamped)
    except ValueError as exc:
        raise NotThisFeed(f"all: date: {exc}") from exc
    before: _Period | None = None
    for period in _within(root, "periods", "period"):
        told: _Period | ValueError
        try:
            told = before = _period(_leaves(period), day, before, received_at)
        except ValueError as exc:
            told = exc
        for detector in _within(period, "detectors", "detector"):
            yield told, detector


def _within(element: Element, holder: str, name: str) -> Iterator[Element]:
    """The children called `name` of an element's child called `holder`."""
    for held in element:
        if local_name(held) == holder:
            yield from (child for child in held if local_name(child) == name)


def _leaves(element: Element) -> dict[str, str]:
    """The texts of the children that have none of their own, by local name."""
    return {local_name(child): (child.text or "").strip() for child in element if not len(child)}


def _period(fields: dict[str, str], day: date, before: _Period | None, received_at: datetime) -> _Period:
    """A period's times in UTC. The date is that of the file's begin: at midnight it is the day before.

    A period after midnight is known by an earlier one of the same file that is later in the day; alone in its file,
    by being just about a day older than its receipt.
    """
    starts, ends = (_clock(fields.get(f"period_{end}"), f"period_{end}") for end in ("from", "to"))
    starts_at = datetime.combine(day, starts, HKT).astimezone(UTC)
    ends_at = datetime.combine(day, ends, HKT).astimezone(UTC)
    if ends <= starts:
        ends_at += timedelta(days=1)
    after_midnight = starts.hour == 0 and starts.minute == 0
    alone = timedelta(hours=23) < received_at - ends_at < timedelta(hours=24, minutes=30)
    if before is not None and before.starts_at - starts_at > _HALF_DAY:
        return _Period(starts_at + timedelta(days=1), ends_at + timedelta(days=1))
    if before is None and after_midnight and alone:
        return _Period(starts_at + timedelta(days=1), ends_at + timedelta(days=1))
    return _Period(starts_at, ends_at)


def _clock(value: str | None, what: str) -> time:
    text = line_of(value) or ""
    if text in ("24:00", "24:00:00"):
        return _MIDNIGHT
    try:
        return time.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        raise ValueError(f"{what}: found {text[:60]!r}, wanted HH:MM:SS") from None


def _record(told: tuple[_Period | ValueError, Element], fastest: float) -> Record:
    period, detector = told
    fields = _leaves(detector)
    number = wanted_text(fields.get("detector_id"), "detector_id")
    if isinstance(period, ValueError):
        raise ValueError(f"detector {number[:40]}: {period}")
    if not id_from_value(number):
        raise ValueError(f"detector_id: found {number!r}, wanted letters and digits")
    lanes = [_lane(_leaves(lane)) for lane in _within(detector, "lanes", "lane")]
    valid = [lane for lane in lanes if lane.valid]
    speed, quality, remarks = _speed(valid, fastest)
    occupancies = [lane.occupancy_pct for lane in valid if lane.occupancy_pct is not None]
    volumes = [lane.volume for lane in valid if lane.volume is not None]
    properties: dict[str, object] = {
        "detector_id": number,
        "direction": line_of(fields.get("direction")),
        "from_at": period.starts_at,
        "observed_at": period.ends_at,
        "speed_kmh": speed,
        "volume": sum(volumes) if volumes else None,
        "occupancy_pct": round(sum(occupancies) / len(occupancies), 1) if occupancies else None,
        "quality": quality,
        "lanes": len(lanes),
        "lanes_valid": len(valid),
        "lane_values": [_in_words(lane) for lane in lanes],
    }
    return Record(id_from_value(number), properties, None, remarks)


def _lane(fields: dict[str, str]) -> _Lane:
    return _Lane(
        name=line_of(fields.get("lane_id")),
        speed_kmh=number_of(fields.get("speed"), "speed", 0, 1000, ("-1",)),
        occupancy_pct=number_of(fields.get("occupancy"), "occupancy", 0, 100, ("-1",)),
        volume=whole_of(fields.get("volume"), "volume", 0, 1000, ("-1",)),
        valid=(fields.get("valid") or "").upper() == "Y",
    )


def _speed(lanes: Sequence[_Lane], fastest: float) -> tuple[float | None, str, tuple[str, ...]]:
    """The speed of a detector, its quality, and remarks: with no vehicle the published speed is the limit's."""
    if not lanes:
        return None, "no_valid_lane", ()
    driven = [(lane.speed_kmh, lane.volume) for lane in lanes if lane.volume and lane.speed_kmh is not None]
    if not driven:
        return None, "no_vehicle", ()
    believed = [(speed, volume) for speed, volume in driven if speed <= fastest]
    if not believed:
        return (
            None,
            "implausible",
            (f"speed {max(speed for speed, _ in driven):g} km/h is over {fastest:g}: not taken",),
        )
    mean = sum(speed * volume for speed, volume in believed) / sum(volume for _, volume in believed)
    remarks = () if len(believed) == len(driven) else (f"a lane's speed over {fastest:g} km/h was not taken",)
    return round(mean, 1), "measured", remarks


def _in_words(lane: _Lane) -> str:
    if not lane.valid:
        return f"{lane.name or '?'}: not valid"
    volume = "?" if lane.volume is None else lane.volume
    speed = "" if not lane.volume or lane.speed_kmh is None else f", {lane.speed_kmh:g} km/h"
    return f"{lane.name or '?'}: {volume} vehicles{speed}"
