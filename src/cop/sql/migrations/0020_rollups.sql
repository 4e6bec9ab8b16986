-- Observations by the hour, for what is older than the series is kept.
-- depends: 0012_restore

CREATE TABLE cop.rollup (
    layer text NOT NULL,
    id text NOT NULL,               -- the sensor
    hour timestamptz NOT NULL,      -- begin of the hour
    name text NOT NULL,             -- the column
    count integer NOT NULL,
    low double precision NOT NULL,
    mean double precision NOT NULL,
    high double precision NOT NULL,
    PRIMARY KEY (layer, id, name, hour)
);
GRANT SELECT ON cop.rollup TO cop_app;

-- The days of a layer's series, the oldest first.
CREATE FUNCTION cop.series_days(in_layer text) RETURNS TABLE (day date, partition regclass) LANGUAGE sql STABLE AS $$
    SELECT to_date(right(c.relname, 8), 'YYYYMMDD'), c.oid::regclass
      FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
     WHERE i.inhparent = format('obs.%I', in_layer)::regclass ORDER BY 1
$$;

-- Put a day of a series away: its hours are kept, its observations go. In one transaction, so that neither is lost.
CREATE FUNCTION cop.put_away_day(in_layer text, in_day date, in_time text, in_columns text[]) RETURNS bigint
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
            'INSERT INTO cop.rollup SELECT %L, id, date_trunc(''hour'', %I), %L, count(*), min(%I), avg(%4$I), max(%4$I)'
            ' FROM %s WHERE %4$I IS NOT NULL GROUP BY 2, 3'
            ' ON CONFLICT (layer, id, name, hour) DO UPDATE SET count = excluded.count, low = excluded.low,'
            ' mean = excluded.mean, high = excluded.high',
            in_layer, in_time, column_, column_, partition_);
        GET DIAGNOSTICS more = ROW_COUNT;
        kept := kept + more;
    END LOOP;
    EXECUTE format('DROP TABLE %s', partition_);
    RETURN kept;
END
$$;
REVOKE ALL ON FUNCTION cop.series_days(text), cop.put_away_day(text, date, text, text[]) FROM PUBLIC;
