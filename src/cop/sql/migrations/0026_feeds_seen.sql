-- Observations that come when their day is put away already join the hours that are kept of it: they replace none.
-- And what the turns of the feeds came to, for who watches over them.
-- depends: 0017_feeds 0020_rollups

CREATE OR REPLACE FUNCTION cop.put_away_day(in_layer text, in_day date, in_time text, in_columns text[]) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    partition_ regclass;
    column_ text;
    kept bigint := 0;
    more bigint;
BEGIN
    SELECT partition INTO STRICT partition_ FROM cop.series_days(in_layer) WHERE day = in_day;
    FOREACH column_ IN ARRAY in_columns LOOP
        EXECUTE format(
            'INSERT INTO cop.rollup AS r SELECT %L, id, date_trunc(''hour'', %I), %L, count(*), min(%I), avg(%4$I), max(%4$I)'
            ' FROM %s WHERE %4$I IS NOT NULL GROUP BY 2, 3'
            ' ON CONFLICT (layer, id, name, hour) DO UPDATE SET count = r.count + excluded.count,'
            ' low = least(r.low, excluded.low), high = greatest(r.high, excluded.high),'
            ' mean = (r.mean * r.count + excluded.mean * excluded.count) / (r.count + excluded.count)',
            in_layer, in_time, column_, column_, partition_);
        GET DIAGNOSTICS more = ROW_COUNT;
        kept := kept + more;
    END LOOP;
    EXECUTE format('DROP TABLE %s', partition_);
    RETURN kept;
END
$$;

-- What the feeds' turns of the last seconds came to, for /metrics: the server may know sums, and no payload.
CREATE FUNCTION cop.feed_turns(in_seconds double precision) RETURNS TABLE (
    feed text, mode text, outcome text, turns bigint, inserted bigint, updated bigint, unchanged bigint, refused bigint,
    closed bigint, longest double precision
) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT t.feed, t.mode, t.outcome, count(*), sum(t.inserted)::bigint, sum(t.updated)::bigint, sum(t.unchanged)::bigint,
           sum(t.refused)::bigint, sum(t.closed)::bigint, max(extract(epoch FROM t.finished_at - t.started_at))::float8
      FROM cop.turn AS t
     WHERE t.started_at > clock_timestamp() - make_interval(secs => in_seconds) AND t.rerun_of IS NULL AND t.outcome <> 'running'
     GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
$$;
REVOKE ALL ON FUNCTION cop.feed_turns(double precision) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cop.feed_turns(double precision) TO cop_app;
