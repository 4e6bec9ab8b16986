"""The OpenAPI document: every path of the fast road, with local references only, so that it reads offline."""

from __future__ import annotations

from typing import Any

from cop.catalogue import Catalogue, Layer
from cop.crs import SUPPORTED
from cop.query.filter import queryables
from cop.query.question import DEFAULT_LIMIT, MAX_LIMIT, MAX_OFFSET
from cop_providers.schema import column_schema
from cop_server.documents.openapi_changes import CHANGES, EVENTS, change_parameters, change_schemas
from cop_server.documents.openapi_session import SECURITY, security_schemes, session_paths, session_schemas
from cop_server.documents.openapi_summary import summary_parameters, summary_paths
from cop_server.documents.openapi_writes import write_operations, write_parameters, write_responses
from cop_tiles.basemap.glyphs import STACKS
from cop_tiles.styling.themes import THEMES

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


def _ref(kind: str, name: str) -> dict[str, str]:
    return {"$ref": f"#/components/{kind}/{name}"}


def _given(*names: str) -> list[dict[str, Any]]:
    return [_ref("parameters", name) for name in names]


def _operation(
    identifier: str, summary: str, tag: str, parameters: list[dict[str, Any]], success: dict[str, Any]
) -> dict[str, Any]:
    refused = {"400": _ref("responses", "BadRequest"), "404": _ref("responses", "NotFound"),
               "503": _ref("responses", "Unavailable")}  # fmt: skip
    return {
        "get": {
            "operationId": identifier,
            "summary": summary,
            "tags": [tag],
            "parameters": parameters,
            "responses": {
                "200": success,
                "304": {"description": "Not changed since the ETag that was sent"},
                **refused,
            },
        }
    }


def _body(
    description: str, media_type: str = "application/json", schema: dict[str, Any] | None = None
) -> dict[str, Any]:
    return {"description": description, "content": {media_type: {"schema": schema or {"type": "object"}}}}


def _binary(description: str, media_type: str) -> dict[str, Any]:
    return _body(description, media_type, {"type": "string", "format": "binary"})


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
        path: _operation(name, summary, "server", _given("f", "lang", "mode"), _body(summary))
        for path, (name, summary) in simple.items()
    }
    paths["/tileMatrixSets/{tileMatrixSetId}"] = _operation(
        "tileMatrixSet",
        "A tile matrix set",
        "server",
        _given("tileMatrixSetId", "f"),
        _body("Its definition"),
    )
    paths["/tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}"] = _operation(
        "datasetTile", "One tile of several collections", "server",
        _given("tileMatrixSetId", "tileMatrix", "tileRow", "tileCol", "collections", "mode", "asof",
               "Accept-Datetime"),
        _binary("A Mapbox Vector Tile", "application/vnd.mapbox-vector-tile"),
    )  # fmt: skip
    paths["/events"] = _operation(
        "events",
        "Every change as it comes; the messages are in /asyncapi",
        "server",
        _given(*EVENTS),
        _body("Server-Sent Events", "text/event-stream", {"type": "string"}),
    )
    paths["/events"]["get"]["responses"]["410"] = _ref("responses", "Gone")
    return paths | _style_paths() | _client_paths() | summary_paths(_operation, _given, _body)


def _client_paths() -> dict[str, Any]:
    """Project files for desktop GIS."""
    zipped, definition = "application/x-qgis-project", "application/x-qgis-layer-definition"
    return {
        "/clients/qgis.qgz": _operation(
            "qgisProject", "A QGIS project of all collections and basemaps", "server", _given("mode", "tongue"),
            _binary("The project", zipped),
        ),
        "/clients/qgis.qlr": _operation(
            "qgisLayers", "All collections and basemaps as a QGIS layer definition", "server",
            _given("mode", "tongue"), _binary("The layer definition", definition),
        ),
        "/clients/qgis/{collectionId}.qlr": _operation(
            "qgisLayer", "One collection as a QGIS layer definition", "server",
            _given("collectionId", "drawing", "mode", "tongue"), _binary("The layer definition", definition),
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


def _style_paths() -> dict[str, Any]:
    """Styles of the whole picture, and what styles refer to."""
    sheet = "application/vnd.mapbox.style+json"
    return {
        "/styles/{styleId}": _operation(
            "style", "A MapLibre style of the whole picture", "server",
            _given("styleId", "shown", "mode", "asof", "lang", "f"), _body("The style", sheet),
        ),
        "/styles/{styleId}/metadata": _operation(
            "styleMetadata", "What a style is made of", "server", _given("styleId", "mode", "lang", "f"),
            _body("Its metadata"),
        ),
        "/styles/basemap/{z}/{x}/{y}.mvt": _operation(
            "styleBasemapTile", "A vector tile of the basemap", "server", _given("z", "x", "y"),
            _binary("A Mapbox Vector Tile", "application/vnd.mapbox-vector-tile"),
        ),
        "/styles/hillshade/{z}/{x}/{y}.png": _operation(
            "styleHillshadeTile", "A tile of the basemap's hill shade", "server", _given("z", "x", "y"),
            _binary("A picture", "image/png"),
        ),
        "/sprites/{sprite}": _operation(
            "sprite", "The icons of a theme: light.json, light.png, light@2x.json, light@2x.png and so on", "server",
            _given("sprite"), _binary("The index as JSON, or the picture", "image/png"),
        ),
        "/glyphs/{fontstack}/{range}.pbf": _operation(
            "glyphs", "The glyphs of 256 characters", "server", _given("fontstack", "range"),
            _binary("Signed distance fields", "application/x-protobuf"),
        ),
    }  # fmt: skip


def _layer_style_paths(base: str, name: str, layer: Layer) -> dict[str, Any]:
    title, sheet = layer.title.en, "application/vnd.mapbox.style+json"
    common = ("styleId", "mode", "lang", "f")
    return {
        f"{base}/styles": _operation(f"{name}.styles", f"Styles of {title}", layer.id, _given("mode", "lang", "f"),
                                     _body("The styles")),
        f"{base}/styles/{{styleId}}": _operation(f"{name}.style", f"A MapLibre style of {title}", layer.id,
                                                 _given(*common, "asof"), _body("The style", sheet)),
        f"{base}/styles/{{styleId}}/metadata": _operation(
            f"{name}.styleMetadata", f"What a style of {title} is made of", layer.id, _given(*common),
            _body("Its metadata")),
        f"{base}/styles/{{styleId}}/legend": _operation(
            f"{name}.legend", f"Legend of {title}", layer.id, _given("styleId", "mode", "lang", "picture"),
            _body("The legend as JSON, or a picture as image/png")),
    }  # fmt: skip


def _layer_paths(layer: Layer, catalogue: Catalogue) -> dict[str, Any]:
    base, name, title = f"/collections/{layer.id}", layer.id.replace("-", "_"), layer.title.en
    paths = {base: _operation(f"{name}.describe", title, layer.id, _given("f", "lang", "mode"),
                              _body(layer.description.en)),
             f"{base}/schema": _operation(f"{name}.schema", f"Schema of {title}", layer.id, _given("f", "lang"),
                                          _body("JSON Schema", "application/schema+json"))}  # fmt: skip
    if not layer.is_feature_layer:
        paths[f"{base}/coverage"] = _operation(
            f"{name}.coverage", f"{title} as a coverage", layer.id, _given("f"),
            _binary("GeoTIFF or CoverageJSON", "image/tiff"),
        )  # fmt: skip
        return paths
    for part, summary in (("queryables", "Queryables"), ("sortables", "Sortables")):
        paths[f"{base}/{part}"] = _operation(
            f"{name}.{part}",
            f"{summary} of {title}",
            layer.id,
            _given("f", "lang"),
            _body("JSON Schema", "application/schema+json"),
        )
    paths[f"{base}/items"] = _operation(
        f"{name}.items", title, layer.id, [*_given(*_ITEMS), *_property_parameters(layer, catalogue)],
        _body("Features", "application/geo+json", _ref("schemas", "FeatureCollection")),
    )  # fmt: skip
    paths[f"{base}/items/{{featureId}}"] = _operation(
        f"{name}.item", f"One of {title}", layer.id,
        _given("featureId", "crs", "properties", "skipGeometry", "asof", "Accept-Datetime", "mode", "lang", "f"),
        _body("A feature", "application/geo+json", _ref("schemas", "Feature")),
    )  # fmt: skip
    on_items, on_item = write_operations(layer, catalogue)
    paths[f"{base}/items"] |= on_items
    paths[f"{base}/items/{{featureId}}"] |= on_item
    paths[f"{base}/items/{{featureId}}/versions"] = _operation(
        f"{name}.versions", f"Versions of one of {title}, the newest first", layer.id,
        _given("featureId", "limit", "before", "mode", "lang"),
        _body("A feature a version", "application/geo+json", _ref("schemas", "FeatureCollection")),
    )  # fmt: skip
    paths[f"{base}/changes"] = _operation(
        f"{name}.changes", f"What changed in {title}", layer.id,
        [*_given(*CHANGES), *(one for one in _property_parameters(layer, catalogue) if one["name"] not in CHANGES)],
        _body("Each feature that changed, once", "application/geo+json", _ref("schemas", "Changes")),
    )  # fmt: skip
    paths[f"{base}/changes"]["get"]["responses"]["410"] = _ref("responses", "Gone")
    paths[f"{base}/tiles"] = _operation(
        f"{name}.tilesets", f"Tile sets of {title}", layer.id, _given("f"), _body("Tile sets")
    )
    paths[f"{base}/tiles/{{tileMatrixSetId}}"] = _operation(
        f"{name}.tileset",
        f"A tile set of {title}",
        layer.id,
        _given("tileMatrixSetId", "f"),
        _body("Its metadata"),
    )
    paths[f"{base}/tiles/{{tileMatrixSetId}}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}"] = _operation(
        f"{name}.tile", f"A tile of {title}", layer.id,
        _given("tileMatrixSetId", "tileMatrix", "tileRow", "tileCol", "datetime", "filter", "filter-lang", "mode",
               "asof", "Accept-Datetime", "f"),
        _binary("A Mapbox Vector Tile", "application/vnd.mapbox-vector-tile"),
    )  # fmt: skip
    return paths | _layer_style_paths(base, name, layer)


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
    parameters |= _style_parameters() | _client_parameters() | summary_parameters() | change_parameters()
    parameters["shown"] = shown
    parameters["tileMatrixSetId"]["schema"] = {"type": "string", "enum": ["WebMercatorQuad"]}
    return parameters


def _style_parameters() -> dict[str, Any]:
    number = {"type": "integer", "minimum": 0}
    themes = {"type": "string", "enum": list(THEMES)}
    places = {"styleId": themes, "z": number, "x": number, "y": number, "range": {"type": "string"},
              "sprite": {"type": "string"}, "fontstack": {"type": "string", "enum": list(STACKS)}}  # fmt: skip
    picture = {"name": "f", "in": "query", "required": False, "description": "The form of the answer",
               "schema": {"type": "string", "enum": ["json", "png"]}}  # fmt: skip
    told = {name: {"name": name, "in": "path", "required": True, "schema": schema} for name, schema in places.items()}
    return told | {"picture": picture}


def _responses() -> dict[str, Any]:
    problem = {"application/problem+json": {"schema": _ref("schemas", "Problem")}}
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
            "features": {"type": "array", "items": _ref("schemas", "Feature")},
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
