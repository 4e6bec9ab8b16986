"""Sessions of the page: a signed cookie that stands for a principal until it expires; the server keeps none."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from itsdangerous import BadSignature, URLSafeSerializer
from starlette.requests import cookie_parser

from cop.errors import NotRecognised, SetupTrouble
from cop.identity import Principal, principal
from cop.settings import Settings, get_settings
from cop_server.identity.keys import SUBJECT as KEY_SUBJECT
from cop_server.identity.keys import holder_by_id, remembered_by_id

SECRET_FILE = "session.key"  # noqa: S105 - the file's name
CSRF_HEADER = "COP-CSRF"
_PLAIN_NAME, _SECURE_NAME = "cop_session", "__Host-cop_session"
_SECRET_BYTES = 32
_MOST_KNOWN = 1024
_LONGEST_COOKIE = 4096  # what is remembered of cookies stays small, whatever is sent


@dataclass(frozen=True, slots=True)
class Session:
    """A session as its cookie tells it."""

    id: str
    principal: Principal
    expires_at: int

    @property
    def csrf(self) -> str:
        """The token that requests which change something must bring along: only our own page can read it."""
        return hmac.digest(secret(), f"cop.csrf:{self.id}".encode(), "sha256").hex()

    @property
    def key_id(self) -> str | None:
        """The API key that the session was begun with, if it was."""
        subject = self.principal.subject
        return subject.removeprefix(KEY_SUBJECT) if subject.startswith(KEY_SUBJECT) else None


@lru_cache(maxsize=1)
def secret() -> bytes:
    """What cookies are signed with: made at the first start, the same for all workers.

    Without the file all sessions end.
    """
    path = get_settings().var / SECRET_FILE
    if not path.exists():
        _make(path)
    found = path.read_bytes()
    if len(found) < _SECRET_BYTES:
        raise SetupTrouble(f"{path} is too short for a secret; delete it, and the next start makes another")
    return found


def _make(path: Path) -> None:
    """Write a secret that nobody else may read; where several workers begin at once, the first one's stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, made = tempfile.mkstemp(dir=path.parent, prefix=f".{SECRET_FILE}-")  # mode 600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(_SECRET_BYTES))
        os.link(made, path)
    except FileExistsError:
        pass
    finally:
        Path(made).unlink()


@lru_cache(maxsize=1)
def _serializer() -> URLSafeSerializer:
    kwargs = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
    return URLSafeSerializer(secret(), salt="cop.session", signer_kwargs=kwargs)


def entry_is_open(settings: Settings) -> bool:
    """Whether anybody may enter the exercise as any role, by one click."""
    return settings.mode == "exercise" and settings.exercise_entry


def is_secure(settings: Settings) -> bool:
    """Whether the public address is https, and so the cookie for https only."""
    return settings.url.startswith("https:")


def cookie_name(settings: Settings) -> str:
    """The cookie's name; with the prefix __Host- no neighbour of the domain can set it."""
    return _SECURE_NAME if is_secure(settings) else _PLAIN_NAME


def begin(who: Principal, until: int | None = None) -> Session:
    """A new session, which lasts as long as the settings say and never beyond `until`."""
    ends = int(time.time() + get_settings().session_hours * 3600)
    return Session(secrets.token_hex(16), who, ends if until is None else min(ends, until))


def begin_exercise(role: str, department: str | None) -> Session:
    """A session of the one-click entry: for mode exercise alone, with a subject of its own.

    Raises ValueError that names what is wrong with role or department.
    """
    session = begin(principal("exercise", role, department))
    who = session.principal
    of = f"{who.role}/{who.department}" if who.department else str(who.role)
    named = replace(who, subject=f"exercise:{of}/{session.id[:8]}", only_mode="exercise")
    return replace(session, principal=named)


def set_cookie(session: Session) -> str:
    """The header Set-Cookie that begins a session."""
    who = session.principal
    body = [session.id, who.subject, who.role, who.department, who.only_mode, session.expires_at]
    return _cookie(str(_serializer().dumps(body)), max(0, session.expires_at - int(time.time())))


def clear_cookie() -> str:
    """The header Set-Cookie that ends a session."""
    return _cookie("", 0)


def _cookie(value: str, seconds: int) -> str:
    settings = get_settings()
    # Lax: a link in a message opens a record as its reader sees it. What changes something needs more (guard.py).
    flags = "HttpOnly; SameSite=Lax" + ("; Secure" if is_secure(settings) else "")
    return f"{cookie_name(settings)}={value}; Max-Age={seconds}; Path=/; {flags}"


def cookie_of(headers: Mapping[str, str]) -> str | None:
    """The session's cookie among those that were sent; None where there is none."""
    sent = headers.get("cookie", "")
    name = cookie_name(get_settings())
    return cookie_parser(sent).get(name) if name in sent else None


def session_of(headers: Mapping[str, str]) -> Session | None:
    """The session of a request; None where there is none, or it was altered, has expired, or its key has ended."""
    session = _read(headers)
    if session is None or session.key_id is None:
        return session
    try:
        holder_by_id(session.key_id)
    except NotRecognised:
        return None
    return session


def session_at_once(headers: Mapping[str, str]) -> tuple[bool, Session | None]:
    """The same where nobody need be asked; the first value says whether this is so."""
    session = _read(headers)
    if session is None or session.key_id is None or remembered_by_id(session.key_id) is not None:
        return True, session
    return False, None


def _read(headers: Mapping[str, str]) -> Session | None:
    cookie = cookie_of(headers)
    session = _verified(cookie) if cookie and len(cookie) <= _LONGEST_COOKIE else None
    if session is None or session.expires_at <= time.time():
        return None
    return None if session.principal.only_mode and not entry_is_open(get_settings()) else session


@lru_cache(maxsize=_MOST_KNOWN)
def _verified(cookie: str) -> Session | None:
    """What a cookie says, if its signature is ours."""
    try:
        body: Any = _serializer().loads(cookie)
        identifier, subject, role, department, only_mode, expires_at = body
        who = replace(principal(subject, role, department), only_mode=only_mode)
    except (BadSignature, ValueError, TypeError):
        return None
    return Session(identifier, who, expires_at)


def forget_sessions() -> None:
    """Forget the secret and what was read with it."""
    for remembered in (secret, _serializer, _verified):
        remembered.cache_clear()
