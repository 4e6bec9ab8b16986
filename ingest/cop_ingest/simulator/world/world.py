"""The world of one scenario: all that is so at a time, the same for the same seed and settings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

import numpy as np
from shapely.geometry.base import BaseGeometry

from cop.catalogue import catalogue
from cop_ingest.cameras import read_cameras
from cop_ingest.scenario.calendar import DAY_ENDS, DAY_STARTS
from cop_ingest.scenario.land import is_land
from cop_ingest.scenario.story import DAY_COUNT, Story
from cop_ingest.simulator.world.news import News
from cop_ingest.simulator.world.rain import Gauges
from cop_ingest.simulator.world.told import Incident, incidents
from cop_ingest.simulator.world.traffic import Detector, Traffic
from cop_ingest.simulator.world.winds import Winds
from cop_ingest.territory import DRAWERS, Territory, territory_of
from cop_ingest.territory.named import Spot
from cop_ingest.territory.names_weather import RAIN_STATIONS

SCENARIOS = ("ragasa",)
STARTS, ENDS = DAY_STARTS, DAY_ENDS
"""The scenario's first and last moment."""
WIND_FOLDER, CAMERA_FOLDER = Path("hko_wind_10min", "ragasa_2025"), Path("td_cameras")


@dataclass(frozen=True)
class World:
    """A typhoon day. `times`: how many times as many incidents; `scale`, `terrain`: those of the exercise's territory.

    `data` is the folder of recordings, or None; `echoes`: the traffic news also tells what other departments close.
    """

    seed: int = 1
    times: int = 1
    scale: float = 1.0
    data: Path | None = None
    terrain: Path | None = None
    echoes: bool = False

    @cached_property
    def story(self) -> Story:
        """The exercise's story of the same seed: told there, it has the same incidents."""
        return Story(self.seed, self.scale, is_land(), self.times * DAY_COUNT)

    @cached_property
    def told(self) -> list[Incident]:
        """The day's incidents."""
        return incidents(self.story.steps)

    @cached_property
    def news(self) -> News:
        """Traffic news."""
        return News(self.seed, self.told, self.echoes)

    @cached_property
    def winds(self) -> Winds:
        """Wind files."""
        folder = self.data / WIND_FOLDER if self.data else None
        return Winds(self.seed, folder if folder and folder.is_dir() else None)

    @cached_property
    def traffic(self) -> Traffic:
        """Traffic at the territory's detectors."""
        return Traffic(self.seed, [_detector(values, shape) for values, shape in self.drawn("traffic_detectors")],
                       self.told, self.winds)  # fmt: skip

    @cached_property
    def gauges(self) -> Gauges:
        """Rain at the Observatory's stations, in the order of RAIN_STATIONS."""
        return gauges_at(RAIN_STATIONS)

    @cached_property
    def territory(self) -> Territory:
        """The exercise's territory."""
        return territory_of(self.seed, self.scale, self.terrain)

    def drawn(self, layer: str) -> list[tuple[dict[str, object], BaseGeometry]]:
        """A layer's features as the territory has them."""
        return list(DRAWERS[layer](self.territory))

    @cached_property
    def cameras(self) -> list[dict[str, object]]:
        """The traffic cameras: those of the published lists where they are at hand, else the territory's."""
        folder = self.data / CAMERA_FOLDER if self.data else None
        if folder is None or not folder.is_dir():
            return [{**values, "lon": shape.centroid.x, "lat": shape.centroid.y}
                    for values, shape in self.drawn("traffic_cameras")]  # fmt: skip
        from shapely import from_wkb

        found = []
        for record in read_cameras(catalogue().layers["traffic_cameras"], folder).records:
            point = from_wkb(record.geometry)
            found.append({**record.properties, "lon": point.x, "lat": point.y})
        return found

    @cached_property
    def car_parks(self) -> list[tuple[dict[str, object], BaseGeometry]]:
        """The territory's car parks."""
        return self.drawn("car_parks")

    @cached_property
    def segments(self) -> list[tuple[int, int]]:
        """Road segments that have a speed: ROUTE_ID and the limit in km/h."""
        limits = {"expressway": 80, "trunk": 50}
        return [
            (int(str(values["route_id"])), limits[str(values["road_class"])])
            for values, _ in self.drawn("road_centreline")
            if values["road_class"] in limits
        ]

    def warm(self) -> None:
        """Make now what takes long to make, so that the first question finds it."""
        self.news.at(STARTS)
        self.traffic.period(STARTS)
        self.winds.gust(STARTS)
        self.gauges.fallen(STARTS)
        self.traffic.pace(STARTS)

    def known(self, at: datetime) -> Iterable[tuple[Incident, dict[str, object]]]:
        """The incidents that were told up to a time, each with what was known of it then."""
        for incident in self.told:
            values = incident.at(at)
            if values is not None:
                yield incident, values


def gauges_at(spots: Iterable[Spot]) -> Gauges:
    """Rain at named places."""
    listed = list(spots)
    return Gauges(np.array([spot.lon for spot in listed]), np.array([spot.lat for spot in listed]))


def _detector(values: dict[str, object], shape: BaseGeometry) -> Detector:
    middle = shape.centroid
    return Detector(str(values["detector_id"]), str(values["direction"]), middle.x, middle.y, values)
