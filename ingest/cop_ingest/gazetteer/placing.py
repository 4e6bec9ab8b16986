"""Records without coordinates get a position, or stay without one and are listed all the same."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import psycopg
from shapely.geometry import mapping as as_geojson

from cop.catalogue import Layer
from cop.catalogue.gazetteer import Placed
from cop_ingest.gazetteer.index import Index, read_index, read_version
from cop_ingest.gazetteer.place import Placement, place
from cop_ingest.geometry import to_wkb
from cop_ingest.records import Parsed, Record

_MOST_REMEMBERED = 50_000


class Memory:
    """What was found with one whole index, which stays as it is: a feed names the same places each minute."""

    def __init__(self) -> None:
        self._known: tuple[Index, dict[tuple[tuple[str, ...], str | None], Placement | None]] = (Index(), {})

    def placement(self, index: Index, texts: tuple[str, ...], district: str | None) -> Placement | None:
        """As `place` finds it."""
        of, known = self._known
        if of is not index or len(known) >= _MOST_REMEMBERED:
            known = {}
            self._known = (index, known)
        key = (texts, district)
        if key not in known:
            known[key] = place(index, texts, district)
        return known[key]


_MEMORY = Memory()


class Gazetteer:
    """The index of one process, made again when a layer that it is made of has changed."""

    def __init__(self) -> None:
        self._version = -1
        self._index = Index()
        self._lock = threading.Lock()

    def index(self, connection: psycopg.Connection) -> Index:
        """The index as the store's layers are now; needs the right to read their tables."""
        with self._lock:
            version = read_version(connection)
            if version != self._version:
                self._index = read_index(connection)
                self._version = version
            return self._index


def placed(layer: Layer, parsed: Parsed, index: Index) -> Parsed:
    """The same records, those without geometry placed by their words where the layer's file says how (`placed`).

    A record that has a position keeps it. The way that a position was found stands in the record's remarks.
    """
    if layer.placed is None:
        return parsed
    return replace(parsed, records=[_placed(layer, record, index) for record in parsed.records])


def with_place(
    layer: Layer, properties: Mapping[str, Any], geometry: dict[str, Any] | None, index: Index
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The same for properties and a GeoJSON geometry (CRS84): those that hold a position say that it was reported."""
    rule = layer.placed
    if rule is None:
        return dict(properties), geometry
    if geometry is not None:
        return {rule.method: "reported", **properties}, geometry
    found = _found(rule, properties, index)
    if found is None:
        return {**properties, rule.method: "none"}, None
    return _told(rule, properties, found), dict(as_geojson(found.point))


def _placed(layer: Layer, record: Record, index: Index) -> Record:
    rule = layer.placed
    assert rule is not None
    found = _found(rule, record.properties, index) if record.geometry is None else None
    if found is None:
        return record
    remarks = (*record.remarks, _why(found))
    return Record(record.id, _told(rule, record.properties, found), to_wkb(found.point), remarks)


def _found(rule: Placed, properties: Mapping[str, object], index: Index) -> Placement | None:
    texts = [str(text) for name in rule.texts if (text := properties.get(name))]
    district = properties.get(rule.district)
    return _MEMORY.placement(index, tuple(texts), str(district) if district else None)


def _told(rule: Placed, properties: Mapping[str, object], found: Placement) -> dict[str, object]:
    return {**properties, rule.method: found.method, rule.uncertainty_m: found.uncertainty_m}


def _why(found: Placement) -> str:
    return f"placed by name: {found.why}, within {found.uncertainty_m:g} m"
