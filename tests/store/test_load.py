"""Loads: all or nothing, twice changes nothing, what is refused or mended is kept with its reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import shapely

from cop.catalogue import catalogue
from cop.errors import LoadRefused
from cop.settings import get_settings
from cop_ingest.load import Origin, load_observations, load_register, load_whole
from cop_ingest.records import Parsed, Record, Refusal
from cop_ingest.reference import Place, load_reference, loadable
from cop_ingest.register import load_news
from cop_server.cluster import Cluster

LAYERS = catalogue().layers
NOON = datetime(2025, 9, 23, 4, tzinfo=UTC)


@pytest.fixture
def owner(store: Cluster) -> Any:
    with psycopg.connect(store.owner_dsn, autocommit=True) as connection:
        yield connection


def one(connection: Any, statement: str, *values: object) -> Any:
    row = connection.execute(statement, values).fetchone()
    return row[0] if row and len(row) == 1 else row


def road(id_: str, theme: str = "road", remarks: tuple[str, ...] = ()) -> Record:
    line = shapely.to_wkb(shapely.LineString([(114, 22.3), (114.01, 22.31)]))
    return Record(id_, {"theme": theme}, line, remarks)


def origin(name: str = "file", provenance: Any = "real") -> Origin:
    return Origin(name, name.encode(), provenance)


def test_a_whole_layer_inserts_updates_and_closes_at_one_number(owner: Any) -> None:
    layer = LAYERS["roads_b50k"]
    load_whole(owner, layer, Parsed([road("a"), road("b"), road("c")]), origin())
    report = load_whole(owner, layer, Parsed([road("a"), road("b", "path"), road("d")]), origin("next"))
    assert (report.inserted, report.updated, report.closed, report.unchanged) == (1, 1, 1, 1)
    assert report.n == 2
    assert one(owner, "SELECT array_agg(id ORDER BY id) FROM layer.roads_b50k") == ["a", "b", "d"]
    assert one(owner, "SELECT n, count FROM cop.mark") == (2, 3)


def test_loading_twice_changes_nothing_and_takes_no_number(owner: Any) -> None:
    for _ in range(2):
        report = load_whole(owner, LAYERS["roads_b50k"], Parsed([road("a")]), origin())
    assert (report.state, report.n) == ("unchanged", None)
    assert one(owner, "SELECT count(*) FROM cop.journal") == 1


def test_refused_and_mended_records_are_kept_with_their_reason(owner: Any) -> None:
    parsed = Parsed([road("a", remarks=("geometry made valid",))], [Refusal(2, "no geometry", '{"theme": 1}')])
    report = load_whole(owner, LAYERS["roads_b50k"], parsed, origin())
    assert (report.seen, report.refused, report.mended) == (2, 1, 1)
    kept = owner.execute("SELECT kind, feature, reason, record FROM cop.remark ORDER BY kind").fetchall()
    assert kept == [("mended", "a", "geometry made valid", None), ("refused", None, "no geometry", '{"theme": 1}')]


def test_a_copy_without_records_is_refused_and_the_old_ones_stay(owner: Any) -> None:
    load_whole(owner, LAYERS["roads_b50k"], Parsed([road("a")]), origin())
    with pytest.raises(LoadRefused, match="stays as it was"):
        load_whole(owner, LAYERS["roads_b50k"], Parsed([], [Refusal(1, "bad", "x")]), origin("empty"))
    assert one(owner, "SELECT count(*) FROM layer.roads_b50k") == 1
    assert one(owner, "SELECT state, cause IS NOT NULL FROM cop.run ORDER BY id DESC LIMIT 1") == ("failed", True)


def test_what_the_store_refuses_leaves_nothing_half_loaded(owner: Any) -> None:
    load_whole(owner, LAYERS["roads_b50k"], Parsed([road("a")]), origin())
    point = replace(road("b"), geometry=shapely.to_wkb(shapely.Point(114, 22)))
    with pytest.raises(LoadRefused, match="nothing was changed"):
        load_whole(owner, LAYERS["roads_b50k"], Parsed([road("c"), point]), origin("wrong"))
    assert one(owner, "SELECT array_agg(id) FROM layer.roads_b50k") == ["a"]
    assert one(owner, "SELECT count(*) FROM cop.journal") == 1


def wind(speed: float, at: datetime) -> Parsed:
    values = {"station_en": "Cheung Chau", "station_zh": "長洲", "observed_at": at, "mean_kmh": speed}
    return Parsed([Record("Cheung-Chau", values, shapely.to_wkb(shapely.Point(114.03, 22.2)))])


def latest(owner: Any) -> Any:
    return one(owner, "SELECT mean_kmh, observed_at FROM layer.wind_10min")


def test_the_layer_shows_the_latest_and_the_series_keeps_all(owner: Any) -> None:
    layer = LAYERS["wind_10min"]
    for minutes, speed in ((0, 50.0), (10, 60.0)):
        at = NOON + timedelta(minutes=minutes)
        load_observations(owner, layer, wind(speed, at), origin(str(minutes)), at + timedelta(minutes=9))
    assert latest(owner) == (60.0, NOON + timedelta(minutes=10))
    assert one(owner, "SELECT count(*) FROM obs.wind_10min") == 2


def test_a_late_file_never_turns_the_latest_back(owner: Any) -> None:
    layer = LAYERS["wind_10min"]
    later = NOON + timedelta(minutes=10)
    load_observations(owner, layer, wind(60.0, later), origin("new"), later + timedelta(minutes=9))
    report = load_observations(owner, layer, wind(50.0, NOON), origin("late"), NOON + timedelta(minutes=9))
    assert report.state == "unchanged"
    assert latest(owner) == (60.0, later)
    assert one(owner, "SELECT count(*) FROM obs.wind_10min") == 2


def test_a_time_published_twice_takes_the_newer_file_whichever_comes_first(owner: Any) -> None:
    layer = LAYERS["wind_10min"]
    load_observations(owner, layer, wind(61.0, NOON), origin("second"), NOON + timedelta(minutes=19))
    load_observations(owner, layer, wind(60.0, NOON), origin("first"), NOON + timedelta(minutes=9))
    assert latest(owner) == (61.0, NOON)


def incident(ref: str, status: str = "reported", reported: datetime = NOON) -> Record:
    values = {
        "category": "road", "title_en": f"Incident {ref}", "department": "TD", "status": status, "major": False,
        "message_status": "test", "release": "public", "reported_at": reported, "source": "feed", "source_ref": ref,
    }  # fmt: skip
    return Record(ref, values, None)


def test_register_records_keep_their_id_and_are_numbered_one_by_one(owner: Any) -> None:
    layer = LAYERS["incidents"]
    load_register(owner, layer, Parsed([incident(str(n)) for n in range(250)]), origin())
    before = one(owner, "SELECT id FROM layer.incidents WHERE source_ref = '7'")
    report = load_register(owner, layer, Parsed([incident("7", "confirmed"), incident("new")]), origin("next"))
    assert (report.inserted, report.updated) == (1, 1)
    assert one(owner, "SELECT id, status FROM layer.incidents WHERE source_ref = '7'") == (before, "confirmed")
    assert one(owner, "SELECT count(*), count(DISTINCT n) FROM cop.journal") == (252, 252)


def test_an_older_word_never_replaces_a_newer_one(owner: Any) -> None:
    layer = LAYERS["incidents"]
    load_register(owner, layer, Parsed([incident("1", "confirmed", NOON)]), origin())
    load_register(owner, layer, Parsed([incident("1", "reported", NOON - timedelta(hours=1))]), origin("late"))
    assert one(owner, "SELECT status FROM layer.incidents") == "confirmed"


def outcomes(owner: Any, data: Path | None, blobs: Path, *only: str) -> dict[str, Any]:
    return {o.layer.id: o for o in load_reference(catalogue(), Place(owner, data, blobs, scale=0.02), only)}


def test_without_a_data_folder_every_layer_has_a_stand_in_and_says_so(owner: Any, tmp_path: Path) -> None:
    found = outcomes(owner, None, tmp_path)
    assert set(found) == {layer.id for layer in loadable(catalogue())}
    assert not [o.sentence for o in found.values() if o.failure]
    for layer in catalogue().feature_layers:
        if layer.id in found:
            assert one(owner, f"SELECT count(*) > 0, bool_and(provenance = 'exercise') FROM layer.\"{layer.id}\"") == (
                True,
                True,
            )
    assert one(owner, "SELECT bool_and(provenance = 'exercise') FROM cop.layer WHERE manifest IS NOT NULL")
    assert (tmp_path / "terrain.tif").is_file()
    again = outcomes(owner, None, tmp_path)
    assert {o.skipped for o in again.values()} == {"loaded already"}


def test_real_records_stay_where_the_data_folder_is_gone(owner: Any, tmp_path: Path) -> None:
    load_whole(owner, LAYERS["roads_b50k"], Parsed([road("a")]), origin())
    assert "stay" in str(outcomes(owner, None, tmp_path, "roads_b50k")["roads_b50k"].skipped)
    assert one(owner, "SELECT array_agg(id) FROM layer.roads_b50k") == ["a"]


def test_an_unreadable_file_keeps_the_old_records_and_the_rest_goes_in(owner: Any, tmp_path: Path) -> None:
    data = tmp_path / "data" / "landsd_b50k"
    data.mkdir(parents=True)
    (data / "lantau_road.geojson").write_text('{"type": "FeatureCollection", "features": [{"type"')
    load_whole(owner, LAYERS["roads_b50k"], Parsed([road("a")]), origin())
    found = outcomes(owner, tmp_path / "data", tmp_path / "blobs", "roads_b50k", "districts")
    assert "the old records stay" in found["roads_b50k"].sentence
    assert one(owner, "SELECT array_agg(id) FROM layer.roads_b50k") == ["a"]
    assert found["districts"].failure is None


@pytest.fixture
def full(loaded: Cluster) -> Any:
    """A store as an installation loads it, with the real files where they are at hand."""
    with psycopg.connect(loaded.owner_dsn, autocommit=True) as connection:
        yield connection


def test_the_real_files_load_in_full(full: Any) -> None:
    if get_settings().data is None:
        pytest.skip("no data folder beside the clone (COP_DATA)")
    owner = full
    known = dict(owner.execute("SELECT id, manifest IS NOT NULL FROM cop.layer"))
    assert [layer.id for layer in loadable(catalogue()) if not known[layer.id]] == [], "each is loaded"
    assert {one(owner, f"SELECT bool_and(provenance = 'real') FROM layer.{name}")
            for name in ("roads_b50k", "traffic_cameras", "wind_10min")} == {True}  # fmt: skip
    expected = {"districts": 18, "district_population": 18, "roads_b50k": 995, "traffic_cameras": 210,
                "weather_stations": 30, "land": 131, "place_names": 761, "wind_10min": 30}  # fmt: skip
    assert {name: one(owner, f"SELECT count(*) FROM layer.{name}") for name in expected} == expected
    assert one(owner, "SELECT sum(seen), count(*) FROM cop.run WHERE layer = 'wind_10min'") == (5760, 192)
    assert one(owner, "SELECT max(gust_kmh) FROM obs.wind_10min") == 212
    flagged = owner.execute(
        "SELECT id, round(position_gap_m) FROM layer.traffic_cameras WHERE position_flag IS NOT NULL"
    )
    assert [(id_, round(float(gap) / 1000, 1)) for id_, gap in flagged] == [("AID09157", 8.3)]
    assert one(owner, "SELECT count(*) FROM cop.remark WHERE reason LIKE '%%label%%'") == 18


def test_recorded_news_is_actual_and_samples_are_tests(owner: Any) -> None:
    data = get_settings().data
    if data is None:
        pytest.skip("no data folder beside the clone (COP_DATA)")
    for _ in range(2):
        list(load_news(owner, LAYERS["incidents"], data))
        counts = dict(owner.execute("SELECT message_status, count(*) FROM layer.incidents GROUP BY 1").fetchall())
        assert counts == {"actual": 2, "test": 1}
    assert one(owner, "SELECT count(*) FROM layer.incidents WHERE message_status = 'actual' AND geom IS NULL") == 2
    assert one(owner, "SELECT count(*) FROM cop.journal WHERE told_at IS NOT NULL") == 0
