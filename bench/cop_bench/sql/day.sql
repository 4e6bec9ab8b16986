-- What the store knows of a day that came in through the feeds. {braces} are identifiers; values are parameters.

-- ask_all --
-- Every feed is asked once more, now.
UPDATE cop.feed SET due_at = clock_timestamp() WHERE mode = 'exercise';

-- asked_since --
-- The feeds whose last finished turn began before a time, or that somebody is at.
SELECT f.feed FROM cop.feed AS f WHERE f.mode = 'exercise' AND (f.held_until > clock_timestamp() OR NOT EXISTS (
    SELECT FROM cop.turn AS t WHERE t.feed = f.feed AND t.mode = f.mode AND t.started_at > %(since)s AND t.outcome <> 'running'));

-- runs_of_turns --
-- Loads that do not add up in themselves, and loads of turns that are neither done nor failed.
SELECT count(*) FILTER (WHERE state <> 'failed' AND seen <> inserted + updated + unchanged + refused),
       count(*) FILTER (WHERE state = 'running') FROM cop.run WHERE turn IS NOT NULL;

-- raw_without_turn --
-- Payloads that no turn has, and fetches whose payload is not kept.
SELECT (SELECT count(*) FROM cop.raw AS r WHERE NOT EXISTS (SELECT FROM cop.fetch AS f WHERE f.hash = r.hash)
                                            AND NOT EXISTS (SELECT FROM cop.run AS u WHERE u.raw_hash = r.hash)),
       (SELECT count(*) FROM cop.fetch AS f WHERE f.hash IS NOT NULL AND NOT EXISTS (SELECT FROM cop.raw AS r WHERE r.hash = f.hash));

-- turns --
-- Milliseconds of each turn that loaded something or found nothing to load.
SELECT feed, 1000 * extract(epoch FROM finished_at - started_at)::float8 FROM cop.turn
WHERE mode = 'exercise' AND outcome IN ('loaded', 'unchanged', 'quiet', 'late') AND started_at <= %(until)s;

-- publications --
-- Each publication that was loaded, by what its source says of when it was made, and when it stood in the store.
SELECT t.feed, f.headers->>'last-modified', min(t.finished_at) FROM cop.turn AS t JOIN cop.fetch AS f ON f.turn = t.id
WHERE t.mode = 'exercise' AND f.hash IS NOT NULL AND f.headers ? 'last-modified' AND t.outcome IN ('loaded', 'unchanged', 'quiet')
  AND t.started_at <= %(until)s
GROUP BY 1, 2;

-- incidents --
SELECT source, source_ref, status, count(*) FROM layer.incidents WHERE message_status = 'exercise' GROUP BY 1, 2, 3;

-- of_form --
SELECT {key}, {state} FROM {table} WHERE {owner} = %(owner)s;

-- ids --
SELECT id::text FROM {table};

-- latest --
SELECT id::text, {time} FROM {table} WHERE provenance = 'exercise';

-- held --
SELECT ref FROM cop.feed_record WHERE feed = %(feed)s AND mode = 'exercise' AND absent_since IS NULL;

-- doubled --
-- Records of a register that stand twice under one number of one source.
SELECT source, source_ref, count(*) FROM {table} WHERE source IS NOT NULL AND source_ref IS NOT NULL
GROUP BY source, source_ref, message_status HAVING count(*) > 1;

-- asked --
-- When a feed was asked with success, by the scenario's clock: between which two moments its answer was made.
SELECT t.received_at, max(f.fetched_at) FROM cop.turn AS t JOIN cop.fetch AS f ON f.turn = t.id
 WHERE t.feed = %(feed)s AND t.mode = 'exercise' AND t.outcome NOT IN ('failed', 'lost', 'running') GROUP BY t.id ORDER BY 1;

-- receipts --
-- Loads that changed something: their feed, their last number, when the answer had come, and whether it was the first.
SELECT t.feed, r.n, extract(epoch FROM t.started_at)::float8 + max(f.ms) / 1000.0::float8,
       t.id = min(t.id) OVER (PARTITION BY t.feed)
FROM cop.run AS r JOIN cop.turn AS t ON t.id = r.turn JOIN cop.fetch AS f ON f.turn = t.id
WHERE r.n IS NOT NULL AND t.mode = 'exercise' AND t.started_at <= %(until)s GROUP BY t.id, t.feed, r.n, t.started_at;
