"""Who asks: a principal with a role and, mostly, a department; from it follows what is seen."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Literal, get_args

from cop.catalogue import catalogue
from cop.settings import Mode
from cop.visible import Audience, VisibleSet

Role = Literal["press", "partner", "viewer", "reporter", "administrator", "emsc"]
ROLES: tuple[Role, ...] = get_args(Role)
OF_A_DEPARTMENT: frozenset[Role] = frozenset({"viewer", "reporter", "administrator"})
KEY_PREFIX = "cop_"
_LONGEST_SUBJECT = 300

_AUDIENCES: dict[Role, Audience] = {
    "press": "press",
    "partner": "partner",
    "viewer": "departments",
    "reporter": "departments",
    "administrator": "departments",
    "emsc": "emsc",
}


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody known, or nobody: `subject` is for the journal and the logs, and is never a secret."""

    subject: str = "anonymous"
    role: Role | None = None
    department: str | None = None
    only_mode: Mode | None = None
    """The one mode in which this principal is anybody; none: all three."""

    @property
    def is_known(self) -> bool:
        """Whether anybody has been recognised."""
        return self.role is not None

    def acting_in(self, mode: Mode) -> Principal:
        """Who this is in a mode: nobody known where the principal is bound to another one."""
        return self if self.only_mode in (None, mode) else ANONYMOUS

    def visible(self, mode: Mode) -> VisibleSet:
        """What this principal sees in a mode."""
        if self.role is None or self.only_mode not in (None, mode):
            return VisibleSet(mode=mode)
        audience = _AUDIENCES[self.role]
        return VisibleSet(audience, self.department if audience == "departments" else None, mode)


ANONYMOUS = Principal()


def principal(subject: str, role: str, department: str | None) -> Principal:
    """A principal from words of a key, token or session.

    Raises ValueError that names what is wrong: an unknown role or department, a role without its department, or a
    subject that could break a line of a log.
    """
    if len(subject) > _LONGEST_SUBJECT or not subject.isprintable():
        raise ValueError(f"the subject is longer than {_LONGEST_SUBJECT} characters or holds unprintable ones")
    known = next((name for name in ROLES if name == role), None)
    if known is None:
        raise ValueError(f"the role {role!r} is none of {', '.join(ROLES)}")
    if known not in OF_A_DEPARTMENT:
        return Principal(subject, known)
    departments = catalogue().codes["departments"]
    if department not in departments:
        raise ValueError(f"a {known} is of a department: found {department!r}, wanted one of {', '.join(departments)}")
    return Principal(subject, known, department)


def new_key() -> str:
    """A new API key: 256 random bits behind a prefix by which a leaked one is recognised."""
    return KEY_PREFIX + secrets.token_urlsafe(32)


def key_hash(key: str) -> bytes:
    """What is kept of a key. A hash without salt is enough for 256 random bits."""
    return hashlib.sha256(key.encode()).digest()
