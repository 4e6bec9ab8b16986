-- What loads of reference layers ask of the store.

-- provenance --
SELECT provenance FROM cop.layer WHERE id = %(layer)s;

-- loaded_at --
SELECT loaded_at FROM cop.layer WHERE id = %(layer)s;

-- stations --
-- The weather stations that observations are placed by.
SELECT id, name_en, name_zh, ST_AsBinary(geom) FROM layer.weather_stations;
