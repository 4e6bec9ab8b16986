-- Vector tiles. {braces} are identifiers, conditions and placeholders, put in by psycopg.sql.
-- A shape that clipping leaves nothing of is passed over by ST_AsMVT; a WHERE for that would clip each shape twice.
-- The condition holds the tile's box with its buffer, so that nothing is cut at the edges.

-- points --
-- One point a cell: those that would lie on each other are one mark on the map, which says how many it stands for.
SELECT ST_AsMVT(q, {layer}, 4096, 'mvt') FROM (
    SELECT ST_AsMVTGeom(t.{shape}, {envelope}, 4096, 64, true) AS mvt, {columns}, point_count FROM (
        SELECT DISTINCT ON (x, y) t.*, count(*) OVER (PARTITION BY x, y) AS point_count FROM (
            SELECT {kept}, floor(ST_X(t.{shape}) / {cell}) AS x, floor(ST_Y(t.{shape}) / {cell}) AS y
            FROM {relation} AS t WHERE {condition}
        ) AS t ORDER BY x, y, {order}
    ) AS t
) AS q;

-- shapes --
-- Lines and areas: what is smaller than a cell is left out, the rest loses the vertices that no pixel shows.
SELECT ST_AsMVT(q, {layer}, 4096, 'mvt') FROM (
    SELECT ST_AsMVTGeom(ST_Simplify(t.{shape}, {cell} / 2), {envelope}, 4096, 64, true) AS mvt, {columns}
    FROM {relation} AS t
    WHERE {condition}
      AND greatest(ST_XMax(t.{shape}) - ST_XMin(t.{shape}), ST_YMax(t.{shape}) - ST_YMin(t.{shape})) >= {cell}
) AS q;

-- mixed --
-- Points, lines and areas in one layer: each by its own rule.
SELECT ST_AsMVT(q, {layer}, 4096, 'mvt') FROM (
    SELECT ST_AsMVTGeom(CASE WHEN shape = '' THEN t.{shape} ELSE ST_Simplify(t.{shape}, {cell} / 2) END,
                        {envelope}, 4096, 64, true) AS mvt, {columns}, point_count
    FROM (
        SELECT DISTINCT ON (shape, x, y) t.*, count(*) OVER (PARTITION BY shape, x, y) AS point_count FROM (
            SELECT {kept}, CASE WHEN ST_Dimension(t.{shape}) = 0 THEN '' ELSE t.id END AS shape,
                   floor(ST_XMin(t.{shape}) / {cell}) AS x, floor(ST_YMin(t.{shape}) / {cell}) AS y
            FROM {relation} AS t
            WHERE {condition}
              AND (ST_Dimension(t.{shape}) = 0
                   OR greatest(ST_XMax(t.{shape}) - ST_XMin(t.{shape}),
                               ST_YMax(t.{shape}) - ST_YMin(t.{shape})) >= {cell})
        ) AS t ORDER BY shape, x, y, {order}
    ) AS t
) AS q;

-- whole --
-- Everything as it is, where a screen can tell it apart.
SELECT ST_AsMVT(q, {layer}, 4096, 'mvt') FROM (
    SELECT ST_AsMVTGeom(t.{shape}, {envelope}, 4096, 64, true) AS mvt, {columns}
    FROM {relation} AS t WHERE {condition}
) AS q;
