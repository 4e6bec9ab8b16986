"""HKO's wind files: the 192 recordings of Ragasa, ten other typhoons, and faults by hand."""

from __future__ import annotations

import zipfile
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cop.catalogue.models import Layer
from cop.errors import LoadRefused
from cop_ingest.times import read_time
from cop_ingest.vector import read_vector
from cop_ingest.wind import WindRow, compass_degrees, latest_records, newest_rows, parse_wind, wind_files

HEAD = (
    "Date time,Automatic Weather Station,10-Minute Mean Wind Direction(Compass points),"
    "10-Minute Mean Speed(km/hour),10-Minute Maximum Gust(km/hour)\n"
)
PUBLISHED = datetime(2025, 9, 23, 6, 20, tzinfo=UTC)


@pytest.fixture(scope="module")
def ragasa(data: Path) -> list[WindRow]:
    rows: list[WindRow] = []
    for published_at, path in wind_files(data / "hko_wind_10min" / "ragasa_2025"):
        taken, refused = parse_wind(path.read_bytes(), published_at, path.name)
        assert refused == []
        rows += taken
    return rows


def test_192_files_in_order_of_download(data: Path) -> None:
    files = wind_files(data / "hko_wind_10min" / "ragasa_2025")
    assert len(files) == 192
    assert files[0][0] == datetime(2025, 9, 23, 6, 20, tzinfo=UTC)
    assert files == sorted(files)


def test_ragasa_is_5760_rows_of_30_stations(ragasa: list[WindRow]) -> None:
    assert len(ragasa) == 5760
    assert len({row.station for row in ragasa}) == 30
    assert min(row.observed_at for row in ragasa) == datetime(2025, 9, 23, 6, 10, tzinfo=UTC)
    assert max(row.observed_at for row in ragasa) == datetime(2025, 9, 24, 12, 10, tzinfo=UTC)


def test_observations_are_8_to_21_minutes_old(ragasa: list[WindRow]) -> None:
    ages = {(row.published_at - row.observed_at) for row in ragasa}
    assert timedelta(minutes=8) <= min(ages) <= max(ages) <= timedelta(minutes=21)


def test_of_times_published_twice_the_newest_file_wins(ragasa: list[WindRow]) -> None:
    rows = newest_rows(reversed(ragasa))
    assert len(rows) == 5430
    published = Counter((row.station, row.observed_at) for row in ragasa)
    assert sum(count == 2 for count in published.values()) == 330
    newest = {(row.station, row.observed_at): row.published_at for row in rows}
    assert all(newest[row.station, row.observed_at] >= row.published_at for row in ragasa)
    assert newest_rows([*rows, *ragasa]) == rows


def test_the_strongest_gust_of_ragasa(ragasa: list[WindRow]) -> None:
    strongest = max(ragasa, key=lambda row: row.gust_kmh or 0)
    assert (strongest.station, strongest.mean_kmh, strongest.gust_kmh) == ("Ngong Ping", 131, 212)
    assert strongest.observed_at == read_time("202509240740")


def test_directions_of_ragasa(ragasa: list[WindRow]) -> None:
    without = Counter(row.direction for row in ragasa if row.direction_deg is None)
    assert without == {None: 570, "Variable": 134, "Calm": 2}


def test_ten_other_typhoons_are_89502_rows(data: Path) -> None:
    count = 0
    with zipfile.ZipFile(data / "hko_wind_10min" / "other_typhoons_2022_2025.zip") as archive:
        for name in archive.namelist():
            if name.endswith(".csv"):
                published_at = read_time(Path(name).name[:13])
                rows, refused = parse_wind(archive.read(name), published_at, name)
                assert refused == []
                count += len(rows)
    assert count == 89_502


def test_the_latest_of_each_station_has_its_position(
    layers: dict[str, Layer], data: Path, ragasa: list[WindRow]
) -> None:
    stations = read_vector(layers["weather_stations"], data / "hko_stations" / "hko_wind_stations_approx.csv")
    by_name = {str(record.properties["name_en"]): record for record in stations.records}
    records = latest_records(layers["wind_10min"], ragasa, by_name)
    assert len(records) == 30
    assert all(record.geometry and not record.remarks for record in records)
    measured = {column.name for column in layers["wind_10min"].columns if column.derived is None}
    assert all(set(record.properties) == measured for record in records)
    ping = next(record for record in records if record.id == "Ngong-Ping")
    assert ping.properties["station_zh"] == "昂坪"


@pytest.mark.parametrize(
    ("word", "degrees"),
    [("North", 0), ("Northeast", 45), ("East", 90), ("South-southwest", 202.5), ("northwest", 315),
     ("Variable", None), ("Calm", None), (None, None), ("Upward", None)],
)  # fmt: skip
def test_compass_words(word: str | None, degrees: float | None) -> None:
    assert compass_degrees(word) == degrees


@pytest.mark.parametrize("mark", ["", "N/A", "M", "////"])
def test_missing_values_are_none_with_and_without_byte_order_mark(mark: str) -> None:
    body = f"{HEAD}202509231410,Tate's Cairn,{mark},{mark},53"
    for encoding in ("utf-8", "utf-8-sig"):
        rows, refused = parse_wind(body.encode(encoding), PUBLISHED)
        assert refused == []
        assert rows == [
            WindRow("Tate's Cairn", datetime(2025, 9, 23, 6, 10, tzinfo=UTC), None, None, None, 53, PUBLISHED)
        ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("202509231410,Sha Tin,North,12", "found 4 fields, wanted 5"),
        ("2025-09-23,Sha Tin,North,12,20", "wanted YYYYMMDDHHmm"),
        ("202513231410,Sha Tin,North,12,20", "month"),
        ("202509231500,Sha Tin,North,12,20", "after the file was published"),
        ("202509231410,,North,12,20", "there is no station"),
        ("202509231410,Sha Tin,North,-5,20", "mean speed: found '-5'"),
        ("202509231410,Sha Tin,North,12,nan", "gust: found 'nan'"),
        ("202509231410,Sha Tin,North,12,999", "gust: found '999', wanted 0 to 450 km/h"),
    ],
)
def test_a_bad_row_is_refused_and_the_rest_goes_in(line: str, reason: str) -> None:
    rows, refused = parse_wind(f"{HEAD}{line}\n202509231410,Kai Tak,North,1,2\n".encode(), PUBLISHED)
    assert [row.station for row in rows] == ["Kai Tak"]
    assert reason in refused[0].reason
    assert (refused[0].ordinal, refused[0].raw) == (1, line)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "is empty"),
        (b"<!DOCTYPE html><html></html>", "HTML page"),
        (b"Date time,Station,Temperature\n1,2,3\n", "the header is Date time, Station, Temperature"),
        (HEAD[:60].encode(), "the header is"),
    ],
)
def test_another_file_is_no_wind_file(body: bytes, reason: str) -> None:
    with pytest.raises(LoadRefused, match=reason):
        parse_wind(body, PUBLISHED, "latest_10min_wind.csv")


def test_an_empty_feed_has_no_rows() -> None:
    assert parse_wind(HEAD.encode(), PUBLISHED) == ([], [])


def test_a_folder_needs_files_with_a_time_in_their_name(tmp_path: Path) -> None:
    (tmp_path / "wind.csv").touch()
    with pytest.raises(LoadRefused, match="no wind recording"):
        wind_files(tmp_path)
    (tmp_path / "20251301-1410-wind.csv").touch()
    with pytest.raises(LoadRefused, match="no time of download"):
        wind_files(tmp_path)
