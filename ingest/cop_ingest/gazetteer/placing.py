"""Records without coordinates get a position, or stay without one and are listed all the same."""

from __future__ import annotations

from dataclasses import replace

import psycopg
import shapely

from cop.catalogue import Layer
from cop_ingest.gazetteer.index import Index, read_index, read_version
from cop_ingest.gazetteer.place import Placement, place
from cop_ingest.records import Parsed, Record


class Gazetteer:
    """The index of one process, made again when a layer that it is made of has changed."""

    def __init__(self) -> None:
        self._version = -1
        self._index = Index()

    def index(self, connection: psycopg.Connection) -> Index:
        """The index as the store's layers are now; needs the right to read their tables."""
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


def _placed(layer: Layer, record: Record, index: Index) -> Record:
    rule = layer.placed
    assert rule is not None
    if record.geometry is not None:
        return record
    texts = [str(text) for name in rule.texts if (text := record.properties.get(name))]
    district = record.properties.get(rule.district)
    found = place(index, texts, str(district) if district else None)
    if found is None:
        return record
    return Record(record.id, _told(layer, record, found), shapely.to_wkb(found.point), (*record.remarks, _why(found)))


def _told(layer: Layer, record: Record, found: Placement) -> dict[str, object]:
    rule = layer.placed
    assert rule is not None
    return {**record.properties, rule.method: found.method, rule.uncertainty_m: found.uncertainty_m}


def _why(found: Placement) -> str:
    return f"placed by name: {found.why}, within {found.uncertainty_m:g} m"
