"""Repeated requests: the answer of a write is kept under its Idempotency-Key, in the write's own transaction."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field

from psycopg.types.json import Jsonb

from cop.errors import Fault, Invalid, Refused
from cop.store.pools import Connection
from cop.store.statements import statements
from cop.store.writing import SQL

_KEY = re.compile(r"[\x21-\x7e]{8,128}")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a write is answered with."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Repeat:
    """A request's Idempotency-Key, whose it is, and the hash of what it asks."""

    principal: str
    key: str
    asked: bytes

    def recall(self, connection: Connection) -> Answer | None:
        """The answer kept under the key; whoever comes with it at the same time waits for the first.

        Raises Invalid where the key was used for another request.
        """
        row = connection.execute(
            statements(SQL)["recall"], {"principal": self.principal, "key": self.key}
        ).fetchone()  # fmt: skip
        if row is None:
            return None
        asked, status, headers, body = row
        if bytes(asked) != self.asked:
            reason = "this key was used within 24 hours for another request; take a new one"
            raise Invalid([Fault("", self.key, f"Idempotency-Key: {reason}")])
        return Answer(int(status), bytes(body), {**headers, "Idempotency-Replayed": "true"})

    def keep(self, connection: Connection, answer: Answer) -> None:
        """Keep the answer with what it answers, or neither."""
        about = {
            "principal": self.principal, "key": self.key, "asked": self.asked, "status": answer.status,
            "headers": Jsonb(answer.headers), "body": answer.body,
        }  # fmt: skip
        connection.execute(statements(SQL)["keep"], about)


def read_key(key: str | None, principal: str, *asked: bytes) -> Repeat | None:
    """The repeat of a header's value, for a request of these parts; None without the header."""
    if key is None:
        return None
    if not _KEY.fullmatch(key):
        raise Refused("Idempotency-Key: wanted 8 to 128 printable signs, such as a UUID", "Idempotency-Key",
                      "5d2f1c1e-0d1e-4b5c-9f7e-2b8f3c0a1d4e")  # fmt: skip
    return Repeat(principal, key, hashlib.sha256(b"\x1f".join(asked)).digest())
