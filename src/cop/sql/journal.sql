-- What the app role asks of the journal. Policies show it only its visible set's marks.

-- mark_now --
-- The mark and number of features of some layers.
SELECT coalesce(max(n), 0) AS n, coalesce(sum(count), 0)::bigint AS count FROM cop.mark
WHERE layer = ANY (%(layers)s) AND cls = ANY (%(classes)s);

-- mark_asof --
-- The same as it was at a number.
SELECT coalesce(max(m.n), 0) AS n, coalesce(sum(m.count), 0)::bigint AS count
FROM unnest(%(layers)s::text[]) AS l(layer) CROSS JOIN unnest(%(classes)s::text[]) AS c(cls)
CROSS JOIN LATERAL (SELECT n, count FROM cop.mark_log AS g
                    WHERE g.layer = l.layer AND g.cls = c.cls AND g.n <= %(asof)s ORDER BY n DESC LIMIT 1) AS m;

-- last_number --
-- The last number that this visible set knows of, the first that is kept of a layer, and when that was.
SELECT coalesce(max(n), 0), cop.horizon_of(%(layer)s), cop.history_begins(%(mode)s, %(layer)s) FROM cop.mark;

-- number_at --
-- The last number at or before a time, the first that is kept of a layer, and when that was; in an exercise its story's
-- times count too.
SELECT cop.number_at(%(at)s, %(mode)s), cop.horizon_of(%(layer)s), cop.history_begins(%(mode)s, %(layer)s);

-- time_of --
-- The time of a number, as `number_at` reads it.
SELECT cop.time_of(%(n)s, %(mode)s);

-- exercise_now --
-- The time on the exercise's clock: how far its story is told.
SELECT cop.exercise_now();

-- secret --
SELECT value FROM cop.secret WHERE name = %(name)s;

-- bounds --
-- The last number that this visible set knows of, that of some layers, and up to which their versions are kept no longer.
SELECT coalesce(max(n), 0), coalesce(max(n) FILTER (WHERE layer = ANY (%(layers)s)), 0),
       (SELECT coalesce(max(cop.horizon_of(l)), 0) FROM unnest(%(layers)s::text[]) AS l)
FROM cop.mark WHERE cls = ANY (%(classes)s);

-- is_number --
SELECT cop.is_number(%(n)s);

-- marks --
-- Each layer's mark, where the visible set has one.
SELECT layer, max(n) FROM cop.mark WHERE cls = ANY (%(classes)s) GROUP BY layer;
