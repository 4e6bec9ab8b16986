-- What left a visible set, in ranges of one column each: a comparison of pairs reads on through all that ended under a
-- number when only its second column fails, for each page of a delta anew.
-- depends: 0011_changes

CREATE OR REPLACE FUNCTION cop.left_visible(
    in_layer text, after_n bigint, after_id text, upto_n bigint, upto_id text, until_ bigint, rows_ integer
) RETURNS TABLE (n bigint, id text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    classes text[] := nullif(current_setting('cop.visible', true), '')::text[];
    ended text := format('SELECT g.seq_to AS n, g.id FROM history.%I AS g WHERE g.seq_to <= $6 AND g.seq_to < 9223372036854775807'
        ' AND g.cls = ANY ($1) AND NOT g.cls_now = ANY ($1)', in_layer);
    ranges text;
BEGIN
    IF upto_n = after_n THEN
        ranges := ended || ' AND g.seq_to = $2 AND g.id > $3 AND g.id <= $5';
    ELSE
        ranges := ended || ' AND g.seq_to = $2 AND g.id > $3 UNION ALL ' || ended || ' AND g.seq_to > $2 AND g.seq_to < $4'
            ' UNION ALL ' || ended || ' AND g.seq_to = $4 AND g.id <= $5';
    END IF;
    RETURN QUERY EXECUTE format(
        'SELECT e.n, e.id FROM (%s) AS e'
        ' WHERE (SELECT NOT EXISTS (SELECT FROM history.%I AS p WHERE p.id = e.id AND p.seq >= e.n AND p.seq <= $6'
        ' AND p.cls = ANY ($1))) ORDER BY 1, 2 LIMIT $7', ranges, in_layer)
    USING classes, after_n, after_id, upto_n, upto_id, until_, rows_;
END
$$;
