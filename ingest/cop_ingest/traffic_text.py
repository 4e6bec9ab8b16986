"""What the free text of traffic news says plainly: title, closed lanes, and whether it is over."""

from __future__ import annotations

import re

from cop_ingest.incidents import shortened
from cop_ingest.texts import matching_form, tidy

_NUMBERS = {
    word: number
    for number, words in ((1, "one 一 1"), (2, "two 兩 二 2"), (3, "three 三 3"), (4, "four 四 4"))
    for word in words.split()
}
_LANE = r"(?:fast|slow|middle|first|second|third|fourth|left|right|offside|nearside)"
_NAMED_LANES = re.compile(rf"\b({_LANE}(?:(?:, | and |, and |/){_LANE})*) lanes?\b")
_COUNTED_LANES = re.compile(r"\b(one|two|three|four|[1-4]) (?:\w+ )?lanes?\b")
_CLOSED = re.compile(r"\b(?:is|are|was|were|has been|have been)\b[^.;]{0,20}\bclosed\b")
_FUTURE = re.compile(r"will be (?:\w+ )?closed|with effect from|將會封閉|將封閉|將於")
_OVER = re.compile(
    r"re-?opened|resum\w+ normal|back to normal|(?:has|have) been cleared"
    r"|回復正常|恢復正常|重開|解封|解除封閉"
)
_ZH_NAMED = re.compile(r"((?:[快慢中]線[、及和]?)+)[^。，]{0,12}封閉")
_ZH_COUNTED = re.compile(r"([一二兩三四1-4])條行車線[^。，]{0,12}封閉")
_ZH_ROAD = re.compile(r"全線[^。，]{0,12}封閉|封閉，?禁止所有車輛")


def news_of(text: str | None) -> str | None:
    """The message without the advertisement for the department's app that follows a line of asterisks."""
    if not text:
        return None
    return re.split(r"\n?\s*\*{5,}", text, maxsplit=1)[0].strip() or None


def is_over(text: str | None) -> bool:
    """Whether the text says that the road is open or the traffic normal again."""
    return bool(text and _OVER.search(matching_form(text)))


def closure(text: str | None) -> tuple[int | None, bool | None]:
    """(lanes closed, road closed) as far as a text says so plainly; None is not said.

    A closure announced for later, or "part of the lanes", says neither.
    """
    plain = matching_form(text or "")
    if not plain or _FUTURE.search(plain) or _OVER.search(plain):
        return None, None
    lanes = _lanes(plain)
    if lanes:
        return lanes, None
    if _ZH_ROAD.search(plain):
        return None, True
    # "lane" in a road's own name (Hollywood Lane) makes this miss a closure, which is the safer way to err.
    return None, True if _CLOSED.search(plain) and "lane" not in plain else None


def _lanes(plain: str) -> int | None:
    for pattern in (_ZH_COUNTED, _ZH_NAMED):
        found = pattern.search(plain)
        if found:
            return _NUMBERS.get(found[1]) or len(re.findall("[快慢中]線", found[1]))
    closed = _CLOSED.search(plain)
    if not closed:
        return None
    before = plain[: closed.start()].rsplit(". ", 1)[-1]
    named = _NAMED_LANES.search(before)
    if named:
        return len(re.findall(_LANE, named[1]))
    counted = _COUNTED_LANES.search(before)
    return _NUMBERS[counted[1]] if counted else None


def first_sentence(text: str | None, language: str) -> str | None:
    """A title for a free text: its first sentence, cut to 90 letters or 40 characters.

    The road is not picked out: a text may name several, and the first need not be the one concerned.
    """
    if not text:
        return None
    plain = tidy(text) or ""
    end = re.search(r"。" if language == "zh" else r"\.(?= +[A-Z]|$)", plain)
    return shortened(plain[: end.start()] if end else plain, 40 if language == "zh" else 90) or None
