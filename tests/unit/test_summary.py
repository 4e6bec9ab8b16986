"""What layer files may say of counting, and a filter said in words."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cop.catalogue import Catalogue, Layer, catalogue
from cop.errors import BrokenCatalogue
from cop.query.counted import check_summaries, columns_read
from cop.query.cql import read_filter
from cop.query.summary import narrowed
from cop.query.words import condition_in_words, moment_in_words

INCIDENTS = catalogue().layers["incidents"]


def with_totals(filter_: str) -> Catalogue:
    raw = INCIDENTS.model_dump(by_alias=True)
    raw["summary"]["totals"]["tried"] = {"title": {"en": "Tried", "zh": "試"}, "filter": filter_}
    return Catalogue({"incidents": Layer.model_validate(raw)}, catalogue().codes, "test")


def test_shipped_layers_can_be_counted() -> None:
    check_summaries(catalogue())
    assert set(columns_read(INCIDENTS)) >= {"department", "reported_at", "duplicate_of", "estimated_completion_at"}
    assert columns_read(catalogue().layers["districts"]) == ()


@pytest.mark.parametrize(
    ("filter_", "wanted"),
    [("no_such = 1", "'no_such' is not a queryable"), ("dead > 0", "'dead' is not a queryable"),
     ("status = ", "is not CQL2"), ("reported_at < {then}", "is not CQL2")],
)  # fmt: skip
def test_a_condition_that_cannot_be_counted_by_is_refused_with_its_place(filter_: str, wanted: str) -> None:
    """A column that some profile hides is refused too: the number would tell what the column holds."""
    with pytest.raises(BrokenCatalogue) as refused:
        check_summaries(with_totals(filter_))
    assert "layers/incidents.yml: summary.totals.tried.filter: " in str(refused.value)
    assert wanted in str(refused.value)


@pytest.mark.parametrize("name", ["title_en", "lanes_closed", "participants"])
def test_only_codes_yes_or_no_and_times_are_counted(name: str) -> None:
    raw = INCIDENTS.model_dump(by_alias=True)
    for column in raw["columns"]:
        column["counted"] = column["name"] == name
    with pytest.raises(ValueError, match="counted is for queryable columns"):
        Layer.model_validate(raw)


@pytest.mark.parametrize(
    ("cql2", "en", "zh"),
    [
        ("category = 'flood' AND major = TRUE", "Category is Flooding and Major case is yes", "類別為水浸及重大個案為是"),
        ("district IN ('CW','NTH') OR NOT status = 'cancelled'",
         "(District is one of Central and Western, North or not (Status is Cancelled))",
         "(地區屬中西區、北區或並非(狀態為已取消))"),
        ("district IS NULL", "District is not known", "地區不詳"),
        ("dead > 2", "Dead above 2", "死亡大於2"),
        ("reported_at >= TIMESTAMP('2025-09-23T19:05:00Z')", "Reported at not before 03:05 on 24 September 2025",
         "報告時間不早於2025年9月24日03:05"),
        ("completed_at < TIMESTAMP('2025-09-23T19:05:00Z')", "Completed at before 03:05 on 24 September 2025",
         "完成時間早於2025年9月24日03:05"),
        ("S_INTERSECTS(geometry, POINT(114 22))", "a further condition holds (see filter)", "符合其他條件(見 filter)"),
    ],
)  # fmt: skip
def test_a_filter_in_words(cql2: str, en: str, zh: str) -> None:
    told = condition_in_words(read_filter(cql2, "cql2-text"), INCIDENTS)
    assert (told.en, told.zh) == (en, zh)


def test_a_time_in_words_is_that_of_hong_kong() -> None:
    told = moment_in_words(datetime(2025, 9, 23, 19, 5, tzinfo=UTC))
    assert told.en == "03:05 on 24 September 2025 (Hong Kong time)"
    assert told.zh == "2025年9月24日03:05(香港時間)"


def test_conditions_come_on_top_of_the_clients_own_filter() -> None:
    assert narrowed({"filter": "a = 1 OR b = 2", "limit": "3"}, "c = 3") == {"filter": "(a = 1 OR b = 2) AND (c = 3)"}
    assert narrowed({"department": "DSD"}) == {"department": "DSD"}
