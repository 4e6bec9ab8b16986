"""What every drawer of the exercise territory is given and hands back.

A drawer makes the features of one layer. It takes its randomness from the territory under its own name, so that no
layer's draw depends on which others were drawn before it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Transformer
from shapely.geometry.base import BaseGeometry

if TYPE_CHECKING:
    from cop_ingest.territory.ground import Ground

Feature = tuple[dict[str, object], BaseGeometry]
"""Values by the layer's column names (what is left out is None), and the geometry in EPSG:4326 lon, lat."""

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Shapes = NDArray[np.object_]

DECIMALS = 6
"""Degrees are rounded to this many decimals (0.1 m), so that another release of PROJ draws the same territory."""


@dataclass(frozen=True, eq=False)
class Territory:
    """The exercise territory: all that its drawers may depend on.

    `seed` begins every random number; `scale` (above 0, up to 1) is the share of the numerous features that are
    drawn; `ground` is the land, its heights, people, districts and roads.
    """

    seed: int
    scale: float
    ground: Ground

    def draw(self, name: str) -> Random:
        """Random choices of their own for a name: the same for the same seed and name, whatever was drawn before."""
        return Random(self._number(name))  # noqa: S311  a repeatable draw is what is wanted

    def numbers(self, name: str) -> np.random.Generator:
        """As `draw`, as a generator of numpy's arrays."""
        return np.random.default_rng(self._number(name))

    def many(self, full: int) -> int:
        """How many of `full` features this territory has at its scale; at least one."""
        return max(1, round(full * self.scale))

    def _number(self, name: str) -> int:
        return int.from_bytes(hashlib.sha256(f"{self.seed}/{name}".encode()).digest()[:8])


Drawer = Callable[[Territory], Iterable[Feature]]


def in_degrees(shapes: Sequence[BaseGeometry] | Shapes) -> Shapes:
    """Geometries in EPSG:2326 easting, northing as EPSG:4326 lon, lat, all at once, rounded to DECIMALS."""
    return _transformed(shapes, 2326)


def in_metres(shapes: Sequence[BaseGeometry] | Shapes) -> Shapes:
    """Geometries in EPSG:4326 lon, lat as EPSG:2326 easting, northing in metres, all at once."""
    return _transformed(shapes, 4326)


def _transformed(shapes: Sequence[BaseGeometry] | Shapes, from_epsg: int) -> Shapes:
    listed = np.empty(len(shapes), dtype=object)
    listed[:] = list(shapes)
    turned: Any = shapely.transform(listed, to_degrees if from_epsg == 2326 else to_metres)
    return np.asarray(turned, dtype=object)


def to_degrees(east_north: Floats) -> Floats:
    """Positions (n, 2) in EPSG:2326 easting, northing as EPSG:4326 lon, lat, rounded to DECIMALS."""
    lon, lat = _turn(2326, 4326).transform(east_north[:, 0], east_north[:, 1])
    return np.round(np.column_stack([lon, lat]), DECIMALS) + 0.0


def to_metres(lon_lat: Floats) -> Floats:
    """Positions (n, 2) in EPSG:4326 lon, lat as EPSG:2326 easting, northing in metres."""
    return np.column_stack(_turn(4326, 2326).transform(lon_lat[:, 0], lon_lat[:, 1]))


@lru_cache(maxsize=2)
def _turn(one: int, other: int) -> Transformer:
    # As in grid: without the grid's parameters the ballpark is some 300 m off.
    return Transformer.from_crs(one, other, always_xy=True, allow_ballpark=False)


def points(east_north: Floats) -> Shapes:
    """Positions (n, 2) in EPSG:2326 as points in EPSG:4326 lon, lat."""
    turned: Shapes = shapely.points(to_degrees(east_north))
    return turned
