"""True names of local streets by area: English and Chinese, for the streets that are drawn there.

A street of the territory bears the name of a street of its own area; it does not lie where that street lies.
"""

from __future__ import annotations

from pathlib import Path

_TABLE = (Path(__file__).parent / "data" / "streets.txt").read_text(encoding="utf-8")


def _streets(line: str) -> tuple[str, list[tuple[str, str]]]:
    area, names = line.split("|")
    listed = [name.rsplit(",", 1) for name in names.split(";")]
    return area, [(name_en, name_zh) for name_en, name_zh in listed]


STREETS: dict[str, list[tuple[str, str]]] = dict(_streets(line) for line in _TABLE.strip().splitlines())
"""English name of an area of places.PLACES to the names of its streets, English and Chinese."""
