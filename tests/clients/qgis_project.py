"""What an analyst does with the project file, without a screen: open it, look at the tree, draw every layer.

Runs in Debian's own Python: `python3 qgis_project.py PROJECT FOLDER PLAN`. PLAN is JSON: `layers`, collections each with
boxes (easting, northing, easting, northing in EPSG:2326) that are tried until something is drawn; `views`, pictures of
what is on, with their boxes; `values`, collections with a column whose different values are told; `definitions`, files
of layer definitions. Writes pictures into FOLDER and what it saw to
standard output as JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsApplication,
    QgsExpressionContextUtils,
    QgsLayerDefinition,
    QgsLayerTreeGroup,
    QgsMapLayer,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsProject,
    QgsRectangle,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor

SIDE = 160  # pixels
WHITE = 0xFFFFFF


def draw(layers: list[QgsMapLayer], box: list[float], size: tuple[int, int], file: Path) -> int:
    """Draw layers on white; the number of pixels that are not."""
    project = QgsProject.instance()
    settings = QgsMapSettings()
    settings.setLayers(layers)
    settings.setDestinationCrs(project.crs())
    settings.setTransformContext(project.transformContext())
    settings.setExtent(QgsRectangle(*box))
    settings.setOutputSize(QSize(*size))
    settings.setBackgroundColor(QColor(255, 255, 255))
    context = settings.expressionContext()
    context.appendScope(QgsExpressionContextUtils.mapSettingsScope(settings))
    settings.setExpressionContext(context)
    job = QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    picture = job.renderedImage()
    picture.save(str(file))
    return sum(
        picture.pixel(x, y) & WHITE != WHITE for x in range(picture.width()) for y in range(picture.height())
    )  # fmt: skip


def tree(group: QgsLayerTreeGroup) -> list[Any]:
    """The layer tree: groups as [name, members], layers as ids."""
    return [
        [child.name(), tree(child)] if isinstance(child, QgsLayerTreeGroup) else child.layerId()
        for child in group.children()
    ]


def told(layer: QgsMapLayer) -> dict[str, Any]:
    """What a layer is."""
    seen = {
        "name": layer.name(), "valid": layer.isValid(), "error": layer.error().message(),
        "provider": layer.dataProvider().name() if layer.dataProvider() else None,
        "abstract": layer.metadata().abstract(), "rights": layer.metadata().rights(), "crs": layer.crs().authid(),
    }  # fmt: skip
    if isinstance(layer, QgsVectorLayer):
        seen["subset"] = layer.subsetString()
        fields = layer.fields()
        seen["aliases"] = {field.name(): field.alias() for field in fields}
        seen["widgets"] = {field.name(): field.editorWidgetSetup().type() for field in fields}
        seen["legend"] = [item.label() for item in layer.renderer().legendSymbolItems()] if layer.renderer() else []
    return seen


def values(layer: QgsVectorLayer | None, column: str) -> list[Any]:
    """The different values of a column in the features that the layer gives."""
    return sorted({feature[column] for feature in layer.getFeatures()}) if layer is not None else []


def defined(path: str) -> dict[str, bool]:
    """A layer definition, opened in a project of its own: its layers by name, and whether each is valid."""
    project = QgsProject()
    opened, trouble = QgsLayerDefinition.loadLayerDefinition(path, project, project.layerTreeRoot())
    assert opened, trouble
    return {layer.name(): layer.isValid() for layer in project.mapLayers().values()}


def main() -> None:
    """The whole session."""
    file, folder, plan = sys.argv[1], Path(sys.argv[2]), json.loads(Path(sys.argv[3]).read_text(encoding="utf-8"))
    app = QgsApplication([], False, str(folder / "profile"))
    app.initQgis()
    project, began = QgsProject.instance(), time.monotonic()
    opened = project.read(file)
    seconds = time.monotonic() - began
    layers = project.mapLayers()
    drawn: dict[str, int] = {}
    for name, boxes in plan["layers"].items():
        for box in boxes:
            one = layers.get(f"cop_layer_{name}")
            drawn[name] = draw([one], box, (SIDE, SIDE), folder / f"{name}.png") if one is not None else 0
            if drawn[name]:
                break
    root = project.layerTreeRoot()
    shown = [layer for layer in root.layerOrder() if root.findLayer(layer.id()).isVisible()]
    for name, box in plan.get("views", {}).items():
        draw(shown, box, (1280, 1000), folder / f"{name}.png")
    found = {name: values(layers.get(f"cop_layer_{name}"), column) for name, column in plan.get("values", {}).items()}
    definitions = {name: defined(path) for name, path in plan.get("definitions", {}).items()}
    extent = project.viewSettings().defaultViewExtent()
    print(json.dumps({
        "opened": opened, "seconds": seconds, "title": project.title(), "crs": project.crs().authid(),
        "tree": tree(root), "shown": [layer.id() for layer in shown], "drawn": drawn,
        "values": found,
        "definitions": definitions,
        "layers": {name: told(layer) for name, layer in layers.items()},
        "extent": [extent.xMinimum(), extent.yMinimum(), extent.xMaximum(), extent.yMaximum()],
    }), flush=True)  # fmt: skip
    os._exit(0)


main()
