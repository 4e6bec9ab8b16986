"""What the OpenAPI document says of deltas and of the stream of events."""

from __future__ import annotations

from typing import Any

from cop.query.parse_changes import DEFAULT_CHANGES, MAX_CHANGES

CHANGES = (
    "since", "until", "changesLimit", "cursor", "bbox", "bbox-crs", "datetime", "filter", "filter-lang", "filter-crs",
    "properties", "skipGeometry", "crs", "mode", "lang", "f",
)  # fmt: skip
EVENTS = ("eventsOf", "eventsSince", "lastEventId", "bbox", "bbox-crs", "filter", "filter-lang", "filter-crs", "mode")


def change_parameters() -> dict[str, Any]:
    """The parameters of both, by the names that they have in the document."""
    number = {"type": "integer", "minimum": 0}
    text = {"type": "string"}
    of = "The collections whose changes are wanted; none: all"
    begin = "Where to begin: an event's id or a sequence number; none: now"
    return {
        "since": _query("since", "The COP-Sequence of what the client has; 0: nothing. Not beside cursor", number),
        "until": _query("until", "The last number that counts; none: the present", number),
        "changesLimit": _query("limit", "Most changes in a page", {
            "type": "integer", "minimum": 1, "maximum": MAX_CHANGES, "default": DEFAULT_CHANGES}),
        "eventsOf": _query("collections", of, {"type": "array", "items": text}) | {"style": "form", "explode": False},
        "eventsSince": _query("since", begin, text),
        "lastEventId": {"name": "Last-Event-ID", "in": "header", "required": False, "schema": text,
                        "description": "The id of the last event that came; goes before since"},
    }  # fmt: skip


def _query(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema}


def change_schemas() -> dict[str, Any]:
    """A delta, and a change in it."""
    change = {
        "type": "object",
        "description": "A feature as it is now, or a tombstone: `deleted`, without geometry and properties",
        "required": ["type", "id", "geometry", "properties", "seq"],
        "properties": {
            "type": {"type": "string", "enum": ["Feature"]},
            "id": {"type": "string"},
            "geometry": {"type": "object", "nullable": True},
            "properties": {"type": "object", "nullable": True},
            "seq": {"type": "integer", "minimum": 1, "description": "The number of its last change"},
            "deleted": {"type": "boolean", "enum": [True]},
        },
    }
    delta = {
        "type": "object",
        "required": ["type", "since", "until", "features", "numberReturned", "links"],
        "properties": {
            "type": {"type": "string", "enum": ["FeatureCollection"]},
            "since": {"type": "integer", "minimum": 0},
            "until": {"type": "integer", "minimum": 0},
            "features": {"type": "array", "items": {"$ref": "#/components/schemas/Change"}},
            "numberReturned": {"type": "integer", "minimum": 0},
            "links": {"type": "array", "items": {"type": "object"}},
        },
    }
    return {"Change": change, "Changes": delta}
