"""How the returns of the simulated departments come to COP: by the API, by MQTT, or as files in a folder.

By the API a department makes an incident as it was told first, and brings it to what is known now: values and states by
PATCH with If-Match, progress as a record of its own. Keys of repetition come from what is told, so that a request that
is sent again, in this run or a later one of the same day, does nothing twice.
"""

from __future__ import annotations

import hashlib
import json
import logging
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import httpx
import paho.mqtt.client as mqtt
import shapely
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from cop.catalogue import catalogue
from cop.errors import Invalid, SetupTrouble
from cop_ingest.inbox.steps import first_state, steps_between
from cop_ingest.simulator.forms.base import Return
from cop_ingest.simulator.forms.incidents import Line
from cop_ingest.simulator.returns import write_return
from cop_ingest.simulator.world.told import Incident

_log = logging.getLogger(__name__)
_MODE = {"mode": "exercise"}  # whatever the server's own: a simulated day is nothing else
_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 10.0
_TURNS = 5  # so often a record may change between our reading and our writing
BY_MQTT = ("works_", "hyd_", "geo_", "outages_")
"""Beginnings of the forms of works departments and power companies."""
_TOLD = (
    "external_ids", "category", "title_en", "title_zh", "description_en", "description_zh", "severity", "occurred_at",
    "district", "location_en", "location_zh", "road_closed", "lanes_closed", "injured", "trapped", "release",
)  # fmt: skip
_PROGRESS = {"progress_percent": "percent", "estimated_completion_at": "estimated_completion_at"}


class _Stopped(Exception):
    """The simulator ends; what was not sent is not sent."""


@dataclass(slots=True)
class Ways:
    """Where a return goes: by its department's key to the API, to the broker, else to the folder, if there is one.

    By the API departments tell of incidents; other forms go to the broker or the folder.
    """

    folder: Path | None = None
    api: Api | None = None
    broker: Broker | None = None

    def send(self, one: Return) -> None:
        """Send a return by its department's way, however long the other side is away."""
        with suppress(_Stopped):
            if self.api is not None and one.lines and one.department in self.api.keys:
                self.api.send(one)
            elif self.broker is not None and one.form.startswith(BY_MQTT):
                self.broker.send(one)
            elif self.folder is not None:
                write_return(self.folder, one)

    def close(self) -> None:
        """Send nothing more."""
        for way in (self.api, self.broker):
            if way is not None:
                way.close()


@dataclass(slots=True)
class Api:
    """A COP server, and the keys of the departments that report there. `deeds` counts what became of the lines."""

    url: str
    keys: Mapping[str, str] = field(repr=False)
    deeds: Counter[str] = field(default_factory=Counter)
    _known: dict[tuple[str, str], str] = field(default_factory=dict)
    _ends: threading.Event = field(default_factory=threading.Event)

    def send(self, one: Return) -> None:
        """Bring each line's incident to what is known of it."""
        headers = {"X-API-Key": self.keys[one.department], "Accept": "application/geo+json"}
        with httpx.Client(base_url=self.url, headers=headers, params=_MODE, timeout=30) as client:
            for line in one.lines:
                try:
                    self.deeds[self._told(client, line)] += 1
                except (httpx.HTTPStatusError, Invalid) as exc:
                    self.deeds["refused"] += 1
                    _log.warning("the return of %s was refused: %s", line.incident.ref, exc)

    def close(self) -> None:
        """Send nothing more."""
        self._ends.set()

    def _told(self, client: httpx.Client, line: Line) -> str:
        incident = line.incident
        key = (incident.department, incident.ref)
        is_new = key not in self._known
        if is_new:
            self._known[key] = self._made(client, incident)
        changed = self._brought(client, self._known[key], line)
        changed = self._progress(client, self._known[key], line) or changed
        return "created" if is_new else "changed" if changed else "unchanged"

    def _made(self, client: httpx.Client, incident: Incident) -> str:
        """The incident's id at the server; it is made where it is not there yet."""
        values = incident.versions[0][1]
        states = catalogue().layers["incidents"].writes.states  # type: ignore[union-attr]
        assert states is not None
        state = first_state(states, str(values[states.column]))
        told = {**_properties(values), "source_ref": incident.ref, "reported_at": _value(incident.reported_at)}
        told[states.column] = state
        shape = incident.geometry
        geometry = None if shape is None else json.loads(shapely.to_geojson(shape))
        body = {"type": "Feature", "geometry": geometry, "properties": told}
        answer = self._asked(
            client, "POST", "/collections/incidents/items", body, {"Idempotency-Key": _repetition("made", body)}
        )
        if answer.status_code == httpx.codes.CONFLICT:  # it came before, by this way or another
            return self._found(client, incident)
        answer.raise_for_status()
        return unquote(answer.headers["Location"].partition("?")[0].rpartition("/")[2])

    def _found(self, client: httpx.Client, incident: Incident) -> str:
        said = f"source = {_quoted(incident.department)} AND source_ref = {_quoted(incident.ref)}"
        answer = self._asked(client, "GET", f"/collections/incidents/items?filter={quote(said)}&mode=exercise")
        answer.raise_for_status()
        return str(answer.json()["features"][0]["id"])

    def _brought(self, client: httpx.Client, id_: str, line: Line) -> bool:
        """The record's values and state as the line has them. Whether anything was to be done."""
        states = catalogue().layers["incidents"].writes.states  # type: ignore[union-attr]
        assert states is not None
        address, done = f"/collections/incidents/items/{id_}", False
        for _ in range(_TURNS):
            record = self._asked(client, "GET", address)
            record.raise_for_status()
            stands = record.json()["properties"]
            steps: list[dict[str, Any]] = [
                {states.column: step} for step in steps_between(states, stands[states.column], line.text("status"))
            ]
            differs = {name: value for name, value in _properties(line.values).items() if stands.get(name) != value}
            tag = record.headers["ETag"]
            for step in ([differs] if differs else []) + steps:
                answer = self._asked(
                    client, "PATCH", address, {"type": "Feature", "properties": step},
                    {"If-Match": tag, "COP-Reason": "return of the department",
                     "Idempotency-Key": _repetition("brought", [id_, tag, step])},
                )  # fmt: skip
                if answer.status_code == httpx.codes.PRECONDITION_FAILED:
                    break  # somebody was quicker: read it again
                answer.raise_for_status()
                tag, done = answer.headers["ETag"], True
            else:
                return done
        raise Invalid([])

    def _progress(self, client: httpx.Client, id_: str, line: Line) -> bool:
        """The department's last word on progress, where the record does not show it yet. Whether it was told."""
        record = self._asked(client, "GET", f"/collections/incidents/items/{id_}")
        record.raise_for_status()
        stands = record.json()["properties"]
        told = {theirs: _value(line.values.get(ours)) for ours, theirs in _PROGRESS.items()}
        told = {name: value for name, value in told.items() if value is not None}
        if not told or all(
            stands.get(ours) == told.get(theirs) for ours, theirs in _PROGRESS.items() if theirs in told
        ):
            return False
        words = {name: line.message[name] for name in ("text_en", "text_zh") if line.message.get(name)}
        told |= words or {"text_en": f"Return of {line.incident.department}"}
        body = {"type": "Feature", "geometry": None, "properties": {"incident": id_, **told}}
        answer = self._asked(
            client, "POST", "/collections/progress-updates/items", body,
            {"Idempotency-Key": _repetition("progress", [body, _value(line.at)])},
        )  # fmt: skip
        answer.raise_for_status()
        return True

    def _asked(
        self,
        client: httpx.Client,
        method: str,
        address: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Ask until the server answers; what it refuses is an answer too."""
        media = "application/merge-patch+json" if method == "PATCH" else "application/geo+json"
        sent = {**(headers or {}), **({"Content-Type": media} if body is not None else {})}
        content = None if body is None else json.dumps(body, ensure_ascii=False).encode()

        def ask() -> httpx.Response | None:
            try:
                answer = client.request(method, address, content=content, headers=sent)
            except httpx.TransportError:
                return None
            busy = answer.status_code >= 500 or answer.status_code == httpx.codes.TOO_MANY_REQUESTS
            return None if busy else answer

        return _until(ask, self._ends)


class Broker:
    """An MQTT broker to which departments publish their forms."""

    def __init__(self, url: str, topic: str = "cop/inbox") -> None:
        """Begin to connect. Raises SetupTrouble that does not repeat the address: it may hold a password."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            host = port = None
        if not host or parts.scheme not in ("mqtt", "mqtts"):
            raise SetupTrouble("--returns-mqtt is no address of a broker: wanted mqtt[s]://user:password@host:port")
        self._topic, self._ends = topic, threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        if parts.username is not None:
            self._client.username_pw_set(unquote(parts.username), unquote(parts.password or ""))
        if parts.scheme == "mqtts":
            self._client.tls_set_context(ssl.create_default_context())
        self._client.connect_async(host, port or (8883 if parts.scheme == "mqtts" else 1883))
        self._client.loop_start()

    def send(self, one: Return) -> None:
        """Publish a return, and wait until the broker has it."""
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.ContentType = {"csv": "text/csv", "geojson": "application/geo+json"}.get(one.ending, "")
        _until(lambda: self._client.is_connected() or None, self._ends)
        # From here on the client itself sends it again after each break, until it is acknowledged.
        sent = self._client.publish(f"{self._topic}/{one.form}", one.body(), qos=1, properties=properties)
        _until(lambda: sent.is_published() or None, self._ends)

    def close(self) -> None:
        """Leave the broker."""
        self._ends.set()
        self._client.disconnect()
        self._client.loop_stop()


def read_keys(path: Path) -> dict[str, str]:
    """The keys of departments from a JSON file, `{"FSD": "key"}`. Raises SetupTrouble that does not repeat them."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise SetupTrouble(f"{path}: is no JSON file that can be read") from None
    known = catalogue().codes["departments"]
    if not isinstance(told, dict) or not all(isinstance(key, str) and name in known for name, key in told.items()):
        raise SetupTrouble(f'{path}: wanted the keys of departments, as {{"FSD": "key"}}')
    return told


def _until[T](ask: Callable[[], T | None], ends: threading.Event) -> T:
    """Ask until there is an answer, with longer and longer waits. Raises _Stopped when it is to end."""
    wait = _FIRST_WAIT_S
    while not ends.is_set():
        if (answer := ask()) is not None:
            return answer
        ends.wait(wait)
        wait = min(wait * 2, _LONGEST_WAIT_S)
    raise _Stopped


def _properties(values: Mapping[str, object]) -> dict[str, Any]:
    return {name: _value(values[name]) for name in _TOLD if values.get(name) is not None}


def _value(value: object) -> Any:
    """As the server tells it: times in UTC, whole seconds."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return value


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _repetition(*about: object) -> str:
    """The same key for the same thing said, in every run."""
    return hashlib.sha256(json.dumps(about, sort_keys=True, default=str).encode()).hexdigest()
