"""Sessions of the page: the cookie, what it may do, what another site's page may not, and where links below /auth lead."""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import Callable, Iterator
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from cop.catalogue import catalogue
from cop_server.cluster import Cluster, create_database, drop_database
from cop_server.identity import keys

ITEMS = "/collections/incidents/items?limit=100&f=json"
ENTRY = {"role": "reporter", "department": "DSD"}


@pytest.fixture(scope="module")
def shared(cluster: Cluster, template: str) -> Iterator[Cluster]:
    """The records that sessions look at; tests that write or break something have a store of their own."""
    name = f"t_session_{os.getpid()}"
    made = create_database(cluster, name, template)
    _fill(made)
    yield made
    drop_database(cluster, name)


@pytest.fixture(scope="module")
def url(shared: Cluster, start_server_once: Callable[..., str]) -> str:
    return start_server_once(shared.app_dsn)


@pytest.fixture
def own_url(store: Cluster, start_server: Callable[..., str]) -> str:
    """A server over a store of the test's own."""
    _fill(store)
    return start_server(store.app_dsn)


def _fill(store: Cluster) -> None:
    with psycopg.connect(store.owner_dsn, autocommit=True) as owner:
        owner.execute(
            "INSERT INTO layer.incidents (id, message_status, release, department, category, status, title_en,"
            " reported_at, source, source_ref) SELECT mode || release, mode, release, 'DSD', 'flood', 'reported', 'x',"
            " now(), 'test', release FROM unnest(ARRAY['public', 'departments', 'owner']) AS r(release),"
            " unnest(ARRAY['exercise', 'actual', 'test']) AS m(mode)"
        )


@pytest.fixture
def browser(url: str) -> Iterator[httpx.Client]:
    """A client that keeps cookies, as a browser does."""
    with httpx.Client(base_url=url, timeout=30) as client:
        yield client


def entered(browser: httpx.Client, **entry: str) -> dict[str, Any]:
    answer = browser.post("/session", json=entry or ENTRY)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def seen(browser: httpx.Client, **more: str) -> int:
    answer = browser.get(ITEMS, params=more and {**dict(httpx.QueryParams(ITEMS.partition("?")[2])), **more})
    assert answer.status_code == 200, answer.text
    return int(answer.json()["numberMatched"])


def test_nobody_is_anonymous_and_sees_what_is_public(browser: httpx.Client) -> None:
    told = browser.get("/session")
    assert told.json()["known"] is False
    assert told.json()["audience"] == "public"
    assert "csrf" not in told.json()
    assert told.headers["cache-control"] == "no-store"
    assert seen(browser) == 1


def test_one_click_enters_the_exercise_as_any_role_of_any_department(browser: httpx.Client) -> None:
    offered = browser.get("/session").json()["entry"]
    assert {one["code"] for one in offered["departments"]} == set(catalogue().codes["departments"])
    told = entered(browser)
    assert (told["role"], told["department"], told["audience"]) == ("reporter", "DSD", "departments")
    assert told["subject"].startswith("exercise:reporter/DSD/")
    assert seen(browser) == 3
    answer = browser.get(ITEMS)
    assert answer.headers["cache-control"] == "private, no-cache"
    assert "cookie" in answer.headers["vary"].lower()
    assert entered(browser, role="viewer", department="FSD")["department"] == "FSD"
    assert seen(browser) == 2
    assert entered(browser, role="press")["audience"] == "press"
    assert seen(browser) == 1
    assert entered(browser, role="emsc")["audience"] == "emsc"
    assert seen(browser) == 3


def test_an_exercise_session_is_nobody_in_the_other_modes(browser: httpx.Client) -> None:
    assert entered(browser, role="emsc")["only_mode"] == "exercise"
    for mode in ("actual", "test"):
        assert seen(browser, mode=mode) == 1
        assert browser.get(f"/collections/incidents/items/{mode}owner?f=json&mode={mode}").status_code == 404
        assert browser.get(f"/collections/incidents/items/{mode}public?f=json&mode={mode}").status_code == 200
        hidden = browser.get(f"/collections/incidents/items?f=json&mode={mode}&filter=dead>0")
        assert hidden.status_code == 400, "a column that the public does not see"
    assert seen(browser, mode="exercise") == 3


def test_an_exercise_session_sees_no_audit(browser: httpx.Client) -> None:
    for of in ({"role": "emsc"}, {"role": "administrator", "department": "DSD"}):
        entered(browser, **of)
        refused = browser.get("/audit?mode=exercise")
        assert (refused.status_code, "one-click" in refused.json()["detail"]) == (403, True)
    assert browser.get("/audit?mode=actual").status_code == 401


def test_an_exercise_session_writes_no_other_mode(own_url: str) -> None:
    with httpx.Client(base_url=own_url, timeout=30) as browser:
        _writes_no_other_mode(browser)


def _writes_no_other_mode(browser: httpx.Client) -> None:
    told = entered(browser, role="emsc")
    headers = {"COP-CSRF": told["csrf"], "Content-Type": "application/geo+json"}
    properties = {"category": "flood", "title_en": "Water", "department": "DSD"}
    report = {"type": "Feature", "geometry": None, "properties": properties}
    for mode in ("actual", "test"):
        answer = browser.post(f"/collections/incidents/items?mode={mode}", json=report, headers=headers)
        assert (answer.status_code, answer.json()["parameter"]) == (403, "mode")
        assert "exercise records only" in answer.json()["detail"]
        for method in ("PATCH", "PUT", "DELETE"):
            path = f"/collections/incidents/items/{mode}public?mode={mode}"
            assert browser.request(method, path, headers=headers).status_code == 403
        assert "POST" not in browser.options(f"/collections/incidents/items?mode={mode}").headers["allow"]
        marked = {**report, "properties": {**properties, "message_status": mode}}
        answer = browser.post("/collections/incidents/items?mode=exercise", json=marked, headers=headers)
        assert answer.status_code == 422
    answer = browser.post("/collections/incidents/items?mode=exercise", json=report, headers=headers)
    assert answer.status_code == 201, answer.text
    assert answer.json()["properties"]["message_status"] == "exercise"
    assert "POST" in browser.options("/collections/incidents/items?mode=exercise").headers["allow"]


def test_what_cannot_be_entered_is_refused_with_what_would_be_right(browser: httpx.Client) -> None:
    for body, named in (({"role": "king"}, "role"), ({"role": "viewer"}, "department"), ({}, "role"),
                        ({"role": "viewer", "department": "NONE"}, "department"), ({"role": ["emsc"]}, "role")):  # fmt: skip
        answer = browser.post("/session", json=body)
        assert answer.status_code == 400, body
        assert answer.json()["parameter"] == named
        assert answer.json()["example"]
        assert "set-cookie" not in answer.headers
    for content in (b"{", b"[]", b"\xff", b'{"role": "' + b"x" * 5000 + b'"}'):
        answer = browser.post("/session", content=content, headers={"Content-Type": "application/json"})
        assert answer.status_code == 400
    # What a form of another site could send without asking first.
    assert (
        browser.post("/session", content=json.dumps(ENTRY), headers={"Content-Type": "text/plain"}).status_code == 400
    )


def test_no_entry_where_the_server_is_not_of_an_exercise(shared: Cluster, start_server: Callable[..., str]) -> None:
    for more in ({"COP_MODE": "actual"}, {"COP_EXERCISE_ENTRY": "false"}):
        url = start_server(shared.app_dsn, **more)
        assert "entry" not in httpx.get(f"{url}/session").json()
        answer = httpx.post(f"{url}/session", json=ENTRY)
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers


def test_a_session_of_the_entry_ends_where_the_entry_is_closed(
    url: str, browser: httpx.Client, shared: Cluster, start_server: Callable[..., str]
) -> None:
    entered(browser)
    cookies = dict(browser.cookies)
    closed = start_server(shared.app_dsn, COP_EXERCISE_ENTRY="false")
    assert httpx.get(f"{url}/session", cookies=cookies).json()["known"] is True
    assert httpx.get(f"{closed}/session", cookies=cookies).json()["known"] is False


def test_the_cookie_is_kept_from_scripts_and_other_sites(
    shared: Cluster, start_server: Callable[..., str], var: Path
) -> None:
    def cookie(url: str) -> tuple[str, Any]:
        sent = httpx.post(f"{url}/session", json=ENTRY).headers["set-cookie"]
        ((name, morsel),) = SimpleCookie(sent).items()
        assert 0 < int(morsel["max-age"]) <= 12 * 3600
        assert (morsel["path"], morsel["samesite"], morsel["httponly"], morsel["domain"]) == ("/", "Lax", True, "")
        return name, morsel

    name, morsel = cookie(start_server(shared.app_dsn))
    assert name == "cop_session"
    assert not morsel["secure"]
    name, morsel = cookie(start_server(shared.app_dsn, COP_URL="https://cop.example"))
    assert name == "__Host-cop_session"
    assert morsel["secure"]
    key = var / "session.key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert len(key.read_bytes()) == 32


def test_all_workers_know_a_session(shared: Cluster, start_server: Callable[..., str], browser: httpx.Client) -> None:
    entered(browser)
    other = start_server(shared.app_dsn)
    assert httpx.get(f"{other}/session", cookies=dict(browser.cookies)).json()["department"] == "DSD"


def test_a_change_with_the_cookie_needs_proof_that_our_page_asks(browser: httpx.Client, url: str) -> None:
    told = entered(browser)
    good = {"COP-CSRF": told["csrf"]}
    other = {"COP-CSRF": httpx.post(f"{url}/session", json=ENTRY).json()["csrf"]}
    refused: list[dict[str, str]] = [
        {}, {"COP-CSRF": ""}, {"COP-CSRF": "x"}, {"COP-CSRF": "\u00e9"}, other,
        good | {"Sec-Fetch-Site": "cross-site"}, good | {"Sec-Fetch-Site": "same-site"},
        good | {"Origin": "https://evil.example"}, good | {"Origin": "null"}, good | {"Origin": f"{url}.evil.example"},
    ]  # fmt: skip
    for headers in refused:
        for method, path in (("DELETE", "/session"), ("POST", "/collections/incidents/items"),
                             ("PATCH", "/collections/incidents/items/x"), ("PUT", "/")):  # fmt: skip
            raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
            answer = browser.request(method, path, headers=raw)
            assert answer.status_code == 403, (method, path, headers)
            assert answer.json()["parameter"] == "COP-CSRF"
            assert told["csrf"] not in answer.text
    assert browser.get("/session").json()["known"] is True, "still signed in"
    for headers in (good | {"Sec-Fetch-Site": "same-origin", "Origin": url}, good):
        entered_again = entered(browser)
        answer = browser.delete("/session", headers={**headers, "COP-CSRF": entered_again["csrf"]})
        assert answer.status_code == 204
        assert browser.get("/session").json()["known"] is False
        assert seen(browser) == 1


def test_a_password_that_the_browser_remembers_is_no_proof_either(own_url: str, store: Cluster) -> None:
    _, key = keys.create(store.owner_dsn, "test", "reporter", "DSD", None)
    report = {"type": "Feature", "geometry": None, "properties": {"category": "flood", "title_en": "Water"}}
    own = {"Authorization": _basic(key), "Content-Type": "application/geo+json"}
    for path in ("/collections/incidents/items", "/auth/collections/incidents/items"):
        for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
            assert httpx.post(own_url + path, json=report, headers={**own, **headers}).status_code == 403
        made = httpx.post(own_url + path, json=report, headers=own)
        assert made.status_code == 201
        assert made.headers["location"].startswith(own_url + path)


def test_no_other_site_signs_anybody_in(browser: httpx.Client) -> None:
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        assert browser.post("/session", json=ENTRY, headers=headers).status_code == 403
    assert not browser.cookies


def test_a_key_beside_the_cookie_needs_no_token_and_counts(browser: httpx.Client, shared: Cluster) -> None:
    entered(browser, role="viewer", department="FSD")
    _, key = keys.create(shared.owner_dsn, "test", "viewer", "DSD", None)
    assert browser.get("/session", headers={"X-API-Key": key}).json()["department"] == "DSD"
    assert seen(browser) == 2
    assert browser.get("/session", headers={"X-API-Key": "cop_wrong"}).status_code == 401
    assert browser.put("/session", headers={"X-API-Key": key}).status_code == 405, "not refused for the token"


def test_a_key_begins_a_session_that_ends_with_it(browser: httpx.Client, shared: Cluster) -> None:
    name, key = keys.create(shared.owner_dsn, "test", "viewer", "DSD", None)
    told = browser.post("/session", headers={"Authorization": f"Bearer {key}"}).json()
    assert (told["subject"], told["department"]) == (f"key:{name}", "DSD")
    assert "only_mode" not in told
    assert key not in str(dict(browser.cookies))
    assert seen(browser, mode="actual") == seen(browser) == 3
    keys.revoke(shared.owner_dsn, name)
    time.sleep(keys.REMEMBERED_SECONDS + 0.5)
    answer = browser.get(ITEMS)
    assert answer.json()["numberMatched"] == 1
    assert "Max-Age=0" in answer.headers["set-cookie"]


@pytest.mark.parametrize("bad", ["", "x", "a.b", "expired", "altered", ";=\\", "é"])
def test_a_bad_cookie_is_as_none_and_is_cleared(browser: httpx.Client, bad: str) -> None:
    entered(browser, role="emsc")
    cookie = browser.cookies["cop_session"]
    browser.cookies.clear()
    if bad == "altered":
        body, _, signature = cookie.rpartition(".")
        text = base64.urlsafe_b64decode(body.lstrip(".") + "==").replace(b"emsc", b"emsd")
        bad = base64.urlsafe_b64encode(text).decode().rstrip("=") + "." + signature
    if bad == "expired":
        bad = _expired(cookie)
    sent = {"Cookie": f"other=1; cop_session={bad}".encode("latin-1")}
    for path in (ITEMS, "/session", "/collections?f=html", "/map", "/health"):
        answer = browser.get(path, headers=[(name.encode(), value) for name, value in sent.items()])
        assert answer.status_code in (200, 503 if path == "/map" else 200), path
        assert "cop_session=; Max-Age=0" in answer.headers["set-cookie"], path
        assert "public" not in answer.headers.get("cache-control", "")
    assert browser.get(ITEMS, headers=sent).json()["numberMatched"] == 1


def _expired(cookie: str) -> str:
    """The same session with a signature that is right, past its end."""
    from cop_server.identity import sessions

    serializer = sessions._serializer()
    body = serializer.loads(cookie)
    return str(serializer.dumps([*body[:-1], int(time.time()) - 1]))


def test_bad_credentials_in_headers_stay_refused(browser: httpx.Client) -> None:
    for headers in ({"X-API-Key": "cop_no"}, {"Authorization": "Bearer cop_no"}, {"Authorization": "Negotiate x"}):
        for answer in (browser.get("/session", headers=headers), browser.post("/session", headers=headers)):
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"].startswith("Bearer"), "a browser would ask for a password"
            assert "set-cookie" not in answer.headers


def test_below_auth_a_password_is_asked_for_and_links_stay_there(url: str, shared: Cluster) -> None:
    _, key = keys.create(shared.owner_dsn, "test", "viewer", "DSD", None)
    for headers in ({}, {"Authorization": _basic("cop_wrong")}, {"Authorization": "Bearer cop_wrong"}):
        for path in ("/auth", "/auth/", "/auth/collections", f"/auth{ITEMS}", "/auth/map", "/auth/nothing"):
            answer = httpx.get(url + path, headers=headers)
            if path in ("/auth/map", "/auth/nothing") and headers:
                continue
            assert answer.status_code == 401, path
            assert answer.headers["www-authenticate"].startswith("Basic realm="), path
    own = {"Authorization": _basic(key)}
    answer = httpx.get(f"{url}/auth{ITEMS}", headers=own)
    assert answer.json()["numberMatched"] == 3
    assert int(answer.headers["content-length"]) == len(answer.content)
    for path in ("/auth/?f=json", "/auth", "/auth/collections?f=json", f"/auth{ITEMS}", "/auth/openapi",
                 "/auth/basemaps/wmts/1.0.0/WMTSCapabilities.xml"):  # fmt: skip
        answer = httpx.get(url + path, headers={**own, "Accept-Encoding": "gzip"})
        assert answer.status_code == 200, path
        assert f"{url}/auth" in answer.text, path
        assert answer.text.count(url) == answer.text.count(f"{url}/auth"), path
    followed = [link["href"] for link in httpx.get(f"{url}/auth{ITEMS}", headers=own).json()["links"]]
    assert [httpx.get(href, headers=own).status_code for href in followed] == [200] * len(followed)
    assert httpx.get(f"{url}/authors").status_code == 404
    assert "www-authenticate" not in httpx.get(f"{url}/collections", headers={"Accept": "text/html"}).headers


def _basic(key: str) -> str:
    return "Basic " + base64.b64encode(f"gis:{key}".encode()).decode()


def test_neither_secrets_nor_forged_lines_reach_the_log(
    store: Cluster, start_server: Callable[..., str], var: Path
) -> None:
    url = start_server(store.app_dsn, PYTHONWARNINGS="default")
    log = var / f"server-{url.rpartition(':')[2]}.log"
    _, key = keys.create(store.owner_dsn, "test", "viewer", "DSD", None)
    forged = "x\r\n2026-01-01 ERROR forged\n\x1b[2J"
    with httpx.Client(base_url=url) as browser:
        csrf = browser.post("/session", headers={"X-API-Key": key}).json()["csrf"]
        cookie = browser.cookies["cop_session"]
        browser.get(ITEMS)
        browser.post("/session", json={"role": forged, "department": forged})
        browser.post("/session", json={"role": "viewer", "department": forged})
        browser.get("/collections/" + "x%0d%0aforged%0a", headers={"Accept": "application/json"})
        browser.get("/session", headers={"Authorization": "Bearer cop_secret-that-is-wrong"})
        browser.get("/session", headers={"Cookie": "cop_session=secret-that-is-wrong"})
        browser.delete("/session", headers={"COP-CSRF": "secret-that-is-wrong"})
        browser.delete("/session", headers={"COP-CSRF": csrf})
    with psycopg.connect(store.owner_dsn, autocommit=True) as owner:
        owner.execute("DROP TABLE cop.api_key")  # the database's own words go to the log
    assert httpx.get(f"{url}/session", headers={"X-API-Key": "cop_secret-that-is-wrong"}).status_code == 503
    text = log.read_text()
    assert "api_key" in text, "the log is where the test looks"
    for secret in (key, cookie, csrf, "secret-that-is-wrong", (var / "session.key").read_bytes().hex()):
        assert secret not in text
    assert "forged" not in text
    assert "\x1b" not in text


def test_the_document_says_how_to_be_recognised(url: str) -> None:
    for form in ("json", "json30"):
        document = httpx.get(f"{url}/openapi?f={form}").json()
        schemes = document["components"]["securitySchemes"]
        assert {(one["type"], one.get("scheme") or one["in"]) for one in schemes.values()} == {
            ("http", "bearer"), ("http", "basic"), ("apiKey", "header"), ("apiKey", "cookie")}  # fmt: skip
        assert {name for one in document["security"] for name in one} == set(schemes)
        assert set(document["paths"]["/session"]) == {"get", "post", "delete"}
        told = document["components"]["schemas"]["Session"]["properties"]
        assert set(httpx.post(f"{url}/session", json=ENTRY).json()) == set(told)
