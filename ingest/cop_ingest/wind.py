"""HKO's 10-minute mean wind and gust: one CSV every ten minutes, stations by name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cop.catalogue.models import Layer
from cop.errors import LoadRefused
from cop_ingest.records import Record, Refusal, id_from_value, refuse
from cop_ingest.texts import decode, matching_form, read_table, tidy
from cop_ingest.times import read_time

_HEADER = ("date time", "automatic weather station", "mean wind direction", "mean speed", "maximum gust")
_MISSING = frozenset({"", "n/a", "m", "////", "--", "-", "***"})
_POINTS = (
    "north", "north-northeast", "northeast", "east-northeast", "east", "east-southeast", "southeast",
    "south-southeast", "south", "south-southwest", "southwest", "west-southwest", "west", "west-northwest",
    "northwest", "north-northwest",
)  # fmt: skip
_DEGREES = {point.replace("-", ""): 22.5 * number for number, point in enumerate(_POINTS)}
_FILE_TIME = re.compile(r"(\d{8}-\d{4})(?!\d)")


@dataclass(frozen=True, slots=True)
class WindRow:
    """What one station reported for one time.

    `direction` is the wind's origin as published, `direction_deg` its degrees from north (None for Variable,
    Calm and unknown words); speeds are km/h; both times are UTC, `published_at` that of the download.
    """

    station: str
    observed_at: datetime
    direction: str | None
    direction_deg: float | None
    mean_kmh: float | None
    gust_kmh: float | None
    published_at: datetime


def wind_files(folder: Path) -> list[tuple[datetime, Path]]:
    """The recordings in a folder with their time of download in UTC, in that order.

    The time is in the name, `YYYYMMDD-HHMM…csv`, in Hong Kong time. Raises LoadRefused where there is none.
    """
    files = []
    for path in folder.glob("*.csv"):
        named = _FILE_TIME.search(path.name)
        if named:
            files.append((_download_time(named[1], path.name), path))
    if not files:
        raise LoadRefused(f"{folder.name}: no wind recording; wanted files called YYYYMMDD-HHMM….csv in {folder}")
    return sorted(files, key=lambda file: (file[0], file[1].name))


def _download_time(text: str, name: str) -> datetime:
    try:
        return read_time(text)
    except ValueError as exc:
        raise LoadRefused(f"{name}: the name begins with no time of download YYYYMMDD-HHMM: {exc}") from exc


def parse_wind(body: bytes, published_at: datetime, name: str = "wind CSV") -> tuple[list[WindRow], list[Refusal]]:
    """The rows of one file and those refused.

    Knows files with and without byte-order mark, missing values as empty fields or `N/A`, and a direction
    missing beside a speed. Real files end without a line break, so a last number that lost its last digits
    cannot be told from a whole one. Raises LoadRefused where the header is not that of the feed.
    """
    table = read_table(decode(body, name), name)
    if len(table.header) != len(_HEADER) or not all(
        wanted in found.lower() for wanted, found in zip(_HEADER, table.header, strict=True)
    ):
        raise LoadRefused(f"{name}: the header is {', '.join(table.header)[:200]}; wanted {', '.join(_HEADER)}")
    rows: list[WindRow] = []
    refusals: list[Refusal] = []
    for ordinal, cells in enumerate((cells for _, cells in table.rows), 1):
        try:
            rows.append(_row(cells, published_at))
        except ValueError as exc:
            refusals.append(refuse(ordinal, str(exc), ",".join(cells)))
    return rows, refusals


def _row(cells: list[str], published_at: datetime) -> WindRow:
    if len(cells) != len(_HEADER):
        raise ValueError(f"found {len(cells)} fields, wanted {len(_HEADER)}")
    when, station, direction, mean, gust = cells
    if not re.fullmatch(r"\d{12}", when):
        raise ValueError(f"found the time {when!r}, wanted YYYYMMDDHHmm")
    observed_at = read_time(when)
    if observed_at > published_at:
        raise ValueError(f"the time {when} is after the file was published, {published_at.isoformat()}")
    if not id_from_value(station):
        raise ValueError("there is no station")
    words = None if direction.lower() in _MISSING else direction
    return WindRow(
        station=tidy(station) or station,
        observed_at=observed_at,
        direction=words,
        direction_deg=compass_degrees(words),
        mean_kmh=_speed("mean speed", mean),
        gust_kmh=_speed("gust", gust),
        published_at=published_at,
    )


def compass_degrees(direction: str | None) -> float | None:
    """Degrees from north of a compass point in words; None for Variable, Calm and words not known."""
    if direction is None:
        return None
    return _DEGREES.get(re.sub(r"[^a-z]", "", matching_form(direction)))


def _speed(what: str, text: str) -> float | None:
    if text.lower() in _MISSING:
        return None
    # float() would take "nan", "inf" and "1e3"; a gust of up to 400 km/h is the strongest ever measured.
    if not re.fullmatch(r"\d{1,3}(\.\d+)?", text, re.ASCII) or float(text) > 450:
        raise ValueError(f"{what}: found {text!r}, wanted 0 to 450 km/h or nothing")
    return float(text)


def newest_rows(rows: Iterable[WindRow]) -> list[WindRow]:
    """One row a station and time, that of the newest file; in the order of time, then station.

    HKO sometimes publishes a time twice with other values. The order in which rows are given decides only
    between files of the same minute.
    """
    newest: dict[tuple[str, datetime], WindRow] = {}
    for row in rows:
        key = (row.station, row.observed_at)
        if key not in newest or row.published_at >= newest[key].published_at:
            newest[key] = row
    return sorted(newest.values(), key=lambda row: (row.observed_at, row.station))


def latest_records(layer: Layer, rows: Iterable[WindRow], stations: Mapping[str, Record]) -> list[Record]:
    """The latest row of each station as records of the layer wind_10min, in the order of stations' names.

    `stations` are the weather stations' records by their English name; a station that is not among them has
    no Chinese name and no position, and a remark says so.
    """
    latest = {row.station: row for row in newest_rows(rows)}
    return [_latest_record(layer, latest[name], stations.get(name)) for name in sorted(latest)]


def _latest_record(layer: Layer, row: WindRow, station: Record | None) -> Record:
    known: dict[str, object] = {
        "station_en": row.station,
        "station_zh": station.properties.get("name_zh") if station else None,
        "observed_at": row.observed_at,
        "direction": row.direction,
        "direction_deg": row.direction_deg,
        "mean_kmh": row.mean_kmh,
        "gust_kmh": row.gust_kmh,
    }
    properties = {column.name: known[column.name] for column in layer.columns if column.derived is None}
    remarks = () if station else (f"no position: {row.station} is not among the weather stations",)
    return Record(id_from_value(row.station), properties, station.geometry if station else None, remarks)
