"""The landing page and the conformance declaration as JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from cop.settings import Mode
from cop_server.documents.asyncapi import MEDIA_TYPE as ASYNCAPI
from cop_server.documents.conformance import CONFORMANCE
from cop_server.documents.links import HTML, JSON, OGC_REL, link, self_and_page

TITLE = {"en": "Common Operational Picture", "zh": "聯合運作平台"}
DESCRIPTION = {
    "en": "One picture of the city for every department, on open standards.",
    "zh": "以開放標準為各部門提供同一幅城市運作圖像。",
}
_OPENAPI = "application/vnd.oai.openapi+json;version={}"


def landing_page(url: str, lang: str, mode: Mode, now: datetime | None) -> dict[str, Any]:
    """The way in (OGC 17-069r4, 7.2; OGC 19-072, 7.1).

    `now` is the time on the exercise's clock; None where the clock on the wall counts.
    """
    clock = now.astimezone(UTC).isoformat().replace("+00:00", "Z") if now is not None else None
    return {
        "title": TITLE[lang],
        "description": DESCRIPTION[lang],
        "attribution": "Departments of the HKSAR Government; OpenStreetMap contributors",
        "cop": {"mode": mode, "now": clock, "modes": ["actual", "exercise", "test"], "languages": ["en", "zh"]},
        "links": [
            *self_and_page(f"{url}/", "This document"),
            link(f"{url}/openapi?f=json30", "service-desc", _OPENAPI.format("3.0"), "The API, OpenAPI 3.0"),
            link(f"{url}/openapi", "service-desc", _OPENAPI.format("3.1"), "The API, OpenAPI 3.1"),
            link(f"{url}/openapi?f=html", "service-doc", HTML, "The API as a page"),
            link(f"{url}/asyncapi", "service-desc", ASYNCAPI, "The stream of events, AsyncAPI 3.0"),
            link(f"{url}/conformance", "conformance", JSON, "What the server conforms to"),
            link(f"{url}/collections", "data", JSON, "The collections"),
            link(f"{url}/tileMatrixSets", f"{OGC_REL}/tiling-schemes", JSON, "The tile matrix sets"),
            link(f"{url}/tiles", f"{OGC_REL}/tilesets-vector", JSON, "Tiles of several collections at once"),
            link(f"{url}/styles", f"{OGC_REL}/styles", JSON, "Styles of the whole picture"),
            link(f"{url}/summary", "related", JSON, "Counts of the incidents"),
            link(f"{url}/processes", f"{OGC_REL}/processes", JSON, "Processes"),
            link(f"{url}/map", "alternate", HTML, "The map"),
            link(f"{url}/basemaps/wmts/1.0.0/WMTSCapabilities.xml", "related", "application/xml", "Basemaps, WMTS"),
            link(f"{url}/basemaps/service?SERVICE=WMS&REQUEST=GetCapabilities", "related", "text/xml",
                 "Basemaps, WMS"),
            link(f"{url}/basemaps", "related", JSON, "Basemaps, every address"),
            link(f"{url}/clients/qgis.qgz", "alternate", "application/x-qgis-project", "A QGIS project of everything"),
            link(f"{url}/clients/qgis.qlr", "alternate", "application/x-qgis-layer-definition",
                 "Everything as a QGIS layer definition"),
        ],
    }  # fmt: skip


def conformance() -> dict[str, Any]:
    """The conformance declaration."""
    return {"conformsTo": CONFORMANCE}
