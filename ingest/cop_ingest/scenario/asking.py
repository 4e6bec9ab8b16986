"""Requests between departments while the exercise's clock runs: feeds and returns tell the rest, and these nobody."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import orjson
import psycopg

from cop.store.statements import statements
from cop_ingest.scenario.steps import Step
from cop_ingest.scenario.story import Story
from cop_ingest.scenario.telling import values_of

_SQL = statements(Path(__file__).parent.parent / "sql" / "asking.sql")
_LOOKS_SECONDS = 2.0
_log = logging.getLogger(__name__)
Connection = psycopg.Connection


@dataclass(slots=True)
class Requests:
    """The story's requests after a time, in their order: asked, acknowledged, answered.

    A request about an incident that has not come in yet waits for it. What is told already, or what people have
    answered themselves, stays as it is, so that all may be told again after a stop.
    """

    story: Story
    since: datetime
    _left: list[Step] = field(init=False)
    _keys: dict[str, tuple[object, object]] = field(init=False)

    def __post_init__(self) -> None:
        steps = self.story.steps
        self._left = [step for step in steps if step.layer == "requests" and step.at > self.since]
        wanted = {step.values.get("incident") for step in self._left}
        self._keys = {
            step.id: (step.values["source"], step.values["source_ref"])
            for step in steps
            if step.new and step.layer == "incidents" and step.id in wanted
        }

    def tell(self, connection: Connection, now: datetime) -> int:
        """Tell what is due at a time of the exercise (UTC), in one transaction; how many records it changed.

        Nothing before the exercise's clock runs in the store. Raises psycopg.Error; then nothing was told.
        """
        due = [step for step in self._left if step.at <= now]
        if not due or connection.execute(_SQL["runs"]).fetchone() != (True,):
            return 0
        told, held, waiting = 0, [], set()
        with connection.transaction():
            connection.execute(_SQL["asking"], {"story": self.story.name})
            for step in due:
                incident = None if step.id in waiting else self._incident(connection, step)
                if incident is None:
                    held.append(step)
                    waiting.add(step.id)
                else:
                    told += self._told(connection, step, incident)
        self._left = [*held, *(step for step in self._left if step.at > now)]
        return told

    def _incident(self, connection: Connection, step: Step) -> str | None:
        """The store's id of the incident that a new request is about; empty for what changes one; None: not there."""
        if not step.new:
            return ""
        source, ref = self._keys[str(step.values["incident"])]
        row = connection.execute(_SQL["incident_of"], {"source": source, "ref": ref}).fetchone()
        return str(row[0]) if row else None

    def _told(self, connection: Connection, step: Step, incident: str) -> int:
        about = {"id": step.id, "incident": incident, "values": orjson.dumps(values_of(step)).decode()}
        return connection.execute(_SQL["ask" if step.new else "answer"], about).rowcount


@contextmanager
def asked(owner_dsn: str, requests: Requests, now: Callable[[], datetime]) -> Iterator[None]:
    """Tell requests as they come due by a clock while the block lasts. The store's trouble is waited out."""
    ends = threading.Event()
    thread = threading.Thread(target=_ask, args=(owner_dsn, requests, now, ends), name="requests", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ends.set()
        thread.join(10)


def _ask(owner_dsn: str, requests: Requests, now: Callable[[], datetime], ends: threading.Event) -> None:
    while not ends.is_set():
        try:
            with psycopg.connect(owner_dsn, autocommit=True, connect_timeout=3) as connection:
                connection.execute("SET statement_timeout = 5000")
                while not ends.wait(_LOOKS_SECONDS):
                    requests.tell(connection, now())
        except psycopg.Error as exc:
            _log.warning("the exercise's requests wait for the store: %s", str(exc).partition("\n")[0])
            ends.wait(_LOOKS_SECONDS)
