"""Tables of true places: names in both languages and where they lie, one place a line."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spot:
    """A true place: names, longitude and latitude (WGS 84, good to about 300 m), and what else its line says."""

    name_en: str
    name_zh: str
    lon: float
    lat: float
    more: tuple[str, ...] = ()


def spots(table: str) -> tuple[Spot, ...]:
    """The places of a table whose lines are `English|Chinese|longitude|latitude`, with more fields behind."""
    return tuple(_spot(line) for line in table.strip().splitlines())


def _spot(line: str) -> Spot:
    name_en, name_zh, lon, lat, *more = line.split("|")
    return Spot(name_en, name_zh, float(lon), float(lat), tuple(more))
