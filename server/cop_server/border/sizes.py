"""Sizes of a request: its address and its parameters. Headers are bounded as they are read (protocol.py)."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.types import Scope

MOST_PARAMETERS = 100


@dataclass(frozen=True, slots=True)
class Oversize:
    """What is too large about a request."""

    status: int
    title: str
    detail: str


def fault_of(scope: Scope, longest: int) -> Oversize | None:
    """What is too large about a request's address; None where nothing is."""
    query: bytes = scope["query_string"]
    length = len(scope.get("raw_path") or b"") + len(query)
    if length > longest:
        return Oversize(414, "Too long", f"The address is {length} bytes long; at most {longest} are read.")
    if query.count(b"&") >= MOST_PARAMETERS:
        return Oversize(414, "Too long", f"The address has more than {MOST_PARAMETERS} parameters.")
    return None
