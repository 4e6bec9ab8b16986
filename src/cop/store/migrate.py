"""Migrations of schema `cop`, run by yoyo; tables of layers are made by `apply_layers`.

`NNNN_x.sql` runs while the version before still serves, so it only adds; `NNNN_x.post.sql` takes away what only that
version needed, after the last server of it has ended. No migration needs a `.post` one before it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import yoyo

from cop.catalogue import Catalogue
from cop.catalogue.spec import spec
from cop.errors import SetupTrouble
from cop.resources import package_folder
from cop.store.statements import statements

# What the database says where migrations or layers were never applied, or are older than this version.
LACKING = (
    psycopg.errors.UndefinedTable, psycopg.errors.UndefinedFunction, psycopg.errors.UndefinedColumn,
    psycopg.errors.InvalidSchemaName,
)  # fmt: skip
_FIRST = "`cop migrate` applies them; `make run` does both."
MIGRATIONS = package_folder() / "sql" / "migrations"
_SQL = package_folder() / "sql" / "upgrade.sql"
_POST = ".post"


@dataclass(frozen=True)
class Pending:
    """Migrations that the store lacks: those for before the new version serves, and those for after the old one."""

    pre: tuple[str, ...]
    post: tuple[str, ...]


def migrate(owner_dsn: str, folder: Path = MIGRATIONS) -> list[str]:
    """Apply all migrations that the store lacks, each in a transaction; the ids of those applied.

    The DSN is a URL. Waits for another who changes the schema. Raises SetupTrouble with the database's own hint
    where one fails.
    """
    with alone(owner_dsn, wait=True):
        wanted = pending(owner_dsn, folder)
        return apply(owner_dsn, (*wanted.pre, *wanted.post), folder)


@contextmanager
def alone(owner_dsn: str, *, wait: bool) -> Iterator[None]:
    """Let one at a time change the schema of a store. The lock is a connection's, so it dies with its holder.

    Raises SetupTrouble where somebody has it and we do not wait.
    """
    with psycopg.connect(owner_dsn, autocommit=True, application_name="cop upgrade") as connection:
        row = connection.execute(statements(_SQL)["lock" if wait else "try_lock"]).fetchone()
        if not wait and row != (True,):
            raise SetupTrouble("another upgrade of this store is being made; wait until it has ended, then look again")
        yield


def pending(owner_dsn: str, folder: Path = MIGRATIONS) -> Pending:
    """The migrations that the store lacks, in their order."""
    with _yoyo(owner_dsn) as backend:
        ids = [migration.id for migration in backend.to_apply(yoyo.read_migrations(str(folder)))]
    post = tuple(id_ for id_ in ids if id_.endswith(_POST))
    return Pending(tuple(id_ for id_ in ids if id_ not in post), post)


def apply(owner_dsn: str, ids: tuple[str, ...], folder: Path = MIGRATIONS) -> list[str]:
    """Apply these migrations, each in a transaction, as the one holder of the lock; the ids of those applied.

    Raises SetupTrouble that names the one that failed: it left nothing, and those before it stand.
    """
    applied: list[str] = []
    with _yoyo(owner_dsn) as backend:
        # We hold the lock of all who change the schema: a row here is of a run that was killed.
        backend.break_lock()
        for migration in backend.to_apply(yoyo.read_migrations(str(folder))):
            if migration.id not in ids:
                continue
            try:
                backend.apply_one(migration)
            except psycopg.Error as exc:
                raise SetupTrouble(
                    f"the migration {migration.id} failed, and nothing of it stands: {_told(exc)}"
                ) from exc
            applied.append(migration.id)
    return applied


@contextmanager
def _yoyo(owner_dsn: str) -> Iterator[yoyo.backends.DatabaseBackend]:
    backend = yoyo.get_backend(_with_driver(owner_dsn))
    try:
        yield backend
    finally:
        backend.connection.close()


def changed_layers(owner_dsn: str, catalogue: Catalogue) -> dict[str, str]:
    """What `apply_layers` would do to which layers, by the files and what the store knows: make or change."""
    with psycopg.connect(owner_dsn) as connection:
        if connection.execute(statements(_SQL)["has_store"]).fetchone() != (True,):
            return {layer.id: "make" for layer in catalogue.feature_layers}
        known: dict[str, object] = dict(connection.execute(statements(_SQL)["specs"]).fetchall())
    wanted = {layer.id: json.loads(json.dumps(spec(layer))) for layer in catalogue.feature_layers}
    return {id_: "change" if id_ in known else "make" for id_, about in wanted.items() if known.get(id_) != about}


def servers(owner_dsn: str) -> int:
    """How many connections servers have to this store."""
    with psycopg.connect(owner_dsn) as connection:
        row = connection.execute(statements(_SQL)["serving"]).fetchone()
    return int(row[0]) if row else 0


def has_store(owner_dsn: str) -> bool:
    """Whether the database holds a store, of whatever version."""
    with psycopg.connect(owner_dsn) as connection:
        return connection.execute(statements(_SQL)["has_store"]).fetchone() == (True,)


def apply_layers(owner_dsn: str, catalogue: Catalogue) -> dict[str, str]:
    """Make or extend every feature layer's tables in one transaction; what became of each: made, changed, unchanged.

    Raises SetupTrouble that names layer, column and the way out; then nothing is changed.
    """
    # Here: every command of `cop` imports this module, and only this function needs filters and shapes.
    from cop.query.counted import columns_read, key

    outcome: dict[str, str] = {}
    try:
        with psycopg.connect(owner_dsn) as connection:
            for layer in catalogue.feature_layers:
                row = connection.execute("SELECT cop.apply_layer(%s)", [json.dumps(spec(layer))]).fetchone()
                outcome[layer.id] = row[0] if row else "unchanged"
                if layer.alike is not None:
                    connection.execute("SELECT cop.apply_numbers(%s, %s)", [layer.id, layer.alike.numbers])
                if counted := columns_read(layer):
                    about = [layer.id, list(counted), key(layer).as_string()]
                    connection.execute("SELECT cop.apply_counted(%s, %s, %s)", about)
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
