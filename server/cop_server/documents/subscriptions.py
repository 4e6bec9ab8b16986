"""Subscriptions and dead letters as JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from cop.query.parse_changes import event_id
from cop_server.delivery.subscription import Subscription
from cop_server.delivery.webhook import told_secret
from cop_server.documents.links import JSON


def subscription_document(one: Subscription, url: str, *, with_secret: bool = False) -> dict[str, Any]:
    """A subscription; its secret is told once, when it is made."""
    about = {
        "id": one.id,
        "kind": one.kind,
        "state": one.state,
        "target": one.target,
        "description": one.description,
        "owner": {"department": one.owner_department, "subject": one.owner_subject},
        "audience": one.audience,
        "department": one.department,
        "mode": one.mode,
        "collections": list(one.collections),
        "bbox": None if one.bbox is None else [float(part) for part in one.bbox.split(",")],
        "filter": one.filter,
        "filter-lang": one.filter_lang,
        "content": one.content,
        "rate": one.rate,
        "place": event_id(one.place),
        "failures": one.failures,
        "failing_since": _time(one.failing_since),
        "next_attempt_at": _time(one.next_attempt_at),
        "last_error": one.last_error,
        "last_delivered_at": _time(one.last_delivered_at),
        "created_at": _time(one.created_at),
        "changed_at": _time(one.changed_at),
        "dead_letters": one.dead_letters,
    }
    told = {name: value for name, value in about.items() if value is not None}
    if with_secret and one.secret is not None:
        told["secret"] = told_secret(one.secret)
    here = f"{url}/subscriptions/{one.id}"
    links = [{"rel": "self", "type": JSON, "href": here},
             {"rel": "dead-letters", "type": JSON, "href": f"{here}/dead-letters"}]  # fmt: skip
    return told | {"links": links}


def dead_letter_document(row: dict[str, Any]) -> dict[str, Any]:
    """A dead letter: which feature, since which number, why, and whether it will be sent again."""
    return {name: _time(value) if isinstance(value, datetime) else value for name, value in row.items()}


def _time(value: datetime | None) -> str | None:
    return None if value is None else value.astimezone(UTC).isoformat().replace("+00:00", "Z")
