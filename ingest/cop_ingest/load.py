"""Load records into a layer: staged by COPY, compared, and merged by one statement within one transaction.

Three shapes of a load share that road: a whole layer (what is absent is closed), a sensor's observations
(the series grows, the layer shows the latest), and other systems' records in a register (load_register.py).
Loading the same twice changes nothing and takes no number.
"""

from __future__ import annotations

from datetime import datetime

import psycopg

from cop.catalogue import Layer
from cop.errors import LoadRefused
from cop_ingest.derived import set_levels, set_trends
from cop_ingest.load_register import load_register
from cop_ingest.load_run import (
    LeaseLost,
    LoadReport,
    Origin,
    Provenance,
    Word,
    in_run,
    manifest_of,
    mended_of,
    need_lease,
    stage,
)
from cop_ingest.load_sql import statement
from cop_ingest.records import Parsed

__all__ = [
    "LeaseLost", "LoadReport", "Origin", "Provenance", "Word", "is_loaded", "load_observations", "load_register",
    "load_whole", "manifest_of", "need_lease", "published_later", "remember",
]  # fmt: skip


def is_loaded(connection: psycopg.Connection, layer: Layer, manifest: bytes) -> bool:
    """Whether the layer holds exactly this manifest already."""
    row = connection.execute(statement("loaded_manifest"), {"layer": layer.id}).fetchone()
    return row is not None and row[0] == manifest


def remember(connection: psycopg.Connection, layer: Layer, origin: Origin) -> None:
    """Note what the layer now holds, where it was not one load that brought it."""
    with connection.transaction():
        _loaded(connection, layer, origin, None)


def published_later(connection: psycopg.Connection, layer: Layer, published_at: datetime | None) -> datetime | None:
    """When the real copy that a whole layer holds was published, where that is later than another copy; else None.

    A file of which nobody knows when it was published is older than any of which one does.
    """
    about = {"layer": layer.id, "published_at": published_at}
    row = connection.execute(statement("published_later"), about).fetchone()
    return row[0] if row else None


def _loaded(connection: psycopg.Connection, layer: Layer, origin: Origin, published_at: datetime | None) -> None:
    # An exercise's feed goes on with what its layer was loaded from: that file is not to be loaded again for it.
    manifest = None if origin.word is not None and origin.word.mode == "exercise" else origin.manifest
    about = {"layer": layer.id, "manifest": manifest, "provenance": origin.provenance, "published_at": published_at}
    connection.execute(statement("loaded"), about)


def load_whole(
    connection: psycopg.Connection,
    layer: Layer,
    parsed: Parsed,
    origin: Origin,
    *,
    may_be_empty: bool = False,
    published_at: datetime | None = None,
) -> LoadReport:
    """Load a complete copy of a layer. What the store has and the copy has not is closed.

    `published_at` is kept, so that an older copy can be told from this one (published_later). Raises LoadRefused, and
    changes nothing, where the copy holds no record at all, unless that may be.
    """

    def work() -> LoadReport:
        if not parsed.records and not (may_be_empty and not parsed.refusals):
            raise LoadRefused(f"{origin.name}: no record could be read; the layer {layer.id} stays as it was")
        stage(connection, layer, parsed.records, origin)
        set_levels(connection, layer)
        return _merge(connection, layer, parsed, origin, "changes_of_a_whole", published_at)

    return in_run(connection, layer, parsed, origin, work)


def load_observations(
    connection: psycopg.Connection, layer: Layer, parsed: Parsed, origin: Origin, published_at: datetime
) -> LoadReport:
    """Load sensors' observations of one file: into the series, and the newest of each sensor into the layer."""

    def work() -> LoadReport:
        stage(connection, layer, parsed.records, origin)
        set_levels(connection, layer)
        connection.execute(statement("days_of_series", layer), {"layer": layer.id})
        connection.execute(statement("extend_series", layer), {"published_at": published_at})
        connection.execute(statement("latest_of_series", layer))
        connection.execute(statement("once_each"))
        set_trends(connection, layer)
        return _merge(connection, layer, parsed, origin, "changes_of_a_part")

    return in_run(connection, layer, parsed, origin, work)


def _merge(
    connection: psycopg.Connection,
    layer: Layer,
    parsed: Parsed,
    origin: Origin,
    changes: str,
    published_at: datetime | None = None,
) -> LoadReport:
    connection.execute(statement(changes, layer))
    row = connection.execute(statement("count_changes")).fetchone()
    assert row is not None
    inserted, updated, closed = row
    known = closed + len(parsed.records) - inserted
    if origin.word is not None and origin.word.doubts(closed, known):
        raise LoadRefused(
            f"{origin.name}: it holds {known - closed} of the {known} records of {layer.id}, so it may have been cut;"
            " they stay as they were, unless it is told so again and again"
        )
    n = None
    if inserted or updated or closed:
        n = _begin_load(connection, layer, origin)
        connection.execute(statement("merge", layer))
    _loaded(connection, layer, origin, published_at)
    return LoadReport(
        layer.id, "done" if n else "unchanged", len(parsed.records) + len(parsed.refusals),
        inserted, updated, closed, len(parsed.refusals), mended_of(parsed), n,
    )  # fmt: skip


def _begin_load(connection: psycopg.Connection, layer: Layer, origin: Origin) -> int:
    row = connection.execute(statement("begin_load"), {"layer": layer.id, "manifest": origin.manifest}).fetchone()
    assert row is not None
    return int(row[0])
