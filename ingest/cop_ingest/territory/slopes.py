"""Drawers of man-made slopes, natural terrain landslides, past landslides, barriers, boreholes: where it is steep."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import LineString

from cop_ingest.territory.base import Drawer, Feature, Floats, Shapes, Territory, in_degrees, points
from cop_ingest.territory.flow import fall_lines
from cop_ingest.territory.ground import Ground
from cop_ingest.territory.packing import apart, off_roads

SLOPES = 60_000
_CROWNS = 12_000
_INCIDENTS = 4_000
_BARRIERS = 250
_BOREHOLES = 12_000
_LEAST_DEGREES = 16.0
_TYPES = ("C", "F", "R", "CR", "FR", "DT")
_TYPE_ODDS = (0.47, 0.19, 0.13, 0.13, 0.06, 0.02)
_CORNERS = 8
_ROOM_M = 27.0

_SHEET_EAST, _SHEET_NORTH = 15_000, 12_000
_QUARTERS = np.array([["NW", "NE"], ["SW", "SE"]])
_EIGHTHS = np.array([["A", "B"], ["C", "D"]])


def sheets(east_north: Floats) -> NDArray[np.str_]:
    """The slope register's map sheet at positions (EPSG:2326), such as `11SW-A`.

    Sheets of 15 by 12 km are numbered 1 to 16 by rows from the north-west (800000 E, 848000 N), each with four
    quarters by compass, and each of these with four parts A to D.
    """
    east = (east_north[:, 0] - 800_000) / _SHEET_EAST
    south = (848_000 - east_north[:, 1]) / _SHEET_NORTH
    east, south = np.clip(east, 0, 3.999), np.clip(south, 0, 3.999)
    number = (np.floor(south) * 4 + np.floor(east) + 1).astype(int).astype(str)
    quarter = _QUARTERS[np.floor(south % 1 * 2).astype(int), np.floor(east % 1 * 2).astype(int)]
    part = _EIGHTHS[np.floor(south % 0.5 * 4).astype(int), np.floor(east % 0.5 * 4).astype(int)]
    return np.asarray(np.char.add(np.char.add(np.char.add(number, quarter), "-"), part))


@dataclass(frozen=True, eq=False)
class _Slopes:
    """Slopes as shapes (EPSG:2326), their middles, and the length along the contour, depth and steepness of each."""

    shapes: Shapes
    middles: Floats
    lengths: Floats
    depths: Floats
    degrees: Floats


@lru_cache(maxsize=2)
def _cut(territory: Territory) -> _Slopes:
    ground, chance = territory.ground, territory.numbers("slopes")
    wanted = territory.many(SLOPES)
    middles = _steep_by_roads(ground, chance, wanted)
    count = len(middles)
    lengths, depths = chance.uniform(11, 34, count), chance.uniform(6, 15, count)
    down = ground.downhill(middles[:, 0], middles[:, 1])
    shapes = _blobs(middles, down, lengths, depths, chance)
    fit = shapely.contains(ground.land_metres, shapes) & off_roads(ground, shapes, 3.5)
    fit &= ~shapely.intersects(ground.water, shapes)
    fit[fit] = apart(shapes[fit])
    kept = np.nonzero(fit)[0][:wanted]
    at = middles[kept]
    degrees = ground.steepness(at[:, 0], at[:, 1])
    return _Slopes(shapes[kept], at, lengths[kept], depths[kept], degrees)


def _steep_by_roads(ground: Ground, chance: np.random.Generator, wanted: int) -> Floats:
    """Positions on steep ground beside roads, one in a square of _ROOM_M at most, about twice as many as wanted.

    The nearer to a road, the likelier; where steep ground by roads is scarce, farther ones come in too.
    """
    pieces = ground.open_pieces
    weights = np.hypot(*(pieces[:, 1] - pieces[:, 0]).T)
    weights /= weights.sum()
    found = np.empty((0, 2))
    for reach in (22.0, 45.0, 90.0, 150.0, 220.0, 320.0, 450.0, 650.0, 900.0, 1300.0):
        chosen = pieces[chance.choice(len(pieces), size=max(4000, wanted * 5), p=weights)]
        at = chosen[:, 0] + (chosen[:, 1] - chosen[:, 0]) * chance.random((len(chosen), 1))
        angle = chance.uniform(0, 2 * np.pi, len(at))
        at += (6 + chance.gamma(1.5, reach / 1.5, len(at)))[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
        at = at[(ground.steepness(at[:, 0], at[:, 1]) > _LEAST_DEGREES) & ground.dry(at, 25.0)]
        found = np.vstack([found, at])
        _, first = np.unique(np.floor(found / _ROOM_M), axis=0, return_index=True)
        found = found[np.sort(first)]
        if len(found) > 2.3 * wanted + 300:
            break
    return found


def _blobs(at: Floats, down: Floats, lengths: Floats, depths: Floats, chance: np.random.Generator) -> Shapes:
    """Eight-cornered shapes, long along the contour and short down the fall."""
    angles = np.arange(_CORNERS) * 2 * np.pi / _CORNERS
    wobble = chance.uniform(0.78, 1.12, (len(at), _CORNERS))
    along = np.column_stack([-down[:, 1], down[:, 0]])
    ring = at[:, None, :] + (
        (np.cos(angles) * wobble * lengths[:, None] / 2)[:, :, None] * along[:, None, :]
        + (np.sin(angles) * wobble * depths[:, None] / 2)[:, :, None] * down[:, None, :]
    )
    found: Shapes = shapely.polygons(np.round(ring, 2))
    return found


def _slopes(territory: Territory) -> Iterable[Feature]:
    ground, cut = territory.ground, _cut(territory)
    chance = territory.numbers("slopes/facts")
    count = len(cut.shapes)
    types = chance.choice(_TYPES, size=count, p=_TYPE_ODDS)
    crowd = ground.crowd(cut.middles)
    risk = crowd / 60 + chance.exponential(0.6, count)
    grade = np.where(risk > 2.2, "1", np.where(risk > 0.8, "2", "3"))
    owner = chance.choice(
        ("LandsD", "HyD", "HD", "ArchSD", "WSD", "private"), size=count, p=(0.34, 0.2, 0.06, 0.07, 0.05, 0.28)
    )
    made = chance.integers(1935, 2024, count)
    sheet, districts = sheets(cut.middles), ground.codes_at(cut.middles)
    roads = ground.nearest_roads(cut.middles)
    counted: Counter[tuple[str, str]] = Counter()
    for number, shape in enumerate(in_degrees(cut.shapes)):
        kind = str(types[number])
        counted[str(sheet[number]), kind] += 1
        road = ground.roads[int(roads[number])]
        height = round(float(cut.depths[number] * np.tan(np.radians(min(70, cut.degrees[number] + 25)))), 1)
        yield (
            {
                "slope_no": f"{sheet[number]}/{kind}{counted[str(sheet[number]), kind]}",
                "slope_type": kind,
                "consequence": str(grade[number]),
                "height_m": height,
                "length_m": round(float(cut.lengths[number]), 1),
                "angle_deg": round(min(80.0, float(cut.degrees[number]) + 25), 0),
                "formed_before_1977": bool(made[number] < 1977),
                "maintained_by": str(owner[number]),
                "road_en": road.name_en,
                "road_zh": road.name_zh,
                "district": str(districts[number]) or None,
            },
            shape,
        )


@lru_cache(maxsize=2)
def _natural(territory: Territory) -> tuple[Floats, list[Floats], NDArray[np.int_]]:
    """Crowns of landslides on steep natural terrain, their trails down the fall, and the years seen on photographs."""
    ground, chance = territory.ground, territory.numbers("entli")
    wild = ground.mask & (ground.people < 2) & (ground.steep > 24)
    cells = ground.middles(wild)
    wanted = min(territory.many(_CROWNS), len(cells))
    weights = (ground.steep[wild] - 20) ** 1.5
    chosen = chance.choice(len(cells), size=wanted, replace=False, p=weights / weights.sum())
    crowns = np.round(cells[chosen] + chance.uniform(-30, 30, (wanted, 2)), 1)
    crowns = crowns[ground.dry(crowns, 25.0) & (ground.steepness(crowns[:, 0], crowns[:, 1]) > 20)]
    # A landslide runs 30 to 150 m: so many steps of 12 m.
    reach = chance.integers(4, 13, len(crowns))
    trails = [run[:most] for run, most in zip(fall_lines(ground, crowns, 12.0, 13), reach, strict=True)]
    return (
        crowns,
        trails,
        chance.choice([1924, 1945, 1963, 1973, 1982, 1993, 1999, 2005, 2008, 2013, 2020, 2023], len(crowns)),
    )


def _crowns(territory: Territory) -> Iterable[Feature]:
    crowns, _, years = _natural(territory)
    chance = territory.numbers("entli/facts")
    degrees = territory.ground.steepness(crowns[:, 0], crowns[:, 1])
    widths, kinds = chance.uniform(4, 22, len(crowns)), chance.random(len(crowns))
    numbers = _landslide_numbers(crowns)
    for place, spot in enumerate(points(crowns)):
        yield (
            {
                "landslide_no": numbers[place],
                "kind": "relict" if years[place] < 1930 or kinds[place] < 0.3 else "recent",
                "first_seen": int(years[place]),
                "slope_deg": round(float(degrees[place]), 1),
                "width_m": round(float(widths[place]), 1),
            },
            spot,
        )


def _trails(territory: Territory) -> Iterable[Feature]:
    crowns, trails, years = _natural(territory)
    numbers = _landslide_numbers(crowns)
    long = [place for place, trail in enumerate(trails) if len(trail) > 1]
    lines = [LineString(np.round(trails[place], 1)) for place in long]
    for place, metres, line in zip(long, lines, in_degrees(lines), strict=True):
        yield (
            {
                "landslide_no": numbers[place],
                "first_seen": int(years[place]),
                "length_m": round(metres.length, 1),
            },
            line,
        )


def _landslide_numbers(crowns: Floats) -> list[str]:
    counted: Counter[str] = Counter()
    numbers = []
    for sheet in sheets(crowns):
        quarter = str(sheet).replace("-", "")
        counted[quarter] += 1
        numbers.append(f"{quarter}{counted[quarter]:04d}E")
    return numbers


def _incidents(territory: Territory) -> Iterable[Feature]:
    """Past landslides at slopes: more of them on the steeper ones, most in June to September."""
    ground, cut = territory.ground, _cut(territory)
    chance = territory.numbers("landslide_incidents")
    wanted = min(territory.many(_INCIDENTS), len(cut.shapes))
    weights = cut.degrees**2
    chosen = chance.choice(len(cut.shapes), size=wanted, replace=False, p=weights / weights.sum())
    at = cut.middles[chosen]
    days = np.clip(chance.normal(200, 42, wanted), 1, 365).astype(int)
    years = chance.integers(1985, 2025, wanted)
    volumes = np.ceil(chance.lognormal(1.9, 1.4, wanted))
    order = np.lexsort((days, years))
    roads, districts = ground.nearest_roads(at), ground.codes_at(at)
    counted: Counter[int] = Counter()
    shapes = points(at)
    for place in order:
        year, volume = int(years[place]), float(volumes[place])
        counted[year] += 1
        road = ground.roads[int(roads[place])]
        yield (
            {
                "incident_no": f"{year}/EX{counted[year]:03d}",
                "date": date(year, 1, 1) + timedelta(days=int(days[place]) - 1),
                "kind": str(chance.choice(("cut", "fill", "wall", "natural"), p=(0.55, 0.12, 0.13, 0.2))),
                "volume_m3": volume,
                "scale": "major" if volume >= 50 else "minor",
                "consequence": str(chance.choice(("none", "road", "building", "footpath"), p=(0.4, 0.32, 0.1, 0.18))),
                "location_en": road.name_en,
                "location_zh": road.name_zh,
                "district": str(districts[place]) or None,
            },
            shapes[place],
        )


def _barriers(territory: Territory) -> Iterable[Feature]:
    """Barriers at the foot of steep natural hillsides above roads and houses."""
    ground, chance = territory.ground, territory.numbers("debris_barriers")
    foot = ground.mask & (ground.steep > 14) & (ground.steep < 24) & (ground.people > 1)
    cells = ground.middles(foot)
    chosen = cells[chance.choice(len(cells), size=min(len(cells), territory.many(_BARRIERS)), replace=False)]
    chosen = chosen[ground.dry(chosen, 25.0)]
    districts = ground.codes_at(chosen)
    for number, spot in enumerate(points(chosen)):
        kind = str(chance.choice(("flexible", "rigid", "check_dam"), p=(0.55, 0.3, 0.15)))
        yield (
            {
                "barrier_id": f"EXD{number + 1:03d}",
                "kind": kind,
                "length_m": round(float(chance.uniform(8, 60)), 1),
                "height_m": round(float(chance.uniform(2, 8)), 1),
                "completed": int(chance.integers(1999, 2024)),
                "district": str(districts[number]) or None,
            },
            spot,
        )


def _boreholes(territory: Territory) -> Iterable[Feature]:
    """Boreholes in groups of a report, where people build."""
    ground, chance = territory.ground, territory.numbers("boreholes")
    wanted = territory.many(_BOREHOLES)
    sites = ground.people_near(max(1, wanted // 8), chance)
    of = np.sort(chance.integers(0, len(sites), wanted))
    at = np.round(sites[of] + chance.normal(0, 45, (wanted, 2)), 2)
    dry = ground.dry(at, 20.0)
    at, of = at[dry], of[dry]
    levels = ground.height(at[:, 0], at[:, 1])
    depths = chance.gamma(4, 8, len(at)) + 3
    counted: Counter[int] = Counter()
    for place, spot in enumerate(points(at)):
        report = 90_000 + int(of[place])
        counted[report] += 1
        yield (
            {
                "repno": str(report),
                "statno": f"BH{counted[report]}",
                "e_coord": float(at[place, 0]),
                "n_coord": float(at[place, 1]),
                "grdlevel": round(float(levels[place]), 2),
                "depth": round(float(depths[place]), 2),
            },
            spot,
        )


DRAWERS: dict[str, Drawer] = {
    "slopes": _slopes,
    "entli_crown": _crowns,
    "entli_trail": _trails,
    "landslide_incidents": _incidents,
    "debris_barriers": _barriers,
    "boreholes": _boreholes,
}
