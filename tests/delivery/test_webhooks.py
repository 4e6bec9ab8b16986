"""Webhooks: signed, complete, in order for each feature, whatever the target does; and nothing that may not be seen."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
from receivers import Came, Receiver, in_order, is_signed, replica_of, state, until
from replicas import Life, audiences, features, incident

from cop_server.cluster import Cluster
from cop_server.identity import keys

ITEMS = "/collections/incidents/items"
Key = Callable[..., dict[str, str]]
Subscribe = Callable[..., dict[str, Any]]


def test_a_change_comes_signed_and_is_the_event_of_the_stream(
    http: httpx.Client, url: str, owner: Any, receiver: Receiver, key: Key, subscribe: Subscribe
) -> None:
    me = key()
    incident(owner, "before")
    made = subscribe(me)
    assert receiver.asked[0]["WebHook-Request-Origin"] == "127.0.0.1"
    incident(owner, "A-1", release="owner")
    owner.execute("DELETE FROM layer.incidents WHERE id = 'A-1'")
    until(lambda: receiver.told()[-1:] == [("A-1", True)])
    came = receiver.came[0]
    assert came.headers["content-type"] == "application/cloudevents-batch+json; charset=utf-8"
    assert came.headers["webhook-request-origin"] == "127.0.0.1"
    assert is_signed(made["secret"], came.headers, came.body)
    assert not is_signed(made["secret"], came.headers, came.body + b" ")
    assert receiver.forged == 0
    with httpx.stream(
        "GET",
        f"{url}/events",
        params={"collections": "incidents", "since": made["place"].partition(":")[0]},
        headers=me,
    ) as stream:
        lines = stream.iter_lines()
        data = next(line for line in lines if line.startswith("data: "))
    assert data[6:].encode() in receiver.came[-1].body, "the bytes of the stream"
    listed = http.get("/subscriptions", headers=me).json()["subscriptions"]
    assert [one["id"] for one in listed] == [made["id"]]
    assert "secret" not in listed[0], "told once"


def test_the_audit_knows_what_was_sent_and_who_has_it_sent(
    http: httpx.Client, owner: Any, receiver: Receiver, key: Key, subscribe: Subscribe
) -> None:
    me, boss, other, open_to_all = key(), key("administrator", "DSD"), Receiver(), Receiver()
    made = subscribe(me)
    here = f"/subscriptions/{made['id']}"
    subscribe(me, open_to_all, audience="public")
    incident(owner, "N-1")
    until(lambda: receiver.told() == open_to_all.told() == [("N-1", False)])
    http.patch(here, json={"target": other.url}, headers=me)
    http.patch(here, json={"state": "paused"}, headers=me)
    http.post(f"{here}/redeliver", headers=me)
    http.delete(here, headers=me)

    def told(**about: str) -> list[tuple[Any, ...]]:
        entries = http.get("/audit", params=about, headers=boss).json()["entries"]
        return [(one["form"], one["actor"], one["collection"], one["count"]) for one in reversed(entries)]

    who = made["owner"]["subject"]
    wanted = [(form, who, "subscriptions", 1) for form in ("create", "retarget", "change", "redeliver", "remove")]
    until(lambda: told(feature=made["id"], deed="subscribe") == wanted, told=lambda: told(deed="subscribe"))
    assert told(actor=who, deed="export") == [("webhook", who, "incidents", 1)], "what is public is not noted"
    other.stop()
    open_to_all.stop()


def test_single_content_is_one_event_a_request(owner: Any, receiver: Receiver, key: Key, subscribe: Subscribe) -> None:
    subscribe(key(), content="single")
    for n in range(3):
        incident(owner, f"B-{n}")
    until(lambda: len(receiver.taken) == 3)
    assert [len(one.events) for one in receiver.came] == [1, 1, 1]
    assert receiver.came[0].headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert receiver.came[0].body[:1] == b"{"
    assert receiver.forged == 0


def test_the_replica_of_every_audience_equals_the_original(
    http: httpx.Client, place: Cluster, owner: Any, key: Key, subscribe: Subscribe
) -> None:
    narrowed = {"bbox": [114.0, 22.2, 114.1, 22.4], "filter": "category = 'flood'"}
    query = {"bbox": "114.0,22.2,114.1,22.4", "filter": "category = 'flood'"}
    emsc, dsd, known = key("emsc", None), key("reporter", "DSD"), audiences(place)
    wanted: list[tuple[Receiver, dict[str, str], dict[str, str]]] = []
    for headers, told, see, ask in (
        (emsc, {}, known["emsc"], {}),
        (dsd, {}, known["viewer"], {}),
        (dsd, {"audience": "public"}, {}, {}),
        (emsc, {"audience": "press"}, known["press"], {}),
        (dsd, narrowed, known["viewer"], query),
    ):
        wanted.append((Receiver(), see, ask))
        subscribe(headers, wanted[-1][0], since=0, **told)
    try:
        Life(owner, seed=5).go_on(80)
        for to, see, ask in wanted:
            original = features(http, ITEMS, see, **ask)
            until(lambda t=to, o=original: replica_of(t.taken) == o)  # type: ignore[misc]
            in_order(to.taken)
            assert to.forged == 0
    finally:
        for to, _, _ in wanted:
            to.stop()


def test_a_target_that_is_down_holds_up_nothing_and_gets_all_afterwards(
    http: httpx.Client, owner: Any, receiver: Receiver, key: Key, subscribe: Subscribe
) -> None:
    me = key()
    made = subscribe(me, since=0)
    life = Life(owner, seed=7)
    life.go_on(10)
    until(lambda: len(receiver.taken) > 0)
    receiver.stop()
    life.go_on(10)
    until(lambda: state(owner, made["id"])[2] > 2)
    began = time.monotonic()
    life.go_on(30)
    assert owner.execute("SELECT count(*) FROM cop.journal").fetchone()[0] > 50
    assert time.monotonic() - began < 20, "writes go on"
    assert "no answer" in http.get(f"/subscriptions/{made['id']}", headers=me).json()["last_error"]
    receiver.start()
    original = features(http, ITEMS, me)
    until(lambda: replica_of(receiver.taken) == original)
    in_order(receiver.taken)
    assert state(owner, made["id"]) == ("active", None, 0)


def test_failures_timeouts_and_redirects_are_tried_again(
    owner: Any, receiver: Receiver, key: Key, subscribe: Subscribe
) -> None:
    elsewhere = Receiver()
    answers = iter([(500, {}), (429, {"Retry-After": "1"}), (307, {"Location": elsewhere.url}), None])

    def answer(came: Came) -> tuple[int, dict[str, str]]:
        told = next(answers, (204, {}))
        if told is None:
            time.sleep(3)  # longer than anybody waits
            return 204, {}
        return told

    receiver.answer = answer
    made = subscribe(key())
    incident(owner, "C-1")
    until(lambda: len(receiver.came) == 5, told=lambda: [one.status for one in receiver.came])
    assert {one.headers["webhook-id"] for one in receiver.came} == {receiver.came[0].headers["webhook-id"]}
    assert [one.status for one in receiver.came[:3]] == [500, 429, 307]
    assert receiver.came[2].at - receiver.came[1].at >= 1, "Retry-After"
    assert elsewhere.came == [], "redirects are not followed"
    until(lambda: state(owner, made["id"]) == ("active", None, 0))
    elsewhere.stop()


def test_410_ends_the_subscription_and_resuming_asks_the_target_again(
    http: httpx.Client, owner: Any, receiver: Receiver, key: Key, subscribe: Subscribe
) -> None:
    me = key()
    made = subscribe(me)
    receiver.answer = lambda _: (410, {})
    incident(owner, "D-1")
    until(lambda: state(owner, made["id"])[0] == "dead")
    assert "410" in state(owner, made["id"])[1]
    receiver.answer = lambda _: (204, {})
    receiver.agrees = {}
    here = f"/subscriptions/{made['id']}"
    refused = http.patch(here, json={"state": "active"}, headers=me)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/target"
    receiver.agrees = {"WebHook-Allowed-Origin": "127.0.0.1", "WebHook-Allowed-Rate": "600"}
    resumed = http.patch(here, json={"state": "active"}, headers=me).json()
    assert (resumed["state"], resumed["rate"]) == ("active", 600)
    until(lambda: receiver.told() == [("D-1", False)])


def test_a_poisoned_event_is_a_dead_letter_and_the_others_go_on(
    http: httpx.Client, owner: Any, receiver: Receiver, key: Key, subscribe: Subscribe
) -> None:
    me = key()
    receiver.answer = lambda came: (400 if any(one["subject"] == "bad" for one in came.events) else 204, {})
    made = subscribe(me)
    with owner.transaction():
        for n in range(6):
            incident(owner, f"E-{n}")
        incident(owner, "bad")
        for n in range(6, 12):
            incident(owner, f"E-{n}")
    good = {(f"E-{n}", False) for n in range(12)}
    until(lambda: set(receiver.told()) == good, told=receiver.told)
    here = f"/subscriptions/{made['id']}"
    letters = http.get(f"{here}/dead-letters", headers=me).json()
    assert letters["number"] == 1
    letter = letters["dead_letters"][0]
    assert (letter["collection"], letter["feature"], letter["attempts"], letter["due"]) == (
        "incidents",
        "bad",
        8,
        False,
    )
    assert letter["reason"] == "the target answered 400"

    # Sent again while it is still refused, it stays.
    assert http.post(f"{here}/redeliver", headers=me).json() == {"redelivering": 1}
    tries = len(receiver.came)
    until(lambda: len(receiver.came) > tries)
    until(lambda: http.get(f"{here}/dead-letters", headers=me).json()["dead_letters"][0]["due"] is False)

    # A target that answers 500 to it keeps the letter, and holds up nothing; the place does not go back.
    receiver.answer = lambda came: (500 if any(one["subject"] == "bad" for one in came.events) else 204, {})
    http.post(f"{here}/redeliver", headers=me)
    until(lambda: "500" in http.get(f"{here}/dead-letters", headers=me).json()["dead_letters"][0]["reason"])
    incident(owner, "E-after")
    until(lambda: receiver.told()[-1:] == [("E-after", False)])
    assert [told for told in receiver.told() if told == ("E-0", False)] == [("E-0", False)]

    # Sent again, it comes in its newest state, and never after that in an older one.
    receiver.answer = lambda _: (204, {})
    assert http.post(f"{here}/redeliver", headers=me).status_code == 202
    until(lambda: ("bad", False) in receiver.told())
    until(lambda: http.get(f"{here}/dead-letters", headers=me).json()["number"] == 0)
    in_order(receiver.taken)


def test_a_later_change_settles_a_dead_letter(
    http: httpx.Client, owner: Any, receiver: Receiver, key: Key, subscribe: Subscribe
) -> None:
    me = key()
    receiver.answer = lambda _: (422, {})
    here = f"/subscriptions/{subscribe(me)['id']}"
    incident(owner, "F-1", release="departments")
    until(lambda: http.get(f"{here}/dead-letters", headers=me).json()["number"] == 1)
    receiver.answer = lambda _: (204, {})
    owner.execute("DELETE FROM layer.incidents WHERE id = 'F-1'")
    until(lambda: receiver.told() == [("F-1", True)])
    until(lambda: http.get(f"{here}/dead-letters", headers=me).json()["number"] == 0)


def test_a_redelivered_record_that_left_is_a_tombstone(
    http: httpx.Client, owner: Any, receiver: Receiver, key: Key, subscribe: Subscribe
) -> None:
    me = key()
    here = f"/subscriptions/{subscribe(me, audience='public')['id']}"
    receiver.answer = lambda _: (400, {})
    incident(owner, "G-1")
    until(lambda: http.get(f"{here}/dead-letters", headers=me).json()["number"] == 1)
    http.patch(here, json={"state": "paused"}, headers=me)
    owner.execute("UPDATE layer.incidents SET release = 'owner', title_en = 'restricted' WHERE id = 'G-1'")
    receiver.answer = lambda _: (204, {})
    http.post(f"{here}/redeliver", headers=me)
    http.patch(here, json={"state": "active"}, headers=me)
    until(lambda: receiver.told()[:1] == [("G-1", True)])
    assert not any(b"restricted" in one.body for one in receiver.came)


def test_pausing_keeps_the_place(
    http: httpx.Client, owner: Any, receiver: Receiver, key: Key, subscribe: Subscribe
) -> None:
    me = key()
    made = subscribe(me)
    here = f"/subscriptions/{made['id']}"
    assert http.patch(here, json={"state": "paused"}, headers=me).json()["state"] == "paused"
    incident(owner, "H-1")
    other = Receiver()
    moved = http.patch(here, json={"target": other.url}, headers=me).json()
    assert (moved["state"], moved["target"]) == ("paused", other.url)
    incident(owner, "H-2")
    time.sleep(1)
    assert receiver.came == []
    http.patch(here, json={"state": "active"}, headers=me)
    until(lambda: other.told() == [("H-1", False), ("H-2", False)])
    http.patch(here, json={"since": made["place"]}, headers=me)
    until(lambda: len(other.told()) == 4)
    assert http.delete(here, headers=me).status_code == 204
    incident(owner, "H-3")
    time.sleep(1)
    assert (receiver.came, len(other.told())) == ([], 4)
    assert http.get(here, headers=me).status_code == 404
    other.stop()


def test_a_new_place_is_kept_while_a_delivery_is_under_way(
    http: httpx.Client, owner: Any, receiver: Receiver, key: Key, subscribe: Subscribe
) -> None:
    me = key()
    made = subscribe(me)
    here = f"/subscriptions/{made['id']}"
    incident(owner, "R-1")
    until(lambda: receiver.told() == [("R-1", False)])
    under_way, goes_on = threading.Event(), threading.Event()

    def answer(_: Came) -> tuple[int, dict[str, str]]:
        under_way.set()
        goes_on.wait(1.5)  # less than the sender waits
        return 204, {}

    receiver.answer = answer
    incident(owner, "R-2")
    assert under_way.wait(20)
    assert http.patch(here, json={"since": made["place"]}, headers=me).status_code == 200
    time.sleep(1.1)  # until the worker has seen it, which must not be the end of it either
    goes_on.set()
    until(lambda: len(receiver.told()) >= 4, told=receiver.told)
    assert receiver.told() == [("R-1", False), ("R-2", False), ("R-1", False), ("R-2", False)]


def test_a_new_target_is_kept_while_the_old_one_fails(
    http: httpx.Client, owner: Any, receiver: Receiver, key: Key, subscribe: Subscribe
) -> None:
    me = key()
    made = subscribe(me)
    other, under_way, goes_on = Receiver(), threading.Event(), threading.Event()

    def answer(_: Came) -> tuple[int, dict[str, str]]:
        under_way.set()
        goes_on.wait(1.5)
        return 410, {}

    receiver.answer = answer
    incident(owner, "S-1")
    assert under_way.wait(20)
    assert http.patch(f"/subscriptions/{made['id']}", json={"target": other.url}, headers=me).status_code == 200
    goes_on.set()
    until(lambda: other.told() == [("S-1", False)])
    assert state(owner, made["id"])[0] == "active"
    other.stop()


def test_a_revoked_key_and_a_smaller_role_stop_it(
    http: httpx.Client, place: Cluster, owner: Any, receiver: Receiver, key: Key, subscribe: Subscribe
) -> None:
    name, made = keys.create(place.owner_dsn, "ends", "reporter", "DSD", None)
    first = subscribe({"X-API-Key": made})["id"]
    second_name, second_key = keys.create(place.owner_dsn, "shrinks", "emsc", "", None)
    other = Receiver()
    second = subscribe({"X-API-Key": second_key}, other)["id"]
    incident(owner, "I-1", release="owner", department="FSD")
    until(lambda: other.told() == [("I-1", False)])
    keys.revoke(place.owner_dsn, name)
    owner.execute("UPDATE cop.api_key SET role = 'reporter', department = 'DSD' WHERE id = %s", [second_name])
    time.sleep(5.1)  # as long as a process goes by what it knows of a key
    incident(owner, "I-2", release="owner", department="FSD")
    incident(owner, "I-3")
    until(lambda: state(owner, first)[0] == state(owner, second)[0] == "dead")
    assert receiver.came == []
    assert other.told() == [("I-1", False)]
    assert "has ended" in state(owner, first)[1]
    assert "sees less" in state(owner, second)[1]
    # An administrator takes it over; what it sees stays what it was.
    boss = key("administrator", "DSD")
    resumed = http.patch(f"/subscriptions/{first}", json={"state": "active"}, headers=boss)
    assert resumed.json()["owner"]["subject"] != f"key:{name}"
    until(lambda: receiver.told() == [("I-3", False)])
    assert http.patch(f"/subscriptions/{second}", json={"state": "active"}, headers=boss).status_code == 404
    other.stop()


def test_what_was_restricted_while_the_target_was_down_is_not_told(
    owner: Any, receiver: Receiver, key: Key, subscribe: Subscribe
) -> None:
    made = subscribe(key(), audience="public")
    receiver.stop()
    incident(owner, "W-1", title="open to all")
    until(lambda: state(owner, made["id"])[2] > 0)
    owner.execute("UPDATE layer.incidents SET release = 'owner', title_en = 'restricted' WHERE id = 'W-1'")
    receiver.start()
    until(lambda: receiver.told() == [("W-1", True)])
    assert not any(b"open to all" in one.body or b"restricted" in one.body for one in receiver.came)


def test_writes_go_on_and_nothing_is_missed_while_the_target_comes_and_goes(
    http: httpx.Client, owner: Any, receiver: Receiver, key: Key, subscribe: Subscribe
) -> None:
    me = key("emsc", None)
    subscribe(me, since=0)
    fails = iter(range(10**6))
    receiver.answer = lambda _: ((204, 204, 503)[next(fails) % 3], {})
    ends = threading.Event()

    def come_and_go() -> None:
        while not ends.wait(0.4):
            receiver.stop()
            time.sleep(0.2)
            receiver.start()

    breaking = threading.Thread(target=come_and_go)
    breaking.start()
    try:
        life = Life(owner, seed=3)
        for _ in range(12):
            life.go_on(6)
            time.sleep(0.1)
    finally:
        ends.set()
        breaking.join()
    original = features(http, ITEMS, me)
    until(lambda: replica_of(receiver.taken) == original)
    in_order(receiver.taken)
    assert receiver.forged == 0
