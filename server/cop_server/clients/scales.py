"""Zooms of Web Mercator tiles as the scale denominators of a map in the Hong Kong grid, and the rule of tiles."""

from __future__ import annotations

import math
from typing import Final

from cop.catalogue.models import Layer

# A pixel of QGIS is 1/96 inch; a zoom's pixel on the ground is smaller than on the equator by the latitude's cosine.
_EQUATOR_METRES: Final = 2 * math.pi * 6378137
_PIXELS_PER_METRE: Final = 96 / 0.0254
_LATITUDE: Final = math.radians(22.35)
_AT_ZOOM_0: Final = _EQUATOR_METRES / 256 * _PIXELS_PER_METRE * math.cos(_LATITUDE)
# QGIS compares scales exactly; a view set to a zoom's own scale must count as within.
_ROOM: Final = 1.02
_ZOOM: Final = f"ln({_AT_ZOOM_0:.0f} / @map_scale) / ln(2)"
# QGIS's expression for the share of its full size that a point has: a third at zoom 9, all of it from zoom 14 on.
SIZE_BY_SCALE: Final = f"scale_linear({_ZOOM}, 9, 14, 0.34, 1)"
# That of marks of which there are thousands: dots on a map of the city, so that the few major ones stand out.
CROWD_BY_SCALE: Final = f"scale_linear({_ZOOM}, 10.7, 13, 0.22, 1)"
DENSE_FROM_ZOOM: Final = 12.0


def denominator(zoom: float) -> int:
    """The scale denominator in EPSG:2326 at which a map shows what 256-pixel tiles of a zoom show."""
    return round(_AT_ZOOM_0 / 2**zoom * _ROOM)


def scale_attributes(layer: Layer, from_zoom: float | None = None) -> dict[str, object]:
    """The attributes of a QGIS layer that bound its scales."""
    first = layer.scale.from_zoom if from_zoom is None else from_zoom
    return {
        "hasScaleBasedVisibilityFlag": first > 0 or layer.scale.to_zoom < 24,
        "minScale": denominator(first) if first > 0 else 100_000_000,
        "maxScale": denominator(layer.scale.to_zoom) if layer.scale.to_zoom < 24 else 0,
    }


def is_drawn_from_tiles(layer: Layer) -> bool:
    """Whether a layer is drawn from vector tiles in place of its features.

    So are layers that the catalogue shows from a near zoom only, which are too many to be fetched as features, and
    those that mix geometries: QGIS takes the type of the first page for that of all, and draws no other.
    """
    return layer.geometry == "Geometry" or layer.scale.from_zoom >= DENSE_FROM_ZOOM
