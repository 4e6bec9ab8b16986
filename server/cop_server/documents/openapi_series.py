"""What the OpenAPI document says of sensors' series, and of what may be the same as a record."""

from __future__ import annotations

from typing import Any

from cop.catalogue import Layer
from cop.query.series import MOST
from cop_server.documents.openapi_pieces import body, given, operation, ref
from cop_server.documents.series import MEDIA_TYPE


def series_parameters() -> dict[str, Any]:
    """The parameters of a series, by the names that they have in the document."""
    names = {"type": "array", "items": {"type": "string"}}
    parameter = {"name": "parameter-name", "in": "query", "required": False, "schema": names, "style": "form",
                 "explode": False, "description": "Only these of what the sensor measures"}  # fmt: skip
    return {
        "locationId": {"name": "locationId", "in": "path", "required": True, "schema": {"type": "string"},
                       "description": "The id of the sensor, as in the items"},
        "seriesParameters": parameter,
        "seriesInterval": _query("interval", "Single observations, or means by the hour", {
            "type": "string", "enum": ["raw", "PT1H"], "default": "raw"}),
        "seriesLimit": _query("limit", "Most observations, the newest", {
            "type": "integer", "minimum": 1, "maximum": MOST, "default": MOST}),
    }  # fmt: skip


def _query(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema}


def extra_paths(layer: Layer, base: str, name: str) -> dict[str, Any]:
    """The addresses that only some layers have: series of sensors, candidates of what may be the same."""
    title, paths = layer.title.en, {}
    if layer.kind == "latest":
        paths[f"{base}/locations/{{locationId}}"] = operation(
            f"{name}.series", f"The series of one of {title}", layer.id,
            given("locationId", "datetime", "seriesParameters", "seriesInterval", "seriesLimit", "mode", "lang"),
            body("A coverage of a point and its times", MEDIA_TYPE, {"type": "object"}),
        )  # fmt: skip
    if layer.alike is not None:
        paths[f"{base}/items/{{featureId}}/similar"] = operation(
            f"{name}.similar", f"What may be the same as one of {title}, the likeliest first", layer.id,
            given("featureId", "mode", "lang"),
            body("Candidates with score and reasons", "application/geo+json", ref("schemas", "FeatureCollection")),
        )  # fmt: skip
    return paths
