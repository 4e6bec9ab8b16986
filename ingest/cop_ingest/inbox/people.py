"""What tells of a person in a text: telephone numbers, e-mail addresses, identity card numbers. Taken out, not kept."""

from __future__ import annotations

import re

GONE = "[removed]"
# Hong Kong's numbers have eight digits, the first of them 2 to 9; a day like 20250924 is none.
_TELEPHONE = re.compile(
    r"(?<![\w+])(?:(?:\+|00)?\(?852\)?[ -]?)?(?!20[123]\d[01]\d[0-3]\d(?!\d))[2-9]\d{3}[ -]?\d{4}(?!\d)"
)
_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
# The letter or letters, six digits, and the check digit, in brackets or not.
_IDENTITY = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{1,2}\d{6}\s?\(?[0-9Aa]\)?(?![A-Za-z0-9])")


def without_numbers(text: str) -> str:
    """The text with `[removed]` in the place of each such number and address."""
    for sign in (_ADDRESS, _IDENTITY, _TELEPHONE):
        text = sign.sub(GONE, text)
    return text
