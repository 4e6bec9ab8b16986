"""The index of names: made from the layers whose files say `places`, looked up by the words of a text."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import shapely
from psycopg import sql
from shapely.geometry.base import BaseGeometry

from cop.catalogue import Layer, catalogue
from cop.catalogue.gazetteer import PlaceKind, Places
from cop.store.statements import statements
from cop_ingest.gazetteer.names import characters, is_chinese, key_of, words

_SQL = Path(__file__).parent.parent / "sql" / "gazetteer.sql"
_SHORTEST_CHINESE = 2
_LETTERS_THEN_DIGITS = re.compile(r"(?<=[A-Za-z])(?=\d)")


@dataclass(frozen=True, slots=True)
class Entry:
    """One named thing: its shape in EPSG:2326 (easting, northing, metres), and how far off a name may be (metres).

    `measure_m` is a post's chainage; `after` are the comparable words behind which alone a number means this.
    """

    layer: str
    feature: str
    kind: PlaceKind
    name: str
    shape: BaseGeometry = field(compare=False)
    within_m: float
    number: str | None = None
    district: str | None = None
    chainage: bool = False
    measure_m: float | None = None
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """A name in a text: its comparable form, what it may be, and the text before and behind it."""

    form: str
    entries: tuple[Entry, ...]
    before: str
    after: str


@dataclass(slots=True)
class Index:
    """Entries by the comparable form of each of their names."""

    by_words: dict[tuple[str, ...], list[Entry]] = field(default_factory=lambda: defaultdict(list))
    by_characters: dict[str, list[Entry]] = field(default_factory=lambda: defaultdict(list))
    districts: dict[str, Entry] = field(default_factory=dict)
    posts: dict[str, list[Entry]] = field(default_factory=lambda: defaultdict(list))
    addresses: dict[tuple[str, str], list[Entry]] = field(default_factory=lambda: defaultdict(list))
    most_words: int = 1
    most_characters: int = 1

    def add(self, entry: Entry, name: str) -> None:
        """Take an entry in under one of its names."""
        if entry.kind == "district":
            if entry.district:
                self.districts[entry.district] = entry
        elif entry.kind == "post":
            self.posts[key_of(name)].append(entry)
        elif entry.number is not None:
            self.addresses[key_of(name), entry.number.casefold()].append(entry)
        elif is_chinese(name):
            self._add_characters(characters(name), entry)
        else:
            # A number is also written with a blank between letters and digits.
            apart = words(_LETTERS_THEN_DIGITS.sub(" ", name)) if entry.kind == "number" else ()
            for form in filter(None, {words(name), apart}):
                self.by_words[form].append(entry)
                self.most_words = max(self.most_words, len(form))

    def _add_characters(self, form: str, entry: Entry) -> None:
        if len(form) >= _SHORTEST_CHINESE:
            self.by_characters[form].append(entry)
            self.most_characters = max(self.most_characters, len(form))

    def names_in(self, text: str) -> Iterator[Found]:
        """The names that a text holds, the longest at each place, from left to right."""
        yield from self._words_in(words(text))
        yield from self._characters_in(characters(text))

    def _words_in(self, text: tuple[str, ...]) -> Iterator[Found]:
        place = 0
        while place < len(text):
            for length in range(min(self.most_words, len(text) - place), 0, -1):
                if entries := self.by_words.get(text[place : place + length]):
                    yield Found(
                        " ".join(text[place : place + length]),
                        tuple(entries),
                        " ".join(text[:place]),
                        " ".join(text[place + length :]),
                    )
                    place += length
                    break
            else:
                place += 1

    def _characters_in(self, text: str) -> Iterator[Found]:
        place = 0
        while place < len(text):
            for length in range(min(self.most_characters, len(text) - place), _SHORTEST_CHINESE - 1, -1):
                if entries := self.by_characters.get(text[place : place + length]):
                    yield Found(text[place : place + length], tuple(entries), text[:place], text[place + length :])
                    place += length
                    break
            else:
                place += 1


def sources() -> list[Layer]:
    """The layers that the gazetteer is made of."""
    return [layer for layer in catalogue().feature_layers if layer.places is not None]


def read_version(connection: psycopg.Connection) -> int:
    """A number that changes with the layers that the gazetteer is made of."""
    row = connection.execute(statements(_SQL)["versions"], {"layers": [layer.id for layer in sources()]}).fetchone()
    return int(row[0]) if row else 0


def read_index(connection: psycopg.Connection) -> Index:
    """The index of everything that the store's layers name; needs the right to read their tables."""
    index = Index()
    for layer in sources():
        assert layer.places is not None
        entries = list(_entries(connection, layer, layer.places))
        for entry, told in _roads(entries) if layer.places.kind == "road" else entries:
            for name in told:
                for form in layer.places.forms:
                    index.add(entry, form.format(name))
    return index


def _entries(connection: psycopg.Connection, layer: Layer, places: Places) -> Iterator[tuple[Entry, list[str]]]:
    def named(name: str | None) -> sql.Composable:
        return sql.Identifier(name) if name else sql.NULL

    query = sql.SQL(statements(_SQL)["entries"]).format(
        names=sql.SQL(", ").join(map(sql.Identifier, places.names)),
        number=named(places.number or places.measure), district=named(places.district),
        table=sql.Identifier("layer", layer.id),
    )  # fmt: skip
    after = tuple(" ".join(words(word)) for word in places.after)
    for feature, names, number, district, shape in connection.execute(query):
        told = [name for name in names if name]
        measure = float(number) if places.measure and number is not None else None
        yield Entry(
            layer.id, feature, places.kind, told[0], shapely.from_wkb(shape), places.within_m,
            number if places.number else None, district, places.chainage, measure, after,
        ), told  # fmt: skip


def _roads(entries: Iterable[tuple[Entry, list[str]]]) -> Iterator[tuple[Entry, list[str]]]:
    """One entry a road: all lines of one name together, joined where they touch."""
    together: dict[tuple[str, ...], list[Entry]] = defaultdict(list)
    for entry, names in entries:
        together[tuple(names)].append(entry)
    for told, parts in together.items():
        first, union = parts[0], shapely.union_all([part.shape for part in parts])
        shape = shapely.line_merge(union) if union.geom_type == "MultiLineString" else union
        yield Entry(
            first.layer, first.feature, "road", first.name, shape, first.within_m, chainage=first.chainage
        ), list(told)  # fmt: skip
