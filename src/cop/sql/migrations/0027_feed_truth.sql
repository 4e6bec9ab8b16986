-- What a feed said of a record last, column by column: where the register differs, a person has changed it. And since
-- when a record is waited for that an answer with unreadable records no longer names.
-- depends: 0021_feed_words

ALTER TABLE cop.feed_record ADD COLUMN said jsonb, ADD COLUMN missing_since timestamptz;

-- When the copy that a whole layer holds was published, where that is known: an older one does not take its place.
ALTER TABLE cop.layer ADD COLUMN published_at timestamptz;

-- Of an answer that was cut off, or refused while it came, its first bytes are kept as they came over the wire.
ALTER TABLE cop.fetch ADD COLUMN start_hash bytea;
CREATE INDEX fetch_start_hash ON cop.fetch (start_hash) WHERE start_hash IS NOT NULL;
