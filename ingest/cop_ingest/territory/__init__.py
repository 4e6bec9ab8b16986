"""The exercise territory: plausible records of every layer, the same for the same seed, scale and terrain.

Each drawer makes the features of one layer on one common ground (land, heights, people, districts, roads). The
loader marks all of it as exercise. Names of places are true; facts that are not known are None.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from cop.catalogue.models import Layer
from cop_ingest.geometry import shaped
from cop_ingest.load import manifest_of
from cop_ingest.records import Parsed, Record, without_repeats
from cop_ingest.territory import (
    base_map,
    buildings,
    cyclones,
    drainage,
    forecasts,
    furniture,
    nature,
    networks,
    relief_map,
    services,
    slopes,
    transport,
    weather,
)
from cop_ingest.territory.base import Drawer, Feature, Territory
from cop_ingest.territory.ground import Ground
from cop_ingest.vector import feature_id

__all__ = ["DRAWERS", "VERSION", "Drawer", "Feature", "Ground", "Territory", "manifest", "stand_in", "territory_of"]

VERSION = b"1"
"""Raise it with any change that draws another territory from the same seed, scale and terrain."""

DRAWERS: dict[str, Drawer] = {
    name: drawer
    for module in (
        *(base_map, relief_map, cyclones, networks, buildings, slopes, drainage),
        *(services, transport, nature, weather, forecasts, furniture),
    )
    for name, drawer in module.DRAWERS.items()
}
"""The drawers by the name that a layer's file gives in `stand_in`."""


def territory_of(seed: int, scale: float, terrain: Path | None) -> Territory:
    """The territory on the terrain model at a path (EPSG:2326), or on the stand-in terrain where there is none."""
    ground = Ground.of_raster(terrain) if terrain is not None and terrain.is_file() else Ground.stand_in()
    return Territory(seed, scale, ground)


def manifest(territory: Territory) -> bytes:
    """What tells one territory from another: version, seed, scale and the ground's heights."""
    told = (f"{territory.seed}", f"{territory.scale!r}", territory.ground.fingerprint)
    return manifest_of(b"territory", VERSION, *(part.encode() for part in told))


def stand_in(layer: Layer, territory: Territory) -> Parsed:
    """A layer's records as drawn: its columns, geometry type and ids.

    Raises KeyError where no drawer is called as `layer.stand_in`, and ValueError where a drawer's geometry is of
    another type than the layer's or names a column that the layer has not.
    """
    features = list(DRAWERS[str(layer.stand_in)](territory))
    known = {column.name for column in layer.columns}
    unknown = {name for values, _ in features for name in values.keys() - known}
    if unknown:
        raise ValueError(f"the drawer {layer.stand_in} names columns that {layer.id} has not: {sorted(unknown)}")
    return without_repeats(enumerate(_records(layer, features), 1))


def _records(layer: Layer, features: Sequence[Feature]) -> Iterable[Record]:
    shapes: Any = np.empty(len(features), dtype=object)
    shapes[:] = [_fitting(layer, shape) for _, shape in features]
    bodies: Any = shapely.to_wkb(shapes, byte_order=1, output_dimension=2)
    for (values, geometry), body in zip(features, bodies, strict=True):
        properties = {column.name: values.get(column.name) for column in layer.columns}
        yield Record(feature_id(layer, properties, geometry), properties, bytes(body))


def _fitting(layer: Layer, shape: shapely.Geometry) -> shapely.Geometry:
    return shaped(shape, layer.geometry or "Geometry", layer.source.point_of)[0]
