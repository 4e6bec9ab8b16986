"""The simulator over HTTP: real requests, each fault seen by a client, replay, the command."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import httpx
import pytest
import uvicorn
from simulated import CAMERAS, DETECTORS, NEWS_V2, NIGHT, WEATHER, WIND, body_of

from cop.errors import LoadRefused
from cop_ingest.scenario.calendar import hong_kong
from cop_ingest.simulator import faults
from cop_ingest.simulator.app import Simulator
from cop_ingest.simulator.clock import Clock
from cop_ingest.simulator.endpoints import endpoints
from cop_ingest.simulator.replay import series_in, span
from cop_ingest.simulator.returns import keep_returning
from cop_ingest.simulator.world.world import ENDS, STARTS, World
from cop_ingest.wind import parse_wind

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


def _served(simulator: Simulator) -> Iterator[str]:
    config = uvicorn.Config(simulator.application(), port=0, log_level="error", date_header=False, server_header=False)
    server = uvicorn.Server(config)
    listening = config.bind_socket()
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)
    listening.close()


@pytest.fixture(scope="module")
def world() -> World:
    return World(1, scale=0.02)


@pytest.fixture(scope="module")
def _running(world: World) -> Iterator[tuple[str, Simulator, Seconds]]:
    seconds = [0.0]
    simulator = Simulator(world, Clock(STARTS, ENDS, STARTS, 1, lambda: seconds[0]), endpoints())
    for base in _served(simulator):
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
    door.fault("*", "gone", seconds=0.3)
    assert door.get(NEWS_V2).status_code == 404
    assert door.get(DETECTORS).status_code == 404
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


def _replayed(folder: Path, address: str | None) -> Simulator:
    series = series_in(folder, address)
    begins, ends = span(series)
    return Simulator(World(), Clock(begins, ends, begins, 0), [one.endpoint() for one in series])


def test_replay_serves_kept_payloads_in_the_order_of_their_times(data: Path) -> None:
    folder = data / "hko_wind_10min" / "ragasa_2025"
    simulator = _replayed(folder, WIND)
    seen = []
    for base in _served(simulator):
        for at in ("2025-09-23 14:20", "2025-09-23 14:28", "2025-09-23 14:29", "2025-09-24 20:20"):
            simulator.clock.jump(min(hong_kong(at), simulator.clock.ends))
            answer = httpx.get(f"{base}/{WIND}")
            rows, refused = parse_wind(answer.content, hong_kong(at))
            assert not refused
            seen.append(rows[0].observed_at)
    files = sorted(folder.glob("*.csv"))
    assert answer.content == files[-1].read_bytes()
    assert seen[0] == seen[1] < seen[2] < seen[3]


def test_replay_of_many_addresses_calls_folders_by_them(tmp_path: Path) -> None:
    for name, body in (
        ("20250924-0300.json", b"{}"),
        ("20250924-0310.json", b'{"a":1}'),
        ("20250924T031530.json", b'{"a":2}'),
    ):
        folder = tmp_path / "host.example" / "a" / "b.json"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(body)
    simulator = _replayed(tmp_path, None)
    assert simulator.clock.ends == hong_kong("2025-09-24 03:15") + timedelta(seconds=30)
    simulator.clock.jump(hong_kong("2025-09-24 03:12"))
    for base in _served(simulator):
        assert httpx.get(f"{base}/host.example/a/b.json").content == b'{"a":1}'
        assert httpx.get(f"{base}/host.example/a/c.json").status_code == 404


def test_replay_tells_feeds_of_one_path_by_their_query(tmp_path: Path) -> None:
    for kind in ("warnsum", "swt"):
        folder = tmp_path / "host.example" / f"weather.php?dataType={kind}"
        folder.mkdir(parents=True)
        (folder / "20250924-0300.json").write_text(kind)
    for base in _served(_replayed(tmp_path, None)):
        for kind in ("warnsum", "swt"):
            assert httpx.get(f"{base}/host.example/weather.php?lang=en&dataType={kind}").text == kind
        assert httpx.get(f"{base}/host.example/weather.php?lang=en").status_code == 404


def test_replay_says_what_it_wants(tmp_path: Path) -> None:
    with pytest.raises(LoadRefused, match="no series; wanted folders called host/path"):
        series_in(tmp_path)
    with pytest.raises(LoadRefused, match="is no address; wanted host/path"):
        series_in(tmp_path, "nothing")
    (tmp_path / "20251399-0300.csv").write_bytes(b"")
    with pytest.raises(LoadRefused, match="the name begins with no real time"):
        series_in(tmp_path, "host/path")


def test_returns_are_written_at_even_times_whatever_the_speed(world: World, tmp_path: Path) -> None:
    seconds = [0.0]
    clock = Clock(STARTS, ENDS, hong_kong("2025-09-23 18:07"), 600, lambda: seconds[0])

    async def play() -> None:
        work = asyncio.create_task(keep_returning(world, clock, tmp_path, timedelta(minutes=30)))
        await _until(lambda: list((tmp_path / "works_hyd").glob("*")))
        seconds[0] = 6.0  # an hour of the scenario
        await _until(lambda: len(list((tmp_path / "works_hyd").glob("*"))) == 3)
        work.cancel()

    asyncio.run(play())
    assert sorted(file.name for file in (tmp_path / "works_hyd").iterdir()) == [
        "20250923T180000.csv", "20250923T183000.csv", "20250923T190000.csv",
    ]  # fmt: skip


async def _until(there: object, seconds: float = 20.0) -> None:
    assert callable(there)
    for _ in range(int(seconds / 0.05)):
        try:
            if there():
                return
        except OSError:
            pass
        await asyncio.sleep(0.05)
    raise AssertionError("it did not come")


def test_the_command_serves_and_ends_when_told(tmp_path: Path) -> None:
    env = {**os.environ, "COP_EXERCISE_SCALE": "0.01", "COP_DATA": "none", "COP_VAR": str(tmp_path)}
    command = [sys.executable, "-m", "cop_server", "simulate", "--port", "0", "--speed", "600", "--start", "2025-09-24T03:00",
               "--returns", str(tmp_path / "returns")]  # fmt: skip
    with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            said = ""
            while "stop with" not in said:
                line = process.stderr.readline()
                assert line, said
                said += line
            base = re.search(r"http://[\d.:]+", said)
            assert base is not None
            told = httpx.get(f"{base[0]}/_clock", timeout=20).json()
            assert datetime.fromisoformat(told["now"]).astimezone(UTC) >= hong_kong("2025-09-24 03:00")
            assert "WTCSGNL" in json.loads(httpx.get(f"{base[0]}/{WEATHER}warnsum", timeout=20).content)
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(20) in (0, -signal.SIGTERM)
    assert list((tmp_path / "returns").rglob("*.csv"))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--scenario", "mangkhut"], "--scenario: there is no mangkhut; there is ragasa"),
        (["--start", "noon"], "--start: noon is no time"),
        (["--start", "2020-01-01T00:00"], "lies outside the scenario"),
        (["--replay", "/nowhere"], "--replay: /nowhere is no folder"),
    ],
)
def test_the_command_says_what_is_wrong(options: list[str], says: str, tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from cop.errors import CopError
    from cop_server.cli import app

    result = CliRunner(env={"COP_EXERCISE_SCALE": "0.01", "COP_DATA": "none", "COP_VAR": str(tmp_path)}).invoke(
        app, ["simulate", *options]
    )
    assert isinstance(result.exception, CopError)
    assert says in str(result.exception)
