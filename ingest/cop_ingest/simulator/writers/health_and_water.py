"""Waiting times at hospitals, water suspensions, control points and air quality (SOURCES 3.19 to 3.22)."""

from __future__ import annotations

from datetime import datetime, timedelta

from cop.catalogue import catalogue
from cop_ingest.simulator.chance import share
from cop_ingest.simulator.world.services import Suspension, Waiting, pollution, queue, suspensions, waiting
from cop_ingest.simulator.world.world import World
from cop_ingest.simulator.writers.text import XML, as_json, local, rfc822
from cop_ingest.territory.names_emergency import CONTROL_POINTS, HOSPITALS
from cop_ingest.territory.names_weather import AQHI_STATIONS

_WORDS = {
    "en": ("{} minute", "{} minutes", "less than 15 minutes", "{:g} hours", "{:g} hour",
           "Managing multiple resuscitation cases"),
    "tc": ("{} 分鐘", "{} 分鐘", "少於 15 分鐘", "{:g} 小時", "{:g} 小時", "正處理多宗搶救個案"),
    "sc": ("{} 分钟", "{} 分钟", "少于 15 分钟", "{:g} 小时", "{:g} 小时", "正处理多宗抢救个案"),
}  # fmt: skip


def waiting_times(world: World, at: datetime, language: str) -> bytes:
    """Waiting at the 18 hospitals; times as words."""
    quarter = at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0)
    rows = [
        {"hospName": spot.name_en if language == "en" else spot.name_zh,
         **_waiting(waiting(world.seed, spot.name_en, quarter), language)}
        for spot in HOSPITALS
    ]  # fmt: skip
    return as_json({"waitTime": rows, "updateTime": twelve_hours(quarter)})


def twelve_hours(at: datetime) -> str:
    """`16/2/2026 1:00PM`."""
    here = local(at)
    half = "AM" if here.hour < 12 else "PM"
    return f"{here.day}/{here.month}/{here.year} {(here.hour - 1) % 12 + 1}:{here:%M}{half}"


def _waiting(found: Waiting, language: str) -> dict[str, str]:
    one, many, few, hours, hour, crowded = _WORDS[language]
    flag = "N/A" if found.crowded else "Y"
    second = few if 0 < found.second < 15 else _minutes(found.second, one, many)
    return {
        "t1wt": crowded if found.crowded else _minutes(found.first, one, many),
        "manageT1case": flag,
        "t2wt": crowded if found.crowded else second,
        "manageT2case": flag if found.crowded or found.second else "N",
        "t3p50": _minutes(found.third[0], one, many),
        "t3p95": _minutes(found.third[1], one, many),
        "t45p50": (hour if found.others[0] <= 60 else hours).format(found.others[0] / 60),
        "t45p95": (hour if found.others[1] <= 60 else hours).format(found.others[1] / 60),
    }


def _minutes(count: int, one: str, many: str) -> str:
    return (one if count < 2 else many).format(count)


_WATER = (
    "SUSPENSION_ID|WATER_TYPE_DESCRIPTION|WATER_TYPE_DESCRIPTION_ZHT|DISTRICT_ENG|DISTRICT_ZHT|NATURE_DESCRIPTION|"
    "NATURE_DESCRIPTION_ZHT|SUSPENSION_DATE_TIME|ACTUAL_RESUMPTION_DATE_TIME|LONG_ADDRESS|LONG_ADDRESS_ZHT|"
    "CAUSE|CAUSE_ZHT|STATUS|STATUS_ZHT"
)


def water_suspensions(world: World, at: datetime) -> bytes:
    """All suspensions, one a line, cells parted by pipes."""
    rows = [_water(one, at) for one in suspensions(world.seed, world.told, at)]
    return ("\n".join([_WATER, *rows]) + "\n").encode()


def _water(one: Suspension, at: datetime) -> str:
    district = catalogue().codes["districts"][one.district]
    if one.resumed_at is not None:
        status = ("Resumed", "已恢復供水")
    else:
        status = ("Suspended", "停水中") if one.starts_at <= at else ("Scheduled", "預定停水")
    cells = (
        one.id, *(("Salt Water", "鹹水") if one.salt else ("Fresh Water", "食水")),
        district.en, district.zh.removesuffix("區"), *(("Emergency", "緊急") if one.emergency else ("Planned", "計劃")),
        _stamp(one.starts_at), _stamp(one.resumed_at), *one.address, *one.cause, *status,
    )  # fmt: skip
    return "|".join(str(cell).replace("|", "/") for cell in cells)


def _stamp(at: datetime | None) -> str:
    return "" if at is None else local(at).strftime("%Y-%m-%d %H:%M")


def control_points(world: World, at: datetime, way: str) -> bytes:
    """Bands of waiting by control point: `R` residents, `V` visitors. The answer tells no time."""
    quarter = at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0)
    codes = sorted(spot.more[0] for spot in CONTROL_POINTS)
    return as_json({
        code: {f"{end}Queue": queue(world.seed, code, quarter, f"{way}/{end}") for end in ("arr", "dep")}
        for code in codes
    })  # fmt: skip


_LEVELS = ((3.5, "Low", "低"), (6.5, "Moderate", "中"), (7.5, "High", "高"), (10.5, "Very High", "甚高"),
           (99, "Serious", "嚴重"))  # fmt: skip
_TITLE = "Environmental Protection Department - AQHI"


def air_quality(world: World, at: datetime, language: str) -> bytes:
    """The index by station as RSS."""
    hour = at.replace(minute=30, second=0, microsecond=0)
    if hour > at:
        hour -= timedelta(hours=1)
    stamp = rfc822(hour)
    tongue = {"Eng": "en-us", "ChT": "zh-tw", "ChS": "zh-cn"}[language]
    lines = [
        '<rss version="2.0">', "<channel>", f"<title>{_TITLE}</title>", "<link>https://www.aqhi.gov.hk</link>",
        f"<image><title>{_TITLE}</title><link>https://www.aqhi.gov.hk</link>"
        "<url>https://www.aqhi.gov.hk/common/images/logo_aqhi.svg</url></image>",
        f"<description>{_TITLE}</description>", f"<language>{tongue}</language>",
        "<copyright>Environmental Protection Department</copyright>", "<webMaster>enquiry@epd.gov.hk</webMaster>",
        f"<pubDate>{stamp}</pubDate>", f"<lastBuildDate>{stamp}</lastBuildDate>",
    ]  # fmt: skip
    for spot in AQHI_STATIONS:
        value = pollution(world.seed, spot.name_en, hour)
        level_en, level_zh = next((en, zh) for below, en, zh in _LEVELS if value < below)
        name, level = (spot.name_en, level_en) if language == "Eng" else (spot.name_zh, level_zh)
        kind = {"general": ("General Stations", "一般監測站"), "roadside": ("Roadside Stations", "路邊監測站")}
        group = kind[spot.more[0]][language != "Eng"]
        index = "10+" if value > 10.5 else str(round(value))
        lines += [
            "<item>", f"<title>{name} : {index} : {level}</title>", "<guid>https://www.aqhi.gov.hk/</guid>",
            "<link>https://www.aqhi.gov.hk</link>", f"<pubDate>{stamp}</pubDate>",
            f"<description><![CDATA[{name} - {group}: {index} {level} - "
            f"{local(hour):%a, %d %b %Y %H:%M}]]></description>", "</item>",
        ]  # fmt: skip
    return (XML + "\n".join([*lines, "</channel>", "</rss>"]) + "\n").encode()


def pollutants(world: World, at: datetime) -> bytes:
    """Concentrations of the last 24 hours by station; `-` is missing."""
    hour = at.replace(minute=0, second=0, microsecond=0)
    lines = ["<AQHI24HrPollutantConcentration>", " <title>24-hour pollutant concentration</title>",
             f" <lastBuildDate>{rfc822(hour)}</lastBuildDate>"]  # fmt: skip
    scales = (("NO2", 16.0), ("O3", 11.0), ("SO2", 1.5), ("CO", 0.0), ("PM10", 8.0), ("PM2.5", 4.5))
    for spot in AQHI_STATIONS:
        for back in range(24):
            then = hour - timedelta(hours=back)
            index = pollution(world.seed, spot.name_en, then)
            values = [(name, _concentration(world, index * scale, spot.name_en, name, then)) for name, scale in scales]
            inner = "".join(f"  <{name}>{value}</{name}>\n" for name, value in values)
            lines.append(
                f" <PollutantConcentration>\n  <StationName>{spot.name_en}</StationName>\n"
                f"  <DateTime>{rfc822(then)}</DateTime>\n{inner} </PollutantConcentration>"
            )
    return (XML + "\n".join([*lines, "</AQHI24HrPollutantConcentration>"]) + "\n").encode()


def _concentration(world: World, value: float, station: str, name: str, at: datetime) -> str:
    silent = value <= 0 or share(world.seed, "pollutant", station, name, at) < 0.03
    return "-" if silent else f"{value:.1f}"
