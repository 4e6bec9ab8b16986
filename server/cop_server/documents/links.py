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


def carrying(node: Any, url: str, mode: str | None) -> Any:
    """The document with the mode that was asked for in each of our own links and tile templates."""
    if mode is None:
        return node
    if isinstance(node, list):
        return [carrying(part, url, mode) for part in node]
    if isinstance(node, dict):
        return {name: _carried(name, part, url, mode) for name, part in node.items()}
    return node


def _carried(name: str, part: Any, url: str, mode: str) -> Any:
    if name == "href" and isinstance(part, str):
        return _with_mode(part, url, mode)
    if name == "tiles" and isinstance(part, list):
        return [_with_mode(template, url, mode) for template in part]
    return carrying(part, url, mode)


def _with_mode(address: str, url: str, mode: str) -> str:
    if not address.startswith(url) or address.startswith(f"{url}/basemaps/") or "mode=" in address:
        return address
    return f"{address}{'&' if '?' in address else '?'}mode={mode}"


def self_and_page(address: str, title: str, type_: str = JSON, form: str = "json") -> list[dict[str, Any]]:
    """The links to this document and to the same as a page."""
    return [
        link(f"{address}?f={form}", "self", type_, title),
        link(f"{address}?f=html", "alternate", HTML, f"{title} as a page"),
    ]
