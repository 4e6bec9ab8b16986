"""The reckoning after a day: every raw record by what became of it, and the store against what was really published.

Three ways that share no code: the turns' own sums, the returns' reports against the files as they were written, and
the simulator's list of incidents against the records of the store.
"""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Literal

import psycopg
from psycopg import sql

from cop.catalogue import Layer, catalogue
from cop.store.statements import statements
from cop_bench.day.readers import spread
from cop_ingest.feeds import keeping
from cop_ingest.feeds.declared import Feed, feeds
from cop_ingest.feeds.fetch import Fetcher
from cop_ingest.feeds.parse import led_by, parser_of
from cop_ingest.feeds.payload import Payload
from cop_ingest.inbox.declared import mappings
from cop_ingest.inbox.mapped import mapped
from cop_ingest.inbox.rows import read_rows
from cop_ingest.simulator.returns import FORMS
from cop_ingest.simulator.world.told import TRAFFIC
from cop_ingest.simulator.world.world import ENDS, STARTS, World

_SQL = statements(Path(__file__).parent.parent / "sql" / "day.sql")
_NEWS = {"NEW": "confirmed", "UPDATED": "responding", "CLOSED": "completed"}
_SHOWN = 20
_EVER = datetime(2000, 1, 1, tzinfo=UTC)
SUMS = ("turns", "seen", "inserted", "updated", "unchanged", "refused", "closed")
_ASIDE = ("taken", "refused")
Found = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Clockwork:
    """When the scenario's clock began to run in our time, from where, how fast, and when it was stopped."""

    began: float
    start: datetime
    speed: float
    stopped: float

    def ours(self, moment: datetime) -> float:
        """Our time (epoch seconds) of a scenario's moment."""
        return self.began + (moment - self.start).total_seconds() / self.speed


def settle(connection: psycopg.Connection[Any], inbox: Path, seconds: float) -> tuple[float, list[str]]:
    """Have every feed asked once more and every return taken; how long that took, and what was not done by then."""
    began, since = time.monotonic(), datetime.now(UTC)
    connection.execute(_SQL["ask_all"])
    while time.monotonic() - began < seconds:
        left = [row[0] for row in connection.execute(_SQL["asked_since"], {"since": since})]
        waiting = [path for path in inbox.glob("*/*") if path.is_file()]
        if not left and not waiting:
            return time.monotonic() - began, []
        time.sleep(0.5)
    return seconds, [*(f"{feed} was not asked again" for feed in left), f"{len(waiting)} returns were not taken"]


def of_turns(connection: psycopg.Connection[Any], clock: Clockwork) -> Found:
    """By feed: turns by outcome, what became of their records, how long turns took, from publication to store."""
    until = {"until": datetime.fromtimestamp(clock.stopped, UTC)}
    took: dict[str, list[float]] = defaultdict(list)
    for feed, ms in connection.execute(_SQL["turns"], until):
        took[feed].append(ms)
    lags: dict[str, list[float]] = defaultdict(list)
    for feed, made, stored in connection.execute(_SQL["publications"], until):
        at = parsedate_to_datetime(made)
        if at >= clock.start:
            lags[feed].append(stored.timestamp() - clock.ours(at))
    told = {}
    for feed in feeds():
        lines = keeping.report(connection, feed, "exercise", _EVER)
        sums = {name: sum(getattr(line, name) for line in lines) for name in (*SUMS, "wrong")}
        late = sum(line.seen for line in lines if line.outcome == "late")
        told[feed] = {
            **sums, "of them late": late, "outcomes": {line.outcome: line.turns for line in lines},
            "agrees": sums["wrong"] == 0
            and sums["seen"] == sums["inserted"] + sums["updated"] + sums["unchanged"] + sums["refused"],
            "reasons": [list(map(str, one)) for one in _why(connection, feed, "reasons")],
            "causes": [list(map(str, one[:2])) for one in _why(connection, feed, "causes")],
            "turn_ms": spread(took[feed]), "publication_to_store_s": spread(lags[feed]),
        }  # fmt: skip
    return told


def of_receipts(connection: psycopg.Connection[Any], clock: Clockwork, arrived: Mapping[int, float]) -> Found:
    """From an answer's receipt to the client of /events, in ms: of all loads, of all but first answers, of each feed.

    The first answer brings all that there is.
    """
    until = {"until": datetime.fromtimestamp(clock.stopped, UTC)}
    found: dict[str, list[float]] = defaultdict(list)
    later: list[float] = []
    missing = 0
    for feed, n, received, is_first in connection.execute(_SQL["receipts"], until):
        if n not in arrived:
            missing += 1
            continue
        found[feed].append(1000 * (arrived[n] - received))
        later += [] if is_first else found[feed][-1:]
    return {
        "all": spread([ms for values in found.values() for ms in values]),
        "after the first": spread(later),
        "without an event": missing,
        "feeds": {feed: spread(values) for feed, values in found.items()},
    }


def _why(
    connection: psycopg.Connection[Any], feed: str, of: Literal["reasons", "causes"]
) -> list[tuple[str, int, Any]]:
    return keeping.reasons(connection, feed, "exercise", _EVER, of=of)[:3]


def of_payloads(connection: psycopg.Connection[Any]) -> Found:
    """What should all be nought: loads that do not add up or never ended, payloads without a turn and the reverse."""
    uneven, running = _row(connection, "runs_of_turns")
    orphans, lacking = _row(connection, "raw_without_turn")
    return {"loads that do not add up": uneven, "loads that never ended": running,
            "payloads of no turn": orphans, "turns whose payload is not kept": lacking}  # fmt: skip


def of_returns(inbox: Path) -> Found:
    """By form: files, rows as the files have them, rows by what became of them, and why rows were refused."""
    told: Found = {}
    for name, mapping in mappings().items():
        found: Counter[str] = Counter()
        reasons: Counter[str] = Counter()
        for report in sorted(path for aside in _ASIDE for path in (inbox / name / aside).glob("*.report.json")):
            said = json.loads(report.read_text(encoding="utf-8"))
            file = report.with_name(report.name.removesuffix(".report.json"))
            found["files"] += 1
            found["rows"] += sum(1 for _ in read_rows(mapping, file.read_bytes(), file.name))
            found.update(line["deed"] for line in said.get("lines", ()))
            reasons.update(fault.get("reason", "?") for line in said.get("lines", ()) for fault in line["faults"])
            reasons.update([said["refused"]] if "refused" in said else [])
        if found:
            deeds = sum(found[deed] for deed in ("created", "changed", "unchanged", "late", "refused"))
            told[name] = {**found, "agrees": deeds == found["rows"], "reasons": dict(reasons.most_common(3))}
    return told


def of_incidents(
    connection: psycopg.Connection[Any], world: World, start: datetime, end: datetime, last_return: datetime
) -> Found:
    """The simulator's incidents up to the end against the register: none lost, none twice, each in its last state.

    The departments have told them up to their last return, the traffic news up to the end.
    """
    stored: dict[tuple[str, str], list[str]] = defaultdict(list)
    for source, ref, status, count in connection.execute(_SQL["incidents"]):
        stored[source, ref] += [status] * count
    wanted: dict[tuple[str, str], str] = {}
    for incident in world.told:
        values = incident.at(last_return)
        if values is not None and incident.department != TRAFFIC:
            wanted[incident.department, incident.ref] = str(values["status"])
    asked = connection.execute(_SQL["asked"], {"feed": "td_news_v2"}).fetchall()
    unseen = 0
    for number, life in _lives(world).items():
        # What came or went while the question was under way may have been seen or not.
        surely = any(begun <= since and until < ended for since, until in asked for begun, ended, _ in life)
        perhaps = any(begun <= until and since < ended for since, until in asked for begun, ended, _ in life)
        if not perhaps or (not surely and ("td_news_v2", number) not in stored):
            unseen += any(begun < end and ended > start for begun, ended, _ in life)
            continue
        now = next((status for begun, ended, status in life if begun <= end < ended), None)
        wanted["td_news_v2", number] = _NEWS[now] if now is not None else "completed"
    lost = sorted(key for key in wanted if key not in stored)
    doubled = sorted(key for key in wanted if len(stored.get(key, ())) > 1)
    other = sorted(
        (key, state, stored[key][0]) for key, state in wanted.items() if key in stored and state not in stored[key]
    )
    strange = sorted(key for key in stored if key not in wanted)
    return {
        "incidents of the day": len(world.told), "published": len(wanted), "stored": sum(map(len, stored.values())),
        "lost": len(lost), "doubled": len(doubled), "in another state": len(other), "of nobody": len(strange),
        "news that came and went between two questions": unseen,
        "examples": {"lost": lost[:_SHOWN], "doubled": doubled[:_SHOWN], "in another state": other[:_SHOWN],
                     "of nobody": strange[:_SHOWN]},
    }  # fmt: skip


def _lives(world: World) -> dict[str, list[tuple[datetime, datetime, str]]]:
    """By the traffic news' numbers: from when to when which status stood in the list."""
    told: dict[str, list[tuple[datetime, datetime, str]]] = defaultdict(list)
    for at, number, message in world.news.changes:
        if told[number] and told[number][-1][1] > at:
            told[number][-1] = (told[number][-1][0], at, told[number][-1][2])
        if message is not None:
            told[number].append((at, ENDS + timedelta(days=1), message.status))
    return told


def of_forms(connection: psycopg.Connection[Any], world: World, last: Callable[[timedelta | None], datetime]) -> Found:
    """By form of things that are no incidents: what was sent of each up to the last return, against the layer.

    `last` says when a form with a pace of its own, or with that of the others (None), came for the last time.
    """
    told: Found = {}
    for form in FORMS:
        mapping, at = mappings()[form.id], last(form.every)
        layer = mapping.target
        key, state = (layer.key[0], layer.with_role("time")) if mapping.readings else ("source_ref", None)
        column = state.name if state is not None else "status"
        query = sql.SQL(_SQL["of_form"]).format(
            key=sql.Identifier(key), state=sql.Identifier(column), table=sql.Identifier("layer", layer.id),
            owner=sql.Identifier("provenance" if mapping.readings else "source"),
        )  # fmt: skip
        held = dict(connection.execute(query, {"owner": "exercise" if mapping.readings else mapping.department}))
        wanted: dict[str, Any] = {}
        for one in form.returned(world, STARTS - timedelta(days=1), at):
            for row in read_rows(mapping, one.body(), f"{form.id}.{one.ending}"):
                said = mapped(mapping, row, at)
                value = said.properties[column]
                wanted[said.key] = datetime.fromisoformat(value) if state is not None else value
        other = sorted(one for one, value in wanted.items() if one in held and held[one] != value)
        told[form.id] = _differing(len(wanted), wanted.keys() - held.keys(), held.keys() - wanted.keys()) | {
            "in another state": len(other), "of them": other[:3],
        }  # fmt: skip
    return told


def of_layers(connection: psycopg.Connection[Any], base: str) -> Found:
    """By feed: the answer as it is now, read here, against what the layer shows of it. Only what differs is told."""
    told: Found = {}
    fetcher = Fetcher("reckoning", base)
    try:
        for name, feed in feeds().items():
            if feed.fallback_of is None:
                told[name] = _compared(connection, feed, _answer(fetcher, feed))
    finally:
        fetcher.close()
    return told


def _answer(fetcher: Fetcher, feed: Feed) -> list[tuple[str, Any]]:
    """The feed's records now: id, and the time of a sensor's newest observation."""
    bodies = _bodies(fetcher, feed)
    at = datetime.now(UTC) + timedelta(days=1)
    if feed.follow is not None:
        led = led_by(feed, Payload(bodies, at, feed.options))
        parts = {name: next(iter(feed.parts.values())).model_copy(update={"url": url}) for name, url in led.items()}
        bodies |= _bodies(fetcher, feed.model_copy(update={"parts": parts}))
    layer = catalogue().layers[feed.target.layer]
    column = layer.with_role("time")
    newest: dict[str, Any] = {}
    for record in parser_of(feed)(Payload(bodies, at, feed.options)).parsed.records:
        when = record.properties.get(column.name) if column and feed.target.how == "latest" else None
        when = None if when == at else when  # the source tells no time: it is that of the receipt
        if record.id not in newest or (when is not None and when > newest[record.id]):
            newest[record.id] = when
    return list(newest.items())


def _bodies(fetcher: Fetcher, feed: Feed) -> dict[str, bytes]:
    return {
        part: got.body for part, got in fetcher.fetch(feed, {}).items() if not isinstance(got, Exception) and got.body
    }


def _compared(connection: psycopg.Connection[Any], feed: Feed, published: list[tuple[str, Any]]) -> Found:
    layer = catalogue().layers[feed.target.layer]
    ids = {id_ for id_, _ in published}
    if feed.target.how == "register":
        held = {row[0] for row in connection.execute(_SQL["held"], {"feed": feed.id})}
        return _differing(len(ids), ids - held, held - ids) | {"doubled": _doubled(connection, layer)}
    if feed.target.how == "whole":
        held = {row[0] for row in connection.execute(_composed("ids", layer))}
        return _differing(len(ids), ids - held, held - ids)
    shown = dict(connection.execute(_composed("latest", layer)).fetchall())
    return _differing(
        len(ids), {id_ for id_, at in published if shown.get(id_, _EVER) != (at or shown.get(id_))}, set()
    )


def _differing(published: int, lacking: Set[str], over: Set[str]) -> Found:
    return {"published": published, "lacking": len(lacking), "held though gone": len(over),
            "examples": [*sorted(lacking)[:3], *sorted(over)[:3]]}  # fmt: skip


def _doubled(connection: psycopg.Connection[Any], layer: Layer) -> int:
    return len(connection.execute(_composed("doubled", layer)).fetchall())


def _composed(name: str, layer: Layer) -> sql.Composed:
    time_ = layer.with_role("time")
    return sql.SQL(_SQL[name]).format(
        table=sql.Identifier("layer", layer.id), time=sql.Identifier(time_.name if time_ else "id")
    )


def _row(connection: psycopg.Connection[Any], name: str) -> tuple[Any, ...]:
    row = connection.execute(_SQL[name]).fetchone()
    assert row is not None
    return tuple(row)


def faults(found: Found) -> list[str]:
    """What does not agree, a sentence each; none after a good day."""
    said = [f"{feed}: the sums of its turns do not agree" for feed, one in found["feeds"].items() if not one["agrees"]]
    said += [f"{what}: {count}" for what, count in found["payloads"].items() if count]
    said += [f"{form}: {one}" for form, one in found["returns"].items() if not one["agrees"]]
    said += [f"incidents {what}: {found['incidents'][what]} {found['incidents']['examples'][what][:3]}"
             for what in ("lost", "doubled", "in another state", "of nobody") if found["incidents"][what]]  # fmt: skip
    said += [f"{feed}: {one}" for feed, one in found["layers"].items()
             if one["lacking"] or one["held though gone"] or one.get("doubled")]  # fmt: skip
    said += [f"{form}: {one}" for form, one in found["forms"].items()
             if one["lacking"] or one["held though gone"] or one["in another state"]]  # fmt: skip
    return said
