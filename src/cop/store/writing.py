"""Connections for writing: one pool a process; a write is one transaction that looks through the writer's eyes."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.types.string import ByteaBinaryLoader
from psycopg_pool import ConnectionPool, PoolTimeout

from cop.errors import Conflict, ConnectionLost, NotPermitted, Refused, StoreTrouble, TooSlow
from cop.settings import get_settings
from cop.store.pools import AT_ONCE, Connection, OnePool, Pool, try_again
from cop.store.reading import told_of
from cop.store.statements import statements
from cop.visible import VisibleSet

_log = logging.getLogger(__name__)
SQL = Path(__file__).parent.parent / "sql" / "writing.sql"


def _configure(connection: Connection) -> None:
    connection.adapters.register_loader("text", ByteaBinaryLoader)
    connection.prepare_threshold = 2
    connection.autocommit = True  # each write begins and ends its own transaction


def _make_pool() -> Pool:
    settings = get_settings()
    return ConnectionPool(
        settings.app_database_url.get_secret_value(),
        min_size=0,
        max_size=settings.write_pool_size,
        timeout=5,
        reconnect_timeout=AT_ONCE,
        reconnect_failed=try_again,
        configure=_configure,
        # A write whose connection broke cannot be asked again unasked: so each connection is tried before it is used.
        check=ConnectionPool.check_connection,
        kwargs={
            "application_name": "cop-write",
            "connect_timeout": 5,
            # A writer that waits for a row or the head gives up before its client does.
            "options": f"-c statement_timeout={settings.statement_timeout_ms} -c timezone=UTC -c lock_timeout=5000"
            " -c idle_in_transaction_session_timeout=30000 -c max_parallel_workers_per_gather=0",
        },
        open=True,
    )


_pool = OnePool(_make_pool)


def write_pool_state() -> Mapping[str, int]:
    """How many connections this process' pool for writes holds and has free, and how many writers wait for one."""
    return _pool.state()


def close_write_pool() -> None:
    """Close this process's pool, if one was opened."""
    _pool.close()


@contextmanager
def writing(
    visible: VisibleSet, actor: str, cause: str = "", *, request: str = "", role: str = "", department: str = ""
) -> Iterator[Connection]:
    """A connection within one transaction of a writer; it is committed unless an error leaves the block.

    With a request's id, it and the writer's role and department are kept beside the journal, for the audit.

    Raises StoreTrouble, TooSlow, Conflict, NotPermitted or Refused in place of the database's own errors; those go to
    the log.
    """
    wanted = "{" + ",".join(f'"{cls}"' for cls in visible.classes) + "}"
    about = {"visible": wanted, "actor": actor, "cause": cause, "request": request, "role": role,
             "department": department,
             # What is written in an exercise lies at the time on its clock, where that runs.
             "clock": "live" if visible.mode == "exercise" else ""}  # fmt: skip
    with _explained(), _pool.get().connection() as connection, _begun(connection, about):
        yield connection


@contextmanager
def part_of(connection: Connection) -> Iterator[None]:
    """A part of a transaction of `writing` that fails alone: what it did is undone, what was done before stays.

    Raises as `writing` does.
    """
    with _explained(), connection.transaction():
        yield


@contextmanager
def _begun(connection: Connection, about: dict[str, str]) -> Iterator[None]:
    """A transaction; it begins and takes on the writer's eyes in one message to the store.

    Two statements in one message take no parameters: the values are quoted by psycopg.
    """
    quoted = {name: sql.Literal(value) for name, value in about.items()}
    connection.execute(sql.SQL(statements(SQL)["look"]).format(**quoted))
    try:
        yield
    except BaseException:
        if not connection.closed:
            connection.rollback()
        raise
    connection.commit()


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except psycopg.errors.UniqueViolation as exc:
        _log.info("a record stands in the way: %s", told_of(exc))
        raise Conflict("a record with the same source_ref of this department is there already", "source_ref") from exc
    except psycopg.errors.InsufficientPrivilege as exc:
        _log.warning("the store refused a writer: %s", told_of(exc))
        raise NotPermitted("the record is not yours to write") from exc
    except (psycopg.errors.QueryCanceled, psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as exc:
        raise TooSlow from exc
    except (psycopg.DataError, psycopg.IntegrityError, psycopg.InternalError) as exc:
        _log.info("the store could not take a value: %s", told_of(exc))
        raise Refused("a value cannot be stored: is each number in its range, each geometry whole?") from exc
    except PoolTimeout as exc:
        _log.warning("the store does not answer: no connection became free")
        raise StoreTrouble from exc
    except psycopg.OperationalError as exc:
        _log.warning("a connection to the store broke: %s", told_of(exc))
        _pool.get().check()
        raise ConnectionLost from exc
    except psycopg.Error as exc:
        _log.exception("the store refused a write")
        raise StoreTrouble("The store could not do this.") from exc
