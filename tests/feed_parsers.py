"""Parsers of the tests: the real one of the wind, a register of plain lines, and some that misbehave."""

from __future__ import annotations

import os
import re
import time
from datetime import UTC, datetime

import shapely

from cop.errors import LoadRefused
from cop_ingest.feeds.payload import NotThisFeed, Payload, Reading
from cop_ingest.records import Parsed, Record, id_from_value, refuse
from cop_ingest.wind import parse_wind


def wind(payload: Payload) -> Reading:
    """The Observatory's wind, by the parser that reads the recordings."""
    rows, refusals = parse_wind(payload.parts["en"], payload.received_at)
    records = [
        Record(
            id_from_value(row.station),
            {
                "station_en": row.station,
                "observed_at": row.observed_at,
                "mean_kmh": row.mean_kmh,
                "gust_kmh": row.gust_kmh,
            },
            None,
        )
        for row in rows
    ]
    return Reading(Parsed(records, refusals), max((row.observed_at for row in rows), default=None), None)


def lines(payload: Payload) -> Reading:
    """Warnings as lines: key, code, time of issue. An empty body says that there is none."""
    text = payload.parts["en"].decode()
    if text.startswith("<"):
        raise NotThisFeed("begins like a page of HTML; wanted lines of key|code|time")
    parsed = Parsed()
    for number, line in enumerate(text.splitlines(), 1):
        if not (found := re.fullmatch(r"(\w+)\|(\w+)\|(\S+)", line)):
            key = line.partition("|")[0] if "|" in line else None
            parsed.refusals.append(refuse(number, "wanted key|code|time", line, key))
            continue
        at = datetime.fromisoformat(found[3]).astimezone(UTC)
        area = shapely.to_wkb(shapely.MultiPolygon([shapely.box(113.8, 22.1, 114.5, 22.6)]))
        parsed.records.append(
            Record(found[1], {"code": found[2], "name_en": found[2], "action": "issue", "issued_at": at}, area)
        )
    return Reading(parsed, None, None)


def reports(payload: Payload) -> Reading:
    """Incidents as lines: key, title, place, another party's number or nothing, and when it was announced, or noon."""
    parsed = Parsed()
    for line in payload.parts["en"].decode().splitlines():
        key, title, place, number, *at = line.split("|")
        told = {
            "title_en": title, "location_en": place, "category": "road", "status": "confirmed",
            "verification": "verified", "position_method": "none",
            "external_ids": [number] if number else [], "source_says": [], "reported_at": datetime.fromisoformat(at[0]).astimezone(UTC) if at else datetime(2025, 9, 23, 4, tzinfo=UTC),
        }  # fmt: skip
        parsed.records.append(Record(key, told, None))
    return Reading(parsed, None, None)


def hangs(payload: Payload) -> Reading:
    while True:
        time.sleep(60)


def crashes(payload: Payload) -> Reading:
    os.abort()


def eats(payload: Payload) -> Reading:
    return Reading(Parsed(list("x" * (8 << 30))), None, None)


def raises(payload: Payload) -> Reading:
    raise ZeroDivisionError("division by zero")


def refuses(payload: Payload) -> Reading:
    raise LoadRefused("the header is nothing; wanted another")
