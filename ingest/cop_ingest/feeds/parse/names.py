"""Chinese names of what feeds name in English only: weather stations, hospitals."""

from __future__ import annotations

from functools import lru_cache

from cop_ingest.territory.names_emergency import HOSPITALS
from cop_ingest.territory.names_weather import RAIN_STATIONS, WIND_STATIONS
from cop_ingest.texts import matching_form


def station_zh(name: str | None) -> str | None:
    """The Chinese name of a weather station, or None where it is not known."""
    return _stations().get(_plain(name)) if name else None


def hospital_zh(name: str | None) -> str | None:
    """The Chinese name of a public hospital with A&E, or None where it is not known."""
    return _hospitals().get(_plain(name)) if name else None


def _plain(name: str) -> str:
    return matching_form(name).replace("’", "'")


@lru_cache(maxsize=1)
def _stations() -> dict[str, str]:
    return {_plain(spot.name_en): spot.name_zh for spot in (*RAIN_STATIONS, *WIND_STATIONS)}


@lru_cache(maxsize=1)
def _hospitals() -> dict[str, str]:
    return {_plain(spot.name_en): spot.name_zh for spot in HOSPITALS}
