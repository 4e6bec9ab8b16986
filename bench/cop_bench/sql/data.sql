-- The data of the measurement. Everything follows from a row's number, so every run measures the same features.

-- begin_load --
SELECT cop.begin_load(%(layer)s, '\x01');

-- insert_slopes --
-- Slopes spread evenly over a box of 0.50 by 0.32 degrees: 12 corners at 8 to 30 m around a centre, seven decimals.
INSERT INTO layer.slopes (id, provenance, slope_no, category, location_en, location_zh, maintained_by, height_m,
                          gradient_deg, formed_year, inspected_on, geom)
SELECT 'S' || lpad(i::text, 5, '0'), 'exercise', '11NW-A/C' || i,
       (ARRAY['cut', 'fill', 'wall', 'terrain'])[1 + i %% 4],
       'Uphill of ' || i %% 200 || ' Measured Road, Area ' || i %% 37, '量度路' || i %% 200 || '號上方, 第' || i %% 37 || '區',
       (ARRAY['HyD', 'LandsD', 'Private', 'ArchSD', 'WSD'])[1 + i %% 5],
       3 + i * 7 %% 400 / 10.0, 25 + i * 11 %% 65, 1950 + i %% 70, DATE '2020-01-01' + i %% 1800,
       (SELECT ST_SetSRID(ST_MakePolygon(ST_AddPoint(ring, ST_StartPoint(ring))), 4326) FROM (
            SELECT ST_MakeLine(ST_MakePoint(round((x + metres * cos(turn) / 102850)::numeric, 7)::float8,
                                            round((y + metres * sin(turn) / 111195)::numeric, 7)::float8) ORDER BY k) AS ring
            FROM (SELECT k, k * pi() / 6 AS turn, 8 + (i * 31 + k * 17) %% 23 AS metres FROM generate_series(0, 11) AS k) AS c
       ) AS r)
FROM (SELECT i, 113.85 + 0.50 * mod(0.5 + i * 0.7548776662466927::numeric, 1)::float8 AS x,
             22.20 + 0.32 * mod(0.5 + i * 0.5698402909980532::numeric, 1)::float8 AS y
      FROM generate_series(1, %(count)s::integer) AS i) AS s;

-- copy_incidents --
COPY layer.incidents (id, provenance, {columns}, geom) FROM STDIN;

-- make_schema --
CREATE SCHEMA stock;

-- copy_of_layer --
-- What COP publishes of a layer, as the plain table that stock pygeoapi's users have.
CREATE TABLE {copy} AS SELECT id, {columns}, provenance, geom FROM {layer} ORDER BY id;

-- add_key --
ALTER TABLE {copy} ADD PRIMARY KEY (id);

-- add_geometry_index --
CREATE INDEX ON {copy} USING gist (geom);

-- add_time_index --
CREATE INDEX ON {copy} ({time}, id);

-- grant_schema --
GRANT USAGE ON SCHEMA stock TO {reader};

-- grant_tables --
GRANT SELECT ON ALL TABLES IN SCHEMA stock TO {reader};

-- settle --
VACUUM (ANALYZE);

-- crowded_box --
-- The box of 1/100 of the area, among a grid of them, whose number of incidents is nearest to the mean of all.
WITH area AS (
    SELECT ST_XMin(e) AS w, ST_YMin(e) AS s, (ST_XMax(e) - ST_XMin(e)) / 10 AS dx, (ST_YMax(e) - ST_YMin(e)) / 10 AS dy
    FROM (SELECT ST_Extent(geom)::geometry AS e FROM stock.incidents) AS x
), boxes AS (
    SELECT w + i * dx AS x1, s + j * dy AS y1, w + (i + 1) * dx AS x2, s + (j + 1) * dy AS y2
    FROM area, generate_series(0, 9) AS i, generate_series(0, 9) AS j
)
SELECT round(x1::numeric, 5)::float8, round(y1::numeric, 5)::float8, round(x2::numeric, 5)::float8, round(y2::numeric, 5)::float8
FROM boxes
ORDER BY abs((SELECT count(*) FROM stock.incidents AS t WHERE t.geom && ST_MakeEnvelope(x1, y1, x2, y2, 4326)) - 200), x1, y1
LIMIT 1;
