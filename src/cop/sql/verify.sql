-- What `cop verify` asks, each statement a row a fault. {braces} are identifiers and expressions put in by psycopg.sql.
-- Nothing is gathered in memory: what needs an order has an index.

-- chain --
-- Rows of the journal whose hash is not of their content and of the row before, and gaps in their numbers. Before the row
-- of a restore there is one: the numbers in it may have been given to changes that were lost.
SELECT n, CASE WHEN n <> before_n + 1 AND op <> 'restore' THEN 'the rows between ' || before_n || ' and ' || n || ' are not there'
               WHEN hash_before <> before_hash THEN 'it does not follow the row before it'
               ELSE 'it is not what its hash was made of' END
FROM (SELECT j.n, j.op, j.hash, j.hash_before, lag(j.n, 1, 0::bigint) OVER w AS before_n, lag(j.hash, 1, '\x') OVER w AS before_hash,
             sha256(j.hash_before || convert_to(concat_ws(E'\x1f', j.n, extract(epoch FROM j.at)::text, j.layer,
                 coalesce(j.feature, E'\x1e'), j.op, j.actor, coalesce(j.cause, E'\x1e'), coalesce(j.cls_before, E'\x1e'),
                 coalesce(j.cls_after, E'\x1e'), extract(epoch FROM j.told_at)::text), 'UTF8') || j.payload_hash) AS made
      FROM cop.journal AS j WINDOW w AS (ORDER BY j.n)) AS walked
WHERE (n <> before_n + 1 AND (op <> 'restore' OR n <= before_n)) OR hash_before <> before_hash OR hash <> made;

-- head --
-- The head, where it is not the last row of the journal.
SELECT h.n, 'the head is ' || h.n || ' and the last row ' || coalesce(j.n, 0)
FROM cop.head AS h LEFT JOIN LATERAL (SELECT n, hash FROM cop.journal ORDER BY n DESC LIMIT 1) AS j ON true
WHERE h.n <> coalesce(j.n, 0) OR h.hash <> coalesce(j.hash, '\x');

-- signed_heads --
SELECT n, hash, signed_at, key_id, signature FROM cop.signed_head ORDER BY n;

-- hash_at --
SELECT hash, false FROM cop.journal WHERE n = %(n)s;

-- layers --
-- The layers that have tables, how far each one's history reaches, and what its rows are made of.
SELECT l.id, l.spec, coalesce(h.n, 0), cop.payload_expression(l.spec, 't'), cop.class_expression(l.spec, 't')
FROM cop.layer AS l LEFT JOIN cop.horizon AS h ON h.layer = l.id
WHERE l.spec ? 'columns' AND to_regclass(format('layer.%%I', l.id)) IS NOT NULL ORDER BY l.id;

-- document_expression --
SELECT cop.doc_expression(%(spec)s, %(profile)s, 't');

-- layers_out_of_sight --
-- Layers that the journal knows and that cannot be compared with it. A restore is of no layer.
SELECT DISTINCT j.layer, 'the journal has changes of it, and its declaration or its tables are not there' FROM cop.journal AS j
WHERE CASE WHEN j.op <> 'restore' THEN to_regclass(format('history.%I', j.layer)) IS NULL
    OR NOT EXISTS (SELECT FROM cop.layer AS l WHERE l.id = j.layer AND l.spec ? 'columns') END;

-- versions --
-- Versions that the journal does not know, or that are not what it says.
SELECT t.id, t.seq, seen.fault
FROM {history} AS t LEFT JOIN cop.journal AS j ON j.n = t.seq AND j.layer = %(layer)s
CROSS JOIN LATERAL (SELECT coalesce((SELECT min(e.n) FROM cop.journal AS e WHERE e.layer = %(layer)s AND e.feature = t.id
    AND e.n > t.seq AND e.op IN ('update', 'delete')), 9223372036854775807) AS next_change) AS x
CROSS JOIN LATERAL (SELECT CASE
    WHEN j.n IS NULL OR NOT (j.op = 'load' OR (j.op IN ('insert', 'update') AND j.feature = t.id))
        THEN 'inserted: the journal has no such change'
    WHEN t.seq_to <> x.next_change AND NOT (t.seq_to < x.next_change AND EXISTS (
            SELECT FROM cop.journal AS e WHERE e.n = t.seq_to AND e.layer = %(layer)s AND e.op = 'load'))
        THEN 'altered: it ends where the journal has no change of it'
    WHEN j.op <> 'load' AND t.payload_hash <> j.payload_hash THEN 'altered: the journal has another hash of its content'
    WHEN t.payload_hash <> {payload} AND {payload} IS DISTINCT FROM (
            SELECT r.content_hash FROM cop.redaction AS r WHERE r.layer = %(layer)s AND r.feature = t.id AND r.seq = t.seq
            ORDER BY r.n DESC LIMIT 1)
        THEN 'altered: its content is not what its hash was made of'
    WHEN j.op <> 'load' AND t.cls <> j.cls_after THEN 'altered: its label is not the journal''s'
    WHEN t.cls IS DISTINCT FROM {class} THEN 'altered: its label is not of its content'
    WHEN t.cls_now <> (SELECT v.cls FROM {history} AS v WHERE v.id = t.id ORDER BY v.seq DESC LIMIT 1)
        THEN 'altered: the label of today is not the newest version''s'
    WHEN {derived} THEN 'altered: a text or shape that is kept of it is not of its content'
    WHEN {stamped} THEN 'altered: its time of change is not the journal''s'
    END AS fault) AS seen
WHERE seen.fault IS NOT NULL;

-- missing --
-- Changes in the journal whose version is not there, though it was not let go: what came next lies behind the horizon.
WITH told AS (
    SELECT feature, n, op, lead(n) OVER (PARTITION BY feature ORDER BY n) AS next FROM cop.journal
     WHERE layer = %(layer)s AND feature IS NOT NULL AND op IN ('insert', 'update', 'delete')
), loads AS MATERIALIZED (
    SELECT n FROM cop.journal WHERE layer = %(layer)s AND feature IS NULL AND op = 'load'
)
SELECT j.feature, j.n, 'removed: the version is not there'
FROM told AS j
WHERE j.op <> 'delete' AND NOT EXISTS (SELECT FROM {history} AS t WHERE t.id = j.feature AND t.seq = j.n)
  AND coalesce(least(j.next, (SELECT min(l.n) FROM loads AS l WHERE l.n > j.n)), 9223372036854775807) > %(horizon)s;

-- present --
-- Records that are not their open version.
SELECT coalesce(t.id, v.id), coalesce(t.seq, v.seq), CASE WHEN v.id IS NULL THEN 'inserted: the record has no open version'
    WHEN t.id IS NULL THEN 'removed: its open version has no record' ELSE 'altered: the record is not its open version' END
FROM {present} AS t FULL JOIN (SELECT * FROM {history} WHERE seq_to = 9223372036854775807) AS v ON v.id = t.id
WHERE t.id IS NULL OR v.id IS NULL OR ({present_columns}) IS DISTINCT FROM ({open_columns});

-- loads --
-- Loads whose rows are not what they brought, as far as the history reaches.
SELECT j.n, CASE WHEN l.n IS NULL THEN 'removed: what the load brought is not noted'
                 ELSE 'altered, removed or inserted: the rows are not those that the load brought' END
FROM cop.journal AS j LEFT JOIN cop.load AS l ON l.n = j.n AND l.layer = j.layer
WHERE j.layer = %(layer)s AND j.feature IS NULL AND j.op = 'load' AND j.n > %(horizon)s
  AND CASE WHEN l.n IS NULL THEN true WHEN l.digest IS NULL THEN l.manifest <> j.payload_hash
           ELSE sha256(l.manifest || cop.load_digest(l.layer, l.n)) <> j.payload_hash END;

-- horizon --
-- A pruning whose layer is not what was left then.
SELECT h.n, 'altered, removed or inserted: the versions are not those that the last pruning left'
FROM cop.horizon AS h LEFT JOIN cop.journal AS j ON j.n = h.entry AND j.layer = h.layer AND j.op = 'prune'
WHERE h.layer = %(layer)s
  AND sha256(convert_to(h.n::text, 'UTF8') || cop.state_digest(h.layer, h.n)) IS DISTINCT FROM j.payload_hash;

-- marks --
-- Counts that are not those of the records.
SELECT coalesce(m.cls, t.cls), 'the count is ' || coalesce(m.count, 0) || ' and the records are ' || coalesce(t.rows, 0)
FROM (SELECT * FROM cop.mark WHERE layer = %(layer)s) AS m
FULL JOIN (SELECT cls, count(*) AS rows FROM {present} GROUP BY cls) AS t ON t.cls = m.cls
WHERE coalesce(m.count, 0) <> coalesce(t.rows, 0);

-- redactions --
-- Redactions that are not what the journal says of them.
SELECT coalesce(j.n, r.n), 'the redaction is not what the journal says of it'
FROM (SELECT n, payload_hash FROM cop.journal WHERE op = 'redact') AS j
FULL JOIN (SELECT DISTINCT n FROM cop.redaction) AS r ON r.n = j.n
WHERE j.n IS NULL OR cop.redaction_digest(j.n) <> j.payload_hash;

-- redacted --
-- Entries that redactions cover.
SELECT layer, feature, seq, n, columns, reason FROM cop.redaction ORDER BY n, seq;

-- counted --
SELECT (SELECT n FROM cop.head), (SELECT count(*) FROM cop.journal), (SELECT count(*) FROM cop.load WHERE digest IS NULL),
       (SELECT count(*) FROM cop.audit);

-- audit --
-- Rows of the audit whose hash is not of their content and of the row before. The first that is kept follows a signed head
-- with which the rows before it were let go.
SELECT n, CASE WHEN n <> before_n + 1 THEN 'the rows between ' || before_n || ' and ' || n || ' are not there'
               WHEN hash_before <> before_hash THEN 'it does not follow the row before it'
               ELSE 'it is not what its hash was made of' END
FROM (SELECT a.n, a.hash, a.hash_before,
             lag(a.n, 1, coalesce(h.n, 0)) OVER w AS before_n, lag(a.hash, 1, coalesce(h.hash, '\x')) OVER w AS before_hash,
             sha256(a.hash_before || convert_to(concat_ws(E'\x1f', a.n, extract(epoch FROM a.at)::text, extract(epoch FROM a.until)::text,
                 a.deed, a.form, a.actor, a.role, coalesce(a.department, E'\x1e'), a.mode, a.collection, coalesce(a.feature, E'\x1e'), a.count,
                 coalesce(a.request, E'\x1e')), 'UTF8')) AS made
      FROM cop.audit AS a LEFT JOIN LATERAL (SELECT n, hash FROM cop.signed_audit_head
          WHERE anchor AND n < a.n ORDER BY n DESC LIMIT 1) AS h ON true WINDOW w AS (ORDER BY a.n)) AS walked
WHERE n <> before_n + 1 OR hash_before <> before_hash OR hash <> made;

-- audit_head --
-- The audit's head, where it is neither its last row nor, where none is kept, the head that the last were let go with.
SELECT h.n, 'the head is ' || h.n || ' and the last row ' || coalesce(a.n, 0)
FROM cop.audit_head AS h LEFT JOIN LATERAL (
    SELECT n, hash FROM (SELECT n, hash FROM cop.audit UNION ALL SELECT n, hash FROM cop.signed_audit_head WHERE anchor) AS ends
    ORDER BY n DESC LIMIT 1) AS a ON true
WHERE h.n <> coalesce(a.n, 0) OR h.hash <> coalesce(a.hash, '\x');

-- signed_audit_heads --
SELECT n, hash, signed_at, key_id, signature FROM cop.signed_audit_head ORDER BY n;

-- audit_hash_at --
-- The hash of a row; of one that was let go none, and whether it was.
SELECT (SELECT hash FROM cop.audit WHERE n = %(n)s), %(n)s <= coalesce((SELECT max(n) FROM cop.signed_audit_head WHERE anchor), 0);

-- written_about --
-- What is said of writes that the journal does not have.
SELECT w.n, 'the journal has no such change' FROM cop.write_about AS w LEFT JOIN cop.journal AS j ON j.n = w.n WHERE j.n IS NULL;
