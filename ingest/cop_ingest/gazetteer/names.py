"""The forms in which names and texts are compared, one for words and one for Chinese characters."""

from __future__ import annotations

import re

from cop_ingest.texts import matching_form

_APOSTROPHES = re.compile(r"['’`]")
_NO_WORD = re.compile(r"[\W_]+")
_CJK = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
# Between Chinese characters and anything else a word ends: 燈柱AB1234.
_BORDER = re.compile(
    r"(?<=[\u3400-\u9fff\uf900-\ufaff])(?=[^\W\u3400-\u9fff\uf900-\ufaff])"
    r"|(?<=[^\W\u3400-\u9fff\uf900-\ufaff])(?=[\u3400-\u9fff\uf900-\ufaff])"
)
# Characters that departments write in two ways.
_VARIANTS = str.maketrans({"茘": "荔", "褔": "福", "峯": "峰", "啓": "啟", "臺": "台", "鈎": "鉤"})
# Only what stands at a name's end: the St of `St John` is no street, and `Dr` may be a doctor.
_SHORT = {"rd": "road", "st": "street", "ave": "avenue", "av": "avenue", "hwy": "highway", "ln": "lane", "dr": "drive",
          "sq": "square", "blvd": "boulevard", "stn": "station", "hosp": "hospital"}  # fmt: skip
_END = re.compile(rf"(?<=\w )({'|'.join(_SHORT)})(?=\.?\s*(?:[,;()/&]|-|–|(?:near|at|and|by|in|junction)\b|$))")


def words(text: str) -> tuple[str, ...]:
    """A text as comparable words: case, marks and abbreviations at a name's end folded."""
    folded = _BORDER.sub(" ", _APOSTROPHES.sub("", matching_form(text).translate(_VARIANTS)))
    return tuple(word for word in _NO_WORD.split(_END.sub(lambda found: _SHORT[found[1]], folded)) if word)


def characters(text: str) -> str:
    """A text as comparable Chinese characters: blanks and marks go, digits and letters stay."""
    return _NO_WORD.sub("", matching_form(text).translate(_VARIANTS))


def key_of(name: str) -> str:
    """A name in the one form in which things are kept by name."""
    return characters(name) if is_chinese(name) else " ".join(words(name))


def is_chinese(text: str) -> bool:
    """Whether a name is written in Chinese characters."""
    return bool(_CJK.search(text))
