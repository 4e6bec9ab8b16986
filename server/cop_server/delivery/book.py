"""The book of subscriptions: what is kept of them in the store, read and written as the app role."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from psycopg.rows import dict_row

import cop
from cop.errors import Conflict, NotFound
from cop.query.delta import Change, Place
from cop.store.reading import reading
from cop.store.statements import statements
from cop.store.writing import writing
from cop.visible import VisibleSet
from cop_server.delivery.subscription import Subscription, subscription_of

MOST_OF_A_DEPARTMENT = 100
_SQL = Path(cop.__file__).parent / "sql" / "delivery.sql"
_ACTOR = "delivery"
_LONGEST_ERROR = 500


def _read(name: str, values: dict[str, Any]) -> list[dict[str, Any]]:
    with reading(VisibleSet()) as connection:
        return connection.cursor(row_factory=dict_row).execute(statements(_SQL)[name], values).fetchall()


def _write(*steps: tuple[str, dict[str, Any]]) -> int:
    """Several statements in one transaction; how many rows the last one changed."""
    with writing(VisibleSet(), _ACTOR) as connection:
        return [connection.execute(statements(_SQL)[name], values).rowcount for name, values in steps][-1]


def listed(department: str | None, *, everybody: bool = False) -> list[Subscription]:
    """The webhooks of a department; `everybody`: all there is, the broker's too."""
    return [subscription_of(row) for row in _read("listed", {"department": department, "all": everybody})]


def one(id_: str) -> Subscription:
    """A subscription. Raises NotFound."""
    rows = [] if "\0" in id_ else _read("one", {"id": id_})
    if not rows:
        raise NotFound(f"there is no subscription {id_[:60]!r}", "subscription")
    return subscription_of(rows[0])


def create(subscription: Subscription) -> None:
    """Keep a new one. Raises Conflict where its department has as many as it may."""
    about = {name: getattr(subscription, name) for name in (
        "id", "kind", "owner_department", "owner_subject", "audience", "department", "mode", "target", "description",
        "bbox", "filter", "filter_lang", "content", "secret", "rate", "place_n", "place_feature",
    )} | {"collections": list(subscription.collections)}  # fmt: skip
    with writing(VisibleSet(), _ACTOR) as connection:
        if subscription.kind == "webhook":
            values = {"department": subscription.owner_department}
            row = connection.execute(statements(_SQL)["count"], values).fetchone()
            if row is not None and row[0] >= MOST_OF_A_DEPARTMENT:
                raise Conflict(f"a department has at most {MOST_OF_A_DEPARTMENT} subscriptions; remove one first")
        connection.execute(statements(_SQL)["create"], about)


def change(subscription: Subscription, place: Place | None) -> None:
    """Keep what people changed: owner, target, rate, state, and the place where one is given."""
    about = {name: getattr(subscription, name) for name in ("id", "owner_subject", "target", "rate", "state")}
    where = {"place_n": place.n if place else None, "place_feature": place.feature if place else None}
    _write(("change", about | where))


def remove(id_: str) -> None:
    """End a subscription; its dead letters go with it."""
    _write(("remove", {"id": id_}))


def dead_letters(id_: str, limit: int) -> list[dict[str, Any]]:
    """Features whose newest state the target lacks."""
    return _read("dead_letters", {"id": id_, "limit": limit})


def redeliver(id_: str) -> int:
    """Have all dead letters sent again; how many."""
    with writing(VisibleSet(), _ACTOR) as connection:
        found = connection.execute(statements(_SQL)["redeliver"], {"id": id_}).rowcount
        connection.execute(statements(_SQL)["look_again"], {"id": id_})
        return found


def health() -> dict[str, float]:
    """Subscriptions active, paused, dead and unheld (active, and no process has them), dead letters, and failing_s: for
    how many seconds the one that has failed longest has failed.
    """
    return {name: float(value) for name, value in _read("health", {})[0].items()}


class Lease:
    """What one process holds, and may therefore deliver. Each method asks the store."""

    def __init__(self, holder: str, seconds: float) -> None:
        self._about: dict[str, Any] = {"holder": holder, "lease": seconds}

    def tend(self, brokers: list[str], most: int) -> dict[str, int]:
        """Keep what is held, take what nobody holds; all that is held now, with its revision."""
        about = self._about | {"brokers": brokers, "most": most}
        seen = _read("claimable", about)[0]
        steps = [("renew", about)] * seen["is_ageing"] + [("claim", about)] * (seen["is_free"] and most > 0)
        if steps:
            _write(*steps)
        return {row["id"]: row["revision"] for row in _read("held", about)}

    def release(self, ids: list[str] | None = None) -> None:
        """Give back some, or all that is held."""
        _write(("release", self._about | {"ids": ids}))

    def before(self, id_: str) -> Subscription | None:
        """The subscription just before a delivery; None where it is this process' no longer, or not active."""
        with writing(VisibleSet(), _ACTOR) as connection:
            cursor = connection.cursor(row_factory=dict_row)
            row = cursor.execute(statements(_SQL)["before"], self._about | {"id": id_}).fetchone()
        return None if row is None else subscription_of(row)

    def moved(self, of: Subscription, place: Place, delivered: list[tuple[str, str]], *, settle: bool) -> bool:
        """Keep the place behind what was delivered (collections and features); whether it still was this process'.

        Here and below nothing is kept where people have changed the subscription since it was read (False).
        """
        about = self._known(of) | {"place_n": place.n, "place_feature": place.feature}
        settled = self._known(of) | {"collections": [c for c, _ in delivered], "features": [f for _, f in delivered]}
        steps = [("settled", settled)] if settle else []
        return _write(*steps, ("moved", about | {"delivered": bool(delivered)})) == 1

    def failed(self, of: Subscription, error: str, wait: float, *, refused: bool, answered: bool) -> bool:
        """Keep a failure, and when to try again; of one event alone, whether the target refused or answered it."""
        about = {"error": error[:_LONGEST_ERROR], "wait": wait, "refused": refused, "answered": answered}
        return _write(("failed", self._known(of) | about)) == 1

    def bury(
        self, of: Subscription, collection: str, change: Change, reason: str, attempts: int, place: Place | None
    ) -> bool:
        """Put an event among the dead letters, and go on behind it where a place is given."""
        about = self._known(of)
        letter = {"collection": collection, "feature": change.id, "n": change.n, "reason": reason[:_LONGEST_ERROR],
                  "attempts": attempts}  # fmt: skip
        steps = [("bury", about | letter)]
        if place is not None:
            steps.append(("moved", about | {"place_n": place.n, "place_feature": place.feature, "delivered": False}))
        return _write(*steps) == 1

    def due(self, id_: str) -> tuple[str, str, int] | None:
        """A dead letter that somebody wants sent again: collection, feature, number."""
        rows = _read("due", {"id": id_})
        return (rows[0]["collection"], rows[0]["feature"], rows[0]["n"]) if rows else None

    def settled(self, of: Subscription, collection: str, feature: str) -> None:
        """A dead letter was delivered."""
        _write(("settled", self._known(of) | {"collections": [collection], "features": [feature]}))

    def stop(self, of: Subscription, error: str) -> bool:
        """End deliveries until somebody resumes them."""
        return _write(("stop", self._known(of) | {"error": error[:_LONGEST_ERROR]})) == 1

    def _known(self, of: Subscription) -> dict[str, Any]:
        return self._about | {"id": of.id, "revision": of.revision}
