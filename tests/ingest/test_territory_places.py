"""Services, transport, nature, weather and forecasts of the exercise territory: true names in true places."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from cop.catalogue import catalogue
from cop.catalogue.models import Column, Layer
from cop_ingest import grid
from cop_ingest.geometry import shaped
from cop_ingest.territory import forecasts, names_nature, names_transport, nature, services, transport, weather
from cop_ingest.territory.base import Drawer, Feature, Territory, in_metres
from cop_ingest.territory.ground import Ground
from cop_ingest.territory.placing import REACH_M
from cop_ingest.vector import feature_id

DRAWERS: dict[str, Drawer] = {
    name: drawer
    for module in (services, transport, nature, weather, forecasts)
    for name, drawer in module.DRAWERS.items()
}
SCALE = 0.1

ISLETS = {"tide_gauges", "weather_stations", "wind_10min", "rain_gauges"}
"""Layers with stations on piers and islets, which the drawn land does not have."""
AT_SEA = {"typhoon_shelters", "rain_radar"}
OVER_WATER = {"bus_routes", "traffic_forecast"}
"""Roads cross the harbour."""

_PYTHON = {
    "text": str, "code": str, "integer": int, "number": (float, int), "boolean": bool,
    "time": datetime, "date": date, "text[]": list,
}  # fmt: skip


@pytest.fixture(scope="module")
def territory() -> Territory:
    return Territory(1, SCALE, Ground.stand_in())


@pytest.fixture(scope="module")
def drawn(territory: Territory) -> dict[str, list[Feature]]:
    return {name: list(drawer(territory)) for name, drawer in DRAWERS.items()}


def _codes(column: Column) -> Mapping[str, object] | None:
    return catalogue().codes[column.codes_from] if column.codes_from else column.codes


def _fits(column: Column, value: object) -> bool:
    codes = _codes(column)
    typed = isinstance(value, _PYTHON[column.type]) and (column.type == "boolean" or not isinstance(value, bool))
    return value is None or (typed and (codes is None or value in codes))


def _metres(one: tuple[float, float], other: tuple[float, float]) -> float:
    return math.dist(grid.to_east_north(*one), grid.to_east_north(*other))


def _named(features: list[Feature], name: str, column: str = "name_en") -> BaseGeometry:
    return next(geometry for values, geometry in features if values[column] == name)


@pytest.mark.parametrize("name", sorted(DRAWERS))
def test_features_have_the_layers_columns_type_and_ids(
    name: str, drawn: dict[str, list[Feature]], layers: dict[str, Layer]
) -> None:
    layer = layers[name]
    assert layer.stand_in == name
    ids = set()
    for values, geometry in drawn[name]:
        assert set(values) <= set(layer.by_name), values
        wrong = {key: value for key, value in values.items() if not _fits(layer.by_name[key], value)}
        assert not wrong
        final, _ = shaped(geometry, layer.geometry or "Geometry", None)
        assert final.is_valid, values
        assert not final.is_empty, values
        ids.add(feature_id(layer, {key: values.get(key) for key in layer.by_name}, geometry))
    assert len(ids) == len(drawn[name]) > 0


@pytest.fixture(scope="module")
def second_territory() -> Territory:
    """The same on a ground made anew; its drawers run in another order."""
    return Territory(1, SCALE, Ground.stand_in())


@pytest.mark.parametrize("name", sorted(DRAWERS, reverse=True))
def test_the_same_territory_is_drawn_again(
    name: str, drawn: dict[str, list[Feature]], second_territory: Territory
) -> None:
    again = list(DRAWERS[name](second_territory))
    assert [values for values, _ in again] == [values for values, _ in drawn[name]]
    assert [found.wkb for _, found in again] == [found.wkb for _, found in drawn[name]]


def test_another_seed_draws_other_schools(territory: Territory, drawn: dict[str, list[Feature]]) -> None:
    other = list(services.schools(Territory(2, SCALE, territory.ground)))
    assert [found.wkb for _, found in other] != [found.wkb for _, found in drawn["schools"]]


@pytest.mark.parametrize("name", sorted(set(DRAWERS) - AT_SEA - ISLETS - OVER_WATER))
def test_what_belongs_on_land_lies_there(name: str, drawn: dict[str, list[Feature]], territory: Territory) -> None:
    spots = shapely.point_on_surface([geometry for _, geometry in drawn[name]])
    dry = territory.ground.on_land(shapely.get_x(spots), shapely.get_y(spots))
    at_sea = [
        values for (values, geometry), on_land in zip(drawn[name], dry, strict=True)
        if not on_land and values.get("code") != "SBC" and values.get("name_en") != "Lok Ma Chau Police Station"
    ]  # fmt: skip
    assert not at_sea


def test_typhoon_shelters_lie_on_the_sea_at_the_coast(drawn: dict[str, list[Feature]], territory: Territory) -> None:
    land = territory.ground.land_metres
    for values, area in drawn["typhoon_shelters"]:
        water = in_metres([area])[0]
        assert shapely.intersection(water, land).area < 0.01 * water.area, values
        assert water.distance(land) < REACH_M, values
        assert water.area > 20_000, values


@pytest.mark.parametrize(
    ("layer", "name", "lon", "lat"),
    [
        ("hospitals", "Queen Mary Hospital", 114.131, 22.270),
        ("hospitals", "Tuen Mun Hospital", 113.976, 22.407),
        ("hospitals", "St John Hospital", 114.032, 22.208),
        ("control_points", "Lo Wu Control Point", 114.113, 22.529),
        ("control_points", "Hong Kong-Zhuhai-Macao Bridge Control Point", 113.950, 22.317),
        ("mtr_stations", "Kennedy Town", 114.129, 22.281),
        ("mtr_stations", "Tung Chung", 113.941, 22.289),
        ("mtr_stations", "Lo Wu", 114.113, 22.528),
        ("light_rail_stops", "Tin Shui Wai", 114.004, 22.449),
        ("police_stations", "Tsim Sha Tsui Police Station", 114.172, 22.300),
        ("fire_stations", "Sha Tau Kok Fire Station", 114.216, 22.544),
        ("tide_gauges", "Quarry Bay", 114.213, 22.291),
        ("tide_gauges", "Tai Po Kau", 114.184, 22.443),
        ("weather_stations", "Waglan Island", 114.303, 22.182),
        ("aqhi_stations", "Tap Mun", 114.361, 22.471),
        ("community_halls", "Luen Wo Hui Community Hall", 114.146, 22.499),
        ("lcsd_facilities", "Hong Kong Central Library", 114.190, 22.280),
    ],
)
def test_true_places_are_where_they_are(
    layer: str, name: str, lon: float, lat: float, drawn: dict[str, list[Feature]]
) -> None:
    spot = _named(drawn[layer], name)
    assert _metres((spot.x, spot.y), (lon, lat)) < 500


def test_stations_lie_where_their_exits_are(drawn: dict[str, list[Feature]], data: Path) -> None:
    path = data / "mtr" / "exits.mtr.json"
    if not path.is_file():
        pytest.skip("no list of MTR exits in the data folder")
    exits: dict[str, list[tuple[float, float]]] = {}
    for found in json.loads(path.read_text(encoding="utf-8")):
        exits.setdefault(found["name_en"], []).append((found["lng"], found["lat"]))
    away = {
        str(values["name_en"]): _metres((spot.x, spot.y), tuple(np.mean(exits[str(values["name_en"])], axis=0)))
        for values, spot in drawn["mtr_stations"]
        if values["name_en"] in exits
    }
    assert len(away) > 90
    assert not {name: metres for name, metres in away.items() if metres > 500}


def test_districts_are_those_that_things_lie_in(drawn: dict[str, list[Feature]], data: Path) -> None:
    """Against the true boundaries: ours are drawn by hand, so that some places at borders fall to the neighbour."""
    path = data / "had_districts" / "hk-districts_DCD.geojson"
    if not path.is_file():
        pytest.skip("no district boundaries in the data folder")
    codes = {title.en: code for code, title in catalogue().codes["districts"].items()}
    true = {
        codes[found["properties"]["NAME_EN"].replace("&", "and").replace("District", "").strip()]: shape(
            found["geometry"]
        )
        for found in json.loads(path.read_text(encoding="utf-8"))["features"]
    }
    halls = [
        values for values, spot in drawn["community_halls"] if true[str(values["district"])].distance(spot) > 0.003
    ]
    assert not halls
    for name in ("hospitals", "fire_stations", "police_stations", "lcsd_facilities"):
        right = [
            true[str(values["district"])].covers(area.centroid) for values, area in drawn[name] if values["district"]
        ]
        assert sum(right) > 0.85 * len(drawn[name]), name


@pytest.mark.parametrize("name", sorted(DRAWERS))
def test_names_come_in_both_languages(name: str, drawn: dict[str, list[Feature]], layers: dict[str, Layer]) -> None:
    english, chinese = layers[name].with_role("title"), layers[name].with_role("title_zh")
    if english is None or chinese is None:
        assert name in ("minibus_stops", "bus_routes", "landslide_probability", "rain_radar")
        return
    for values, _ in drawn[name]:
        assert values[english.name], values
        assert any("\u4e00" <= letter <= "\u9fff" for letter in str(values[chinese.name])), values


def test_the_numbers_of_true_things(drawn: dict[str, list[Feature]]) -> None:
    counted = {name: len(drawn[name]) for name in ("hospitals", "control_points", "aqhi_stations", "country_parks")}
    assert counted == {"hospitals": 18, "control_points": 8, "aqhi_stations": 18, "country_parks": 24}
    assert len(drawn["mtr_stations"]) == 97
    assert len(drawn["light_rail_stops"]) == 68
    assert {values["code"] for values, _ in drawn["control_points"]} == {
        "HYW", "HZM", "LMC", "LSC", "LWS", "MKT", "SBC", "STK",
    }  # fmt: skip
    assert len(drawn["aed"]) == round(services.AEDS * SCALE)
    assert 0.9 * transport.DETECTORS * SCALE < len(drawn["traffic_detectors"]) <= transport.DETECTORS * SCALE + 1


def test_exits_belong_to_stations_and_stand_near_them(drawn: dict[str, list[Feature]]) -> None:
    stations = {str(values["name_en"]): (values["exits"], spot) for values, spot in drawn["mtr_stations"]}
    counted = Counter(str(values["station_en"]) for values, _ in drawn["mtr_exits"])
    assert counted == {name: exits for name, (exits, _) in stations.items()}
    for values, spot in drawn["mtr_exits"]:
        middle = stations[str(values["station_en"])][1]
        assert _metres((spot.x, spot.y), (middle.x, middle.y)) < 500


def test_lines_of_stations_are_known() -> None:
    lines = {line for spot in names_transport.MTR_STATIONS for line in spot.more[1].split()}
    assert lines == {"ISL", "TWL", "KTL", "TKL", "TCL", "AEL", "DRL", "EAL", "TML", "SIL"}


def test_trails_hang_together(drawn: dict[str, list[Feature]]) -> None:
    sections: dict[str, list[BaseGeometry]] = {}
    for values, line in drawn["hiking_trails"]:
        sections.setdefault(str(values["trail_en"]), []).append(line.geoms[0])
    assert {name: len(found) for name, found in sections.items()} == {
        "MacLehose Trail": 10, "Wilson Trail": 10, "Lantau Trail": 12, "Hong Kong Trail": 8,
    }  # fmt: skip
    for name, found in sections.items():
        gaps = [number for number, (one, next_) in enumerate(pairwise(found), 1) if one.coords[-1] != next_.coords[0]]
        assert gaps == ([2] if name == "Wilson Trail" else []), name  # across the harbour


def test_trails_stay_on_land(drawn: dict[str, list[Feature]], territory: Territory) -> None:
    """But for the dams of the High Island Reservoir, which the drawn land has as a strait."""
    land = territory.ground.land_metres
    for values, line in drawn["hiking_trails"]:
        course = in_metres([line])[0]
        dams = values["section_id"] in ("maclehose-trail-1", "maclehose-trail-2")
        assert shapely.difference(course, land).length < (0.3 if dams else 0.15) * course.length, values


def test_country_parks_do_not_overlap_and_lie_high(drawn: dict[str, list[Feature]], territory: Territory) -> None:
    areas = in_metres([area for _, area in drawn["country_parks"]])
    assert shapely.union_all(areas).area == pytest.approx(shapely.area(areas).sum(), rel=0.01)
    spots = shapely.point_on_surface(areas)
    heights = territory.ground.height(shapely.get_x(spots), shapely.get_y(spots))
    assert np.median(heights) > 100
    assert len(drawn["country_parks"]) == len(names_nature.COUNTRY_PARKS)


@pytest.fixture(scope="module")
def roads(territory: Territory) -> shapely.STRtree:
    return shapely.STRtree([road.line for road in territory.ground.roads])


def test_detectors_stand_on_the_left_of_their_road(drawn: dict[str, list[Feature]], roads: shapely.STRtree) -> None:
    for values, spot in drawn["traffic_detectors"]:
        e, n = grid.to_east_north(spot.x, spot.y)
        assert (float(str(values["easting"])), float(str(values["northing"]))) == pytest.approx((e, n), abs=0.2)
        turn = math.radians(float(str(values["rotation"])))
        kerb = shapely.Point(e + 14 * math.cos(turn), n - 14 * math.sin(turn))  # across to the right
        assert roads.query(kerb.buffer(12), predicate="intersects").size, values


def test_routes_run_along_the_roads_there_and_back(drawn: dict[str, list[Feature]], roads: shapely.STRtree) -> None:
    routes = {(values["route_id"], values["direction"]): (values, line) for values, line in drawn["bus_routes"]}
    assert len(routes) == 2 * round(transport.ROUTES * SCALE)
    for (route, direction), (values, line) in routes.items():
        if direction == 1:
            back_values, back = routes[(route, 2)]
            assert values["from_en"] == back_values["to_en"]
            assert line.equals(back)
        corners = shapely.points(shapely.get_coordinates(in_metres([line])[0]))
        _, away = roads.query_nearest(corners, return_distance=True, all_matches=False)
        assert away.max() < 1.0


def test_the_wind_series_ends_in_the_latest_wind(drawn: dict[str, list[Feature]]) -> None:
    rows = weather.wind_series()
    assert len(rows) == weather.SERIES_STEPS * 30
    latest = max(row.observed_at for row in rows)
    assert {values["observed_at"] for values, _ in drawn["wind_10min"]} == {latest}


@pytest.mark.parametrize("name", sorted(forecasts.DRAWERS))
def test_forecasts_say_that_they_are_fixtures_and_their_times_agree(
    name: str, drawn: dict[str, list[Feature]], layers: dict[str, Layer]
) -> None:
    layer = layers[name]
    assert layer.provenance == "exercise"
    assert layer.source.licence == "exercise"
    for text in (layer.title, layer.description):
        assert "xercise" in text.en
        assert "演習" in text.zh
    assert all("xercise" in found.label.en and "演習" in found.label.zh for found in layer.style.classes)
    columns = {
        role: column.name for role in ("run", "valid", "valid_to", "version") if (column := layer.with_role(role))
    }
    assert list(columns.values()) == ["run_at", "valid_from", "valid_to", "model_version"]
    for values, _ in drawn[name]:
        run_at, valid_from, valid_to = (values[key] for key in ("run_at", "valid_from", "valid_to"))
        assert isinstance(run_at, datetime)
        assert isinstance(valid_from, datetime)
        assert isinstance(valid_to, datetime)
        assert run_at.tzinfo
        assert valid_from < valid_to
        assert run_at <= valid_from or values.get("kind") == "observed"
        assert run_at <= forecasts.NOW
        assert valid_to <= forecasts.NOW + timedelta(hours=3)
        assert "xercise" in str(values["model"])


def test_radar_has_observed_and_nowcast_frames_whose_bands_do_not_overlap(drawn: dict[str, list[Feature]]) -> None:
    frames: dict[datetime, list[BaseGeometry]] = {}
    for values, area in drawn["rain_radar"]:
        assert isinstance(values["valid_from"], datetime)
        frames.setdefault(values["valid_from"], []).append(area)
        assert (values["kind"] == "observed") == (values["valid_from"] <= forecasts.NOW)
    minutes = [round((at - forecasts.NOW) / timedelta(minutes=1)) for at in sorted(frames)]
    assert minutes == [*forecasts.OBSERVED_MIN, *forecasts.NOWCAST_MIN]
    for bands in frames.values():
        assert len(bands) == len(forecasts.BANDS)
        assert shapely.union_all(bands).area == pytest.approx(shapely.area(bands).sum(), rel=0.01)


def test_radar_moves(drawn: dict[str, list[Feature]]) -> None:
    heavy = [area.centroid for values, area in drawn["rain_radar"] if values["rate_from_mmh"] == forecasts.BANDS[-1]]
    assert heavy[-1].x < heavy[0].x - 0.1  # the typhoon goes west


def test_landslides_are_likelier_where_it_is_steep(drawn: dict[str, list[Feature]]) -> None:
    found = [
        (float(str(v["slope_deg"])), float(str(v["probability"])), v["level"])
        for v, _ in drawn["landslide_probability"]
    ]
    slopes, chances = np.array([slope for slope, _, _ in found]), np.array([chance for _, chance, _ in found])
    assert slopes.min() >= forecasts.STEEP
    assert chances.min() >= 0
    assert chances.max() <= 1
    assert np.corrcoef(slopes, chances)[0, 1] > 0.5
    assert {level for _, chance, level in found if chance < 0.1} <= {"low"}
    assert {level for _, chance, level in found if chance >= 0.6} <= {"very_high"}


def test_each_main_road_has_all_horizons(drawn: dict[str, list[Feature]]) -> None:
    roads: dict[object, list[object]] = {}
    for values, _ in drawn["traffic_forecast"]:
        roads.setdefault(values["road_en"], []).append(values["horizon_min"])
        assert (values["level"] == "closed") == (values["speed_kmh"] == 0)
        assert values["valid_from"] == forecasts.NOW + timedelta(minutes=int(str(values["horizon_min"])))
    assert len(roads) > 50
    assert all(horizons == list(forecasts.HORIZONS_MIN) for horizons in roads.values())
