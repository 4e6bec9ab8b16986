-- Subscriptions and what became of their deliveries. Reads and writes of the app role.

-- create --
INSERT INTO cop.subscription (id, kind, owner_department, owner_subject, audience, department, mode, target, description,
    collections, bbox, filter, filter_lang, content, secret, rate, place_n, place_feature)
VALUES (%(id)s, %(kind)s, %(owner_department)s, %(owner_subject)s, %(audience)s, %(department)s, %(mode)s, %(target)s,
    %(description)s, %(collections)s, %(bbox)s, %(filter)s, %(filter_lang)s, %(content)s, %(secret)s, %(rate)s,
    %(place_n)s, %(place_feature)s)
ON CONFLICT (id) DO NOTHING;

-- count --
-- How many a department has; counted by one at a time, so that two cannot both be the last.
SELECT count(*) FROM cop.subscription AS s, (SELECT pg_advisory_xact_lock(hashtext('cop.subscription'))) AS one
WHERE s.kind = 'webhook' AND s.owner_department IS NOT DISTINCT FROM %(department)s;

-- listed --
-- Of a department, or (all) of everybody.
SELECT s.*, (SELECT count(*) FROM cop.dead_letter AS d WHERE d.subscription = s.id) AS dead_letters
FROM cop.subscription AS s
WHERE %(all)s OR (s.kind = 'webhook' AND s.owner_department = %(department)s) ORDER BY s.created_at, s.id;

-- one --
SELECT s.*, (SELECT count(*) FROM cop.dead_letter AS d WHERE d.subscription = s.id) AS dead_letters
FROM cop.subscription AS s WHERE s.id = %(id)s;

-- change --
-- What people change; a subscription that is made active begins without a past of failures.
UPDATE cop.subscription SET
    owner_subject = %(owner_subject)s, target = %(target)s, rate = %(rate)s, state = %(state)s,
    place_n = coalesce(%(place_n)s, place_n),
    place_feature = CASE WHEN %(place_n)s::bigint IS NULL THEN place_feature ELSE %(place_feature)s END,
    failures = 0, failing_since = NULL, refusals = 0, answered_since = NULL, next_attempt_at = NULL,
    last_error = CASE WHEN %(state)s = 'active' THEN NULL ELSE last_error END,
    changed_at = clock_timestamp(), revision = revision + 1
WHERE id = %(id)s;

-- remove --
DELETE FROM cop.subscription WHERE id = %(id)s;

-- dead_letters --
SELECT collection, feature, n, reason, attempts, at, due FROM cop.dead_letter
WHERE subscription = %(id)s ORDER BY n, feature, collection LIMIT %(limit)s;

-- redeliver --
UPDATE cop.dead_letter SET due = true WHERE subscription = %(id)s;

-- look_again --
UPDATE cop.subscription SET revision = revision + 1 WHERE id = %(id)s;

-- renew --
-- Keep what this process holds. What lapsed meanwhile is not kept: another may have it.
UPDATE cop.subscription SET held_until = clock_timestamp() + make_interval(secs => %(lease)s)
WHERE holder = %(holder)s AND held_until > clock_timestamp()
    AND held_until < clock_timestamp() + make_interval(secs => %(lease)s * 2 / 3);

-- claim --
-- Take what nobody holds, some at a time.
UPDATE cop.subscription SET holder = %(holder)s, held_until = clock_timestamp() + make_interval(secs => %(lease)s)
WHERE id IN (
    SELECT id FROM cop.subscription
    WHERE state = 'active' AND (kind = 'webhook' OR id = ANY (%(brokers)s))
        AND (holder IS NULL OR held_until < clock_timestamp())
    ORDER BY id LIMIT %(most)s FOR UPDATE SKIP LOCKED
);

-- claimable --
-- Whether there is anything to take: looked at first, so that looking writes nothing.
SELECT EXISTS (
    SELECT FROM cop.subscription
    WHERE state = 'active' AND (kind = 'webhook' OR id = ANY (%(brokers)s))
        AND (holder IS NULL OR held_until < clock_timestamp())
) AS is_free, EXISTS (
    SELECT FROM cop.subscription
    WHERE holder = %(holder)s AND held_until < clock_timestamp() + make_interval(secs => %(lease)s * 2 / 3)
) AS is_ageing;

-- held --
SELECT id, revision FROM cop.subscription
WHERE holder = %(holder)s AND held_until > clock_timestamp() AND state = 'active';

-- release --
UPDATE cop.subscription SET holder = NULL, held_until = NULL
WHERE holder = %(holder)s AND id = ANY (coalesce(%(ids)s::text[], ARRAY[id]));

-- before --
-- The subscription as it is just before a delivery, its lease begun anew; nothing where it is not this process' any more.
UPDATE cop.subscription AS s SET held_until = clock_timestamp() + make_interval(secs => %(lease)s)
WHERE s.id = %(id)s AND s.holder = %(holder)s AND s.held_until > clock_timestamp() AND s.state = 'active'
RETURNING s.*, (SELECT count(*) FROM cop.dead_letter AS d WHERE d.subscription = s.id) AS dead_letters,
    greatest(0, extract(epoch FROM s.next_attempt_at - clock_timestamp()))::float8 AS wait_s,
    extract(epoch FROM clock_timestamp() - s.failing_since)::float8 AS failing_s,
    extract(epoch FROM clock_timestamp() - s.answered_since)::float8 AS answered_s;

-- moved --
-- The place after a delivery, or where there was nothing to deliver. Nothing where people have changed the subscription
-- since it was read: what they want (another place, another target) is not overwritten, and it is read again.
-- Only a delivery ends the time of failing: a target that loses every event must be given up some day.
UPDATE cop.subscription SET place_n = %(place_n)s, place_feature = %(place_feature)s,
    failures = 0, failing_since = CASE WHEN NOT %(delivered)s THEN failing_since END, refusals = 0, answered_since = NULL, next_attempt_at = NULL,
    last_error = NULL, last_delivered_at = CASE WHEN %(delivered)s THEN clock_timestamp() ELSE last_delivered_at END
WHERE id = %(id)s AND holder = %(holder)s AND revision = %(revision)s;

-- health --
-- What operations watch. A publication that the settings no longer name is nobody's, and no trouble.
SELECT count(*) FILTER (WHERE state = 'active') AS active, count(*) FILTER (WHERE state = 'paused') AS paused,
    count(*) FILTER (WHERE state = 'dead') AS dead,
    count(*) FILTER (WHERE state = 'active' AND kind = 'webhook' AND is_held IS NOT TRUE) AS unheld,
    coalesce(extract(epoch FROM clock_timestamp() - min(failing_since)
        FILTER (WHERE state = 'active' AND failures > 0 AND is_held)), 0)::float8 AS failing_s,
    (SELECT count(*) FROM cop.dead_letter) AS dead_letters
FROM (SELECT *, held_until > clock_timestamp() AS is_held FROM cop.subscription) AS s;

-- settled --
-- What was delivered is no dead letter any more; not where another process delivers by now, or people changed the target.
DELETE FROM cop.dead_letter WHERE subscription = (
        SELECT id FROM cop.subscription
        WHERE id = %(id)s AND holder = %(holder)s AND revision = %(revision)s FOR UPDATE
    ) AND (collection, feature) IN (SELECT * FROM unnest(%(collections)s::text[], %(features)s::text[]));

-- failed --
UPDATE cop.subscription SET failures = failures + 1, failing_since = coalesce(failing_since, clock_timestamp()),
    refusals = refusals + %(refused)s::integer,
    answered_since = CASE WHEN %(answered)s THEN coalesce(answered_since, clock_timestamp()) ELSE answered_since END,
    next_attempt_at = clock_timestamp() + make_interval(secs => %(wait)s), last_error = %(error)s
WHERE id = %(id)s AND holder = %(holder)s AND revision = %(revision)s;

-- bury --
INSERT INTO cop.dead_letter (subscription, collection, feature, n, reason, attempts)
SELECT id, %(collection)s, %(feature)s, %(n)s, %(reason)s, %(attempts)s FROM cop.subscription
WHERE id = %(id)s AND holder = %(holder)s AND revision = %(revision)s
ON CONFLICT (subscription, collection, feature) DO UPDATE SET n = excluded.n, reason = excluded.reason,
    attempts = excluded.attempts, at = clock_timestamp(), due = false;

-- due --
-- A dead letter that somebody wants sent again.
SELECT collection, feature, n FROM cop.dead_letter WHERE subscription = %(id)s AND due ORDER BY n, feature LIMIT 1;

-- stop --
UPDATE cop.subscription SET state = 'dead', last_error = %(error)s, changed_at = clock_timestamp(), holder = NULL,
    held_until = NULL
WHERE id = %(id)s AND holder = %(holder)s AND revision = %(revision)s;
