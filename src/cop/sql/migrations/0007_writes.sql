-- Writes through the API: the app role writes by these functions alone, and only what its visible set has.
-- depends: 0006_keys

-- Answers of writes by their Idempotency-Key, so that a repeated request is answered and not done again.
CREATE TABLE cop.idempotency (
    principal text NOT NULL,
    key text NOT NULL,
    asked bytea NOT NULL,           -- hash of method, address and body
    status integer NOT NULL,
    headers jsonb NOT NULL,
    body bytea NOT NULL,
    made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (principal, key)
);
CREATE INDEX idempotency_made_at ON cop.idempotency (made_at);

-- The label classes that the writer sees, as the readers' policies have them.
CREATE FUNCTION cop.visible_classes() RETURNS text[] LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN nullif(current_setting('cop.visible', true), '')::text[];
END
$$;

-- The columns of a layer that a record of the API has, as a list for SELECT; the geometry as GeoJSON.
CREATE FUNCTION cop.record_columns(in_layer text) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    found text;
BEGIN
    SELECT string_agg(CASE WHEN c->>'type' = 'timestamptz' THEN format('cop.rfc3339(t.%I) AS %1$I', c->>'name')
                           ELSE format('t.%I', c->>'name') END, ', ' ORDER BY place)
      INTO found
      FROM cop.layer AS l, jsonb_array_elements(l.spec->'columns') WITH ORDINALITY AS e(c, place)
     WHERE l.id = in_layer;
    RETURN 't.id, ' || found || ', ST_AsGeoJSON(t.geom, 9, 0)::json AS geometry';
END
$$;

-- A feature as it is now, locked until the end of the transaction; no row where the writer does not see it.
CREATE FUNCTION cop.lock_feature(in_layer text, in_id text, OUT record jsonb, OUT seq bigint)
RETURNS SETOF record LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT (SELECT to_jsonb(r) FROM (SELECT %s) AS r), t.seq FROM layer.%I AS t'
        ' WHERE t.id = $1 AND t.cls = ANY ($2) FOR UPDATE', cop.record_columns(in_layer), in_layer)
        USING in_id, cop.visible_classes();
END
$$;

-- Write one feature: inserted where in_id is null, else its named columns are changed. `geom` is GeoJSON or hex WKB.
-- Gives the id. What the writer would not see before or could never see after (another mode) is refused.
CREATE FUNCTION cop.write_feature(in_layer text, in_id text, in_values jsonb) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    columns_ text;
    id_ text := in_id;
    cls_ text;
BEGIN
    IF in_values ?| ARRAY['id', 'cls', 'seq', 'provenance', 'geom_3857'] THEN
        RAISE EXCEPTION 'the store alone sets id, cls, seq, provenance and geom_3857' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF in_id IS NULL THEN
        EXECUTE format('INSERT INTO layer.%I SELECT * FROM jsonb_populate_record(NULL::layer.%1$I, $1) RETURNING id, cls', in_layer)
            INTO id_, cls_ USING in_values || jsonb_build_object('provenance',
                CASE WHEN cop.visible_mode() = 'actual' THEN 'real' ELSE 'exercise' END);
    ELSE
        SELECT string_agg(format('%I', name), ', ' ORDER BY name) INTO columns_ FROM jsonb_object_keys(in_values) AS name;
        EXECUTE format('UPDATE layer.%I AS t SET (%s) = (SELECT %2$s FROM jsonb_populate_record(t, $1))'
            ' WHERE id = $2 AND cls = ANY ($3) RETURNING cls', in_layer, columns_)
            INTO cls_ USING in_values, in_id, cop.visible_classes();
    END IF;
    IF cls_ IS NULL OR split_part(cls_, ':', 1) <> cop.visible_mode() THEN
        RAISE EXCEPTION 'layer %: % is not the writer''s to write', in_layer, coalesce(in_id, 'the record')
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN id_;
END
$$;

-- The record that another one is about (its column holds the id), locked, though the writer may not see it: a
-- department that accepts what is handed over has seen the request, not the incident. Both are of the writer's mode.
CREATE FUNCTION cop.lock_parent(
    in_layer text, in_id text, in_column text, in_parent text, OUT record jsonb, OUT seq bigint
) RETURNS SETOF record LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT (SELECT to_jsonb(r) FROM (SELECT %s) AS r), t.seq FROM layer.%I AS t JOIN layer.%I AS c ON c.%I = t.id'
        ' WHERE c.id = $1 AND c.cls = ANY ($2) AND split_part(t.cls, '':'', 1) = $3 FOR UPDATE OF t',
        cop.record_columns(in_parent), in_parent, in_layer, in_column)
        USING in_id, cop.visible_classes(), cop.visible_mode();
END
$$;

-- Change that record's named columns.
CREATE FUNCTION cop.write_parent(in_layer text, in_id text, in_column text, in_parent text, in_values jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    columns_ text;
    cls_ text;
BEGIN
    SELECT string_agg(format('%I', name), ', ' ORDER BY name) INTO columns_ FROM jsonb_object_keys(in_values) AS name;
    EXECUTE format('UPDATE layer.%I AS t SET (%s) = (SELECT %2$s FROM jsonb_populate_record(t, $1)) FROM layer.%I AS c'
        ' WHERE c.id = $2 AND c.cls = ANY ($3) AND c.%I = t.id AND split_part(t.cls, '':'', 1) = $4 RETURNING t.cls',
        in_parent, columns_, in_layer, in_column)
        INTO cls_ USING in_values, in_id, cop.visible_classes(), cop.visible_mode();
    IF cls_ IS NULL OR split_part(cls_, ':', 1) <> cop.visible_mode() THEN
        RAISE EXCEPTION 'layer %: the record is not the writer''s to write', in_parent USING ERRCODE = 'insufficient_privilege';
    END IF;
END
$$;

-- Withdraw a record: it is gone from the present, its history stays.
CREATE FUNCTION cop.withdraw_feature(in_layer text, in_id text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    found_ integer;
BEGIN
    EXECUTE format('DELETE FROM layer.%I WHERE id = $1 AND cls = ANY ($2)', in_layer) USING in_id, cop.visible_classes();
    GET DIAGNOSTICS found_ = ROW_COUNT;
    IF found_ = 0 THEN
        RAISE EXCEPTION 'layer %: % is not the writer''s to withdraw', in_layer, in_id USING ERRCODE = 'insufficient_privilege';
    END IF;
END
$$;

-- The mode of the writer's visible set: that of its classes, which are all of one.
CREATE FUNCTION cop.visible_mode() RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT split_part(cls, ':', 1) FROM unnest(cop.visible_classes()) AS cls WHERE cls LIKE '%:%' LIMIT 1);
END
$$;

-- The value that a column of a feature had last before it took its present one.
CREATE FUNCTION cop.value_before(in_layer text, in_id text, in_column text) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    found text;
BEGIN
    EXECUTE format('SELECT h.%I FROM history.%I AS h JOIN layer.%2$I AS t USING (id)'
        ' WHERE h.id = $1 AND h.%1$I IS DISTINCT FROM t.%1$I ORDER BY h.seq DESC LIMIT 1', in_column, in_layer)
        INTO found USING in_id;
    RETURN found;
END
$$;

-- The time that a record of a mode is made at: the exercise's clock in an exercise, else ours.
CREATE FUNCTION cop.clock(in_mode text) RETURNS timestamptz
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN CASE WHEN in_mode = 'exercise' THEN coalesce(cop.exercise_now(), clock_timestamp()) ELSE clock_timestamp() END;
END
$$;

-- One writer at a time for a key; gives the answer kept under it, if there is one of the last 24 hours.
CREATE FUNCTION cop.recall_answer(in_principal text, in_key text)
RETURNS TABLE (asked bytea, status integer, headers jsonb, body bytea)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(in_principal || E'\x1f' || in_key, 7));
    RETURN QUERY SELECT i.asked, i.status, i.headers, i.body FROM cop.idempotency AS i
        WHERE i.principal = in_principal AND i.key = in_key AND i.made_at > clock_timestamp() - interval '24 hours';
END
$$;

-- Keep an answer; some of those past their time give way.
CREATE FUNCTION cop.keep_answer(
    in_principal text, in_key text, in_asked bytea, in_status integer, in_headers jsonb, in_body bytea
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO cop.idempotency AS i VALUES (in_principal, in_key, in_asked, in_status, in_headers, in_body)
    ON CONFLICT (principal, key) DO UPDATE SET asked = excluded.asked, status = excluded.status,
        headers = excluded.headers, body = excluded.body, made_at = excluded.made_at;
    DELETE FROM cop.idempotency AS i USING (SELECT o.principal, o.key FROM cop.idempotency AS o
        WHERE o.made_at < clock_timestamp() - interval '24 hours' LIMIT 5 FOR UPDATE SKIP LOCKED) AS old
     WHERE i.principal = old.principal AND i.key = old.key;
END
$$;

-- Requests that are past their due time without an answer are escalated, once each. Gives how many. Those that an
-- exercise's story tells are left to the story, which would take them for changed by people.
CREATE FUNCTION cop.escalate_requests() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    count_ bigint;
BEGIN
    PERFORM set_config('cop.actor', 'ticker', true);
    UPDATE layer.requests SET escalated_at = cop.clock(message_status)
     WHERE answered_at IS NULL AND escalated_at IS NULL AND due_at < cop.clock(message_status) AND source <> 'exercise';
    GET DIAGNOSTICS count_ = ROW_COUNT;
    RETURN count_;
END
$$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA cop FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cop.lock_feature(text, text), cop.write_feature(text, text, jsonb),
    cop.lock_parent(text, text, text, text), cop.write_parent(text, text, text, text, jsonb),
    cop.withdraw_feature(text, text), cop.value_before(text, text, text), cop.clock(text),
    cop.recall_answer(text, text), cop.keep_answer(text, text, bytea, integer, jsonb, bytea),
    cop.escalate_requests() TO cop_app;
