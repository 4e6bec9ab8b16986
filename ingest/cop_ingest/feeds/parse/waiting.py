"""The Hospital Authority's waiting times in accident and emergency (aedwtdata2). SOURCES 3.19."""

from __future__ import annotations

import re
from datetime import datetime
from functools import partial
from typing import Any

from cop_ingest.feeds.parse.common import (
    MISSING,
    collect,
    json_part,
    line_of,
    list_of,
    object_of,
    wanted_text,
    wanted_time,
)
from cop_ingest.feeds.parse.names import hospital_zh
from cop_ingest.feeds.payload import NotThisFeed, Payload, Reading
from cop_ingest.records import Record, id_from_value

_SPAN = re.compile(
    r"(?:(less than|under|over|more than) )?(\d{1,4}(?:\.\d{1,2})?) (minute|hour)s?", re.ASCII | re.IGNORECASE
)
_FLAGS = {"Y": True, "N": False}
# Column, and the member that says it: the first patients to be seen at once, then the middle and the slow ones.
_TIMES = {"t1": "t1wt", "t2": "t2wt", "t3_p50": "t3p50", "t3_p95": "t3p95", "t45_p50": "t45p50", "t45_p95": "t45p95"}
_LONGEST_MIN = 7 * 24 * 60


def parse(payload: Payload) -> Reading:
    """Waiting times of each hospital from the part `en`; Record.id is the hospital's name.

    Times are texts; those that are a span have minutes beside them (`3.5 hours` is 210; `less than 15 minutes` is at
    most 15). `0 minute` is zero, and what is said instead of a time leaves the minutes null. Raises NotThisFeed.
    """
    found = json_part(payload, "en")
    try:
        answer = object_of(found, "answer")
        if "waitTime" not in answer:
            raise ValueError("has no member waitTime; wanted aedwtdata2")
        observed_at = wanted_time(answer.get("updateTime"), "updateTime")
        hospitals = list_of(answer["waitTime"], "waitTime")
    except ValueError as exc:
        raise NotThisFeed(f"en: {exc}") from exc
    parsed = collect(enumerate(hospitals, 1), partial(_record, observed_at=observed_at))
    return Reading(parsed, observed_at, observed_at)


def _record(told: Any, observed_at: datetime) -> Record:
    entry = object_of(told, "waitTime")
    name = wanted_text(entry.get("hospName"), "hospName")
    if not id_from_value(name):
        raise ValueError(f"hospName: found {name!r}, wanted a name")
    properties: dict[str, object] = {
        "hospital_en": name,
        "hospital_zh": hospital_zh(name),
        "observed_at": observed_at,
        "t1_managing": _flag(entry.get("manageT1case"), "manageT1case"),
        "t2_managing": _flag(entry.get("manageT2case"), "manageT2case"),
    }
    for column, member in _TIMES.items():
        text = line_of(entry.get(member))
        told_text = None if text is None or text.lower() in MISSING else text
        properties[f"{column}_text"] = told_text
        properties[f"{column}_min"] = _minutes(told_text)
    return Record(id_from_value(name), properties, None)


def _minutes(text: str | None) -> int | None:
    """Minutes of a span at most; None for other words, and where only a least is said."""
    found = _SPAN.fullmatch(text or "")
    if not found or (found[1] or "").lower() in ("over", "more than"):
        return None
    minutes = round(float(found[2]) * (60 if found[3].lower() == "hour" else 1))
    return minutes if minutes <= _LONGEST_MIN else None


def _flag(value: object, what: str) -> bool | None:
    text = (line_of(value) or "").upper()
    if text in _FLAGS:
        return _FLAGS[text]
    if text.lower() in MISSING:
        return None
    raise ValueError(f"{what}: found {text[:60]!r}, wanted Y, N or N/A")
