-- present --
-- Those of the layers named that have a table here. What a layer holds is asked one layer at a time (build.py).
SELECT name FROM unnest(%(names)s::text[]) AS name WHERE to_regclass(format('layer.%%I', name)) IS NOT NULL;

-- land --
SELECT ST_AsBinary(geom_3857) FROM layer.land WHERE geom_3857 IS NOT NULL ORDER BY id;

-- wood --
SELECT ST_AsBinary(geom_3857) FROM layer.landcover_wood WHERE geom_3857 IS NOT NULL ORDER BY id;

-- water --
SELECT ST_AsBinary(geom_3857) FROM layer.water_bodies WHERE geom_3857 IS NOT NULL ORDER BY id;

-- roads_lantau --
-- Roads of the 1:50 000 map, which has no classes: all are shown as main ones.
SELECT true, false, ST_AsBinary(geom_3857) FROM layer.roads_b50k WHERE geom_3857 IS NOT NULL ORDER BY id;

-- roads_territory --
-- Roads of the whole territory; local streets come at finer zooms.
SELECT coalesce(road_class, '') <> 'local', coalesce(structure, '') = 'tunnel', ST_AsBinary(geom_3857)
FROM layer.road_centreline WHERE geom_3857 IS NOT NULL ORDER BY id;

-- districts --
SELECT coalesce(name_zh, ''), coalesce(name_en, ''), ST_AsBinary(geom_3857)
FROM layer.districts WHERE geom_3857 IS NOT NULL ORDER BY id;

-- places --
SELECT coalesce(name_zh, ''), coalesce(name_en, ''), coalesce(place, ''), ST_X(geom_3857), ST_Y(geom_3857)
FROM layer.place_names WHERE geom_3857 IS NOT NULL ORDER BY id;

-- make_features --
-- What the map shows: source layer, attributes, the zooms of tiles that hold it, geometry in EPSG:3857.
CREATE TEMPORARY TABLE basemap_feature (
    source_layer text NOT NULL,
    props jsonb NOT NULL,
    from_zoom integer NOT NULL,
    to_zoom integer NOT NULL,
    geom geometry(Geometry, 3857) NOT NULL
) ON COMMIT DROP;

-- add_feature --
COPY basemap_feature (source_layer, props, from_zoom, to_zoom, geom) FROM STDIN;

-- make_pieces --
-- Features cut once to the tiles of zoom 10 (with room for every finer tile's margin), so that a tile of zoom 14
-- does not clip the whole of the mainland again.
CREATE TEMPORARY TABLE basemap_piece ON COMMIT DROP AS
SELECT source_layer, props, from_zoom, to_zoom, col, lin, ST_ClipByBox2D(geom, wide) AS geom
FROM (
    SELECT col, lin, ST_Expand(ST_TileEnvelope(10, col, lin), 700) AS wide
    FROM generate_series(%(left)s::int, %(right)s::int) AS col,
         generate_series(%(top)s::int, %(bottom)s::int) AS lin
) AS sheet
JOIN basemap_feature ON geom && wide
WHERE to_zoom >= 10;

-- index_features --
CREATE INDEX ON basemap_feature USING gist (geom);

-- index_pieces --
CREATE INDEX ON basemap_piece USING gist (geom);

-- analyse --
ANALYZE basemap_feature, basemap_piece;

-- coarse_tile --
-- One tile below zoom 10, all source layers one after the other; shapes are thinned to a third of a pixel.
SELECT string_agg(layer_bytes, ''::bytea ORDER BY source_layer)
FROM (
    SELECT source_layer, ST_AsMVT(feature, source_layer, 4096, 'geom') AS layer_bytes
    FROM (
        SELECT source_layer, feature
        FROM (
            SELECT source_layer, props,
                   ST_AsMVTGeom(ST_Simplify(geom, %(thin)s), ST_TileEnvelope(%(z)s, %(x)s, %(y)s), 4096, 80) AS geom
            FROM basemap_feature
            WHERE geom && ST_TileEnvelope(%(z)s, %(x)s, %(y)s, margin => 0.02)
              AND %(z)s BETWEEN from_zoom AND to_zoom
        ) AS shown,
        LATERAL (SELECT shown.geom, shown.props) AS feature
        WHERE shown.geom IS NOT NULL
    ) AS kept
    GROUP BY source_layer
) AS layers;

-- fine_tile --
-- One tile from zoom 10 on, from the pieces of the zoom-10 tile above it.
SELECT string_agg(layer_bytes, ''::bytea ORDER BY source_layer)
FROM (
    SELECT source_layer, ST_AsMVT(feature, source_layer, 4096, 'geom') AS layer_bytes
    FROM (
        SELECT source_layer, feature
        FROM (
            SELECT source_layer, props,
                   ST_AsMVTGeom(ST_Simplify(geom, %(thin)s), ST_TileEnvelope(%(z)s, %(x)s, %(y)s), 4096, 80) AS geom
            FROM basemap_piece
            WHERE geom && ST_TileEnvelope(%(z)s, %(x)s, %(y)s, margin => 0.02)
              AND col = %(x)s >> (%(z)s - 10) AND lin = %(y)s >> (%(z)s - 10)
              AND %(z)s BETWEEN from_zoom AND to_zoom
        ) AS shown,
        LATERAL (SELECT shown.geom, shown.props) AS feature
        WHERE shown.geom IS NOT NULL
    ) AS kept
    GROUP BY source_layer
) AS layers;
