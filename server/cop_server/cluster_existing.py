"""The store to work on: an existing server by COP_DATABASE_URL, else the private cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from cop.errors import SetupTrouble
from cop.settings import Settings
from cop_server.cluster import ensure_cluster
from cop_server.cluster_databases import (
    APP,
    EXTENSIONS,
    LEAST_POSTGIS,
    OWNER,
    not_leakproof,
    statement,
    version_numbers,
)
from cop_server.cluster_process import LEAST_VERSION

CLUSTER_FOLDER = "cluster"


@dataclass(frozen=True)
class Store:
    """Addresses of the store (libpq URLs with passwords), and what could be better about it."""

    owner_dsn: str = field(repr=False)
    app_dsn: str = field(repr=False)
    private: bool
    advice: tuple[str, ...] = ()


def find_store(settings: Settings) -> Store:
    """The store to work on, running and checked. Raises SetupTrouble with what to do."""
    owner_dsn = settings.database_url.get_secret_value()
    if owner_dsn:
        return check_server(owner_dsn, settings.app_database_url.get_secret_value())
    cluster = ensure_cluster(settings.var / CLUSTER_FOLDER)
    return Store(cluster.owner_dsn, cluster.app_dsn, private=True)


def check_server(owner_dsn: str, app_dsn: str) -> Store:
    """Check a server that somebody else runs: versions, extensions, rights of both roles.

    Makes the extensions and the leakproof marks where the owner role may. Where it may not make the marks,
    the advice says what a superuser should type. Raises SetupTrouble with what to do.
    """
    with _connected("COP_DATABASE_URL", owner_dsn) as owner:
        _check_version(owner)
        for extension in EXTENSIONS:
            _ensure_extension(owner, extension)
        _check_postgis(owner)
        owner_role, database, identity = _who_and_where(owner)
        _check_owner(owner, owner_role, database)
        advice = _mark_leakproof(owner, database)
    if not app_dsn:
        raise SetupTrouble(_how_to_make_app(database))
    with _connected("COP_APP_DATABASE_URL", app_dsn) as app:
        _check_app(app, owner_role, database, identity)
    return Store(owner_dsn, app_dsn, private=False, advice=tuple(advice))


@contextmanager
def _connected(setting: str, dsn: str) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    try:
        where = _address(dsn)
        connection = psycopg.connect(dsn, autocommit=True, connect_timeout=10)
    except psycopg.ProgrammingError:
        # libpq quotes the piece that it cannot read, which may be the password.
        raise SetupTrouble(
            f"{setting} cannot be read as an address; write postgresql://user:password@host:5432/database, "
            "with special signs of the password as %XX."
        ) from None
    except psycopg.OperationalError as exc:
        reason = " ".join(str(exc).split())
        raise SetupTrouble(
            f"{setting}: no connection to {where}: {reason}. Check that the server runs, and that "
            "address, user and password are right; without COP_DATABASE_URL COP makes a server of its own."
        ) from exc
    with connection:
        yield connection


def _address(dsn: str) -> str:
    parts = conninfo_to_dict(dsn)
    return f"database {parts.get('dbname', '')!r} at {parts.get('host', 'the default socket')}"


def _check_version(owner: psycopg.Connection[Any]) -> None:
    if owner.info.server_version < LEAST_VERSION * 10000:
        raise SetupTrouble(
            f"COP_DATABASE_URL: the server is PostgreSQL {owner.info.server_version // 10000}, COP needs "
            f"{LEAST_VERSION} or newer. Upgrade it, or leave COP_DATABASE_URL out."
        )


def _ensure_extension(owner: psycopg.Connection[Any], extension: str) -> None:
    try:
        owner.execute(statement("create_extension", extension=sql.Identifier(extension)))
    except psycopg.errors.InsufficientPrivilege as exc:
        raise SetupTrouble(
            f"COP_DATABASE_URL: the extension {extension} is missing and the role may not make it. "
            f"Type as a superuser in that database: CREATE EXTENSION {extension};"
        ) from exc
    except (psycopg.errors.UndefinedFile, psycopg.errors.FeatureNotSupported) as exc:
        raise SetupTrouble(
            f"COP_DATABASE_URL: the extension {extension} is not installed on the server. "
            f"On Debian and Ubuntu: apt-get install postgresql-{owner.info.server_version // 10000}-postgis-3"
        ) from exc


def _check_postgis(owner: psycopg.Connection[Any]) -> None:
    row = owner.execute(statement("versions")).fetchone()
    version = row[1] if row else None
    if version is None or version_numbers(version) < LEAST_POSTGIS:
        raise SetupTrouble(
            f"COP_DATABASE_URL: PostGIS is {version or 'missing'}, COP needs "
            f"{'.'.join(map(str, LEAST_POSTGIS))} or newer. "
            "After its upgrade type: SELECT postgis_extensions_upgrade();"
        )


def _who_and_where(connection: psycopg.Connection[Any]) -> tuple[str, str, int]:
    """Role, database and the database's number; a replica has the same number."""
    row = connection.execute(statement("who_and_where")).fetchone()
    assert row is not None
    return row[0], row[1], row[2]


def _check_owner(owner: psycopg.Connection[Any], role: str, database: str) -> None:
    row = owner.execute(statement("may_create")).fetchone()
    if not (row and row[0]):
        raise SetupTrouble(
            f"COP_DATABASE_URL: the role {role} may not make schemas in {database}. "
            f"Type as a superuser: GRANT CREATE ON DATABASE {database} TO {role};"
        )


def _mark_leakproof(owner: psycopg.Connection[Any], database: str) -> list[str]:
    """Set the marks; returns the advice for those that only a superuser may set."""
    advice = []
    for signature in not_leakproof(owner):
        command = sql.SQL("ALTER FUNCTION {} LEAKPROOF").format(sql.SQL(signature))
        try:
            owner.execute(command)
        except psycopg.errors.InsufficientPrivilege:
            advice.append(command.as_string(owner) + ";")
    if not advice:
        return []
    return [
        "Maps of restricted layers are right but slow: row security keeps boxes away from the index. "
        f"A superuser may change that in {database} with: {' '.join(advice)}"
    ]


def _how_to_make_app(database: str) -> str:
    return (
        "COP_DATABASE_URL is set, COP_APP_DATABASE_URL is not: requests are answered by a second role, "
        f"which owns nothing. Type as a superuser: CREATE ROLE {APP} LOGIN PASSWORD '…'; "
        f"GRANT CONNECT ON DATABASE {database} TO {APP}; "
        f"and set COP_APP_DATABASE_URL to the same address with {APP} as its user."
    )


def _check_app(app: psycopg.Connection[Any], owner_role: str, database: str, identity: int) -> None:
    role, app_database, app_identity = _who_and_where(app)
    if (app_database, app_identity) != (database, identity):
        raise SetupTrouble(
            f"COP_APP_DATABASE_URL points to the database {app_database}, COP_DATABASE_URL to another one, "
            f"{database}; both must name the same."
        )
    _check_powers(app, role, owner_role)
    row = app.execute(statement("is_app"), {"app": APP}).fetchone()
    if not (row and row[0]):
        raise SetupTrouble(
            f"COP_APP_DATABASE_URL: the role {role} is not {APP}, which has the rights. Use {APP}, "
            f"or type as a superuser: CREATE ROLE {APP}; GRANT {APP} TO {role};"
        )


def _check_powers(app: psycopg.Connection[Any], role: str, owner_role: str) -> None:
    row = app.execute(statement("role_powers"), {"owner": owner_role}).fetchone()
    if row and any(row):
        raise SetupTrouble(
            f"COP_APP_DATABASE_URL: the role {role} may pass by row security (superuser, BYPASSRLS, or "
            f"a member of {owner_role}), so it would show what is not released. Use a role such as {APP}: "
            f"CREATE ROLE {APP} LOGIN PASSWORD '…' NOBYPASSRLS;"
        )


__all__ = ["APP", "OWNER", "Store", "check_server", "find_store"]
