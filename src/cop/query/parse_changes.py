"""Parameters of deltas and streams: what narrows them is read as of items, what places them is read here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote

from cop.catalogue import Catalogue, Layer
from cop.errors import NotFound, Refused
from cop.query.bind import Values
from cop.query.delta import Place
from cop.query.filter import queryables
from cop.query.parse import ITEMS, check_known, read_items, read_number
from cop.query.plan import conditions
from cop.query.question import Question
from cop.settings import get_settings
from cop.visible import VisibleSet

DEFAULT_CHANGES = 1_000
MAX_CHANGES = 100_000
_PLACED = frozenset({"since", "until", "limit", "cursor"})
CHANGES = (ITEMS - {"offset", "sortby", "resulttype", "asof"}) | _PLACED
NARROWING = frozenset({"bbox", "bbox-crs", "filter", "filter-lang", "filter-crs"})
EVENTS = NARROWING | {"collections", "since", "mode", "f", "lang"}


@dataclass(frozen=True, slots=True)
class AskedChanges:
    """A question, and between which numbers its changes are wanted; a cursor stands for both numbers."""

    question: Question
    since: int | None
    until: int | None
    limit: int
    cursor: str | None


def read_changes(layer: Layer, visible: VisibleSet, given: Mapping[str, str]) -> AskedChanges:
    """The question of a delta.

    Raises Refused that names the parameter and shows a good value.
    """
    check_known(given, CHANGES | set(queryables(layer, visible.profile_of(layer))))
    narrowed = {name: value for name, value in given.items() if name not in _PLACED}
    cursor = given.get("cursor")
    if cursor is not None and ("since" in given or "until" in given):
        raise Refused("cursor: it stands for since and until; leave them out", "cursor")
    since = read_number(given.get("since"), "since", 0, "0")
    until = read_number(given.get("until"), "until", 0, "0")
    if since is None and cursor is None:
        raise Refused("since: it is wanted: the COP-Sequence of the answer that you have, or 0 for all", "since", "0")
    if since is not None and until is not None and until < since:
        raise Refused(f"until: {until} lies before since, {since}", "until", str(since))
    most = min(get_settings().limits.of(visible.audience).changes, MAX_CHANGES)
    limit = min(read_number(given.get("limit"), "limit", 1, "1000") or DEFAULT_CHANGES, most)
    question = checked(read_items(layer, visible, narrowed).question)
    return AskedChanges(question, since, until, limit, cursor)


def read_stream(catalogue: Catalogue, visible: VisibleSet, given: Mapping[str, str]) -> tuple[Question, ...]:
    """The questions of a stream, one for each of its collections; what narrows it narrows each of them.

    Raises Refused that names the parameter, NotFound for a collection that is none.
    """
    check_known(given, EVENTS)
    narrowed = {name: value for name, value in given.items() if name in NARROWING}
    layers = _layers(catalogue, given.get("collections"))
    return tuple(checked(read_items(layer, visible, narrowed).question) for layer in layers)


def _layers(catalogue: Catalogue, text: str | None) -> Sequence[Layer]:
    known = {layer.id: layer for layer in catalogue.feature_layers}
    if text is None:
        return list(known.values())
    names = sorted({name.strip() for name in text.split(",") if name.strip()})
    if not names:
        raise Refused("collections: it names none", "collections", "incidents,warnings")
    for name in names:
        if name not in known:
            raise NotFound(f"collections: there is no collection {name[:60]!r} with features", "collections")
    return [known[name] for name in names]


def checked(question: Question) -> Question:
    """The question, its filter known to be one that the layer can answer."""
    conditions(question, Values())
    return question


def read_event_id(text: str, parameter: str) -> Place:
    """The place behind an event: its number and feature, for a load gives many the same number; or a number alone.

    Raises Refused that names the header or parameter.
    """
    number, mark, feature = text.strip().partition(":")
    if not (number.isascii() and number.isdecimal() and len(number) < 19) or (mark and not feature):
        raise Refused(
            f"{parameter}: {text[:100]!r} is no id of an event; wanted the last one sent, or a sequence number",
            parameter, "1234:I-20250923-00417",
        )  # fmt: skip
    name = unquote(feature, errors="replace")
    if "\0" in name:
        raise Refused(f"{parameter}: it holds a NUL", parameter, "1234")
    return Place(int(number), name if mark else None)


def event_id(place: Place) -> str:
    """A place as an event's id, in ASCII."""
    return str(place.n) if place.feature is None else f"{place.n}:{quote(place.feature, safe='')}"
