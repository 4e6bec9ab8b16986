"""Links, as the OGC APIs write them."""

from __future__ import annotations

from typing import Any

JSON = "application/json"
GEOJSON = "application/geo+json"
HTML = "text/html"
SCHEMA = "application/schema+json"
OGC_REL = "http://www.opengis.net/def/rel/ogc/1.0"


def link(href: str, rel: str, type_: str, title: str, **more: Any) -> dict[str, Any]:
    """One link."""
    return {"href": href, "rel": rel, "type": type_, "title": title, **more}


def self_and_page(address: str, title: str, type_: str = JSON, form: str = "json") -> list[dict[str, Any]]:
    """The links to this document and to the same as a page."""
    return [
        link(f"{address}?f={form}", "self", type_, title),
        link(f"{address}?f=html", "alternate", HTML, f"{title} as a page"),
    ]
