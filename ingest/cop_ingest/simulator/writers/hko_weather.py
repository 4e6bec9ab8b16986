"""The Observatory's readings as JSON and CSV (SOURCES 3.3 to 3.6, 3.9, 3.10): rain, temperature, visibility, tides."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

import numpy as np

from cop.catalogue import catalogue
from cop_ingest.places import PLACES
from cop_ingest.scenario.calendar import WARNING_NAMES, hong_kong
from cop_ingest.simulator.chance import share
from cop_ingest.simulator.world.rain import Gauges
from cop_ingest.simulator.world.warnings import shown
from cop_ingest.simulator.world.world import World
from cop_ingest.simulator.writers.text import as_json, compact, iso, local
from cop_ingest.territory.named import Spot
from cop_ingest.territory.names_weather import RAIN_STATIONS, TIDE_GAUGES, WIND_STATIONS

# The 27 places of the current weather report, in its order.
_PLACES = (
    "King's Park", "Hong Kong Observatory", "Wong Chuk Hang", "Ta Kwu Ling", "Lau Fau Shan", "Tai Po", "Sha Tin",
    "Tuen Mun", "Tseung Kwan O", "Sai Kung", "Cheung Chau", "Chek Lap Kok", "Tsing Yi", "Shek Kong",
    "Tsuen Wan Ho Koon", "Tsuen Wan Shing Mun Valley", "Hong Kong Park", "Shau Kei Wan", "Kowloon City",
    "Happy Valley", "Wong Tai Sin", "Stanley", "Kwun Tong", "Sham Shui Po", "Kai Tak Runway Park",
    "Yuen Long Park", "Tai Mei Tuk",
)  # fmt: skip
# Its 18 districts, in its order and spelling.
_DISTRICTS = {
    "CW": "Central & Western District", "EST": "Eastern District", "KC": "Kwai Tsing", "ILD": "Islands District",
    "NTH": "North District", "SK": "Sai Kung", "ST": "Sha Tin", "STH": "Southern District", "TP": "Tai Po",
    "TW": "Tsuen Wan", "TM": "Tuen Mun", "WC": "Wan Chai", "YL": "Yuen Long", "YTM": "Yau Tsim Mong",
    "SSP": "Sham Shui Po", "KLC": "Kowloon City", "WTS": "Wong Tai Sin", "KT": "Kwun Tong",
}  # fmt: skip
_NAMES_ZH = {spot.name_en: spot.name_zh for spot in (*RAIN_STATIONS, *WIND_STATIONS)}
_ICONS = {"WRAIN": 65, "": 63}
_SILENT = 0.02


def current_weather(world: World, at: datetime, language: str) -> bytes:
    """The hourly report. It comes two minutes past the hour; its rain is of the hour up to a quarter to."""
    hour = at.replace(minute=0, second=0, microsecond=0)
    until = hour - timedelta(minutes=15)
    warned = [entry for entry in shown(hour) if entry.action != "CANCEL"]
    told: dict[str, object] = {
        "rainfall": {
            "data": [_district_rain(code, until, language) for code in _DISTRICTS],
            "startTime": iso(until - timedelta(hours=1)),
            "endTime": iso(until),
        },
    }
    if any(entry.key == "WRAIN" for entry in warned):
        told["lightning"] = _lightning(world, hour, language)
    told |= {
        "icon": [_ICONS["WRAIN" if any(entry.key == "WRAIN" for entry in warned) else ""]],
        "iconUpdateTime": iso(hour - timedelta(minutes=20)),
        "uvindex": _uv(hour, language),
        "updateTime": iso(at),
        "temperature": {"data": [_temperature(world, name, hour, language) for name in _PLACES],
                        "recordTime": iso(hour)},
        "warningMessage": [_in_force(entry.signal.code, language) for entry in warned] or "",
        "mintempFrom00To09": "",
        "rainfallFrom00To12": "",
        "rainfallLastMonth": "",
        "rainfallJanuaryToLastMonth": "",
        "tcmessage": [_in_force(one.signal.code, language) for one in warned if one.key == "WTCSGNL"] or "",
        "humidity": {"recordTime": iso(hour),
                     "data": [{"unit": "percent", "value": humidity(world, hour),
                               "place": _name("Hong Kong Observatory", language)}]},
    }  # fmt: skip
    return as_json(told)


def _in_force(code: str, language: str) -> str:
    name = WARNING_NAMES[code]
    return f"The {name[0]} is in force." if language == "en" else f"{name[1]}現正生效。"


def _name(station: str, language: str) -> str:
    return station if language == "en" else _NAMES_ZH.get(station, station)


_BY_DISTRICT = {
    code: Gauges(
        np.array([place.lon for place in PLACES if place.district == code]),
        np.array([place.lat for place in PLACES if place.district == code]),
    )
    for code in _DISTRICTS
}


def _district_rain(code: str, until: datetime, language: str) -> dict[str, object]:
    fallen = _BY_DISTRICT[code].fallen(until)
    most, least = round(float(fallen.max())), round(float(fallen.min()))
    place = _DISTRICTS[code] if language == "en" else catalogue().codes["districts"][code].zh
    told: dict[str, object] = {"unit": "mm", "place": place, "max": most}
    if least > 0:
        told["min"] = least
    return {**told, "main": "FALSE"}


def _lightning(world: World, hour: datetime, language: str) -> dict[str, object]:
    struck = [code for code in _DISTRICTS if share(world.seed, "lightning", code, hour) < 0.4]
    districts = catalogue().codes["districts"]
    places = [_DISTRICTS[code] if language == "en" else districts[code].zh for code in struck]
    return {
        "data": [{"place": place, "occur": "true"} for place in places],
        "startTime": iso(hour - timedelta(minutes=75)),
        "endTime": iso(hour - timedelta(minutes=15)),
    }


def _uv(hour: datetime, language: str) -> object:
    if not 8 <= local(hour).hour <= 17:
        return ""
    place = _name("King's Park", language)
    desc, past = ("low", "During the past hour") if language == "en" else ("低", "過去一小時")
    return {"data": [{"place": place, "value": 1, "desc": desc}], "recordDesc": past}


def celsius(world: World, station: str, at: datetime) -> float:
    """The temperature at a station: warm before the storm, cooler in its rain."""
    hour = local(at).hour + local(at).minute / 60
    wet = float(world.gauges.fallen(at).mean())
    unrest = share(world.seed, "celsius", station, at.date()) + 0.3 * share(world.seed, "celsius", station, at)
    return round(28.2 + 1.8 * math.sin((hour - 9) / 24 * math.tau) - min(3.5, wet / 12) + 1.6 * (unrest - 0.6), 1)


def humidity(world: World, at: datetime) -> int:
    """Relative humidity over the city, per cent."""
    return min(99, round(74 + float(world.gauges.fallen(at).mean()) * 0.7))


def _temperature(world: World, station: str, hour: datetime, language: str) -> dict[str, object]:
    return {"place": _name(station, language), "value": round(celsius(world, station, hour)), "unit": "C"}


def hourly_rainfall(world: World, at: datetime, language: str) -> bytes:
    """Rain in the past hour at 36 stations, text values in mm; `M` is missing."""
    observed = at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0)
    rows = [
        {
            "automaticWeatherStation": spot.name_en if language == "en" else spot.name_zh,
            "automaticWeatherStationID": f"RF{number:03d}",
            "value": "M" if share(world.seed, "gauge", number, observed) < _SILENT else _millimetres(fallen),
            "unit": "mm",
        }
        for number, (spot, fallen) in enumerate(zip(RAIN_STATIONS, world.gauges.fallen(observed), strict=True), 1)
    ]
    return as_json({"obsTime": iso(observed), "hourlyRainfall": rows})


def _millimetres(fallen: float) -> str:
    """The gauges count in half millimetres."""
    return f"{round(2 * float(fallen)) / 2:g}"


def temperature_csv(world: World, at: datetime, _: str) -> bytes:
    """One-minute mean temperature by station; `N/A` is missing."""
    observed = at.replace(minute=at.minute // 10 * 10, second=0, microsecond=0)
    lines = ["Date time,Automatic Weather Station,Air Temperature(degree Celsius)"]
    for spot in sorted({*RAIN_STATIONS, *WIND_STATIONS}, key=lambda one: one.name_en):
        silent = share(world.seed, "thermometer", spot.name_en, observed) < _SILENT
        lines.append(
            f"{compact(observed)},{spot.name_en},{'N/A' if silent else celsius(world, spot.name_en, observed)}"
        )
    return ("\n".join(dict.fromkeys(lines)) + "\n").encode()


_SEEN_AT = ("Central", "Chek Lap Kok", "Sai Wan Ho", "Waglan Island")
_SEEN_AT_ZH = ("中環", "赤鱲角", "西灣河", "橫瀾島")


def visibility(world: World, at: datetime, language: str) -> bytes:
    """Ten-minute mean visibility; the value holds its unit."""
    observed = at.replace(minute=at.minute // 10 * 10, second=0, microsecond=0)
    rain = float(world.gauges.fallen(observed).mean())
    fields = ["Date time", "Automatic Weather Station", "10 minute mean visibility"]
    rows = []
    for name_en, name_zh in zip(_SEEN_AT, _SEEN_AT_ZH, strict=True):
        far = 30 / (1 + rain / 4) * (0.8 + 0.4 * share(world.seed, "seen", name_en, observed))
        name = name_en if language == "en" else name_zh
        rows.append([compact(observed), name, f"{max(1, round(far))} km"])
    return as_json({"fields": fields, "data": rows})


def lightning_count(world: World, at: datetime, _: str) -> bytes:
    """Cloud-to-ground lightning in the past hour by district."""
    hour = at.replace(minute=0, second=0, microsecond=0)
    wet = any(entry.key == "WRAIN" for entry in shown(hour))
    span = f"{compact(hour - timedelta(hours=1))}-{compact(hour)}"
    fields = ["Date time", "Type", "Region", "Lightning count"]
    rows = [
        [span, "Cloud-to-ground", _DISTRICTS[code], str(int(wet) * round(40 * share(world.seed, "bolts", code, hour)))]
        for code in _DISTRICTS
    ]
    return as_json({"fields": fields, "data": rows})


def tide(station: str, kind: str, year: int) -> bytes:
    """The year's predicted tides of a station: HHOT each hour, HLT high and low waters; with a byte-order mark."""
    gauge = next((spot for spot in TIDE_GAUGES if spot.more[1] == station), TIDE_GAUGES[0])
    days = [hong_kong(f"{year}-09-{day:02d} 00:00") for day in range(20, 29)]
    if kind == "HHOT":
        hours = [f"{hour:02d}" for hour in range(1, 25)]
        rows = [[f"{local(day):%m}", f"{local(day):%d}", *(_hours_of(gauge, day))] for day in days]
        return as_json({"fields": ["MM", "DD", *hours], "data": rows}, mark=True)
    fields = ["Month", "Date", *(word for _ in range(4) for word in ("Time", "Height(m)"))]
    rows = [[f"{local(day):%m}", f"{local(day):%d}", *_extremes(gauge, day)] for day in days]
    return as_json({"fields": fields, "data": rows}, mark=True)


def _hours_of(gauge: Spot, day: datetime) -> list[str]:
    return [f"{predicted(gauge, day + timedelta(hours=hour)):.2f}" for hour in range(1, 25)]


def _extremes(gauge: Spot, day: datetime) -> list[str]:
    levels = [predicted(gauge, day + timedelta(minutes=10 * step)) for step in range(-1, 145)]
    found: list[str] = []
    for step in range(1, 145):
        if (levels[step] - levels[step - 1]) * (levels[step + 1] - levels[step]) < 0 and len(found) < 8:
            found += [f"{(step - 1) // 6:02d}{(step - 1) % 6}0", f"{levels[step]:.2f}"]
    return [*found, *[""] * (8 - len(found))]


def predicted(gauge: Spot, at: datetime) -> float:
    """The height of the tide without any storm, metres above chart datum: two waves of about a day and half a day."""
    hours = at.timestamp() / 3600 + gauge.lon
    return 1.35 + 0.55 * math.sin(math.tau * hours / 12.42) + 0.35 * math.sin(math.tau * hours / 24.84 + 1.0)


def earthquake(*, felt: bool) -> bytes:
    """The last quick message (a made-up one of the day before), or `{}` for felt ones."""
    if felt:
        return as_json({})
    quake = hong_kong("2025-09-22 14:10")
    told = {"lat": -20.31, "lon": -173.97, "mag": 6.1, "region": "Tonga", "ptime": iso(quake)}
    return as_json({**told, "updateTime": iso(quake + timedelta(minutes=20))})
