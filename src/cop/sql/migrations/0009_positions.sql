-- Positions by release profile: where a profile blurs, its readers find a record at the middle of its district.
-- depends: 0008_history

-- A place near the middle of each district's land, longitude and latitude; all records of a district share it.
CREATE TABLE cop.district_position (code text PRIMARY KEY, geom public.geometry(Point, 4326) NOT NULL);
INSERT INTO cop.district_position
SELECT code, public.ST_SetSRID(public.ST_MakePoint(lon, lat), 4326) FROM (VALUES
    ('CW', 114.1440, 22.2790), ('EST', 114.2260, 22.2740), ('ILD', 113.9900, 22.2600), ('KC', 114.1110, 22.3450),
    ('KLC', 114.1900, 22.3200), ('KT', 114.2260, 22.3120), ('NTH', 114.1500, 22.5050), ('SK', 114.2750, 22.3850),
    ('SSP', 114.1590, 22.3310), ('ST', 114.2010, 22.3890), ('STH', 114.1950, 22.2450), ('TM', 113.9650, 22.3950),
    ('TP', 114.1700, 22.4550), ('TW', 114.1000, 22.3780), ('WC', 114.1820, 22.2720), ('WTS', 114.2030, 22.3440),
    ('YL', 114.0250, 22.4450), ('YTM', 114.1690, 22.3100)) AS middle (code, lon, lat);

-- The position as a blurring profile shows it: the exact one only where the owner released it.
CREATE FUNCTION cop.blurred(exact public.geometry, district text, released boolean) RETURNS public.geometry
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF released IS TRUE OR exact IS NULL THEN
        RETURN exact;
    END IF;
    RETURN (SELECT p.geom FROM cop.district_position AS p WHERE p.code = district);
END
$$;

-- The district that a position lies in; null at sea and where the layer of districts is empty.
CREATE FUNCTION cop.district_of(place public.geometry) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RETURN (SELECT d.code FROM layer.districts AS d WHERE d.geom && place AND ST_Intersects(d.geom, ST_PointOnSurface(place))
            ORDER BY d.code LIMIT 1);
END
$$;

-- The geometry column of a profile; `doc_…` like all that is derived for a profile.
CREATE FUNCTION cop.profile_geometry(spec jsonb, profile text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN CASE WHEN spec->'blurs' ? profile THEN 'doc_' || profile || '_geom' ELSE 'geom' END;
END
$$;

-- What a profile's text says of a column: in a blurring profile some are there only where the position is.
CREATE FUNCTION cop.profile_value(spec jsonb, profile text, col jsonb, row_ text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    value_ text := format(CASE WHEN col->>'type' = 'timestamptz' THEN 'cop.rfc3339(%s.%I)' ELSE '%s.%I' END, row_, col->>'name');
BEGIN
    IF spec->'blurs'->profile->'columns' ? (col->>'name') THEN
        value_ := format('CASE WHEN %s.%I THEN %s END', row_, spec->'blurs'->profile->>'unless', value_);
    END IF;
    RETURN value_;
END
$$;

-- As in 0003, with the profile's own position.
CREATE OR REPLACE FUNCTION cop.doc_expression(spec jsonb, profile text, row_ text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    members text;
BEGIN
    SELECT string_agg(format('%s AS %I', cop.profile_value(spec, profile, c, row_), c->>'name'), ', ' ORDER BY place)
      INTO members
      FROM jsonb_array_elements(spec->'columns') WITH ORDINALITY AS t(c, place)
     WHERE spec->'profiles'->profile ? (c->>'name');
    RETURN format(
        '''{"type":"Feature","id":'' || to_json(%1$s.id)::text'
        ' || '',"geometry":'' || coalesce(ST_AsGeoJSON(%1$s.%3$I, 7, 0), ''null'')'
        ' || '',"properties":'' || (SELECT row_to_json(p)::text FROM (SELECT %2$s) AS p) || ''}''',
        row_, concat_ws(', ', members, format('%s.provenance AS provenance', row_)), cop.profile_geometry(spec, profile));
END
$$;

-- The assignments of blurred positions, for a row of this name; they go before the texts, which tell them.
CREATE FUNCTION cop.blur_assignments(spec jsonb, row_ text, sign_ text, after_ text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN coalesce((SELECT string_agg(format(
            '%1$s%2$I %5$s cop.blurred(%3$s.geom, %3$s.%6$I, %3$s.%7$I)%4$s %1$s%8$I %5$s ST_Transform(%9$s, 3857)%4$s ',
            CASE sign_ WHEN ':=' THEN row_ || '.' ELSE '' END, cop.profile_geometry(spec, b.key), row_, after_, sign_,
            b.value->>'district', b.value->>'unless', cop.profile_geometry(spec, b.key) || '_3857',
            CASE sign_ WHEN ':=' THEN format('%s.%I', row_, cop.profile_geometry(spec, b.key))
                 ELSE format('cop.blurred(%1$s.geom, %1$s.%2$I, %1$s.%3$I)', row_, b.value->>'district', b.value->>'unless') END
        ), '') FROM jsonb_each(spec->'blurs') AS b), '');
END
$$;

-- The columns and indexes of blurred positions.
CREATE FUNCTION cop.apply_blurs(spec jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    id_ text := spec->>'id';
    column_ text;
    target text;
BEGIN
    FOR column_ IN SELECT cop.profile_geometry(spec, p) FROM jsonb_object_keys(coalesce(spec->'blurs', '{}')) AS p LOOP
        FOREACH target IN ARRAY ARRAY['layer', 'history'] LOOP
            EXECUTE format('ALTER TABLE %I.%I ADD COLUMN IF NOT EXISTS %I geometry(%s, 4326),'
                ' ADD COLUMN IF NOT EXISTS %I geometry(%4$s, 3857)', target, id_, column_, spec->>'geometry', column_ || '_3857');
        END LOOP;
        EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON layer.%I USING gist (%I)', id_ || '_' || column_, id_, column_);
        EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON history.%I USING gist (%I, seqs)', id_ || '_' || column_ || '_seqs', id_, column_);
    END LOOP;
END
$$;

-- As in 0003, with blurred positions.
CREATE OR REPLACE FUNCTION cop.shared_columns(spec jsonb, row_ text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%s%I', row_, name), ', ' ORDER BY name) FROM (
        SELECT unnest(ARRAY['id', 'provenance', 'geom', 'geom_3857', 'cls', 'seq']) AS name
        UNION ALL SELECT c->>'name' FROM jsonb_array_elements(spec->'columns') AS c
        UNION ALL SELECT cop.profile_geometry(spec, p) || suffix
                    FROM jsonb_object_keys(coalesce(spec->'blurs', '{}')) AS p, unnest(ARRAY['', '_3857']) AS suffix
        UNION ALL SELECT 'doc_' || p FROM jsonb_object_keys(spec->'profiles') AS p) AS names
$$;

-- As in 0005, with blurred positions.
CREATE OR REPLACE FUNCTION cop.write_before(spec jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    id_ text := spec->>'id';
    body text := 'IF TG_OP = ''UPDATE'' AND NEW.id <> OLD.id THEN RAISE EXCEPTION ''the id % stands for ever'', OLD.id'
        ' USING HINT = ''Delete the record and insert another.''; END IF;';
    profile text;
    new_values text;
    old_values text;
BEGIN
    IF spec->>'numbered' IS NOT NULL THEN
        body := body || format('IF NEW.id IS NULL THEN NEW.id := cop.draw_id(%L, coalesce(NEW.%I, cop.scenario_at())); END IF;',
            spec->>'numbered', spec->>'time');
    ELSIF spec->>'kind' = 'register' THEN
        SELECT string_agg(format('NEW.%I', name), ', ') INTO new_values FROM jsonb_array_elements_text(spec->'key') AS name;
        body := body || format('IF NEW.id IS NULL THEN NEW.id := nullif(concat_ws(''-'', %s), '''')'
            ' || CASE WHEN NEW.%I = ''actual'' THEN '''' ELSE ''.'' || NEW.%2$I END; END IF;', new_values, spec->>'mode');
    END IF;
    IF spec->>'updated' IS NOT NULL THEN
        -- A change that changes nothing leaves the time as it was, for it takes no number either.
        SELECT string_agg(format('NEW.%I', name), ', '), string_agg(format('OLD.%I', name), ', ') INTO new_values, old_values
          FROM (SELECT unnest(ARRAY['provenance', 'geom']) AS name UNION ALL
                SELECT c->>'name' FROM jsonb_array_elements(spec->'columns') AS c WHERE c->>'name' <> spec->>'updated') AS names;
        body := body || format('IF TG_OP = ''UPDATE'' AND (%s) IS NOT DISTINCT FROM (%s) THEN NEW.%I := OLD.%3$I;'
            ' ELSE NEW.%3$I := coalesce(cop.scenario_at(), clock_timestamp()); END IF;', new_values, old_values, spec->>'updated');
    END IF;
    body := body || format('NEW.geom_3857 := ST_Transform(NEW.geom, 3857); NEW.cls := %s;', cop.class_expression(spec, 'NEW'));
    body := body || cop.blur_assignments(spec, 'NEW', ':=', ';');
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

-- As in 0003: positions first, then the texts that tell them.
CREATE OR REPLACE FUNCTION cop.rebuild_docs(spec jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    id_ text := spec->>'id';
    assignments text;
    positions text := rtrim(cop.blur_assignments(spec, 't', '=', ','), ', ');
    target text;
BEGIN
    SELECT string_agg(format('%I = %s', 'doc_' || p, cop.doc_expression(spec, p, 't')), ', ')
      INTO assignments FROM jsonb_object_keys(spec->'profiles') AS p;
    PERFORM set_config('cop.own_write', '1', true);
    FOREACH target IN ARRAY ARRAY['layer', 'history'] LOOP
        IF positions <> '' THEN
            EXECUTE format('UPDATE %I.%I AS t SET %s', target, id_, positions);
        END IF;
        EXECUTE format('UPDATE %I.%I AS t SET %s', target, id_, assignments);
    END LOOP;
    PERFORM set_config('cop.own_write', '', true);
END
$$;

-- As in 0003, with blurred positions.
CREATE OR REPLACE FUNCTION cop.apply_layer(spec jsonb) RETURNS text LANGUAGE plpgsql AS $$
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
    PERFORM cop.apply_blurs(spec);
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
GRANT EXECUTE ON FUNCTION cop.district_of(public.geometry) TO cop_app;
