"""Who stands at the other end: a proxy is believed where its network is trusted, and nobody else is.

Read are `X-Forwarded-For`, `-Proto` and `-Host`, or `Forwarded` (RFC 7239): what the proxy writes, never both, since
it passes on the other as the client sent it. Addresses are walked from the right: each was added by the one to its
right, so the rightmost that is no trusted proxy is the client.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Literal

from starlette.types import Scope

from cop.settings import Network

_Header = tuple[bytes, bytes]
_TOLD = frozenset(
    {b"forwarded", b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"x-forwarded-port",
     b"x-forwarded-prefix", b"x-forwarded-server", b"x-real-ip", b"x-request-id", b"x-script-name"}
)  # fmt: skip
_MOST_HOPS = 20


@dataclass(frozen=True, slots=True)
class Client:
    """The client's address, the scheme and host that it asked for (None: as the connection has them), its request's id.

    `strange`: a proxy that is not trusted stands between, so nobody knows whose address it is.
    """

    address: str
    scheme: str | None = None
    host: str | None = None
    request_id: str | None = None
    strange: bool = False


def client_of(scope: Scope, trusted: Sequence[Network], written: Literal["x-forwarded", "forwarded"]) -> Client:
    """The client of a request; `written` says which headers the trusted proxies write."""
    peer = str(scope["client"][0]) if scope.get("client") else ""
    told = [(name, value) for name, value in scope["headers"] if name in _TOLD]
    if not told:
        return Client(peer)
    if not is_within(peer, trusted):
        return Client(peer, strange=any(name != b"x-request-id" for name, _ in told))
    hops = _forwarded(_values(told, b"forwarded")) if written == "forwarded" else _old_form(told)
    address, scheme, host = _walked(peer, hops, trusted)
    return Client(address, scheme, host, _id(_last(told, b"x-request-id")))


def without_hearsay(scope: Scope, client: Client) -> Scope:
    """The request as the client sent it: nobody further in can read what a client may have made up."""
    if client.scheme is None and client.host is None and not any(name in _TOLD for name, _ in scope["headers"]):
        return scope
    headers = [(name, value) for name, value in scope["headers"] if name not in _TOLD]
    if client.host is not None:
        headers = [(name, value) for name, value in headers if name != b"host"]
        headers.append((b"host", client.host.encode("latin-1", "replace")))
    port = scope["client"][1] if scope.get("client") else 0
    return {**scope, "headers": headers, "scheme": client.scheme or scope["scheme"], "client": (client.address, port)}


@lru_cache(maxsize=4096)
def counted_as(address: str) -> str:
    """What a client is counted by: its address, of IPv6 the network of 64 bits that one line is given."""
    found = _parsed(address)
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return f"{IPv6Address(int(found) >> 64 << 64)}/64"
    return address


def is_within(address: str, networks: Sequence[Network]) -> bool:
    """Whether an address lies in one of the networks."""
    return bool(networks) and _lies_within(address, tuple(networks))


@lru_cache(maxsize=4096)
def _lies_within(address: str, networks: tuple[Network, ...]) -> bool:
    found = _parsed(address)
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return found is not None and any(found in network for network in networks)


def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(address)
    except ValueError:
        return None


_Hop = tuple[str | None, str | None, str | None]  # for, proto, host


def _walked(peer: str, hops: list[_Hop], trusted: Sequence[Network]) -> tuple[str, str | None, str | None]:
    """From the right: each hop was told by the one before it in the walk, which must be trusted."""
    address, scheme, host = peer, None, None
    for told, proto, named in reversed(hops[-_MOST_HOPS:]):
        scheme, host = proto or scheme, named or host
        if told is None:  # hidden, or no address: the proxy that told so is as near as we come
            break
        address = told
        if not is_within(address, trusted):
            break
    return address, scheme, host


def _values(told: list[_Header], wanted: bytes) -> str:
    return ",".join(value.decode("latin-1") for name, value in told if name == wanted)


def _last(told: list[_Header], wanted: bytes) -> str:
    return _values(told, wanted).rpartition(",")[2].strip()


def _old_form(told: list[_Header]) -> list[_Hop]:
    """Addresses of X-Forwarded-For; scheme and host are those that the nearest proxy tells."""
    proto, host = _scheme(_last(told, b"x-forwarded-proto")), _host(_last(told, b"x-forwarded-host"))
    text = _values(told, b"x-forwarded-for")
    hops: list[_Hop] = [(_node(part), None, None) for part in text.split(",")] if text else []
    if not hops:
        return [(None, proto, host)]
    return [*hops[:-1], (hops[-1][0], proto, host)]


def _forwarded(text: str) -> list[_Hop]:
    hops: list[_Hop] = []
    for element in text.split(","):
        pairs = {
            name.strip().lower(): value.strip().strip('"')
            for name, _, value in (pair.partition("=") for pair in element.split(";"))
        }
        hops.append((_node(pairs.get("for", "")), _scheme(pairs.get("proto", "")), _host(pairs.get("host", ""))))
    return hops


def _node(text: str) -> str | None:
    """An address without its port, `[2001:db8::1]:4711` or `192.0.2.1:80`; None for what is none."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    found = _parsed(text)
    return str(found) if found is not None else None


def _scheme(text: str) -> str | None:
    return text.lower() if text.lower() in ("http", "https") else None


def _host(text: str) -> str | None:
    good = 0 < len(text) <= 255 and text.isascii() and all(sign.isalnum() or sign in ".-:[]_" for sign in text)
    return text if good else None


def _id(text: str) -> str | None:
    """A request id that can stand as one: a UUID, with or without dashes (nginx's $request_id)."""
    try:
        return str(uuid.UUID(text)) if 32 <= len(text) <= 36 else None
    except ValueError:
        return None
