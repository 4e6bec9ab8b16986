"""Forms that come at a pace are told of among the feeds: silence is no calm, and one that cannot be read is down."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import psycopg

from cop.settings import Mode
from cop.store.statements import statements
from cop_ingest.feeds.keeping import office_of
from cop_ingest.inbox.declared import Mapping

_SQL = Path(__file__).parent.parent / "sql"

_LATE, _STALE = 2, 6  # times the form's pace


def tell_form(
    connection: psycopg.Connection,
    mapping: Mapping,
    mode: Mode,
    *,
    observed_at: datetime | None = None,
    seen: int = 0,
    refused: int = 0,
    failure: str | None = None,
) -> None:
    """Write the form's row in the collection `feeds`, where the form has a pace. Time makes it late and stale.

    The id is the form's, with `.exercise` or `.test` behind it as feeds have it.
    """
    if mapping.every_s is None:
        return
    id_ = mapping.id if mode == "actual" else f"{mapping.id}.{mode}"
    x, y = office_of(mapping.department)
    with connection.transaction():
        row = connection.execute(statements(_SQL / "inbox.sql")["clock"], {"mode": mode, "id": id_}).fetchone()
        assert row is not None
        now, good_at = row
        age = None if observed_at is None else max(round((now - observed_at).total_seconds()), 0)
        good_at = now if failure is None else good_at
        connection.execute(statements(_SQL / "feeds.sql")["acting"], {"cause": f"return {mapping.id}", "mode": mode})
        connection.execute(
            statements(_SQL / "feeds.sql")["tell_health"],
            {
                "id": id_, "feed": mapping.id, "mode": mode, "title_en": mapping.title.en,
                "title_zh": mapping.title.zh, "department": mapping.department, "cadence_s": mapping.every_s,
                "state": "live" if failure is None else "down", "age_s": age, "cause": failure,
                "source": "inbox", "provenance": "real" if mode == "actual" else "exercise", "x": x, "y": y,
                "last_attempt_at": now, "last_good_at": good_at,
                "observed_at": observed_at, "fresh_at": good_at,
                "late_s": _LATE * mapping.every_s, "stale_s": _STALE * mapping.every_s,
                "seen": seen, "refused": refused,
            },
        )  # fmt: skip
