"""Who may have subscriptions, and whether a subscription may still see what it sees."""

from __future__ import annotations

from cop.errors import NotFound, NotPermitted, NotRecognised, Refused
from cop.identity import Principal
from cop.visible import VisibleSet
from cop.writing.rights import check_writer, is_administrator, is_writer
from cop_server.delivery.subscription import Subscription
from cop_server.identity.keys import SUBJECT, holder_by_id


def check_reader(principal: Principal) -> None:
    """Who may look at subscriptions: reporters and administrators of a department, and the emsc.

    Raises NotRecognised or NotPermitted. Whoever entered an exercise by one click is nobody here: anybody may do that,
    as any department.
    """
    if principal.only_mode is not None:
        raise NotPermitted("subscriptions are for keys and tokens; the exercise's one-click entry has none")
    check_writer(principal)


def check_subscriber(principal: Principal) -> None:
    """Who may make or resume one: as readers, and by an API key: only a key can be asked about when nobody is there."""
    check_reader(principal)
    if not principal.subject.startswith(SUBJECT):
        raise NotPermitted("a subscription outlives a token: make it with an API key, which is asked about each time")


def owned(principal: Principal, subscription: Subscription) -> Subscription:
    """The subscription, where the principal may know of it. Raises NotFound, as if it were not there."""
    is_ours = principal.role == "emsc" or (
        subscription.kind == "webhook" and subscription.owner_department == principal.department
    )
    if not is_ours:
        raise NotFound(f"there is no subscription {subscription.id[:60]!r}", "subscription")
    return subscription


def check_manager(principal: Principal, subscription: Subscription) -> None:
    """Who may change it: who made it, and an administrator of its department. Raises NotPermitted."""
    if subscription.kind != "webhook":
        raise NotPermitted("what is published to the broker is set by COP_MQTT_PUBLISH")
    if principal.subject != subscription.owner_subject and not is_administrator(principal):
        raise NotPermitted("the subscription is for who made it, or an administrator of its department, to change")


def covers(wide: VisibleSet, narrow: VisibleSet) -> bool:
    """Whether one visible set sees all that another does, its columns too."""
    return set(wide.classes) >= set(narrow.classes) and (wide.sees_inside or not narrow.sees_inside)


def check_covers(principal: Principal, visible: VisibleSet, parameter: str) -> None:
    """Raises NotPermitted where a visible set is wider than what the principal sees."""
    if not covers(principal.visible(visible.mode), visible):
        raise NotPermitted(f"{parameter}: {visible.audience} sees more than a {principal.role} does", parameter)


def why_not(subscription: Subscription) -> str | None:
    """Why a subscription may not be sent anything any longer; None where it may. Asks the store about the key."""
    if subscription.kind == "mqtt":
        return None
    try:
        principal = holder_by_id(subscription.owner_subject.removeprefix(SUBJECT))
    except NotRecognised:
        return "the key that it was made with has ended"
    if not is_writer(principal):
        return f"its key is now a {principal.role}'s, who has no subscriptions"
    if not covers(principal.visible(subscription.mode), subscription.visible):
        return "its key sees less now than what was subscribed to"
    try:
        subscription.questions()
    except Refused as exc:
        return f"it cannot be answered any longer: {exc.detail}"
    return None
