"""Where towns draw people: a weight for every cell of the heights' grid."""

from __future__ import annotations

import numpy as np
from rasterio.transform import Affine

from cop_ingest.places import PLACES
from cop_ingest.territory.base import Floats, to_metres

TOWN_REACH_M = 850.0
_MORE_TOWNS = (
    (114.001, 22.464), (114.009, 22.455), (113.972, 22.401), (113.968, 22.412), (114.232, 22.430), (114.187, 22.377),
    (114.203, 22.378), (114.262, 22.308), (114.264, 22.315), (114.135, 22.497), (114.122, 22.505), (114.163, 22.451),
    (114.118, 22.368), (114.138, 22.362), (114.098, 22.354), (114.206, 22.337), (114.192, 22.305), (114.244, 22.262),
    (114.229, 22.312), (114.217, 22.320), (113.960, 22.292), (113.938, 22.286), (114.033, 22.447), (114.075, 22.440),
)  # fmt: skip
"""Longitude, latitude of towns and quarters beside those of places.PLACES."""


def town_pull(frame: Affine, shape: tuple[int, ...]) -> Floats:
    """A weight from 0.004 to about 3 for each cell of a grid: high in towns, low far from any."""
    centres = np.array([*((place.lon, place.lat) for place in PLACES), *_MORE_TOWNS])
    eastings = frame.c + frame.a * (np.arange(shape[1]) + 0.5)
    northings = frame.f + frame.e * (np.arange(shape[0]) + 0.5)
    pull = np.full((shape[0], shape[1]), 0.004)
    for easting, northing in to_metres(centres):
        across = np.exp(-(((eastings - easting) / TOWN_REACH_M) ** 2))
        along = np.exp(-(((northings - northing) / TOWN_REACH_M) ** 2))
        columns, rows = across > 1e-4, along > 1e-4
        pull[np.ix_(rows, columns)] += np.outer(along[rows], across[columns])
    return pull
