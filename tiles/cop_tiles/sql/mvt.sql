-- Vector tiles. {braces} are identifiers, conditions and placeholders, put in by psycopg.sql.
-- The condition holds the tile's box with its buffer, so that nothing is cut at the edges.

-- points --
-- One point a cell: those that would lie on each other are one mark on the map.
SELECT ST_AsMVT(q, {layer}, 4096, 'mvt') FROM (
    SELECT ST_AsMVTGeom(t.geom_3857, {envelope}, 4096, 64, true) AS mvt, {columns} FROM (
        SELECT DISTINCT ON (floor(ST_X(t.geom_3857) / {cell}), floor(ST_Y(t.geom_3857) / {cell})) {kept}
        FROM {relation} AS t WHERE {condition}
        ORDER BY floor(ST_X(t.geom_3857) / {cell}), floor(ST_Y(t.geom_3857) / {cell}), {order}
    ) AS t
) AS q WHERE mvt IS NOT NULL;

-- all_points --
-- Every point, where a cell would be smaller than what a screen can tell apart.
SELECT ST_AsMVT(q, {layer}, 4096, 'mvt') FROM (
    SELECT ST_AsMVTGeom(t.geom_3857, {envelope}, 4096, 64, true) AS mvt, {columns}
    FROM {relation} AS t WHERE {condition}
) AS q WHERE mvt IS NOT NULL;

-- shapes --
-- Lines and areas: what is smaller than a cell is left out, the rest loses the vertices that no pixel shows.
SELECT ST_AsMVT(q, {layer}, 4096, 'mvt') FROM (
    SELECT ST_AsMVTGeom(ST_Simplify(t.geom_3857, {cell} / 2), {envelope}, 4096, 64, true) AS mvt, {columns}
    FROM {relation} AS t
    WHERE {condition}
      AND greatest(ST_XMax(t.geom_3857) - ST_XMin(t.geom_3857), ST_YMax(t.geom_3857) - ST_YMin(t.geom_3857)) >= {cell}
) AS q WHERE mvt IS NOT NULL;

-- all_shapes --
-- Lines and areas as they are.
SELECT ST_AsMVT(q, {layer}, 4096, 'mvt') FROM (
    SELECT ST_AsMVTGeom(t.geom_3857, {envelope}, 4096, 64, true) AS mvt, {columns}
    FROM {relation} AS t WHERE {condition}
) AS q WHERE mvt IS NOT NULL;

-- mixed --
-- Points, lines and areas in one layer: each by its own rule.
SELECT ST_AsMVT(q, {layer}, 4096, 'mvt') FROM (
    SELECT ST_AsMVTGeom(CASE WHEN ST_Dimension(t.geom_3857) = 0 THEN t.geom_3857 ELSE ST_Simplify(t.geom_3857, {cell} / 2) END,
                        {envelope}, 4096, 64, true) AS mvt, {columns}
    FROM (
        SELECT DISTINCT ON (CASE WHEN ST_Dimension(t.geom_3857) = 0 THEN '' ELSE t.id END,
                            floor(ST_XMin(t.geom_3857) / {cell}), floor(ST_YMin(t.geom_3857) / {cell})) {kept}
        FROM {relation} AS t
        WHERE {condition}
          AND (ST_Dimension(t.geom_3857) = 0 OR greatest(ST_XMax(t.geom_3857) - ST_XMin(t.geom_3857),
                                                         ST_YMax(t.geom_3857) - ST_YMin(t.geom_3857)) >= {cell})
        ORDER BY CASE WHEN ST_Dimension(t.geom_3857) = 0 THEN '' ELSE t.id END,
                 floor(ST_XMin(t.geom_3857) / {cell}), floor(ST_YMin(t.geom_3857) / {cell}), {order}
    ) AS t
) AS q WHERE mvt IS NOT NULL;
