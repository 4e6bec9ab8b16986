"""The story's registers beside incidents: events, warnings, control centres, feeds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

from shapely.geometry import MultiPolygon, Point

from cop_ingest.areas import TERRITORY, ground_of
from cop_ingest.feeds import declared
from cop_ingest.scenario import calendar, feeds
from cop_ingest.scenario.calendar import Signal
from cop_ingest.scenario.chance import Numbers, named
from cop_ingest.scenario.sources import warning_labels
from cop_ingest.scenario.steps import Step

_NORTHERN = ("NTH", "YL")

_CENTRES = """
ArchSD|ArchSD|Architectural Services Department Emergency Control Centre|建築署緊急控制中心|114.170|22.276
BD|BD|Buildings Department Emergency Control Centre|屋宇署緊急控制中心|114.167|22.313
CEDD|CEDD|Geotechnical Engineering Office Emergency Control Centre|土力工程處緊急控制中心|114.178|22.318
DSD|DSD|Drainage Services Department Emergency Control Centre|渠務署緊急控制中心|114.140|22.334
HB-ICU|HB-ICU|Independent Checking Unit Emergency Control Centre|獨立審查組緊急控制中心|114.197|22.333
HD|HD|Housing Department Emergency Control Centre|房屋署緊急控制中心|114.180|22.319
HyD-CB|HyD|Highways Department Control Centre (CB)|路政署控制中心（CB）|114.180|22.320
HyD-NT|HyD|Highways Department Control Centre, New Territories|路政署新界區控制中心|114.115|22.371
HyD-TMCA|HyD|Highways Department Control Centre, Tsing Ma Control Area|路政署青馬管制區控制中心|114.101|22.352
HyD-URBAN|HyD|Highways Department Control Centre, Urban|路政署市區控制中心|114.181|22.321
LandsD|LandsD|Lands Department Emergency Control Centre|地政總署緊急控制中心|114.200|22.290
"""


def steps(seed: int) -> Iterator[Step]:
    """All of them, each register's in order."""
    yield from _events()
    yield from _warnings(named(seed, "warnings"))
    yield from _centres(named(seed, "centres"))
    yield from _feeds(named(seed, "feeds"))


def _labels(department: str, ref: str) -> dict[str, object]:
    return {"department": department, "source": "exercise", "source_ref": ref,
            "message_status": "exercise", "release": "public"}  # fmt: skip


def _events() -> Iterator[Step]:
    for event in calendar.EVENTS:
        values: dict[str, object] = {
            "id": event.id, "title_en": event.title_en, "title_zh": event.title_zh, "kind": event.kind,
            "starts_at": event.starts_at, "ends_at": None, **_labels("SB-EMSC", event.id),
        }  # fmt: skip
        yield Step(event.starts_at, "events", event.id, True, values, TERRITORY)
        yield Step(event.ends_at, "events", event.id, False, {"ends_at": event.ends_at})


def _warnings(draw: Random) -> Iterator[Step]:
    numbers = Numbers("W", draw)
    northern = ground_of(_NORTHERN)
    for signal in sorted([*calendar.SIGNALS, *_routine(draw)], key=lambda one: one.issued_at):
        id_ = numbers.next(signal.issued_at)
        name_en, name_zh = calendar.WARNING_NAMES[signal.code]
        local = signal.code == "WFNTSA"
        values: dict[str, object] = {
            "id": id_, "code": signal.code, "name_en": name_en, "name_zh": name_zh, "action": "issue",
            "issued_at": signal.issued_at, "area": list(_NORTHERN) if local else ["territory"], "event": signal.event,
            **_labels("HKO", id_), **warning_labels(signal),
        }  # fmt: skip
        yield Step(signal.issued_at, "warnings", id_, True, values, northern if local else MultiPolygon([TERRITORY]))
        ended: dict[str, object] = {"action": "cancel", "ended_at": signal.ended_at}
        yield Step(signal.ended_at, "warnings", id_, False, ended)


def _routine(draw: Random) -> Iterator[Signal]:
    """Ordinary warnings of the two years, none of them while a storm has its own."""
    last = calendar.hong_kong("2025-09-20 00:00")
    for day in calendar.days(calendar.PAST_STARTS, last):
        month = (day + timedelta(hours=8)).month
        for code, months, chance, hour, hours in calendar.ROUTINE:
            if month in months and draw.random() < chance:
                issued = day + timedelta(hours=hour, minutes=5 * draw.randrange(36))
                ended = issued + timedelta(minutes=5 * round(12 * hours * draw.uniform(0.5, 1.2)))
                if calendar.event_at(issued) is None and calendar.event_at(ended) is None:
                    yield Signal(code, None, issued, ended)


def _centres(draw: Random) -> Iterator[Step]:
    for line in _CENTRES.strip().splitlines():
        code, department, name_en, name_zh, lon, lat = line.split("|")
        id_ = f"{code}.exercise"
        values: dict[str, object] = {
            "id": id_, "name_en": name_en, "name_zh": name_zh, "active": False, "since": calendar.BEGINS,
            **_labels(department, code),
        }  # fmt: skip
        yield Step(calendar.BEGINS, "control-centres", id_, True, values, Point(float(lon), float(lat)))
        for opens, closes in _alerts():
            at = opens + timedelta(minutes=draw.randint(5, 50))
            yield Step(at, "control-centres", id_, False, {"active": True, "since": at})
            at = closes + timedelta(minutes=draw.randint(30, 180))
            yield Step(at, "control-centres", id_, False, {"active": False, "since": at})


def _alerts() -> list[tuple[datetime, datetime]]:
    """When centres are manned: from the first signal No. 8, or black rain, of an event to the last of it."""
    grave = [signal for signal in calendar.SIGNALS if signal in calendar.GALES or signal.code == "WRAINB"]
    by_event: dict[str, list[Signal]] = {}
    for signal in grave:
        by_event.setdefault(str(signal.event), []).append(signal)
    return sorted((min(one.issued_at for one in all_), max(one.ended_at for one in all_)) for all_ in by_event.values())


def _limits(feed: str) -> dict[str, object]:
    """The ages from which a feed is late and stale, as it is really declared."""
    known = declared.feeds().get(feed)
    return {"late_s": known.late_s, "stale_s": known.stale_s} if known else {}


def _feeds(draw: Random) -> Iterator[Step]:
    for feed in feeds.FEEDS:
        id_ = f"{feed.id}.exercise"
        first: dict[str, object] = {
            "id": id_, "title_en": feed.title_en, "title_zh": feed.title_zh, "cadence_s": feed.cadence_s,
            **_limits(feed.id), **_labels(feed.department, feed.id),
        }  # fmt: skip
        for at in feeds.ticks():
            state = feeds.state_of(feed, at, draw)
            if at == calendar.BEGINS:
                yield Step(at, "feeds", id_, True, {**first, **state}, Point(feeds.OFFICES[feed.department]))
            else:
                yield Step(at, "feeds", id_, False, state)
