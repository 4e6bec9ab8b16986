"""CQL2 in: text by the library `cql2`, JSON as the standard has it, both into pygeofilter's AST.

The AST is the one intermediate form of every filter; what it cannot say is refused by name.
Source of the language: OGC 21-065r2, Common Query Language (CQL2).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

import cql2
import shapely
from pygeofilter import ast, values

from cop.errors import Refused

MAX_LENGTH = 20_000
MAX_DEPTH = 30
MAX_NESTING = 100
MAX_VERTICES = 10_000


@dataclass
class TimeIntersects(ast.TemporalPredicate):  # type: ignore[misc]
    """Two times share an instant. This node and those of arithmetic below are CQL2's, and not in pygeofilter's AST."""

    op = None


@dataclass
class Modulo(ast.Arithmetic):  # type: ignore[misc]
    """The remainder, with the sign of the dividend."""

    op = None


@dataclass
class IntegerDivision(ast.Arithmetic):  # type: ignore[misc]
    """Division without the fraction."""

    op = None


@dataclass
class Power(ast.Arithmetic):  # type: ignore[misc]
    """A number to the power of another."""

    op = None


_COMPARISONS: dict[str, Callable[[Any, Any], ast.Node]] = {
    "=": ast.Equal, "<>": ast.NotEqual, "<": ast.LessThan, "<=": ast.LessEqual,
    ">": ast.GreaterThan, ">=": ast.GreaterEqual,
    "+": ast.Add, "-": ast.Sub, "*": ast.Mul, "/": ast.Div, "%": Modulo, "div": IntegerDivision, "^": Power,
    "s_intersects": ast.GeometryIntersects, "s_disjoint": ast.GeometryDisjoint, "s_contains": ast.GeometryContains,
    "s_within": ast.GeometryWithin, "s_touches": ast.GeometryTouches, "s_crosses": ast.GeometryCrosses,
    "s_overlaps": ast.GeometryOverlaps, "s_equals": ast.GeometryEquals,
    "t_after": ast.TimeAfter, "t_before": ast.TimeBefore, "t_contains": ast.TimeContains,
    "t_disjoint": ast.TimeDisjoint,
    "t_during": ast.TimeDuring, "t_equals": ast.TimeEquals, "t_finishedby": ast.TimeEndedBy, "t_finishes": ast.TimeEnds,
    "t_intersects": TimeIntersects, "t_meets": ast.TimeMeets, "t_metby": ast.TimeMetBy,
    "t_overlappedby": ast.TimeOverlappedBy, "t_overlaps": ast.TimeOverlaps, "t_startedby": ast.TimeBegunBy,
    "t_starts": ast.TimeBegins,
    "a_equals": ast.ArrayEquals, "a_contains": ast.ArrayContains, "a_containedby": ast.ArrayContainedBy,
    "a_overlaps": ast.ArrayOverlaps,
}  # fmt: skip
_QUOTED = re.compile(r"'(?:[^']|'')*'")
_RUN_OF_PREFIXES = re.compile(rf"(?:(?:not\b|[-+])\s*){{{MAX_NESTING},}}", re.IGNORECASE)
_FOLDING = {"casei": "casei", "accenti": "accenti"}


def read_filter(text: str, language: Literal["cql2-text", "cql2-json"]) -> ast.Node:
    """A filter as an AST.

    Raises Refused naming `filter` where it is too long, too deep, no CQL2, or uses an operator that is not supported.
    """
    if len(text) > MAX_LENGTH:
        raise Refused(f"filter: longer than {MAX_LENGTH} characters", "filter", "status = 'reported'")
    tree = _parsed_text(text) if language == "cql2-text" else _parsed_json(text)
    node = _walk(tree, 0)
    if not isinstance(node, (ast.Node, bool)):
        raise _bad("it is a value, not a condition")
    return node if isinstance(node, ast.Node) else ast.Equal(node, True)


def _bad(why: str) -> Refused:
    return Refused(f"filter: {why}", "filter", "category = 'flood' AND major = true")


def _parsed_text(text: str) -> object:
    _check_nesting(text)
    try:
        return cql2.parse_text(text).to_json()
    except Exception as exc:  # the library raises its own errors and, on odd input, plain ones
        first = str(exc).strip().splitlines()
        raise _bad(f"is not CQL2 text ({first[0].strip() if first else 'it is empty'})") from exc


def _check_nesting(text: str) -> None:
    """Refuse what would exhaust the library's stack, which ends the whole process: it descends without a limit."""
    depth = deepest = 0
    for sign in _QUOTED.sub("", text):
        depth += (sign == "(") - (sign == ")")
        deepest = max(deepest, depth)
    if deepest > MAX_NESTING or _RUN_OF_PREFIXES.search(text):
        raise _bad(f"is nested deeper than {MAX_NESTING} levels")


def _parsed_json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise _bad("is not JSON; send CQL2 JSON, or name filter-lang=cql2-text") from exc


def _walk(node: object, depth: int) -> Any:
    """An AST of a CQL2-JSON tree; the types of pygeofilter's nodes are loose, so is this one's answer."""
    if depth > MAX_DEPTH:
        raise _bad(f"is nested deeper than {MAX_DEPTH} levels")
    if isinstance(node, str) and not _is_text(node):
        raise _bad("holds a character that is none")
    if node is None or isinstance(node, (str, int, float, bool)):
        return node
    if isinstance(node, list):
        return [_walk(part, depth + 1) for part in node]
    if not isinstance(node, dict):
        raise _bad("holds something that is not CQL2")
    if "op" in node:
        return _operation(str(node["op"]).lower(), node.get("args"), depth + 1)
    return _leaf(node, depth)


def _is_text(text: str) -> bool:
    """Half a surrogate pair can be escaped in JSON, but not be sent to the store; neither can NUL."""
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def _leaf(node: dict[str, Any], depth: int) -> Any:
    if "property" in node:
        return ast.Attribute(str(node["property"]))
    if "coordinates" in node or "geometries" in node:
        _check_vertices(node)
        _check_valid(node)
        return values.Geometry(node)
    if "bbox" in node:
        return values.Geometry(_box(node["bbox"]))
    if "timestamp" in node:
        return _time(node["timestamp"])
    if "date" in node:
        return _date(node["date"])
    if "interval" in node:
        start, end = (_interval_end(part, depth) for part in _arguments(node["interval"], 2, "interval"))
        return values.Interval(start, end)
    raise _bad(f"holds {sorted(map(str, node))[:3]}, which is not CQL2")


def _operation(op: str, raw: object, depth: int) -> Any:
    if op in ("and", "or"):
        parts = _walk(_arguments(raw, None, op), depth)
        return _balanced(ast.And if op == "and" else ast.Or, parts)
    if op in _COMPARISONS:
        left, right = _walk(_arguments(raw, 2, op), depth)
        return _COMPARISONS[op](left, right)
    if op == "not":
        return ast.Not(_walk(_arguments(raw, 1, op)[0], depth))
    if op == "isnull":
        return ast.IsNull(_walk(_arguments(raw, 1, op)[0], depth), False)
    if op == "between":
        value, low, high = _walk(_arguments(raw, 3, op), depth)
        return ast.Between(value, low, high, False)
    if op == "in":
        value, listed = _arguments(raw, 2, op)
        return ast.In(_walk(value, depth), _walk(_arguments(listed, None, op), depth), False)
    if op == "like":
        value, pattern = _walk(_arguments(raw, 2, op), depth)
        return ast.Like(value, pattern, False, "%", "_", "\\", False)
    if op in _FOLDING:
        return ast.Function(_FOLDING[op], [_walk(_arguments(raw, 1, op)[0], depth)])
    raise _bad(f"uses {op}, which is not supported here")


def _balanced(kind: type[ast.Combination], parts: list[Any]) -> Any:
    """The parts joined as a flat tree: joined one by one, a thousand of them would nest a thousand deep."""
    if len(parts) == 1:
        return parts[0]
    middle = len(parts) // 2
    return kind(_balanced(kind, parts[:middle]), _balanced(kind, parts[middle:]))


def _arguments(raw: object, count: int | None, op: str) -> list[Any]:
    if not isinstance(raw, list) or not raw or (count is not None and len(raw) != count):
        raise _bad(f"{op} takes {count or 'one or more'} arguments")
    return raw


def _box(raw: object) -> dict[str, Any]:
    numbers = raw if isinstance(raw, list) else []
    if len(numbers) == 6:
        numbers = [*numbers[0:2], *numbers[3:5]]
    if len(numbers) != 4 or not all(isinstance(n, (int, float)) for n in numbers):
        raise _bad("bbox takes four or six numbers")
    x1, y1, x2, y2 = numbers
    return {"type": "Polygon", "coordinates": [[[x1, y1], [x2, y1], [x2, y2], [x1, y2], [x1, y1]]]}


def _check_vertices(node: dict[str, Any]) -> None:
    stack: list[object] = [node.get("coordinates"), node.get("geometries")]
    numbers = 0
    while stack:
        part = stack.pop()
        if isinstance(part, dict):
            stack += [part.get("coordinates"), part.get("geometries")]
        elif isinstance(part, list):
            stack.extend(part)
        else:
            numbers += 1
        if numbers > 2 * MAX_VERTICES:
            raise _bad(f"has a geometry of more than {MAX_VERTICES} vertices")


def _check_valid(node: dict[str, Any]) -> None:
    """Refuse a geometry that means nothing; PostGIS would mend it silently, or answer nothing."""
    try:
        shape = shapely.from_geojson(json.dumps(node, allow_nan=False))
    except (shapely.errors.GEOSException, ValueError) as exc:
        raise _bad(f"has a geometry that cannot be read: {str(exc).strip()[:120]}") from exc
    if shape is None or not shape.is_valid:
        raise _bad(f"has a geometry that is not valid: {shapely.is_valid_reason(shape)}")


def _time(text: object) -> datetime:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        raise _bad(f"TIMESTAMP takes an RFC 3339 time like 2025-09-23T03:00:00Z, not {text!r}") from None
    if found.tzinfo is None:
        raise _bad(f"TIMESTAMP {text!r} has no zone; end it with Z or +08:00")
    return found


def _date(text: object) -> date:
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        raise _bad(f"DATE takes a day like 2025-09-23, not {text!r}") from None


def _interval_end(part: object, depth: int) -> Any:
    if part == "..":
        return None
    if isinstance(part, str):
        return _date(part) if len(part) == 10 else _time(part)
    return _walk(part, depth + 1)
