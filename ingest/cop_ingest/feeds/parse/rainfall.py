"""HKO's rainfall in the past hour by automatic weather station (hourlyRainfall). SOURCES 3.4."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from cop_ingest.feeds.parse.common import (
    collect,
    json_part,
    line_of,
    list_of,
    number_of,
    object_of,
    wanted_text,
    wanted_time,
)
from cop_ingest.feeds.parse.names import station_zh
from cop_ingest.feeds.payload import NotThisFeed, Payload, Reading
from cop_ingest.records import Record, id_from_value


def parse(payload: Payload) -> Reading:
    """Each station's rainfall; Record.id is the station's id (`RF001`). The part `tc` gives Chinese names, if there.

    `M` is missing and stays null: a gauge that is silent is not dry. Raises NotThisFeed.
    """
    observed_at, stations = _listed(payload, "en")
    chinese = _names(payload) if "tc" in payload.parts else {}
    read = partial(_record, observed_at=observed_at, chinese=chinese)
    return Reading(collect(enumerate(stations, 1), read), observed_at, None)


def _listed(payload: Payload, part: str) -> tuple[datetime, list[Any]]:
    found = json_part(payload, part)
    try:
        answer = object_of(found, "answer")
        if "hourlyRainfall" not in answer:
            raise ValueError("has no member hourlyRainfall")
        return wanted_time(answer.get("obsTime"), "obsTime"), list_of(answer["hourlyRainfall"], "hourlyRainfall")
    except ValueError as exc:
        raise NotThisFeed(f"{part}: {exc}; wanted obsTime and hourlyRainfall") from exc


def _names(payload: Payload) -> dict[str, str]:
    """Chinese names by the station's id, never by place in the list."""
    names = {}
    for entry in _listed(payload, "tc")[1]:
        if isinstance(entry, dict):
            key, name = entry.get("automaticWeatherStationID"), entry.get("automaticWeatherStation")
            if isinstance(key, str) and isinstance(name, str):
                names[key] = name
    return names


def _record(told: Any, observed_at: datetime, chinese: dict[str, str]) -> Record:
    entry = object_of(told, "hourlyRainfall")
    key = wanted_text(entry.get("automaticWeatherStationID"), "automaticWeatherStationID")
    if not id_from_value(key):
        raise ValueError(f"automaticWeatherStationID: found {key!r}, wanted letters and digits")
    if (unit := line_of(entry.get("unit"))) not in (None, "mm"):
        raise ValueError(f"unit: found {unit!r}, wanted mm")
    name = line_of(entry.get("automaticWeatherStation"))
    properties: dict[str, object] = {
        "station_id": key,
        "station_en": name,
        "station_zh": line_of(chinese.get(key)) or station_zh(name),
        "observed_at": observed_at,
        "rain_mm": number_of(entry.get("value"), "value", 0, 500),
    }
    return Record(id_from_value(key), properties, None)
