"""Shortest ways along the road network."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from shapely import STRtree, points
from shapely.geometry import LineString

from cop_ingest.territory.base import Floats
from cop_ingest.territory.ground import Road

Node = tuple[float, float]


class Graph:
    """The vertices of roads and the ways between them; a main road counts for less than its length."""

    def __init__(self, roads: Sequence[Road]) -> None:
        """All roads, whose lines meet in shared vertices (EPSG:2326)."""
        self.ways: dict[Node, list[tuple[Node, float]]] = {}
        for road in roads:
            weight = {1: 0.6, 2: 0.7, 3: 0.8}.get(road.rank, 1.0)
            coords = [(float(x), float(y)) for x, y in road.line.coords]
            for one, other in pairwise(coords):
                cost = weight * float(np.hypot(one[0] - other[0], one[1] - other[1]))
                self.ways.setdefault(one, []).append((other, cost))
                self.ways.setdefault(other, []).append((one, cost))
        self.nodes = list(self.ways)
        self._tree = STRtree(points(np.array(self.nodes)))

    def nearest(self, east_north: Floats) -> list[Node]:
        """The vertex nearest to each position (n, 2)."""
        return [self.nodes[int(place)] for place in np.atleast_1d(self._tree.nearest(points(east_north)))]

    def path(self, start: Node, goal: Node, farthest: float = 60_000.0) -> LineString | None:
        """The way from one vertex to another, None where there is none within a cost of `farthest` metres."""
        best: dict[Node, float] = {start: 0.0}
        before: dict[Node, Node] = {}
        queue: list[tuple[float, float, Node]] = [(0.0, 0.0, start)]
        done: set[Node] = set()
        while queue:
            _, cost, node = heapq.heappop(queue)
            if node in done:
                continue
            if node == goal:
                return _way(before, start, goal)
            done.add(node)
            for other, step in self.ways[node]:
                reached = cost + step
                if reached < best.get(other, farthest):
                    best[other] = reached
                    before[other] = node
                    # The search goes towards the goal; a way a little longer than the shortest will do.
                    ahead = 0.9 * ((other[0] - goal[0]) ** 2 + (other[1] - goal[1]) ** 2) ** 0.5
                    heapq.heappush(queue, (reached + ahead, reached, other))
        return None


def _way(before: dict[Node, Node], start: Node, goal: Node) -> LineString | None:
    nodes = [goal]
    while nodes[-1] != start:
        nodes.append(before[nodes[-1]])
    return LineString(nodes[::-1]) if len(nodes) > 1 else None
