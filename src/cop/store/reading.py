"""Connections for reading: one pool a process, and each connection knows whose eyes it looks through."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import psycopg
from psycopg.types.string import ByteaBinaryLoader
from psycopg_pool import ConnectionPool, PoolTimeout

from cop.errors import ConnectionLost, Refused, StoreTrouble, TooSlow
from cop.settings import get_settings
from cop.store.pools import AT_ONCE, try_again
from cop.visible import VisibleSet

_log = logging.getLogger(__name__)
_SEEN = "cop_visible"  # what a connection was last set to, kept beside it to save a round trip
Connection = psycopg.Connection[tuple[Any, ...]]


def _configure(connection: Connection) -> None:
    connection.autocommit = True
    # Stored GeoJSON goes to the client as it is: text arrives as bytes and is never decoded.
    connection.adapters.register_loader("text", ByteaBinaryLoader)
    connection.prepare_threshold = 2


@lru_cache(maxsize=1)
def _pool() -> ConnectionPool[Connection]:
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


def close_pool() -> None:
    """Close this process's pool, if one was opened; the next reader opens another."""
    if _pool.cache_info().currsize:
        _pool().close()
        _pool.cache_clear()


@contextmanager
def reading(visible: VisibleSet) -> Iterator[Connection]:
    """A connection that sees what a visible set may see; statements stand alone (autocommit).

    Raises StoreTrouble, TooSlow or Refused in place of the database's own errors; those go to the log.
    """
    with _explained(), _pool().connection() as connection:
        wanted = "{" + ",".join(f'"{cls}"' for cls in visible.classes) + "}"
        if getattr(connection, _SEEN, None) != wanted:
            connection.execute("SELECT set_config('cop.visible', %s, false)", [wanted])
            setattr(connection, _SEEN, wanted)
        yield connection


def twice[**P, T](read: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What a call reads. Reading changes nothing, so what broke with its connection is asked once more."""
    try:
        return read(*args, **kwargs)
    except ConnectionLost:
        return read(*args, **kwargs)


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except psycopg.errors.QueryCanceled as exc:
        raise TooSlow from exc
    except (
        psycopg.DataError, psycopg.InternalError, psycopg.errors.UndefinedFunction, psycopg.errors.DatatypeMismatch
    ) as exc:  # fmt: skip
        _log.info("the store could not read a value: %s", exc)
        raise Refused(
            "a value in the request cannot be read: is each number in its range, each geometry inside its CRS?"
        ) from exc
    except PoolTimeout as exc:
        _log.warning("the store does not answer: %s", exc)
        raise StoreTrouble from exc
    except psycopg.OperationalError as exc:
        _log.warning("a connection to the store broke: %s", exc)
        _pool().check()  # what broke one has broken others: put all of them right
        raise ConnectionLost from exc
    except psycopg.Error as exc:
        _log.exception("the store refused a statement")
        raise StoreTrouble("The store could not answer this question.") from exc
