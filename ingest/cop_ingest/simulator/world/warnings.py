"""The Observatory's warnings as the story has them, and what its summary says of them at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from cop_ingest.scenario.calendar import DAY_ENDS, DAY_EVENT, NOT_IN_THE_SUMMARY, SIGNALS, Signal

CANCELLED_BY_WORD = frozenset({"WTCSGNL", "WL"})
CANCEL_SHOWN = timedelta(minutes=30)
"""These the summary shows as cancelled for so long; all other warnings end by disappearing."""


@dataclass(frozen=True, slots=True)
class Shown:
    """An entry of the summary: its key (WRAIN), the warning, what was done last, and when."""

    key: str
    signal: Signal
    action: str
    updated_at: datetime


def key_of(code: str) -> str:
    """The summary's key for a warning's code: TC8NW is WTCSGNL, WRAINA is WRAIN."""
    if code.startswith("TC"):
        return "WTCSGNL"
    return next((key for key in ("WRAIN", "WFIRE") if code.startswith(key)), code)


def shown(at: datetime) -> list[Shown]:
    """The entries at a time, in the order of their issue."""
    found: dict[str, Shown] = {}
    for signal in _signals():
        key = key_of(signal.code)
        if signal.issued_at <= at < signal.ended_at:
            before = any(other.ended_at == signal.issued_at and key_of(other.code) == key for other in _signals())
            updated = signal.issued_at + _last_update(signal, at)
            action = "UPDATE" if updated > signal.issued_at else "REISSUE" if before and key == "WRAIN" else "ISSUE"
            found[key] = Shown(key, signal, action, updated)
        elif key in CANCELLED_BY_WORD and signal.ended_at <= at < signal.ended_at + CANCEL_SHOWN and key not in found:
            found[key] = Shown(key, signal, "CANCEL", signal.ended_at)
    return sorted(found.values(), key=lambda entry: entry.signal.issued_at)


def surge(at: datetime) -> list[Signal]:
    """The announcements that are in force at a time."""
    return [one for one in _of_the_day() if one.code in NOT_IN_THE_SUMMARY and one.issued_at <= at < one.ended_at]


def moments() -> list[datetime]:
    """When any of it changes, in order."""
    found = set()
    for signal in _of_the_day():
        found |= {signal.issued_at, signal.ended_at}
        if key_of(signal.code) in CANCELLED_BY_WORD and not _is_replaced(signal):
            found.add(signal.ended_at + CANCEL_SHOWN)
        at = signal.issued_at + _HOURLY
        while at < signal.ended_at and _speaks_hourly(signal):
            found.add(at)
            at += _HOURLY
    return sorted(at for at in found if at <= DAY_ENDS)


_HOURLY = timedelta(hours=1)


def _speaks_hourly(signal: Signal) -> bool:
    """Under signals of gale force and above a bulletin comes every hour."""
    return signal.code.startswith(("TC8", "TC9", "TC10"))


def _last_update(signal: Signal, at: datetime) -> timedelta:
    return (at - signal.issued_at) // _HOURLY * _HOURLY if _speaks_hourly(signal) else timedelta(0)


def _is_replaced(signal: Signal) -> bool:
    """Whether another signal of its kind follows at once."""
    key = key_of(signal.code)
    return any(other.issued_at == signal.ended_at and key_of(other.code) == key for other in _signals())


def _of_the_day() -> list[Signal]:
    return [signal for signal in SIGNALS if signal.event == DAY_EVENT]


def _signals() -> list[Signal]:
    return [signal for signal in _of_the_day() if signal.code not in NOT_IN_THE_SUMMARY]
