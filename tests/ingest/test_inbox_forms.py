"""The forms of departments without a feed: each as that department sends it, in more than one kind of file."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import fiona
import openpyxl
import psycopg
import pytest
import shapely
from shapely.geometry import LineString, Point, box

from cop.catalogue import catalogue
from cop.errors import LoadRefused
from cop.store.statements import statements
from cop.store.writing import SQL
from cop_ingest.gazetteer.index import Entry, Index
from cop_ingest.grid import to_lon_lat
from cop_ingest.inbox.declared import mappings
from cop_ingest.inbox.folder import Drop
from cop_ingest.inbox.people import without_numbers
from cop_ingest.inbox.readings import take_readings
from cop_ingest.inbox.take import Report, take
from cop_ingest.load import Origin, load_whole
from cop_ingest.records import Parsed, Record
from cop_server.cluster import Cluster

AT = datetime(2025, 9, 24, 2, 0, tzinfo=UTC)
EAST, NORTH = 842_000.0, 818_000.0
Cells = dict[str, Any]


def names() -> Index:
    """A road of four kilometres, a slope above it, an estate beside it, and their district."""
    index = Index()

    def add(kind: str, named: tuple[str, ...], shape: shapely.Geometry, within: float, **more: Any) -> None:
        for name in named:
            index.add(Entry("layer", named[0], kind, named[0], shape, within, **more), name)  # type: ignore[arg-type]

    line = LineString([(EAST, NORTH), (EAST + 4000, NORTH)])
    add("road", ("Clear Water Bay Road", "清水灣道"), line, 20, chainage=True)
    for measure in (0, 4000):
        add("post", ("Clear Water Bay Road", "清水灣道"), Point(EAST + measure, NORTH), 20, measure_m=float(measure))
    add("number", ("11NE-D/C45",), Point(EAST + 2000, NORTH + 40), 10)
    add("landmark", ("Shun Lee Estate", "順利邨"), Point(EAST + 700, NORTH + 90), 100)
    add("district", ("Kwun Tong", "觀塘"), box(EAST - 500, NORTH - 500, EAST + 5000, NORTH + 500), 0, district="KT")
    return index


def as_csv(rows: Sequence[Cells]) -> bytes:
    out = io.StringIO()
    write = csv.DictWriter(out, list(rows[0]), lineterminator="\r\n")
    write.writeheader()
    write.writerows(rows)
    return ("\ufeff" + out.getvalue()).encode()


def as_xlsx(rows: Sequence[Cells]) -> bytes:
    book = openpyxl.Workbook()
    book.active.append(list(rows[0]))
    for row in rows:
        book.active.append([None if cell == "" else cell for cell in row.values()])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def as_geojson(rows: Sequence[Cells]) -> bytes:
    features = [{"type": "Feature", "geometry": None, "properties": row} for row in rows]
    return json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False).encode()


def as_gpkg(rows: Sequence[Cells], folder: Path) -> bytes:
    path = folder / "return.gpkg"
    schema = {"geometry": "Point", "properties": dict.fromkeys(rows[0], "str")}
    with fiona.open(path, "w", driver="GPKG", schema=schema, crs="EPSG:2326") as file:
        for row in rows:
            file.write({"geometry": None, "properties": {name: str(cell) for name, cell in row.items()}})
    return path.read_bytes()


def taken(form: str, body: bytes, name: str, **more: Any) -> Report:
    return take(mappings()[form], body, name, AT, "exercise", names(), **more)


def found(store: Cluster, layer: str) -> dict[str, dict[str, Any]]:
    """The records of a register by the sender's number, with x, y in EPSG:2326."""
    with psycopg.connect(store.owner_dsn, row_factory=psycopg.rows.dict_row) as connection:
        query = psycopg.sql.SQL("SELECT *, ST_X(ST_Transform(geom, 2326)) AS x, ST_Y(ST_Transform(geom, 2326)) AS y "
                                "FROM {}").format(psycopg.sql.Identifier("layer", layer))  # fmt: skip
        return {row["source_ref"]: row for row in connection.execute(query)}


CLOSURE = {"Closure No.": "RC-11", "Updated": "24/9/2025 03:00", "District": "Kwun Tong", "Road": "Clear Water Bay Road",
           "道路": "清水灣道", "Bound": "Kowloon bound", "Section": "", "Chainage": "CH 1+250", "路段": "",
           "Lanes closed": "2", "Reason": "Landslide", "原因": "山泥傾瀉", "Status": "Closed",
           "Closed from": "24/9/2025 02:00", "Expected reopening": "24/9/2025 12:00", "Reopened at": "", "Release": "",
           "Easting": "", "Northing": ""}  # fmt: skip
PERMIT = {"Permit No.": "XP-2025-0041", "Updated": "24/9/2025 03:00", "Permit status": "Works in progress",
          "Purpose": "Gas main renewal", "用途": "更換煤氣管", "Permittee": "Towngas", "持證人": "煤氣公司",
          "Emergency works": "N", "Start": "20/9/2025 09:00", "End": "30/9/2025 18:00", "District": "觀塘區",
          "Location": "Clear Water Bay Road near Shun Lee Estate", "地點": "清水灣道近順利邨", "Release": "public",
          "Easting": "", "Northing": ""}  # fmt: skip
OUTAGE = {"Interruption ID": "INT-0923-7", "Last update": "2025-09-24 03:00", "Affected area": "Shun Lee Estate",
          "受影響地區": "順利邨", "Supply": "Interrupted", "Customers affected": "1240", "Cause": "Fallen tree on a line",
          "原因": "塌樹壓線", "Interrupted at": "2025-09-24 01:40", "Expected restoration": "2025-09-24 06:00",
          "Restored at": "", "District": "KT", "Address": "Lee Yat House, Shun Lee Estate", "地址": "", "Release": ""}  # fmt: skip
LANDSLIDE = {"Incident No.": "2025/09/0412", "Updated": "24/9/2025 03:00", "Reported": "24/9/2025 02:10",
             "Occurred": "24/9/2025 01:55", "District": "Kwun Tong", "Location": "Clear Water Bay Road",
             "地點": "清水灣道", "Slope No.": "11NE-D/C45", "Description": "Debris on two lanes", "Volume class":
             "50 to 500 m3", "Road closed": "Y", "Persons evacuated": "12", "Deaths": "0", "Injuries": "",
             "Status": "Inspected", "Progress %": "10", "Est. completion": "25/9/2025 18:00", "Remarks": "",
             "Easting": "", "Northing": ""}  # fmt: skip


@pytest.mark.parametrize(
    ("form", "layer", "row", "key", "coded", "late", "at"),
    [
        ("hyd_closures", "road_closures", CLOSURE, "Closure No.", "Status", "Updated", (1250, 0)),
        ("hyd_excavation", "excavation_permits", PERMIT, "Permit No.", "Permit status", "Updated", (700, 0)),
        ("outages_clp", "power_outages", OUTAGE, "Interruption ID", "Supply", "Last update", (700, 90)),
        ("cedd_landslides", "incidents", LANDSLIDE, "Incident No.", "Status", "Updated", (2000, 40)),
    ],
)
def test_a_departments_form_becomes_records(
    store: Cluster, tmp_path: Path, form: str, layer: str, row: Cells, key: str, coded: str, late: str,
    at: tuple[float, float],
) -> None:  # fmt: skip
    rows = [row, {**row, key: "second", coded: "Whatever"}]
    tried = taken(form, as_csv(rows), "a.csv", dry_run=True)
    assert tried.counts == {"created": 1, "refused": 1}
    assert found(store, layer) == {}
    report = taken(form, as_csv(rows), "a.csv")
    assert report.counts == {"created": 1, "refused": 1}
    assert report.lines[1].faults[0]["pointer"] == coded
    record = found(store, layer)[row[key]]
    assert record["department"] == mappings()[form].department
    assert record["release"] == (row.get("Release") or "departments")
    assert (record["district"], record["position_method"]) == ("KT", "geocoded")
    assert abs(record["x"] - EAST - at[0]) < 2
    assert abs(record["y"] - NORTH - at[1]) < 2
    for body, name in (
        (as_xlsx([row]), "a.xlsx"),
        (as_geojson([row]), "a.geojson"),
        (as_gpkg([row], tmp_path), "a.gpkg"),
    ):
        assert taken(form, body, name).counts == {"unchanged": 1}, name  # the same row in another kind of file
    older = {**row, late: str(row[late]).replace("03:00", "02:30")}
    older["District"] = "Kwun Tong District"
    older |= {name: "Something else" for name in ("Reason", "Purpose", "Cause", "Description") if name in row}
    assert taken(form, as_csv([older]), "a.csv").counts == {"late": 1}


def test_values_of_the_forms_are_typed_and_told_apart(store: Cluster) -> None:
    taken("outages_hke", as_csv([OUTAGE, {**OUTAGE, "Interruption ID": "INT-8", "Customers affected": ""}]), "a.csv")
    records = found(store, "power_outages")
    first, second = records["INT-0923-7"], records["INT-8"]
    assert (first["department"], first["status"], first["customers_affected"]) == ("HKE", "out", 1240)
    assert second["customers_affected"] is None  # not known, and not nobody
    assert first["estimated_restoration_at"] == datetime(2025, 9, 23, 22, 0, tzinfo=UTC)
    report = taken("outages_hke", as_csv([{**OUTAGE, "Interruption ID": "INT-9", "Customers affected": "-3"}]), "a.csv")
    assert report.counts == {"refused": 1}
    restored = {**OUTAGE, "Last update": "2025-09-24 05:10", "Supply": "Restored", "Customers affected": "0",
                "Restored at": "2025-09-24 05:00"}  # fmt: skip
    assert taken("outages_hke", as_csv([restored]), "a.csv").counts == {"changed": 1}
    assert found(store, "power_outages")["INT-0923-7"]["customers_affected"] == 0


CALL = {"Case No.": "3-8012345678", "Received": "24/9/2025 02:15", "Last update": "24/9/2025 02:20", "Case type":
        "Fallen tree", "Subject": "Tree across the road", "事項": "塌樹阻路", "Details":
        "Caller 9123 4567 (chan.tai-man@example.org, A123456(7)) says that a tree lies there since 20250924",
        "Case status": "Referred", "District": "Kwun Tong", "Location": "Clear Water Bay Road near Shun Lee Estate",
        "地點": "", "Caller": "Chan Tai Man", "Telephone": "91234567", "E-mail": "chan.tai-man@example.org"}  # fmt: skip


def test_who_called_1823_is_stored_nowhere(store: Cluster, tmp_path: Path) -> None:
    drop = Drop(tmp_path, {"calls_1823_lcsd": mappings()["calls_1823_lcsd"]})
    drop.prepare()
    for name, body in (
        ("a.csv", as_csv([CALL])),
        ("b.xlsx", as_xlsx([CALL])),
        ("c.csv", b"Caller\r\nChan Tai Man\r\n"),
    ):
        (tmp_path / "calls_1823_lcsd" / name).write_bytes(body)
    reports: list[Path] = []
    while not reports:
        reports = drop.look(lambda mapping, body, name, at: take(mapping, body, name, AT, "exercise", names()))
    assert [json.loads(path.read_text()).get("created") for path in reports].count(1) == 1
    record = found(store, "incidents")["3-8012345678"]
    assert (record["category"], record["department"], record["verification"]) == ("fallen_tree", "LCSD", "unverified")
    assert record["external_ids"] == ["1823:3-8012345678"]
    assert (
        record["description_en"] == "Caller [removed] ([removed], [removed]) says that a tree lies there since 20250924"
    )
    assert abs(record["x"] - EAST - 700) < 2
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.suffix for path in kept} == {".json"}
    assert all(json.loads(path.read_text())["kept"] is False for path in kept)
    with psycopg.connect(store.owner_dsn) as connection:
        tables = connection.execute(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname IN ('layer', 'cop', 'history')"
        ).fetchall()
        told = "".join(str(connection.execute(f"SELECT to_jsonb(t) FROM {name} AS t").fetchall()) for (name,) in tables)
    assert "3-8012345678" in told
    for secret in ("Tai Man", "tai-man", "91234567", "9123 4567", "A123456"):
        assert secret not in told
        assert not any(secret in path.read_text() for path in kept)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("call +852 9123 4567 now", "call [removed] now"),
        ("電話：２３４５", "電話：２３４５"),
        ("tel:2345-6789;", "tel:[removed];"),
        ("on 20250924 at CH 1+250, lamppost AB1234", "on 20250924 at CH 1+250, lamppost AB1234"),
        ("842500, 818500", "842500, 818500"),
        ("a.b@c.gov.hk", "[removed]"),
        ("ID AB987654(3).", "ID [removed]."),
    ],
)
def test_numbers_of_people_are_taken_out_of_words(text: str, left: str) -> None:
    assert without_numbers(text) == left


def stock(connection: psycopg.Connection) -> None:
    """Two gauges and two shelters of the reference layers."""
    spot = shapely.to_wkb(Point(*to_lon_lat(EAST, NORTH)))
    things = {
        "rain_gauges": [{"station_no": "K01", "name_en": "GEO rain gauge K01", "name_zh": "土力工程處雨量計K01",
                         "network": "GEO", "district": "KT"}, {"station_no": "K02", "network": "GEO"}],
        "temporary_shelters": [{"name_en": "Kwun Tong Community Centre", "name_zh": "觀塘社區中心", "district": "KT"},
                               {"name_en": "Lok Wah Community Centre", "name_zh": "樂華社區中心", "district": "KT"}],
    }  # fmt: skip
    for id_, rows in things.items():
        records = [Record(f"{id_}-{place}", row, spot) for place, row in enumerate(rows)]
        load_whole(connection, catalogue().layers[id_], Parsed(records), Origin("a test", id_.encode(), "exercise"))


def read(store: Cluster, form: str, body: bytes, name: str, at: datetime = AT, **more: Any) -> Report:
    with psycopg.connect(store.owner_dsn, autocommit=True) as connection:
        return take_readings(connection, mappings()[form], body, name, at, "exercise", **more)


def latest(store: Cluster, layer: str) -> dict[str, dict[str, Any]]:
    with psycopg.connect(store.owner_dsn, row_factory=psycopg.rows.dict_row) as connection:
        query = psycopg.sql.SQL("SELECT * FROM {}").format(psycopg.sql.Identifier("layer", layer))
        return {row["id"]: row for row in connection.execute(query)}


def series(store: Cluster, layer: str) -> int:
    with psycopg.connect(store.owner_dsn) as connection:
        query = psycopg.sql.SQL("SELECT count(*) FROM {}").format(psycopg.sql.Identifier("obs", layer))
        return int((connection.execute(query).fetchone() or [0])[0])


def gauge(number: str, time: str, hour: object, **more: object) -> Cells:
    return {"Gauge": number, "Time": f"24/9/2025 {time}", "Rain 5 min (mm)": 1.5, "Rain 1 h (mm)": hour,
            "Rain 24 h (mm)": 210, "Quality": "OK", **more}  # fmt: skip


def test_gauges_go_into_the_series_with_levels_and_trend(store: Cluster) -> None:
    with psycopg.connect(store.owner_dsn, autocommit=True) as connection:
        stock(connection)
    form, layer = "geo_rain_gauges", "rain_gauge_readings"
    rows = [gauge("K01", "03:00", 28), gauge("K02", "03:00", 0, Quality="Faulty"), gauge("K99", "03:00", 3),
            gauge("K01", "02:45", "x"), gauge("K01", "02:30", 9, Quality="Fine"), gauge("", "03:00", 1)]  # fmt: skip
    assert read(store, form, as_csv(rows), "a.csv", dry_run=True).counts == {"created": 3, "refused": 3}
    assert series(store, layer) == 0
    report = read(store, form, as_csv(rows), "a.csv")
    assert report.counts == {"created": 3, "refused": 3}
    assert "K99 is not among rain_gauges" in report.lines[2].faults[0]["reason"]
    assert [line.faults[0]["pointer"] for line in report.lines[3:]] == ["Rain 1 h (mm)", "Quality", "Gauge"]
    shown = latest(store, layer)
    assert (shown["K01"]["rain_1h_mm"], shown["K01"]["level"], shown["K01"]["district"]) == (28, 0, "KT")
    assert shown["K01"]["geom"] is not None
    assert shown["K99"]["geom"] is None  # listed, without position
    assert (shown["K02"]["rain_1h_mm"], shown["K02"]["quality"]) == (None, "bad")  # a faulty gauge is not a dry one
    assert read(store, form, as_xlsx(rows[:1]), "a.xlsx").counts == {"unchanged": 1}
    assert read(store, form, as_csv([gauge("K01", "03:15", 52)]), "a.csv", AT + timedelta(minutes=5)).counts == {
        "created": 1}  # fmt: skip
    shown = latest(store, layer)
    assert (shown["K01"]["level"], shown["K01"]["trend_mm"]) == (2, 24)
    late = read(store, form, as_csv([gauge("K01", "02:45", 20)]), "a.csv", AT + timedelta(minutes=6))
    assert late.counts == {"late": 1}
    assert latest(store, layer)["K01"]["rain_1h_mm"] == 52
    assert series(store, layer) == 5
    assert read(store, form, as_csv([gauge("K01", "03:15", 50)]), "a.csv", AT + timedelta(minutes=7)).counts == {
        "changed": 1}  # fmt: skip
    assert latest(store, layer)["K01"]["rain_1h_mm"] == 50
    twice = read(store, form, as_csv([gauge("K02", "04:00", 1), gauge("K02", "04:00", 2)]), "a.csv")
    assert [line.deed for line in twice.lines] == ["refused", "created"]


def test_a_form_with_a_pace_is_told_of_among_the_feeds(store: Cluster) -> None:
    def told() -> Any:
        with psycopg.connect(store.owner_dsn) as connection:
            return connection.execute(
                "SELECT id, state, seen, refused, cause FROM layer.feeds WHERE source_ref = 'geo_rain_gauges'"
            ).fetchone()

    def tick() -> None:
        with psycopg.connect(store.app_dsn, autocommit=True) as connection:
            connection.execute(statements(SQL)["tick"], {"rows": 100})

    form = "geo_rain_gauges"
    read(store, form, as_csv([gauge("K01", "03:00", 1)]), "a.csv", dry_run=True)
    assert told() is None
    read(store, form, as_csv([gauge("K01", "03:00", 1), gauge("K02", "03:00", "x")]), "a.csv")
    assert told() == ("geo_rain_gauges.exercise", "live", 2, 1, None)
    tick()
    assert told()[1] == "live"
    with psycopg.connect(store.owner_dsn) as connection:  # an hour without a return
        connection.execute("UPDATE layer.feeds SET fresh_at = fresh_at - interval '1 hour'")
    tick()
    assert told()[1] == "stale"
    assert "geo_rain_gauges" in catalogue().layers["rain_gauge_readings"].feeds  # so its answers carry the caveat
    read(store, form, as_csv([gauge("K01", "03:05", 1)]), "a.csv")
    assert told()[1] == "live"
    with pytest.raises(LoadRefused):
        read(store, form, b"Gauge\r\nK01\r\n", "a.csv")
    assert told()[1] == "down"
    assert "has no column" in told()[4]


def shelter(name: str, status: str, persons: object, time: str = "03:00") -> Cells:
    return {"Shelter": name, "庇護中心": "", "As at": f"24/9/2025 {time}", "Status": status, "Places": 120,
            "Persons": persons, "Opened": "23/9/2025 18:00"}  # fmt: skip


def test_shelters_are_known_by_either_name_and_a_stranger_is_refused(store: Cluster) -> None:
    with psycopg.connect(store.owner_dsn, autocommit=True) as connection:
        stock(connection)
    rows = [shelter("KWUN TONG COMMUNITY CENTRE", "Open", 43), shelter("樂華社區中心", "額滿", 120),
            shelter("Kwun Tang Community Centre", "Open", 5), shelter("Lok Wah Community Centre", "Ajar", 5)]  # fmt: skip
    report = read(store, "had_shelters", as_xlsx(rows), "a.xlsx")
    assert report.counts == {"created": 2, "refused": 2}
    assert "is not among temporary_shelters" in report.lines[2].faults[0]["reason"]
    shown = latest(store, "shelter_openings")
    assert set(shown) == {"Kwun-Tong-Community-Centre", "Lok-Wah-Community-Centre"}
    full = shown["Lok-Wah-Community-Centre"]
    assert (full["status"], full["occupants"], full["name_zh"], full["district"]) == ("full", 120, "樂華社區中心", "KT")
    assert full["geom"] is not None
    assert read(store, "had_shelters", as_csv(rows[:2]), "a.csv").counts == {"unchanged": 2}
    later = AT + timedelta(hours=2)
    closed = as_csv([shelter("樂華社區中心", "關閉", 0, "05:00")])
    assert read(store, "had_shelters", closed, "a.csv", later).counts == {"created": 1}
    assert latest(store, "shelter_openings")["Lok-Wah-Community-Centre"]["status"] == "closed"
    assert series(store, "shelter_openings") == 3
