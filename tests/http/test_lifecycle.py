"""The life of an installation, as `make run`, `make stop` and `make clean` call it, on stand-ins and a cluster of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

COP = [sys.executable, "-m", "cop_server"]


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

    def cop(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COP, *words], env=self.env | more, capture_output=True, text=True, timeout=300, check=False
        )

    def start(self) -> subprocess.Popen[str]:
        process = subprocess.Popen([*COP, "run"], env=self.env, stderr=subprocess.PIPE, text=True)
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
