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
SELECT id, {columns}, '\x'::bytea AS wkb, geom, '\x'::bytea AS hash, '{{}}'::jsonb AS said FROM {table} WITH NO DATA;

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
INSERT INTO cop.layer AS l (id, spec, manifest, provenance, loaded_at, published_at)
VALUES (%(layer)s, '{{}}', %(manifest)s, %(provenance)s, clock_timestamp(), %(published_at)s)
ON CONFLICT (id) DO UPDATE SET manifest = coalesce(excluded.manifest, l.manifest), provenance = excluded.provenance,
    loaded_at = excluded.loaded_at, published_at = excluded.published_at;

-- published_later --
-- When the real copy that a layer holds was published, where that is later; a copy of unknown age is older than any.
SELECT published_at FROM cop.layer WHERE id = %(layer)s AND provenance = 'real'
    AND published_at > coalesce(%(published_at)s::timestamptz, '-infinity');

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
-- Records of other systems, known by source and number there. An older word never replaces a newer one; `sure`: that
-- was looked at already.
MERGE INTO {table} AS t USING staging AS s
ON t.source = s.source AND t.source_ref = s.source_ref AND t.message_status = s.message_status
WHEN MATCHED AND (%(sure)s OR {not_older}) AND ({s_told}, s.geom) IS DISTINCT FROM ({t_told}, t.geom)
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
-- Of all that a feed's answer holds, what it has not said in these words already: most of an answer is as it was.
SELECT s.source_ref FROM staging AS s
LEFT JOIN cop.feed_record AS k ON k.feed = %(feed)s AND k.mode = %(mode)s AND k.ref = s.source_ref
WHERE k.ref IS NULL OR k.absent_since IS NOT NULL OR k.hash IS DISTINCT FROM s.hash;

-- hash_words --
UPDATE staging AS s SET hash = {said};

-- adopt --
-- What the other feed of the same news has told under a number in common becomes this feed's: one record, its links
-- and its history stay, and what machines have said of it goes along.
WITH pair AS (
    SELECT DISTINCT ON (p.id) p.* FROM (
        SELECT DISTINCT ON (s.source_ref) t.id, t.source_ref AS theirs, s.source_ref AS ours
        FROM staging AS s JOIN {table} AS t
            ON t.source = %(other)s AND t.message_status = s.message_status AND t.{numbers} && s.{numbers}
        WHERE NOT EXISTS (SELECT FROM {table} AS o WHERE o.source = s.source AND o.source_ref = s.source_ref
                                                     AND o.message_status = s.message_status)
        ORDER BY s.source_ref, t.{into} IS NOT NULL, t.seq, t.id) AS p
    ORDER BY p.id, p.ours),
taken AS (
    UPDATE {table} AS t SET source = %(feed)s, source_ref = p.ours FROM pair AS p WHERE t.id = p.id)
INSERT INTO cop.feed_record AS k (feed, mode, ref, hash, said)
SELECT %(feed)s, %(mode)s, p.ours, '\x', r.said FROM pair AS p
LEFT JOIN cop.feed_record AS r ON r.feed = %(other)s AND r.mode = %(mode)s AND r.ref = p.theirs
ON CONFLICT (feed, mode, ref) DO UPDATE SET absent_since = NULL, missing_since = NULL, hash = excluded.hash, said = excluded.said;

-- drop_overtaken --
-- What a feed's word cannot change: records that people have withdrawn, and in a late answer every record that is
-- known. A late answer's new records came and went before the newest answer.
DELETE FROM staging AS s USING cop.feed_record AS k
WHERE k.feed = %(feed)s AND k.mode = %(mode)s AND k.ref = s.source_ref
  AND (%(late)s OR NOT EXISTS (SELECT FROM {table} AS t WHERE t.source = s.source AND t.source_ref = s.source_ref
                                                          AND t.message_status = s.message_status));

-- drop_older --
-- Where a time keeps its first word, the feed's own last word tells whether this one is older.
DELETE FROM staging AS s USING cop.feed_record AS k
WHERE k.feed = %(feed)s AND k.mode = %(mode)s AND k.ref = s.source_ref AND k.hash <> '\x'
  AND s.{time} < (k.said ->> {time_name})::timestamptz;

-- drop_said --
-- What the feed has said in these words already: what people have changed since then stays. A record that was gone and
-- comes back is said anew.
DELETE FROM staging AS s USING cop.feed_record AS k
WHERE k.feed = %(feed)s AND k.mode = %(mode)s AND k.ref = s.source_ref AND k.absent_since IS NULL
  AND k.hash = s.hash;

-- complete --
-- A column that a record always has, and of which the source says nothing: as the source said it last, else as it
-- stands (somebody else may have told it), else its default. So it is no word of the source, and takes none away.
UPDATE staging AS s SET {completed} FROM staging AS o
LEFT JOIN {table} AS t ON t.source = o.source AND t.source_ref = o.source_ref AND t.message_status = o.message_status
LEFT JOIN cop.feed_record AS k ON k.feed = %(feed)s::text AND k.mode = o.message_status AND k.ref = o.source_ref
CROSS JOIN LATERAL jsonb_populate_record(NULL::{table}, coalesce(k.said, '{{}}')) AS b
WHERE o.ctid = s.ctid;

-- fill --
-- A stand-in tells less: what it leaves out stays as the main feed told it, and so does a place that it cannot tell.
UPDATE staging AS s SET {filled} FROM cop.feed_record AS k CROSS JOIN LATERAL jsonb_populate_record(NULL::{table}, k.said) AS b
WHERE k.feed = %(feed)s AND k.mode = %(mode)s AND k.ref = s.source_ref AND k.said IS NOT NULL;

-- note_words --
-- What the source says, kept to know later what others have changed.
UPDATE staging AS s SET said = (to_jsonb(s) - ARRAY['id', 'wkb', 'geom', 'hash', 'said']) || jsonb_build_object('geom', s.geom::text);

-- leave --
-- Of a record that others have told before the feed first speaks of it, what the feed leaves out stays.
UPDATE staging AS s SET {filled} FROM {table} AS b
WHERE b.source = s.source AND b.source_ref = s.source_ref AND b.message_status = s.message_status
  AND NOT EXISTS (SELECT FROM cop.feed_record AS k WHERE k.feed = %(feed)s AND k.mode = %(mode)s AND k.ref = s.source_ref
                                                     AND k.said IS NOT NULL);

-- keep_first --
UPDATE staging AS s SET {firsts} FROM {table} AS t
WHERE t.source = s.source AND t.source_ref = s.source_ref AND t.message_status = s.message_status;

-- hold --
-- A column in which the register is not as the source said it last was changed by a person, and the person's word stays.
-- What the source says otherwise is listed beside it.
UPDATE staging AS s SET {held} FROM {table} AS t JOIN cop.feed_record AS k
    ON k.feed = %(feed)s AND k.mode = %(mode)s AND k.ref = t.source_ref AND t.source = k.feed
CROSS JOIN LATERAL jsonb_populate_record(NULL::{table}, k.said) AS b
WHERE k.said IS NOT NULL AND t.source = s.source AND t.source_ref = s.source_ref AND t.message_status = s.message_status;

-- know_records --
-- These records are the feed's, and its answer holds them; those of a late answer are gone already.
INSERT INTO cop.feed_record AS k (feed, mode, ref, absent_since, hash, said)
SELECT %(feed)s, %(mode)s, source_ref, CASE WHEN %(late)s THEN %(at)s::timestamptz END, hash, said FROM staging AS s
ON CONFLICT (feed, mode, ref) DO UPDATE
    SET absent_since = excluded.absent_since, missing_since = NULL, hash = excluded.hash, said = excluded.said
WHERE (k.absent_since, k.hash, k.said) IS DISTINCT FROM (excluded.absent_since, excluded.hash, excluded.said);

-- join_twins --
-- New records with another party's number that an earlier record has repeat that one. A new one has no number yet.
UPDATE {table} AS t SET {into} = f.id
FROM staging AS s, LATERAL (
    SELECT o.id FROM {table} AS o
    WHERE o.{numbers} && s.{numbers} AND o.{into} IS NULL AND o.seq > 0 AND o.message_status = s.message_status
    ORDER BY o.seq, o.id LIMIT 1) AS f
WHERE t.source = s.source AND t.source_ref = s.source_ref AND t.message_status = s.message_status
  AND t.seq = 0 AND t.{into} IS NULL AND cardinality(s.{numbers}) > 0;

-- named_again --
UPDATE cop.feed_record SET missing_since = NULL
WHERE feed = %(feed)s AND mode = %(mode)s AND missing_since IS NOT NULL AND ref = ANY (%(refs)s);

-- gone_records --
-- What the feed has brought and its answer does not name, with the time since when it is waited for; the newest first.
SELECT k.ref, k.missing_since FROM cop.feed_record AS k
LEFT JOIN {table} AS t ON t.source = k.feed AND t.source_ref = k.ref AND t.message_status = k.mode
WHERE k.feed = %(feed)s AND k.mode = %(mode)s AND k.absent_since IS NULL AND k.ref <> ALL (%(refs)s)
ORDER BY t.{time} DESC NULLS LAST, k.ref DESC;

-- wait_for --
UPDATE cop.feed_record SET missing_since = coalesce(missing_since, %(at)s)
WHERE feed = %(feed)s AND mode = %(mode)s AND ref = ANY (%(refs)s);

-- stage_gone --
-- Records as their source said them last, or as they are where that is not kept.
INSERT INTO staging (id, {columns}, geom, hash)
SELECT t.id, {g_columns}, g.geom, k.hash FROM {table} AS t JOIN cop.feed_record AS k
    ON k.feed = %(feed)s AND k.mode = %(mode)s AND k.ref = t.source_ref AND t.source = k.feed AND t.message_status = k.mode
CROSS JOIN LATERAL jsonb_populate_record(t, coalesce(k.said, '{{}}')) AS g
WHERE k.ref = ANY (%(refs)s);

-- forget_records --
-- Gone since then; a word that the other feed took over is said anew when this one speaks again.
UPDATE cop.feed_record AS k SET absent_since = %(at)s, missing_since = NULL, said = coalesce(s.said, k.said),
    hash = CASE WHEN %(taken)s THEN NULL ELSE k.hash END
FROM unnest(%(refs)s::text[]) AS r (ref) LEFT JOIN staging AS s ON s.source_ref = r.ref
WHERE k.feed = %(feed)s AND k.mode = %(mode)s AND k.ref = r.ref;

-- settle --
-- The feed has spoken again: what it names no more is over, and nothing is waited for.
UPDATE cop.feed_record SET hash = '\x' WHERE feed = %(feed)s AND mode = %(mode)s AND hash IS NULL AND absent_since IS NOT NULL;
