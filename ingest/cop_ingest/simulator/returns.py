"""Returns: what departments without a feed report, as files in a folder, each in its department's own form.

A return holds what became known since the one before: new reports and changes of older ones, a line each. One form is
CSV with easting and northing (works departments), one a workbook (emergency services), one GeoJSON (all others).
"""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path

import orjson
import shapely
from openpyxl import Workbook

from cop_ingest import grid
from cop_ingest.simulator.clock import Clock
from cop_ingest.simulator.world.told import TRAFFIC, Incident
from cop_ingest.simulator.world.world import World
from cop_ingest.simulator.writers.text import UTF8_MARK, iso, local

CSV_FROM = frozenset({"DSD", "CEDD", "HyD", "ArchSD", "BD", "LandsD", "WSD", "EMSD"})
XLSX_FROM = frozenset({"FSD", "HKPF", "HAD", "HD", "HB-ICU", "SWD"})
"""Departments by the form of their returns; all others send GeoJSON."""
_LOOKS_S = 0.2


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a return: when it became known (UTC), the incident, all that was known of it, the last message."""

    at: datetime
    incident: Incident
    new: bool
    values: dict[str, object]
    message: dict[str, object] | None


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
        yield Line(max(changes), incident, new, values, messages[-1] if messages else None)


def write_returns(world: World, folder: Path, since: datetime, until: datetime) -> list[Path]:
    """Write the returns of a time, one file a department that has something to report; the files' paths.

    A file is called `<department>/<time>_<department>.<ending>` and appears when it is whole.
    """
    written = []
    for department, lines in groupby(reports(world, since, until), key=lambda line: line.incident.department):
        ending, form = _form(department)
        path = folder / department / f"{local(until):%Y%m%dT%H%M%S}_{department}.{ending}"
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(path.suffix + ".part")
        partial.write_bytes(form(list(lines)))
        partial.rename(path)
        written.append(path)
    return written


def _form(department: str) -> tuple[str, Callable[[list[Line]], bytes]]:
    if department in CSV_FROM:
        return "csv", works_csv
    return ("xlsx", emergency_xlsx) if department in XLSX_FROM else ("geojson", plain_geojson)


_CSV = ("Ref. No.", "Date/Time Reported", "Type", "Location", "地點", "District", "Easting", "Northing", "Description",
        "Road closed", "Status", "Progress (%)", "Est. completion", "Completed", "Remarks", "備註")  # fmt: skip


def works_csv(lines: list[Line]) -> bytes:
    """CSV with byte-order mark and CRLF; times are Hong Kong's without a zone, positions HK1980 metres."""
    text = io.StringIO()
    write = csv.writer(text, lineterminator="\r\n")
    write.writerow(_CSV)
    for line in lines:
        values, message = line.values, line.message or {}
        write.writerow([
            line.incident.ref, _written(values["reported_at"]), values["category"], values["location_en"],
            values["location_zh"], values["district"], *_east_north(line.incident), values["title_en"],
            {True: "Y", False: "N"}.get(bool(values["road_closed"])) if values["road_closed"] is not None else "",
            values["status"], _or_empty(values["progress_percent"]), _written(values["estimated_completion_at"]),
            _written(values["completed_at"]), message.get("text_en", ""), message.get("text_zh", ""),
        ])  # fmt: skip
    return UTF8_MARK + text.getvalue().encode()


_XLSX = ("Incident No", "Call received", "Nature", "Address", "地址", "District", "Latitude", "Longitude", "Injured",
         "Trapped", "Status", "Last message", "最新消息", "Updated")  # fmt: skip


def emergency_xlsx(lines: list[Line]) -> bytes:
    """A workbook with one sheet; times are cells of date and time in Hong Kong time, positions degrees."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Incidents"
    sheet.append(list(_XLSX))
    for line in lines:
        values, message = line.values, line.message or {}
        lat, lon = _lat_lon(line.incident)
        sheet.append([
            line.incident.ref, _cell(values["reported_at"]), values["title_en"], values["location_en"],
            values["location_zh"], values["district"], lat, lon, values["injured"], values["trapped"],
            values["status"], message.get("text_en"), message.get("text_zh"), _cell(line.at),
        ])  # fmt: skip
    # Without this the workbook tells when it was written, and no two were alike.
    book.properties.created = book.properties.modified = local(lines[0].at).replace(tzinfo=None)
    body = io.BytesIO()
    book.save(body)
    return body.getvalue()


_PLAIN = ("category", "title_en", "title_zh", "description_en", "description_zh", "location_en", "location_zh",
          "district", "status", "progress_percent", "severity", "road_closed", "lanes_closed")  # fmt: skip


def plain_geojson(lines: list[Line]) -> bytes:
    """GeoJSON with times that tell their zone; the geometry may be null."""
    features = []
    for line in lines:
        values, message = line.values, line.message or {}
        told: dict[str, object] = {"ref": line.incident.ref, "department": line.incident.department}
        told |= {name: values[name] for name in _PLAIN}
        for name in ("reported_at", "occurred_at", "estimated_completion_at", "completed_at"):
            at = values[name]
            told[name] = iso(at) if isinstance(at, datetime) else None
        told |= {"message_en": message.get("text_en"), "message_zh": message.get("text_zh"), "updated": iso(line.at)}
        shape = line.incident.geometry
        geometry = None if shape is None else orjson.loads(shapely.to_geojson(shape))
        features.append({"type": "Feature", "id": line.incident.ref, "geometry": geometry, "properties": told})
    return orjson.dumps({"type": "FeatureCollection", "features": features})


def _east_north(incident: Incident) -> tuple[str, str]:
    if incident.geometry is None:
        return "", ""
    middle = incident.geometry.centroid
    east, north = grid.to_east_north(middle.x, middle.y)
    return f"{east:.1f}", f"{north:.1f}"


def _lat_lon(incident: Incident) -> tuple[float | None, float | None]:
    if incident.geometry is None:
        return None, None
    middle = incident.geometry.centroid
    return round(middle.y, 6), round(middle.x, 6)


def _written(value: object) -> str:
    return local(value).strftime("%d/%m/%Y %H:%M") if isinstance(value, datetime) else ""


def _cell(value: object) -> datetime | None:
    return local(value).replace(tzinfo=None, microsecond=0) if isinstance(value, datetime) else None


def _or_empty(value: object) -> object:
    return "" if value is None else value


async def keep_returning(world: World, clock: Clock, folder: Path, every: timedelta) -> None:
    """Write the returns whenever the clock has passed an even time, until cancelled.

    The first ones hold all that was known before. Each even time has its own files, at any speed; a clock that is set
    back makes none a second time.
    """
    done = clock.begins - timedelta(days=1)
    following = clock.begins + max(timedelta(0), clock.now() - clock.begins) // every * every
    while True:
        while following <= clock.now():
            await asyncio.to_thread(write_returns, world, folder, done, following)
            done, following = following, following + every
        await asyncio.sleep(_LOOKS_S)
