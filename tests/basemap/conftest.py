"""A small Hong Kong of our own: two districts, a hill, a pond, an island marked as water, a seam in the land."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psycopg
import pytest
import rasterio
from rasterio.transform import from_origin
from shapely.geometry import LineString, Point, Polygon, box
from starlette.applications import Starlette
from starlette.routing import Mount

from cop.settings import Settings
from cop_server.basemaps import basemaps_app, close_basemaps
from cop_tiles.basemap.build import build

WEST, SOUTH, EAST, NORTH = 113.95, 22.20, 114.25, 22.45
SEAM = (114.099, 22.250), (114.103, 22.250), (114.101, 22.253)
ISLAND = Point(114.30, 22.30).buffer(0.005)
POND = Point(114.16, 22.36).buffer(0.003)
CENTRAL = (114.18, 22.28)


def _fill(connection: psycopg.Connection[Any]) -> None:
    land = Polygon(box(WEST, SOUTH, EAST, NORTH).exterior, [SEAM])
    middle = (WEST + EAST) / 2
    rows: list[tuple[str, dict[str, str], Any]] = [
        ("land", {}, land),
        ("land", {}, ISLAND),
        ("districts", {"code": "A", "name_en": "Western District", "name_zh": "西區"}, box(113.9, 22.1, middle, 22.5)),
        ("districts", {"code": "B", "name_en": "Eastern District", "name_zh": "東區"}, box(middle, 22.1, 114.35, 22.5)),
        ("landcover_wood", {"landcover": "wood"}, box(114.0, 22.3, 114.05, 22.34)),
        ("water_bodies", {"landcover": "water"}, POND),
        ("water_bodies", {"landcover": "water"}, ISLAND),
        ("water_bodies", {"landcover": "water"}, box(113.8, 22.0, WEST, 22.6)),
        ("roads_b50k", {"theme": "road"}, LineString([(113.97, 22.22), (114.2, 22.40)])),
        ("place_names", {"name_en": "Central", "name_zh": "中環", "place": "suburb"}, Point(CENTRAL)),
        ("place_names", {"name_en": "", "name_zh": "大陽輋西", "place": "village"}, Point(114.02, 22.42)),
    ]
    for nth, (layer, columns, shape) in enumerate(rows):
        many = layer in {"landcover_wood", "water_bodies"}
        query = psycopg.sql.SQL("INSERT INTO layer.{} (id, provenance, geom{}) VALUES (%s, 'exercise', {}{})").format(
            psycopg.sql.Identifier(layer),
            psycopg.sql.SQL("").join(psycopg.sql.SQL(", {}").format(psycopg.sql.Identifier(name)) for name in columns),
            psycopg.sql.SQL("ST_Multi(ST_GeomFromText(%s, 4326))" if many else "ST_GeomFromText(%s, 4326)"),
            psycopg.sql.SQL(", %s" * len(columns)),
        )
        connection.execute(query, [f"{layer}-{nth}", shape.wkt, *columns.values()])


def _write_terrain(file: Path) -> Path:
    """A hill of 600 m on flat land of 5 m; the pond's ground is flat, the sea 0. EPSG:2326, cells of 100 m."""
    rows, cols = 300, 360
    transform = from_origin(812000, 838000, 100, 100)
    easting = 812050 + 100 * np.arange(cols)
    northing = 837950 - 100 * np.arange(rows)[:, None]
    inside = (easting > 813200) & (easting < 843800) & (northing > 807000) & (northing < 834500)
    hill = 600 * np.exp(-((easting - 822000) ** 2 + (northing - 824000) ** 2) / 2 / 1500**2)
    heights = np.where(inside, 5 + hill, 0).astype(np.float32)
    with rasterio.open(
        file, "w", driver="GTiff", width=cols, height=rows, count=1, dtype="float32", crs="EPSG:2326",
        transform=transform,
    ) as target:  # fmt: skip
        target.write(heights, 1)
    return file


@pytest.fixture(scope="session")
def terrain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small terrain raster."""
    return _write_terrain(tmp_path_factory.mktemp("terrain") / "terrain.tif")


@pytest.fixture(scope="session")
def kept() -> Iterator[dict[str, Any]]:
    """What was built once for all tests of this folder."""
    things: dict[str, Any] = {}
    yield things
    close_basemaps()


@pytest.fixture
def filled(database: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection of the owner to a database that holds the small Hong Kong."""
    with psycopg.connect(database, autocommit=True) as connection:
        _fill(connection)
        yield connection


@pytest.fixture
def state(
    request: pytest.FixtureRequest, kept: dict[str, Any], terrain: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A state folder (COP_VAR) with the small Hong Kong's basemap in it, built once."""
    if "state" not in kept:
        folder = tmp_path_factory.mktemp("state")
        build(request.getfixturevalue("filled"), terrain, folder / "basemap")
        kept["state"] = folder
    built: Path = kept["state"]
    return built


class Client:
    """Asks an application as httpx would ask a server, one request after the other."""

    def __init__(self, app: Starlette) -> None:
        self._app = app

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        """The answer to a request."""

        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(transport=transport, base_url="http://asked.example") as client:
                return await client.request(method, path, **more)

        return asyncio.run(asked())

    def get(self, path: str, **more: Any) -> httpx.Response:
        """The answer to a GET request."""
        return self.request("GET", path, **more)


@pytest.fixture
def client_of() -> Callable[[Settings], Client]:
    """Makes a client of the basemaps as the server mounts them."""
    return lambda settings: Client(Starlette(routes=[Mount("/basemaps", basemaps_app(settings))]))


@pytest.fixture
def client(state: Path, kept: dict[str, Any], client_of: Callable[[Settings], Client]) -> Client:
    """A client of the small Hong Kong's basemaps."""
    if "client" not in kept:
        kept["client"] = client_of(Settings(var=state, url="https://cop.example"))
    made: Client = kept["client"]
    return made
