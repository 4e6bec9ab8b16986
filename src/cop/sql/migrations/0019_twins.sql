-- One thing told twice: a record with another party's number that an earlier record has already.
-- depends: 0018_returns

-- The index by which numbers are looked up.
CREATE FUNCTION cop.apply_numbers(in_layer text, in_column text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON layer.%I USING gin (%I)', in_layer || '_' || in_column, in_layer, in_column);
END
$$;

-- The first record that the writer sees which has one of these numbers and repeats no other; null where there is none.
CREATE FUNCTION cop.twin_of(in_layer text, in_column text, in_into text, in_numbers text[], in_apart text[]) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    found text;
BEGIN
    EXECUTE format('SELECT id FROM layer.%I WHERE %I && $1 AND %I IS NULL AND cls = ANY ($2) AND id <> ALL ($3)'
        ' ORDER BY seq, id LIMIT 1', in_layer, in_column, in_into)
        INTO found USING in_numbers, cop.visible_classes(), coalesce(in_apart, '{}');
    RETURN found;
END
$$;
REVOKE ALL ON FUNCTION cop.apply_numbers(text, text), cop.twin_of(text, text, text, text[], text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cop.twin_of(text, text, text, text[], text[]) TO cop_app;
