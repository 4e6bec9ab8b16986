"""Who stands at the other end: proxies that are trusted are believed, and nobody else is."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest

from cop.limits import Limits, per_window
from cop.settings import Settings
from cop_server.border.client import client_of, counted_as, without_hearsay
from cop_server.border.rates import bucket_of, largest_body
from cop_server.border.sizes import MOST_PARAMETERS, fault_of
from cop_server.border.windows import Rate, Windows

TRUSTED = [ip_network("10.0.0.0/8"), ip_network("2001:db8:ff::/48")]


def scope(peer: str | None, **headers: str) -> dict[str, Any]:
    sent = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"client": (peer, 4711) if peer else None, "headers": [(b"host", b"cop"), *sent], "scheme": "http"}


@pytest.mark.parametrize(
    ("peer", "told", "expected"),
    [
        ("198.51.100.7", None, "198.51.100.7"),
        # Not trusted: what it says counts for nothing.
        ("198.51.100.7", "203.0.113.1", "198.51.100.7"),
        ("10.0.0.1", "203.0.113.1", "203.0.113.1"),
        # The client made up the left one; the proxy added the right one.
        ("10.0.0.1", "127.0.0.1, 203.0.113.1", "203.0.113.1"),
        ("10.0.0.1", "10.9.9.9, 203.0.113.1, 10.0.0.2", "203.0.113.1"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "unknown, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "no address", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.1:5000", "203.0.113.1"),
        ("2001:db8:ff::1", "[2001:db8:1::2]:443", "2001:db8:1::2"),
        ("::ffff:10.0.0.1", "203.0.113.1", "203.0.113.1"),
        (None, "203.0.113.1", ""),
    ],
)
def test_the_rightmost_that_is_not_trusted_is_the_client(peer: str | None, told: str | None, expected: str) -> None:
    headers = {} if told is None else {"x_forwarded_for": told}
    assert client_of(scope(peer, **headers), TRUSTED, "x-forwarded").address == expected


def test_forwarded_is_read_where_the_proxy_writes_it_and_not_otherwise() -> None:
    sent = {"forwarded": 'for="[2001:db8::7]:80";proto=https;host=cop.example, for=10.0.0.2',
            "x_forwarded_for": "192.0.2.9"}  # fmt: skip
    found = client_of(scope("10.0.0.1", **sent), TRUSTED, "forwarded")
    assert (found.address, found.scheme, found.host) == ("2001:db8::7", "https", "cop.example")
    # A proxy that writes the old headers passes on whatever Forwarded the client made up.
    found = client_of(scope("10.0.0.1", **sent), TRUSTED, "x-forwarded")
    assert (found.address, found.scheme, found.host) == ("192.0.2.9", None, None)


def test_scheme_host_and_id_come_from_trusted_proxies_only_and_headers_go_no_further() -> None:
    sent = {"x_forwarded_for": "203.0.113.1", "x_forwarded_proto": "https", "x_forwarded_host": "cop.example",
            "x_request_id": "0123456789abcdef0123456789abcdef", "accept": "a"}  # fmt: skip
    known = client_of(scope("10.0.0.1", **sent), TRUSTED, "x-forwarded")
    assert (known.scheme, known.host) == ("https", "cop.example")
    assert known.request_id == "01234567-89ab-cdef-0123-456789abcdef"
    inner = without_hearsay(scope("10.0.0.1", **sent), known)
    assert inner["headers"] == [(b"accept", b"a"), (b"host", b"cop.example")]
    assert (inner["scheme"], inner["client"][0]) == ("https", "203.0.113.1")

    spoofed = client_of(scope("198.51.100.7", **sent), TRUSTED, "x-forwarded")
    assert (spoofed.scheme, spoofed.host, spoofed.request_id, spoofed.strange) == (None, None, None, True)
    inner = without_hearsay(scope("198.51.100.7", **sent), spoofed)
    assert inner["headers"] == [(b"host", b"cop"), (b"accept", b"a")]


@pytest.mark.parametrize("bad", ["evil.example/x", "a b", "", "x" * 300, "é"])
def test_a_host_or_id_that_could_break_something_is_left_out(bad: str) -> None:
    sent = {"x_forwarded_for": "203.0.113.1", "x_forwarded_host": bad, "x_request_id": bad}
    known = client_of(scope("10.0.0.1", **sent), TRUSTED, "x-forwarded")
    assert known.host is None
    assert known.request_id is None


def test_one_line_of_ipv6_counts_as_one_client() -> None:
    assert counted_as("2001:db8:1:2:3:4:5:6") == counted_as("2001:db8:1:2::1") == "2001:db8:1:2::/64"
    assert counted_as("2001:db8:1:3::1") != counted_as("2001:db8:1:2::1")
    assert counted_as("::ffff:192.0.2.1") == counted_as("192.0.2.1") == "192.0.2.1"


@pytest.mark.parametrize(
    ("method", "path", "bucket"),
    [
        ("GET", "/collections/incidents/items", "reads"),
        ("POST", "/collections/incidents/items", "writes"),
        ("DELETE", "/session", "writes"),
        ("POST", "/processes/summary/execution", "reads"),
        ("GET", "/collections/incidents/tiles/WebMercatorQuad/1/0/0", "tiles"),
        ("GET", "/tiles/WebMercatorQuad/1/0/0", "tiles"),
        ("GET", "/basemaps/service", "tiles"),
        ("GET", "/events", "exports"),
        ("GET", "/collections/incidents/changes", "exports"),
        ("GET", "/collections/tiles/items", "reads"),
    ],
)
def test_what_a_request_counts_as(method: str, path: str, bucket: str) -> None:
    assert bucket_of(method, path) == bucket


def test_a_deployment_names_only_what_it_changes() -> None:
    limits = Limits.model_validate({"public": {"reads": "5/second"}})
    assert limits.public.reads == "5/second"
    assert limits.public.tiles == Limits.model_validate({}).public.tiles
    assert per_window("5/second") == (5, 1)
    for wrong in ({"public": {"reads": "5"}}, {"public": {"other": 1}}, {"nobody": {"reads": "5/second"}}):
        with pytest.raises(ValueError, match=r"reads|other|nobody"):
            Limits.model_validate(wrong)
    settings = Settings(body_mb=2)
    assert largest_body(settings, "public") < largest_body(settings, "departments") == 2_000_000


def test_an_address_is_bounded() -> None:
    plain = {"raw_path": b"/items", "query_string": b"a=1"}
    assert fault_of(plain, 100) is None
    assert fault_of(plain | {"query_string": b"a" * 100}, 100).status == 414  # type: ignore[union-attr]
    many = b"&".join(b"a=1" for _ in range(MOST_PARAMETERS + 1))
    assert fault_of(plain | {"query_string": many}, 10_000).status == 414  # type: ignore[union-attr]


class Clock:
    """A time that stands until it is set."""

    def __init__(self) -> None:
        self.now = 600.0

    def __call__(self) -> float:
        return self.now


def test_a_window_slides_and_tells_when_one_more_is_allowed() -> None:
    clock = Clock()
    windows, rate = Windows(clock=clock), Rate("reads", 10, 60)
    assert [windows.hit(rate, "a").allowed for _ in range(12)] == [True] * 10 + [False] * 2
    refused = windows.hit(rate, "a")
    assert (refused.left, refused.allowed) == (0, False)
    assert windows.hit(rate, "b").left == 9, "a neighbour is counted by itself"
    clock.now += refused.wait - 1.01
    assert not windows.hit(rate, "a").allowed
    clock.now += 1.01
    assert windows.hit(rate, "a").allowed, "it was told when to come again"
    assert not windows.hit(rate, "a").allowed
    clock.now += 600
    assert windows.hit(rate, "a", cost=0).left == 10, "to ask costs nothing"
    assert windows.hit(rate, "a").left == 9


def test_no_burst_at_the_edge_of_a_window_is_twice_the_rate() -> None:
    clock = Clock()
    windows, rate = Windows(clock=clock), Rate("reads", 100, 60)
    clock.now = 659.0
    first = sum(windows.hit(rate, "a").allowed for _ in range(150))
    clock.now = 661.0
    assert first + sum(windows.hit(rate, "a").allowed for _ in range(150)) <= 103


def test_the_memory_of_clients_is_bounded() -> None:
    windows, rate = Windows(most=100), Rate("reads", 2, 3600)
    for number in range(1000):
        windows.hit(rate, str(number))
    assert len(windows._kept) == 100
    assert windows.hit(rate, "999").left == 0
