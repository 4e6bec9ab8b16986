"""A question in words, in both languages: what a number beside it is a number of."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from pygeofilter import ast

from cop.catalogue import Column, Layer, catalogue
from cop.catalogue.models import Bilingual
from cop.query.question import Interval, Question

_HKT: Final = ZoneInfo("Asia/Hong_Kong")
_MODES: Final = {
    "actual": Bilingual(en="actual records", zh="真實記錄"),
    "exercise": Bilingual(en="exercise records", zh="演習記錄"),
    "test": Bilingual(en="test records", zh="測試記錄"),
}
_AUDIENCES: Final = {
    "public": Bilingual(en="as the public sees them", zh="公眾可見者"),
    "press": Bilingual(en="as the press sees them", zh="傳媒可見者"),
    "partner": Bilingual(en="as partners see them", zh="夥伴機構可見者"),
    "departments": Bilingual(en="as departments see them", zh="各部門可見者"),
    "emsc": Bilingual(en="as the EMSC sees them", zh="緊急事故監察及支援中心可見者"),
}
_SIGNS: Final[dict[type[ast.Node], Bilingual]] = {
    ast.Equal: Bilingual(en="is", zh="為"), ast.NotEqual: Bilingual(en="is not", zh="不是"),
    ast.LessThan: Bilingual(en="below", zh="小於"), ast.LessEqual: Bilingual(en="at most", zh="不超過"),
    ast.GreaterThan: Bilingual(en="above", zh="大於"), ast.GreaterEqual: Bilingual(en="at least", zh="不小於"),
}  # fmt: skip
# Of times one does not say that they are small or large.
_TIME_SIGNS: Final[dict[type[ast.Node], Bilingual]] = {
    ast.LessThan: Bilingual(en="before", zh="早於"), ast.LessEqual: Bilingual(en="not after", zh="不遲於"),
    ast.GreaterThan: Bilingual(en="after", zh="遲於"), ast.GreaterEqual: Bilingual(en="not before", zh="不早於"),
}  # fmt: skip
_TRUE: Final = Bilingual(en="yes", zh="是")
_FALSE: Final = Bilingual(en="no", zh="否")


def both(en: str, zh: str) -> Bilingual:
    """A text in both languages."""
    return Bilingual(en=en, zh=zh)


def joined(parts: list[Bilingual], en: str, zh: str) -> Bilingual:
    """Texts one after another, with a word between them."""
    return both(en.join(part.en for part in parts), zh.join(part.zh for part in parts))


def moment_in_words(moment: datetime) -> Bilingual:
    """A time in Hong Kong, as a person says it."""
    said = _hour_and_day(moment)
    return both(f"{said.en} (Hong Kong time)", f"{said.zh}(香港時間)")


def _hour_and_day(moment: datetime) -> Bilingual:
    local = moment.astimezone(_HKT)
    return both(f"{local:%H:%M} on {local.day} {local:%B %Y}",
                f"{local.year}年{local.month}月{local.day}日{local:%H:%M}")  # fmt: skip


def question_in_words(question: Question, where: ast.Node | None, moment: datetime, *, past: bool) -> Bilingual:
    """Which records a question is of: layer, mode, audience, moment, area, time, filter.

    `where` is what the client asked for, without what the server adds.
    """
    at, visible = moment_in_words(moment), question.visible
    known = both(f"as known at {at.en}", f"截至{at.zh}所知") if past else both(f"at {at.en}", f"{at.zh}")
    audience = _AUDIENCES[visible.audience]
    if visible.audience == "departments" and visible.department:
        name = catalogue().codes["departments"][visible.department]
        audience = both(f"as {name.en} sees them", f"{name.zh}可見者")
    parts = [question.layer.title, _MODES[visible.mode], audience, known]
    if question.box is not None:
        parts.append(both("within a box", "指定方框範圍內"))
    if question.takes_interval and question.interval is not None:
        parts.append(_interval(question.layer, question.interval))
    if where is not None:
        condition = condition_in_words(where, question.layer)
        parts.append(both(f"only where {condition.en}", f"只計{condition.zh}"))
    return joined(parts, ", ", "，")


def _interval(layer: Layer, interval: Interval) -> Bilingual:
    column = layer.with_role("time")
    assert column is not None
    parts = [column.title]
    if interval.start is not None:
        start = moment_in_words(interval.start)
        parts.append(both(f"from {start.en}", f"由{start.zh}"))
    if interval.end is not None:
        end = moment_in_words(interval.end)
        parts.append(both(f"to {end.en}", f"至{end.zh}"))
    return joined(parts, " ", "")


def condition_in_words(node: Any, layer: Layer) -> Bilingual:
    """A filter in words; of what has none it says that there is a further condition, and the filter stands beside."""
    match node:
        case ast.And():
            return _pair(node, layer, " and ", "及")
        case ast.Or():
            return _pair(node, layer, " or ", "或")
        case ast.Not():
            inner = condition_in_words(node.sub_node, layer)
            return both(f"not ({inner.en})", f"並非({inner.zh})")
        case ast.Comparison(lhs=ast.Attribute() as attribute) if type(node) in _SIGNS:
            column = layer.by_name[attribute.name]
            sign = (_TIME_SIGNS if column.type == "time" else {}).get(type(node), _SIGNS[type(node)])
            value = _value(column, node.rhs)
            return both(f"{column.title.en} {sign.en} {value.en}", f"{column.title.zh}{sign.zh}{value.zh}")
        case ast.In(lhs=ast.Attribute() as attribute):
            column = layer.by_name[attribute.name]
            values = joined([_value(column, value) for value in node.sub_nodes], ", ", "、")
            none = node.not_
            return both(f"{column.title.en} is {'none' if none else 'one'} of {values.en}",
                        f"{column.title.zh}{'不屬' if none else '屬'}{values.zh}")  # fmt: skip
        case ast.IsNull(lhs=ast.Attribute() as attribute):
            title = layer.by_name[attribute.name].title
            return both(f"{title.en} is {'known' if node.not_ else 'not known'}",
                        f"{title.zh}{'已知' if node.not_ else '不詳'}")  # fmt: skip
        case _:
            return both("a further condition holds (see filter)", "符合其他條件(見 filter)")


def _pair(node: Any, layer: Layer, en: str, zh: str) -> Bilingual:
    parts = [condition_in_words(node.lhs, layer), condition_in_words(node.rhs, layer)]
    told = joined(parts, en, zh)
    return both(f"({told.en})", f"({told.zh})") if isinstance(node, ast.Or) else told


def value_title(column: Column, value: str | None) -> Bilingual:
    """The title of a column's value, as a legend would say it."""
    if value is None:
        return both("Not known", "不詳")
    if column.type == "boolean":
        return _TRUE if value in ("true", "True") else _FALSE
    codes = catalogue().codes[column.codes_from] if column.codes_from else column.codes or {}
    return codes.get(value, both(value, value))


def _value(column: Column, value: object) -> Bilingual:
    if isinstance(value, datetime):
        # The zone is said once, at the moment of the whole.
        return _hour_and_day(value)
    if isinstance(value, ast.Node):
        return both("another column", "另一欄")
    whole = isinstance(value, float) and value.is_integer()
    return value_title(column, f"{value:.0f}" if whole else str(value))
