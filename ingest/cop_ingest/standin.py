"""Small exercise stand-ins of the layers, for a machine without the data folder and without a network.

Drawn from standin_tables and places alone, the same every time. The loader marks their provenance as
exercise; they carry true names and no made-up facts: what is not known is None.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import numpy as np
import shapely
from shapely.geometry import LineString, MultiPoint, MultiPolygon, Point, Polygon
from shapely.geometry.base import BaseGeometry

from cop.catalogue import catalogue
from cop.catalogue.models import Layer
from cop_ingest import grid
from cop_ingest import standin_tables as tables
from cop_ingest.geometry import shaped, to_wkb
from cop_ingest.places import DISTRICT_CENTRES, PLACES, Place
from cop_ingest.records import Parsed, Record, without_repeats
from cop_ingest.times import HKT
from cop_ingest.vector import feature_id
from cop_ingest.wind import WindRow, compass_degrees, latest_records

Drawn = Iterable[tuple[dict[str, object], BaseGeometry]]

SERIES_STARTS = datetime(2025, 9, 23, 14, 10, tzinfo=HKT)
SERIES_STEPS = 181
"""The wind series has one row a station every ten minutes from SERIES_STARTS, 30 hours long."""

_DEGREE_M = 111_195.0
_EVERY = timedelta(minutes=10)


def stand_in(name: str, layer: Layer) -> Parsed:
    """The stand-in that a layer's file names, as records of that layer: its columns, geometry type and ids.

    Raises ValueError for `terrain`, which is a raster (standin_terrain.write_terrain), and KeyError for a
    name that is none of STAND_INS.
    """
    if name == "terrain":
        raise ValueError("the stand-in terrain is a raster; write it with standin_terrain.write_terrain")
    if name == "wind_10min":
        return Parsed(latest_records(layer, wind_series(), _stations()))
    drawn = STAND_INS[name]()
    return without_repeats((number, _record(layer, *feature)) for number, feature in enumerate(drawn, 1))


def _record(layer: Layer, known: dict[str, object], geometry: BaseGeometry) -> Record:
    properties = {column.name: known.get(column.name) for column in layer.columns}
    final, _ = shaped(geometry, layer.geometry or "Geometry", layer.source.point_of)
    return Record(feature_id(layer, properties, geometry), properties, to_wkb(final))


def wind_series() -> list[WindRow]:
    """A typhoon passing in 30 hours, as rows of the observation series, by time and station.

    The wind turns from north over east to south-east and is strongest after 17 hours.
    """
    return [_wind_row(station, step) for step in range(SERIES_STEPS) for station in tables.STATIONS]


def _wind_row(station: tuple[str, str, float, float, float], step: int) -> WindRow:
    name, _, lon, _, exposure = station
    nearness = math.exp(-(((step - 105) / 55) ** 2))
    mean = round(exposure * (18 + 62 * nearness) + 3 * math.sin(step * 0.7 + lon * 90))
    word = ("North", "Northeast", "East", "Southeast")[min(3, step // 46)]
    observed_at = (SERIES_STARTS + step * _EVERY).astimezone(UTC)
    gust = round(mean * (1.45 + 0.1 * math.sin(step * 1.3 + lon * 50)))
    return WindRow(name, observed_at, word, compass_degrees(word), float(mean), float(gust), observed_at + _EVERY)


def _stations() -> dict[str, Record]:
    layer = catalogue().layers["weather_stations"]
    return {str(record.properties["name_en"]): record for record in stand_in("weather_stations", layer).records}


@lru_cache(maxsize=1)
def land_outline() -> MultiPolygon:
    """The hand-drawn land as one area, EPSG:4326 lon, lat."""
    return MultiPolygon([Polygon(outline) for outline in tables.ISLANDS.values()])


def _districts() -> Drawn:
    names = catalogue().codes["districts"]
    for code, area in _district_areas().items():
        yield {"code": code, "name_en": f"{names[code].en} District", "name_zh": names[code].zh}, area


def _district_population() -> Drawn:
    names = catalogue().codes["districts"]
    for code, area in _district_areas().items():
        yield (
            {
                "name_en": names[code].en,
                "name_zh": names[code].zh.removesuffix("區"),
                "population_2021": tables.POPULATION_2021[code],
            },
            area,
        )


@lru_cache(maxsize=1)
def _district_areas() -> dict[str, BaseGeometry]:
    """Each district gets what is nearer to its centre than to any other, inside the convex limits."""
    limits = Polygon(tables.LIMITS)
    cells = shapely.get_parts(shapely.voronoi_polygons(MultiPoint(list(DISTRICT_CENTRES.values())), extend_to=limits))
    return {
        code: shapely.intersection(next(cell for cell in cells if cell.covers(Point(centre))), limits)
        for code, centre in DISTRICT_CENTRES.items()
    }


def _land() -> Drawn:
    for area in land_outline().geoms:
        yield {}, area


def _woods() -> Drawn:
    for _, lon, lat, height in tables.PEAKS:
        area = shapely.intersection(_circle(lon, lat, 300 + 1.6 * height, 20), land_outline())
        yield {"landcover": "wood"}, shapely.difference(area, _reservoirs())


def _waters() -> Drawn:
    for _, lon, lat, radius in tables.RESERVOIRS:
        yield {"landcover": "water"}, _circle(lon, lat, radius, 16)


@lru_cache(maxsize=1)
def _reservoirs() -> BaseGeometry:
    return shapely.union_all([_circle(lon, lat, radius, 16) for _, lon, lat, radius in tables.RESERVOIRS])


def _circle(lon: float, lat: float, radius_m: float, corners: int) -> Polygon:
    """A wavy circle: a plain one would look like a marker, not like land."""
    across = math.cos(math.radians(lat))
    ring = []
    for corner in range(corners):
        angle = math.tau * corner / corners
        degrees = radius_m * (1 + 0.18 * math.sin(3 * angle + lon * 300)) / _DEGREE_M
        ring.append((round(lon + degrees * math.cos(angle) / across, 6), round(lat + degrees * math.sin(angle), 6)))
    return Polygon(ring)


def _roads() -> Drawn:
    """Straight lines between neighbouring places, where they stay on land for the most part."""
    for one, other in _neighbours(4):
        line = LineString([(one.lon, one.lat), (other.lon, other.lat)])
        if shapely.intersection(line, land_outline()).length > 0.85 * line.length:
            yield {"theme": "road"}, line


def _neighbours(count: int) -> list[tuple[Place, Place]]:
    spots = np.array([grid.to_east_north(place.lon, place.lat) for place in PLACES])
    apart = np.hypot(*(spots[:, None, :] - spots[None, :, :]).transpose(2, 0, 1))
    pairs = set()
    for here, distances in enumerate(apart):
        nearest = np.argsort(distances, kind="stable")[1 : count + 1]
        pairs |= {(min(here, int(there)), max(here, int(there))) for there in nearest}
    return [(PLACES[one], PLACES[other]) for one, other in sorted(pairs)]


def _place_names() -> Drawn:
    areas = {place.area_en: place for place in reversed(PLACES)}
    for place in reversed(areas.values()):
        known: dict[str, object] = {"name_en": place.area_en, "name_zh": place.area_zh, "place": "suburb"}
        yield known, Point(place.lon, place.lat)


def _cameras() -> Drawn:
    districts = catalogue().codes["districts"]
    for number, place in enumerate(PLACES[::2], 1):
        easting, northing = grid.to_east_north(place.lon, place.lat)
        known: dict[str, object] = {
            "key": f"EX{number:03d}",
            "region": tables.REGIONS[place.district],
            "district": districts[place.district].en,
            "description_en": f"{place.street_en}, {place.area_en}",
            "description_zh": f"{place.area_zh}{place.street_zh}",
            "easting": round(easting, 1),
            "northing": round(northing, 1),
            "position_gap_m": 0.0,
        }
        yield known, Point(place.lon, place.lat)


def _weather_stations() -> Drawn:
    for name_en, name_zh, lon, lat, _ in tables.STATIONS:
        yield {"name_en": name_en, "name_zh": name_zh}, Point(lon, lat)


STAND_INS: dict[str, Callable[[], Drawn]] = {
    "districts": _districts,
    "district_population": _district_population,
    "land": _land,
    "landcover_wood": _woods,
    "place_names": _place_names,
    "roads_b50k": _roads,
    "traffic_cameras": _cameras,
    "water_bodies": _waters,
    "weather_stations": _weather_stations,
}
"""The drawn stand-ins by name; `wind_10min` and `terrain` are made elsewhere."""
