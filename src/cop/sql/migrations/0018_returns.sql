-- Departments' returns: what was taken of each record last, so that a form sent again overwrites nobody's later work.
-- depends: 0012_restore

CREATE TABLE cop.returned (
    inbox text NOT NULL,            -- the mapping, ingest/inbox/<id>.yml
    mode text NOT NULL,
    key text NOT NULL,              -- the sender's own number
    hash bytea NOT NULL,            -- of what the row said, as mapped
    told_at timestamptz NOT NULL,   -- as of when the sender said so
    feature text NOT NULL,
    taken_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (inbox, mode, key)
);

CREATE FUNCTION cop.recall_return(in_inbox text, in_mode text, in_key text, OUT hash bytea, OUT told_at timestamptz)
RETURNS SETOF record LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT r.hash, r.told_at FROM cop.returned AS r
     WHERE r.inbox = in_inbox AND r.mode = in_mode AND r.key = in_key FOR UPDATE
$$;

CREATE FUNCTION cop.keep_return(
    in_inbox text, in_mode text, in_key text, in_hash bytea, in_told_at timestamptz, in_feature text
) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO cop.returned (inbox, mode, key, hash, told_at, feature)
    VALUES (in_inbox, in_mode, in_key, in_hash, in_told_at, in_feature)
    ON CONFLICT (inbox, mode, key) DO UPDATE
       SET hash = excluded.hash, told_at = excluded.told_at, feature = excluded.feature, taken_at = clock_timestamp()
$$;

REVOKE ALL ON FUNCTION cop.recall_return(text, text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION cop.keep_return(text, text, text, bytea, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cop.recall_return(text, text, text) TO cop_app;
GRANT EXECUTE ON FUNCTION cop.keep_return(text, text, text, bytea, timestamptz, text) TO cop_app;
