"""What several formats share: times as sources write them, JSON, XML text, byte-order marks."""

from __future__ import annotations

import json
from datetime import datetime
from xml.sax.saxutils import escape

from cop_ingest.times import HKT

UTF8_MARK = b"\xef\xbb\xbf"
XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'


def local(at: datetime) -> datetime:
    """A time in Hong Kong."""
    return at.astimezone(HKT)


def iso(at: datetime) -> str:
    """`2025-09-24T03:00:00+08:00`."""
    return local(at).isoformat(timespec="seconds")


def plain(at: datetime) -> str:
    """`2025-09-24T03:00:00`: the time in Hong Kong, and no zone told."""
    return local(at).strftime("%Y-%m-%dT%H:%M:%S")


def compact(at: datetime) -> str:
    """`202509240300`."""
    return local(at).strftime("%Y%m%d%H%M")


def spaced(at: datetime) -> str:
    """`2025-09-24 03:00:00`."""
    return local(at).strftime("%Y-%m-%d %H:%M:%S")


def rfc822(at: datetime) -> str:
    """`Wed, 24 Sep 2025 03:00:00 +0800`."""
    return local(at).strftime("%a, %d %b %Y %H:%M:%S +0800")


def as_json(value: object, *, mark: bool = False) -> bytes:
    """JSON as UTF-8, members in the order given; `mark`: with a byte-order mark before it."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return UTF8_MARK + body if mark else body


def element(name: str, value: object) -> str:
    """`<name>value</name>`, or `<name/>` where there is none."""
    text = "" if value is None else escape(str(value))
    return f"<{name}>{text}</{name}>" if text else f"<{name}/>"
