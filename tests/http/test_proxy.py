"""nginx in front, with the file that deploy/ has: TLS, the client's address, one id, and streams at once."""

from __future__ import annotations

import datetime
import os
import re
import shutil
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from servers import ROOT, SERVE, free_port

from cop_server.cluster import Cluster, create_database, drop_database

CONFIG = ROOT / "deploy" / "nginx" / "cop.conf"


def certificate(folder: Path) -> ssl.SSLContext:
    """A certificate of this test's own, and who trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))  # fmt: skip
    return ssl.create_default_context(cafile=str(folder / "cert.pem"))


def configuration(folder: Path, port: int, plain: int, upstream: str) -> str:
    """The shipped file with its placeholders filled in, inside the least that nginx wants around it."""
    text = CONFIG.read_text()
    for old, new in (
        ("127.0.0.1:8000", upstream), ("listen 80;", f"listen 127.0.0.1:{plain};"),
        ("listen 443 ssl http2;", f"listen 127.0.0.1:{port} ssl http2;"), ("<host>", "localhost"),
        ("<certificate>", str(folder / "cert.pem")), ("<key>", str(folder / "key.pem")),
        ("/var/log/nginx/cop.log", str(folder / "cop.log")),
    ):  # fmt: skip
        assert old in text, old
        text = text.replace(old, new)
    paths = "".join(
        f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;\n" if os.geteuid() == 0 else ""  # else its workers may not enter the folder
    return f"{user}daemon off;\npid {folder}/nginx.pid;\nerror_log {folder}/error.log;\nevents {{}}\nhttp {{\n{paths}{text}\n}}\n"


@pytest.fixture(scope="module")
def database(cluster: Cluster, template: str) -> Iterator[Cluster]:
    name = f"t_proxy_{os.getpid()}"
    yield create_database(cluster, name, template)
    drop_database(cluster, name)


@pytest.fixture(scope="module")
def proxied(
    database: Cluster, var: Path, tmp_path_factory: pytest.TempPathFactory, start_server_once: Callable[..., str]
) -> Iterator[tuple[httpx.Client, str, Path]]:
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None:
        pytest.skip("Debian's package nginx is not installed; scripts/bootstrap test installs it")
    folder = tmp_path_factory.mktemp("nginx")
    port, plain = free_port(), free_port()
    own = start_server_once(
        database.app_dsn, app=SERVE, COP_VAR=str(folder), COP_URL=f"https://localhost:{port}", COP_RATE_LIMITS="true",
        COP_TRUSTED_PROXIES='["127.0.0.1/32"]', COP_LOG="json", COP_CORS_ORIGINS='["https://partner.example"]',
    )  # fmt: skip
    trust = certificate(folder)
    (folder / "nginx.conf").write_text(configuration(folder, port, plain, own.removeprefix("http://")))
    command = [nginx, "-c", str(folder / "nginx.conf"), "-p", str(folder), "-e", str(folder / "error.log")]
    checked = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    running = subprocess.Popen(command)
    try:
        with httpx.Client(base_url=f"https://localhost:{port}", verify=trust, timeout=30) as client:
            for _ in range(100):
                try:
                    client.get("/health")
                    break
                except httpx.ConnectError:
                    time.sleep(0.05)
            yield client, f"http://127.0.0.1:{plain}", folder
    finally:
        running.terminate()
        running.wait(10)


def test_what_comes_through_is_safe_and_known_by_one_id(proxied: tuple[httpx.Client, str, Path]) -> None:
    client, plain, folder = proxied
    answer = client.get("/collections/incidents/items")
    assert answer.status_code == 200
    assert answer.headers["strict-transport-security"].startswith("max-age=31536000")
    assert answer.json()["links"][0]["href"].startswith(f"{client.base_url}".rstrip("/"))
    assert "nginx" not in answer.headers.get("server", "").replace("nginx", "", 1), "no version"
    for _ in range(50):
        if answer.headers["x-request-id"] in (folder / "cop.log").read_text():
            break
        time.sleep(0.1)
    assert answer.headers["x-request-id"] in (folder / "cop.log").read_text()
    away = httpx.get(f"{plain}/collections")
    assert away.status_code == 308
    assert away.headers["location"].startswith("https://")
    assert client.get("/metrics").status_code == 404


def test_what_a_client_says_of_itself_is_not_believed(proxied: tuple[httpx.Client, str, Path]) -> None:
    client, _, _ = proxied
    left = []
    for number in range(3):
        sent = {"X-Forwarded-For": f"192.0.2.{number}", "Forwarded": f"for=192.0.2.{number}", "X-Real-IP": "192.0.2.1"}
        found = re.search(r";r=(\d+);", client.get("/conformance?f=json", headers=sent).headers["ratelimit"])
        assert found
        left.append(int(found[1]))
    assert left == sorted(left, reverse=True), "three addresses were made up, and one client was counted"
    assert len(set(left)) == 3


def test_sessions_work_behind_it_and_only_from_its_own_origin(proxied: tuple[httpx.Client, str, Path]) -> None:
    client, _, _ = proxied
    own = str(client.base_url).rstrip("/")
    body = {"role": "viewer", "department": "DSD"}
    entered = client.post("/session", json=body, headers={"Origin": own})
    assert entered.status_code == 200, entered.text
    assert "__Host-cop_session" in entered.headers["set-cookie"]
    assert "Secure" in entered.headers["set-cookie"]
    strange = client.post("/session", json=body, headers={"Origin": "https://other.example"})
    assert strange.status_code == 403
    client.cookies.clear()


def test_only_the_origins_that_are_named_may_read_it_and_never_with_a_session(
    proxied: tuple[httpx.Client, str, Path],
) -> None:
    client, _, _ = proxied
    for origin, allowed in (("https://partner.example", True), ("https://other.example", False), ("null", False)):
        answer = client.get("/collections/incidents/items", headers={"Origin": origin})
        assert answer.status_code == 200
        assert (answer.headers.get("access-control-allow-origin") == origin) is allowed, origin
        assert "access-control-allow-credentials" not in answer.headers
        asked = {"Origin": origin, "Access-Control-Request-Method": "PATCH",
                 "Access-Control-Request-Headers": "authorization, if-match"}  # fmt: skip
        before = client.options("/collections/incidents/items/I-1", headers=asked)
        assert (before.status_code == 200) is allowed
        assert "access-control-allow-credentials" not in before.headers
        if allowed:
            assert "PATCH" in before.headers["access-control-allow-methods"]
            assert "if-match" in before.headers["access-control-allow-headers"].lower()
            assert "COP-Caveat" in answer.headers["access-control-expose-headers"]
            assert "Origin" in answer.headers["vary"]


def test_events_come_through_at_once(proxied: tuple[httpx.Client, str, Path], database: Cluster) -> None:
    client, _, _ = proxied
    with client.stream("GET", "/events", params={"collections": "incidents"}) as stream:
        assert stream.status_code == 200
        lines = stream.iter_lines()
        next(lines)
        with psycopg.connect(database.owner_dsn, autocommit=True) as owner:
            owner.execute(
                "INSERT INTO layer.incidents (id, category, title_en, department, status, major, message_status, release,"
                " reported_at, source, source_ref) VALUES ('I-1', 'flood', 'Flooding', 'DSD', 'reported', false,"
                " 'exercise', 'public', now(), 'test', '1')"
            )
        began = time.monotonic()
        assert any(line.startswith("data:") and "I-1" in line for line in lines)
        assert time.monotonic() - began < 10, "the stream's own heartbeat, at 15 s, would push out what was held back"
