"""Vector tiles: a question whose box is a tile, as Mapbox Vector Tile bytes, thinned until they are small enough."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from psycopg import sql

from cop.catalogue import Column, Layer
from cop.errors import NotFound
from cop.query.bind import Values
from cop.query.columns import geometry_name
from cop.query.plan import Plan, conditions, relation
from cop.query.question import Box, Question
from cop.store.pools import Connection
from cop.store.reading import reading
from cop.store.statements import statements
from cop_tiles.matrix import MARGIN, Tile

_SQL = Path(__file__).parent / "sql" / "mvt.sql"
MAX_BYTES = 500_000
MEDIA_TYPE = "application/vnd.mapbox-vector-tile"

_WHOLE_FROM = 16  # from this zoom on nothing is thinned unless the tile is too large
_STEPS = 12
_SHAPES = {"LineString", "MultiLineString", "Polygon", "MultiPolygon"}


def tile(question: Question, at: Tile) -> bytes:
    """The tile of one layer that answers a question; none where nothing lies in it. The tile is the question's box.

    Raises NotFound for a zoom at which the layer has no tiles.
    """
    layer = question.layer
    if not layer.tile.minzoom <= at.z <= layer.tile.maxzoom:
        raise NotFound(f"{layer.id} has tiles from zoom {layer.tile.minzoom} to {layer.tile.maxzoom}", "tile")
    with reading(question.visible) as connection:
        return _small_enough(connection, replace(question, box=Box(*at.lon_lat(MARGIN), loose=True)), at)


def attributes(layer: Layer) -> dict[str, str]:
    """The attributes of a layer's tiles and their types; a thinned point says how many it stands for."""
    told: dict[str, str] = {"id": "text", **{column.name: column.type for column in layer.columns if column.tile}}
    return told if layer.geometry in _SHAPES else {**told, "point_count": "number"}


def _small_enough(connection: Connection, question: Question, at: Tile) -> bytes:
    """Thin from what a pixel shows to ever larger cells, until the tile is within its limit."""
    whole = at.z >= _WHOLE_FROM
    pixel = at.edge / 512
    body = b""
    for step in range(_STEPS):
        cell = None if whole and step == 0 else pixel * 2**step
        body = _made(connection, tile_plan(question, at, cell))
        if len(body) <= MAX_BYTES:
            return body
    return body


def _made(connection: Connection, plan: Plan) -> bytes:
    row = connection.cursor(binary=True).execute(plan.statement, plan.values).fetchone()
    return bytes(row[0]) if row and row[0] else b""


def tile_plan(question: Question, at: Tile, cell: float | None) -> Plan:
    """The statement of a tile; `cell` is the edge in metres below which things merge or vanish, None keeps all."""
    bound = Values()
    layer = question.layer
    shown = [column for column in layer.visible_columns(question.profile) if column.tile]
    shape = geometry_name(layer, question.profile, 3857)
    size = sql.SQL("{}::float8").format(bound.bind(cell if cell is not None else at.edge / 4096))
    envelope = sql.SQL("ST_MakeEnvelope({}::float8, {}::float8, {}::float8, {}::float8, 3857)").format(
        *(bound.bind(value) for value in at.envelope)
    )
    statement = sql.SQL(statements(_SQL)[_rule(layer, cell)]).format(
        layer=bound.bind(layer.id),
        envelope=envelope,
        cell=size,
        columns=sql.SQL(", ").join([sql.SQL("t.id"), *(_attribute(column) for column in shown)]),
        kept=_kept(layer, shape, shown),
        shape=sql.Identifier(shape),
        relation=relation(layer, question.moment),
        condition=sql.SQL(" AND ").join(conditions(question, bound)),
        order=_order(layer),
    )
    return Plan(statement, bound.by_name)


def _rule(layer: Layer, cell: float | None) -> str:
    if cell is None:
        return "whole"
    if layer.geometry in _SHAPES:
        return "shapes"
    return "points" if layer.geometry == "Point" else "mixed"


def _attribute(column: Column) -> sql.Composable:
    name = sql.Identifier(column.name)
    text = sql.SQL("cop.rfc3339(t.{0}) AS {0}") if column.type == "time" else sql.SQL("t.{0}")
    if column.type in ("text[]", "date"):
        text = sql.SQL("t.{0}::text AS {0}")
    return text.format(name)


def _kept(layer: Layer, shape: str, columns: list[Column]) -> sql.Composable:
    """What a thinned row carries on; never the stored texts, which would be sorted along."""
    names = dict.fromkeys(["id", shape, *(column.name for column in columns), *layer.tile.order])
    return sql.SQL(", ").join(sql.SQL("t.{}").format(sql.Identifier(name)) for name in names)


def _order(layer: Layer) -> sql.Composable:
    """Which feature of a cell stays: the largest in the columns of `tile.order`, then the first id."""
    keys = [sql.SQL("t.{} DESC NULLS LAST").format(sql.Identifier(name)) for name in layer.tile.order]
    return sql.SQL(", ").join([*keys, sql.SQL("t.id")])
