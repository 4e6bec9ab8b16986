"""Kept payloads read and loaded again, in their order and by the same road: after a parser was mended, say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from cop.errors import SetupTrouble
from cop_ingest.feeds import keeping
from cop_ingest.feeds.declared import Feed
from cop_ingest.feeds.fetch import Known, http_date
from cop_ingest.feeds.keeping import Connection, Ended, Lease
from cop_ingest.feeds.turn import Arrived, Workshop, read_and_load
from cop_ingest.load import LeaseLost
from cop_ingest.load_sql import kept_raw


@dataclass(frozen=True, slots=True)
class Rerun:
    """A turn that was run again: its number, when its answer came, and how it ended now."""

    of: int
    received_at: datetime
    ended: Ended


def rerun(shop: Workshop, feed: Feed, begin: datetime, end: datetime | None) -> Iterator[Rerun]:
    """Run the turns of a span of time again, one after another; the feed is not asked meanwhile.

    Loading the same twice changes nothing. An answer older than the newest loaded adds what is missing and overwrites
    nothing newer. Raises SetupTrouble where another holds the feed.
    """
    with shop.connections.connection() as connection:
        lease = keeping.take(connection, feed.id, shop.mode, shop.holder)
        if lease is None:
            raise SetupTrouble(f"{feed.id} is being asked at this moment; try again in a few seconds")
        shop.at_work.add(feed.id)
        try:
            for turn, received_at in keeping.turns_between(connection, feed.id, shop.mode, begin, end):
                ended = _again(shop, connection, feed, lease, turn, received_at)
                lease = replace(
                    lease,
                    answered_at=ended.answered_at or lease.answered_at,
                    observed_at=ended.observed_at or lease.observed_at,
                )
                yield Rerun(turn, received_at, ended)
        finally:
            shop.at_work.discard(feed.id)
            if not connection.closed:
                keeping.release(connection, lease)


def _again(shop: Workshop, connection: Connection, feed: Feed, lease: Lease, of: int, received_at: datetime) -> Ended:
    turn = keeping.begin_turn(connection, lease, shop.holder, received_at, rerun_of=of)
    arrived = _arrived(connection, of, received_at)
    missing = [name for name, part in feed.parts.items() if name not in arrived.bodies and not part.optional]
    if missing:
        ended = Ended("failed", f"{', '.join(missing)}: kept no more, or never came")
    else:
        try:
            ended = read_and_load(shop, connection, feed, replace(lease, manifest=None), turn, arrived)
        except LeaseLost as exc:
            ended = Ended("lost", str(exc))
    keeping.note_rerun(connection, lease, turn, ended)
    return ended


def _arrived(connection: Connection, of: int, received_at: datetime) -> Arrived:
    bodies: dict[str, bytes] = {}
    known: dict[str, Known] = {}
    made: list[datetime] = []
    for part, hash_, headers in keeping.fetches(connection, of):
        body = kept_raw(connection, hash_)
        if body is None:
            continue
        bodies[part], known[part] = body, Known(hash=hash_.hex())
        made += [at] if (at := http_date(headers.get("last-modified"))) else []
    return Arrived(bodies, known, received_at, max(made, default=None))
