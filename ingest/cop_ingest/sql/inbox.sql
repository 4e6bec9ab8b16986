-- What the inbox asks of the store, as the app role.

-- recall --
SELECT hash, told_at FROM cop.recall_return(%(inbox)s, %(mode)s, %(key)s);

-- keep --
SELECT cop.keep_return(%(inbox)s, %(mode)s, %(key)s, %(hash)s, %(told_at)s, %(feature)s);

-- find --
-- The record that the sender's number stands for.
SELECT id FROM {table} WHERE source = %(source)s AND source_ref = %(key)s AND message_status = %(mode)s;

-- alone --
-- Whether this session is now the one that listens to the broker; the lock ends with the session, however that ends.
SELECT pg_try_advisory_lock(hashtext('cop.inbox'), hashtext(%(name)s));

-- still --
SELECT 1;

-- things --
-- What rows may be about: id, the columns by which they name it, those that they take over, and the geometry as WKB.
SELECT id, ARRAY[{by}]::text[], jsonb_build_object({take}), ST_AsBinary(geom) FROM {table} ORDER BY id;

-- read_before --
-- What the series has of these sensors at these times, and the newest time of each.
SELECT w.id, w.at, to_jsonb(o) AS said, o.published_at,
       (SELECT max({time}) FROM {series} AS n WHERE n.id = w.id AND n.provenance = %(provenance)s) AS newest
FROM unnest(%(ids)s::text[], %(times)s::timestamptz[]) AS w (id, at)
LEFT JOIN {series} AS o ON o.id = w.id AND o.{time} = w.at;

-- clock --
-- The time of the mode, and when the form was taken last.
SELECT cop.clock(%(mode)s), (SELECT last_good_at FROM layer.feeds WHERE id = %(id)s);
