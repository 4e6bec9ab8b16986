-- What a feed said of a record last: the same again is left alone, so that what people have changed since then stays.
-- depends: 0017_feeds 0019_twins

ALTER TABLE cop.feed_record ADD COLUMN hash bytea;
