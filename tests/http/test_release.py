"""Release: every output, asked as every audience, holds what the labels permit and nothing of the rest."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import mapbox_vector_tile
import psycopg
import pytest
from places import tile_with

from cop.catalogue import catalogue
from cop.visible import LABELS, Audience
from cop_server.cluster import Cluster, create_database, drop_database
from cop_server.identity import keys

RELEASES = ("public", "press", "partner", "departments", "owner")
DEPARTMENTS = ("DSD", "FSD", "CEDD")
MODES = ("exercise", "actual")
CATEGORIES = ("flood", "landslide")


@dataclass(frozen=True)
class Row:
    """An incident of the reference: its id, labels, and what a filter may ask of it."""

    id: str
    mode: str
    release: str
    department: str
    category: str
    lon: float


@dataclass(frozen=True)
class Asker:
    """An audience with its credentials."""

    name: str
    audience: Audience
    department: str | None
    headers: dict[str, str]

    def sees(self, row: Row, mode: str = "exercise") -> bool:
        """The reference: the contract's table of audiences, read row by row."""
        if row.mode != mode:
            return False
        if row.release == "owner":
            return self.audience == "emsc" or (self.audience == "departments" and self.department == row.department)
        return row.release in LABELS[self.audience]


ROWS = [
    Row(f"T-{mode}-{release}-{department}-{category}", mode, release, department, category, 114.0 + place / 1000)
    for place, (mode, release, department, category) in enumerate(
        itertools.product(MODES, RELEASES, DEPARTMENTS, CATEGORIES)
    )
]
ROLES: tuple[tuple[str, str | None, Audience], ...] = (
    ("press", None, "press"), ("partner", None, "partner"), ("viewer", "DSD", "departments"),
    ("reporter", "FSD", "departments"), ("administrator", "CEDD", "departments"), ("emsc", None, "emsc"),
)  # fmt: skip


@pytest.fixture(scope="module")
def database(cluster: Cluster, template: str) -> Iterator[Cluster]:
    """One database for all tests here, with every combination of labels in it; whoever changes it puts it back."""
    name = f"t_release_{os.getpid()}"
    made = create_database(cluster, name, template)
    with psycopg.connect(made.owner_dsn, autocommit=True) as owner:
        for row in ROWS:
            _insert(owner, row)
    yield made
    drop_database(cluster, name)


@pytest.fixture(scope="module")
def askers(database: Cluster) -> list[Asker]:
    known = [Asker("nobody", "public", None, {})]
    for role, department, audience in ROLES:
        _, key = keys.create(database.owner_dsn, f"test {role}", role, department, None)
        known.append(Asker(role, audience, department, {"X-API-Key": key}))
    return known


def _insert(owner: psycopg.Connection, row: Row, **more: object) -> None:
    values = {
        "id": row.id, "message_status": row.mode, "release": row.release, "department": row.department,
        "category": row.category, "status": "reported", "title_en": f"secret of {row.id}", "reported_at": "2025-09-24T00:00:00Z",
        "source": "test", "source_ref": row.id, "dead": 3, "provenance": "exercise", "position_released": True,
        **more,
    }  # fmt: skip
    names = ", ".join(values)
    places = ", ".join(f"%({name})s" for name in values)
    owner.execute(
        f"INSERT INTO layer.incidents ({names}, geom)"
        f" VALUES ({places}, ST_SetSRID(ST_MakePoint(%(lon)s, 22.3), 4326))", {**values, "lon": row.lon},
    )  # fmt: skip


@pytest.fixture(scope="module")
def http(database: Cluster, start_server_once: Callable[..., str]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=start_server_once(database.app_dsn), timeout=60) as client:
        yield client


def _json(http: httpx.Client, asker: Asker, path: str) -> dict[str, Any]:
    answer = http.get(path, headers={**asker.headers, "Accept": "application/json"})
    assert answer.status_code == 200, (asker.name, path, answer.text[:300])
    document: dict[str, Any] = answer.json()
    return document


def _ids(document: dict[str, Any]) -> list[str]:
    return [feature["id"] for feature in document["features"]]


ITEMS = "/collections/incidents/items"
QUESTIONS: dict[str, tuple[str, Callable[[Row], bool]]] = {
    "all": ("limit=1000", lambda _: True),
    "property": ("limit=1000&category=flood", lambda row: row.category == "flood"),
    "release": ("limit=1000&filter=release='owner'", lambda row: row.release == "owner"),
    "department": ("limit=1000&filter=department IN ('FSD')", lambda row: row.department == "FSD"),
    "negated": ("limit=1000&filter=NOT release='public'", lambda row: row.release != "public"),
    "box": ("limit=1000&bbox=114.0,22.2,114.02,22.4", lambda row: row.lon <= 114.02),
    "words": ("limit=1000&filter=title_en LIKE 'secret%'", lambda _: True),
}


@pytest.mark.parametrize("mode", MODES)
def test_items_hits_filters_and_counts(http: httpx.Client, askers: list[Asker], mode: str) -> None:
    for asker, (name, (query, wanted)) in itertools.product(askers, QUESTIONS.items()):
        reference = sorted(row.id for row in ROWS if asker.sees(row, mode) and wanted(row))
        page = _json(http, asker, f"{ITEMS}?{query}&mode={mode}")
        assert sorted(_ids(page)) == reference, (asker.name, name)
        assert page["numberMatched"] == len(reference), (asker.name, name)


def test_sorting_and_walking_through_pages(http: httpx.Client, askers: list[Asker]) -> None:
    for asker in askers:
        reference = {row.id for row in ROWS if asker.sees(row)}
        path, walked = f"{ITEMS}?limit=4&sortby=-department,title_en", []
        while path:
            page = _json(http, asker, path)
            walked += _ids(page)
            path = next((one["href"] for one in page["links"] if one["rel"] == "next"), "")
        assert len(walked) == len(set(walked))
        assert set(walked) == reference, asker.name


def test_a_cursor_of_one_audience_is_no_use_to_another(http: httpx.Client, askers: list[Asker]) -> None:
    nobody, emsc = askers[0], askers[-1]
    page = _json(http, emsc, f"{ITEMS}?limit=2")
    path = next(one["href"] for one in page["links"] if one["rel"] == "next")
    assert http.get(path, headers={"Accept": "application/json", **nobody.headers}).status_code == 400


def test_an_item_that_is_hidden_answers_like_one_that_never_was(http: httpx.Client, askers: list[Asker]) -> None:
    for asker, row in itertools.product(askers, ROWS):
        answer = http.get(f"{ITEMS}/{row.id}?mode=exercise", headers={**asker.headers, "Accept": "application/json"})
        assert answer.status_code == (200 if asker.sees(row) else 404), (asker.name, row.id)
        if answer.status_code == 404:
            never = http.get(f"{ITEMS}/{row.id}x", headers={**asker.headers, "Accept": "application/json"})
            assert never.status_code == 404
            assert answer.json()["detail"].replace(row.id, "") == never.json()["detail"].replace(f"{row.id}x", "")


def test_tiles_of_a_layer_and_of_the_dataset(http: httpx.Client, askers: list[Asker]) -> None:
    for asker, base in itertools.product(askers, ("/collections/incidents/tiles", "/tiles")):
        more = "&collections=incidents" if base == "/tiles" else ""
        body = http.get(f"{base}/WebMercatorQuad/10/446/836?mode=exercise{more}", headers=asker.headers).content
        features = mapbox_vector_tile.decode(body)["incidents"]["features"] if body else []
        reference = sorted(f"secret of {row.id}" for row in ROWS if asker.sees(row))
        assert sorted(feature["properties"]["title_en"] for feature in features) == reference, (asker.name, base)


def test_pages_hold_no_hidden_record(http: httpx.Client, askers: list[Asker]) -> None:
    for asker in askers:
        page = http.get(f"{ITEMS}?f=html&limit=1000", headers=asker.headers).text
        for row in ROWS:
            assert (row.id in page) == asker.sees(row), (asker.name, row.id)


def test_the_collection_tells_the_extent_of_what_is_seen(http: httpx.Client, askers: list[Asker]) -> None:
    for asker in askers:
        box = _json(http, asker, "/collections/incidents")["extent"]["spatial"]["bbox"][0]
        seen = [row.lon for row in ROWS if asker.sees(row)]
        assert box[0] == pytest.approx(min(seen))
        assert box[2] == pytest.approx(max(seen))


def test_hidden_columns_are_not_there_and_cannot_be_asked_for(http: httpx.Client, askers: list[Asker]) -> None:
    internal = "internal" in catalogue().layers["incidents"].profiles
    for asker in askers:
        sees = internal and asker.audience in ("partner", "departments", "emsc")
        first = _json(http, asker, f"{ITEMS}?limit=1")["features"][0]["properties"]
        assert ("dead" in first) == sees, asker.name
        for query in ("filter=dead=3", "sortby=dead", "properties=dead", "dead=3"):
            answer = http.get(f"{ITEMS}?{query}", headers={**asker.headers, "Accept": "application/json"})
            assert answer.status_code == (200 if sees else 400), (asker.name, query)
        named = _json(http, asker, "/collections/incidents/queryables")["properties"]
        assert ("dead" in named) == sees, asker.name


def test_a_change_out_of_sight_leaves_no_trace(http: httpx.Client, database: Cluster, askers: list[Asker]) -> None:
    nobody, owner_of_it = askers[0], next(asker for asker in askers if asker.department == "DSD")
    paths = (
        ITEMS,
        f"{ITEMS}?limit=3&category=flood",
        "/collections/incidents",
        "/collections",
        "/collections/incidents/tiles/WebMercatorQuad/10/446/836",
    )

    def traces(asker: Asker) -> list[tuple[str | None, str | None, bytes]]:
        answers = [
            http.get(path, headers={**asker.headers, "Accept": "*/*" if "tiles" in path else "application/json"})
            for path in paths
        ]
        return [(one.headers.get("etag"), one.headers.get("cop-sequence"), one.content) for one in answers]

    before, before_owner = traces(nobody), traces(owner_of_it)
    with psycopg.connect(database.owner_dsn, autocommit=True) as owner:
        _insert(owner, Row("T-new", "exercise", "owner", "DSD", "flood", 114.5))
        after, after_owner = traces(nobody), traces(owner_of_it)
        owner.execute("DELETE FROM layer.incidents WHERE id = 'T-new'")
    assert after == before
    assert after_owner != before_owner


def test_as_of_shows_no_version_that_was_hidden_then(
    http: httpx.Client, database: Cluster, askers: list[Asker]
) -> None:
    nobody, emsc = askers[0], askers[-1]
    row = next(row for row in ROWS if row.mode == "exercise" and row.release == "departments")
    before = int(http.get(ITEMS, headers={**emsc.headers, "Accept": "application/json"}).headers["cop-sequence"])
    with psycopg.connect(database.owner_dsn, autocommit=True) as owner:
        owner.execute("UPDATE layer.incidents SET release = 'public' WHERE id = %s", [row.id])
        now = _ids(_json(http, nobody, f"{ITEMS}?limit=1000"))
        then, then_emsc = (_ids(_json(http, asker, f"{ITEMS}?limit=1000&asof={before}")) for asker in (nobody, emsc))
        owner.execute("UPDATE layer.incidents SET release = %s WHERE id = %s", [row.release, row.id])
    assert row.id in now
    assert row.id not in then
    assert row.id in then_emsc


def test_what_only_some_see_stays_out_of_shared_caches(http: httpx.Client, askers: list[Asker]) -> None:
    for asker, path in itertools.product(
        askers, (ITEMS, f"{ITEMS}?asof=3", "/collections", "/collections/incidents/tiles/WebMercatorQuad/10/446/836")
    ):
        headers = http.get(
            path, headers={**asker.headers, "Accept": "*/*" if "tiles" in path else "application/json"}
        ).headers
        assert "x-api-key" in headers["vary"].lower()
        assert "authorization" in headers["vary"].lower()
        if asker.audience != "public":
            assert "private" in headers["cache-control"], (asker.name, path)


def test_credentials_in_three_headers_and_bad_ones(http: httpx.Client, database: Cluster) -> None:
    name, key = keys.create(database.owner_dsn, "QGIS of a duty room", "viewer", "DSD", None)
    seen = sum(Asker("", "departments", "DSD", {}).sees(row) for row in ROWS)
    for headers in ({"X-API-Key": key}, {"Authorization": f"Bearer {key}"}):
        assert _json(http, Asker("", "departments", None, headers), f"{ITEMS}?limit=1")["numberMatched"] == seen
    basic = http.get(f"{ITEMS}?limit=1&f=json", auth=("anybody", key))
    assert basic.json()["numberMatched"] == seen
    bad = (
        {"X-API-Key": "cop_wrong"}, {"Authorization": "Bearer cop_wrong"}, {"Authorization": "Bearer x.y.z"},
        {"Authorization": "Basic !!"}, {"Authorization": "Digest x"}, {"Authorization": f"Bearer {key}", "X-API-Key": "cop_other"},
    )  # fmt: skip
    for headers in bad:
        answer = http.get(ITEMS, headers={**headers, "Accept": "application/json"})
        assert answer.status_code == 401, headers
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert key not in answer.text
        assert json.loads(answer.text)["detail"]
    keys.revoke(database.owner_dsn, name)
    with pytest.raises(Exception, match="no valid key"):
        keys.revoke(database.owner_dsn, name)


EXACT, MIDDLE = [114.2611, 22.3111], [114.169, 22.31]  # the second is the middle of Yau Tsim Mong
BLURRED = "T-blurred"


@pytest.fixture
def blurred(database: Cluster) -> Iterator[None]:
    """A public record whose position its owner has not released."""
    with psycopg.connect(database.owner_dsn, autocommit=True) as owner:
        row = Row(BLURRED, "exercise", "public", "DSD", "blur", EXACT[0])
        _insert(owner, row, district="YTM", location_en="14 Secret Lane", category="other", position_released=False)
        owner.execute(f"UPDATE layer.incidents SET geom = ST_SetSRID(ST_MakePoint({EXACT[0]}, {EXACT[1]}), 4326)"
                      " WHERE id = %s", [BLURRED])  # fmt: skip
        yield
        owner.execute("DELETE FROM layer.incidents WHERE id = %s", [BLURRED])


@pytest.mark.usefixtures("blurred")
def test_a_position_that_is_not_released_is_nowhere_exact(http: httpx.Client, askers: list[Asker]) -> None:
    exactly = f"{EXACT[0] - 0.001},{EXACT[1] - 0.001},{EXACT[0] + 0.001},{EXACT[1] + 0.001}"
    middle = f"{MIDDLE[0] - 0.001},{MIDDLE[1] - 0.001},{MIDDLE[0] + 0.001},{MIDDLE[1] + 0.001}"
    point = f"S_INTERSECTS(geometry,POINT({EXACT[0]} {EXACT[1]}))"
    for asker in askers:
        knows = asker.audience in ("partner", "departments", "emsc")
        there = _json(http, asker, f"{ITEMS}/{BLURRED}")
        assert there["geometry"]["coordinates"] == (EXACT if knows else MIDDLE), asker.name
        assert there["properties"]["location_en"] == ("14 Secret Lane" if knows else None)
        grid = _json(
            http, asker, f"{ITEMS}/{BLURRED}?crs=http://www.opengis.net/def/crs/EPSG/0/3857&properties=location_en"
        )
        assert (round(grid["geometry"]["coordinates"][0]) == round(EXACT[0] * 111319.4908)) is knows
        assert grid["properties"]["location_en"] == ("14 Secret Lane" if knows else None)
        for query, finds in ((f"bbox={exactly}", knows), (f"bbox={middle}", not knows), (f"filter={point}", knows),
                             ("filter=location_en LIKE '%25Secret%25'", knows)):  # fmt: skip
            found = _json(http, asker, f"{ITEMS}?{query}&limit=1000")
            assert (BLURRED in _ids(found)) is finds, (asker.name, query)
            assert found["numberMatched"] == len(found["features"])
        ordered = _ids(_json(http, asker, f"{ITEMS}?sortby=location_en&limit=1000"))
        if not knows:
            assert ordered == sorted(ordered), "sorting by what is hidden sorts by nothing"
        tile = _tile_of(http, asker, EXACT)
        assert (BLURRED in tile) is knows, asker.name
        assert (BLURRED in _tile_of(http, asker, MIDDLE)) is not knows
        past = _json(http, asker, f"{ITEMS}/{BLURRED}?asof={there_n(http, asker)}")
        assert past["geometry"] == there["geometry"]


def there_n(http: httpx.Client, asker: Asker) -> str:
    answer = http.get(f"{ITEMS}?limit=1", headers={**asker.headers, "Accept": "application/json"})
    return answer.headers["cop-sequence"]


def _tile_of(http: httpx.Client, asker: Asker, place: list[float]) -> set[str]:
    zoom, row, column = tile_with({"geometry": {"coordinates": place}}, 16)
    answer = http.get(f"/collections/incidents/tiles/WebMercatorQuad/{zoom}/{row}/{column}", headers=asker.headers)
    assert answer.status_code in (200, 204)
    decoded = mapbox_vector_tile.decode(answer.content) if answer.content else {}
    return {found["properties"]["id"] for found in decoded.get("incidents", {"features": []})["features"]}
