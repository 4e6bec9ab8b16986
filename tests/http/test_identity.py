"""Tokens at the door: an issuer of the test's own signs them, its keys change, and what is not good is refused."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import jwt
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from typer.testing import CliRunner

from cop_server.cli import app
from cop_server.cluster import Cluster

ITEMS = "/collections/incidents/items?limit=100"


class Issuer:
    """An OIDC issuer: discovery and keys over HTTP, tokens on demand."""

    def __init__(self) -> None:
        self.keys = {"first": rsa.generate_private_key(65537, 2048)}
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                documents = {
                    "/.well-known/openid-configuration": {"jwks_uri": f"{issuer.url}/keys"},
                    "/keys": issuer.jwks(),
                }
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps(documents[self.path]).encode())

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def jwks(self) -> dict[str, Any]:
        """The public halves of its keys."""
        return {"keys": [{**RSAAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig"}
                         for kid, key in self.keys.items()]}  # fmt: skip

    def token(self, kid: str = "first", algorithm: str = "RS256", key: Any = None, **claims: Any) -> str:
        """A token of a viewer of DSD, good for a minute, unless told otherwise; a claim of None is left out."""
        now = int(time.time())
        whole = {"iss": self.url, "aud": "cop", "sub": "somebody", "exp": now + 60, "cop_role": "viewer",
                 "cop_department": "DSD", **claims}  # fmt: skip
        payload = {name: value for name, value in whole.items() if value is not None}
        return jwt.encode(payload, key if key is not None else self.keys[kid], algorithm, headers={"kid": kid})


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    made = Issuer()
    yield made
    made.http.shutdown()
    made.http.server_close()


@pytest.fixture
def http(store: Cluster, issuer: Issuer, start_server: Callable[..., str]) -> Iterator[httpx.Client]:
    with psycopg.connect(store.owner_dsn, autocommit=True) as owner:
        owner.execute(
            "INSERT INTO layer.incidents (id, message_status, release, department, category, status, title_en,"
            " reported_at, source, source_ref) SELECT release, 'exercise', release, 'DSD', 'flood', 'reported', 'x',"
            " now(), 'test', release FROM unnest(ARRAY['public', 'departments', 'owner']) AS t(release)"
        )
    with httpx.Client(base_url=start_server(store.app_dsn, COP_OIDC_ISSUER=issuer.url), timeout=30) as client:
        yield client


def seen(http: httpx.Client, token: str) -> int:
    answer = http.get(ITEMS, headers={"Authorization": f"Bearer {token}", "Accept": "application/json"})
    assert answer.status_code == 200, answer.text
    return int(answer.json()["numberMatched"])


def refused(http: httpx.Client, token: str) -> str:
    answer = http.get(ITEMS, headers={"Authorization": f"Bearer {token}", "Accept": "application/json"})
    assert answer.status_code == 401, answer.text
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert token not in answer.text
    return str(answer.json()["detail"])


def test_a_good_token_sees_what_its_department_may(http: httpx.Client, issuer: Issuer) -> None:
    assert http.get(ITEMS, headers={"Accept": "application/json"}).json()["numberMatched"] == 1
    assert seen(http, issuer.token()) == 3
    assert seen(http, issuer.token(cop_department="FSD")) == 2
    assert seen(http, issuer.token(cop_role="emsc", cop_department=None)) == 3
    assert seen(http, issuer.token(cop_role="press", cop_department=None)) == 1


def test_keys_that_were_changed_are_fetched_anew(http: httpx.Client, issuer: Issuer) -> None:
    assert seen(http, issuer.token()) == 3
    issuer.keys = {"second": rsa.generate_private_key(65537, 2048)}
    headers = {"Authorization": f"Bearer {issuer.token('second')}", "Accept": "application/json"}
    deadline = time.monotonic() + 30
    while http.get(ITEMS, headers=headers).status_code == 401 and time.monotonic() < deadline:
        time.sleep(0.5)
    assert seen(http, issuer.token("second")) == 3


def test_what_is_not_good_is_refused_with_a_reason(http: httpx.Client, issuer: Issuer) -> None:
    now = int(time.time())
    assert "expired" in refused(http, issuer.token(exp=now - 3600))
    public = json.dumps(issuer.jwks()["keys"][0])
    bad = [
        issuer.token(nbf=now + 3600), issuer.token(aud="another"), issuer.token(iss="http://else.example"),
        issuer.token(sub=None), issuer.token(exp=None), issuer.token(algorithm="none", key=""),
        issuer.token(algorithm="HS256", key=public + public), issuer.token(key=rsa.generate_private_key(65537, 2048)),
        issuer.token()[:-4] + "AAAA", "a.b.c", "x" * 9000,
    ]  # fmt: skip
    for token in bad:
        assert "the token is not valid" in refused(http, token)
    assert "role" in refused(http, issuer.token(cop_role="king"))
    assert "department" in refused(http, issuer.token(cop_department="NONE"))
    assert "department" in refused(http, issuer.token(cop_department=None))


def test_the_algorithms_are_those_of_key_pairs() -> None:
    from cop.settings import Settings

    with pytest.raises(ValueError, match="key pairs"):
        Settings(oidc_algorithms=["HS256"])
    with pytest.raises(ValueError, match="key pairs"):
        Settings(oidc_algorithms=["none"])


def test_keys_are_made_listed_and_revoked_at_the_terminal(store: Cluster, start_server: Callable[..., str]) -> None:
    def run(*words: str) -> str:
        outcome = CliRunner().invoke(app, ["key", *words])
        assert outcome.exit_code == 0, outcome.output
        return outcome.output

    key = run("create", "Duty room", "--role", "viewer", "--department", "DSD", "--days", "1").split()[-1]
    assert key.startswith("cop_")
    (line,) = [line for line in run("list").splitlines() if "Duty room" in line]
    assert key not in line
    with psycopg.connect(store.owner_dsn) as connection:
        assert key not in str(connection.execute("SELECT * FROM cop.api_key").fetchall())
    url = start_server(store.app_dsn)
    assert httpx.get(f"{url}{ITEMS}&f=json", headers={"X-API-Key": key}).status_code == 200
    run("revoke", line.split()[0])
    time.sleep(5.5)  # what a process goes by
    assert httpx.get(f"{url}{ITEMS}&f=json", headers={"X-API-Key": key}).status_code == 401
    for words in (("create", "x", "--role", "viewer"), ("create", "x", "--role", "king"), ("revoke", "none")):
        assert CliRunner().invoke(app, ["key", *words]).exit_code != 0


def test_a_session_begun_with_a_token_ends_with_it(http: httpx.Client, issuer: Issuer) -> None:
    http.post("/session", headers={"Authorization": f"Bearer {issuer.token()}"}).raise_for_status()
    assert http.get(f"{ITEMS}&f=json").json()["numberMatched"] == 3
    ends = int(time.time()) + 5
    told = http.post("/session", headers={"Authorization": f"Bearer {issuer.token(exp=ends)}"}).json()
    assert (told["subject"], told["expires_at"]) == ("oidc:somebody", ends)
    time.sleep(max(0.0, ends + 0.5 - time.time()))
    assert http.get("/session").json()["known"] is False
    assert http.get(f"{ITEMS}&f=json").json()["numberMatched"] == 1


def test_a_subject_that_could_break_a_line_of_a_log_is_refused(http: httpx.Client, issuer: Issuer) -> None:
    for subject in ("x\r\n2026 ERROR forged", "\x1b[2J", "x" * 400):
        assert "subject" in refused(http, issuer.token(sub=subject))
