"""Plans: a question as parameterised SQL. Present and past are the same plan over two relations."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from psycopg import sql

from cop.catalogue import Column, Layer
from cop.journal import mark_statement
from cop.query import columns
from cop.query.bind import Constants, Values
from cop.query.filter import Compiler
from cop.query.question import Box, Question, SortKey

_SOME_MOMENT = -1  # stands for the number in a plan that is kept; nothing else that is bound is ever negative
_SEGMENTS = 32  # parts into which a box's edge is cut before it is bent into another CRS


@dataclass(frozen=True, slots=True)
class Plan:
    """A statement and its values."""

    statement: sql.Composed | str
    values: dict[str, Any]


def page_plan(question: Question) -> Plan:
    """A page in one statement, and so of one state of the store.

    Its first row holds the mark's number and how many features match, with a blank between them. Each row behind it is
    a feature's text, and its values of the columns that are sorted by; turned round where the walk goes back.
    """
    if not question.is_filtered and question.moment is None:
        return _kept_page_plan(question)
    if not question.is_filtered and question.position is None:
        kept = _kept_past_plan(replace(question, asof=_SOME_MOMENT))
        values = {name: question.asof if value == _SOME_MOMENT else value for name, value in kept.values.items()}
        return Plan(kept.statement, values)
    bound = Values()
    return Plan(_page_statement(question, bound), bound.by_name)


@lru_cache(maxsize=256)
def _kept_page_plan(question: Question) -> Plan:
    """The plan of a page without conditions, which clients ask for all day: nothing in it is a client's own word."""
    return Plan(_page_statement(question, Constants()).as_string(), {})


@lru_cache(maxsize=256)
def _kept_past_plan(question: Question) -> Plan:
    """The same as of some moment, whose number is put in each time."""
    bound = Values()
    return Plan(_page_statement(question, bound).as_string(), bound.by_name)


def _page_statement(question: Question, bound: Values) -> sql.Composed:
    # Both parts come in this order: there are no parallel workers in a connection for reading.
    return sql.SQL(
        "WITH at AS MATERIALIZED (SELECT m.n, {matched} AS matched FROM ({mark}) AS m)"
        " SELECT at.n || ' ' || at.matched{nulls} FROM at UNION ALL ({rows})"
    ).format(
        matched=_matched(question, bound),
        mark=mark_of(question, bound),
        nulls=sql.SQL(", NULL" * len(question.sort)),
        rows=_rows(question, bound),
    )


def hits_plan(question: Question) -> Plan:
    """The mark's number, and how many features match."""
    bound = Values()
    matched, mark = _matched(question, bound), mark_of(question, bound)
    return Plan(sql.SQL("SELECT m.n, {} FROM ({}) AS m").format(matched, mark), bound.by_name)


def item_plan(question: Question, feature: str) -> Plan:
    """One feature's text, the number of its version, and the mark's number."""
    bound = Values()
    narrowed = [*conditions(question, bound), sql.SQL("t.id = {}").format(bound.bind(feature))]
    statement = sql.SQL("SELECT {}, t.seq, (SELECT m.n FROM ({}) AS m) FROM {} AS t WHERE {}").format(
        document(question), mark_of(question, bound), relation(question.layer, question.moment), _all(narrowed)
    )
    return Plan(statement, bound.by_name)


def mark_of(question: Question, bound: Values) -> sql.Composable:
    """The statement of the question's mark (columns n, count)."""
    statement, about = mark_statement([question.layer], question.visible, question.moment)
    named = {name: bound.bind(value) for name, value in about.items()}
    return sql.SQL(re.sub(r"%\((\w+)\)s", r"{\1}", statement)).format(**named)


def _matched(question: Question, bound: Values) -> sql.Composable:
    """How many features match: known from the walk, kept by the store, or else counted."""
    if question.position is not None:
        return sql.SQL("{}::bigint").format(bound.bind(question.position.matched))
    if not question.is_filtered:
        return sql.SQL("m.count") if question.moment is None else _matched_then(question, bound)
    table = relation(question.layer, question.moment)
    return sql.SQL("(SELECT count(*) FROM {} AS t WHERE {})").format(table, _all(conditions(question, bound)))


def _matched_then(question: Question, bound: Values) -> sql.Composable:
    """How many there were, less what is hidden since: kept by the store too, for counting reads every version."""
    if not question.layer.is_labelled:
        return sql.SQL("m.count")
    about = bound.bind(question.layer.id), bound.bind(question.moment)
    return sql.SQL("m.count - cop.withdrawn_since({}, {}::bigint)").format(*about)


def _rows(question: Question, bound: Values) -> sql.Composable:
    """The features of a page in the order of the walk."""
    chosen = [document(question), *(_named(question, key.column) for key in question.sort)]
    order = sort_order(question)
    narrowed = [*conditions(question, bound), *_after(question, order, bound)]
    return sql.SQL("SELECT {} FROM {} AS t WHERE {} ORDER BY {} LIMIT {} OFFSET {}").format(
        sql.SQL(", ").join(chosen),
        relation(question.layer, question.moment),
        _all(narrowed),
        sql.SQL(", ").join(_ordering(question, key) for key in order),
        bound.bind(question.limit),
        bound.bind(question.offset),
    )


def relation(layer: Layer, asof: int | None) -> sql.Identifier:
    """The layer's table, or that of its versions."""
    return sql.Identifier("layer" if asof is None else "history", layer.id)


def visibility(question: Question, bound: Values) -> list[sql.Composable]:
    """What narrows to the visible set and the moment, before anything that was asked.

    Row security guards in any case; naming the one class that is visible lets the planner know what it hides.
    """
    conditions: list[sql.Composable] = []
    classes = question.visible.classes_of(question.layer)
    if question.layer.is_labelled:
        conditions.append(sql.SQL("t.cls = ANY ({})").format(bound.bind(list(classes))) if len(classes) != 1
                          else sql.SQL("t.cls = {}").format(bound.bind(classes[0])))  # fmt: skip
    if question.moment is not None:
        n = bound.bind(question.moment)
        conditions.append(sql.SQL("t.seq <= {0} AND t.seq_to > {0}").format(n))
        if question.box is not None:
            conditions.append(sql.SQL("t.seqs @> {}::bigint").format(n))
    return conditions


def conditions(question: Question, bound: Values) -> list[sql.Composable]:
    """Everything that a feature must meet: visible set and moment, box, interval, filter. Rows are called `t`."""
    met = visibility(question, bound)
    if question.box is not None:
        region = box_region(question.box, bound)
        # The operator lets the index speak first; under row security the function alone would not.
        shape = columns.geometry(question.layer, question.profile)
        met.append(sql.SQL("{} && {}").format(shape, region))
        if not question.box.loose:
            met.append(sql.SQL("ST_Intersects({}, {})").format(shape, region))
    if question.takes_interval:
        met += _during(question, bound)
    if question.where is not None:
        compiler = Compiler(question.layer, question.profile, bound, question.filter_crs)
        met.append(compiler.condition(question.where))
    return met


def box_region(box: Box, bound: Values) -> sql.Composable:
    """A box as a geometry in EPSG:4326; one in a bent CRS has its edges cut into parts first."""
    if box.x1 > box.x2 and box.crs.srid == 4326:
        halves = [Box(box.x1, box.y1, 180.0, box.y2, box.crs), Box(-180.0, box.y1, box.x2, box.y2, box.crs)]
        return sql.SQL("ST_Collect({}, {})").format(*(box_region(half, bound) for half in halves))
    if box.crs.area is not None:
        west, south, east, north = box.crs.area
        box = replace(box, x1=max(box.x1, west), y1=max(box.y1, south), x2=min(box.x2, east), y2=min(box.y2, north))
        if box.x1 > box.x2 or box.y1 > box.y2:
            return sql.SQL("ST_GeomFromText('POLYGON EMPTY', 4326)")
    corners = [bound.bind(value) for value in (box.x1, box.y1, box.x2, box.y2)]
    envelope = sql.SQL("ST_MakeEnvelope({}::float8, {}::float8, {}::float8, {}::float8, {})").format(
        *corners, sql.Literal(box.crs.srid)
    )
    if box.crs.srid == 4326:
        return envelope
    part = max(abs(box.x2 - box.x1), abs(box.y2 - box.y1)) / _SEGMENTS or 1.0
    return sql.SQL("ST_Transform(ST_Segmentize({}, {}::float8), 4326)").format(envelope, bound.bind(part))


def _during(question: Question, bound: Values) -> list[sql.Composable]:
    column = question.layer.with_role("time")
    interval = question.interval
    assert column is not None
    assert interval is not None
    name = _named(question, column.name)
    conditions: list[sql.Composable] = []
    if interval.start is not None:
        conditions.append(sql.SQL("{} >= {}").format(name, bound.bind(interval.start)))
    if interval.end is not None:
        conditions.append(sql.SQL("{} <= {}").format(name, bound.bind(interval.end)))
    return conditions or [sql.SQL("{} IS NOT NULL").format(name)]


def sort_order(question: Question) -> list[SortKey]:
    """The keys of the walk, closed by the id so that the order is total; turned round where the walk goes back."""
    keys = [*question.sort, SortKey("id")]
    if question.position is not None and question.position.backwards:
        return [SortKey(key.column, not key.descending) for key in keys]
    return keys


def _after(question: Question, order: list[SortKey], bound: Values) -> list[sql.Composable]:
    """Features behind the position: alike in the first keys and behind it in the next, for each key in turn."""
    if question.position is None:
        return []
    if not question.sort:
        sign = sql.SQL("<" if question.position.backwards else ">")
        return [sql.SQL("t.id {} {}").format(sign, bound.bind(question.position.values[0]))]
    alike: list[sql.Composable] = []
    ways: list[sql.Composable] = []
    for key, value in zip(order, question.position.values, strict=True):
        behind = _behind(question, key, value, question.position.backwards, bound)
        if behind is not None:
            ways.append(_all([*alike, behind]))
        alike.append(sql.SQL("{} IS NOT DISTINCT FROM {}").format(_named(question, key.column), bound.bind(value)))
    return [sql.SQL("({})").format(sql.SQL(" OR ").join(ways))]


def _behind(question: Question, key: SortKey, value: object, backwards: bool, bound: Values) -> sql.Composable | None:
    """Behind a value; nulls stand last on the way forth, and so first on the way back."""
    name = _named(question, key.column)
    if value is None:
        return sql.SQL("{} IS NOT NULL").format(name) if backwards else None
    sign = sql.SQL("<" if key.descending else ">")
    behind = sql.SQL("{} {} {}").format(name, sign, bound.bind(value))
    return behind if backwards else sql.SQL("({} OR {} IS NULL)").format(behind, name)


def _ordering(question: Question, key: SortKey) -> sql.Composable:
    way = "DESC" if key.descending else "ASC"
    if key.column == "id":
        return sql.SQL("t.id {}").format(sql.SQL(way))
    backwards = question.position is not None and question.position.backwards
    nulls = "NULLS FIRST" if backwards else "NULLS LAST"
    return sql.SQL("{} {} {}").format(_named(question, key.column), sql.SQL(way), sql.SQL(nulls))


def document(question: Question) -> sql.Composable:
    """The feature's GeoJSON text: the stored one, or one made of the columns and the CRS asked for."""
    profile = question.profile
    if question.wants_stored_text:
        return sql.SQL("t.{}").format(sql.Identifier(f"doc_{profile}"))
    shown = question.layer.visible_columns(profile)
    if question.properties is not None:
        shown = tuple(column for column in shown if column.name in question.properties)
    members = [_member(question, column) for column in shown]
    if question.properties is None or "provenance" in question.properties:
        members.append(sql.SQL("t.provenance AS provenance"))
    properties: sql.Composable = sql.SQL("'{}'")
    if members:
        listed = sql.SQL(", ").join(members)
        properties = sql.SQL("(SELECT row_to_json(p)::text FROM (SELECT {}) AS p)").format(listed)
    return sql.SQL(
        """'{{"type":"Feature","id":' || to_json(t.id)::text || ',"geometry":' || {}
        || ',"properties":' || {} || '}}'"""
    ).format(_geometry_text(question), properties)


def _member(question: Question, column: Column) -> sql.Composable:
    value = _named(question, column.name)
    if column.type == "time":
        value = sql.SQL("cop.rfc3339({})").format(value)
    return sql.SQL("{} AS {}").format(value, sql.Identifier(column.name))


def _geometry_text(question: Question) -> sql.Composable:
    if question.skip_geometry:
        return sql.SQL("'null'")
    crs = question.crs
    if crs.srid in (3857, 4326):
        shape = columns.geometry(question.layer, question.profile, crs.srid)
    else:
        exact = columns.geometry(question.layer, question.profile)
        shape = sql.SQL("ST_Transform({}, {})").format(exact, sql.Literal(crs.srid))
    if crs.flipped:
        shape = sql.SQL("ST_FlipCoordinates({})").format(shape)
    return sql.SQL("coalesce(ST_AsGeoJSON({}, {}, 0), 'null')").format(shape, sql.Literal(crs.decimals))


def _named(question: Question, column: str) -> sql.Composable:
    if column == "id":
        return sql.SQL("t.id")
    return columns.value(question.layer, question.profile, column)


def _all(conditions: list[sql.Composable]) -> sql.Composable:
    return sql.SQL(" AND ").join(conditions) if conditions else sql.SQL("TRUE")
