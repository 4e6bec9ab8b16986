-- Changes: what a replica needs to stay equal, read in the order of the numbers along the indexes that 0008 made.
-- depends: 0010_counted

-- Records that left the visible set and are outside of it still at a number: their past is hidden by row security, and
-- so only the id, which the set has seen, and the number at which it left are told. Some of them in order, behind a place
-- (number, id) and up to another. As in the policies, the connection's setting says whose eyes it looks through.
CREATE FUNCTION cop.left_visible(
    in_layer text, after_n bigint, after_id text, upto_n bigint, upto_id text, until_ bigint, rows_ integer
) RETURNS TABLE (n bigint, id text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT g.seq_to, g.id FROM history.%1$I AS g'
        ' WHERE (g.seq_to, g.id) > ($2, $3) AND (g.seq_to, g.id) <= ($4, $5)'
        ' AND g.seq_to <= $6 AND g.seq_to < 9223372036854775807'
        ' AND g.cls = ANY ($1) AND NOT g.cls_now = ANY ($1)'
        ' AND NOT EXISTS (SELECT FROM history.%1$I AS p WHERE p.id = g.id AND p.seq >= g.seq_to AND p.seq <= $6'
        ' AND p.cls = ANY ($1)) ORDER BY 1, 2 LIMIT $7', in_layer)
    USING nullif(current_setting('cop.visible', true), '')::text[], after_n, after_id, upto_n, upto_id, until_, rows_;
END
$$;

-- Whether a number was given here. One that was given after the moment that the store was brought back to is lost.
CREATE FUNCTION cop.is_number(in_n bigint) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (SELECT FROM cop.journal WHERE n = in_n)
$$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA cop FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cop.left_visible(text, bigint, text, bigint, text, bigint, integer), cop.is_number(bigint) TO cop_app;
