"""What the client tests share: the server as a plain HTTP client sees it, and the store's own word to compare with."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import psycopg
import pytest
from matrix import TRIED_FEATURES
from places import EMPTY
from psycopg import sql

from cop.catalogue import catalogue
from cop.query.columns import geometry_name
from cop_server.cluster import Cluster

LAYERS = [layer.id for layer in TRIED_FEATURES if layer.id not in EMPTY]


@pytest.fixture(scope="session")
def http(server: str) -> Iterator[httpx.Client]:
    """An HTTP client that knows the server's address."""
    with httpx.Client(base_url=server, timeout=30) as client:
        yield client


@pytest.fixture(params=[pytest.param(name, marks=pytest.mark.conformance) for name in LAYERS])
def layer(request: pytest.FixtureRequest) -> str:
    """Feature layers' ids in turn, of those that have features: one of each kind, at length all of them."""
    return str(request.param)


@pytest.fixture
def placed(http: httpx.Client, layer: str) -> dict[str, Any]:
    """The layer's first feature with a position."""
    for feature in http.get(f"/collections/{layer}/items?limit=50").json()["features"]:
        if feature["geometry"] is not None:
            return dict(feature)
    pytest.skip("the source gives no positions")


class Truth:
    """The server's database, asked directly: what a public reader in exercise mode should get."""

    def __init__(self, connection: psycopg.Connection[tuple[Any, ...]]) -> None:
        self._connection = connection

    def count(self, layer: str, where: str = "TRUE") -> int:
        """The number of a layer's visible features; `where` is SQL of the test's own."""
        statement = sql.SQL("SELECT count(*) FROM {} WHERE {}").format(
            sql.Identifier("layer", layer),
            sql.SQL(where),  # type: ignore[arg-type]
        )
        row = self._connection.execute(statement).fetchone()
        assert row is not None
        return int(row[0])

    def positions(self, layer: str) -> dict[str, tuple[float, float]]:
        """Longitude and latitude of a point layer's features by id."""
        shape = sql.Identifier(geometry_name(catalogue().layers[layer], "public"))
        statement = sql.SQL(
            "SELECT id, ST_X({shape}), ST_Y({shape}) FROM {table} WHERE GeometryType({shape}) = 'POINT'"
        ).format(shape=shape, table=sql.Identifier("layer", layer))  # fmt: skip
        return {row[0]: (row[1], row[2]) for row in self._connection.execute(statement)}


@pytest.fixture(scope="session")
def truth(server: str, cluster: Cluster) -> Iterator[Truth]:
    """The database behind `server`, seen as the public sees it."""
    with psycopg.connect(cluster.at(f"t_server_{os.getpid()}").app_dsn, autocommit=True) as connection:
        connection.execute("SELECT set_config('cop.visible', '{public,exercise:public}', false)")
        yield Truth(connection)


Run = Callable[..., str]


@pytest.fixture(scope="session")
def run() -> Run:
    """Start a program and give what it says; a code other than 0 fails the test with its words.

    GDAL keeps nothing between two runs, and proxies of this machine's environment are left out.
    """
    env = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    env["OGR_SQLITE_SYNCHRONOUS"] = "OFF"  # what is copied into a GeoPackage here need not outlive a power cut

    def program(*command: str, seconds: float = 60, **more: str) -> str:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=seconds, check=False, env={**env, **more}
        )  # fmt: skip
        assert done.returncode == 0, f"{' '.join(command)}\n{done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    return program


Geojson = dict[str, Any]


@pytest.fixture(scope="session")
def read_geojson() -> Callable[[Any], list[Geojson]]:
    """The features of a GeoJSON file."""

    def read(path: Any) -> list[Geojson]:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123
            return list(json.load(file)["features"])

    return read
