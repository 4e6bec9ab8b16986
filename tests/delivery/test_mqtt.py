"""MQTT: every change on its topic, acknowledged, complete and in order when the broker comes back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from brokers import Mosquitto, Reader
from pydantic import SecretStr
from receivers import QUICK, in_order, replica_of, until
from replicas import Life, audiences, features, incident

from cop.errors import SetupTrouble
from cop.query.delta import Change
from cop.settings import Settings, get_settings
from cop.visible import VisibleSet
from cop_server.cluster import Cluster
from cop_server.delivery.mqtt import Publisher, publications, read_broker
from cop_server.delivery.outcome import Event, Outcome

ITEMS = "/collections/incidents/items"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    folder = tmp_path_factory.mktemp("broker")
    for above in (folder, *list(folder.parents)[:2]):
        above.chmod(0o755)
    one = Mosquitto(folder)
    yield one
    one.close()


@pytest.fixture(scope="module")
def url(place: Cluster, broker: Mosquitto, start_server_once: Callable[..., str]) -> str:
    made: str = start_server_once(
        place.app_dsn, **QUICK, COP_MQTT_URL=f"mqtt://127.0.0.1:{broker.port}",
        COP_MQTT_PUBLISH='["public", "exercise:departments/DSD", "actual:emsc"]',
    )  # fmt: skip
    with psycopg.connect(place.owner_dsn, autocommit=True) as owner:
        until(
            lambda: owner.execute("SELECT count(*) FROM cop.subscription WHERE holder IS NOT NULL").fetchone() == (3,)
        )
    return made


@pytest.fixture
def read(url: str, broker: Mosquitto) -> Iterator[Callable[[str], Reader]]:
    opened: list[Reader] = []

    def start(topic: str) -> Reader:
        opened.append(Reader(broker.port, f"reader-{time.monotonic_ns()}", topic))
        return opened[-1]

    yield start
    for one in opened:
        one.close()


def test_settings_of_the_broker_are_read_strictly() -> None:
    told = read_broker(Settings(mqtt_url=SecretStr("mqtts://me:p%40ss@broker.example")))
    assert told is not None
    assert (told.user, told.password, told.port, told.told) == ("me", "p@ss", 8883, "mqtts://broker.example:8883")
    for wrong in ("http://broker", "mqtt://", "mqtt://me:secret@broker:x", "mqtt://broker/path"):
        with pytest.raises(SetupTrouble, match="COP_MQTT_URL") as trouble:
            read_broker(Settings(mqtt_url=SecretStr(wrong)))
        assert "secret" not in str(trouble.value)
    made = publications(Settings(mqtt_url=SecretStr("mqtt://b"), mqtt_publish=["actual:departments/DSD"]))
    assert (made[0].visible, made[0].target) == (VisibleSet("departments", "DSD", "actual"), "mqtt://b:1883")
    for wrong in ("all", "departments", "departments/XYZ", "public/DSD", "past:public", ""):
        with pytest.raises(SetupTrouble, match="COP_MQTT_PUBLISH"):
            publications(Settings(mqtt_url=SecretStr("mqtt://b"), mqtt_publish=[wrong]))


def test_each_visible_set_has_its_topics_and_the_replica_equals_the_original(
    http: httpx.Client, place: Cluster, owner: Any, read: Callable[[str], Reader]
) -> None:
    known = audiences(place)
    public, dsd = read("cop/exercise/public/#"), read("cop/exercise/departments-DSD/incidents/+")
    everything, other = read("cop/#"), read("cop/actual/emsc/+/+")
    Life(owner, seed=21).go_on(60)
    for reader, see, query in (
        (public, {}, {}),
        (dsd, known["viewer"], {}),
        (other, known["emsc"], {"mode": "actual"}),
    ):
        original = features(http, ITEMS, see, **query)
        until(lambda r=reader, o=original: replica_of(r.events) == o)  # type: ignore[misc]
        in_order(reader.events)
    names = features(http, "/collections/place_names/items", {})
    until(lambda: replica_of(public.events, "place_names") == names)
    until(lambda: len(everything.messages) >= len(public.messages) + len(dsd.messages) + len(other.messages))
    assert {message.topic.split("/")[1:3] == ["exercise", "public"] for message in public.messages} == {True}
    # What came and went between two looks is told to nobody, so one record is taken away that DSD has.
    owner.execute("DELETE FROM layer.incidents WHERE id = %s", [next(iter(features(http, ITEMS, known["viewer"])))])
    until(lambda: {message.topic.rsplit("/", 1)[1] for message in dsd.messages} == {"STH", "none"})
    message = public.messages[0]
    assert message.properties.ContentType == "application/cloudevents+json; charset=utf-8"  # type: ignore[union-attr]
    assert message.properties.MessageExpiryInterval <= 604800  # type: ignore[union-attr]
    assert (message.qos, message.retain) == (1, False)


def test_one_district_and_none_are_enough_for_a_district(owner: Any, read: Callable[[str], Reader], url: str) -> None:
    """A feature that moves to another district is told where it was, too; what is gone is told under none."""
    sth, wts, none = (read(f"cop/exercise/public/incidents/{code}") for code in ("STH", "WTS", "none"))
    incident(owner, "M-1", district="STH")
    until(lambda: [event["subject"] for event in sth.events] == ["M-1"])
    owner.execute("UPDATE layer.incidents SET district = 'WTS' WHERE id = 'M-1'")
    until(lambda: len(wts.events) == 1 and len(sth.events) == 2)
    assert sth.events[1] == wts.events[0]
    assert sth.events[1]["data"]["properties"]["district"] == "WTS"
    owner.execute("UPDATE layer.incidents SET release = 'owner', title_en = 'restricted' WHERE id = 'M-1'")
    until(lambda: [event["type"].rsplit(".", 1)[1] for event in none.events] == ["delete"])
    time.sleep(0.5)
    assert (len(sth.events), len(wts.events)) == (2, 1), "its place is not told again"
    assert not any(b"restricted" in message.payload for one in (sth, wts, none) for message in one.messages)


def test_a_place_that_was_lost_goes_on_from_now(owner: Any, read: Callable[[str], Reader]) -> None:
    """A restore took the place back: the broker is told what comes from now on, and the log says so."""
    public = read("cop/exercise/public/incidents/+")
    about = "kind = 'mqtt' AND audience = 'public'"
    owner.execute(f"UPDATE cop.subscription SET place_n = 10000000, revision = revision + 1 WHERE {about}")
    until(lambda: owner.execute(f"SELECT place_n < 10000000 FROM cop.subscription WHERE {about}").fetchone()[0])
    incident(owner, "L-1")
    until(lambda: [event["subject"] for event in public.events] == ["L-1"])


@pytest.mark.parametrize("hard", [False, True])
def test_a_broker_that_is_down_holds_up_nothing_and_gets_all_afterwards(
    http: httpx.Client, owner: Any, broker: Mosquitto, read: Callable[[str], Reader], hard: bool
) -> None:
    public = read("cop/exercise/public/incidents/+")
    life = Life(owner, seed=31 + hard)
    life.go_on(10)
    until(lambda: len(public.events) > 0)
    failing = "SELECT max(failures) FROM cop.subscription WHERE kind = 'mqtt' AND audience = 'public'"
    for _ in range(2):
        broker.stop(hard=hard)
        life.go_on(15)
        until(lambda: owner.execute(failing).fetchone()[0] >= 1)
        broker.start()
        life.go_on(5)
    mine = f"R-{31 + hard}-"
    original = {id_: one for id_, one in features(http, ITEMS, {}).items() if id_.startswith(mine)}

    def kept() -> dict[str, Any]:
        return {id_: one for id_, one in replica_of(public.events).items() if id_.startswith(mine)}

    until(lambda: kept() == original)
    in_order(public.events)


def test_a_refused_message_is_not_taken_for_a_delivered_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker that forbids a topic acknowledges with a reason code; nothing counts as delivered by it."""
    for above in (tmp_path, *list(tmp_path.parents)[:3]):
        above.chmod(0o755)
    rules = tmp_path / "rules"
    rules.write_text("topic readwrite cop/test/#\n")
    broker = Mosquitto(tmp_path, more=f"acl_file {rules}")
    monkeypatch.setenv("COP_MQTT_URL", f"mqtt://127.0.0.1:{broker.port}")
    get_settings.cache_clear()
    told = publications(get_settings())[0]

    async def publish(*topics: str) -> Outcome:
        sender = Publisher()
        events = [Event("incidents", Change(n, "I-1", None), b"{}", (topic,)) for n, topic in enumerate(topics)]
        outcome = await sender.send(told, events)
        await sender.close()
        return outcome

    try:
        assert asyncio.run(publish("cop/test/a", "cop/test/b")).kind == "delivered"
        assert asyncio.run(publish("cop/test/a", "cop/other/b", "cop/test/b")).kind != "delivered"
        refused = asyncio.run(publish("cop/other/b"))
        assert (refused.kind, "Not authorized" in refused.reason, refused.answered) == ("refused", True, True)
        broker.stop()
        assert asyncio.run(publish("cop/test/a")).kind == "trouble"
    finally:
        broker.close()
        get_settings.cache_clear()


def test_what_a_broker_cannot_take_is_refused_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker ends the connection at a packet that is too large for it: tried again, it would stand there for ever."""
    for above in (tmp_path, *list(tmp_path.parents)[:3]):
        above.chmod(0o755)
    broker = Mosquitto(tmp_path, more="max_packet_size 2000")
    monkeypatch.setenv("COP_MQTT_URL", f"mqtt://127.0.0.1:{broker.port}")
    get_settings.cache_clear()
    told = publications(get_settings())[0]
    small, large = b"{}", b"x" * 1990

    async def publish(*bodies: bytes) -> list[Outcome]:
        sender = Publisher()
        events = [Event("incidents", Change(n, "I-1", None), body, ("cop/a",)) for n, body in enumerate(bodies)]
        try:
            return [await sender.send(told, events), *[await sender.send(told, [one]) for one in events]]
        finally:
            await sender.close()

    try:
        together, first, second, third = asyncio.run(publish(small, large, small))
        assert (together.kind, first.kind, second.kind, third.kind) == ("refused", "delivered", "refused", "delivered")
        assert second.answered, "tried as often as any that is refused, then a dead letter"
        assert "the broker takes at most 2000" in second.reason
    finally:
        broker.close()
        get_settings.cache_clear()
