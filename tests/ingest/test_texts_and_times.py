"""Encodings, tables, XML and the ways of writing a time."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from cop.catalogue.models import Column
from cop.errors import LoadRefused
from cop_ingest.district_names import district_code, only_district
from cop_ingest.records import Record, id_from_hash, id_from_value, without_repeats
from cop_ingest.texts import decode, matching_form, read_table
from cop_ingest.times import read_date, read_epoch_ms, read_time
from cop_ingest.values import to_column
from cop_ingest.xmlsafe import fields_of, parse_xml


def _utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("202509240740", _utc(2025, 9, 23, 23, 40)),
        ("20250924-0740", _utc(2025, 9, 23, 23, 40)),
        ("20160101", _utc(2015, 12, 31, 16)),
        (" 2017/9/16 上午 07:20:43", _utc(2017, 9, 15, 23, 20, 43)),
        ("2017/9/16 下午 07:20:43", _utc(2017, 9, 16, 11, 20, 43)),
        ("2017/9/16 上午 12:05:00", _utc(2017, 9, 15, 16, 5)),
        ("2017/9/16 下午 12:05:00", _utc(2017, 9, 16, 4, 5)),
        ("2026-09-30T19:15:00", _utc(2026, 9, 30, 11, 15)),
        ("2025-09-07T21:20:00+08:00", _utc(2025, 9, 7, 13, 20)),
        ("2025-09-07T21:20:00Z", _utc(2025, 9, 7, 21, 20)),
        ("2025-09-07 24:00", _utc(2025, 9, 7, 16)),
        ("2026年8⽉28⽇", _utc(2026, 8, 27, 16)),
    ],
)
def test_times_are_read_as_hong_kong_writes_them(text: str, wanted: datetime) -> None:
    assert read_time(text) == wanted


@pytest.mark.parametrize("text", ["", "soon", "20251301", "2025-02-30", "2025/1/1 下午 13:00", "0000-01-01", "9" * 13])
def test_what_is_no_time_is_said(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read_time(text)


def test_dates_and_epoch_milliseconds() -> None:
    assert read_date("20160101") == date(2016, 1, 1)
    assert read_epoch_ms(1758672000000) == _utc(2025, 9, 24)
    with pytest.raises(ValueError, match="milliseconds"):
        read_epoch_ms(9e15)


@pytest.mark.parametrize(
    ("kind", "value", "wanted"),
    [
        ("text", " a ", "a"), ("text", 12.0, "12"), ("text", "", None),
        ("integer", "1,234", 1234), ("integer", 5.0, 5), ("integer", "N/A", None),
        ("number", "////", None), ("number", "2.5", 2.5), ("number", float("nan"), None),
        ("boolean", "Y", True), ("boolean", "否", False), ("boolean", "", None),
        ("date", "20160101", date(2016, 1, 1)), ("date", "2016-01-01T00:00:00", date(2016, 1, 1)),
        ("time", 1758672000000, _utc(2025, 9, 24)), ("time", 202509240740, _utc(2025, 9, 23, 23, 40)),
        ("text[]", "a; b;", ["a", "b"]), ("text[]", '["x", "y"]', ["x", "y"]),
    ],
)  # fmt: skip
def test_values_take_the_columns_type(kind: str, value: object, wanted: object) -> None:
    assert to_column(value, _column(kind)) == wanted


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("integer", "2.5"),
        ("integer", 1e300),
        ("number", "inf"),
        ("number", "tall"),
        ("boolean", "maybe"),
        ("text", "a\0"),
        ("text", "a\ud800"),
        ("time", "x"),
    ],
)
def test_a_value_of_another_type_is_refused_by_name(kind: str, value: object) -> None:
    with pytest.raises(ValueError, match=r"^height: found|^height: 'x' is not a time"):
        to_column(value, _column(kind))


def test_a_code_outside_its_list_is_refused() -> None:
    column = Column.model_validate(
        {"name": "s", "type": "code", "codes_from": "districts", "title": {"en": "", "zh": ""}}
    )
    assert to_column("KT", column, frozenset({"KT"})) == "KT"
    with pytest.raises(ValueError, match=r"s: found 'XX', wanted one of KT"):
        to_column("XX", column, frozenset({"KT"}))


def _column(kind: str) -> Column:
    return Column.model_validate({"name": "height", "type": kind, "title": {"en": "", "zh": ""}})


@pytest.mark.parametrize(
    "body",
    [
        "key,x\n".encode("utf-8-sig"),
        b"\xff\xfe\xff\xfe" + "key,x\n".encode("utf-16-le"),
        "key,x\n".encode("utf-16"),
        b"\xfe\xff" + "key,x\n".encode("utf-16-be"),
        "key,x\n".encode("utf-16-le"),
    ],
)
def test_the_bytes_decide_the_encoding(body: bytes) -> None:
    assert decode(body, "f") == "key,x\n"


def test_big5_is_read_and_other_bytes_are_refused() -> None:
    assert decode("深水埗".encode("big5hkscs"), "f") == "深水埗"
    with pytest.raises(LoadRefused, match="f: the bytes are neither"):
        decode(b"\xff\x00\xff", "f")


@pytest.mark.parametrize(
    "page", [b"<!DOCTYPE html><html><body>404</body></html>", b"\n<HTML><body>Not found</body></HTML>"]
)
def test_an_html_page_is_no_data(page: bytes) -> None:
    with pytest.raises(LoadRefused, match="HTML page"):
        decode(page, "feed.csv")


def test_tables_have_the_separator_of_their_header() -> None:
    assert read_table("a|b\n1|2,5\n\n", "f").rows == [(2, ["1", "2,5"])]
    with pytest.raises(LoadRefused, match="is empty"):
        read_table("\n\n", "f")
    with pytest.raises(LoadRefused, match="line 2"):
        read_table('a,b\n"1,2\n', "f")


@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>',
        b'<!DOCTYPE a [<!ENTITY e "eeee"><!ENTITY f "&e;&e;&e;">]><a>&f;</a>',
        b"<!DOCTYPE a><a/>",
    ],
)
def test_xml_with_a_doctype_is_refused(body: bytes) -> None:
    with pytest.raises(LoadRefused, match="has a DOCTYPE"):
        parse_xml(body, "feed.xml")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "well-formed"),
        (b"<a><b></a>", "line 1"),
        (b"<!DOCTYPE html><html/>", "HTML page"),
        (b"<a>" * 300, "nested"),
        (b'<?xml version="1.0" encoding="klingon"?><a/>', "well-formed"),
    ],
)
def test_broken_xml_is_refused_with_its_place(body: bytes, reason: str) -> None:
    with pytest.raises(LoadRefused, match=reason):
        parse_xml(body, "feed.xml")


def test_xml_is_read_by_local_names() -> None:
    assert fields_of(parse_xml(b'<a xmlns="urn:x"><s.d.> 1 </s.d.><PM2.5/></a>', "f")) == {
        "s.d.": "1",
        "PM2.5": "",
    }


def test_compatibility_characters_fold_for_matching() -> None:
    assert matching_form("2026年8⽉28⽇  ⼤埔") == "2026年8月28日 大埔"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Southern", "STH"), ("Southern District", "STH"), ("南區", "STH"), ("南", "STH"), ("STH", "STH"),
        ("Central & Western", "CW"), ("Central and Western", "CW"), ("Central/Western", "CW"),
        ("中西區", "CW"), ("深水\ue88c", "SSP"), ("⼤埔", "TP"), ("Kwai Tsing District", "KC"),
        ("元朗", "YL"), ("", None), (None, None), ("Shenzhen", None),
    ],
)  # fmt: skip
def test_districts_are_known_by_every_spelling(name: str | None, code: str | None) -> None:
    assert district_code(name) == code


def test_several_districts_are_none() -> None:
    assert only_district(["Southern", "南區", ""]) == "STH"
    assert only_district(["Southern", "Eastern"]) is None


def test_ids_can_stand_in_an_address() -> None:
    assert id_from_value(" Tate's Cairn ") == "Tates-Cairn"
    assert id_from_value("a/b?c#d%") == "a-b-c-d"
    assert id_from_value("//") == ""
    assert id_from_hash(["a", None, b"\x01"]) == id_from_hash([" a ", "", b"\x01"])
    assert id_from_hash(["ab", "c"]) != id_from_hash(["a", "bc"])


def test_the_same_again_is_refused_and_another_thing_gets_a_suffix() -> None:
    same, other = Record("1", {"a": 1}, None), Record("1", {"a": 2}, None)
    parsed = without_repeats([(1, same), (2, same), (3, other), (4, other)])
    assert [refusal.reason for refusal in parsed.refusals] == ["repeats number 1", "repeats number 3"]
    assert parsed.records[0].id == "1"
    assert parsed.records[1].id.startswith("1-")
    assert len(parsed.records[1].id) == 10
    assert parsed.remarks == {"the key 1 is used for another feature too, first as number 1": 1}
