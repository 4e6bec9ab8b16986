"""Drawers of what stands at roads and places reports: lampposts with numbers, and posts that tell the chainage."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

import numpy as np
import shapely
from shapely.geometry import LineString, Point

from cop_ingest.territory.base import Drawer, Feature, Territory, in_degrees
from cop_ingest.territory.ways import MAIN, district_roadside

_LAMPPOSTS = 12_000
_POST_M = 1000.0
# A letter for each district and one for each thousand of it.
_LETTERS = "ABCDEFGHJKLMNPRSTUVWXY"


def _lampposts(territory: Territory) -> Iterable[Feature]:
    numbers: Counter[str] = Counter()
    letters: dict[str, str] = {}
    for spot in district_roadside(territory, territory.many(_LAMPPOSTS)):
        first = letters.setdefault(spot.district, _LETTERS[len(letters)])
        count = numbers[spot.district]
        numbers[spot.district] += 1
        yield (
            {
                "lamppost_no": f"{first}{_LETTERS[count // 1000]}{1000 + count % 1000 * 9}",
                "road_en": spot.name_en,
                "road_zh": spot.name_zh,
                "district": spot.district,
            },
            Point(spot.lon, spot.lat),
        )


def _road_posts(territory: Territory) -> Iterable[Feature]:
    """A post each kilometre of every main road that is one line; half of the roads count from their other end."""
    draw = territory.draw("road_posts")
    lines: dict[tuple[str, str], list[LineString]] = defaultdict(list)
    for road in territory.ground.roads:
        if road.rank <= MAIN and road.name_en and road.name_zh:
            lines[road.name_en, road.name_zh].append(road.line)
    found: list[tuple[str, str, float, Point]] = []
    for (name_en, name_zh), parts in lines.items():
        joined = shapely.line_merge(shapely.union_all(parts)) if len(parts) > 1 else parts[0]
        backwards = draw.random() < 0.5
        if joined.geom_type == "LineString":
            line = joined.reverse() if backwards else joined
            found += [(name_en, name_zh, float(m), line.interpolate(m)) for m in np.arange(0, line.length + 1, _POST_M)]
    spots = in_degrees([spot for *_, spot in found])
    for number, ((name_en, name_zh, measure, _), spot) in enumerate(zip(found, spots, strict=True), 1):
        values = {"post_no": f"EX-P{number:04d}", "road_en": name_en, "road_zh": name_zh, "chainage_m": measure}
        yield values, spot


DRAWERS: dict[str, Drawer] = {"lampposts": _lampposts, "road_posts": _road_posts}
