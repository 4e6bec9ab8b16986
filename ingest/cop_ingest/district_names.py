"""The 18 districts by any of the names that departments write."""

from __future__ import annotations

import re
from functools import lru_cache

from cop.catalogue import catalogue
from cop_ingest.texts import matching_form

_SEPARATORS = re.compile(r"\s*(?:&|/|\band\b|\+|及|和|、)\s*")


def district_code(name: str | None) -> str | None:
    """The code of a district by its code or any spelling of its name, else None.

    `Southern`, `Southern District`, `南區` and `南` are STH; `Central & Western`, `Central and Western` and
    `Central/Western` are CW; 埗 may be the private-use character of old files.
    """
    return _codes_by_name().get(_plain(name)) if name else None


def only_district(names: list[str]) -> str | None:
    """The code where all names that are known mean one district, else None."""
    codes = {code for name in names if (code := district_code(name))}
    return codes.pop() if len(codes) == 1 else None


def _plain(name: str) -> str:
    joined = _SEPARATORS.sub("/", matching_form(name))
    return joined.removesuffix("district").removesuffix("區").removesuffix("区").strip()


@lru_cache(maxsize=1)
def _codes_by_name() -> dict[str, str]:
    names: dict[str, str] = {}
    for code, title in catalogue().codes["districts"].items():
        for name in (code, title.en, title.zh):
            names[_plain(name)] = code
    return names
