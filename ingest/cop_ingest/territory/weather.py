"""Drawers of the weather's stations, and the exercise's wind series.

The Observatory's and the Environmental Protection Department's stations carry true names at approximate places; rain
gauges of the Geotechnical Engineering Office have made-up numbers and places.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
from shapely.geometry import Point

from cop_ingest.territory import names_weather
from cop_ingest.territory.base import Drawer, Feature, Floats, Territory, to_degrees, to_metres
from cop_ingest.territory.named import Spot
from cop_ingest.territory.placing import lon_lat_of, placed
from cop_ingest.times import HKT
from cop_ingest.wind import WindRow, compass_degrees, newest_rows

SERIES_STARTS = datetime(2025, 9, 23, 14, 10, tzinfo=HKT)
SERIES_STEPS = 181
"""The wind series has one row a station every ten minutes from SERIES_STARTS, 30 hours long."""

GEO_GAUGES = 88
"""Rain gauges of the Geotechnical Engineering Office."""

_EVERY = timedelta(minutes=10)
_LETTERS = {
    **dict.fromkeys(("CW", "EST", "STH", "WC"), "H"),
    **dict.fromkeys(("KLC", "KT", "SSP", "WTS", "YTM"), "K"),
}


def wind_series() -> list[WindRow]:
    """A typhoon passing in 30 hours, as rows of the observation series, by time and station.

    The wind turns from north over east to south-east and is strongest after 17 hours.
    """
    return [_wind_row(station, step) for step in range(SERIES_STEPS) for station in names_weather.WIND_STATIONS]


def _wind_row(station: Spot, step: int) -> WindRow:
    exposure = float(station.more[0])
    nearness = math.exp(-(((step - 105) / 55) ** 2))
    mean = round(exposure * (18 + 62 * nearness) + 3 * math.sin(step * 0.7 + station.lon * 90))
    word = ("North", "Northeast", "East", "Southeast")[min(3, step // 46)]
    observed_at = (SERIES_STARTS + step * _EVERY).astimezone(UTC)
    gust = round(mean * (1.45 + 0.1 * math.sin(step * 1.3 + station.lon * 50)))
    return WindRow(
        station=station.name_en,
        observed_at=observed_at,
        direction=word,
        direction_deg=compass_degrees(word),
        mean_kmh=float(mean),
        gust_kmh=float(gust),
        published_at=observed_at + _EVERY,
    )


def wind_10min(_: Territory) -> Iterable[Feature]:
    """The newest row of each station of the wind series, in the order of their names."""
    latest = {row.station: row for row in newest_rows(wind_series())}
    for station in sorted(names_weather.WIND_STATIONS, key=lambda spot: spot.name_en):
        row = latest[station.name_en]
        yield (
            {
                "station_en": station.name_en,
                "station_zh": station.name_zh,
                "observed_at": row.observed_at,
                "direction": row.direction,
                "direction_deg": row.direction_deg,
                "mean_kmh": row.mean_kmh,
                "gust_kmh": row.gust_kmh,
            },
            Point(station.lon, station.lat),
        )


def weather_stations(_: Territory) -> Iterable[Feature]:
    """The Observatory's wind stations where they are, islets and piers too."""
    for spot in names_weather.WIND_STATIONS:
        yield {"name_en": spot.name_en, "name_zh": spot.name_zh}, Point(spot.lon, spot.lat)


def aqhi_stations(territory: Territory) -> Iterable[Feature]:
    """The 18 air quality stations."""
    for spot, point, _ in placed(territory, names_weather.AQHI_STATIONS):
        yield {"name_en": spot.name_en, "name_zh": spot.name_zh, "kind": spot.more[0]}, point


def tide_gauges(_: Territory) -> Iterable[Feature]:
    """Tide stations where they are: at piers and on islets."""
    for spot in names_weather.TIDE_GAUGES:
        kept_by, code = spot.more
        known: dict[str, object] = {"station_no": code, "name_en": spot.name_en, "name_zh": spot.name_zh}
        yield {**known, "kept_by": kept_by}, Point(spot.lon, spot.lat)


def rain_gauges(territory: Territory) -> Iterable[Feature]:
    """The Observatory's rain gauges by name, and made-up ones of the Geotechnical Engineering Office in between."""
    known = lon_lat_of(names_weather.RAIN_STATIONS)
    names = [(f"HKO-{n:02d}", spot.name_en, spot.name_zh) for n, spot in enumerate(names_weather.RAIN_STATIONS, 1)]
    yield from _gauges(territory, "HKO", names, to_metres(known))
    places = _in_between(territory, to_metres(known), GEO_GAUGES)
    numbers = list(_numbers(territory, places))
    yield from _gauges(territory, "GEO", [(n, f"GEO rain gauge {n}", f"土力工程處雨量計{n}") for n in numbers], places)


def _gauges(
    territory: Territory, network: str, names: list[tuple[str, str, str]], east_north: Floats
) -> Iterator[Feature]:
    lon_lat = to_degrees(east_north)
    codes = territory.ground.district_of(lon_lat[:, 0], lon_lat[:, 1])
    levels = territory.ground.height(east_north[:, 0], east_north[:, 1])
    for (number, name_en, name_zh), (e, n), where, code, level in zip(
        names, east_north, lon_lat, codes, levels, strict=True
    ):
        yield (
            {
                "station_no": number,
                "name_en": name_en,
                "name_zh": name_zh,
                "network": network,
                "district": str(code) or None,
                "easting": round(float(e), 1),
                "northing": round(float(n), 1),
                "level_mpd": round(float(level), 1),
            },
            Point(where),
        )


def _in_between(territory: Territory, taken: Floats, count: int) -> Floats:
    """Places on land, each as far from all the others as 3,000 drawn ones allow; from north to south."""
    rng = territory.numbers("rain_gauges")
    west, south, east, north = territory.ground.land.bounds
    drawn = np.column_stack([rng.uniform(west, east, 3_000), rng.uniform(south, north, 3_000)])
    drawn = np.round(drawn[territory.ground.on_land(drawn[:, 0], drawn[:, 1])], 6)
    spots = to_metres(drawn)
    apart = np.min(np.hypot(*(spots[:, None, :] - taken[None, :, :]).transpose(2, 0, 1)), axis=1)
    chosen = []
    for _ in range(min(count, len(spots))):
        best = int(np.argmax(apart))
        chosen.append(spots[best])
        apart = np.minimum(apart, np.hypot(*(spots - spots[best]).T))
    return np.array(sorted(chosen, key=lambda spot: -spot[1]))


def _numbers(territory: Territory, east_north: Floats) -> Iterator[str]:
    """Made-up numbers in the manner of the office: H on Hong Kong Island, K in Kowloon, N elsewhere."""
    lon_lat = to_degrees(east_north)
    count = {"H": 0, "K": 0, "N": 0}
    for code in territory.ground.district_of(lon_lat[:, 0], lon_lat[:, 1]):
        letter = _LETTERS.get(str(code), "N")
        count[letter] += 1
        yield f"{letter}{count[letter]:02d}"


DRAWERS: dict[str, Drawer] = {
    "aqhi_stations": aqhi_stations,
    "rain_gauges": rain_gauges,
    "tide_gauges": tide_gauges,
    "weather_stations": weather_stations,
    "wind_10min": wind_10min,
}
