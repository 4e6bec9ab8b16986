-- What the gazetteer is made of: names and shapes of our own layers.

-- entries --
-- One row a feature: id, names in the order of the layer file, house number, district, shape in EPSG:2326 (x easting).
SELECT id, ARRAY[{names}]::text[], {number}::text, {district}::text, ST_AsBinary(ST_Transform(geom, 2326))
FROM {table}
WHERE geom IS NOT NULL AND num_nonnulls({names}) > 0
ORDER BY id;

-- versions --
-- What tells whether the layers are still those that the gazetteer was made of.
SELECT coalesce(max(n), 0) FROM cop.mark WHERE layer = ANY (%(layers)s);
