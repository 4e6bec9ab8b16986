"""Replay: kept payloads served again in the order of their times, at any speed.

A folder of files whose names begin with the time of download, `YYYYMMDD-HHMM…` or `YYYYMMDDTHHMMSS…` in Hong Kong
time, is one address' past. Beneath a folder to replay each such folder is called as its address, `host/path`,
with `?name=value` behind it where a parameter tells one feed from another; the folder itself may be one, its address
told beside it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qsl

from cop.errors import LoadRefused
from cop_ingest.simulator.endpoints import CSV, JSON, XML, Asked, Endpoint
from cop_ingest.simulator.world.world import World
from cop_ingest.times import HKT

_NAMED = re.compile(r"(\d{8})[-T](\d{4})(\d{2})?(?!\d)")
_MEDIA = {".csv": CSV, ".json": JSON, ".geojson": JSON, ".xml": XML}


@dataclass(frozen=True, slots=True)
class Kept:
    """A kept payload: when it was fetched (UTC), what it is called, and how it is read; None: it is kept no more."""

    at: datetime
    name: str
    read: Callable[[], bytes | None]


@dataclass(frozen=True, slots=True)
class Series:
    """One address' payloads in their order; `query` are the parameters that must be so."""

    host: str
    path: str
    query: Mapping[str, str]
    kept: list[Kept]

    def endpoint(self) -> Endpoint:
        """It as an address of the simulator; 404 before its first payload."""
        times = [one.at for one in self.kept]

        def published(_: World, at: datetime) -> datetime:
            return times[max(0, bisect_right(times, at) - 1)]

        def write(_: World, at: datetime, __: Asked) -> bytes | None:
            found = bisect_right(times, at)
            return self.kept[found - 1].read() if found else None

        media = _MEDIA.get(Path(self.kept[0].name).suffix.lower(), "application/octet-stream")
        return Endpoint("replay", self.host, re.escape(self.path), media, published, write, self.query)


def series_in(folder: Path, address: str | None = None) -> list[Series]:
    """The series beneath a folder, or the folder itself as that of an address `host/path`.

    Raises LoadRefused where there is none, where the address of one is not told, or a name holds no real time.
    """
    if address is not None:
        return [_series(folder, address)]
    found = [
        _series(inner, str(inner.relative_to(folder)))
        for inner in sorted(path for path in folder.rglob("*") if path.is_dir())
        if any(_NAMED.match(file.name) for file in inner.iterdir())
    ]
    if not found:
        raise LoadRefused(
            f"{folder.name}: no series; wanted folders called host/path with files called YYYYMMDD-HHMM…, "
            "or tell the address of this folder's files"
        )
    return found


def _series(folder: Path, address: str) -> Series:
    host, _, rest = address.partition("/")
    path, _, query = rest.partition("?")
    if not path:
        raise LoadRefused(f"{address}: is no address; wanted host/path, as in data.weather.gov.hk/…/latest.csv")
    named = [(_NAMED.match(file.name), file) for file in folder.iterdir() if file.is_file()]
    kept = [Kept(_time(found, file), file.name, file.read_bytes) for found, file in named if found is not None]
    if not kept:
        raise LoadRefused(f"{folder.name}: no payload; wanted files called YYYYMMDD-HHMM…")
    return Series(host, path, dict(parse_qsl(query)), sorted(kept, key=lambda one: (one.at, one.name)))


def _time(found: re.Match[str], file: Path) -> datetime:
    day, minute, second = found.groups()
    try:
        at = datetime.strptime(f"{day}{minute}{second or '00'}", "%Y%m%d%H%M%S")
    except ValueError as exc:
        raise LoadRefused(f"{file.name}: the name begins with no real time: {exc}") from exc
    return at.replace(tzinfo=HKT).astimezone(UTC)


def span(series: list[Series]) -> tuple[datetime, datetime]:
    """The first and the last time of all of them."""
    times = [one.at for each in series for one in each.kept]
    return min(times), max(times)
