"""The database of the measurement: COP's layers, and beside them the same rows as plain tables for the other side."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from cop.catalogue import Catalogue, Layer, load_catalogue
from cop.resources import resource
from cop.store.migrate import apply_layers, migrate
from cop.store.statements import statements
from cop_ingest.scenario.calendar import DAY_ENDS
from cop_ingest.scenario.story import Story, newest
from cop_server.cluster import Cluster, create_database, drop_database

HERE = Path(__file__).parent
SLOPES, INCIDENTS = 60_000, 20_000
DATABASE = "bench"
SEED = 1
LAYERS = ("slopes", "incidents")


@dataclass(frozen=True, slots=True)
class Box:
    """West, south, east, north in degrees of EPSG:4326, longitude first."""

    west: float
    south: float
    east: float
    north: float

    def moved(self, degrees_east: float) -> Box:
        """The same box further east."""
        return Box(round(self.west + degrees_east, 5), self.south, round(self.east + degrees_east, 5), self.north)

    def __str__(self) -> str:
        return f"{self.west},{self.south},{self.east},{self.north}"


@dataclass(frozen=True, slots=True)
class Prepared:
    """The loaded database, the box of the box case, some incidents' ids, and the seconds that loading took."""

    cluster: Cluster
    box: Box
    incidents: tuple[str, ...]
    seconds: float


def bench_catalogue(folder: Path) -> Catalogue:
    """The two layers of the measurement, put together in a folder that the server can be pointed to."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for file in (resource("layers") / "_codes.yml", resource("layers") / "incidents.yml"):
        shutil.copy(file, folder)
    shutil.copy(HERE.parent / "layers" / "slopes.yml", folder)
    return load_catalogue(folder)


def prepare(cluster: Cluster, catalogue: Catalogue, *, keep: bool = False) -> Prepared:
    """A database with both layers and their plain copies in schema `stock`; a new one, unless it is to be kept."""
    began = time.monotonic()
    made = cluster.at(DATABASE) if keep else _fill(cluster, catalogue)
    with psycopg.connect(made.owner_dsn, autocommit=True) as connection:
        box = Box(*_row(connection, "crowded_box"))
    ids = tuple(map(_incident_id, range(1, INCIDENTS, INCIDENTS // 100)))
    return Prepared(made, box, ids, time.monotonic() - began)


def _fill(cluster: Cluster, catalogue: Catalogue) -> Cluster:
    drop_database(cluster, DATABASE)
    made = create_database(cluster, DATABASE)
    migrate(made.owner_dsn)
    apply_layers(made.owner_dsn, catalogue)
    with psycopg.connect(made.owner_dsn, autocommit=True) as connection:
        _load_slopes(connection)
        _load_incidents(connection, catalogue.layers["incidents"])
        _copy_for_stock(connection, catalogue, psycopg.conninfo.conninfo_to_dict(made.app_dsn)["user"])
        connection.execute(_sql("settle"))
    return made


def _sql(name: str, **parts: sql.Composable) -> sql.Composed:
    text = statements(HERE / "sql" / "data.sql")[name]
    return sql.SQL(text).format(**parts)


def _row(connection: psycopg.Connection[Any], name: str) -> tuple[Any, ...]:
    row = connection.execute(_sql(name)).fetchone()
    assert row is not None
    return tuple(row)


def _load_slopes(connection: psycopg.Connection[Any]) -> None:
    with connection.transaction():
        connection.execute(_sql("begin_load"), {"layer": "slopes"})
        connection.execute(_sql("insert_slopes"), {"count": SLOPES})


def _incident_id(number: int) -> str:
    return f"I-20250923-{number:05d}"


def _load_incidents(connection: psycopg.Connection[Any], layer: Layer) -> None:
    """The exercise's incidents, all of them public, so that both sides publish every one."""
    names = [column.name for column in layer.columns]
    copy = _sql("copy_incidents", columns=_listed(names))
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(_sql("begin_load"), {"layer": "incidents"})
        with cursor.copy(copy) as rows:
            story = Story(SEED, 0.0001, lambda _lon, _lat: True, INCIDENTS)
            made = list(newest(story, "incidents", DAY_ENDS).values())[-INCIDENTS:]
            for number, (values, geometry) in enumerate(made, 1):
                known = {**values, "release": "public"}
                shape = f"SRID=4326;{geometry.wkt}" if geometry is not None else None
                rows.write_row([_incident_id(number), "exercise", *(known.get(name) for name in names), shape])


def _copy_for_stock(connection: psycopg.Connection[Any], catalogue: Catalogue, reader: Any) -> None:
    connection.execute(_sql("make_schema"))
    for name in LAYERS:
        layer = catalogue.layers[name]
        copy = sql.Identifier("stock", name)
        columns = _listed([column.name for column in layer.visible_columns("public")])
        connection.execute(_sql("copy_of_layer", copy=copy, columns=columns, layer=sql.Identifier("layer", name)))
        connection.execute(_sql("add_key", copy=copy))
        connection.execute(_sql("add_geometry_index", copy=copy))
        time_column = layer.with_role("time")
        if time_column is not None:
            connection.execute(_sql("add_time_index", copy=copy, time=sql.Identifier(time_column.name)))
    for name in ("grant_schema", "grant_tables"):
        connection.execute(_sql(name, reader=sql.Identifier(str(reader))))


def _listed(names: list[str]) -> sql.Composable:
    return sql.SQL(", ").join(map(sql.Identifier, names))
