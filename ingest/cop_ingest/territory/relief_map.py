"""Drawers of the topographic map's lines on Lantau, and of cliffs."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import shapely
from shapely.geometry import LineString
from shapely.geometry.base import BaseGeometry

from cop_ingest.territory.base import Drawer, Feature, Floats, Territory, in_degrees, in_metres
from cop_ingest.territory.contours import level_lines
from cop_ingest.territory.flow import fall_lines
from cop_ingest.territory.ground import Ground

_MIDDLE_OF_LANTAU = (113.945, 22.262)
_CONTOUR_EVERY_M = 50


def lantau(ground: Ground) -> BaseGeometry:
    """The island of Lantau, EPSG:2326, prepared."""
    middle = in_metres([shapely.Point(_MIDDLE_OF_LANTAU)])[0]
    island = next(part for part in ground.land_metres.geoms if part.contains(middle))
    shapely.prepare(island)
    return island


def _lines(theme: str, lines: Iterable[BaseGeometry]) -> Iterable[Feature]:
    for line in in_degrees([line for line in lines if line.geom_type == "LineString" and line.length > 1]):
        yield {"theme": theme}, line


def _coastline(territory: Territory) -> Iterable[Feature]:
    shore = np.asarray(lantau(territory.ground).exterior.coords)
    parts = [LineString(shore[start : start + 13]) for start in range(0, len(shore) - 1, 12)]
    return _lines("coast", parts)


def _contours(territory: Territory) -> Iterable[Feature]:
    ground = territory.ground
    island = lantau(ground)
    west, north = ground.frame.c + ground.cell / 2, ground.frame.f - ground.cell / 2
    lines: list[BaseGeometry] = []
    for level in range(_CONTOUR_EVERY_M, int(ground.heights.max()), _CONTOUR_EVERY_M):
        whole = shapely.get_parts(level_lines(ground.heights, west, north, ground.cell, level))
        lines += list(whole[shapely.intersects(island, whole)])
    return _lines("contour", shapely.simplify(np.array([line for line in lines if line.length > 250]), 8.0))


def _streams(territory: Territory) -> Iterable[Feature]:
    ground = territory.ground
    return _lines("hydro", stream_lines(territory, "streams", 900, lantau(ground)))


def stream_lines(territory: Territory, name: str, tries: int, area: BaseGeometry) -> list[LineString]:
    """Streams from springs at random on the hillsides of an area down to level ground, EPSG:2326."""
    ground, chance = territory.ground, territory.numbers(name)
    low_e, low_n, high_e, high_n = area.bounds
    springs = chance.random((tries * 3, 2)) * [high_e - low_e, high_n - low_n] + [low_e, low_n]
    steep = ground.steepness(springs[:, 0], springs[:, 1])
    high = ground.height(springs[:, 0], springs[:, 1])
    springs = springs[shapely.contains_xy(area, springs[:, 0], springs[:, 1]) & (steep > 10) & (high > 60)][:tries]
    runs = [run for run in fall_lines(ground, springs, 55.0, 130) if len(run) > 6]
    return [LineString(np.round(run, 1)) for run in runs]


def _footpaths(territory: Territory) -> Iterable[Feature]:
    """Paths between peaks and the roads below them, down the fall line and along it."""
    ground = territory.ground
    island = lantau(ground)
    chance = territory.numbers("footpaths")
    starts = chance.random((1200, 2)) * 20_000 + [800_000, 805_000]
    starts = starts[shapely.contains_xy(island, starts[:, 0], starts[:, 1])]
    starts = starts[ground.height(starts[:, 0], starts[:, 1]) > 20][:260]
    ends = starts + chance.normal(0, 900, starts.shape)
    lines = [LineString(np.round(_winding(one, other, chance), 1)) for one, other in zip(starts, ends, strict=True)]
    return _lines("trail", [line for line in lines if island.contains(line)])


def _winding(one: Floats, other: Floats, chance: np.random.Generator) -> Floats:
    t = np.linspace(0, 1, 15)[:, None]
    across = np.array([other[1] - one[1], one[0] - other[0]])
    sway = np.sin(t * np.pi * chance.integers(1, 4)) * chance.normal(0, 0.12) + np.sin(t * 11) * 0.02 * (t > 0) * (
        t < 1
    )
    return np.asarray(one + t * (other - one) + across * sway)


def _cliffs(territory: Territory) -> Iterable[Feature]:
    """Short lines along the steepest cells of the ground."""
    ground = territory.ground
    cells = ground.middles(ground.mask & (ground.steep > np.percentile(ground.steep[ground.mask], 99.7)))
    across = ground.downhill(cells[:, 0], cells[:, 1])[:, ::-1] * [1, -1]
    lines = [LineString(np.round([at - 60 * way, at, at + 60 * way], 1)) for at, way in zip(cells, across, strict=True)]
    return _lines("cliff", [line for line in lines[::3] if ground.land_metres.contains(line)])


def _roads(territory: Territory) -> Iterable[Feature]:
    island = lantau(territory.ground)
    inside = [road.line for road in territory.ground.roads if island.contains(road.line)]
    return _lines("road", inside)


DRAWERS: dict[str, Drawer] = {
    "coastline": _coastline,
    "contours": _contours,
    "streams": _streams,
    "footpaths": _footpaths,
    "cliffs": _cliffs,
    "roads_b50k": _roads,
}
