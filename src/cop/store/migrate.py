"""Migrations of schema `cop`, run by yoyo; tables of layers are made by `apply_layers`."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import yoyo

from cop.catalogue import Catalogue
from cop.catalogue.spec import spec
from cop.errors import SetupTrouble
from cop.query.summary import columns_read
from cop.resources import package_folder

# What the database says where migrations or layers were never applied, or are older than this version.
LACKING = (
    psycopg.errors.UndefinedTable, psycopg.errors.UndefinedFunction, psycopg.errors.UndefinedColumn,
    psycopg.errors.InvalidSchemaName,
)  # fmt: skip
_FIRST = "`cop migrate` applies them; `make run` does both."
MIGRATIONS = package_folder() / "sql" / "migrations"


def migrate(owner_dsn: str, folder: Path = MIGRATIONS) -> list[str]:
    """Apply the migrations that the store lacks, each in a transaction; the ids of those applied.

    The DSN is a URL. Raises SetupTrouble with the database's own hint where one fails.
    """
    backend = yoyo.get_backend(_with_driver(owner_dsn))
    try:
        migrations = yoyo.read_migrations(str(folder))
        with backend.lock():
            wanted = backend.to_apply(migrations)
            backend.apply_migrations(wanted)
        return [migration.id for migration in wanted]
    except psycopg.Error as exc:
        raise SetupTrouble(f"a migration failed: {_told(exc)}") from exc
    finally:
        backend.connection.close()


def apply_layers(owner_dsn: str, catalogue: Catalogue) -> dict[str, str]:
    """Make or extend every feature layer's tables in one transaction; what became of each: made, changed, unchanged.

    Raises SetupTrouble that names layer, column and the way out; then nothing is changed.
    """
    outcome: dict[str, str] = {}
    try:
        with psycopg.connect(owner_dsn) as connection:
            for layer in catalogue.feature_layers:
                row = connection.execute("SELECT cop.apply_layer(%s)", [json.dumps(spec(layer))]).fetchone()
                outcome[layer.id] = row[0] if row else "unchanged"
                if counted := columns_read(layer):
                    connection.execute("SELECT cop.apply_counted(%s, %s)", [layer.id, list(counted)])
    except LACKING as exc:
        raise SetupTrouble(f"the layers were not applied: the store lacks the migrations; {_FIRST}") from exc
    except psycopg.Error as exc:
        raise SetupTrouble(f"the layers were not applied: {_told(exc)}") from exc
    return outcome


def remedy(exc: psycopg.Error) -> str:
    """What is lacking in the store, and the commands that make it."""
    missing = exc.diag.message_primary or str(exc)
    return (
        f"The store is not what this version works with: {missing}.\n"
        "`cop migrate` and then `cop layers apply` bring it up to date; `make run` does both."
    )


def _with_driver(dsn: str) -> str:
    parts = urlsplit(dsn)
    if parts.scheme not in ("postgresql", "postgres"):
        raise SetupTrouble("COP_DATABASE_URL: wanted a URL like postgresql://user:password@host:5432/cop")
    return urlunsplit(parts._replace(scheme="postgresql+psycopg"))


def _told(exc: psycopg.Error) -> str:
    hint = exc.diag.message_hint
    primary = exc.diag.message_primary or str(exc)
    return f"{primary}. {hint}" if hint else primary
