"""HKO's weather warning summary (warnsum): what is in force, by category; what is over is simply not there.

SOURCES 3.1. The answer is a state as of when it was received: the times in it go back when the newest warning ends,
so that none of them tells when the answer was made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from shapely.geometry import MultiPolygon

from cop_ingest.areas import TERRITORY, ground_of
from cop_ingest.feeds.parse.common import collect, compact, json_part, line_of, newest, object_of, time_of
from cop_ingest.feeds.payload import NotThisFeed, Payload, Reading
from cop_ingest.geometry import to_wkb
from cop_ingest.records import Record, id_from_value

_ACTIONS = {"ISSUE": "issue", "REISSUE": "reissue", "EXTEND": "extend", "UPDATE": "update", "CANCEL": "cancel"}
_Entry = tuple[str, dict[str, Any], dict[str, Any]]


def parse(payload: Payload) -> Reading:
    """The warnings of the parts `en` and `tc` (optional), one record a warning: `<code>-<time of issue>`.

    A warning that only one language has is taken. Options: `names`, code to names in both languages; `areas`, code to
    districts, for those that do not concern the whole territory. Raises NotThisFeed.
    """
    languages = {part: _categories(payload, part) for part in ("en", "tc") if part in payload.parts or part == "en"}
    entries = _joined(languages["en"], languages.get("tc", {}))
    parsed = collect(enumerate(entries, 1), lambda entry: _record(entry, payload.options), key_of=_ref)
    return Reading(parsed, newest(parsed, "issued_at"), None)


def _categories(payload: Payload, part: str) -> dict[str, Any]:
    found = json_part(payload, part)
    if not isinstance(found, dict):
        raise NotThisFeed(f"{part}: is a JSON {type(found).__name__}; wanted an object of warnings")
    if found and not any(isinstance(entry, dict) and "code" in entry for entry in found.values()):
        raise NotThisFeed(f"{part}: has {', '.join(list(found)[:8])[:200]}, and none with a code; wanted warnings")
    return found


def _joined(english: Mapping[str, Any], chinese: Mapping[str, Any]) -> Iterator[_Entry]:
    """Both languages by category and code; while a warning changes, one may be a step behind the other."""
    for category, entry in english.items():
        other = chinese.get(category)
        same = isinstance(other, dict) and isinstance(entry, dict) and other.get("code") == entry.get("code")
        yield category, entry, other if same and isinstance(other, dict) else {}
    for category, entry in chinese.items():
        if category not in english:
            yield category, {}, entry


def _ref(entry: _Entry) -> str:
    return f"{_code(entry)}-{compact(_issued_at(entry))}"


def _told(entry: _Entry) -> dict[str, Any]:
    return object_of(entry[1], entry[0]) or object_of(entry[2], entry[0])


def _code(entry: _Entry) -> str:
    code = id_from_value(line_of(_told(entry).get("code")) or entry[0])
    if not code:
        raise ValueError("code: is missing, and so is the category")
    return code


def _issued_at(entry: _Entry) -> datetime:
    told = _told(entry)
    issued_at = time_of(told.get("issueTime"), "issueTime") or time_of(told.get("updateTime"), "updateTime")
    if issued_at is None:
        raise ValueError(f"{entry[0]}: neither issueTime nor updateTime; one of them is part of the key")
    return issued_at


def _record(entry: _Entry, options: Mapping[str, Any]) -> Record | None:
    english, chinese = object_of(entry[1], entry[0]), object_of(entry[2], entry[0])
    told = english or chinese
    code = _code(entry)
    if code == "CANCEL":
        return None  # all of the category are cancelled, and end by not being there
    updated_at = time_of(told.get("updateTime"), "updateTime")
    issued_at = _issued_at(entry)
    action, remarks = _action(told)
    districts = [str(district) for district in options.get("areas", {}).get(code, ())]
    names = options.get("names", {}).get(code, {})
    ref = _ref(entry)
    properties: dict[str, object] = {
        "code": code,
        "name_en": names.get("en") or _name(english),
        "name_zh": names.get("zh") or _name(chinese),
        "action": action,
        "issued_at": issued_at,
        "expires_at": time_of(told.get("expireTime"), "expireTime"),
        "ended_at": _ended(action, updated_at, issued_at),
        "area": districts or ["territory"],
        "department": "HKO",
        "source_ref": ref,
    }
    area = ground_of(districts) if districts else MultiPolygon([TERRITORY])
    return Record(ref, properties, to_wkb(area), remarks)


def _action(told: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    said = line_of(told.get("actionCode")) or ""
    # A warning in force must not be lost over a word that is new.
    known = _ACTIONS.get(said.upper())
    return known or "update", () if known else (f"actionCode: found {said!r}, taken as an update",)


def _ended(action: str, updated_at: datetime | None, issued_at: datetime) -> datetime | None:
    return (updated_at or issued_at) if action == "cancel" else None


def _name(told: Mapping[str, Any]) -> str | None:
    """The name as published; the type tells colour or number, and holds the whole name for cyclone signals."""
    name, kind = line_of(told.get("name")), line_of(told.get("type"))
    return f"{name}: {kind}" if name and kind else name or kind
