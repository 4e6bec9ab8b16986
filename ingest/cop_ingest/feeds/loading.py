"""From a reading to records in a layer: by the loads that files take too, with the feed's word behind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from cop.catalogue import Layer, catalogue
from cop_ingest.feeds.declared import Feed, told_by_another
from cop_ingest.feeds.keeping import Connection, Ended, FeedMode, Lease, Outcome, Sums, holds_records, last_told
from cop_ingest.feeds.payload import Reading
from cop_ingest.load import LoadReport, Origin, Word, load_observations, load_register, load_whole, published_later
from cop_ingest.records import Parsed, Record, Refusal, refuse

_AT = "at"  # the word of a declaration for the time of absence
_BELIEVED = 5  # after so many failed turns a whole copy that lacks much is believed


@dataclass(frozen=True, slots=True)
class Answer:
    """A feed's answer, read and placed; `made_at` is when the source made it, as far as it tells."""

    reading: Reading
    made_at: datetime
    manifest: bytes
    lease: Lease
    turn: int
    mode: FeedMode

    @property
    def is_late(self) -> bool:
        """Whether a newer answer is loaded already."""
        newest = self.lease.answered_at
        return newest is not None and self.made_at < newest


def load(connection: Connection, feed: Feed, layer: Layer, answer: Answer) -> Ended:
    """Load an answer. Raises LoadRefused, with all as it was, where it holds nothing that could be meant."""
    parsed = _once_each(feed, layer, answer.reading.parsed)
    seen = len(parsed.records) + len(parsed.refusals)
    if not parsed.records and (parsed.refusals or feed.empty == "wrong"):
        return _nothing(parsed)
    if not parsed.records and feed.target.how == "latest":
        return _ended(answer, "quiet", Sums())
    if feed.target.how == "whole" and (answer.is_late or _is_older(connection, layer, answer)):
        return _ended(answer, "late", Sums(seen, unchanged=len(parsed.records), refused=len(parsed.refusals)))
    if feed.fallback_of is not None and _is_behind(connection, feed, feed.fallback_of, answer):
        ended = _ended(answer, "unchanged", Sums(seen, unchanged=len(parsed.records), refused=len(parsed.refusals)))
        return replace(
            ended, manifest=None, cause=f"tells nothing newer than {feed.fallback_of}, whose last word stays"
        )
    report = _loaded(connection, feed, layer, parsed, answer)
    sums = Sums(report.seen, report.inserted, report.updated, report.closed, report.unchanged, report.refused)
    if answer.is_late:
        return _ended(answer, "late", sums)
    outcome: Outcome = "quiet" if not seen else "loaded" if report.state == "done" else "unchanged"
    return _ended(answer, outcome, sums, report.held)


def _is_older(connection: Connection, layer: Layer, answer: Answer) -> bool:
    """Whether the layer holds a copy that was published later: by a download, say."""
    return answer.mode == "actual" and published_later(connection, layer, answer.made_at) is not None


def _is_behind(connection: Connection, feed: Feed, main: str, answer: Answer) -> bool:
    """Whether a stand-in has nothing that its main feed did not know: then what that told last is the better word.

    One that was heard already goes on, also when it has nothing to tell any more.
    """
    known = last_told(connection, main, answer.mode)
    if known is None or holds_records(connection, feed.id, answer.mode):
        return False
    newest = answer.reading.observed_at
    return newest is None or newest < known


def stand_back(connection: Connection, feed: Feed, lease: Lease, turn: int, at: datetime) -> Ended:
    """What a stand-in does while the main feed is well: its records are over, as if an answer held none of them."""
    cause = f"used only while {feed.fallback_of} is away"
    closed = 0
    if feed.target.absent is not None and holds_records(connection, feed.id, lease.mode):
        layer = catalogue().layers[feed.target.layer]
        origin = _origin(feed, lease, turn, lease.mode, at, b"", late=False, absent=feed.target.absent, other=None)
        closed = load_register(connection, layer, Parsed(), origin).closed
    return Ended("quiet", cause, Sums(closed=closed))


def _nothing(parsed: Parsed) -> Ended:
    refused = len(parsed.refusals)
    why = f"; the first: {parsed.refusals[0].reason}" if refused else ", and silence is no calm"
    return Ended("failed", f"no record could be read of {refused}{why}", Sums(refused, refused=refused))


def _ended(answer: Answer, outcome: Outcome, sums: Sums, held: int = 0) -> Ended:
    reading = answer.reading
    refused = sums.refused
    cause = f"{refused} of {sums.seen} records refused" if refused else None
    if held:
        why = "for they may be among them" if cause else "for so many at once may have been cut off"
        cause = "; ".join(filter(None, (cause, f"{held} that are not named any more stay open, {why}")))
    newest = max(filter(None, (answer.lease.answered_at, answer.made_at)))
    observed = max(filter(None, (answer.lease.observed_at, reading.observed_at)), default=None)
    return Ended(
        outcome, cause, sums, observed, reading.published_at, newest,
        None if outcome == "late" else answer.manifest,
    )  # fmt: skip


def _loaded(connection: Connection, feed: Feed, layer: Layer, parsed: Parsed, answer: Answer) -> LoadReport:
    at = answer.lease.answered_at if answer.is_late and answer.lease.answered_at else answer.made_at
    origin = _origin(
        feed,
        answer.lease,
        answer.turn,
        answer.mode,
        at,
        answer.manifest,
        late=answer.is_late,
        absent=feed.target.absent,
        other=told_by_another(feed),
    )
    if feed.target.how == "whole":
        return load_whole(
            connection, layer, parsed, origin, may_be_empty=feed.empty == "quiet", published_at=answer.made_at
        )
    if feed.target.how == "latest":
        return load_observations(connection, layer, parsed, origin, answer.made_at)
    gone = _values(feed.target.absent or {}, at) if answer.is_late else {}
    records = [labelled(record, feed, answer.mode, gone) for record in parsed.records]
    return load_register(connection, layer, Parsed(records, parsed.refusals), origin)


def _origin(
    feed: Feed,
    lease: Lease,
    turn: int,
    mode: FeedMode,
    at: datetime,
    manifest: bytes,
    *,
    late: bool,
    absent: Mapping[str, object] | None,
    other: str | None,
) -> Origin:
    since = tuple(name for name, value in (absent or {}).items() if value == _AT)
    word = Word(
        turn, feed.id, mode, lease.token, at, late, absent, since, feed.target.first,
        other, feed.fallback_of is not None,
        None if feed.target.how == "whole" and lease.failures >= _BELIEVED else feed.target.sudden,
    )  # fmt: skip
    return Origin(f"feed {feed.id}", manifest, "real" if mode == "actual" else "exercise", word=word)


def _values(absent: Mapping[str, object], at: datetime) -> dict[str, object]:
    return {name: at if value == _AT else value for name, value in absent.items()}


def labelled(record: Record, feed: Feed, mode: FeedMode, more: Mapping[str, object]) -> Record:
    """A record of a register: whose it is and for whom, as the feed's file says where the record does not."""
    properties = {
        "release": feed.release,
        "department": feed.department,
        **{name: value for name, value in record.properties.items() if value is not None},
        "source": feed.id,
        "source_ref": record.id,
        "message_status": mode,
        **more,
    }
    return Record(record.id, properties, record.geometry, record.remarks)


def _once_each(feed: Feed, layer: Layer, parsed: Parsed) -> Parsed:
    """One record a key, the last one in the answer; a sensor's times stand beside each other."""
    time = layer.with_role("time") if feed.target.how == "latest" else None
    last: dict[tuple[str, object], tuple[int, Record]] = {}
    refusals: list[Refusal] = list(parsed.refusals)
    for place, record in enumerate(parsed.records, 1):
        key = (record.id, record.properties.get(time.name) if time else None)
        if time is not None and key[1] is None:
            refusals.append(refuse(place, f"no {time.name}: an observation has its time", dict(record.properties)))
            continue
        if (before := last.pop(key, None)) is not None:
            reason = f"stands again under the same key, as number {place}"
            refusals.append(refuse(before[0], reason, dict(before[1].properties), record.id))
        last[key] = (place, record)
    return Parsed([record for _, record in last.values()], _numbered(refusals))


def _numbered(refusals: list[Refusal]) -> list[Refusal]:
    """Each refusal at an ordinal of its own: parsers count in what they read, and we among what they gave."""
    taken: set[int] = set()
    numbered = []
    for one in refusals:
        ordinal = one.ordinal
        while ordinal in taken:
            ordinal += 1_000_000
        taken.add(ordinal)
        numbered.append(replace(one, ordinal=ordinal))
    return numbered
