-- Counts: what records are counted by, as one text a record, stands in the index of counted columns and gives its order.
-- depends: 0012_restore

DROP FUNCTION cop.apply_counted(text, text[]);

-- Make that index, named after its columns and its key; one of others before it goes. The key is an expression over the
-- layer's columns, which cop layers apply makes from the layer's file (cop/query/counted_key.py).
CREATE FUNCTION cop.apply_counted(in_layer text, in_columns text[], in_key text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    begins_ text := left(in_layer, 40) || '_counted_'; -- an index's name has 63 characters at most
    name_ text := begins_ || left(md5(in_layer || array_to_string(in_columns, ',') || in_key), 8);
    old_ text;
    listed_ text;
BEGIN
    IF to_regclass(format('layer.%I', name_)) IS NOT NULL THEN
        RETURN false;
    END IF;
    FOR old_ IN SELECT indexname FROM pg_indexes
        WHERE schemaname = 'layer' AND tablename = in_layer AND starts_with(indexname, begins_) LOOP
        EXECUTE format('DROP INDEX layer.%I', old_);
    END LOOP;
    SELECT string_agg(quote_ident(c), ', ') INTO listed_ FROM unnest(in_columns) AS c;
    -- The columns themselves stand in it too: the planner reads an index alone only where it has each column asked for.
    EXECUTE format('CREATE INDEX %I ON layer.%I (cls, (%s)) INCLUDE (%s)', name_, in_layer, in_key, listed_);
    RETURN true;
END
$$;
REVOKE EXECUTE ON FUNCTION cop.apply_counted(text, text[], text) FROM PUBLIC;
