"""What is rendered from the catalogue and committed: pygeoapi-config.yml, openapi/openapi.json and asyncapi.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from cop.catalogue import Catalogue, Layer
from cop.crs import CRS84, SUPPORTED
from cop_server.documents.asyncapi import asyncapi
from cop_server.documents.collections import LICENCES
from cop_server.documents.openapi import openapi
from cop_tiles.mvt import MEDIA_TYPE

HONG_KONG = [113.8, 22.1, 114.5, 22.6]
_HEADER = "# Rendered from layers/ by `cop render`; do not edit. `cop render --check` compares.\n"


def render(catalogue: Catalogue) -> dict[str, str]:
    """The rendered files by their paths from the clone's root."""
    config = yaml.safe_dump(pygeoapi_config(catalogue), allow_unicode=True, sort_keys=False, width=120)
    document = json.dumps(openapi(catalogue), ensure_ascii=False, indent=1)
    events = json.dumps(asyncapi(catalogue), ensure_ascii=False, indent=1)
    return {"pygeoapi-config.yml": _HEADER + config, "openapi/openapi.json": document + "\n",
            "openapi/asyncapi.json": events + "\n"}  # fmt: skip


def outdated(catalogue: Catalogue, root: Path) -> list[str]:
    """The rendered files that differ from what the catalogue says now."""
    return [
        name
        for name, text in render(catalogue).items()
        if not (root / name).is_file() or (root / name).read_text(encoding="utf-8") != text
    ]


def write(catalogue: Catalogue, root: Path) -> list[str]:
    """Write the rendered files that differ; their names."""
    names = outdated(catalogue, root)
    for name, text in render(catalogue).items():
        if name in names:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, encoding="utf-8")
    return names


def pygeoapi_config(catalogue: Catalogue) -> dict[str, Any]:
    """The whole configuration of pygeoapi; addresses and paths come from the environment when it starts."""
    return {
        "server": {
            "bind": {"host": "127.0.0.1", "port": 8000},
            "url": "${COP_URL:-http://127.0.0.1:8000}",
            "mimetype": "application/json; charset=UTF-8",
            "encoding": "utf-8",
            "gzip": False,
            "languages": ["en-US", "zh"],
            "pretty_print": False,
            "admin": False,
            "limits": {"default_items": 10, "max_items": 10000, "on_exceed": "throttle"},
            "map": {"url": "${COP_URL:-http://127.0.0.1:8000}/basemaps/wmts/light/wm/{z}/{x}/{y}.png",
                    "attribution": "Lands Department; OpenStreetMap contributors"},
            "templates": {"path": "${COP_TEMPLATES:-server/cop_server/templates}",
                          "static": "${COP_STATIC:-server/cop_server/static}"},
        },
        "logging": {"level": "ERROR"},
        "metadata": _metadata(),
        "resources": {layer.id: _resource(layer) for layer in catalogue.layers.values()},
    }  # fmt: skip


def _both(en: str, zh: str) -> dict[str, str]:
    return {"en": en, "zh": zh}


def _metadata() -> dict[str, Any]:
    return {
        "identification": {
            "title": _both("Common Operational Picture", "聯合運作平台"),
            "description": _both(
                "One picture of the city for every department, on open standards.",
                "以開放標準為各部門提供同一幅城市運作圖像。",
            ),
            "keywords": {"en": ["common operational picture", "incidents", "Hong Kong"],
                         "zh": ["聯合運作平台", "事故", "香港"]},
            "keywords_type": "theme",
            "terms_of_service": "https://data.gov.hk/en/terms-and-conditions",
            "url": "${COP_URL:-http://127.0.0.1:8000}",
        },
        "license": {"name": "DATA.GOV.HK Terms and Conditions of Use; layers name their own",
                    "url": "https://data.gov.hk/en/terms-and-conditions"},
        "provider": {"name": "Common Operational Picture", "url": "${COP_URL:-http://127.0.0.1:8000}"},
        "contact": {"name": "Common Operational Picture", "position": "Operations",
                    "url": "${COP_URL:-http://127.0.0.1:8000}"},
    }  # fmt: skip


def _resource(layer: Layer) -> dict[str, Any]:
    licence = LICENCES[layer.source.licence]
    return {
        "type": "collection",
        "title": _both(layer.title.en, layer.title.zh),
        "description": _both(layer.description.en, layer.description.zh),
        "keywords": {"en": [layer.group, layer.department], "zh": [layer.group, layer.department]},
        "links": [{"type": "text/html", "rel": "license", "title": licence[0], "href": licence[1]}],
        "extents": {"spatial": {"bbox": HONG_KONG, "crs": CRS84.uri}},
        "providers": _providers(layer),
    }


def _providers(layer: Layer) -> list[dict[str, Any]]:
    if not layer.is_feature_layer:
        return [
            {"type": "coverage", "name": "cop_providers.coverage.CoverageProvider", "data": layer.id,
             "format": {"name": "GTiff", "mimetype": "image/tiff; application=geotiff; profile=cloud-optimized"}}
        ]  # fmt: skip
    feature: dict[str, Any] = {
        "type": "feature",
        "name": "cop_providers.features.FeatureProvider",
        "data": layer.id,
        "id_field": "id",
        "crs": [crs.uri for crs in SUPPORTED],
        "storage_crs": CRS84.uri,
    }
    title, time = layer.with_role("title"), layer.with_role("time")
    if title is not None:
        feature["title_field"] = title.name
    if time is not None:
        feature["time_field"] = time.name
    tile = {
        "type": "tile",
        "name": "cop_providers.tiles.TileProvider",
        "data": layer.id,
        "options": {"zoom": {"min": layer.tile.minzoom, "max": layer.tile.maxzoom}},
        "format": {"name": "pbf", "mimetype": MEDIA_TYPE},
    }
    return [feature, tile]
