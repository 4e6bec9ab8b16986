-- Layers: one function makes a layer's tables, history, indexes, triggers, policies and grants from its spec.
-- depends: 0002_numbering

-- The spec (made by cop.catalogue.spec):
--   id, kind, geometry, labelled, numbered, columns [{name, type}], profiles {name: [column, …]},
--   mode, release, owner, time, updated (each a column's name or null)

-- The GeoJSON text of a feature for one release profile; `row_` is the row's name in the generated code.
CREATE FUNCTION cop.doc_expression(spec jsonb, profile text, row_ text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    members text;
BEGIN
    SELECT string_agg(CASE WHEN c->>'type' = 'timestamptz' THEN format('cop.rfc3339(%s.%I) AS %2$I', row_, c->>'name')
                           ELSE format('%s.%I AS %2$I', row_, c->>'name') END, ', ' ORDER BY place)
      INTO members
      FROM jsonb_array_elements(spec->'columns') WITH ORDINALITY AS t(c, place)
     WHERE spec->'profiles'->profile ? (c->>'name');
    RETURN format(
        '''{"type":"Feature","id":'' || to_json(%1$s.id)::text'
        ' || '',"geometry":'' || coalesce(ST_AsGeoJSON(%1$s.geom, 7, 0), ''null'')'
        ' || '',"properties":'' || (SELECT row_to_json(p)::text FROM (SELECT %2$s) AS p) || ''}''',
        row_, concat_ws(', ', members, format('%s.provenance AS provenance', row_)));
END
$$;

-- What the journal's payload hash is taken of. Nulls are left out, so that a new column changes no old hash.
CREATE FUNCTION cop.payload_expression(spec jsonb, row_ text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    members text;
BEGIN
    SELECT string_agg(CASE WHEN c->>'type' = 'timestamptz' THEN format('cop.rfc3339(%s.%I) AS %2$I', row_, c->>'name')
                           ELSE format('%s.%I AS %2$I', row_, c->>'name') END, ', ' ORDER BY place)
      INTO members
      FROM jsonb_array_elements(spec->'columns') WITH ORDINALITY AS t(c, place)
     WHERE c->>'name' IS DISTINCT FROM spec->>'updated';
    RETURN format('sha256(convert_to((SELECT json_strip_nulls(row_to_json(p))::text FROM (SELECT %2$s) AS p), ''UTF8'')'
        ' || coalesce(ST_AsEWKB(%1$s.geom), ''\x''::bytea))',
        row_, concat_ws(', ', format('%s.id AS id', row_), members, format('%s.provenance AS provenance', row_)));
END
$$;

-- The label class of a row: `public` where the layer has no labels, else mode and release.
CREATE FUNCTION cop.class_expression(spec jsonb, row_ text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    IF NOT (spec->>'labelled')::boolean THEN
        RETURN '''public''';
    END IF;
    RETURN format('%1$s.%2$I || '':'' || %1$s.%3$I || CASE WHEN %1$s.%3$I = ''owner'' THEN ''/'' || %1$s.%4$I ELSE '''' END',
        row_, spec->>'mode', spec->>'release', spec->>'owner');
END
$$;

-- Make or extend the tables. Columns may be added; anything else is refused with the way out.
CREATE FUNCTION cop.apply_tables(spec jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    id_ text := spec->>'id';
    shape text := spec->>'geometry';
    target text;
    col jsonb;
    profile text;
    found text;
BEGIN
    FOREACH target IN ARRAY ARRAY['layer', 'history'] LOOP
        EXECUTE format('CREATE TABLE IF NOT EXISTS %I.%I (id text NOT NULL, provenance text NOT NULL DEFAULT ''real'','
            ' geom geometry(%s, 4326), geom_3857 geometry(%3$s, 3857), cls text NOT NULL, seq bigint NOT NULL)',
            target, id_, shape);
        SELECT format_type(atttypid, atttypmod) INTO found FROM pg_attribute
         WHERE attrelid = format('%I.%I', target, id_)::regclass AND attname = 'geom';
        IF lower(found) <> lower(format('geometry(%s,4326)', shape)) THEN
            RAISE EXCEPTION 'layer %: geometry is % in the store and % in the file', id_, found, shape
                USING HINT = 'Give the layer with the new shape another id; the old one keeps its history.';
        END IF;
        FOR col IN SELECT * FROM jsonb_array_elements(spec->'columns') LOOP
            SELECT format_type(atttypid, atttypmod) INTO found FROM pg_attribute
             WHERE attrelid = format('%I.%I', target, id_)::regclass AND attname = col->>'name' AND NOT attisdropped;
            IF found IS NULL THEN
                EXECUTE format('ALTER TABLE %I.%I ADD COLUMN %I %s', target, id_, col->>'name', col->>'type');
            ELSIF found <> format_type((col->>'type')::regtype, NULL) THEN
                RAISE EXCEPTION 'layer %: column % is % in the store and % in the file', id_, col->>'name', found, col->>'type'
                    USING HINT = 'Keep the type, or add a column with a new name beside it.';
            END IF;
        END LOOP;
        FOR profile IN SELECT jsonb_object_keys(spec->'profiles') LOOP
            EXECUTE format('ALTER TABLE %I.%I ADD COLUMN IF NOT EXISTS %I text', target, id_, 'doc_' || profile);
        END LOOP;
    END LOOP;
    SELECT string_agg(attname, ', ') INTO found FROM pg_attribute
     WHERE attrelid = format('layer.%I', id_)::regclass AND attnum > 0 AND NOT attisdropped
       AND attname NOT IN ('id', 'provenance', 'geom', 'geom_3857', 'cls', 'seq') AND attname NOT LIKE 'doc\_%'
       AND NOT EXISTS (SELECT FROM jsonb_array_elements(spec->'columns') AS c WHERE c->>'name' = attname);
    IF found IS NOT NULL THEN
        RAISE EXCEPTION 'layer %: the store has columns that the file has not: %', id_, found
            USING HINT = 'Put them back into the file, and hide them in its profiles if they should not be seen.';
    END IF;
    EXECUTE format('ALTER TABLE history.%I ADD COLUMN IF NOT EXISTS seq_to bigint NOT NULL DEFAULT 9223372036854775807,'
        ' ADD COLUMN IF NOT EXISTS seqs int8range GENERATED ALWAYS AS (int8range(seq, seq_to)) STORED,'
        ' ADD COLUMN IF NOT EXISTS cls_now text NOT NULL, ADD COLUMN IF NOT EXISTS payload_hash bytea NOT NULL', id_);
END
$$;

CREATE FUNCTION cop.apply_indexes(spec jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    id_ text := spec->>'id';
BEGIN
    EXECUTE format('CREATE UNIQUE INDEX IF NOT EXISTS %I ON layer.%I (id) INCLUDE (cls)', id_ || '_id', id_);
    EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON layer.%I USING gist (geom)', id_ || '_geom', id_);
    EXECUTE format('CREATE UNIQUE INDEX IF NOT EXISTS %I ON history.%I (id, seq) INCLUDE (seq_to, cls, cls_now)', id_ || '_version', id_);
    EXECUTE format('CREATE UNIQUE INDEX IF NOT EXISTS %I ON history.%I (id) WHERE seq_to = 9223372036854775807', id_ || '_open', id_);
    EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON history.%I USING gist (geom, seqs)', id_ || '_geom_seqs', id_);
    IF (spec->>'labelled')::boolean THEN
        EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON layer.%I (cls, id)', id_ || '_cls', id_);
    END IF;
    IF spec->>'time' IS NOT NULL THEN
        EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON layer.%I (%I, id)', id_ || '_time', id_, spec->>'time');
    END IF;
    IF spec->>'kind' = 'register' THEN
        EXECUTE format('CREATE UNIQUE INDEX IF NOT EXISTS %I ON layer.%I (source, source_ref, message_status) WHERE source_ref IS NOT NULL',
            id_ || '_source', id_);
    END IF;
END
$$;

-- BEFORE: everything that follows from the row itself, without a lock.
CREATE FUNCTION cop.write_before(spec jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    id_ text := spec->>'id';
    body text := 'IF TG_OP = ''UPDATE'' AND NEW.id <> OLD.id THEN RAISE EXCEPTION ''the id % stands for ever'', OLD.id'
        ' USING HINT = ''Delete the record and insert another.''; END IF;';
    profile text;
    new_values text;
    old_values text;
BEGIN
    IF spec->>'numbered' IS NOT NULL THEN
        body := body || format('IF NEW.id IS NULL THEN NEW.id := cop.draw_id(%L, NEW.%I); END IF;', spec->>'numbered', spec->>'time');
    END IF;
    IF spec->>'updated' IS NOT NULL THEN
        -- A change that changes nothing leaves the time as it was, for it takes no number either.
        SELECT string_agg(format('NEW.%I', name), ', '), string_agg(format('OLD.%I', name), ', ') INTO new_values, old_values
          FROM (SELECT unnest(ARRAY['provenance', 'geom']) AS name UNION ALL
                SELECT c->>'name' FROM jsonb_array_elements(spec->'columns') AS c WHERE c->>'name' <> spec->>'updated') AS names;
        body := body || format('IF TG_OP = ''UPDATE'' AND (%s) IS NOT DISTINCT FROM (%s) THEN NEW.%I := OLD.%3$I;'
            ' ELSE NEW.%3$I := clock_timestamp(); END IF;', new_values, old_values, spec->>'updated');
    END IF;
    body := body || format('NEW.geom_3857 := ST_Transform(NEW.geom, 3857); NEW.cls := %s;', cop.class_expression(spec, 'NEW'));
    FOR profile IN SELECT jsonb_object_keys(spec->'profiles') LOOP
        body := body || format('NEW.%I := %s;', 'doc_' || profile, cop.doc_expression(spec, profile, 'NEW'));
    END LOOP;
    EXECUTE format(
        'CREATE OR REPLACE FUNCTION layer_code.%I() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER'
        ' SET search_path = pg_catalog, public, pg_temp AS %L', id_ || '_before',
        'BEGIN NEW.seq := coalesce(cop.load_number(), CASE TG_OP WHEN ''UPDATE'' THEN OLD.seq ELSE 0 END);' || body || 'RETURN NEW; END');
    EXECUTE format(
        'CREATE OR REPLACE TRIGGER derive BEFORE INSERT OR UPDATE ON layer.%I FOR EACH ROW WHEN (NOT cop.is_own_write())'
        ' EXECUTE FUNCTION layer_code.%I()', id_, id_ || '_before');
END
$$;

-- The columns that a row and its versions share.
CREATE FUNCTION cop.shared_columns(spec jsonb, row_ text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%s%I', row_, name), ', ' ORDER BY name) FROM (
        SELECT unnest(ARRAY['id', 'provenance', 'geom', 'geom_3857', 'cls', 'seq']) AS name
        UNION ALL SELECT c->>'name' FROM jsonb_array_elements(spec->'columns') AS c
        UNION ALL SELECT 'doc_' || p FROM jsonb_object_keys(spec->'profiles') AS p) AS names
$$;

-- Variables begin with an underscore, which no column's name may: so none is mistaken for the other.
-- A row that went away from its version and came back to it takes back the version's time and texts too.
CREATE FUNCTION cop.write_back(spec jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    id_ text := spec->>'id';
    assignments text;
BEGIN
    IF spec->>'updated' IS NULL THEN
        RETURN '';
    END IF;
    SELECT string_agg(format('%I = h.%1$I', name), ', ') INTO assignments
      FROM (SELECT spec->>'updated' AS name UNION ALL SELECT 'doc_' || p FROM jsonb_object_keys(spec->'profiles') AS p) AS names;
    RETURN format('PERFORM set_config(''cop.own_write'', ''1'', true);'
        ' UPDATE layer.%1$I AS t SET %2$s FROM history.%1$I AS h WHERE t.id = _key AND h.id = _key'
        ' AND h.seq_to = 9223372036854775807 AND t.%3$I IS DISTINCT FROM h.%3$I;'
        ' PERFORM set_config(''cop.own_write'', '''', true);', id_, assignments, spec->>'updated');
END
$$;

-- AFTER, deferred to commit: number one row's change, keep the old version, move the marks.
-- A row changed twice in one transaction comes here twice and is numbered once: the second time its hash is known.
CREATE FUNCTION cop.write_commit(spec jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    id_ text := spec->>'id';
BEGIN
    EXECUTE format(
        'CREATE OR REPLACE FUNCTION layer_code.%I() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER'
        ' SET search_path = pg_catalog, public, pg_temp AS %L', id_ || '_commit', format($body$
DECLARE
    _key text := CASE TG_OP WHEN 'DELETE' THEN OLD.id ELSE NEW.id END;
    present layer.%1$I;
    _open record;
    _hash bytea;
    _op text;
    _n bigint;
BEGIN
    SELECT * INTO present FROM layer.%1$I WHERE id = _key;
    SELECT seq, cls, payload_hash INTO _open FROM history.%1$I WHERE id = _key AND seq_to = 9223372036854775807;
    IF present.id IS NULL AND _open.seq IS NULL THEN
        RETURN NULL;
    END IF;
    IF present.id IS NOT NULL THEN
        _hash := %2$s;
        IF _open.payload_hash = _hash AND _open.cls = present.cls THEN
            %6$s
            RETURN NULL;
        END IF;
    END IF;
    _op := CASE WHEN present.id IS NULL THEN 'delete' WHEN _open.seq IS NULL THEN 'insert' ELSE 'update' END;
    _n := cop.next_number(%3$L, _key, _op, _open.cls, present.cls, coalesce(_hash, '\x'));
    UPDATE history.%1$I SET seq_to = _n WHERE id = _key AND seq_to = 9223372036854775807;
    IF present.id IS NOT NULL THEN
        present.seq := _n;
        PERFORM set_config('cop.own_write', '1', true);
        UPDATE layer.%1$I SET seq = _n WHERE id = _key;
        PERFORM set_config('cop.own_write', '', true);
        INSERT INTO history.%1$I (%4$s, cls_now, payload_hash) VALUES (%5$s, present.cls, _hash);
    END IF;
    IF _open.cls IS DISTINCT FROM present.cls THEN
        IF _open.cls IS NOT NULL THEN
            PERFORM cop.move_mark(%3$L, _open.cls, _n, -1);
        END IF;
        IF present.cls IS NOT NULL THEN
            PERFORM cop.move_mark(%3$L, present.cls, _n, 1);
            UPDATE history.%1$I SET cls_now = present.cls WHERE id = _key AND cls_now <> present.cls;
        END IF;
    ELSE
        PERFORM cop.move_mark(%3$L, present.cls, _n, 0);
    END IF;
    RETURN NULL;
END
$body$, id_, cop.payload_expression(spec, 'present'), id_,
        cop.shared_columns(spec, ''), cop.shared_columns(spec, 'present.'), cop.write_back(spec)));
    EXECUTE format('CREATE OR REPLACE TRIGGER never_truncated BEFORE TRUNCATE ON layer.%I'
        ' EXECUTE FUNCTION cop.refuse_truncate()', id_);
    EXECUTE format('DROP TRIGGER IF EXISTS number_at_commit ON layer.%I', id_);
    EXECUTE format(
        'CREATE CONSTRAINT TRIGGER number_at_commit AFTER INSERT OR UPDATE OR DELETE ON layer.%I'
        ' DEFERRABLE INITIALLY DEFERRED FOR EACH ROW'
        ' WHEN (NOT cop.is_own_write() AND cop.load_number() IS NULL)'
        ' EXECUTE FUNCTION layer_code.%I()', id_, id_ || '_commit');
END
$$;

-- AFTER, by the statement, within a bulk load: versions and marks of all its rows at the load's one number.
CREATE FUNCTION cop.write_load(spec jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    id_ text := spec->>'id';
    event text;
BEGIN
    EXECUTE format(
        'CREATE OR REPLACE FUNCTION layer_code.%I() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER'
        ' SET search_path = pg_catalog, public, pg_temp AS %L', id_ || '_load', format($body$
DECLARE
    _n bigint := cop.load_number();
    _moved record;
BEGIN
    IF _n IS NULL THEN
        RETURN NULL;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        -- A version that this load has made itself was never seen; it gives way instead of being closed.
        DELETE FROM history.%1$I h USING old_rows o WHERE h.id = o.id AND h.seq = _n;
        UPDATE history.%1$I h SET seq_to = _n FROM old_rows o WHERE h.id = o.id AND h.seq_to = 9223372036854775807;
        FOR _moved IN SELECT cls, count(*) AS rows FROM old_rows GROUP BY cls LOOP
            PERFORM cop.move_mark(%2$L, _moved.cls, _n, -_moved.rows);
        END LOOP;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO history.%1$I (%3$s, cls_now, payload_hash) SELECT %4$s, present.cls, %5$s FROM new_rows AS present;
        FOR _moved IN SELECT cls, count(*) AS rows FROM new_rows GROUP BY cls LOOP
            PERFORM cop.move_mark(%2$L, _moved.cls, _n, _moved.rows);
        END LOOP;
    END IF;
    %6$s
    RETURN NULL;
END
$body$, id_, id_, cop.shared_columns(spec, ''), cop.shared_columns(spec, 'present.'),
        cop.payload_expression(spec, 'present'), CASE WHEN (spec->>'labelled')::boolean THEN format(
            'IF TG_OP <> ''DELETE'' THEN UPDATE history.%I h SET cls_now = r.cls FROM new_rows r'
            ' WHERE h.id = r.id AND h.cls_now <> r.cls; END IF;', id_) ELSE '' END));
    -- A trigger with a transition table takes one event; in a statement trigger the absent table is never read.
    FOREACH event IN ARRAY ARRAY['insert', 'update', 'delete'] LOOP
        EXECUTE format('DROP TRIGGER IF EXISTS %I ON layer.%I', 'load_' || event, id_);
        EXECUTE format('CREATE TRIGGER %I AFTER %s ON layer.%I REFERENCING %s FOR EACH STATEMENT EXECUTE FUNCTION layer_code.%I()',
            'load_' || event, event, id_,
            CASE event WHEN 'insert' THEN 'NEW TABLE AS new_rows' WHEN 'update' THEN 'OLD TABLE AS old_rows NEW TABLE AS new_rows'
                       ELSE 'OLD TABLE AS old_rows' END, id_ || '_load');
    END LOOP;
END
$$;

-- Who reads: row security where rows carry labels, a grant where they do not.
CREATE FUNCTION cop.apply_rights(spec jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    id_ text := spec->>'id';
    visible text := '((SELECT nullif(current_setting(''cop.visible'', true), '''')::text[])::text[])';
BEGIN
    EXECUTE format('GRANT SELECT ON layer.%I, history.%1$I TO cop_app', id_);
    IF (spec->>'labelled')::boolean THEN
        EXECUTE format('ALTER TABLE layer.%I ENABLE ROW LEVEL SECURITY', id_);
        EXECUTE format('ALTER TABLE history.%I ENABLE ROW LEVEL SECURITY', id_);
        EXECUTE format('DROP POLICY IF EXISTS visible ON layer.%I', id_);
        EXECUTE format('DROP POLICY IF EXISTS visible ON history.%I', id_);
        EXECUTE format('CREATE POLICY visible ON layer.%I FOR SELECT TO cop_app USING (cls = ANY (%s))', id_, visible);
        -- A version is seen if it was permitted then and the record is permitted now.
        EXECUTE format('CREATE POLICY visible ON history.%I FOR SELECT TO cop_app USING (cls = ANY (%s) AND cls_now = ANY (%2$s))', id_, visible);
    END IF;
END
$$;

-- Where a layer is a sensor's latest value, its series stands beside it, a partition a day (UTC).
CREATE FUNCTION cop.apply_series(spec jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    id_ text := spec->>'id';
    col jsonb;
BEGIN
    IF spec->>'kind' <> 'latest' THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE TABLE IF NOT EXISTS obs.%I (id text NOT NULL, %I timestamptz NOT NULL, published_at timestamptz NOT NULL,'
        ' provenance text NOT NULL, PRIMARY KEY (id, %2$I)) PARTITION BY RANGE (%2$I)', id_, spec->>'time');
    FOR col IN SELECT * FROM jsonb_array_elements(spec->'columns') LOOP
        EXECUTE format('ALTER TABLE obs.%I ADD COLUMN IF NOT EXISTS %I %s', id_, col->>'name', col->>'type');
    END LOOP;
    EXECUTE format('GRANT SELECT ON obs.%I TO cop_app', id_);
END
$$;

-- Texts are kept per feature; where the columns or profiles changed, make them again. No number: the records are the same.
CREATE FUNCTION cop.rebuild_docs(spec jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    id_ text := spec->>'id';
    assignments text;
BEGIN
    SELECT string_agg(format('%I = %s', 'doc_' || p, cop.doc_expression(spec, p, 't')), ', ')
      INTO assignments FROM jsonb_object_keys(spec->'profiles') AS p;
    PERFORM set_config('cop.own_write', '1', true);
    EXECUTE format('UPDATE layer.%I AS t SET %s', id_, assignments);
    EXECUTE format('UPDATE history.%I AS t SET %s', id_, assignments);
    PERFORM set_config('cop.own_write', '', true);
END
$$;

CREATE FUNCTION cop.apply_layer(spec jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    before jsonb;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('cop.apply_layer'));
    SELECT l.spec INTO before FROM cop.layer l WHERE l.id = apply_layer.spec->>'id';
    IF before = apply_layer.spec THEN
        RETURN 'unchanged';
    END IF;
    -- Labels decide who sees a row's past; changing what they are made of would relabel it in silence.
    IF before ? 'labelled' AND jsonb_build_array(before->'labelled', before->'mode', before->'release', before->'owner')
        <> jsonb_build_array(spec->'labelled', spec->'mode', spec->'release', spec->'owner') THEN
        RAISE EXCEPTION 'layer %: its labels are made of other columns in the store than in the file', spec->>'id'
            USING HINT = 'Keep the roles mode and release where they are, or give the new layer another id.';
    END IF;
    PERFORM cop.apply_tables(spec);
    PERFORM cop.apply_indexes(spec);
    PERFORM cop.write_before(spec);
    PERFORM cop.write_commit(spec);
    PERFORM cop.write_load(spec);
    PERFORM cop.apply_rights(spec);
    PERFORM cop.apply_series(spec);
    IF before ? 'profiles' THEN
        PERFORM cop.rebuild_docs(spec);
    END IF;
    INSERT INTO cop.layer AS l (id, spec) VALUES (apply_layer.spec->>'id', apply_layer.spec)
    ON CONFLICT (id) DO UPDATE SET spec = excluded.spec, applied_at = clock_timestamp();
    REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA layer_code FROM PUBLIC;
    RETURN CASE WHEN before IS NULL THEN 'made' ELSE 'changed' END;
END
$$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA cop FROM PUBLIC;
