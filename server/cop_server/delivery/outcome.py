"""What came of sending: the same words for every kind of target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from cop.query.delta import Change, Place
from cop_server.delivery.subscription import Subscription


@dataclass(frozen=True, slots=True)
class Event:
    """One change as it is sent: its collection, and the CloudEvent in JSON; `topics` where it goes on a broker."""

    collection: str
    change: Change
    body: bytes
    topics: tuple[str, ...] = ()

    @property
    def place(self) -> Place:
        """The place behind it."""
        return self.change.place

    @property
    def id(self) -> str:
        """The CloudEvent's id."""
        return f"{self.collection}/{self.change.id}@{self.change.n}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the target made of it.

    delivered: it has it. refused: it takes others, not this. trouble: it does not take anything now; `answered` tells
    whether it spoke at all. gone: it wants no more, ever.
    """

    kind: Literal["delivered", "refused", "trouble", "gone"]
    reason: str = ""
    retry_after_s: float | None = None
    answered: bool = False


DELIVERED = Outcome("delivered")


class Sender(Protocol):
    """Sends to one target, one request after the other."""

    async def send(self, subscription: Subscription, events: Sequence[Event]) -> Outcome:
        """Send some events; raises nothing that a target can cause."""

    async def close(self) -> None:
        """Let go of the connection."""
