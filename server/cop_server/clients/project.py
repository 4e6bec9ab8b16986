"""The whole project: the layer tree, the map's CRS and extent, and the files that are sent."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from xml.etree.ElementTree import Element

from cop.catalogue import Catalogue
from cop.catalogue.models import Layer
from cop_server.clients.basemaps import GRID_CRS, Basemap
from cop_server.clients.elements import box, crs, document, node
from cop_server.clients.layers import (
    Box,
    Drawing,
    Entry,
    Scene,
    basemap_id,
    basemap_layer,
    basemap_source,
    map_layer,
)
from cop_server.clients.scales import is_drawn_from_tiles
from cop_server.clients.symbols import GROUND
from cop_server.clients.words import BASEMAPS, GROUPS, TABLES, TITLE, marked, told
from cop_tiles.styling.document import SHOWN

QGZ: Final = "application/x-qgis-project"
QLR: Final = "application/x-qgis-layer-definition"
_FILE: Final = "cop.qgs"
# A file in a zip has a time; one that never changes keeps the bytes the same.
_NO_TIME: Final = (1980, 1, 1, 0, 0, 0)
# Hong Kong in EPSG:2326: easting, northing.
_VIEW: Final[Box] = (799000.0, 799000.0, 863000.0, 849000.0)
# On when a project is opened: what happens now, and where.
_ON: Final = frozenset({*SHOWN, "districts"})
_VERSION: Final = "3.22.16-Białowieża"
_LOWEST: Final = 3


@dataclass(frozen=True, slots=True)
class Known:
    """A layer with what the store says of its records: real, exercise or test."""

    layer: Layer
    provenance: str


def qgz(known: Sequence[Known], basemaps: Sequence[Basemap], scene: Scene, catalogue: Catalogue) -> bytes:
    """A project as QGIS saves it: a zip with one file."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        file = zipfile.ZipInfo(_FILE, _NO_TIME)
        file.compress_type = zipfile.ZIP_DEFLATED
        file.external_attr = 0o644 << 16
        archive.writestr(file, qgs(known, basemaps, scene, catalogue))
    return packed.getvalue()


def qlr(
    known: Sequence[Known], basemaps: Sequence[Basemap], scene: Scene, catalogue: Catalogue, drawing: Drawing | None
) -> bytes:
    """A layer definition: all layers in their groups, or, with one layer, that layer alone, drawn as asked for."""
    root = Element("qlr")
    outer = _group(root, "")
    layers = Element("maplayers")
    if len(known) == 1 and not basemaps:
        entry = _entry(known[0], drawing, on=True)
        _leaf(outer, entry, scene)
        map_layer(layers, entry, scene, catalogue)
    else:
        titled = _group(outer, _title(scene))
        _tree(titled, layers, known, basemaps, scene, catalogue)
    root.append(layers)
    return document(root, "qgis-layer-definition")


def qgs(known: Sequence[Known], basemaps: Sequence[Basemap], scene: Scene, catalogue: Catalogue) -> bytes:
    """A project's XML."""
    root = Element("qgis", {"projectname": _title(scene), "version": _VERSION})
    node(root, "homePath", path="")
    node(root, "title", _title(scene))
    crs(root, "projectCrs", GRID_CRS)
    tree, layers = node(root, "layer-tree-group"), Element("projectlayers")
    _tree(tree, layers, known, basemaps, scene, catalogue)
    canvas = node(root, "mapcanvas", name="theMapCanvas", annotationsVisible=True)
    node(canvas, "units", "meters")
    box(canvas, "extent", _VIEW)
    node(canvas, "rotation", "0")
    crs(canvas, "destinationsrs", GRID_CRS)
    root.append(layers)
    _properties(root, scene)
    _view(root)
    about = node(root, "projectMetadata")
    node(about, "title", _title(scene))
    node(about, "identifier", scene.url)
    return document(root, "qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'")


def _title(scene: Scene) -> str:
    return marked(told(TITLE, scene.tongue), scene.mark)


def _group(parent: Element, name: str, *, on: bool = True, expanded: bool = True) -> Element:
    return node(parent, "layer-tree-group", name=name, expanded=expanded, checked=_checked(on))


def _checked(on: bool) -> str:
    return "Qt::Checked" if on else "Qt::Unchecked"


def _leaf(parent: Element, entry: Entry, scene: Scene) -> None:
    node(parent, "layer-tree-layer", id=entry.id, name=entry.name(scene), source=entry.source(scene),
         providerKey=entry.provider, checked=_checked(entry.on), expanded=entry.on)  # fmt: skip


def _tree(
    tree: Element, layers: Element, known: Sequence[Known], basemaps: Sequence[Basemap], scene: Scene,
    catalogue: Catalogue,
) -> None:  # fmt: skip
    """Groups in the order of the picture, the tables of layers that mix geometries, and the basemaps below all."""
    for group, title in GROUPS.items():
        members = sorted((one for one in known if one.layer.group == group), key=_rank)
        entries = [_entry(one, None, on=one.layer.id in _ON) for one in members]
        if entries:
            part = _group(tree, told(title, scene.tongue), expanded=any(entry.on for entry in entries))
            _add(part, layers, entries, scene, catalogue)
    # Dense layers have none: each table is four more requests at opening. /clients/qgis/{collection}.qlr gives it.
    tables = [_entry(one, "table", on=False) for one in known if one.layer.geometry == "Geometry"]
    if tables:
        _add(_group(tree, told(TABLES, scene.tongue), expanded=False), layers, tables, scene, catalogue)
    if basemaps:
        part = _group(tree, told(BASEMAPS, scene.tongue))
        for nth, basemap in enumerate(basemaps):
            node(part, "layer-tree-layer", id=basemap_id(basemap), name=told(basemap.title, scene.tongue),
                 source=basemap_source(basemap, scene), providerKey="wms", checked=_checked(nth == 0),
                 expanded=False)  # fmt: skip
            basemap_layer(layers, basemap, scene)


def _add(part: Element, layers: Element, entries: Sequence[Entry], scene: Scene, catalogue: Catalogue) -> None:
    for entry in entries:
        _leaf(part, entry, scene)
        map_layer(layers, entry, scene, catalogue)


def _rank(one: Known) -> tuple[int, str]:
    """Points above lines above areas above grids: the order of a group is the order of drawing."""
    geometry = one.layer.geometry or ""
    kinds = ("Point", "LineString", "Polygon")
    nth = next((nth for nth, kind in enumerate(kinds) if geometry.endswith(kind)), 0 if geometry else _LOWEST)
    return nth, one.layer.id


def _drawing(layer: Layer) -> Drawing:
    if not layer.is_feature_layer:
        return "coverage"
    return "tiles" if is_drawn_from_tiles(layer) else "features"


def _entry(one: Known, drawing: Drawing | None, *, on: bool) -> Entry:
    return Entry(one.layer, drawing or _drawing(one.layer), one.provenance, on)


def _properties(root: Element, scene: Scene) -> None:
    """Measuring on the ellipsoid, and, where not all is real, a title on the map that says so."""
    properties = node(root, "properties")
    measure = node(properties, "Measure")
    node(measure, "Ellipsoid", "EPSG:7022", type="QString")
    node(node(properties, "SpatialRefSys"), "ProjectionsEnabled", "1", type="int")
    gui = node(properties, "Gui")
    for part, at in (("Red", 1), ("Green", 3), ("Blue", 5)):
        # Beyond the basemap's edge lies sea too.
        node(gui, f"CanvasColor{part}Part", str(int(GROUND.sea[at : at + 2], 16)), type="int")
    if scene.mark:
        title = node(properties, "TitleLabel")
        node(title, "Enabled", "true", type="bool")
        node(title, "Label", scene.mark, type="QString")
        node(title, "Placement", "6", type="int")


def _view(root: Element) -> None:
    settings = node(root, "ProjectViewSettings", UseProjectScales=False)
    west, south, east, north = _VIEW
    crs(settings, "DefaultViewExtent", GRID_CRS, xmin=west, ymin=south, xmax=east, ymax=north)
