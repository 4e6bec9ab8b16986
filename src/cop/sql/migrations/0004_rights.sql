-- Rights of the app role: it reads what its visible set may see, and writes nothing.
-- depends: 0003_apply_layer

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'cop_app') THEN
        RAISE EXCEPTION 'the role cop_app does not exist'
            USING HINT = 'As a superuser: CREATE ROLE cop_app LOGIN PASSWORD ''…'';';
    END IF;
END
$$;

GRANT USAGE ON SCHEMA cop, layer, history, obs TO cop_app;

ALTER TABLE cop.mark ENABLE ROW LEVEL SECURITY;
ALTER TABLE cop.mark_log ENABLE ROW LEVEL SECURITY;
CREATE POLICY visible ON cop.mark FOR SELECT TO cop_app
    USING (cls = ANY ((SELECT nullif(current_setting('cop.visible', true), '')::text[])::text[]));
CREATE POLICY visible ON cop.mark_log FOR SELECT TO cop_app
    USING (cls = ANY ((SELECT nullif(current_setting('cop.visible', true), '')::text[])::text[]));
GRANT SELECT ON cop.mark, cop.mark_log, cop.secret TO cop_app;
GRANT SELECT (id, applied_at, provenance, loaded_at) ON cop.layer TO cop_app;
GRANT EXECUTE ON FUNCTION cop.rfc3339(timestamptz), cop.number_at(timestamptz), cop.history_begins() TO cop_app;
