"""From a filter's AST to parameterised SQL: only queryables are named, every value is a parameter."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from psycopg import sql
from pygeofilter import ast, values

from cop.catalogue import Column, Layer
from cop.crs import CRS84, Crs
from cop.errors import Refused
from cop.query import columns
from cop.query.bind import Values
from cop.query.cql import IntegerDivision, Modulo, Power, TimeIntersects
from cop.query.values import literal

GEOMETRY = "geometry"
_COMPARISONS: dict[type[ast.Node], str] = {
    ast.Equal: "=", ast.NotEqual: "<>", ast.LessThan: "<", ast.LessEqual: "<=",
    ast.GreaterThan: ">", ast.GreaterEqual: ">=",
}  # fmt: skip
_ARITHMETIC: dict[type[ast.Node], str] = {
    ast.Add: "({} + {})", ast.Sub: "({} - {})", ast.Mul: "({} * {})", ast.Div: "({} / nullif({}, 0))",
    IntegerDivision: "trunc({} / nullif({}, 0))", Modulo: "mod({}::numeric, nullif({}, 0)::numeric)::double precision",
    Power: "power({}, {})",
}  # fmt: skip
_SPATIAL: dict[type[ast.Node], str] = {
    ast.GeometryIntersects: "ST_Intersects", ast.GeometryContains: "ST_Contains", ast.GeometryWithin: "ST_Within",
    ast.GeometryTouches: "ST_Touches", ast.GeometryCrosses: "ST_Crosses", ast.GeometryOverlaps: "ST_Overlaps",
    ast.GeometryEquals: "ST_Equals", ast.GeometryDisjoint: "ST_Disjoint",
}  # fmt: skip
_ARRAYS: dict[type[ast.Node], str] = {
    ast.ArrayEquals: "=", ast.ArrayContains: "@>", ast.ArrayContainedBy: "<@", ast.ArrayOverlaps: "&&",
}  # fmt: skip
_FOLDS = {"casei": "lower", "lower": "lower", "accenti": "normalize"}


def queryables(layer: Layer, profile: str) -> dict[str, Column]:
    """The columns that a filter of this profile may name."""
    return {column.name: column for column in layer.visible_columns(profile) if column.queryable}


class Compiler:
    """Turns one filter of one layer and profile into SQL over the row `t`."""

    def __init__(self, layer: Layer, profile: str, bound: Values, crs: Crs = CRS84) -> None:
        self._layer = layer
        self._profile = profile
        self._columns = queryables(layer, profile)
        self._bound = bound
        self._crs = crs

    def condition(self, node: Any) -> sql.Composable:
        """The condition of a node that is one.

        Raises Refused naming `filter`, what it does not know, and what there is.
        """
        match node:
            case ast.And() | ast.Or():
                word = " AND " if isinstance(node, ast.And) else " OR "
                return sql.SQL("({})").format(sql.SQL(word).join([self.condition(node.lhs), self.condition(node.rhs)]))
            case ast.Not():
                return sql.SQL("(NOT {})").format(self.condition(node.sub_node))
            case ast.Comparison():
                return self._comparison(node)
            case ast.Between():
                return self._between(node)
            case ast.In():
                return self._membership(node)
            case ast.IsNull():
                return self._null(node)
            case ast.Like():
                return self._like(node)
            case ast.BBox() | ast.SpatialComparisonPredicate():
                return self._spatial(node)
            case ast.TemporalPredicate():
                return self._temporal(node)
            case ast.ArrayPredicate():
                return self._array(node)
            case ast.Attribute():
                return self._comparison(ast.Equal(node, True))
            case bool():
                return sql.SQL("TRUE" if node else "FALSE")
            case _:
                raise _refused(f"{type(node).__name__} is not a condition that is supported here")

    def _column(self, node: ast.Attribute) -> Column:
        column = self._columns.get(node.name)
        if column is None:
            raise _refused(f"{node.name!r} is not a queryable of {self._layer.id}; there are "
                           f"{', '.join([GEOMETRY, *self._columns])}")  # fmt: skip
        return column

    def _shape(self) -> sql.Composable:
        return columns.geometry(self._layer, self._profile)

    def _name(self, column: Column) -> sql.Composable:
        return columns.value(self._layer, self._profile, column.name)

    def _comparison(self, node: ast.Comparison) -> sql.Composable:
        left, right = self._pair(node.lhs, node.rhs)
        return sql.SQL("({} {} {})").format(left, sql.SQL(_COMPARISONS[type(node)]), right)

    def _pair(self, lhs: Any, rhs: Any) -> tuple[sql.Composable, sql.Composable]:
        column = self._column_inside(lhs) or self._column_inside(rhs)
        return self._scalar(lhs, column), self._scalar(rhs, column)

    def _column_inside(self, node: Any) -> Column | None:
        if isinstance(node, ast.Attribute):
            return self._column(node)
        if isinstance(node, ast.Function) and node.arguments:
            return self._column_inside(node.arguments[0])
        if isinstance(node, ast.Arithmetic):
            return self._column_inside(node.lhs) or self._column_inside(node.rhs)
        return None

    def _scalar(self, node: Any, column: Column | None) -> sql.Composable:
        """A value beside a column: what the column is decides how a literal is read, and what may stand beside it."""
        own = self._column_inside(node)
        if isinstance(node, ast.Arithmetic) and column is not None and _family(column) != "number":
            raise _refused(f"{column.name} is not a number")
        if own is not None and column is not None and _family(own) != _family(column):
            raise _refused(f"{own.name} and {column.name} are of different types")
        match node:
            case ast.Attribute():
                return self._name(self._column(node))
            case ast.Function() if node.name.lower() in _FOLDS and len(node.arguments) == 1:
                return self._folded(node, column)
            case ast.Arithmetic():
                return self._arithmetic(node)
            case ast.Node() | list() | values.Geometry() | values.Interval():
                raise _refused(f"{_word(node)} cannot be compared here")
        if column is None or node is None:
            raise _refused("a comparison needs a queryable and a value")
        if column.type == "text[]":
            raise _refused(f"{column.name} is a list; use A_CONTAINS({column.name}, ('…'))")
        return self._literal(column, node)

    def _literal(self, column: Column, value: object) -> sql.Composable:
        found = literal(column, value, "filter")
        casts = {"integer": "double precision", "number": "double precision", "boolean": "boolean",
                 "time": "timestamptz", "date": "date"}  # fmt: skip
        if isinstance(found, datetime) and found.tzinfo is None:
            found = found.replace(tzinfo=UTC)
        if isinstance(found, float) and column.type == "integer" and found.is_integer():
            found = int(found)
        if isinstance(found, int) and not isinstance(found, bool):
            return sql.SQL("{}::bigint").format(self._bound.bind(found))
        return sql.SQL("{}::{}").format(self._bound.bind(found), sql.SQL(casts.get(column.type, "text")))

    def _folded(self, node: ast.Function, column: Column | None) -> sql.Composable:
        if column is None or column.type not in ("text", "code"):
            raise _refused(f"{node.name.upper()} takes a text")
        inner = self._scalar(node.arguments[0], column)
        if node.name.lower() == "accenti":
            # NFD, then without the combining marks: é is e; Chinese stays as it is.
            return sql.SQL("regexp_replace(normalize({}, NFD), '[\u0300-\u036f]', '', 'g')").format(inner)
        return sql.SQL("lower({})").format(inner)

    def _arithmetic(self, node: ast.Arithmetic) -> sql.Composable:
        left, right = (self._number(part) for part in (node.lhs, node.rhs))
        return sql.SQL(_ARITHMETIC[type(node)]).format(left, right)

    def _number(self, node: Any) -> sql.Composable:
        if isinstance(node, ast.Arithmetic):
            return self._arithmetic(node)
        if isinstance(node, ast.Attribute):
            column = self._column(node)
            if column.type not in ("integer", "number"):
                raise _refused(f"{column.name} is not a number")
            return sql.SQL("{}::double precision").format(self._name(column))
        if isinstance(node, (int, float)) and not isinstance(node, bool) and abs(node) < 1e300:
            return sql.SQL("{}::double precision").format(self._bound.bind(float(node)))
        raise _refused("arithmetic takes numbers")

    def _between(self, node: ast.Between) -> sql.Composable:
        column = self._column_inside(node.lhs)
        parts = [self._scalar(part, column) for part in (node.lhs, node.low, node.high)]
        return _negated(sql.SQL("({} BETWEEN {} AND {})").format(*parts), node.not_)

    def _membership(self, node: ast.In) -> sql.Composable:
        column = self._column_inside(node.lhs)
        inside = sql.SQL(", ").join([self._scalar(part, column) for part in node.sub_nodes])
        return _negated(sql.SQL("({} IN ({}))").format(self._scalar(node.lhs, column), inside), node.not_)

    def _null(self, node: ast.IsNull) -> sql.Composable:
        if isinstance(node.lhs, ast.Attribute) and node.lhs.name == GEOMETRY:
            return _negated(sql.SQL("({} IS NULL)").format(self._shape()), node.not_)
        if not isinstance(node.lhs, ast.Attribute):
            raise _refused("IS NULL takes a queryable")
        return _negated(sql.SQL("({} IS NULL)").format(self._name(self._column(node.lhs))), node.not_)

    def _like(self, node: ast.Like) -> sql.Composable:
        column = self._column_inside(node.lhs)
        if column is None or column.type not in ("text", "code"):
            raise _refused("LIKE takes a queryable that is a text, and a pattern like '%road%'")
        pattern = self._pattern(node, column)
        word = "ILIKE" if node.nocase else "LIKE"
        return _negated(sql.SQL("({} {} {})").format(self._scalar(node.lhs, column), sql.SQL(word), pattern), node.not_)

    def _pattern(self, node: ast.Like, column: Column) -> sql.Composable:
        if isinstance(node.pattern, ast.Function):
            return self._folded(node.pattern, column)
        if not isinstance(node.pattern, str):
            raise _refused("LIKE takes a pattern like '%road%'")
        return self._bound.bind(_postgres_pattern(node))

    def _geometry(self, node: Any) -> sql.Composable:
        if isinstance(node, ast.Attribute):
            if node.name not in (GEOMETRY, "geom"):
                raise _refused(f"{node.name!r} is not a geometry; the geometry is called {GEOMETRY}")
            return self._shape()
        if isinstance(node, values.Envelope):
            node = values.Geometry(node.geometry)
        if not isinstance(node, values.Geometry):
            raise _refused(f"{_word(node)} is not a geometry")
        return geometry_literal(node.geometry, self._crs, self._bound)

    def _spatial(self, node: ast.BBox | ast.SpatialComparisonPredicate) -> sql.Composable:
        if isinstance(node, ast.BBox):
            corners = [
                [node.minx, node.miny],
                [node.maxx, node.miny],
                [node.maxx, node.maxy],
                [node.minx, node.maxy],
            ]
            ring = values.Geometry({"type": "Polygon", "coordinates": [[*corners, corners[0]]]})
            node = ast.GeometryIntersects(node.lhs, ring)
        left, right = self._geometry(node.lhs), self._geometry(node.rhs)
        test = sql.SQL("{}({}, {})").format(sql.SQL(_SPATIAL[type(node)]), left, right)
        if isinstance(node, ast.GeometryDisjoint):
            return sql.SQL("({})").format(test)
        # The operator lets the index speak first; under row security the function alone would not.
        return sql.SQL("({} && {} AND {})").format(left, right, test)

    def _temporal(self, node: ast.TemporalPredicate) -> sql.Composable:
        left, right = (self._period(part) for part in (node.lhs, node.rhs))
        rule = _TEMPORAL.get(type(node))
        if rule is None:
            raise _refused(f"{type(node).__name__} is not supported here")
        return sql.SQL(rule).format(a=left[0], b=left[1], c=right[0], d=right[1])

    def _period(self, node: Any) -> tuple[sql.Composable, sql.Composable]:
        if isinstance(node, values.Interval):
            return (self._instant(node.start, "-infinity")[0], self._instant(node.end, "infinity")[1])
        return self._instant(node, None)

    def _instant(self, node: Any, open_end: str | None) -> tuple[sql.Composable, sql.Composable]:
        """The first and last instant of a time; a day has both."""
        if node is None and open_end is not None:
            end = sql.SQL("{}::timestamptz").format(self._bound.bind(open_end))
            return end, end
        if isinstance(node, ast.Attribute):
            column = self._column(node)
            if column.type not in ("time", "date"):
                raise _refused(f"{column.name} is not a time")
            name = sql.SQL("{}::timestamptz").format(self._name(column))
            return name, name
        if isinstance(node, datetime):
            bound = sql.SQL("{}::timestamptz").format(self._bound.bind(node))
            return bound, bound
        if isinstance(node, date):
            first = datetime(node.year, node.month, node.day, tzinfo=UTC)
            start = sql.SQL("{}::timestamptz").format(self._bound.bind(first))
            return start, sql.SQL("({} + interval '1 day' - interval '1 microsecond')").format(start)
        raise _refused(f"{_word(node)} is not a time; write TIMESTAMP('2025-09-23T03:00:00Z')")

    def _array(self, node: ast.ArrayPredicate) -> sql.Composable:
        left, right = (self._list(part) for part in (node.lhs, node.rhs))
        return sql.SQL("({} {} {})").format(left, sql.SQL(_ARRAYS[type(node)]), right)

    def _list(self, node: Any) -> sql.Composable:
        if isinstance(node, ast.Attribute):
            column = self._column(node)
            if column.type != "text[]":
                raise _refused(f"{column.name} is not a list")
            return self._name(column)
        if isinstance(node, list) and all(isinstance(part, str) for part in node):
            return sql.SQL("{}::text[]").format(self._bound.bind(node))
        raise _refused("a list holds texts, as in ('HyD', 'DSD')")


# Allen's relations over [a, b] and [c, d] (CQL2, 7.7).
_TEMPORAL: dict[type[ast.Node], str] = {
    ast.TimeAfter: "({a} > {d})",
    ast.TimeBefore: "({b} < {c})",
    ast.TimeContains: "({a} < {c} AND {b} > {d})",
    ast.TimeDisjoint: "({b} < {c} OR {a} > {d})",
    ast.TimeDuring: "({a} > {c} AND {b} < {d})",
    ast.TimeEquals: "({a} = {c} AND {b} = {d})",
    ast.TimeEndedBy: "({a} < {c} AND {b} = {d})",
    ast.TimeEnds: "({a} > {c} AND {b} = {d})",
    TimeIntersects: "({a} <= {d} AND {b} >= {c})",
    ast.TimeMeets: "({b} = {c})",
    ast.TimeMetBy: "({a} = {d})",
    ast.TimeOverlappedBy: "({a} > {c} AND {a} < {d} AND {b} > {d})",
    ast.TimeOverlaps: "({a} < {c} AND {b} > {c} AND {b} < {d})",
    ast.TimeBegunBy: "({a} = {c} AND {b} > {d})",
    ast.TimeBegins: "({a} = {c} AND {b} < {d})",
}


def geometry_literal(geojson: dict[str, Any], crs: Crs, bound: Values) -> sql.Composable:
    """A GeoJSON geometry whose coordinates are in a CRS's own axis order, as a geometry of the store."""
    made: sql.Composable = sql.SQL("ST_SetSRID(ST_GeomFromGeoJSON({}), {})").format(
        bound.bind(json.dumps({k: v for k, v in geojson.items() if k != "crs"})), sql.Literal(crs.srid)
    )
    if crs.flipped:
        made = sql.SQL("ST_FlipCoordinates({})").format(made)
    return made if crs.srid == 4326 else sql.SQL("ST_Transform({}, 4326)").format(made)


def _family(column: Column) -> str:
    return {"code": "text", "integer": "number"}.get(column.type, column.type)


def _negated(condition: sql.Composable, not_: bool) -> sql.Composable:
    return sql.SQL("(NOT {})").format(condition) if not_ else condition


def _postgres_pattern(node: ast.Like) -> str:
    swap: Callable[[str], str] = {node.wildcard: "%", node.singlechar: "_"}.get  # type: ignore[assignment]
    out, escaped = [], False
    for letter in str(node.pattern):
        if escaped:
            out.append("\\" + letter if letter in "%_\\" else letter)
            escaped = False
        elif letter == node.escapechar:
            escaped = True
        else:
            out.append(swap(letter) or ("\\" + letter if letter in "%_\\" else letter))
    return "".join(out) + ("\\\\" if escaped else "")


def _word(node: object) -> str:
    return node.name if isinstance(node, (ast.Attribute, ast.Function)) else type(node).__name__.lower()


def _refused(why: str) -> Refused:
    return Refused(f"filter: {why}", "filter", "category = 'flood' AND major = true")
