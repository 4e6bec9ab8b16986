"""Whatever bytes a source sends, a parser gives records and refusals that the store takes, or says NotThisFeed.

`make fuzz` runs the same properties at length.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import shapely
from feed_payloads import GOOD, as_bytes
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cop_ingest.feeds.declared import feeds
from cop_ingest.feeds.parse import parser_of
from cop_ingest.feeds.payload import NotThisFeed, Payload, Reading

LONG = os.environ.get("COP_TEST_LENGTH") == "long"
STEP = 1 if LONG else 37
RECEIVED = datetime(2026, 10, 9, 14, 0, tzinfo=UTC)
EXAMPLES = settings(max_examples=2000 if LONG else 12, deadline=None)
BODIES = {feed: {part: as_bytes(body) for part, body in parts.items()} for feed, parts in GOOD.items()}

BOMB = b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaaaaaaaa">' + b"".join(
    b'<!ENTITY %s "%s">' % (bytes([97 + n]), b"&%s;" % bytes([96 + n]) * 10) for n in range(1, 10)
)
HOSTILE: dict[str, bytes] = {
    "nothing": b"",
    "blanks": b" \r\n\t ",
    "an HTML page": b"<!DOCTYPE html><html><head><title>503</title></head><body>Service Unavailable</body></html>",
    "an HTML page without a doctype": b"\n<html lang=en><p>error</html>",
    "an entity bomb": BOMB + b"]><list>&j;</list>",
    "an external entity": b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><list><message>&x;</message></list>',
    "a far DTD": b'<!DOCTYPE list SYSTEM "http://127.0.0.1:9/x.dtd"><list/>',
    "deep XML": b"<a>" * 5000 + b"</a>" * 5000,
    "deep JSON": b"[" * 200_000,
    "a JSON text": b'"{}"',
    "a huge number": b'{"waitTime": ' + b"9" * 5000 + b"}",
    "NUL and half characters": b'{"swt": [{"desc": "\\u0000\\ud800", "updateTime": "2026-01-01"}]}',
    "a gzip header": b"\x1f\x8b\x08\x00" + bytes(200),
    "the other root": b"<other><message/></other>",
}


def checked(reading: Reading) -> Reading:
    """The reading, if the store would take it."""
    for record in reading.parsed.records:
        assert record.id
        assert record.id.encode()
        assert "\0" not in record.id
        for value in (*record.properties.values(), *record.remarks):
            for one in value if isinstance(value, list) else [value]:
                assert not isinstance(one, str) or ("\0" not in one and one.encode() is not None)
                assert not isinstance(one, datetime) or one.tzinfo is not None
                assert not isinstance(one, float) or abs(one) < 1e300
        if record.geometry is not None:
            assert not shapely.from_wkb(record.geometry).is_empty
    for refusal in reading.parsed.refusals:
        assert refusal.reason.encode() is not None
        assert refusal.raw.encode() is not None
        assert "\0" not in refusal.reason + refusal.raw
    return reading


def read(feed: str, parts: dict[str, bytes]) -> Reading | None:
    declared = feeds()[feed]
    reason = ""
    try:
        return checked(parser_of(declared)(Payload(parts, RECEIVED, declared.options)))
    except NotThisFeed as exc:
        reason = exc.reason
    assert reason.encode()
    return None


def with_one_changed(feed: str, change: object) -> Iterator[dict[str, bytes]]:
    for part, body in BODIES[feed].items():
        yield {**BODIES[feed], part: change(body)}  # type: ignore[operator]


@pytest.mark.parametrize("feed", BODIES)
def test_a_payload_cut_off_anywhere(feed: str) -> None:
    assert read(feed, BODIES[feed]) is not None
    for part, body in BODIES[feed].items():
        for length in range(0, len(body), STEP):
            read(feed, {**BODIES[feed], part: body[:length]})


@pytest.mark.parametrize("feed", BODIES)
def test_a_payload_in_another_encoding(feed: str) -> None:
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "big5hkscs", "latin-1", "utf-7", "utf-32"):
        for part, body in BODIES[feed].items():
            text = body.decode("utf-16-le" if body.startswith(b"\xff\xfe") else "utf-8").lstrip("\ufeff")
            read(feed, {**BODIES[feed], part: text.encode(encoding, "replace")})
            read(feed, {**BODIES[feed], part: body.decode("latin-1").encode(encoding, "replace")})


@pytest.mark.parametrize("feed", BODIES)
@pytest.mark.parametrize("what", HOSTILE)
def test_a_payload_that_is_no_feed(feed: str, what: str) -> None:
    for parts in with_one_changed(feed, lambda _: HOSTILE[what]):
        reading = read(feed, parts)
        # A text without any warning is calm only where the source writes calm so.
        assert reading is None or not reading.parsed.records or len(parts) > 1 or what.startswith("NUL")


@pytest.mark.parametrize("feed", BODIES)
def test_a_missing_part(feed: str) -> None:
    for part in BODIES[feed]:
        read(feed, {name: body for name, body in BODIES[feed].items() if name != part})


@pytest.mark.parametrize("feed", BODIES)
@EXAMPLES
@given(data=st.data())
def test_a_payload_with_bits_flipped(feed: str, data: st.DataObject) -> None:
    part = data.draw(st.sampled_from(sorted(BODIES[feed])))
    changed = bytearray(BODIES[feed][part])
    for _ in range(data.draw(st.integers(1, 6))):
        changed[data.draw(st.integers(0, len(changed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    read(feed, {**BODIES[feed], part: bytes(changed)})


_FIELDS = (
    "2026",
    "21:00",
    "Y",
    "22.3",
    "0",
    "Yuen Long",
    "NEW",
    "mm",
    "Rain",
    "IN-26-1",
    "Kai Tak",
    "Low",
    "35 km",
    "113.98",
    "22.1",
    "6.1",
)


@pytest.mark.parametrize("feed", BODIES)
@EXAMPLES
@given(text=st.text(max_size=40) | st.sampled_from(["1e999", "nan", "-1", "99", "null", "9" * 400, "٣", "½", "24:00"]))
@example(text="\0")
@example(text="9999999999999")
@example(text="9" * 400)
@example(text="999999999999-12-31")
def test_any_text_in_a_field(feed: str, text: str) -> None:
    for part, body in BODIES[feed].items():
        for field in _FIELDS:
            if field.encode() in body:
                read(feed, {**BODIES[feed], part: body.replace(field.encode(), text.encode("utf-8", "replace"))})


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    "feed", [feed for feed, parts in GOOD.items() if any(isinstance(b, dict | list) for b in parts.values())]
)
@EXAMPLES
@given(data=st.data())
def test_any_json_in_the_place_of_a_value(feed: str, data: st.DataObject) -> None:
    part = data.draw(st.sampled_from([p for p, b in GOOD[feed].items() if isinstance(b, dict | list)]))
    changed = replaced(GOOD[feed][part], data.draw(_JSON), data)
    read(feed, {**BODIES[feed], part: as_bytes(changed)})


def replaced(tree: object, other: object, data: st.DataObject) -> object:
    """The tree with one of its values, drawn on the way down, replaced."""
    keys = list(tree) if isinstance(tree, dict) else list(range(len(tree))) if isinstance(tree, list) else []
    if not keys or data.draw(st.integers(0, 4)) == 0:
        return other
    key = data.draw(st.sampled_from(keys))
    copy = dict(tree) if isinstance(tree, dict) else list(tree)  # type: ignore[call-overload]
    copy[key] = replaced(copy[key], other, data)
    return copy
