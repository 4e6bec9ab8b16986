"""TD Special Traffic News, second version (with its first as fallback), into incidents.

Status, where the feed has none of the contract's own:

| feed | said | incident |
|---|---|---|
| v2 | NEW | confirmed (an official report; that somebody works on it is not said) |
| v2 | UPDATED | responding |
| v2 | CLOSED | completed |
| v1 | CurrentStatus 2, active | responding |
| v1 | CurrentStatus 3, cleared or information | completed where the text says it is over, else confirmed |

The same news comes in both versions: load one of them, never both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from xml.etree.ElementTree import Element

from shapely.geometry import Point

from cop.errors import LoadRefused
from cop_ingest import grid
from cop_ingest.district_names import district_code, only_district
from cop_ingest.geometry import to_wkb
from cop_ingest.incidents import category_of, incident, shortened
from cop_ingest.records import Parsed, Record, refuse
from cop_ingest.texts import matching_form, tidy
from cop_ingest.times import read_time
from cop_ingest.traffic_text import closure, first_sentence, is_over, news_of
from cop_ingest.xmlsafe import fields_of, local_name, parse_xml

SOURCE_V1 = "td_special_traffic_news_v1"
SOURCE_V2 = "td_special_traffic_news_v2"

_STATUS_V2 = {"new": "confirmed", "updated": "responding", "closed": "completed"}
_STATUS_V2_ZH = {"最新情況": "confirmed", "更新": "responding", "完結": "completed"}


def parse_traffic_news_v1(body: bytes, message_status: str = "actual", name: str = "specialtrafficnews.xml") -> Parsed:
    """The messages of the first version: free text in two languages, no position.

    Record.id is `TD:V1-<msgID>`. Raises LoadRefused where the body is not the feed's XML.
    """
    return _parse(body, name, "body", lambda message: _v1(fields_of(message), message, message_status))


def parse_traffic_news_v2(body: bytes, message_status: str = "actual", name: str = "trafficnews.xml") -> Parsed:
    """The messages of the second version; Record.id is `TD:<INCIDENT_NUMBER>`, one record an incident.

    Of several versions of one incident the newest stays (announcement time, then ID); the others are refused
    as superseded. Raises LoadRefused where the body is not the feed's XML.
    """
    return _parse(body, name, "list", lambda message: _v2(fields_of(message), message_status))


def _parse(body: bytes, name: str, root_name: str, read: Callable[[Element], Record]) -> Parsed:
    root = parse_xml(body, name)
    if local_name(root) != root_name:
        raise LoadRefused(f"{name}: the root element is {local_name(root)!r}; wanted {root_name!r} with messages")
    parsed = Parsed()
    newest: dict[str, tuple[int, Record]] = {}
    first: dict[str, datetime] = {}
    for ordinal, message in enumerate((child for child in root if local_name(child) == "message"), 1):
        try:
            record = read(message)
        except ValueError as exc:
            fields = fields_of(message)
            parsed.refusals.append(refuse(ordinal, str(exc), str(fields), key_of(fields)))
            continue
        at = _version(record)[0]
        first[record.id] = min(at, first.get(record.id, at))
        other = newest.get(record.id)
        if other is not None and _version(other[1]) > _version(record):
            ordinal, record, other = *other, (ordinal, record)
        if other is not None:
            reason = f"superseded by number {ordinal}, a newer version of {record.id}"
            parsed.refusals.append(refuse(other[0], reason, str(other[1].properties["source_ref"]), record.id))
        newest[record.id] = (ordinal, record)
    parsed.records.extend(_announced(record, first[record.id]) for _, record in newest.values())
    return parsed


def _announced(record: Record, at: datetime) -> Record:
    """An incident was reported when its first version was announced."""
    return replace(record, properties={**record.properties, "reported_at": at})


def _version(record: Record) -> tuple[datetime, int]:
    reported, number = record.properties["reported_at"], str(record.properties["source_ref"])
    assert isinstance(reported, datetime)
    return reported, int(number) if number.isascii() and number.isdigit() else 0


def key_of(fields: Mapping[str, str]) -> str | None:
    """Record.id of a message of either version, where it has its number."""
    if number := fields.get("INCIDENT_NUMBER"):
        return f"TD:{number}"
    return f"TD:V1-{number}" if (number := fields.get("msgID")) else None


def _v2(fields: Mapping[str, str], message_status: str) -> Record:
    number, external = fields.get("INCIDENT_NUMBER", ""), key_of(fields)
    if not number or external is None:
        raise ValueError("INCIDENT_NUMBER: is missing; it is the key")
    reported_at = _time(fields, "ANNOUNCEMENT_DATE")
    status = _status_v2(fields)
    texts = [fields.get(f"{part}_{language}") for part in ("INCIDENT_HEADING", "INCIDENT_DETAIL", "CONTENT")
             for language in ("EN", "CN")]  # fmt: skip
    position, remarks = _position(fields)
    lanes_closed, road_closed = closure(fields.get("CONTENT_EN") or fields.get("CONTENT_CN"))
    properties = incident({
        "external_ids": [external],
        "category": category_of(*texts),
        "title_en": _title(fields, "EN"),
        "title_zh": _title(fields, "CN"),
        "description_en": fields.get("CONTENT_EN") or fields.get("INCIDENT_DETAIL_EN") or None,
        "description_zh": fields.get("CONTENT_CN") or fields.get("INCIDENT_DETAIL_CN") or None,
        "department": "TD",
        "status": status,
        "verification": "verified",
        "source": SOURCE_V2,
        "source_ref": fields.get("ID") or number,
        "message_status": message_status,
        "release": "public",
        "reported_at": reported_at,
        "completed_at": reported_at if status == "completed" else None,
        "district": district_code(fields.get("DISTRICT_EN")) or district_code(fields.get("DISTRICT_CN")),
        "location_en": _location(fields, "EN"),
        "location_zh": _location(fields, "CN"),
        "position_method": "reported" if position else "none",
        "position_released": True,
        "road_name_en": tidy(fields.get("LOCATION_EN")),
        "road_name_zh": fields.get("LOCATION_CN") or None,
        "lanes_closed": lanes_closed,
        "road_closed": road_closed,
    })  # fmt: skip
    _check_titles(properties)
    return Record(external, properties, position, remarks)


def _v1(fields: Mapping[str, str], message: Element, message_status: str) -> Record:
    number, external = fields.get("msgID", ""), key_of(fields)
    if not number or external is None:
        raise ValueError("msgID: is missing; it is the key")
    reported_at = _time(fields, "ReferenceDate")
    english = news_of(fields.get("EngText") or fields.get("EngShort"))
    chinese = news_of(fields.get("ChinText") or fields.get("ChinShort"))
    over = is_over(english) or is_over(chinese)
    status = _status_v1(fields.get("CurrentStatus", ""), over)
    lanes_closed, road_closed = closure(english or chinese)
    properties = incident({
        "external_ids": [external, *(f"TD:{ref}" for ref in [fields.get("IncidentRefNo")] if ref)],
        "category": category_of(english, chinese),
        "title_en": first_sentence(english, "en"),
        "title_zh": first_sentence(chinese, "zh"),
        "description_en": english,
        "description_zh": chinese,
        "department": "TD",
        "status": status,
        "verification": "verified",
        "source": SOURCE_V1,
        "source_ref": number,
        "message_status": message_status,
        "release": "public",
        "reported_at": reported_at,
        "completed_at": reported_at if status == "completed" else None,
        "district": only_district(_listed_districts(message)),
        "position_method": "none",
        "position_released": True,
        "lanes_closed": lanes_closed,
        "road_closed": road_closed,
    })  # fmt: skip
    _check_titles(properties)
    return Record(external, properties, None, ("the feed gives no position",))


def _check_titles(properties: Mapping[str, object]) -> None:
    if not (properties["title_en"] or properties["title_zh"]):
        raise ValueError("there is no text in either language")


def _time(fields: Mapping[str, str], name: str) -> datetime:
    try:
        return read_time(fields.get(name, ""))
    except ValueError as exc:
        raise ValueError(f"{name}: {exc}") from exc


def _status_v2(fields: Mapping[str, str]) -> str:
    english = fields.get("INCIDENT_STATUS_EN", "")
    chinese = fields.get("INCIDENT_STATUS_CN", "")
    status = _STATUS_V2.get(matching_form(english)) or _STATUS_V2_ZH.get(matching_form(chinese))
    if status is None:
        raise ValueError(f"INCIDENT_STATUS_EN: found {english or chinese!r}, wanted NEW, UPDATED or CLOSED")
    return status


def _status_v1(said: str, over: bool) -> str:
    if said == "2":
        return "responding"
    if said == "3":
        return "completed" if over else "confirmed"
    raise ValueError(f"CurrentStatus: found {said!r}, wanted 2 or 3")


def _title(fields: Mapping[str, str], language: str) -> str | None:
    heading = tidy(fields.get(f"INCIDENT_DETAIL_{language}")) or tidy(fields.get(f"INCIDENT_HEADING_{language}"))
    location = tidy(fields.get(f"LOCATION_{language}"))
    parts = [part for part in (heading, location) if part]
    if not parts:
        return shortened(tidy(fields.get(f"CONTENT_{language}")) or "") or None
    return shortened((": " if language == "EN" else "：").join(parts))


def _location(fields: Mapping[str, str], language: str) -> str | None:
    """Road, direction and landmarks in a few words, from the fields that are filled."""
    english = language == "EN"
    words = (
        ("LOCATION", "{}", "{}"),
        ("DIRECTION", "{} bound", "往{}方向"),
        ("NEAR_LANDMARK", "near {}", "近{}"),
        ("BETWEEN_LANDMARK", "to {}", "至{}"),
    )
    parts = [
        (in_english if english else in_chinese).format(value)
        for name, in_english, in_chinese in words
        if (value := tidy(fields.get(f"{name}_{language}")))
    ]
    return (", " if english else "，").join(parts) or None


def _position(fields: Mapping[str, str]) -> tuple[bytes | None, tuple[str, ...]]:
    """The point as WKB, lon lat, where the two fields hold a place in Hong Kong; else None and why."""
    lat_text, lon_text = fields.get("LATITUDE", ""), fields.get("LONGITUDE", "")
    if not lat_text and not lon_text:
        return None, ("the feed gives no position",)
    try:
        lat, lon = float(lat_text), float(lon_text)
    except ValueError:
        return None, (f"no position: LATITUDE {lat_text!r} and LONGITUDE {lon_text!r} are not two numbers",)
    if _in_hong_kong(lon, lat):
        return to_wkb(Point(lon, lat)), ()
    if _in_hong_kong(lat, lon):
        return to_wkb(Point(lat, lon)), ("LATITUDE and LONGITUDE were exchanged",)
    return None, (f"no position: LATITUDE {lat_text} and LONGITUDE {lon_text} are not in Hong Kong",)


def _in_hong_kong(lon: float, lat: float) -> bool:
    return grid.within(lon, grid.HK_LONGITUDES) and grid.within(lat, grid.HK_LATITUDES)


def _listed_districts(message: Element) -> list[str]:
    names: list[str] = []
    for child in message:
        if local_name(child) == "ListOfDistrict":
            for text in child.itertext():
                names += re.split(r"[,;、\n]", text)
    return names
