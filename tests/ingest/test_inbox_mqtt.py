"""Returns by MQTT, from a mosquitto really started: nothing is lost, nothing is done twice, and each sender is told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import psycopg
import pytest
from brokers import Mosquitto, Reader
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from pydantic import SecretStr, ValidationError

from cop.errors import LoadRefused, StoreTrouble
from cop.settings import Settings
from cop_ingest.inbox.alone import Turn
from cop_ingest.inbox.declared import Mapping, mappings
from cop_ingest.inbox.take import Report
from cop_server.cluster import Cluster
from cop_server.delivery.mqtt import read_broker
from cop_server.inbox_listener import Listener, answer_topic

FORM = "cop/inbox/dsd_flooding"


def until(holds: Callable[[], object], told: Callable[[], object] = lambda: "") -> None:
    """Wait until something holds, looking seldom; processes are slow where others use the machine."""
    deadline = time.monotonic() + 240
    while not holds():
        assert time.monotonic() < deadline, told()
        time.sleep(0.1)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    folder = tmp_path_factory.mktemp("broker")
    for above in (folder, *list(folder.parents)[:2]):
        above.chmod(0o755)
    one = Mosquitto(folder)
    yield one
    one.close()


@pytest.fixture(autouse=True)
def _nothing_waits(broker: Mosquitto) -> None:
    """Each test begins with a broker that keeps nothing for us."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="cop-cop-inbox-exercise", protocol=mqtt.MQTTv5)
    gone = threading.Event()
    client.on_connect = lambda client, *_: client.disconnect()
    client.on_disconnect = lambda *_: gone.set()
    client.connect("127.0.0.1", broker.port, clean_start=True)
    client.loop_start()
    assert gone.wait(10)
    client.loop_stop()


@pytest.fixture
def replies(broker: Mosquitto, request: pytest.FixtureRequest) -> Iterator[Reader]:
    reader = Reader(broker.port, f"replies-{request.node.name[:40]}-{os.getpid()}", "cop/inbox/+/report")
    yield reader
    reader.close()


@pytest.fixture
def listen(store: Cluster, broker: Mosquitto, tmp_path: Path) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Start `cop inbox listen` for the test's store."""
    started: list[subprocess.Popen[bytes]] = []
    environment = {**os.environ, "COP_MQTT_URL": f"mqtt://127.0.0.1:{broker.port}", "COP_INBOX": str(tmp_path)}
    log = (tmp_path / "listener.log").open("ab")

    def start() -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "cop_server", "inbox", "listen"]
        started.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
        return started[-1]

    yield start
    for process in started:
        process.terminate()
    for process in started:
        assert process.wait(20) in (0, -9), (tmp_path / "listener.log").read_text()
    log.close()


def row(key: str, **cells: object) -> dict[str, object]:
    return {"Case No.": key, "Reported": "24/9/2025 02:10", "Updated": "24/9/2025 03:00", "District": "Kwun Tong",
            "Location": "Cha Kwo Ling Road", "地點": "茶果嶺道", "Easting": "842500", "Northing": "818500",
            "Depth": "0.3 to 0.6 m", "Road closed": "Y", "Status": "Attending", "Progress %": "20",
            "Estimated completion": "24/9/2025 09:00", "Remarks": "Pumps on the way", **cells}  # fmt: skip


def publish(
    broker: Mosquitto, topic: str, payload: bytes, *, content: str = "", to: str = "", number: bytes = b""
) -> None:
    """Publish as a department would, and wait until the broker has it."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    if content:
        properties.ContentType = content
    if to:
        properties.ResponseTopic = to
    if number:
        properties.CorrelationData = number
    client.publish(topic, payload, qos=1, properties=properties).wait_for_publish(10)
    client.disconnect()
    client.loop_stop()


def rows(*some: dict[str, object]) -> bytes:
    return json.dumps(some, ensure_ascii=False).encode()


def count(store: Cluster, table: str = "incidents") -> int:
    with psycopg.connect(store.owner_dsn) as connection:
        query = psycopg.sql.SQL("SELECT count(*) FROM {}").format(psycopg.sql.Identifier("layer", table))
        return int((connection.execute(query).fetchone() or [0])[0])


def test_rows_of_a_message_become_records_and_the_sender_gets_the_report(
    store: Cluster, broker: Mosquitto, replies: Reader, listen: Callable[[], Any], tmp_path: Path
) -> None:
    listen()
    mine = Reader(broker.port, f"sender-{os.getpid()}", f"{FORM}/replies/+")
    until(lambda: "listening to" in (tmp_path / "listener.log").read_text())
    body = rows(*(row(f"F-{number:03}") for number in range(200)))
    publish(broker, FORM, body, to=f"{FORM}/replies/one", number=b"\x00\x2a")
    until(lambda: mine.messages)
    [report] = mine.events
    assert (report["inbox"], report["rows"], report["created"]) == ("dsd_flooding", 200, 200)
    assert mine.messages[0].properties.CorrelationData == b"\x00\x2a"
    assert mine.messages[0].topic == f"{FORM}/replies/one"
    mine.close()
    assert count(store) == 200
    assert replies.messages == []
    table = ("\ufeff" + ",".join(row("F")) + "\r\n" + ",".join(map(str, row("F-007").values()))).encode()
    publish(broker, FORM, table)  # no content type: what is no JSON is a table
    feature = {"type": "Feature", "properties": row("F-900"),
               "geometry": {"type": "Point", "coordinates": [114.2373, 22.3052]}}  # fmt: skip
    publish(broker, FORM, json.dumps(feature).encode(), content="application/geo+json; charset=utf-8")
    until(lambda: len(replies.messages) == 2)
    assert [{name: report.get(name) for name in ("unchanged", "created")} for report in replies.events] == [
        {"unchanged": 1, "created": None}, {"unchanged": None, "created": 1}]  # fmt: skip
    kept = tmp_path / "dsd_flooding" / "taken"
    assert sorted(path.suffix for path in kept.iterdir()) == [".csv", ".json", ".json", ".json", ".json", ".json"]


def test_what_cannot_be_taken_is_kept_with_its_reason_and_stops_nothing(
    store: Cluster, broker: Mosquitto, replies: Reader, listen: Callable[[], Any], tmp_path: Path
) -> None:
    listen()
    elsewhere = Reader(broker.port, f"elsewhere-{os.getpid()}", "cop/exercise/#")
    until(lambda: "listening to" in (tmp_path / "listener.log").read_text())
    publish(broker, FORM, b'{"Case No.": ', to="cop/exercise/public/incidents/KT")
    publish(broker, FORM, b"\xff\xd8\xff\xe0 no return", content="text/csv")
    publish(broker, FORM, b"PK\x03\x04 no workbook")
    publish(broker, "cop/inbox/atlantis", rows(row("F-1")))
    publish(broker, FORM, rows(row("F-1"), row("F-2", Status="Whatever")))
    until(lambda: len(replies.messages) == 5)
    assert elsewhere.messages == []  # nobody makes us speak where only we may
    elsewhere.close()
    *refused, taken = replies.events
    for report, says in zip(refused, ("not JSON", "message.csv", "no workbook", "no form 'atlantis'"), strict=True):
        assert says in report["refused"]
    assert (taken["created"], taken["refused"]) == (1, 1)
    assert taken["lines"][1]["faults"][0]["pointer"] == "Status"
    kept = {path.name.partition("-")[2]: path for path in (tmp_path / "dsd_flooding" / "refused").iterdir()}
    assert set(kept) == {
        f"message.{ending}{more}" for ending in ("json", "csv", "xlsx") for more in ("", ".report.json")
    }
    assert kept["message.json"].read_bytes() == b'{"Case No.": '
    assert len(list((tmp_path / "refused").iterdir())) == 2
    assert count(store) == 1


def test_a_killed_listener_and_a_restarted_broker_lose_nothing_and_do_nothing_twice(
    store: Cluster, broker: Mosquitto, replies: Reader, listen: Callable[[], Any], tmp_path: Path
) -> None:
    first = listen()
    until(lambda: "listening to" in (tmp_path / "listener.log").read_text())
    first.kill()
    first.wait(10)
    for number in range(5):  # nobody listens: the broker keeps them
        publish(broker, FORM, rows(*(row(f"F-{number}-{place}") for place in range(20))))
    second = listen()
    until(lambda: count(store) >= 25)
    second.kill()  # in the middle of a message
    second.wait(10)
    broker.stop()
    third = listen()  # the broker is away
    until(lambda: "does not answer" in (tmp_path / "listener.log").read_text())
    broker.start()
    until(lambda: count(store) == 100, (tmp_path / "listener.log").read_text)
    publish(broker, FORM, rows(row("F-last")))
    until(lambda: any(line["key"] == "F-last" for report in replies.events for line in report["lines"]))
    broker.stop()  # and away again while it listens
    broker.start()
    publish(broker, FORM, rows(row("F-after")))
    until(lambda: count(store) == 102)
    assert count(store, "progress-updates") == 102
    assert third.poll() is None
    reported: dict[str, int] = {}
    for report in replies.events:
        for line in report["lines"]:
            reported[line["key"]] = reported.get(line["key"], 0) + 1
    assert len(reported) >= 101  # every row is in a report that was sent


def test_one_listens_and_another_takes_over(
    store: Cluster, broker: Mosquitto, listen: Callable[[], Any], tmp_path: Path
) -> None:
    turn = Turn(store.owner_dsn, "cop/inbox")
    assert turn.is_ours()
    listen()
    until(lambda: "forms, by" in (tmp_path / "listener.log").read_text())
    assert turn.is_ours()
    assert not Turn(store.owner_dsn, "cop/inbox").is_ours()
    with psycopg.connect(store.owner_dsn, autocommit=True) as connection:  # the store ends our connection
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_database AS d ON d.oid = database "
                           "WHERE locktype = 'advisory' AND d.datname = current_database()")  # fmt: skip
    assert not turn.is_ours()
    until(lambda: "listening to" in (tmp_path / "listener.log").read_text())
    publish(broker, FORM, rows(row("F-1")))
    until(lambda: count(store) == 1)


def test_a_message_waits_while_the_store_is_away_and_those_behind_it_keep_their_order(
    broker: Mosquitto, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    seen: list[bytes] = []
    said: list[str] = []

    def take(form: Mapping, body: bytes, name: str, at: datetime) -> Report:
        seen.append(body)
        if len(seen) == 1:
            raise StoreTrouble
        if body == b"[3]":
            raise LoadRefused("no such return")
        return Report(form.id, name, "exercise", dry_run=False)

    settings = Settings(mqtt_url=SecretStr(f"mqtt://127.0.0.1:{broker.port}"), inbox=tmp_path)
    known = read_broker(settings)
    assert known is not None
    ends = threading.Event()
    reader = Reader(broker.port, f"order-{os.getpid()}", "cop/inbox/+/report")
    listener = Listener(settings, known, mappings(), take, ends)
    thread = threading.Thread(target=listener.run, args=(lambda: True,))
    thread.start()
    try:
        until(lambda: said.append("".join(capfd.readouterr())) or "listening to" in "".join(said))
        for body in (b"[1]", b"[2]", b"[3]", b"[4]"):
            publish(broker, FORM, body)
        until(lambda: len(reader.messages) == 4)
    finally:
        ends.set()
        thread.join(20)
        reader.close()
    assert seen == [b"[1]", b"[1]", b"[2]", b"[3]", b"[4]"]  # the same one again, and no other meanwhile


def test_the_example_broker_lets_each_department_write_its_own_forms_only(tmp_path: Path) -> None:
    for above in (tmp_path, *list(tmp_path.parents)[:2]):
        above.chmod(0o755)
    acl, passwords = tmp_path / "acl", tmp_path / "passwords"
    acl.write_text((Path(__file__).parents[2] / "deploy" / "mosquitto" / "acl").read_text())
    passwords.write_text("dsd:word\ncop:word\nprobe:word\n")
    subprocess.run(["mosquitto_passwd", "-U", str(passwords)], check=True, capture_output=True)
    for file in (acl, passwords):
        file.chmod(0o644)
    closed = Mosquitto(tmp_path, anonymous=True, more=f"acl_file {acl}\npassword_file {passwords}")
    try:
        reader = Reader(closed.port, "cop", "cop/inbox/+", username="cop", password="word")
        client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        client.username_pw_set("dsd", "word")
        refused: dict[int, bool] = {}
        client.on_publish = lambda _, __, mid, reason, ___: refused.update({mid: reason.is_failure})
        client.connect("127.0.0.1", closed.port)
        client.loop_start()
        for topic, may in ((FORM, True), ("cop/inbox/works_hyd", False), ("cop/exercise/public/x", False)):
            sent = client.publish(topic, b"[]", qos=1)
            until(lambda sent=sent: sent.mid in refused)
            assert refused[sent.mid] is not may, topic
        until(lambda: reader.messages)
        assert [message.topic for message in reader.messages] == [FORM]
        client.disconnect()
        client.loop_stop()
        reader.close()
    finally:
        closed.close()


def test_reports_go_beneath_the_form_only() -> None:
    own = f"{FORM}/"
    assert answer_topic(own, f"{FORM}/replies/7") == f"{FORM}/replies/7"
    for wanted in (None, "", "cop/inbox/works_hyd/report", "cop/exercise/public/x", f"{FORM}/+", f"{FORM}/#"):
        assert answer_topic(own, wanted) == f"{FORM}/report"


def test_settings_of_the_inbox_are_read_strictly() -> None:
    with pytest.raises(ValidationError, match="COP_MQTT_URL"):
        Settings(inbox_mqtt=True)
    for wrong in ("cop/#", "+/inbox", "cop/inbox/", "/", "$SYS/x", "a b"):
        with pytest.raises(ValidationError, match="inbox_topic"):
            Settings(inbox_topic=wrong)
