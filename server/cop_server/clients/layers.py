"""One layer of a QGIS project: where it comes from, how it looks, what must be said of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import quote
from xml.etree.ElementTree import Element

from cop.catalogue import Catalogue
from cop.catalogue.models import Layer
from cop.visible import VisibleSet
from cop_server.clients.basemaps import GRID_CRS, MERCATOR_CRS, Basemap
from cop_server.clients.elements import box, crs, node
from cop_server.clients.fields import fields
from cop_server.clients.renderers import (
    feature_labels,
    feature_renderer,
    table_renderer,
    tile_labels,
    tile_renderer,
)
from cop_server.clients.rules import framed
from cop_server.clients.scales import scale_attributes
from cop_server.clients.words import MODES, ORIGINS, SOURCE, TABLE, Tongue, marked, told
from cop_server.documents.collections import LICENCES
from cop_tiles.styling.document import DEEPEST_TILE
from cop_tiles.styling.looks import SHAPES

Drawing = Literal["features", "tiles", "table", "coverage"]
Box = tuple[float, float, float, float]

# QGIS's names of geometry types; a layer that mixes them is taken for the last, as in its first page.
_GEOMETRY: Final = {"point": "Point", "line": "Line", "area": "Polygon"}
_WORLD: Final[Box] = (-20037508.342789, -20037508.342789, 20037508.342789, 20037508.342789)
# A layer that shows from this zoom on is asked for by the view's box; one that shows from afar is read once, whole.
_BY_VIEW_FROM: Final = 10
_PROVIDER: Final[dict[Drawing, tuple[str, str]]] = {
    "features": ("OAPIF", "vector"), "table": ("OAPIF", "vector"),
    "tiles": ("vectortile", "vector-tile"), "coverage": ("gdal", "raster"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scene:
    """What a project is made for: the server's address, the visible set of who opens it, the language."""

    url: str
    visible: VisibleSet
    tongue: Tongue

    @property
    def mark(self) -> str:
        """The mark of an exercise or a test; empty for what is real."""
        return told(MODES[self.visible.mode], self.tongue)


@dataclass(frozen=True, slots=True)
class Entry:
    """A layer of a project: how it is drawn, the provenance of what is loaded, whether it is on."""

    layer: Layer
    drawing: Drawing
    provenance: str
    on: bool = False

    @property
    def id(self) -> str:
        """The layer's id in the project. QGIS replaces ids of ten characters and less by new ones at each opening."""
        return f"{'cop_table' if self.drawing == 'table' else 'cop_layer'}_{self.layer.id}"

    @property
    def provider(self) -> str:
        """The QGIS provider that reads it."""
        return _PROVIDER[self.drawing][0]

    def name(self, scene: Scene) -> str:
        """The name in the layer tree; what is an exercise says so."""
        name = told(self.layer.title, scene.tongue)
        if self.drawing == "table":
            name = f"{name} ({told(TABLE, scene.tongue)})"
        return marked(name, told(ORIGINS[self.provenance], scene.tongue) if self.provenance != "real" else "")

    def source(self, scene: Scene) -> str:
        """The data source, in the form of its provider. The mode is always said: a project never changes its own."""
        if self.drawing == "coverage":
            return f"/vsicurl_streaming/{scene.url}/collections/{self.layer.id}/coverage?f=GTiff"
        if self.drawing == "tiles":
            pattern = f"tiles/WebMercatorQuad/{{z}}/{{y}}/{{x}}?mode={scene.visible.mode}"
            tiles = f"{scene.url}/collections/{self.layer.id}/{pattern}"
            deepest = min(self.layer.tile.maxzoom, DEEPEST_TILE)
            return f"type=xyz&zmin={self.layer.tile.minzoom}&zmax={deepest}&url={quote(tiles, safe=':/?')}"
        by_view = self.drawing == "features" and self.layer.scale.from_zoom >= _BY_VIEW_FROM
        bounded = " restrictToRequestBBOX='1'" if by_view else ""
        return (f"url='{scene.url}/?mode={scene.visible.mode}' typename='{self.layer.id}' pagingEnabled='true'"
                f"{bounded}{self._subset}")  # fmt: skip

    @property
    def _subset(self) -> str:
        """The filter of a layer of which one time of several is drawn; a table has them all."""
        condition = framed(self.layer) if self.drawing == "features" else None
        if condition is None:
            return ""
        escaped = condition.replace("\\", "\\\\").replace("'", "\\'")
        return f" filter='{escaped}'"


def map_layer(parent: Element, entry: Entry, scene: Scene, catalogue: Catalogue) -> None:
    """The element `maplayer` of a layer of the catalogue."""
    shapes = SHAPES[entry.layer.geometry] if entry.layer.geometry else ()
    kind = _PROVIDER[entry.drawing][1]
    about: dict[str, object] = {"geometry": _GEOMETRY[shapes[-1]]} if kind == "vector" else {}
    bounds: dict[str, object] = {} if entry.drawing == "table" else scale_attributes(entry.layer)
    made = node(parent, "maplayer", type=kind, styleCategories="AllStyleCategories", autoRefreshEnabled=False,
                refreshOnNotifyEnabled=False, **about, **bounds)  # fmt: skip
    node(made, "id", entry.id)
    node(made, "datasource", entry.source(scene))
    node(made, "layername", entry.name(scene))
    _about(made, entry, scene, catalogue)
    node(made, "provider", entry.provider, encoding="UTF-8")
    crs(
        made,
        "srs",
        {"vector": "EPSG:4326", "vector-tile": MERCATOR_CRS, "raster": f"EPSG:{entry.layer.source.crs}"}[kind],
    )
    if kind == "vector":
        made.set("readOnly", "1")
        _vector(made, entry, scene, catalogue)
    elif kind == "vector-tile":
        box(made, "extent", _WORLD)
        tile_renderer(made, entry.layer, scene.tongue)
        tile_labels(made, entry.layer, scene.tongue)
    node(made, "blendMode", "0")
    node(made, "layerOpacity", "1")


def _vector(made: Element, entry: Entry, scene: Scene, catalogue: Catalogue) -> None:
    if entry.drawing == "table":
        table_renderer(made, entry.layer)
    else:
        feature_renderer(made, entry.layer, scene.tongue)
        has_labels = feature_labels(made, entry.layer, scene.tongue)
        # The basemap names what is on from the start; a second name beside it would be one too many.
        made.set("labelsEnabled", str(int(has_labels and not entry.on)))
    fields(made, entry.layer, catalogue, scene.tongue, scene.visible.profile_of(entry.layer))


def _about(made: Element, entry: Entry, scene: Scene, catalogue: Catalogue) -> None:
    """Title, abstract, attribution, licence and provenance, as QGIS's metadata of a layer."""
    layer, source = entry.layer, entry.layer.source
    licence, address = LICENCES[source.licence]
    rights = told(source.attribution, scene.tongue, " · ")
    origin = told(ORIGINS[entry.provenance], scene.tongue)
    abstract = "\n".join(
        part
        for part in (
            told(layer.description, scene.tongue, "\n"),
            f"{told(SOURCE, scene.tongue)}: {source.dataset}",
            origin,
        )
        if part
    )
    node(made, "attribution", marked(rights, origin if entry.provenance != "real" else ""))
    about = node(made, "resourceMetadata")
    node(about, "identifier", f"{scene.url}/collections/{layer.id}")
    node(about, "language", {"en": "ENG", "zh": "ZHO", "both": "ENG"}[scene.tongue])
    node(about, "type", "dataset")
    node(about, "title", entry.name(scene))
    node(about, "abstract", abstract)
    keywords = node(about, "keywords", vocabulary="cop")
    department = catalogue.codes["departments"][layer.department]
    for word in (layer.group, layer.department, told(department, scene.tongue), layer.source.cadence):
        node(keywords, "keyword", word)
    links = node(about, "links")
    for name, href in (("Collection", f"{scene.url}/collections/{layer.id}"), (licence, address)):
        node(links, "link", name=name, type="WWW:LINK", url=href, description="", format="", mimeType="", size="")
    node(about, "rights", rights)
    node(about, "license", licence)


def basemap_layer(parent: Element, basemap: Basemap, scene: Scene) -> None:
    """The element `maplayer` of a basemap."""
    made = node(
        parent, "maplayer", type="raster", styleCategories="AllStyleCategories", hasScaleBasedVisibilityFlag=False
    )
    node(made, "id", basemap_id(basemap))
    node(made, "datasource", basemap_source(basemap, scene))
    node(made, "layername", told(basemap.title, scene.tongue))
    node(made, "attribution", basemap.attribution)
    about = node(made, "resourceMetadata")
    node(about, "title", told(basemap.title, scene.tongue))
    node(about, "abstract", told(basemap.abstract, scene.tongue, "\n"))
    node(about, "rights", basemap.attribution)
    node(made, "provider", "wms")
    crs(made, "srs", GRID_CRS)
    node(made, "layerOpacity", "1")


def basemap_id(basemap: Basemap) -> str:
    """A basemap's id in the project; no collection has it."""
    return f"cop_basemap_{basemap.name}"


def basemap_source(basemap: Basemap, scene: Scene) -> str:
    """The WMTS layer in the Hong Kong grid: its tiles are drawn as they are, without a turn."""
    capabilities = quote(f"{scene.url}/basemaps/service?SERVICE=WMTS&REQUEST=GetCapabilities", safe=":/")
    return (f"crs={GRID_CRS}&format=image/{basemap.file_type}&layers={basemap.name}&styles=default"
            f"&tileMatrixSet={basemap.grid}&url={capabilities}")  # fmt: skip
