"""One step of the story."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shapely.geometry.base import BaseGeometry


@dataclass(frozen=True, slots=True)
class Step:
    """What became known at a time (UTC): a new record of a layer with all its values, or changes of one.

    `geometry`, EPSG:4326 lon, lat, is that of a new record; changes leave it as it is.
    """

    at: datetime
    layer: str
    id: str
    new: bool
    values: dict[str, object]
    geometry: BaseGeometry | None = None
