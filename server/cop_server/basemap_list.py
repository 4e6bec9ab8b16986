"""The list of basemaps at /basemaps: titles, owners, marks, and the addresses of every service, as JSON for clients."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cop_server.basemap_offer import Offer
from cop_tiles.basemap.folder import Manifest, built, manifest_of
from cop_tiles.styles import attribution

FINE = "_hq"
_CRS = "http://www.opengis.net/def/crs/EPSG/0/"
_WEB_MERCATOR = "EPSG:3857"
_HAN = re.compile(r"[\u3000-\u9fff\uff00-\uffef]")
_GROUND = [113.75, 22.05, 114.6, 22.65]  # where our own basemaps show most: west, south, east, north


class Listing:
    """What is said of the basemaps; `folder` is where the embedded one is built, `url` the public address."""

    def __init__(self, offer: Offer, folder: Path, url: str) -> None:
        self._offer = offer
        self._folder = folder
        self._base = f"{url}/basemaps"

    def layers(self) -> tuple[str, ...]:
        """The basemaps, each once: that of twice the pixels is a form of the plain one."""
        names = self._offer.layers
        return tuple(name for name in names if not (name.endswith(FINE) and name.removesuffix(FINE) in names))

    def document(self) -> dict[str, Any]:
        """Everything, for a program that lets its user choose."""
        manifest = self._manifest()
        return {
            "title": {"en": "Basemaps", "zh": "底圖"},
            "basemaps": [self._basemap(name, manifest) for name in self.layers()],
            "links": [
                _link(f"{self._base}", "self", "application/json", "This list"),
                _link(f"{self._base}/wmts/1.0.0/WMTSCapabilities.xml", "related", "application/xml", "WMTS"),
                _link(f"{self._base}/service?SERVICE=WMS&REQUEST=GetCapabilities", "related", "text/xml", "WMS"),
                _link(f"{self._base}/tms/1.0.0/", "related", "text/xml", "TMS"),
            ],
        }

    def tilejson(self, layer: str) -> dict[str, Any] | None:
        """TileJSON 3.0 of a basemap in Web Mercator, or None where there is no such basemap."""
        if layer not in self.layers():
            return None
        grid = next(grid for grid in self._offer.layer_grids[layer] if self._offer.grid_srs[grid] == _WEB_MERCATOR)
        return {
            "tilejson": "3.0.0",
            "name": self._offer.titles[layer],
            "attribution": self.attribution(layer),
            "tiles": [self._template(layer, grid)],
            "minzoom": 0,
            "maxzoom": len(self._offer.grids[grid]) - 1,
            "bounds": _GROUND,
        }

    def attribution(self, layer: str, manifest: Manifest | None = None) -> str:
        """What must stand beside a map with this layer."""
        if layer in self._offer.attributions:
            return self._offer.attributions[layer][0]
        manifest = manifest or self._manifest()
        return attribution(manifest) if manifest is not None else ""

    def abstracts(self) -> dict[str, str]:
        """For every layer of the capabilities: what it shows, and whose it is."""
        found = {}
        for name in self._offer.layers:
            parts = (self._offer.abstracts[name], self.attribution(name))
            found[name] = " · ".join(dict.fromkeys(part for part in parts if part))
        return found

    def _manifest(self) -> Manifest | None:
        folder = built(self._folder)
        return manifest_of(folder) if folder is not None else None

    def _basemap(self, name: str, manifest: Manifest | None) -> dict[str, Any]:
        outside = name in self._offer.attributions
        exercise = not outside and manifest is not None and manifest.exercise
        about: dict[str, Any] = {
            "id": name,
            "title": dict(zip(("en", "zh"), split(self._offer.titles[name]), strict=True)),
            "description": dict(zip(("en", "zh"), split(self._offer.abstracts[name]), strict=True)),
            "source": "outside" if outside else "embedded",
            "provenance": "exercise" if exercise else "real",
            "exercise": exercise,
            "attribution": self.attribution(name, manifest),
            "available": outside or manifest is not None,
            "tilesets": list(self._tilesets(name)),
            "tilejson": f"{self._base}/tilejson/{name}.json",
            "wms": {"url": f"{self._base}/service", "layers": name, "crs": list(self._offer.wms_srs)},
        }
        if outside and self._offer.attributions[name][1]:
            about["attributionUrl"] = self._offer.attributions[name][1]
        return about

    def _tilesets(self, layer: str) -> Iterator[dict[str, Any]]:
        for grid in self._offer.layer_grids[layer]:
            west, south, east, north = self._offer.grid_corners[grid]
            srs = self._offer.grid_srs[grid]
            yield {
                "tileMatrixSet": grid,
                "crs": _CRS + srs.removeprefix("EPSG:"),
                "tiles": [self._template(layer, grid)],
                **self._fine(layer, grid),
                "tms": f"{self._base}/tms/1.0.0/{layer}/{srs.replace(':', '')}",
                "tileSize": self._offer.tile_sides[grid],
                "minzoom": 0,
                "maxzoom": len(self._offer.grids[grid]) - 1,
                # Easting, northing; tiles are counted from the north-west corner.
                "extent": [west, south, east, north],
                "origin": [west, north],
                "resolutions": list(self._offer.grid_levels[grid]),
            }

    def _fine(self, layer: str, grid: str) -> dict[str, list[str]]:
        there = grid + FINE in self._offer.layer_grids.get(layer + FINE, ())
        return {"tiles2x": [self._template(layer, grid, "@2x")]} if there else {}

    def _template(self, layer: str, grid: str, suffix: str = "") -> str:
        ending = self._offer.tile_formats[layer]
        return f"{self._base}/wmts/{layer}/{grid}/{{z}}/{{x}}/{{y}}{suffix}.{ending}"


def split(text: str) -> tuple[str, str]:
    """English and Chinese of a text that has them in this order; one stands for both where the other is missing."""
    found = _HAN.search(text)
    if found is None:
        return text, text
    en, zh = text[: found.start()].rstrip(" ·("), text[found.start() :].strip()
    return en or zh, zh


def _link(href: str, rel: str, type_: str, title: str) -> dict[str, str]:
    return {"href": href, "rel": rel, "type": type_, "title": title}
