"""From a source's value to a column's type, or the reason why not."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from datetime import date, datetime

from cop.catalogue.models import Column
from cop_ingest.times import read_date, read_epoch_ms, read_time

_MISSING = frozenset({"", "n/a", "na", "m", "////", "--", "-", "***", "null", "none"})
_TRUE = frozenset({"true", "t", "yes", "y", "1", "是"})
_FALSE = frozenset({"false", "f", "no", "n", "0", "否"})
_LARGEST = 2**63
# The Transport Department writes line breaks of HTML into stop names: BUS TERMINUS/<br>Tung Chung Station.
_LINE_BREAK = re.compile(r"\s*/?\s*<br\s*/?>\s*", re.IGNORECASE)


def to_column(value: object, column: Column, codes: frozenset[str] | None = None) -> object:
    """The value in the column's Python type (text str, time aware UTC datetime, …), or None if missing.

    `codes` are the codes that a column of type code may hold; None lets any pass. Raises ValueError with a
    reason that names the column, what was found and what was wanted.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    try:
        converted = _CONVERT[column.type](value)
    except (ValueError, OverflowError) as exc:
        raise ValueError(f"{column.name}: {exc}") from exc
    if column.type == "code" and codes is not None and converted is not None and converted not in codes:
        raise ValueError(f"{column.name}: found {converted!r}, wanted one of {', '.join(sorted(codes))}")
    return converted


def _text(value: object) -> str | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = _LINE_BREAK.sub(" / ", str(value).strip())
    if "\0" in text or any("\ud800" <= mark <= "\udfff" for mark in text):
        raise ValueError(f"found {text!r}, wanted text without NUL and half characters")
    return text or None


def _number(value: object) -> float | None:
    if isinstance(value, bool):
        raise ValueError(f"found {value}, wanted a number")
    if isinstance(value, int | float):
        number = float(value)
    else:
        text = str(value).strip()
        if text.lower() in _MISSING:
            return None
        try:
            number = float(text.replace(",", ""))
        except ValueError:
            raise ValueError(f"found {text!r}, wanted a number") from None
    if not math.isfinite(number):
        raise ValueError(f"found {value!r}, wanted a finite number")
    return number


def _integer(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        whole = value
    else:
        number = _number(value)
        if number is None:
            return None
        if not number.is_integer():
            raise ValueError(f"found {value!r}, wanted a whole number")
        whole = int(number)
    if not -_LARGEST <= whole < _LARGEST:
        raise ValueError(f"found {value!r}, wanted a number of at most 64 bits")
    return whole


def _boolean(value: object) -> bool | None:
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if text in _MISSING:
        return None
    raise ValueError(f"found {text!r}, wanted true or false")


def _time(value: object) -> datetime | None:
    if isinstance(value, datetime):
        return read_time(value.isoformat())
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) > 1e11:
        # CSDI's FeatureServer sends epoch milliseconds; a smaller whole number is YYYYMMDD.
        is_compact = isinstance(value, int) and len(str(value)) in (12, 14) and str(value)[:2] in ("19", "20")
        return read_time(str(value)) if is_compact else read_epoch_ms(value)
    text = _text(value)
    return None if text is None or text.lower() in _MISSING else read_time(text)


def _date(value: object) -> date | None:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    moment = _time(value)
    return None if moment is None else read_date(moment.isoformat())


def _texts(value: object) -> list[str]:
    if isinstance(value, list | tuple):
        found = [_text(part) for part in value]
    else:
        text = str(value).strip()
        listed = _listed(text)
        found = [_text(part) for part in (text.split(";") if listed is None else listed)]
    return [part for part in found if part is not None]


def _listed(text: str) -> list[object] | None:
    if not text.startswith("["):
        return None
    try:
        listed = json.loads(text)
    except ValueError:
        return None
    return listed if isinstance(listed, list) else None


_CONVERT: dict[str, Callable[[object], object]] = {
    "text": _text,
    "code": _text,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "time": _time,
    "date": _date,
    "text[]": _texts,
}
