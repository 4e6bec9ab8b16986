"""HKO's current weather report (rhrread): temperature and humidity by place, rainfall by district. SOURCES 3.3."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from cop_ingest.district_names import district_code
from cop_ingest.feeds.parse.common import (
    collect,
    json_part,
    line_of,
    list_of,
    newest,
    number_of,
    object_of,
    time_of,
    wanted_text,
    wanted_time,
)
from cop_ingest.feeds.parse.names import station_zh
from cop_ingest.feeds.payload import NotThisFeed, Payload, Reading
from cop_ingest.records import Record, id_from_value


def parse_places(payload: Payload) -> Reading:
    """Air temperature and relative humidity of each place, from the part `en`; Record.id is the place's name.

    Raises NotThisFeed.
    """
    report = _report(payload)
    temperature, humidity = _section(report, "temperature"), _section(report, "humidity")
    humid = {_place(entry): entry for entry in _data(humidity)}
    recorded = [_recorded_at(section) for section in (temperature, humidity)]
    entries = [(place, entry, humid.pop(place, None)) for entry in _data(temperature) for place in [_place(entry)]]
    entries += [(place, None, entry) for place, entry in humid.items()]
    parsed = collect(enumerate(entries, 1), partial(_at_place, recorded=recorded), "observed_at")
    return Reading(parsed, newest(parsed, "observed_at"), _updated_at(report))


def parse_rainfall(payload: Payload) -> Reading:
    """Rainfall of the hour in each district, from the part `en`: the least and most of its gauges.

    Record.id is the district's code, else its name. A district whose gauges are under maintenance has no values.
    Raises NotThisFeed.
    """
    report = _report(payload)
    rainfall = _section(report, "rainfall")
    parsed = collect(enumerate(_data(rainfall), 1), partial(_in_district, rainfall=rainfall), "observed_at")
    return Reading(parsed, newest(parsed, "observed_at"), _updated_at(report))


def _report(payload: Payload) -> dict[str, Any]:
    report = json_part(payload, "en")
    if not isinstance(report, dict) or not {"rainfall", "temperature"} & report.keys():
        raise NotThisFeed("en: has neither rainfall nor temperature; wanted the current weather report")
    return report


def _section(report: dict[str, Any], name: str) -> dict[str, Any]:
    """A section of the report; an empty text stands for none."""
    section = report.get(name)
    if section in ("", None, []):
        return {}
    try:
        return object_of(section, name)
    except ValueError as exc:
        raise NotThisFeed(f"en: {exc}") from exc


def _data(section: dict[str, Any]) -> list[Any]:
    try:
        return list_of(section.get("data"), "data")
    except ValueError as exc:
        raise NotThisFeed(f"en: {exc}") from exc


def _place(entry: Any) -> str:
    place = entry.get("place") if isinstance(entry, dict) else None
    return place if isinstance(place, str) else ""


def _recorded_at(section: dict[str, Any]) -> datetime | None:
    try:
        return time_of(section.get("recordTime"), "recordTime")
    except ValueError as exc:
        raise NotThisFeed(f"en: {exc}") from exc


def _updated_at(report: dict[str, Any]) -> datetime | None:
    try:
        return time_of(report.get("updateTime"), "updateTime")
    except ValueError:
        return None


def _at_place(entry: tuple[str, Any, Any], recorded: list[datetime | None]) -> Record:
    warm, humid = ({} if told is None else object_of(told, "data") for told in entry[1:])
    place = wanted_text(entry[0], "place")
    id_ = id_from_value(place)
    observed_at = recorded[0] if warm else recorded[1]
    if not id_ or observed_at is None:
        raise ValueError("neither a place's name nor a time of record can be missing")
    _check_unit(warm, "C")
    _check_unit(humid, "percent")
    properties: dict[str, object] = {
        "place_en": place,
        "place_zh": station_zh(place),
        "observed_at": observed_at,
        "temperature_c": number_of(warm.get("value"), "temperature", -20, 60),
        "humidity_pct": number_of(humid.get("value"), "humidity", 0, 100),
    }
    return Record(id_, properties, None)


def _check_unit(told: dict[str, Any], wanted: str) -> None:
    unit = line_of(told.get("unit"))
    if unit not in (None, wanted):
        raise ValueError(f"unit: found {unit!r}, wanted {wanted}")


def _in_district(told: Any, rainfall: dict[str, Any]) -> Record:
    entry = object_of(told, "rainfall")
    place = wanted_text(entry.get("place"), "place")
    _check_unit(entry, "mm")
    code = district_code(place)
    maintenance = (line_of(entry.get("main")) or "").upper() == "TRUE"
    most = None if maintenance else number_of(entry.get("max"), "max", 0, 1000)
    least = None if maintenance else number_of(entry.get("min"), "min", 0, 1000)
    id_ = code or id_from_value(place)
    if not id_:
        raise ValueError(f"place: found {place!r}, wanted a district's name")
    properties: dict[str, object] = {
        "district": code,
        "name_en": place,
        "observed_at": wanted_time(rainfall.get("endTime"), "endTime"),
        "from_at": time_of(rainfall.get("startTime"), "startTime"),
        "min_mm": least,
        "max_mm": most,
        "maintenance": maintenance,
    }
    remarks = () if code else (f"{place} is none of the 18 districts",)
    return Record(id_, properties, None, remarks)
