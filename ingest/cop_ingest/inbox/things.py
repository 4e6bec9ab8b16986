"""The things of other layers that rows are about: a gauge by its number, a shelter by its name in either language."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from cop.store.statements import statements
from cop_ingest.gazetteer.names import characters, is_chinese, words
from cop_ingest.inbox.declared import Known

_SQL = Path(__file__).parent.parent / "sql" / "inbox.sql"


@dataclass(frozen=True, slots=True)
class Thing:
    """A feature of another layer: what rows take over from it (by our columns), and its WKB (EPSG:4326)."""

    id: str
    values: dict[str, Any]
    geometry: bytes | None


@dataclass(slots=True)
class Things:
    """The features of a layer by the comparable forms of their names."""

    known: Known
    by_name: dict[str, list[Thing]] = field(default_factory=lambda: defaultdict(list))

    def of(self, name: str) -> Thing | None:
        """The thing of that name. Raises ValueError where it means two, or none and the form refuses such rows."""
        found = self.by_name.get(_folded(name), [])
        if len({thing.id for thing in found}) > 1:
            raise ValueError(f"{name} means {len(found)} different things of {self.known.layer}")
        if not found and self.known.unknown == "refused":
            raise ValueError(f"{name} is not among {self.known.layer}")
        return found[0] if found else None


def read_things(connection: psycopg.Connection, known: Known) -> Things:
    """What the layer that a form's rows are about holds now."""
    pairs = [part for ours, theirs in known.take.items() for part in (sql.Literal(ours), sql.Identifier(theirs))]
    query = sql.SQL(statements(_SQL)["things"]).format(
        by=sql.SQL(", ").join(map(sql.Identifier, known.by)), take=sql.SQL(", ").join(pairs),
        table=sql.Identifier("layer", known.layer),
    )  # fmt: skip
    things = Things(known)
    for id_, names, values, geometry in connection.execute(query):
        told = {column: value for column, value in values.items() if value is not None}
        thing = Thing(id_, told, None if geometry is None else bytes(geometry))
        for form in {_folded(name) for name in names if name}:
            things.by_name[form].append(thing)
    return things


def _folded(name: str) -> str:
    return characters(name) if is_chinese(name) else " ".join(words(name))
