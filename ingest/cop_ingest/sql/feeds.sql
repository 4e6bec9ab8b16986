-- Statements of the feeds' worker. {braces} are identifiers, put in by psycopg.sql; values are parameters.

-- mark --
-- The number of a layer's last change.
SELECT coalesce(max(n), 0) FROM cop.mark WHERE layer = %(layer)s;

-- shapes --
SELECT {by}::text, ST_AsBinary(geom) FROM {table} WHERE {by} IS NOT NULL;

-- points --
SELECT {by}::text, ST_AsBinary(ST_PointOnSurface(geom)) FROM {table} WHERE {by} IS NOT NULL;

-- know_feeds --
INSERT INTO cop.feed (feed, mode) SELECT unnest(%(feeds)s::text[]), %(mode)s ON CONFLICT DO NOTHING;

-- due --
-- Those whose time has come, and the time when they come again; a feed in somebody's hands is left to him while he lives.
UPDATE cop.feed AS f SET due_at = clock_timestamp() + make_interval(secs => w.every)
FROM unnest(%(feeds)s::text[], %(every)s::float8[]) AS w (feed, every),
     (SELECT c.feed FROM cop.feed AS c JOIN unnest(%(feeds)s::text[], %(every)s::float8[]) AS e (feed, every) USING (feed)
      WHERE c.mode = %(mode)s AND (c.held_until IS NULL OR c.held_until < clock_timestamp())
        -- A story's clock may go faster than when the time was set.
        AND (c.due_at <= clock_timestamp()
             OR c.mode = 'exercise' AND c.due_at > clock_timestamp() + make_interval(secs => e.every))
      FOR UPDATE OF c SKIP LOCKED) AS free
WHERE f.feed = w.feed AND f.feed = free.feed AND f.mode = %(mode)s
RETURNING f.feed;

-- take --
-- Take a feed that nobody holds, or whose holder has not been heard of in time. The token ends what he still does.
UPDATE cop.feed SET holder = %(holder)s, token = token + 1,
    held_until = clock_timestamp() + make_interval(secs => %(seconds)s)
WHERE feed = %(feed)s AND mode = %(mode)s AND (held_until IS NULL OR held_until < clock_timestamp())
RETURNING token, parts, manifest, answered_at, failures, last_good_at, observed_at, state, cause, seen, refused, told_at;

-- renew --
-- The turns that this worker is at. What it once took and is at no longer is not held on to.
UPDATE cop.feed SET held_until = clock_timestamp() + make_interval(secs => %(seconds)s)
WHERE holder = %(holder)s AND feed = ANY (%(feeds)s) AND held_until > clock_timestamp();

-- begin_turn --
-- A turn that was cut is said to be lost by the next one of its feed.
WITH cut AS (UPDATE cop.turn SET outcome = 'lost', finished_at = clock_timestamp(), cause = 'the worker died or was taken for dead'
              WHERE feed = %(feed)s AND mode = %(mode)s AND outcome = 'running')
INSERT INTO cop.turn (feed, mode, holder, token, rerun_of, received_at)
VALUES (%(feed)s, %(mode)s, %(holder)s, %(token)s, %(rerun_of)s, %(received_at)s) RETURNING id;

-- end_runs --
-- The loads that a cut turn had begun.
UPDATE cop.run AS r SET state = 'failed', finished_at = clock_timestamp(), cause = 'cut off: nothing of it was kept'
FROM cop.turn AS t WHERE r.turn = t.id AND t.feed = %(feed)s AND t.mode = %(mode)s AND t.outcome = 'lost' AND r.state = 'running';

-- note_fetch --
INSERT INTO cop.fetch (turn, part, fetched_at, status, hash, bytes, ms, headers, cause, start_hash)
VALUES (%(turn)s, %(part)s, %(fetched_at)s, %(status)s, %(hash)s, %(bytes)s, %(ms)s, %(headers)s, %(cause)s, %(start_hash)s);

-- finish_turn --
UPDATE cop.turn SET finished_at = clock_timestamp(), outcome = %(outcome)s, observed_at = %(observed_at)s,
    published_at = %(published_at)s, seen = %(seen)s, inserted = %(inserted)s, updated = %(updated)s, closed = %(closed)s,
    unchanged = %(unchanged)s, refused = %(refused)s, cause = %(cause)s
WHERE id = %(turn)s;

-- let_go --
-- What the turn came to, and the feed is free again. A word that is not the token's is not heard.
UPDATE cop.feed SET holder = NULL, held_until = NULL, parts = %(parts)s, manifest = %(manifest)s,
    answered_at = %(answered_at)s, failures = %(failures)s, last_attempt_at = %(last_attempt_at)s,
    last_good_at = %(last_good_at)s, observed_at = %(observed_at)s, state = %(state)s, cause = %(cause)s, seen = %(seen)s,
    refused = %(refused)s, told_at = %(told_at)s,
    due_at = CASE WHEN %(again)s::float8 IS NULL THEN due_at ELSE clock_timestamp() + make_interval(secs => %(again)s) END
WHERE feed = %(feed)s AND mode = %(mode)s AND token = %(token)s;

-- release --
-- Free without a word.
UPDATE cop.feed SET holder = NULL, held_until = NULL WHERE feed = %(feed)s AND mode = %(mode)s AND token = %(token)s;

-- note_answered --
-- What a rerun loaded; the next answer is read anew whatever it is.
UPDATE cop.feed SET answered_at = greatest(answered_at, %(answered_at)s), observed_at = greatest(observed_at, %(observed_at)s),
    manifest = NULL WHERE feed = %(feed)s AND mode = %(mode)s AND token = %(token)s;

-- states --
SELECT feed, state, cause, last_attempt_at, last_good_at, observed_at, seen, refused, due_at, holder
FROM cop.feed WHERE mode = %(mode)s ORDER BY feed;

-- standing --
-- A feed's state, and whether it is of now: its last turn ended lately, or it was told to leave its source alone for longer.
SELECT f.state, f.state IS NOT NULL AND (f.due_at > clock_timestamp() + make_interval(secs => %(cadence)s)
    OR EXISTS (SELECT FROM cop.turn AS t WHERE t.feed = f.feed AND t.mode = f.mode AND t.rerun_of IS NULL
                AND t.finished_at > clock_timestamp() - make_interval(secs => greatest(5 * %(cadence)s, 120))))
FROM cop.feed AS f WHERE f.feed = %(feed)s AND f.mode = %(mode)s;

-- last_told --
SELECT f.observed_at FROM cop.feed AS f WHERE f.feed = %(feed)s AND f.mode = %(mode)s
    AND EXISTS (SELECT FROM cop.feed_record AS k WHERE k.feed = f.feed AND k.mode = f.mode AND k.absent_since IS NULL);

-- is_unsettled --
SELECT EXISTS (SELECT FROM cop.feed_record WHERE feed = %(feed)s AND mode = %(mode)s
                AND (hash IS NULL AND absent_since IS NOT NULL OR missing_since IS NOT NULL));

-- holds_records --
-- Whether a feed's records stand in a register as ones that it still holds.
SELECT EXISTS (SELECT FROM cop.feed_record WHERE feed = %(feed)s AND mode = %(mode)s AND absent_since IS NULL);

-- acting --
-- What an exercise's feeds bring is told at the time on the exercise's clock.
SELECT set_config('cop.actor', 'ingest', true), set_config('cop.cause', %(cause)s, true),
       set_config('cop.scenario_at', CASE %(mode)s WHEN 'exercise' THEN 'live' ELSE '' END, true);

-- tell_clock --
-- What the simulator's clock shows, and how fast it goes; what the exercise's clock shows then.
SELECT cop.tell_clock(%(shows)s, %(speed)s);

-- stop_clock --
-- The exercise's clock stands where it is.
SELECT cop.tell_clock(cop.exercise_now(), 0) WHERE cop.running_clock() IS NOT NULL;

-- tell_health --
-- The feed's row in the collection `feeds`.
INSERT INTO layer.feeds (id, title_en, title_zh, department, state, cadence_s, last_attempt_at, last_good_at, observed_at,
    age_s, fresh_at, late_s, stale_s, cause, seen, refused, source, source_ref, message_status, release, provenance, geom)
VALUES (%(id)s, %(title_en)s, %(title_zh)s, %(department)s, %(state)s, %(cadence_s)s, %(last_attempt_at)s, %(last_good_at)s,
    %(observed_at)s, %(age_s)s, %(fresh_at)s, %(late_s)s, %(stale_s)s, %(cause)s, %(seen)s, %(refused)s, %(source)s, %(feed)s, %(mode)s, 'public', %(provenance)s,
    ST_SetSRID(ST_MakePoint(%(x)s, %(y)s), 4326))
ON CONFLICT (id) DO UPDATE SET title_en = excluded.title_en, title_zh = excluded.title_zh, state = excluded.state,
    department = excluded.department, cadence_s = excluded.cadence_s, last_attempt_at = excluded.last_attempt_at,
    last_good_at = excluded.last_good_at, observed_at = excluded.observed_at, age_s = excluded.age_s,
    fresh_at = excluded.fresh_at, late_s = excluded.late_s, stale_s = excluded.stale_s, cause = excluded.cause,
    seen = excluded.seen, refused = excluded.refused, source = excluded.source, geom = excluded.geom;

-- withdraw_story --
-- The states that the exercise's story tells of feeds give way to those of the simulator's. Forms are no feeds of either.
DELETE FROM layer.feeds WHERE message_status = 'exercise' AND source_ref <> ALL (%(feeds)s) AND source <> 'inbox';

-- turns_between --
-- The turns with a whole answer that began in a span of time, in their order: not reruns, and nothing that failed to come.
SELECT t.id, t.received_at FROM cop.turn AS t
WHERE t.feed = %(feed)s AND t.mode = %(mode)s AND t.rerun_of IS NULL AND t.started_at >= %(from)s
  AND (%(to)s::timestamptz IS NULL OR t.started_at <= %(to)s)
  AND EXISTS (SELECT FROM cop.fetch AS f WHERE f.turn = t.id AND f.hash IS NOT NULL) ORDER BY t.id;

-- fetches --
SELECT part, hash, headers, status FROM cop.fetch WHERE turn = %(turn)s AND hash IS NOT NULL;

-- kept_between --
-- What came for a feed in a span of its own time and is kept, turn by turn: turn, part, when, hash, media.
SELECT t.id, f.part, f.fetched_at, f.hash, coalesce(f.headers->>'content-type', '')
FROM cop.turn AS t JOIN cop.fetch AS f ON f.turn = t.id
WHERE t.feed = %(feed)s AND t.mode = %(mode)s AND f.fetched_at BETWEEN %(from)s AND %(to)s AND f.hash IS NOT NULL
ORDER BY f.fetched_at, t.id, f.part;

-- report --
-- A feed's turns by outcome, with the sums of their records; by_runs is what the loads themselves say.
SELECT t.outcome, count(*), sum(t.seen), sum(t.inserted), sum(t.updated), sum(t.unchanged), sum(t.refused), sum(t.closed),
       count(*) FILTER (WHERE t.seen <> t.inserted + t.updated + t.unchanged + t.refused
                           OR (t.outcome IN ('loaded', 'unchanged', 'quiet') AND r.run IS NOT NULL AND
                               (t.inserted, t.updated, t.closed) IS DISTINCT FROM (r.inserted, r.updated, r.closed)))
FROM cop.turn AS t LEFT JOIN LATERAL (
    SELECT max(id) AS run, sum(inserted) AS inserted, sum(updated) AS updated, sum(closed) AS closed
    FROM cop.run WHERE turn = t.id AND state <> 'failed') AS r ON true
WHERE t.feed = %(feed)s AND t.mode = %(mode)s AND t.started_at >= %(from)s
GROUP BY t.outcome ORDER BY t.outcome;

-- reasons --
-- Why records were refused, most frequent first.
SELECT m.reason, count(*), max(left(m.record, 120)) FROM cop.remark AS m JOIN cop.run AS r ON r.id = m.run
JOIN cop.turn AS t ON t.id = r.turn
WHERE t.feed = %(feed)s AND t.mode = %(mode)s AND t.started_at >= %(from)s AND m.kind = 'refused'
GROUP BY m.reason ORDER BY count(*) DESC, m.reason LIMIT 20;

-- causes --
-- Why turns failed, most frequent first.
SELECT cause, count(*), max(started_at) FROM cop.turn
WHERE feed = %(feed)s AND mode = %(mode)s AND started_at >= %(from)s AND outcome IN ('failed', 'lost')
GROUP BY cause ORDER BY count(*) DESC LIMIT 20;

-- prune_turns --
-- Turns past their time, with their fetches, runs and remarks.
DELETE FROM cop.turn WHERE started_at < clock_timestamp() - make_interval(secs => %(days)s * 86400) AND outcome <> 'running';

-- prune_raw --
-- Payloads past their time that no turn, no run and no feed's last answer needs.
DELETE FROM cop.raw AS r WHERE r.kept_at < clock_timestamp() - make_interval(secs => %(days)s * 86400)
    AND NOT EXISTS (SELECT FROM cop.fetch AS f WHERE f.hash = r.hash)
    AND NOT EXISTS (SELECT FROM cop.fetch AS f WHERE f.start_hash = r.hash)
    AND NOT EXISTS (SELECT FROM cop.run AS u WHERE u.raw_hash = r.hash)
    AND NOT EXISTS (SELECT FROM cop.feed AS f, jsonb_each(f.parts) AS p WHERE p.value->>'hash' = encode(r.hash, 'hex'));
