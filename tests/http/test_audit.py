"""The audit: who read and wrote, as its administrators see it; in a chain, only ever added to, and pruned at an anchor."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from servers import Server

from cop.audit import Filters, audited, note, prune_audit, sign_audit
from cop.heads import Verifier, kept_heads
from cop.identity import principal
from cop.settings import get_settings
from cop.store.writing import writing
from cop.verify import Report, verify
from cop.visible import VisibleSet
from cop_server import noting
from cop_server.cli import main
from cop_server.cluster import Cluster
from cop_server.identity import keys

ITEMS = "/collections/incidents/items"
PLACE = {"type": "Point", "coordinates": [114.17, 22.3]}
Owner = psycopg.Connection[Any]
Person = Callable[..., httpx.Client]


@pytest.fixture
def owner(store: Cluster) -> Iterator[Owner]:
    with psycopg.connect(store.owner_dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
def server(store: Cluster, var: Path) -> Iterator[Server]:
    running = Server(store.app_dsn, var)
    running.wait("/ready")
    yield running
    running.stop()


@pytest.fixture
def person(store: Cluster, server: Server) -> Iterator[Person]:
    made: dict[tuple[str | None, str | None], httpx.Client] = {}

    def client(role: str | None = None, department: str | None = None) -> httpx.Client:
        if (role, department) not in made:
            key = keys.create(store.owner_dsn, f"{role}", role, department, None)[1] if role else None
            made[role, department] = httpx.Client(
                base_url=server.url,
                timeout=60,
                headers={"Accept": "application/json"} | ({"X-API-Key": key} if key else {}),
            )
        return made[role, department]

    yield client
    for one in made.values():
        one.close()


def report(http: httpx.Client, **properties: object) -> httpx.Response:
    told = {"category": "flood", "title_en": "x", "release": "departments", **properties}
    made = http.post(ITEMS, json={"type": "Feature", "geometry": PLACE, "properties": told})
    assert made.status_code == 201, made.text
    return made


def asked(http: httpx.Client, **query: str) -> list[dict[str, Any]]:
    found = http.get("/audit", params=query)
    assert found.status_code == 200, found.text
    entries: list[dict[str, Any]] = found.json()["entries"]
    return [entry for entry in entries if entry["collection"] != "audit"]


def until(http: httpx.Client, holds: Callable[[list[dict[str, Any]]], bool], **query: str) -> list[dict[str, Any]]:
    deadline = time.monotonic() + 60
    while not holds(found := asked(http, **query)):
        assert time.monotonic() < deadline, {entry["form"] for entry in found}
        time.sleep(0.1)
    return found


def checked(store: Cluster, folder: Path) -> Report:
    return verify(store.owner_dsn, kept_heads(folder), Verifier(folder), only=["events"])


def test_who_reads_and_writes_is_told_to_the_administrators_whose_records_they_are(
    person: Person, server: Server
) -> None:
    dsd, fsd, wsd = person("reporter", "DSD"), person("viewer", "FSD"), person("administrator", "WSD")
    admin, fire, emsc = person("administrator", "DSD"), person("administrator", "FSD"), person("emsc")
    mine = report(dsd).json()["id"]
    report(person("reporter", "WSD"))
    read = fsd.get(f"{ITEMS}/{mine}")
    assert read.status_code == 200
    fsd.get(f"{ITEMS}/{mine}/versions")
    fsd.get("/collections/incidents/changes?since=0&limit=1000")
    fsd.get("/summary")
    tile = fsd.get("/collections/incidents/tiles/WebMercatorQuad/8/111/209", headers={"Accept": "*/*"})
    assert tile.status_code == 200
    found = until(
        admin, lambda entries: {"item", "versions", "changes", "summary", "tiles"} <= {e["form"] for e in entries}
    )
    writes = [entry for entry in found if entry["kind"] == "write"]
    assert [(one["deed"], one["feature"], one["department"], one["role"]) for one in writes] == [
        ("insert", mine, "DSD", "reporter")]  # fmt: skip
    (one,) = [entry for entry in found if entry["form"] == "item"]
    assert one | {"feature": mine, "department": "FSD", "role": "viewer", "deed": "read", "count": 1} == one
    assert one["request"] == read.headers["x-request-id"]
    assert one["actor"].startswith("key:")
    assert {entry["deed"] for entry in found if entry["form"] == "changes"} == {"export"}
    others = asked(wsd)
    assert mine not in {entry["feature"] for entry in others}, "that is nobody's of theirs"
    assert {entry["form"] for entry in others if entry["department"] == "FSD"} == {"changes", "summary", "tiles"}
    assert {entry["feature"] for entry in asked(fire) if entry["form"] == "item"} == {mine}, "what its own people read"
    assert {entry["feature"] for entry in asked(emsc, deed="write")} > {mine}
    assert asked(emsc, mode="actual") == []
    assert [entry["form"] for entry in asked(emsc, request=read.headers["x-request-id"])] == ["item"]
    assert asked(emsc, department="FSD", feature=mine, datetime="../2000-01-01T00:00:00Z") == []
    public = httpx.get(f"{server.url}{ITEMS}?f=json")
    assert public.status_code == 200
    assert {entry["role"] for entry in asked(emsc)} <= {"reporter", "viewer", "administrator", "emsc"}


def test_it_is_paged_and_refuses_with_a_problem(person: Person) -> None:
    dsd, admin = person("reporter", "DSD"), person("administrator", "DSD")
    made = [report(dsd).json()["id"] for _ in range(5)]
    walked, address = [], "/audit?limit=2&deed=write"
    while address:
        page = admin.get(address).json()
        walked += [entry["feature"] for entry in page["entries"]]
        address = next((link["href"] for link in page["links"] if link["rel"] == "next"), "")
    assert walked == made[::-1]
    for query, name in (
        ("deed=eat", "deed"),
        ("cursor=x", "cursor"),
        ("nothing=1", "nothing"),
        ("datetime=x", "datetime"),
    ):
        refused = admin.get(f"/audit?{query}")
        assert (refused.status_code, refused.json()["parameter"]) == (400, name)
        assert refused.headers["content-type"] == "application/problem+json"
    assert person().get("/audit").status_code == 401
    assert dsd.get("/audit").status_code == 403


def test_repeated_reads_are_one_row_and_a_number(owner: Owner) -> None:
    who = principal("key:abc", "viewer", "FSD")
    for _ in range(1000):
        noting.note_read(who, "exercise", ["incidents"], "items", request="r1")
    assert noting.flush() == 1
    for _ in range(50):
        noting.note_read(who, "exercise", ["incidents"], "items", request="r2")
    assert noting.flush(finish=True) == 1
    rows = owner.execute("SELECT count, request FROM cop.audit ORDER BY n").fetchall()
    assert sum(count for count, _ in rows) == 1050
    assert rows[0][1] == "r1"
    for nth in range(noting.MOST + 50):
        noting.note_read(who, "exercise", ["incidents"], "item", feature=f"I-{nth}")
    assert noting.flush(finish=True) == noting.MOST + 1
    assert owner.execute("SELECT sum(count) FROM cop.audit WHERE form = 'item'").fetchone() == (noting.MOST + 50,)


def test_one_who_reads_much_costs_nobody_else_the_features(owner: Owner) -> None:
    busy, quiet = principal("key:busy", "viewer", "FSD"), principal("key:quiet", "viewer", "DSD")
    for nth in range(noting.MOST + 50):
        noting.note_read(busy, "exercise", ["incidents"], "item", feature=f"I-{nth}")
    noting.note_read(quiet, "exercise", ["incidents"], "item", feature="I-7")
    assert noting.flush(finish=True) == noting.MOST + 2
    told = "SELECT feature FROM cop.audit WHERE actor = 'key:quiet'"
    assert owner.execute(told).fetchall() == [("I-7",)]
    for nth in range(3):  # the minute is over: the busy one's reads are told apart again
        noting.note_read(busy, "exercise", ["incidents"], "item", feature=f"I-{nth}")
    assert noting.flush(finish=True) == 3


def test_what_waited_long_is_written_in_slices(owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each slice is kept for itself: what one of them is refused for does not undo those before."""
    monkeypatch.setattr(noting, "_SLICE", 100)
    who = principal("key:abc", "viewer", "FSD")
    for nth in range(250):
        noting.note_read(who, "exercise", ["incidents"], "item", feature=f"I-{nth}")
    owner.execute("ALTER TABLE cop.audit ADD CONSTRAINT full_up CHECK (n <= 150)")
    with pytest.raises(Exception, match=r"."):
        noting.flush(finish=True)
    assert owner.execute("SELECT count(*) FROM cop.audit").fetchone() == (100,)
    owner.execute("ALTER TABLE cop.audit DROP CONSTRAINT full_up")
    assert noting.flush(finish=True) == 150
    assert owner.execute("SELECT count(*), count(DISTINCT feature) FROM cop.audit").fetchone() == (250, 250)


def test_a_stop_writes_what_is_left(person: Person, server: Server, owner: Owner) -> None:
    assert person("viewer", "FSD").get(f"{ITEMS}?limit=1").status_code == 200
    server.stop()
    assert owner.execute("SELECT form, count FROM cop.audit").fetchall() == [("items", 1)]


def test_what_the_client_has_or_is_refused_is_no_read(person: Person, server: Server, owner: Owner) -> None:
    http = person("viewer", "FSD")
    first = http.get(f"{ITEMS}?limit=1")
    assert http.get(f"{ITEMS}?limit=1", headers={"If-None-Match": first.headers["etag"]}).status_code == 304
    assert http.get(f"{ITEMS}/I-20250101-00001").status_code == 404
    assert http.get("/collections/districts/items?limit=1").status_code == 200, "the public sees all of it"
    server.stop()
    assert owner.execute("SELECT collection, form, sum(count) FROM cop.audit GROUP BY 1, 2").fetchall() == [
        ("incidents", "items", 1)]  # fmt: skip


def fill(store: Cluster, many: int) -> None:
    who = principal("key:abc", "viewer", "FSD")
    for nth in range(many):
        noting.note_read(who, "exercise", ["incidents"], "item", feature=f"I-{nth}")
    noting.flush(finish=True)


@pytest.mark.parametrize("statement", [
    "UPDATE cop.audit SET actor = 'x'", "DELETE FROM cop.audit", "TRUNCATE cop.audit",
    "UPDATE cop.write_about SET request = 'x'",
])  # fmt: skip
def test_nobody_changes_it(owner: Owner, store: Cluster, statement: str) -> None:
    fill(store, 3)
    with writing(VisibleSet(), "x", request="r") as app:
        app.execute("SELECT cop.write_feature('incidents', NULL, %s)", [json.dumps(
            {"category": "flood", "title_en": "x", "department": "DSD", "status": "reported", "message_status": "exercise",
             "release": "public", "reported_at": "2025-09-23T20:00:00Z", "source": "DSD", "source_ref": "1"})])  # fmt: skip
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="only ever added"):
        owner.execute(statement.encode())
    with psycopg.connect(store.app_dsn) as app, pytest.raises(psycopg.errors.InsufficientPrivilege, match="denied"):
        app.execute(statement.encode())


@pytest.mark.parametrize(("statement", "told"), [
    ("UPDATE cop.audit SET actor = 'x' WHERE n = 2", "not what its hash was made of"),
    ("DELETE FROM cop.audit WHERE n = 2", "are not there"),
    ("DELETE FROM cop.audit WHERE n >= 3", "the head is"),
    ("UPDATE cop.audit_head SET n = 2", "the head is"),
])  # fmt: skip
def test_what_is_altered_past_the_triggers_is_found(
    owner: Owner, store: Cluster, tmp_path: Path, statement: str, told: str
) -> None:
    fill(store, 4)
    assert checked(store, tmp_path).is_sound
    owner.execute("ALTER TABLE cop.audit DISABLE TRIGGER USER")
    owner.execute(statement.encode())
    assert any(told in fault.what for fault in checked(store, tmp_path).faults)


def test_a_chain_written_again_is_found_by_the_signed_head(owner: Owner, store: Cluster, tmp_path: Path) -> None:
    fill(store, 4)
    sign_audit(store.owner_dsn, tmp_path)
    assert checked(store, tmp_path).is_sound
    owner.execute("ALTER TABLE cop.audit DISABLE TRIGGER USER")
    owner.execute("DELETE FROM cop.audit")
    owner.execute(r"UPDATE cop.audit_head SET n = 0, hash = '\x'")
    fill(store, 4)
    faults = checked(store, tmp_path).faults
    assert {fault.where for fault in faults} == {"cop.signed_audit_head", "the file of heads"}
    assert all("written again" in fault.what for fault in faults)


def test_what_is_let_go_leaves_an_anchor_that_the_rest_hangs_from(owner: Owner, store: Cluster, tmp_path: Path) -> None:
    fill(store, 3)
    old = [read for read in audited(owner, Filters()) if read.kind == "read"]
    assert len(old) == 3
    assert prune_audit(store.owner_dsn, tmp_path, 1e-9, really=False) == 3
    assert prune_audit(store.owner_dsn, tmp_path, 1, really=True) == 0, "nothing is a day old"
    assert prune_audit(store.owner_dsn, tmp_path, 1e-9, really=True) == 3
    assert owner.execute("SELECT count(*) FROM cop.audit").fetchone() == (0,)
    assert checked(store, tmp_path).is_sound
    fill(store, 2)
    assert owner.execute("SELECT min(n) FROM cop.audit").fetchone() == (4,)
    assert checked(store, tmp_path).is_sound
    owner.execute("UPDATE cop.signed_audit_head SET anchor = false")
    assert not checked(store, tmp_path).is_sound, "without the anchor the chain begins nowhere"


def test_by_command(store: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> None:
    fill(store, 2)
    monkeypatch.setenv("COP_VAR", str(tmp_path))

    def cop(*words: str) -> str:
        get_settings.cache_clear()
        monkeypatch.setattr(sys, "argv", ["cop", "audit", *words])
        with pytest.raises(SystemExit):
            main()
        return "".join(capfd.readouterr())

    lines = [json.loads(line) for line in cop("--json", "--deed", "read", "--limit", "1").splitlines()]
    assert [(line["feature"], line["actor"]) for line in lines] == [("I-1", "key:abc")]
    assert "I-0" in cop("--feature", "I-0", "--department", "FSD")
    assert cop("--of", "DSD", "--collection", "incidents") == "", "no record of theirs"
    assert "is none of" in cop("--deed", "eat")
    assert "COP_AUDIT_DAYS" in cop("prune")
    monkeypatch.setenv("COP_AUDIT_DAYS", "0.0000001")
    assert "2 rows would go" in cop("prune")
    assert "2 rows are gone" in cop("prune", "--really")


def test_reads_that_the_store_did_not_take_wait(owner: Owner, store: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    noting.note_read(principal("key:abc", "emsc", None), "exercise", ["incidents"], "items")
    owner.execute("REVOKE EXECUTE ON FUNCTION cop.note_reads(jsonb) FROM cop_app")
    with pytest.raises(Exception, match="not yours"):
        noting.flush()
    owner.execute("GRANT EXECUTE ON FUNCTION cop.note_reads(jsonb) TO cop_app")
    assert noting.flush(finish=True) == 1
    with writing(VisibleSet(), "audit") as connection:
        note(connection, [])
    assert owner.execute("SELECT count(*) FROM cop.audit").fetchone() == (1,)
