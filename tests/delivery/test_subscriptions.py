"""The API and the command: who may have subscriptions, what they may say, and what ends them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import psycopg
import pytest
from jsonschema import Draft202012Validator
from receivers import QUICK, Receiver, state, until
from replicas import incident
from typer.testing import CliRunner

from cop.errors import SetupTrouble
from cop.settings import get_settings
from cop_server.cli import app
from cop_server.cluster import Cluster
from cop_server.delivery.subscription import Subscription
from cop_server.identity import keys

Key = Callable[..., dict[str, str]]
Subscribe = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def url(place: Cluster, start_server_once: Callable[..., str]) -> str:
    """Gives up soon: after a second and a half without success, and on an event after a second."""
    more = {"COP_DELIVERY_GIVE_UP_HOURS": "0.0006", "COP_DELIVERY_EVENT_HOURS": "0.0003",
            "COP_DELIVERY_ATTEMPTS": "3"}  # fmt: skip
    return start_server_once(place.app_dsn, **QUICK, **more)


def test_a_filter_is_parsed_once() -> None:
    about = {"owner_department": "DSD", "owner_subject": "key:a", "audience": "public", "department": None,
             "mode": "exercise", "target": "https://hooks.example.org/", "collections": ("incidents",),
             "content": "batch", "place_n": 0, "place_feature": None, "filter": "category = 'flood'"}  # fmt: skip
    first, second = (Subscription(id=id_, kind="webhook", **about) for id_ in "ab")  # type: ignore[arg-type]
    assert first.questions() is second.questions()
    wider = replace(first, audience="emsc")
    assert wider.questions()[0].visible == wider.visible, "not what others ask"
    assert replace(first, filter=None).questions()[0].where is None


def test_who_may_have_subscriptions(http: httpx.Client, receiver: Receiver, key: Key, place: Cluster) -> None:
    body = {"target": receiver.url}
    assert http.post("/subscriptions", json=body).status_code == 401
    assert http.get("/subscriptions").status_code == 401
    for role, department in (("viewer", "DSD"), ("press", None), ("partner", None)):
        assert http.post("/subscriptions", json=body, headers=key(role, department)).status_code == 403
        assert http.get("/subscriptions", headers=key(role, department)).status_code == 403
    entered = http.post("/session", json={"role": "administrator", "department": "DSD"})
    assert entered.status_code == 200
    cookie = {"Cookie": entered.headers["set-cookie"].partition(";")[0], "COP-CSRF": entered.json()["csrf"]}
    http.cookies.clear()
    for refused in (http.get("/subscriptions", headers=cookie), http.post("/subscriptions", json=body, headers=cookie)):
        assert refused.status_code == 403, "anybody may enter an exercise as anybody"
    assert receiver.asked == [], "nobody was called for those who may not"


def test_departments_keep_to_themselves(
    http: httpx.Client, owner: Any, key: Key, subscribe: Subscribe, receiver: Receiver
) -> None:
    mine, boss, colleague, others, emsc = (
        key(), key("administrator", "DSD"), key("reporter", "DSD"), key("administrator", "FSD"), key("emsc", None)
    )  # fmt: skip
    made = subscribe(mine, description="Duty room")
    here = f"/subscriptions/{made['id']}"
    assert made["owner"]["department"] == "DSD"
    assert (made["audience"], made["department"], made["mode"]) == ("departments", "DSD", "exercise")
    assert made["secret"].startswith("whsec_")
    for who, status in ((mine, 200), (colleague, 200), (boss, 200), (emsc, 200), (others, 404)):
        for path in (here, f"{here}/dead-letters"):
            assert http.get(path, headers=who).status_code == status
        listed = [one["id"] for one in http.get("/subscriptions", headers=who).json()["subscriptions"]]
        assert (made["id"] in listed) == (status == 200)
    assert b"secret" not in http.get(here, headers=mine).content
    for method, path, who, status in (
        ("PATCH", here, colleague, 403), ("DELETE", here, colleague, 403), ("POST", f"{here}/redeliver", colleague, 403),
        ("PATCH", here, others, 404), ("DELETE", here, others, 404), ("POST", f"{here}/redeliver", others, 404),
        ("PATCH", here, {}, 401), ("DELETE", here, {}, 401), ("PUT", here, mine, 405),
    ):  # fmt: skip
        answer = http.request(method, path, json={"state": "paused"} if method == "PATCH" else None, headers=who)
        assert answer.status_code == status, (method, path, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
    assert http.patch(here, json={"state": "paused"}, headers=boss).json()["state"] == "paused"
    assert http.options(here).headers["allow"] == "GET, HEAD, OPTIONS, PATCH, DELETE"
    assert http.delete(here, headers=boss).status_code == 204


@pytest.mark.parametrize(("change", "status", "named"), [
    ({"target": "http://hooks.example.org/"}, 422, "/target"),
    ({"target": "https://me:secret@hooks.example.org/"}, 422, "/target"),
    ({"target": "https://127.0.0.1:1/"}, 422, "/target"),
    ({"target": "https://10.0.0.1/"}, 422, "/target"),
    ({"target": "https://[::ffff:10.0.0.1]/"}, 422, "/target"),
    ({"target": None}, 422, "/target"),
    ({"collections": ["nothing"]}, 404, "collections"),
    ({"bbox": [1, 2, 3]}, 400, "bbox"),
    ({"bbox": {"west": 1}}, 422, "/bbox"),
    ({"filter": "nothing = 1", "collections": ["incidents"]}, 400, "filter"),
    ({"filter": 5}, 422, "/filter"),
    ({"filter": "category = "}, 400, "filter"),
    ({"audience": "emsc"}, 403, "audience"),
    ({"audience": "everybody"}, 422, "/audience"),
    ({"since": 10**12}, 400, "since"),
    ({"since": [1]}, 422, "/since"),
    ({"since": "x"}, 400, "since"),
    ({"content": "all"}, 422, "/content"),
    ({"kind": "mqtt"}, 422, "/kind"),
    ({"secret": "mine"}, 422, "/secret"),
    ({"description": "two\nlines"}, 422, "/description"),
])  # fmt: skip
def test_what_is_wrong_is_named(
    http: httpx.Client, receiver: Receiver, key: Key, change: dict[str, Any], status: int, named: str
) -> None:
    answer = http.post("/subscriptions", json={"target": receiver.url} | change, headers=key())
    problem = answer.json()
    assert answer.status_code == status, problem
    assert named in (problem.get("parameter"), *(fault["pointer"] for fault in problem.get("errors") or ()))
    assert b"me:secret" not in answer.content


def test_a_target_that_does_not_agree_is_not_subscribed(http: httpx.Client, receiver: Receiver, key: Key) -> None:
    for agrees in ({}, {"WebHook-Allowed-Origin": "elsewhere.example"}):
        receiver.agrees = agrees
        answer = http.post("/subscriptions", json={"target": receiver.url}, headers=key())
        assert answer.status_code == 422
        assert "WebHook-Allowed-Origin" in answer.json()["errors"][0]["reason"]
    receiver.stop()
    answer = http.post("/subscriptions", json={"target": receiver.url}, headers=key())
    assert "did not answer" in answer.json()["errors"][0]["reason"]
    media = http.post("/subscriptions", content=b"{}", headers=key() | {"content-type": "text/plain"})
    assert media.status_code == 415


def test_what_is_sent_is_what_the_document_says(
    http: httpx.Client, owner: Any, receiver: Receiver, key: Key, subscribe: Subscribe
) -> None:
    document = http.get("/asyncapi").json()
    assert {"webhook", "broker"} <= set(document["channels"])
    assert {"callWebhook", "publish"} <= set(document["operations"])
    incident(owner, "S-0")
    subscribe(key(), audience="public")
    incident(owner, "S-1")
    owner.execute("DELETE FROM layer.incidents WHERE id = 'S-1'")
    until(lambda: len(receiver.taken) > 0)
    batch = document["components"]["messages"]["batch"]
    for one in receiver.came:
        Draft202012Validator({**batch["payload"], "components": document["components"]}).validate(one.events)
        assert {name.lower() for name in batch["headers"]["required"]} <= set(one.headers)
    paths = http.get("/openapi").json()["paths"]
    assert {"/subscriptions", "/subscriptions/{subscriptionId}/redeliver"} <= set(paths)


def test_a_target_that_is_silent_is_given_up_and_one_that_fails_loses_an_event(
    http: httpx.Client, owner: Any, receiver: Receiver, key: Key, subscribe: Subscribe
) -> None:
    me, silent = key(), Receiver()
    lost = subscribe(me, silent)["id"]
    receiver.answer = lambda came: (500 if came.events[0]["subject"] == "T-1" else 204, {})
    failing = subscribe(me, content="single")["id"]
    silent.stop()
    incident(owner, "T-1")
    incident(owner, "T-2")
    until(lambda: state(owner, lost)[0] == "dead")
    assert "nothing was delivered" in state(owner, lost)[1]
    until(lambda: receiver.told() == [("T-2", False)])
    letters = http.get(f"/subscriptions/{failing}/dead-letters", headers=me).json()["dead_letters"]
    assert [(one["feature"], one["reason"]) for one in letters] == [("T-1", "the target answered 500")]
    silent.start()
    assert http.patch(f"/subscriptions/{lost}", json={"state": "active"}, headers=me).status_code == 200
    until(lambda: silent.told() == [("T-1", False), ("T-2", False)])
    silent.stop()


def test_a_target_that_loses_every_event_is_given_up(
    owner: Any, receiver: Receiver, key: Key, subscribe: Subscribe
) -> None:
    receiver.answer = lambda _: (404, {})
    made = subscribe(key(), content="single")["id"]
    for n in range(6):
        incident(owner, f"L-{n}")
    until(lambda: state(owner, made)[0] == "dead", told=lambda: state(owner, made))
    assert "nothing was delivered" in state(owner, made)[1]
    letters = owner.execute("SELECT count(*) FROM cop.dead_letter WHERE subscription = %s", [made]).fetchone()[0]
    assert 1 <= letters < 6, "it was given up after the first, and before the last"


def test_a_lost_event_long_ago_does_not_end_it_at_the_next_failure(
    owner: Any, receiver: Receiver, key: Key, subscribe: Subscribe
) -> None:
    made = subscribe(key(), content="single")["id"]
    owner.execute("UPDATE cop.subscription SET failing_since = now() - interval '1 day' WHERE id = %s", [made])
    answers = iter([503])
    receiver.answer = lambda _: (next(answers, 204), {})
    incident(owner, "M-1")
    until(lambda: receiver.told() == [("M-1", False)])
    since = "SELECT failing_since FROM cop.subscription WHERE id = %s"
    until(lambda: owner.execute(since, [made]).fetchone() == (None,))


def test_a_place_that_is_kept_no_longer_stops_it(
    http: httpx.Client, owner: Any, receiver: Receiver, key: Key, subscribe: Subscribe
) -> None:
    me = key()
    incident(owner, "U-1")
    made = subscribe(me, since=1)
    here = f"/subscriptions/{made['id']}"
    until(lambda: len(receiver.taken) > 0)
    http.patch(here, json={"state": "paused"}, headers=me)
    # A number that a restore took back: it was given once, and is none any more.
    owner.execute("UPDATE cop.subscription SET place_n = 10000000 WHERE id = %s", [made["id"]])
    http.patch(here, json={"state": "active"}, headers=me)
    until(lambda: state(owner, made["id"])[0] == "dead")
    assert "since=0" in state(owner, made["id"])[1]
    seen = len(receiver.taken)
    http.patch(here, json={"state": "active", "since": 0}, headers=me)
    until(lambda: "U-1" in [event["subject"] for event in receiver.taken[seen:]])


def test_the_app_role_cannot_widen_what_a_subscription_sees(place: Cluster) -> None:
    with psycopg.connect(place.app_dsn, autocommit=True) as app:
        for column in ("audience", "department", "mode", "secret", "owner_department", "collections", "filter"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                app.execute(f"UPDATE cop.subscription SET {column} = NULL")


def test_the_command_does_what_the_api_does(
    http: httpx.Client, place: Cluster, owner: Any, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, _ = keys.create(place.owner_dsn, "holder", "reporter", "DSD", None)
    about = {"COP_DATABASE_URL": place.owner_dsn, "COP_APP_DATABASE_URL": place.app_dsn}
    for variable, value in (QUICK | about).items():
        monkeypatch.setenv(variable, value)

    def cop(*words: str) -> str:
        get_settings.cache_clear()
        done = CliRunner().invoke(app, ["subscriptions", *words])
        get_settings.cache_clear()
        return str(done.exception) if isinstance(done.exception, SetupTrouble) else done.output

    assert "did not answer" in cop("add", "https://127.0.0.1:1/", "--key", name)
    assert "wanted https" in cop("add", "http://elsewhere.example/", "--key", name)
    out = cop("add", receiver.url, "--key", name, "--collections", "incidents")
    receiver.secret = next(word for word in out.split() if word.startswith("whsec_"))
    (id_,) = owner.execute("SELECT id FROM cop.subscription WHERE kind = 'webhook'").fetchone()
    incident(owner, "V-1")
    until(lambda: receiver.told() == [("V-1", False)])
    assert receiver.forged == 0
    cop("pause", id_)
    assert f"{id_}  paused" in cop("list")
    incident(owner, "V-2")
    cop("resume", id_)
    until(lambda: receiver.told()[-1:] == [("V-2", False)])
    cop("redeliver", id_)
    cop("remove", id_)
    assert id_ not in cop("list")
    assert "there is no subscription" in cop("remove", id_)
