"""Returns: what departments without a feed report, as files of their own forms, ready for the departments' inbox.

A return holds what became known since the one before: new reports and changes of older ones, a line each. Files lie in
`<folder>/<form>/`, as `cop inbox watch` takes them (ingest/inbox/*.yml says what each form's headings are).
"""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from itertools import groupby
from pathlib import Path

import orjson
import shapely
from openpyxl import Workbook

from cop.catalogue import catalogue
from cop.errors import SetupTrouble
from cop_ingest import grid
from cop_ingest.inbox.declared import mappings
from cop_ingest.simulator.clock import Clock
from cop_ingest.simulator.world.told import TRAFFIC, Incident
from cop_ingest.simulator.world.world import World
from cop_ingest.simulator.writers.text import UTF8_MARK, iso, local

_LOOKS_S = 0.2


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


@dataclass(frozen=True, slots=True)
class Return:
    """What a department reports of a time: the form, its lines, and the form's kind of file."""

    department: str
    form: str
    ending: str
    until: datetime
    lines: list[Line]
    write: Callable[[list[Line]], bytes]

    def body(self) -> bytes:
        """The filled form."""
        return self.write(self.lines)


def returns_of(world: World, since: datetime, until: datetime) -> Iterator[Return]:
    """The returns of a time, one a department that has something to report.

    Raises SetupTrouble where a department has no form.
    """
    for department, lines in groupby(reports(world, since, until), key=lambda line: line.incident.department):
        form = form_of(department)
        ending, write = _FORMS[next(name for name in _FORMS if form.startswith(name))]
        yield Return(department, form, ending, until, list(lines), write)


def write_returns(world: World, folder: Path, since: datetime, until: datetime) -> list[Path]:
    """Write the returns of a time as files; their paths."""
    return [write_return(folder, one) for one in returns_of(world, since, until)]


def write_return(folder: Path, one: Return) -> Path:
    """Write `<form>/<time>.<ending>`, which appears when it is whole; its path."""
    path = folder / one.form / f"{local(one.until):%Y%m%dT%H%M%S}.{one.ending}"
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(path.suffix + ".part")
    partial.write_bytes(one.body())
    partial.rename(path)
    return path


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


def flooding_csv(lines: list[Line]) -> bytes:
    """The form `dsd_flooding`: CSV, Hong Kong times with the day first, positions in HK1980 metres."""
    return _csv(
        {
            "Case No.": line.incident.ref,
            **_times(line),
            "Depth": _DEPTHS.get(line.text("severity"), ""),
            "Road closed": _yes_no(line),
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


def works_csv(lines: list[Line]) -> bytes:
    """The form `works`: as flooding, with type, lanes and words in both languages."""
    return _csv(
        {
            "Ref. No.": line.incident.ref,
            **_times(line),
            "Type": _WORKS_TYPES[line.text("category")],
            "Description": line.text("title_en"),
            "描述": line.text("title_zh"),
            "Road closed": _yes_no(line),
            "Lanes closed": line.text("lanes_closed"),
            "Status": _WORKS_STATUS[line.text("status")],
            "Release": line.text("release"),
            **_progress(line, "Est. completion"),
            "Remarks": _said(line, "text_en"),
            "備註": _said(line, "text_zh"),
        }
        for line in lines
    )


def _csv(rows: Iterator[dict[str, str]]) -> bytes:
    """With byte-order mark and CRLF."""
    listed = list(rows)
    text = io.StringIO()
    write = csv.DictWriter(text, list(listed[0]), lineterminator="\r\n")
    write.writeheader()
    write.writerows(listed)
    return UTF8_MARK + text.getvalue().encode()


def _times(line: Line) -> dict[str, str]:
    """What both forms of works departments begin with."""
    east, north = _east_north(line.incident)
    return {
        "Reported": _day_first(line.values["reported_at"]),
        "Updated": _day_first(line.at),
        "District": catalogue().codes["districts"][line.text("district")].en,
        "Location": line.text("location_en"),
        "地點": line.text("location_zh"),
        "Easting": east,
        "Northing": north,
    }


def _progress(line: Line, heading: str) -> dict[str, str]:
    ahead = line.values["estimated_completion_at"]
    return {"Progress %": line.text("progress_percent"), heading: _day_first(ahead)}


def _said(line: Line, name: str) -> str:
    return str(line.message.get(name) or "")


def _yes_no(line: Line) -> str:
    closed = line.values["road_closed"]
    return "" if closed is None else "Y" if closed else "N"


def _day_first(value: object) -> str:
    return local(value).strftime("%d/%m/%Y %H:%M:%S") if isinstance(value, datetime) else ""


def emergency_xlsx(lines: list[Line]) -> bytes:
    """The form `emergency`: a workbook; times are cells of date and time in Hong Kong time, positions degrees."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Incidents"
    rows = [_emergency(line) for line in lines]
    sheet.append(list(rows[0]))
    for row in rows:
        sheet.append(list(row.values()))
    body = io.BytesIO()
    book.save(body)
    return body.getvalue()


def _emergency(line: Line) -> dict[str, object]:
    values = line.values
    middle = None if line.incident.geometry is None else line.incident.geometry.centroid
    return {
        "Incident No": line.incident.ref,
        "Call received": _cell(values["reported_at"]),
        "Updated": _cell(line.at),
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
        "Road closed": _yes_no(line) or None,
        "Status": values["status"],
        "Release": values["release"],
        "Percent": values["progress_percent"],
        "Expected until": _cell(values["estimated_completion_at"]),
        "Last message": line.message.get("text_en"),
        "最新消息": line.message.get("text_zh"),
    }


def _cell(value: object) -> datetime | None:
    return local(value).replace(tzinfo=None, microsecond=0) if isinstance(value, datetime) else None


_COMMON = ("category", "title_en", "title_zh", "description_en", "description_zh", "location_en", "location_zh",
           "district", "status", "progress_percent", "severity", "road_closed", "lanes_closed", "release")  # fmt: skip
_COMMON_TIMES = ("reported_at", "occurred_at", "estimated_completion_at")


def common_geojson(lines: list[Line]) -> bytes:
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


def _east_north(incident: Incident) -> tuple[str, str]:
    if incident.geometry is None:
        return "", ""
    middle = incident.geometry.centroid
    east, north = grid.to_east_north(middle.x, middle.y)
    return f"{east:.2f}", f"{north:.2f}"


_FORMS: dict[str, tuple[str, Callable[[list[Line]], bytes]]] = {
    "dsd_flooding": ("csv", flooding_csv),
    "works": ("csv", works_csv),
    "emergency": ("xlsx", emergency_xlsx),
    "common": ("geojson", common_geojson),
}
"""The forms by the beginning of their ids: the files' ending and the writer."""


async def keep_returning(
    world: World, clock: Clock, way: Path | Callable[[Return], object], every: timedelta, since: datetime | None = None
) -> None:
    """Send the returns, into a folder or another way, whenever the clock has passed an even time, until cancelled.

    The first ones hold all that became known after `since`, or before at all. Each even time has its own files, at any
    speed; a clock that is set back makes none a second time.
    """
    done = since or clock.begins - timedelta(days=1)
    following = clock.begins + max(timedelta(0), clock.now() - clock.begins) // every * every
    while True:
        while following <= clock.now():
            await asyncio.to_thread(_send_returns, world, way, done, following)
            done, following = following, following + every
        await asyncio.sleep(_LOOKS_S)


def _send_returns(world: World, way: Path | Callable[[Return], object], since: datetime, until: datetime) -> None:
    for one in returns_of(world, since, until):
        if isinstance(way, Path):
            write_return(way, one)
        else:
            way(one)
