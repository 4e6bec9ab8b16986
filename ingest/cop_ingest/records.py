"""What every parser hands over: records of one layer, and what was refused with its reason."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

_RAW_LIMIT = 500
_NOT_SAFE = re.compile(r"[^\w.~-]+")
_APOSTROPHES = re.compile(r"['’`]")


@dataclass(frozen=True, slots=True)
class Record:
    """One feature of a layer.

    `properties` is keyed by the layer's column names; times are aware and UTC. `geometry` is two-dimensional
    WKB in EPSG:4326, x longitude and y latitude in degrees, or None where the position is unknown. `remarks`
    say what was repaired or doubted on the way in.
    """

    id: str
    properties: Mapping[str, object]
    geometry: bytes | None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """One thing that was not taken: its place in the source from 1, why, and the start of its text.

    `key` is the id of the record that it would have been, where that could be read: such a record is not absent. Else
    `stands_for` is how many records it may be.
    """

    ordinal: int
    reason: str
    raw: str
    key: str | None = None
    stands_for: int = 1


@dataclass(frozen=True, slots=True)
class Parsed:
    """Everything that one source said, taken or refused."""

    records: list[Record] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)

    @property
    def remarks(self) -> dict[str, int]:
        """Each remark with the number of records that carry it."""
        return dict(Counter(remark for record in self.records for remark in record.remarks))


def refuse(ordinal: int, reason: str, raw: object, key: str | None = None) -> Refusal:
    """A refusal whose raw text is cut to a length that a log and a table can bear, and holds no NUL."""
    text = raw if isinstance(raw, str) else repr(raw)
    return Refusal(ordinal, reason, text.replace("\0", "�")[:_RAW_LIMIT], key)


def id_from_value(value: object) -> str:
    """A feature id that is the source's own key and can stand in an address.

    Letters (of any script), digits and `. _ ~ -` stay, apostrophes go, and each run of anything else becomes
    one `-`: `Tate's Cairn` is `Tates-Cairn`. Empty where nothing is left.
    """
    text = unicodedata.normalize("NFC", str(value)).strip()
    return _NOT_SAFE.sub("-", _APOSTROPHES.sub("", text)).strip("-")


def id_from_hash(parts: Iterable[object]) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of the parts' canonical texts, in the order given.

    Texts are NFC and stripped, bytes are hexadecimal, None is empty; U+001F stands between parts.
    """
    return hashlib.sha256("\x1f".join(map(_canonical, parts)).encode()).hexdigest()[:16]


def _canonical(part: object) -> str:
    if part is None:
        return ""
    if isinstance(part, bytes):
        return part.hex()
    return unicodedata.normalize("NFC", str(part)).strip()


def without_repeats(numbered: Iterable[tuple[int, Record]]) -> Parsed:
    """Keep one record an id: the same again is refused, another thing under the same id gets a suffix.

    The suffix is `-` and eight hexadecimal digits of the record's whole content, so it does not depend on
    where in the file the record stands; the first of them keeps the plain id.
    """
    parsed = Parsed()
    first: dict[str, tuple[int, str]] = {}
    for ordinal, record in numbered:
        content = _content(record)
        before = first.get(record.id)
        if before is not None and before[1] != content:
            remark = f"the key {record.id} is used for another feature too, first as number {before[0]}"
            suffixed = f"{record.id}-{content[:8]}"
            record = Record(suffixed, record.properties, record.geometry, (*record.remarks, remark))
            before = first.get(suffixed)
        if before is not None:
            parsed.refusals.append(refuse(ordinal, f"repeats number {before[0]}", dict(record.properties)))
            continue
        first[record.id] = (ordinal, content)
        parsed.records.append(record)
    return parsed


def _content(record: Record) -> str:
    pairs = sorted((name, str(value)) for name, value in record.properties.items())
    return id_from_hash([record.geometry, *(text for pair in pairs for text in pair)])
