"""Time as HTTP asks for it (RFC 7089, Memento): Accept-Datetime beside `asof`, and what answers say of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from urllib.parse import quote, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import Message, Send

from cop.errors import Refused
from cop.journal import is_number
from cop.query.values import read_time
from cop_server.documents.links import GEOJSON

HEADER = "Accept-Datetime"
_EXAMPLE = "Tue, 23 Sep 2025 03:00:00 GMT"
_ITEM = re.compile(r"^/collections/[^/]+/items/.+$")


def with_moment(given: dict[str, str], headers: Headers) -> dict[str, str]:
    """The parameters with the header's time as `asof`. A time that is still ahead asks for the newest: the present.

    Raises Refused for what is no HTTP date, and where `asof` says another moment.
    """
    sent = headers.get(HEADER)
    if sent is None:
        return given
    wanted = _read(sent)
    if "asof" in given:
        _check_same(given["asof"], wanted)
        return given
    if wanted >= datetime.now(UTC):
        return given
    if "cursor" in given:
        raise Refused(f"cursor: it stands for the place and the moment; leave out {HEADER}", "cursor")
    return {**given, "asof": wanted.strftime("%Y-%m-%dT%H:%M:%SZ")}


def _read(sent: str) -> datetime:
    try:
        found = parsedate_to_datetime(sent)
        if sent.rstrip().endswith("GMT"):
            return found.replace(tzinfo=UTC)
    except (ValueError, TypeError, OverflowError):
        pass
    raise Refused(f"{HEADER}: {sent[:60]!r} is not a date as HTTP writes it, in GMT", HEADER, _EXAMPLE)


def _check_same(asof: str, wanted: datetime) -> None:
    if is_number(asof) or read_time(asof, "asof").replace(microsecond=0) != wanted:
        raise Refused(f"asof and {HEADER} name two moments; leave one of them out", HEADER, _EXAMPLE)


def telling(send: Send, url: str, path: str, given: Mapping[str, str], moment: datetime | None) -> Send:
    """Answers of an address that knows the past say so; those from the past say of which time they are."""

    async def told(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.add_vary_header(HEADER)
            if int(message["status"]) < 400:
                headers.append("Link", _links(url, path, given))
                if moment is not None:
                    headers["Memento-Datetime"] = format_datetime(moment.replace(microsecond=0), usegmt=True)
                    headers["Content-Location"] = _address(url, path, given)
        await send(message)

    return told


def _links(url: str, path: str, given: Mapping[str, str]) -> str:
    """The address without a time answers for any time by itself: it is original and time gate in one."""
    timeless = {name: value for name, value in given.items() if name != "asof"}
    links = [f'<{_address(url, path, timeless)}>; rel="original timegate"']
    if _ITEM.match(path):
        mode = {"mode": given["mode"]} if "mode" in given else {}
        links.append(f'<{_address(url, f"{path}/versions", mode)}>; rel="timemap"; type="{GEOJSON}"')
    return ", ".join(links)


def _address(url: str, path: str, given: Mapping[str, str]) -> str:
    address = url + quote(path, safe="/:@!$&'()*+,;=~")
    return f"{address}?{urlencode(given, safe=',:/')}" if given else address
