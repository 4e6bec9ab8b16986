"""Series of observations: trend and thresholds made while loading, hours kept when days are put away."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg import sql

from cop.catalogue import Layer, catalogue
from cop.errors import NotFound, Refused
from cop.observations import prune
from cop.query.series import _statement, read_series, series
from cop.settings import get_settings
from cop.visible import VisibleSet
from cop_ingest.load import Origin, load_observations, load_whole, manifest_of
from cop_ingest.records import Parsed, Record
from cop_server.cluster import Cluster

WIND = catalogue().layers["wind_10min"]
NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


def told(
    store: Cluster, *observations: tuple[datetime, float | None, float | None], station: str = "Cheung Chau"
) -> None:
    records = [
        Record(station, {"station_en": station, "observed_at": at, "mean_kmh": mean, "gust_kmh": gust}, None)
        for at, mean, gust in observations
    ]
    origin = Origin("a test", manifest_of(repr(observations).encode()), "exercise")
    with psycopg.connect(store.owner_dsn, autocommit=True) as connection:
        load_observations(connection, WIND, Parsed(records), origin, max(at for at, _, _ in observations))


def latest(store: Cluster, station: str = "Cheung Chau") -> dict[str, Any]:
    with psycopg.connect(store.owner_dsn, row_factory=psycopg.rows.dict_row) as connection:
        row = connection.execute("SELECT * FROM layer.wind_10min WHERE id = %s", [station]).fetchone()
    assert row is not None
    return row


def asked(**given: str) -> Any:
    return series(read_series(WIND, VisibleSet(), "Cheung Chau", given))


def test_the_level_counts_the_thresholds_that_are_reached(store: Cluster) -> None:
    for gust, level in ((62.9, 0), (63.0, 1), (149.0, 2), (185.0, 4)):
        told(store, (NOW + timedelta(minutes=level), 40.0, gust))
        assert latest(store)["gust_level"] == level
    told(store, (NOW + timedelta(minutes=9), 40.0, None))
    assert latest(store)["gust_level"] is None


def test_the_trend_is_against_the_value_an_hour_ago(store: Cluster) -> None:
    told(store, (NOW - timedelta(minutes=60), 20.0, None))
    told(store, (NOW - timedelta(minutes=30), 99.0, None))
    told(store, (NOW, 33.5, None))
    assert latest(store)["mean_trend_kmh"] == 13.5


def test_without_a_value_of_that_time_there_is_no_trend(store: Cluster) -> None:
    told(store, (NOW - timedelta(minutes=150), 20.0, None))
    told(store, (NOW - timedelta(minutes=30), 25.0, None))
    told(store, (NOW, 33.5, None))
    assert latest(store)["mean_trend_kmh"] is None


def test_loading_the_same_again_changes_nothing(store: Cluster) -> None:
    told(store, (NOW - timedelta(minutes=60), 20.0, 70.0), (NOW, 30.0, 80.0))
    before = latest(store)
    told(store, (NOW - timedelta(minutes=60), 20.0, 70.0), (NOW, 30.0, 80.0))
    assert latest(store) == before


def test_a_series_is_asked_for_by_time_and_parameter(store: Cluster) -> None:
    told(store, *((NOW + timedelta(minutes=10 * step), 10.0 + step, 20.0 + step) for step in range(6)))
    found = asked()
    assert found.times == [NOW + timedelta(minutes=10 * step) for step in range(6)]
    assert found.values["mean_kmh"] == [10.0, 11.0, 12.0, 13.0, 14.0, 15.0]
    start = (NOW + timedelta(minutes=20)).isoformat().replace("+00:00", "Z")
    found = asked(**{"datetime": f"{start}/..", "parameter-name": "gust_kmh"})
    assert found.values == {"gust_kmh": [22.0, 23.0, 24.0, 25.0]}
    assert asked(limit="2").values["mean_kmh"] == [14.0, 15.0]
    assert asked(interval="PT1H").values["mean_kmh"] == [12.5]


def test_an_audience_gets_no_longer_a_series_than_its_rows(store: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    told(store, *((NOW + timedelta(minutes=10 * step), 10.0 + step, None) for step in range(6)))
    monkeypatch.setenv("COP_LIMITS", '{"public": {"rows": 3}}')
    get_settings.cache_clear()
    try:
        assert asked().values["mean_kmh"] == [13.0, 14.0, 15.0]
        assert asked(limit="5").values["mean_kmh"] == [13.0, 14.0, 15.0]
        inside = series(read_series(WIND, VisibleSet("departments", "DSD"), "Cheung Chau", {}))
        assert len(inside.times) == 6
    finally:
        monkeypatch.undo()
        get_settings.cache_clear()


def test_means_are_of_whole_hours_and_only_those_asked_for_are_read(store: Cluster) -> None:
    start = (NOW - timedelta(days=2)).replace(hour=5)
    told(store, *((start + timedelta(minutes=20 * step), 10.0 * step, None) for step in range(12)))
    told(store, (start - timedelta(days=9), 1.0, None), (NOW, 7.0, None))

    def means(begins: timedelta, ends: timedelta) -> list[float | None]:
        told = "/".join((start + one).isoformat().replace("+00:00", "Z") for one in (begins, ends))
        return asked(interval="PT1H", datetime=told).values["mean_kmh"]

    hour = timedelta(hours=1)
    assert means(0 * hour, 3 * hour) == [10.0, 40.0, 70.0, 100.0]
    assert means(hour, 2 * hour) == [40.0, 70.0]
    assert means(0.5 * hour, 2.5 * hour) == [40.0, 70.0]
    assert means(-300 * hour, 0 * hour) == [1.0, 10.0]
    # Days outside are not looked at: a store that has lost one answers about the others.
    with psycopg.connect(store.owner_dsn, autocommit=True) as owner:
        question = read_series(WIND, VisibleSet(), "Cheung Chau", {"interval": "PT1H", "datetime": _days(start)})
        about = {"layer": "wind_10min", "id": "x", "limit": 9,
                 "start": question.interval.start, "end": question.interval.end}  # fmt: skip
        plan = owner.execute(sql.SQL("EXPLAIN ") + _statement(question), about).fetchall()
    days = {part for (line,) in plan for part in re.findall(r"wind_10min_(\d{8})", line)}
    assert len(days) == 1, plan


def _days(start: datetime) -> str:
    return "/".join((start + timedelta(hours=n)).isoformat().replace("+00:00", "Z") for n in (0, 3))


@pytest.mark.parametrize(
    ("given", "names"),
    [({"parameter-name": "nonsense"}, "mean_kmh"), ({"interval": "P1D"}, "PT1H"), ({"nonsense": "1"}, "nonsense"),
     ({"datetime": "yesterday"}, "datetime"), ({"limit": "0"}, "limit")],
)  # fmt: skip
def test_bad_questions_are_refused_by_name(given: dict[str, str], names: str) -> None:
    with pytest.raises(Refused, match=names):
        read_series(WIND, VisibleSet(), "x", given)


def test_layers_that_are_no_sensors_have_no_series() -> None:
    with pytest.raises(NotFound):
        read_series(catalogue().layers["incidents"], VisibleSet(), "x", {})


def test_days_that_are_put_away_are_kept_by_the_hour(store: Cluster) -> None:
    old = (NOW - timedelta(days=10)).replace(hour=5)
    told(store, *((old + timedelta(minutes=10 * step), 10.0 * step, None) for step in range(9)))
    told(store, (NOW, 7.0, None))
    before = asked(interval="PT1H")
    assert before.values["mean_kmh"] == [25.0, 70.0, 7.0]
    dry = list(prune(store.owner_dsn, catalogue(), 3, really=False))
    assert [(one.layer, one.day, one.hours) for one in dry] == [("wind_10min", old.date(), 0)]
    assert asked(interval="PT1H") == before
    [done] = prune(store.owner_dsn, catalogue(), 3, really=True)
    assert done.hours == 2
    assert asked().values["mean_kmh"] == [7.0]
    assert asked(interval="PT1H") == before
    assert list(prune(store.owner_dsn, catalogue(), 3, really=True)) == []


def test_what_comes_late_for_a_day_that_is_put_away_joins_its_hours(store: Cluster) -> None:
    old = (NOW - timedelta(days=10)).replace(hour=5)
    told(store, *((old + timedelta(minutes=10 * step), 10.0, None) for step in range(4)))
    list(prune(store.owner_dsn, catalogue(), 3, really=True))
    told(store, (old + timedelta(minutes=45), 30.0, None))
    assert asked(interval="PT1H").values["mean_kmh"] == [14.0], "by observations, and not by where they lie"
    list(prune(store.owner_dsn, catalogue(), 3, really=True))
    assert asked(interval="PT1H").values["mean_kmh"] == [14.0]
    with psycopg.connect(store.owner_dsn) as connection:
        kept = connection.execute("SELECT count, low, high FROM cop.rollup WHERE name = 'mean_kmh'").fetchall()
    assert kept == [(5, 10.0, 30.0)]


def test_each_day_of_a_series_has_a_partition_until_it_is_put_away(store: Cluster) -> None:
    def days() -> list[str]:
        with psycopg.connect(store.owner_dsn) as connection:
            return [str(row[0]) for row in connection.execute("SELECT day FROM cop.series_days('wind_10min')")]

    before = NOW.replace(hour=23, minute=50) - timedelta(days=5)
    told(store, (before, 1.0, None), (before + timedelta(minutes=20), 2.0, None), (NOW, 3.0, None))
    wanted = [str((before + timedelta(days=n)).date()) for n in (0, 1)] + [str(NOW.date())]
    assert days() == wanted
    list(prune(store.owner_dsn, catalogue(), 4, really=True))
    assert days() == wanted[1:], "the day that ended four days ago is kept whole"
    assert asked().values["mean_kmh"] == [2.0, 3.0]


RAIN = catalogue().layers["rainfall_hourly"]
SPEEDS = catalogue().layers["detector_speeds"]


@pytest.mark.parametrize(
    ("layer", "measured", "made", "of"),
    [(RAIN, "rain_mm", "rain_level", {29.9: "none", 30.0: "amber", 50.0: "red", 69.9: "red", 70.0: "black", None: None}),
     (SPEEDS, "speed_kmh", "speed_level", {51.0: "free", 50.0: "slow", 20.0: "crawling", 0.0: "crawling", None: None})],
    ids=["rain", "speed"],
)  # fmt: skip
def test_the_level_of_a_column_of_codes_is_a_word(
    store: Cluster, layer: Layer, measured: str, made: str, of: dict[float | None, str | None]
) -> None:
    records = [
        Record(f"S{number}", {layer.key[0]: f"S{number}", "observed_at": NOW, measured: value}, None)  # type: ignore[index]
        for number, value in enumerate(of)
    ]
    with psycopg.connect(store.owner_dsn, autocommit=True) as connection:
        load_observations(connection, layer, Parsed(records), Origin("a test", manifest_of(b""), "exercise"), NOW)
        found = connection.execute(
            sql.SQL("SELECT {} FROM {} ORDER BY id").format(sql.Identifier(made), sql.Identifier("layer", layer.id))
        ).fetchall()
    assert [row[0] for row in found] == list(of.values())


def test_areas_of_the_nowcast_say_which_amount_they_reach(store: Cluster) -> None:
    layer = catalogue().layers["rainfall_nowcast_areas"]
    records = [
        Record(f"30-{most}", {"horizon_min": 30, "threshold_mm": 5, "max_mm": most}, None) for most in (5.0, 30.0, 71.0)
    ]
    with psycopg.connect(store.owner_dsn, autocommit=True) as connection:
        load_whole(connection, layer, Parsed(records), Origin("a test", manifest_of(b""), "exercise"))
        found = connection.execute("SELECT rain_level FROM layer.rainfall_nowcast_areas ORDER BY max_mm").fetchall()
    assert [row[0] for row in found] == ["none", "amber", "black"]
