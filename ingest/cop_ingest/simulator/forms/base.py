"""What all simulated forms share: a return, lines that change, and files that are the same for the same day."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

from openpyxl import Workbook

from cop.catalogue import catalogue
from cop_ingest import grid
from cop_ingest.simulator.writers.text import UTF8_MARK, local

if TYPE_CHECKING:
    from cop_ingest.simulator.forms.incidents import Line
    from cop_ingest.simulator.world.world import World

Ending = Literal["csv", "xlsx", "geojson"]
DAY_FIRST, YEAR_FIRST = "%d/%m/%Y %H:%M:%S", "%Y-%m-%d %H:%M"
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)

_PACKED = (1980, 1, 1, 0, 0, 0)  # the oldest time that a ZIP archive can tell
_MADE = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*")
_MADE_AT = rb"\g<1>2025-09-23T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Return:
    """What a department reports of a time up to `until` (UTC): the form, its kind of file, and how it is written.

    `lines` are the incidents that it tells of; a form of other things has none.
    """

    department: str
    form: str
    ending: Ending
    until: datetime
    write: Callable[[], bytes] = field(repr=False)
    lines: Sequence[Line] = ()

    def body(self) -> bytes:
        """The filled form."""
        return self.write()


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a form: the sender's number, since when it is so (UTC), and the other cells by their headings."""

    key: str
    at: datetime
    cells: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Form:
    """A form of things that are no incidents.

    `key` and `told_at` are the headings of the number and of the time, `times` how times are written (in Hong Kong
    time; a workbook has cells of date and time). `told` gives the lines of the time after one moment up to another.
    `every` is the form's own pace; without it the form comes together with the others.
    """

    id: str
    department: str
    ending: Literal["csv", "xlsx"]
    key: str
    told_at: str
    told: Callable[[World, datetime, datetime], Sequence[Entry]]
    times: str = DAY_FIRST
    every: timedelta | None = None

    def returned(self, world: World, since: datetime, until: datetime) -> Iterator[Return]:
        """The return of a time; none where there is nothing to tell."""
        entries = self.told(world, since, until)
        if entries:
            yield Return(self.department, self.id, self.ending, until, lambda: self._written(entries))

    def _written(self, entries: Sequence[Entry]) -> bytes:
        rows = [{self.key: one.key, self.told_at: one.at, **one.cells} for one in entries]
        if self.ending == "xlsx":
            return as_xlsx([{name: as_cell(value) for name, value in row.items()} for row in rows], "Return")
        return as_csv({name: as_text(value, self.times) for name, value in row.items()} for row in rows)


def became_known(history: Iterable[Entry], since: datetime, until: datetime) -> list[Entry]:
    """Of each thing the last line up to `until`, where it came after `since`. `history` is in the order of time."""
    last = {entry.key: entry for entry in history if entry.at <= until}
    return sorted((entry for entry in last.values() if entry.at > since), key=lambda entry: (entry.at, entry.key))


def in_order(entries: Iterable[Entry]) -> list[Entry]:
    """By time, without lines that say of their thing what was said before."""
    before: dict[str, Mapping[str, object]] = {}
    found = []
    for entry in sorted(entries, key=lambda entry: (entry.at, entry.key)):
        if before.get(entry.key) != entry.cells:
            found.append(entry)
        before[entry.key] = entry.cells
    return found


def as_csv(rows: Iterable[Mapping[str, str]]) -> bytes:
    """With byte-order mark and CRLF."""
    listed = list(rows)
    text = io.StringIO()
    write = csv.DictWriter(text, list(listed[0]), lineterminator="\r\n")
    write.writeheader()
    write.writerows(listed)
    return UTF8_MARK + text.getvalue().encode()


def as_xlsx(rows: Sequence[Mapping[str, object]], title: str) -> bytes:
    """A workbook of one sheet, the same bytes for the same rows: it does not tell when it was made."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = title
    sheet.append(list(rows[0]))
    for row in rows:
        sheet.append(list(row.values()))
    body = io.BytesIO()
    book.save(body)
    packed = io.BytesIO()
    with zipfile.ZipFile(body) as made, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as timeless:
        for name in made.namelist():
            timeless.writestr(zipfile.ZipInfo(name, _PACKED), _MADE.sub(_MADE_AT, made.read(name)))
    return packed.getvalue()


def as_text(value: object, times: str = DAY_FIRST) -> str:
    """A cell of a CSV file: times in Hong Kong time, `Y` and `N`, empty where nothing is known."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "Y" if value else "N"
    return local(value).strftime(times) if isinstance(value, datetime) else str(value)


def as_cell(value: object) -> object:
    """A cell of a workbook: a time is one in Hong Kong time, without zone."""
    return local(value).replace(tzinfo=None, microsecond=0) if isinstance(value, datetime) else value


def east_north(lon: float, lat: float) -> tuple[str, str]:
    """HK1980 grid metres of a position (EPSG:4326 degrees), as forms write them."""
    east, north = grid.to_east_north(lon, lat)
    return f"{east:.2f}", f"{north:.2f}"


def district_name(code: object) -> str:
    """A district's English name; empty where it is not known."""
    return "" if code is None else catalogue().codes["districts"][str(code)].en


def rounded_up(at: datetime, minutes: int) -> datetime:
    """The next even time of so many minutes, or the time itself where it is one. In UTC."""
    step = timedelta(minutes=minutes)
    origin = datetime(2025, 1, 1, tzinfo=UTC)
    return origin - (origin - at) // step * step
