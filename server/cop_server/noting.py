"""Reads of what not everybody may see, noted for the audit: gathered in memory and written each second.

The first read of a kind within a minute is written within a second; further ones of that minute are counted, and their
number is written when the minute is over. What a crash loses is so a second of first reads and a minute of counts.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import batched
from typing import NamedTuple

from starlette.requests import Request

from cop.audit import Read, note
from cop.catalogue import Layer, catalogue
from cop.errors import CopError
from cop.identity import Principal
from cop.store.writing import writing
from cop.visible import VisibleSet

_log = logging.getLogger(__name__)
FLUSH_SECONDS = 1.0
EXPORT_FROM = 1000
"""Features in one answer from which on it is an export: nobody reads so many."""

MOST = 5000
"""Kinds of one actor's reads kept apart in memory; beyond them single features count as reads of their collection."""

_MOST_OF_ALL = 50_000
"""The same of all actors together: what one of them reads costs no other its features before that."""

_MOST_WAITING = 50_000
"""Rows that wait for a store that is away. While it is, nothing is read either."""


_SLICE = 1000
"""Rows that are written in one transaction: after a long outage no statement takes longer than it may."""


class _Kind(NamedTuple):
    minute: datetime
    deed: str
    form: str
    principal: Principal
    mode: str
    collection: str
    feature: str | None


@dataclass(slots=True)
class _Seen:
    at: datetime
    until: datetime
    count: int
    request: str | None
    first: bool = True  # not written yet


_seen: dict[_Kind, _Seen] = {}
_kinds: Counter[str] = Counter()  # of `_seen`, by actor
_waiting: list[Read] = []
_lock, _writing = threading.Lock(), threading.Lock()


def is_restricted(layer: Layer, visible: VisibleSet) -> bool:
    """Whether answers about a layer can hold what the public does not see: labelled records, or hidden columns."""
    if visible.is_public or not layer.is_feature_layer:
        return False
    return layer.is_labelled or layer.profiles.get(visible.profile_of(layer)) != layer.profiles["public"]


def restricted(names: Iterable[str] | None, visible: VisibleSet) -> list[str]:
    """Those of some collections (None: of all) whose answers are restricted."""
    layers = catalogue().layers
    wanted = layers if names is None else [name for name in names if name in layers]
    return [name for name in wanted if is_restricted(layers[name], visible)]


def note_read(
    principal: Principal, mode: str, collections: Iterable[str], form: str, *,
    deed: str = "read", feature: str | None = None, request: str | None = None,
) -> None:  # fmt: skip
    """Note that a principal was answered about collections, or one feature of one."""
    now = datetime.now(UTC)
    minute = now.replace(second=0, microsecond=0)
    with _lock:
        for name in collections:
            kind = _Kind(minute, deed, form, principal, mode, name, feature)
            if kind not in _seen and (_kinds[principal.subject] >= MOST or len(_seen) >= _MOST_OF_ALL):
                kind = kind._replace(feature=None)
            found = _seen.get(kind)
            if found is None:
                _kinds[principal.subject] += 1
                _seen[kind] = _Seen(now, now, 1, request)
            elif found.count == 0:
                _seen[kind] = _Seen(now, now, 1, request, first=False)
            else:
                found.until, found.count = now, found.count + 1


def _summarised() -> list[str]:
    """The layers that a summary shows something of, whatever it counts."""
    return [layer.id for layer in catalogue().feature_layers if layer.summary.current or layer.summary.totals]


def _everything() -> None:
    return None


# What an answer is about whose request names no collection; else everything.
_SHOWN_BY: dict[str, Callable[[], Iterable[str] | None]] = {"summary": _summarised}


def note_answer(
    principal: Principal, visible: VisibleSet, given: Mapping[str, str], request: Request, form: str
) -> None:
    """Note what a request was answered about: the collection and feature of its address, else those named."""
    path = request.path_params
    named = path.get("collection") or given.get("collections") or given.get("collection")
    names = restricted(str(named).split(",") if named else _SHOWN_BY.get(form, _everything)(), visible)
    if not names:
        return
    limit = given.get("limit", "")
    many = limit.isdecimal() and int(limit[:9]) >= EXPORT_FROM
    deed = "stream" if form == "events" else "export" if many else "read"
    feature = str(path["feature"]) if "feature" in path else None
    note_read(principal, visible.mode, names, form, deed=deed, feature=feature,
              request=request.scope.get("cop.request_id"))  # fmt: skip


def flush(*, finish: bool = False) -> int:
    """Write what is due; how many rows. `finish`: also what is counted in the minute under way.

    What the store does not take stays for the next time. Raises CopError where it is away.
    """
    with _writing:
        with _lock:
            _waiting.extend(_due(datetime.now(UTC), finish=finish))
            rows = _waiting.copy()
        for some in batched(rows, _SLICE):
            with writing(VisibleSet(), "audit") as connection:
                note(connection, some)
            with _lock:
                del _waiting[: len(some)]
        return len(rows)


def _due(now: datetime, *, finish: bool) -> list[Read]:
    """Kinds that are new, and the counts of minutes that are over."""
    rows, minute = [], now.replace(second=0, microsecond=0)
    for kind, seen in list(_seen.items()):
        over = finish or kind.minute < minute
        if seen.count and (seen.first or over):
            rows.append(_row(kind, seen))
            seen.count, seen.first = 0, False
        if over:
            del _seen[kind]
            _forget(kind.principal.subject)
    room = max(0, _MOST_WAITING - len(_waiting))
    if len(rows) > room:
        _log.error("the audit could not be written for too long: %d rows are lost", len(rows) - room)
    return sorted(rows, key=lambda row: row.at)[:room]


def _forget(actor: str) -> None:
    """One kind less of an actor; of who has none, nothing is kept."""
    _kinds[actor] -= 1
    if not _kinds[actor]:
        del _kinds[actor]


def _row(kind: _Kind, seen: _Seen) -> Read:
    who = kind.principal
    return Read(seen.at, seen.until, kind.deed, kind.form, who.subject, who.role or "public", who.department, kind.mode,
                kind.collection, kind.feature, seen.count, seen.request)  # fmt: skip


@asynccontextmanager
async def noting() -> AsyncIterator[None]:
    """Write each second while the block lasts, and all that is left at its end."""
    task = asyncio.create_task(_run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        try:
            await asyncio.to_thread(flush, finish=True)
        except CopError:
            _log.exception("the audit's last rows could not be written: %d", len(_waiting))


async def _run() -> None:
    away = False
    while True:
        await asyncio.sleep(FLUSH_SECONDS)
        try:
            await asyncio.to_thread(flush)
            away = False
        except CopError:
            if not away:
                _log.warning("the audit could not be written; it is tried each second")
            away = True
        except Exception:
            _log.exception("the audit failed; it tries again")
