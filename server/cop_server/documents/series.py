"""A series as CoverageJSON: a domain of one point and its times, a range for each parameter (OGC 21-069r2)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from cop.catalogue import Column
from cop.query.series import Series, SeriesAsked

MEDIA_TYPE = "application/prs.coverage+json"
_CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
_DATA_TYPES = {"integer": "float", "number": "float"}  # means of whole numbers are none


def series_document(asked: SeriesAsked, found: Series, place: tuple[float, float] | None) -> dict[str, Any]:
    """The coverage of one sensor; `place` is its longitude and latitude (CRS84) where they are known."""
    axes: dict[str, Any] = {"t": {"values": [_told(at) for at in found.times]}}
    referencing = [{"coordinates": ["t"], "system": {"type": "TemporalRS", "calendar": "Gregorian"}}]
    if place is not None:
        axes |= {"x": {"values": [place[0]]}, "y": {"values": [place[1]]}}
        referencing.append({"coordinates": ["x", "y"], "system": {"type": "GeographicCRS", "id": _CRS84}})
    return {
        "type": "Coverage",
        "id": asked.sensor,
        "domain": {"type": "Domain", "domainType": "PointSeries", "axes": axes, "referencing": referencing},
        "parameters": {column.name: parameter(column) for column in asked.columns},
        "ranges": {column.name: _range(column, found) for column in asked.columns},
    }


def parameter(column: Column) -> dict[str, Any]:
    """What a column measures, in both languages."""
    label = {"en": column.title.en, "zh-Hant": column.title.zh}
    told: dict[str, Any] = {"type": "Parameter", "observedProperty": {"label": label}}
    return {**told, "unit": {"symbol": column.unit}} if column.unit else told


def _range(column: Column, found: Series) -> dict[str, Any]:
    values = found.values[column.name]
    return {
        "type": "NdArray",
        "dataType": _DATA_TYPES[column.type],
        "axisNames": ["t"],
        "shape": [len(values)],
        "values": values,
    }


def _told(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
