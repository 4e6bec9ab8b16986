"""Drawers of country parks, hiking trails, typhoon shelters and control points, from the tables of true names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from random import Random

import numpy as np
import shapely
from rasterio import features
from shapely.geometry import LineString, MultiLineString, MultiPolygon, Point, Polygon, shape
from shapely.geometry.base import BaseGeometry

from cop_ingest.territory import names_emergency, names_nature, names_shelters
from cop_ingest.territory.base import Drawer, Feature, Floats, Territory, in_degrees, in_metres, to_degrees, to_metres
from cop_ingest.territory.placing import ashore, lon_lat_of, placed

STEP_M = 120.0
"""Trails have a corner about every so many metres."""


def country_parks(territory: Territory) -> Iterable[Feature]:
    """The country parks: the high ground in and around the outlines drawn by hand, without what an earlier one has."""
    high = _high_ground(territory)
    taken: list[BaseGeometry] = []
    for park in names_nature.COUNTRY_PARKS:
        rough = shapely.union_all(in_metres([Polygon(outline) for outline in park.outlines]))
        land = shapely.intersection(rough, territory.ground.land_metres)
        grown = shapely.intersection(shapely.buffer(rough, 250), high)
        chosen = grown if grown.area > 0.5 * land.area else land
        area = _whole(shapely.difference(chosen, shapely.union_all(taken)))
        taken.append(area)
        drawn = MultiPolygon(shapely.get_parts(in_degrees([area])[0]))
        yield {"name_en": park.name_en, "name_zh": park.name_zh, "area_ha": round(area.area / 10_000, 1)}, drawn


HIGH_M = 70.0
"""Country parks reach down to about so many metres above datum."""


def _high_ground(territory: Territory) -> BaseGeometry:
    """The land above HIGH_M with rounded borders, EPSG:2326."""
    ground = territory.ground
    above = (ground.heights > HIGH_M) & ground.mask
    found = features.shapes(above.astype(np.uint8), mask=above, transform=ground.frame)
    area = shapely.union_all([shape(part) for part, _ in found])
    return shapely.simplify(shapely.buffer(shapely.buffer(shapely.buffer(area, 70), -150), 80, quad_segs=3), 20)


def _whole(area: BaseGeometry) -> MultiPolygon:
    """The areas of a geometry in EPSG:2326 without crumbs, and without holes of less than 20 ha."""
    smooth = shapely.buffer(shapely.buffer(area, -25), 25, quad_segs=2)
    parts = [part for part in shapely.get_parts(smooth) if part.area > 50_000]
    kept = parts or [max(shapely.get_parts(area), key=lambda part: float(part.area))]
    return MultiPolygon([_without_small_holes(part) for part in kept])


def _without_small_holes(part: Polygon) -> Polygon:
    return Polygon(part.exterior, [ring for ring in part.interiors if Polygon(ring).area > 200_000])


def _polygons(found: BaseGeometry) -> MultiPolygon:
    """The areas of a geometry of at least a hectare or so, the largest in any case."""
    parts = [part for part in shapely.get_parts(found) if part.geom_type == "Polygon"]
    largest = max((part.area for part in parts), default=0.0)
    return MultiPolygon([part for part in parts if part.area >= min(1e-6, largest)])


def _hectares(area: BaseGeometry) -> float:
    return round(float(in_metres([area])[0].area) / 10_000, 1)


def hiking_trails(territory: Territory) -> Iterable[Feature]:
    """The sections of the four long trails; where one ends the next begins, except at the Wilson Trail's harbour."""
    for section in names_nature.TRAIL_SECTIONS:
        name = f"{section.trail_en} {section.number}"
        course = _course(territory, np.array(section.course), territory.draw(f"trail/{name}"))
        line = MultiLineString([LineString(course)])
        yield (
            {
                "section_id": name.replace(" ", "-").lower(),
                "trail_en": section.trail_en,
                "trail_zh": section.trail_zh,
                "section": section.number,
                "name_en": f"{section.trail_en}, section {section.number}",
                "name_zh": f"{section.trail_zh}第{section.number}段",
                "from_en": section.from_en,
                "from_zh": section.from_zh,
                "to_en": section.to_en,
                "to_zh": section.to_zh,
                "length_m": round(float(in_metres([line])[0].length)),
            },
            line,
        )


def _course(territory: Territory, places: Floats, draw: Random) -> Floats:
    """A path through places (lon, lat): corners every STEP_M, wandering a little, ashore; its ends stay as they are."""
    ends = ashore(territory, places)
    corners = shapely.get_coordinates(shapely.segmentize(LineString(to_metres(ends)), STEP_M))
    sway = np.zeros(len(corners))
    for number in range(1, len(corners) - 1):
        sway[number] = 0.7 * sway[number - 1] + draw.gauss(0, 14)
    sway *= np.minimum(1.0, np.minimum(np.arange(len(corners)), np.arange(len(corners))[::-1]) / 4)
    heading = np.gradient(corners, axis=0)
    across = np.column_stack([-heading[:, 1], heading[:, 0]]) / np.hypot(*heading.T)[:, None]
    path = ashore(territory, to_degrees(corners + across * sway[:, None]))
    path[0], path[-1] = ends[0], ends[-1]
    return path


_EXTENT = re.compile(r"(\d+)x(\d+)@(\d+)")


def typhoon_shelters(territory: Territory) -> Iterable[Feature]:
    """Typhoon shelters as areas of the sea: what land the oval covers is cut out."""
    middles = to_metres(lon_lat_of(names_shelters.TYPHOON_SHELTERS))
    for spot, middle in zip(names_shelters.TYPHOON_SHELTERS, middles, strict=True):
        found = _EXTENT.fullmatch(spot.more[0])
        assert found is not None, spot
        width, length, bearing = (float(number) for number in found.groups())
        area = _water_of(territory, middle, width, length, bearing)
        yield {"name_en": spot.name_en, "name_zh": spot.name_zh, "area_ha": _hectares(area)}, area


def _water_of(territory: Territory, middle: Floats, width: float, length: float, bearing: float) -> MultiPolygon:
    """The sea under an oval; it is moved off the coast where the drawn land leaves too little of it."""
    whole = in_degrees([_oval(middle, width, length, bearing)])[0]
    best = _polygons(shapely.difference(whole, territory.ground.land))
    for away in range(100, 900, 100):
        if best.area > 0.5 * whole.area:
            break
        for turn in np.arange(0, 2 * np.pi, np.pi / 6):
            there = middle + away * np.array([np.cos(turn), np.sin(turn)])
            moved = in_degrees([_oval(there, width, length, bearing)])[0]
            wet = _polygons(shapely.difference(moved, territory.ground.land))
            best = wet if wet.area > best.area else best
    return best


def _oval(middle: Floats, width: float, length: float, bearing: float) -> Polygon:
    """A rounded oblong in EPSG:2326: `length` metres along the bearing (degrees from north), `width` across."""
    angles = np.linspace(0, 2 * np.pi, 32, endpoint=False)
    corner = (
        np.sign(np.cos(angles)) * np.abs(np.cos(angles)) ** 0.6,
        np.sign(np.sin(angles)) * np.abs(np.sin(angles)) ** 0.6,
    )
    along, across = corner[0] * length / 2, corner[1] * width / 2
    turn = np.radians(bearing)
    east = middle[0] + along * np.sin(turn) + across * np.cos(turn)
    north = middle[1] + along * np.cos(turn) - across * np.sin(turn)
    return Polygon(np.column_stack([east, north]))


def control_points(territory: Territory) -> Iterable[Feature]:
    """The eight control points of the land border; that of Shenzhen Bay stays where it is, in Shenzhen."""
    abroad = {"SBC"}
    for spot, point, _ in placed(territory, names_emergency.CONTROL_POINTS):
        code, way = spot.more
        where = Point(spot.lon, spot.lat) if code in abroad else point
        yield {"code": code, "name_en": spot.name_en, "name_zh": spot.name_zh, "way": way}, where


DRAWERS: dict[str, Drawer] = {
    "control_points": control_points,
    "country_parks": country_parks,
    "hiking_trails": hiking_trails,
    "typhoon_shelters": typhoon_shelters,
}
