-- The audit: who read or took away what not everybody may see. Who wrote stands in the journal; here is only what the
-- journal does not know of a write: the request, and the writer's role and department.
-- depends: 0014_ticker

-- One row: the end of the audit's own chain. Whoever notes reads locks it, and no writer ever does.
CREATE TABLE cop.audit_head (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    n bigint NOT NULL DEFAULT 0,
    hash bytea NOT NULL DEFAULT '\x'
);
INSERT INTO cop.audit_head DEFAULT VALUES;

CREATE TABLE cop.audit (
    n bigint PRIMARY KEY,
    at timestamptz NOT NULL,        -- of the first of these reads
    until timestamptz NOT NULL,     -- of the last
    deed text NOT NULL CHECK (deed IN ('read', 'export', 'stream', 'subscribe')),
    form text NOT NULL,             -- items, item, versions, changes, tiles, summary, events, page, webhook, mqtt; how a subscription was changed
    actor text NOT NULL,
    role text NOT NULL,
    department text,                -- the actor's
    mode text NOT NULL,
    collection text NOT NULL,
    feature text,                   -- null: a page, a tile, a delta of the collection
    count bigint NOT NULL,          -- how many requests of the same kind within the same minute
    request text,                   -- the id of the first of them
    hash_before bytea NOT NULL,
    hash bytea NOT NULL
);
CREATE INDEX audit_at ON cop.audit (at, n);
CREATE INDEX audit_actor ON cop.audit (actor, at);

-- What the journal does not say of a change that a request made; written in the transaction of the change.
CREATE TABLE cop.write_about (
    n bigint PRIMARY KEY,
    request text,
    role text,
    department text
);
CREATE INDEX write_about_request ON cop.write_about (request);

-- The audit's head, signed; `anchor`: what lies at or before it may go.
CREATE TABLE cop.signed_audit_head (
    n bigint NOT NULL,
    hash bytea NOT NULL,
    signed_at timestamptz NOT NULL,
    key_id text NOT NULL,
    signature bytea NOT NULL,
    anchor boolean NOT NULL DEFAULT false,
    PRIMARY KEY (n, key_id)
);

-- Rows are added and never changed, by nobody; the oldest go where a signed head says what they were.
CREATE FUNCTION cop.refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND TG_TABLE_NAME = 'audit'
        AND EXISTS (SELECT FROM cop.signed_audit_head WHERE anchor AND n >= OLD.n) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'cop.% is only ever added to', TG_TABLE_NAME
        USING HINT = 'Old rows of the audit go with `cop audit prune`.', ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER only_added BEFORE UPDATE OR DELETE ON cop.audit FOR EACH ROW EXECUTE FUNCTION cop.refuse_audit_change();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON cop.audit EXECUTE FUNCTION cop.refuse_audit_change();
CREATE TRIGGER only_added BEFORE UPDATE OR DELETE ON cop.write_about FOR EACH ROW EXECUTE FUNCTION cop.refuse_audit_change();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON cop.write_about EXECUTE FUNCTION cop.refuse_audit_change();

-- Note reads, in their order: [{at, until, deed, form, actor, role, department, mode, collection, feature, count, request}, …].
CREATE FUNCTION cop.note_reads(in_rows jsonb) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    last_ cop.audit_head;
    one cop.audit;
BEGIN
    SELECT * INTO last_ FROM cop.audit_head FOR UPDATE;
    FOR one IN SELECT * FROM jsonb_populate_recordset(NULL::cop.audit, in_rows) LOOP
        last_.n := last_.n + 1;
        one.n := last_.n;
        one.hash_before := last_.hash;
        one.hash := sha256(last_.hash || convert_to(concat_ws(E'\x1f', one.n, extract(epoch FROM one.at)::text,
            extract(epoch FROM one.until)::text, one.deed, one.form, one.actor, one.role, coalesce(one.department, E'\x1e'), one.mode,
            one.collection, coalesce(one.feature, E'\x1e'), one.count, coalesce(one.request, E'\x1e')), 'UTF8'));
        INSERT INTO cop.audit SELECT one.*;
        last_.hash := one.hash;
    END LOOP;
    UPDATE cop.audit_head SET n = last_.n, hash = last_.hash;
    RETURN last_.n;
END
$$;

-- Beside each row of the journal that a request made: which, and of whom. The settings end with the transaction.
CREATE FUNCTION cop.note_write() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO cop.write_about VALUES (NEW.n, current_setting('cop.request', true),
        nullif(current_setting('cop.role', true), ''), nullif(current_setting('cop.department', true), ''));
    RETURN NULL;
END
$$;
CREATE TRIGGER note_write AFTER INSERT ON cop.journal FOR EACH ROW
    WHEN (nullif(current_setting('cop.request', true), '') IS NOT NULL) EXECUTE FUNCTION cop.note_write();

-- Whether a record belonged to a department at a number, or at any time (null); false where its versions are gone.
CREATE FUNCTION cop.was_owned(in_layer text, in_feature text, in_n bigint, in_department text) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
DECLARE
    owner_ text := (SELECT spec->>'owner' FROM cop.layer WHERE id = in_layer);
    found_ boolean;
BEGIN
    IF owner_ IS NULL OR in_feature IS NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('SELECT EXISTS (SELECT FROM history.%I WHERE id = $1 AND %I = $2 AND ($3 IS NULL OR (seq <= $3 AND seq_to >= $3)))',
        in_layer, owner_) INTO found_ USING in_feature, in_department, in_n;
    RETURN found_;
END
$$;

-- What was read (cop.audit) and written (the journal), newest first, behind a place (time, kind, number). Filters that are
-- null let all pass. `in_department`: as its administrators see it: what its people did, and what others did with records
-- that are or were its own, and with whole collections of labelled records.
CREATE FUNCTION cop.audited(
    in_mode text, in_department text, in_from timestamptz, in_to timestamptz, in_actor text, in_of text, in_collection text,
    in_feature text, in_deed text, in_request text, before_at timestamptz, before_kind text, before_n bigint, in_rows integer
) RETURNS TABLE (
    at timestamptz, kind text, n bigint, until timestamptz, deed text, form text, actor text, role text, department text, mode text,
    collection text, feature text, count bigint, request text
) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    (SELECT a.at, 'read', a.n, a.until, a.deed, a.form, a.actor, a.role, a.department, a.mode, a.collection, a.feature, a.count, a.request
       FROM cop.audit AS a
      WHERE (in_mode IS NULL OR a.mode = in_mode) AND a.at >= in_from AND a.at <= in_to
        AND (before_at IS NULL OR (a.at, 'read', a.n) < (before_at, before_kind, before_n))
        AND (in_actor IS NULL OR a.actor = in_actor) AND (in_of IS NULL OR a.department = in_of)
        AND (in_collection IS NULL OR a.collection = in_collection) AND (in_feature IS NULL OR a.feature = in_feature)
        AND (in_deed IS NULL OR a.deed = in_deed) AND (in_request IS NULL OR a.request = in_request)
        AND (in_department IS NULL OR a.department = in_department OR (a.feature IS NULL AND a.collection <> 'audit')
             OR cop.was_owned(a.collection, a.feature, NULL, in_department))
      ORDER BY a.at DESC, a.n DESC LIMIT in_rows)
    UNION ALL
    (SELECT j.at, 'write', j.n, j.at, j.op, 'journal', j.actor, w.role, w.department,
            CASE WHEN coalesce(j.cls_after, j.cls_before) LIKE '%:%' THEN split_part(coalesce(j.cls_after, j.cls_before), ':', 1) END, j.layer, j.feature, 1, w.request
       FROM cop.journal AS j LEFT JOIN cop.write_about AS w ON w.n = j.n
      WHERE (in_mode IS NULL OR split_part(coalesce(j.cls_after, j.cls_before, ''), ':', 1) = in_mode)
        AND j.at >= in_from AND j.at <= in_to
        AND (before_at IS NULL OR (j.at, 'write', j.n) < (before_at, before_kind, before_n))
        AND (in_actor IS NULL OR j.actor = in_actor) AND (in_of IS NULL OR w.department = in_of)
        AND (in_collection IS NULL OR j.layer = in_collection) AND (in_feature IS NULL OR j.feature = in_feature)
        AND (in_deed IS NULL OR j.op = in_deed OR (in_deed = 'write' AND j.op IN ('insert', 'update', 'delete')))
        AND (in_request IS NULL OR w.request = in_request)
        AND (in_department IS NULL OR w.department = in_department OR cop.was_owned(j.layer, j.feature, j.n, in_department))
      ORDER BY j.at DESC, j.n DESC LIMIT in_rows)
    ORDER BY 1 DESC, 2 DESC, 3 DESC LIMIT in_rows
$$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA cop FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cop.note_reads(jsonb), cop.audited(text, text, timestamptz, timestamptz, text, text, text, text, text, text,
    timestamptz, text, bigint, integer) TO cop_app;
