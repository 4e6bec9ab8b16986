"""One turn of a feed: lease, fetch, raw payloads kept, read, placed, loaded, its state told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

import psycopg

from cop.catalogue import catalogue
from cop.errors import LoadRefused
from cop.settings import get_settings
from cop_ingest.feeds import keeping, loading
from cop_ingest.feeds.clock import Clock
from cop_ingest.feeds.declared import Feed, Part
from cop_ingest.feeds.fetch import Fetched, Fetcher, FetchFailed, Known
from cop_ingest.feeds.health import health_of
from cop_ingest.feeds.keeping import Connection, Ended, FeedMode, Lease, Sums
from cop_ingest.feeds.payload import NotThisFeed, Payload
from cop_ingest.feeds.places import Places
from cop_ingest.feeds.rasters import keep_raster
from cop_ingest.feeds.reader import Readers
from cop_ingest.gazetteer.index import read_version
from cop_ingest.gazetteer.placing import Gazetteer, placed
from cop_ingest.load import LeaseLost, is_loaded, manifest_of
from cop_ingest.load_sql import keep_raw, kept_raw

_MOST_FOLLOWED = 20
_TOLD_SECONDS = 10.0  # a state that stays is told at most so often, however quick the feed is
_SOON = 5.0  # seconds until a stand-in looks again whether its main feed was asked
_SOONEST_AGAIN = 10.0  # seconds after the first failed turn of a feed; doubled up to its cadence


class Connections(Protocol):
    """Where a turn has its connection to the store from."""

    def connection(self) -> AbstractContextManager[Connection]:
        """One that is in autocommit, as the owner role."""


@dataclass(frozen=True, slots=True)
class Workshop:
    """What every turn of a worker shares; `holder` names the worker, `at_work` the feeds that it is at."""

    connections: Connections
    fetcher: Fetcher
    clock: Clock
    mode: FeedMode
    holder: str
    readers: Readers = field(default_factory=Readers)
    places: Places = field(default_factory=Places)
    gazetteer: Gazetteer = field(default_factory=Gazetteer)
    blobs: Path = field(default_factory=lambda: get_settings().blob_folder)
    at_work: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Arrived:
    """The bodies of a feed's parts, what to remember of each, and when the newest of them was made, if it is told."""

    bodies: Mapping[str, bytes]
    known: Mapping[str, Known]
    received_at: datetime
    made_at: datetime | None


def run_turn(shop: Workshop, feed: Feed) -> Ended | None:
    """Ask the feed once and load what it says; None where another worker has the feed.

    A stand-in is asked only while the feed that it stands in for is stale or down. Whatever the source does ends in a
    state with its cause; the store's own trouble is raised.
    """
    with shop.connections.connection() as connection:
        lease = keeping.take(connection, feed.id, shop.mode, shop.holder)
        if lease is None:
            return None
        shop.at_work.add(feed.id)
        try:
            return _turn(shop, connection, feed, lease)
        except BaseException:
            # Where the connection is gone, the lease runs out: only feeds at work are held on to.
            if not connection.closed:
                keeping.release(connection, lease)
            raise
        finally:
            shop.at_work.discard(feed.id)


def _turn(shop: Workshop, connection: Connection, feed: Feed, lease: Lease) -> Ended:
    began_at = shop.clock.now()
    turn = keeping.begin_turn(connection, lease, shop.holder, began_at)
    known = dict(lease.parts)
    main = _standing(shop, connection, feed)
    if main == "well":
        ended = loading.stand_back(connection, feed, lease, turn, began_at)
    elif main == "unknown":
        ended = Ended("quiet", f"waits until {feed.fallback_of} has been asked", wait=_SOON)
    else:
        try:
            arrived = _arrived(shop, connection, feed, lease, turn)
            ended = read_and_load(shop, connection, feed, lease, turn, arrived)
            if ended.outcome != "failed":
                # With the validators of a body that was no good we would be told for ever that nothing has changed.
                known = dict(arrived.known)
        except FetchFailed as exc:
            ended = Ended("failed", exc.cause, wait=exc.wait, rests=exc.rests)
        except LeaseLost as exc:
            ended = Ended("lost", str(exc))
    _finish(shop, connection, feed, lease, turn, ended, known)
    return ended


def _standing(shop: Workshop, connection: Connection, feed: Feed) -> keeping.Standing | None:
    """How the feed is that this one stands in for; None for one that stands in for none."""
    if feed.fallback_of is None:
        return None
    return keeping.standing(connection, feed.fallback_of, shop.mode, feed.cadence_s / max(shop.clock.speed(), 1.0))


def _arrived(shop: Workshop, connection: Connection, feed: Feed, lease: Lease, turn: int) -> Arrived:
    """Ask for all parts and keep what came. Raises FetchFailed where a part that is wanted could not be had."""
    arrived = _asked(shop, connection, feed, lease, turn)
    if feed.follow is None:
        return arrived
    try:
        led = shop.readers.follow(feed, Payload(arrived.bodies, arrived.received_at, feed.options))
        further = _further(feed, led)
    except (NotThisFeed, ValueError) as exc:
        raise FetchFailed(str(exc)) from exc
    more = _asked(shop, connection, feed.model_copy(update={"parts": further}), lease, turn)
    return Arrived(
        {**arrived.bodies, **more.bodies},
        {**arrived.known, **more.known},
        more.received_at,
        max(filter(None, (arrived.made_at, more.made_at)), default=None),
    )


def _further(feed: Feed, led: Mapping[str, str]) -> dict[str, Part]:
    """The parts that an answer leads to, at the feed's own hosts only: an answer is no order to ask anybody else."""
    hosts = {part.host for part in feed.parts.values()} | set(feed.redirects)
    parts = {name: Part(url=url) for name, url in led.items() if name not in feed.parts}
    if strange := [part.url[:100] for part in parts.values() if part.host not in hosts]:
        raise FetchFailed(f"leads to {strange[0]}; allowed are {', '.join(sorted(hosts))}")
    if len(parts) > _MOST_FOLLOWED:
        raise FetchFailed(f"leads to {len(parts)} more files; at most {_MOST_FOLLOWED} are asked")
    return parts


def _asked(shop: Workshop, connection: Connection, feed: Feed, lease: Lease, turn: int) -> Arrived:
    found = shop.fetcher.fetch(feed, lease.parts)
    at = shop.clock.now()
    bodies: dict[str, bytes] = {}
    known: dict[str, Known] = {}
    made: list[datetime] = []
    failures: list[FetchFailed] = []
    with connection.transaction():
        for name, answer in found.items():
            if isinstance(answer, FetchFailed):
                keeping.note_fetch(
                    connection, turn, name, fetched_at=at, status=answer.status, hash=None, bytes=None, ms=0,
                    cause=answer.cause, start_hash=keep_raw(connection, answer.start) if answer.start else None,
                )  # fmt: skip
                if not feed.parts[name].optional:
                    failures.append(
                        FetchFailed(f"{name}: {answer.cause}", answer.status, answer.wait, rests=answer.rests)
                    )
                continue
            body = answer.body if answer.body is not None else _kept(connection, lease, name)
            bodies[name] = body
            known[name] = _keep(connection, turn, name, answer, body, at)
            made += [answer.modified_at] if answer.modified_at else []
    if failures:
        raise failures[0]
    return Arrived(bodies, known, at, max(made, default=None))


def _kept(connection: Connection, lease: Lease, part: str) -> bytes:
    """The body that the server says has not changed; validators go out only with a hash, and it is not pruned."""
    hash_ = lease.parts[part].hash
    body = kept_raw(connection, bytes.fromhex(hash_)) if hash_ else None
    if body is None:
        raise FetchFailed(f"{part}: answers that nothing has changed, and what it was is kept no more", 304)
    return body


def _keep(connection: Connection, turn: int, part: str, answer: Fetched, body: bytes, at: datetime) -> Known:
    hash_ = keep_raw(connection, body)
    keeping.note_fetch(
        connection, turn, part, fetched_at=at, status=answer.status, hash=hash_, bytes=len(body),
        ms=round(answer.seconds * 1000), headers=answer.headers, cause=None,
    )  # fmt: skip
    return Known(answer.headers.get("etag"), answer.headers.get("last-modified"), hash_.hex())


def read_and_load(
    shop: Workshop, connection: Connection, feed: Feed, lease: Lease, turn: int, arrived: Arrived
) -> Ended:
    """From bodies to records in the layer. A payload that is no answer of this feed leaves all as it was."""
    manifest = _manifest(shop, connection, feed, arrived)
    if manifest == lease.manifest and _stands(shop, connection, feed, manifest):
        seen, refused = lease.seen or 0, lease.refused or 0
        return Ended("same", sums=Sums(seen, unchanged=seen - refused, refused=refused), observed_at=lease.observed_at)
    try:
        reading = shop.readers.read(feed, Payload(arrived.bodies, arrived.received_at, feed.options))
        layer = catalogue().layers[feed.target.layer]
        parsed = shop.places.placed(connection, feed.position, layer, reading.parsed)
        if layer.placed is not None:
            parsed = placed(layer, parsed, shop.gazetteer.index(connection))
        made_at = reading.published_at or arrived.made_at or arrived.received_at
        answer = loading.Answer(
            replace(reading, parsed=parsed), min(made_at, arrived.received_at), manifest, lease, turn, shop.mode
        )
        ended = loading.load(connection, feed, layer, answer)
        if reading.raster is not None and feed.target.coverage and ended.outcome in ("loaded", "unchanged"):
            keep_raster(reading.raster, shop.blobs / f"{feed.target.coverage}.tif")
        return ended
    except NotThisFeed as exc:
        return Ended("failed", exc.reason)
    except LoadRefused as exc:
        return Ended("failed", str(exc))
    except psycopg.Error as exc:
        if connection.closed:
            raise
        return Ended("failed", f"the store did not take it: {exc.diag.message_primary or type(exc).__name__}")


def _stands(shop: Workshop, connection: Connection, feed: Feed, manifest: bytes) -> bool:
    """Whether what the feed loaded last is still there and all of it: no other feed took it over, no other copy took
    its place, and no record waits to be named again.
    """
    if feed.target.how == "whole" and shop.mode == "actual":
        return is_loaded(connection, catalogue().layers[feed.target.layer], manifest)
    return not keeping.is_unsettled(connection, feed.id, shop.mode)


def _manifest(shop: Workshop, connection: Connection, feed: Feed, arrived: Arrived) -> bytes:
    """Tells an answer from another one: bytes, how they are read, and where places lie."""
    told = json.dumps(feed.model_dump(mode="json"), sort_keys=True)
    mark = shop.places.mark(connection, feed.position)
    if catalogue().layers[feed.target.layer].placed is not None:
        mark = max(mark, read_version(connection))
    parts = [f"{name} {known.hash}" for name, known in sorted(arrived.known.items())]
    return manifest_of(told.encode(), f"{version('cop')} {mark}".encode(), *(part.encode() for part in parts))


def _finish(
    shop: Workshop,
    connection: Connection,
    feed: Feed,
    lease: Lease,
    turn: int,
    ended: Ended,
    known: Mapping[str, Known],
) -> None:
    now = shop.clock.now()
    failed = ended.outcome in ("failed", "lost")
    health = health_of(
        feed, now,
        failure=ended.cause if failed else None,
        last_good_at=lease.last_good_at if failed else now,
        observed_at=ended.observed_at or lease.observed_at,
        records=ended.sums.seen,
    )  # fmt: skip
    if not failed and ended.cause:
        health = replace(health, cause=health.cause or ended.cause)
    keeping.finish(
        connection, feed, lease, turn, ended, health,
        parts={**lease.parts, **known}, now=now, our_now=datetime.now(UTC), again=_again(shop, feed, lease, ended),
        every=max(feed.cadence_s / max(shop.clock.speed(), 1.0), _TOLD_SECONDS),
    )  # fmt: skip


def _again(shop: Workshop, feed: Feed, lease: Lease, ended: Ended) -> float | None:
    """Our seconds until it is asked again, where that is not its cadence: sooner after a failure, later if so told."""
    cadence = feed.cadence_s / max(shop.clock.speed(), 1.0)
    if ended.outcome != "failed":
        return min(ended.wait, cadence) if ended.wait else None
    if ended.rests:
        return min(ended.rests, cadence)  # it was not asked: its host is probed as soon as that may be
    soon: float = _SOONEST_AGAIN * 2 ** min(lease.failures, 10)
    return max(min(soon, cadence), ended.wait)
