"""Roles, databases and extensions of the private cluster, made as its superuser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from cop.errors import SetupTrouble

DATABASE = "cop"
OWNER = "cop_owner"
APP = "cop_app"
EXTENSIONS = ("postgis",)
LEAST_POSTGIS = (3, 3)
# Without this mark PostgreSQL runs a policy before these operators and so cannot use their indexes. They
# compare boxes and ranges, and raise no error that would tell a hidden value.
LEAKPROOF = (
    "geometry_overlaps(geometry,geometry)",
    "range_contains_elem(anyrange,anyelement)",
)


@dataclass(frozen=True)
class Cluster:
    """A running private cluster, seen through one of its databases; DSNs are libpq URLs with passwords."""

    owner_dsn: str = field(repr=False)
    app_dsn: str = field(repr=False)
    admin_dsn: str = field(repr=False)
    port: int
    folder: Path
    version: str

    def environment(self) -> dict[str, str | int]:
        """Plain values for JSON, read back by `from_environment`."""
        return asdict(self) | {"folder": str(self.folder)}

    @classmethod
    def from_environment(cls, values: dict[str, Any]) -> Cluster:
        """The cluster that `environment` described."""
        return cls(**(values | {"folder": Path(values["folder"])}))

    def at(self, database: str) -> Cluster:
        """The same cluster seen through another database."""
        return replace(
            self,
            owner_dsn=_with_database(self.owner_dsn, database),
            app_dsn=_with_database(self.app_dsn, database),
            admin_dsn=_with_database(self.admin_dsn, database),
        )


def dsn(role: str, password: str, host: str, port: int, database: str) -> str:
    """A libpq URL; `host` is an address or the absolute folder of a unix socket."""
    return f"postgresql://{role}:{quote(password, safe='')}@/{database}?host={quote(host, safe='')}&port={port}"


def _with_database(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path="/" + quote(database, safe="")))


@cache
def _statements() -> dict[str, str]:
    text = files("cop_server").joinpath("cluster.sql").read_text()
    parts = re.split(r"^-- (\w+) --$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def statement(title: str, /, **names: sql.Composable) -> sql.Composed:
    """A statement of cluster.sql with its braces filled."""
    return sql.SQL(_statements()[title]).format(**names)


@contextmanager
def _admin(cluster: Cluster, database: str) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    with psycopg.connect(cluster.at(database).admin_dsn, autocommit=True, connect_timeout=10) as connection:
        yield connection


def prepare(cluster: Cluster, owner_password: str, app_password: str) -> None:
    """Make what the store stands on, as far as it is missing: template, roles, the database `cop`."""
    with _admin(cluster, "postgres") as connection:
        complete = _true(connection, "database_exists", name=DATABASE)
        for role, password in ((OWNER, owner_password), (APP, app_password)):
            if not _true(connection, "role_exists", role=role):
                _create_role(connection, role, password)
    if not complete:
        _furnish(cluster, "template1")
        create_database(cluster, DATABASE)
    _furnish(cluster, DATABASE)


def _true(connection: psycopg.Connection[Any], title: str, /, **values: str) -> bool:
    row = connection.execute(statement(title), values).fetchone()
    return bool(row and row[0])


def _create_role(connection: psycopg.Connection[Any], role: str, password: str) -> None:
    verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
    names = {"role": sql.Identifier(role), "verifier": sql.Literal(verifier.decode())}
    connection.execute(statement("create_role", **names))


def _furnish(cluster: Cluster, database: str) -> None:
    """Extensions and the leakproof mark, looked at each time: an update of PostGIS takes the mark away."""
    with _admin(cluster, database) as connection:
        _check_postgis(connection)
        for extension in EXTENSIONS:
            connection.execute(statement("create_extension", extension=sql.Identifier(extension)))
        for signature in not_leakproof(connection):
            connection.execute(sql.SQL("ALTER FUNCTION {} LEAKPROOF").format(sql.SQL(signature)))


def not_leakproof(connection: psycopg.Connection[Any]) -> list[str]:
    """Signatures of ours that do not carry the mark in this database."""
    return [row[0] for row in connection.execute(statement("not_leakproof"), {"signatures": list(LEAKPROOF)})]


def _check_postgis(connection: psycopg.Connection[Any]) -> None:
    row = connection.execute(statement("versions")).fetchone()
    server, installed, available = row if row else (0, None, None)
    version = installed or available
    if version is None or version_numbers(version) < LEAST_POSTGIS:
        major = server // 10000
        raise SetupTrouble(
            f"PostGIS {'.'.join(map(str, LEAST_POSTGIS))} or newer is needed in PostgreSQL {major}, found: "
            f"{version or 'none'}. Install it with: apt-get install postgresql-{major}-postgis-3"
        )


def version_numbers(version: str) -> tuple[int, int]:
    """Major and minor number of a text such as '3.3.2'."""
    numbers = [int(number) for number in re.findall(r"\d+", version)[:2]]
    return numbers[0], numbers[1] if len(numbers) > 1 else 0


def create_database(cluster: Cluster, name: str, template: str | None = None) -> Cluster:
    """A new database owned by the owner role, empty but for the extensions, or a copy of `template`.

    Nobody may be connected to the template meanwhile. Returns the cluster as seen through the new database.
    """
    names = {
        "name": sql.Identifier(name),
        "template": sql.Identifier(template or "template1"),
        "owner": sql.Identifier(OWNER),
        "app": sql.Identifier(APP),
    }
    with _admin(cluster, "postgres") as connection:
        for title in ("create_database", "close_database", "open_database"):
            connection.execute(statement(title, **names))
    return cluster.at(name)


def drop_database(cluster: Cluster, name: str) -> None:
    """Remove a database and break off whoever is connected to it; no error where it is not there."""
    with _admin(cluster, "postgres") as connection:
        connection.execute(statement("drop_database", name=sql.Identifier(name)))
