"""Drawing ahead: what is missing is drawn, what is there is passed over, a stop loses nothing, some sources refuse."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageStat

from cop.errors import SetupTrouble
from cop.resources import resource
from cop.settings import Settings
from cop_server.basemap_offer import read_configuration
from cop_server.seeding import seed as seed_command
from cop_tiles import seed
from cop_tiles.basemap.folder import built

pytestmark = pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")


@pytest.fixture
def settings(state: Path, tmp_path: Path) -> Settings:
    """A state folder of this test's own, with the small Hong Kong's basemap and no tile yet."""
    folder = built(state / "basemap")
    assert folder is not None
    (tmp_path / "basemap").mkdir()
    (tmp_path / "basemap" / "current").symlink_to(folder)
    (tmp_path / "basemap" / "stamp").touch()
    os.utime(tmp_path / "basemap" / "stamp", (1, 1))
    return Settings(var=tmp_path)


def _levels(settings: Settings, tmp_path: Path, layers: str = "light, relief", last: int = 9) -> list[seed.Level]:
    """A few coarse levels: a handful of tiles in Web Mercator, thirteen in the HK1980 Grid, for each layer."""
    file = tmp_path / "seed.yaml"
    file.write_text(
        "seeds:\n"
        f"  web: {{caches: [{layers}], grids: [wm], levels: {{from: 7, to: {last}}}, coverages: [here]}}\n"
        f"  grid: {{caches: [{layers}], grids: [hk80], levels: {{from: 0, to: 1}}, coverages: [here]}}\n"
        "coverages:\n  here: {bbox: [113.81, 22.13, 114.51, 22.58], srs: 'EPSG:4326'}\n"
    )
    configuration = read_configuration(resource("mapproxy") / "mapproxy.yaml", settings, seed=True)
    return seed.levels(configuration, file)


def _picture(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("RGB")


def _tiles(settings: Settings) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in (settings.var / "mapproxy").rglob("*.png")}


def test_what_is_missing_is_drawn_and_nothing_twice(settings: Settings, tmp_path: Path) -> None:
    levels = _levels(settings, tmp_path)
    told: list[int] = []
    total = sum(level.tiles for level in levels)
    first = seed.seed(levels, lambda _, count: told.append(count))
    assert (first.drawn, first.kept) == (total, 0)
    assert sum(told) == total
    there = _tiles(settings)
    assert len(there) >= total  # a single tile is drawn with those around it
    again = seed.seed(levels, lambda _, count: None)
    assert (again.drawn, again.kept) == (0, total)
    assert _tiles(settings) == there
    next(iter(there)).unlink()
    assert seed.seed(levels, lambda _, count: None).drawn > 0


def test_a_stop_ends_it_and_the_next_run_goes_on(settings: Settings, tmp_path: Path) -> None:
    levels = _levels(settings, tmp_path, "light", last=10)
    stop = threading.Event()
    first = seed.seed(levels, lambda _, __: stop.set(), stop)
    total = sum(level.tiles for level in levels)
    assert 0 < first.drawn < total
    second = seed.seed(levels, lambda _, __: None)
    assert second.kept == first.drawn
    assert first.drawn + second.drawn == total


def test_tiles_drawn_ahead_are_those_that_users_get(settings: Settings, tmp_path: Path, client_of: Any) -> None:
    """The blocks are cut otherwise, and nobody sees it."""
    client = client_of(settings)
    address = "/basemaps/wmts/light/wm/9/418/223.png"
    before = _picture(client.get(address).content)
    for tile in _tiles(settings):
        tile.unlink()
    seed.seed([level for level in _levels(settings, tmp_path) if level.number == 9], lambda _, __: None)
    seeded = _picture(client.get(address).content)
    # Each block has colours of its own, so a few differ by a step.
    assert max(ImageStat.Stat(ImageChops.difference(before, seeded)).mean) < 1


def test_the_shipped_seed_file_names_three_layers_in_both_grids(settings: Settings) -> None:
    configuration = read_configuration(resource("mapproxy") / "mapproxy.yaml", settings, seed=True)
    levels = seed.levels(configuration, resource("mapproxy") / "seed.yaml")
    assert {(level.cache, level.grid) for level in levels} == {
        (layer, grid) for layer in ("light", "dark", "relief") for grid in ("wm", "hk80")
    }
    assert {level.number for level in levels if level.grid == "wm"} == set(range(8, 15))
    with pytest.raises(seed.SeedFailed, match="osm"):
        seed.levels(configuration, resource("mapproxy") / "seed.yaml", ["osm"])


def test_openstreetmap_is_never_fetched_ahead(settings: Settings, tmp_path: Path) -> None:
    live = settings.model_copy(update={"basemaps": "live", "osm_url": "http://127.0.0.1:9"})
    file = tmp_path / "seed.yaml"
    file.write_text(
        "seeds:\n  all: {caches: [osm], grids: [xyz], levels: [9], coverages: [here]}\n"
        "coverages:\n  here: {bbox: [114.1, 22.3, 114.2, 22.4], srs: 'EPSG:4326'}\n"
    )
    configuration = read_configuration(resource("mapproxy") / "production.yaml", live, seed=True)
    with pytest.raises(seed.SeedFailed, match="forbids"):
        seed.seed(seed.levels(configuration, file), lambda _, __: None, slowly=True)


def test_tiles_from_outside_need_the_setting(settings: Settings) -> None:
    with pytest.raises(SetupTrouble, match="COP_BASEMAPS=live"):
        seed_command(settings, outside=True)


def test_without_a_basemap_it_says_what_to_do(tmp_path: Path) -> None:
    ran = subprocess.run(
        [Path(sys.executable).parent / "cop", "seed"], env={**os.environ, "COP_VAR": str(tmp_path)}, check=False,
        capture_output=True, text=True,
    )  # fmt: skip
    assert ran.returncode == 1
    assert "there is no basemap yet" in ran.stderr
    assert "Traceback" not in ran.stderr
