"""Where webhooks may go: what an address may say, what its name may stand for, and that nothing changes in between."""

from __future__ import annotations

import asyncio
import base64
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from receivers import Receiver
from servers import ROOT

from cop.errors import Invalid
from cop.settings import Settings, get_settings
from cop_server.delivery import webhook as webhooks
from cop_server.delivery.course import wait_after
from cop_server.delivery.target import NotAllowed, checked_address, is_allowed, read_target, resolver_of
from cop_server.delivery.webhook import (
    Webhook,
    ask_permission,
    new_secret,
    outcome_of,
    retry_after,
    signature,
    told_secret,
)

PLAIN = Settings()


@pytest.fixture(autouse=True)
def _settings() -> Iterator[None]:
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


@pytest.mark.parametrize("address", [
    "127.0.0.1", "127.8.9.1", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "::", "::1", "fe80::1",
    "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1", "fec0::1", "2001:db8::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
    "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::", "2002:a00:1::1", "not an address",
])  # fmt: skip
def test_addresses_that_are_not_public_are_refused(address: str) -> None:
    assert not is_allowed(address, PLAIN)


@pytest.mark.parametrize("address", ["8.8.8.8", "203.119.87.1", "2400:cb00::1", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses_are_allowed(address: str) -> None:
    assert is_allowed(address, PLAIN)


def test_named_networks_are_allowed_and_no_others() -> None:
    inside = Settings(webhook_allow=["10.1.0.0/16", "fd12::/32"])
    assert is_allowed("10.1.2.3", inside)
    assert is_allowed("::ffff:10.1.2.3", inside)
    assert is_allowed("fd12::5", inside)
    assert not is_allowed("10.2.0.1", inside)
    # Teredo by a named server to a client that is not named (written inverted), and 6to4 to one that is not.
    assert not is_allowed("2001:0:a01:203:0:0:5601:5601", inside), "169.254.169.254"
    assert not is_allowed("2002:a02:203::1", Settings(webhook_allow=["10.1.0.0/16", "2002::/16"]))
    with pytest.raises(ValueError, match=r"10\.1\.2\.3\.4"):
        Settings(webhook_allow=["10.1.2.3.4"])


@pytest.mark.parametrize(("text", "reason"), [
    ("http://hooks.example.org/", "https"), ("ftp://hooks.example.org/", "https"), ("https://", "host"),
    ("https://me:secret@hooks.example.org/", "password"), ("https://me@hooks.example.org/", "password"),
    ("https://hooks.example.org/#there", "fragment"), ("https://hooks.example.org:99999/", "read"),
    ("https://hooks example.org/", "ASCII"), ("https://[::1", "read"), (5, "ASCII"), (None, "ASCII"),
    ("https://hooks.example.org/" + "x" * 2000, "longer"), ("https://hooks.example.org/\n", "ASCII"),
])  # fmt: skip
def test_addresses_that_say_what_they_may_not(text: object, reason: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_target(text, PLAIN)
    assert reason in refused.value.faults[0].reason
    assert "secret" not in str(refused.value.faults)


def test_http_is_for_named_hosts() -> None:
    assert read_target("http://a.intern:8080/x?y=1", Settings(webhook_http_hosts=["a.intern"])).at("10.0.0.1") == (
        "http://10.0.0.1:8080/x?y=1"
    )


def answering(*answers: list[str]) -> Callable[[str, int], object]:
    """A name server that answers otherwise each time."""
    rest = iter(answers)

    async def resolver(host: str, port: int) -> list[str]:
        return next(rest)

    return resolver


def test_a_name_for_public_and_private_addresses_is_refused() -> None:
    target = read_target("https://hooks.example.org/", PLAIN)
    for found in (["8.8.8.8", "127.0.0.1"], ["::ffff:10.0.0.1"], []):
        with pytest.raises(NotAllowed):
            asyncio.run(checked_address(target, answering(found)))  # type: ignore[arg-type]
    assert asyncio.run(checked_address(target, answering(["8.8.8.8"]))) == "8.8.8.8"  # type: ignore[arg-type]
    with pytest.raises(NotAllowed):  # numbers that the resolver reads as loopback
        asyncio.run(checked_address(read_target("https://2130706433/", PLAIN)))


def test_a_name_that_turns_private_is_not_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second answer of the name server points to a real server on loopback: nothing reaches it."""
    inside = Receiver()
    port = inside.url.split(":")[2].split("/")[0]
    monkeypatch.setenv("COP_WEBHOOK_HTTP_HOSTS", '["rebind.example"]')
    get_settings.cache_clear()
    with pytest.raises(Invalid) as refused:
        asyncio.run(ask_permission(f"http://rebind.example:{port}/", answering(["127.0.0.1"])))  # type: ignore[arg-type]
    assert "not a public one" in refused.value.faults[0].reason
    assert "127.0.0.1" not in refused.value.faults[0].reason, "what a name stands for inside is not told"
    # Asked once more between check and call, the name server would lead inside; it is not asked again.
    monkeypatch.setenv("COP_WEBHOOK_ALLOW", '["127.0.0.2/32"]')
    get_settings.cache_clear()
    asked = answering(["127.0.0.2"], ["127.0.0.1"])

    async def call() -> None:
        await Webhook(asked).request("POST", read_target(f"http://rebind.example:{port}/"), {}, b"[]")  # type: ignore[arg-type]

    with pytest.raises(httpx.ConnectError):  # nobody listens on 127.0.0.2: that one was called, and no other
        asyncio.run(call())
    assert inside.came == []
    inside.stop()


def test_a_department_with_dead_name_servers_holds_up_itself_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = threading.Event()  # the name server that does not answer: a thread waits, as it would for the machine's
    monkeypatch.setenv("COP_DELIVERY_TIMEOUT_S", "0.5")
    get_settings.cache_clear()
    real = socket.getaddrinfo

    def look_up(host: str, port: int, **more: Any) -> Any:
        if host.endswith(".dead.example"):
            answers.wait(20)
        return real("127.0.0.1", port, **more)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)

    async def course() -> None:
        dead = [asyncio.create_task(resolver_of("FSD")(f"h{n}.dead.example", 443)) for n in range(10)]
        queued = asyncio.create_task(resolver_of("FSD")("lives.example", 443))
        done, _ = await asyncio.wait(dead, timeout=5, return_when=asyncio.FIRST_COMPLETED)
        assert all(isinstance(one.exception(), TimeoutError) for one in done), "a lookup has its time"
        async with asyncio.timeout(5):
            assert await resolver_of("DSD")("lives.example", 443) == ["127.0.0.1"], "others are not held up"
        await asyncio.sleep(0.6)
        assert not queued.done(), "waiting for one's own is no failure"
        answers.set()
        assert await queued == ["127.0.0.1"]
        await asyncio.wait(dead)

    try:
        asyncio.run(course())
    finally:
        answers.set()


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    """A certificate for hooks.example.org and its key, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hooks.example.org")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("hooks.example.org")]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    file = tmp_path / "authority.pem"
    file.write_bytes(made.public_bytes(pem) + key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    return file


def test_the_name_stays_in_host_and_certificate(authority: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hosts: list[tuple[str, str | None]] = []
    named: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            hosts.append((self.headers["Host"], named[-1]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority)
    context.sni_callback = lambda _, name, __: named.append(name)  # type: ignore[assignment]
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    monkeypatch.setenv("COP_WEBHOOK_ALLOW", '["127.0.0.0/8"]')
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    get_settings.cache_clear()
    webhooks._trust.cache_clear()

    async def call(host: str) -> int:
        target = read_target(f"https://{host}:{server.server_address[1]}/hook")
        one = Webhook(answering(["127.0.0.1"]))  # type: ignore[arg-type]
        try:
            return (await one.request("POST", target, {}, b"[]"))[0]
        finally:
            await one.close()

    try:
        assert asyncio.run(call("hooks.example.org")) == 204
        assert hosts == [(f"hooks.example.org:{server.server_address[1]}", "hooks.example.org")]
        with pytest.raises(httpx.ConnectError, match=r"(?i)certificate"):
            asyncio.run(call("other.example.org"))
    finally:
        server.shutdown()
        server.server_close()
        webhooks._trust.cache_clear()


def test_a_long_answer_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = 0

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            nonlocal sent
            self.send_response(200)
            self.end_headers()
            try:
                while sent < 50_000_000:
                    sent += self.wfile.write(b"x" * 10_000)
            except OSError:
                return

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    monkeypatch.setenv("COP_WEBHOOK_ALLOW", '["127.0.0.0/8"]')
    monkeypatch.setenv("COP_WEBHOOK_HTTP_HOSTS", '["127.0.0.1"]')
    get_settings.cache_clear()

    async def call() -> int:
        one = Webhook()
        status, _ = await one.request("POST", read_target(f"http://127.0.0.1:{server.server_address[1]}/"), {}, b"[]")
        await one.close()
        return status

    try:
        assert asyncio.run(call()) == 200
        assert sent < 50_000_000
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(("status", "kind"), [
    (200, "delivered"), (202, "delivered"), (204, "delivered"), (301, "trouble"), (307, "trouble"), (400, "refused"),
    (401, "trouble"), (404, "trouble"), (408, "trouble"), (410, "gone"), (413, "refused"), (415, "refused"),
    (422, "refused"), (429, "trouble"), (500, "trouble"), (503, "trouble"),
])  # fmt: skip
def test_what_an_answer_means(status: int, kind: str) -> None:
    assert outcome_of(status, {}).kind == kind


def test_retry_after_is_a_number_or_a_date() -> None:
    assert retry_after({"retry-after": "120"}) == 120
    assert retry_after({"retry-after": "999999"}) == 3600
    later = (datetime.now(UTC) + timedelta(seconds=60)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    assert 50 < (retry_after({"retry-after": later}) or 0) <= 60
    assert retry_after({"retry-after": "Tue, 23 Sep 2025 03:00:00 GMT"}) == 0
    for none in ({}, {"retry-after": "soon"}, {"retry-after": "-5"}):
        assert retry_after(none) is None


def test_waits_double_up_to_the_longest() -> None:
    for failures, longest in ((0, 1), (3, 8), (10, 120), (100_000, 120)):
        waits = [wait_after(failures, None, PLAIN) for _ in range(50)]
        assert longest / 2 <= min(waits) < max(waits) <= longest, "with a random part"
    assert wait_after(0, 30, PLAIN) == 30


def test_the_signature_is_that_of_standard_webhooks() -> None:
    """The published example of the standard's libraries."""
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    told = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert told == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_lines_of_the_document_verify_a_signature() -> None:
    text = (ROOT / "docs" / "delivery.md").read_text()
    (lines,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    told: dict[str, Any] = {}
    exec(lines, told)
    secret, now = new_secret(), int(time.time())
    headers = {
        "webhook-id": "m",
        "webhook-timestamp": str(now),
        "webhook-signature": signature(secret, "m", now, b"[]"),
    }
    assert told["is_ours"](told_secret(secret), headers, b"[]")
    assert not told["is_ours"](told_secret(secret), headers, b"[ ]")
    assert not told["is_ours"](told_secret(new_secret()), headers, b"[]")
    assert not told["is_ours"](told_secret(secret), headers | {"webhook-timestamp": str(now - 400)}, b"[]")
