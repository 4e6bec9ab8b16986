"""What may be taken out of the history again: versions older than the horizon, and content that must not be kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from cop.catalogue import Catalogue, Layer
from cop.errors import SetupTrouble
from cop.store.statements import statements

_SQL = Path(__file__).parent / "sql" / "upkeep.sql"
_GEOMETRY = "geometry"


@dataclass(frozen=True, slots=True)
class Pruned:
    """What goes, or would go, of one layer: the days it keeps, the number its history then begins at, and versions."""

    layer: str
    days: float
    to: int
    versions: int


def prune(owner_dsn: str, catalogue: Catalogue, days: float | None, *, really: bool) -> Iterator[Pruned]:
    """Let go of versions that were closed longer ago than their layer keeps them, a layer a transaction.

    `days` is for layers that name no other; None keeps all. Days count from the commit, also in an exercise.
    """
    with psycopg.connect(owner_dsn, autocommit=True) as connection:
        kept_of = {layer.id: layer.history_days or days for layer in catalogue.feature_layers}
        # Each horizon once, before the prunings themselves take numbers.
        numbers = {kept: _one(connection, "number_before", {"days": kept}) for kept in {*kept_of.values()} - {None}}
        for layer in catalogue.feature_layers:
            kept = kept_of[layer.id]
            if kept is None:
                continue
            to = numbers[kept]
            about = {"layer": layer.id, "to": to}
            if to and really:
                with connection.transaction():
                    connection.execute(statements(_SQL)["acting"], {"actor": "cop history prune", "cause": ""})
                    yield Pruned(layer.id, kept, to, _one(connection, "prune", about))
            elif to:
                yield Pruned(layer.id, kept, to, _of(connection, layer.id, "closed", about))


def redact(
    owner_dsn: str, layer: Layer, feature: str, columns: Sequence[str], *, reason: str, by: str
) -> tuple[int, int]:
    """Empty columns of a record in its present and all its past; how many versions lost content, and how many it has.

    Raises SetupTrouble that names what cannot be redacted, or the record that is not there.
    """
    names = _redactable(layer, columns)
    if not reason.strip() or not by.strip():
        raise SetupTrouble('a redaction has a reason and somebody who does it: --reason "…" --by "…"')
    with psycopg.connect(owner_dsn) as connection:
        if not _of(connection, layer.id, "known", {"feature": feature}):
            raise SetupTrouble(f"{layer.id} has never had a record {feature!r}; is the id written in full?")
        connection.execute(statements(_SQL)["acting"], {"actor": by, "cause": f"redaction: {reason}"})
        about = {"layer": layer.id, "feature": feature, "columns": names, "reason": reason}
        emptied = _one(connection, "redact", about)
        return emptied, _of(connection, layer.id, "known", {"feature": feature})


def _redactable(layer: Layer, columns: Sequence[str]) -> list[str]:
    """The columns in the store's names; labels decide who sees a record's past, so they stay."""
    roles = {"mode", "release", "updated"}
    fixed = {column.name for column in layer.columns if column.role in roles}
    # What the store derives from another column goes with that one, for it would be derived again.
    derived = {tick.set: tick.past for tick in layer.ticks if tick.value is None and not tick.once}
    fixed |= set(derived)
    if layer.is_labelled:
        fixed.add("department")
    free = [column.name for column in layer.columns if column.name not in fixed]
    if not columns or (wrong := [name for name in columns if name not in {*free, _GEOMETRY}]):
        named = ", ".join(wrong) if columns else "none"
        raise SetupTrouble(f"columns: {named}: {layer.id} can lose {', '.join([*free, _GEOMETRY])}")
    all_ = [*columns, *(name for name, of in derived.items() if of in columns)]
    return ["geom" if name == _GEOMETRY else name for name in dict.fromkeys(all_)]


def _one(connection: psycopg.Connection, name: str, about: Mapping[str, object]) -> int:
    row = connection.execute(statements(_SQL)[name], about).fetchone()
    return int(row[0]) if row else 0


def _of(connection: psycopg.Connection, layer: str, name: str, about: Mapping[str, object]) -> int:
    text = sql.SQL(statements(_SQL)[name]).format(history=sql.Identifier("history", layer))
    row = connection.execute(text, about).fetchone()
    return int(row[0]) if row else 0
