"""The list of tropical cyclones and their tracks as XML (SOURCES 3.8)."""

from __future__ import annotations

from datetime import UTC, datetime

from cop_ingest.simulator.world import cyclone
from cop_ingest.simulator.world.cyclone import Position
from cop_ingest.simulator.world.world import World
from cop_ingest.simulator.writers.text import XML, XSI, element, iso

_EXERCISE = "Made up for an exercise; not a product of the Hong Kong Observatory."


def cyclone_list(_: World, __: datetime) -> bytes:
    """The one cyclone of the scenario."""
    names = (
        ("TropicalCycloneID", cyclone.ID),
        ("TropicalCycloneChineseName", cyclone.NAME_ZH),
        ("TropicalCycloneEnglishName", cyclone.NAME_EN),
        ("TropicalCycloneURL", f"http://www.weather.gov.hk/wxinfo/currwx/hko_tctrack_{cyclone.ID}.xml"),
    )
    inner = "".join(f"    {element(name, value)}\n" for name, value in names)
    body = f"  <TropicalCyclone>\n{inner}  </TropicalCyclone>\n"
    return f"{XML}<TropicalCycloneList>\n{body}</TropicalCycloneList>\n".encode()


def track(_: World, issued_at: datetime) -> bytes:
    """The bulletin that was issued at a time of `cyclone.issues`."""
    told = cyclone.bulletin(issued_at)
    header = [
        ("BulletinName", "Tropical Cyclone Track"), ("BulletinType", "R"),
        ("BulletinProvider", "Hong Kong Observatory"), ("BulletinTime", iso(told.issued_at)),
        ("Copyright", _EXERCISE), ("Disclaimer", _EXERCISE), ("Remarks", "..."),
    ]  # fmt: skip
    lines = [
        f'<TropicalCycloneTrack {XSI} tcid="{cyclone.ID}"',
        '    xsi:noNamespaceSchemaLocation="tc_track.xsd">',
        "    <BulletinHeader>",
        *(f"        {element(name, value)}" for name, value in header),
        "    </BulletinHeader>",
        "    <WeatherReport>",
        f"        {element('TropicalCycloneName', cyclone.NAME_EN)}",
        *(line for index, one in enumerate(told.past, 1) for line in _position("PastInformation", one, index)),
        *_position("AnalysisInformation", told.analysis, None),
        *(line for index, one in enumerate(told.forecast, 1) for line in _position("ForecastInformation", one, index)),
        "    </WeatherReport>",
        "</TropicalCycloneTrack>",
    ]
    return (XML + "\n".join(lines) + "\n").encode()


def _position(name: str, one: Position, index: int | None) -> list[str]:
    wind = "--" if one.wind_kmh is None else f"{one.wind_kmh}km/h"
    values = [
        *([("Index", str(index))] if index is not None else []),
        ("Intensity", one.intensity),
        ("MaximumWind", wind),
        ("Time", one.at.astimezone(UTC).isoformat(timespec="seconds")),
        ("Latitude", f"{one.lat:.2f}N"),
        ("Longitude", f"{one.lon:.2f}E"),
    ]
    inner = [f"            {element(tag, value)}" for tag, value in values]
    return [f"        <{name}>", *inner, f"        </{name}>"]
