-- The parts of a delta, put together by cop.query.delta. `t` is a version, as conditions know it. Each part reads in the
-- order of the walk and stops where enough is read: what ended is looked for only as far as what holds fills the page, so
-- that a walk of many pages reads nothing twice. The bound on seq_to lets the partial index serve.

-- present --
-- Versions that hold at the end and are newer than the place.
SELECT t.seq, t.id, {document} FROM {history} AS t
WHERE (t.seq, t.id) > ({after_n}, {after_id}) AND t.seq <= {until} AND t.seq_to > {until} AND {asked}
ORDER BY t.seq, t.id LIMIT {rows}

-- gone --
-- Versions that ended behind the place without one that matches after them: deleted, or gone out of box or filter. Four
-- ranges and not one comparison of pairs: a scan stops at the end of a range of one column, while a pair that fails by its
-- second column lets it read on through all that ended under that number, for each page. The subquery is asked row by row.
SELECT g.n, g.id, NULL::text FROM (
    {on_here} AND (SELECT n FROM edge) = {after_n} AND t.id <= (SELECT id FROM edge)
    UNION ALL {on_here} AND (SELECT n FROM edge) > {after_n}
    UNION ALL {ended} AND t.seq_to > {after_n} AND t.seq_to < (SELECT n FROM edge)
    UNION ALL {ended} AND (SELECT n FROM edge) > {after_n} AND t.seq_to = (SELECT n FROM edge) AND t.id <= (SELECT id FROM edge)
) AS g
WHERE (SELECT NOT EXISTS (SELECT FROM {history} AS t WHERE t.id = g.id AND t.seq >= g.n AND t.seq <= {until} AND {asked}))
ORDER BY g.n, g.id LIMIT {rows}

-- ended --
-- Versions that matched and ended.
SELECT t.seq_to AS n, t.id AS id FROM {history} AS t
WHERE t.seq_to <= {until} AND t.seq_to < 9223372036854775807 AND {asked}

-- on_here --
-- Those that ended under the place's own number, behind it.
{ended} AND t.seq_to = {after_n} AND t.id > {after_id}

-- left --
-- Records that left the visible set: row security hides their versions.
SELECT l.n, l.id, NULL::text FROM cop.left_visible({layer}, {after_n}, {after_id}, (SELECT n FROM edge),
    (SELECT id FROM edge), {until}, {rows}) AS l

-- joined --
-- All parts, up to the last of a full page of what holds, else up to the end.
WITH present(n, id, doc) AS MATERIALIZED ({present}),
edge(n, id) AS MATERIALIZED (
    SELECT n, id FROM (SELECT * FROM present ORDER BY n DESC, id DESC LIMIT 1) AS last
    WHERE (SELECT count(*) FROM present) = {rows}
    UNION ALL SELECT {until} + 1, '' LIMIT 1
),
d(n, id, doc) AS (SELECT * FROM present {others} ORDER BY 1, 2 LIMIT {rows})

-- plain --
-- Changes as they are.
{joined} SELECT d.n, d.id, d.doc, NULL::timestamptz, NULL::text FROM d ORDER BY d.n, d.id

-- told --
-- Changes with their time, and the box of all visible versions that the change replaced or made.
{joined} SELECT d.n, d.id, d.doc, cop.time_of(d.n, 'actual'),
    (SELECT ST_Extent({shape})::text FROM {history} AS t
     WHERE t.id = d.id AND t.seq <= {until} AND t.seq_to > {since} AND {seen})
FROM d ORDER BY d.n, d.id
