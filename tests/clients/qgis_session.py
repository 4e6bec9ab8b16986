"""What a person does in QGIS, without a screen: open layers of the server, count, read and draw them.

Runs in Debian's own Python, which has the package qgis: `python3 qgis_session.py URL FOLDER`. Writes pictures into
FOLDER and what it saw to standard output as JSON.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import quote

from qgis.core import (
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsMapLayer,
    QgsMapRendererSequentialJob,
    QgsMapSettings,
    QgsRasterLayer,
    QgsRectangle,
    QgsVectorLayer,
    QgsVectorTileLayer,
    QgsWkbTypes,
)  # fmt: skip
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor

SIDE = 300  # pixels
LANTAU = ("EPSG:3857", (12680000, 2530000, 12700000, 2550000))
WHOLE = ("EPSG:3857", (12660000, 2520000, 12760000, 2620000))
GRID = ("EPSG:2326", (810000, 810000, 830000, 830000))  # easting, northing; QGIS keeps x, y


def draw(layer: QgsMapLayer, view: tuple[str, tuple[float, ...]], file: Path) -> dict[str, float]:
    """Draw one layer on white; how many colours there are, and which part of the picture is not white."""
    crs, box = view
    settings = QgsMapSettings()
    settings.setLayers([layer])
    settings.setDestinationCrs(QgsCoordinateReferenceSystem(crs))
    settings.setExtent(QgsRectangle(*box))
    settings.setOutputSize(QSize(SIDE, SIDE))
    settings.setBackgroundColor(QColor(255, 255, 255))
    job = QgsMapRendererSequentialJob(settings)
    job.start()
    job.waitForFinished()
    picture = job.renderedImage()
    picture.save(str(file))
    pixels = Counter(picture.pixel(x, y) & 0xFFFFFF for x in range(SIDE) for y in range(SIDE))
    return {"colours": len(pixels), "drawn": 1 - pixels[0xFFFFFF] / SIDE**2}


def features(url: str, name: str, folder: Path, view: tuple[str, tuple[float, ...]]) -> dict[str, Any]:
    """A collection as an OGC API Features layer: what it is, what it holds, how it looks."""
    layer = QgsVectorLayer(f"url='{url}' typename='{name}' pagingEnabled='true'", name, "OAPIF")
    if not layer.isValid():
        return {"valid": False}
    read = list(layer.getFeatures())
    return {
        "valid": True,
        "crs": layer.crs().authid(),
        "counted": layer.featureCount(),
        "read": len({feature["id"] for feature in read}),
        "geometry": QgsWkbTypes.displayString(layer.wkbType()),
        "with_geometry": sum(feature.hasGeometry() for feature in read),
        "fields": layer.fields().names(),
        "first": {name: str(read[0][name]) for name in layer.fields().names()},
        "first_place": read[0].geometry().centroid().asPoint().toString(5),
        "picture": draw(layer, view, folder / f"{name}.png"),
    }


def rasters(url: str, folder: Path) -> dict[str, Any]:
    """The basemap as WMTS and WMS in the Hong Kong grid, and as XYZ."""
    capabilities = f"{url}/basemaps/service?SERVICE=WMTS&REQUEST=GetCapabilities"
    sources = {
        "wmts": (GRID, "crs=EPSG:2326&format=image/png&layers=light&styles=default&tileMatrixSet=hk80"
                       f"&url={quote(capabilities, safe=':/')}"),
        "wms": (GRID, f"crs=EPSG:2326&format=image/png&layers=light&styles=&url={url}/basemaps/service"),
        "xyz": (WHOLE, f"type=xyz&zmin=0&zmax=18&url={quote(url + '/basemaps/wmts/light/wm/{z}/{x}/{y}.png')}"),
    }  # fmt: skip
    told = {}
    for name, (view, source) in sources.items():
        layer = QgsRasterLayer(source, name, "wms")
        told[name] = {"valid": layer.isValid()}
        if layer.isValid():
            told[name] |= {"crs": layer.crs().authid(), "picture": draw(layer, view, folder / f"{name}.png")}
    return told


def vector_tiles(url: str, name: str, folder: Path) -> dict[str, Any]:
    """A collection's vector tiles."""
    template = f"{url}/collections/{name}/tiles/WebMercatorQuad/{{z}}/{{y}}/{{x}}"
    layer = QgsVectorTileLayer(f"type=xyz&zmin=0&zmax=16&url={quote(template, safe=':/{}')}", name)
    if not layer.isValid():
        return {"valid": False}
    return {"valid": True, "picture": draw(layer, WHOLE, folder / f"tiles_{name}.png")}


def main() -> None:
    """The whole session."""
    url, folder = sys.argv[1].rstrip("/"), Path(sys.argv[2])
    # QGIS keeps capabilities and pictures of earlier runs beside its settings.
    app = QgsApplication([], False, str(folder / "profile"))
    app.initQgis()
    seen = {
        "features": {
            "districts": features(url, "districts", folder, WHOLE),
            "incidents": features(url, "incidents", folder, WHOLE),
            "roads_b50k": features(url, "roads_b50k", folder, LANTAU),
        },
        "tiles": {name: vector_tiles(url, name, folder) for name in ("districts", "incidents")},
        "basemap": rasters(url, folder),
    }
    print(json.dumps(seen), flush=True)
    # Qt takes its parts down in an order that Python 3.11 does not survive; everything is written.
    os._exit(0)


main()
