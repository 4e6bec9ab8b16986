"""The road network: true main roads along their courses, local streets in grids where people live, all joined."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import LineString

from cop_ingest.places import PLACES
from cop_ingest.territory.base import Floats, to_metres
from cop_ingest.territory.main_roads import MAIN_ROADS, MainRoad
from cop_ingest.territory.streets import STREETS

if TYPE_CHECKING:
    from cop_ingest.territory.ground import Ground, Road

_STEP_M = 70.0
_JOIN_M = 450.0
_BLOCK = (95.0, 70.0)
"""Metres between parallel streets, along and across a town's grid."""
_CROWD = 18.0
"""Persons in a cell of the terrain from which on there are streets."""
_STREET_NODES = 9
"""A street ends after so many crossings; the next in its line bears another name."""
_LINK_M = 900.0


def network(ground: Ground) -> list[Road]:
    """All roads of the territory. Those of ranks 1 to 4 are one connected network; those of rank 5 are islands'."""
    main = _joined(_main_roads(ground))
    local = _local_streets(ground)
    return _connected(ground, [*main, *local])


def _main_roads(ground: Ground) -> list[Road]:
    from cop_ingest.territory.ground import Road

    return [
        Road(told.name_en, told.name_zh, told.rank, LineString(_course(ground, told)), told.structure)
        for told in MAIN_ROADS
    ]


def _course(ground: Ground, told: MainRoad) -> Floats:
    """The road's course, rounded in its bends; what is neither tunnel nor bridge is moved off the water."""
    corners = to_metres(np.array(told.course))
    if told.structure:
        whole = np.vstack([_ashore(ground, corners[:1]), corners[1:-1], _ashore(ground, corners[-1:])])
    else:
        whole = _kept_dry(ground, _rounded(corners))
    return np.round(whole, 1)


def _rounded(corners: Floats) -> Floats:
    """A Catmull-Rom curve through the corners, a vertex about every _STEP_M metres; corners stay exactly."""
    if len(corners) < 3:
        return _straight(corners)
    padded = np.vstack([2 * corners[0] - corners[1], corners, 2 * corners[-1] - corners[-2]])
    parts = []
    for place in range(len(corners) - 1):
        a, b, c, d = padded[place : place + 4]
        steps = max(2, int(np.hypot(*(c - b)) / _STEP_M))
        t = (np.arange(steps) / steps)[:, None]
        parts.append(b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a))))
    return np.vstack([*parts, corners[-1:]])


def _straight(corners: Floats) -> Floats:
    steps = max(1, int(np.hypot(*(corners[-1] - corners[0])) / _STEP_M))
    t = np.linspace(0, 1, steps + 1)[:, None]
    return np.asarray(corners[0] + (corners[-1] - corners[0]) * t)


def _kept_dry(ground: Ground, vertices: Floats) -> Floats:
    """A line that follows the shore where it would cross a bay."""
    for _ in range(3):
        vertices = _ashore(ground, vertices)
        pairs = shapely.linestrings(np.stack([vertices[:-1], vertices[1:]], axis=1))
        wet = ~shapely.contains(ground.land_metres, pairs) & (shapely.length(pairs) > 40)
        if not wet.any():
            break
        middles = (vertices[:-1] + vertices[1:])[wet] / 2
        vertices = np.insert(vertices, np.nonzero(wet)[0] + 1, middles, axis=0)
    return _ashore(ground, vertices)


def _ashore(ground: Ground, vertices: Floats) -> Floats:
    """Vertices in the water, moved to the nearest land, some 25 m behind its edge; far ones are left (bridges)."""
    if not len(vertices):
        return vertices
    wet = ~ground.dry(vertices, 25.0)
    moved = vertices.copy()
    inner = ground.inner(25.0)
    spots = shapely.points(vertices[wet])
    ends = shapely.get_point(shapely.shortest_line(inner, spots), 0)
    reached = np.column_stack([shapely.get_x(ends), shapely.get_y(ends)])
    near = np.hypot(*(reached - vertices[wet]).T) < 1300
    moved[np.nonzero(wet)[0][near]] = reached[near]
    return moved


def _joined(roads: list[Road]) -> list[Road]:
    """Roads whose ends lie near another get a vertex in common with it."""
    lines = [np.asarray(road.line.coords) for road in roads]
    for number in range(len(lines)):
        for end in (0, -1):
            _join_end(lines, number, end)
    return [replace(road, line=LineString(line)) for road, line in zip(roads, lines, strict=True)]


def _join_end(lines: list[Floats], number: int, end: int) -> None:
    spot = lines[number][end]
    best, best_away, best_at = -1, _JOIN_M, 0
    for other, line in enumerate(lines):
        if other != number:
            away = np.hypot(*(line - spot).T)
            at = int(away.argmin())
            if away[at] < best_away:
                best, best_away, best_at = other, float(away[at]), at
    if best >= 0 and best_away > 0:
        target = lines[best][best_at][None, :]
        lines[number] = np.vstack([target, lines[number]] if end == 0 else [lines[number], target])


def _local_streets(ground: Ground) -> list[Road]:
    """Streets in a grid for each town of places.PLACES, turned its own way, over its crowded cells on land."""
    crowded = ground.middles(ground.people > _CROWD)
    towns = to_metres(np.array([(place.lon, place.lat) for place in PLACES]))
    owner = shapely.STRtree(shapely.points(towns)).nearest(shapely.points(crowded))
    roads: list[Road] = []
    for town in range(len(PLACES)):
        roads += _grid(ground, town, towns[town], crowded[owner == town])
    return roads


def _grid(ground: Ground, town: int, middle: Floats, cells: Floats) -> Iterator[Road]:
    if len(cells) < 4:
        return
    turn = np.radians((town * 37) % 90)
    axes = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    spots = np.unique(np.round((cells - middle) @ axes.T / _BLOCK).astype(int), axis=0)
    # The cells are coarser than the blocks: what lies between two of them belongs to the town too.
    around = np.array([(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)])
    spots = np.unique((spots[:, None, :] + around).reshape(-1, 2), axis=0)
    places = np.round(middle + (spots * _BLOCK) @ axes, 1)
    fit = ground.dry(places, 25.0) & (ground.steepness(places[:, 0], places[:, 1]) < 17)
    fit &= ~shapely.contains_xy(ground.water, places[:, 0], places[:, 1])
    fit &= ground.crowd(places) > _CROWD / 3
    yield from _streets(
        ground, town, {(int(i), int(j)): place for (i, j), place in zip(spots[fit], places[fit], strict=True)}
    )


def _streets(ground: Ground, town: int, nodes: dict[tuple[int, int], Floats]) -> Iterator[Road]:
    """Runs of neighbouring crossings, in both directions of the grid, each a street."""
    from cop_ingest.territory.ground import Road

    place = PLACES[town]
    names = iter([(place.street_en, place.street_zh), *STREETS.get(place.area_en, [])])
    lines: list[Floats] = []
    for axis in (0, 1):
        # Across, only every second line is a street: blocks are longer than wide.
        rows = sorted({node[1 - axis] for node in nodes if axis == 0 or node[0] % 2 == 0})
        for row in rows:
            along = sorted(node[axis] for node in nodes if node[1 - axis] == row)
            for run in _runs(along):
                lines.append(np.array([nodes[(k, row) if axis == 0 else (row, k)] for k in run]))
    shapes = [LineString(line) for line in lines]
    dry = shapely.contains(ground.land_metres, shapes) if shapes else []
    kept = [line for line, is_dry in zip(shapes, dry, strict=True) if is_dry]
    # The town's best known streets are its longest ones.
    for line in sorted(kept, key=lambda line: (-round(line.length), line.bounds)):
        name_en, name_zh = next(names, (None, None))
        yield Road(name_en, name_zh, 4, line, "", place.area_en)


def _runs(numbers: list[int]) -> Iterator[list[int]]:
    run: list[int] = []
    for number in numbers:
        if run and (number != run[-1] + 1 or len(run) > _STREET_NODES):
            if len(run) > 1:
                yield run
            run = [run[-1]] if number == run[-1] + 1 else []
        run.append(number)
    if len(run) > 1:
        yield run


def _connected(ground: Ground, roads: list[Road]) -> list[Road]:
    """Join what hangs apart to the largest network by links over land; what none reaches is of rank 5, or left out."""
    links: list[Road] = []
    for _ in range(8):
        every = [*roads, *links]
        part = _parts(every)
        sizes = np.bincount(part)
        if (sizes > 0).sum() == 1:
            break
        added = _links(ground, every, part, int(sizes.argmax()))
        if not added:
            break
        links += added
    every = [*roads, *links]
    part = _parts(every)
    sizes = np.bincount(part)
    main = int(sizes.argmax())
    return [
        road if part[number] == main else replace(road, rank=5)
        for number, road in enumerate(every)
        if part[number] == main or (road.rank == 4 and sizes[part[number]] > 3)
    ]


def _parts(roads: list[Road]) -> NDArray[np.intp]:
    """The number of the connected part of each road; roads are connected by a vertex in common."""
    parent = list(range(len(roads)))

    def root(one: int) -> int:
        while parent[one] != one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        return one

    seen: dict[tuple[float, float], int] = {}
    for number, road in enumerate(roads):
        for vertex in road.line.coords:
            other = seen.setdefault((vertex[0], vertex[1]), number)
            parent[root(number)] = root(other)
    return np.array([root(number) for number in range(len(roads))])


def _links(ground: Ground, roads: list[Road], part: NDArray[np.intp], main: int) -> list[Road]:
    from cop_ingest.territory.ground import Road

    vertices = [np.asarray(road.line.coords) for road in roads]
    of = np.repeat(part, [len(line) for line in vertices])
    every = np.vstack(vertices)
    # Nothing joins a tunnel or a bridge between its ends.
    free = np.concatenate([
        np.ones(len(line), bool) if not road.structure else np.isin(np.arange(len(line)), (0, len(line) - 1))
        for road, line in zip(roads, vertices, strict=True)
    ])  # fmt: skip
    home = every[(of == main) & free]
    tree = shapely.STRtree(shapely.points(home))
    links = []
    for number in np.unique(of[of != main]):
        own = every[(of == number) & free]
        nearest = home[tree.nearest(shapely.points(own))]
        away = np.hypot(*(nearest - own).T)
        at = int(away.argmin())
        if 0 < away[at] < _LINK_M:
            link = _link(ground, own[at], nearest[at])
            if link is not None:
                links.append(Road(None, None, 3, link))
    return links


def _link(ground: Ground, one: Floats, other: Floats) -> LineString | None:
    """A short road between two vertices that keeps to the land, ends as they are; None where it would be a bridge."""
    between = _kept_dry(ground, _straight(np.array([one, other])))
    inside = between[1:-1]
    line = LineString(np.vstack([one, np.round(inside, 1), other]))
    return line if shapely.difference(line, ground.land_metres).length < 220 else None
