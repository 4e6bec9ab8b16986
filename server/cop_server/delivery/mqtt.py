"""MQTT 5: CloudEvents in structured mode, a topic for each collection and district, each acknowledged by the broker.

Format: CloudEvents 1.0 MQTT binding, structured content mode: the property content type says so.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from cop.errors import SetupTrouble
from cop.query.delta import values_since
from cop.query.question import Question
from cop.settings import Settings, get_settings
from cop.visible import VisibleSet
from cop_server.delivery.outcome import DELIVERED, Event, Outcome
from cop_server.delivery.subscription import Subscription, published_set
from cop_server.delivery.webhook import ONE

_log = logging.getLogger(__name__)
NOWHERE = "none"
_LEVEL = re.compile(r"[^\s+#/\x00-\x1f]{1,60}")
_DISTRICTS = "districts"
_KEEPALIVE_S = 20
# Events until the place is kept: few enough that a slow broker acknowledges them within the time of one delivery.
MOST_PUBLISHED = 50
_MOST_ON_THE_WAY = 100
_AROUND = 128  # bytes of a packet besides topic and body, at most: header, lengths, properties


@dataclass(frozen=True, slots=True)
class Broker:
    """A broker's address in its parts."""

    host: str
    port: int
    tls: bool
    user: str | None
    password: str | None

    @property
    def told(self) -> str:
        """The address without credentials."""
        return f"mqtt{'s' if self.tls else ''}://{self.host}:{self.port}"


def read_broker(settings: Settings) -> Broker | None:
    """The broker that the settings name. Raises SetupTrouble that does not repeat the address: it holds a password."""
    text = settings.mqtt_url.get_secret_value()
    if not text:
        return None
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if parts.scheme not in ("mqtt", "mqtts") or not host or parts.path.strip("/"):
        raise SetupTrouble("COP_MQTT_URL is no address of a broker: wanted mqtt[s]://user:password@host:port")
    tls = parts.scheme == "mqtts"
    user, password = (None if word is None else unquote(word) for word in (parts.username, parts.password))
    return Broker(host, port or (8883 if tls else 1883), tls, user, password)


def set_name(visible: VisibleSet) -> str:
    """A visible set's audience as one level of a topic."""
    return f"{visible.audience}-{visible.department}" if visible.department else visible.audience


def publications(settings: Settings) -> list[Subscription]:
    """What is published, as subscriptions that stand at the beginning."""
    broker = read_broker(settings)
    if broker is None:
        return []
    made = []
    for text in settings.mqtt_publish:
        visible = published_set(text, settings.mode)
        about = hashlib.sha256(broker.told.encode()).hexdigest()[:8]
        made.append(Subscription(
            f"mqtt-{visible.mode}-{set_name(visible)}-{about}", "mqtt", None, "installation", visible.audience,
            visible.department, visible.mode, broker.told, (), "single", 0, None,
        ))  # fmt: skip
    return made


def district_column(question: Question) -> str | None:
    """The column that tells a feature's district to this visible set, where its layer has one."""
    shown = question.layer.visible_columns(question.profile)
    return next((column.name for column in shown if column.codes_from == _DISTRICTS), None)


def topics_of(question: Question, changed: dict[str, bool], since: int, until: int) -> dict[str, tuple[str, ...]]:
    """The topics of some changed features (whether each is still seen), as their visible set sees where they lie.

    A feature that moved is told in every district in which it lay since the number, so that none keeps its ghost. What
    is seen no longer is told under `none` alone: its place is not told again.
    """
    begins = f"cop/{question.visible.mode}/{set_name(question.visible)}/{question.layer.id}"
    column = district_column(question)
    seen = [feature for feature, is_seen in changed.items() if is_seen]
    known = values_since(question, column, seen, since, until) if column and seen else {}
    found = {}
    for feature in changed:
        lain = known.get(feature) or {None}
        districts = {code if code and _LEVEL.fullmatch(code) else NOWHERE for code in lain}
        found[feature] = tuple(f"{begins}/{code}" for code in sorted(districts))
    return found


class _Client(aiomqtt.Client):
    """aiomqtt takes every acknowledgement for a good one, and leaves out what a broker says of itself."""

    refused: list[str]
    largest: int | None = None  # bytes of a packet; a broker ends the connection at a larger one

    def _on_connect(self, client: Any, userdata: Any, flags: Any, reason_code: Any, properties: Any = None) -> None:
        self.largest = getattr(properties, "MaximumPacketSize", None)
        super()._on_connect(client, userdata, flags, reason_code, properties)

    def _on_publish(self, client: Any, userdata: Any, mid: int, reason_code: Any, properties: Any) -> None:
        if getattr(reason_code, "is_failure", False):
            self.refused.append(str(reason_code))
        super()._on_publish(client, userdata, mid, reason_code, properties)

    async def leave(self) -> None:
        """End the connection, if it has not ended by itself."""
        if self._disconnected.done() and not self._disconnected.cancelled():
            self._disconnected.exception()  # known already
        await self.__aexit__(None, None, None)

    async def outlive(self, work: asyncio.Future[Any]) -> None:
        """Wait for what was published; a connection that breaks ends the wait, which aiomqtt would sit out."""
        try:
            await asyncio.wait({work, self._disconnected}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                raise aiomqtt.MqttError("the connection broke")
            await work
        finally:
            work.cancel()
            with suppress(asyncio.CancelledError, aiomqtt.MqttError):
                await work


class Publisher:
    """Sends to the broker over one connection. The place is kept by who calls, once all is acknowledged."""

    def __init__(self) -> None:
        self._client: _Client | None = None

    async def send(self, subscription: Subscription, events: Sequence[Event]) -> Outcome:
        """Publish some events in their order, and wait for every acknowledgement."""
        wait = get_settings().delivery_timeout_s
        try:
            client = await self._connected(subscription)
            client.refused = []
            if (size := _too_large(events, client.largest)) is not None:
                reason = f"a message of {size} bytes; the broker takes at most {client.largest} at once"
                return Outcome("refused", reason, answered=True)
            async with asyncio.timeout(wait):
                sent = [self._publish(client, topic, one) for one in events for topic in one.topics]
                await client.outlive(asyncio.gather(*sent))
        except (aiomqtt.MqttError, TimeoutError, OSError, SetupTrouble) as exc:
            await self.close()
            return Outcome("trouble", f"the broker does not take messages: {_reason(exc)}")
        if client.refused:
            return Outcome("refused", f"the broker answered {client.refused[0]}", answered=True)
        return DELIVERED

    async def _publish(self, client: _Client, topic: str, event: Event) -> None:
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.ContentType = f"{ONE}; charset=utf-8"
        properties.PayloadFormatIndicator = 1
        properties.MessageExpiryInterval = get_settings().mqtt_expiry_s
        await client.publish(topic, event.body, qos=1, properties=properties)

    async def _connected(self, subscription: Subscription) -> _Client:
        """The connection. The client's id is the publication's: a new holder takes the old one's connection away."""
        if self._client is None:
            broker = read_broker(get_settings())
            if broker is None:
                raise SetupTrouble("no broker is configured")
            client = _Client(
                broker.host, broker.port, username=broker.user, password=broker.password,
                identifier=f"cop-{subscription.id}", protocol=aiomqtt.ProtocolVersion.V5, clean_start=True,
                timeout=get_settings().delivery_timeout_s, keepalive=_KEEPALIVE_S,
                max_inflight_messages=_MOST_ON_THE_WAY,
                tls_context=ssl.create_default_context() if broker.tls else None,
            )  # fmt: skip
            client.pending_calls_threshold = 10_000
            client.refused = []
            await client.__aenter__()
            self._client = client
        return self._client

    async def close(self) -> None:
        """Leave the broker."""
        client, self._client = self._client, None
        if client is not None:
            with suppress(aiomqtt.MqttError, OSError):
                await client.leave()


def _too_large(events: Sequence[Event], largest: int | None) -> int | None:
    """Bytes of the first message that is larger than the broker's largest packet."""
    if largest is None:
        return None
    sizes = (_AROUND + len(topic.encode()) + len(one.body) for one in events for topic in one.topics)
    return next((size for size in sizes if size > largest), None)


def _reason(exc: Exception) -> str:
    return f"{type(exc).__name__}: {exc}" if isinstance(exc, aiomqtt.MqttError) else type(exc).__name__
