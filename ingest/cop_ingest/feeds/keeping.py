"""What the store knows of feeds: leases, turns, fetches and states, each by a statement of feeds.sql."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import psycopg
from psycopg.types.json import Jsonb

from cop.store.statements import statements
from cop_ingest.feeds.declared import Feed
from cop_ingest.feeds.fetch import Known
from cop_ingest.feeds.health import Health
from cop_ingest.scenario.feeds import OFFICES

Connection = psycopg.Connection[Any]
FeedMode = Literal["actual", "exercise"]
Outcome = Literal["loaded", "unchanged", "same", "quiet", "late", "failed", "lost"]
LEASE_SECONDS = 15.0  # a worker that is not heard of for so long has lost its feeds
_SQL = statements(Path(__file__).parent.parent / "sql" / "feeds.sql")
_CENTRE = (114.165, 22.28)  # the Government's offices, for departments whose own position is not told


@dataclass(frozen=True, slots=True)
class Lease:
    """A feed in somebody's hands, with what the store knows of it. Times are of the feed's clock, but `told_at`."""

    feed: str
    mode: FeedMode
    token: int
    parts: Mapping[str, Known]
    manifest: bytes | None
    answered_at: datetime | None
    failures: int
    last_good_at: datetime | None
    observed_at: datetime | None
    state: str | None
    cause: str | None
    seen: int | None
    refused: int | None
    told_at: datetime | None


@dataclass(frozen=True, slots=True)
class Sums:
    """What became of the records of a turn; `closed` are records that the answer no longer holds."""

    seen: int = 0
    inserted: int = 0
    updated: int = 0
    closed: int = 0
    unchanged: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True)
class Ended:
    """How a turn ended; `wait` is how long the source asked to be left alone, `rests` how long we do so, in seconds."""

    outcome: Outcome
    cause: str | None = None
    sums: Sums = field(default_factory=Sums)
    observed_at: datetime | None = None
    published_at: datetime | None = None
    answered_at: datetime | None = None
    manifest: bytes | None = None
    wait: float = 0.0
    rests: float = 0.0


def know(connection: Connection, feeds: Iterable[str], mode: FeedMode) -> None:
    """Rows for feeds that the store does not know yet; they are due at once."""
    connection.execute(_SQL["know_feeds"], {"feeds": list(feeds), "mode": mode})


def due(connection: Connection, every: Mapping[str, float], mode: FeedMode) -> list[str]:
    """The feeds whose time has come, each told to one who asks; `every` is their cadence in our seconds."""
    about = {"feeds": list(every), "every": list(every.values()), "mode": mode}
    return [row[0] for row in connection.execute(_SQL["due"], about)]


def take(
    connection: Connection, feed: str, mode: FeedMode, holder: str, seconds: float = LEASE_SECONDS
) -> Lease | None:
    """The feed, or None where another has it."""
    about = {"feed": feed, "mode": mode, "holder": holder, "seconds": seconds}
    row = connection.execute(_SQL["take"], about).fetchone()
    if row is None:
        return None
    token, parts, *rest = row
    return Lease(feed, mode, token, {name: Known(**known) for name, known in parts.items()}, *rest)


def renew(connection: Connection, holder: str, feeds: Iterable[str], seconds: float = LEASE_SECONDS) -> None:
    """Say that a worker is still at the turns of these feeds."""
    connection.execute(_SQL["renew"], {"holder": holder, "feeds": list(feeds), "seconds": seconds})


def release(connection: Connection, lease: Lease) -> None:
    """Free a feed, and leave all else as it was."""
    connection.execute(_SQL["release"], {"feed": lease.feed, "mode": lease.mode, "token": lease.token})


def begin_turn(
    connection: Connection, lease: Lease, holder: str, received_at: datetime, rerun_of: int | None = None
) -> int:
    """The number of a new turn. What an earlier one left running is said to be lost."""
    about = {
        "feed": lease.feed, "mode": lease.mode, "holder": holder, "token": lease.token,
        "rerun_of": rerun_of, "received_at": received_at,
    }  # fmt: skip
    with connection.transaction():
        row = connection.execute(_SQL["begin_turn"], about).fetchone()
        connection.execute(_SQL["end_runs"], about)
    return int(row[0])  # type: ignore[index]


def note_fetch(connection: Connection, turn: int, part: str, **about: Any) -> None:
    """What came for a part: fetched_at, status, hash, bytes, ms, headers, cause; start_hash of what came not whole."""
    headers = Jsonb(dict(about.pop("headers", {})))
    told = {"turn": turn, "part": part, "headers": headers, "start_hash": None, **about}
    connection.execute(_SQL["note_fetch"], told)


def finish(
    connection: Connection,
    feed: Feed,
    lease: Lease,
    turn: int,
    ended: Ended,
    health: Health,
    *,
    parts: Mapping[str, Known],
    now: datetime,
    our_now: datetime,
    again: float | None,
    every: float,
) -> None:
    """Write how the turn ended, tell the feed's state, and let the feed go, in one transaction.

    The collection is told when state or cause change, and otherwise at most once in `every` of our seconds; the feed is
    asked again after `again` of them, where that is not its cadence.
    """
    good = ended.outcome != "failed"
    about: dict[str, Any] = {
        "feed": feed.id, "mode": lease.mode, "token": lease.token, "turn": turn, "again": again,
        "outcome": ended.outcome, "cause": ended.cause, "published_at": ended.published_at, **_sums(ended.sums),
        "observed_at": ended.observed_at,
    }  # fmt: skip
    known = {
        "parts": Jsonb({name: _json(one) for name, one in parts.items()}),
        "manifest": ended.manifest or lease.manifest,
        "answered_at": ended.answered_at or lease.answered_at,
        "failures": 0 if good else lease.failures + 1,
        "last_attempt_at": now,
        "last_good_at": now if good else lease.last_good_at,
        "observed_at": ended.observed_at or lease.observed_at,
        "state": health.state,
        "cause": health.cause,
        "seen": ended.sums.seen if good else lease.seen,
        "refused": ended.sums.refused if good else lease.refused,
    }
    same = (lease.state, lease.cause) == (health.state, health.cause)
    tell = not same or lease.told_at is None or (our_now - lease.told_at).total_seconds() >= every - 1
    with connection.transaction():
        connection.execute(_SQL["finish_turn"], about)
        told_at = our_now if tell else lease.told_at
        if connection.execute(_SQL["let_go"], {**about, **known, "told_at": told_at}).rowcount and tell:
            _tell(connection, feed, lease.mode, health, known)


def office_of(department: str) -> tuple[float, float]:
    """About where a department's offices are: longitude and latitude (WGS 84)."""
    return OFFICES.get(department, _CENTRE)


def _tell(connection: Connection, feed: Feed, mode: FeedMode, health: Health, known: Mapping[str, Any]) -> None:
    x, y = office_of(feed.department)
    names = ("last_attempt_at", "last_good_at", "observed_at", "seen", "refused")
    connection.execute(_SQL["acting"], {"cause": f"feed {feed.id}", "mode": mode})
    connection.execute(
        _SQL["tell_health"],
        {
            "id": feed.id if mode == "actual" else f"{feed.id}.{mode}", "feed": feed.id, "mode": mode,
            "title_en": feed.title.en, "title_zh": feed.title.zh, "department": feed.department,
            "fresh_at": health.since, "late_s": feed.late_s, "stale_s": feed.stale_s,
            "state": health.state, "cadence_s": feed.cadence_s, "age_s": health.age_s, "cause": health.cause,
            # Time alone changes no state that an exercise tells: it has a clock of its own.
            "source": "worker" if mode == "actual" else "exercise",
            "provenance": "real" if mode == "actual" else "exercise", "x": x, "y": y,
            **{name: known[name] for name in names},
        },
    )  # fmt: skip


def _sums(sums: Sums) -> dict[str, int]:
    names = ("seen", "inserted", "updated", "closed", "unchanged", "refused")
    return {name: getattr(sums, name) for name in names}


def _json(known: Known) -> dict[str, str | None]:
    return {"etag": known.etag, "last_modified": known.last_modified, "hash": known.hash}


def states(connection: Connection, mode: FeedMode) -> dict[str, tuple[Any, ...]]:
    """By feed: state, cause, last attempt, last good answer, newest observation, seen, refused, due, holder."""
    return {row[0]: tuple(row[1:]) for row in connection.execute(_SQL["states"], {"mode": mode})}


Standing = Literal["well", "away", "unknown"]


def standing(connection: Connection, feed: str, mode: FeedMode, cadence: float) -> Standing:
    """How a stand-in's main feed is: away is stale or down; unknown is one that was not asked lately, or never.

    `cadence` is the main feed's, in our seconds.
    """
    row = connection.execute(_SQL["standing"], {"feed": feed, "mode": mode, "cadence": cadence}).fetchone()
    if row is None or not row[1]:
        return "unknown"
    return "away" if row[0] in ("stale", "down") else "well"


def last_told(connection: Connection, feed: str, mode: FeedMode) -> datetime | None:
    """The newest time that a feed has told in a register, as long as it is its records that stand there."""
    row = connection.execute(_SQL["last_told"], {"feed": feed, "mode": mode}).fetchone()
    return row[0] if row else None


def is_unsettled(connection: Connection, feed: str, mode: FeedMode) -> bool:
    """Whether the other feed of the same news has taken this one's records over since it spoke last, or some are held
    open that it names no more.
    """
    row = connection.execute(_SQL["is_unsettled"], {"feed": feed, "mode": mode}).fetchone()
    return bool(row and row[0])


def holds_records(connection: Connection, feed: str, mode: FeedMode) -> bool:
    """Whether a register has records that this feed still holds."""
    row = connection.execute(_SQL["holds_records"], {"feed": feed, "mode": mode}).fetchone()
    return bool(row and row[0])


def withdraw_story(connection: Connection, feeds: Iterable[str]) -> None:
    """Take the exercise story's states of feeds out of the collection: the simulator's feeds have their own."""
    with connection.transaction():
        about = {"cause": "the simulator's feeds take the place of the story's", "mode": "exercise"}
        connection.execute(_SQL["acting"], about)
        connection.execute(_SQL["withdraw_story"], {"feeds": list(feeds)})


def tell_clock(connection: Connection, shows: datetime, speed: float) -> datetime:
    """Tell the store what the simulator's clock shows; what the exercise's clock shows then, which never goes back."""
    row = connection.execute(_SQL["tell_clock"], {"shows": shows, "speed": speed}).fetchone()
    now: datetime = row[0]  # type: ignore[index]
    return now


def stop_clock(connection: Connection) -> None:
    """Let the exercise's clock stand where it is, if it runs."""
    connection.execute(_SQL["stop_clock"])


def note_rerun(connection: Connection, lease: Lease, turn: int, ended: Ended) -> None:
    """Write how a rerun's turn ended. What it loaded counts for what is late; state and health are of the present."""
    about = {"turn": turn, "outcome": ended.outcome, "cause": ended.cause, "observed_at": ended.observed_at,
             "published_at": ended.published_at, **_sums(ended.sums)}  # fmt: skip
    with connection.transaction():
        connection.execute(_SQL["finish_turn"], about)
        connection.execute(_SQL["note_answered"], {
            "feed": lease.feed, "mode": lease.mode, "token": lease.token,
            "answered_at": ended.answered_at, "observed_at": ended.observed_at,
        })  # fmt: skip


def turns_between(
    connection: Connection, feed: str, mode: FeedMode, begin: datetime, end: datetime | None
) -> list[tuple[int, datetime]]:
    """The turns of a feed that brought something, with the time of receipt, in their order."""
    about = {"feed": feed, "mode": mode, "from": begin, "to": end}
    return [(row[0], row[1]) for row in connection.execute(_SQL["turns_between"], about)]


def fetches(connection: Connection, turn: int) -> list[tuple[str, bytes, dict[str, str]]]:
    """What came in a turn: part, hash, headers."""
    return [(row[0], row[1], row[2]) for row in connection.execute(_SQL["fetches"], {"turn": turn})]


def prune(connection: Connection, days: float) -> tuple[int, int]:
    """Let go of turns and payloads older than so many days; how many of each."""
    with connection.transaction():
        turns = connection.execute(_SQL["prune_turns"], {"days": days}).rowcount
        return turns, connection.execute(_SQL["prune_raw"], {"days": days}).rowcount


@dataclass(frozen=True, slots=True)
class Reckoning:
    """A feed's turns of one outcome, with the sums of their records, and how many of them do not agree."""

    outcome: str
    turns: int
    seen: int
    inserted: int
    updated: int
    unchanged: int
    refused: int
    closed: int
    wrong: int


def report(connection: Connection, feed: str, mode: FeedMode, since: datetime) -> list[Reckoning]:
    """Turns since a time, by outcome: every record seen is inserted, updated, unchanged or refused."""
    about = {"feed": feed, "mode": mode, "from": since}
    return [Reckoning(row[0], *map(int, row[1:])) for row in connection.execute(_SQL["report"], about)]


def reasons(
    connection: Connection, feed: str, mode: FeedMode, since: datetime, *, of: Literal["reasons", "causes"]
) -> list[tuple[str, int, Any]]:
    """Why records were refused, with the first record; or why turns failed, with the last time."""
    about = {"feed": feed, "mode": mode, "from": since}
    return [(row[0], row[1], row[2]) for row in connection.execute(_SQL[of], about)]
