"""The log: lines of JSON that tell what went wrong and where, and nothing of whom or what was sent."""

from __future__ import annotations

import json
import logging
import sys

import psycopg

from cop.errors import StoreTrouble
from cop_server.border.about import About, current
from cop_server.border.log import Lines, Words


def record(message: str, *, trace: bool = False, **more: object) -> logging.LogRecord:
    made = logging.LogRecord("cop.x", logging.ERROR, __file__, 1, message, (), sys.exc_info() if trace else None)
    made.__dict__.update(more)
    return made


def test_a_request_is_one_line_without_its_path_and_client() -> None:
    known = About(id="an-id", client="203.0.113.1", method="GET", route="/collections/{collection}", status=200, sent=7)
    line = json.loads(Lines().format(record("request", about=known)))
    assert {"request": "an-id", "route": "/collections/{collection}", "status": 200, "bytes": 7}.items() <= line.items()
    assert line["time"].endswith("Z")
    assert "203.0.113.1" not in json.dumps(line)


def test_an_error_tells_where_and_not_what_was_sent() -> None:
    told = current.set(About(id="an-id"))
    try:
        try:
            int("Chan Tai Man")
        except ValueError:
            try:
                raise psycopg.errors.UniqueViolation("Key (source_ref)=(Chan Tai Man) already exists")
            except psycopg.Error as exc:
                try:
                    raise StoreTrouble("The store does not answer.") from exc
                except StoreTrouble:
                    made = record("failed", trace=True)
        line = json.loads(Lines().format(made))
    finally:
        current.reset(told)
    assert line["request"] == "an-id"
    assert any("test_log.py" in part for part in line["trace"])
    assert "StoreTrouble: The store does not answer." in line["trace"]
    assert any(part.startswith("UniqueViolation") for part in line["trace"])
    for form in (Lines(), Words()):
        assert "Chan" not in form.format(made)


def test_what_others_log_tells_where_and_not_what_was_sent() -> None:
    made = record("Bad CQL text: title_en='Chan Tai Man")
    for form in (Lines(), Words()):
        assert "Chan" in form.format(made)
    for name in ("pygeoapi.api.itemtypes", "pycsw", "py.warnings"):
        made.name = name
        for form in (Lines(), Words()):
            said = form.format(made)
            assert "Chan" not in said
            assert "test_log:1" in said
            assert name in said
