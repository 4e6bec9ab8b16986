"""Limits: each audience has its own, whoever asks too much is told when to come again, and nobody else notices."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import psycopg
import pytest
from conftest import _forget  # type: ignore[import-not-found]
from starlette.applications import Starlette
from streams import Stream  # type: ignore[import-not-found]

from cop.errors import NotRecognised, TooSlow
from cop.settings import get_settings
from cop.store.reading import _pool, reading
from cop.visible import VisibleSet
from cop_server.border.lately import Lately, digest_of
from cop_server.cluster import Cluster, create_database, drop_database
from cop_server.health import health_routes
from cop_server.identity.keys import create

ITEMS = "/collections/incidents/items"
CHANGES = "/collections/incidents/changes"
LIMITS = {
    "public": {"reads": "20/minute", "tiles": "5/minute", "writes": "2/minute", "streams": 2, "exports": "200/minute",
               "statement_ms": 300, "rows": 3, "body_mb": 0.001},
    "departments": {"reads": "40/minute", "statement_ms": 5000},
}  # fmt: skip


@pytest.fixture(scope="module")
def database(cluster: Cluster, template: str) -> Iterator[Cluster]:
    name = f"t_limits_{os.getpid()}"
    made = create_database(cluster, name, template)
    with psycopg.connect(made.owner_dsn, autocommit=True) as owner:
        owner.execute(
            "INSERT INTO layer.incidents (id, category, title_en, department, status, major, message_status, release,"
            " reported_at, source, source_ref) SELECT 'I-' || g, 'flood', 'Flooding', 'DSD', 'reported',"
            " false, 'exercise', 'public', now(), 'test', g::text FROM generate_series(1, 9) AS g"
        )
    yield made
    drop_database(cluster, name)


@pytest.fixture
def key(database: Cluster) -> dict[str, str]:
    return {"Authorization": f"Bearer {create(database.owner_dsn, 'a tester', 'viewer', 'DSD', None)[1]}"}


@pytest.fixture(scope="module")
def url(database: Cluster, start_server_once: Callable[..., str]) -> str:
    """One server for all: each test comes from addresses, and with a key, of its own."""
    return start_server_once(
        database.app_dsn, wait="/health", COP_RATE_LIMITS="true", COP_LIMITS=json.dumps(LIMITS),
        COP_TRUSTED_PROXIES='["127.0.0.1/32"]', COP_HOST="127.0.0.1",
    )  # fmt: skip


def client(address: str) -> dict[str, str]:
    return {"X-Forwarded-For": address}


def test_too_many_requests_are_told_when_to_come_again(url: str, key: dict[str, str]) -> None:
    with httpx.Client(base_url=url, timeout=30) as http:
        first = http.get(ITEMS, headers=client("203.0.113.1"))
        assert first.status_code == 200
        assert first.headers["ratelimit-policy"] == '"reads";q=20;w=60'
        assert first.headers["ratelimit"].startswith('"reads";r=19;t=')
        answers = [http.get(ITEMS, headers=client("203.0.113.1")) for _ in range(30)]
        assert sum(one.status_code == 200 for one in answers) == 19
        refused = answers[-1]
        assert refused.status_code == 429
        assert refused.headers["content-type"] == "application/problem+json"
        # Asked all at a window's begin, so that the next begins with 20 of 20: a twentieth of it must go by too.
        assert 1 <= int(refused.headers["retry-after"]) <= 60 + 60 / 20
        assert refused.headers["ratelimit"].startswith('"reads";r=0;t=')
        assert refused.headers["x-request-id"] in refused.json()["instance"]
        # Its neighbours, its tiles, its health, and whoever is known at the same address are not touched by it.
        assert http.get(ITEMS, headers=client("203.0.113.2")).status_code == 200
        assert http.get("/styles", headers=client("203.0.113.1")).headers["ratelimit-policy"].startswith('"tiles"')
        assert http.get("/health", headers=client("203.0.113.1")).status_code == 200
        known = http.get(ITEMS, headers=client("203.0.113.1") | key)
        assert known.status_code == 200
        assert known.headers["ratelimit-policy"] == '"reads";q=40;w=60'
        # A page of another site can read all this.
        strange = http.get(ITEMS, headers=client("203.0.113.1") | {"Origin": "https://other.example"})
        assert strange.status_code == 429
        assert strange.headers["access-control-allow-origin"] == "*"
        assert "Retry-After" in strange.headers["access-control-expose-headers"]
        assert "access-control-allow-credentials" not in strange.headers


def test_one_line_of_ipv6_is_one_client_and_a_key_is_one_wherever_it_is_used(url: str, key: dict[str, str]) -> None:
    with httpx.Client(base_url=url, timeout=30) as http:
        for number in range(20):
            assert http.get(ITEMS, headers=client(f"2001:db8:1:2::{number + 1}")).status_code == 200
        assert http.get(ITEMS, headers=client("2001:db8:1:2:ffff::1")).status_code == 429
        assert http.get(ITEMS, headers=client("2001:db8:1:3::1")).status_code == 200
        for number in range(40):
            assert http.get(ITEMS, headers=client(f"203.0.113.{number}") | key).status_code == 200
        assert http.get(ITEMS, headers=client("203.0.113.99") | key).status_code == 429


def test_whoever_guesses_keys_is_stopped_and_those_who_hold_one_are_not(url: str, key: dict[str, str]) -> None:
    with httpx.Client(base_url=url, timeout=30) as http:

        def guess(number: int) -> int:
            headers = client("203.0.113.7") | {"X-API-Key": f"cop_guess-{number}"}
            return http.get("/summary?hours=0", headers=headers).status_code

        assert http.get("/health").status_code == 200
        answers = [guess(number) for number in range(40)]
        assert set(answers) == {401, 429}
        assert answers[-1] == 429
        assert http.get(ITEMS, headers=client("203.0.113.8") | key).status_code == 200


def test_one_key_that_has_ended_does_not_shut_out_those_behind_its_address(
    url: str, database: Cluster, key: dict[str, str]
) -> None:
    address = client("203.0.113.30")
    with httpx.Client(base_url=url, timeout=30) as http:
        stale = [http.get(CHANGES, headers=address | {"X-API-Key": "cop_of-last-year"}) for _ in range(40)]
        assert {one.status_code for one in stale} == {401}
        assert all(one.headers["content-type"] == "application/problem+json" for one in stale)
        assert http.get(ITEMS, headers=address | key).status_code == 200
        # Nor does a real guesser there: who was known a while ago still is, when the five seconds are over.
        answers = [http.get(CHANGES, headers=address | {"X-API-Key": f"cop_try-{n}"}).status_code for n in range(40)]
        assert answers[-1] == 429
        time.sleep(5.1)
        assert http.get(ITEMS, headers=address | key).status_code == 200
        assert http.get(ITEMS, headers=address | {"X-API-Key": "cop_of-last-year"}).status_code == 401


def test_a_bad_key_counts_once_a_minute_and_is_asked_about_again_every_five_seconds() -> None:
    now = 0.0
    lately = Lately(2, lambda: now)
    one, bad = digest_of({"x-api-key": "cop_one"}), NotRecognised("it has ended")
    assert digest_of({}) is None
    assert lately.is_bad(one, bad)
    assert lately.fault(one) is not None
    assert not lately.is_bad(one, bad)
    now = 6.0
    assert lately.fault(one) is None
    assert lately.fault(one, older=True) is not None
    now = 61.0
    assert lately.is_bad(one, bad)
    lately.is_good(one)
    assert lately.fault(one) is None
    assert lately.was_good(one)
    now = 61.0 + 3600
    assert not lately.was_good(one)
    for name in ("two", "three", "four"):
        lately.is_good(digest_of({"x-api-key": name}))
    assert not lately.was_good(digest_of({"x-api-key": "two"}))
    assert lately.was_good(digest_of({"x-api-key": "four"}))


def test_streams_are_so_many_a_client(url: str) -> None:
    streams = [Stream(url, client("203.0.113.20"), collections="incidents") for _ in range(2)]
    third = Stream(url, client("203.0.113.20"), collections="incidents")
    assert third.status == 429
    assert "retry-after" in third.headers
    other = Stream(url, client("203.0.113.21"), collections="incidents")
    assert other.status == 200
    streams[0].close()
    with httpx.Client(base_url=url) as http:
        # A stream that was closed makes room; the server hears of it in its own time.
        for _ in range(200):
            with http.stream("GET", "/events?collections=incidents", headers=client("203.0.113.20")) as again:
                if again.status_code == 200:
                    break
        assert again.status_code == 200
    for one in (streams[1], other):
        one.close()


def test_rows_and_bodies_are_bounded_by_audience(url: str, key: dict[str, str]) -> None:
    with httpx.Client(base_url=url, timeout=30) as http:
        assert http.get(f"{ITEMS}?limit=500").json()["numberReturned"] == 3
        assert len(http.get(f"{ITEMS}?limit=500&f=html").text.split("I-")) < 12
        assert http.get(f"{ITEMS}?limit=500", headers=key).json()["numberReturned"] == 9
        large = json.dumps({"inputs": {"filter": "x" * 2000}})
        refused = http.post("/processes/summary/execution", content=large)
        assert refused.status_code == 413
        assert refused.json()["parameter"] == "body"
        assert http.post("/processes/summary/execution", content=large, headers=key).status_code == 400


def test_a_long_statement_of_the_public_ends_and_not_that_of_a_department(
    url: str, database: Cluster, key: dict[str, str]
) -> None:
    with (
        psycopg.connect(database.owner_dsn) as owner,
        ThreadPoolExecutor(2) as pool,
        httpx.Client(base_url=url, timeout=30) as http,
    ):
        owner.execute("LOCK TABLE layer.incidents IN ACCESS EXCLUSIVE MODE")
        public = pool.submit(http.get, f"{ITEMS}?limit=1&filter=major%3Dfalse")
        inside = pool.submit(http.get, f"{ITEMS}?limit=1&filter=major%3Dfalse", headers=key)
        ended = public.result()
        owner.rollback()
        assert ended.status_code == 503
        assert ended.headers["content-type"] == "application/problem+json"
        assert "too long" in ended.json()["detail"]
        assert inside.result().status_code == 200


def test_however_many_ask_whether_it_is_ready_the_store_is_asked_once_a_second(
    database: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COP_APP_DATABASE_URL", database.app_dsn)
    _forget()

    async def ask(many: int) -> set[int]:
        transport = httpx.ASGITransport(Starlette(routes=health_routes(get_settings())))
        async with httpx.AsyncClient(transport=transport, base_url="http://cop") as http:
            first = {answer.status_code for answer in await asyncio.gather(*(http.get("/ready") for _ in range(many)))}
            asked.append(_pool.get().get_stats()["requests_num"])
            await asyncio.sleep(1.1)
            return first | {(await http.get("/ready")).status_code}

    asked: list[int] = []
    try:
        assert asyncio.run(ask(200)) == {200}
        assert asked == [1]
        assert _pool.get().get_stats()["requests_num"] == 2
    finally:
        _forget()


def test_a_connection_that_goes_from_one_audience_to_another_has_the_patience_of_each(
    database: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COP_APP_DATABASE_URL", database.app_dsn)
    monkeypatch.setenv("COP_LIMITS", json.dumps({"public": {"statement_ms": 20}}))
    monkeypatch.setenv("COP_POOL_SIZE", "1")
    _forget()
    try:
        for _ in range(2):
            with reading(VisibleSet("departments", "DSD")) as connection:
                connection.execute("SELECT pg_sleep(0.1)")
            with pytest.raises(TooSlow), reading(VisibleSet()) as connection:
                connection.execute("SELECT pg_sleep(0.1)")
    finally:
        _forget()


def test_the_public_is_no_more_patient_than_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    from cop.store.reading import _patience_ms

    monkeypatch.setenv("COP_STATEMENT_TIMEOUT_MS", "500")
    get_settings.cache_clear()
    try:
        assert _patience_ms("public") == _patience_ms("emsc") == 500
    finally:
        get_settings.cache_clear()
