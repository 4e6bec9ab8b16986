"""The past over HTTP: Accept-Datetime beside asof, a feature's versions as each audience may see them, the horizon."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import mapbox_vector_tile
import psycopg
import pytest

from cop.catalogue import catalogue
from cop.upkeep import prune, redact
from cop.visible import LABELS, Audience
from cop_server.cluster import Cluster, create_database, drop_database
from cop_server.identity import keys

ITEMS = "/collections/incidents/items"
JSON = {"Accept": "application/json"}
HIDDEN = {"dead"}
Values = dict[str, Any]

# What becomes of two records, a minute of the story a step; None: the record is deleted.
SHOWN: list[Values | None] = [
    {"release": "public", "status": "reported", "dead": 0},
    {"status": "confirmed"},
    {"dead": 5},
    {"release": "departments"},
    {"status": "responding"},
    {"release": "public", "status": "controlled"},
    {"dead": 6},
    None,
]
HELD: list[Values | None] = [
    {"release": "public", "status": "reported", "dead": 0},
    {"release": "press"},
    {"release": "owner", "dead": 1},
]
ASKERS: tuple[tuple[str | None, str | None, Audience], ...] = (
    (None, None, "public"), ("press", None, "press"), ("partner", None, "partner"), ("viewer", "DSD", "departments"),
    ("viewer", "FSD", "departments"), ("emsc", None, "emsc"),
)  # fmt: skip


@dataclass(frozen=True)
class Asker:
    """An audience with its credentials."""

    audience: Audience
    department: str | None
    headers: dict[str, str]

    @property
    def inside(self) -> bool:
        return self.audience in ("partner", "departments", "emsc")

    def sees(self, release: str) -> bool:
        if release == "owner":
            return self.audience == "emsc" or self.department == "DSD"
        return release in LABELS[self.audience]


@dataclass
class Told:
    """A record's states and the numbers at which they began; a state of None is the deletion."""

    id: str
    states: list[tuple[int, Values | None]]


def _tell(owner: psycopg.Connection, ref: str, steps: list[Values | None], first_minute: int) -> Told:
    values: Values = {"category": "flood", "title_en": f"Flood {ref}", "department": "DSD", "major": False, "message_status": "exercise",
                      "reported_at": "2025-09-23T00:00:00Z", "source": "t", "source_ref": ref, "position_released": True}  # fmt: skip
    told = Told("", [])
    for minute, step in enumerate(steps, first_minute):
        with owner.transaction():
            owner.execute("SELECT set_config('cop.scenario_at', %s, true), set_config('cop.actor', %s, true),"
                          " set_config('cop.cause', 'the duty room', true)",
                          [f"2025-09-23T03:{minute:02}:00Z", f"officer {minute}"])  # fmt: skip
            if step is None:
                owner.execute("DELETE FROM layer.incidents WHERE id = %s", [told.id])
            elif not told.id:
                values |= step
                names, marks = ", ".join(values), ", ".join(["%s"] * len(values))
                row = owner.execute(f"INSERT INTO layer.incidents ({names}, geom) VALUES ({marks}, ST_SetSRID(ST_Point("
                                    "%s, 22.3), 4326)) RETURNING id", [*values.values(), 114.05 + first_minute / 300]).fetchone()  # fmt: skip
                assert row is not None
                told.id = row[0]
            else:
                values = values | step
                sets = ", ".join(f"{name} = %s" for name in step)
                owner.execute(f"UPDATE layer.incidents SET {sets} WHERE id = %s", [*step.values(), told.id])
        row = owner.execute("SELECT n FROM cop.head").fetchone()
        assert row is not None
        told.states.append((row[0], None if step is None else dict(values)))
    return told


@pytest.fixture(scope="module")
def database(cluster: Cluster, template: str) -> Iterator[Cluster]:
    name = f"t_history_{os.getpid()}"
    yield create_database(cluster, name, template)
    drop_database(cluster, name)


@pytest.fixture(scope="module")
def records(database: Cluster) -> dict[str, Told]:
    with psycopg.connect(database.owner_dsn, autocommit=True) as owner:
        return {"shown": _tell(owner, "shown", SHOWN, 0), "held": _tell(owner, "held", HELD, 20)}


@pytest.fixture(scope="module")
def askers(database: Cluster) -> list[Asker]:
    made = []
    for role, department, audience in ASKERS:
        headers = {"X-API-Key": keys.create(database.owner_dsn, "t", role, department, None)[1]} if role else {}
        made.append(Asker(audience, department, headers | JSON))
    return made


@pytest.fixture(scope="module")
def http(database: Cluster, records: dict[str, Told], start_server_once: Callable[..., str]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=start_server_once(database.app_dsn), timeout=60) as client:
        yield client


def reference(told: Told, asker: Asker) -> list[tuple[int, int | None, str, dict[str, tuple[Any, Any]]]]:
    """The versions that an asker is told of, the oldest first, from the states themselves."""
    ends = [n for n, _ in told.states[1:]] + [None]
    permitted = [values for _, values in told.states if values is not None]
    if not asker.sees(permitted[-1]["release"]):
        return []
    found: list[tuple[int, int | None, str, dict[str, tuple[Any, Any]]]] = []
    shown: Values | None = None  # what the asker saw last, None in a gap
    for (n, values), end in zip(told.states, ends, strict=True):
        if values is None or not asker.sees(values["release"]):
            if shown is not None:
                found.append((n, None, "delete" if values is None else "withdrawn", {}))
            shown = None
            continue
        now = {name: value for name, value in values.items() if asker.inside or name not in HIDDEN}
        changed = {name: (shown[name], now[name]) for name in now if shown is not None and shown[name] != now[name]}
        if shown is None and found:
            found[-1] = (found[-1][0], n, *found[-1][2:])
        if shown is not None and not changed:
            found[-1] = (found[-1][0], end, *found[-1][2:])
        else:
            found.append((n, end, "insert" if shown is None else "update", changed))
        shown = now
    return found


def versions(http: httpx.Client, asker: Asker, id_: str, **parameters: object) -> dict[str, Any]:
    answer = http.get(f"{ITEMS}/{id_}/versions", params=parameters, headers=asker.headers)  # type: ignore[arg-type]
    assert answer.status_code == 200, (asker, answer.text)
    assert answer.headers["content-type"] == "application/geo+json"
    return dict(answer.json())


@pytest.mark.parametrize("name", ["shown", "held"])
def test_versions_are_what_each_audience_may_see(
    http: httpx.Client, askers: list[Asker], records: dict[str, Told], name: str
) -> None:
    told = records[name]
    for asker in askers:
        wanted = reference(told, asker)
        if not wanted:
            answer = http.get(f"{ITEMS}/{told.id}/versions", headers=asker.headers)
            never = http.get(f"{ITEMS}/{told.id}x/versions", headers=asker.headers)
            assert answer.status_code == never.status_code == 404
            assert answer.json()["detail"] == never.json()["detail"].replace(f"{told.id}x", told.id)
            continue
        document = versions(http, asker, told.id, limit=100)
        abouts = [feature["version"] for feature in document["features"]][::-1]
        found = [
            (a["from"], a["to"], a["operation"], {k: (v["before"], v["after"]) for k, v in a["changed"].items()})
            for a in abouts
        ]
        assert found == wanted, asker
        assert document["numberMatched"] == document["numberReturned"] == len(wanted)
        assert len({feature["id"] for feature in document["features"]}) == len(wanted)


def test_who_and_why_are_for_those_who_work_on_it(
    http: httpx.Client, askers: list[Asker], records: dict[str, Told]
) -> None:
    for asker in askers:
        for feature in versions(http, asker, records["shown"].id)["features"]:
            about = feature["version"]
            said = asker.inside and about["operation"] != "withdrawn"
            assert (about["actor"] or "").startswith("officer") == said, (asker, about)
            assert about["cause"] == ("the duty room" if said else None)
            assert about["told_at"].startswith("2025-09-23T03:0")
            assert not about["at"].startswith("2025"), "the time of the commit stands beside the story's"


def test_each_version_leads_to_the_item_as_of_then(
    http: httpx.Client, askers: list[Asker], records: dict[str, Told]
) -> None:
    for asker in askers:
        for feature in versions(http, asker, records["shown"].id, mode="exercise")["features"]:
            if feature["geometry"] is None:
                assert feature["properties"] is None
                assert feature["version"]["operation"] in ("delete", "withdrawn")
                gone = http.get(
                    f"{ITEMS}/{records['shown'].id}", params={"asof": feature["version"]["from"]}, headers=asker.headers
                )
                assert gone.status_code in (400, 404)
                continue
            item = http.get(feature["links"][0]["href"], headers=asker.headers).json()
            assert (item["properties"], item["geometry"]) == (feature["properties"], feature["geometry"])


def test_versions_are_paged_the_newest_first(http: httpx.Client, askers: list[Asker], records: dict[str, Told]) -> None:
    for asker in askers:
        whole = versions(http, asker, records["shown"].id, limit=100)
        path, walked = f"{ITEMS}/{records['shown'].id}/versions?limit=2", []
        while path:
            page = http.get(path, headers=asker.headers).json()
            assert page["numberMatched"] == whole["numberMatched"]
            walked += page["features"]
            path = next((one["href"] for one in page["links"] if one["rel"] == "next"), "")
        assert walked == whole["features"]
    empty = versions(http, askers[0], records["shown"].id, before=1)
    assert (empty["numberReturned"], empty["features"]) == (0, [])


def test_a_change_that_is_hidden_from_an_asker_leaves_his_versions_as_they_were(
    http: httpx.Client, database: Cluster, askers: list[Asker]
) -> None:
    with psycopg.connect(database.owner_dsn, autocommit=True) as owner:
        told = _tell(owner, "quiet", [{"release": "public", "status": "reported", "dead": 0}], 40)
        before = [versions(http, asker, told.id)["features"] for asker in askers]
        owner.execute("UPDATE layer.incidents SET dead = 9 WHERE id = %s", [told.id])
        after = [versions(http, asker, told.id)["features"] for asker in askers]
        owner.execute("DELETE FROM layer.incidents WHERE id = %s", [told.id])
    for asker, one, other in zip(askers, before, after, strict=True):
        assert (one == other) == (not asker.inside), asker


def test_bad_questions_for_versions(http: httpx.Client, records: dict[str, Told]) -> None:
    path = f"{ITEMS}/{records['shown'].id}/versions"
    for query, parameter in (
        ("before=x", "before"),
        ("before=0", "before"),
        ("limit=0", "limit"),
        ("asof=1", "asof"),
        ("f=html", "f"),
    ):
        answer = http.get(f"{path}?{query}", headers=JSON)
        assert (answer.status_code, answer.json()["parameter"]) == (400, parameter)
    assert http.get("/collections/nothing/items/x/versions", headers=JSON).status_code == 404
    assert http.get(f"{ITEMS}/%00/versions", headers=JSON).status_code == 404


def test_an_item_links_its_versions_and_an_etag_spares_them(http: httpx.Client, database: Cluster) -> None:
    with psycopg.connect(database.owner_dsn, autocommit=True) as owner:
        told = _tell(owner, "linked", [{"release": "public", "status": "reported"}], 41)
        item = http.get(f"{ITEMS}/{told.id}", headers=JSON).json()
        path = next(one["href"] for one in item["links"] if one["rel"] == "version-history")
        first = http.get(path, headers=JSON)
        again = http.get(path, headers={**JSON, "If-None-Match": first.headers["etag"]})
        assert (first.status_code, again.status_code) == (200, 304)
        owner.execute("DELETE FROM layer.incidents WHERE id = %s", [told.id])
    assert http.get(path, headers={**JSON, "If-None-Match": first.headers["etag"]}).status_code == 200


WHEN = {minute: f"Tue, 23 Sep 2025 03:{minute:02}:30 GMT" for minute in range(60)}


def _same(http: httpx.Client, path: str, minute: int, asker: Asker, form: str) -> tuple[httpx.Response, httpx.Response]:
    headers = {**asker.headers, "Accept": form}
    by_header = http.get(path, headers={**headers, "Accept-Datetime": WHEN[minute]})
    sign = "&" if "?" in path else "?"
    by_parameter = http.get(f"{path}{sign}asof=2025-09-23T03:{minute:02}:30Z", headers=headers)
    return by_header, by_parameter


def test_accept_datetime_is_asof(http: httpx.Client, askers: list[Asker], records: dict[str, Told]) -> None:
    tile = "/collections/incidents/tiles/WebMercatorQuad/10/446/836"
    paths = (
        (f"{ITEMS}?limit=5", "application/geo+json"), (f"{ITEMS}?resulttype=hits", "application/geo+json"),
        (f"{ITEMS}/{records['shown'].id}", "application/geo+json"), (tile, "*/*"),
        (f"{tile.replace('/collections/incidents', '')}?collections=incidents", "*/*"), (f"{ITEMS}?limit=5", "text/html"),
    )  # fmt: skip
    for asker, (path, form), minute in itertools.product((askers[0], askers[-1]), paths, (0, 2, 4, 6)):
        by_header, by_parameter = _same(http, path, minute, asker, form)
        assert by_header.status_code == by_parameter.status_code
        assert "accept-datetime" in by_parameter.headers["vary"].lower() or by_header.status_code == 404
        if by_header.status_code != 200:
            continue
        if form != "text/html":
            assert by_header.content == by_parameter.content
        for answer in (by_header, by_parameter):
            assert answer.headers["memento-datetime"] == WHEN[minute]
            assert "accept-datetime" in answer.headers["vary"].lower()
            assert 'rel="original timegate"' in answer.headers["link"]
            assert "asof=" not in answer.headers["link"].split(">")[0]
            assert "asof=2025" in answer.headers["content-location"]
        assert ('rel="timemap"' in by_header.headers["link"]) == path.endswith(records["shown"].id)


def test_the_past_by_header_is_the_past(http: httpx.Client, askers: list[Asker], records: dict[str, Told]) -> None:
    path = f"{ITEMS}/{records['shown'].id}"
    for asker, (minute, (_, values)) in itertools.product(askers, enumerate(records["shown"].states)):
        answer = http.get(path, headers={**asker.headers, "Accept-Datetime": WHEN[minute]})
        if values is None or not asker.sees(values["release"]):
            assert answer.status_code == 404
        else:
            assert answer.json()["properties"]["status"] == values["status"]
    body = http.get(
        "/collections/incidents/tiles/WebMercatorQuad/10/446/836", headers={"Accept-Datetime": WHEN[0]}
    ).content
    assert [f["properties"]["status"] for f in mapbox_vector_tile.decode(body)["incidents"]["features"]] == ["reported"]


def test_without_a_moment_an_address_says_that_it_takes_one(http: httpx.Client) -> None:
    answer = http.get(ITEMS, headers=JSON)
    assert "accept-datetime" in answer.headers["vary"].lower()
    assert 'rel="original timegate"' in answer.headers["link"]
    assert "memento-datetime" not in answer.headers
    ahead = http.get(ITEMS, headers={**JSON, "Accept-Datetime": "Tue, 01 Jan 2999 00:00:00 GMT"})
    assert "memento-datetime" not in ahead.headers
    assert ahead.json()["features"] == answer.json()["features"], "RFC 7089: after the newest, the newest"
    assert "accept-datetime" not in http.get("/collections", headers=JSON).headers["vary"].lower()


def test_a_number_has_its_time(http: httpx.Client, records: dict[str, Told]) -> None:
    answer = http.get(f"{ITEMS}/{records['shown'].id}", params={"asof": records["shown"].states[1][0]}, headers=JSON)
    assert answer.headers["memento-datetime"] == "Tue, 23 Sep 2025 03:01:00 GMT"


@pytest.mark.parametrize(
    ("header", "asof", "status"),
    [
        ("Tue, 23 Sep 2025 03:01:30 GMT", "2025-09-23T03:01:30Z", 200),
        ("Tue, 23 Sep 2025 03:01:30 GMT", "2025-09-23T11:01:30.5+08:00", 200),
        ("Tue, 23 Sep 2025 03:01:30 GMT", "2025-09-23T03:01:31Z", 400),
        ("Tue, 23 Sep 2025 03:01:30 GMT", "2", 400),
        ("2025-09-23T03:01:30Z", None, 400),
        ("Tue, 23 Sep 2025 11:01:30 +0800", None, 400),
        ("yesterday", None, 400),
        ("Mon, 01 Jan 1990 00:00:00 GMT", None, 410),
    ],
)
def test_moments_that_fit_and_moments_that_do_not(
    http: httpx.Client, records: dict[str, Told], header: str, asof: str | None, status: int
) -> None:
    parameters = {"asof": asof} if asof else {}
    answer = http.get(ITEMS, params=parameters, headers={**JSON, "Accept-Datetime": header})
    assert answer.status_code == status, answer.text
    if status != 200:
        assert answer.json()["example"]


def test_actual_mode_knows_nothing_of_the_story(http: httpx.Client, records: dict[str, Told]) -> None:
    headers = {**JSON, "Accept-Datetime": WHEN[1]}
    assert http.get(f"{ITEMS}?mode=actual", headers=headers).status_code == 410


def test_what_is_redacted_is_gone_from_every_answer_about_the_past(
    http: httpx.Client, database: Cluster, askers: list[Asker]
) -> None:
    with psycopg.connect(database.owner_dsn, autocommit=True) as owner:
        told = _tell(
            owner,
            "named",
            [{"release": "public", "title_en": "Mr Nobody", "status": "reported"}, {"status": "confirmed"}],
            42,
        )
        n = told.states[0][0]
        paths = [f"{ITEMS}/{told.id}?asof={n}", f"{ITEMS}?asof={n}&limit=100", f"{ITEMS}/{told.id}/versions", f"{ITEMS}/{told.id}",
                 f"/collections/incidents/tiles/WebMercatorQuad/10/446/836?asof={n}"]  # fmt: skip
        before = [http.get(path, headers={**askers[-1].headers, "Accept": "*/*"}) for path in paths]
        assert all(b"Mr Nobody" in answer.content for answer in before)
        redact(database.owner_dsn, catalogue().layers["incidents"], told.id, ["title_en"], reason="a name", by="DPO")
        for path, old in zip(paths, before, strict=True):
            headers = {**askers[-1].headers, "Accept": "*/*", "If-None-Match": old.headers["etag"]}
            answer = http.get(path, headers=headers)
            assert answer.status_code == 200, (path, "a kept answer is not taken for a good one")
            assert b"Mr Nobody" not in answer.content
        owner.execute("DELETE FROM layer.incidents WHERE id = %s", [told.id])


def test_before_the_horizon_it_is_gone_and_the_earliest_time_is_named(
    http: httpx.Client, database: Cluster, records: dict[str, Told]
) -> None:
    """Last, for it lets the history of this module go."""
    with psycopg.connect(database.owner_dsn, autocommit=True) as owner:
        told = _tell(owner, "kept", [{"release": "public", "status": "reported"}, {"status": "confirmed"}], 50)
        here = http.get(ITEMS, headers=JSON).json()["features"]
        dry = sum(one.versions for one in prune(database.owner_dsn, catalogue(), 1e-9, really=False))
        gone = sum(one.versions for one in prune(database.owner_dsn, catalogue(), 1e-9, really=True))
        assert dry == gone > 10
    before = http.get(f"{ITEMS}/{told.id}", params={"asof": told.states[0][0]}, headers=JSON)
    assert before.status_code == 410
    earliest = before.json()["example"]
    for headers in ({}, {"Accept-Datetime": WHEN[50]}):
        path = ITEMS if headers else f"{ITEMS}?asof=2025-09-23T03:50:30Z"
        answer = http.get(path, headers={**JSON, **headers})
        assert (answer.status_code, answer.json()["example"]) == (410, earliest)
    assert http.get(ITEMS, params={"asof": earliest}, headers=JSON).json()["features"] == here
    assert http.get(ITEMS, params={"asof": told.states[1][0]}, headers=JSON).json()["features"] == here
    assert http.get(f"{ITEMS}?f=html&asof=1").status_code == 410
    kept = http.get(f"{ITEMS}/{told.id}/versions", headers=JSON).json()["features"]
    assert [feature["version"]["from"] for feature in kept] == [told.states[1][0]]
