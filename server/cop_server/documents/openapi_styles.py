"""OpenAPI of styles, legends, sprites and glyphs."""

from __future__ import annotations

from typing import Any

from cop.catalogue import Layer
from cop_server.documents.openapi_pieces import binary, body, given, operation
from cop_tiles.basemap.glyphs import STACKS
from cop_tiles.styling.themes import THEMES


def style_paths() -> dict[str, Any]:
    """Styles of the whole picture, and what styles refer to."""
    sheet = "application/vnd.mapbox.style+json"
    return {
        "/styles/{styleId}": operation(
            "style", "A MapLibre style of the whole picture", "server",
            given("styleId", "shown", "mode", "asof", "lang", "f"), body("The style", sheet),
        ),
        "/styles/{styleId}/metadata": operation(
            "styleMetadata", "What a style is made of", "server", given("styleId", "mode", "lang", "f"),
            body("Its metadata"),
        ),
        "/styles/basemap/{z}/{x}/{y}.mvt": operation(
            "styleBasemapTile", "A vector tile of the basemap", "server", given("z", "x", "y"),
            binary("A Mapbox Vector Tile", "application/vnd.mapbox-vector-tile"),
        ),
        "/styles/hillshade/{z}/{x}/{y}.png": operation(
            "styleHillshadeTile", "A tile of the basemap's hill shade", "server", given("z", "x", "y"),
            binary("A picture", "image/png"),
        ),
        "/sprites/{sprite}": operation(
            "sprite", "The icons of a theme: light.json, light.png, light@2x.json, light@2x.png and so on", "server",
            given("sprite"), binary("The index as JSON, or the picture", "image/png"),
        ),
        "/glyphs/{fontstack}/{range}.pbf": operation(
            "glyphs", "The glyphs of 256 characters", "server", given("fontstack", "range"),
            binary("Signed distance fields", "application/x-protobuf"),
        ),
    }  # fmt: skip


def layer_style_paths(base: str, name: str, layer: Layer) -> dict[str, Any]:
    """Styles and legends of one collection."""
    title, sheet = layer.title.en, "application/vnd.mapbox.style+json"
    common = ("styleId", "mode", "lang", "f")
    return {
        f"{base}/styles": operation(f"{name}.styles", f"Styles of {title}", layer.id, given("mode", "lang", "f"),
                                     body("The styles")),
        f"{base}/styles/{{styleId}}": operation(f"{name}.style", f"A MapLibre style of {title}", layer.id,
                                                 given(*common, "asof"), body("The style", sheet)),
        f"{base}/styles/{{styleId}}/metadata": operation(
            f"{name}.styleMetadata", f"What a style of {title} is made of", layer.id, given(*common),
            body("Its metadata")),
        f"{base}/styles/{{styleId}}/legend": operation(
            f"{name}.legend", f"Legend of {title}", layer.id, given("styleId", "mode", "lang", "picture"),
            body("The legend as JSON, or a picture as image/png")),
    }  # fmt: skip


def style_parameters() -> dict[str, Any]:
    """The parameters of styles."""
    number = {"type": "integer", "minimum": 0}
    themes = {"type": "string", "enum": list(THEMES)}
    places = {"styleId": themes, "z": number, "x": number, "y": number, "range": {"type": "string"},
              "sprite": {"type": "string"}, "fontstack": {"type": "string", "enum": list(STACKS)}}  # fmt: skip
    picture = {"name": "f", "in": "query", "required": False, "description": "The form of the answer",
               "schema": {"type": "string", "enum": ["json", "png"]}}  # fmt: skip
    told = {name: {"name": name, "in": "path", "required": True, "schema": schema} for name, schema in places.items()}
    return told | {"picture": picture}
