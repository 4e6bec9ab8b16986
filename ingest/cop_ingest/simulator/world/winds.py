"""Wind files as they were published: the recordings of the typhoon where they are at hand, else made up like them.

The made-up files have what was measured on the recordings: they come 8 to 21 minutes late, now and then a time is
published twice with other values, directions and values are missing, calm air has a small speed.
"""

from __future__ import annotations

import csv
import io
import math
from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path

from cop_ingest.scenario.calendar import DAY_ENDS, DAY_STARTS, hong_kong
from cop_ingest.simulator.chance import share
from cop_ingest.territory.named import Spot
from cop_ingest.territory.names_weather import WIND_STATIONS
from cop_ingest.times import HKT
from cop_ingest.wind import parse_wind, wind_files

HEADER = (
    "Date time,Automatic Weather Station,10-Minute Mean Wind Direction(Compass points),"
    "10-Minute Mean Speed(km/hour),10-Minute Maximum Gust(km/hour)"
)
_EVERY = timedelta(minutes=10)
_NEAREST = hong_kong("2025-09-24 06:30")
_WORDS = ("North", "Northwest", "North", "Northeast", "East", "Southeast", "South")


@dataclass(frozen=True, slots=True)
class File:
    """A wind file: when it was published (UTC) and its bytes."""

    at: datetime
    body: bytes


@dataclass(frozen=True)
class Winds:
    """All wind files of the day in the order of their publication. `recordings`: folder of the real ones, or None."""

    seed: int
    recordings: Path | None

    @cached_property
    def files(self) -> list[File]:
        """The files; recorded ones, with made-up ones before and after them."""
        recorded = self._recorded()
        first = recorded[0].at if recorded else DAY_ENDS + _EVERY
        last = recorded[-1].at if recorded else first
        made = [file for file in self._made() if file.at < first - _EVERY / 2 or file.at > last + _EVERY / 2]
        return sorted([*recorded, *made], key=lambda file: file.at)

    @property
    def real(self) -> bool:
        """Whether recordings are used."""
        return bool(self._recorded_files)

    def at(self, moment: datetime) -> File:
        """The newest file at a time."""
        found = bisect_right([file.at for file in self.files], moment)
        return self.files[max(0, found - 1)]

    def gust(self, moment: datetime) -> float:
        """How strong it blows over the city: the mean of the stations' gusts (km/h) in the newest file."""
        return self._gusts.get(self.at(moment).at, 0.0)

    @cached_property
    def _gusts(self) -> dict[datetime, float]:
        found: dict[datetime, float] = {}
        for file in self.files:
            rows, _ = parse_wind(file.body, file.at + timedelta(hours=1))
            gusts = [row.gust_kmh for row in rows if row.gust_kmh is not None]
            found[file.at] = sum(gusts) / len(gusts) if gusts else 0.0
        return found

    @cached_property
    def _recorded_files(self) -> list[tuple[datetime, Path]]:
        there = self.recordings is not None and any(self.recordings.glob("*.csv"))
        files = wind_files(self.recordings) if there and self.recordings is not None else []
        return [(at, path) for at, path in files if DAY_STARTS <= at <= DAY_ENDS]

    def _recorded(self) -> list[File]:
        return [File(at, path.read_bytes()) for at, path in self._recorded_files]

    def _made(self) -> list[File]:
        observed = DAY_STARTS - timedelta(hours=1)
        files = []
        while observed <= DAY_ENDS:
            late = timedelta(minutes=8 + 5 * share(self.seed, "wind late", observed))
            files.append(File(_whole(observed + late), self._body(observed, 0)))
            if share(self.seed, "wind again", observed) < 0.06:
                again = late + timedelta(minutes=4 + 4 * share(self.seed, "wind again late", observed))
                files.append(File(_whole(observed + again), self._body(observed, 1)))
            observed += _EVERY
        return files

    def _body(self, observed: datetime, version: int) -> bytes:
        text = io.StringIO()
        write = csv.writer(text, lineterminator="\n")
        stamp = observed.astimezone(HKT).strftime("%Y%m%d%H%M")
        for station in WIND_STATIONS:
            write.writerow([stamp, station.name_en, *self._values(station, observed, version)])
        # As in the recordings of 2025: a byte-order mark, and no line break at the end.
        return b"\xef\xbb\xbf" + f"{HEADER}\n{text.getvalue().rstrip()}".encode()

    def _values(self, station: Spot, observed: datetime, version: int) -> tuple[str, str, str]:
        if share(self.seed, "wind missing", station.name_en, observed) < 0.02:
            return "", "", ""
        mean, gust = self._speeds(station, observed, version)
        if mean < 3:
            return "Calm", str(mean), str(gust)
        hours = (observed - _NEAREST) / timedelta(hours=1)
        word = _WORDS[max(0, min(len(_WORDS) - 1, round(3 + hours / 5)))]
        drawn = share(self.seed, "wind direction", station.name_en, observed)
        silent = station.name_en == "Tate's Cairn" or drawn < 0.02
        return "" if silent else "Variable" if mean < 8 and drawn < 0.3 else word, str(mean), str(gust)

    def _speeds(self, station: Spot, observed: datetime, version: int) -> tuple[int, int]:
        exposure = float(station.more[0])
        nearness = math.exp(-(((observed - _NEAREST) / timedelta(hours=9)) ** 2))
        unrest = share(self.seed, "wind", station.name_en, observed, version) - 0.5
        mean = max(0, round(exposure * (16 + 62 * nearness) * (1 + 0.25 * unrest)))
        return mean, round(mean * (1.5 + 0.2 * unrest))


def _whole(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)
