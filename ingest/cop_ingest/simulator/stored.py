"""Replay out of a store: what its feeds' worker has kept, served again at the times at which it came.

Only answers that came whole are kept, so a failed request is no payload: the address goes on with the one before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from itertools import groupby
from mimetypes import guess_extension
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

import psycopg

from cop.errors import LoadRefused
from cop.store.statements import statements
from cop_ingest.feeds.declared import Feed
from cop_ingest.feeds.keeping import Connection, FeedMode
from cop_ingest.feeds.parse import led_by
from cop_ingest.feeds.payload import NotThisFeed, Payload
from cop_ingest.load_sql import kept_raw
from cop_ingest.simulator.replay import Kept, Series

_SQL = statements(Path(__file__).parent.parent / "sql" / "feeds.sql")
Connect = Callable[[], AbstractContextManager[Connection]]
_Row = tuple[int, str, datetime, bytes, str]


def series_of(connect: Connect, feeds: Iterable[Feed], mode: FeedMode, begin: datetime, end: datetime) -> list[Series]:
    """What came for these feeds from `begin` to `end` (UTC, of the feeds' own clock), an address each.

    Bodies are read when they are asked for, each time by a connection of its own. Raises LoadRefused where nothing is
    kept of that time.
    """
    found = []
    with connect() as connection:
        for feed in feeds:
            about = {"feed": feed.id, "mode": mode, "from": begin, "to": end}
            rows: list[_Row] = connection.execute(_SQL["kept_between"], about).fetchall()
            found += list(_series(connect, connection, feed, rows))
    if not found:
        asked = f"{begin:%Y-%m-%dT%H:%MZ} to {end:%Y-%m-%dT%H:%MZ}"
        raise LoadRefused(f"the store keeps no payload of mode {mode} from {asked}")
    return found


def _series(connect: Connect, connection: Connection, feed: Feed, rows: list[_Row]) -> Iterator[Series]:
    by_address: dict[str, list[Kept]] = {}
    for _, turn in groupby(rows, key=lambda row: row[0]):
        came = list(turn)
        addresses = _addresses(connection, feed, came)
        for _, part, at, hash_, media in came:
            if part in addresses:
                kept = Kept(at, f"{hash_.hex()}{_ending(media)}", _reader(connect, hash_))
                by_address.setdefault(addresses[part], []).append(kept)
    for address, every in by_address.items():
        parts = urlsplit(address)
        changes = [next(same) for _, same in groupby(every, key=lambda one: one.name)]
        query = dict(parse_qsl(parts.query))
        yield Series(str(parts.hostname), unquote(parts.path[1:]), query, changes)


def _addresses(connection: Connection, feed: Feed, came: list[_Row]) -> Mapping[str, str]:
    """Where the parts of a turn were asked for; those that an answer led to stand in that answer."""
    known = {name: part.url for name, part in feed.parts.items()}
    if all(part in known for _, part, *_ in came):
        return known
    bodies = {part: kept_raw(connection, hash_) or b"" for _, part, _, hash_, _ in came if part in known}
    try:
        return {**led_by(feed, Payload(bodies, came[0][2], feed.options)), **known}
    except (NotThisFeed, ValueError):
        return known


def _reader(connect: Connect, hash_: bytes) -> Callable[[], bytes | None]:
    def read() -> bytes | None:
        with connect() as connection:
            return kept_raw(connection, hash_)

    return read


def _ending(media: str) -> str:
    """The ending of a file's name for a media type, `.json`; none where it is not known."""
    return guess_extension(media.partition(";")[0].strip().lower()) or ""


def connecting(owner_dsn: str) -> Connect:
    """Connections to a store as the owner role."""
    return lambda: psycopg.connect(owner_dsn, autocommit=True, options="-c timezone=UTC")
