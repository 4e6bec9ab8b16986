"""Where webhooks may go: an address is read strictly, and what its name stands for is checked at each connection.

The connection is then made to the address that was checked, so that a name server cannot give another one in between.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from cop.errors import Fault, Invalid
from cop.settings import Settings, get_settings

LONGEST = 2000
Resolver = Callable[[str, int], Awaitable[list[str]]]
_LOOKUPS_OF_AN_OWNER = 2
_EXAMPLE = "https://hooks.example.org/cop"
_PORTS = {"https": 443, "http": 80}
# Networks within which an IPv4 address is written as an IPv6 one: NAT64 (RFC 6052).
_NAT64 = IPv6Network("64:ff9b::/96")


class NotAllowed(Exception):
    """The target's name stands for no address that may be reached."""


@dataclass(frozen=True, slots=True)
class Target:
    """An address in its parts; `host` as it stands in Host and in the certificate."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def host_header(self) -> str:
        """What the header Host says."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == _PORTS[self.scheme] else f"{name}:{self.port}"

    def at(self, address: str) -> str:
        """The URL with the checked address in the place of the name."""
        literal = f"[{address}]" if ":" in address else address
        return f"{self.scheme}://{literal}:{self.port}{self.path}"


def read_target(text: object, settings: Settings | None = None) -> Target:
    """A target's address. Raises Invalid that says what is wrong with it."""
    settings = settings or get_settings()
    if not isinstance(text, str) or not text.isascii() or not text.isprintable() or " " in text:
        raise _fault(text, "wanted an https address in ASCII")
    if len(text) > LONGEST:
        raise _fault(text[:60], f"it is longer than {LONGEST} characters")
    try:
        parts = urlsplit(text)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        raise _fault(text, "it cannot be read as an address") from None
    if parts.username is not None or parts.password is not None:
        raise _fault(None, "no user or password in an address: what is sent is signed")
    if parts.fragment or not host or any(sign in host for sign in "%\\/"):
        raise _fault(text, "wanted a host and no fragment")
    if parts.scheme == "http" and host not in settings.webhook_http_hosts:
        raise _fault(text, "wanted https; http is for the hosts that COP_WEBHOOK_HTTP_HOSTS names")
    if parts.scheme not in _PORTS:
        raise _fault(text, "wanted https")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port or _PORTS[parts.scheme], path)


def _fault(value: object, reason: str) -> Invalid:
    return Invalid([Fault("/target", value, reason, _EXAMPLE)])


@cache
def _threads_of(owner: str | None) -> ThreadPoolExecutor:
    """A department's own threads: a name server that does not answer holds up nobody but its deliveries. An abandoned
    lookup keeps its thread until the machine gives it up, so counting those under way would not do.
    """
    return ThreadPoolExecutor(_LOOKUPS_OF_AN_OWNER, thread_name_prefix=f"resolve-{owner}")


def resolver_of(owner: str | None) -> Resolver:
    """A resolver for the targets of a department (None: of nobody)."""
    return partial(resolve, owner=owner)


async def resolve(host: str, port: int, owner: str | None = None) -> list[str]:
    """The addresses of a name, as the machine's resolver gives them; also of odd ways to write a number.

    Waits as long as it takes for a free thread of the owner, which is no failure of the target; then raises
    TimeoutError after the time of one delivery.
    """
    loop, begun = asyncio.get_running_loop(), asyncio.Event()

    def look_up() -> list[str]:
        loop.call_soon_threadsafe(begun.set)
        return [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]

    found = loop.run_in_executor(_threads_of(owner), look_up)
    try:
        await begun.wait()
        async with asyncio.timeout(get_settings().delivery_timeout_s):
            return await found
    finally:
        found.cancel()


async def checked_address(target: Target, resolver: Resolver = resolve) -> str:
    """An address to connect to.

    Raises NotAllowed where any that the name stands for may not be reached: a name for both sorts is a trick.
    """
    try:
        found = await resolver(target.host, target.port)
    except TimeoutError:
        raise
    except (OSError, UnicodeError):
        found = []
    if not found:
        raise NotAllowed("the name of its host is not known")
    if not all(is_allowed(address, get_settings()) for address in found):
        raise NotAllowed("the address of its host is not a public one")
    return found[0]


def is_allowed(text: str, settings: Settings) -> bool:
    """Whether an IP address may be connected to: a public one, or in a network that the settings name."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return False
    within = _within(address)
    allowed = [ip_network(name) for name in settings.webhook_allow]
    # Each of them: an address that carries another one leads to either.
    named = [any(one.version == network.version and one in network for network in allowed) for one in within]
    if "%" in text:
        return all(named)
    return all(is_named or _is_public(one) for one, is_named in zip(within, named, strict=True))


def _within(address: IPv4Address | IPv6Address) -> list[IPv4Address | IPv6Address]:
    """The address, and the IPv4 addresses that it carries in itself."""
    found: list[IPv4Address | IPv6Address] = [address]
    if isinstance(address, IPv6Address):
        carried = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
        if address in _NAT64:
            carried.append(IPv4Address(int(address) & 0xFFFFFFFF))
        if address.ipv4_mapped is not None or address in _NAT64:
            found = []  # only another way to write the other
        found += [one for one in carried if one is not None]
    return found


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    """Not private, loopback, link-local, shared (CGNAT), multicast, reserved, documentation or unspecified."""
    special = address.is_multicast or address.is_reserved or address.is_unspecified
    local = isinstance(address, IPv6Address) and address.is_site_local
    return address.is_global and not special and not local
