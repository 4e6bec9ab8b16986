"""One listener at a time, however many nodes would listen: a lock in the store that ends with its connection."""

from __future__ import annotations

from pathlib import Path

import psycopg

from cop.store.statements import statements

_SQL = Path(__file__).parent.parent / "sql" / "inbox.sql"
# A node that is cut off lets go of the lock within half a minute: the store's side of the connection notices.
_NOTICED = "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"


class Turn:
    """The right to listen under a name. Whoever has it keeps it until the connection to the store ends."""

    def __init__(self, owner_dsn: str, name: str) -> None:
        self._owner, self._name = owner_dsn, name
        self._connection: psycopg.Connection | None = None

    def is_ours(self) -> bool:
        """Whether we have the turn, asked of the store; takes it where it is free. False while the store is away."""
        try:
            if self._connection is not None:
                self._connection.execute(statements(_SQL)["still"])
                return True
            return self._takes()
        except psycopg.OperationalError:
            self.end()
            return False

    def _takes(self) -> bool:
        connection = psycopg.connect(
            self._owner, autocommit=True, connect_timeout=5, application_name="cop-inbox", options=_NOTICED
        )
        row = connection.execute(statements(_SQL)["alone"], {"name": self._name}).fetchone()
        if row is None or not row[0]:
            connection.close()
            return False
        self._connection = connection
        return True

    def end(self) -> None:
        """Give the turn back."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
