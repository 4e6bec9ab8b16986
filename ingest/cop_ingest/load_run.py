"""What all loads share: where they come from, their run's row, the staged records, and what is told of them."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal

import psycopg

from cop.catalogue import Layer
from cop.errors import CopError, LoadRefused
from cop_ingest.load_sql import keep_raw, loaded_columns, statement
from cop_ingest.records import Parsed, Record, Refusal

_FEW = 3  # so few may end at once without a doubt, whatever share they are
_REMARKS = 100  # of one load of a feed; what is refused is counted in full
Provenance = Literal["real", "exercise"]


class LeaseLost(CopError):
    """Another worker has taken the feed over; nothing of this load was kept."""


@dataclass(frozen=True, slots=True)
class Word:
    """A feed's word, loaded in one of its turns by the holder of a lease.

    `late`: a newer answer of the feed is loaded already, so this one may add records and change none. `absent` are the
    values of records that the answer no longer holds; those whose names are in `since` take the time `at`, where
    they have none yet. None: such records stay. `first` are times that keep the earliest word. `other` is the feed that
    tells the same news, where there is one: what one of the two has told, the other takes over. `instead`: this one is
    the stand-in, which tells less. `sudden`: more than this share that is gone at once is doubted.
    """

    turn: int
    feed: str
    mode: str
    token: int
    at: datetime
    late: bool = False
    absent: Mapping[str, object] | None = None
    since: tuple[str, ...] = ()
    first: tuple[str, ...] = ()
    other: str | None = None
    instead: bool = False
    sudden: float | None = None

    def doubts(self, gone: int, known: int) -> bool:
        """Whether so many of the known records are gone at once that the answer may have been cut."""
        return self.sudden is not None and gone > max(_FEW, self.sudden * known)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a load came from: a file or address in words, the bytes' hash, and whether it is real or an exercise.

    `word` is told where it came from a feed.
    """

    name: str
    manifest: bytes
    provenance: Provenance
    raw: bytes | None = None
    word: Word | None = None


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What a load saw and did, in numbers of records; `n` is the journal's number where anything changed.

    `held` are records that the source no longer tells and that stay open, for one that could not be read may be any of
    them.
    """

    layer: str
    state: Literal["done", "unchanged"]
    seen: int
    inserted: int = 0
    updated: int = 0
    closed: int = 0
    refused: int = 0
    mended: int = 0
    n: int | None = None
    held: int = 0

    @property
    def unchanged(self) -> int:
        """Records that were there already, just so."""
        return self.seen - self.refused - self.inserted - self.updated


def manifest_of(*parts: bytes) -> bytes:
    """The hash that tells one load from another: SHA-256 over the parts and their lengths."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8) + part)
    return digest.digest()


def in_run(
    connection: psycopg.Connection,
    layer: Layer,
    parsed: Parsed,
    origin: Origin,
    work: Callable[[], LoadReport],
) -> LoadReport:
    """Do a load's work in one transaction, with its row in cop.run; raises LoadRefused, LeaseLost, psycopg.Error."""
    run = _begin_run(connection, layer, origin)
    with _failure_kept(connection, run, parsed), connection.transaction():
        mode = origin.word.mode if origin.word is not None else None
        connection.execute(statement("acting"), {"cause": origin.name, "mode": mode})
        if origin.word is not None:
            need_lease(connection, origin.word)
        report = work()
        _keep_remarks(connection, run, parsed if origin.word is None else _fewer_remarks(parsed))
        _finish_run(connection, run, report)
    return report


def need_lease(connection: psycopg.Connection, word: Word) -> None:
    """Hold the feed until this transaction ends; raises LeaseLost where another worker has taken it over."""
    if connection.execute(statement("hold_lease"), asdict(word)).fetchone() is None:
        raise LeaseLost(f"{word.feed}: another worker has taken this feed over; nothing was changed")


def _begin_run(connection: psycopg.Connection, layer: Layer, origin: Origin) -> int:
    with connection.transaction():
        raw_hash = keep_raw(connection, origin.raw) if origin.raw is not None else None
        about = {
            "layer": layer.id,
            "origin": origin.name,
            "raw_hash": raw_hash,
            "provenance": origin.provenance,
            "turn": origin.word.turn if origin.word is not None else None,
        }
        row = connection.execute(statement("begin_run"), about).fetchone()
    assert row is not None
    return int(row[0])


@contextmanager
def _failure_kept(connection: psycopg.Connection, run: int, parsed: Parsed) -> Iterator[None]:
    """A failed load leaves its run's row with the cause; the layer's rows stay as they were."""
    try:
        yield
    except (psycopg.DataError, psycopg.IntegrityError, psycopg.errors.RaiseException) as exc:
        cause = exc.diag.message_primary or str(exc)
        _mark_failed(connection, run, len(parsed.records), cause)
        raise LoadRefused(f"the store refused the load, nothing was changed: {cause}") from exc
    except (LoadRefused, LeaseLost) as exc:
        _mark_failed(connection, run, len(parsed.records), str(exc))
        raise
    except psycopg.Error as exc:
        if not connection.closed:
            _mark_failed(connection, run, len(parsed.records), exc.diag.message_primary or str(exc))
        raise


def _mark_failed(connection: psycopg.Connection, run: int, seen: int, cause: str) -> None:
    nothing = {"inserted": 0, "updated": 0, "closed": 0, "unchanged": 0, "refused": 0, "n": None}
    with connection.transaction():
        connection.execute(
            statement("finish_run"), {"run": run, "state": "failed", "seen": seen, "cause": cause, **nothing}
        )


def _finish_run(connection: psycopg.Connection, run: int, report: LoadReport) -> None:
    numbers = {
        name: getattr(report, name) for name in ("seen", "inserted", "updated", "closed", "unchanged", "refused", "n")
    }
    connection.execute(statement("finish_run"), {"run": run, "state": report.state, "cause": None, **numbers})


def _keep_remarks(connection: psycopg.Connection, run: int, parsed: Parsed) -> None:
    rows: list[tuple[object, ...]] = [
        (run, refusal.ordinal, "refused", None, refusal.reason, refusal.raw[:4000]) for refusal in parsed.refusals
    ]
    rows += [
        (run, place, "mended", record.id, "; ".join(record.remarks), None)
        for place, record in enumerate(parsed.records)
        if record.remarks
    ]
    if rows:
        connection.cursor().executemany(statement("remark"), rows)


def _fewer_remarks(parsed: Parsed) -> Parsed:
    """Of an answer that comes every minute: a hundred refusals one by one, the others by reason; twenty repairs."""
    shown, rest = parsed.refusals[:_REMARKS], parsed.refusals[_REMARKS:]
    by_reason = Counter(refusal.reason for refusal in rest)
    first = {refusal.reason: refusal for refusal in reversed(rest)}
    summed = [
        Refusal(first[reason].ordinal, f"{reason} (and so {count:,} in all)", first[reason].raw)
        for reason, count in by_reason.most_common(_REMARKS)
    ]
    mended = [record for record in parsed.records if record.remarks][: _REMARKS // 5]
    return Parsed(mended, [*shown, *summed])


def mended_of(parsed: Parsed) -> int:
    """How many records were repaired or doubted on the way in."""
    return sum(bool(record.remarks) for record in parsed.records)


def stage(connection: psycopg.Connection, layer: Layer, records: Sequence[Record], origin: Origin) -> None:
    """The records in a table of their own, `staging`, for this transaction."""
    connection.execute("DROP TABLE IF EXISTS staging, change")
    connection.execute(statement("staging", layer))
    names = loaded_columns(layer)
    with connection.cursor().copy(statement("copy", layer)) as copy:
        for record in records:
            values = [record.properties.get(name) for name in names]
            copy.write_row([record.id, *values, origin.provenance, record.geometry])
    connection.execute(statement("shape"))
