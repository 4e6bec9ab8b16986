"""Literals: texts from a request turned into a column's type, or refused with a good value to show."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime

from cop.catalogue import Column
from cop.errors import Refused

_EXAMPLES = {
    "integer": "42",
    "number": "3.5",
    "boolean": "true",
    "time": "2025-09-23T03:00:00Z",
    "date": "2025-09-23",
}
_WORDS = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "time": "an RFC 3339 time",
    "date": "a date",
}
_BIGINT = 2**63


def read_time(text: str, parameter: str) -> datetime:
    """An RFC 3339 time, or a date taken as its first instant in UTC; aware, in UTC.

    Raises Refused that names the parameter.
    """
    try:
        if len(text) == 10:
            return datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
        found = datetime.fromisoformat(text.strip().replace(" ", "+"))
        if found.tzinfo is not None and "T" in text.upper():
            return found.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise Refused(f"{parameter}: {text!r} is not an RFC 3339 time with its zone", parameter, _EXAMPLES["time"])


def literal(column: Column, value: object, parameter: str) -> object:
    """A value in the type of the column it is compared with.

    Raises Refused that names the parameter, the column and a good value.
    """
    try:
        return _converted(column, value)
    except (ValueError, TypeError, OverflowError, Refused):
        kind = column.type
        raise Refused(
            f"{parameter}: {column.name} takes {_WORDS.get(kind, 'a text')}, not {value!r}",
            parameter, _good_value(column),
        ) from None  # fmt: skip


def _good_value(column: Column) -> str:
    if column.codes:
        return next(iter(column.codes))
    return _EXAMPLES.get(column.type, "text")


def _converted(column: Column, value: object) -> object:
    match column.type:
        case "integer" | "number":
            return _number(value, whole=column.type == "integer")
        case "boolean":
            return _boolean(value)
        case "time":
            return value if isinstance(value, datetime) else read_time(_text(value), column.name)
        case "date":
            return value if isinstance(value, date) else date.fromisoformat(_text(value))
        case _:
            return _text(value)


def _number(value: object, *, whole: bool) -> int | float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise TypeError
    if isinstance(value, str):
        value = int(value) if whole else float(value)
    if not math.isfinite(value) or abs(value) >= _BIGINT:
        raise ValueError
    return value


def _boolean(value: object) -> bool:
    if isinstance(value, bool):
        return value
    return ("false", "true").index(_text(value).lower()) == 1


def _text(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    if not isinstance(value, str) or "\0" in value:
        raise TypeError
    return value
