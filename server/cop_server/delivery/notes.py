"""What the audit is told of deliveries: what is sent of what not everybody may see, and who changes what is sent."""

from __future__ import annotations

from collections.abc import Sequence

from cop.errors import NotRecognised
from cop.identity import Principal, Role
from cop_server.delivery.outcome import Event
from cop_server.delivery.subscription import Subscription
from cop_server.identity.keys import SUBJECT, holder_by_id
from cop_server.noting import note_read, restricted

COLLECTION = "subscriptions"
# The smallest role that sees so much; the broker's publications are nobody's key.
_ROLES: dict[str, Role] = {"press": "press", "partner": "partner", "departments": "viewer", "emsc": "emsc"}


def note_sent(subscription: Subscription, events: Sequence[Event]) -> None:
    """Note a portion before it is sent: a target that does not answer may have it all the same. Asks about the key."""
    names = restricted(sorted({one.collection for one in events}), subscription.visible)
    if names:
        note_read(_whose(subscription), subscription.mode, names, subscription.kind, deed="export")


def note_change(principal: Principal, subscription: Subscription, form: str, request: str | None = None) -> None:
    """Note that somebody made, changed, retargeted, removed or redelivered (`form`) a subscription."""
    note_read(principal, subscription.mode, [COLLECTION], form, deed="subscribe", feature=subscription.id,
              request=request)  # fmt: skip


def form_of_change(before: Subscription, after: Subscription) -> str:
    """`retarget` where it goes elsewhere, else `change`."""
    return "retarget" if after.target != before.target else "change"


def _whose(subscription: Subscription) -> Principal:
    """Whose key sends; of the broker, and of a key that ends at this moment, as much as the subscription says."""
    if subscription.kind == "webhook":
        try:
            return holder_by_id(subscription.owner_subject.removeprefix(SUBJECT))
        except NotRecognised:
            pass
    department = subscription.owner_department or subscription.department
    return Principal(subscription.owner_subject, _ROLES.get(subscription.audience), department)
