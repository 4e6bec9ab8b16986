"""A geometry as the layer wants it: two-dimensional, valid, of the layer's type; each repair is said."""

from __future__ import annotations

import math
from collections.abc import Callable

import shapely
from shapely.geometry import LineString, MultiLineString, MultiPoint, MultiPolygon, Point, Polygon
from shapely.geometry.base import BaseGeometry

from cop.catalogue.models import GeometryType

_MULTI: dict[str, Callable[[list[BaseGeometry]], BaseGeometry]] = {
    "MultiPoint": MultiPoint,
    "MultiLineString": MultiLineString,
    "MultiPolygon": MultiPolygon,
}
_FAMILY = {"Point": Point, "LineString": LineString, "Polygon": Polygon}


def flat(geometry: BaseGeometry) -> BaseGeometry:
    """The geometry without Z. Raises ValueError where it is empty or a coordinate is not a finite number."""
    if geometry.is_empty:
        raise ValueError("the geometry is empty; wanted coordinates")
    plain = shapely.force_2d(geometry)
    if not all(math.isfinite(bound) for bound in plain.bounds):
        raise ValueError("a coordinate is not a finite number")
    return plain


def valid(geometry: BaseGeometry) -> tuple[BaseGeometry, str | None]:
    """The geometry made valid where it was not, and the remark that says so with GEOS's reason.

    Raises ValueError where nothing is left of it.
    """
    if geometry.is_valid:
        return geometry, None
    reason = shapely.is_valid_reason(geometry).split("[")[0]
    mended = shapely.make_valid(geometry, method="structure", keep_collapsed=False)
    if mended.is_empty:
        raise ValueError(f"the geometry is not valid ({reason}) and nothing is left when it is repaired")
    return mended, f"geometry made valid: {reason}"


def shaped(geometry: BaseGeometry, wanted: GeometryType, point_of: str | None) -> tuple[BaseGeometry, str | None]:
    """The geometry in the wanted type, and a remark where it became another thing.

    A single part becomes a multi, a multi of one part becomes single, and where `point_of` is
    `representative` a line or area becomes a point on it. Raises ValueError for every other difference.
    """
    found = geometry.geom_type
    if wanted in (found, "Geometry"):
        return geometry, None
    if wanted in _MULTI and found == wanted.removeprefix("Multi"):
        return _MULTI[wanted]([geometry]), None
    if wanted in _FAMILY and found == f"Multi{wanted}":
        parts = list(shapely.get_parts(geometry))
        if len(parts) == 1:
            return parts[0], None
        if not (wanted == "Point" and point_of):
            raise ValueError(f"found a {found} of {len(parts)} parts, wanted {wanted}")
    if wanted == "Point" and point_of == "representative":
        return shapely.point_on_surface(geometry), f"a point on the {found} stands for it"
    raise ValueError(f"found {found}, wanted {wanted}")


def to_wkb(geometry: BaseGeometry) -> bytes:
    """Little-endian two-dimensional WKB."""
    return bytes(shapely.to_wkb(geometry, byte_order=1, output_dimension=2))
