"""Places and the stand-in of the terrain. The exercise's incidents: test_scenario.py; its layers: test_territory.py."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import shapely

from cop.catalogue.models import Layer
from cop_ingest.places import DISTRICT_CENTRES, PLACES
from cop_ingest.raster import make_cog
from cop_ingest.territory.land import district_areas, own_land
from cop_ingest.territory.relief import terrain, write_terrain
from cop_ingest.territory.weather import wind_series
from cop_ingest.vector import read_vector
from cop_ingest.wind import newest_rows


def test_places_lie_on_land_in_their_district(layers: dict[str, Layer], data: Path) -> None:
    districts = _areas(layers["districts"], data)
    land = shapely.union_all(list(_areas(layers["land"], data).values()))
    spots = [(place.district, shapely.Point(place.lon, place.lat)) for place in PLACES]
    spots += [(code, shapely.Point(centre)) for code, centre in DISTRICT_CENTRES.items()]
    assert {code for code, _ in spots} == set(districts)
    for code, spot in spots:
        assert districts[code].contains(spot), (code, spot)
        assert land.contains(spot), (code, spot)


def _areas(layer: Layer, data: Path) -> dict[str, shapely.Geometry]:
    parsed = read_vector(layer, data / str(layer.source.file))
    return {record.id: shapely.from_wkb(record.geometry) for record in parsed.records}


def test_eighteen_districts_tile_their_limits() -> None:
    areas = district_areas()
    assert set(areas) == set(DISTRICT_CENTRES)
    assert {area.geom_type for area in areas.values()} == {"Polygon"}
    assert all(areas[code].contains(shapely.Point(centre)) for code, centre in DISTRICT_CENTRES.items())
    whole = shapely.union_all(list(areas.values()))
    assert abs(sum(area.area for area in areas.values()) - whole.area) < 1e-6 * whole.area


def test_land_and_districts_are_like_the_real_ones(layers: dict[str, Layer], data: Path) -> None:
    districts = _areas(layers["districts"], data)
    limits = shapely.union_all(list(districts.values()))
    real = shapely.union_all(list(_areas(layers["land"], data).values())) & limits
    assert (real & own_land()).area / (real | own_land()).area > 0.95
    assert all(own_land().contains(shapely.Point(place.lon, place.lat)) for place in PLACES)
    agreed = sum((area & districts[code] & real).area for code, area in district_areas().items())
    assert agreed / real.area > 0.8


def test_the_wind_series_is_thirty_hours_of_thirty_stations() -> None:
    rows = wind_series()
    assert len(rows) == 181 * 30
    assert len(newest_rows(rows)) == len(rows)
    assert all(row.mean_kmh and row.gust_kmh and row.mean_kmh < row.gust_kmh for row in rows)
    assert all(one.observed_at <= two.observed_at for one, two in pairwise(rows))


def test_the_terrain_has_the_frame_of_the_real_model_and_hills(tmp_path: Path) -> None:
    heights, _ = terrain()
    assert (heights.shape, heights.dtype) == ((685, 910), np.float32)
    assert 900 < heights.max() < 980
    info = make_cog(write_terrain(tmp_path / "raw.tif"), tmp_path / "terrain.tif")
    assert info.bounds == (799997.5, 800052.5, 863697.5, 848002.5)
