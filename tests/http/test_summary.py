"""Summaries: every number is that of a reference in Python, for each audience, and its link gives exactly its records."""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest

from cop.visible import LABELS, Audience
from cop_server.cluster import Cluster, create_database, drop_database
from cop_server.identity import keys

NOW = datetime.now(UTC)
ACTIVE = ("reported", "confirmed", "responding", "controlled")
STATUSES = (*ACTIVE, "completed", "cancelled")
CATEGORIES = ("flood", "landslide", "road")
DEPARTMENTS = ("DSD", "FSD", "CEDD")
DISTRICTS = ("CW", "TM", "N", None)
SEVERITIES = ("minor", "severe", None)
RELEASES = ("public", "press", "partner", "departments", "owner")
ROWS = 400


@dataclass(frozen=True)
class Row:
    """An incident of the reference."""

    id: str
    message_status: str
    release: str
    department: str
    category: str
    district: str | None
    status: str
    severity: str | None
    major: bool | None
    duplicate_of: str | None
    reported_at: datetime
    estimated_completion_at: datetime | None
    lon: float


@dataclass(frozen=True)
class Asker:
    """An audience with its credentials."""

    name: str
    audience: Audience
    department: str | None
    headers: dict[str, str]

    def sees(self, row: Row) -> bool:
        """The contract's table of audiences."""
        if row.message_status != "exercise":
            return False
        if row.release == "owner":
            return self.audience == "emsc" or (self.audience == "departments" and self.department == row.department)
        return row.release in LABELS[self.audience]


def made_up(nth: int) -> Row:
    draw = random.Random(nth)
    return Row(
        f"S-{nth:03}", draw.choice(("exercise", "exercise", "exercise", "actual")), draw.choice(RELEASES),
        draw.choice(DEPARTMENTS), draw.choice(CATEGORIES), draw.choice(DISTRICTS), draw.choice(STATUSES),
        draw.choice(SEVERITIES), draw.choice((True, False, None)), draw.choice((None, None, None, "S-000")),
        NOW - timedelta(minutes=draw.randrange(10, 8000)),
        draw.choice((None, NOW - timedelta(hours=3), NOW + timedelta(hours=3))), 114.0 + nth / 1000,
    )  # fmt: skip


REFERENCE = [made_up(nth) for nth in range(ROWS)]


def store_row(owner: psycopg.Connection[Any], table: str, values: dict[str, object], place: str | None = None) -> None:
    names = ", ".join(values)
    places = ", ".join(f"%({name})s" for name in values)
    shape = ("", "") if place is None else (", geom", f", ST_GeomFromText('{place}', 4326)")
    owner.execute(f'INSERT INTO layer."{table}" ({names}{shape[0]}) VALUES ({places}{shape[1]})', values)


@pytest.fixture(scope="module")
def database(cluster: Cluster, template: str) -> Iterator[Cluster]:
    name = f"t_summary_{os.getpid()}"
    made = create_database(cluster, name, template)
    with psycopg.connect(made.owner_dsn, autocommit=True) as owner:
        for row in REFERENCE:
            values = {key: value for key, value in vars(row).items() if key != "lon"}
            more = {
                "title_en": row.id,
                "source": "test",
                "source_ref": row.id,
                "provenance": "exercise",
                "position_released": True,
            }
            store_row(owner, "incidents", values | more, f"POINT({row.lon} 22.3)")
        labels = {"message_status": "exercise", "release": "public", "source": "test", "provenance": "exercise"}
        for code, ended in (("TC10", None), ("WL", None), ("TC8NE", NOW)):
            store_row(owner, "warnings", labels | {
                "id": f"W-{code}", "code": code, "name_en": code, "name_zh": code, "action": "issue", "source_ref": code,
                "issued_at": NOW - timedelta(hours=2), "ended_at": ended, "department": "HKO"})  # fmt: skip
        for nth, (acknowledged, release) in enumerate(((None, "public"), (NOW, "public"), (None, "departments"))):
            store_row(owner, "requests", labels | {
                "id": f"R-{nth}", "asked_at": NOW, "department": "DSD", "from_department": "DSD",
                "to_department": "HyD", "kind": "ask", "text_en": "Pumps", "acknowledged_at": acknowledged,
                "source_ref": str(nth), "release": release})  # fmt: skip
        store_row(owner, "control-centres", labels | {
            "id": "DSD.exercise", "department": "DSD", "name_en": "DSD centre", "active": True,
            "since": NOW - timedelta(hours=4), "source_ref": "DSD"})  # fmt: skip
        store_row(owner, "feeds", labels | {
            "id": "gauges.exercise", "title_en": "Rain gauges", "title_zh": "雨量站", "department": "HKO",
            "state": "down", "source_ref": "gauges"})  # fmt: skip
    yield made
    drop_database(cluster, name)


@pytest.fixture(scope="module")
def http(database: Cluster, start_server_once: Callable[..., str]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=start_server_once(database.app_dsn), timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def askers(database: Cluster) -> list[Asker]:
    known = [Asker("nobody", "public", None, {})]
    roles: tuple[tuple[str, str | None, Audience], ...] = (
        ("press", None, "press"), ("partner", None, "partner"), ("viewer", "DSD", "departments"),
        ("emsc", None, "emsc"),
    )  # fmt: skip
    for role, department, audience in roles:
        _, key = keys.create(database.owner_dsn, f"test {role}", role, department, None)
        known.append(Asker(role, audience, department, {"X-API-Key": key}))
    return known


def ask(http: httpx.Client, parameters: dict[str, str] | None = None, who: Asker | None = None) -> dict[str, Any]:
    answer = http.get("/summary", params=parameters or {}, headers=who.headers if who else {})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def counts(found: dict[str, Any], column: str) -> dict[str | None, int]:
    (of_column,) = (one for one in found["counts"] if one["column"] == column)
    return {group["value"]: group["count"] for group in of_column["groups"]}


def totals(found: dict[str, Any]) -> dict[str, int]:
    return {one["name"]: one["count"] for one in found["totals"]}


def counted(rows: list[Row]) -> list[Row]:
    return [row for row in rows if row.status != "cancelled" and row.duplicate_of is None]


def hours_of(rows: list[Row], hours: int = 72) -> dict[str | None, int]:
    first = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=hours - 1)
    kept: Counter[str | None] = Counter()
    for row in rows:
        hour = row.reported_at.replace(minute=0, second=0, microsecond=0)
        kept[hour.isoformat().replace("+00:00", "Z") if hour >= first else None] += 1
    return dict(kept)


def agree(found: dict[str, Any], rows: list[Row]) -> None:
    """The answer has the numbers that the reference has of these rows."""
    assert found["numberMatched"] == len(rows)
    for column in ("department", "category", "district", "status", "severity"):
        assert counts(found, column) == dict(Counter(getattr(row, column) for row in rows)), column
    active = [row for row in rows if row.status in ACTIVE]
    assert totals(found) == {
        "active": len(active),
        "done": sum(row.status == "completed" for row in rows),
        "major": sum(bool(row.major) for row in rows),
        "overdue": sum(row.estimated_completion_at is not None and row.estimated_completion_at < NOW for row in active),
    }
    said_hours = {hour and datetime.fromisoformat(hour): n for hour, n in counts(found, "reported_at").items()}
    assert said_hours == {hour and datetime.fromisoformat(hour): n for hour, n in hours_of(rows).items()}


def test_each_audience_has_the_numbers_of_what_it_may_see(http: httpx.Client, askers: list[Asker]) -> None:
    seen = set()
    for who in askers:
        rows = counted([row for row in REFERENCE if who.sees(row)])
        agree(ask(http, who=who), rows)
        seen.add(len(rows))
    assert len(seen) == len(askers)


@pytest.mark.parametrize(
    ("parameters", "holds"),
    [
        ({"department": "DSD"}, lambda row: row.department == "DSD"),
        ({"filter": "category = 'flood' OR major = TRUE"}, lambda row: row.category == "flood" or bool(row.major)),
        ({"filter": json.dumps({"op": "=", "args": [{"property": "status"}, "completed"]}), "filter-lang": "cql2-json"},
         lambda row: row.status == "completed"),
        ({"bbox": "114.05,22.2,114.1505,22.4"}, lambda row: 114.05 <= row.lon <= 114.1505),
        ({"datetime": f"{(NOW - timedelta(hours=30)):%Y-%m-%dT%H:%M:%SZ}/.."},
         lambda row: row.reported_at >= (NOW - timedelta(hours=30)).replace(microsecond=0)),
        ({"severity": "severe", "category": "road"}, lambda row: row.severity == "severe" and row.category == "road"),
    ],
)  # fmt: skip
def test_every_filter_of_items_narrows(
    http: httpx.Client, askers: list[Asker], parameters: dict[str, str], holds: Callable[[Row], bool]
) -> None:
    for who in (askers[0], askers[-1]):
        found = ask(http, parameters, who)
        agree(found, counted([row for row in REFERENCE if who.sees(row) and holds(row)]))
        assert found["numberMatched"] > 0 or who is not askers[-1]


def test_what_is_left_out_can_be_asked_for(http: httpx.Client, askers: list[Asker]) -> None:
    who = askers[-1]
    seen = [row for row in REFERENCE if who.sees(row)]
    agree(ask(http, {"include": "duplicates,cancelled"}, who), seen)
    agree(ask(http, {"include": "cancelled"}, who), [row for row in seen if row.duplicate_of is None])
    assert ask(http, {"include": "cancelled"}, who)["leftOut"] == ["duplicates"]


@pytest.mark.parametrize(
    "parameters",
    [{}, {"filter": "major = TRUE OR category = 'flood'", "include": "cancelled"}, {"bbox": "114,22.2,114.1,22.4"},
     {"filter": json.dumps({"op": "=", "args": [{"property": "department"}, "FSD"]}), "filter-lang": "cql2-json"}],
)  # fmt: skip
def test_each_link_gives_exactly_the_records_of_its_number(
    http: httpx.Client, askers: list[Asker], parameters: dict[str, str]
) -> None:
    who = askers[1]
    found = ask(http, parameters, who)
    groups = [group for column in found["counts"] for group in column["groups"]]
    numbered = [*found["totals"], *groups, *found["current"]]
    assert len(groups) > 20
    for one in [*numbered, {"items": found["items"], "count": found["numberMatched"]}]:
        answer = http.get(one["items"], params=httpx.URL(one["items"]).params.set("limit", "1"), headers=who.headers)
        assert answer.status_code == 200, answer.text
        assert answer.json()["numberMatched"] == one["count"], one["items"]


def test_what_matters_now_stands_beside(http: httpx.Client, askers: list[Asker]) -> None:
    for who, requests in ((askers[0], ["R-0"]), (askers[-1], ["R-0", "R-2"])):
        current = {one["collection"]: one for one in ask(http, who=who)["current"]}
        assert {one["id"] for one in current["warnings"]["records"]} == {"W-TC10", "W-WL"}
        assert [one["id"] for one in current["requests"]["records"]] == requests
        assert current["requests"]["count"] == len(requests)
        (centre,) = current["control-centres"]["records"]
        assert centre["department"] == "DSD"
        assert datetime.fromisoformat(centre["since"]) == NOW - timedelta(hours=4)
        assert current["feeds"]["count"] == 1


def test_it_says_in_both_languages_what_the_numbers_are_of(http: httpx.Client) -> None:
    found = ask(http, {"category": "flood"})
    assert found["said"]["en"].startswith("Incidents, exercise records, as the public sees them, at ")
    assert (
        "only where Category is Flooding; reports that repeat another and cancelled ones are left out."
        in found["said"]["en"]
    )
    assert found["said"]["zh"].startswith("事故，演習記錄，公眾可見者，")
    assert "只計類別為水浸；不計重複報告及已取消者。" in found["said"]["zh"]
    assert found["caveats"] == [
        {"en": "Feeds that are late, stale or down: Rain gauges. What they would have brought is not counted.",
         "zh": "遲到、過時或中斷的資料來源：雨量站。其應有資料未計算在內。"}]  # fmt: skip
    assert found["mode"] == "exercise"
    titles = {lang: ask(http, {"lang": lang})["totals"][0]["title"] for lang in ("en", "zh")}
    assert titles == {"en": "Active", "zh": "處理中個案"}


def test_a_summary_of_the_past_has_the_numbers_of_then(
    http: httpx.Client, database: Cluster, askers: list[Asker]
) -> None:
    who = askers[-1]
    before = ask(http, who=who)
    row = next(
        row for row in counted(REFERENCE) if who.sees(row) and row.status == "reported" and row.release == "public"
    )
    with psycopg.connect(database.owner_dsn, autocommit=True) as owner:
        owner.execute("UPDATE layer.incidents SET status = 'completed' WHERE id = %s", [row.id])
        try:
            after = ask(http, who=who)
            changed = [replace(one, status="completed") if one.id == row.id else one for one in REFERENCE]
            agree(after, counted([one for one in changed if who.sees(one)]))
            assert after["sequence"] > before["sequence"]
            then = ask(http, {"asof": str(before["sequence"])}, who)
            agree(then, counted([one for one in REFERENCE if who.sees(one)]))
            assert "as known at" in then["said"]["en"]
            link = next(one["items"] for one in before["totals"] if one["name"] == "active")
            pinned = http.get(link, headers=who.headers).json()["numberMatched"]
            assert pinned == totals(before)["active"] == totals(after)["active"] + 1
        finally:
            owner.execute("UPDATE layer.incidents SET status = 'reported' WHERE id = %s", [row.id])


def test_it_is_kept_until_something_that_the_set_sees_changes(
    http: httpx.Client, database: Cluster, askers: list[Asker]
) -> None:
    public, emsc = askers[0], askers[-1]
    tags = {who.name: http.get("/summary", headers=who.headers).headers["ETag"] for who in (public, emsc)}

    def known(who: Asker) -> int:
        return http.get("/summary", headers=who.headers | {"If-None-Match": tags[who.name]}).status_code

    if [known(public), known(emsc)] != [304, 304]:  # a minute has begun between the two
        tags = {who.name: http.get("/summary", headers=who.headers).headers["ETag"] for who in (public, emsc)}
        assert [known(public), known(emsc)] == [304, 304]
    secret = next(row for row in REFERENCE if row.message_status == "exercise" and row.release == "departments")
    with psycopg.connect(database.owner_dsn, autocommit=True) as owner:
        owner.execute("UPDATE layer.incidents SET title_en = 'changed' WHERE id = %s", [secret.id])
        assert known(emsc) == 200
        owner.execute("UPDATE layer.warnings SET name_en = 'Signal' WHERE id = 'W-WL'")
        assert known(public) == 200
    answer = http.get("/summary", headers=emsc.headers)
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert http.get("/summary").headers["Cache-Control"] == "no-cache"


def test_the_process_gives_the_same(http: httpx.Client, askers: list[Asker]) -> None:
    listed = http.get("/processes").json()
    assert [one["id"] for one in listed["processes"]] == ["summary"]
    about = http.get("/processes/summary").json()
    assert about["jobControlOptions"] == ["sync-execute"]
    assert about["inputs"]["collection"]["schema"]["enum"] == ["incidents"]
    for who in (askers[0], askers[-1]):
        inputs = {"collection": "incidents", "filter": {"op": "=", "args": [{"property": "category"}, "flood"]}}
        done = http.post("/processes/summary/execution", json={"inputs": inputs}, headers=who.headers)
        assert done.status_code == 200, done.text
        wanted = ask(http, {"filter": "category = 'flood'"}, who)
        for name in ("numberMatched", "sequence", "said"):
            assert done.json()[name] == wanted[name]
        assert totals(done.json()) == totals(wanted)
        whole = http.post("/processes/summary/execution", json={"inputs": inputs, "response": "document"},
                          headers=who.headers)  # fmt: skip
        assert whole.json()["summary"]["numberMatched"] == wanted["numberMatched"]


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"collection": "nothing"}, "collection"), ({"collection": "districts"}, "collection"),
        ({"include": "withdrawn"}, "include"), ({"hours": "0"}, "hours"), ({"hours": "many"}, "hours"),
        ({"limit": "5"}, "limit"), ({"sortby": "status"}, "sortby"), ({"colour": "red"}, "colour"),
        ({"filter": "no_such = 1"}, "filter"), ({"filter": "dead > 1"}, "filter"), ({"asof": "99999999"}, "asof"),
        ({"bbox": "1,2"}, "bbox"), ({"mode": "real"}, "mode"),
    ],
)  # fmt: skip
def test_what_cannot_be_counted_is_refused_by_name(http: httpx.Client, parameters: dict[str, str], named: str) -> None:
    answer = http.get("/summary", params=parameters)
    assert answer.status_code == 400
    assert answer.json()["parameter"] == named


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{", 400), (b"[]", 400), (b'{"inputs": 3}', 400), (b'{"inputs": {"hours": "x"}}', 400),
     (b'{"response": "xml"}', 400), (b" " * 200_000, 400), (b"{}", 200), (b"", 200)],
)  # fmt: skip
def test_what_is_no_execution_is_refused(http: httpx.Client, body: bytes, status: int) -> None:
    answer = http.post("/processes/summary/execution", content=body)
    assert answer.status_code == status
    assert http.post("/processes/other/execution", content=b"{}").status_code == 404
