"""The simulated day's forms of shelters, gauges, closures, outages and permits: the inbox takes them, layers show them."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from cop.catalogue import catalogue
from cop_ingest.gazetteer.index import Index
from cop_ingest.inbox.declared import mappings
from cop_ingest.inbox.readings import take_readings
from cop_ingest.inbox.take import take
from cop_ingest.load import Origin, load_whole
from cop_ingest.scenario.calendar import GALES, OPENS, hong_kong
from cop_ingest.simulator.forms import closures, excavation, gauges, outages, shelters
from cop_ingest.simulator.forms.base import Entry, Form
from cop_ingest.simulator.returns import FORMS, returns_of
from cop_ingest.simulator.world.world import ENDS, STARTS, World
from cop_ingest.territory import stand_in
from cop_server.cluster import Cluster

BEFORE_ALL = STARTS - timedelta(days=1)
EVENING, NOON = hong_kong("2025-09-23 19:00"), hong_kong("2025-09-24 12:00")
IDS = [form.id for form in FORMS]
Row = Mapping[str, Any]


@pytest.fixture(scope="module")
def world() -> World:
    return World(1, scale=0.001)


def in_force(form: Form, world: World, at: datetime) -> dict[str, Entry]:
    """What the form says of each thing at a time."""
    return {entry.key: entry for entry in form.told(world, BEFORE_ALL, at)}


def told(form: Form, world: World, at: datetime, heading: str) -> Counter[str]:
    return Counter(str(entry.cells[heading]) for entry in in_force(form, world, at).values())


def stock(store: Cluster, world: World) -> None:
    """The shelters and gauges that forms are about."""
    with psycopg.connect(store.owner_dsn, autocommit=True) as connection:
        for known in ("temporary_shelters", "rain_gauges"):
            about = catalogue().layers[known]
            load_whole(connection, about, stand_in(about, world.territory), Origin("a test", b"1", "exercise"))


def reported(store: Cluster, form: Form, world: World, since: datetime, until: datetime) -> Counter[str]:
    """What became of the rows of a form's return."""
    deeds: Counter[str] = Counter()
    for one in form.returned(world, since, until):
        mapping, name = mappings()[one.form], f"return.{one.ending}"
        assert mapping.department == one.department
        if mapping.readings:
            with psycopg.connect(store.owner_dsn, autocommit=True) as connection:
                report = take_readings(connection, mapping, one.body(), name, until, "exercise")
        else:
            report = take(mapping, one.body(), name, until, "exercise", Index())
        wrong = [line for line in report.lines if line.deed in ("refused", "late")]
        assert not wrong, (form.id, wrong[0])
        deeds.update(line.deed for line in report.lines)
    return deeds


def shown(store: Cluster, layer: str, key: str) -> dict[str, Row]:
    query = psycopg.sql.SQL("SELECT * FROM {}").format(psycopg.sql.Identifier("layer", layer))
    with psycopg.connect(store.owner_dsn, row_factory=psycopg.rows.dict_row) as connection:
        return {row[key]: row for row in connection.execute(query)}


def second(at: object) -> object:
    return at.replace(microsecond=0) if isinstance(at, datetime) else at


def minute(at: object) -> object:
    return at.replace(second=0, microsecond=0) if isinstance(at, datetime) else at


def a_shelter(row: Row, entry: Entry) -> None:
    assert row["status"].title() == entry.cells["Status"]
    assert (row["capacity"], row["occupants"]) == (entry.cells["Places"], entry.cells["Persons"])
    assert (row["opened_at"], row["observed_at"]) == (entry.cells["Opened"], entry.at)
    assert row["name_zh"] == entry.cells["庇護中心"]
    assert row["geom"] is not None


def a_gauge(row: Row, entry: Entry) -> None:
    assert row["observed_at"] == entry.at
    assert row["geom"] is not None
    rain = [entry.cells[f"Rain {span} (mm)"] for span in ("5 min", "1 h", "24 h")]
    is_bad = entry.cells["Quality"] == "Faulty"
    assert [row["rain_5min_mm"], row["rain_1h_mm"], row["rain_24h_mm"]] == ([None] * 3 if is_bad else rain)
    assert row["quality"] == {"OK": "good", "Suspect": "suspect", "Faulty": "bad"}[str(entry.cells["Quality"])]


def a_closure(row: Row, entry: Entry) -> None:
    words = {"Planned": "planned", "Closed": "closed", "Partly closed": "partly", "Reopened": "reopened"}
    assert row["status"] == words[str(entry.cells["Status"])]
    assert row["estimated_reopening_at"] == second(entry.cells["Expected reopening"])
    assert row["reopened_at"] == second(entry.cells["Reopened at"])
    assert row["release"] == entry.cells["Release"]


def an_outage(row: Row, entry: Entry) -> None:
    words = {"Interrupted": "out", "Partly restored": "partly", "Restored": "restored"}
    assert row["status"] == words[str(entry.cells["Supply"])]
    assert row["customers_affected"] == entry.cells["Customers affected"]
    assert row["estimated_restoration_at"] == minute(entry.cells["Expected restoration"])
    assert row["release"] == "departments"


def a_permit(row: Row, entry: Entry) -> None:
    words = {"Issued": "issued", "Works in progress": "active", "Suspended": "suspended", "Completed": "completed"}
    assert row["status"] == words[str(entry.cells["Permit status"])]
    assert row["is_emergency"] == entry.cells["Emergency works"]


@pytest.mark.parametrize(
    ("forms", "layer", "key", "agrees"),
    [
        ((shelters.FORM,), "shelter_openings", "name_en", a_shelter),
        ((gauges.FORM,), "rain_gauge_readings", "station_no", a_gauge),
        ((closures.FORM,), "road_closures", "source_ref", a_closure),
        (outages.FORMS, "power_outages", "source_ref", an_outage),
        ((excavation.FORM,), "excavation_permits", "source_ref", a_permit),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_the_inbox_takes_each_row_and_the_layer_shows_the_world(
    store: Cluster, world: World, forms: tuple[Form, ...], layer: str, key: str, agrees: Callable[[Row, Entry], None]
) -> None:
    stock(store, world)
    since = BEFORE_ALL
    for until in (EVENING, OPENS, NOON):
        deeds = Counter[str]()
        for form in forms:
            deeds += reported(store, form, world, since, until)
        assert deeds["created"] + deeds["changed"] > 0
        assert not deeds["unchanged"], "what has not changed is not sent"
        since = until
        entries = {name: entry for form in forms for name, entry in in_force(form, world, until).items()}
        rows = shown(store, layer, key)
        assert rows.keys() == entries.keys()
        for name, row in rows.items():
            assert row["district"] is not None or layer == "rain_gauge_readings"
            agrees(row, entries[name])


def test_the_benchs_reckoning_finds_what_a_layer_lacks_or_says_otherwise(store: Cluster, world: World) -> None:
    sys.path.append(str(Path(__file__).parent.parent.parent / "bench"))
    from cop_bench.day.reckoning import of_forms

    stock(store, world)
    for form in FORMS:
        reported(store, form, world, BEFORE_ALL, EVENING)
    amiss = ("lacking", "held though gone", "in another state")
    with psycopg.connect(store.owner_dsn, autocommit=True) as connection:
        found = of_forms(connection, world, lambda _: EVENING)
        assert found.keys() == set(IDS)
        assert not any(one[what] for one in found.values() for what in amiss)
        assert found["hyd_closures"]["published"] == len(in_force(closures.FORM, world, EVENING))
        connection.execute("DELETE FROM layer.shelter_openings WHERE name_en = 'Stanley Community Hall'")
        connection.execute("UPDATE layer.road_closures SET status = 'partly' WHERE source_ref = 'RC-SURGE-01'")
        found = of_forms(connection, world, lambda _: EVENING)
    assert {(form, what) for form, one in found.items() for what in amiss if one[what]} == {
        ("had_shelters", "lacking"), ("hyd_closures", "in another state"),
    }  # fmt: skip


def test_the_same_day_is_the_same_bytes_and_another_is_not(world: World) -> None:
    def bodies(of: World) -> dict[str, bytes]:
        return {one.form: one.body() for one in returns_of(of, STARTS, NOON)}

    closures._history.cache_clear()
    first = bodies(world)
    for module in (closures, excavation, outages, shelters):
        module._history.cache_clear()
    assert bodies(World(1, scale=0.001)) == first
    assert first.keys() >= set(IDS)
    other = World(2, scale=0.001)
    assert all(one.body() != first[one.form] for form in FORMS for one in form.returned(other, STARTS, NOON))


@pytest.mark.parametrize("form", [form for form in FORMS if form.every is None], ids=lambda form: form.id)
def test_returns_of_many_spans_end_as_one_of_the_whole_day(world: World, form: Form) -> None:
    last: dict[str, Entry] = {}
    at = BEFORE_ALL
    while at < ENDS:
        for entry in form.told(world, at, at + timedelta(hours=1)):
            assert at < entry.at <= at + timedelta(hours=1)
            assert entry.key not in last or last[entry.key].cells != entry.cells, "only what has changed"
            last[entry.key] = entry
        at += timedelta(hours=1)
    assert last == in_force(form, world, ENDS)


def test_shelters_are_as_the_territory_has_them_at_the_opening_and_close_after_the_storm(world: World) -> None:
    def at(moment: datetime) -> Counter[str]:
        return told(shelters.FORM, world, moment, "Status")

    drawn = {str(values["name_en"]): values for values, _ in world.drawn("temporary_shelters")}
    night = in_force(shelters.FORM, world, OPENS)
    assert night.keys() == drawn.keys()
    for name, values in drawn.items():
        cells = night[name].cells
        assert (str(cells["Status"]).lower(), cells["Persons"]) == (values["status"], values["occupants"])
        assert cells["Opened"] == values["opened_at"]
    assert not at(hong_kong("2025-09-23 14:00"))
    assert at(NOON)["Closed"] < at(OPENS)["Closed"], "more open as floods go on"
    assert at(NOON)["Full"] > 0
    assert at(ENDS) == {"Closed": len(drawn)}
    for entry in in_force(shelters.FORM, world, NOON).values():
        assert 0 <= int(str(entry.cells["Persons"])) <= int(str(entry.cells["Places"]))


def test_gauges_come_all_every_five_minutes_and_read_the_worlds_rain(world: World) -> None:
    form, span = gauges.FORM, timedelta(minutes=5)
    entries = form.told(world, OPENS - span, OPENS)
    count = sum(values["network"] == "GEO" for values, _ in world.drawn("rain_gauges"))
    assert len(entries) == len({entry.key for entry in entries}) == count
    assert {entry.at for entry in entries} == {OPENS}
    assert len(form.told(world, BEFORE_ALL, OPENS)) == 12 * count, "no more than an hour"
    highest = max(float(str(entry.cells["Rain 1 h (mm)"])) for entry in entries)
    assert 50 <= highest <= 75, "the red rainstorm warning is in force"
    assert Counter(str(entry.cells["Quality"]) for entry in form.told(world, NOON - span, NOON)) == {
        "OK": count - 2, "Suspect": 1, "Faulty": 1,
    }  # fmt: skip
    before = form.told(world, hong_kong("2025-09-23 18:55"), EVENING)
    assert {entry.cells["Quality"] for entry in before} == {"OK"}
    for entry in entries:
        five, hour, day = (float(str(entry.cells[f"Rain {of} (mm)"])) for of in ("5 min", "1 h", "24 h"))
        assert 0 <= five <= hour <= day


def test_closures_follow_their_incidents_and_slip_with_them(world: World) -> None:
    history = closures._history(world)
    stories: dict[str, list[Entry]] = {}
    for entry in history:
        stories.setdefault(entry.key, []).append(entry)
    slipped = [
        key for key, told_ in stories.items() if len({e.cells["Expected reopening"] for e in told_} - {None}) > 1
    ]
    assert len(slipped) > 20
    by_ref = {f"RC-{incident.ref}": incident for incident in world.told}
    for key, entry in in_force(closures.FORM, world, NOON).items():
        if incident := by_ref.get(key):
            values = incident.at(NOON)
            assert values is not None
            is_open = values["status"] in ("completed", "cancelled")
            assert (entry.cells["Status"] == "Reopened") == is_open
            assert entry.cells["Expected reopening"] == values["estimated_completion_at"]
    surge = [[entry.cells["Status"] for entry in told_] for key, told_ in stories.items() if key not in by_ref]
    assert len(surge) == 8
    assert all(said == ["Planned", *["Closed"] * 3, "Partly closed", "Reopened"] for said in surge)


def test_outages_come_with_the_wind_and_end_after_it(world: World) -> None:
    found = outages.outages(world)
    assert len({one.ref for one in found}) == len(found) > 30
    gusts = [world.winds.gust(one.begins) for one in found if one.cause != outages._BY_FLOOD]
    assert min(gusts) > 40
    assert sum(gust > 80 for gust in gusts) > len(gusts) / 2
    assert any(one.cause == outages._BY_FLOOD for one in found)
    for form in outages.FORMS:
        assert told(form, world, NOON, "Supply")["Interrupted"] > 0
    without = [
        sum(
            int(str(e.cells["Customers affected"]))
            for form in outages.FORMS
            for e in in_force(form, world, at).values()
        )
        for at in (OPENS, hong_kong("2025-09-24 08:00"), ENDS)
    ]
    assert without[0] < without[1] > without[2]


def test_works_stand_still_in_the_gale_but_for_burst_mains(world: World) -> None:
    gale = [one for one in GALES if STARTS < one.issued_at < ENDS]
    begins, ends = min(one.issued_at for one in gale), max(one.ended_at for one in gale)
    before = told(excavation.FORM, world, begins - timedelta(minutes=1), "Permit status")
    assert before["Works in progress"] > 30
    assert not before["Suspended"]
    night = in_force(excavation.FORM, world, OPENS).values()
    assert {e.cells["Emergency works"] for e in night if e.cells["Permit status"] == "Works in progress"} == {True}
    assert not any(e.cells["Permit status"] == "Suspended" for e in night if e.cells["Emergency works"])
    after = told(excavation.FORM, world, ENDS, "Permit status")
    assert ends < ENDS
    assert not after["Suspended"]
