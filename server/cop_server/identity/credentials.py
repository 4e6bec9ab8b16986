"""Credentials of a request: an API key or an OIDC token in the headers that clients can send, or the page's session."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

from cop.errors import NotRecognised
from cop.identity import ANONYMOUS, KEY_PREFIX, Principal
from cop_server.identity.keys import holder_of, remembered
from cop_server.identity.sessions import session_at_once, session_of
from cop_server.identity.tokens import bearer_of, expiry_of

CREDENTIAL_HEADERS = "Authorization, X-API-Key, Cookie"


def recognise(headers: Mapping[str, str]) -> Principal:
    """Who sends these headers; nobody known where they carry no credentials.

    `Authorization: Bearer` with a key or token, `X-API-Key` with a key, `Authorization: Basic` with the key as the
    password (QGIS and ArcGIS can send that; the user's name is not read); without any of these the page's session, and
    one that has ended is as none: a page must not break. Raises NotRecognised where credentials are
    given that are not good, or two that differ: to answer as for the public would look as if there were nothing to see.
    """
    credential = _credential(headers)
    if credential is None:
        session = session_of(headers)
        return ANONYMOUS if session is None else session.principal
    return holder_of(credential) if credential.startswith(KEY_PREFIX) else bearer_of(credential)


def recognised_at_once(headers: Mapping[str, str]) -> Principal | None:
    """The principal where nobody need be asked: none is given, or a key that was asked about just now; else None."""
    credential = _credential(headers)
    if credential is not None:
        return remembered(credential)
    known, session = session_at_once(headers)
    if not known:
        return None
    return ANONYMOUS if session is None else session.principal


def has_credentials(headers: Mapping[str, str]) -> bool:
    """Whether a key or token came with the request, good or not; the session does not count."""
    return bool(headers.get("authorization") or headers.get("x-api-key"))


def good_until(headers: Mapping[str, str]) -> int | None:
    """When the token of these headers, which has been recognised, expires; None for keys."""
    credential = _credential(headers)
    return None if credential is None or credential.startswith(KEY_PREFIX) else expiry_of(credential)


def _credential(headers: Mapping[str, str]) -> str | None:
    authorization, key = headers.get("authorization"), headers.get("x-api-key")
    if not authorization:
        return key or None
    credential = _from_authorization(authorization)
    if key and key != credential:
        raise NotRecognised("Authorization and X-API-Key hold different credentials; send one of them")
    return credential


def _from_authorization(value: str) -> str:
    scheme, _, rest = value.partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    if scheme.lower() == "basic":
        return _password(rest.strip())
    raise NotRecognised("Authorization: wanted Bearer with a key or token, or Basic with a key as the password")


def _password(encoded: str) -> str:
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as exc:
        raise NotRecognised("Authorization: Basic: wanted user:key in base64") from exc
    password = text.partition(":")[2]
    if not password.startswith(KEY_PREFIX):
        raise NotRecognised("Authorization: Basic: wanted an API key as the password; any user name will do")
    return password
