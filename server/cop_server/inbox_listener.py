"""The departments' inbox by MQTT 5: each message is a return, and is acknowledged when its rows are in the store.

A department publishes its form to `<topic>/<form>`; the report goes to the message's response topic, or to
`<topic>/<form>/report`. The session outlives our connections, so that the broker keeps what comes while we are away. A
message that comes again finds its rows as they are. Who may publish which form is the broker's to say.
"""

from __future__ import annotations

import json
import logging
import queue
import re
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import paho.mqtt.client as mqtt
import psycopg
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from cop.errors import LoadRefused, StoreTrouble
from cop.settings import Settings
from cop_ingest.inbox.declared import Mapping as Form
from cop_ingest.inbox.folder import Take, keep_message
from cop_server.console import say, warn
from cop_server.delivery.mqtt import Broker

_log = logging.getLogger(__name__)
_KEEPALIVE_S = 20
_LOOK_S = 0.5
_LONGEST_WAIT_S = 30.0
_REPORT_WAIT_S = 10.0
_MOST_ON_THE_WAY = 8  # messages that the broker sends before the first of them is acknowledged
_LONGEST_TOPIC = 300
_ENDINGS = {
    "application/json": "json", "application/geo+json": "json", "text/csv": "csv", "text/plain": "csv",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/geopackage+sqlite3": "gpkg", "application/geopackage+vnd.sqlite3": "gpkg",
}  # fmt: skip
# Without a content type the first bytes tell.
_BEGINS = ((b"PK\x03\x04", "xlsx"), (b"SQLite format 3\x00", "gpkg"), (b"{", "json"), (b"[", "json"))


@dataclass(frozen=True, slots=True)
class _Came:
    """A message, and in which of our connections it came: its number means nothing in a later one."""

    message: mqtt.MQTTMessage
    turn: int


class Listener:
    """Takes the messages of one broker, one after the other, each until the store has it."""

    def __init__(
        self, settings: Settings, broker: Broker, forms: Mapping[str, Form], take: Take, ends: threading.Event
    ) -> None:
        self._topic, self._folder = settings.inbox_topic, settings.inbox_folder
        self._forms, self._take_rows = forms, take
        self._expiry_s = settings.mqtt_expiry_s
        self._broker = broker
        self._arrived: queue.SimpleQueue[_Came] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._turn = 0
        self._ends = ends
        self._client = self._made(f"cop-{self._topic.replace('/', '-')}-{settings.mode}")

    def _made(self, identifier: str) -> mqtt.Client:
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=identifier, protocol=mqtt.MQTTv5, manual_ack=True)
        if self._broker.user is not None:
            client.username_pw_set(self._broker.user, self._broker.password)
        if self._broker.tls:
            client.tls_set_context(ssl.create_default_context())
        client.reconnect_delay_set(1, int(_LONGEST_WAIT_S))
        client.on_connect = self._connected
        client.on_connect_fail = lambda *_: warn(f"{self._broker.told} does not answer; it is tried again")
        client.on_disconnect = self._disconnected
        client.on_subscribe = self._subscribed
        client.on_message = lambda _, __, message: self._arrived.put(_Came(message, self._turn))
        return client

    def run(self, is_ours: Callable[[], bool]) -> None:
        """Listen until told to end, or until the turn to listen is no longer ours."""
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = self._expiry_s
        properties.ReceiveMaximum = _MOST_ON_THE_WAY
        self._client.connect_async(
            self._broker.host, self._broker.port, _KEEPALIVE_S, clean_start=False, properties=properties
        )
        self._client.loop_start()
        try:
            while not self._ends.is_set() and is_ours():
                with suppress(queue.Empty):
                    self._handle(self._arrived.get(timeout=_LOOK_S), is_ours)
        finally:
            self._client.disconnect()
            self._client.loop_stop()

    def _connected(self, client: mqtt.Client, _: Any, __: Any, reason: Any, ___: Any) -> None:
        if reason.is_failure:
            warn(f"{self._broker.told} lets nobody in: {reason}")
            return
        # Again each time: a broker that forgot the session forgot what we want, too.
        client.subscribe(f"{self._topic}/+", options=SubscribeOptions(qos=1, retainHandling=1))

    def _subscribed(self, _: mqtt.Client, __: Any, ___: int, reasons: Any, ____: Any) -> None:
        if any(reason.is_failure for reason in reasons):
            warn(f"{self._broker.told} does not let us read {self._topic}/+: {reasons[0]}")
        else:
            say(f"listening to {self._topic}/+ at {self._broker.told}")

    def _disconnected(self, _: mqtt.Client, __: Any, ___: Any, reason: Any, ____: Any) -> None:
        with self._lock:
            self._turn += 1
        if not self._ends.is_set():
            warn(f"the connection to {self._broker.told} has ended: {reason}")

    def _handle(self, came: _Came, is_ours: Callable[[], bool]) -> None:
        """Take a message, however long the store is away; then tell its sender, and the broker.

        What came over an earlier connection is left: the broker sends it again.
        """
        wait = 1.0
        while came.turn == self._turn and not self._ends.is_set() and is_ours():
            try:
                document = self._taken(came.message)
            except (StoreTrouble, psycopg.OperationalError, OSError) as exc:
                warn(f"a return waits for the store: {type(exc).__name__}")
                self._ends.wait(wait)
                wait = min(wait * 2, _LONGEST_WAIT_S)
                continue
            self._report(came.message, document)
            with self._lock:
                if came.turn == self._turn:
                    self._client.ack(came.message.mid, came.message.qos)
            return

    def _taken(self, message: mqtt.MQTTMessage) -> dict[str, Any]:
        """The report of a message; what was sent is kept beside the report, as files are."""
        name, form = f"message.{_ending(message)}", self._form_of(message)
        known = self._forms.get(form)
        try:
            if known is None:
                raise LoadRefused(f"there is no form {form!r}; there are {', '.join(self._forms)}")
            document = self._take_rows(known, bytes(message.payload), name, datetime.now(UTC)).document()
            aside = "taken"
        except LoadRefused as exc:
            document, aside = {"inbox": form, "file": name, "refused": str(exc)}, "refused"
        except (StoreTrouble, psycopg.OperationalError, OSError):
            raise
        except Exception:  # a message that nobody can take must not stop those behind it
            _log.exception("a return to %s could not be taken", form)
            why = "it could not be taken; the message is kept for the platform's operators"
            document, aside = {"inbox": form, "file": name, "refused": why}, "refused"
        folder = self._folder / form if known is not None else self._folder
        body: bytes | None = bytes(message.payload)
        if known is not None and known.personal:
            document, body = {**document, "kept": False}, None
        report = keep_message(folder, aside, name, body, document)
        say(f"{aside}: {report.relative_to(self._folder)}")
        return document

    def _form_of(self, message: mqtt.MQTTMessage) -> str:
        return str(message.topic).removeprefix(f"{self._topic}/")

    def _report(self, message: mqtt.MQTTMessage, document: Mapping[str, Any]) -> None:
        """Send the report. That nobody takes it changes nothing: it is kept as a file."""
        own = f"{self._topic}/{self._form_of(message)}/"
        topic = answer_topic(own, getattr(message.properties, "ResponseTopic", None))
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.ContentType = "application/json"
        properties.PayloadFormatIndicator = 1
        properties.MessageExpiryInterval = self._expiry_s
        if (correlation := getattr(message.properties, "CorrelationData", None)) is not None:
            properties.CorrelationData = correlation
        body = json.dumps(document, ensure_ascii=False, default=str)
        try:
            sent = self._client.publish(topic, body, qos=1, properties=properties)
            sent.wait_for_publish(_REPORT_WAIT_S)
        except (RuntimeError, ValueError) as exc:
            _log.info("a report waits for the broker: %s", exc)


def answer_topic(own: str, wanted: str | None) -> str:
    """The topic of a report: the wanted one where it lies beneath the form's own, which ends with a slash.

    Else a sender could make us speak where only we may.
    """
    if wanted and wanted.startswith(own) and len(wanted) <= _LONGEST_TOPIC and not re.search(r"[+#\x00]", wanted):
        return wanted
    return f"{own}report"


def _ending(message: mqtt.MQTTMessage) -> str:
    """What kind of file the payload is: by its content type, else by its first bytes, else a table."""
    told = str(getattr(message.properties, "ContentType", "")).partition(";")[0].strip().lower()
    begins = bytes(message.payload[:64]).removeprefix(b"\xef\xbb\xbf").lstrip()
    found = next((ending for sign, ending in _BEGINS if begins.startswith(sign)), "csv")
    return _ENDINGS.get(told, found)
