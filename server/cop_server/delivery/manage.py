"""Subscriptions made and changed, by the API and by `cop subscriptions` alike."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import orjson

from cop.catalogue import catalogue
from cop.errors import Fault, Invalid
from cop.identity import Principal
from cop.query.delta import Place, bounds, check_since
from cop.query.parse_changes import read_event_id, read_stream
from cop.settings import Mode
from cop.visible import LABELS, VisibleSet
from cop_server.delivery import book
from cop_server.delivery.reading import last_number
from cop_server.delivery.rights import check_covers, check_manager, check_subscriber
from cop_server.delivery.subscription import Subscription
from cop_server.delivery.webhook import new_secret

_NEW = frozenset({"kind", "target", "collections", "bbox", "filter", "filter-lang", "content", "audience", "since",
                  "description"})  # fmt: skip
_PATCH = frozenset({"state", "target", "since"})
_LONGEST_TEXT = 300
_LONGEST_FILTER = 8000


@dataclass(frozen=True, slots=True)
class Change:
    """A subscription as somebody wants it, and the place to go on from where one was given."""

    subscription: Subscription
    place: Place | None
    asks_target: bool


def read_new(principal: Principal, mode: Mode, document: Mapping[str, Any]) -> Subscription:
    """A new webhook from a body; its target has not been asked yet.

    Raises Invalid, Refused or NotPermitted that say what is wrong with it.
    """
    check_subscriber(principal)
    _check_members(document, _NEW)
    if document.get("kind", "webhook") != "webhook":
        raise Invalid([Fault("/kind", document["kind"], "webhooks only; the broker is the operator's", "webhook")])
    visible = _visible(principal, mode, document.get("audience"))
    given = _narrowing(document)
    questions = read_stream(catalogue(), visible, given)
    place = _place(visible, [one.layer for one in questions], document.get("since"))
    content = document.get("content", "batch")
    if content not in ("batch", "single"):
        raise Invalid([Fault("/content", content, "wanted batch or single", "batch")])
    named = given.get("collections", "")
    return Subscription(
        id=f"sub_{secrets.token_hex(8)}", kind="webhook", owner_department=principal.department,
        owner_subject=principal.subject, audience=visible.audience, department=visible.department, mode=mode,
        target=cast(str, document.get("target")), collections=tuple(named.split(",")) if named else (),
        content=cast(Any, content), place_n=place.n, place_feature=place.feature,
        description=_words(document.get("description")), bbox=given.get("bbox"), filter=given.get("filter"),
        filter_lang=given.get("filter-lang"), secret=new_secret(),
    )  # fmt: skip


def read_change(principal: Principal, subscription: Subscription, document: Mapping[str, Any]) -> Change:
    """What a patch makes of a subscription. Whoever resumes one answers for it from then on."""
    check_manager(principal, subscription)
    _check_members(document, _PATCH)
    if not document:
        raise Invalid([Fault("", None, "nothing is changed: wanted state, target or since", {"state": "paused"})])
    state = document.get("state", subscription.state)
    if state not in ("active", "paused") and state != subscription.state:
        raise Invalid([Fault("/state", state, "wanted active or paused", "paused")])
    target, place = document.get("target", subscription.target), None
    if "since" in document:
        layers = [one.layer for one in subscription.questions()]
        place = _place(subscription.visible, layers, document["since"])
    changed = replace(subscription, state=state, target=target)
    asks = target != subscription.target or (state == "active" and subscription.state == "dead")
    if asks or (state == "active" and subscription.state != "active"):
        check_subscriber(principal)
        check_covers(principal, subscription.visible, "state")
        changed = replace(changed, owner_subject=principal.subject)
    return Change(changed, place, asks)


def keep_change(change: Change) -> Subscription:
    """Keep it; the subscription as it is then."""
    book.change(change.subscription, change.place)
    return book.one(change.subscription.id)


def _check_members(document: Mapping[str, Any], known: frozenset[str]) -> None:
    if unknown := sorted(set(document) - known):
        wanted = ", ".join(sorted(known))
        raise Invalid([Fault(f"/{name[:60]}", None, f"not known here; there are {wanted}") for name in unknown])


def _visible(principal: Principal, mode: Mode, audience: object) -> VisibleSet:
    """The principal's own visible set, or a narrower audience."""
    own = principal.visible(mode)
    if audience is None or audience == own.audience:
        return own
    if audience not in LABELS:
        raise Invalid([Fault("/audience", audience, f"wanted one of {', '.join(LABELS)}", "public")])
    narrower = VisibleSet(audience, None, mode)
    check_covers(principal, narrower, "audience")
    return narrower


def _narrowing(document: Mapping[str, Any]) -> dict[str, str]:
    """What narrows, as the parameters of /events: there it is read, and refused."""
    given: dict[str, str] = {}
    for name in ("collections", "bbox"):
        value = document.get(name)
        if value is None:
            continue
        if isinstance(value, list) and all(isinstance(part, str | int | float) for part in value):
            value = ",".join(str(part) for part in value)
        if not isinstance(value, str) or not re.fullmatch(r"[\w.,+-]*", value):
            raise Invalid([Fault(f"/{name}", document[name], "wanted a list")])
        given[name] = value
    told = document.get("filter")
    if isinstance(told, dict):
        given |= {"filter": orjson.dumps(told).decode(), "filter-lang": "cql2-json"}
    elif told is not None:
        if not isinstance(told, str) or len(told) > _LONGEST_FILTER:
            raise Invalid([Fault("/filter", None, "wanted CQL2 as text, or as a JSON object")])
        given["filter"] = told
    if isinstance(lang := document.get("filter-lang"), str):
        given["filter-lang"] = lang
    return given


def _place(visible: VisibleSet, layers: list[Any], since: object) -> Place:
    """Where deliveries begin: now, or behind a number or an event's id."""
    if since is None:
        return Place(last_number(visible))
    if isinstance(since, bool) or not isinstance(since, int | str):
        raise Invalid([Fault("/since", since, "wanted a number, or an event's id", 0)])
    place = read_event_id(str(since), "since")
    check_since(visible, place, bounds(visible, layers), "since")
    return place


def _words(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT or not value.isprintable():
        raise Invalid([Fault("/description", None, f"wanted a line of at most {_LONGEST_TEXT} characters")])
    return value
