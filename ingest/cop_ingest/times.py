"""Hong Kong's ways of writing a time, read into aware UTC.

Sources in Hong Kong write local time without an offset; it is taken as UTC+8, which has had no summer time
since 1979.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime, timedelta, timezone

HKT = timezone(timedelta(hours=8), "HKT")

_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:[ -]?(\d{2})(\d{2})(\d{2})?)?")
_WRITTEN = re.compile(
    r"(?P<year>\d{4})[-/年](?P<month>\d{1,2})[-/月](?P<day>\d{1,2})日?"
    r"(?:[T ]*(?P<before>上午|下午|AM|PM)? *(?P<hour>\d{1,2}):(?P<minute>\d{2})"
    r"(?::(?P<second>\d{2})(?:\.(?P<part>\d{1,9}))?)? *(?P<after>AM|PM)?)? *(?P<zone>Z|[+-]\d{2}:?\d{2})?"
)
# RFC 822 as in RSS, and the Hospital Authority's order of day, month, year.
_MAIL = re.compile(
    r"(?:[A-Z]{3},? +)?(?P<day>\d{1,2}) +(?P<month>[A-Z]{3}) +(?P<year>\d{4}) +(?P<hour>\d{1,2}):(?P<minute>\d{2})"
    r"(?::(?P<second>\d{2}))?(?: +(?P<zone>[+-]\d{2}:?\d{2}|GMT|UTC?|Z))?"
)
_DAY_FIRST = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})( .*)?")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_EPOCH_MS = range(-2_208_988_800_000, 4_102_444_800_000)


def read_time(text: str) -> datetime:
    """A time as HKO, TD, CSDI and others write it, in UTC.

    Reads ISO 8601 with or without an offset, `YYYYMMDD[HHmm[ss]]`, `2017/9/16 上午 07:20:43`, `16/2/2026 1:00PM`,
    `Tue, 17 Jun 2025 19:30:00 +0800` (RFC 822), dates alone (midnight) and the hour 24:00. Without an offset it is
    Hong Kong time. Raises ValueError.
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    compact = _COMPACT.fullmatch(plain)
    if compact:
        year, month, day, hour, minute, second = (int(part or 0) for part in compact.groups())
        return _moment(year, month, day, hour, minute, second)
    mailed = _MAIL.fullmatch(plain.upper())
    if mailed:
        return _mailed(mailed.groupdict(), text)
    written = _WRITTEN.fullmatch(_DAY_FIRST.sub(r"\3/\2/\1\4", plain).upper())
    if not written:
        raise ValueError(f"{text.strip()!r} is not a time; wanted for example 2025-09-24T07:40:00+08:00")
    part = written.groupdict()
    return _moment(
        int(part["year"]), int(part["month"]), int(part["day"]),
        _hour(int(part["hour"] or 0), part["before"] or part["after"]),
        int(part["minute"] or 0), int(part["second"] or 0),
        int((part["part"] or "0").ljust(6, "0")[:6]), _zone(part["zone"]),
    )  # fmt: skip


def _mailed(part: dict[str, str | None], text: str) -> datetime:
    if part["month"] not in _MONTHS:
        raise ValueError(f"{text.strip()!r} is not a time; there is no month {part['month']}")
    zone = "Z" if part["zone"] in ("GMT", "UT", "UTC", "Z") else part["zone"]
    return _moment(
        int(part["year"] or 0), _MONTHS.index(part["month"]) + 1, int(part["day"] or 0),
        int(part["hour"] or 0), int(part["minute"] or 0), int(part["second"] or 0), zone=_zone(zone),
    )  # fmt: skip


def read_epoch_ms(number: float) -> datetime:
    """Milliseconds since 1970 as CSDI services send them, in UTC. Raises ValueError outside 1900 to 2100."""
    if int(number) not in _EPOCH_MS:
        raise ValueError(f"{number:g} is not a time in milliseconds since 1970")
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=number)


def read_date(text: str) -> date:
    """The Hong Kong day of a date or time in any form that read_time knows. Raises ValueError."""
    return read_time(text).astimezone(HKT).date()


def _hour(hour: int, marker: str | None) -> int:
    if marker is None:
        return hour
    if not 1 <= hour <= 12:
        raise ValueError(f"hour {hour} with {marker}; wanted 1 to 12")
    return hour % 12 + (12 if marker in ("PM", "下午") else 0)


def _zone(text: str | None) -> timezone:
    if text is None:
        return HKT
    if text == "Z":
        return UTC
    minutes = int(text[1:3]) * 60 + int(text[-2:])
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))


def _moment(
    year: int, month: int, day: int, hour: int, minute: int, second: int, micro: int = 0, zone: timezone = HKT
) -> datetime:
    # HKO's warning database closes a day with 24:00.
    days = 1 if (hour, minute, second) == (24, 0, 0) else 0
    try:
        start = datetime(year, month, day, 0 if days else hour, minute, second, micro, tzinfo=zone)
        return (start + timedelta(days=days)).astimezone(UTC)
    except OverflowError as exc:
        raise ValueError(f"the year {year} is out of range") from exc
