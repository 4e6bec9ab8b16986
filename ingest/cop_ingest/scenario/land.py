"""The land that made-up incidents lie on."""

from __future__ import annotations

from functools import cache

import shapely

from cop_ingest.scenario.spots import IsLand

# About twenty metres: the extract's shore is drawn coarsely, and others draw it a little otherwise.
_INLAND_DEGREES = 0.0002


@cache
def is_land() -> IsLand:
    """Whether a position, longitude and latitude in degrees (WGS 84), lies on land, not at the very shore."""
    from cop_ingest.territory.land import own_land  # with all the territory's drawers behind it: only where needed

    inland = shapely.buffer(own_land(), -_INLAND_DEGREES, quad_segs=1)
    shapely.prepare(inland)

    def inside(lon: float, lat: float) -> bool:
        return bool(shapely.contains_xy(inland, lon, lat))

    return inside
