"""Lists of styles and what they are made of, after the draft of OGC API - Styles (OGC 20-009)."""

from __future__ import annotations

from typing import Any

from cop.catalogue.models import Bilingual
from cop_server.documents.links import JSON, OGC_REL, link
from cop_tiles.styling.document import EXERCISE, THEME_TITLES, TITLE, Shown, attribution
from cop_tiles.styling.themes import THEMES

STYLESHEET = "application/vnd.mapbox.style+json"
_SPECIFICATION = "https://maplibre.org/maplibre-style-spec/"


def styles(url: str, lang: str, exercise: bool) -> dict[str, Any]:
    """The styles of the whole picture."""
    return _listed(f"{url}/styles", TITLE, lang, exercise=exercise, legend=False)


def layer_styles(url: str, shown: Shown, lang: str) -> dict[str, Any]:
    """The styles of one collection."""
    base = f"{url}/collections/{shown.layer.id}/styles"
    return _listed(base, shown.layer.title, lang, exercise=shown.exercise, legend=True)


def style_metadata(url: str, name: str, lang: str, exercise: bool) -> dict[str, Any]:
    """What a style of the whole picture is made of."""
    return _metadata(f"{url}/styles", name, TITLE, lang, exercise)


def layer_style_metadata(url: str, shown: Shown, name: str, lang: str) -> dict[str, Any]:
    """What a collection's style is made of."""
    layer = shown.layer
    base = f"{url}/collections/{layer.id}"
    told = _metadata(f"{base}/styles", name, layer.title, lang, shown.exercise)
    schema = link(f"{base}/schema", f"{OGC_REL}/schema", "application/schema+json", "Schema")
    types = {"Point": "points", "MultiPoint": "points", "LineString": "lines", "MultiLineString": "lines",
             "Polygon": "polygons", "MultiPolygon": "polygons", "Geometry": "any"}  # fmt: skip
    drawn = {"id": layer.id, "type": types[layer.geometry or "Geometry"], "sampleData": link(
        f"{base}/items?f=json", "data", "application/geo+json", layer.title.en)}  # fmt: skip
    return told | {"layers": [drawn], "links": [*told["links"], schema],
                   "attribution": attribution(shown, lang)}  # fmt: skip


def _listed(base: str, title: Bilingual, lang: str, *, exercise: bool, legend: bool) -> dict[str, Any]:
    return {
        "default": THEMES[0],
        "links": [link(base, "self", JSON, "The styles")],
        "styles": [
            {"id": name, "title": _title(title, name, lang, exercise), "links": _links(base, name, legend=legend)}
            for name in THEMES
        ],
    }


def _metadata(base: str, name: str, title: Bilingual, lang: str, exercise: bool) -> dict[str, Any]:
    told = _title(title, name, lang, exercise)
    sheet = {"title": "MapLibre", "version": "8", "specification": _SPECIFICATION, "native": True,
             "link": link(f"{base}/{name}?f=json", "stylesheet", STYLESHEET, told)}  # fmt: skip
    return {"id": name, "title": told, "keywords": ["COP", name], "scope": "style", "stylesheets": [sheet],
            "links": [link(f"{base}/{name}/metadata", "self", JSON, told)]}  # fmt: skip


def _links(base: str, name: str, *, legend: bool) -> list[dict[str, Any]]:
    links = [
        link(f"{base}/{name}?f=json", "stylesheet", STYLESHEET, "MapLibre style"),
        link(f"{base}/{name}/metadata", "describedby", JSON, "What the style is made of"),
    ]
    if legend:
        links += [
            link(f"{base}/{name}/legend?f=png", "preview", "image/png", "Legend as a picture"),
            link(f"{base}/{name}/legend?f=json", "legend", JSON, "Legend as data"),
        ]
    return links


def _title(title: Bilingual, name: str, lang: str, exercise: bool) -> str:
    words = THEME_TITLES[name]
    told = f"{title.zh}：{words.zh}" if lang == "zh" else f"{title.en}: {words.en.lower()}"
    return f"{told} · {EXERCISE.en.capitalize()} {EXERCISE.zh}" if exercise else told
