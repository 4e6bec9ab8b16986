"""What parsers share: from bytes to JSON, XML or rows, from strangers' values to ours, and refusals on the way."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from xml.etree.ElementTree import Element

from cop.errors import LoadRefused
from cop_ingest.feeds.payload import NotThisFeed, Payload
from cop_ingest.records import Parsed, Record, refuse
from cop_ingest.texts import decode, read_table, refuse_html, tidy
from cop_ingest.times import read_time
from cop_ingest.xmlsafe import local_name, parse_xml

MISSING = frozenset({"", "n/a", "na", "m", "////", "--", "-", "***", "null", "none"})
"""What sources write where there is no value, in lower case; `-1` and `99` are missing in some feeds only."""

_LONGEST = 20_000
_NUMBER = re.compile(r"[+-]?\d{1,9}(\.\d{0,12})?", re.ASCII).fullmatch


@contextmanager
def this_feed() -> Iterator[None]:
    """Turn the readers' refusal of a whole body into the engine's."""
    try:
        yield
    except LoadRefused as exc:
        raise NotThisFeed(str(exc)) from exc


def body_of(payload: Payload, part: str) -> bytes:
    """The bytes of a part. Raises NotThisFeed where it is not there."""
    try:
        return payload.parts[part]
    except KeyError:
        raise NotThisFeed(f"the part {part} is missing; wanted its answer") from None


def json_part(payload: Payload, part: str) -> Any:
    """A part as JSON: UTF-8 with or without byte-order marks, or UTF-16, as RFC 8259 and its forerunner allow.

    Raises NotThisFeed for anything else. Other encodings are not guessed: a damaged byte would pass as Big5.
    """
    body = body_of(payload, part)
    if not body.strip():
        raise NotThisFeed(f"{part}: is empty; wanted JSON")
    try:
        text = body.decode(json.detect_encoding(body)).lstrip("\ufeff")
    except UnicodeDecodeError as exc:
        raise NotThisFeed(f"{part}: the bytes are not UTF-8 text ({exc.reason}); wanted JSON") from exc
    with this_feed():
        refuse_html(text, part)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise NotThisFeed(f"{part}: is not whole JSON ({exc})") from exc


def xml_part(payload: Payload, part: str, *roots: str) -> Element:
    """The root element of a part; its local name must be one of `roots` where any are named. Raises NotThisFeed."""
    with this_feed():
        root = parse_xml(body_of(payload, part).lstrip(), part)
    if roots and local_name(root) not in roots:
        raise NotThisFeed(f"{part}: the root element is {local_name(root)!r}; wanted {' or '.join(roots)}")
    return root


def rows_of(payload: Payload, part: str, wanted: Iterable[str]) -> list[tuple[int, dict[str, str]]]:
    """The rows of a part that is a separated table, each with its line and its cells by the header's names.

    Raises NotThisFeed where it is no table, or lacks a column of `wanted`. A row with too few or too many cells comes
    with what it has under the name ``; `row_checked` refuses it.
    """
    with this_feed():
        table = read_table(decode(body_of(payload, part), part), part)
    names = [tidy(name) or "" for name in table.header]
    lacking = [name for name in wanted if name not in names]
    if lacking:
        raise NotThisFeed(f"{part}: the columns are {', '.join(names)[:200]}; wanted also {', '.join(lacking)}")
    return [
        (line, dict(zip(names, cells, strict=True)) if len(cells) == len(names) else {"": " | ".join(cells)})
        for line, cells in table.rows
    ]


def row_checked(row: Mapping[str, str]) -> Mapping[str, str]:
    """The row, unless its cells are not as many as the header's. Raises ValueError."""
    if "" in row and len(row) == 1:
        raise ValueError("the row has not as many cells as the header; perhaps the file was cut off")
    return row


def collect(
    items: Iterable[tuple[int, Any]],
    read: Callable[[Any], Record | None],
    time: str | None = None,
    key_of: Callable[[Any], str | None] | None = None,
) -> Parsed:
    """Read numbered items into records. What raises ValueError is refused, and the others go on.

    `key_of` reads the record's id alone, for what is refused. A second record of the same id (and the same value of the
    column `time`, where one is named) is refused. An item that reads as None is nothing that the layer has a place for.
    """
    parsed = Parsed()
    seen: dict[object, int] = {}
    for ordinal, item in items:
        try:
            record = read(item)
        except ValueError as exc:
            known = _key_of(item, key_of)
            parsed.refusals.append(refuse(ordinal, str(exc), storable(repr(item)[:600]), known))
            continue
        if record is None:
            continue
        key = (record.id, record.properties.get(time) if time else None)
        if key in seen:
            parsed.refusals.append(
                refuse(ordinal, f"repeats number {seen[key]}", storable(repr(item)[:600]), record.id)
            )
            continue
        seen[key] = ordinal
        parsed.records.append(record)
    return parsed


def _key_of(item: Any, key_of: Callable[[Any], str | None] | None) -> str | None:
    try:
        return key_of(item) if key_of is not None else None
    except ValueError:
        return None


def newest(parsed: Parsed, column: str) -> datetime | None:
    """The latest time in a column of all records."""
    times = [value for record in parsed.records if isinstance(value := record.properties.get(column), datetime)]
    return max(times, default=None)


def object_of(value: object, what: str) -> dict[str, Any]:
    """A JSON object. Raises ValueError."""
    if not isinstance(value, dict):
        raise ValueError(f"{what}: found {_shown(value)}, wanted an object")
    return value


def list_of(value: object, what: str) -> list[Any]:
    """A JSON list; an empty text, null or an empty object stand for an empty one, as HKO writes them.

    Raises ValueError.
    """
    if value in ("", None, {}):
        return []
    if not isinstance(value, list):
        raise ValueError(f"{what}: found {_shown(value)}, wanted a list")
    return value


def text_of(value: object) -> str | None:
    """A text as published but for outer blanks, NUL and half characters, which no store takes; None where missing.

    Raises ValueError for what is no text and no number, or longer than 20,000 characters.
    """
    if value is None:
        return None
    if not isinstance(value, str):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"found {_shown(value)}, wanted a text")
        value = str(value)
    text = storable(value).strip()
    if len(text) > _LONGEST:
        raise ValueError(f"found a text of {len(text)} characters, wanted at most {_LONGEST}")
    return text or None


def line_of(value: object) -> str | None:
    """A text as one line with single blanks, or None. Raises ValueError as text_of does."""
    return tidy(text_of(value))


def wanted_text(value: object, what: str) -> str:
    """A text that must be there. Raises ValueError that names what."""
    text = line_of(value)
    if text is None:
        raise ValueError(f"{what}: is missing")
    return text


def storable(text: str) -> str:
    """A text without NUL and half characters."""
    if text.isascii():
        return text.replace("\0", "")
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def number_of(value: object, what: str, low: float, high: float, missing: Collection[str] = ()) -> float | None:
    """A number between two limits, or None for any of the words for missing and those of `missing`.

    Raises ValueError for anything else, so also for `1e3`, `nan`, and digits of other scripts.
    """
    text = text_of(value)
    if text is None or text.lower() in MISSING or text in missing:
        return None
    if not _NUMBER(text) or not low <= (number := float(text)) <= high:
        raise ValueError(f"{what}: found {text[:60]!r}, wanted {low:g} to {high:g}")
    return number


def whole_of(value: object, what: str, low: int, high: int, missing: Collection[str] = ()) -> int | None:
    """A whole number between two limits, or None where missing. Raises ValueError."""
    number = number_of(value, what, low, high, missing)
    if number is None or number.is_integer():
        return None if number is None else int(number)
    raise ValueError(f"{what}: found {number:g}, wanted a whole number")


def time_of(value: object, what: str) -> datetime | None:
    """A time in UTC, or None where missing. Raises ValueError that names what."""
    text = line_of(value)
    if text is None or text.lower() in MISSING:
        return None
    try:
        return read_time(text)
    except ValueError as exc:
        raise ValueError(f"{what}: {exc}") from exc


def wanted_time(value: object, what: str) -> datetime:
    """A time that must be there, in UTC. Raises ValueError that names what."""
    at = time_of(value, what)
    if at is None:
        raise ValueError(f"{what}: is missing; wanted a time")
    return at


def compact(at: datetime) -> str:
    """A time for an id: `20250907T1320Z`."""
    return f"{at:%Y%m%dT%H%MZ}"


def finite(value: float) -> float | None:
    """The number, or None where it is none."""
    return value if math.isfinite(value) else None


def _shown(value: object) -> str:
    return storable(repr(value))[:60]
