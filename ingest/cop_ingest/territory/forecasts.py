"""Drawers of three models' outcomes as fixtures: landslide probability, rain radar with nowcast, traffic forecast.

They are made up for the exercise, and each says so in its model's name. A typhoon passes south of Hong Kong before the
dawn of 24 September 2025; rain, landslides and traffic all follow from it, so that the three agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio import features
from rasterio.transform import Affine, from_origin
from shapely.geometry import MultiLineString, MultiPolygon, shape
from shapely.geometry.base import BaseGeometry

from cop_ingest.territory.base import Drawer, Feature, Floats, Territory, in_degrees, to_degrees
from cop_ingest.territory.ground import Road
from cop_ingest.territory.ways import MAIN
from cop_ingest.times import HKT

NOW = datetime(2025, 9, 24, 3, 0, tzinfo=HKT)
"""When the exercise opens; rain and traffic are run then."""

LANDSLIDE_RUN = datetime(2025, 9, 24, 2, 30, tzinfo=HKT)
LANDSLIDE_VALID = (NOW, datetime(2025, 9, 24, 6, 0, tzinfo=HKT))
CELL_M = 500.0
STEEP = 15.0
"""Cells of CELL_M metres whose mean steepness is at least so many degrees have a landslide probability."""

BANDS = (2.0, 5.0, 10.0, 20.0, 30.0, 50.0)
"""Rain rates in mm/h at which the radar's bands begin."""

OBSERVED_MIN = (-60, -48, -36, -24, -12, 0)
NOWCAST_MIN = (15, 30, 45, 60, 75, 90)
HORIZONS_MIN = (15, 30, 45, 60, 75, 90)
"""Minutes from NOW of what the radar saw, of its nowcast, and of the traffic forecast."""

VERSION = "exercise-1"

_RADAR_BOX = (112.7, 20.7, 115.8, 23.5)
_RADAR_STEP = 0.0125
_KM = 111.195
_EYE = (114.95, 20.98)
_EYE_SPEED = (-0.20, 0.055)
"""The typhoon's middle at NOW (degrees), and how far it goes in an hour."""


def rain_rate(lon: Floats, lat: Floats, at: datetime) -> Floats:
    """Rain in mm/h of the exercise's typhoon: a wall around the eye and bands that spiral into it."""
    hours = (at - NOW) / timedelta(hours=1)
    eye_lon, eye_lat = _EYE[0] + _EYE_SPEED[0] * hours, _EYE[1] + _EYE_SPEED[1] * hours
    east, north = (lon - eye_lon) * _KM * np.cos(np.radians(22)), (lat - eye_lat) * _KM
    away, angle = np.maximum(np.hypot(east, north), 1.0), np.arctan2(north, east)
    wall = 58 * np.exp(-(((away - 38) / 14) ** 2))
    winding = 3 * (angle + 1.6 * np.log(away / 38)) - 0.9 * hours
    arms = np.maximum(np.cos(winding), 0) ** 2 * 62 * np.exp(-away / 150) * (away > 30)
    veil = 16 * np.exp(-((away / 120) ** 2)) * (away > 22)
    cells = 1 + 0.45 * np.sin(east / 9 + 2 * hours) * np.sin(north / 7 - hours) + 0.25 * np.sin(east / 4 + north / 5)
    rate: Floats = np.maximum((wall + arms + veil) * cells, 0)
    return rate


@dataclass(frozen=True, slots=True)
class _Frame:
    kind: str
    minutes: int
    valid_from: datetime
    valid_to: datetime


def _frames() -> Iterator[_Frame]:
    for minutes in OBSERVED_MIN:
        at = NOW + timedelta(minutes=minutes)
        yield _Frame("observed", minutes, at, at + timedelta(minutes=12))
    for minutes in NOWCAST_MIN:
        at = NOW + timedelta(minutes=minutes)
        yield _Frame("nowcast", minutes, at, at + timedelta(minutes=15))


def rain_radar(_: Territory) -> Iterable[Feature]:
    """The bands of each frame; bands of one frame share borders and do not overlap."""
    for frame in _frames():
        for band, area in _bands(frame.valid_from).items():
            known: dict[str, object] = {
                "run_at": NOW,
                "valid_from": frame.valid_from,
                "valid_to": frame.valid_to,
                "model": "Exercise fixture: typhoon south of Hong Kong",
                "model_version": VERSION,
                "kind": frame.kind,
                "lead_min": frame.minutes,
            }
            above = BANDS[band + 1] if band + 1 < len(BANDS) else None
            yield {**known, "rate_from_mmh": BANDS[band], "rate_below_mmh": above}, area


def _bands(at: datetime) -> dict[int, MultiPolygon]:
    """The areas of the bands by number, EPSG:4326 lon, lat, from a grid of _RADAR_STEP degrees."""
    west, south, east, north = _RADAR_BOX
    lon = np.arange(west, east, _RADAR_STEP) + _RADAR_STEP / 2
    lat = np.arange(north, south, -_RADAR_STEP) - _RADAR_STEP / 2
    rates = rain_rate(*np.meshgrid(lon, lat), at)
    classes = np.digitize(rates, BANDS).astype(np.uint8)
    pieces = _pieces(classes, from_origin(west, north, _RADAR_STEP, _RADAR_STEP))
    simpler = shapely.coverage_simplify(np.array([area for _, area in pieces]), 1.2 * _RADAR_STEP)
    found: dict[int, list[BaseGeometry]] = {}
    for (band, _), area in zip(pieces, shapely.set_precision(simpler, 1e-4), strict=True):
        if band:
            found.setdefault(band - 1, []).extend(part for part in shapely.get_parts(area) if part.area > 1e-4)
    return {band: MultiPolygon(parts) for band, parts in sorted(found.items()) if parts}


def _pieces(classes: NDArray[np.uint8], frame: Affine) -> list[tuple[int, BaseGeometry]]:
    """The areas of equal class, dry ones (class 0) too, because borders are simplified together."""
    return [(int(value), shape(area)) for area, value in features.shapes(classes, transform=frame)]


_LEVELS = (("low", 0.1), ("moderate", 0.3), ("high", 0.6), ("very_high", 1.01))


def landslide_probability(territory: Territory) -> Iterable[Feature]:
    """Cells on steep land, with a probability that grows with steepness and with the rain of the valid hours."""
    corners, steep = _steep_cells(territory)
    middles = to_degrees(corners + CELL_M / 2)
    hours = [LANDSLIDE_VALID[0] + timedelta(minutes=30 * step) for step in range(7)]
    rain = np.mean([rain_rate(middles[:, 0], middles[:, 1], at) for at in hours], axis=0) * 3
    chance = 1 / (1 + np.exp(4.5 - 0.17 * (steep - STEEP) - 0.06 * rain))
    areas = _on_land(territory, shapely.box(*corners.T, *(corners + CELL_M).T))
    for (e, n), slope, probability, area in zip(corners, steep, np.round(chance, 3), areas, strict=True):
        if area is None:
            continue
        yield (
            {
                "cell": f"E{int(e)}N{int(n)}",
                "run_at": LANDSLIDE_RUN,
                "valid_from": LANDSLIDE_VALID[0],
                "valid_to": LANDSLIDE_VALID[1],
                "model": "Exercise fixture: steepness and rain",
                "model_version": VERSION,
                "probability": float(probability),
                "level": next(level for level, below in _LEVELS if probability < below),
                "slope_deg": round(float(slope), 1),
            },
            area,
        )


def _steep_cells(territory: Territory) -> tuple[Floats, Floats]:
    """The south-west corners (EPSG:2326) of cells that are steep and for the most part land; their mean steepness."""
    west, south, east, north = territory.ground.land_metres.bounds
    corners = np.stack(
        np.meshgrid(
            np.arange(np.floor(west / CELL_M) * CELL_M, east, CELL_M),
            np.arange(np.floor(south / CELL_M) * CELL_M, north, CELL_M),
        ),
        axis=-1,
    ).reshape(-1, 2)
    within = np.stack(np.meshgrid(np.arange(50, CELL_M, 100), np.arange(50, CELL_M, 100)), axis=-1).reshape(-1, 2)
    samples = (corners[:, None, :] + within[None, :, :]).reshape(-1, 2)
    dry = territory.ground.dry(samples).reshape(len(corners), -1)
    slopes = territory.ground.steepness(samples[:, 0], samples[:, 1]).reshape(len(corners), -1)
    mean = np.where(dry, slopes, 0).sum(axis=1) / np.maximum(dry.sum(axis=1), 1)
    chosen = (dry.mean(axis=1) >= 0.6) & (mean >= STEEP)
    return corners[chosen], mean[chosen]


def _on_land(territory: Territory, cells: NDArray[np.object_]) -> list[BaseGeometry | None]:
    """The largest piece of land of each cell, EPSG:4326; None where the coast leaves none."""
    cut = shapely.intersection(cells, territory.ground.land_metres)
    largest = [
        max((part for part in shapely.get_parts(area) if part.geom_type == "Polygon"), key=_area, default=None)
        for area in cut
    ]
    kept = [number for number, area in enumerate(largest) if area is not None]
    turned = in_degrees([largest[number] for number in kept])
    found: list[BaseGeometry | None] = [None] * len(largest)
    for number, area in zip(kept, turned, strict=True):
        found[number] = area
    return found


def _area(part: BaseGeometry) -> float:
    return float(part.area)


_FREE_KMH = {1: 85.0, 2: 50.0}


def traffic_forecast(territory: Territory) -> Iterable[Feature]:
    """Each main road at each horizon: nearly empty in the night of the typhoon, slow in the rain, some closed."""
    for number, (name, roads) in enumerate(_main_roads(territory), 1):
        draw = territory.draw(f"traffic_forecast/{name}")
        closed_from = draw.choice(HORIZONS_MIN) if draw.random() < 0.08 else None
        congested = draw.random() < 0.12
        lines = in_degrees([shapely.simplify(road.line, 15) for road in roads])
        course = _merged(list(lines))
        spot = shapely.point_on_surface(course)
        for horizon in HORIZONS_MIN:
            at = NOW + timedelta(minutes=horizon)
            wet = float(rain_rate(np.array([spot.x]), np.array([spot.y]), at)[0])
            closed = closed_from is not None and horizon >= closed_from
            usual = _FREE_KMH[min(road.rank for road in roads)]
            share = draw.uniform(0.85, 1.0) - min(wet, 60) / 110 - (0.45 if congested else 0)
            speed = 0.0 if closed else max(5.0, round(usual * share))
            yield (
                {
                    "road_id": f"EXR{number:03d}",
                    "road_en": name,
                    "road_zh": roads[0].name_zh,
                    "run_at": NOW,
                    "valid_from": at,
                    "valid_to": at + timedelta(minutes=15),
                    "model": "Exercise fixture: roads in a typhoon",
                    "model_version": VERSION,
                    "horizon_min": horizon,
                    "speed_kmh": speed,
                    "level": _level(speed / usual, closed),
                },
                course,
            )


def _level(share: float, closed: bool) -> str:
    if closed:
        return "closed"
    return "smooth" if share >= 0.7 else "slow" if share >= 0.4 else "congested"


def _main_roads(territory: Territory) -> list[tuple[str, list[Road]]]:
    """The main roads by their names, in the order of these."""
    found: dict[str, list[Road]] = {}
    for road in territory.ground.roads:
        if road.rank <= MAIN and road.name_en:
            found.setdefault(road.name_en, []).append(road)
    return sorted(found.items())


def _merged(lines: list[BaseGeometry]) -> MultiLineString:
    merged = shapely.line_merge(MultiLineString(lines))
    return MultiLineString([merged]) if merged.geom_type == "LineString" else merged


DRAWERS: dict[str, Drawer] = {
    "landslide_probability": landslide_probability,
    "rain_radar": rain_radar,
    "traffic_forecast": traffic_forecast,
}
