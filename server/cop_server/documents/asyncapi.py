"""The AsyncAPI document: the stream of events, webhooks and the broker, with a message for each collection."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from cop.catalogue import Catalogue, Layer
from cop_providers.schema import column_schema
from cop_server.documents.asyncapi_delivery import batch_message, delivery_channels, delivery_operations
from cop_server.documents.openapi_changes import EVENTS, change_parameters
from cop_server.events.encode import DELETED, STREAM, UPDATED

MEDIA_TYPE = "application/vnd.aai.asyncapi+json;version=3.0.0"
_PROFILE = "public"
_MARKERS = {
    "interrupted": "The store is not heard; changes may come later",
    "resumed": "Changes come at once again; none was missed",
    "dropped": "The client reads too slowly: the stream ends, the last id goes on",
    "ended": "The credentials are not good any longer: the stream ends",
    "closed": "The server stops: the stream ends, the last id goes on",
}


def asyncapi(catalogue: Catalogue) -> dict[str, Any]:
    """The document as it is committed; the server puts its own address in `servers`."""
    layers = catalogue.feature_layers
    names = [*(layer.id for layer in layers), "stream"]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Common Operational Picture",
            "version": "0.1.0",
            "description": "Every change of the picture as it comes, as CloudEvents 1.0 in JSON: Server-Sent Events, "
            "webhooks, and MQTT 5 where there is a broker.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/cloudevents+json",
        "servers": servers("http://127.0.0.1:8000"),
        "channels": {
            "events": {
                "address": "/events",
                "title": "Changes that the reader may see, in the order of their numbers",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
                "servers": [{"$ref": "#/servers/cop"}],
            }
        }
        | delivery_channels(catalogue),
        "operations": {
            "sendEvents": {
                "action": "send",
                "channel": {"$ref": "#/channels/events"},
                "summary": "Server-Sent Events; a client that comes again sends Last-Event-ID and misses nothing",
                "bindings": {"http": {"method": "GET", "query": _query(), "bindingVersion": "0.3.0"}},
            }
        }
        | delivery_operations(),
        "components": {
            "messages": {layer.id: _message(layer, catalogue) for layer in layers}
            | {"stream": _stream(), "batch": batch_message(catalogue)},
            "schemas": {"Envelope": _envelope(), "Tombstone": _tombstone()},
        },
    }


def servers(url: str) -> dict[str, Any]:
    """The server's own address as AsyncAPI writes it."""
    parts = urlsplit(url)
    path = {"pathname": parts.path} if parts.path.strip("/") else {}
    return {"cop": {"host": parts.netloc, "protocol": parts.scheme, **path}}


def _query() -> dict[str, Any]:
    given = change_parameters()
    named = {name: given[name] for name in EVENTS if name in given and given[name]["in"] == "query"}
    plain = {name: {"type": "string"} for name in EVENTS if name not in given}
    told = {one["name"]: one["schema"] | {"description": one["description"]} for one in named.values()}
    return {"type": "object", "properties": told | plain}


def _envelope() -> dict[str, Any]:
    text = {"type": "string"}
    return {
        "type": "object",
        "required": ["specversion", "id", "source", "type", "subject", "datacontenttype", "collection", "sequence",
                     "data"],
        "properties": {
            "specversion": {"type": "string", "const": "1.0"},
            "id": {**text, "description": "collection/feature@number"},
            "source": {**text, "format": "uri", "description": "The collection's address"},
            "type": {"type": "string", "enum": [UPDATED, DELETED],
                     "description": "update: the feature is now so, whether or not it was there before"},
            "subject": {**text, "description": "The feature's id"},
            "time": {"type": "string", "format": "date-time", "description": "When the number was given"},
            "datacontenttype": {"type": "string", "const": "application/geo+json"},
            "collection": text,
            "sequence": {"type": "string", "pattern": "^[0-9]+$", "description": "The change's number"},
            "bbox": {**text, "description": "west,south,east,north of where the feature lay and lies: tiles that meet "
                                            "it have changed. Absent where it has no place, or was withdrawn"},
            "tilematrixset": {**text, "description": "The tile matrix set of `tiles`"},
            "tiles": {**text, "description": "zoom/row/column of the tiles that have changed, zoom by zoom, a space "
                                             "between; deeper tiles that have changed lie within the last zoom's"},
        },
    }  # fmt: skip


def _tombstone() -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["type", "id", "geometry", "properties", "seq", "deleted"],
        "properties": {
            "type": {"const": "Feature"}, "id": {"type": "string"}, "geometry": {"type": "null"},
            "properties": {"type": "null"}, "seq": {"type": "integer"}, "deleted": {"const": True},
        },
        "additionalProperties": False,
    }  # fmt: skip


def _message(layer: Layer, catalogue: Catalogue) -> dict[str, Any]:
    columns = {column.name: _nullable(column_schema(column, catalogue))
               for column in layer.visible_columns(_PROFILE)}  # fmt: skip
    feature = {
        "type": "object",
        "required": ["type", "id", "geometry", "properties", "seq"],
        "properties": {
            "type": {"const": "Feature"},
            "id": {"type": "string"},
            "geometry": {"type": ["object", "null"]},
            "properties": {"type": "object", "required": list(columns),
                           "properties": columns | {"provenance": {"type": "string"}}},
            "seq": {"type": "integer"},
        },
        "not": {"required": ["deleted"]},
    }  # fmt: skip
    data = {"oneOf": [feature, {"$ref": "#/components/schemas/Tombstone"}]}
    return {
        "name": layer.id,
        "title": layer.title.en,
        "contentType": "application/cloudevents+json",
        "payload": {
            "allOf": [
                {"$ref": "#/components/schemas/Envelope"},
                {"type": "object", "properties": {"collection": {"const": layer.id}, "data": data}},
            ]
        },
    }


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    """A column's schema without its codes' titles, which OpenAPI and queryables have; null stands for unknown."""
    kept = {name: value for name, value in schema.items() if name in ("type", "format", "items", "title")}
    codes = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return kept | codes | {"type": [schema["type"], "null"]}


def _stream() -> dict[str, Any]:
    types = [f"{STREAM}{kind}" for kind in _MARKERS]
    text = {"type": "string"}
    data = {"type": "object", "required": ["reason"], "properties": {"reason": text}}
    return {
        "name": "stream",
        "title": "What happened to the stream itself (event: stream)",
        "description": "; ".join(f"{kind}: {what}" for kind, what in _MARKERS.items()),
        "contentType": "application/cloudevents+json",
        "payload": {
            "type": "object",
            "required": ["specversion", "id", "source", "type", "data"],
            "properties": {
                "specversion": {"const": "1.0"}, "id": text, "source": text, "datacontenttype": text,
                "type": {"type": "string", "enum": types}, "data": data,
            },
        },
    }  # fmt: skip
