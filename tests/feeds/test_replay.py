"""Kept payloads served again, and read by a worker of another mode: the same observations at the same times."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from feed_source import NOON, Shop, feed_of, http_date, wind_csv
from simulated import served

from cop.errors import LoadRefused
from cop.settings import get_settings
from cop_ingest.feeds.clock import SimulatorClock
from cop_ingest.feeds.declared import feeds
from cop_ingest.feeds.fetch import Fetcher
from cop_ingest.simulator.app import Simulator
from cop_ingest.simulator.clock import Clock
from cop_ingest.simulator.replay import Series, series_in, span
from cop_ingest.simulator.stored import connecting, series_of
from cop_ingest.simulator.world.world import World
from cop_server.cluster import Cluster

WIND = feed_of()
HOUR = timedelta(hours=1)
SAID = "SELECT observed_at, mean_kmh FROM obs.wind_10min WHERE provenance = %s ORDER BY 1"


def replayed(shop: Shop, series: list[Series], minutes: int, feed: object = WIND) -> list[str]:
    """What becomes of a worker's turns at each so many minutes of the series' time, and the bodies that it gets."""
    begins, ends = span(series)
    simulator = Simulator(World(), Clock(begins, ends, begins, 0), [one.endpoint() for one in series])
    outcomes = []
    for url in served(simulator):
        clock, fetcher = SimulatorClock(url), Fetcher("tests", url)
        other = Shop(
            shop.source, shop.clock, replace(shop.workshop, mode="exercise", clock=clock, fetcher=fetcher), shop.owner
        )
        at = begins
        while at <= ends:
            simulator.clock.jump(at)
            assert clock.heard() == (at, 0.0)
            outcomes.append(other.turn(feed).outcome)  # type: ignore[arg-type]
            at += timedelta(minutes=minutes)
        fetcher.close()
    return outcomes


def test_a_stores_payloads_come_again_at_their_times(shop: Shop, database_once: Cluster) -> None:
    for minutes, speed in ((0, 50), (10, 60), (20, 60), (30, 70)):
        at = NOON + timedelta(minutes=minutes - minutes % 20)
        shop.clock.at = NOON + timedelta(minutes=minutes)
        shop.source.says(wind_csv(at, Cheung_Chau=50 if minutes < 20 else speed), Last_Modified=http_date(at))
        shop.turn(WIND)
    connect = connecting(database_once.owner_dsn)
    series = series_of(connect, [WIND], "actual", NOON - HOUR, NOON + HOUR)
    assert [(one.host, one.path) for one in series] == [("stub.invalid", "x.csv")]
    assert [one.at for one in series[0].kept] == [NOON, NOON + timedelta(minutes=20), NOON + timedelta(minutes=30)]
    told = shop.owner.execute(SAID, ["real"]).fetchall()
    assert told == [(NOON, 50.0), (NOON + timedelta(minutes=20), 70.0)]
    for table in ("obs.wind_10min", "layer.wind_10min"):  # as in another store: what is real would stand before it
        shop.owner.execute(f"DELETE FROM {table}")  # type: ignore[arg-type]
    assert replayed(shop, series, 10) == ["loaded", "same", "loaded", "loaded"]
    assert shop.owner.execute(SAID, ["exercise"]).fetchall() == told
    part = series_of(connect, [WIND], "actual", NOON + timedelta(minutes=25), NOON + HOUR)
    assert len(part[0].kept) == 1
    with pytest.raises(LoadRefused, match="no payload of mode actual"):
        series_of(connect, [WIND], "actual", NOON - 2 * HOUR, NOON - HOUR)


def test_the_recorded_winds_of_ragasa_come_again(shop: Shop) -> None:
    data = get_settings().data
    folder = data / "hko_wind_10min" / "ragasa_2025" if data else None
    if folder is None or not folder.is_dir():
        pytest.skip("no recording is at hand")
    feed = feeds()["hko_wind_10min"]
    whole = series_in(folder, feed.parts["en"].url.removeprefix("https://"))[0]
    outcomes = replayed(shop, [replace(whole, kept=whole.kept[:13])], 10, feed)
    assert outcomes[0] == "loaded"
    assert set(outcomes) <= {"loaded", "same", "unchanged"}
    assert shop.one("SELECT count(DISTINCT observed_at) FROM obs.wind_10min WHERE provenance = 'exercise'") >= 6
