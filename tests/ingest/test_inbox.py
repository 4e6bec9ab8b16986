"""The departments' inbox: forms in files become records, row by row, with a report; nothing is typed twice."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import psycopg
import pytest

from cop.catalogue import catalogue
from cop.catalogue.writes import States
from cop.errors import Invalid, LoadRefused
from cop_ingest.gazetteer.index import Index
from cop_ingest.inbox.declared import Mapping, mappings
from cop_ingest.inbox.folder import Drop, let_go
from cop_ingest.inbox.rows import read_rows
from cop_ingest.inbox.steps import first_state, steps_between
from cop_ingest.inbox.take import BATCH, Report, take
from cop_server.cluster import Cluster

AT = datetime(2025, 9, 24, 1, 0, tzinfo=UTC)
HEADER = ["Case No.", "Reported", "Updated", "District", "Location", "地點", "Easting", "Northing", "Depth", "Road closed",
          "Status", "Progress %", "Estimated completion", "Remarks"]  # fmt: skip
ROW = ["F-0412", "24/9/2025 02:10", "24/9/2025 03:00", "Kwun Tong", "Cha Kwo Ling Road", "茶果嶺道", "842500", "818500",
       "0.3 to 0.6 m", "Y", "Attending", "20", "24/9/2025 09:00", "Pumps on the way"]  # fmt: skip


def form() -> Mapping:
    return mappings()["dsd_flooding"]


def csv_of(*rows: Iterable[object]) -> bytes:
    lines = [",".join(HEADER), *(",".join("" if cell is None else str(cell) for cell in row) for row in rows)]
    return ("\ufeff" + "\r\n".join(lines)).encode()


def changed(**cells: object) -> list[object]:
    row: list[object] = list(ROW)
    for name, value in cells.items():
        row[HEADER.index(name.replace("_", " "))] = value
    return row


def taken(body: bytes, name: str = "return.csv", at: datetime = AT, **more: Any) -> Report:
    return take(form(), body, name, at, "exercise", Index(), **more)


def record(store: Cluster, key: str = "F-0412") -> dict[str, Any]:
    with psycopg.connect(store.owner_dsn, row_factory=psycopg.rows.dict_row) as connection:
        found = connection.execute(
            "SELECT *, ST_X(geom) AS x, ST_Y(geom) AS y FROM layer.incidents WHERE source_ref = %s", [key]
        ).fetchone()
    assert found is not None
    return found


def count(store: Cluster, table: str) -> int:
    with psycopg.connect(store.owner_dsn) as connection:
        row = connection.execute(
            psycopg.sql.SQL("SELECT count(*) FROM {}").format(psycopg.sql.Identifier("layer", table))
        )
        return int((row.fetchone() or [0])[0])


def test_a_row_becomes_a_record_of_its_department(store: Cluster) -> None:
    report = taken(csv_of(ROW))
    assert report.counts == {"created": 1}
    found = record(store)
    assert found["id"] == report.lines[0].id
    assert (found["department"], found["source"], found["category"]) == ("DSD", "DSD", "flood")
    assert (found["title_en"], found["title_zh"]) == ("Flooding at Cha Kwo Ling Road", "茶果嶺道水浸")
    assert (found["status"], found["severity"], found["district"]) == ("responding", "moderate", "KT")
    assert found["external_ids"] == ["DSD:F-0412"]
    assert found["reported_at"] == datetime(2025, 9, 23, 18, 10, tzinfo=UTC)
    assert (found["road_closed"], found["message_status"]) == (True, "exercise")
    assert (round(found["x"], 3), round(found["y"], 3)) == (114.237, 22.305)
    assert found["position_method"] == "reported"


def test_progress_in_the_form_is_an_update_of_the_incident_once(store: Cluster) -> None:
    taken(csv_of(ROW))
    found = record(store)
    assert (found["progress_percent"], count(store, "progress-updates")) == (20, 1)
    assert found["estimated_completion_at"] == datetime(2025, 9, 24, 1, 0, tzinfo=UTC)
    report = taken(csv_of(changed(Updated="24/9/2025 05:00", Remarks="Pumping")))
    assert (report.counts, count(store, "progress-updates")) == ({"changed": 1}, 1)
    taken(csv_of(changed(Updated="24/9/2025 07:00", Estimated_completion="24/9/2025 11:00")))
    found = record(store)
    assert (count(store, "progress-updates"), found["eta_slips"]) == (2, 1)


def test_the_same_file_again_changes_nothing_and_officers_work_stays(store: Cluster) -> None:
    taken(csv_of(ROW))
    with psycopg.connect(store.owner_dsn) as connection:
        connection.execute("UPDATE layer.incidents SET title_en = 'What an officer wrote' WHERE source_ref = 'F-0412'")
    assert taken(csv_of(ROW)).counts == {"unchanged": 1}
    assert record(store)["title_en"] == "What an officer wrote"


def test_a_return_that_skips_states_takes_the_allowed_steps(store: Cluster) -> None:
    taken(csv_of(changed(Status="New")))
    assert taken(csv_of(changed(Status="Under control", Updated="24/9/2025 05:00"))).counts == {"changed": 1}
    assert record(store)["status"] == "controlled"
    assert taken(csv_of(changed(Status="Cleared", Updated="24/9/2025 06:00"))).counts == {"changed": 1}
    assert record(store)["completed_at"] is not None
    assert taken(csv_of(changed(Status="Attending", Updated="24/9/2025 07:00"))).counts == {"changed": 1}  # reopened


def test_an_older_row_is_late_and_changes_nothing(store: Cluster) -> None:
    taken(csv_of(changed(Updated="24/9/2025 05:00")))
    assert taken(csv_of(changed(Updated="24/9/2025 04:00", Location="Elsewhere"))).counts == {"late": 1}
    assert record(store)["location_en"] == "Cha Kwo Ling Road"


def test_without_a_time_of_its_own_the_files_time_stands_for_the_row(store: Cluster) -> None:
    taken(csv_of(changed(Updated="")), at=AT)
    assert taken(csv_of(changed(Updated="", Location="Elsewhere")), at=AT - timedelta(hours=1)).counts == {"late": 1}


def test_bad_rows_are_refused_by_their_headings_and_the_others_go_in(store: Cluster) -> None:
    body = csv_of(
        changed(**{"Case No.": "F-1", "Status": "Whatever", "District": "Atlantis", "Reported": "yesterday"}),
        changed(**{"Case No.": ""}),
        changed(**{"Case No.": "F-3", "Easting": "12", "Northing": "34"}),
        changed(**{"Case No.": "F-4"}),
    )
    report = taken(body)
    assert report.counts == {"refused": 3, "created": 1}
    assert sum(report.counts.values()) == len(report.lines) == 4
    assert {fault["pointer"] for fault in report.lines[0].faults} == {"Status", "District", "Reported"}
    assert report.lines[1].faults[0]["pointer"] == "Case No."
    assert "eastings 800000 to 870000" in report.lines[2].faults[0]["reason"]
    assert count(store, "incidents") == 1


def test_rows_go_in_together_and_one_that_fails_half_way_leaves_nothing(store: Cluster) -> None:
    rows = [changed(**{"Case No.": f"F-{number}"}) for number in range(2 * BATCH)]
    rows[5][HEADER.index("Progress %")] = "150"  # seen when the incident itself is written already
    report = taken(csv_of(*rows))
    assert report.counts == {"created": 2 * BATCH - 1, "refused": 1}
    assert [line.key for line in report.lines if line.deed == "refused"] == ["F-5"]
    assert (count(store, "incidents"), count(store, "progress-updates")) == (2 * BATCH - 1, 2 * BATCH - 1)


def test_rows_that_fail_at_their_commit_are_taken_one_by_one(store: Cluster) -> None:
    with psycopg.connect(store.owner_dsn) as connection:
        connection.execute(
            "CREATE FUNCTION layer.fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE check_violation; END $$;"
            "CREATE CONSTRAINT TRIGGER fails AFTER INSERT ON layer.incidents DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
            " WHEN (NEW.source_ref = 'F-2') EXECUTE FUNCTION layer.fail()"
        )
    report = taken(csv_of(*(changed(**{"Case No.": f"F-{number}"}) for number in range(4))))
    assert [line.deed for line in report.lines] == ["created", "created", "refused", "created"]
    assert (report.lines[2].key, count(store, "incidents")) == ("F-2", 3)


def test_a_dry_run_says_the_same_and_writes_nothing(store: Cluster) -> None:
    report = taken(csv_of(ROW, changed(**{"Case No.": "F-2", "Status": "Whatever"})), dry_run=True)
    assert report.counts == {"created": 1, "refused": 1}
    assert (count(store, "incidents"), count(store, "progress-updates")) == (0, 0)
    assert taken(csv_of(ROW)).counts == {"created": 1}


def workbook() -> bytes:
    book = openpyxl.Workbook()
    book.active.append(HEADER)
    book.active.append([*ROW[:6], 842500, 818500, *ROW[8:11], 20, datetime(2025, 9, 24, 9, 0), ROW[13]])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def geojson() -> bytes:
    cells = dict(zip(HEADER, ROW, strict=True))
    feature = {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [114.2373, 22.3052]},
        "properties": cells,
    }
    return json.dumps({"type": "FeatureCollection", "features": [feature]}, ensure_ascii=False).encode()


def geopackage(folder: Path) -> bytes:
    import fiona

    path = folder / "return.gpkg"
    schema = {"geometry": "Point", "properties": dict.fromkeys(HEADER, "str")}
    with fiona.open(path, "w", driver="GPKG", schema=schema, crs="EPSG:2326") as file:
        file.write(
            {
                "geometry": {"type": "Point", "coordinates": [842500, 818500]},
                "properties": dict(zip(HEADER, ROW, strict=True)),
            }
        )
    return path.read_bytes()


def test_every_kind_of_file_brings_the_same_record(store: Cluster, tmp_path: Path) -> None:
    shown = []
    files = {"a.csv": csv_of(ROW), "a.xlsx": workbook(), "a.geojson": geojson(), "a.gpkg": geopackage(tmp_path),
             "a.json": json.dumps([dict(zip(HEADER, ROW, strict=True))]).encode()}  # fmt: skip
    for name, body in files.items():
        with psycopg.connect(store.owner_dsn) as connection:
            connection.execute(
                'DELETE FROM layer."progress-updates"; DELETE FROM layer.incidents; DELETE FROM cop.returned'
            )
        assert taken(body, name).counts == {"created": 1}, name
        found = record(store)
        shown.append({key: found[key] for key in ("title_zh", "status", "reported_at", "progress_percent", "estimated_completion_at")}
                     | {"x": round(found["x"], 3), "y": round(found["y"], 3)})  # fmt: skip
    assert all(one == shown[0] for one in shown), shown


@pytest.mark.parametrize(
    ("name", "body", "says"),
    [
        ("a.csv", b"Number,Place\r\n1,here", "has no column Case No."),
        ("a.csv", b"<!DOCTYPE html><html>", "HTML page"),
        ("a.csv", b"\xff\xd8\xff\xe0\x00\x10JFIF", "a.csv"),
        ("a.xlsx", b"PK\x03\x04 no workbook", "no workbook"),
        ("a.json", b"[1]", "no object"),
        ("a.geojson", b"{", "a"),
        ("a.pdf", b"%PDF", ".pdf"),
    ],
)
def test_what_is_no_such_form_is_refused_whole(store: Cluster, name: str, body: bytes, says: str) -> None:
    with pytest.raises(LoadRefused, match=says):
        taken(body, name)
    assert count(store, "incidents") == 0


def test_a_file_that_is_dropped_is_taken_once_it_stands_still(store: Cluster, tmp_path: Path) -> None:
    drop = Drop(tmp_path, mappings())
    drop.prepare()
    file = tmp_path / "dsd_flooding" / "0300.csv"
    file.write_bytes(csv_of(ROW)[:80])

    def looked() -> list[Path]:
        return drop.look(lambda mapping, body, name, at: take(mapping, body, name, at, "exercise", Index()))

    assert looked() == []
    file.write_bytes(csv_of(ROW))
    (file.parent / "0500.csv.part").write_bytes(b"half")
    assert looked() == []
    [report] = looked()
    assert json.loads(report.read_text())["created"] == 1
    assert not file.exists()
    assert (file.parent / "0500.csv.part").exists()
    assert sorted(path.suffix for path in report.parent.iterdir()) == [".csv", ".json"]
    file.write_bytes(b"nothing of the kind")
    looked()
    [report] = looked()
    assert report.parent.name == "refused"
    assert "Case No." in json.loads(report.read_text())["refused"]


def test_what_was_put_aside_is_let_go_when_its_days_are_over(tmp_path: Path) -> None:
    long_ago = f"{datetime.now(UTC) - timedelta(days=15):%Y%m%dT%H%M%S%f}"
    lately = f"{datetime.now(UTC) - timedelta(days=13):%Y%m%dT%H%M%S%f}"
    for aside in ("taken", "refused"):
        folder = tmp_path / "dsd_flooding" / aside
        folder.mkdir(parents=True)
        for stamp in (long_ago, lately):
            (folder / f"{stamp}-0300.csv").write_bytes(b"")
            (folder / f"{stamp}-0300.csv.report.json").write_bytes(b"{}")
        (folder / "a person's note.txt").write_bytes(b"")
    waits = tmp_path / "dsd_flooding" / f"{long_ago}-0300.csv"
    waits.write_bytes(b"")
    assert let_go(tmp_path, timedelta(days=14)) == 4
    assert waits.exists(), "what waits to be taken is never let go"
    kept = sorted(path.name for path in tmp_path.glob("*/*/*"))
    assert kept == sorted(2 * ["a person's note.txt", f"{lately}-0300.csv", f"{lately}-0300.csv.report.json"])


def test_steps_follow_the_layers_rules() -> None:
    rules = catalogue().layers["incidents"].writes
    assert rules is not None
    states = rules.states
    assert isinstance(states, States)
    assert steps_between(states, "reported", "controlled") == ["confirmed", "controlled"]
    assert steps_between(states, "completed", "completed") == []
    with pytest.raises(Invalid, match="no step leads there"):
        steps_between(states, "completed", "reported")
    assert first_state(states, "completed") in ("confirmed", "responding")


def test_every_mapping_fits_its_layer_and_reads_its_own_headings() -> None:
    for mapping in mappings().values():
        cells = [*mapping.columns.values(), *(mapping.follow.columns.values() if mapping.follow else ())]
        headings = {mapping.key, *(heading for cell in cells for heading in cell.headings)}
        if mapping.position:
            headings |= {mapping.position.x, mapping.position.y}
        row = dict.fromkeys(headings, "")
        assert len(read_rows(mapping, json.dumps([row]).encode(), "form.json")) == 1
