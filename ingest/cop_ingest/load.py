"""Load records into a layer: staged by COPY, compared, and merged by one statement within one transaction.

Three shapes of a load share that road: a whole layer (what is absent is closed), a sensor's observations
(the series grows, the layer shows the latest), and other systems' records in a register.
Loading the same twice changes nothing and takes no number.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from itertools import batched
from typing import Literal

import psycopg
from psycopg import sql

from cop.catalogue import Layer
from cop.errors import CopError, LoadRefused
from cop.store.statements import statements
from cop_ingest.derived import set_levels, set_trends
from cop_ingest.load_sql import SQL, keep_raw, loaded_columns, one, statement
from cop_ingest.records import Parsed, Record, Refusal

REGISTER_BATCH = 100  # larger ones hold the journal's head so long that other writers wait
_REMARKS = 100  # of one load of a feed; what is refused is counted in full
Provenance = Literal["real", "exercise"]


class LeaseLost(CopError):
    """Another worker has taken the feed over; nothing of this load was kept."""


@dataclass(frozen=True, slots=True)
class Word:
    """A feed's word, loaded in one of its turns by the holder of a lease.

    `late`: a newer answer of the feed is loaded already, so this one may add records and change none. `absent` are the
    values of records that the answer no longer holds; those whose names are in `since` take the time `at`, where
    they have none yet. None: such records stay.
    """

    turn: int
    feed: str
    mode: str
    token: int
    at: datetime
    late: bool = False
    absent: Mapping[str, object] | None = None
    since: tuple[str, ...] = ()


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
    """What a load saw and did, in numbers of records; `n` is the journal's number where anything changed."""

    layer: str
    state: Literal["done", "unchanged"]
    seen: int
    inserted: int = 0
    updated: int = 0
    closed: int = 0
    refused: int = 0
    mended: int = 0
    n: int | None = None

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


def is_loaded(connection: psycopg.Connection, layer: Layer, manifest: bytes) -> bool:
    """Whether the layer holds exactly this manifest already."""
    row = connection.execute(statement("loaded_manifest"), {"layer": layer.id}).fetchone()
    return row is not None and row[0] == manifest


def remember(connection: psycopg.Connection, layer: Layer, origin: Origin) -> None:
    """Note what the layer now holds, where it was not one load that brought it."""
    with connection.transaction():
        about = {"layer": layer.id, "manifest": origin.manifest, "provenance": origin.provenance}
        connection.execute(statement("loaded"), about)


def load_whole(
    connection: psycopg.Connection, layer: Layer, parsed: Parsed, origin: Origin, *, may_be_empty: bool = False
) -> LoadReport:
    """Load a complete copy of a layer. What the store has and the copy has not is closed.

    Raises LoadRefused, and changes nothing, where the copy holds no record at all, unless that may be.
    """

    def work() -> LoadReport:
        if not parsed.records and not (may_be_empty and not parsed.refusals):
            raise LoadRefused(f"{origin.name}: no record could be read; the layer {layer.id} stays as it was")
        _stage(connection, layer, parsed.records, origin)
        return _merge(connection, layer, parsed, origin, "changes_of_a_whole")

    return _in_run(connection, layer, parsed, origin, work)


def load_observations(
    connection: psycopg.Connection, layer: Layer, parsed: Parsed, origin: Origin, published_at: datetime
) -> LoadReport:
    """Load sensors' observations of one file: into the series, and the newest of each sensor into the layer."""

    def work() -> LoadReport:
        _stage(connection, layer, parsed.records, origin)
        set_levels(connection, layer)
        connection.execute(statement("days_of_series", layer), {"layer": layer.id})
        connection.execute(statement("extend_series", layer), {"published_at": published_at})
        connection.execute(statement("latest_of_series", layer))
        connection.execute(statement("once_each"))
        set_trends(connection, layer)
        return _merge(connection, layer, parsed, origin, "changes_of_a_part")

    return _in_run(connection, layer, parsed, origin, work)


def load_register(connection: psycopg.Connection, layer: Layer, parsed: Parsed, origin: Origin) -> LoadReport:
    """Load other systems' records into a register, in batches of 100 that are numbered record by record.

    A batch is a transaction; a load that is cut goes on where it stopped when it is run again.
    """
    records = parsed.records
    if origin.word is not None and len(records) > REGISTER_BATCH:
        records = _to_do(connection, layer, records, origin, origin.word)
    report = LoadReport(layer.id, "unchanged", len(parsed.records) - len(records))
    batches: Sequence[Sequence[Record]] = list(batched(records, REGISTER_BATCH)) or [()]
    for place, batch in enumerate(batches):
        part = Parsed(list(batch), parsed.refusals if place == 0 else [])
        report = _add(report, _load_batch(connection, layer, part, origin))
    if origin.word is not None and origin.word.absent is not None and not origin.word.late:
        report = _add(report, _close_absent(connection, layer, parsed, origin, origin.word))
    return report


def _to_do(
    connection: psycopg.Connection, layer: Layer, records: Sequence[Record], origin: Origin, word: Word
) -> list[Record]:
    """The records that differ from the register: one comparison instead of a transaction for each hundred."""
    with connection.transaction():
        _stage(connection, layer, records, origin)
        rows = connection.execute(statement("to_do_of_register", layer), asdict(word)).fetchall()
    wanted = {row[0] for row in rows}
    return [record for record in records if record.properties["source_ref"] in wanted]


def _load_batch(connection: psycopg.Connection, layer: Layer, part: Parsed, origin: Origin) -> LoadReport:
    def work() -> LoadReport:
        _stage(connection, layer, part.records, origin)
        told = len(part.records)
        if origin.word is not None:
            told -= connection.execute(statement("drop_overtaken", layer), asdict(origin.word)).rowcount
            told -= connection.execute(statement("drop_said", layer), asdict(origin.word)).rowcount
        known = one(connection, "known_of_register", layer)
        before = one(connection, "head", layer)
        touched = connection.execute(statement("merge_register", layer)).rowcount
        if origin.word is not None:
            connection.execute(statement("know_records", layer), asdict(origin.word))
        if layer.alike is not None:
            connection.execute(statement("join_twins", layer))
        connection.execute(statement("number_now"))
        after = one(connection, "head", layer)
        inserted = told - known
        return LoadReport(
            layer.id, "done" if touched else "unchanged", len(part.records) + len(part.refusals),
            inserted=inserted, updated=touched - inserted, refused=len(part.refusals),
            mended=_mended(part), n=after if after != before else None,
        )  # fmt: skip

    return _in_run(connection, layer, part, origin, work)


def _close_absent(
    connection: psycopg.Connection, layer: Layer, parsed: Parsed, origin: Origin, word: Word
) -> LoadReport:
    """Records of this feed that its answer no longer holds take the values of absence, once each time they go."""
    about = {**asdict(word), "refs": [str(record.properties["source_ref"]) for record in parsed.records]}
    gone = connection.execute(statement("gone_records"), about).fetchall()
    if not gone:
        return LoadReport(layer.id, "unchanged", 0)

    def work() -> LoadReport:
        assert word.absent is not None
        values = sql.SQL(", ").join(
            sql.SQL("{0} = coalesce(t.{0}, {1})" if name in word.since else "{0} = {1}").format(
                sql.Identifier(name), sql.Placeholder(f"v_{name}")
            )
            for name in word.absent
        )
        text = sql.SQL(statements(SQL)["close_absent"]).format(table=sql.Identifier("layer", layer.id), values=values)
        named = {f"v_{name}": word.at if name in word.since else value for name, value in word.absent.items()}
        absent = {**asdict(word), **named, "refs": [row[0] for row in gone]}
        closed = connection.execute(text, absent).rowcount
        connection.execute(statement("forget_records"), absent)
        connection.execute(statement("number_now"))
        return LoadReport(layer.id, "done", 0, closed=closed, n=one(connection, "head", layer))

    return _in_run(connection, layer, Parsed(), origin, work)


def _add(left: LoadReport, right: LoadReport) -> LoadReport:
    return replace(
        left,
        state="done" if "done" in (left.state, right.state) else "unchanged",
        seen=left.seen + right.seen,
        inserted=left.inserted + right.inserted,
        updated=left.updated + right.updated,
        closed=left.closed + right.closed,
        refused=left.refused + right.refused,
        mended=left.mended + right.mended,
        n=right.n or left.n,
    )


def _in_run(
    connection: psycopg.Connection,
    layer: Layer,
    parsed: Parsed,
    origin: Origin,
    work: Callable[[], LoadReport],
) -> LoadReport:
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


def _mended(parsed: Parsed) -> int:
    return sum(bool(record.remarks) for record in parsed.records)


def _stage(connection: psycopg.Connection, layer: Layer, records: Sequence[Record], origin: Origin) -> None:
    connection.execute("DROP TABLE IF EXISTS staging, change")
    connection.execute(statement("staging", layer))
    names = loaded_columns(layer)
    with connection.cursor().copy(statement("copy", layer)) as copy:
        for record in records:
            values = [record.properties.get(name) for name in names]
            copy.write_row([record.id, *values, origin.provenance, record.geometry])
    connection.execute(statement("shape"))


def _merge(connection: psycopg.Connection, layer: Layer, parsed: Parsed, origin: Origin, changes: str) -> LoadReport:
    connection.execute(statement(changes, layer))
    row = connection.execute(statement("count_changes")).fetchone()
    assert row is not None
    inserted, updated, closed = row
    n = None
    if inserted or updated or closed:
        n = _begin_load(connection, layer, origin)
        connection.execute(statement("merge", layer))
    # A feed's answer is not what the layer was loaded from: the file that was is not to be loaded again for it.
    manifest = origin.manifest if origin.word is None else None
    about = {"layer": layer.id, "manifest": manifest, "provenance": origin.provenance}
    connection.execute(statement("loaded"), about)
    return LoadReport(
        layer.id, "done" if n else "unchanged", len(parsed.records) + len(parsed.refusals),
        inserted, updated, closed, len(parsed.refusals), _mended(parsed), n,
    )  # fmt: skip


def _begin_load(connection: psycopg.Connection, layer: Layer, origin: Origin) -> int:
    row = connection.execute(statement("begin_load"), {"layer": layer.id, "manifest": origin.manifest}).fetchone()
    assert row is not None
    return int(row[0])
