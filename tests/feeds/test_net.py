"""Where requests may go, and what a body may come to."""

from __future__ import annotations

import gzip
import time
import zlib

import pytest
from feed_source import Source, bomb, feed_of

from cop_ingest.feeds import net
from cop_ingest.feeds.fetch import Fetcher, FetchFailed, Known, Manners
from cop_ingest.feeds.unpack import Unpacker, Unreadable

QUICK = Manners(connect=1, silence=1, whole=2, attempts=1)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "10.1.2.3", "192.168.0.1", "169.254.169.254", "::1", "0.0.0.0", "100.64.0.1"]
)
def test_addresses_inside_the_house_are_refused(host: str) -> None:
    with pytest.raises(net.Forbidden, match="no public address"):
        net.public_address(host, 80)


def test_a_public_number_is_asked_as_it_is() -> None:
    assert net.public_address("8.8.8.8", 443) == "8.8.8.8"


def test_a_feed_whose_host_is_inside_the_house_is_not_asked(source: Source) -> None:
    fetcher = Fetcher("tests", manners=QUICK)
    source.says("secret", path="/x")
    found = fetcher.fetch(feed_of(parts={"en": {"url": f"{source.url}/x"}}), {})["en"]
    fetcher.close()
    assert isinstance(found, FetchFailed)
    assert "no public address" in found.cause
    assert source.asked == []


def test_a_mirror_may_be_inside_the_house_and_gets_host_path_and_query(source: Source) -> None:
    fetcher = Fetcher("somebody@example.org", source.url, QUICK)
    source.says("body", path="/data.example.hk/a/b.php?x=1&y=2", ETag='"a"')
    feed = feed_of(parts={"en": {"url": "https://data.example.hk/a/b.php?x=1&y=2"}})
    first = fetcher.fetch(feed, {})["en"]
    second = fetcher.fetch(feed, {"en": Known('"a"', None, "00")})["en"]
    fetcher.close()
    assert (first.status, getattr(first, "body", None)) == (200, b"body")
    assert (second.status, getattr(second, "body", b"")) == (304, None)
    assert "somebody@example.org" in source.asked[0][1]["User-Agent"]


def test_only_what_fails_at_once_is_asked_again_in_the_same_turn(source: Source) -> None:
    feed = feed_of(parts={"en": {"url": "https://a.hk/x"}})
    for soon, attempts in ((0.0, 1), (10.0, 3)):
        fetcher = Fetcher("tests", source.url, Manners(silence=0.2, whole=20, attempts=3, backoff=0.01, soon=soon))
        source.asked.clear()
        source.fails(lambda _: time.sleep(0.5), path="/a.hk/x")
        assert isinstance(fetcher.fetch(feed, {})["en"], FetchFailed)
        fetcher.close()
        assert len(source.asked) == attempts


@pytest.mark.parametrize(
    ("location", "leads"),
    [
        ("/b", "https://a.hk/b"),
        ("https://a.hk/c", "https://a.hk/c"),
        ("https://www.a.hk/", "https://www.a.hk/"),
        ("http://a.hk/", None),
        ("https://b.hk/", None),
        ("file:///etc/passwd", None),
        ("//b.hk/x", None),
        ("", None),
    ],
)
def test_redirects_stay_at_the_hosts_allowed_and_with_https(location: str, leads: str | None) -> None:
    hosts = frozenset({"a.hk", "www.a.hk"})
    if leads is None:
        with pytest.raises(net.Forbidden):
            net.next_address("https://a.hk/x", location, hosts)
    else:
        assert net.next_address("https://a.hk/x", location, hosts) == leads


def test_only_the_feed_that_says_so_takes_older_keys() -> None:
    assert "AES128-SHA" in {cipher["name"] for cipher in net.tls("seclevel1").get_ciphers()}
    assert net.tls("default").verify_mode == net.tls("seclevel1").verify_mode != 0


def test_a_bomb_is_cut_at_the_limit() -> None:
    unpacker = Unpacker("gzip", 1_000_000)
    with pytest.raises(Unreadable, match="more than the 1,000,000"):
        unpacker.take(bomb(50))
    assert len(unpacker._body) < 1_300_000


@pytest.mark.parametrize(
    ("coding", "packed"),
    [("gzip", gzip.compress(b"x" * 999)), ("deflate", zlib.compress(b"x" * 999)), ("", b"x" * 999)],
)
def test_a_body_comes_out_whole_however_it_is_cut(coding: str, packed: bytes) -> None:
    unpacker = Unpacker(coding, 1000)
    for place in range(0, len(packed), 7):
        unpacker.take(packed[place : place + 7])
    assert unpacker.whole() == b"x" * 999
