-- What the store knows of layers.

-- loaded --
-- Provenance and time of each layer's last load, and its mark.
SELECT l.id, l.provenance, l.loaded_at, coalesce(m.n, 0)
FROM cop.layer AS l LEFT JOIN (SELECT layer, max(n) AS n FROM cop.mark WHERE cls = ANY (%(classes)s) GROUP BY layer) AS m
    ON m.layer = l.id;

-- extent --
-- The box and interval of what is visible.
SELECT ST_XMin(box), ST_YMin(box), ST_XMax(box), ST_YMax(box), first, last
FROM (SELECT ST_Extent({shape}) AS box, min({time}) AS first, max({time}) AS last
      FROM {table} AS t WHERE t.cls = ANY (%(classes)s)) AS found;
