"""The OpenAPI document: every path of the fast road, with local references only, so that it reads offline."""

from __future__ import annotations

from typing import Any

from cop.catalogue import Catalogue, Layer
from cop.crs import SUPPORTED
from cop.query.filter import queryables
from cop.query.question import DEFAULT_LIMIT, MAX_LIMIT, MAX_OFFSET
from cop_providers.schema import column_schema
from cop_server.documents.openapi_changes import CHANGES, EVENTS, change_parameters, change_schemas
from cop_server.documents.openapi_pieces import binary, body, given, operation, ref
from cop_server.documents.openapi_session import SECURITY, security_schemes, session_paths, session_schemas
from cop_server.documents.openapi_styles import layer_style_paths, style_parameters, style_paths
from cop_server.documents.openapi_summary import summary_parameters, summary_paths
from cop_server.documents.openapi_writes import write_operations, write_parameters, write_responses

_PROFILE = "public"


def openapi(catalogue: Catalogue) -> dict[str, Any]:
    """The document as it is committed; the server puts its own address in `servers`."""
    paths = _common_paths() | session_paths()
    for layer in catalogue.layers.values():
        paths |= _layer_paths(layer, catalogue)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Common Operational Picture",
            "version": "0.1.0",
            "description": "OGC API Features and Tiles of a city's Common Operational Picture.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": "server", "description": "The API as a whole"}]
        + [{"name": layer.id, "description": layer.title.en} for layer in catalogue.layers.values()],
        "paths": paths,
        "security": SECURITY,
        "components": {"securitySchemes": security_schemes(), "parameters": _parameters() | write_parameters(),
                       "responses": _responses() | write_responses(),
                       "schemas": _schemas() | session_schemas(catalogue)},
    }  # fmt: skip


def _common_paths() -> dict[str, Any]:
    simple = {
        "/": ("landingPage", "The way in"),
        "/conformance": ("conformance", "What the server conforms to"),
        "/collections": ("collections", "The collections"),
        "/tileMatrixSets": ("tileMatrixSets", "The tile matrix sets"),
        "/tiles": ("datasetTilesets", "Tiles of several collections at once"),
        "/asyncapi": ("asyncapi", "The stream of events as AsyncAPI 3.0"),
        "/styles": ("styles", "The styles of the whole picture"),
    }
    paths = {
        path: operation(name, summary, "server", given("f", "lang", "mode"), body(summary))
        for path, (name, summary) in simple.items()
    }
    paths["/tileMatrixSets/{tileMatrixSetId}"] = operation(
        "tileMatrixSet",
        "A tile matrix set",
        "server",
        given("tileMatrixSetId", "f"),
        body("Its definition"),
    )
    paths["/tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}"] = operation(
        "datasetTile", "One tile of several collections", "server",
        given("tileMatrixSetId", "tileMatrix", "tileRow", "tileCol", "collections", "mode", "asof",
               "Accept-Datetime"),
        binary("A Mapbox Vector Tile", "application/vnd.mapbox-vector-tile"),
    )  # fmt: skip
    paths["/events"] = operation(
        "events",
        "Every change as it comes; the messages are in /asyncapi",
        "server",
        given(*EVENTS),
        body("Server-Sent Events", "text/event-stream", {"type": "string"}),
    )
    paths["/events"]["get"]["responses"]["410"] = ref("responses", "Gone")
    return paths | style_paths() | _client_paths() | summary_paths(operation, given, body)


def _client_paths() -> dict[str, Any]:
    """Project files for desktop GIS."""
    zipped, definition = "application/x-qgis-project", "application/x-qgis-layer-definition"
    return {
        "/clients/qgis.qgz": operation(
            "qgisProject", "A QGIS project of all collections and basemaps", "server", given("mode", "tongue"),
            binary("The project", zipped),
        ),
        "/clients/qgis.qlr": operation(
            "qgisLayers", "All collections and basemaps as a QGIS layer definition", "server",
            given("mode", "tongue"), binary("The layer definition", definition),
        ),
        "/clients/qgis/{collectionId}.qlr": operation(
            "qgisLayer", "One collection as a QGIS layer definition", "server",
            given("collectionId", "drawing", "mode", "tongue"), binary("The layer definition", definition),
        ),
    }  # fmt: skip


def _client_parameters() -> dict[str, Any]:
    words = {"type": "string"}
    return {
        "collectionId": {"name": "collectionId", "in": "path", "required": True, "schema": words},
        "tongue": {"name": "lang", "in": "query", "required": False, "description": "The language of names",
                   "schema": {"type": "string", "enum": ["en", "zh", "both"], "default": "both"}},
        "drawing": {"name": "as", "in": "query", "required": False,
                    "description": "What is drawn; without it as in the project",
                    "schema": {"type": "string", "enum": ["features", "tiles"]}},
    }  # fmt: skip


def _layer_paths(layer: Layer, catalogue: Catalogue) -> dict[str, Any]:
    base, name, title = f"/collections/{layer.id}", layer.id.replace("-", "_"), layer.title.en
    paths = {base: operation(f"{name}.describe", title, layer.id, given("f", "lang", "mode"),
                              body(layer.description.en)),
             f"{base}/schema": operation(f"{name}.schema", f"Schema of {title}", layer.id, given("f", "lang"),
                                          body("JSON Schema", "application/schema+json"))}  # fmt: skip
    if not layer.is_feature_layer:
        paths[f"{base}/coverage"] = operation(
            f"{name}.coverage", f"{title} as a coverage", layer.id, given("f"),
            binary("GeoTIFF or CoverageJSON", "image/tiff"),
        )  # fmt: skip
        return paths
    for part, summary in (("queryables", "Queryables"), ("sortables", "Sortables")):
        paths[f"{base}/{part}"] = operation(
            f"{name}.{part}",
            f"{summary} of {title}",
            layer.id,
            given("f", "lang"),
            body("JSON Schema", "application/schema+json"),
        )
    paths[f"{base}/items"] = operation(
        f"{name}.items", title, layer.id, [*given(*_ITEMS), *_property_parameters(layer, catalogue)],
        body("Features", "application/geo+json", ref("schemas", "FeatureCollection")),
    )  # fmt: skip
    paths[f"{base}/items/{{featureId}}"] = operation(
        f"{name}.item", f"One of {title}", layer.id,
        given("featureId", "crs", "properties", "skipGeometry", "asof", "Accept-Datetime", "mode", "lang", "f"),
        body("A feature", "application/geo+json", ref("schemas", "Feature")),
    )  # fmt: skip
    on_items, on_item = write_operations(layer, catalogue)
    paths[f"{base}/items"] |= on_items
    paths[f"{base}/items/{{featureId}}"] |= on_item
    paths[f"{base}/items/{{featureId}}/versions"] = operation(
        f"{name}.versions", f"Versions of one of {title}, the newest first", layer.id,
        given("featureId", "limit", "before", "mode", "lang"),
        body("A feature a version", "application/geo+json", ref("schemas", "FeatureCollection")),
    )  # fmt: skip
    if layer.alike is not None:
        paths[f"{base}/items/{{featureId}}/similar"] = operation(
            f"{name}.similar", f"What may be the same as one of {title}, the likeliest first", layer.id,
            given("featureId", "mode", "lang"),
            body("Candidates with score and reasons", "application/geo+json", ref("schemas", "FeatureCollection")),
        )  # fmt: skip
    paths[f"{base}/changes"] = operation(
        f"{name}.changes", f"What changed in {title}", layer.id,
        [*given(*CHANGES), *(one for one in _property_parameters(layer, catalogue) if one["name"] not in CHANGES)],
        body("Each feature that changed, once", "application/geo+json", ref("schemas", "Changes")),
    )  # fmt: skip
    paths[f"{base}/changes"]["get"]["responses"]["410"] = ref("responses", "Gone")
    paths[f"{base}/tiles"] = operation(
        f"{name}.tilesets", f"Tile sets of {title}", layer.id, given("f"), body("Tile sets")
    )
    paths[f"{base}/tiles/{{tileMatrixSetId}}"] = operation(
        f"{name}.tileset",
        f"A tile set of {title}",
        layer.id,
        given("tileMatrixSetId", "f"),
        body("Its metadata"),
    )
    paths[f"{base}/tiles/{{tileMatrixSetId}}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}"] = operation(
        f"{name}.tile", f"A tile of {title}", layer.id,
        given("tileMatrixSetId", "tileMatrix", "tileRow", "tileCol", "datetime", "filter", "filter-lang", "mode",
               "asof", "Accept-Datetime", "f"),
        binary("A Mapbox Vector Tile", "application/vnd.mapbox-vector-tile"),
    )  # fmt: skip
    return paths | layer_style_paths(base, name, layer)


_ITEMS = (
    "limit", "offset", "cursor", "bbox", "bbox-crs", "datetime", "filter", "filter-lang", "filter-crs", "sortby",
    "properties", "skipGeometry", "crs", "resulttype", "asof", "Accept-Datetime", "mode", "lang", "f",
)  # fmt: skip


def _property_parameters(layer: Layer, catalogue: Catalogue) -> list[dict[str, Any]]:
    return [
        {
            "name": column.name,
            "in": "query",
            "description": f"Only where {column.title.en} is this",
            "schema": {k: v for k, v in column_schema(column, catalogue).items() if k in ("type", "format", "enum")}
            if column.type != "text[]"
            else {"type": "string"},
        }
        for column in queryables(layer, _PROFILE).values()
    ]


def _parameters() -> dict[str, Any]:
    crs = {
        "type": "string",
        "format": "uri",
        "enum": [crs.uri for crs in SUPPORTED],
        "default": SUPPORTED[0].uri,
    }
    text = {"type": "string"}
    query: dict[str, tuple[str, dict[str, Any]]] = {
        "f": ("The form of the answer", {"type": "string", "enum": ["json", "html"]}),
        "lang": ("The language of titles", {"type": "string", "enum": ["en", "zh"]}),
        "mode": ("Exactly one of the three a request reads",
                 {"type": "string", "enum": ["actual", "exercise", "test"]}),
        "asof": ("What was known: a time (RFC 3339) or a sequence number", text),
        "before": ("Only versions that begin before this sequence number", {"type": "integer", "minimum": 1}),
        "limit": ("Most features in a page",
                  {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}),
        "offset": ("Features to leave out first; the links next go on without end",
                   {"type": "integer", "minimum": 0, "maximum": MAX_OFFSET, "default": 0}),
        "cursor": ("A place in a walk through pages, from a link next or prev", text),
        "bbox": ("Four or six numbers in the axis order of bbox-crs",
                 {"type": "array", "oneOf": [{"minItems": 4, "maxItems": 4}, {"minItems": 6, "maxItems": 6}],
                  "items": {"type": "number"}}),
        "bbox-crs": ("CRS of bbox", crs),
        "datetime": ("An instant or an interval, RFC 3339, with .. for an open end", text),
        "filter": ("CQL2", text),
        "filter-lang": ("Language of the filter",
                        {"type": "string", "enum": ["cql2-text", "cql2-json"], "default": "cql2-text"}),
        "filter-crs": ("CRS of geometries in the filter", crs),
        "sortby": ("Sortables with commas between them, - before one turns it round",
                   {"type": "array", "items": {"type": "string"}}),
        "properties": ("Only these properties", {"type": "array", "items": {"type": "string"}}),
        "skipGeometry": ("Leave the geometry out", {"type": "boolean", "default": False}),
        "crs": ("CRS of the answer", crs),
        "resulttype": ("hits: only the number of features", {"type": "string", "enum": ["results", "hits"]}),
        "collections": ("Collections with commas between them", {"type": "array", "items": {"type": "string"}}),
    }  # fmt: skip
    shown = {
        "name": "collections",
        "in": "query",
        "required": False,
        "style": "form",
        "explode": False,
        "description": "The collections that are not hidden",
        "schema": {"type": "array", "items": text},
    }
    listed = {"bbox", "sortby", "properties", "collections"}
    parameters: dict[str, Any] = {
        name: {"name": name, "in": "query", "required": False, "description": description, "schema": schema,
               **({"style": "form", "explode": False} if name in listed else {})}
        for name, (description, schema) in query.items()
    }  # fmt: skip
    for name in ("featureId", "tileMatrixSetId", "tileMatrix", "tileRow", "tileCol"):
        schema = (
            {"type": "string"}
            if name in ("featureId", "tileMatrixSetId", "tileMatrix")
            else {"type": "integer", "minimum": 0}
        )
        parameters[name] = {"name": name, "in": "path", "required": True, "schema": schema}
    parameters["Accept-Datetime"] = {
        "name": "Accept-Datetime",
        "in": "header",
        "required": False,
        "description": "The same as a time in asof, as an HTTP date (RFC 7089)",
        "schema": {"type": "string"},
        "example": "Tue, 23 Sep 2025 03:00:00 GMT",
    }
    parameters |= style_parameters() | _client_parameters() | summary_parameters() | change_parameters()
    parameters["shown"] = shown
    parameters["tileMatrixSetId"]["schema"] = {"type": "string", "enum": ["WebMercatorQuad"]}
    return parameters


def _responses() -> dict[str, Any]:
    problem = {"application/problem+json": {"schema": ref("schemas", "Problem")}}
    return {
        "BadRequest": {"description": "Refused: the detail names the parameter", "content": problem},
        "NotFound": {"description": "Nothing is here", "content": problem},
        "Gone": {"description": "Kept no longer: the example is the earliest number", "content": problem},
        "Unavailable": {"description": "The store does not answer at the moment", "content": problem},
    }


def _schemas() -> dict[str, Any]:
    feature = {
        "type": "object",
        "required": ["type", "geometry", "properties"],
        "properties": {
            "type": {"type": "string", "enum": ["Feature"]},
            "id": {"type": "string"},
            "geometry": {"type": "object"},
            "properties": {"type": "object"},
        },
    }
    collection = {
        "type": "object",
        "required": ["type", "features"],
        "properties": {
            "type": {"type": "string", "enum": ["FeatureCollection"]},
            "features": {"type": "array", "items": ref("schemas", "Feature")},
            "numberMatched": {"type": "integer", "minimum": 0},
            "numberReturned": {"type": "integer", "minimum": 0},
            "links": {"type": "array", "items": {"type": "object"}},
        },
    }
    texts = ("type", "title", "detail", "instance", "parameter", "example")
    problem = {
        "type": "object",
        "properties": {
            **{name: {"type": "string"} for name in texts},
            "status": {"type": "integer"},
            "errors": {"type": "array", "items": {"type": "object"}},
        },
    }
    return {"Feature": feature, "FeatureCollection": collection, "Problem": problem, **change_schemas()}
