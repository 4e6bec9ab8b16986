-- Counts: the columns that a summary reads, in an index of their own, so that it need not read the records' texts.
-- depends: 0009_positions

-- Make that index, named after its columns; one of other columns before it goes.
CREATE FUNCTION cop.apply_counted(in_layer text, in_columns text[]) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    begins_ text := left(in_layer, 40) || '_counted_'; -- an index's name has 63 characters at most
    name_ text := begins_ || left(md5(in_layer || array_to_string(in_columns, ',')), 8);
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
    EXECUTE format('CREATE INDEX %I ON layer.%I (cls) INCLUDE (%s)', name_, in_layer, listed_);
    RETURN true;
END
$$;
REVOKE EXECUTE ON FUNCTION cop.apply_counted(text, text[]) FROM PUBLIC;
