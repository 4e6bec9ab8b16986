-- History: what a load brought is in the chain, old versions can be let go, content can be redacted, heads are signed.
-- depends: 0007_writes

ALTER TABLE cop.journal DROP CONSTRAINT journal_op_check;
ALTER TABLE cop.journal ADD CHECK (op IN ('insert', 'update', 'delete', 'load', 'redact', 'prune'));

-- What a bulk load brought. Its row in the journal is sealed at commit: its payload hash is then of manifest and digest.
-- The digest is null for loads from before this table, whose rows no seal vouches for.
CREATE TABLE cop.load (
    n bigint PRIMARY KEY,
    layer text NOT NULL,
    manifest bytea NOT NULL,
    digest bytea
);
INSERT INTO cop.load SELECT n, layer, payload_hash FROM cop.journal WHERE op = 'load';

-- Up to which number a layer's closed versions are let go; the earliest moment that can be asked for is this number.
CREATE TABLE cop.horizon (
    layer text PRIMARY KEY,
    n bigint NOT NULL,
    entry bigint NOT NULL,          -- the journal's row of the last pruning
    pruned_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
GRANT SELECT (layer, n) ON cop.horizon TO cop_app;

-- Which versions were redacted, and the hash of what is left of them; the versions keep the hash of what they held.
CREATE TABLE cop.redaction (
    layer text NOT NULL,
    feature text NOT NULL,
    seq bigint NOT NULL,
    n bigint NOT NULL,              -- the journal's row
    columns text[] NOT NULL,
    reason text NOT NULL,
    content_hash bytea NOT NULL,
    PRIMARY KEY (layer, feature, seq, n)
);
CREATE INDEX redaction_n ON cop.redaction (n);

-- The journal's head, signed with a key that the database does not have.
CREATE TABLE cop.signed_head (
    n bigint NOT NULL,
    hash bytea NOT NULL,
    signed_at timestamptz NOT NULL,
    key_id text NOT NULL,
    signature bytea NOT NULL,
    PRIMARY KEY (n, key_id)
);

-- A hash over rows in their order, one at a time, so that it takes no memory.
CREATE FUNCTION cop.chain_step(so_far bytea, next_ bytea) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT sha256(so_far || next_)
$$;
CREATE AGGREGATE cop.chain(bytea) (SFUNC = cop.chain_step, STYPE = bytea, INITCOND = '\x');

-- The content's columns in the order of the table, which never changes: the file's order may. Nulls are left out.
CREATE OR REPLACE FUNCTION cop.payload_expression(spec jsonb, row_ text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    members text;
BEGIN
    SELECT string_agg(CASE WHEN c->>'type' = 'timestamptz' THEN format('cop.rfc3339(%s.%I) AS %2$I', row_, c->>'name')
                           ELSE format('%s.%I AS %2$I', row_, c->>'name') END, ', ' ORDER BY a.attnum)
      INTO members
      FROM jsonb_array_elements(spec->'columns') AS c
      JOIN pg_attribute AS a ON a.attrelid = format('history.%I', spec->>'id')::regclass AND a.attname = c->>'name'
     WHERE c->>'name' IS DISTINCT FROM spec->>'updated';
    RETURN format('sha256(convert_to((SELECT json_strip_nulls(row_to_json(p))::text FROM (SELECT %2$s) AS p), ''UTF8'')'
        ' || coalesce(ST_AsEWKB(%1$s.geom), ''\x''::bytea))',
        row_, concat_ws(', ', format('%s.id AS id', row_), members, format('%s.provenance AS provenance', row_)));
END
$$;

-- Versions by the numbers at which they begin and end: what a load brought, what may be let go. And the index of a page
-- as of a number with all in its key that decides whether a version is shown: what an index only carries along is read
-- from the table, fifty versions for each one that is shown.
ALTER FUNCTION cop.apply_indexes(jsonb) RENAME TO apply_present_indexes;
CREATE FUNCTION cop.apply_indexes(spec jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    id_ text := spec->>'id';
BEGIN
    PERFORM cop.apply_present_indexes(spec);
    IF (SELECT indnkeyatts FROM pg_index WHERE indexrelid = format('history.%I', id_ || '_version')::regclass) = 2 THEN
        EXECUTE format('DROP INDEX history.%I', id_ || '_version');
        EXECUTE format('CREATE UNIQUE INDEX %I ON history.%I (id, seq, seq_to, cls, cls_now)', id_ || '_version', id_);
    END IF;
    EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON history.%I (seq, id)', id_ || '_from', id_);
    EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON history.%I (seq_to, id) WHERE seq_to < 9223372036854775807', id_ || '_to', id_);
    IF (spec->>'labelled')::boolean THEN
        EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON history.%I (seq, seq_to, cls, cls_now) WHERE cls <> cls_now', id_ || '_relabelled', id_);
        -- Who sees one class only, as the public does, walks past none of the others' versions.
        EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON history.%I (cls, id, seq, seq_to, cls_now)', id_ || '_shown', id_);
    END IF;
END
$$;
DO $$ BEGIN PERFORM cop.apply_indexes(spec) FROM cop.layer WHERE spec ? 'geometry'; END $$;

-- The hash of what a load brought: the versions that begin with it, and those that end with it.
CREATE FUNCTION cop.load_digest(in_layer text, in_n bigint) RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE
    digest_ bytea;
BEGIN
    EXECUTE format('SELECT cop.chain(convert_to(id || sign, ''UTF8'') || payload_hash ORDER BY id, sign) FROM ('
        ' SELECT id, ''+'' AS sign, payload_hash FROM history.%1$I WHERE seq = $1 UNION ALL'
        ' SELECT id, ''-'', payload_hash FROM history.%1$I WHERE seq_to = $1 AND seq_to < 9223372036854775807) AS v', in_layer)
        INTO digest_ USING in_n;
    RETURN coalesce(digest_, '\x');
END
$$;

-- The hash of all versions of a layer that were there at a number.
CREATE FUNCTION cop.state_digest(in_layer text, in_n bigint) RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE
    digest_ bytea;
BEGIN
    EXECUTE format('SELECT cop.chain(convert_to(id || '' '' || seq || '' '' || cls, ''UTF8'') || payload_hash ORDER BY id, seq)'
        ' FROM history.%I WHERE seq <= $1 AND seq_to > $1', in_layer) INTO digest_ USING in_n;
    RETURN coalesce(digest_, '\x');
END
$$;

-- At commit: put the digest into the load's row, and make the hashes from there to the head again. All those rows are
-- of this transaction, for whoever numbers a change holds the head.
CREATE FUNCTION cop.seal_load() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    entry cop.journal;
    digest_ bytea := cop.load_digest(NEW.layer, NEW.n);
    before_ bytea;
BEGIN
    UPDATE cop.load SET digest = digest_ WHERE n = NEW.n;
    FOR entry IN SELECT * FROM cop.journal WHERE n >= NEW.n ORDER BY n LOOP
        IF entry.n = NEW.n THEN
            before_ := entry.hash_before;
            entry.payload_hash := sha256(NEW.manifest || digest_);
        END IF;
        entry.hash_before := before_;
        before_ := sha256(before_ || convert_to(concat_ws(E'\x1f', entry.n, extract(epoch FROM entry.at)::text, entry.layer,
            coalesce(entry.feature, E'\x1e'), entry.op, entry.actor, coalesce(entry.cause, E'\x1e'), coalesce(entry.cls_before, E'\x1e'),
            coalesce(entry.cls_after, E'\x1e'), extract(epoch FROM entry.told_at)::text), 'UTF8') || entry.payload_hash);
        UPDATE cop.journal SET payload_hash = entry.payload_hash, hash_before = entry.hash_before, hash = before_ WHERE n = entry.n;
    END LOOP;
    UPDATE cop.head SET hash = before_;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER seal_load AFTER INSERT ON cop.load DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION cop.seal_load();

ALTER FUNCTION cop.begin_load(text, bytea) RENAME TO take_load_number;
CREATE FUNCTION cop.begin_load(in_layer text, manifest bytea) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    n_ bigint := cop.take_load_number(in_layer, manifest);
BEGIN
    -- The number was taken with all constraints immediate; the seal waits for the rows.
    SET CONSTRAINTS cop.seal_load DEFERRED;
    INSERT INTO cop.load VALUES (n_, in_layer, manifest);
    RETURN n_;
END
$$;

-- Up to which number the kept versions of a layer, or where none is named of any, do not reach; 0 where all are kept.
CREATE FUNCTION cop.horizon_of(in_layer text) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(max(n), 0) FROM cop.horizon WHERE in_layer IS NULL OR layer = in_layer
$$;

-- When the history that a mode may ask of a layer begins (of all of them: null); null while the journal is empty.
DROP FUNCTION cop.history_begins(text);
CREATE FUNCTION cop.history_begins(in_mode text, in_layer text DEFAULT NULL) RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT least((SELECT at FROM cop.journal WHERE n >= cop.horizon_of(in_layer) ORDER BY n LIMIT 1),
        CASE WHEN in_mode = 'exercise' THEN
            (SELECT min(told_at) FROM cop.journal WHERE told_at IS NOT NULL AND n >= cop.horizon_of(in_layer)) END)
$$;

-- The time of a number: of its commit or, in an exercise, the story's where it has one.
CREATE FUNCTION cop.time_of(in_n bigint, in_mode text) RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN in_mode = 'exercise' THEN coalesce(told_at, at) ELSE at END FROM cop.journal WHERE n = in_n
$$;

-- Let go of a layer's versions that were closed at or before a number. Returns how many.
CREATE FUNCTION cop.prune(in_layer text, to_n bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    gone bigint;
    entry_ bigint;
BEGIN
    SET CONSTRAINTS ALL IMMEDIATE;
    PERFORM FROM cop.head FOR UPDATE;
    IF to_n <= cop.horizon_of(in_layer) THEN
        RETURN 0;
    END IF;
    EXECUTE format('DELETE FROM history.%I WHERE seq_to <= $1', in_layer) USING to_n;
    GET DIAGNOSTICS gone = ROW_COUNT;
    IF gone = 0 THEN
        RETURN 0;
    END IF;
    DELETE FROM cop.mark_log AS g WHERE g.layer = in_layer AND g.n < (
        SELECT max(n) FROM cop.mark_log AS k WHERE k.layer = g.layer AND k.cls = g.cls AND k.n <= to_n);
    entry_ := cop.next_number(in_layer, NULL, 'prune', NULL, NULL,
        sha256(convert_to(to_n::text, 'UTF8') || cop.state_digest(in_layer, to_n)));
    INSERT INTO cop.horizon AS h VALUES (in_layer, to_n, entry_)
    ON CONFLICT (layer) DO UPDATE SET n = to_n, entry = entry_, pruned_at = clock_timestamp();
    RETURN gone;
END
$$;

-- What a redaction's row in the journal is the hash of.
CREATE FUNCTION cop.redaction_digest(in_n bigint) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT coalesce(cop.chain(convert_to(concat_ws(E'\x1f', layer, feature, seq, array_to_string(columns, ','), reason), 'UTF8')
        || content_hash ORDER BY seq), '\x') FROM cop.redaction WHERE n = in_n
$$;

-- Empty some columns of a record, in its present and in all its past. The present changes as by any other write; past
-- versions lose the content and keep its hash, and the journal says which they are. Returns how many versions.
CREATE FUNCTION cop.redact(in_layer text, in_feature text, in_columns text[], in_reason text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    spec_ jsonb := (SELECT spec FROM cop.layer WHERE id = in_layer);
    emptied text := (SELECT string_agg(format('%I = NULL', name), ', ') FROM unnest(in_columns) AS name);
    filled text := (SELECT string_agg(format('t.%I IS NOT NULL', name), ' OR ') FROM unnest(in_columns) AS name);
    texts text := (SELECT string_agg(format('%I = %s', 'doc_' || p, cop.doc_expression(spec_, p, 't')), ', ')
                     FROM jsonb_object_keys(spec_->'profiles') AS p);
    found_ bigint[];
    n_ bigint;
    cls_ text;
BEGIN
    SET CONSTRAINTS ALL IMMEDIATE;
    EXECUTE format('UPDATE layer.%I AS t SET %s WHERE id = $1 AND (%s)', in_layer, emptied, filled) USING in_feature;
    PERFORM FROM cop.head FOR UPDATE;
    EXECUTE format('SELECT array_agg(seq) FROM history.%I AS t WHERE id = $1 AND (%s)', in_layer, filled) INTO found_ USING in_feature;
    IF found_ IS NULL THEN
        RETURN 0;
    END IF;
    EXECUTE format('UPDATE history.%I AS t SET %s, geom_3857 = CASE WHEN %L THEN NULL ELSE geom_3857 END WHERE id = $1 AND seq = ANY ($2)',
        in_layer, emptied, 'geom' = ANY (in_columns)) USING in_feature, found_;
    EXECUTE format('UPDATE history.%I AS t SET %s WHERE id = $1 AND seq = ANY ($2)', in_layer, texts) USING in_feature, found_;
    -- The digest of the rows is known before their number is, so they first stand under none.
    EXECUTE format('INSERT INTO cop.redaction SELECT %L, id, seq, 0, $3, $4, %s FROM history.%I AS t WHERE id = $1 AND seq = ANY ($2)',
        in_layer, cop.payload_expression(spec_, 't'), in_layer) USING in_feature, found_, in_columns, in_reason;
    n_ := cop.next_number(in_layer, in_feature, 'redact', NULL, NULL, cop.redaction_digest(0));
    UPDATE cop.redaction SET n = n_ WHERE n = 0;
    -- Whoever may see the past sees that his answers about it are other ones now.
    FOR cls_ IN EXECUTE format('SELECT DISTINCT cls_now FROM history.%I WHERE id = $1 AND seq = ANY ($2)', in_layer) USING in_feature, found_ LOOP
        PERFORM cop.move_mark(in_layer, cls_, n_, 0);
    END LOOP;
    RETURN cardinality(found_);
END
$$;

-- How many versions of a moment the visible set might see then and may see no longer; to be taken off the count of then.
CREATE FUNCTION cop.withdrawn_since(in_layer text, in_n bigint) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    visible text[] := nullif(current_setting('cop.visible', true), '')::text[];
    found_ bigint;
BEGIN
    EXECUTE format('SELECT count(*) FROM history.%I WHERE cls <> cls_now AND seq <= $1 AND seq_to > $1'
        ' AND cls = ANY ($2) AND NOT cls_now = ANY ($2)', in_layer) INTO found_ USING in_n, visible;
    RETURN found_;
END
$$;

-- Who made a version, when and why: read through the visible set, and never the hashes.
ALTER TABLE cop.journal ENABLE ROW LEVEL SECURITY;
CREATE POLICY visible ON cop.journal FOR SELECT TO cop_app USING (
    cls_before = ANY ((SELECT nullif(current_setting('cop.visible', true), '')::text[])::text[])
    OR cls_after = ANY ((SELECT nullif(current_setting('cop.visible', true), '')::text[])::text[])
    OR op = 'load');
GRANT SELECT (n, at, told_at, layer, op, actor, cause) ON cop.journal TO cop_app;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA cop FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cop.history_begins(text, text), cop.horizon_of(text), cop.time_of(bigint, text), cop.withdrawn_since(text, bigint) TO cop_app;
