-- What backing up, restoring and upgrading ask of the store.

-- standing --
-- How far the store stands: last number, its time, the end of the chain, bytes.
SELECT n, nullif(at, '-infinity'), encode(hash, 'hex'), pg_database_size(current_database()) FROM cop.head;

-- last_migration --
-- The newest migration applied.
SELECT max(migration_id) FROM _yoyo_migration;

-- begins_next --
-- When the change after a number was made; none where there is no later one.
SELECT min(at) FROM cop.journal WHERE n > %(n)s;

-- changed_by --
-- The last change that the store has: its number and time.
SELECT n, nullif(at, '-infinity') FROM cop.head;

-- broken_links --
-- Rows of the journal that do not follow from the row before, and whether the head is the last row's.
SELECT (SELECT count(*) FROM (SELECT hash_before, lag(hash, 1, '\x'::bytea) OVER (ORDER BY n) AS before FROM cop.journal) AS j
         WHERE hash_before <> before)
     + (SELECT count(*) FROM cop.head AS h
         WHERE h.hash <> coalesce((SELECT hash FROM cop.journal ORDER BY n DESC LIMIT 1), '\x'::bytea));

-- signed --
-- The heads that were signed up to here.
SELECT n, key_id FROM cop.signed_head;

-- note_restore --
-- Say in the journal that the store was brought back, and never give a number again that a lost change had.
SELECT cop.note_restore(%(cause)s);

-- archive_mode --
SHOW archive_mode;

-- switch_segment --
-- Close the piece of the log that is being written, so that it is archived now.
SELECT pg_walfile_name(pg_switch_wal());

-- archived --
-- The last piece that was archived, and the last that could not be.
SELECT last_archived_wal, last_failed_wal, last_failed_time > coalesce(last_archived_time, '-infinity') FROM pg_stat_archiver;
