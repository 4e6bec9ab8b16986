"""The forms of incidents: new reports and changes of older ones, a line each, by the department that owns them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from itertools import groupby

import orjson
import shapely

from cop.errors import SetupTrouble
from cop_ingest.inbox.declared import mappings
from cop_ingest.simulator.forms.base import Ending, Return, as_cell, as_csv, as_text, as_xlsx, district_name, east_north
from cop_ingest.simulator.world.told import TRAFFIC, Incident
from cop_ingest.simulator.world.world import World
from cop_ingest.simulator.writers.text import iso


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a return: when it became known (UTC), the incident, all that was known of it, the last message."""

    at: datetime
    incident: Incident
    new: bool
    values: dict[str, object]
    message: dict[str, object]

    def text(self, name: str) -> str:
        """A value as text, empty where it is not known."""
        value = self.values[name]
        return "" if value is None else str(value)


def reports(world: World, since: datetime, until: datetime) -> list[Line]:
    """What departments have to report of the time after `since` up to `until`: by department, then time.

    An incident comes once in a return, as it is at its end. The Transport Department's come by the traffic news.
    """
    found = [line for incident in world.told for line in _line(incident, since, until)]
    return sorted(found, key=lambda line: (line.incident.department, line.at, line.incident.ref))


def _line(incident: Incident, since: datetime, until: datetime) -> Iterator[Line]:
    if incident.department == TRAFFIC:
        return
    changes = [at for at, _ in (*incident.versions, *incident.updates) if since < at <= until]
    values = incident.at(until)
    if changes and values is not None:
        messages = [told for at, told in incident.updates if at <= until]
        new = incident.reported_at > since
        yield Line(max(changes), incident, new, values, messages[-1] if messages else {})


def incident_returns(world: World, since: datetime, until: datetime) -> Iterator[Return]:
    """The returns of a time, one a department that has something to report.

    Raises SetupTrouble where a department has no form.
    """
    for department, lines in groupby(reports(world, since, until), key=lambda line: line.incident.department):
        form = form_of(department)
        ending, write = _FORMS[next(name for name in _FORMS if form.startswith(name))]
        listed = tuple(lines)
        yield Return(department, form, ending, until, partial(write, listed), listed)


def incident_forms() -> frozenset[str]:
    """The forms that incidents come by."""
    return frozenset(name for name in mappings() if name.startswith(tuple(_FORMS)))


@cache
def form_of(department: str) -> str:
    """The form that a department reports by. Raises SetupTrouble where there is none."""
    for name, mapping in mappings().items():
        if mapping.department == department and name.startswith(tuple(_FORMS)):
            return name
    raise SetupTrouble(f"{department} has no form in ingest/inbox; wanted one of {', '.join(_FORMS)}")


_FLOODS = {
    "reported": "New", "confirmed": "Confirmed", "responding": "Attending", "controlled": "Under control",
    "completed": "Cleared", "cancelled": "False alarm",
}  # fmt: skip
_DEPTHS = {"minor": "Below 0.3 m", "moderate": "0.3 to 0.6 m", "severe": "Above 0.6 m", "extreme": "Above 0.6 m"}


def flooding_csv(lines: Sequence[Line]) -> bytes:
    """The form `dsd_flooding`: CSV, Hong Kong times with the day first, positions in HK1980 metres."""
    return as_csv(
        {
            "Case No.": line.incident.ref,
            **_times(line),
            "Depth": _DEPTHS.get(line.text("severity"), ""),
            "Road closed": as_text(line.values["road_closed"]),
            "Status": _FLOODS[line.text("status")],
            **_progress(line, "Estimated completion"),
            "Remarks": _said(line, "text_en"),
        }
        for line in lines
    )


_WORKS_TYPES = {
    "landslide": "Landslide", "road": "Road", "flood": "Flooding", "building": "Building", "other": "Other",
    "water_supply": "Water supply", "fallen_tree": "Fallen tree", "rescue": "Rescue",
    "dangerous_object": "Dangerous object",
}  # fmt: skip
_WORKS_STATUS = {
    "reported": "Reported", "confirmed": "Confirmed", "responding": "In progress", "controlled": "Made safe",
    "completed": "Completed", "cancelled": "Not found",
}  # fmt: skip


def works_csv(lines: Sequence[Line]) -> bytes:
    """The form `works`: as flooding, with type, lanes and words in both languages."""
    return as_csv(
        {
            "Ref. No.": line.incident.ref,
            **_times(line),
            "Type": _WORKS_TYPES[line.text("category")],
            "Description": line.text("title_en"),
            "描述": line.text("title_zh"),
            "Road closed": as_text(line.values["road_closed"]),
            "Lanes closed": line.text("lanes_closed"),
            "Status": _WORKS_STATUS[line.text("status")],
            "Release": line.text("release"),
            **_progress(line, "Est. completion"),
            "Remarks": _said(line, "text_en"),
            "備註": _said(line, "text_zh"),
        }
        for line in lines
    )


def _times(line: Line) -> dict[str, str]:
    """What both forms of works departments begin with."""
    shape = line.incident.geometry
    east, north = ("", "") if shape is None else east_north(shape.centroid.x, shape.centroid.y)
    return {
        "Reported": as_text(line.values["reported_at"]),
        "Updated": as_text(line.at),
        "District": district_name(line.values["district"]),
        "Location": line.text("location_en"),
        "地點": line.text("location_zh"),
        "Easting": east,
        "Northing": north,
    }


def _progress(line: Line, heading: str) -> dict[str, str]:
    ahead = line.values["estimated_completion_at"]
    return {"Progress %": line.text("progress_percent"), heading: as_text(ahead)}


def _said(line: Line, name: str) -> str:
    return str(line.message.get(name) or "")


def emergency_xlsx(lines: Sequence[Line]) -> bytes:
    """The form `emergency`: a workbook; times are cells of date and time in Hong Kong time, positions degrees."""
    return as_xlsx([_emergency(line) for line in lines], "Incidents")


def _emergency(line: Line) -> dict[str, object]:
    values = line.values
    middle = None if line.incident.geometry is None else line.incident.geometry.centroid
    return {
        "Incident No": line.incident.ref,
        "Call received": as_cell(values["reported_at"]),
        "Updated": as_cell(line.at),
        "Class": values["category"],
        "Nature": values["title_en"],
        "性質": values["title_zh"],
        "Address": values["location_en"],
        "地址": values["location_zh"],
        "District": values["district"],
        "Longitude": None if middle is None else round(middle.x, 7),
        "Latitude": None if middle is None else round(middle.y, 7),
        "Injured": values["injured"],
        "Trapped": values["trapped"],
        "Road closed": as_text(line.values["road_closed"]) or None,
        "Status": values["status"],
        "Release": values["release"],
        "Percent": values["progress_percent"],
        "Expected until": as_cell(values["estimated_completion_at"]),
        "Last message": line.message.get("text_en"),
        "最新消息": line.message.get("text_zh"),
    }


_COMMON = ("category", "title_en", "title_zh", "description_en", "description_zh", "location_en", "location_zh",
           "district", "status", "progress_percent", "severity", "road_closed", "lanes_closed", "release")  # fmt: skip
_COMMON_TIMES = ("reported_at", "occurred_at", "estimated_completion_at")


def common_geojson(lines: Sequence[Line]) -> bytes:
    """The form `common`: GeoJSON with times that tell their zone; the geometry may be null."""
    features = []
    for line in lines:
        told: dict[str, object] = {"ref": line.incident.ref} | {name: line.values[name] for name in _COMMON}
        for name in _COMMON_TIMES:
            at = line.values[name]
            told[name] = iso(at) if isinstance(at, datetime) else None
        told |= {"message_en": line.message.get("text_en"), "message_zh": line.message.get("text_zh")}
        shape = line.incident.geometry
        geometry = None if shape is None else orjson.loads(shapely.to_geojson(shape))
        features.append({"type": "Feature", "geometry": geometry, "properties": {**told, "updated": iso(line.at)}})
    return orjson.dumps({"type": "FeatureCollection", "features": features})


_FORMS: Mapping[str, tuple[Ending, Callable[[Sequence[Line]], bytes]]] = {
    "dsd_flooding": ("csv", flooding_csv),
    "works": ("csv", works_csv),
    "emergency": ("xlsx", emergency_xlsx),
    "common": ("geojson", common_geojson),
}
"""The forms by the beginning of their ids: the files' ending and the writer."""
