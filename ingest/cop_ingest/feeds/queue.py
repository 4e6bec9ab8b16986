"""The queue in PostgreSQL (procrastinate), in a schema of its own. Nothing in it is worth keeping.

What is due stands in cop.feed; the queue only hands turns out to the workers that are free.
"""

from __future__ import annotations

import logging
from importlib.metadata import version

import procrastinate
import psycopg
from procrastinate.schema import SchemaManager
from psycopg import sql

SCHEMA = "cop_queue"
_log = logging.getLogger(__name__)


def ensure_queue(owner_dsn: str) -> None:
    """Make the queue's tables, as the owner role; those of another version of procrastinate are thrown away."""
    wanted = f"procrastinate {version('procrastinate')}"
    with psycopg.connect(owner_dsn) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(hashtext('cop.queue'))")
        row = connection.execute("SELECT obj_description(to_regnamespace(%s), 'pg_namespace')", [SCHEMA]).fetchone()
        if row == (wanted,):
            return
        name = sql.Identifier(SCHEMA)
        connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(name))
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(name))
        connection.execute(sql.SQL("SET LOCAL search_path = {}").format(name))
        connection.execute(SchemaManager.get_schema())
        connection.execute(sql.SQL("COMMENT ON SCHEMA {} IS {}").format(name, sql.Literal(wanted)))
    _log.info("the queue is made: %s", wanted)


def queue_of(owner_dsn: str) -> procrastinate.App:
    """The queue, not opened yet."""
    options = f"-c search_path={SCHEMA} -c timezone=UTC"
    connector = procrastinate.PsycopgConnector(
        conninfo=owner_dsn, min_size=1, max_size=4, kwargs={"options": options, "application_name": "cop-queue"}
    )
    return procrastinate.App(connector=connector)
