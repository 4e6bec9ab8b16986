"""Roughly where something is that concerns all of Hong Kong, or some of its districts."""

from __future__ import annotations

from collections.abc import Sequence

from shapely.geometry import MultiPolygon, Point, Polygon, box
from shapely.ops import unary_union

from cop_ingest.places import PLACES

TERRITORY = box(113.81, 22.13, 114.51, 22.57)
"""A box around Hong Kong, degrees of WGS 84: the area of what concerns all of it."""


def ground_of(districts: Sequence[str]) -> MultiPolygon:
    """Some districts, by code: four kilometres around their known places, longitude and latitude (WGS 84)."""
    circles = [Point(place.lon, place.lat).buffer(0.035) for place in PLACES if place.district in districts]
    area = unary_union(circles).simplify(0.004).intersection(TERRITORY)
    return MultiPolygon([area]) if isinstance(area, Polygon) else MultiPolygon(area.geoms)
