"""OpenAPI of what is written: the unsafe methods of items and item, where a layer's file allows them."""

from __future__ import annotations

from typing import Any

from cop.catalogue import Catalogue, Layer
from cop.catalogue.writes import WriteRules
from cop_providers.schema import properties_schema

_GEOJSON, _PATCH = "application/geo+json", "application/merge-patch+json"
_REFUSED = {
    "400": "BadRequest", "401": "NotRecognised", "403": "NotPermitted", "404": "NotFound", "422": "Invalid",
    "429": "TooMany", "503": "Unavailable",
}  # fmt: skip


def write_operations(layer: Layer, catalogue: Catalogue) -> tuple[dict[str, Any], dict[str, Any]]:
    """The operations of items and of one item."""
    rules = layer.writes
    if rules is None:
        return {}, {}
    name, title = layer.id.replace("-", "_"), layer.title.en
    body = _feature_schema(layer, rules, catalogue)
    items, item = {}, {}
    if "create" in rules.allow:
        both = {"oneOf": [body, {"$ref": "#/components/schemas/FeatureCollection"}]}
        taken = ("mode", "dry-run", "batch", "Idempotency-Key", "Content-Crs")
        items["post"] = _operation(f"{name}.create", f"Add to {title}", layer.id, {_GEOJSON: both}, taken, _created())
    if "update" in rules.allow:
        given = ("featureId", "mode", "dry-run", "If-Match", "Idempotency-Key", "Content-Crs", "COP-Reason")
        whole = {_GEOJSON: body}
        item["put"] = _operation(f"{name}.replace", f"Replace one of {title}", layer.id, whole, given, _changed())
        item["patch"] = _operation(f"{name}.update", f"Change one of {title}", layer.id, {_PATCH: {"type": "object"}},
                                   given, _changed())  # fmt: skip
    if "withdraw" in rules.allow:
        item["delete"] = _operation(f"{name}.withdraw", f"Withdraw one of {title}", layer.id, {},
                                    ("featureId", "mode", "dry-run", "If-Match", "Idempotency-Key"),
                                    {"204": {"description": "Withdrawn; its history stays"}})  # fmt: skip
    return items, item


def write_parameters() -> dict[str, Any]:
    """The parameters of writes."""

    def header(name: str, description: str, example: str) -> dict[str, Any]:
        schema = {"type": "string", "examples": [example]}
        return {"name": name, "in": "header", "description": description, "schema": schema}

    return {
        "dry-run": {"name": "dry-run", "in": "query", "description": "Try it, and leave nothing of it",
                    "schema": {"type": "boolean", "default": False}},
        "batch": {"name": "batch", "in": "query",
                  "description": "All features or none (at most 100), or each by itself with a report (at most 1000)",
                  "schema": {"type": "string", "enum": ["atomic", "each"], "default": "atomic"}},
        "If-Match": header("If-Match", "ETag of the version that was read", '"3f2a9c0d1e4b5a67"'),
        "Idempotency-Key": header("Idempotency-Key", "The same key within 24 hours is answered and not done again",
                                  "5d2f1c1e-0d1e-4b5c-9f7e-2b8f3c0a1d4e"),
        "Content-Crs": header("Content-Crs", "CRS of the body's coordinates, in its axis order",
                              "<http://www.opengis.net/def/crs/EPSG/0/2326>"),
        "COP-Reason": header("COP-Reason", "Why a step is taken, percent-encoded; wanted to reopen and to take back a "
                             "cancellation", "water%20came%20back"),
    }  # fmt: skip


def write_responses() -> dict[str, Any]:
    """The refusals of writes."""
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    texts = {
        "NotRecognised": "Nobody is known by these credentials, or none were sent",
        "NotPermitted": "The record is there, and not yours to change so",
        "Invalid": "The record does not fit its layer; `errors` holds pointer, value, reason and example of each fault",
        "ChangedMeanwhile": "The record was changed since it was read",
        "VersionWanted": "The layer wants If-Match",
    }
    return {name: {"description": text, "content": problem} for name, text in texts.items()}


def _operation(
    identifier: str, summary: str, tag: str, bodies: dict[str, Any], given: tuple[str, ...], good: dict[str, Any]
) -> dict[str, Any]:
    refused = _REFUSED | ({"412": "ChangedMeanwhile", "428": "VersionWanted"} if "If-Match" in given else {})
    made: dict[str, Any] = {
        "operationId": identifier,
        "summary": summary,
        "tags": [tag],
        "parameters": [{"$ref": f"#/components/parameters/{name}"} for name in given],
        "responses": good | {code: {"$ref": f"#/components/responses/{name}"} for code, name in refused.items()},
    }
    if bodies:
        content = {media: {"schema": schema} for media, schema in bodies.items()}
        made["requestBody"] = {"required": True, "content": content}
    return made


def _feature_schema(layer: Layer, rules: WriteRules, catalogue: Catalogue) -> dict[str, Any]:
    columns = [column for column in layer.columns if column.name not in rules.by_store]
    properties = {"type": "object", "required": list(rules.wanted),
                  "properties": properties_schema(layer, columns, catalogue, geometry=False)}  # fmt: skip
    return {
        "type": "object",
        "required": ["type", "geometry", "properties"],
        "properties": {
            "type": {"const": "Feature"},
            "geometry": {"type": ["object", "null"]},
            "properties": properties,
        },
    }


def _told(description: str) -> dict[str, Any]:
    content = {_GEOJSON: {"schema": {"$ref": "#/components/schemas/Feature"}}}
    etag = {"description": "The record's version", "schema": {"type": "string"}}
    return {"description": description, "headers": {"ETag": etag}, "content": content}


def _created() -> dict[str, Any]:
    made = _told("The record as it was made")
    made["headers"]["Location"] = {"description": "Where the record is", "schema": {"type": "string"}}
    report = {
        "description": "What became of each (batch=each)",
        "content": {"application/json": {"schema": {"type": "object"}}},
    }
    return {"201": made, "207": report}


def _changed() -> dict[str, Any]:
    gone = {"description": "Done, and you see the record no longer: it was handed over"}
    return {"200": _told("The record as it is now"), "204": gone}
