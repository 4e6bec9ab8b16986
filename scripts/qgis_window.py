"""Take a picture of the QGIS project as an analyst sees it: QGIS's own layer tree and map, without a screen.

Runs in Debian's own Python: `python3 scripts/qgis_window.py PROJECT PICTURE`; scripts/pictures.py calls it.
"""

from __future__ import annotations

import os
import sys
import tempfile

from qgis.core import QgsApplication, QgsLayerTreeModel, QgsProject
from qgis.gui import QgsLayerTreeMapCanvasBridge, QgsLayerTreeView, QgsMapCanvas
from qgis.PyQt.QtCore import QEventLoop, Qt, QTimer
from qgis.PyQt.QtGui import QFont
from qgis.PyQt.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

WIDTH, HEIGHT, TREE = 1320, 820, 380
LONGEST_MS = 120_000


def layer_tree(project: QgsProject) -> QgsLayerTreeView:
    """The layer tree; only what is on is unfolded."""
    view = QgsLayerTreeView()
    model = QgsLayerTreeModel(project.layerTreeRoot(), view)
    model.setFlag(QgsLayerTreeModel.AllowNodeChangeVisibility)
    view.setModel(model)
    view.setFont(QFont("Arial", 9))
    view.setFixedWidth(TREE)
    view.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
    return view


def heading(project: QgsProject) -> QLabel:
    """The project's title, which says when not all is real."""
    label = QLabel(project.title())
    label.setFont(QFont("Arial", 13, QFont.Bold))
    label.setStyleSheet("background: #1d2b3a; color: white; padding: 7px 12px")
    return label


def drawn(canvas: QgsMapCanvas) -> None:
    """Wait until the map is drawn to its end."""
    loop = QEventLoop()
    canvas.mapCanvasRefreshed.connect(loop.quit)
    QTimer.singleShot(LONGEST_MS, loop.quit)
    canvas.refreshAllLayers()
    loop.exec_()


def main() -> None:
    """Open, draw, take the picture."""
    file, picture = sys.argv[1:3]
    with tempfile.TemporaryDirectory() as profile:
        app = QgsApplication([], True, profile)
        app.initQgis()
        project = QgsProject.instance()
        assert project.read(file), project.error()
        canvas = QgsMapCanvas()
        canvas.setCanvasColor(project.backgroundColor())
        canvas.enableAntiAliasing(True)
        canvas.setDestinationCrs(project.crs())
        tree = layer_tree(project)
        bridge = QgsLayerTreeMapCanvasBridge(project.layerTreeRoot(), canvas)
        window, below = QWidget(), QHBoxLayout()
        column = QVBoxLayout(window)
        for layout in (column, below):
            layout.setContentsMargins(0, 0, 0, 0)
            layout.setSpacing(0)
        column.addWidget(heading(project))
        below.addWidget(tree)
        below.addWidget(canvas, 1)
        column.addLayout(below, 1)
        window.resize(WIDTH, HEIGHT)
        window.show()
        app.processEvents()
        bridge.setCanvasLayers()
        canvas.setExtent(project.viewSettings().defaultViewExtent())
        drawn(canvas)
        app.processEvents()
        assert window.grab().save(picture)
        # Qt takes its parts down in an order that Python 3.11 does not survive; everything is written.
        os._exit(0)


main()
