"""Tropical cyclones' best tracks of RSMC Tokyo (Japan Meteorological Agency): fixed columns, times in UTC.

The format is that of JMA's "RSMC Best Track Data (Text)". A header line begins with 66666 and names the cyclone and
the number of positions that follow; a position gives its time as YYMMDDHH, a grade, latitude and longitude in tenths
of a degree without sign (north, and east up to 360), the central pressure and the 10-minute wind in knots.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import shapely
from shapely import affinity
from shapely.geometry import LineString, MultiLineString, Point, box
from shapely.geometry.base import BaseGeometry

from cop.catalogue.models import Layer
from cop.errors import LoadRefused
from cop_ingest import grid
from cop_ingest.geometry import to_wkb
from cop_ingest.records import Parsed, Record, Refusal, refuse
from cop_ingest.texts import decode
from cop_ingest.vector import feature_id

KMH_PER_KNOT = 1.852

_HEADER = "66666"
_POSITION = re.compile(r"(\d{8}) \d{3} (\d) ([ \d]{3}) ([ \d]{4}) ([ \d]{4})(?: {5}([ \d]{3}))?")
# From weak to strong; 6 (extratropical) and 7 (entering the region) say nothing of strength.
_STRENGTH = {"7": 0, "6": 1, "2": 2, "9": 3, "3": 4, "4": 5, "5": 6}


@dataclass(frozen=True, slots=True)
class Fix:
    """One position: time (UTC), grade, degrees, hPa, and the wind in knots or None where it was not analysed."""

    at: datetime
    grade: str
    lon: float
    lat: float
    pressure: int | None
    wind: int | None

    @property
    def wind_kmh(self) -> float | None:
        """The wind in km/h, to a tenth."""
        return None if self.wind is None else round(self.wind * KMH_PER_KNOT, 1)


@dataclass(frozen=True, slots=True)
class Cyclone:
    """One cyclone: international number (YYNN), name, the line of its header, and its positions in order."""

    number: str
    name: str
    line: int
    fixes: tuple[Fix, ...]


def read_tracks(layer: Layer, path: Path) -> Parsed:
    """One record a cyclone: its line from fix to fix, cut at the date line, and its extremes.

    Raises LoadRefused where the file is none of this format or breaks off.
    """
    return _read(layer, path, _track)


def read_track_points(layer: Layer, path: Path) -> Parsed:
    """One record a position of each cyclone, with the number and name of its track.

    Raises LoadRefused where the file is none of this format or breaks off.
    """
    return _read(layer, path, _points)


def _read(layer: Layer, path: Path, records: object) -> Parsed:
    assert callable(records)
    parsed = Parsed()
    cyclones, refusals = parse_tracks(_text(path), path.name)
    parsed.refusals.extend(refusals)
    for cyclone in cyclones:
        try:
            parsed.records.extend(records(layer, cyclone))
        except ValueError as exc:
            parsed.refusals.append(refuse(cyclone.line, f"cyclone {cyclone.number}: {exc}", cyclone.name))
    return parsed


def _text(path: Path) -> str:
    try:
        if path.suffix.lower() != ".zip":
            return decode(path.read_bytes(), path.name)
        with zipfile.ZipFile(path) as archive:
            name = next((name for name in archive.namelist() if name.lower().endswith(".txt")), None)
            if name is None:
                raise LoadRefused(f"{path.name}: holds {', '.join(archive.namelist()[:5])}; wanted a .txt file")
            return decode(archive.read(name), name)
    except (zipfile.BadZipFile, OSError) as exc:
        raise LoadRefused(f"{path.name}: cannot be read ({exc}); fetch the file again") from exc


def parse_tracks(text: str, name: str) -> tuple[list[Cyclone], list[Refusal]]:
    """All cyclones of a file, and the positions that were refused with their line and reason.

    Raises LoadRefused where there is no header, or a cyclone has fewer lines than its header says: the file was cut.
    """
    lines = text.splitlines()
    cyclones: list[Cyclone] = []
    refusals: list[Refusal] = []
    place = 0
    while place < len(lines):
        if not lines[place].strip():
            place += 1
            continue
        number, title, count = _header(lines[place], place + 1, name)
        below = lines[place + 1 : place + 1 + count]
        if len(below) < count or any(line.startswith(_HEADER) for line in below):
            raise LoadRefused(
                f"{name}: line {place + 1}: cyclone {number} promises {count} positions and has fewer; "
                "the file is cut: fetch it again"
            )
        fixes = []
        for line_number, line in enumerate(below, place + 2):
            try:
                fixes.append(_fix(line))
            except ValueError as exc:
                refusals.append(refuse(line_number, f"cyclone {number}: {exc}", line))
        cyclones.append(Cyclone(number, title, place + 1, tuple(fixes)))
        place += 1 + count
    if not cyclones:
        raise LoadRefused(f"{name}: is empty; wanted a best track file that begins with {_HEADER}")
    return cyclones, refusals


def _header(line: str, number: int, name: str) -> tuple[str, str, int]:
    if not (line.startswith(_HEADER) and line[6:10].isdigit() and line[12:15].strip().isdigit()):
        raise LoadRefused(f"{name}: line {number}: found {line[:40]!r}, wanted a header that begins with {_HEADER}")
    return line[6:10], line[30:50].strip().title(), int(line[12:15])


def _fix(line: str) -> Fix:
    found = _POSITION.match(line)
    if found is None:
        raise ValueError(f"found {line[:40]!r}, wanted time, grade, position, pressure and wind in fixed columns")
    at, grade, lat, lon, pressure, wind = found.groups(default="")
    if grade not in _STRENGTH:
        raise ValueError(f"grade: found {grade}, wanted one of {', '.join(sorted(_STRENGTH))}")
    return Fix(
        _time(at), grade, int(lon) / 10, int(lat) / 10, int(pressure or 0) or None, int(wind.strip() or 0) or None
    )


def _time(text: str) -> datetime:
    # Two digits of the year; the series begins in 1951.
    century = 1900 if int(text[:2]) >= 51 else 2000
    try:
        return datetime(century + int(text[:2]), int(text[2:4]), int(text[4:6]), int(text[6:8]), tzinfo=UTC)
    except ValueError as exc:
        raise ValueError(f"time: found {text!r}, wanted YYMMDDHH ({exc})") from None


def _track(layer: Layer, cyclone: Cyclone) -> Iterator[Record]:
    fixes = cyclone.fixes
    if len(fixes) < 2:
        raise ValueError(f"found {len(fixes)} positions, wanted at least two for a line")
    winds = [fix.wind for fix in fixes if fix.wind is not None]
    strongest = max(winds, default=None)
    known: dict[str, object] = {
        "number": cyclone.number,
        "name_en": cyclone.name or None,
        "season": fixes[0].at.year,
        "started_at": fixes[0].at,
        "ended_at": fixes[-1].at,
        "highest_grade": max((fix.grade for fix in fixes), key=_STRENGTH.__getitem__),
        "max_wind_kt": strongest,
        "max_wind_kmh": None if strongest is None else round(strongest * KMH_PER_KNOT, 1),
        "min_pressure_hpa": min((fix.pressure for fix in fixes if fix.pressure is not None), default=None),
        "positions": len(fixes),
    }
    yield _record(layer, known, _line(fixes))


def _points(layer: Layer, cyclone: Cyclone) -> Iterator[Record]:
    for fix in cyclone.fixes:
        known: dict[str, object] = {
            "number": cyclone.number,
            "name_en": cyclone.name or None,
            "at": fix.at,
            "grade": fix.grade,
            "pressure_hpa": fix.pressure,
            "wind_kt": fix.wind,
            "wind_kmh": fix.wind_kmh,
        }
        yield _record(layer, known, Point(fix.lon - 360 if fix.lon > 180 else fix.lon, fix.lat))


def _record(layer: Layer, known: dict[str, object], geometry: BaseGeometry) -> Record:
    if layer.source.extent is not None:
        grid.within_extent(geometry.bounds, layer.source.extent)
    properties = {column.name: known.get(column.name) for column in layer.columns}
    return Record(feature_id(layer, properties, geometry), properties, to_wkb(geometry))


def _line(fixes: tuple[Fix, ...]) -> MultiLineString:
    """The track in longitudes up to 180; what lies east of the date line is a part of its own, west of Greenwich."""
    whole = LineString([(fix.lon, fix.lat) for fix in fixes])
    west = shapely.intersection(whole, box(0, -90, 180, 90))
    east = affinity.translate(shapely.intersection(whole, box(180, -90, 360, 90)), xoff=-360)
    parts = [part for half in (west, east) for part in shapely.get_parts(half)]
    return MultiLineString([part for part in parts if part.geom_type == "LineString" and not part.is_empty])
