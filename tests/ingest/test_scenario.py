"""The exercise's story: deterministic, complete, in order, on land, and by the contract's rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import shapely
from shapely.geometry.base import BaseGeometry

from cop.catalogue import catalogue
from cop.catalogue.models import Column, Layer
from cop_ingest.scenario import calendar, texts
from cop_ingest.scenario.calendar import BEGINS, DAY_ENDS, DAY_EVENT, DAY_STARTS, OPENS, PAST_STARTS
from cop_ingest.scenario.feeds import FEEDS
from cop_ingest.scenario.land import is_land
from cop_ingest.scenario.steps import Step
from cop_ingest.scenario.story import Story, newest, story_named
from cop_ingest.territory.land import own_land
from cop_ingest.times import HKT

REGISTERS = ("incidents", "progress-updates", "requests", "control-centres", "warnings", "feeds", "events")
# The contract's transitions; a cancelled duplicate was reported or confirmed before.
ALLOWED = {
    "reported": {"confirmed", "responding", "cancelled"},
    "confirmed": {"responding", "controlled", "completed", "cancelled"},
    "responding": {"controlled", "completed", "cancelled"},
    "controlled": {"responding", "completed"},
    "completed": {"responding"},
    "cancelled": set(),
}
_PYTHON = {
    "text": str, "code": str, "integer": int, "number": float, "boolean": bool, "time": datetime, "text[]": list,
}  # fmt: skip
Newest = dict[str, tuple[dict[str, object], BaseGeometry | None]]


@pytest.fixture(scope="module")
def story() -> Story:
    return Story(1, 1.0, is_land())


@pytest.fixture(scope="module")
def opening(story: Story) -> dict[str, Newest]:
    return {layer: newest(story, layer, OPENS) for layer in REGISTERS}


def values_of(opening: dict[str, Newest], layer: str) -> list[dict[str, object]]:
    return [values for values, _ in opening[layer].values()]


def time_of(values: Mapping[str, object], name: str) -> datetime:
    value = values[name]
    assert isinstance(value, datetime)
    return value


def test_ten_thousand_of_the_past_and_two_thousand_of_the_day(story: Story, opening: dict[str, Newest]) -> None:
    reported = [time_of(values, "reported_at") for values, _ in newest(story, "incidents", DAY_ENDS).values()]
    past = [at for at in reported if at < DAY_STARTS]
    assert (len(past), len(reported) - len(past)) == (10_000, 2_000)
    assert min(past) >= PAST_STARTS
    known = sum(time_of(values, "reported_at") >= DAY_STARTS for values in values_of(opening, "incidents"))
    assert 1250 <= known <= 1350
    hours = Counter(at.replace(minute=0, second=0) for at in reported if at >= DAY_STARTS)
    assert hours.most_common(1)[0][0] < OPENS, "most come before the opening"


def test_the_same_seed_tells_the_same_story() -> None:
    def first(seed: int) -> list[Step]:
        return Story(seed, 0.01, is_land(), 200).steps

    assert first(1) == first(1)
    assert first(1) != first(2)
    whole, part = Story(1, 0.01, is_land(), 200), Story(1, 0.02, is_land(), 200)
    assert part.name != whole.name
    assert story_named(whole.name, is_land()) == Story(1, 0.01, is_land())
    assert story_named("exercise story 0, seed 1, scale 1.0", is_land()) is None


def test_steps_come_in_the_order_of_their_times_and_first_the_record(story: Story) -> None:
    times = [step.at for step in story.steps]
    assert times == sorted(times)
    assert times[0] >= BEGINS
    assert times[-1] == DAY_ENDS
    assert {at.tzinfo for at in times} == {UTC}
    assert max(step.at for step in story.until(OPENS)) == OPENS, "the clock stands at the opening itself"
    known: set[tuple[str, str]] = set()
    for step in story.steps:
        key = (step.layer, step.id)
        assert (key in known) is not step.new, key
        known.add(key)


def _codes(column: Column) -> Mapping[str, object] | None:
    return catalogue().codes[column.codes_from] if column.codes_from else column.codes


@pytest.mark.parametrize("name", REGISTERS)
def test_records_fit_their_layer_and_say_that_they_are_an_exercise(
    opening: dict[str, Newest], layers: dict[str, Layer], name: str
) -> None:
    columns = layers[name].by_name
    assert opening[name]
    for id_, (values, geometry) in opening[name].items():
        assert set(values) - {"id"} <= {column for column, about in columns.items() if about.role != "updated"}, id_
        assert values["message_status"] == "exercise"
        assert values["source"] in ("exercise", "td_news_v2", "hko_warnsum", values["department"])
        assert values["id"] == id_
        for column, value in ((columns[key], value) for key, value in values.items() if key != "id"):
            assert value is None or isinstance(value, _PYTHON[column.type]), (id_, column.name, value)
            codes = _codes(column)
            assert value is None or codes is None or value in codes, (id_, column.name, value)
        wanted = layers[name].geometry
        assert geometry is None or wanted in ("Geometry", geometry.geom_type)
    refs = [(values["source"], values["source_ref"]) for values, _ in opening[name].values()]
    assert len(set(refs)) == len(refs), "a source has each number once"


def test_the_public_sees_something_of_every_register(opening: dict[str, Newest]) -> None:
    for name in REGISTERS:
        assert any(values["release"] == "public" for values in values_of(opening, name)), name
    shares = Counter(values["release"] for values in values_of(opening, "incidents"))
    assert shares["public"] / shares.total() == pytest.approx(0.92, abs=0.02)
    assert set(shares) == {"public", "press", "departments", "owner"}


def test_transitions_are_the_contracts(story: Story) -> None:
    status: dict[str, str] = {}
    for step in story.steps:
        if step.layer == "incidents" and "status" in step.values:
            after = str(step.values["status"])
            assert after == "reported" if step.new else after in ALLOWED[status[step.id]], (
                step.id,
                status.get(step.id),
            )
            status[step.id] = after
    assert set(status.values()) == set(ALLOWED)


def test_times_of_an_incident_are_in_order(story: Story) -> None:
    reported: dict[str, datetime] = {}
    for step in story.steps:
        if step.layer != "incidents":
            continue
        if step.new:
            assert time_of(step.values, "occurred_at") <= time_of(step.values, "reported_at") == step.at
            reported[step.id] = step.at
        else:
            assert step.at > reported[step.id]
        if step.values.get("completed_at") is not None:
            assert step.values["completed_at"] == step.at
            assert step.values["status"] == "completed"
    for values, _ in newest(story, "incidents", DAY_ENDS).values():
        assert (values["completed_at"] is not None) is (values["status"] == "completed")


def test_estimates_slip_one_by_one(story: Story) -> None:
    slips: dict[str, int] = {}
    for step in story.steps:
        if step.layer == "incidents" and "eta_slips" in step.values and not step.new:
            now = step.values["eta_slips"]
            assert now == slips.get(step.id, -1) + 1
            slips[step.id] = int(str(now))
    assert max(slips.values()) >= 3


def test_no_incident_lies_in_the_sea(opening: dict[str, Newest]) -> None:
    land = own_land()
    shapes = [geometry for _, geometry in opening["incidents"].values() if geometry is not None]
    inside = shapely.contains(land, np.array(shapes, dtype=object))
    assert inside.all(), [shape.wkt for shape, dry in zip(shapes, inside, strict=True) if not dry][:5]
    kinds = Counter(shape.geom_type for shape in shapes)
    assert kinds["Point"] > 10_000
    assert kinds["LineString"]
    assert kinds["Polygon"]
    none = sum(values["position_method"] == "none" for values, _ in opening["incidents"].values())
    assert none == len(opening["incidents"]) - len(shapes) < 300


def test_links_lead_to_records_that_are_known_by_then(story: Story) -> None:
    known: set[object] = set()
    for step in story.steps:
        for name in ("incident", "duplicate_of"):
            assert step.values.get(name) in (None, *([step.values.get(name)] if step.values.get(name) in known else []))
        known.add(step.id)
    events = {step.id for step in story.steps if step.layer == "events"}
    named = {step.values.get("event") for step in story.steps if step.layer in ("incidents", "warnings")}
    assert named - {None} <= events
    assert DAY_EVENT in named


def test_every_code_and_department_occurs(opening: dict[str, Newest], layers: dict[str, Layer]) -> None:
    columns = layers["incidents"].by_name
    incidents = values_of(opening, "incidents")
    for name in ("category", "status", "department", "district", "severity", "verification", "position_method"):
        assert {values[name] for values in incidents} == set(_codes(columns[name]) or ()), name


def test_owners_report_where_they_serve(opening: dict[str, Newest]) -> None:
    hke = {values["district"] for values in values_of(opening, "incidents") if values["department"] == "HKE"}
    assert hke <= {"CW", "EST", "STH", "WC"}


def test_titles_are_in_both_languages(opening: dict[str, Newest]) -> None:
    for values in values_of(opening, "incidents"):
        for name in ("title_en", "title_zh", "description_en", "description_zh"):
            assert values[name]
            assert "{" not in str(values[name])
    for pairs in (*texts.PROGRESS.values(), *texts.REQUESTS.values()):
        assert all(english.isascii() and not chinese.isascii() for english, chinese in pairs)


def test_the_past_has_its_seasons_days_and_storms(opening: dict[str, Newest]) -> None:
    at = [time_of(values, "reported_at").astimezone(HKT) for values in values_of(opening, "incidents")]
    ordinary = [moment for moment in at if calendar.event_at(moment.astimezone(UTC)) is None]
    months, hours = Counter(moment.month for moment in ordinary), Counter(moment.hour for moment in ordinary)
    assert months[6] + months[7] > 1.5 * (months[12] + months[1])
    assert hours[18] > 4 * hours[3]
    per_event = Counter(values["event"] for values in values_of(opening, "incidents"))
    # Ordinary days' incidents fall on storms' hours too.
    assert 900 <= per_event["2023-black-rain-exercise"] < 1000
    assert 760 <= per_event["2023-saola-exercise"] < 860
    rain = [values for values in values_of(opening, "incidents") if values["event"] == "2023-black-rain-exercise"]
    categories = Counter(values["category"] for values in rain)
    assert categories["flood"] + categories["landslide"] > len(rain) / 2


def test_at_the_opening_signal_ten_is_in_force_behind_its_ladder(opening: dict[str, Newest]) -> None:
    warnings = sorted(values_of(opening, "warnings"), key=lambda values: time_of(values, "issued_at"))
    day = [values for values in warnings if values["event"] == DAY_EVENT]
    in_force = {str(values["code"]): time_of(values, "issued_at") for values in day if values.get("ended_at") is None}
    assert in_force["TC10"] == calendar.hong_kong("2025-09-24 02:40")
    assert set(in_force) == {"TC10", "WRAINR", "WL", "WFNTSA", "SURGE"}
    assert [values["code"] for values in day if str(values["code"]).startswith("TC")] == [
        "TC1",
        "TC3",
        "TC8NW",
        "TC9",
        "TC10",
    ]
    others = [values for values in warnings if values["event"] != DAY_EVENT]
    assert all(values.get("ended_at") for values in others), "no old warning is left in force"


def test_at_the_opening_the_room_is_busy(opening: dict[str, Newest]) -> None:
    incidents = [values for values in values_of(opening, "incidents") if values["event"] == DAY_EVENT]
    active = [
        values for values in incidents if values["status"] in ("reported", "confirmed", "responding", "controlled")
    ]
    assert len(active) > 400
    late = [v for v in active if v.get("estimated_completion_at") and time_of(v, "estimated_completion_at") < OPENS]
    assert len(late) > 5
    assert any(values["duplicate_of"] for values in incidents)
    asked = [v for v in values_of(opening, "requests") if time_of(v, "asked_at") >= DAY_STARTS]
    assert any(values.get("acknowledged_at") is None for values in asked)
    assert any(values.get("answered_at") for values in asked)
    overdue = [v for v in asked if not v.get("answered_at") and v["due_at"] and time_of(v, "due_at") < OPENS]
    assert overdue
    for values in asked:
        steps = [values["asked_at"], values.get("acknowledged_at"), values.get("answered_at")]
        times = [at for at in steps if isinstance(at, datetime)]
        assert times == sorted(times)


def test_centres_are_manned_and_feeds_tell_how_they_are(opening: dict[str, Newest]) -> None:
    assert set(opening["control-centres"]) == {
        f"{code}.exercise"
        for code in (
            "ArchSD",
            "BD",
            "CEDD",
            "DSD",
            "HB-ICU",
            "HD",
            "HyD-CB",
            "HyD-NT",
            "HyD-TMCA",
            "HyD-URBAN",
            "LandsD",
        )
    }
    for values in values_of(opening, "control-centres"):
        assert values["active"] is True
        assert timedelta(0) < time_of(values, "since") - calendar.hong_kong("2025-09-23 14:20") < timedelta(hours=1)
    assert len(FEEDS) == len(opening["feeds"]) == 27
    assert {values["state"] for values in values_of(opening, "feeds")} == {"live", "late", "stale", "down", "quiet"}
    for values in values_of(opening, "feeds"):
        assert time_of(values, "last_attempt_at") <= OPENS
        assert (values["age_s"] is None) is (values["observed_at"] is None)


def test_the_scale_leaves_the_typhoon_day_whole(opening: dict[str, Newest]) -> None:
    small = newest(Story(1, 0.01, is_land()), "incidents", OPENS)
    day = [values for values, _ in small.values() if time_of(values, "reported_at") >= DAY_STARTS]
    assert len(small) - len(day) == 100
    assert len(day) == sum(values["event"] == DAY_EVENT and time_of(values, "reported_at") >= DAY_STARTS
                           for values in values_of(opening, "incidents"))  # fmt: skip
