-- The journal: one order of all changes, what each visible set may know of it, and the runs that made them.
-- depends:

CREATE SCHEMA cop;
CREATE SCHEMA layer;
CREATE SCHEMA history;
CREATE SCHEMA obs;
CREATE SCHEMA layer_code;

-- One row. Whoever numbers a change locks it until commit, so numbers are commit order.
CREATE TABLE cop.head (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    n bigint NOT NULL DEFAULT 0,
    at timestamptz NOT NULL DEFAULT '-infinity',
    hash bytea NOT NULL DEFAULT '\x'
);
INSERT INTO cop.head DEFAULT VALUES;

CREATE TABLE cop.journal (
    n bigint PRIMARY KEY,
    at timestamptz NOT NULL,
    layer text NOT NULL,
    feature text,                   -- null: a load of many features, told by its manifest's hash
    op text NOT NULL CHECK (op IN ('insert', 'update', 'delete', 'load')),
    actor text NOT NULL,
    cause text,
    cls_before text,
    cls_after text,
    payload_hash bytea NOT NULL,
    hash_before bytea NOT NULL,
    hash bytea NOT NULL
);
CREATE INDEX journal_at ON cop.journal (at);
CREATE INDEX journal_feature ON cop.journal (layer, feature, n);

-- High-water mark and number of features of a layer, per label class.
CREATE TABLE cop.mark (
    layer text NOT NULL,
    cls text NOT NULL,
    n bigint NOT NULL,
    count bigint NOT NULL,
    PRIMARY KEY (layer, cls)
);

-- The same, as it was at each number.
CREATE TABLE cop.mark_log (
    layer text NOT NULL,
    cls text NOT NULL,
    n bigint NOT NULL,
    count bigint NOT NULL,
    PRIMARY KEY (layer, cls, n)
);

CREATE TABLE cop.layer (
    id text PRIMARY KEY,
    spec jsonb NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    provenance text CHECK (provenance IN ('real', 'exercise')),
    manifest bytea,                 -- hash of what was loaded last
    loaded_at timestamptz
);

-- Raw payloads by the hash of their bytes, so that a run can be run again.
CREATE TABLE cop.raw (
    hash bytea PRIMARY KEY,
    kept_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    body bytea NOT NULL
);

CREATE TABLE cop.run (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    layer text NOT NULL,
    origin text NOT NULL,           -- file or address below the data folder
    raw_hash bytea,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done', 'unchanged', 'failed')),
    provenance text,
    seen bigint NOT NULL DEFAULT 0,
    inserted bigint NOT NULL DEFAULT 0,
    updated bigint NOT NULL DEFAULT 0,
    closed bigint NOT NULL DEFAULT 0,
    unchanged bigint NOT NULL DEFAULT 0,
    refused bigint NOT NULL DEFAULT 0,
    n bigint,                       -- the journal's number, where anything changed
    cause text
);
CREATE INDEX run_layer ON cop.run (layer, id);

-- What a run refused, mended or doubted, each with its reason.
CREATE TABLE cop.remark (
    run bigint NOT NULL REFERENCES cop.run ON DELETE CASCADE,
    ordinal bigint NOT NULL,
    kind text NOT NULL CHECK (kind IN ('refused', 'mended')),
    feature text,
    reason text NOT NULL,
    record text,
    PRIMARY KEY (run, kind, ordinal)
);

-- Numbers of incidents already drawn on a day.
CREATE TABLE cop.drawn (
    prefix text NOT NULL,
    day date NOT NULL,
    number integer NOT NULL,
    PRIMARY KEY (prefix, day, number)
);

-- Secrets that every server process shares (the key that signs cursors).
CREATE TABLE cop.secret (
    name text PRIMARY KEY,
    value bytea NOT NULL
);
INSERT INTO cop.secret VALUES
    ('cursor', sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')));
