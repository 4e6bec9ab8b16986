"""pygeoapi's own application, without our server, publishes the same layers out of the same providers."""

from __future__ import annotations

import html
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from places import tile_with

from cop.catalogue import catalogue
from cop_server.cluster import Cluster

ROOT = Path(__file__).parents[2]
CRS = "http://www.opengis.net/def/crs/EPSG/0"
QUESTIONS = [
    "limit=40",
    "limit=7&offset=20",
    "bbox=114.1,22.3,114.2,22.4&limit=300",
    f"bbox=810000,820000,830000,845000&bbox-crs={CRS}/2326&limit=300",
    "datetime=2025-09-23T00:00:00Z/2025-09-23T06:00:00Z&limit=300",
    "category=flood&limit=300",
    "filter=category='flood' AND lanes_closed > 1&filter-lang=cql2-text&limit=300",
    "filter=S_INTERSECTS(geometry,POLYGON((114.1 22.3,114.2 22.3,114.2 22.4,114.1 22.3)))&limit=300",
    "sortby=-reported_at,category&limit=30",
    "properties=category,status&limit=20",
    "skipGeometry=true&limit=5",
    f"crs={CRS}/2326&limit=20",
    f"crs={CRS}/4326&limit=20",
    f"crs={CRS}/3857&limit=20",
    "resulttype=hits",
]

Json = dict[str, Any]


def free_port() -> int:
    """A port on loopback that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def pygeoapi(cluster: Cluster, server: str, var: Path) -> Iterator[httpx.Client]:
    """`uvicorn pygeoapi.starlette_app:APP` with the two rendered files, over the database of `server`."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    env = {name: value for name, value in os.environ.items() if not name.startswith("COP_")} | {
        "COP_APP_DATABASE_URL": cluster.at(f"t_server_{os.getpid()}").app_dsn,
        "COP_URL": address,
        "COP_VAR": str(var),
        "PYGEOAPI_CONFIG": "pygeoapi-config.yml",
        "PYGEOAPI_OPENAPI": "openapi/openapi.json",
    }
    command = [sys.executable, "-m", "uvicorn", "pygeoapi.starlette_app:APP", "--port", str(port)]
    log = var / f"pygeoapi-{port}.log"
    with (
        log.open("wb") as words,
        subprocess.Popen(command, cwd=ROOT, env=env, stdout=words, stderr=words) as process,
        httpx.Client(base_url=address, timeout=30) as client,
    ):
        try:
            wait_for(client, process, log)
            yield client
        finally:
            process.terminate()


def wait_for(client: httpx.Client, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until it answers; its own words where it does not."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if client.get("/conformance?f=json").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    pytest.fail(f"pygeoapi did not start: {log.read_text()[-3000:]}")


def unescaped(value: Any) -> Any:
    """pygeoapi writes texts as for a web page; this gives them back as they are."""
    if isinstance(value, str):
        return html.unescape(value)
    if isinstance(value, list):
        return [unescaped(one) for one in value]
    if isinstance(value, dict):
        return {name: unescaped(one) for name, one in value.items()}
    return value


def essence(feature: Json) -> tuple[Any, Any, Any]:
    """Id, geometry and properties: what is data in a feature."""
    return feature.get("id"), feature.get("geometry"), feature.get("properties")


def both(pygeoapi: httpx.Client, http: httpx.Client, address: str) -> tuple[httpx.Response, httpx.Response]:
    """Our answer and pygeoapi's to the same question."""
    ours, theirs = http.get(address), pygeoapi.get(address)
    assert ours.status_code == theirs.status_code == 200, f"{address}: {ours.text[:200]} {theirs.text[:200]}"
    return ours, theirs


def test_it_publishes_every_layer(pygeoapi: httpx.Client, http: httpx.Client) -> None:
    ours, theirs = both(pygeoapi, http, "/collections?f=json")
    ids = [{one["id"] for one in answer.json()["collections"]} for answer in (ours, theirs)]
    assert ids[0] == ids[1] == set(catalogue().layers)


@pytest.mark.parametrize("question", QUESTIONS)
def test_it_gives_the_same_incidents(pygeoapi: httpx.Client, http: httpx.Client, question: str) -> None:
    ours, theirs = both(pygeoapi, http, f"/collections/incidents/items?f=json&{question}")
    mine, other = ours.json(), unescaped(theirs.json())
    assert list(map(essence, other["features"])) == list(map(essence, mine["features"]))
    assert other["numberMatched"] == mine["numberMatched"] > 0
    assert bool(mine["features"]) is (question != "resulttype=hits")
    assert theirs.headers["Content-Crs"] == ours.headers["Content-Crs"]


def test_it_gives_the_same_of_each_layer(pygeoapi: httpx.Client, http: httpx.Client, layer: str) -> None:
    ours, theirs = both(pygeoapi, http, f"/collections/{layer}/items?f=json&limit=50")
    mine, other = ours.json()["features"], unescaped(theirs.json())["features"]
    assert list(map(essence, other)) == list(map(essence, mine))
    one = mine[-1]["id"]
    ours, theirs = both(pygeoapi, http, f"/collections/{layer}/items/{one}?f=json")
    assert essence(unescaped(theirs.json())) == essence(ours.json()) == essence(mine[-1])


def test_its_next_links_walk_to_the_end(pygeoapi: httpx.Client, truth: Any) -> None:
    address, seen = "/collections/incidents/items?f=json&limit=600", []
    while address:
        page = pygeoapi.get(address).json()
        seen += [feature["id"] for feature in page["features"]]
        address = next((link["href"] for link in page["links"] if link["rel"] == "next"), "")
    assert len(seen) == len(set(seen)) == truth.count("incidents")


def test_its_tiles_are_the_same_bytes(
    pygeoapi: httpx.Client, http: httpx.Client, layer: str, placed: dict[str, Any]
) -> None:
    heavy, deepest = 0, catalogue().layers[layer].tile.maxzoom
    for zoom, row, column in (tile_with(placed, min(zoom, deepest)) for zoom in (14, 15, 16)):
        address = f"/collections/{layer}/tiles/WebMercatorQuad/{zoom}/{row}/{column}?f=mvt"
        ours, theirs = http.get(address), pygeoapi.get(address)
        # An empty tile is 200 without a byte with us, 204 with pygeoapi: the standard allows both.
        assert (ours.status_code, theirs.status_code) in ((200, 200), (200, 204))
        assert theirs.content == ours.content
        heavy = max(heavy, len(ours.content))
    assert heavy > 0


def test_it_refuses_what_it_does_not_know(pygeoapi: httpx.Client) -> None:
    for address, status in (
        ("/collections/nothing/items?f=json", 404),
        ("/collections/districts/items/nothing?f=json", 404),
        ("/collections/incidents/items?f=json&filter=nothing='x'", 400),
        ("/collections/incidents/items?f=json&bbox=1,2,3", 400),
    ):
        answer = pygeoapi.get(address)
        assert answer.status_code == status, f"{address}: {answer.text[:300]}"
        assert "Traceback" not in answer.text
        assert "SELECT" not in answer.text
