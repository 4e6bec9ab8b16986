"""What a release profile reads of a row `t`: its geometry and its columns, as SQL. Nothing else names them."""

from __future__ import annotations

from psycopg import sql

from cop.catalogue import Layer


def geometry_name(layer: Layer, profile: str, srid: int = 4326) -> str:
    """The column of the geometry that a profile shows, in EPSG:4326 or EPSG:3857."""
    name = "geom" if layer.profiles[profile].blur is None else f"doc_{profile}_geom"
    return name if srid == 4326 else f"{name}_{srid}"


def geometry(layer: Layer, profile: str, srid: int = 4326) -> sql.Composable:
    """That column of the row `t`."""
    return sql.SQL("t.{}").format(sql.Identifier(geometry_name(layer, profile, srid)))


def value(layer: Layer, profile: str, name: str) -> sql.Composable:
    """A column of the row `t`; where the profile blurs positions, what tells of one is null unless it is released."""
    column = sql.SQL("t.{}").format(sql.Identifier(name))
    blur = layer.profiles[profile].blur
    if blur is None or name not in blur.columns:
        return column
    return sql.SQL("(CASE WHEN t.{} THEN {} END)").format(sql.Identifier(blur.unless), column)
