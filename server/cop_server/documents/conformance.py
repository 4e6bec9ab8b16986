"""What the server conforms to. A class stands here only when its requirements are met and tested."""

from __future__ import annotations

_OGC = "http://www.opengis.net/spec"

CONFORMANCE = [
    *(f"{_OGC}/ogcapi-common-1/1.0/conf/{name}" for name in ("core", "landing-page", "json", "html", "oas30")),
    *(f"{_OGC}/ogcapi-common-2/1.0/conf/{name}" for name in ("collections", "json", "html")),
    *(f"{_OGC}/ogcapi-features-1/1.0/conf/{name}" for name in ("core", "oas30", "html", "geojson")),
    f"{_OGC}/ogcapi-features-2/1.0/conf/crs",
    *(
        f"{_OGC}/ogcapi-features-3/1.0/conf/{name}"
        for name in ("queryables", "queryables-query-parameters", "filter", "features-filter")
    ),
    *(
        f"{_OGC}/ogcapi-features-4/1.0/conf/{name}"
        for name in ("create-replace-delete", "update", "features", "optimistic-locking-etags")
    ),
    f"{_OGC}/ogcapi-features-5/1.0/conf/schemas",
    f"{_OGC}/ogcapi-common-3/1.0/conf/schemas",
    *(
        f"{_OGC}/cql2/1.0/conf/{name}"
        for name in (
            "cql2-text", "cql2-json", "basic-cql2", "advanced-comparison-operators", "case-insensitive-comparison",
            "accent-insensitive-comparison", "basic-spatial-functions", "basic-spatial-functions-plus",
            "basic-spatial-operators", "spatial-functions", "temporal-functions", "array-functions",
            "property-property", "arithmetic",
        )
    ),
    *(
        f"{_OGC}/ogcapi-tiles-1/1.0/conf/{name}"
        for name in ("core", "tileset", "tilesets-list", "dataset-tilesets", "geodata-tilesets", "mvt")
    ),
    # A draft (OGC 20-009), called as the drafts of its tests call it.
    *(f"{_OGC}/ogcapi-styles-1/0.0/conf/{name}" for name in ("core", "mapbox-styles")),
    f"{_OGC}/tms/2.0/conf/tilematrixset",
    f"{_OGC}/tms/2.0/conf/json-tilematrixset",
]  # fmt: skip
