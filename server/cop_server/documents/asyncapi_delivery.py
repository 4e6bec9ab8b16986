"""Webhooks and the broker in the AsyncAPI document: the same messages as the stream of events."""

from __future__ import annotations

from typing import Any

from cop.catalogue import Catalogue
from cop_server.delivery.mqtt import NOWHERE
from cop_server.delivery.webhook import BATCH, ONE

Json = dict[str, Any]
_HEADERS = {
    "webhook-id": "The same whenever the same events are sent again",
    "webhook-timestamp": "When it was sent, in seconds since 1970",
    "webhook-signature": "v1, and the Base64 of HMAC-SHA256 over id, time and body with full stops between them",
    "WebHook-Request-Origin": "The host of the server, as the target was asked with it",
}


def delivery_channels(catalogue: Catalogue) -> Json:
    """The channels of webhooks and of the broker."""
    layers = catalogue.feature_layers
    names = [layer.id for layer in layers]
    messages: Json = {name: {"$ref": f"#/components/messages/{name}"} for name in names}
    batch: Json = {"batch": {"$ref": "#/components/messages/batch"}}
    return {
        "webhook": {
            "address": None,
            "title": "The target of a subscription (POST /subscriptions)",
            "description": "At least once; each feature in its newest state, and never in an older one after that. The"
            f" target agrees by WebHook-Allowed-Origin in its answer to OPTIONS. {BATCH}, or {ONE} where the"
            " subscription's content is single.",
            "messages": messages | batch,
        },
        "broker": {
            "address": "cop/{mode}/{set}/{collection}/{district}",
            "title": "Topics of the MQTT 5 broker, where the installation has one",
            "description": "QoS 1, not retained; the property content type says application/cloudevents+json. Who"
            f" follows one district subscribes to it and to {NOWHERE}, where all tombstones come.",
            "parameters": {
                "mode": {"enum": ["actual", "exercise", "test"], "description": "The mode of the records"},
                "set": {"description": "Who may see it: public, press, partner, emsc, or departments-DSD and the like"},
                "collection": {"enum": names, "description": "The collection"},
                "district": {"description": f"The district in which the feature lies, or {NOWHERE}"},
            },
            "messages": messages,
        },
    }


def delivery_operations() -> Json:
    """What the server does there."""
    return {
        "callWebhook": {
            "action": "send",
            "channel": {"$ref": "#/channels/webhook"},
            "summary": "Signed as Standard Webhooks; 2xx takes it, 410 ends the subscription, others are tried again",
            "bindings": {"http": {"method": "POST", "bindingVersion": "0.3.0"}},
        },
        "publish": {
            "action": "send",
            "channel": {"$ref": "#/channels/broker"},
            "summary": "Every change of the published audiences",
            "bindings": {"mqtt": {"qos": 1, "retain": False, "bindingVersion": "0.2.0"}},
        },
    }


def batch_message(catalogue: Catalogue) -> Json:
    """Several events in one request."""
    one_of = [{"$ref": f"#/components/messages/{layer.id}/payload"} for layer in catalogue.feature_layers]
    return {
        "name": "batch",
        "title": "Events in the order of their numbers",
        "contentType": BATCH,
        "headers": {
            "type": "object",
            "required": list(_HEADERS),
            "properties": {name: {"type": "string", "description": about} for name, about in _HEADERS.items()},
        },
        "payload": {"type": "array", "minItems": 1, "items": {"oneOf": one_of}},
    }
