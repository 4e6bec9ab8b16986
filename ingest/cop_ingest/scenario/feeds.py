"""The real-time sources as the exercise has them: their names, how often they come, and who was in trouble when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from cop_ingest.scenario.calendar import BEGINS, DAY_ENDS, DAY_STARTS, hong_kong


@dataclass(frozen=True, slots=True)
class Feed:
    """A source: id, titles, department, seconds between its data, and records in one answer (0: none at most times)."""

    id: str
    title_en: str
    title_zh: str
    department: str
    cadence_s: int
    records: int


_TABLE = """
hko_warnsum|Weather warning summary|天氣警告一覽|HKO|60|5
hko_warninginfo|Warning information and special tips|詳細天氣警告及特別天氣提示|HKO|60|6
hko_rhrread|Current weather report|本港地區天氣報告|HKO|3600|46
hko_hourly_rainfall|Rainfall in the past hour|過去一小時雨量|HKO|900|36
hko_wind_10min|10-minute wind and gust|十分鐘平均風向風速及最高陣風|HKO|600|30
hko_temperature|1-minute temperature|一分鐘平均氣溫|HKO|600|38
hko_nowcast|Gridded rainfall nowcast|格網降雨臨近預報|HKO|720|58564
hko_cyclones|Tropical cyclone list and track|熱帶氣旋路徑|HKO|10800|24
hko_lightning|Lightning count, visibility, tide|閃電、能見度、潮汐|HKO|600|41
hko_earthquake|Quick earthquake messages|地震速報|HKO|300|0
td_news_v2|Special Traffic News v2|特別交通消息（第二代）|TD|60|62
td_news_v1|Special Traffic News v1|特別交通消息|TD|60|58
td_detectors|Detector speed, volume, occupancy|行車速度、流量、佔用率（原始）|TD|60|770
td_segment_speeds|Road segment speed|路段行車速度|TD|120|2140
td_journey_times|Journey time indicators|行車時間|TD|120|61
td_cameras|Traffic snapshots|交通快拍|TD|120|1013
td_car_parks|Car park vacancy|停車場空位|TD|60|540
td_roadworks|Roadworks on strategic roads|道路工程位置|TD|86400|77
ha_waiting|A&E waiting time|急症室輪候時間|HA|900|18
epd_aqhi|AQHI by station|空氣質素健康指數|EPD|3600|18
immd_queues|Control point waiting time|管制站輪候時間|ImmD|900|8
wsd_suspensions|Water suspension|臨時停水通知|WSD|300|190
afcd_trails|Closed trails and facilities|封閉山徑及設施|AFCD|3600|24
mtr_next_train|Next train; bus and minibus ETA|下一班列車及到站時間|MTR|60|5200
md_vessels|Ferry and vessel arrivals|渡輪及船隻抵離|MD|300|0
hko_lampposts|Smart lamppost weather|智慧燈柱氣象|HKO|600|71
isd_press_en|Government press releases|新聞公報|ISD|300|20
"""

# Approximate positions of the departments' offices, longitude and latitude (WGS 84).
OFFICES: dict[str, tuple[float, float]] = {
    "HKO": (114.174, 22.302), "TD": (114.167, 22.313), "HA": (114.181, 22.323), "EPD": (114.173, 22.280),
    "ImmD": (114.262, 22.306), "WSD": (114.174, 22.280), "AFCD": (114.159, 22.335), "MTR": (114.213, 22.323),
    "MD": (114.152, 22.287), "ISD": (114.200, 22.290),
}  # fmt: skip

# Trouble on the typhoon day: feed, from, to, state, how old its data were at most in seconds, cause.
_TROUBLE = """
td_detectors|2025-09-24 01:00|2025-09-24 09:00|stale|5400|Several roadside stations have lost their power.
td_cameras|2025-09-24 00:00|2025-09-24 12:00|late|540|Pictures of some cameras come late.
td_news_v1|2025-09-23 06:00|2025-09-24 23:00|quiet|0|Used only while version 2 is away.
td_car_parks|2025-09-24 02:00|2025-09-24 06:00|late|420|The source answers slowly.
hko_lampposts|2025-09-23 22:00|2025-09-24 15:00|down|18000|The source answers 503.
hko_wind_10min|2025-09-24 02:00|2025-09-24 05:00|late|1620|One file of two is late.
mtr_next_train|2025-09-24 01:00|2025-09-24 06:00|quiet|0|No service.
md_vessels|2025-09-23 18:00|2025-09-24 18:00|stale|32400|The list has not changed since services stopped.
ha_waiting|2025-09-24 03:00|2025-09-24 04:00|late|2100|The last file is older than it should be.
hko_earthquake|2023-08-30 12:00|2025-09-25 00:00|quiet|0|
immd_queues|2025-09-24 02:00|2025-09-24 08:00|quiet|0|Control points are closed.
epd_aqhi|2025-09-24 00:00|2025-09-24 05:00|late|6900|The hour's file came late.
"""


@dataclass(frozen=True, slots=True)
class _Trouble:
    starts_at: datetime
    ends_at: datetime
    state: str
    age_s: int
    cause: str | None


def _feed(line: str) -> Feed:
    id_, title_en, title_zh, department, cadence, records = line.split("|")
    return Feed(id_, title_en, title_zh, department, int(cadence), int(records))


def _troubles() -> dict[str, _Trouble]:
    rows = [line.split("|") for line in _TROUBLE.strip().splitlines()]
    return {
        id_: _Trouble(hong_kong(start), hong_kong(end), state, int(age), cause or None)
        for id_, start, end, state, age, cause in rows
    }


FEEDS: tuple[Feed, ...] = tuple(_feed(line) for line in _TABLE.strip().splitlines())
_TROUBLES = _troubles()


def ticks() -> Iterator[datetime]:
    """When the feeds' states are told: at the story's begin, and every hour of the typhoon day."""
    yield BEGINS
    at = DAY_STARTS
    while at <= DAY_ENDS:
        yield at
        at += timedelta(hours=1)


def state_of(feed: Feed, at: datetime, draw: Random) -> dict[str, object]:
    """The columns of a feed that change, as they are at a time."""
    trouble = _TROUBLES.get(feed.id)
    if trouble is None or not trouble.starts_at <= at < trouble.ends_at:
        age = round(draw.uniform(0.1, 0.9) * min(feed.cadence_s, 3600))
        return _state(feed, at, "live", age, 0, None, draw)
    if trouble.state == "quiet":
        return _state(feed, at, "quiet", None, 0, trouble.cause, draw)
    age = min(trouble.age_s, round((at - trouble.starts_at).total_seconds()) + 2 * feed.cadence_s)
    silent = age if trouble.state == "down" else 0
    return _state(feed, at, trouble.state, age, silent, trouble.cause, draw)


def _state(
    feed: Feed, at: datetime, state: str, age: int | None, silent_s: int, cause: str | None, draw: Random
) -> dict[str, object]:
    attempt = at - timedelta(seconds=draw.randrange(5, 55))
    down, quiet = state == "down", state == "quiet"
    return {
        "state": state,
        "last_attempt_at": attempt,
        "last_good_at": attempt - timedelta(seconds=silent_s),
        "observed_at": None if age is None else at - timedelta(seconds=age),
        "age_s": age,
        "fresh_at": attempt if age is None else at - timedelta(seconds=age),
        "cause": cause,
        "seen": 0 if down or quiet else feed.records,
        "refused": draw.choice((0, 0, 0, 1, 3)) if feed.records > 50 and not (down or quiet) else 0,
    }
