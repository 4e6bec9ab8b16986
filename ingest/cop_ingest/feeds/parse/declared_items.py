"""The records of a payload as a declaration leads to them, each with what surrounds it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import Element

from cop_ingest.feeds.parse.common import json_part, rows_of, xml_part
from cop_ingest.feeds.parse.declaration import Declaration
from cop_ingest.feeds.payload import NotThisFeed, Payload
from cop_ingest.xmlsafe import fields_of, local_name


@dataclass(frozen=True, slots=True)
class Item:
    """A record with what surrounds it, innermost first, and the names that led to it. A refusal shows the record."""

    record: Mapping[str, Any]
    around: tuple[Mapping[str, Any], ...] = field(repr=False)
    names: Mapping[str, Any] = field(repr=False)


def items_of(declaration: Declaration, payload: Payload, part: str) -> Iterator[Item]:
    """The records of a part. Raises NotThisFeed where it has not what `root` and `records` name."""
    names = {"@part": part, "@received": payload.received_at}
    if declaration.kind == "csv":
        for _, row in rows_of(payload, part, _header(declaration)):
            yield Item(row, (), names)
    elif declaration.kind == "json":
        yield from _json_items(declaration, json_part(payload, part), part, names)
    else:
        root = xml_part(payload, part, *declaration.root)
        yield from _xml_items(root, declaration.records or "", (), names)


def _header(declaration: Declaration) -> list[str]:
    """The columns that a table must have: one that was renamed must not read as missing everywhere."""
    return sorted({place for value in declaration.columns.values() for place in value.from_ if place[:1] not in "@^"})


def _json_items(declaration: Declaration, document: Any, part: str, names: Mapping[str, Any]) -> Iterator[Item]:
    lacking = [name for name in declaration.root if not isinstance(document, dict) or name not in document]
    if lacking:
        raise NotThisFeed(f"{part}: has no {', '.join(lacking)}; wanted an object with it")
    steps = declaration.records.split(".") if declaration.records else []
    reached = list(_walk(document, steps, (), ()))
    if not reached and "*" not in steps:
        raise NotThisFeed(f"{part}: there is no {declaration.records}; wanted the records there")
    for found, around, keys in reached:
        led = {**names, **{f"@{place}": key for place, key in enumerate(keys, 1)}}
        if declaration.one and isinstance(found, dict) and found:
            yield Item(found, around, led)
        elif isinstance(found, list):
            yield from _listed(declaration, found, around, led, document)
        elif found not in ("", None, {}) or (not steps and not isinstance(found, dict)):
            raise NotThisFeed(f"{part}: {declaration.records or 'the document'} is no list of records")


def _listed(
    declaration: Declaration,
    found: list[Any],
    around: tuple[Mapping[str, Any], ...],
    names: Mapping[str, Any],
    document: Any,
) -> Iterator[Item]:
    header = document.get(declaration.fields) if declaration.fields and isinstance(document, dict) else None
    if declaration.fields:
        lacking = [name for name in _header(declaration) if not isinstance(header, list) or name not in header]
        if lacking or not all(isinstance(name, str) for name in header or ()):
            raise NotThisFeed(f"{declaration.fields}: found {str(header)[:200]}; wanted also {', '.join(lacking)}")
    for entry in found:
        if header and isinstance(entry, list):
            same = len(entry) == len(header)
            yield Item(dict(zip(header, entry, strict=True)) if same else {"": "short"}, around, names)
        else:
            yield Item(entry if isinstance(entry, dict) else {"": repr(entry)[:200]}, around, names)


def _walk(
    found: Any, steps: list[str], around: tuple[Mapping[str, Any], ...], keys: tuple[Any, ...]
) -> Iterator[tuple[Any, tuple[Mapping[str, Any], ...], tuple[Any, ...]]]:
    """What a path leads to, with the objects gone through, innermost first, and what its stars stood for."""
    if not steps:
        yield found, around, keys
        return
    beyond = (found, *around) if isinstance(found, dict) else around
    if steps[0] == "*":
        pairs = found.items() if isinstance(found, dict) else enumerate(found) if isinstance(found, list) else ()
        for key, part in pairs:
            if isinstance(part, dict | list):
                yield from _walk(part, steps[1:], beyond, (*keys, key))
    elif isinstance(found, dict) and steps[0] in found:
        yield from _walk(found[steps[0]], steps[1:], beyond, keys)


def _xml_items(
    element: Element, wanted: str, around: tuple[Mapping[str, Any], ...], names: Mapping[str, Any]
) -> Iterator[Item]:
    inside: Mapping[str, Any] | None = None
    for child in element:
        if local_name(child) == wanted:
            inside = _leaves(element) if inside is None else inside
            yield Item(fields_of(child), (inside, *around), names)
        elif len(child):
            inside = _leaves(element) if inside is None else inside
            yield from _xml_items(child, wanted, (inside, *around), names)


def _leaves(element: Element) -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    for child in element:
        if not len(child):
            found.setdefault(local_name(child), (child.text or "").strip())
    return found


def value_at(item: Item, place: str) -> Any:
    """What stands at a place of a record (cop_ingest.feeds.parse.declarative says what a place is), or None."""
    if place.startswith("@"):
        return item.names.get(place)
    if place.startswith("^"):
        name = place[1:]
        return next((outer[name] for outer in item.around if name in outer), None)
    if place in item.record:
        return item.record[place]
    told: Any = item.record
    for step in place.split("."):
        if not isinstance(told, dict) or step not in told:
            return None
        told = told[step]
    return told
