"""Shift-handover notes: a department writes them for itself, they are never changed, and they are accepted once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from cop_server.cluster import Cluster, create_database, drop_database
from cop_server.identity import keys

ITEMS = "/collections/handover-notes/items"
MODE = {"mode": "actual"}
Json = dict[str, Any]
Person = Callable[[str, str], httpx.Client]


@pytest.fixture(scope="module")
def person(cluster: Cluster, template: str, start_server_once: Callable[..., str]) -> Iterator[Person]:
    name = f"t_handover_{os.getpid()}"
    database = create_database(cluster, name, template)
    url = start_server_once(database.app_dsn)
    made: dict[tuple[str, str], httpx.Client] = {}

    def client(role: str, department: str) -> httpx.Client:
        if (role, department) not in made:
            key = keys.create(database.owner_dsn, f"{role} {department}", role, department, None)[1]
            headers = {"X-API-Key": key, "Accept": "application/json"}
            made[role, department] = httpx.Client(base_url=url, timeout=60, headers=headers, params=MODE)
        return made[role, department]

    yield client
    for one in made.values():
        one.close()
    drop_database(cluster, name)


def note(**more: Any) -> Json:
    properties = {"shift_start": "2026-01-01T00:00:00Z", "text_en": "Pumps run at Sha Tin", **more}
    return {"type": "Feature", "geometry": None, "properties": properties}


def written(by: httpx.Client, **more: Any) -> Json:
    answer = by.post(ITEMS, json=note(**more))
    assert answer.status_code == 201, answer.text
    made: Json = answer.json()
    return made


def patched(by: httpx.Client, id_: str, **properties: Any) -> httpx.Response:
    kind = {"Content-Type": "application/merge-patch+json"}
    return by.patch(f"{ITEMS}/{id_}", json={"properties": properties}, headers=kind)


def test_a_note_is_its_departments_own(person: Person) -> None:
    dsd, other = person("reporter", "DSD"), person("administrator", "HyD")
    made = written(dsd, incidents=["I-20260101-00001", "I-20260101-00002"])
    kept = made["properties"]
    assert made["id"].startswith("H-")
    assert (kept["department"], kept["author_role"], kept["release"], kept["state"]) == (
        "DSD", "reporter", "owner", "open")  # fmt: skip
    assert kept["incidents"] == ["I-20260101-00001", "I-20260101-00002"]
    assert kept["at"]
    assert kept["accepted_at"] is None
    assert dsd.get(f"{ITEMS}/{made['id']}").status_code == 200
    assert other.get(f"{ITEMS}/{made['id']}").status_code == 404
    assert patched(other, made["id"], state="accepted").status_code == 404


def test_a_note_is_accepted_once_and_never_changed(person: Person) -> None:
    dsd, next_shift = person("reporter", "DSD"), person("administrator", "DSD")
    id_ = written(dsd)["id"]
    for name, value in {"text_en": "No pumps run", "shift_start": "2026-01-02T00:00:00Z", "author_role": "emsc",
                        "accepted_by_role": "emsc", "accepted_at": "2026-01-01T08:00:00Z"}.items():  # fmt: skip
        answer = patched(dsd, id_, **{name: value})
        assert answer.status_code == 422, (name, answer.text)
        assert answer.json()["errors"][0]["pointer"] == f"/properties/{name}"
    assert dsd.delete(f"{ITEMS}/{id_}").status_code == 405
    taken = patched(next_shift, id_, state="accepted")
    assert taken.status_code == 200, taken.text
    kept = taken.json()["properties"]
    assert (kept["state"], kept["accepted_by_role"]) == ("accepted", "administrator")
    assert kept["accepted_at"]
    again = patched(dsd, id_, state="open")
    assert again.status_code == 422
    assert "accepted is the last state" in again.text


def test_who_only_reads_writes_no_note(person: Person) -> None:
    assert person("viewer", "DSD").post(ITEMS, json=note()).status_code == 403
    empty = person("reporter", "DSD").post(ITEMS, json=note(text_en=None))
    assert empty.status_code == 422
