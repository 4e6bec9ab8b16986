"""The exercise as clients meet it: its clock, its past, its registers."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import mapbox_vector_tile
import pytest

REGISTERS = ("incidents", "progress-updates", "requests", "control-centres", "warnings", "feeds", "events")
ITEMS = "/collections/incidents/items"
NOON_BEFORE = "2025-09-23T12:00:00Z"


@pytest.fixture(scope="module")
def http(server: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server, timeout=60) as client:
        yield client


def matched(http: httpx.Client, address: str, **parameters: str) -> int:
    answer = http.get(address, params={"limit": "1", **parameters})
    assert answer.status_code == 200, answer.text
    return int(answer.json()["numberMatched"])


def test_the_clock_of_the_exercise_stands_at_the_opening(http: httpx.Client) -> None:
    assert http.get("/", params={"f": "json"}).json()["cop"]["now"] == "2025-09-23T19:00:00Z"
    assert http.get("/", params={"f": "json", "mode": "actual"}).json()["cop"]["now"] is None


def test_a_moment_of_the_typhoon_day_knows_less_than_the_opening(http: httpx.Client) -> None:
    day = {"filter": "event = '2025-ragasa-exercise'"}
    then, now = matched(http, ITEMS, asof=NOON_BEFORE, **day), matched(http, ITEMS, **day)
    assert 50 < then < now
    assert now > 1000
    assert matched(http, ITEMS, asof="2025-09-23T19:00:00Z") == matched(http, ITEMS)
    assert matched(http, ITEMS, asof="2023-09-08T00:00:00Z") < matched(http, ITEMS, asof="2025-01-01T00:00:00Z")
    late = http.get(ITEMS, params={"asof": NOON_BEFORE, "sortby": "-reported_at", "limit": "1"}).json()["features"][0]
    assert late["properties"]["reported_at"] <= NOON_BEFORE
    assert late["properties"]["updated_at"] <= NOON_BEFORE, "the store's time is the story's"


def test_counts_of_the_past_are_those_of_its_items(http: httpx.Client) -> None:
    asked = {"asof": NOON_BEFORE, "filter": "status = 'responding'"}
    answer = http.get(ITEMS, params={"resulttype": "hits", **asked})
    assert answer.json()["numberMatched"] == matched(http, ITEMS, **asked)


def test_before_the_story_is_gone_with_its_first_moment(http: httpx.Client) -> None:
    answer = http.get(ITEMS, params={"asof": "2023-01-01T00:00:00Z"})
    assert answer.status_code == 410
    assert "2023-08-30T04:00:00" in answer.text
    actual = http.get(ITEMS, params={"asof": "2025-09-23T12:00:00Z", "mode": "actual"})
    assert actual.status_code == 410
    assert "2023-08-30" not in actual.text


def test_a_tile_follows_the_story(http: httpx.Client) -> None:
    def incidents(**parameters: str) -> int:
        answer = http.get("/collections/incidents/tiles/WebMercatorQuad/9/223/418", params=parameters)
        assert answer.status_code in (200, 204)
        layers = mapbox_vector_tile.decode(answer.content) if answer.content else {}
        return len(layers.get("incidents", {"features": []})["features"])

    assert 0 <= incidents(asof="2023-09-01T12:00:00Z") < incidents()


def test_signal_ten_is_in_force(http: httpx.Client) -> None:
    found = http.get("/collections/warnings/items", params={"filter": "ended_at IS NULL", "limit": "50"}).json()
    codes = {feature["properties"]["code"]: feature["properties"] for feature in found["features"]}
    assert codes["TC10"]["issued_at"] == "2025-09-23T18:40:00Z"
    assert codes["TC10"]["name_zh"] == "十號颶風信號"
    before = {"filter": "ended_at IS NULL", "asof": NOON_BEFORE, "limit": "50"}
    earlier = http.get("/collections/warnings/items", params=before).json()["features"]
    assert "TC8NW" in {feature["properties"]["code"] for feature in earlier}
    assert "TC10" not in {feature["properties"]["code"] for feature in earlier}


@pytest.mark.parametrize("name", REGISTERS)
def test_every_register_answers_the_public(http: httpx.Client, name: str) -> None:
    told = http.get(f"/collections/{name}", params={"f": "json"}).json()
    assert told["title"]
    answer = http.get(f"/collections/{name}/items", params={"limit": "5"})
    features = answer.json()["features"]
    assert features
    for feature in features:
        assert feature["properties"]["message_status"] == "exercise"
        assert feature["properties"]["release"] == "public"
        assert feature["properties"]["provenance"] == "exercise"
    one = http.get(f"/collections/{name}/items/{features[0]['id']}")
    assert one.json()["id"] == features[0]["id"]
    assert http.get(f"/collections/{name}/items", params={"mode": "actual"}).status_code == 200


def test_updates_lead_to_their_incident(http: httpx.Client) -> None:
    updates = http.get("/collections/progress-updates/items", params={"sortby": "-at", "limit": "20"}).json()[
        "features"
    ]
    found = [http.get(f"{ITEMS}/{update['properties']['incident']}").status_code for update in updates]
    assert set(found) == {200}
