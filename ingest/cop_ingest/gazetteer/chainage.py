"""Distances along roads: how departments write them, and where they lie.

What a road's chainage counts from is no property of its line. Posts at the road say it: places whose chainage is known.
A position between two posts is between them on the road; without posts it may count from either end, and is as far
off as that leaves it. Distances are metres in EPSG:2326.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import shapely
from shapely.geometry import Point
from shapely.geometry.base import BaseGeometry

from cop_ingest.gazetteer.index import Entry

_AT_ROAD = 400.0  # a post farther from the road's line is that of another one
_BEYOND = 1000.0  # so far past the last post its direction is still believed
_WRITTEN = 50.0  # chainages are told to a hundred metres
_LEAST_APART = 100.0
# CH 1+250, Ch. 1+250, K1+250, km 1+250, km 1.25, CH 1250, 1.25 km, 1.25公里. A queue of 2 km is no place.
_FORMS = re.compile(
    r"(?<![a-z])(?:ch(?:ainage)?\.?|km?)\s*:?\s*(?P<km>\d{1,3})\s*\+\s*(?P<m>\d{3})(?!\d)"
    r"|(?<![a-z])ch(?:ainage)?\.?\s*:?\s*(?P<metres>\d{3,6})\s*m?(?![\d.a-z])"
    r"|(?<![a-z])km\s*(?P<post>\d{1,3}(?:\.\d+)?)(?![\d+])"
    r"|(?<![\d.])(?P<dist>\d{1,3}(?:\.\d+)?)\s*(?:km(?![a-z/])|公里)"
    r"(?!\s*(?:long|queue|tail|of\b|away|from|to\b|[neswNESW]\w*\s+of\b|車龍|長))",
    re.IGNORECASE,
)
_QUEUES = re.compile(r"(?:queue|tailback|車龍|長)\W*(?:of|is|約|達|為)?\s*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Along:
    """A point at a road (EPSG:2326), the radius in metres within which the true one lies, and what is in doubt."""

    at: Point
    uncertainty_m: float
    doubt: str = ""


def chainage_in(texts: Iterable[str]) -> float | None:
    """The first distance along a road that texts tell, in metres."""
    for written in texts:
        text = unicodedata.normalize("NFKC", written)
        for told in _FORMS.finditer(text):
            if told["dist"] and _QUEUES.search(text[: told.start()]):
                continue
            if told["km"]:
                return int(told["km"]) * 1000.0 + int(told["m"])
            return float(told["metres"]) if told["metres"] else float(told["post"] or told["dist"]) * 1000.0
    return None


def along(road: BaseGeometry, posts: Sequence[Entry], chainage_m: float) -> Along | None:
    """Where a chainage lies on a road, by its posts; None where that is beyond the road."""
    at_road = {post.measure_m: post.shape for post in posts if post.measure_m is not None and
               road.distance(post.shape) <= _AT_ROAD}  # fmt: skip
    known = sorted(at_road.items())
    if len(known) > 1:
        return _between(road, known, chainage_m)
    if road.geom_type != "LineString":
        return None
    if known:
        return _from_one(road, *known[0], chainage_m)
    return _from_either_end(road, chainage_m)


def _between(road: BaseGeometry, known: Sequence[tuple[float, BaseGeometry]], chainage_m: float) -> Along | None:
    """Between the two posts beside it, or a little beyond the first or the last of them."""
    if not known[0][0] - _BEYOND <= chainage_m <= known[-1][0] + _BEYOND:
        return None
    (one_m, one), (other_m, other) = min(
        pairwise(known), key=lambda pair: max(pair[0][0] - chainage_m, chainage_m - pair[1][0], 0)
    )
    share = (chainage_m - one_m) / (other_m - one_m)
    outside = max(one_m - chainage_m, chainage_m - other_m, 0.0)
    off = max(road.distance(one), road.distance(other))
    if road.geom_type == "LineString":
        from_m, to_m = road.project(one), road.project(other)
        place = from_m + share * (to_m - from_m)
        if not 0 <= place <= road.length:
            return None
        stretch = abs(abs(to_m - from_m) - (other_m - one_m))
        return Along(shapely.line_interpolate_point(road, place), _WRITTEN + off + stretch / 2 + outside / 5)
    # Several carriageways: between the posts as the crow flies, and from there to the nearest of them.
    straight = shapely.LineString([one.coords[0], other.coords[0]])
    if outside:
        return None
    nearest = shapely.shortest_line(road, straight.interpolate(share, normalized=True))
    bend = max(other_m - one_m - straight.length, 0.0)
    return Along(Point(nearest.coords[0]), _WRITTEN + off + nearest.length + bend / 2)


def _from_one(road: BaseGeometry, measure_m: float, post: BaseGeometry, chainage_m: float) -> Along | None:
    """From the only post, in the directions in which the road goes on so far."""
    here, ahead = road.project(post), chainage_m - measure_m
    return _one_of(road, [here + ahead, here - ahead], road.distance(post))


def _from_either_end(road: BaseGeometry, chainage_m: float) -> Along | None:
    return _one_of(road, [chainage_m, road.length - chainage_m], 0.0)


def _one_of(road: BaseGeometry, places: Sequence[float], off: float) -> Along | None:
    """The place on the line, or the middle between two that it may be."""
    may = sorted(place for place in places if 0 <= place <= road.length)
    if not may:
        return None
    middle, apart = (may[0] + may[-1]) / 2, may[-1] - may[0]
    doubt = "whichever way it counts" if apart > _LEAST_APART else ""
    return Along(shapely.line_interpolate_point(road, middle), _WRITTEN + off + apart / 2, doubt)
