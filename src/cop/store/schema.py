"""The schema `cop` as text, to compare what migrations come to with what is committed in sql/schema.txt."""

from __future__ import annotations

import sys
from typing import Any

import psycopg

from cop.resources import package_folder
from cop.settings import get_settings
from cop.store.statements import statements

_SQL = package_folder() / "sql" / "schema.sql"


def describe(connection: psycopg.Connection[Any]) -> str:
    """Tables, columns, constraints, indexes, policies, grants and functions of schema `cop`, a line each, in order."""
    lines: list[str] = []
    for name, statement in statements(_SQL).items():
        lines.append(f"-- {name}")
        lines += [" | ".join(str(value) for value in row) for row in connection.execute(statement).fetchall()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    with psycopg.connect(get_settings().database_url.get_secret_value()) as owner:
        sys.stdout.write(describe(owner))
