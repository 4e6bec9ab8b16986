"""The simulator's command, its replay of kept payloads, and the returns that it writes as its clock goes."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from simulated import WEATHER, WIND, served

from cop.errors import LoadRefused
from cop_ingest.scenario.calendar import OPENS, hong_kong
from cop_ingest.simulator.app import Simulator
from cop_ingest.simulator.clock import Clock
from cop_ingest.simulator.forms.incidents import incident_returns
from cop_ingest.simulator.replay import series_in, span
from cop_ingest.simulator.returns import FORMS, forget_ahead, keep_returning
from cop_ingest.simulator.world.world import ENDS, STARTS, World
from cop_ingest.wind import parse_wind


@pytest.fixture(scope="module")
def world() -> World:
    return World(1, scale=0.02)


def _replayed(folder: Path, address: str | None) -> Simulator:
    series = series_in(folder, address)
    begins, ends = span(series)
    return Simulator(World(), Clock(begins, ends, begins, 0), [one.endpoint() for one in series])


def test_replay_serves_kept_payloads_in_the_order_of_their_times(data: Path) -> None:
    folder = data / "hko_wind_10min" / "ragasa_2025"
    simulator = _replayed(folder, WIND)
    seen = []
    for base in served(simulator):
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
    for base in served(simulator):
        assert httpx.get(f"{base}/host.example/a/b.json").content == b'{"a":1}'
        assert httpx.get(f"{base}/host.example/a/c.json").status_code == 404


def test_replay_tells_feeds_of_one_path_by_their_query(tmp_path: Path) -> None:
    for kind in ("warnsum", "swt"):
        folder = tmp_path / "host.example" / f"weather.php?dataType={kind}"
        folder.mkdir(parents=True)
        (folder / "20250924-0300.json").write_text(kind)
    for base in served(_replayed(tmp_path, None)):
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
        await _until(lambda: (tmp_path / "geo_rain_gauges" / "20250923T190500.csv").exists())
        work.cancel()

    asyncio.run(play())
    assert sorted(file.name for file in (tmp_path / "works_hyd").iterdir()) == [
        "20250923T180000.csv", "20250923T183000.csv", "20250923T190000.csv",
    ]  # fmt: skip
    at = [f"20250923T{18 + minute // 60}{minute % 60:02d}00.csv" for minute in range(5, 66, 5)]
    assert sorted(file.name for file in (tmp_path / "geo_rain_gauges").iterdir()) == at, "at a pace of their own"


def test_the_first_returns_hold_what_stands_and_of_incidents_what_is_new(world: World, tmp_path: Path) -> None:
    clock = Clock(STARTS, ENDS, OPENS, 0)
    quarter = timedelta(minutes=15)

    async def play() -> None:
        work = asyncio.create_task(keep_returning(world, clock, tmp_path, quarter, OPENS - quarter))
        await _until(lambda: list((tmp_path / "hyd_excavation").glob("*.csv")))
        await _until(lambda: list((tmp_path / "geo_rain_gauges").glob("*.csv")))
        work.cancel()

    asyncio.run(play())
    sent = {path.parent.name: path.read_bytes() for path in tmp_path.rglob("20250924T030000.*")}
    news = {one.form: one.body() for one in incident_returns(world, OPENS - quarter, OPENS)}
    standing = {one.form: one.body() for form in FORMS for one in form.returned(world, STARTS - 96 * quarter, OPENS)}
    assert news
    assert sent == news | standing


def test_returns_of_a_night_that_was_begun_anew_are_not_taken(tmp_path: Path) -> None:
    folder = tmp_path / "works_hyd"
    (folder / "taken").mkdir(parents=True)
    (tmp_path / "had_shelters").mkdir()
    (tmp_path / "had_shelters" / "20250924T040000.xlsx").write_text("x")
    kept = ["20250924T030000.csv", "20250925T030000.csv", "20250924T0400.csv", "roads of 20250924T040000.csv"]
    for name in (*kept, "20250924T040000.csv", "taken/20250924T040000.csv"):
        (folder / name).write_text("x")
    assert forget_ahead(tmp_path, hong_kong("2025-09-24 03:00")) == [
        tmp_path / "had_shelters" / "20250924T040000.xlsx", folder / "20250924T040000.csv",
    ]  # fmt: skip
    assert sorted(file.name for file in folder.iterdir()) == sorted([*kept, "taken"])
    assert (folder / "taken" / "20250924T040000.csv").is_file()


async def _until(there: object, seconds: float = 60.0) -> None:
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
