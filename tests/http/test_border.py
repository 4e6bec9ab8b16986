"""The border as `cop serve` has it: a log without anybody in it, metrics of all processes, connections that are bounded."""

from __future__ import annotations

import json
import os
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest
import shapely
from receivers import until
from servers import ROOT, SERVE
from streams import Stream  # type: ignore[import-not-found]

from cop.catalogue import catalogue
from cop_ingest.load import Origin, load_observations, manifest_of
from cop_ingest.records import Parsed, Record
from cop_server.cluster import Cluster, create_database, drop_database
from cop_server.identity.keys import create

ITEMS = "/collections/incidents/items"
NAME = "Chan Tai Man"
SECRET = "Flat 7, 12 Example Street"
PLACE = "114.173511"


@dataclass(frozen=True)
class Served:
    """A server over a database of its own, with its log and a key of a reporter."""

    url: str
    log: Path
    key: str
    database: Cluster

    @property
    def lines(self) -> list[dict[str, object]]:
        whole = self.log.read_text().rpartition("\n")[0]
        return [json.loads(line) for line in whole.splitlines() if line.startswith("{")]

    def lines_of(self, request: str) -> list[dict[str, object]]:
        """The lines of a request; that of its end comes when the client has the answer already."""
        until(lambda: any(line.get("request") == request and line["logger"] == "cop.access" for line in self.lines))
        return [line for line in self.lines if line.get("request") == request]


@pytest.fixture(scope="module")
def served(
    cluster: Cluster, template: str, var: Path, tmp_path_factory: pytest.TempPathFactory,
    start_server_once: Callable[..., str],
) -> Iterator[Served]:  # fmt: skip
    name = f"t_border_{os.getpid()}"
    made = create_database(cluster, name, template)
    key = create(made.owner_dsn, NAME, "reporter", "DSD", None)[1]
    with psycopg.connect(made.owner_dsn, autocommit=True) as owner:
        owner.execute(
            "INSERT INTO layer.feeds (id, title_en, department, state, age_s, last_attempt_at, seen, refused, source,"
            " source_ref, message_status, release) VALUES ('hko_wind_10min.exercise', 'Wind', 'HKO', 'late', 1620, now(), 30,"
            " 1, 'test', 'hko_wind_10min', 'exercise', 'public')"
        )
        owner.execute(
            "INSERT INTO cop.turn (feed, mode, holder, token, started_at, finished_at, outcome, seen, inserted, refused)"
            " SELECT 'hko_wind_10min', 'exercise', 'test', 1, now() - interval '3 seconds', now(), outcome, 2, inserted, 1"
            " FROM (VALUES ('loaded', 1), ('loaded', 1), ('failed', 0)) AS v (outcome, inserted)"
        )
        values = {"station_en": "Cheung Chau", "observed_at": datetime(2025, 9, 23, tzinfo=UTC), "mean_kmh": 40.0}
        parsed = Parsed([Record("Cheung Chau", values, shapely.to_wkb(shapely.Point(114.03, 22.2)))])
        origin = Origin("a test", manifest_of(b"wind"), "exercise")
        load_observations(owner, catalogue().layers["wind_10min"], parsed, origin, datetime.now(UTC))
    state = tmp_path_factory.mktemp("served")
    url = start_server_once(
        made.app_dsn, app=SERVE, COP_VAR=str(state), COP_WORKERS="2", COP_LOG="json", COP_HEADER_KB="32",
        COP_HALF_OPEN="40", COP_HEADER_S="2", COP_STALLED_S="1", COP_EVENTS_HEARTBEAT_S="1",
        COP_TRUSTED_PROXIES='["127.0.0.9/32"]',
    )  # fmt: skip
    yield Served(url, var / f"server-{urlsplit(url).port}.log", key, made)
    drop_database(cluster, name)


@pytest.fixture
def http(served: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served.url, timeout=30) as client:
        yield client


def connected(url: str) -> socket.socket:
    made = socket.create_connection(("127.0.0.1", urlsplit(url).port or 0), timeout=20)
    made.settimeout(20)
    return made


def rest(connection: socket.socket) -> bytes:
    """What comes until the other side ends the connection."""
    read = b""
    try:
        while part := connection.recv(65536):
            read += part
    except ConnectionResetError:
        pass
    return read


def test_a_day_in_the_log_tells_of_everything_and_of_nobody(served: Served, http: httpx.Client) -> None:
    key = {"Authorization": f"Bearer {served.key}"}
    point = {"type": "Point", "coordinates": [float(PLACE), 22.3011]}
    feature = {"type": "Feature", "geometry": point, "properties": {
        "category": "flood", "title_en": f"Flooding at {SECRET}", "location_en": SECRET}}  # fmt: skip
    made = http.post(ITEMS, json=feature, headers=key | {"Content-Type": "application/geo+json"})
    assert made.status_code == 201, made.text
    where = made.headers["location"].removeprefix(served.url)
    assert http.get(where, headers=key).status_code == 200
    # Again with a number that the store refuses, a place in the query, a name in a filter, a key that is none.
    http.get(f"{ITEMS}?bbox={PLACE},22.3,115,23&filter=title_en='{NAME}'", headers=key)
    http.get(f"{ITEMS}?filter=S_INTERSECTS(geometry,POLYGON(({PLACE} 22)))", headers=key)
    # Pages are another program's, which tells its log what it could not read.
    for bad in (f"title_en='{NAME}", f"title_en=={NAME}", f"nothing='{NAME}'"):
        http.get(ITEMS, params={"f": "html", "filter": bad}, headers=key)
    http.get(f"{ITEMS}/{NAME}", headers={"X-API-Key": "cop_no-key-of-ours"})
    http.get("/nothing/here", headers={"X-Forwarded-For": "203.0.113.99"})
    http.post("/session", json={"role": NAME})
    broken = {
        "type": "Feature",
        "geometry": None,
        "properties": {"category": "flood", "title_en": NAME, "dead": 99999999999},
    }
    last = http.post(ITEMS, json=broken, headers=key | {"Content-Type": "application/geo+json"})
    assert served.lines_of(last.headers["x-request-id"])
    text = json.dumps(served.lines)
    for private in (
        NAME,
        "Chan",
        SECRET,
        "Example Street",
        PLACE,
        "cop_no-key",
        served.key,
        "203.0.113.99",
        "127.0.0.1",
    ):
        assert private not in text, private
    lines = [line for line in served.lines if line["logger"] == "cop.access"]
    created = next(line for line in lines if line["request"] == made.headers["x-request-id"])
    assert created.items() >= {"method": "POST", "route": "/collections/{collection}/items", "status": 201,
                               "audience": "departments", "role": "reporter", "department": "DSD"}.items()  # fmt: skip
    assert created["bytes"] == len(made.content)
    assert float(str(created["ms"])) > 0
    assert any(line["route"] == "(none)" and line["status"] == 404 for line in lines)
    assert any(line["route"] == "/collections/{collection}/items/{feature:path}" for line in lines)


def test_a_fault_is_in_the_log_with_its_trace_and_the_client_has_its_id(served: Served, http: httpx.Client) -> None:
    with psycopg.connect(served.database.owner_dsn, autocommit=True) as owner:
        owner.execute("ALTER TABLE layer.peaks RENAME TO peaks_away")
        try:
            failed = http.get(
                "/collections/peaks/items?bbox=114,22,115,23", headers={"Origin": "https://other.example"}
            )
        finally:
            owner.execute("ALTER TABLE layer.peaks_away RENAME TO peaks")
    assert failed.status_code in (500, 503)
    assert failed.headers["content-type"] == "application/problem+json"
    assert failed.headers["x-content-type-options"] == "nosniff"
    told = failed.json()
    assert "peaks_away" not in failed.text
    lines = served.lines_of(told["instance"].removeprefix("urn:uuid:"))
    traced = next(line for line in lines if "trace" in line)
    assert "UndefinedTable" in json.dumps(traced["trace"])
    assert "does not exist" not in json.dumps(traced)
    assert [line["status"] for line in lines if line["logger"] == "cop.access"] == [failed.status_code]


def test_metrics_are_of_all_processes_and_for_those_who_may_read_them(served: Served, http: httpx.Client) -> None:
    def asked() -> float:
        text = http.get("/metrics").text
        found = re.search(
            r'^cop_requests_total\{audience="public",method="GET",route="/conformance",status="200"\} (\S+)', text, re.M
        )
        return float(found[1]) if found else 0.0

    before = asked()
    for _ in range(12):  # each on a connection of its own: both processes answer some
        assert httpx.get(f"{served.url}/conformance", params={"f": "json"}, timeout=30).status_code == 200
    assert asked() == before + 12
    stream = Stream(served.url, collections="incidents")
    text = ""
    for _ in range(80):
        text = http.get("/metrics").text
        if "cop_streams 1.0" in text:
            break
        time.sleep(0.1)
    assert "cop_streams 1.0" in text
    stream.close()
    for part in ('cop_feed_state{feed="hko_wind_10min.exercise",state="late"} 1.0', 'cop_feed_age_seconds{feed="hko_wind_10min.exercise"} 1620.0',
                 'cop_feed_turns{feed="hko_wind_10min.exercise",outcome="loaded"} 2.0',
                 'cop_feed_records{feed="hko_wind_10min.exercise",outcome="new"} 2.0',
                 'cop_feed_records{feed="hko_wind_10min.exercise",outcome="refused"} 3.0',
                 'cop_feed_turn_seconds{feed="hko_wind_10min.exercise"} 3.0', 'cop_mark{layer="feeds"} ', "cop_store_up 1.0", "cop_listeners_lost 0.0", "cop_build_info{",
                 'cop_pool_connections{pool="read",state="used"}', 'cop_cache_asked_total{outcome="made"}'):  # fmt: skip
        assert part in text, part
    refused = http.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"})
    assert refused.status_code == 403, "by a proxy that is not trusted everybody seems to come from here"
    assert "cop_requests" not in refused.text


def test_every_metric_that_an_alert_or_a_panel_names_is_really_there(http: httpx.Client) -> None:
    types = dict(re.findall(r"^# TYPE (\w+) (\w+)", http.get("/metrics").text, re.M))
    known = set(types)
    for name, kind in types.items():
        known |= {f"{name}_{part}" for part in ("bucket", "sum", "count")} if kind == "histogram" else set()
        known |= {name.removesuffix("_total") + "_total"} if kind == "counter" else set()
    alerts = (ROOT / "deploy" / "prometheus" / "alerts.yml").read_text()
    panels = (ROOT / "deploy" / "grafana" / "cop.json").read_text()
    for text in (alerts, panels):
        named = set(re.findall(r"\bcop_[a-z_]+", text))
        assert len(named) > 8
        assert named <= known, named - known


def test_headers_of_a_megabyte_are_refused_before_they_are_kept(served: Served, http: httpx.Client) -> None:
    for sent in (b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 1_000_000 + b"\r\n\r\n",
                 b"GET /" + b"a" * 1_000_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
                 b"GET / HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: a\r\n" % n for n in range(20_000)) + b"\r\n"):  # fmt: skip
        with connected(served.url) as connection:
            with suppress(BrokenPipeError, ConnectionResetError):  # it is refused before all of it is sent
                connection.sendall(sent)
            read = rest(connection)
            assert read == b"" or read.startswith(b"HTTP/1.1 431 "), read[:100]
    with connected(served.url) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 33_000)
        read = rest(connection)
        assert read.startswith(b"HTTP/1.1 431 ")
        assert b"application/problem+json" in read
    assert http.get("/conformance", headers={"X-Long": "a" * 20_000}).status_code == 200
    long = http.get("/conformance?f=json&x=" + "a" * 17_000)
    assert long.status_code == 414
    assert long.json()["instance"].endswith(long.headers["x-request-id"])


def test_what_is_no_http_gets_a_problem_and_says_nothing_in_the_log(served: Served) -> None:
    with connected(served.url) as connection:
        connection.sendall(b"\x16\x03\x01 hello\r\n\r\n")
        assert rest(connection).startswith(b"HTTP/1.1 400 ")


def test_half_open_connections_give_way_and_end_by_themselves(served: Served, http: httpx.Client) -> None:
    half = [connected(served.url) for _ in range(200)]
    try:
        for one in half[::2]:
            one.sendall(b"GET / HTTP/1.1\r\nHo")
        for _ in range(20):
            assert httpx.get(f"{served.url}/conformance", params={"f": "json"}, timeout=10).status_code == 200
        began = time.monotonic()
        assert all(rest(one) == b"" for one in half)
        assert time.monotonic() - began < 15, "those that were not pushed out have had their time"
    finally:
        for one in half:
            one.close()
    assert 'cop_connections_cut_total{why="half-open"}' in http.get("/metrics").text


def test_who_never_reads_is_cut_off_and_others_go_on(served: Served, http: httpx.Client) -> None:
    with connected(served.url) as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        request = b"GET /openapi?f=json HTTP/1.1\r\nHost: x\r\n\r\n"
        deaf.sendall(request * 40)  # several megabytes of answers that nobody takes
        assert http.get("/conformance?f=json").status_code == 200
        for _ in range(100):
            if 'cop_connections_cut_total{why="stalled"}' in http.get("/metrics").text:
                break
            time.sleep(0.1)
        assert 'cop_connections_cut_total{why="stalled"}' in http.get("/metrics").text


def test_a_request_id_is_taken_from_a_trusted_proxy_only(served: Served) -> None:
    sent = {"X-Request-Id": "0123456789abcdef0123456789abcdef", "X-Forwarded-For": "203.0.113.5"}
    strange = httpx.get(f"{served.url}/nothing", headers=sent, timeout=30)
    assert "01234567" not in strange.headers["x-request-id"]
    with httpx.Client(transport=httpx.HTTPTransport(local_address="127.0.0.9"), timeout=30) as proxy:
        told = proxy.get(f"{served.url}/nothing", headers=sent)
    assert told.headers["x-request-id"] == "01234567-89ab-cdef-0123-456789abcdef"
    assert told.json()["instance"] == "urn:uuid:01234567-89ab-cdef-0123-456789abcdef"


def test_caveats_of_the_feeds_behind_a_layer(served: Served, http: httpx.Client) -> None:
    wind = "/collections/wind_10min/items"
    first = http.get(wind)
    assert first.headers["cop-caveat"] == "hko_wind_10min;state=late;age=1620"
    assert "cop-caveat" not in http.get("/collections/districts/items").headers
    assert "cop-caveat" not in http.get(wind, params={"mode": "actual"}).headers, "the feed is an exercise's"
    same = http.get(wind, headers={"If-None-Match": first.headers["etag"]})
    assert same.status_code == 304
    assert same.headers["cop-caveat"] == first.headers["cop-caveat"]
    at = first.headers["cop-sequence"]
    with psycopg.connect(served.database.owner_dsn, autocommit=True) as owner:
        now = owner.execute("SELECT max(n) FROM cop.mark").fetchone()
        assert now is not None
        owner.execute("UPDATE layer.feeds SET state = 'down', age_s = 90 WHERE id = 'hko_wind_10min.exercise'")
    changed = http.get(wind, headers={"If-None-Match": first.headers["etag"]})
    assert changed.status_code == 200, "what was told of the feed is no longer so"
    assert changed.headers["cop-caveat"] == "hko_wind_10min;state=down;age=90"
    assert changed.content == first.content
    past = http.get(wind, params={"asof": str(now[0])})
    assert past.status_code in (200, 410), at
    if past.status_code == 200:
        assert past.headers["cop-caveat"] == "hko_wind_10min;state=late;age=1620"
    told = changed.headers["cop-caveat"]
    one = "/collections/wind_10min"
    of_all = http.get("/tiles/WebMercatorQuad/8/111/209", params={"collections": "wind_10min,districts"})
    assert of_all.headers["cop-caveat"] == told
    tile = http.get(f"{one}/tiles/WebMercatorQuad/8/111/209")
    for answer in (tile, http.get(f"{one}/changes", params={"since": 0}), http.get(f"{one}/locations/Cheung Chau"),
                   http.get(f"{one}/items", params={"f": "html"}), http.get(f"{one}/items/Cheung Chau", params={"f": "html"}),
                   http.get(one, params={"f": "html"}), http.get(f"{one}/items/Cheung Chau/versions")):  # fmt: skip
        assert answer.status_code == 200, answer.text
        assert answer.headers["cop-caveat"] == told, answer.url
    with psycopg.connect(served.database.owner_dsn, autocommit=True) as owner:
        owner.execute("UPDATE layer.feeds SET state = 'live', age_s = 9 WHERE id = 'hko_wind_10min.exercise'")
    well = http.get(wind)
    assert "cop-caveat" not in well.headers
    known = http.get(f"{one}/tiles/WebMercatorQuad/8/111/209", headers={"If-None-Match": tile.headers["etag"]})
    assert (known.status_code, known.headers.get("cop-caveat")) == (304, None), (
        "the tile is the same, the word on it is not"
    )
    with psycopg.connect(served.database.owner_dsn, autocommit=True) as owner:
        owner.execute("UPDATE layer.feeds SET age_s = 10 WHERE id = 'hko_wind_10min.exercise'")
    heard = http.get(wind, headers={"If-None-Match": well.headers["etag"]})
    assert heard.status_code == 304, "a feed that is well and is heard of again changes no answer"
