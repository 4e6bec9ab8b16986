"""HKO's texts: details of warnings in force (warningInfo) and special weather tips (swt). SOURCES 3.2.

A statement is keyed by its warning's code and changes with it; a tip by its time. What is over is not there. Times go
back when the newest text ends, so that none of them tells when the answer was made.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cop_ingest.feeds.parse.common import (
    collect,
    compact,
    json_part,
    line_of,
    list_of,
    newest,
    object_of,
    text_of,
    wanted_text,
    wanted_time,
)
from cop_ingest.feeds.payload import NotThisFeed, Payload, Reading
from cop_ingest.incidents import shortened
from cop_ingest.records import Record, id_from_value
from cop_ingest.texts import tidy

_Pair = tuple[str, Any, Any]


def parse_details(payload: Payload) -> Reading:
    """The details of each warning in force, from the parts `en` and `tc`; Record.id is the warning's code.

    A second statement of the same code is `<code>-2`. Raises NotThisFeed.
    """
    return _both(payload, "details", _code_of, _detail)


def parse_tips(payload: Payload) -> Reading:
    """The special weather tips, from the parts `en` and `tc`; Record.id is `SWT-<time>`, then `SWT-<time>-2`.

    Raises NotThisFeed.
    """
    return _both(payload, "swt", _tip_of, _tip)


def _both(payload: Payload, member: str, key: Callable[[Any], str], read: Callable[[_Pair], Record]) -> Reading:
    english = _keyed(_listed(payload, "en", member), key)
    chinese = _keyed(_listed(payload, "tc", member), key) if "tc" in payload.parts else {}
    pairs = [(name, english.get(name), chinese.get(name)) for name in {**english, **chinese}]
    parsed = collect(enumerate(pairs, 1), read, key_of=lambda pair: pair[0] or None)
    return Reading(parsed, newest(parsed, "issued_at"), None)


def _listed(payload: Payload, part: str, member: str) -> list[Any]:
    found = json_part(payload, part)
    if not isinstance(found, dict) or (found and member not in found):
        raise NotThisFeed(f"{part}: has no member {member}; wanted {{}} or an object with it")
    try:
        return list_of(found.get(member), member)
    except ValueError as exc:
        raise NotThisFeed(f"{part}: {exc}") from exc


def _keyed(entries: list[Any], key: Callable[[Any], str]) -> dict[str, Any]:
    keyed: dict[str, Any] = {}
    for entry in entries:
        plain, name, count = key(entry), key(entry), 1
        while name in keyed:
            count += 1
            name = f"{plain}-{count}"
        keyed[name] = entry
    return keyed


def _code_of(entry: Any) -> str:
    try:
        return id_from_value(line_of(entry.get("warningStatementCode")) or "") if isinstance(entry, dict) else ""
    except ValueError:
        return ""


def _tip_of(entry: Any) -> str:
    try:
        return f"SWT-{compact(wanted_time(object_of(entry, 'tip').get('updateTime'), 'updateTime'))}"
    except ValueError:
        return ""


def _detail(pair: _Pair) -> Record:
    told = object_of(pair[1] if pair[1] is not None else pair[2], "details")
    code = wanted_text(told.get("warningStatementCode"), "warningStatementCode")
    texts = [_contents(entry) for entry in pair[1:]]
    subtype = line_of(told.get("subtype"))
    return _statement(pair[0], "detail", code, subtype, texts, told)


def _contents(entry: Any) -> str | None:
    if entry is None:
        return None
    parts = [text_of(part) for part in list_of(object_of(entry, "details").get("contents"), "contents")]
    return "\n".join(part for part in parts if part) or None


def _tip(pair: _Pair) -> Record:
    told = object_of(pair[1] if pair[1] is not None else pair[2], "swt")
    texts = [None if entry is None else text_of(object_of(entry, "swt").get("desc")) for entry in pair[1:]]
    return _statement(pair[0], "tip", "SWT", None, texts, told)


def _statement(
    ref: str, kind: str, code: str, subtype: str | None, texts: list[str | None], told: dict[str, Any]
) -> Record:
    if not any(texts):
        raise ValueError("there is no text in either language")
    titles = [shortened(tidy(text.split("\n")[0]) or "") or None if text else None for text in texts]
    properties: dict[str, object] = {
        "kind": kind,
        "code": code,
        "subtype": subtype,
        "title_en": titles[0],
        "title_zh": titles[1],
        "text_en": texts[0],
        "text_zh": texts[1],
        "issued_at": wanted_time(told.get("updateTime"), "updateTime"),
        "ended_at": None,
        "department": "HKO",
        "source_ref": ref,
    }
    return Record(ref, properties, None)
