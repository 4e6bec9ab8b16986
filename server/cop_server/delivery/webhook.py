"""Webhooks: CloudEvents over HTTP, signed as Standard Webhooks signs, asked for first as CloudEvents' web hooks ask.

Formats: https://www.standardwebhooks.com (signature), CloudEvents 1.0 HTTP binding (structured and batched content) and
HTTP web hooks (OPTIONS, WebHook-Request-Origin, WebHook-Allowed-Origin, WebHook-Allowed-Rate).
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import logging
import math
import secrets
import ssl
import time
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from functools import lru_cache
from urllib.parse import urlsplit

import httpx

from cop.errors import Fault, Invalid
from cop.settings import get_settings
from cop_server.delivery.outcome import DELIVERED, Event, Outcome
from cop_server.delivery.subscription import Subscription
from cop_server.delivery.target import NotAllowed, Resolver, Target, checked_address, read_target, resolver_of

# httpx would log every address at the level info, and an address may hold what only its owner should know.
logging.getLogger("httpx").setLevel(logging.WARNING)
ONE = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
SECRET_PREFIX = "whsec_"  # noqa: S105 - what a secret begins with
_AGENT = "cop-delivery"
_LONGEST_ANSWER = 64_000  # bytes read of an answer; nothing of it is kept
_LONGEST_WAIT_S = 3600.0
# Answers that speak of the target as a whole, and not of the event that was sent.
_OF_THE_TARGET = frozenset({401, 402, 403, 404, 405, 407, 408, 421, 425, 426, 429, 431, 451})


def new_secret() -> bytes:
    """A secret of 256 random bits."""
    return secrets.token_bytes(32)


def told_secret(secret: bytes) -> str:
    """A secret as receivers' libraries read it."""
    return SECRET_PREFIX + base64.b64encode(secret).decode()


def signature(secret: bytes, id_: str, timestamp: int, body: bytes) -> str:
    """The header webhook-signature: HMAC-SHA256 over id, time and body."""
    signed = hmac.new(secret, b"%s.%d.%s" % (id_.encode(), timestamp, body), hashlib.sha256)
    return f"v1,{base64.b64encode(signed.digest()).decode()}"


def message_id(subscription: str, events: Sequence[Event]) -> str:
    """The header webhook-id: the same whenever the same events are sent again."""
    return f"{subscription}.{hashlib.sha256(' '.join(event.id for event in events).encode()).hexdigest()[:32]}"


def origin() -> str:
    """Who sends, as WebHook-Request-Origin says it: the host of COP_URL."""
    return urlsplit(get_settings().url).hostname or "localhost"


@lru_cache(maxsize=1)
def _trust() -> ssl.SSLContext:
    """The machine's authorities; SSL_CERT_FILE names others."""
    return ssl.create_default_context()


class Webhook:
    """One target's sender. Its connection is kept while it is used, and was checked when it was made."""

    def __init__(self, resolver: Resolver | None = None) -> None:
        self._resolver = resolver  # none: the machine's, with the threads of whoever owns the subscription
        self._client: httpx.AsyncClient | None = None
        self._of: tuple[str, str] | None = None

    async def send(self, subscription: Subscription, events: Sequence[Event]) -> Outcome:
        """POST some events: one as it is, or several as a batch."""
        assert subscription.secret is not None
        body = events[0].body if subscription.content == "single" else b"[%s]" % b",".join(one.body for one in events)
        id_, now = message_id(subscription.id, events), int(time.time())
        headers = {
            "Content-Type": (ONE if subscription.content == "single" else BATCH) + "; charset=utf-8",
            "webhook-id": id_,
            "webhook-timestamp": str(now),
            "webhook-signature": signature(subscription.secret, id_, now, body),
        }
        try:
            status, told = await self.request(
                "POST", read_target(subscription.target), headers, body, subscription.owner_department
            )
        except Invalid as exc:  # what may be reached was changed since
            return Outcome("trouble", exc.detail)
        except NotAllowed as exc:
            return Outcome("trouble", f"the target was not called: {exc}")
        except (httpx.HTTPError, TimeoutError, OSError) as exc:
            await self.close()
            return Outcome("trouble", f"no answer: {type(exc).__name__}")
        return outcome_of(status, told)

    async def request(
        self, method: str, target: Target, headers: Mapping[str, str], body: bytes = b"", owner: str | None = None
    ) -> tuple[int, httpx.Headers]:
        """One request within its time; redirects are not followed. The answer's status and headers.

        Looking its name up has a time of its own, which begins when its owner's other lookups let it.
        """
        address = await checked_address(target, self._resolver or resolver_of(owner))
        async with asyncio.timeout(get_settings().delivery_timeout_s):
            client = await self._connected(target, address)
            sent = {"Host": target.host_header, "User-Agent": _AGENT, "WebHook-Request-Origin": origin(), **headers}
            request = client.build_request(
                method, target.at(address), headers=sent, content=body, extensions={"sni_hostname": target.host}
            )
            answer = await client.send(request, stream=True)
            try:
                size = 0
                async for part in answer.aiter_raw():
                    size += len(part)
                    if size > _LONGEST_ANSWER:
                        break
            finally:
                await answer.aclose()
            return answer.status_code, answer.headers

    async def _connected(self, target: Target, address: str) -> httpx.AsyncClient:
        """A client for this host at this address: a connection made for one name is never used for another."""
        if self._client is not None and self._of != (target.host, address):
            await self.close()
        if self._client is None:
            limits = httpx.Limits(max_connections=1, keepalive_expiry=30)
            self._client = httpx.AsyncClient(
                verify=_trust(),
                trust_env=False,
                follow_redirects=False,
                limits=limits,
                timeout=get_settings().delivery_timeout_s,
            )
            self._of = (target.host, address)
        return self._client

    async def close(self) -> None:
        """End the connection."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()


def outcome_of(status: int, headers: Mapping[str, str]) -> Outcome:
    """What an answer means."""
    if 200 <= status < 300:
        return DELIVERED
    if status == 410:
        return Outcome("gone", "the target answered 410: it wants no more", answered=True)
    if 300 <= status < 400:
        return Outcome("trouble", f"the target answered {status}: redirects are not followed", answered=True)
    if 400 <= status < 500 and status not in _OF_THE_TARGET:
        return Outcome("refused", f"the target answered {status}", answered=True)
    return Outcome("trouble", f"the target answered {status}", retry_after(headers), answered=True)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds that Retry-After asks for, as a number or a date; at most an hour."""
    told = headers.get("retry-after", "").strip()
    try:
        seconds = float(told) if told.isdecimal() else parsedate_to_datetime(told).timestamp() - time.time()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(seconds, 0.0), _LONGEST_WAIT_S) if math.isfinite(seconds) else None


async def ask_permission(text: object, resolver: Resolver | None = None, owner: str | None = None) -> int | None:
    """Ask a target whether it wants events from here; the requests a minute that it allows, None for any number.

    Raises Invalid that points to the target where it does not, or cannot be reached.
    """
    target = read_target(text)
    webhook = Webhook(resolver)
    try:
        async with asyncio.timeout(2 * get_settings().delivery_timeout_s):  # somebody waits for it
            _, headers = await webhook.request("OPTIONS", target, {}, owner=owner)
    except NotAllowed as exc:
        raise Invalid([Fault("/target", text, str(exc))]) from exc
    except (httpx.HTTPError, TimeoutError, OSError) as exc:
        raise Invalid([Fault("/target", text, f"it did not answer to OPTIONS: {type(exc).__name__}")]) from exc
    finally:
        await webhook.close()
    allowed = headers.get("webhook-allowed-origin", "").strip()
    if allowed != "*" and allowed.lower() != origin().lower():
        reason = f"its answer to OPTIONS lacks WebHook-Allowed-Origin: {origin()} (or *), by which it agrees"
        raise Invalid([Fault("/target", text, reason)])
    rate = headers.get("webhook-allowed-rate", "").strip()
    return min(int(rate), 1_000_000) if rate.isdecimal() and len(rate) < 10 and int(rate) > 0 else None
