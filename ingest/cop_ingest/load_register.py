"""Load other systems' records into a register: what is new, what is said otherwise, and what a feed no longer names.

A feed's word meets others' there. What a person has changed stays (load_words.py). Two feeds of the same news share
their records: the one that speaks takes over what the other told. What an answer no longer names is over, but for what
may be the records of that answer which could not be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from itertools import batched

import psycopg
from psycopg import sql

from cop.catalogue import Layer
from cop_ingest.load_run import LoadReport, Origin, Word, in_run, mended_of, stage
from cop_ingest.load_sql import one, statement
from cop_ingest.load_words import completed, filled, firsts, held
from cop_ingest.records import Parsed, Record

REGISTER_BATCH = 100  # larger ones hold the journal's head so long that other writers wait
HELD_FOR = timedelta(minutes=15)
"""How long all that vanished beside an unreadable record, or suddenly, is held open; after that, as many as cannot be
read."""


def load_register(connection: psycopg.Connection, layer: Layer, parsed: Parsed, origin: Origin) -> LoadReport:
    """Load other systems' records into a register, in batches of 100 that are numbered record by record.

    A batch is a transaction; a load that is cut goes on where it stopped when it is run again.
    """
    records, word = parsed.records, origin.word
    if word is not None and len(records) > REGISTER_BATCH:
        records = _to_do(connection, layer, records, origin, word)
    report = LoadReport(layer.id, "unchanged", len(parsed.records) - len(records))
    batches: Sequence[Sequence[Record]] = list(batched(records, REGISTER_BATCH)) or [()]
    for place, batch in enumerate(batches):
        part = Parsed(list(batch), parsed.refusals if place == 0 else [])
        report = _add(report, _load_batch(connection, layer, part, origin))
    if word is None or word.absent is None or word.late:
        return report
    report = _add(report, _end_absent(connection, layer, parsed, origin, word))
    if word.other is not None:
        report = _add(report, _take_over(connection, layer, origin, word, word.other))
    return report


def _to_do(
    connection: psycopg.Connection, layer: Layer, records: Sequence[Record], origin: Origin, word: Word
) -> list[Record]:
    """The records that are said otherwise than before: one comparison instead of a transaction for each hundred."""
    with connection.transaction():
        stage(connection, layer, records, origin)
        connection.execute(statement("hash_words", layer))
        rows = connection.execute(statement("to_do_of_register", layer), _about(word)).fetchall()
    wanted = {row[0] for row in rows}
    return [record for record in records if record.properties["source_ref"] in wanted]


def _load_batch(connection: psycopg.Connection, layer: Layer, part: Parsed, origin: Origin) -> LoadReport:
    word = origin.word

    def work() -> LoadReport:
        stage(connection, layer, part.records, origin)
        told = len(part.records)
        if word is not None:
            told -= _drop(connection, layer, word)
        _complete(connection, layer, word)
        if word is not None:
            _weigh(connection, layer, word)
        known = one(connection, "known_of_register", layer)
        before = one(connection, "head", layer)
        touched = _merge(connection, layer, sure=word is not None and bool(word.first))
        if word is not None:
            connection.execute(statement("know_records", layer), _about(word))
        if layer.alike is not None:
            connection.execute(statement("join_twins", layer))
        connection.execute(statement("number_now"))
        after = one(connection, "head", layer)
        inserted = told - known
        return LoadReport(
            layer.id, "done" if touched else "unchanged", len(part.records) + len(part.refusals),
            inserted=inserted, updated=touched - inserted, refused=len(part.refusals),
            mended=mended_of(part), n=after if after != before else None,
        )  # fmt: skip

    return in_run(connection, layer, part, origin, work)


def _drop(connection: psycopg.Connection, layer: Layer, word: Word) -> int:
    """Take out of the staged records what this word cannot change; how many."""
    about = _about(word)
    connection.execute(statement("hash_words", layer))
    if word.other is not None and not word.late and layer.alike is not None:
        connection.execute(statement("adopt", layer), about)
    dropped = connection.execute(statement("drop_overtaken", layer), about).rowcount
    if word.first:
        dropped += connection.execute(statement("drop_older", layer), about).rowcount
    return dropped + connection.execute(statement("drop_said", layer), about).rowcount


def _complete(connection: psycopg.Connection, layer: Layer, word: Word | None) -> None:
    """Give the staged records what each record has, where their source says nothing of it."""
    assignments = completed(layer)
    if assignments is not None:
        about = {"feed": word.feed if word is not None else None}
        connection.execute(statement("complete", layer, completed=assignments), about)


def _weigh(connection: psycopg.Connection, layer: Layer, word: Word) -> None:
    """Lay the staged words beside what stands in the register: what people have changed there stays."""
    about = _about(word)
    absent = tuple(word.absent or ())
    if layer.writes is not None:
        if word.instead:
            connection.execute(statement("fill", layer, filled=filled(layer, absent)), about)
        connection.execute(statement("note_words"))
        connection.execute(statement("leave", layer, filled=filled(layer, absent)), about)
    if word.first:
        connection.execute(statement("keep_first", layer, firsts=firsts(word.first)))
    if layer.writes is not None:
        connection.execute(statement("hold", layer, held=held(layer, absent, word.first)), about)


def _merge(connection: psycopg.Connection, layer: Layer, *, sure: bool) -> int:
    return connection.execute(statement("merge_register", layer), {"sure": sure}).rowcount


def _end_absent(connection: psycopg.Connection, layer: Layer, parsed: Parsed, origin: Origin, word: Word) -> LoadReport:
    """Records of this feed that its answer no longer names are over, but for those that it may not have read."""
    refused = [refusal.key for refusal in parsed.refusals if refusal.key is not None]
    unread = sum(refusal.stands_for for refusal in parsed.refusals if refusal.key is None)
    named = [*(str(record.properties["source_ref"]) for record in parsed.records), *refused]
    about = {**_about(word), "refs": named}
    connection.execute(statement("named_again"), about)
    gone = connection.execute(statement("gone_records", layer), about).fetchall()
    over, open_ = _over(gone, unread, word.at)
    if word.doubts(len(gone), len(gone) + len(named)):
        over = [ref for ref, since in gone if ref in over and since is not None and word.at - since >= HELD_FOR]
        open_ = [ref for ref, _ in gone if ref not in over]
    if open_:
        connection.execute(statement("wait_for"), {**about, "refs": open_})
    return replace(_end(connection, layer, origin, word, over), held=len(open_))


def _over(gone: Sequence[tuple[str, datetime | None]], unread: int, at: datetime) -> tuple[list[str], list[str]]:
    """Which of the records that an answer no longer names are over, and which are held open; the newest come first.

    A record that cannot be read vanishes in the turn in which it becomes so. Where no more cannot be read than vanished
    before, whatever vanishes now is over. After a while no more are held than cannot be read: the newest ones.
    """
    waited = [ref for ref, since in gone if since is not None]
    new = [ref for ref, since in gone if since is None]
    if not unread:
        return [ref for ref, _ in gone], []
    held = [ref for ref, _ in gone] if unread > len(waited) else waited
    long = {ref for ref, since in gone if since is not None and at - since >= HELD_FOR}
    held = [ref for place, ref in enumerate(held) if place < unread or ref not in long]
    return [ref for ref in (*waited, *new) if ref not in held], held


def _take_over(connection: psycopg.Connection, layer: Layer, origin: Origin, word: Word, other: str) -> LoadReport:
    """What the other feed of the same news has told, and this one does not, is over: one of the two speaks."""
    theirs = replace(word, feed=other)
    gone = connection.execute(statement("gone_records", layer), {**_about(theirs), "refs": []}).fetchall()
    report = _end(connection, layer, origin, theirs, [ref for ref, _ in gone], taken=True)
    connection.execute(statement("settle"), _about(word))
    return report


def _end(
    connection: psycopg.Connection, layer: Layer, origin: Origin, word: Word, refs: list[str], *, taken: bool = False
) -> LoadReport:
    """End records of a feed as if their source had said so, once each time they go."""
    if not refs:
        return LoadReport(layer.id, "unchanged", 0)

    def work() -> LoadReport:
        assert word.absent is not None
        about = {**_about(word), "refs": refs, "taken": taken}
        stage(connection, layer, (), origin)
        connection.execute(statement("stage_gone", layer), about)
        _stage_ends(connection, word)
        _weigh(connection, layer, replace(word, instead=False))
        closed = _merge(connection, layer, sure=True)
        connection.execute(statement("forget_records"), about)
        connection.execute(statement("number_now"))
        return LoadReport(layer.id, "done", 0, closed=closed, n=one(connection, "head", layer))

    return in_run(connection, layer, Parsed(), origin, work)


def _stage_ends(connection: psycopg.Connection, word: Word) -> None:
    """The staged records get the values of absence; a time that their source told stays."""
    assert word.absent is not None
    values = sql.SQL(", ").join(
        sql.SQL("{0} = coalesce({0}, {1})" if name in word.since else "{0} = {1}").format(
            sql.Identifier(name), sql.Placeholder(name)
        )
        for name in word.absent
    )
    told = {name: word.at if name in word.since else value for name, value in word.absent.items()}
    connection.execute(sql.SQL("UPDATE staging SET {}").format(values), told)


def _about(word: Word) -> dict[str, object]:
    return asdict(word)


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
        held=left.held + right.held,
    )
