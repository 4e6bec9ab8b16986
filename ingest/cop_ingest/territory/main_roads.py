"""True main roads, tunnels and bridges: names in both languages and the courses they take, by hand.

Positions are longitude, latitude (WGS 84), good to some 300 m: they say where a road goes, not where its lanes are.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cop_ingest.territory.limits import LonLat, pairs


@dataclass(frozen=True, slots=True)
class MainRoad:
    """A main road: `rank` 1 for expressways, 2 for trunk roads, 3 for district roads; `structure` or empty."""

    rank: int
    structure: str
    name_en: str
    name_zh: str
    course: tuple[LonLat, ...]


_TABLE = (Path(__file__).parent / "data" / "main_roads.txt").read_text(encoding="utf-8")


def _road(line: str) -> MainRoad:
    rank, structure, name_en, name_zh, course = line.split("|")
    return MainRoad(int(rank), structure, name_en, name_zh, tuple(pairs(course)))


MAIN_ROADS: tuple[MainRoad, ...] = tuple(_road(line) for line in _TABLE.strip().splitlines())
