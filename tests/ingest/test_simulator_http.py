"""The simulator over HTTP: real requests, each fault seen by a client, replay, the command."""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from xml.etree import ElementTree as ET

import httpx
import pytest
from simulated import CAMERAS, DETECTORS, NEWS_V2, NIGHT, WEATHER, body_of, served

from cop_ingest.scenario.calendar import hong_kong
from cop_ingest.simulator import faults
from cop_ingest.simulator.app import Simulator
from cop_ingest.simulator.clock import Clock
from cop_ingest.simulator.endpoints import endpoints
from cop_ingest.simulator.world.world import ENDS, STARTS, World

RAIN = "data.weather.gov.hk/weatherAPI/opendata/hourlyRainfall.php?lang=en"
Seconds = list[float]


class Door:
    """A client, the simulator behind it, and the hand on its clock: `seconds[0]` is what has passed."""

    def __init__(self, client: httpx.Client, simulator: Simulator, seconds: Seconds) -> None:
        self.client, self.simulator, self._seconds = client, simulator, seconds

    def get(self, address: str, **headers: str) -> httpx.Response:
        return self.client.get(f"/{address}", headers=headers)

    def at(self, moment: datetime) -> None:
        told = {"to": moment.isoformat()}
        assert self.client.post("/_clock", json=told).status_code == 200

    def fault(self, address: str, kind: str, **more: float) -> httpx.Response:
        return self.client.post("/_faults", json={"address": address, "fault": kind, **more})


@pytest.fixture(scope="module")
def world() -> World:
    return World(1, scale=0.02)


@pytest.fixture(scope="module")
def _running(world: World) -> Iterator[tuple[str, Simulator, Seconds]]:
    seconds = [0.0]
    simulator = Simulator(world, Clock(STARTS, ENDS, STARTS, 1, lambda: seconds[0]), endpoints())
    for base in served(simulator):
        yield base, simulator, seconds


@pytest.fixture
def door(_running: tuple[str, Simulator, Seconds]) -> Iterator[Door]:
    base, simulator, seconds = _running
    with httpx.Client(base_url=base, timeout=20) as client:
        found = Door(client, simulator, seconds)
        found.at(NIGHT)
        yield found
        client.delete("/_faults")


def test_an_address_answers_what_its_writer_made_with_the_scenarios_time(door: Door, world: World) -> None:
    answer = door.get(WEATHER + "warnsum")
    assert answer.status_code == 200
    assert answer.content == body_of(world, WEATHER + "warnsum", NIGHT)
    assert answer.headers["content-type"] == "application/json"
    assert parsedate_to_datetime(answer.headers["date"]) == NIGHT
    assert answer.headers["cop-scenario-time"] == "2025-09-24T03:05:00+08:00"
    assert door.get(CAMERAS).content[:4] == b"\xff\xfe\xff\xfe"
    assert door.get("www.esd.wsd.gov.hk/wsms_open_data/WSMS_OPEN_DATA%28all%29.csv").content.startswith(
        b"SUSPENSION_ID|"
    )


def test_nothing_new_is_answered_304_until_something_is_published(door: Door) -> None:
    first = door.get(RAIN)
    tag, modified = first.headers["etag"], first.headers["last-modified"]
    assert door.get(RAIN, **{"If-None-Match": tag}).status_code == 304
    assert door.get(RAIN, **{"If-Modified-Since": modified}).status_code == 304
    door.at(NIGHT + timedelta(minutes=16))
    again = door.get(RAIN, **{"If-None-Match": tag, "If-Modified-Since": modified})
    assert again.status_code == 200
    assert again.headers["etag"] != tag
    assert parsedate_to_datetime(again.headers["last-modified"]) > parsedate_to_datetime(modified)


def test_answers_are_packed_for_those_who_take_it_and_only_for_them(door: Door) -> None:
    packed = door.get(DETECTORS, **{"Accept-Encoding": "gzip"})
    plain = door.get(DETECTORS, **{"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content
    assert int(packed.headers["content-length"]) < len(plain.content) / 5


def test_every_listed_address_is_there_and_others_are_404_with_a_misleading_index(door: Door) -> None:
    listed = door.client.get("/_feeds").json()
    assert listed["exercise"] is True
    assert len({one["feed"] for one in listed["feeds"]}) >= 27
    unknown = door.get("resource.data.one.gov.hk/td/journeytime.xml")
    assert unknown.status_code == 404
    assert "Index" in unknown.text


def test_the_clock_runs_at_its_speed_and_is_set(door: Door) -> None:
    assert door.client.post("/_clock", json={"speed": 60}).json()["speed"] == 60
    door._seconds[0] += 30
    told = door.client.get("/_clock").json()
    assert datetime.fromisoformat(told["now"]) == NIGHT + timedelta(minutes=30)
    assert (
        door.client.post("/_clock", json={"to": "2025-09-23T10:00", "speed": 1})
        .json()["now"]
        .startswith("2025-09-23T10:00")
    )
    door.at(ENDS)
    assert door.client.get("/_clock").json()["speed"] == 0, "at the end it stands"


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        ("/_clock", {"to": "yesterday"}, "yesterday is no time"),
        ("/_clock", {"to": "2024-01-01T00:00"}, "wanted a time of the scenario, 2025-09-23T06:00 to 2025-09-24T22:00"),
        ("/_clock", {"speed": 1e9}, "speed: found 1e+09, wanted 0 to 600"),
        ("/_clock", {}, "wanted a JSON object with to"),
        ("/_faults", {"feed": "td_news_v2", "fault": "explode"}, "fault: found 'explode', wanted one of timeout"),
        ("/_faults", {"fault": "html"}, "feed: wanted a feed's id"),
        ("/_faults", {"feed": "*", "fault": "html", "times": -1}, "times: found -1"),
    ],
)
def test_wrong_orders_are_refused_with_what_would_be_right(door: Door, path: str, body: object, says: str) -> None:
    answer = door.client.post(path, json=body)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert says in answer.json()["detail"]


def test_fault_timeout_never_answers(door: Door) -> None:
    door.fault(NEWS_V2, "timeout", times=1)
    with pytest.raises(httpx.ReadTimeout):
        door.client.get(f"/{NEWS_V2}", timeout=0.4)
    assert door.get(NEWS_V2).status_code == 200, "one time was told"


def test_fault_error500_as_often_as_told_and_only_there(door: Door) -> None:
    door.fault(NEWS_V2, "error500", times=2)
    assert [door.get(NEWS_V2).status_code for _ in range(3)] == [500, 500, 200]
    door.fault(WEATHER + "swt", "error500")
    assert door.get(WEATHER + "warnsum").status_code == 200, "another parameter is another feed"
    assert door.get(WEATHER + "swt").status_code == 500


def test_fault_for_some_seconds_ends_by_itself(door: Door) -> None:
    door.fault("*", "gone", seconds=60)
    assert door.get(NEWS_V2).status_code == 404
    assert door.get(DETECTORS).status_code == 404
    door.client.delete("/_faults")
    door.fault("*", "gone", seconds=0.3)
    time.sleep(0.35)
    assert door.get(NEWS_V2).status_code == 200


def test_fault_truncated_cuts_the_body_and_says_nothing_of_it(door: Door) -> None:
    whole = door.get(NEWS_V2).content
    door.fault(NEWS_V2, "truncated")
    cut = door.get(NEWS_V2)
    assert cut.status_code == 200
    assert whole.startswith(cut.content)
    assert 0 < len(cut.content) < len(whole)
    with pytest.raises(ET.ParseError):
        ET.fromstring(cut.content)


def test_fault_wrong_encoding_cannot_be_read_as_told(door: Door) -> None:
    for address in (NEWS_V2, CAMERAS):
        right = door.get(address).content
        door.fault(address, "wrong_encoding")
        wrong = door.get(address).content
        assert wrong != right
    with pytest.raises(UnicodeDecodeError):
        door.get(NEWS_V2).content.decode()
    assert "青山" in door.get(NEWS_V2).content.decode("big5hkscs") or "近" in door.get(NEWS_V2).content.decode(
        "big5hkscs"
    )


def test_fault_stale_stands_still_while_time_goes_on(door: Door) -> None:
    before = door.get(RAIN)
    door.fault(RAIN, "stale")
    door.at(NIGHT + timedelta(hours=2))
    after = door.get(RAIN)
    assert after.content == before.content
    assert after.headers["last-modified"] == before.headers["last-modified"]
    assert parsedate_to_datetime(after.headers["date"]) == NIGHT + timedelta(hours=2)
    door.client.delete("/_faults")
    assert door.get(RAIN).content != before.content


def test_fault_duplicate_publishes_the_last_file_again_as_new(door: Door, world: World) -> None:
    door.fault(RAIN, "duplicate")
    first = door.get(RAIN)
    assert first.content == body_of(world, RAIN, NIGHT - timedelta(minutes=15))
    again = door.get(RAIN, **{"If-None-Match": first.headers["etag"]})
    assert again.status_code == 200
    assert again.content == first.content
    assert again.headers["etag"] != first.headers["etag"]


def test_fault_out_of_order_gives_an_older_file_after_a_newer_one(door: Door) -> None:
    door.fault(RAIN, "out_of_order")
    times = [datetime.fromisoformat(door.get(RAIN).json()["obsTime"]) for _ in range(4)]
    assert times[0] > times[1]
    assert times[2] > times[3]


def test_fault_html_is_a_page_with_200(door: Door) -> None:
    door.fault(RAIN, "html")
    answer = door.get(RAIN)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.text.startswith("<!DOCTYPE html>")


def test_fault_clock_jump_answers_with_times_to_come_or_long_gone(door: Door) -> None:
    door.fault(RAIN, "clock_jump", times=1)
    ahead = door.get(RAIN)
    assert datetime.fromisoformat(ahead.json()["obsTime"]) > NIGHT + timedelta(minutes=40)
    assert parsedate_to_datetime(ahead.headers["date"]) == NIGHT + timedelta(hours=1)
    door.fault(RAIN, "clock_jump", shift_s=-7200)
    assert datetime.fromisoformat(door.get(RAIN).json()["obsTime"]) < NIGHT - timedelta(hours=2)


def test_fault_gzip_bomb_is_small_on_the_wire_and_large_behind(door: Door) -> None:
    door.fault(RAIN, "gzip_bomb")
    with door.client.stream("GET", f"/{RAIN}") as answer:
        wire = b"".join(answer.iter_raw())
    assert answer.headers["content-encoding"] == "gzip"
    assert len(wire) < 2_000_000
    unpack = zlib.decompressobj(31)
    assert len(unpack.decompress(wire, 64_000_000)) == 64_000_000, "and that is not the end"
    assert int.from_bytes(wire[-4:], "little") == faults.BOMB_MB * 1024 * 1024


def test_fault_huge_is_two_hundred_megabytes(door: Door) -> None:
    door.fault(RAIN, "huge")
    with door.client.stream("GET", f"/{RAIN}") as answer:
        assert sum(len(piece) for piece in answer.iter_raw()) == faults.HUGE_MB * 1024 * 1024


def test_faults_are_listed_and_taken_away_one_by_one(door: Door) -> None:
    door.client.post("/_faults", json={"feed": "td_news_v2", "fault": "html", "times": 5})
    door.client.post("/_faults", json={"feed": "td_detectors", "fault": "gone"})
    assert door.get(NEWS_V2).text.startswith("<!DOCTYPE")
    listed = {one["target"]: one for one in door.client.get("/_faults").json()}
    assert listed["td_news_v2"] == {"target": "td_news_v2", "fault": "html", "times": 4, "seconds": None, "seen": 1}
    assert door.client.delete("/_faults", params={"feed": "td_news_v2"}).status_code == 204
    assert door.get(NEWS_V2).status_code == 200
    assert door.get(DETECTORS).status_code == 404


def test_one_publication_is_made_once_however_often_it_is_asked(door: Door, world: World) -> None:
    made = []
    door.simulator.endpoints = [
        type(one)(one.feed, one.host, one.path, one.media, one.published,
                  lambda world, at, asked, write=one.write: made.append(at) or write(world, at, asked), one.query)
        for one in door.simulator.endpoints
    ]  # fmt: skip
    door.at(hong_kong("2025-09-24 05:00"))
    for _ in range(5):
        door.get(DETECTORS)
    assert len(made) == 1
    door.at(hong_kong("2025-09-24 05:01"))
    door.get(DETECTORS)
    assert len(made) == 2
