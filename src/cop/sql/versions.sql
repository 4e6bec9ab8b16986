-- Versions of one feature. {braces} are identifiers and expressions put in by psycopg.sql; values are parameters.

-- versions --
-- The versions that a visible set tells apart, the newest first: neighbours that differ only where it sees nothing are
-- one, and where the feature leaves its sight a tombstone stands. `before` is the version that another one followed at
-- once; one that comes out of a gap has none.
WITH seen AS (
    SELECT t.seq, t.seq_to, t.{document} AS doc, {content} AS content FROM {history} AS t
    WHERE t.id = %(feature)s AND t.cls = ANY (%(classes)s) AND t.cls_now = ANY (%(classes)s)
), edges AS (
    SELECT *, lag(seq_to) OVER w IS DISTINCT FROM seq OR lag(content) OVER w IS DISTINCT FROM content AS begins
    FROM seen WINDOW w AS (ORDER BY seq)
), grouped AS (
    SELECT *, count(*) FILTER (WHERE begins) OVER (ORDER BY seq) AS part FROM edges
), version AS (
    SELECT part, min(seq) AS n, max(seq_to) AS n_to, min(doc) FILTER (WHERE begins) AS doc FROM grouped GROUP BY part
), chained AS (
    SELECT *, lag(n_to) OVER w AS ended, lag(doc) OVER w AS doc_before, lead(n) OVER w AS following
    FROM version WINDOW w AS (ORDER BY part)
), told AS (
    SELECT n, nullif(n_to, 9223372036854775807) AS n_to, doc, CASE WHEN ended = n THEN doc_before END AS doc_before FROM chained
    UNION ALL
    SELECT n_to, following, NULL, NULL FROM chained WHERE n_to < 9223372036854775807 AND following IS DISTINCT FROM n_to
)
SELECT told.n, told.n_to, told.doc, told.doc_before, j.op, cop.time_of(told.n, 'actual'), j.told_at, j.actor, j.cause, count(*) OVER () AS matched,
       count(*) FILTER (WHERE told.n < %(before)s) OVER () AS remaining
FROM told LEFT JOIN cop.journal AS j ON j.n = told.n
ORDER BY (told.n < %(before)s) DESC, told.n DESC LIMIT %(limit)s;
