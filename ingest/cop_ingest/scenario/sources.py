"""Under whose number the typhoon day's records stand: that of the feed or return that tells them from the opening on.

So what the story has told and what a source then says are one record, found by `source` and `source_ref`.
"""

from __future__ import annotations

from dataclasses import replace

from cop_ingest.scenario.calendar import DAY_EVENT, NOT_IN_THE_SUMMARY, Signal
from cop_ingest.scenario.reports import Report

NEWS = "td_news_v2"
NEWS_DEPARTMENT = "TD"
"""The department whose incidents come by the traffic news; those of all others come as returns."""
SUMMARY = "hko_warnsum"
_FIRST_NUMBER = 7201


def news_number(count: int) -> str:
    """The traffic news' number of its incident, counted from 0: `IN-25-07201` is the first."""
    return f"IN-25-{_FIRST_NUMBER + count:05d}"


def as_told(report: Report, count: int) -> Report:
    """A report of the typhoon day under its source's number; `count` is how many the traffic news has told before."""
    department = str(report.values["department"])
    if department != NEWS_DEPARTMENT:
        return replace(report, values={**report.values, "source": department})
    number = news_number(count)
    told = {"external_ids": [f"{NEWS_DEPARTMENT}:{number}"], "source": NEWS, "source_ref": number}
    return replace(report, values={**report.values, **told})


def warning_labels(signal: Signal) -> dict[str, object]:
    """Source and number of a warning that the Observatory's summary tells too; nothing for others."""
    if signal.event != DAY_EVENT or signal.code in NOT_IN_THE_SUMMARY:
        return {}
    return {"source": SUMMARY, "source_ref": f"{signal.code}-{signal.issued_at:%Y%m%dT%H%MZ}"}
