"""The log: lines of JSON, one for each request and one for whatever goes wrong. No name, address, key or value in it.

A line about a request tells its route's template, not its path; an error tells its kind and where it was raised, not
its words, which may repeat what somebody sent.
"""

from __future__ import annotations

import logging
import traceback
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final

import orjson
import psycopg

from cop.errors import CopError, Refused
from cop.store.reading import told_of
from cop_server.border.about import About, current

_access = logging.getLogger("cop.access")
# Errors whose words are our own or the machine's, and never a client's.
_PLAIN: Final = (CopError, OSError, AttributeError, NameError, ImportError)
_OUR_LOGGERS: Final = ("cop", "uvicorn")
_MOST_FRAMES: Final = 30

_Info = tuple[type[BaseException], BaseException, TracebackType | None]


def configuration(form: str) -> dict[str, Any]:
    """Logging of a server process, as `logging.config.dictConfig` takes it. `form` is text or json."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"cop": {"()": f"{__name__}.{'Lines' if form == 'json' else 'Words'}"}},
        "handlers": {"cop": {"class": "logging.StreamHandler", "formatter": "cop"}},
        "root": {"handlers": ["cop"], "level": "WARNING"},
        "loggers": {
            "cop": {"level": "INFO" if form == "json" else "WARNING"},
            "cop_server": {"level": "INFO" if form == "json" else "WARNING"},
            # Its warnings of requests that are no HTTP come by the thousand from whoever scans networks.
            "uvicorn.error": {"level": "ERROR"},
            "httpx": {"level": "WARNING"},  # tells addresses with their parameters
        },
    }


def access(known: About) -> None:
    """The one line of a request."""
    if _access.isEnabledFor(logging.INFO):
        _access.info("request", extra={"about": known})


class Lines(logging.Formatter):
    """A log record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")[:-6] + "Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _said(record),
        }
        known = getattr(record, "about", None)
        if isinstance(known, About):
            line |= _told(known)
        elif (now := current.get()) is not None:
            line["request"] = now.id
        if record.exc_info and record.exc_info[1] is not None:
            line["trace"] = _trace(record.exc_info[1])
        return orjson.dumps(line, default=str).decode()


class Words(logging.Formatter):
    """A log record for a person at a terminal."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        """The line, without what a client may have sent."""
        record.message = _said(record)
        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's own name
        """The trace, without what a client may have sent."""
        info: _Info = ei
        return "\n".join(_trace(info[1]))


def _said(record: logging.LogRecord) -> str:
    """The words, where they are of our own or of uvicorn; of others, which may repeat a request, where they stand."""
    ours = record.name.startswith(_OUR_LOGGERS)
    return record.getMessage() if ours else f"{record.module}:{record.lineno}"


def _told(known: About) -> dict[str, Any]:
    line = {
        "request": known.id,
        "method": known.method,
        "route": known.route,
        "status": known.status,
        "ms": round(known.ms, 1),
        "bytes": known.sent,
        "audience": known.audience,
        "role": known.role,
        "department": known.department,
    }
    return {name: value for name, value in line.items() if value is not None}


def _trace(exc: BaseException | None) -> list[str]:
    """Where it was raised, innermost last, for it and for what it came of."""
    lines: list[str] = []
    while exc is not None and len(lines) < 5 * _MOST_FRAMES:
        frames = traceback.extract_tb(exc.__traceback__)[-_MOST_FRAMES:]
        lines += [f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in frames]
        lines.append(_named(exc))
        exc = exc.__cause__ or (None if exc.__suppress_context__ else exc.__context__)
    return lines


def _named(exc: BaseException) -> str:
    if isinstance(exc, psycopg.Error):
        return told_of(exc)
    if isinstance(exc, _PLAIN) and not isinstance(exc, Refused):
        return f"{type(exc).__name__}: {exc}"
    return type(exc).__name__
