"""Values of a statement: each gets a name, and only the name stands in the SQL."""

from __future__ import annotations

from typing import Any

from psycopg import sql


class Values:
    """Collects a statement's values and hands out their placeholders."""

    def __init__(self) -> None:
        self.by_name: dict[str, Any] = {}

    def bind(self, value: object) -> sql.Composable:
        """The placeholder for a value."""
        name = f"v{len(self.by_name)}"
        self.by_name[name] = value
        return sql.Placeholder(name)


class Constants(Values):
    """Writes values into the statement, quoted by psycopg: for what no client has written (class names, numbers).

    A statement without parameters is planned once and kept; with them the store plans it at each call.
    """

    def bind(self, value: object) -> sql.Composable:
        """The value itself, as a literal."""
        return sql.Literal(value)
