"""Grids of feeds: kept as a GeoTIFF with a band a time, and served as a coverage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import rasterio
from feed_source import NOON, Shop, feed_of, http_date
from rasterio.io import MemoryFile

from cop.errors import LoadRefused
from cop_ingest.feeds.declared import feeds
from cop_ingest.feeds.payload import Raster
from cop_ingest.feeds.rasters import keep_raster
from cop_server.cluster import Cluster

HEADER = (
    "Updated Date and Time (in Hong Kong Time),Ending Date and Time (in Hong Kong Time),Latitude (degree),"
    "Longitude (degree),Half-hourly Nowcast Accumulated Rainfall (mm)"
)
TARGET = {"layer": "rainfall_nowcast_areas", "how": "whole", "coverage": "rainfall_nowcast"}
PARSER = feeds()["hko_nowcast"].parser
NOWCAST = feed_of(
    id="stub_nowcast",
    parser=PARSER,
    target=TARGET,
    position=None,
    parts={"grid": {"url": "https://stub.invalid/x.csv"}},
)


def nowcast(run: Any, heaviest: float) -> str:
    """A grid of 4 x 3 points, with one point in heavy rain in the second half hour."""
    rows = [HEADER]
    for half in range(1, 5):
        end = run + timedelta(minutes=30 * half)
        for y in range(3):
            for x in range(4):
                rain = heaviest if (half, y, x) == (2, 1, 2) else 0.5
                stamps = ",".join((at + timedelta(hours=8)).strftime("%Y%m%d%H%M") for at in (run, end))
                rows.append(f"{stamps},{22.3 + 0.02 * y:.3f},{114.1 + 0.02 * x:.3f},{rain:.2f}")
    return "\n".join(rows) + "\n"


def test_a_nowcast_becomes_areas_and_a_coverage(
    shop: Shop, tmp_path: Path, database_once: Cluster, start_server: Callable[..., str]
) -> None:
    shop.workshop = replace(shop.workshop, blobs=tmp_path)
    for minutes, heaviest in ((0, 12.0), (12, 35.0)):
        shop.source.says(
            nowcast(NOON + timedelta(minutes=minutes), heaviest),
            Last_Modified=http_date(NOON + timedelta(minutes=minutes)),
        )
        shop.clock.later(minutes=13)
        assert shop.turn(NOWCAST).outcome == "loaded"
    [file] = tmp_path.iterdir()
    with rasterio.open(file) as raster:
        assert raster.driver == "GTiff"
        assert raster.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert (raster.count, raster.width, raster.height, raster.crs.to_epsg()) == (4, 4, 3, 4326)
        assert tuple(round(edge, 6) for edge in raster.bounds) == (114.09, 22.29, 114.17, 22.35)
        assert raster.descriptions[1] == (NOON + timedelta(minutes=72)).strftime("%Y-%m-%dT%H:%M:%SZ")
        assert raster.tags()["RUN_AT"] == (NOON + timedelta(minutes=12)).strftime("%Y-%m-%dT%H:%M:%SZ")
        # Row 0 is the northernmost: the point is in the middle row, third from the west.
        assert raster.read(2)[1, 2] == 35.0
        assert float(raster.read().sum()) == pytest.approx(35.0 + 47 * 0.5)
    levels = {
        row[0]
        for row in shop.owner.execute("SELECT threshold_mm FROM layer.rainfall_nowcast_areas WHERE geom IS NOT NULL")
    }
    assert levels == {5.0, 10.0, 20.0, 30.0}
    url = start_server(database_once.app_dsn, COP_BLOBS=str(tmp_path))
    with httpx.Client(base_url=url) as client:
        about = client.get("/collections/rainfall_nowcast?f=json").json()
        assert about["extent"]["spatial"]["bbox"] == [[114.09, 22.29, 114.17, 22.35]]
        body = client.get("/collections/rainfall_nowcast/coverage?f=GTiff").content
        with MemoryFile(body) as memory, memory.open() as served:
            assert served.read(2)[1, 2] == 35.0
        coverage = {"f": "GTiff", "mode": "actual"}
        assert "cop-caveat" not in client.get("/collections/rainfall_nowcast/coverage", params=coverage).headers
        shop.owner.execute(
            "INSERT INTO layer.feeds (title_en, department, state, age_s, source, source_ref, message_status, release)"
            " VALUES ('Nowcast', 'HKO', 'stale', 2800, 'worker', 'hko_nowcast', 'actual', 'public')"
        )
        told = client.get("/collections/rainfall_nowcast/coverage", params=coverage).headers["cop-caveat"]
        assert told == "hko_nowcast;state=stale;age=2800"


def test_where_nothing_can_be_written_what_was_there_stays(tmp_path: Path) -> None:
    target = tmp_path / "grid.tif"
    values = np.zeros((1, 2, 2), dtype=np.float32)
    keep_raster(Raster(values, 114.0, 22.4, 0.02, NOON, (NOON,), "mm"), target)
    before = target.read_bytes()
    (tmp_path / "file").write_text("")
    with pytest.raises(LoadRefused, match="cannot be written"):
        keep_raster(Raster(values, 114.0, 22.4, 0.02, NOON, (NOON,), "mm"), tmp_path / "file" / "grid.tif")
    assert target.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "grid.tif"]
