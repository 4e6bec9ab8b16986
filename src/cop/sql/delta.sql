-- The parts of a delta, put together by cop.query.delta. `t` is a version, as conditions know it; each part comes in the
-- order of the walk, so that the store stops where enough is read. The bound on seq_to lets the partial index serve.

-- present --
-- Versions that hold at the end and are newer than the place.
SELECT t.seq AS n, t.id AS id, {document} AS doc FROM {history} AS t
WHERE {made_after} AND t.seq <= {until} AND t.seq_to > {until} AND {asked}
ORDER BY 1, 2 LIMIT {rows}

-- gone --
-- Versions that ended behind the place without one that matches after them: deleted, or gone out of box or filter.
SELECT g.n, g.id, NULL::text FROM (
    SELECT t.seq_to AS n, t.id AS id FROM {history} AS t
    WHERE {ended_after} AND t.seq_to <= {until} AND t.seq_to < 9223372036854775807 AND {asked}
) AS g
WHERE NOT EXISTS (SELECT FROM {history} AS t WHERE t.id = g.id AND t.seq >= g.n AND t.seq <= {until} AND {asked})
ORDER BY 1, 2 LIMIT {rows}

-- left --
-- Records that left the visible set: row security hides their versions.
SELECT l.n, l.id, NULL::text FROM cop.left_visible({layer}, {since}, {until}) AS l
WHERE {left_after}
ORDER BY 1, 2 LIMIT {rows}

-- plain --
-- Changes as they are.
SELECT d.n, d.id, d.doc, NULL::timestamptz, NULL::text FROM ({union}) AS d(n, id, doc) ORDER BY d.n, d.id LIMIT {rows}

-- told --
-- Changes with their time, and the box of all visible versions that the change replaced or made.
SELECT d.n, d.id, d.doc, cop.time_of(d.n),
    (SELECT ST_Extent(t.geom)::text FROM {history} AS t
     WHERE t.id = d.id AND t.seq <= {until} AND t.seq_to > {since} AND {seen})
FROM ({union}) AS d(n, id, doc) ORDER BY d.n, d.id LIMIT {rows}
