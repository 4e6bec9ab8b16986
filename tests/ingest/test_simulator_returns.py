"""The simulator's returns, taken by the departments' inbox: the same incidents as in the story, none refused."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from cop_ingest.gazetteer.index import Index
from cop_ingest.inbox.declared import mappings, read_mappings
from cop_ingest.inbox.take import take
from cop_ingest.scenario.calendar import hong_kong
from cop_ingest.simulator.forms.incidents import form_of, incident_returns, reports
from cop_ingest.simulator.returns import write_return
from cop_ingest.simulator.world.told import TRAFFIC
from cop_ingest.simulator.world.world import STARTS, World
from cop_server.cluster import Cluster

BEFORE_ALL = STARTS - timedelta(days=1)
FIRST, SECOND = hong_kong("2025-09-23 13:00"), hong_kong("2025-09-23 14:30")


@pytest.fixture(scope="module")
def world() -> World:
    return World(1, scale=0.001)


def _taken(world: World, folder: Path, since: datetime, until: datetime) -> Counter[str]:
    deeds: Counter[str] = Counter()
    for one in incident_returns(world, since, until):
        file = write_return(folder, one)
        mapping = mappings()[file.parent.name]
        report = take(mapping, file.read_bytes(), file.name, until, "exercise", Index())
        wrong = [line for line in report.lines if line.deed == "refused"]
        assert not wrong, (file, wrong[0])
        deeds.update(line.deed for line in report.lines)
    return deeds


def test_the_inbox_takes_every_line_and_ends_with_the_storys_states(
    store: Cluster, world: World, tmp_path: Path
) -> None:
    first = _taken(world, tmp_path, BEFORE_ALL, FIRST)
    assert first == {"created": len(reports(world, BEFORE_ALL, FIRST))}
    second = _taken(world, tmp_path, FIRST, SECOND)
    lines = reports(world, FIRST, SECOND)
    assert second["created"] == sum(line.new for line in lines)
    assert second.total() == len(lines)
    assert not second["late"]
    assert not list(tmp_path.rglob("*.part"))
    assert {file.suffix for file in tmp_path.rglob("*.*")} == {".csv", ".xlsx", ".geojson"}
    with psycopg.connect(store.owner_dsn) as connection:
        rows = connection.execute(
            "SELECT department, category, status, district, reported_at, source_ref, external_ids, release,"
            " progress_percent, ST_X(ST_Centroid(geom)), ST_Y(ST_Centroid(geom)) FROM layer.incidents"
        ).fetchall()
    told = {
        incident.ref: (incident, values) for incident, values in world.known(SECOND) if incident.department != TRAFFIC
    }
    assert {row[5] for row in rows} == told.keys()
    for department, category, status, district, reported_at, ref, external_ids, release, percent, lon, lat in rows:
        incident, values = told[ref]
        assert (department, category, district) == (incident.department, values["category"], values["district"])
        assert external_ids == values["external_ids"]
        assert reported_at == incident.reported_at.replace(microsecond=0)
        assert status == values["status"]
        if department != "DSD":  # its form has no such column
            assert release == values["release"]
        if status != "completed":
            assert percent == values["progress_percent"]
        if values["position_method"] != "none":
            assert incident.geometry is not None
            middle = incident.geometry.centroid
            assert (lon, lat) == pytest.approx((middle.x, middle.y), abs=1e-6)


def test_the_same_returns_again_change_nothing(store: Cluster, world: World, tmp_path: Path) -> None:
    early = hong_kong("2025-09-23 10:00")
    created = _taken(world, tmp_path, BEFORE_ALL, early)["created"]
    assert created > 10
    assert _taken(world, tmp_path, BEFORE_ALL, early) == {"unchanged": created}


def test_every_department_of_the_story_has_one_form(world: World) -> None:
    forms = {
        department: form_of(department) for department in {incident.department for incident in world.told} - {TRAFFIC}
    }
    assert len(set(forms.values())) == len(forms)
    assert all(mappings()[form].department == department for department, form in forms.items())


def test_a_form_of_several_departments_is_a_mapping_for_each(tmp_path: Path) -> None:
    (tmp_path / "shared.yml").write_text(
        'id: shared\ntitle: {en: "Of {department}", zh: "{department}"}\ndepartments: [DSD, HB-ICU]\nlayer: incidents\n'
        'key: number\ncolumns: {title_en: {from: what, form: "{department}: {}"}}\n'
    )
    found = read_mappings(tmp_path)
    assert list(found) == ["shared_dsd", "shared_hb_icu"]
    assert found["shared_hb_icu"].department == "HB-ICU"
    assert found["shared_dsd"].title.en == "Of DSD"
    assert found["shared_dsd"].columns["title_en"].form == "DSD: {}"
