"""From bytes to text and tables: the bytes decide the encoding, never the file's name or a header."""

from __future__ import annotations

import csv
import io
import unicodedata
from dataclasses import dataclass

from cop.errors import LoadRefused

_SEPARATORS = "\t|;,"


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a header; each row keeps its number in the source, the header being line 1."""

    header: list[str]
    rows: list[tuple[int, list[str]]]


def decode(body: bytes, name: str) -> str:
    """The text of a body, without its byte-order marks (the camera list has two).

    Knows UTF-8, UTF-16 in both orders with or without a mark, and Big5 with the Hong Kong supplement.
    Raises LoadRefused where none of them fits, or the body is an HTML page.
    """
    for encoding in _candidates(body):
        try:
            text = body.decode(encoding).lstrip("\ufeff")
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            continue
        refuse_html(text, name)
        return text
    raise LoadRefused(
        f"{name}: the bytes are neither UTF-8, UTF-16 nor Big5 text (perhaps cut off); fetch the file again"
    )


def _candidates(body: bytes) -> tuple[str, ...]:
    if body.startswith(b"\xff\xfe") or (len(body) > 3 and body[1] == body[3] == 0):
        return ("utf-16-le",)
    if body.startswith(b"\xfe\xff") or (len(body) > 3 and body[0] == body[2] == 0):
        return ("utf-16-be",)
    return ("utf-8", "big5hkscs")


def refuse_html(text: str, name: str) -> None:
    """Raise LoadRefused where a server has answered with an HTML page instead of data."""
    start = text[:1000].lstrip().lower()
    if start.startswith(("<!doctype html", "<html")):
        raise LoadRefused(f"{name}: is an HTML page, probably the server's error page; wanted the data file itself")


def read_table(text: str, name: str) -> Table:
    """A table with a header row; the separator is the first of tab, `|`, `;` and `,` that the header has.

    Blank lines are passed over. Raises LoadRefused where there is no header or a quotation never ends.
    """
    lines = text.splitlines()
    head = next((line for line in lines if line.strip()), "")
    separator = next((mark for mark in _SEPARATORS if mark in head), ",")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        rows = [(reader.line_num, [cell.strip() for cell in row]) for row in reader if any(map(str.strip, row))]
    except csv.Error as exc:
        raise LoadRefused(f"{name}: line {reader.line_num}: is not a separated table ({exc})") from exc
    if not rows:
        raise LoadRefused(f"{name}: is empty; wanted a table with a header row")
    return Table(rows[0][1], rows[1:])


def matching_form(text: str) -> str:
    """The form in which texts are compared: compatibility characters folded (⽉ to 月), case and blanks too.

    For matching only; the store keeps what was published.
    """
    folded = unicodedata.normalize("NFKC", text).replace("\ue88c", "埗").casefold()
    return " ".join(folded.split())


def tidy(text: str | None) -> str | None:
    """A text without outer blanks and with single blanks inside, or None where nothing is left."""
    return " ".join(text.split()) or None if text else None
