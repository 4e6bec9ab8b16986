"""A layer's columns in QGIS: names in both languages, codes as words, times in the form of the platform."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from xml.etree.ElementTree import Element

from cop.catalogue import Catalogue
from cop.catalogue.models import Bilingual, Column, Layer
from cop_server.clients.elements import node, option_list, options
from cop_server.clients.words import BOOLEANS, NUMBER, ORIGINS, PROVENANCE, Tongue, told

_TIME: Final = {"display_format": "yyyy-MM-dd HH:mm", "field_format": "yyyy-MM-dd HH:mm:ss"}
_DATE: Final = {"display_format": "yyyy-MM-dd", "field_format": "yyyy-MM-dd"}


def fields(parent: Element, layer: Layer, catalogue: Catalogue, tongue: Tongue, profile: str) -> None:
    """The widgets and aliases of the columns that a release profile shows, of the id and of the provenance."""
    columns = layer.visible_columns(profile)
    widgets = node(parent, "fieldConfiguration")
    for column in columns:
        _widget(widgets, column, catalogue, tongue)
    _value_map(_config(widgets, "provenance", "ValueMap"), ORIGINS, tongue)
    aliases = node(parent, "aliases")
    titles = {"id": NUMBER, **{column.name: column.title for column in columns}, "provenance": PROVENANCE}
    units = {column.name: column.unit for column in columns if column.unit}
    for nth, (name, title) in enumerate(titles.items()):
        unit = f" ({units[name]})" if name in units else ""
        node(aliases, "alias", field=name, name=told(title, tongue) + unit, index=nth)
    title_column = (
        layer.with_role("title") if tongue == "en" else layer.with_role("title_zh") or layer.with_role("title")
    )
    node(parent, "previewExpression", f'"{title_column.name}"' if title_column in columns and title_column else '"id"')


def _config(widgets: Element, name: str, kind: str) -> Element:
    field = node(widgets, "field", name=name, configurationFlags="None")
    return node(node(field, "editWidget", type=kind), "config")


def _widget(widgets: Element, column: Column, catalogue: Catalogue, tongue: Tongue) -> None:
    if column.type == "code":
        codes = column.codes if column.codes is not None else catalogue.codes[str(column.codes_from)]
        _value_map(_config(widgets, column.name, "ValueMap"), codes, tongue)
    elif column.type == "boolean":
        _value_map(_config(widgets, column.name, "ValueMap"), BOOLEANS, tongue)
    elif column.type in ("time", "date"):
        form = _TIME if column.type == "time" else _DATE
        options(_config(widgets, column.name, "DateTime"), {**form, "calendar_popup": True, "allow_null": True})


def _value_map(config: Element, codes: Mapping[str, Bilingual], tongue: Tongue) -> None:
    whole = node(config, "Option", type="Map")
    # Two codes of one name would be one entry, and the second code would show bare.
    names: dict[str, str] = {}
    for code, text in codes.items():
        name = told(text, tongue)
        names[f"{name} ({code})" if name in names else name] = code
    option_list(whole, "map", names)
