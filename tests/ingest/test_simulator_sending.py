"""The simulated departments' returns by the API and by MQTT: the story's incidents once, whatever breaks on the way."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from brokers import Mosquitto, Reader
from receivers import until
from typer.testing import CliRunner

from cop.errors import SetupTrouble
from cop_ingest.inbox.declared import mappings
from cop_ingest.scenario.calendar import hong_kong
from cop_ingest.simulator.forms.incidents import reports
from cop_ingest.simulator.returns import returns_of
from cop_ingest.simulator.sending import BY_MQTT, Api, Broker, Ways, read_keys
from cop_ingest.simulator.world.world import STARTS, World
from cop_server.cli import app
from cop_server.cluster import Cluster, create_database, drop_database
from cop_server.identity import keys

BEFORE_ALL = STARTS - timedelta(days=1)
FIRST, SECOND = hong_kong("2025-09-23 13:00"), hong_kong("2025-09-23 14:30")
DEPARTMENTS = ("FSD", "HKPF", "DSD")


@pytest.fixture(scope="module")
def world() -> World:
    return World(1, scale=0.001)


@pytest.fixture(scope="module")
def database(cluster: Cluster, template: str) -> Iterator[Cluster]:
    name = f"t_sending_{os.getpid()}"
    yield create_database(cluster, name, template)
    drop_database(cluster, name)


@pytest.fixture(scope="module")
def url(database: Cluster, start_server_once: Callable[..., str]) -> str:
    return start_server_once(database.app_dsn, COP_RATE_LIMITS="false")


class Breaking(ThreadingHTTPServer):
    """A proxy that breaks now and then: before the server gets a request, and after it has answered."""

    def __init__(self, url: str) -> None:
        super().__init__(("127.0.0.1", 0), _Passing)
        self.url, self.count = url, 0
        self.lock = threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Passing(BaseHTTPRequestHandler):
    server: Breaking

    def _pass(self) -> None:
        with self.server.lock:
            self.server.count += 1
            turn = self.server.count % 9
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if turn == 3:
            self.send_response(503)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")}
        answer = httpx.request(self.command, self.server.url + self.path, content=body, headers=headers, timeout=60)
        if turn == 6:  # done, and nobody is told
            self.close_connection = True
            self.connection.close()
            return
        self.send_response(answer.status_code)
        for name in ("etag", "location", "content-type"):
            if name in answer.headers:
                self.send_header(name, answer.headers[name])
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    do_GET = do_POST = do_PATCH = _pass  # noqa: N815

    def log_message(self, *_: Any) -> None: ...


def sent(world: World, way: Callable[..., object], since: datetime, until_: datetime) -> None:
    for one in returns_of(world, since, until_):
        way(one)


def records(database: Cluster) -> dict[tuple[str, str], dict[str, Any]]:
    with psycopg.connect(database.owner_dsn, row_factory=psycopg.rows.dict_row) as connection:
        rows = connection.execute("SELECT * FROM layer.incidents").fetchall()
    found = {(row["source"], row["source_ref"]): row for row in rows}
    assert len(found) == len(rows)
    return found


def test_departments_post_their_incidents_once_and_correct_them(
    world: World, database: Cluster, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cop_ingest.simulator.sending._FIRST_WAIT_S", 0.02)
    proxy = Breaking(url)
    address = f"http://127.0.0.1:{proxy.server_port}"
    of = {name: keys.create(database.owner_dsn, name, "reporter", name, None)[1] for name in DEPARTMENTS}
    api = Api(address, of)
    for since, end in ((BEFORE_ALL, FIRST), (FIRST, SECOND)):
        sent(world, Ways(api=api).send, since, end)
        lines = [line for line in reports(world, BEFORE_ALL, end) if line.incident.department in DEPARTMENTS]
        found = records(database)
        assert set(found) == {(line.incident.department, line.incident.ref) for line in lines}
        for line in lines:
            row = found[line.incident.department, line.incident.ref]
            for name in ("status", "category", "title_en", "title_zh", "district", "external_ids", "release"):
                assert row[name] == line.values[name], name
            if line.values["status"] != "completed":  # the store says when it is done
                assert row["progress_percent"] == line.values["progress_percent"]
    assert not api.deeds["refused"]
    assert api.deeds["created"] == len(lines)
    assert api.deeds["changed"] > 0
    assert proxy.count > 20
    with psycopg.connect(database.owner_dsn) as connection:
        before = connection.execute("SELECT n FROM cop.head").fetchone()
        again = Api(url, of)  # the simulator was started again, and tells the day anew
        sent(world, Ways(api=again).send, BEFORE_ALL, SECOND)
        assert connection.execute("SELECT n FROM cop.head").fetchone() == before
    assert again.deeds["created"] == len(lines)
    assert not again.deeds["refused"]
    proxy.shutdown()
    proxy.server_close()


def test_works_departments_publish_their_forms_and_the_others_write_files(world: World, tmp_path: Path) -> None:
    for above in (tmp_path, *list(tmp_path.parents)[:2]):
        above.chmod(0o755)
    (tmp_path / "mosquitto").mkdir()
    mosquitto = Mosquitto(tmp_path / "mosquitto")
    reader = Reader(mosquitto.port, "inbox", "cop/inbox/+")
    broker = Broker(f"mqtt://127.0.0.1:{mosquitto.port}")
    ways = Ways(tmp_path / "returns", broker=broker)
    expected = list(returns_of(world, BEFORE_ALL, FIRST))
    published = [one for one in expected if one.form.startswith(BY_MQTT)]
    assert {one.form for one in published} >= {"works_hyd", "hyd_closures", "hyd_excavation", "geo_rain_gauges"}
    mosquitto.stop()
    started = threading.Thread(target=sent, args=(world, ways.send, BEFORE_ALL, FIRST))
    started.start()  # the broker is away
    mosquitto.start()
    started.join(90)
    until(lambda: len(reader.messages) >= len(published), 90)
    assert {message.topic: bytes(message.payload) for message in reader.messages} == {
        f"cop/inbox/{one.form}": one.body() for one in published
    }
    assert all(message.topic.rpartition("/")[2] in mappings() for message in reader.messages)
    written = {path.parent.name for path in (tmp_path / "returns").rglob("*.*")}
    assert written == {one.form for one in expected if one not in published}
    ways.close()
    reader.close()
    mosquitto.close()


def test_what_the_command_is_told_is_read_strictly(tmp_path: Path) -> None:
    for some in (["--returns-to", "http://cop"], ["--returns-keys", "keys.json"]):
        asked = CliRunner().invoke(app, ["simulate", *some])
        assert isinstance(asked.exception, SetupTrouble)
        assert "go together" in str(asked.exception)
    file = tmp_path / "keys.json"
    for text in ("{", '["x"]', '{"XYZ": "secret"}', '{"FSD": 5}'):
        file.write_text(text)
        with pytest.raises(SetupTrouble) as trouble:
            read_keys(file)
        assert "secret" not in str(trouble.value)
    file.write_text(json.dumps({"FSD": "k"}))
    assert read_keys(file) == {"FSD": "k"}
    for wrong in ("http://broker", "mqtt://", "mqtt://me:secret@broker:x"):
        with pytest.raises(SetupTrouble, match="--returns-mqtt") as trouble:
            Broker(wrong)
        assert "secret" not in str(trouble.value)
