"""HKO's tropical cyclones now: the list, and a track for each. SOURCES 3.8.

The Copyright text inside the track files forbids reproduction without HKO's consent: the feed's file keeps what comes
from them with the departments.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from urllib.parse import urlsplit, urlunsplit
from xml.etree.ElementTree import Element

from shapely.geometry import LineString, Point

from cop_ingest.feeds.parse.common import (
    collect,
    compact,
    line_of,
    newest,
    number_of,
    wanted_text,
    wanted_time,
    xml_part,
)
from cop_ingest.feeds.payload import NotThisFeed, Payload, Reading
from cop_ingest.geometry import to_wkb
from cop_ingest.records import Parsed, Record, Refusal, refuse
from cop_ingest.xmlsafe import fields_of, local_name

_HOST = "www.weather.gov.hk"
_ID = re.compile(r"\w{1,12}", re.ASCII)
_MOST_POSITIONS = 500  # of one cyclone
_KINDS = {"PastInformation": "past", "AnalysisInformation": "analysis", "ForecastInformation": "forecast"}
_DEGREES = re.compile(r"(\d{1,3}(?:\.\d{1,4})?)\s*([NSEW])", re.ASCII)
_KMH = re.compile(r"(\d{1,3})\s*km/h", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Cyclone:
    """A cyclone of the list: its number, and names in both languages."""

    id: str
    name_en: str | None
    name_zh: str | None


@dataclass(frozen=True, slots=True)
class _Position:
    kind: str
    at: datetime
    lon: float
    lat: float
    intensity: str | None
    wind_kmh: float | None


def tracks(payload: Payload) -> dict[str, str]:
    """The further parts that the part `list` tells of: `track_<id>` and its address, always on HKO's own host.

    Raises NotThisFeed where the list is none.
    """
    found = {}
    for entry in _entries(payload):
        fields = fields_of(entry)
        id_, address = fields.get("TropicalCycloneID", ""), urlsplit(fields.get("TropicalCycloneURL", ""))
        if _ID.fullmatch(id_) and address.hostname == _HOST and address.path.endswith(".xml"):
            found[f"track_{id_.lower()}"] = urlunsplit(("https", _HOST, address.path, "", ""))
    return found


def parse(payload: Payload) -> Reading:
    """Positions and lines of the cyclones in the part `list` whose tracks are there as `track_<id>`.

    Record.id is `<cyclone>-<past|analysis|forecast>-<time>`, and `<cyclone>-track` and `<cyclone>-outlook` for the
    lines. Positions are degrees (WGS 84); winds km/h. Raises NotThisFeed where the list or a track is none.
    """
    parsed = Parsed()
    for ordinal, entry in enumerate(_entries(payload), 1):
        try:
            cyclone = _cyclone(entry)
        except ValueError as exc:
            parsed.refusals.append(_lost(ordinal, str(exc), entry))
            continue
        part = f"track_{cyclone.id.lower()}"
        if part not in payload.parts:
            parsed.refusals.append(_lost(ordinal, f"the track of {cyclone.id} did not come", entry))
            continue
        root = xml_part(payload, part, "TropicalCycloneTrack")
        one = _track(root, cyclone, _bulletin_time(root, part))
        parsed.records.extend(one.records)
        parsed.refusals.extend(one.refusals)
    # The newest bulletin's time goes back when its cyclone leaves the list; it does not tell when the answer was made.
    return Reading(parsed, newest(parsed, "bulletin_at"), None)


def _lost(ordinal: int, reason: str, entry: Element) -> Refusal:
    """A cyclone that could not be read, with all its positions."""
    return replace(refuse(ordinal, reason, str(fields_of(entry))), stands_for=_MOST_POSITIONS)


def _entries(payload: Payload) -> list[Element]:
    root = xml_part(payload, "list", "TropicalCycloneList")
    return [child for child in root if local_name(child) == "TropicalCyclone"]


def _cyclone(entry: Element) -> _Cyclone:
    fields = fields_of(entry)
    id_ = wanted_text(fields.get("TropicalCycloneID"), "TropicalCycloneID")
    if not _ID.fullmatch(id_):
        raise ValueError(f"TropicalCycloneID: found {id_!r}, wanted for example 2518")
    names = [line_of(fields.get(f"TropicalCyclone{language}Name")) for language in ("English", "Chinese")]
    return _Cyclone(id_, *names)


def _bulletin_time(root: Element, part: str) -> datetime:
    header = next((fields_of(child) for child in root if local_name(child) == "BulletinHeader"), {})
    try:
        return wanted_time(header.get("BulletinTime"), "BulletinTime")
    except ValueError as exc:
        raise NotThisFeed(f"{part}: {exc}") from exc


def _track(root: Element, cyclone: _Cyclone, bulletin_at: datetime) -> Parsed:
    report = next((child for child in root if local_name(child) == "WeatherReport"), None)
    points = [child for child in report if local_name(child) in _KINDS] if report is not None else []
    positions: list[_Position] = []

    def read(element: Element) -> Record:
        position = _position(element)
        record = _point(position, cyclone, bulletin_at)
        positions.append(position)
        return record

    parsed = collect(enumerate(points, 1), read)
    parsed.records.extend(_lines(positions, cyclone, bulletin_at))
    return parsed


def _position(element: Element) -> _Position:
    fields = fields_of(element)
    return _Position(
        kind=_KINDS[local_name(element)],
        at=wanted_time(fields.get("Time"), "Time"),
        lon=_degrees(fields.get("Longitude"), "Longitude", "EW", 180),
        lat=_degrees(fields.get("Latitude"), "Latitude", "NS", 90),
        intensity=line_of(fields.get("Intensity")),
        wind_kmh=_wind(fields.get("MaximumWind")),
    )


def _degrees(value: str | None, what: str, letters: str, limit: float) -> float:
    found = _DEGREES.fullmatch((value or "").strip())
    if not found or found[2] not in letters or float(found[1]) > limit:
        raise ValueError(
            f"{what}: found {(value or '')[:60]!r}, wanted for example {'7.40N' if limit == 90 else '138.00E'}"
        )
    return float(found[1]) * (1 if found[2] in "NE" else -1)


def _wind(value: str | None) -> float | None:
    found = _KMH.fullmatch((value or "").strip())
    return number_of(found[1] if found else value, "MaximumWind", 0, 450)


def _point(position: _Position, cyclone: _Cyclone, bulletin_at: datetime) -> Record:
    ref = f"{cyclone.id}-{position.kind}-{compact(position.at)}"
    properties = _properties(cyclone, bulletin_at, ref) | {
        "kind": position.kind,
        "at": position.at,
        "intensity": position.intensity,
        "wind_kmh": position.wind_kmh,
    }
    return Record(ref, properties, to_wkb(Point(position.lon, position.lat)))


def _lines(positions: list[_Position], cyclone: _Cyclone, bulletin_at: datetime) -> Iterator[Record]:
    """Where it came from, up to the analysis; and from there where it may go."""
    ordered = sorted(positions, key=lambda position: position.at)
    gone = [position for position in ordered if position.kind != "forecast"]
    coming = gone[-1:] + [position for position in ordered if position.kind == "forecast"]
    for kind, line in (("track", gone), ("outlook", coming)):
        # A line over the 180th meridian would run around the world; its points are there.
        leaps = any(abs(left.lon - right.lon) > 180 for left, right in pairwise(line))
        if len({(position.lon, position.lat) for position in line}) > 1 and not leaps:
            ref = f"{cyclone.id}-{kind}"
            properties = _properties(cyclone, bulletin_at, ref) | {"kind": kind, "at": line[-1].at}
            shape = LineString([(position.lon, position.lat) for position in line])
            yield Record(ref, properties, to_wkb(shape))


def _properties(cyclone: _Cyclone, bulletin_at: datetime, ref: str) -> dict[str, object]:
    return {
        "cyclone": cyclone.id,
        "name_en": cyclone.name_en,
        "name_zh": cyclone.name_zh,
        "bulletin_at": bulletin_at,
        "intensity": None,
        "wind_kmh": None,
        "ended_at": None,
        "department": "HKO",
        "source_ref": ref,
    }
