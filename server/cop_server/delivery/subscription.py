"""A subscription: who is sent what, and how far it has come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal, cast

from cop.catalogue import catalogue
from cop.errors import SetupTrouble
from cop.query.delta import Place
from cop.query.parse_changes import read_stream
from cop.query.question import Question
from cop.settings import Mode
from cop.visible import Audience, VisibleSet

Kind = Literal["webhook", "mqtt"]
State = Literal["active", "paused", "dead"]
NARROWING = ("bbox", "filter", "filter_lang")


@dataclass(frozen=True, slots=True)
class Subscription:
    """A row of cop.subscription; the seconds are told just before a delivery."""

    id: str
    kind: Kind
    owner_department: str | None
    owner_subject: str
    audience: Audience
    department: str | None
    mode: Mode
    target: str
    collections: tuple[str, ...]
    content: Literal["batch", "single"]
    place_n: int
    place_feature: str | None
    description: str | None = None
    bbox: str | None = None
    filter: str | None = None
    filter_lang: str | None = None
    secret: bytes | None = None
    rate: int | None = None
    state: State = "active"
    failures: int = 0
    failing_since: datetime | None = None
    refusals: int = 0
    answered_since: datetime | None = None
    next_attempt_at: datetime | None = None
    last_error: str | None = None
    last_delivered_at: datetime | None = None
    created_at: datetime | None = None
    changed_at: datetime | None = None
    revision: int = 0
    holder: str | None = None
    held_until: datetime | None = None
    dead_letters: int = 0
    wait_s: float | None = None
    failing_s: float | None = None
    answered_s: float | None = None

    @property
    def visible(self) -> VisibleSet:
        """Whose eyes it looks through."""
        return VisibleSet(self.audience, self.department, self.mode)

    @property
    def place(self) -> Place:
        """The place behind what was delivered."""
        return Place(self.place_n, self.place_feature)

    @property
    def given(self) -> dict[str, str]:
        """What narrows it, as the parameters of /events."""
        named = {name.replace("_", "-"): getattr(self, name) for name in NARROWING}
        collections = {"collections": ",".join(self.collections)} if self.collections else {}
        return {name: text for name, text in named.items() if text is not None} | collections

    def questions(self) -> tuple[Question, ...]:
        """What it asks, one question a collection. Raises Refused where the layers are not what they were."""
        return _asked(self.visible, tuple(sorted(self.given.items())))


@lru_cache(maxsize=1000)
def _asked(visible: VisibleSet, given: tuple[tuple[str, str], ...]) -> tuple[Question, ...]:
    """The questions, parsed once: they are asked for after each ring, on the event loop too."""
    return read_stream(catalogue(), visible, dict(given))


def subscription_of(row: Mapping[str, Any]) -> Subscription:
    """A row of the book."""
    told = dict(row)
    secret = told["secret"]
    return Subscription(
        **told | {"collections": tuple(told["collections"]), "secret": None if secret is None else bytes(secret)}
    )


def published_set(text: str, mode: Mode) -> VisibleSet:
    """A visible set from `[mode:]audience[/department]`. Raises SetupTrouble that shows how it is written."""
    before, mark, rest = text.rpartition(":")
    audience, _, department = rest.partition("/")
    told = VisibleSet(cast(Audience, audience), department or None, cast(Mode, before) if mark else mode)
    if (
        told.mode not in ("actual", "exercise", "test")
        or audience not in ("public", "press", "partner", "departments", "emsc")
        or bool(department) != (audience == "departments")
        or (department and department not in catalogue().codes["departments"])
    ):
        raise SetupTrouble(f"COP_MQTT_PUBLISH: {text[:60]!r} is no audience; wanted such as actual:departments/DSD")
    return told
