"""Parameters in: an items request's query string, read strictly into a question."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Literal, get_args

from pygeofilter import ast

from cop.catalogue import Column, Layer
from cop.crs import CRS84, Crs, crs_of
from cop.errors import Refused
from cop.query.cql import read_filter
from cop.query.filter import queryables
from cop.query.question import DEFAULT_LIMIT, MAX_LIMIT, MAX_OFFSET, Box, Interval, Question, SortKey
from cop.query.values import literal, read_time
from cop.settings import Mode, get_settings
from cop.visible import VisibleSet

# Parameters that every address takes, and those of items; a layer's queryables come on top.
DOCUMENT = frozenset({"f", "lang", "mode"})
COMMON = DOCUMENT | {"asof"}
ITEMS = COMMON | {
    "limit", "offset", "cursor", "bbox", "bbox-crs", "datetime", "filter", "filter-lang", "filter-crs",
    "sortby", "properties", "skipGeometry", "crs", "resulttype",
}  # fmt: skip
ITEM = COMMON | {"crs", "properties", "skipGeometry"}


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and the two parameters that must be resolved with the store: `asof` and `cursor`."""

    question: Question
    asof: str | None
    cursor: str | None


def read_items(layer: Layer, visible: VisibleSet, given: Mapping[str, str]) -> Asked:
    """The question of an items request.

    `given` maps each parameter to its value. Raises Refused that names the parameter and shows a good value.
    """
    known = queryables(layer, visible.profile_of(layer))
    check_known(given, ITEMS | set(known))
    crs = crs_of(given["crs"], "crs") if "crs" in given else CRS84
    question = Question(
        layer=layer,
        visible=visible,
        limit=read_limit(given.get("limit"), visible),
        offset=_offset(given.get("offset")),
        box=read_bbox(given.get("bbox"), given.get("bbox-crs")),
        interval=read_interval(given.get("datetime")),
        where=_where(given, known),
        filter_crs=crs_of(given["filter-crs"], "filter-crs") if "filter-crs" in given else CRS84,
        sort=read_sort(given.get("sortby"), layer, visible),
        properties=_properties(given.get("properties"), layer, visible),
        skip_geometry=_flag(given.get("skipGeometry"), "skipGeometry"),
        crs=crs,
        hits=_choice(given.get("resulttype"), "resulttype", ("results", "hits")) == "hits",
    )
    if "cursor" in given and ("offset" in given or "asof" in given):
        raise Refused("cursor: it stands for the place and the moment; leave out offset and asof", "cursor")
    return Asked(question, given.get("asof"), given.get("cursor"))


def read_item(layer: Layer, visible: VisibleSet, given: Mapping[str, str]) -> Asked:
    """The question of a single item's request; limits and filters have no place in it."""
    check_known(given, ITEM)
    crs = crs_of(given["crs"], "crs") if "crs" in given else CRS84
    properties = _properties(given.get("properties"), layer, visible)
    skip = _flag(given.get("skipGeometry"), "skipGeometry")
    question = Question(layer=layer, visible=visible, limit=1, crs=crs, properties=properties, skip_geometry=skip)
    return Asked(question, given.get("asof"), None)


def check_known(given: Mapping[str, str], known: frozenset[str] | set[str]) -> None:
    """Refuse parameters that the address does not take (OGC 17-069r4, requirement 8)."""
    for name in given:
        if name not in known:
            raise Refused(
                f"{name[:100]!r} is not a parameter of this address; it takes {', '.join(sorted(known))}",
                name[:100],
            )


def read_mode(given: Mapping[str, str]) -> Mode:
    """The one mode that a request reads."""
    mode: Mode = _choice(given.get("mode"), "mode", get_args(Mode)) or get_settings().mode
    return mode


def _choice(text: str | None, parameter: str, choices: tuple[str, ...]) -> Any:
    if text is None or text in choices:
        return text
    raise Refused(f"{parameter}: {text!r} is none of {', '.join(choices)}", parameter, choices[0])


def read_number(text: str | None, parameter: str, low: int, example: str) -> int | None:
    """A whole number that is not below `low`."""
    if text is None:
        return None
    if text.isascii() and text.isdecimal() and len(text) < 19 and int(text) >= low:
        return int(text)
    raise Refused(f"{parameter}: {text!r} is not a whole number of {low} or more", parameter, example)


def read_limit(text: str | None, visible: VisibleSet) -> int:
    """How many of them a page holds at most."""
    # A limit above the server's is taken as the server's, not refused (OGC 17-069r4, 7.15.2).
    return min(read_number(text, "limit", 1, "10") or DEFAULT_LIMIT, most_rows(visible))


def most_rows(visible: VisibleSet) -> int:
    """How many features a page may hold for a visible set's audience."""
    return min(get_settings().limits.of(visible.audience).rows, MAX_LIMIT)


def _offset(text: str | None) -> int:
    offset = read_number(text, "offset", 0, "0") or 0
    if offset > MAX_OFFSET:
        raise Refused(f"offset: at most {MAX_OFFSET}; follow the links next instead, they go on without end",
                      "offset", str(MAX_OFFSET))  # fmt: skip
    return offset


def _flag(text: str | None, parameter: str) -> bool:
    return bool(_choice(text, parameter, ("true", "false")) == "true")


def read_bbox(text: str | None, crs_name: str | None, parameter: str = "bbox") -> Box | None:
    """A box of four or six numbers in its CRS's axis order; heights are left aside."""
    if text is None:
        if crs_name is not None:
            raise Refused("bbox-crs: it goes with bbox", "bbox-crs")
        return None
    crs = crs_of(crs_name, "bbox-crs") if crs_name is not None else CRS84
    example = "113.8,22.1,114.5,22.6"
    wrong = partial(Refused, parameter=parameter, example=example)
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        raise wrong(f"{parameter}: {text[:100]!r} is not four or six numbers with commas between them") from None
    if len(numbers) == 6:
        numbers = [*numbers[0:2], *numbers[3:5]]
    if len(numbers) != 4 or not all(math.isfinite(number) for number in numbers):
        raise wrong(f"{parameter}: {text[:100]!r} is not four or six finite numbers")
    a1, b1, a2, b2 = numbers
    x1, y1, x2, y2 = (b1, a1, b2, a2) if crs.flipped else (a1, b1, a2, b2)
    _check_box(x1, y1, x2, y2, crs, wrong)
    return Box(x1, y1, x2, y2, crs)


def _check_box(x1: float, y1: float, x2: float, y2: float, crs: Crs, wrong: partial[Refused]) -> None:
    if y1 > y2 or (x1 > x2 and crs.srid != 4326):
        raise wrong("bbox: the lower corner comes first, in the axis order of the CRS")
    if crs.srid == 4326 and not (-180 <= x1 <= 180 and -180 <= x2 <= 180 and -90 <= y1 <= 90 and -90 <= y2 <= 90):
        raise wrong("bbox: longitude lies within -180 and 180, latitude within -90 and 90")
    if max(map(abs, (x1, y1, x2, y2))) > 1e8:
        raise wrong("bbox: the numbers lie far outside the CRS")


_DAY = timedelta(days=1) - timedelta(microseconds=1)


def read_interval(text: str | None) -> Interval | None:
    """The parameter datetime: an instant, or two ends with a slash, `..` or nothing for an open one.

    A day without a time is the whole of it, in UTC.
    """
    if text is None:
        return None
    ends = text.split("/")
    if len(ends) > 2:
        raise Refused(f"datetime: {text[:100]!r} has more than one slash", "datetime", "2025-09-23T00:00:00Z/..")
    times = [None if end in ("", "..") else read_time(end, "datetime") for end in ends]
    if len(ends) == 1:
        if times[0] is None:
            raise Refused("datetime: it is empty", "datetime", "2025-09-23T00:00:00Z/..")
        return Interval(times[0], times[0] + _DAY if len(ends[0]) == 10 else times[0])
    start, end = times
    if end is not None and len(ends[1]) == 10:
        end = end + _DAY
    if start is not None and end is not None and start > end:
        raise Refused("datetime: the interval ends before it begins", "datetime", "2025-09-23T00:00:00Z/..")
    return Interval(start, end)


def read_sort(text: str | None, layer: Layer, visible: VisibleSet) -> tuple[SortKey, ...]:
    """The parameter sortby: columns with commas between them, each with `-` before it to turn it round."""
    if text is None:
        return ()
    known = {"id", *queryables(layer, visible.profile_of(layer))}
    keys = []
    for part in text.split(","):
        name = part.strip().lstrip("+-")
        column = layer.by_name.get(name)
        if name not in known or (column is not None and column.type == "text[]"):
            raise Refused(f"sortby: {name[:100]!r} is no sortable of {layer.id}; there are {', '.join(sorted(known))}",
                          "sortby", f"-{sorted(known)[0]}")  # fmt: skip
        keys.append(SortKey(name, part.strip().startswith("-")))
    return tuple(keys)


def _properties(text: str | None, layer: Layer, visible: VisibleSet) -> tuple[str, ...] | None:
    if text is None:
        return None
    known = {column.name for column in layer.visible_columns(visible.profile_of(layer))} | {"provenance"}
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        if name not in known:
            raise Refused(f"properties: {name[:100]!r} is none of {layer.id}'s: {', '.join(sorted(known))}",
                          "properties", sorted(known)[0])  # fmt: skip
    return names


def _where(given: Mapping[str, str], known: Mapping[str, Column]) -> ast.Node | None:
    """The filter and each `property=value` as one condition."""
    parts: list[ast.Node] = []
    language: Literal["cql2-text", "cql2-json"] = (
        _choice(given.get("filter-lang"), "filter-lang", ("cql2-text", "cql2-json")) or "cql2-text"
    )
    if "filter" in given:
        parts.append(read_filter(given["filter"], language))
    elif "filter-lang" in given or "filter-crs" in given:
        raise Refused("filter-lang and filter-crs go with filter", "filter")
    parts += [equality(known[name], value) for name, value in given.items() if name in known]
    if not parts:
        return None
    return ast.And.from_items(*parts) if len(parts) > 1 else parts[0]


def equality(column: Column, text: str) -> ast.Node:
    """The condition `column=text` of a query string; of a list, that it holds the text."""
    if column.type == "text[]":
        return ast.ArrayContains(ast.Attribute(column.name), [text])
    return ast.Equal(ast.Attribute(column.name), literal(column, text, column.name))
