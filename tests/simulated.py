"""What the simulator's tests share: a small world, its addresses, and shapes of payloads to compare."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit
from xml.etree import ElementTree as ET

import uvicorn

from cop_ingest.scenario.calendar import hong_kong
from cop_ingest.simulator.app import Simulator
from cop_ingest.simulator.endpoints import Endpoint, endpoints, find
from cop_ingest.simulator.world.world import World

WEATHER = "data.weather.gov.hk/weatherAPI/opendata/weather.php?lang=en&dataType="
STATIONS = "data.weather.gov.hk/weatherAPI/hko_data/regional-weather/"
NEWS_V2 = "www.td.gov.hk/en/special_news/trafficnews.xml"
NEWS_V1 = "resource.data.one.gov.hk/td/en/specialtrafficnews.xml"
DETECTORS = "resource.data.one.gov.hk/td/traffic-detectors/rawSpeedVol-all.xml"
CAMERAS = "static.data.gov.hk/td/traffic-snapshot-images/code/Traffic_Camera_Locations_En.csv"
NOWCAST = "data.weather.gov.hk/weatherAPI/hko_data/F3/Gridded_rainfall_nowcast.csv"
WIND = STATIONS + "latest_10min_wind.csv"

ADDRESSES = endpoints()
NIGHT = hong_kong("2025-09-24 03:05")


def found(address: str) -> tuple[Endpoint, dict[str, str]]:
    """The endpoint of `host/path?query`, and what is asked of it."""
    parts = urlsplit(f"https://{address}")
    hit = find(ADDRESSES, str(parts.hostname), unquote(parts.path[1:]), dict(parse_qsl(parts.query)))
    assert hit is not None, f"no such address: {address}"
    return hit[0], dict(hit[1])


def body_of(world: World, address: str, at: datetime = NIGHT) -> bytes:
    """What an address answers at a time."""
    endpoint, asked = found(address)
    body = endpoint.write(world, endpoint.published(world, at), asked)
    assert body is not None, f"404: {address}"
    return body


def json_shape(value: Any) -> Any:
    """A JSON value with only names, order and types: lists as the shapes that occur in them."""
    if isinstance(value, dict):
        return [(name, json_shape(inner)) for name, inner in value.items()]
    if isinstance(value, list):
        shapes: list[Any] = []
        for inner in value:
            if (shape := json_shape(inner)) not in shapes:
                shapes.append(shape)
        return shapes
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


def xml_shape(body: bytes) -> dict[str, list[str]]:
    """Which children each element has, by tag, in order and without repeats; and its attributes' names."""
    shape: dict[str, list[str]] = {}
    for element in ET.fromstring(body).iter():
        shape[element.tag] = [*(f"@{name}" for name in element.attrib), *dict.fromkeys(child.tag for child in element)]
    return shape


def served(simulator: Simulator) -> Iterator[str]:
    """The base address of a simulator that really serves, until the loop over it ends."""
    config = uvicorn.Config(simulator.application(), port=0, log_level="error", date_header=False, server_header=False)
    server = uvicorn.Server(config)
    listening = config.bind_socket()
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    while not server.started:  # bound, but not listening yet
        assert thread.is_alive()
        time.sleep(0.01)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)
    listening.close()
