-- Statements of a load. {braces} are identifiers, put in by psycopg.sql; values are parameters.

-- begin_run --
-- A run's row, written before anything is read, so that a failure leaves a trace.
INSERT INTO cop.run (layer, origin, raw_hash, provenance, turn)
VALUES (%(layer)s, %(origin)s, %(raw_hash)s, %(provenance)s, %(turn)s) RETURNING id;

-- keep_raw --
-- The payload's bytes by their hash, kept once.
INSERT INTO cop.raw (hash, body, coding) VALUES (%(hash)s, %(body)s, 'zlib') ON CONFLICT DO NOTHING;

-- touch_raw --
-- Whether the payload is kept; where it was kept for more than an hour, its time of keeping begins anew.
WITH kept AS (SELECT hash, kept_at FROM cop.raw WHERE hash = %(hash)s),
     touched AS (UPDATE cop.raw AS r SET kept_at = clock_timestamp() FROM kept AS k
                  WHERE r.hash = k.hash AND k.kept_at < clock_timestamp() - interval '1 hour')
SELECT 1 FROM kept;

-- kept_raw --
SELECT coding, body FROM cop.raw WHERE hash = %(hash)s;

-- hold_lease --
-- The feed's row, where the load's own token still is the newest: who takes the feed over waits for this transaction.
SELECT 1 FROM cop.feed WHERE feed = %(feed)s AND mode = %(mode)s AND token = %(token)s FOR UPDATE;

-- acting --
-- Who loads, and why. What an exercise's feeds bring is told at the time on the exercise's clock.
SELECT set_config('cop.actor', 'ingest', true), set_config('cop.cause', %(cause)s, true),
       set_config('cop.scenario_at', CASE %(mode)s::text WHEN 'exercise' THEN 'live' ELSE '' END, true);

-- finish_run --
-- What a run saw and did.
UPDATE cop.run SET finished_at = clock_timestamp(), state = %(state)s, seen = %(seen)s, inserted = %(inserted)s,
    updated = %(updated)s, closed = %(closed)s, unchanged = %(unchanged)s, refused = %(refused)s, n = %(n)s, cause = %(cause)s
WHERE id = %(run)s;

-- remark --
-- A record that was refused or mended, with the reason.
INSERT INTO cop.remark (run, ordinal, kind, feature, reason, record) VALUES (%s, %s, %s, %s, %s, %s);

-- staging --
-- The records as they came, in the layer's columns.
CREATE TEMP TABLE staging ON COMMIT DROP AS
SELECT id, {columns}, '\x'::bytea AS wkb, geom FROM {table} WITH NO DATA;

-- copy --
COPY staging (id, {columns}, wkb) FROM STDIN;

-- shape --
-- From WKB to geometry, once for all rows.
UPDATE staging SET geom = ST_GeomFromWKB(wkb, 4326) WHERE wkb IS NOT NULL;

-- changes_of_a_whole --
-- What differs between a complete copy of the layer and the store; what is absent from it is closed.
CREATE TEMP TABLE change ON COMMIT DROP AS
SELECT coalesce(s.id, t.id) AS id, {s_columns}, s.geom,
       CASE WHEN s.id IS NULL THEN 'closed' WHEN t.id IS NULL THEN 'inserted' ELSE 'updated' END AS change
FROM staging AS s FULL JOIN {table} AS t ON t.id = s.id
WHERE s.id IS NULL OR t.id IS NULL
   OR ({s_columns}, s.geom) IS DISTINCT FROM ({t_columns}, t.geom);

-- changes_of_a_part --
-- What differs between some records and the store; what is absent stays as it is.
CREATE TEMP TABLE change ON COMMIT DROP AS
SELECT s.id, {s_columns}, s.geom, CASE WHEN t.id IS NULL THEN 'inserted' ELSE 'updated' END AS change
FROM staging AS s LEFT JOIN {table} AS t ON t.id = s.id
WHERE t.id IS NULL OR ({s_columns}, s.geom) IS DISTINCT FROM ({t_columns}, t.geom);

-- count_changes --
SELECT count(*) FILTER (WHERE change = 'inserted'), count(*) FILTER (WHERE change = 'updated'),
       count(*) FILTER (WHERE change = 'closed') FROM change;

-- begin_load --
SELECT cop.begin_load(%(layer)s, %(manifest)s);

-- merge --
-- One statement inserts, updates and closes.
MERGE INTO {table} AS t USING change AS c ON t.id = c.id
WHEN MATCHED AND c.change = 'closed' THEN DELETE
WHEN MATCHED THEN UPDATE SET {assignments}, geom = c.geom
WHEN NOT MATCHED AND c.change <> 'closed' THEN INSERT (id, {columns}, geom) VALUES (c.id, {c_columns}, c.geom);

-- loaded --
-- What the layer now holds came from this manifest; where none is told, from the one before and what came since.
INSERT INTO cop.layer AS l (id, spec, manifest, provenance, loaded_at)
VALUES (%(layer)s, '{{}}', %(manifest)s, %(provenance)s, clock_timestamp())
ON CONFLICT (id) DO UPDATE SET manifest = coalesce(excluded.manifest, l.manifest), provenance = excluded.provenance,
    loaded_at = excluded.loaded_at;

-- loaded_manifest --
SELECT manifest FROM cop.layer WHERE id = %(layer)s;

-- days_of_series --
-- A partition for each day that the staged records fall in.
SELECT cop.ensure_day(%(layer)s, day) FROM (SELECT DISTINCT ({time} AT TIME ZONE 'UTC')::date AS day FROM staging) AS days;

-- extend_series --
-- A time that is published again replaces the earlier word, unless it comes from an older file. An exercise never
-- replaces what is real.
INSERT INTO {series} AS o (id, {columns}, published_at)
SELECT id, {columns}, %(published_at)s FROM staging
ON CONFLICT (id, {time}) DO UPDATE SET {assignments_excluded}, published_at = excluded.published_at
WHERE o.published_at <= excluded.published_at AND (o.provenance = excluded.provenance OR excluded.provenance = 'real');

-- latest_of_series --
-- The staged sensors' newest observations take the place of what was staged: a late file cannot turn the latest back.
-- Real observations and those of an exercise are no competitors: a recording of last year must not hide the exercise's day.
WITH newest AS (
    SELECT s.id, o.* FROM (SELECT DISTINCT id, provenance FROM staging) AS s
    CROSS JOIN LATERAL (SELECT {columns} FROM {series} AS x WHERE x.id = s.id AND x.provenance = s.provenance
                         ORDER BY {time} DESC LIMIT 1) AS o
)
UPDATE staging AS s SET {assignments_newest} FROM newest AS n WHERE n.id = s.id;

-- once_each --
-- A file may hold several times of a sensor; what the layer shows is one.
DELETE FROM staging AS s USING staging AS o WHERE s.id = o.id AND s.ctid > o.ctid;

-- merge_register --
-- Records of other systems, known by source and number there. An older word never replaces a newer one.
MERGE INTO {table} AS t USING staging AS s
ON t.source = s.source AND t.source_ref = s.source_ref AND t.message_status = s.message_status
WHEN MATCHED AND {not_older} AND ({s_told}, s.geom) IS DISTINCT FROM ({t_told}, t.geom)
    THEN UPDATE SET {assignments_told}, geom = s.geom
WHEN NOT MATCHED THEN INSERT ({columns}, geom) VALUES ({s_columns}, s.geom);

-- known_of_register --
SELECT count(*) FROM {table} AS t JOIN staging AS s
    ON t.source = s.source AND t.source_ref = s.source_ref AND t.message_status = s.message_status;

-- number_now --
-- Number the transaction's changes now, so that the load's row can name the last.
SET CONSTRAINTS ALL IMMEDIATE;

-- head --
SELECT n FROM cop.head;

-- to_do_of_register --
-- Of all that a feed's answer holds, what is not in the register just so: most of an answer is as it was.
SELECT s.source_ref FROM staging AS s
LEFT JOIN {table} AS t ON t.source = s.source AND t.source_ref = s.source_ref AND t.message_status = s.message_status
LEFT JOIN cop.feed_record AS k ON k.feed = %(feed)s AND k.mode = %(mode)s AND k.ref = s.source_ref
WHERE t.id IS NULL OR k.ref IS NULL OR k.absent_since IS NOT NULL
   OR ({s_columns}, s.geom) IS DISTINCT FROM ({t_columns}, t.geom);

-- drop_overtaken --
-- What a feed's word cannot change: records that people have withdrawn, and in a late answer every record that is
-- known. A late answer's new records came and went before the newest answer.
DELETE FROM staging AS s USING cop.feed_record AS k
WHERE k.feed = %(feed)s AND k.mode = %(mode)s AND k.ref = s.source_ref
  AND (%(late)s OR NOT EXISTS (SELECT FROM {table} AS t WHERE t.source = s.source AND t.source_ref = s.source_ref
                                                          AND t.message_status = s.message_status));

-- drop_said --
-- What the feed has said in these words already: what people have changed since then stays. A record that was gone and
-- comes back is said anew.
DELETE FROM staging AS s USING cop.feed_record AS k
WHERE k.feed = %(feed)s AND k.mode = %(mode)s AND k.ref = s.source_ref AND k.absent_since IS NULL
  AND k.hash = {said};

-- know_records --
-- These records are the feed's, and its answer holds them; those of a late answer are gone already.
INSERT INTO cop.feed_record AS k (feed, mode, ref, absent_since, hash)
SELECT %(feed)s, %(mode)s, source_ref, CASE WHEN %(late)s THEN %(at)s::timestamptz END, {said} FROM staging AS s
ON CONFLICT (feed, mode, ref) DO UPDATE SET absent_since = excluded.absent_since, hash = excluded.hash
WHERE (k.absent_since, k.hash) IS DISTINCT FROM (excluded.absent_since, excluded.hash);

-- join_twins --
-- New records with another party's number that an earlier record has repeat that one. A new one has no number yet.
UPDATE {table} AS t SET {into} = f.id
FROM staging AS s, LATERAL (
    SELECT o.id FROM {table} AS o
    WHERE o.{numbers} && s.{numbers} AND o.{into} IS NULL AND o.seq > 0 AND o.message_status = s.message_status
    ORDER BY o.seq, o.id LIMIT 1) AS f
WHERE t.source = s.source AND t.source_ref = s.source_ref AND t.message_status = s.message_status
  AND t.seq = 0 AND t.{into} IS NULL AND cardinality(s.{numbers}) > 0;

-- gone_records --
SELECT ref FROM cop.feed_record
WHERE feed = %(feed)s AND mode = %(mode)s AND absent_since IS NULL AND ref <> ALL (%(refs)s);

-- close_absent --
UPDATE {table} AS t SET {values}
WHERE t.source = %(feed)s AND t.message_status = %(mode)s AND t.source_ref = ANY (%(refs)s);

-- forget_records --
UPDATE cop.feed_record SET absent_since = %(at)s
WHERE feed = %(feed)s AND mode = %(mode)s AND ref = ANY (%(refs)s);
