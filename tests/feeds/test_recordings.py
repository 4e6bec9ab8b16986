"""The Observatory's wind of the typhoon, as it was recorded, served again file by file."""

from __future__ import annotations

import csv
import io
import os
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from feed_source import Shop, http_date

from cop_ingest.feeds.declared import feeds

PATH = "/data.weather.gov.hk/weatherAPI/hko_data/regional-weather/latest_10min_wind.csv"
FILES = 18
Told = dict[tuple[str, datetime], float | None]


@pytest.fixture
def recordings() -> list[tuple[datetime, bytes]]:
    """Three hours of files with the time of their download."""
    folder = Path(__file__).parents[3] / "shared" / "data" / "hko_wind_10min" / "ragasa_2025"

    if told := os.environ.get("COP_DATA"):
        folder = Path(told) / "hko_wind_10min" / "ragasa_2025"
    files = sorted(folder.glob("*.csv"))[:FILES]
    if not files:
        pytest.skip("no recordings: ../shared/data is not beside the clone, and COP_DATA names no folder with them")
    return [(hong_kong(file.name[:13].replace("-", "")), file.read_bytes()) for file in files]


def hong_kong(text: str) -> datetime:
    return (datetime.strptime(text, "%Y%m%d%H%M") - timedelta(hours=8)).replace(tzinfo=UTC)


def mean_speeds(recordings: list[tuple[datetime, bytes]]) -> Told:
    """Each station's mean speed by time, read with the csv module alone: the newest file's word."""
    told: Told = {}
    for _, body in sorted(recordings, key=lambda one: one[0]):
        for row in list(csv.reader(io.StringIO(body.decode("utf-8-sig"))))[1:]:
            told[row[1], hong_kong(row[0])] = float(row[3]) if row[3] not in ("", "N/A") else None
    return told


@pytest.mark.parametrize("order", ["as they came", "shuffled"])
def test_recordings_come_to_the_same_series_in_any_order(
    shop: Shop, recordings: list[tuple[datetime, bytes]], order: str
) -> None:
    feed = feeds()["hko_wind_10min"]
    served = list(recordings)
    if order == "shuffled":
        random.Random(7).shuffle(served)
    newest = max(at for at, _ in recordings)
    seen = 0
    for at, body in served:
        shop.clock.at = at if order == "as they came" else newest + timedelta(minutes=1)
        shop.source.says(body, path=PATH, Last_Modified=http_date(at))
        ended = shop.turn(feed)
        assert ended.sums.seen == ended.sums.inserted + ended.sums.updated + ended.sums.unchanged + ended.sums.refused
        seen += ended.sums.seen
        assert ended.outcome in ("loaded", "unchanged", "late"), ended.cause
    wanted = mean_speeds(recordings)
    found = shop.owner.execute("SELECT station_en, observed_at, mean_kmh FROM obs.wind_10min").fetchall()
    assert {(station, at): mean for station, at, mean in found} == wanted
    latest = shop.owner.execute("SELECT station_en, observed_at, mean_kmh FROM layer.wind_10min").fetchall()
    for station, at, mean in latest:
        assert at == max(when for name, when in wanted if name == station)
        assert mean == wanted[station, at]
    assert seen >= len(wanted)
    assert shop.health("hko_wind_10min")[0] in ("live", "late")
