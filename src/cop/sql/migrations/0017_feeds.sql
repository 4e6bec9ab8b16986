-- Feeds: who asks which when, every turn with what came and what became of it, and what is known of their records.
-- depends: 0012_restore

-- Payloads are kept compressed from now on; the hash stays that of the bytes as they came.
ALTER TABLE cop.raw ADD COLUMN coding text NOT NULL DEFAULT 'plain' CHECK (coding IN ('plain', 'zlib'));
CREATE INDEX raw_kept_at ON cop.raw (kept_at);

-- A feed in a mode: when it is asked next, who has it until when, and what it came to. The token grows with each
-- holder; a load names its own, so one who was taken for dead loads nothing more.
CREATE TABLE cop.feed (
    feed text NOT NULL,
    mode text NOT NULL CHECK (mode IN ('actual', 'exercise')),
    due_at timestamptz NOT NULL DEFAULT clock_timestamp(),      -- by our own clock, as held_until
    holder text,
    token bigint NOT NULL DEFAULT 0,
    held_until timestamptz,
    parts jsonb NOT NULL DEFAULT '{}',      -- part: etag, last_modified and hash of the answer kept last
    manifest bytea,                         -- of the answer loaded last
    answered_at timestamptz,                -- when the newest loaded answer was made
    failures integer NOT NULL DEFAULT 0,    -- failed turns since the last good one
    last_attempt_at timestamptz,
    last_good_at timestamptz,
    observed_at timestamptz,
    state text CHECK (state IN ('live', 'late', 'stale', 'down', 'quiet')),
    cause text,
    seen bigint,
    refused bigint,
    told_at timestamptz,                    -- when the collection `feeds` was last told
    PRIMARY KEY (feed, mode)
);

-- A turn of a feed. Every record that came is loaded, changed, unchanged or refused: seen is their sum.
CREATE TABLE cop.turn (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    feed text NOT NULL,
    mode text NOT NULL,
    holder text NOT NULL,
    token bigint NOT NULL,
    rerun_of bigint,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    received_at timestamptz,                -- by the feed's clock, which is the scenario's with a simulator
    outcome text NOT NULL DEFAULT 'running'
        CHECK (outcome IN ('running', 'loaded', 'unchanged', 'same', 'quiet', 'late', 'failed', 'lost')),
    observed_at timestamptz,
    published_at timestamptz,
    seen bigint NOT NULL DEFAULT 0,
    inserted bigint NOT NULL DEFAULT 0,
    updated bigint NOT NULL DEFAULT 0,
    closed bigint NOT NULL DEFAULT 0,       -- records that the answer no longer holds; not among those seen
    unchanged bigint NOT NULL DEFAULT 0,
    refused bigint NOT NULL DEFAULT 0,
    cause text
);
CREATE INDEX turn_feed ON cop.turn (feed, mode, id);
CREATE INDEX turn_started_at ON cop.turn (started_at);

-- What came for a part of a feed in a turn.
CREATE TABLE cop.fetch (
    turn bigint NOT NULL REFERENCES cop.turn ON DELETE CASCADE,
    part text NOT NULL,
    fetched_at timestamptz NOT NULL,
    status integer,
    hash bytea,                             -- of cop.raw; also with status 304, of what is kept
    bytes bigint,
    ms integer NOT NULL,
    headers jsonb NOT NULL DEFAULT '{}',
    cause text,
    PRIMARY KEY (turn, part)
);
CREATE INDEX fetch_hash ON cop.fetch (hash);

ALTER TABLE cop.run ADD COLUMN turn bigint REFERENCES cop.turn ON DELETE CASCADE;
CREATE INDEX run_turn ON cop.run (turn) WHERE turn IS NOT NULL;

-- The records that a feed has brought into a register, and since when its answers no longer hold them.
CREATE TABLE cop.feed_record (
    feed text NOT NULL,
    mode text NOT NULL,
    ref text NOT NULL,
    absent_since timestamptz,
    PRIMARY KEY (feed, mode, ref)
);
