"""When the story's storms were: named events, the warnings of each, and the curve of the typhoon day.

The storms of 2023 to 2025 are true ones, and the warnings' times are near those that were issued; incidents, and all
of the exercise's own typhoon day beyond its signals, are made up. Times below are Hong Kong time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from cop_ingest.times import HKT

Weather = Literal["ordinary", "rainstorm", "cyclone"]


def hong_kong(text: str) -> datetime:
    """`2025-09-24 03:00` in Hong Kong, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=HKT).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Event:
    """A named event: titles, start and end, how many of 10,000 past incidents it had, and when most came in."""

    id: str
    title_en: str
    title_zh: str
    kind: Literal["rainstorm", "cyclone"]
    starts_at: datetime
    ends_at: datetime
    incidents: int
    peak: datetime
    spread_hours: float


@dataclass(frozen=True, slots=True)
class Signal:
    """A warning that was in force: its code, the event it belonged to, from when to when."""

    code: str
    event: str | None
    issued_at: datetime
    ended_at: datetime


BEGINS = hong_kong("2023-08-30 12:00")
"""The story's first moment."""
PAST_STARTS = hong_kong("2023-09-01 00:00")
PAST_ENDS = hong_kong("2025-09-23 00:00")
"""Past incidents are reported between these two times."""
DAY_STARTS = hong_kong("2025-09-23 06:00")
OPENS = hong_kong("2025-09-24 03:00")
"""What an installation knows when it opens: all that was told up to this time."""
DAY_ENDS = hong_kong("2025-09-24 22:00")
"""Reports of the typhoon day come from DAY_STARTS on; the story has nothing later than DAY_ENDS."""
DAY_EVENT = "2025-ragasa-exercise"

# Reports an hour from DAY_STARTS on: rising with the signals, most in the hours before No. 10, then ebbing away.
# Of 116 parts 75 come before OPENS, which is about 1,300 of 2,000.
HOURLY = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.5, 2.0, 2.4, 2.8, 3.2, 3.6, 4.1, 4.7, 5.4, 6.2, 7.2, 8.3, 9.0, 9.2,
          7.6, 5.8, 4.6, 3.8, 3.2, 2.7, 2.3, 2.0, 1.7, 1.4, 1.2, 1.0, 0.9, 0.8, 0.6, 0.5, 0.4, 0.3, 0.2)  # fmt: skip

_EVENTS = """
2023-saola-exercise|Super Typhoon Saola|超強颱風蘇拉|cyclone|2023-08-31 17:00|2023-09-02 21:40|760|2023-09-02 00:30|9
2023-black-rain-exercise|Black rainstorm of September 2023|2023年9月黑色暴雨|rainstorm|2023-09-07 21:00|2023-09-09 12:00|900|2023-09-08 02:30|7
2023-koinu-exercise|Typhoon Koinu|颱風小犬|cyclone|2023-10-06 12:00|2023-10-09 16:00|380|2023-10-08 22:30|9
2024-may-rain-exercise|Rainstorm of May 2024|2024年5月暴雨|rainstorm|2024-05-04 06:00|2024-05-04 20:00|150|2024-05-04 10:30|3
2024-yagi-exercise|Super Typhoon Yagi|超強颱風摩羯|cyclone|2024-09-04 21:00|2024-09-06 18:00|260|2024-09-05 23:30|7
2024-toraji-exercise|Tropical Storm Toraji|熱帶風暴桃芝|cyclone|2024-11-12 20:00|2024-11-14 16:00|110|2024-11-14 03:00|6
2025-wipha-exercise|Typhoon Wipha|颱風韋帕|cyclone|2025-07-18 22:00|2025-07-21 09:00|560|2025-07-20 11:00|6
2025-august-rain-exercise|Black rainstorms of August 2025|2025年8月黑色暴雨|rainstorm|2025-08-02 03:00|2025-08-05 22:00|520|2025-08-05 09:30|6
2025-tapah-exercise|Severe Tropical Storm Tapah|強烈熱帶風暴塔巴|cyclone|2025-09-06 21:40|2025-09-08 21:00|210|2025-09-08 06:30|6
2025-ragasa-exercise|Super Typhoon Ragasa|超強颱風樺加沙|cyclone|2025-09-22 12:20|2025-09-25 12:00|0|2025-09-24 03:00|8
"""  # noqa: E501 - one event a line reads best

_SIGNALS = """
TC1|2023-saola-exercise|2023-08-30 16:40|2023-08-31 17:05
TC3|2023-saola-exercise|2023-08-31 17:05|2023-09-01 02:40
TC8NW|2023-saola-exercise|2023-09-01 02:40|2023-09-01 18:15
TC9|2023-saola-exercise|2023-09-01 18:15|2023-09-01 20:15
TC10|2023-saola-exercise|2023-09-01 20:15|2023-09-02 03:40
TC8SE|2023-saola-exercise|2023-09-02 03:40|2023-09-02 16:20
TC3|2023-saola-exercise|2023-09-02 16:20|2023-09-02 19:40
TC1|2023-saola-exercise|2023-09-02 19:40|2023-09-02 21:40
WRAINA|2023-black-rain-exercise|2023-09-07 21:25|2023-09-07 22:25
WRAINR|2023-black-rain-exercise|2023-09-07 22:25|2023-09-07 23:05
WRAINB|2023-black-rain-exercise|2023-09-07 23:05|2023-09-08 15:40
WL|2023-black-rain-exercise|2023-09-07 22:45|2023-09-09 06:30
WFNTSA|2023-black-rain-exercise|2023-09-07 23:30|2023-09-08 14:00
WRAINA|2023-black-rain-exercise|2023-09-08 15:40|2023-09-08 18:15
TC3|2023-koinu-exercise|2023-10-06 16:40|2023-10-08 12:40
TC8NE|2023-koinu-exercise|2023-10-08 12:40|2023-10-08 19:00
TC9|2023-koinu-exercise|2023-10-08 19:00|2023-10-08 23:30
TC8SE|2023-koinu-exercise|2023-10-08 23:30|2023-10-09 11:40
WRAINR|2023-koinu-exercise|2023-10-08 19:30|2023-10-09 00:10
WL|2023-koinu-exercise|2023-10-08 20:10|2023-10-09 13:30
TC3|2023-koinu-exercise|2023-10-09 11:40|2023-10-09 15:40
WRAINA|2024-may-rain-exercise|2024-05-04 07:40|2024-05-04 08:45
WRAINR|2024-may-rain-exercise|2024-05-04 08:45|2024-05-04 12:30
WL|2024-may-rain-exercise|2024-05-04 09:30|2024-05-04 18:00
TC3|2024-yagi-exercise|2024-09-05 06:20|2024-09-05 18:20
TC8NE|2024-yagi-exercise|2024-09-05 18:20|2024-09-06 12:40
WRAINA|2024-yagi-exercise|2024-09-05 22:45|2024-09-06 03:15
TC3|2024-yagi-exercise|2024-09-06 12:40|2024-09-06 17:10
TC1|2024-toraji-exercise|2024-11-12 21:40|2024-11-13 15:10
TC3|2024-toraji-exercise|2024-11-13 15:10|2024-11-13 23:10
TC8NE|2024-toraji-exercise|2024-11-13 23:10|2024-11-14 10:40
TC3|2024-toraji-exercise|2024-11-14 10:40|2024-11-14 15:20
TC1|2025-wipha-exercise|2025-07-18 22:20|2025-07-19 15:40
TC3|2025-wipha-exercise|2025-07-19 15:40|2025-07-20 00:20
TC8NE|2025-wipha-exercise|2025-07-20 00:20|2025-07-20 07:10
TC9|2025-wipha-exercise|2025-07-20 07:10|2025-07-20 09:20
TC10|2025-wipha-exercise|2025-07-20 09:20|2025-07-20 16:10
TC8SE|2025-wipha-exercise|2025-07-20 16:10|2025-07-20 19:40
WRAINR|2025-wipha-exercise|2025-07-20 08:30|2025-07-20 11:45
WL|2025-wipha-exercise|2025-07-20 10:00|2025-07-21 06:00
TC3|2025-wipha-exercise|2025-07-20 19:40|2025-07-21 08:40
WRAINB|2025-august-rain-exercise|2025-08-02 04:20|2025-08-02 08:10
WRAINR|2025-august-rain-exercise|2025-08-04 06:30|2025-08-04 10:05
WRAINA|2025-august-rain-exercise|2025-08-05 04:50|2025-08-05 05:25
WRAINR|2025-august-rain-exercise|2025-08-05 05:25|2025-08-05 05:50
WRAINB|2025-august-rain-exercise|2025-08-05 05:50|2025-08-05 16:45
WL|2025-august-rain-exercise|2025-08-05 06:20|2025-08-05 21:30
WFNTSA|2025-august-rain-exercise|2025-08-05 08:10|2025-08-05 15:20
TC1|2025-tapah-exercise|2025-09-06 21:40|2025-09-07 13:10
TC3|2025-tapah-exercise|2025-09-07 13:10|2025-09-07 21:20
TC8SE|2025-tapah-exercise|2025-09-07 21:20|2025-09-08 13:10
WRAINA|2025-tapah-exercise|2025-09-08 03:20|2025-09-08 09:15
TC3|2025-tapah-exercise|2025-09-08 13:10|2025-09-08 20:40
TC1|2025-ragasa-exercise|2025-09-22 12:20|2025-09-22 21:40
TC3|2025-ragasa-exercise|2025-09-22 21:40|2025-09-23 14:20
TC8NW|2025-ragasa-exercise|2025-09-23 14:20|2025-09-24 01:40
TC9|2025-ragasa-exercise|2025-09-24 01:40|2025-09-24 02:40
TC10|2025-ragasa-exercise|2025-09-24 02:40|2025-09-24 13:20
TC8SE|2025-ragasa-exercise|2025-09-24 13:20|2025-09-24 20:20
TC3|2025-ragasa-exercise|2025-09-24 20:20|2025-09-25 08:20
WRAINA|2025-ragasa-exercise|2025-09-23 23:10|2025-09-24 01:25
WRAINR|2025-ragasa-exercise|2025-09-24 01:25|2025-09-24 06:15
WRAINA|2025-ragasa-exercise|2025-09-24 06:15|2025-09-24 09:40
WL|2025-ragasa-exercise|2025-09-24 01:50|2025-09-24 19:30
WFNTSA|2025-ragasa-exercise|2025-09-24 02:15|2025-09-24 08:00
SURGE|2025-ragasa-exercise|2025-09-23 18:30|2025-09-24 21:00
"""

NOT_IN_THE_SUMMARY = frozenset({"SURGE"})
"""Announcements that come as special tips; all others stand in the Observatory's summary of warnings."""

WARNING_NAMES: dict[str, tuple[str, str]] = {
    "TC1": ("Standby Signal No. 1", "一號戒備信號"),
    "TC3": ("Strong Wind Signal No. 3", "三號強風信號"),
    "TC8NE": ("No. 8 Northeast Gale or Storm Signal", "八號東北烈風或暴風信號"),
    "TC8NW": ("No. 8 Northwest Gale or Storm Signal", "八號西北烈風或暴風信號"),
    "TC8SE": ("No. 8 Southeast Gale or Storm Signal", "八號東南烈風或暴風信號"),
    "TC8SW": ("No. 8 Southwest Gale or Storm Signal", "八號西南烈風或暴風信號"),
    "TC9": ("Increasing Gale or Storm Signal No. 9", "九號烈風或暴風風力增強信號"),
    "TC10": ("Hurricane Signal No. 10", "十號颶風信號"),
    "WRAINA": ("Amber Rainstorm Warning Signal", "黃色暴雨警告信號"),
    "WRAINR": ("Red Rainstorm Warning Signal", "紅色暴雨警告信號"),
    "WRAINB": ("Black Rainstorm Warning Signal", "黑色暴雨警告信號"),
    "WL": ("Landslip Warning", "山泥傾瀉警告"),
    "WFNTSA": ("Announcement on Flooding in the Northern New Territories", "新界北部水浸特別報告"),
    "SURGE": ("Announcement of a storm surge", "風暴潮公布"),
    "WMSGNL": ("Strong Monsoon Signal", "強烈季候風信號"),
    "WTS": ("Thunderstorm Warning", "雷暴警告"),
    "WHOT": ("Very Hot Weather Warning", "酷熱天氣警告"),
    "WCOLD": ("Cold Weather Warning", "寒冷天氣警告"),
    "WFIREY": ("Yellow Fire Danger Warning", "黃色火災危險警告"),
    "WFIRER": ("Red Fire Danger Warning", "紅色火災危險警告"),
}
"""Names of warnings and signals as the Hong Kong Observatory has them, by code."""

# Ordinary warnings of two years: code, months, chance a day, hour of issue, hours in force.
ROUTINE: tuple[tuple[str, tuple[int, ...], float, int, float], ...] = (
    ("WTS", (4, 5, 6, 7, 8, 9), 0.16, 14, 4.0),
    ("WHOT", (6, 7, 8, 9), 0.30, 6, 12.0),
    ("WCOLD", (12, 1, 2), 0.12, 16, 40.0),
    ("WFIREY", (10, 11, 12, 1), 0.12, 6, 12.0),
    ("WFIRER", (11, 12, 1), 0.05, 6, 14.0),
    ("WMSGNL", (10, 11, 12, 1, 2, 3), 0.06, 8, 18.0),
    ("WRAINA", (4, 5, 6, 7, 8, 9), 0.03, 9, 2.5),
)


def _event(line: str) -> Event:
    id_, title_en, title_zh, kind, starts, ends, count, peak, spread = line.split("|")
    assert kind in ("rainstorm", "cyclone")
    return Event(
        id_, f"{title_en} (exercise)", f"{title_zh}（演習）", "rainstorm" if kind == "rainstorm" else "cyclone",
        hong_kong(starts), hong_kong(ends), int(count), hong_kong(peak), float(spread),
    )  # fmt: skip


def _signal(line: str) -> Signal:
    code, event, issued, ended = line.split("|")
    return Signal(code, event, hong_kong(issued), hong_kong(ended))


EVENTS: tuple[Event, ...] = tuple(_event(line) for line in _EVENTS.strip().splitlines())
SIGNALS: tuple[Signal, ...] = tuple(_signal(line) for line in _SIGNALS.strip().splitlines())
GALES = tuple(signal for signal in SIGNALS if signal.code.startswith(("TC8", "TC9", "TC10")))
"""When a signal No. 8 or above was in force."""


def event_at(moment: datetime) -> Event | None:
    """The named event that a time lies in, if any."""
    return next((event for event in EVENTS if event.starts_at <= moment < event.ends_at), None)


def is_gale(moment: datetime) -> bool:
    """Whether a signal No. 8 or above was in force."""
    return any(signal.issued_at <= moment < signal.ended_at for signal in GALES)


def days(first: datetime, last: datetime) -> list[datetime]:
    """Midnights in Hong Kong, in UTC, from the first day to the one before `last`."""
    start = first.astimezone(HKT).replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
    return [start + timedelta(days=day) for day in range((last - start).days)]
