"""Summaries in the OpenAPI document."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cop.query.summary import HOURS, MAX_HOURS

Json = dict[str, Any]


def summary_paths(operation: Callable[..., Json], given: Callable[..., list[Json]], body: Callable[..., Json]) -> Json:
    """Counts, as an address and as a process."""
    filters = ("bbox", "bbox-crs", "datetime", "filter", "filter-lang", "filter-crs")
    common = ("asof", "mode", "lang")
    paths = {
        "/summary": operation(
            "summary", "Counts of a collection's records, each with the link to them", "server",
            given("collection", *filters, "include", "hours", *common), body("The counts"),
        ),
        "/processes": operation("processes", "The processes", "server", given("lang"), body("The list")),
        "/processes/{processId}": operation(
            "process", "A process", "server", given("processId", "lang"), body("Its description")
        ),
    }  # fmt: skip
    done = operation(
        "execute", "Run a process; the inputs are the parameters of /summary", "server", given("processId"),
        body("The counts"),
    )["get"]  # fmt: skip
    asked = {"required": True, "content": {"application/json": {"schema": {
        "type": "object", "properties": {"inputs": {"type": "object"},
                                         "response": {"type": "string", "enum": ["raw", "document"]}}}}}}  # fmt: skip
    return paths | {"/processes/{processId}/execution": {"post": done | {"requestBody": asked}}}


def summary_parameters() -> Json:
    """The parameters that these addresses alone have."""
    text = {"type": "string"}
    query = {
        "collection": ("The collection that is counted", {**text, "default": "incidents"}),
        "include": ("Counted too, with commas between: duplicates, cancelled",
                    {"type": "array", "items": text}),
        "hours": ("How many hours before the moment are counted one by one",
                  {"type": "integer", "minimum": 1, "maximum": MAX_HOURS, "default": HOURS}),
    }  # fmt: skip
    made: Json = {
        name: {"name": name, "in": "query", "required": False, "description": about, "schema": schema}
        for name, (about, schema) in query.items()
    }
    made["include"] |= {"style": "form", "explode": False}
    made["processId"] = {"name": "processId", "in": "path", "required": True,
                         "schema": {"type": "string", "enum": ["summary"]}}  # fmt: skip
    return made
