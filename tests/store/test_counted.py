"""Counts over many records: read from an index alone, and right whatever the columns hold."""

from __future__ import annotations

import json

import psycopg
import pytest

from cop.catalogue import Layer, catalogue
from cop.query.counted import key, key_columns
from cop.query.counting import count, count_plan
from cop.query.summary import read_tally
from cop.visible import VisibleSet
from cop_server.cluster import Cluster

INCIDENTS = catalogue().layers["incidents"]
PUBLIC = VisibleSet()
FILL = """
INSERT INTO layer.incidents (id, category, department, district, severity, status, major, reported_at, source_ref,
    message_status, release, position_released, provenance, title_en)
SELECT 'C-' || n, (ARRAY['flood', 'road', NULL, 'not, a: code', ''])[1 + n % 5], (ARRAY['DSD', 'FSD'])[1 + n % 2],
    (ARRAY['TM', 'N', NULL])[1 + n % 3], 'minor', (ARRAY['reported', 'completed'])[1 + n % 2],
    (ARRAY[true, false, NULL])[1 + n % 3], date_trunc('hour', now()) - n * interval '10 minutes', n::text,
    'exercise', 'public', true, 'exercise', 'tried'
FROM generate_series(0, 2999) AS n
"""


def test_a_summary_reads_the_index_of_counted_columns_and_no_record(store: Cluster) -> None:
    with psycopg.connect(store.owner_dsn, autocommit=True) as owner:
        owner.execute(FILL)
        owner.execute("VACUUM (ANALYZE) layer.incidents")
    plan = count_plan(read_tally(INCIDENTS, PUBLIC, {}))
    with psycopg.connect(store.app_dsn, autocommit=True) as app:
        app.execute("SELECT set_config('cop.visible', %s, false)", ["{" + ",".join(PUBLIC.classes) + "}"])
        told = json.dumps(app.execute(f"EXPLAIN (FORMAT JSON) {_text(plan.statement, app)}", plan.values).fetchone())
    assert '"Index Only Scan", ' in told
    assert '"Index Name": "incidents_counted_' in told
    assert '"Strategy": "Sorted"' in told, "the index gives the keys in their order"


def _text(statement: object, connection: psycopg.Connection[tuple[object, ...]]) -> str:
    assert isinstance(statement, psycopg.sql.Composed)
    return statement.as_string(connection)


def test_values_that_no_list_has_are_counted_as_they_are(store: Cluster) -> None:
    with psycopg.connect(store.owner_dsn, autocommit=True) as owner:
        owner.execute(FILL)
    found = count(read_tally(INCIDENTS, PUBLIC, {"hours": "2"}))
    assert found.matched == 3000
    assert {group.value: group.count for group in found.groups["category"]} == dict.fromkeys(
        ("flood", "road", None, "not, a: code", ""), 600
    )
    assert found.totals == {"active": 1500, "done": 1500, "major": 1000, "overdue": 0}
    hours = {group.value: group.count for group in found.groups["reported_at"]}
    assert sum(hours.values()) == 3000
    assert sorted(hours.values()) in ([1, 6, 2993], [1, 2999]), "the second where an hour has just begun"


@pytest.mark.parametrize("counted", ["major", "reported_at"])
def test_a_layer_may_count_by_yes_and_no_alone_or_by_times_alone(store: Cluster, counted: str) -> None:
    raw = INCIDENTS.model_dump(by_alias=True)
    raw["summary"] = {}
    for column in raw["columns"]:
        column["counted"] = column["name"] == counted
    layer = Layer.model_validate(raw)
    assert [column.name for column in key_columns(layer)] == [counted] * (counted == "major")
    with psycopg.connect(store.owner_dsn, autocommit=True) as owner:
        owner.execute(FILL)
        assert owner.execute("SELECT cop.apply_counted('incidents', %s, %s)",
                             [[counted], key(layer).as_string()]).fetchone() == (True,)  # fmt: skip
    found = count(read_tally(layer, PUBLIC, {}))
    numbers = {group.value: group.count for group in found.groups[counted]}
    assert (found.matched, found.totals, sum(numbers.values())) == (3000, {}, 3000)
    if counted == "major":
        assert numbers == {"true": 1000, "false": 1000, None: 1000}
    else:
        assert set(numbers.values()) == {1, 6, numbers[None]}


def test_nothing_to_count_is_counted_at_the_present_number(store: Cluster) -> None:
    with psycopg.connect(store.owner_dsn, autocommit=True) as owner:
        owner.execute(FILL)
    found = count(read_tally(INCIDENTS, PUBLIC, {"filter": "category = 'landslide'"}))
    assert (found.matched, found.totals["active"], found.groups["category"]) == (0, 0, [])
    assert found.n > 0
