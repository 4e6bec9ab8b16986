"""Collections as JSON: description, queryables, schema, sortables, tile sets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cop.catalogue import Catalogue, Column, Layer
from cop.crs import CRS84, SUPPORTED
from cop.query.filter import queryables
from cop.query.series import measured
from cop_ingest.feeds.declared import Feed, feeds
from cop_providers.schema import codes_of, properties_schema
from cop_providers.tiles import tileset_metadata
from cop_server.clients.words import GROUPS
from cop_server.documents.links import GEOJSON, HTML, JSON, OGC_REL, SCHEMA, link, self_and_page
from cop_server.documents.series import MEDIA_TYPE, parameter
from cop_server.documents.state import Grid, LayerState
from cop_server.documents.styles import STYLESHEET
from cop_tiles.matrix import WEB_MERCATOR_QUAD, definition
from cop_tiles.styling.themes import THEMES

LICENCES = {
    "DG": ("DATA.GOV.HK Terms and Conditions of Use", "https://data.gov.hk/en/terms-and-conditions"),
    "CSDI": ("CSDI Portal Terms of Use", "https://portal.csdi.gov.hk/csdi-webpage/terms"),
    "GEO": ("CEDD GEO Open Data Terms", "https://data.gov.hk/en/terms-and-conditions"),
    "ODbL": ("Open Database License 1.0", "https://opendatacommons.org/licenses/odbl/1-0/"),
    "JMA": ("Japan Meteorological Agency, Terms of Use", "https://www.jma.go.jp/jma/en/copyright.html"),
    "exercise": ("Made up for exercises; no rights reserved", "https://creativecommons.org/publicdomain/zero/1.0/"),
    "PD": ("Public domain", "https://creativecommons.org/publicdomain/mark/1.0/"),
}
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def collections(found: Sequence[tuple[Layer, LayerState]], catalogue: Catalogue, url: str, lang: str) -> dict[str, Any]:
    """All collections (OGC 17-069r4, 7.13)."""
    return {
        "links": self_and_page(f"{url}/collections", "The collections"),
        "collections": [collection(layer, state, catalogue, url, lang) for layer, state in found],
    }


def collection(layer: Layer, state: LayerState, catalogue: Catalogue, url: str, lang: str) -> dict[str, Any]:
    """One collection; `cop` holds what our own clients need in both languages."""
    marked = " (演習)" if lang == "zh" else " (exercise)"
    title = layer.title.zh if lang == "zh" else layer.title.en
    described: dict[str, Any] = {
        "id": layer.id,
        "title": title + (marked if state.provenance == "exercise" and not layer.is_labelled else ""),
        "description": layer.description.zh if lang == "zh" else layer.description.en,
        "keywords": [layer.group, layer.department],
        "attribution": _attribution(layer, "zh" if lang == "zh" else "en"),
        "extent": {"spatial": {"bbox": [list(state.bbox)], "crs": CRS84.uri}},
        "links": _links(layer, url),
        "cop": _extension(layer, state, catalogue),
    }
    if state.interval is not None:
        described["extent"]["temporal"] = {"interval": [list(state.interval)]}
    if layer.is_feature_layer:
        described["itemType"] = "feature"
        described["crs"] = [crs.uri for crs in SUPPORTED]
        described["storageCrs"] = CRS84.uri
    if state.grid is not None:
        described |= _coverage(state.grid)
    if layer.kind == "latest":
        described |= _series(layer, url)
    return described


def _feeds(layer: Layer) -> list[Feed]:
    """The real-time sources that the layer's records come from."""
    return [feeds()[name] for name in layer.feeds if name in feeds()]


def _attribution(layer: Layer, lang: str) -> str:
    """Whose data they are: the layer's own words, and those of its feeds that these do not hold already."""
    said: str = getattr(layer.source.attribution, lang)
    for feed in _feeds(layer):
        name = getattr(feed.attribution, lang)
        if name not in said:
            said += f"{'；' if lang == 'zh' else '; '}{name}"
    return said


def _feed(feed: Feed) -> dict[str, Any]:
    name, address = LICENCES[feed.licence]
    return {
        "id": feed.id, "title": feed.title.model_dump(), "department": feed.department, "cadence_s": feed.cadence_s,
        "late_s": feed.late_s, "stale_s": feed.stale_s, "licence": feed.licence, "licence_title": name,
        "licence_address": address, "attribution": feed.attribution.model_dump(),
    }  # fmt: skip


def _coverage(grid: Grid) -> dict[str, Any]:
    """What a client must know of a coverage's cells (OGC 19-087, domain set)."""
    crs = f"http://www.opengis.net/def/crs/EPSG/0/{grid.srid}"
    axes = [
        {"cellsCount": grid.columns, "resolution": grid.cell_m[0]},
        {"cellsCount": grid.rows, "resolution": grid.cell_m[1]},
    ]
    # GDAL's reader of features passes over what says that it has none.
    return {"layerDataType": "Coverage", "storageCrs": crs, "crs": [crs, CRS84.uri], "grid": axes}


def _series(layer: Layer, url: str) -> dict[str, Any]:
    """What a sensor measures, and where its series is (OGC 19-086r6, 8.2.1, its query of locations)."""
    about = {"title": "Series of one sensor", "query_type": "locations", "output_formats": ["CoverageJSON"]}
    address = f"{url}/collections/{layer.id}/locations/{{locationId}}"
    query = link(address, "data", MEDIA_TYPE, "Series of one sensor", templated=True) | {"variables": about}
    named = {column.name: {"id": column.name, **parameter(column)} for column in measured(layer, "public")}
    return {
        "data_queries": {"locations": {"link": query}},
        "parameter_names": named,
        "output_formats": ["CoverageJSON"],
    }


def _links(layer: Layer, url: str) -> list[dict[str, Any]]:
    base = f"{url}/collections/{layer.id}"
    licences = dict.fromkeys([layer.source.licence, *(feed.licence for feed in _feeds(layer))])
    told = dict.fromkeys(LICENCES[licence] for licence in licences)
    links = [
        *self_and_page(base, "This collection"),
        *(link(address, "license", HTML, name) for name, address in told),
    ]
    if not layer.is_feature_layer:
        return [*links, link(f"{base}/coverage?f=GTiff", f"{OGC_REL}/coverage", "image/tiff; application=geotiff",
                             "The coverage as GeoTIFF"),
                link(f"{base}/coverage?f=json", f"{OGC_REL}/coverage", "application/prs.coverage+json",
                     "The coverage as CoverageJSON"),
                link(f"{base}/schema", f"{OGC_REL}/schema", SCHEMA, "Schema")]  # fmt: skip
    return [
        *links,
        link(f"{base}/items?f=json", "items", GEOJSON, "Items as GeoJSON"),
        link(f"{base}/items?f=html", "items", HTML, "Items as a page"),
        link(f"{base}/queryables", f"{OGC_REL}/queryables", SCHEMA, "Queryables"),
        link(f"{base}/schema", f"{OGC_REL}/schema", SCHEMA, "Schema"),
        link(f"{base}/sortables", f"{OGC_REL}/sortables", SCHEMA, "Sortables"),
        link(f"{base}/tiles?f=json", f"{OGC_REL}/tilesets-vector", JSON, "Vector tiles"),
        link(f"{base}/tiles/{WEB_MERCATOR_QUAD}?f=tilejson", "describedby", JSON, "Vector tiles as TileJSON"),
        link(f"{base}/styles", f"{OGC_REL}/styles", JSON, "Styles"),
        *(link(f"{base}/styles/{name}", "stylesheet", STYLESHEET, f"MapLibre style, {name}") for name in THEMES),
        link(f"{base}/styles/light/legend?f=png", f"{OGC_REL}/legend", "image/png", "Legend as a picture"),
        link(f"{base}/styles/light/legend?f=json", "legend", JSON, "Legend as data"),
    ]


def _extension(layer: Layer, state: LayerState, catalogue: Catalogue) -> dict[str, Any]:
    return {
        "title": layer.title.model_dump(),
        "description": layer.description.model_dump(),
        "department": layer.department,
        "department_title": catalogue.codes["departments"][layer.department].model_dump(),
        "group": layer.group,
        # Groups stand in the order of the picture: what happens now above what stays.
        "group_title": GROUPS[layer.group].model_dump(),
        "group_rank": list(GROUPS).index(layer.group),
        "kind": layer.kind,
        "geometry": layer.geometry,
        "scale": layer.scale.model_dump(),
        "style": layer.style.model_dump(),
        "provenance": state.provenance,
        "loaded": state.loaded,
        "source": {
            "dataset": layer.source.dataset,
            "cadence": layer.source.cadence,
            "licence": layer.source.licence,
            "licence_title": LICENCES[layer.source.licence][0],
            "licence_address": LICENCES[layer.source.licence][1],
        },
        "attribution": {lang: _attribution(layer, lang) for lang in ("en", "zh")},
        "feeds": [_feed(feed) for feed in _feeds(layer)],
        "columns": [_column(column, catalogue) for column in layer.visible_columns("public")],
    }


def _column(column: Column, catalogue: Catalogue) -> dict[str, Any]:
    codes = {code: title.model_dump() for code, title in codes_of(column, catalogue).items()}
    told = {"name": column.name, "type": column.type, "title": column.title.model_dump(), "unit": column.unit}
    return told | ({"codes": codes} if codes else {})


def queryables_document(layer: Layer, catalogue: Catalogue, url: str, lang: str, profile: str) -> dict[str, Any]:
    """What a filter may name (OGC 19-079r2, 6.2)."""
    columns = queryables(layer, profile).values()
    return _schema_document(layer, f"{url}/collections/{layer.id}/queryables", lang) | {
        "properties": properties_schema(layer, columns, catalogue, lang=lang),
        "additionalProperties": False,
    }


def schema_document(layer: Layer, catalogue: Catalogue, url: str, lang: str, profile: str) -> dict[str, Any]:
    """What an item holds (OGC 23-058r1); what the store sets itself is read-only."""
    properties = properties_schema(layer, layer.visible_columns(profile), catalogue, lang=lang)
    for column in layer.columns:
        if column.role == "updated" and column.name in properties:
            properties[column.name]["readOnly"] = True
    if layer.is_feature_layer:
        identifier = {"type": "string", "title": "Id", "x-ogc-role": "id", "readOnly": True}
        provenance = {"type": "string", "enum": ["real", "exercise"], "title": "Provenance", "readOnly": True}
        properties = {"id": identifier, **properties, "provenance": provenance}
    return _schema_document(layer, f"{url}/collections/{layer.id}/schema", lang) | {"properties": properties}


def sortables_document(layer: Layer, catalogue: Catalogue, url: str, lang: str, profile: str) -> dict[str, Any]:
    """What `sortby` may name."""
    columns = [column for column in queryables(layer, profile).values() if column.type != "text[]"]
    return _schema_document(layer, f"{url}/collections/{layer.id}/sortables", lang) | {
        "properties": properties_schema(layer, columns, catalogue, lang=lang, geometry=False),
        "additionalProperties": False,
    }


def _schema_document(layer: Layer, address: str, lang: str) -> dict[str, Any]:
    title = layer.title.zh if lang == "zh" else layer.title.en
    return {"$schema": _DIALECT, "$id": address, "type": "object", "title": title}


def tilesets(layer: Layer, url: str, lang: str) -> dict[str, Any]:
    """The tile sets of a collection: one."""
    base = f"{url}/collections/{layer.id}/tiles"
    title = layer.title.zh if lang == "zh" else layer.title.en
    item = tileset_metadata(layer.id, title, url)
    return {"links": self_and_page(base, "The tile sets"), "tilesets": [item]}


def dataset_tilesets(url: str) -> dict[str, Any]:
    """The tile sets of the whole data set; `collections` chooses what is in them."""
    item = {
        "title": "Several collections in one tile",
        "dataType": "vector",
        "crs": "http://www.opengis.net/def/crs/EPSG/0/3857",
        "tileMatrixSetURI": definition()["uri"],
        "links": [
            link(f"{url}/tiles/{WEB_MERCATOR_QUAD}", "self", JSON, "This tile set"),
            link(f"{url}/tileMatrixSets/{WEB_MERCATOR_QUAD}", f"{OGC_REL}/tiling-scheme", JSON, "The tile matrix set"),
            link(f"{url}/tiles/{WEB_MERCATOR_QUAD}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}?collections={{collections}}",
                 "item", "application/vnd.mapbox-vector-tile", "Vector tiles", templated=True),
        ],
    }  # fmt: skip
    return {"links": [link(f"{url}/tiles", "self", JSON, "The tile sets")], "tilesets": [item]}


def tile_matrix_sets(url: str) -> dict[str, Any]:
    """The tile matrix sets that tiles come in."""
    address = f"{url}/tileMatrixSets/{WEB_MERCATOR_QUAD}"
    entry = {"id": WEB_MERCATOR_QUAD, "title": definition()["title"], "uri": definition()["uri"],
             "links": [link(address, "self", JSON, "Definition")]}  # fmt: skip
    return {
        "links": [link(f"{url}/tileMatrixSets", "self", JSON, "The tile matrix sets")],
        "tileMatrixSets": [entry],
    }
