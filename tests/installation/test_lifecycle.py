"""The life of an installation, as `make run`, `make stop` and `make clean` call it, on stand-ins and a cluster of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

COP = [sys.executable, "-m", "cop_server"]
OPENS = datetime(2025, 9, 23, 19, tzinfo=UTC)
FIVE_MINUTES = timedelta(minutes=5)
BY_FORMS = ("shelter_openings", "rain_gauge_readings", "road_closures", "excavation_permits")
BESIDE = ("exercise run", "inbox watch", "ingest run")


class Installation:
    """The command `cop` with a state folder, port and data of its own."""

    def __init__(self, var: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.var = var
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("COP_")}
        self.env = inherited | {
            "COP_VAR": str(var), "COP_PORT": str(port), "COP_URL": self.url, "COP_DATA": "none", "COP_WORKERS": "2",
            "COP_EXERCISE_SCALE": os.environ["COP_EXERCISE_SCALE"], "COP_FEEDS": "off",
        }  # fmt: skip

    def items(self, layer: str, more: str) -> list[dict[str, Any]]:
        found = httpx.get(f"{self.url}/collections/{layer}/items?limit=100{more}", timeout=30).raise_for_status().json()
        listed: list[dict[str, Any]] = found["features"]
        return listed

    def clock(self) -> datetime:
        """The exercise's clock, as clients read it."""
        return datetime.fromisoformat(httpx.get(f"{self.url}/", timeout=30).json()["cop"]["now"])

    def cop(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COP, *words], env=self.env | more, capture_output=True, text=True, timeout=300, check=False
        )

    def start(self, **more: str) -> subprocess.Popen[str]:
        process = subprocess.Popen([*COP, "run"], env=self.env | more, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 600
        while time.monotonic() < deadline and process.poll() is None:
            try:
                if httpx.get(f"{self.url}/ready", timeout=5).status_code == 200:
                    return process
            except httpx.HTTPError:
                time.sleep(0.2)
        process.kill()
        raise AssertionError(process.communicate()[1])


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    made = Installation(tmp_path_factory.mktemp("installation"))
    yield made
    made.cop("stop")
    made.cop("clean")


def test_run_serves_stop_stops_and_run_again_loads_nothing_twice(installation: Installation) -> None:
    first = installation.start()
    assert httpx.get(f"{installation.url}/collections/districts/items").json()["numberMatched"] == 18
    sequence = httpx.get(f"{installation.url}/collections/incidents/items?limit=1").headers["cop-sequence"]
    tile = httpx.get(f"{installation.url}/basemaps/wmts/light/wm/10/836/446.png", timeout=60)
    assert tile.content[:4] == b"\x89PNG"
    assert "already" not in installation.cop("status").stderr
    taken = installation.cop("run")
    assert taken.returncode == 1
    assert "cannot be used" in taken.stderr
    assert "Traceback" not in taken.stderr
    assert "stop it first" in installation.cop("clean").stderr
    assert installation.cop("stop").returncode == 0
    told = first.communicate(timeout=60)[1]
    assert first.returncode in (0, -signal.SIGTERM)
    assert "exercise stand-ins" in told
    assert "Traceback" not in told

    second = installation.start()
    again = httpx.get(f"{installation.url}/collections/incidents/items?limit=1").headers["cop-sequence"]
    assert again == sequence, "nothing was loaded twice"
    second.send_signal(signal.SIGTERM)
    told = second.communicate(timeout=60)[1]
    assert "new," not in told
    assert "records (" not in told


def test_an_exercise_is_played_and_goes_on_where_it_stood(installation: Installation) -> None:
    playing = {"COP_FEEDS": "simulator", "COP_EXERCISE_SPEED": "60"}
    first = installation.start(**playing)
    states = until(lambda: {
        feed["properties"]["source_ref"]: feed["properties"]["state"]
        for feed in installation.items("feeds", "&filter=last_good_at > TIMESTAMP('2025-09-23T19:00:00Z')")
    }, lambda found: {"td_news_v2", "hko_warnsum", "td_detectors"} <= found.keys())  # fmt: skip
    assert states["td_news_v2"] == "live"
    begun = until(installation.clock, lambda now: now > OPENS + FIVE_MINUTES)
    simulator = child(first.pid, "exercise run")
    os.kill(simulator, signal.SIGKILL)
    until(lambda: child(first.pid, "exercise run"), lambda pid: pid not in (0, simulator))
    later = until(installation.clock, lambda now: now > begun + 2 * FIVE_MINUTES)
    until(
        lambda: len(installation.items("incidents", "&filter=source = 'HyD'&sortby=-reported_at")),
        lambda many: many > 0,
    )
    # What forms of departments bring: shelters and permits are those of the moment, gauges report among the feeds.
    until(lambda: [layer for layer in BY_FORMS if not installation.items(layer, "")], lambda empty: not empty)
    gauges = until(
        lambda: installation.items("feeds", "&filter=source_ref = 'geo_rain_gauges'"), lambda found: bool(found)
    )
    assert gauges[0]["properties"]["refused"] == 0
    beside = [pid for words in BESIDE if (pid := child(first.pid, words))]
    assert len(beside) == len(BESIDE)
    assert installation.cop("stop").returncode == 0
    first.communicate(timeout=60)
    until(lambda: [pid for pid in beside if alive(pid)], lambda left: not left)

    second = installation.start(**playing)
    assert installation.clock() >= later
    until(installation.clock, lambda now: now > later + 2 * FIVE_MINUTES)
    refused = installation.cop("exercise", "play", "--to", "2025-09-24T20:00")
    assert (refused.returncode, "feeds and returns tell this exercise" in refused.stderr) == (1, True)
    second.send_signal(signal.SIGTERM)
    told = second.communicate(timeout=60)[1]
    assert "records (" not in told, "what feeds have brought makes no file be loaded again"
    assert "Traceback" not in told
    assert "Event loop" not in told


def until(question: Callable[[], Any], good: Callable[[Any], bool], seconds: float = 120) -> Any:
    """What a question is answered, as soon as the answer is good."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        if good(answer := question()):
            return answer
        time.sleep(0.3)
    raise AssertionError(f"after {seconds} s still {answer!r}")


def child(parent: int, words: str) -> int:
    """The number of a process's child that was called so; 0 where there is none."""
    for task in Path(f"/proc/{parent}/task").iterdir():
        for pid in (task / "children").read_text().split():
            if words in called(int(pid)):
                return int(pid)
    return 0


def called(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def alive(pid: int) -> bool:
    return bool(called(pid))  # one that is dead and not asked after has none


def test_trouble_is_a_sentence_with_a_way_out(installation: Installation, tmp_path: Path) -> None:
    cases = [
        (installation.cop("run", COP_DATA=str(tmp_path / "nothing")), "is no folder"),
        (installation.cop("migrate", COP_DATABASE_URL="postgresql://nobody@127.0.0.1:1/none"), "COP_DATABASE_URL"),
        (installation.cop("layers", "check", COP_LAYERS=str(broken_layers(tmp_path))), "wanted"),
        (installation.cop("clean", COP_DATABASE_URL="postgresql://nobody@127.0.0.1:1/none"), "only the private store"),
    ]
    for ended, told in cases:
        assert ended.returncode == 1
        assert told in ended.stderr
        assert "Traceback" not in ended.stderr


def broken_layers(folder: Path) -> Path:
    (folder / "layers").mkdir()
    (folder / "layers" / "roads.yml").write_text("id: roads\ngeometry: Blob\n")
    return folder / "layers"


def test_clean_counts_records_of_the_real_world(installation: Installation) -> None:
    import psycopg

    from cop_server.cluster import ensure_cluster

    owner = ensure_cluster(installation.var / "cluster").owner_dsn
    with psycopg.connect(owner) as connection:
        connection.execute("UPDATE layer.incidents SET message_status = 'actual' WHERE source_ref LIKE '%%7'")
        (count,) = connection.execute("SELECT count(*) FROM layer.incidents WHERE message_status = 'actual'").fetchone()  # type: ignore[misc]
    assert count > 0
    for words in (["clean"], ["clean", "--actual", str(count + 1)]):
        refused = installation.cop(*words)
        assert refused.returncode == 1
        assert f"holds {count} Actual records" in refused.stderr
    assert installation.cop("clean", "--actual", str(count)).returncode == 0
    assert not (installation.var / "basemap").exists()
