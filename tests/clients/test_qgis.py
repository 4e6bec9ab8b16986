"""QGIS 3.22 of Debian 12, really started: it opens, counts, reads and draws what the server publishes."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

SESSION = Path(__file__).parent / "qgis_session.py"
PYTHON = Path("/usr/bin/python3")  # Debian's: the package qgis is made for it alone
KEPT = ("PATH", "LANG", "HOME", "TMPDIR")


@pytest.fixture(scope="module")
def session(server: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What one session of QGIS saw."""
    folder = tmp_path_factory.mktemp("qgis")
    env = {name: value for name, value in os.environ.items() if name in KEPT}
    env |= {"QT_QPA_PLATFORM": "offscreen", "XDG_RUNTIME_DIR": str(folder), "QGIS_CUSTOM_CONFIG_PATH": str(folder)}
    done = subprocess.run(
        [PYTHON, SESSION, server, folder], env=env, capture_output=True, text=True, timeout=120, check=False
    )  # fmt: skip
    assert done.returncode == 0, f"QGIS ended with {done.returncode}: {done.stdout}\n{done.stderr}"
    seen: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return seen


@pytest.mark.parametrize("name", ["districts", "incidents", "roads_b50k"])
def test_a_collection_opens_and_counts(session: dict[str, Any], truth: Any, name: str) -> None:
    layer = session["features"][name]
    assert layer["valid"]
    assert layer["counted"] == layer["read"] == truth.count(name) > 0
    assert layer["with_geometry"] == truth.count(name, "geom IS NOT NULL")
    assert layer["crs"] in ("OGC:CRS84", "EPSG:4326")
    assert 0.002 < layer["picture"]["drawn"] < 0.99
    assert layer["picture"]["colours"] > 1


def test_values_arrive_whole(session: dict[str, Any], http: httpx.Client) -> None:
    layer = session["features"]["districts"]
    first = http.get(f"/collections/districts/items/{layer['first']['id']}").json()
    for name in ("code", "name_en", "name_zh"):
        assert layer["first"][name] == first["properties"][name]
    lon, lat = map(float, layer["first_place"].split(","))
    assert 113.8 < lon < 114.6
    assert 22.1 < lat < 22.6


@pytest.mark.parametrize("name", ["districts", "incidents"])
def test_vector_tiles_draw(session: dict[str, Any], name: str) -> None:
    tiles = session["tiles"][name]
    assert tiles["valid"]
    assert tiles["picture"]["drawn"] > 0.01


@pytest.mark.parametrize(("name", "crs"), [("wmts", "EPSG:2326"), ("wms", "EPSG:2326"), ("xyz", "EPSG:3857")])
def test_the_basemap_draws(session: dict[str, Any], name: str, crs: str) -> None:
    basemap = session["basemap"][name]
    assert basemap["valid"]
    assert basemap["crs"] == crs
    assert basemap["picture"]["colours"] > 50
    assert basemap["picture"]["drawn"] > 0.95
