"""OIDC bearer tokens: signature, issuer, audience and times checked, role and department read from two claims."""

from __future__ import annotations

import json
import logging
import urllib.request
from functools import lru_cache
from typing import Any

import jwt

from cop.errors import NotRecognised
from cop.identity import Principal, principal
from cop.settings import get_settings

_log = logging.getLogger(__name__)
_LEEWAY_SECONDS = 30
_PATIENCE_SECONDS = 5
_KEYS_KEPT_SECONDS = 300
_COOLDOWN_SECONDS = 5  # tokens with made-up key ids make the issuer no more trouble than this
_LONGEST = 8000
_BAD = "the token is not valid"


def bearer_of(token: str) -> Principal:
    """Whom a token speaks for.

    Raises NotRecognised where it is malformed, expired, not yet valid, of another issuer or audience, signed by a key
    or algorithm that is not the issuer's, or names no role that is known. Details go to the log, without the token.
    """
    settings = get_settings()
    if not settings.oidc_issuer:
        raise NotRecognised("the credentials are no API key of this server, and it takes no tokens")
    if len(token) > _LONGEST:
        raise NotRecognised(f"{_BAD}: it is longer than {_LONGEST} characters")
    try:
        key = _keys().get_signing_key_from_jwt(token)
        claims: dict[str, Any] = jwt.decode(
            token, key, algorithms=settings.oidc_algorithms, audience=settings.oidc_audience,
            issuer=settings.oidc_issuer, leeway=_LEEWAY_SECONDS, options={"require": ["exp", "iss", "aud", "sub"]},
        )  # fmt: skip
    except jwt.ExpiredSignatureError as exc:
        raise NotRecognised(f"{_BAD}: it has expired; sign in again") from exc
    except (jwt.PyJWTError, OSError, ValueError) as exc:
        _log.info("a token was refused: %s", type(exc).__name__)
        raise NotRecognised(_BAD) from exc
    return _principal(claims)


def expiry_of(token: str) -> int:
    """When a token that has been recognised expires, in seconds since 1970."""
    return int(jwt.decode(token, options={"verify_signature": False})["exp"])


def _principal(claims: dict[str, Any]) -> Principal:
    settings = get_settings()
    role, department = claims.get(settings.oidc_role_claim), claims.get(settings.oidc_department_claim)
    try:
        return principal(f"oidc:{claims['sub']}", str(role), str(department) if department is not None else None)
    except ValueError as exc:
        raise NotRecognised(f"{_BAD} here: {exc}") from exc


@lru_cache(maxsize=1)
def _keys() -> jwt.PyJWKClient:
    """The issuer's keys: fetched when one is first needed, again every five minutes or when an unknown one is named."""
    return jwt.PyJWKClient(
        get_settings().oidc_jwks_url or _discovered(), cache_keys=False, lifespan=_KEYS_KEPT_SECONDS,
        timeout=_PATIENCE_SECONDS, cooldown_duration=_COOLDOWN_SECONDS,
    )  # fmt: skip


def _discovered() -> str:
    address = f"{get_settings().oidc_issuer.rstrip('/')}/.well-known/openid-configuration"
    with urllib.request.urlopen(address, timeout=_PATIENCE_SECONDS) as answer:  # noqa: S310 - configured by the operator
        return str(json.load(answer)["jwks_uri"])


def forget_issuer() -> None:
    """Forget the issuer's keys."""
    _keys.cache_clear()
