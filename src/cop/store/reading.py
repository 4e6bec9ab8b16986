"""Connections for reading: one pool a process, and each connection knows whose eyes it looks through."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import psycopg
from psycopg.types.string import ByteaBinaryLoader
from psycopg_pool import ConnectionPool, PoolTimeout

from cop.errors import ConnectionLost, Refused, StoreTrouble, TooSlow
from cop.limits import Audience
from cop.settings import get_settings
from cop.store.pools import AT_ONCE, Connection, OnePool, Pool, try_again
from cop.visible import VisibleSet

_log = logging.getLogger(__name__)
_SEEN = "cop_visible"  # what a connection was last set to, kept beside it to save a round trip


def _configure(connection: Connection) -> None:
    connection.autocommit = True
    # Stored GeoJSON goes to the client as it is: text arrives as bytes and is never decoded.
    connection.adapters.register_loader("text", ByteaBinaryLoader)
    connection.prepare_threshold = 2


def _make_pool() -> Pool:
    settings = get_settings()
    return ConnectionPool(
        settings.app_database_url.get_secret_value(),
        min_size=1,
        max_size=settings.pool_size,
        timeout=5,
        reconnect_timeout=AT_ONCE,
        reconnect_failed=try_again,
        configure=_configure,
        check=ConnectionPool.check_connection if settings.pool_check else None,
        kwargs={
            "application_name": "cop",
            "connect_timeout": 5,
            "options": f"-c statement_timeout={settings.statement_timeout_ms} -c timezone=UTC"
            " -c default_transaction_read_only=on -c max_parallel_workers_per_gather=0",
        },
        open=True,
    )


_pool = OnePool(_make_pool)


def pool_state() -> Mapping[str, int]:
    """How many connections this process' pool holds and has free, and how many requests wait for one."""
    return _pool.state()


def told_of(exc: psycopg.Error) -> str:
    """A database error for the log: its kind and place, and not its words, which repeat what a person has sent."""
    parts = (type(exc).__name__, exc.sqlstate, exc.diag.schema_name, exc.diag.table_name, exc.diag.constraint_name)
    return " ".join(part for part in parts if part)


def close_pool() -> None:
    """Close this process's pool, if one was opened; the next reader opens another."""
    _pool.close()


@contextmanager
def reading(visible: VisibleSet) -> Iterator[Connection]:
    """A connection that sees what a visible set may see; statements stand alone (autocommit).

    Raises StoreTrouble, TooSlow or Refused in place of the database's own errors; those go to the log.
    """
    with _explained(), _pool.get().connection() as connection:
        wanted = (_classes(visible), _patience_ms(visible.audience))
        if getattr(connection, _SEEN, None) != wanted:
            connection.execute(
                "SELECT set_config('cop.visible', %s, false), set_config('statement_timeout', %s, false)",
                [wanted[0], str(wanted[1])],
            )
            setattr(connection, _SEEN, wanted)
        yield connection


def twice[**P, T](read: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What a call reads. Reading changes nothing, so what broke with its connection is asked once more."""
    try:
        return read(*args, **kwargs)
    except ConnectionLost:
        return read(*args, **kwargs)


def _classes(visible: VisibleSet) -> str:
    return "{" + ",".join(f'"{cls}"' for cls in visible.classes) + "}"


def _patience_ms(audience: Audience) -> int:
    """How long a statement of an audience may take."""
    settings = get_settings()
    return min(settings.statement_timeout_ms, settings.limits.of(audience).statement_ms)


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except psycopg.errors.QueryCanceled as exc:
        raise TooSlow from exc
    except (
        psycopg.DataError, psycopg.InternalError, psycopg.errors.UndefinedFunction, psycopg.errors.DatatypeMismatch
    ) as exc:  # fmt: skip
        _log.info("the store could not read a value: %s", told_of(exc))
        raise Refused(
            "a value in the request cannot be read: is each number in its range, each geometry inside its CRS?"
        ) from exc
    except PoolTimeout as exc:
        _log.warning("the store does not answer: no connection became free")
        raise StoreTrouble from exc
    except psycopg.OperationalError as exc:
        _log.warning("a connection to the store broke: %s", told_of(exc))
        _pool.get().check()  # what broke one has broken others: put all of them right
        raise ConnectionLost from exc
    except psycopg.Error as exc:
        _log.exception("the store refused a statement")
        raise StoreTrouble("The store could not answer this question.") from exc
