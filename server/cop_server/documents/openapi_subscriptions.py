"""Subscriptions in the OpenAPI document."""

from __future__ import annotations

from typing import Any

from cop.visible import LABELS
from cop_server.documents.openapi_pieces import body, given, ref

Json = dict[str, Any]
_TEXT = {"type": "string"}
_TIME = {"type": "string", "format": "date-time"}


def subscription_paths() -> Json:
    """The paths below /subscriptions."""
    one = body("The subscription", schema=ref("schemas", "Subscription"))
    listed = {"type": "object", "properties": {"subscriptions": {"type": "array",
                                                                 "items": ref("schemas", "Subscription")}}}  # fmt: skip
    letters = {"type": "object", "properties": {"dead_letters": {"type": "array",
                                                                 "items": ref("schemas", "DeadLetter")},
                                                "number": {"type": "integer"}}}  # fmt: skip
    here = "/subscriptions/{subscriptionId}"
    made = one | {"headers": {"Location": {"description": "The subscription's address", "schema": _TEXT}}}
    return {
        "/subscriptions": {
            "get": _operation("subscriptions", "Your department's subscriptions", {"200": body("All", schema=listed)},
                              given("mode", "f", "lang")),
            "post": _operation("subscribe", "Have changes sent to a target, which is asked first (OPTIONS)",
                               {"201": made}, given("mode"), "NewSubscription", "application/json"),
        },
        here: {
            "get": _operation("subscription", "A subscription", {"200": one},
                              given("subscriptionId", "mode", "f", "lang")),
            "patch": _operation("changeSubscription", "Pause, resume, or send it elsewhere", {"200": one},
                                given("subscriptionId", "mode"), "SubscriptionPatch", "application/merge-patch+json"),
            "delete": _operation("unsubscribe", "End a subscription", {"204": {"description": "Ended"}},
                                 given("subscriptionId", "mode")),
        },
        f"{here}/dead-letters": {
            "get": _operation("deadLetters", "Features whose newest state the target has refused",
                              {"200": body("The oldest thousand", schema=letters)},
                              given("subscriptionId", "mode", "f", "lang")),
        },
        f"{here}/redeliver": {
            "post": _operation("redeliver", "Send all dead letters again, each in its newest state",
                               {"202": body("How many")}, given("subscriptionId", "mode")),
        },
    }  # fmt: skip


def _operation(
    name: str, summary: str, success: Json, parameters: list[Json], schema: str = "", media_type: str = ""
) -> Json:
    refused = {"400": ref("responses", "BadRequest"), "404": ref("responses", "NotFound"),
               "503": ref("responses", "Unavailable"),
               "401": _problem("The credentials are not good, or none came"),
               "403": _problem("Not yours to see or change")}  # fmt: skip
    asked = {}
    if schema:
        asked = {"requestBody": {"required": True, "content": {media_type: {"schema": ref("schemas", schema)}}}}
        refused |= {"422": _problem("Each fault with its pointer"), "409": _problem("The department has too many")}
    return {"operationId": name, "summary": summary, "tags": ["server"], "parameters": parameters, **asked,
            "responses": success | refused}  # fmt: skip


def _problem(description: str) -> Json:
    return body(description, "application/problem+json", ref("schemas", "Problem"))


def subscription_parameters() -> Json:
    """The parameters that these addresses alone have."""
    return {"subscriptionId": {"name": "subscriptionId", "in": "path", "required": True, "schema": _TEXT}}


def subscription_schemas() -> Json:
    """What is sent and answered there."""
    target = {"type": "string", "format": "uri", "description": "https, without user and password"}
    since = {"type": ["integer", "string"], "description": "A number, or an event's id; 0: the whole. Without it: now"}
    narrowing = {
        "collections": {"type": "array", "items": _TEXT, "description": "None: all"},
        "bbox": {"type": "array", "minItems": 4, "maxItems": 4, "items": {"type": "number"}},
        "filter": {"description": "CQL2 as text or JSON", "type": ["string", "object"]},
        "filter-lang": {"type": "string", "enum": ["cql2-text", "cql2-json"]},
        "content": {"type": "string", "enum": ["batch", "single"], "default": "batch"},
        "audience": {"type": "string", "enum": list(LABELS), "description": "Yours, or a narrower one; fixed"},
        "description": {"type": "string", "maxLength": 300},
    }
    told = {
        "id": _TEXT, "kind": {"type": "string", "enum": ["webhook", "mqtt"]},
        "state": {"type": "string", "enum": ["active", "paused", "dead"]},
        "owner": {"type": "object", "properties": {"department": {"type": ["string", "null"]}, "subject": _TEXT}},
        "department": _TEXT, "mode": {"type": "string", "enum": ["actual", "exercise", "test"]},
        "rate": {"type": "integer", "description": "Requests a minute that the target allows"},
        "place": {**_TEXT, "description": "The id of the event that was taken last"},
        "failures": {"type": "integer"}, "failing_since": _TIME, "next_attempt_at": _TIME, "last_error": _TEXT,
        "last_delivered_at": _TIME, "created_at": _TIME, "changed_at": _TIME, "dead_letters": {"type": "integer"},
        "secret": {**_TEXT, "description": "whsec_ and Base64; told once, when it is made"},
    }  # fmt: skip
    return {
        "NewSubscription": {"type": "object", "required": ["target"], "additionalProperties": False,
                            "properties": {"kind": {"const": "webhook"}, "target": target, "since": since,
                                           **narrowing}},
        "SubscriptionPatch": {"type": "object", "additionalProperties": False, "minProperties": 1, "properties": {
            "state": {"type": "string", "enum": ["active", "paused"]}, "target": target, "since": since}},
        "Subscription": {"type": "object", "required": ["id", "kind", "state", "target", "mode", "audience", "place"],
                         "properties": {"target": target, **narrowing, **told}},
        "DeadLetter": {"type": "object", "required": ["collection", "feature", "n", "reason"], "properties": {
            "collection": _TEXT, "feature": _TEXT, "n": {"type": "integer"}, "reason": _TEXT,
            "attempts": {"type": "integer"}, "at": _TIME, "due": {"type": "boolean"}}},
    }  # fmt: skip
