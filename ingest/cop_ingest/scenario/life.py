"""What becomes of an incident: states, estimates that slip, and the messages that departments send on the way.

The order of states is that of the contract: reported -> confirmed, responding, cancelled; confirmed -> responding,
completed, cancelled; responding -> controlled, completed; controlled -> completed; completed -> responding (reopened).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from cop_ingest.scenario import calendar
from cop_ingest.scenario.chance import minutes, weighted
from cop_ingest.scenario.reports import Report

_QUARTER = timedelta(minutes=15)
_SLIPS = {0: 62.0, 1: 22.0, 2: 10.0, 3: 4.0, 4: 2.0}


@dataclass(frozen=True, slots=True)
class Message:
    """A department's word on the progress: what it says (a key of texts.PROGRESS), percent, and the new estimate."""

    says: str
    percent: int | None = None
    estimate: datetime | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """A change of an incident: when, which columns, and the message that brought it, if one did."""

    at: datetime
    changes: dict[str, object]
    message: Message | None = None


@dataclass(frozen=True, slots=True)
class _Pace:
    """Mean minutes until a report is looked at, until a team is there, and of the work; share that tells estimates."""

    look: float
    come: float
    work: float
    tells: float


_PACES = {
    "ordinary": _Pace(8, 20, 110, 0.1),
    "rainstorm": _Pace(18, 45, 240, 0.2),
    "cyclone": _Pace(20, 55, 330, 0.2),
}
# On the day that is played, departments are asked for estimates.
_DAY = _Pace(14, 40, 210, 0.6)


def life(draw: Random, report: Report, *, played: bool) -> list[Moment]:
    """The moments after the report, in order. `played`: of the typhoon day, with more messages."""
    pace = _DAY if played else _PACES[report.weather]
    if draw.random() < 0.05:
        return list(_cancelled(draw, report, pace))
    if draw.random() < (0.07 if played else 0.0):
        return [Moment(report.at + minutes(draw, pace.look * 6, 30), _confirmed(draw))]
    return list(_worked(draw, report, pace))


def _cancelled(draw: Random, report: Report, pace: _Pace) -> Iterator[Moment]:
    at = report.at + minutes(draw, pace.look)
    if draw.random() < 0.3:
        yield Moment(at, {"status": "confirmed", "verification": "corroborated"})
        at += minutes(draw, pace.come)
    verdict = weighted(draw, {"refuted": 70.0, "unverified": 30.0})
    yield Moment(at, {"status": "cancelled", "verification": verdict}, Message("cancelled"))


def _worked(draw: Random, report: Report, pace: _Pace) -> Iterator[Moment]:
    at = report.at + minutes(draw, pace.look)
    if draw.random() < 0.05:  # nobody looks at it for long
        at += minutes(draw, pace.look * 12)
    if draw.random() < 0.25:
        yield Moment(at, _confirmed(draw))
        at += minutes(draw, pace.come)
    at = _after_the_gale(draw, report, at)
    works = minutes(draw, pace.work, 20)
    done = at + works
    yield from _responding(draw, at, done, pace)
    if draw.random() < 0.006:
        again = done + minutes(draw, 180)
        yield Moment(again, {"status": "responding", "completed_at": None, "progress_percent": 60}, Message("reopened"))
        yield _completed(again + minutes(draw, pace.work / 2, 10), draw, 0.5)


def _responding(draw: Random, at: datetime, done: datetime, pace: _Pace) -> Iterator[Moment]:
    """The work from its beginning to its end, with estimates that slip where estimates are told at all."""
    changes: dict[str, object] = {"status": "responding", "verification": "verified"}
    if draw.random() >= pace.tells:
        yield Moment(at, changes)
        if draw.random() < 0.18:
            yield Moment(_between(at, done, 0.6), {"status": "controlled"})
        yield _completed(done, draw, 0.15)
        return
    slips = weighted(draw, _SLIPS)
    # The estimates divide the work: the first is for its first part, each slip adds one.
    parts = [_between(at, done, part / (slips + 1)) for part in range(1, slips + 2)]
    # Three in ten are too hopeful: the time passes, and the incident is overdue until somebody says more.
    hope = timedelta(minutes=15 * draw.randint(2, 7)) if draw.random() < 0.3 else timedelta(0)
    estimate = max(_quarter(parts[0] - hope), _quarter(at))
    percent = 5 * draw.randint(0, 4)
    yield Moment(at, changes | {"progress_percent": percent, "estimated_completion_at": estimate, "eta_slips": 0},
                 Message("responding", percent, estimate))  # fmt: skip
    for slip, following in enumerate(parts[1:], 1):
        # Some say so before the time is over, others after it.
        told = parts[slip - 1] + timedelta(minutes=draw.choice((-12, -5, 4, 18, 35)))
        told = min(max(told, at + timedelta(minutes=2)), done - timedelta(minutes=3))
        if told <= at:
            break
        percent = min(85, percent + 5 * draw.randint(1, 4))
        estimate = max(_quarter(following - hope), estimate + _QUARTER)
        yield Moment(told, {"progress_percent": percent, "estimated_completion_at": estimate, "eta_slips": slip},
                     Message("slipped", percent, estimate))  # fmt: skip
        at = told
    if draw.random() < 0.35:
        percent = max(percent, 5 * draw.randint(14, 18))
        yield Moment(_between(at, done, 0.7), {"status": "controlled", "progress_percent": percent},
                     Message("controlled", percent))  # fmt: skip
    yield _completed(done, draw, 0.6)


def _completed(at: datetime, draw: Random, tells: float) -> Moment:
    changes: dict[str, object] = {"status": "completed", "completed_at": at, "progress_percent": 100}
    return Moment(at, changes, Message("completed", 100) if draw.random() < tells else None)


def _confirmed(draw: Random) -> dict[str, object]:
    verification = weighted(draw, {"verified": 85.0, "corroborated": 15.0})
    return {"status": "confirmed", "verification": verification}


def _after_the_gale(draw: Random, report: Report, at: datetime) -> datetime:
    """Under a signal No. 8 or above, some work outside waits until it is lowered."""
    if report.scene.category in ("rescue", "road", "landslide") or not calendar.is_gale(at) or draw.random() < 0.65:
        return at
    lowered = max(signal.ended_at for signal in calendar.GALES if signal.event == report.values["event"])
    return max(at, lowered + minutes(draw, 90))


def _between(at: datetime, done: datetime, share: float) -> datetime:
    """A moment on the way, in whole seconds."""
    return at + timedelta(seconds=round((done - at).total_seconds() * share))


def _quarter(at: datetime) -> datetime:
    """The next quarter of an hour."""
    over = timedelta(minutes=at.minute % 15, seconds=at.second, microseconds=at.microsecond)
    return at - over + _QUARTER
