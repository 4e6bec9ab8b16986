-- Observations that come when their day is put away already join the hours that are kept of it: they replace none.
-- depends: 0020_rollups

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
