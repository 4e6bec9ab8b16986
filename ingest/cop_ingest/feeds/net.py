"""Where a feed's request may go: addresses of the public Internet only, unless a mirror was set."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit


class Forbidden(Exception):
    """An address that a feed must not be fetched from; the message says which and why."""


def mirrored(url: str, base: str) -> str:
    """The address to ask instead: `https://host/path?query` is asked as `<base>/host/path?query`."""
    parts = urlsplit(url)
    return f"{base.rstrip('/')}/{parts.netloc}{parts.path}" + (f"?{parts.query}" if parts.query else "")


def public_address(host: str, port: int) -> str:
    """One address of a host, as a number, where all that it has are of the public Internet.

    All are looked at, and the one given is the one asked: a name that answers differently the second time gains
    nothing. Raises Forbidden for a private, loopback, link-local or reserved address, OSError where the name is
    not known.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    numbers = [str(entry[4][0]) for entry in found]
    for number in numbers:
        if not ipaddress.ip_address(number.partition("%")[0]).is_global:
            raise Forbidden(f"{host} is at {number}, which is no public address; a mirror is set by COP_FEEDS_URL")
    return numbers[0]


def pinned(parts: SplitResult, number: str) -> str:
    """The address with the host's number in the place of its name."""
    host = f"[{number}]" if ":" in number else number
    return urlunsplit(parts._replace(netloc=f"{host}:{parts.port}" if parts.port else host))


def next_address(asked: str, location: str | None, hosts: frozenset[str] | None = None) -> str:
    """Where a redirect leads; Forbidden where it leaves the hosts allowed (None: any), or https for http."""
    if not location:
        raise Forbidden(f"{asked}: redirects nowhere")
    before = urlsplit(asked)
    after = urlsplit(urljoin(asked, location))
    if after.scheme not in ("http", "https") or (before.scheme == "https" and after.scheme == "http"):
        raise Forbidden(f"{asked}: redirects to {after.geturl()[:200]}; wanted https, so it is not followed")
    if hosts is not None and after.hostname not in hosts:
        raise Forbidden(f"{asked}: redirects to {after.hostname}; allowed are {', '.join(sorted(hosts))}")
    return after.geturl()


def tls(level: str) -> ssl.SSLContext:
    """The TLS settings of a feed; `seclevel1` takes the older keys and ciphers that one department still has."""
    context = ssl.create_default_context()
    if level == "seclevel1":
        context.set_ciphers("DEFAULT@SECLEVEL=1")
    return context
