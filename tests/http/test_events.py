"""Events: what is pushed to each audience is what it may see, complete and in order, whatever breaks in between."""

from __future__ import annotations

import asyncio
import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import psycopg
import pytest
from jsonschema import Draft202012Validator
from replicas import Life, Replica, audiences, features, incident
from servers import Server
from starlette.requests import Request
from streams import Stream, number

from cop.catalogue import catalogue
from cop.query.delta import Place, marks
from cop.query.parse_changes import read_stream
from cop.visible import VisibleSet
from cop_server.cluster import Cluster
from cop_server.events.channel import Pace, Subscriber
from cop_server.events.encode import data_of
from cop_server.events.hub import Hub
from cop_server.identity.credentials import recognise
from cop_server.identity.keys import forget_keys
from cop_server.routes.events import EventStream
from cop_server.routes.road import Ask

ITEMS = "/collections/incidents/items"


@pytest.fixture
def owner(store: Cluster) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(store.owner_dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
def url(store: Cluster, start_server: Callable[..., str]) -> str:
    return start_server(store.app_dsn, COP_EVENTS_HEARTBEAT_S="0.5")


@pytest.fixture
def http(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, timeout=60) as client:
        yield client


@pytest.fixture
def listen(url: str) -> Iterator[Callable[..., Stream]]:
    opened: list[Stream] = []

    def start(**more: Any) -> Stream:
        opened.append(Stream(url, **more))
        return opened[-1]

    yield start
    for one in opened:
        one.close()


def sequence(url: str, collection: str) -> int:
    return int(httpx.get(f"{url}/collections/{collection}/items?limit=1").headers["COP-Sequence"])


def in_order(stream: Stream) -> None:
    numbers = [number(id_) for id_ in stream.ids]
    assert numbers == sorted(numbers)
    assert len(set(stream.ids)) == len(stream.ids), "no id comes twice"
    keys = [(event["subject"], event["sequence"]) for event in stream.events]
    assert len(set(keys)) == len(keys), "none doubled"


def test_a_change_comes_at_once_as_a_cloud_event(url: str, listen: Callable[..., Stream], owner: Any) -> None:
    stream = listen(collections="incidents")
    assert stream.headers["content-type"].startswith("text/event-stream")
    assert stream.headers["cache-control"] == "no-store"
    assert stream.headers["x-accel-buffering"] == "no"
    assert stream.last == "0"
    began = time.time()
    incident(owner, "I-1")
    stream.until(lambda s: len(s.events) == 1)
    event = stream.events[0]
    assert event["came"] - began < 5, "pushed, not asked for; how fast it is, bench/events.py says"
    assert stream.ids == ["1:I-1"]
    assert event["specversion"] == "1.0"
    assert event["type"] == "org.ogc.api.collection.item.update"
    assert event["source"] == f"{url}/collections/incidents"
    assert (event["subject"], event["collection"], event["sequence"]) == ("I-1", "incidents", "1")
    assert event["datacontenttype"] == "application/geo+json"
    assert event["time"].endswith("Z")
    assert event["bbox"] == "114.1,22.3,114.1,22.3"
    item = httpx.get(f"{url}{ITEMS}/I-1").json()
    assert event["data"] == {name: value for name, value in item.items() if name != "links"} | {"seq": 1}
    owner.execute("UPDATE layer.incidents SET geom = ST_SetSRID(ST_Point(114.3, 22.4), 4326)")
    owner.execute("DELETE FROM layer.incidents")
    stream.until(lambda s: s.told[-1:] == [("I-1", True)])
    gone = stream.events[-1]
    assert gone["type"] == "org.ogc.api.collection.item.delete"
    assert gone["data"] == {"type": "Feature", "id": "I-1", "geometry": None, "properties": None, "seq": 3,
                            "deleted": True}  # fmt: skip
    in_order(stream)


def test_every_audience_is_told_what_it_sees_and_nothing_else(
    http: httpx.Client, listen: Callable[..., Stream], owner: Any, store: Cluster
) -> None:
    known = audiences(store)
    streams = {name: listen(headers=headers, collections="incidents,place_names") for name, headers in known.items()}
    boxed = {name: listen(headers=headers, collections="incidents", bbox="114.0,22.2,114.1,22.4",
                          filter="category = 'flood'") for name, headers in known.items()}  # fmt: skip
    other = listen(headers=known["emsc"], mode="actual", collections="incidents")
    Life(owner, seed=11).go_on(60)
    for of, query in ((streams, {}), (boxed, {"bbox": "114.0,22.2,114.1,22.4", "filter": "category = 'flood'"})):
        for name, headers in known.items():
            original = features(http, ITEMS, headers, **query)
            of[name].until(lambda s, o=original: kept(s)["incidents"] == o)  # type: ignore[misc]
            in_order(of[name])
    original = features(http, ITEMS, known["emsc"], mode="actual")
    other.until(lambda s: kept(s)["incidents"] == original)
    places = features(http, "/collections/place_names/items", {})
    streams["public"].until(lambda s: kept(s)["place_names"] == places)
    seen = {event["subject"] for event in streams["public"].events if event["collection"] == "incidents"}
    public_once = {
        feature
        for (feature,) in owner.execute(
            "SELECT id FROM history.incidents WHERE cls = 'exercise:public' UNION"
            " SELECT feature FROM cop.journal WHERE cls_before = 'exercise:public'"
        )
    }
    assert seen <= public_once


def kept(stream: Stream) -> dict[str, dict[str, Any]]:
    """The replica of each collection that a stream makes."""
    replicas = {"incidents": Replica(), "place_names": Replica()}
    for event in list(stream.events):
        feature = {name: value for name, value in event["data"].items() if name != "links"}
        replicas[event["collection"]].take(feature)
    return {name: replica.kept for name, replica in replicas.items()}


def test_the_last_id_resumes_without_gap_or_double(url: str, listen: Callable[..., Stream], owner: Any) -> None:
    """Cut at every place of a history with loads, where many records have one number."""
    Life(owner, seed=21).go_on(40)
    whole = listen(collections="incidents,place_names", since="0")
    last = max(sequence(url, name) for name in ("incidents", "place_names"))
    whole.until(lambda s: s.last == str(last))
    in_order(whole)
    numbers = [number(id_) for id_ in whole.ids]
    assert len(set(numbers)) < len(numbers), "loads have given many one number"
    for cut in range(0, len(whole.ids), max(1, len(whole.ids) // 9)):
        rest = listen(last=whole.ids[cut], collections="incidents,place_names", since="0")
        wanted = whole.ids[cut + 1 :]
        rest.until(lambda s, w=wanted: set(w) <= set(s.ids))  # type: ignore[misc]
        extra = [event for id_, event in zip(rest.ids, rest.events, strict=True) if id_ not in set(wanted)]
        assert all(event["type"].endswith("delete") for event in extra), "only what left may be told again"
        in_order(rest)
        rest.close()


def test_a_restart_loses_nothing(store: Cluster, owner: Any, var: Any) -> None:
    """The server is stopped and started again while records are written; the client only repeats its last id."""
    written: list[str] = []
    stop = threading.Event()

    def write() -> None:
        with psycopg.connect(store.owner_dsn, autocommit=True) as connection:
            while not stop.is_set():
                written.append(incident(connection, f"W-{len(written)}"))
                time.sleep(0.02)

    seen: list[str] = []
    last = "0"
    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(3):
            server = Server(store.app_dsn, var)
            server.wait("/ready")
            stream = Stream(server.url, last=last, collections="incidents")
            stream.until(lambda s: len(s.events) > 10)
            began = time.monotonic()
            server.stop()
            assert time.monotonic() - began < 5, "a server that stops does not wait for its streams"
            assert server.process.returncode in (0, -15)
            assert stream.ended.wait(5)
            assert stream.markers == ["closed"]
            in_order(stream)
            seen += [event["subject"] for event in stream.events]
            last = str(stream.last)
            assert "Traceback" not in server.log.read_text()
    finally:
        stop.set()
        writer.join()
    server = Server(store.app_dsn, var)
    server.wait("/ready")
    stream = Stream(server.url, last=last, collections="incidents")
    stream.until(lambda s: len(seen) + len(s.events) >= len(written))
    seen += [event["subject"] for event in stream.events]
    stream.close()
    server.stop()
    assert seen == written, "each once, in the order of the commits"


def test_a_listener_that_is_killed_comes_back_and_misses_nothing(
    url: str, listen: Callable[..., Stream], owner: Any, store: Cluster, cluster: Cluster
) -> None:
    stream = listen(collections="incidents")
    incident(owner, "before")
    stream.until(lambda s: s.told == [("before", False)])
    with psycopg.connect(cluster.admin_dsn, autocommit=True) as admin:
        for round_ in range(3):
            owner.execute("BEGIN")
            incident(owner, f"between-{round_}")
            killed = admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'cop-listener'"
                " AND datname = %s", [owner.info.dbname]).fetchall()  # fmt: skip
            assert killed == [(True,)], "one listener a process"
            owner.execute("COMMIT")
            incident(owner, f"after-{round_}")
            stream.until(lambda s, r=round_: s.markers.count("resumed") == r + 1)  # type: ignore[misc]
            stream.until(lambda s, r=round_: (f"after-{r}", False) in s.told)  # type: ignore[misc]
    assert stream.markers == ["interrupted", "resumed"] * 3
    assert [name for name, _ in stream.told] == [
        "before",
        *(f"{w}-{r}" for r in range(3) for w in ("between", "after")),
    ]
    in_order(stream)


def test_a_store_that_was_away_is_read_again(
    listen: Callable[..., Stream], owner: Any, store: Cluster, cluster: Cluster
) -> None:
    """Every connection of the server is cut at once, again and again, while records are written."""
    stream = listen(collections="incidents")
    with psycopg.connect(cluster.admin_dsn, autocommit=True) as admin:
        for number_ in range(30):
            incident(owner, f"I-{number_}")
            if number_ % 5 == 0:
                admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'cop_app'"
                              " AND datname = %s", [owner.info.dbname])  # fmt: skip
    stream.until(lambda s: len(s.events) >= 30, 30)
    assert [name for name, _ in stream.told] == [f"I-{number_}" for number_ in range(30)]


def test_a_client_that_does_not_read_is_dropped_and_goes_on_later(
    store: Cluster, owner: Any, start_server: Callable[..., str]
) -> None:
    url = start_server(store.app_dsn, COP_EVENTS_QUEUE_KB="200")
    host, port = httpx.URL(url).host, httpx.URL(url).port
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.connect((host, port))
    slow.sendall(b"GET /events?collections=place_names HTTP/1.1\r\nHost: x\r\n\r\n")
    slow.settimeout(60)
    received = b""
    while b"\nid: " not in received:  # from here on it is told what happens
        received += slow.recv(100)
    quick = Stream(url, collections="place_names")
    for round_ in range(40):
        owner.execute("INSERT INTO layer.place_names (id, name_en) SELECT %s || '-' || g, repeat('x', 4000)"
                      " FROM generate_series(1, 50) AS g", [str(round_)])  # fmt: skip
    quick.until(lambda s: len(s.events) == 2000)
    assert quick.markers == [], "the others are not troubled"
    while b"cop.stream.dropped" not in received:
        part = slow.recv(1_000_000)
        assert part, "it is told why the stream ends"
        received += part
    assert b"\r\n0\r\n\r\n" in received + slow.recv(1000), "and it ends"
    slow.close()
    ids = [line[4:].decode() for line in received.split(b"\n") if line.startswith(b"id: ") and line[4:].strip()]
    got = received.count(b'"specversion":"1.0","id":"place_names/')
    assert got < 2000
    rest = Stream(url, last=ids[-1], collections="place_names")
    rest.until(lambda s: len(s.events) == 2000 - got)
    rest.close()
    quick.close()


def test_silence_is_filled_and_moves_the_place(listen: Callable[..., Stream], owner: Any) -> None:
    stream = listen(collections="incidents", filter="category = 'landslide'")
    stream.until(lambda s: len(s.comments) >= 2)
    incident(owner, "flood")
    stream.until(lambda s: s.last == "1")
    assert stream.events == [], "not in the filter; the place has moved all the same"


def test_bad_questions_are_refused_by_name(listen: Callable[..., Stream], url: str, owner: Any) -> None:
    incident(owner, "1")
    cases: list[tuple[dict[str, str], int, str, str]] = [
        ({"last": "nonsense"}, 400, "Last-Event-ID", "nonsense"),
        ({"last": "1:"}, 400, "Last-Event-ID", "1:"),
        ({"last": "99"}, 400, "Last-Event-ID", "ahead"),
        ({"since": "99"}, 400, "since", "ahead"),
        ({"since": "-1"}, 400, "since", "-1"),
        ({"filter": "nonsense = 1", "collections": "incidents"}, 400, "filter", "'nonsense'"),
        ({"filter": "major = true"}, 400, "filter", "'major'"),
        ({"filter": "major =", "collections": "incidents"}, 400, "filter", ""),
        ({"bbox": "1,2"}, 400, "bbox", "bbox"),
        ({"collections": "incidents,nothing"}, 404, "collections", "nothing"),
        ({"collections": ","}, 400, "collections", ""),
        ({"limit": "1"}, 400, "limit", "limit"),
        ({"mode": "real"}, 400, "mode", "real"),
    ]
    for query, status, parameter, word in cases:
        stream = listen(**query)
        assert (stream.status, stream.problem["parameter"]) == (status, parameter), query
        assert word in stream.problem["detail"]
    assert listen(headers={"X-API-Key": "cop_wrong"}).status == 401
    assert httpx.get(f"{url}/events", headers={"Accept": "application/json"}).status_code == 406
    assert httpx.head(f"{url}/events").headers["content-type"].startswith("text/event-stream")
    for title in ("a", "b"):
        owner.execute("UPDATE layer.incidents SET title_en = %s", [title])
    owner.execute("SELECT cop.prune('incidents', 3)")
    gone = listen(last="2", collections="incidents")
    assert (gone.status, gone.problem["example"]) == (410, "3")
    assert listen(last="2", collections="warnings").status == 200, "of another layer all is kept"


def test_a_position_that_is_not_released_is_told_nowhere(
    listen: Callable[..., Stream], owner: Any, store: Cluster
) -> None:
    """The attribute bbox is of the position that the reader may see, before and after."""
    incident(owner, "I-0")  # behind the beginning: who has nothing is told of nothing that came and went
    public, emsc = listen(), listen(headers=audiences(store)["emsc"])
    incident(owner, "I-1", released=False, lon=114.2345)
    for stream in (public, emsc):
        stream.until(lambda s: s.told == [("I-1", False)])
    owner.execute("UPDATE layer.incidents SET geom = ST_SetSRID(ST_Point(114.2456, 22.3), 4326) WHERE id = 'I-1'")
    owner.execute("DELETE FROM layer.incidents WHERE id = 'I-1'")
    for stream in (public, emsc):
        stream.until(lambda s: s.told[-1:] == [("I-1", True)])
    assert "114.2345" in str(emsc.events)
    assert "114.2345" not in str(public.events)
    assert "114.2456" not in str(public.events)
    assert {event["bbox"] for event in public.events} == {"114.195,22.245,114.195,22.245"}


def test_credentials_that_end_end_the_stream(listen: Callable[..., Stream], owner: Any, store: Cluster) -> None:
    viewer = listen(headers=audiences(store)["viewer"], collections="incidents")
    incident(owner, "internal", release="departments")
    viewer.until(lambda s: s.told == [("internal", False)])
    owner.execute("UPDATE cop.api_key SET revoked_at = now()")
    assert viewer.ended.wait(20)
    assert viewer.markers == ["ended"]


def test_credentials_that_end_end_a_stream_that_catches_up(
    owner: Any, store: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader may take its time over a long past; its key is asked about between the portions."""
    owner.execute(
        "INSERT INTO layer.incidents (id, category, title_en, department, status, major, message_status, release,"
        " reported_at, source, source_ref) SELECT 'C-' || g, 'flood', 'Flooding', 'DSD', 'reported', false,"
        " 'exercise', 'departments', now(), 'test', g::text FROM generate_series(1, 1000) AS g"
    )
    key = audiences(store)["viewer"]["X-API-Key"]
    headers = {"x-api-key": key}
    scope = {"type": "http", "method": "GET", "path": "/events", "query_string": b"",
             "headers": [(b"x-api-key", key.encode())]}  # fmt: skip
    holder = recognise(headers)
    visible = holder.visible("exercise")
    questions = read_stream(catalogue(), visible, {"collections": "incidents"})
    last = max(marks(visible).values())
    monkeypatch.setattr("cop_server.routes.events._KNOWN_SECONDS", 0.0)
    sent: list[bytes] = []

    async def send(message: Any) -> None:
        sent.append(message.get("body", b""))
        if b"data: {" in sent[-1] and not any(b"C-1" in body for body in sent[:-1]):
            owner.execute("UPDATE cop.api_key SET revoked_at = now()")
            forget_keys()

    async def stays() -> Any:
        await asyncio.Event().wait()

    async def read() -> None:
        hub = Hub("http://cop", store.app_dsn)
        ask = Ask(Request(scope), {}, "json", "en", visible, holder)
        await EventStream(hub, ask, questions, Place(0), Place(last))(scope, stays, send)
        await hub.close()

    asyncio.run(asyncio.wait_for(read(), 30))
    told = b"".join(sent)
    assert told.count(b"cop.stream.ended") == 1
    assert 0 < told.count(b"\nid: ") <= 400


def test_what_is_sent_is_what_the_document_says(
    http: httpx.Client, url: str, listen: Callable[..., Stream], owner: Any
) -> None:
    """Every event against the message of its collection in the AsyncAPI document that is served."""
    answer = http.get("/asyncapi")
    assert answer.headers["content-type"] == "application/vnd.aai.asyncapi+json;version=3.0.0"
    document = answer.json()
    assert document["servers"]["cop"]["host"] == url.removeprefix("http://")
    assert set(document["channels"]["events"]["messages"]) == {
        *(layer.id for layer in catalogue().feature_layers),
        "stream",
    }
    Life(owner, seed=5).go_on(40)
    owner.execute(
        "UPDATE layer.incidents SET geom = NULL, external_ids = '{TD:1}', major = true, progress_percent = 3"
        " WHERE release = 'public'"
    )
    last = max(sequence(url, name) for name in ("incidents", "place_names"))
    stream = listen(since="1")
    stream.until(lambda s: s.last == str(last))
    checked = set()
    for event in stream.events:
        told = {name: value for name, value in event.items() if name != "came"}
        message = document["components"]["messages"][event["collection"]]
        Draft202012Validator({**message["payload"], "components": document["components"]}).validate(told)
        columns = message["payload"]["allOf"][1]["properties"]["data"]["oneOf"][0]["properties"]["properties"]
        if event["type"].endswith("update"):
            assert set(event["data"]["properties"]) == set(columns["properties"]), "no more, no less"
        assert set(told) <= {*document["components"]["schemas"]["Envelope"]["properties"], "data"}
        checked.add((event["collection"], event["type"].rpartition(".")[2]))
    assert checked == set(itertools.product(("incidents", "place_names"), ("update", "delete")))
    kinds = document["components"]["messages"]["stream"]["payload"]["properties"]["type"]["enum"]
    assert kinds == [f"cop.stream.{kind}" for kind in ("interrupted", "resumed", "dropped", "ended", "closed")]


def test_one_listener_serves_all_and_nothing_is_left_behind(
    listen: Callable[..., Stream], owner: Any, store: Cluster
) -> None:
    """A number of streams is one LISTEN connection, and streams that are closed are read for no longer."""
    streams = [listen(collections="incidents") for _ in range(20)]
    incident(owner, "one")
    for stream in streams:
        stream.until(lambda s: s.told == [("one", False)])
    count = (
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'cop-listener' AND datname = current_database()"
    )
    assert owner.execute(count).fetchone() == (1,)


def test_a_channel_with_a_slow_reader_holds_up_no_other(
    store: Cluster, owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cop_server.events.channel._PACE_SECONDS", 600.0)  # the slow one is waited for throughout
    visible = VisibleSet()
    slow_of, quick_of = (read_stream(catalogue(), visible, {"collections": "incidents", **more})
                         for more in ({}, {"bbox": "-180,-90,180,90"}))  # fmt: skip

    async def read() -> tuple[int, int]:
        hub, slow, quick = Hub("http://cop", store.app_dsn), Subscriber(10), Subscriber(10_000_000)
        held = hub.open("slow", visible, slow_of, Place(0))
        held.subscribers.add(slow)
        hub.open("quick", visible, quick_of, Place(0)).subscribers.add(quick)
        await asyncio.sleep(0.5)  # everybody stands at 0
        with owner.transaction():
            for nth in range(450):
                incident(owner, f"S-{nth}")
        found = 0
        while found < 450:
            found += (await quick.next(20) or pytest.fail("held up")).count(b"\nid: ") + 1
        until = held.place.n
        await hub.close()
        return found, until

    assert asyncio.run(read()) == (450, 200)


def test_those_who_are_waited_for_at_once_are_counted_once() -> None:
    async def left() -> float:
        pace = Pace()
        before = pace.left
        await asyncio.gather(*(pace.wait() for _ in range(50)))
        return before - pace.left

    assert 0.02 <= asyncio.run(left()) < 50 * 0.02


def test_an_event_is_made_once_however_many_read_it(store: Cluster, owner: Any) -> None:
    """The same bytes, not equal ones, in every queue; and another question of the same set takes the same text."""
    visible = VisibleSet()
    all_of, boxed = (read_stream(catalogue(), visible, {"collections": "incidents", **more})
                     for more in ({}, {"bbox": "114.0,22.2,114.2,22.4"}))  # fmt: skip

    async def read() -> tuple[list[bytes | None], bytes | None, int]:
        hub, readers, other = (
            Hub("http://cop", store.app_dsn),
            [Subscriber(1_000_000) for _ in range(50)],
            Subscriber(1),
        )
        for reader in readers:
            hub.open("all", visible, all_of, Place(0)).subscribers.add(reader)
        hub.open("boxed", visible, boxed, Place(0)).subscribers.add(other)
        await asyncio.sleep(0.5)  # everybody stands at 0
        before = data_of.cache_info().misses
        incident(owner, "one")
        found = [await reader.next(20) for reader in readers], await other.next(20)
        await hub.close()
        return *found, data_of.cache_info().misses - before

    chunks, narrowed, made = asyncio.run(read())
    assert chunks[0] is not None
    assert b'"subject":"one"' in chunks[0]
    assert all(chunk is chunks[0] for chunk in chunks)
    assert narrowed == chunks[0]
    assert made == 1


def test_what_time_alone_brings_is_pushed_too_and_counted(
    store: Cluster, owner: psycopg.Connection[Any], url: str, listen: Callable[..., Stream], http: httpx.Client
) -> None:
    """Nobody writes: an estimate passes, the ticker notes it, and stream, tag and count agree."""
    from cop_server.ticker import tick

    owner.execute(
        "INSERT INTO layer.incidents (category, title_en, department, status, major, message_status, release, reported_at,"
        " source, source_ref, estimated_completion_at) VALUES ('flood', 'x', 'DSD', 'responding', false, 'exercise',"
        " 'public', now(), 'test', '1', now() + interval '1 hour')"
    )
    stream = listen(collections="incidents")
    before = http.get(f"{ITEMS}?f=json")
    with owner.transaction():  # the clock goes on by two hours
        owner.execute("SELECT set_config('cop.own_write', '1', true)")
        owner.execute("UPDATE layer.incidents SET estimated_completion_at = now() - interval '1 hour'")
    tick()
    stream.until(lambda one: bool(one.events))
    assert stream.events[0]["data"]["properties"]["overdue_since"] is not None
    assert http.get(f"{ITEMS}?f=json", headers={"If-None-Match": before.headers["etag"]}).status_code == 200
    totals = {one["name"]: one["count"] for one in http.get("/summary").json()["totals"]}
    assert totals["overdue"] == 1
    tick()
    assert len(stream.events) == 1
