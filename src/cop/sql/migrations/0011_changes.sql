-- Changes: what a replica needs to stay equal, read in the order of the numbers along the indexes that 0008 made.
-- depends: 0010_counted

-- Records that left the visible set and are outside of it still: their past is hidden by row security, and so only the
-- id, which the set has seen, and the number at which it left are told. As in the policies, the connection's setting
-- says whose eyes it looks through.
CREATE FUNCTION cop.left_visible(in_layer text, since bigint, until_ bigint) RETURNS TABLE (n bigint, id text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT g.seq_to, g.id FROM history.%1$I AS g'
        ' WHERE g.seq_to >= $2 AND g.seq_to <= $3 AND g.seq_to < 9223372036854775807'
        ' AND g.cls = ANY ($1) AND NOT g.cls_now = ANY ($1)'
        ' AND NOT EXISTS (SELECT FROM history.%1$I AS p WHERE p.id = g.id AND p.seq >= g.seq_to AND p.seq <= $3'
        ' AND p.cls = ANY ($1))', in_layer)
    USING nullif(current_setting('cop.visible', true), '')::text[], since, until_;
END
$$;

-- The first number that is kept; null while the journal is empty.
CREATE FUNCTION cop.first_number() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT min(n) FROM cop.journal
$$;

-- When a number was given.
CREATE FUNCTION cop.time_of(in_n bigint) RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT at FROM cop.journal WHERE n = in_n
$$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA cop FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cop.left_visible(text, bigint, bigint), cop.first_number(), cop.time_of(bigint) TO cop_app;
