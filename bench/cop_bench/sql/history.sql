-- A million versions of 20,000 incidents, written as the triggers would have, at a hundred times their rate.

-- begin_load --
SELECT cop.begin_load('incidents', '\x01');

-- insert_incidents --
-- Points spread evenly over the territory; three in ten are public, six for departments, one its owner's alone.
INSERT INTO layer.incidents (id, provenance, category, title_en, title_zh, description_en, department, status, major, severity,
                             message_status, release, reported_at, district, location_en, source, source_ref, dead, geom)
SELECT 'I-20250923-' || lpad(i::text, 5, '0'), 'exercise', (ARRAY['flood', 'landslide', 'road', 'fallen_tree'])[1 + i %% 4],
       'Measured incident ' || i, '量度事故' || i, 'Reported by a resident near Measured Road ' || i %% 200,
       (ARRAY['DSD', 'FSD', 'CEDD', 'HyD'])[1 + i %% 4], 'reported', i %% 50 = 0, 'minor', 'exercise',
       CASE WHEN i %% 10 < 3 THEN 'public' WHEN i %% 10 < 9 THEN 'departments' ELSE 'owner' END,
       TIMESTAMPTZ '2025-09-23 00:00Z' + i * INTERVAL '3 s', 'CW', 'Measured Road ' || i %% 200, 'bench', i::text, i %% 3,
       ST_SetSRID(ST_MakePoint(round((113.85 + 0.50 * mod(0.5 + i * 0.7548776662466927::numeric, 1)), 7)::float8,
                               round((22.20 + 0.32 * mod(0.5 + i * 0.5698402909980532::numeric, 1)), 7)::float8), 4326)
FROM generate_series(1, %(records)s::integer) AS i;

-- indexes --
-- The indexes of the versions, to be made again when all rows are there.
SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'history' AND tablename = 'incidents';

-- first --
-- The records as the load left them, in an order that mixes their numbers.
CREATE TEMP TABLE first AS SELECT *, row_number() OVER (ORDER BY md5(id)) AS place FROM history.incidents;

-- empty --
TRUNCATE history.incidents;

-- versions --
-- Round after round each record is written once: version k of the record at a place has the number k * records + place.
INSERT INTO history.incidents ({columns}, seq, seq_to)
SELECT {columns}, k::bigint * %(records)s + place,
       CASE WHEN k = %(rounds)s - 1 THEN 9223372036854775807 ELSE (k + 1)::bigint * %(records)s + place END
FROM generate_series(0, %(rounds)s - 1) AS k CROSS JOIN first;

-- present --
UPDATE layer.incidents AS t SET seq = (%(rounds)s - 1)::bigint * %(records)s + f.place FROM first AS f WHERE f.id = t.id;

-- forget_marks --
DELETE FROM cop.mark_log WHERE layer = 'incidents';

-- marks_log --
-- In the first round the counts grow; from then on they stand and the marks move.
INSERT INTO cop.mark_log
SELECT 'incidents', cls, k::bigint * %(records)s + place,
       CASE WHEN k = 0 THEN row_number() OVER (PARTITION BY k, cls ORDER BY place) ELSE count(*) OVER (PARTITION BY k, cls) END
FROM generate_series(0, %(rounds)s - 1) AS k CROSS JOIN first;

-- marks --
UPDATE cop.mark AS m SET n = (SELECT max(n) FROM cop.mark_log AS g WHERE g.layer = m.layer AND g.cls = m.cls) WHERE layer = 'incidents';

-- own_write --
SELECT set_config('cop.own_write', %(on)s, true);

-- settle --
VACUUM (ANALYZE);

-- counted --
SELECT count(*) FROM history.incidents;
