"""The page and the stream: what is written appears by itself; without the stream the page asks as before."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from playwright.sync_api import expect

from cop_server.cluster import Cluster

Visitor = Callable[..., Any]
COUNTED = "status <> 'cancelled' AND duplicate_of IS NULL"


@pytest.fixture
def owner(server: str, cluster: Cluster) -> Iterator[psycopg.Connection[Any]]:
    """The owner of the database that the suite's server reads; what a test writes there goes with it."""
    with psycopg.connect(cluster.at(f"t_server_{os.getpid()}").owner_dsn, autocommit=True) as connection:
        yield connection
        connection.execute("DELETE FROM layer.incidents WHERE source = 'test-stream'")


def test_what_is_written_appears_by_itself(visit: Visitor, api: Any, owner: Any) -> None:
    seen = visit()
    expect(seen.page.locator("body")).to_have_attribute("data-stream", "live")
    expect(seen.page.locator("#freshness")).to_contain_text("live")
    before = api.number(COUNTED + api.recent())
    owner.execute(
        "INSERT INTO layer.incidents (category, title_en, department, status, major, message_status, release,"
        " reported_at, source, source_ref, geom) VALUES ('flood', 'A flood that was not there', 'DSD', 'reported', true,"
        " 'exercise', 'public', %s, 'test-stream', '1', ST_SetSRID(ST_Point(114.17, 22.3), 4326))", [api.now()],
    )  # fmt: skip
    # While the stream is there the page asks by itself once a minute only, and the wait is twenty seconds.
    expect(seen.page.locator("#count")).to_have_text(re.compile(rf"^{before + 1:,} "))
    expect(seen.page.locator("#incident-list")).to_contain_text("A flood that was not there")
    assert seen.errors == []
    assert seen.strangers() == []
    assert {tuple(parameters["mode"]) for parameters in seen.asked("/events")} == {("exercise",)}


def test_without_the_stream_the_page_asks_as_before(visit: Visitor, api: Any) -> None:
    seen = visit(drawn=False)
    seen.page.route("**/events?**", lambda route: route.abort())
    seen.page.reload()
    expect(seen.page.locator("body")).to_have_attribute("data-state", "live")
    expect(seen.page.locator("body")).to_have_attribute("data-stream", "polling")
    before = api.number(COUNTED + api.recent())
    expect(seen.page.locator("#count")).to_have_text(re.compile(rf"^{before:,} "))
    asked = len(seen.asked("/collections/incidents/items"))
    seen.page.wait_for_timeout(17_000)
    assert len(seen.asked("/collections/incidents/items")) > asked
