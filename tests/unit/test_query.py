"""Questions: parameters read strictly, filters compiled to parameters, cursors that cannot be forged."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cop.catalogue import catalogue
from cop.crs import CRS84, EPSG2326, EPSG4326, crs_of
from cop.errors import Refused
from cop.query.bind import Values
from cop.query.canonical import question_hash
from cop.query.cql import read_filter
from cop.query.cursor import read_cursor, write_cursor
from cop.query.filter import Compiler
from cop.query.parse import read_bbox, read_interval, read_items
from cop.query.question import MAX_LIMIT, Position, SortKey
from cop.visible import VisibleSet

# `make soak` and `make fuzz` run the same properties at length.
LENGTH = 50 if os.environ.get("COP_TEST_LENGTH") == "long" else 1

INCIDENTS = catalogue().layers["incidents"]
PUBLIC = VisibleSet()


def compiled(text: str) -> tuple[str, list[object]]:
    bound = Values()
    condition = Compiler(INCIDENTS, "public", bound).condition(read_filter(text, "cql2-text"))
    return condition.as_string(), list(bound.by_name.values())


@pytest.mark.parametrize(
    ("text", "sql", "values"),
    [
        ("status = 'reported'", '(t."status" = %(v0)s::text)', ["reported"]),
        ("major = true AND lanes_closed >= 2", '((t."major" = %(v0)s::boolean) AND (t."lanes_closed" >= %(v1)s::bigint))',
         [True, 2]),
        ("status IN ('reported','confirmed')", '(t."status" IN (%(v0)s::text, %(v1)s::text))', ["reported", "confirmed"]),
        ("NOT district IS NULL", '(NOT (t."district" IS NULL))', []),
        ("title_en LIKE '50\\%%'", '(t."title_en" LIKE %(v0)s)', ["50\\%%"]),
        ("CASEI(title_en) LIKE CASEI('%Road_')", '(lower(t."title_en") LIKE lower(%(v0)s::text))', ["%Road_"]),
        ("lanes_closed BETWEEN 1 AND 3", '(t."lanes_closed" BETWEEN %(v0)s::bigint AND %(v1)s::bigint)', [1, 3]),
        ("A_CONTAINS(participants, ('HyD','DSD'))", '(t."participants" @> %(v0)s::text[])', [["HyD", "DSD"]]),
    ],
)  # fmt: skip
def test_filters_become_parameters(text: str, sql: str, values: list[object]) -> None:
    assert compiled(text) == (sql, values)


@pytest.mark.parametrize(
    "attack",
    [
        "title_en = 'x''; DROP TABLE layer.incidents; --'",
        "title_en LIKE '%''%'",
        "status IN ('a'') OR (1=1) --')",
    ],
)
def test_no_value_ever_stands_in_the_sql(attack: str) -> None:
    sql, values = compiled(attack)
    assert "DROP" not in sql
    assert "1=1" not in sql
    assert values


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("dead > 0", "'dead' is not a queryable"),  # hidden from the public profile: not even its existence
        ("cls = 'public'", "'cls' is not a queryable"),
        ("status = 3", "status takes a text"),
        ("lanes_closed = 'two'", "takes a whole number"),
        ("reported_at > 'yesterday'", "RFC 3339"),
        ("participants = 'HyD'", "is a list"),
        ("S_INTERSECTS(status, POINT(1 1))", "is not a geometry"),
        ("pg_sleep(10) = 1", "not"),
        ("status", "takes a text"),
        ("'a' = 'b'", "needs a queryable"),
        ("status = lanes_closed", "different types"),
        ("lanes_closed + title_en > 1", "is not a number"),
        ("", "is not CQL2"),
        ("((((", "is not CQL2"),
    ],
)
def test_bad_filters_are_refused_by_name(text: str, told: str) -> None:
    with pytest.raises(Refused) as caught:
        compiled(text)
    assert caught.value.parameter == "filter"
    assert told in caught.value.detail


def test_deep_and_long_filters_are_refused() -> None:
    with pytest.raises(Refused, match="nested deeper"):
        read_filter('{"op":"not","args":[' * 40 + "true" + "]}" * 40, "cql2-json")
    with pytest.raises(Refused, match="longer than"):
        read_filter("x" * 30_000, "cql2-text")


@pytest.mark.parametrize("text", ["(" * 9000 + "major = true" + ")" * 9000, "NOT " * 4900 + "major = true",
                                  "lanes_closed = " + "-" * 5000 + "1", "CASEI(" * 2000 + "title_en" + ")" * 2000])  # fmt: skip
def test_what_would_exhaust_the_parsers_stack_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="nested deeper"):
        read_filter(text, "cql2-text")


def test_many_alternatives_do_not_nest() -> None:
    _, values = compiled(" OR ".join(f"title_en = '{n}'" for n in range(900)))
    assert len(values) == 900


def test_a_geometry_has_a_limit_of_vertices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cop.query.cql.MAX_VERTICES", 10)
    with pytest.raises(Refused, match="vertices"):
        compiled("S_WITHIN(geometry, LINESTRING(" + ", ".join(f"{n} 0" for n in range(12)) + "))")


@settings(max_examples=300 * LENGTH, deadline=None)
@given(st.text(max_size=60))
def test_any_text_as_a_filter_is_compiled_or_refused_fuzz(text: str) -> None:
    try:
        compiled(text)
    except Refused:
        return


@settings(max_examples=300 * LENGTH, deadline=None)
@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["op", "args", "property", "type", "coordinates", "timestamp", "interval", "bbox", "date"]), inner,
        max_size=3),
    max_leaves=12,
))  # fmt: skip
def test_any_json_as_a_filter_is_compiled_or_refused_fuzz(tree: object) -> None:
    try:
        node = read_filter(json.dumps(tree), "cql2-json")
        Compiler(INCIDENTS, "public", Values()).condition(node)
    except Refused:
        return


@settings(max_examples=300 * LENGTH, deadline=None)
@given(st.dictionaries(
    st.sampled_from(["bbox", "datetime", "limit", "offset", "sortby", "crs", "properties", "filter", "status", "bbox-crs"]),
    st.text(max_size=30), max_size=4,
))  # fmt: skip
def test_any_parameters_are_read_or_refused_fuzz(parameters: dict[str, str]) -> None:
    try:
        read_items(INCIDENTS, PUBLIC, parameters)
    except Refused:
        return


def test_boxes_follow_the_axis_order_of_their_crs() -> None:
    plain = read_bbox("113.9,22.2,114.1,22.4", None)
    turned = read_bbox("22.2,113.9,22.4,114.1", EPSG4326.uri)
    assert plain is not None
    assert turned is not None
    assert (plain.x1, plain.y1, plain.x2, plain.y2) == (turned.x1, turned.y1, turned.x2, turned.y2)
    grid = read_bbox("815000,830000,820000,840000", "EPSG:2326")
    assert grid is not None
    assert (grid.x1, grid.y1) == (830000, 815000)


def test_heights_in_a_box_are_left_aside() -> None:
    box = read_bbox("113.9,22.2,-5,114.1,22.4,100", None)
    assert box is not None
    assert (box.x2, box.y2) == (114.1, 22.4)


@pytest.mark.parametrize("text", ["1,2,3", "a,b,c,d", "1,2,3,nan", "114,23,115,22", "-200,0,0,0", "1,2,3,4,5", ""])
def test_broken_boxes_are_refused(text: str) -> None:
    with pytest.raises(Refused) as caught:
        read_bbox(text, None)
    assert caught.value.parameter == "bbox"
    assert caught.value.example


@pytest.mark.parametrize("text", ["", "..", "2025", "2025-13-01", "a/b", "2025-02-02T00:00:00Z/2025-01-01T00:00:00Z", "1/2/3",
                                  "2025-01-01T00:00:00"])  # fmt: skip
def test_broken_times_are_refused(text: str) -> None:
    with pytest.raises(Refused):
        read_interval(text)


def test_open_intervals_and_instants() -> None:
    instant = read_interval("2025-09-23T08:00:00+08:00")
    assert instant is not None
    assert instant.start == instant.end
    assert instant.start is not None
    assert instant.start.isoformat() == "2025-09-23T00:00:00+00:00"
    for text in ("../2025-09-23T00:00:00Z", "/2025-09-23T00:00:00Z"):
        ended = read_interval(text)
        assert ended is not None
        assert ended.start is None


def test_limits_are_capped_and_zero_is_refused() -> None:
    assert read_items(INCIDENTS, PUBLIC, {"limit": "999999"}).question.limit == MAX_LIMIT
    for wrong in ("0", "-1", "1.5", "ten", "１"):
        with pytest.raises(Refused, match="limit"):
            read_items(INCIDENTS, PUBLIC, {"limit": wrong})


def test_sort_keys_and_unknown_ones() -> None:
    question = read_items(INCIDENTS, PUBLIC, {"sortby": "-reported_at,+id"}).question
    assert question.sort == (SortKey("reported_at", True), SortKey("id"))
    for wrong in ("dead", "participants", "nothing", ""):
        with pytest.raises(Refused, match="sortby"):
            read_items(INCIDENTS, PUBLIC, {"sortby": wrong})


def test_crs_by_uri_curie_and_code() -> None:
    assert crs_of(EPSG2326.uri, "crs") is crs_of("[EPSG:2326]", "crs") is crs_of("EPSG:2326", "crs")
    assert crs_of("http://www.opengis.net/def/crs/OGC/1.3/CRS84", "crs") is CRS84
    with pytest.raises(Refused, match="is not supported"):
        crs_of("EPSG:4490", "crs")


KEY = b"secret"


def test_a_cursor_comes_back_as_it_was() -> None:
    position = Position((1, None, "é", 2.5, True), True, 7, 99, 20)
    assert read_cursor(KEY, write_cursor(KEY, position, "q"), "q") == position


@pytest.mark.parametrize(
    "change", [lambda t: t[:-2] + "xx", lambda t: "x" + t, lambda t: "", lambda t: t.split(".")[0]]
)
def test_an_altered_cursor_is_refused(change) -> None:  # type: ignore[no-untyped-def]
    token = write_cursor(KEY, Position((1,), False, 1, 1, 0), "q")
    with pytest.raises(Refused, match="cursor"):
        read_cursor(KEY, change(token), "q")


def test_a_cursor_of_another_question_or_key_is_refused() -> None:
    token = write_cursor(KEY, Position((1,), False, 1, 1, 0), "q")
    with pytest.raises(Refused, match="another question"):
        read_cursor(KEY, token, "other")
    with pytest.raises(Refused, match="not a cursor"):
        read_cursor(b"other", token, "q")


OPERATORS = [
    "NOT status = 'reported'", "status NOT IN ('reported')", "title_en NOT LIKE '%x'", "district IS NOT NULL",
    "lanes_closed NOT BETWEEN 1 AND 2", "NOT (major = true OR NOT severity = 'minor')", "S_DISJOINT(geometry, POINT(114 22))",
    "T_DURING(reported_at, INTERVAL('..', '2025-09-23T00:00:00Z'))", "A_CONTAINS(participants, ('FSD'))", "lanes_closed ^ 2 > 3",
]  # fmt: skip
SCRIPT = """
import sys
from cop.query.canonical import question_hash
from cop.query.cql import read_filter
for text in sys.argv[1:]:
    print(question_hash(read_filter(text, "cql2-text")))
"""


def test_one_filter_has_one_hash_in_every_process_and_no_other_filter_has_it() -> None:
    command = [sys.executable, "-c", SCRIPT, *OPERATORS]
    runs = {subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(2)}
    assert len(runs) == 1
    assert len(set(runs.pop().split())) == len(OPERATORS)


def test_what_has_no_canonical_text_is_not_hashed() -> None:
    with pytest.raises(TypeError, match="no canonical text"):
        question_hash(object())
